"""Places: what a line's position and neighbours tell.

Before the first paragraph stand title, subtitle, byline and section; captions stand above their credits, or twice.
Between paragraphs nothing is taken by place alone.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Final, Optional

from schemas.records import Caption
from transforms.scrub.credits import PHOTOGRAPHER, credit_line
from transforms.scrub.datelines import is_dateline, split_dateline
from transforms.scrub.draft import Draft, is_doubled_name, is_lone_name, share_again, stems_of
from transforms.scrub.furniture import shows_page
from transforms.scrub.languages import Active, Match
from transforms.scrub.repair import join_broken
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import (
    LIST_ITEM,
    ends_sentence,
    has_case,
    is_headline,
    is_name,
    is_prose,
    is_title_case,
    words_of,
)
from transforms.scrub.words import fold, plain_tokens

MAX_CALL_WORDS: Final = 3  # of a line above the title that may be a site's: "Manage my choices"
MAX_TITLE_WORDS: Final = 20  # 99 % of 530 titles have no more
MAX_HEAD_LINES: Final = 4  # unexplained short lines before the first paragraph that may be title and subtitle
MAX_SCRAPS: Final = 6  # … or names and sections: more are a list
DOUBLED_HEAD: Final = 3  # so many lines above the text, a doubled one being one, are more than title and caption
MIN_CAPTION_WORDS: Final = 6
DEK_OVERLAP: Final = 0.8  # share of a subtitle's words that the paragraphs below it use again
DEK_REACH: Final = 3  # of these paragraphs
MAX_DEK_CHARS: Final = 260
MIN_DEK_STEMS: Final = 8
RETOLD: Final = 0.4  # share of the title's words that a subtitle uses again; of six first paragraphs that only sum up
# those below them, five were the article's: they used 0.0 to 0.3 of it, and one 0.6
MIN_ALIEN_STEMS: Final = 4  # longer words of a caption; of 370 titles that have two, four share none with their text
SAME_TITLE: Final = 0.8  # share of words that two forms of a title have in common
TOLD_AGAIN: Final = 0.3  # share of a title's words that the first paragraphs use,
TOLD_SOMEWHERE: Final = 0.6  # … or the whole text
_SIGNING: Final = frozenset(("bio", "source", "stray"))  # kinds of which one line is no trace of a page
_SENTENCES = re.compile(r"[^\W\d_]{3}\. \w.*[^\W\d_]{3}\.(?: |$)")
_PATH = re.compile(r"[^<>›»/|]{2,40}(?:\s[>›»▸▶→⟩❯]\s[^<>›»/|▸▶→⟩❯]{2,40}){1,4}")
_BYLINE = re.compile(r"[^\W\d_][\w.'’-]+(?: [\w.'’-]+){1,3}(?:,| [|/–—-]) [^\W\d_][\w.'’-]*(?: [\w.'’-]+){0,3}")


def take_dateline(draft: Draft, rules: Rules, active: Active) -> None:
    """A dateline on a line of its own before the first paragraph, before it can be taken for a credit."""
    places = draft.open()
    for at in reversed(places[: _body(draft, places)]):
        line = draft.lines[at]
        if not is_dateline(line, rules.agency_names, rules.places) or credit_line(line, rules):
            continue
        if active.picturing.isdisjoint(plain_tokens(line)):  # "(File photo - Reuters)"
            draft.dateline = line
            draft.take(at, "any.dateline")
            return


def take_scraps(draft: Draft) -> None:
    """Bylines and section names before the first paragraph."""
    places = draft.open()
    body = _body(draft, places)
    above = places[:body] if body < len(places) else []
    for at in above:
        if _PATH.fullmatch(draft.lines[at]):
            draft.take(at, "any.path", "breadcrumb")
    head = [at for at in above if draft.found[at] is None] if shows_page(draft) else []
    if len(head) > MAX_SCRAPS:
        return
    longer = any(len(words_of(draft.lines[at])) > 2 for at in head)
    for at in head:
        line = draft.lines[at]
        if is_doubled_name(draft, at) or _lacks_caption(draft.found[at + 1]):
            continue
        alone = (
            is_lone_name(line)
            and (has_case(line) or len(head) > 1)
            and not (
                any(map(str.isdigit, line))
                or draft.lines.count(line) > 1
                or _heads_list(draft, at)
                or _told_again(draft, line, places[body:])
            )
        )
        if alone or (_BYLINE.fullmatch(line) and is_name(line, most=8)):
            draft.take(at, "any.byline", "prefix")
        elif len(words_of(line)) <= 2 and not ends_sentence(line):
            matches = [match for match in draft.beside(at) if match is not None]
            below_path = any(match.kind == "breadcrumb" for match in matches)
            if below_path or line.count(" ") == 0 or (longer and matches):
                draft.take(at, "any.section", "breadcrumb")


def take_captions(draft: Draft) -> None:
    """The line above a bare credit is its caption, where it cannot be the title and is more than a subheading."""
    places = draft.open()
    body = _body(draft, places)
    head = places[:body] if body < len(places) else []
    for at, match in enumerate(draft.found):
        if match is not None and match.rule == PHOTOGRAPHER:
            _show_if_told(draft, at, match)
    titles: Optional[bool] = None  # whether the first line may be the title: looked at once, where it matters
    for at, match in enumerate(draft.found[1:]):  # `at` is the line above
        if match is None or not _lacks_caption(match) or draft.found[at] is not None:
            continue
        line = draft.lines[at]
        if not is_headline(line) or is_prose(line) or line[-1] in '?!”»"' or LIST_ITEM.match(line):
            continue
        named = len(words_of(line)) <= 3 and is_name(line)
        first = at in head and line == draft.lines[head[0]]  # the first line, or that line again
        if first and titles is None:
            titles = not _is_alien(line, [draft.lines[k] for k in places[body:]])
        if named or (not (first and titles) if at in head else len(words_of(line)) >= MIN_CAPTION_WORDS):
            draft.take(at, "any.caption-above-credit", "credit")
            draft.found[at + 1] = match._replace(slots={**match.slots, "caption": line})
            if at and draft.found[at - 1] is None and draft.lines[at - 1] == line:
                draft.take(at - 1, "any.caption-again", "credit")


def _lacks_caption(match: Optional[Match]) -> bool:
    """Whether a line credits a picture without telling what it shows: its caption may stand above it."""
    return match is not None and match.kind == "credit" and not match.slots.get("caption")


def _show_if_told(draft: Draft, at: int, match: Match) -> None:
    """A person beside an agency of whom the text tells is shown, and took no picture: "Angela Merkel / dpa"."""
    name, _, credit = draft.lines[at].partition("/")
    if any(words_of(name)[-1] in draft.lines[k] for k in draft.open()):
        draft.found[at] = match._replace(slots={"caption": name.strip(), "credit": credit.strip()})


def take_doubles(draft: Draft) -> None:
    """A short line twice running is a caption and its alternative text, or the title; a paragraph is one too many.

    What stands more often is a refrain, or a part of a table.
    """
    places = draft.open()
    body, times = _body(draft, places), Counter(draft.lines)
    last = max((at for at in places if is_prose(draft.lines[at])), default=len(draft.lines))
    trailing = range(last + 1, len(draft.lines))
    for first, second in pairwise(places):
        line = draft.lines[first]
        if line != draft.lines[second] or draft.found[first] is not None or not words_of(line) or "://" in line:
            continue
        if is_prose(line) or (len(line) >= 60 and ends_sentence(line)):
            draft.take(first, "any.duplicate")
        elif (
            first == places[0]
            and times[line] == 2
            and len({draft.lines[at] for at in places[:body]}) < DOUBLED_HEAD
            and (_names_text(draft, line, places[body:]) or _is_twice(draft, places[2:body]))
        ):
            draft.take(first, "any.title-again")
        elif times[line] == 2 and any(word.isalpha() and len(word) > 1 for word in words_of(line)):
            draft.take(first, "any.doubled-caption", "credit")
            draft.take(second, "any.doubled-caption", "credit")
            labelled = first - 1 in trailing and draft.found[first - 1] is None
            if not labelled:  # else it is a teaser's headline
                draft.pictures.append(Caption(line, ""))


def _heads_list(draft: Draft, at: int) -> bool:
    """Whether the first item of a list stands below a line that is none."""
    return bool(LIST_ITEM.match(draft.lines[at + 1])) and not LIST_ITEM.match(draft.lines[at])


def _is_twice(draft: Draft, head: Sequence[int]) -> bool:
    """Whether among lines above the text one stands twice running: the caption below a title that does, too."""
    return any(draft.lines[one] == draft.lines[other] for one, other in pairwise(head))


def _is_alien(line: str, below: Sequence[str]) -> bool:
    """Whether a text uses none of a line's longer words: of 370 titles in scripts with capitals 4 are so."""
    return has_case(line) and len(stems_of(line)) >= MIN_ALIEN_STEMS and not share_again(line, below)


def _names_text(draft: Draft, line: str, below: Sequence[int]) -> bool:
    """Whether a doubled line above the text is its title rather than a caption: captions ask and announce nothing."""
    if is_lone_name(line):
        return False
    return (
        line[-1] in "?!"
        or ": " in line
        or len(words_of(line)) <= 3
        or _told_again(draft, line, below)
        or share_again(line, [draft.lines[at] for at in below]) >= TOLD_SOMEWHERE
    )


def _body(draft: Draft, places: Sequence[int]) -> int:
    """Which of the places the article's own text begins at: the first paragraph, or the first half of a broken one."""
    for number, at in enumerate(places):
        line = draft.lines[at]
        if is_prose(line) or (line[-1] == "." and len(words_of(line)) >= 5 and not is_title_case(line)):
            return number
        follows = draft.lines[places[number + 1]] if number + 1 < len(places) else ""
        if follows[:1].islower() and line.count(" ") >= 5 and is_prose(f"{line} {follows}"):
            return number
    return len(places)


def _told_again(draft: Draft, line: str, below: Sequence[int]) -> bool:
    """Whether the first paragraphs use a good part of the line's words again."""
    return share_again(line, [draft.lines[at] for at in below[:DEK_REACH]]) >= TOLD_AGAIN


def take_head(draft: Draft, title: str, rules: Rules, *, dirty: bool, stopped: bool) -> None:
    """Title and subtitle: short lines before the first paragraph; lines that repeat the title.

    In a text with no trace of a page around it, a short first line is the article's own. `stopped`: a dateline may end
    with a full stop.
    """
    places = draft.open()
    body = _body(draft, places)
    if body in (0, len(places)):
        return
    kinds = [match.kind for match in draft.found if match is not None]
    doubled = any(match is not None and match.rule == "any.title-again" for match in draft.found)
    signed = len(kinds) == 1 and kinds[0] in _SIGNING and not doubled  # below many a clean text
    opened = split_dateline(draft.lines[places[body]], *rules.dateline_names, stopped=stopped) is not None
    traces = title or dirty or opened or (kinds and not signed)
    if not (traces or len(join_broken(draft.lines)) < len(draft.lines)):
        return
    head = places[:body]
    if title and not any(_same(draft.lines[at], title) for at in head):
        return
    if len(head) <= MAX_HEAD_LINES:
        _take_titles(draft, head, title, [draft.lines[at] for at in places[body:]])
    if draft.title and not title and _is_dek(draft, places[body:]):
        draft.subtitle = draft.lines[places[body]]
        draft.take(places[body], "any.subtitle")
    for at in draft.open():
        if draft.title and draft.lines[at] == draft.title and not is_prose(draft.title):
            draft.take(at, "any.title-again")


def _take_titles(draft: Draft, head: Sequence[int], title: str, below: Sequence[str]) -> None:
    """The title, once or twice, and what stands above it and speaks of something else than the text.

    Where the page does not tell it, it is the first line of which the text speaks. What stands between it and the text
    is as often the article's as a page's, and stays.
    """
    labels = {draft.lines[at] for at in head if len(words_of(draft.lines[at])) <= 3 and _heads_list(draft, at)}
    lines = [draft.lines[at] for at in head if _may_be_title(draft.lines[at]) and draft.lines[at] not in labels]
    longer = [line for line in lines if len(words_of(line)) > 2]
    alien = len(longer) > 1 and len(words_of(longer[0])) <= MAX_CALL_WORDS and not share_again(longer[0], below)
    told = [line for line in longer if share_again(line, below) >= TOLD_AGAIN] if alien else []
    wanted = title or (told or longer or lines or [""])[0]
    for at in takewhile(lambda at: not _same(draft.lines[at], wanted), head if told else ()):
        if not share_again(draft.lines[at], below):
            draft.take(at, "any.above-title")
    for at in head:
        line = draft.lines[at]
        if not draft.title and _same(line, wanted):
            draft.title = line
            draft.take(at, "any.title")
        elif _same(line, wanted, differs=False):
            draft.take(at, "any.title-again")


def _may_be_title(line: str) -> bool:
    """Whether a line above the text may be the title: not too long, one sentence, and no label of what follows."""
    return line.count(" ") < MAX_TITLE_WORDS and line[-1] not in ":;," and not _SENTENCES.search(line)


def _same(line: str, title: str, *, differs: bool = True) -> bool:
    """Whether a line is the title, give or take a site's suffix; where it `differs`, with a word or two changed."""
    if line == title:
        return True
    one, other = (set(map(fold, words_of(text))) for text in (line, title))
    if not differs and not (one <= other or other <= one):
        return False
    return bool(one and other) and len(one & other) >= SAME_TITLE * max(len(one), len(other))


def _is_dek(draft: Draft, below: Sequence[int]) -> bool:
    """Whether the first paragraph only sums up those below it, and tells the title at more length."""
    if len(below) <= DEK_REACH or len(draft.lines[below[0]]) > MAX_DEK_CHARS:
        return False
    line, *after = (draft.lines[at] for at in below[: 1 + DEK_REACH])
    long = len(stems_of(line)) >= MIN_DEK_STEMS
    return long and share_again(line, after) >= DEK_OVERLAP and share_again(draft.title, [line]) >= RETOLD
