"""Furniture: lines that their wording gives away, doubtful ones beside them, and what is given back for its place."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, Optional

from transforms.scrub.credits import (
    MAX_CREDIT_LINE,
    PHOTOGRAPHER,
    PICTURE_WORDS,
    credit_line,
    is_photographer,
    names_agencies,
    names_one,
    split_credit,
)
from transforms.scrub.draft import Draft, is_doubled_name, share_again
from transforms.scrub.frames import is_all_frame
from transforms.scrub.lines import by_frame, classify, joined_kind
from transforms.scrub.rules import Active, Match, Rules
from transforms.scrub.shapes import (
    LIST_ITEM,
    ends_sentence,
    has_case,
    is_headline,
    is_name,
    is_person,
    is_prose,
    words_of,
)
from transforms.scrub.strangers import take_strangers
from transforms.scrub.words import fold, plain_tokens, stem_of, tokens

LEAD_PARAGRAPHS: Final = 2  # the first may be a summary, with date and byline only below it
MAX_RUN_WORDS: Final = 3  # of a line read together with its neighbours
RUN_REACH: Final = 4  # such lines on either side
OWN_PARAGRAPHS: Final = 3  # that use a telling word, and it is what the article is about
OFTEN: Final = 3  # times that a line stands in a text as a part of its tables or lists
FURNISHES: Final = frozenset(
    ("comments", "promo", "share", "teaser", "teasers", "footer", "tags", "bio", "source", "consent", "languages")
)
"""Kinds that make a line beside them doubtful, and a text's tail begin."""
_BELOW: Final = frozenset(("comments", "footer", "languages", "tags"))  # kinds that stand alone in mid-text nowhere
MAX_BIO_CHARS: Final = 300  # of a biography below its label
MAX_PASSES: Final = 3  # in which misplaced lines are given back
HEADED: Final = 0.5  # share of a subheading's words that its paragraph uses: 0.5 and more, of a teaser's up to 0.4
MAX_ITEMS: Final = 3  # lines away that the next item of a list is looked for
MAX_SIGNED: Final = MAX_CREDIT_LINE + 20  # characters of a credit with its label and brackets
MIN_ANNOUNCING: Final = 3  # spaces of a sentence with a colon that announces a list …
MIN_ITEMS: Final = 3  # … of so many lines,
MAX_ITEM_WORDS: Final = 5  # … each of so many words
_LISTED: Final = frozenset(("stray", "share", "languages", "comments", "promo", "credit"))  # kinds that items look like
MAX_ITEM_CHARS: Final = 100  # of an item without a sign before it
_WORDS: Final = frozenset(("any.stray", "any.stray-word", "any.placeholders"))  # what stands for nothing alone
_CLAIM = re.compile(r"(?:copyright|©|\([cC]\)|\s|:)+", re.IGNORECASE)
_COPYRIGHT = re.compile(r"^\([cC]\)\s*")
_ANYWHERE: Final = frozenset(("promo", "share", "teaser", "teasers", "consent", "credit", "stray", "code", "source"))


def take_furniture(draft: Draft, rules: Rules, active: Active, judged: dict[str, Optional[Match]]) -> None:
    """Lines that their own wording gives away, then doubtful ones beside them, then headlines under a teaser label.

    `judged` tells, and is told, what lines are by their own wording: a text's are the same in the next round.
    """
    for at in draft.open():
        if (line := draft.lines[at]) not in judged:
            judged[line] = _by_itself(line, rules, active)
        draft.found[at] = judged[line]
    own, home = _give_back_own(draft, rules), active[0].name
    beside = {at + side for at in _misplaced(draft, home) for side in (-1, 1)} - own
    for at in draft.open():  # a label beside a line that is no subheading after all
        if at in beside:
            short = draft.lines[at].count(" ") <= MAX_RUN_WORDS
            draft.found[at] = classify(draft.lines[at], rules, active, near=True) if short else None
    for _ in range(MAX_PASSES):  # one that goes back may have been the only neighbour of another
        if not (misplaced := _misplaced(draft, home)):
            break
        own.update(misplaced)
        for at in misplaced:
            draft.found[at] = None
    furnished = any(map(_furnishes, draft.found))
    for at in (*draft.open(), *reversed(draft.open())) if furnished else ():
        if draft.found[at] is None and at not in own and not is_doubled_name(draft, at) and is_furnished(draft, at):
            draft.found[at] = classify(draft.lines[at], rules, active, near=True)
    for at in draft.open():
        short = draft.lines[at].count(" ") < MAX_RUN_WORDS and not ends_sentence(draft.lines[at])
        if not short or at in own or is_doubled_name(draft, at):
            continue
        draft.found[at] = joined_kind(_run(draft.lines, at), active)
        if draft.found[at] is None and len(around := draft.beside(at)) == 2 and all(map(_is_form, around)):
            draft.take(at, "any.between-furniture")
    for at, match in enumerate(draft.found):
        if match is None or match.kind not in ("teasers", "teaser") or match.slots:
            continue
        if match.kind == "teasers" or None in draft.found[:at]:  # else the text's own title stands below the label
            _take_headlines(draft, at + 1, many=match.kind == "teasers")
    take_strangers(draft, own)
    _take_tags(draft, rules, active)
    _take_biography(draft)


def _by_itself(line: str, rules: Rules, active: Active) -> Optional[Match]:
    """What a line is by its wording, else by the shape of a credit."""
    line = _COPYRIGHT.sub("© ", line)
    signed = line.removeprefix("©").strip()
    by_shape = _credit_by_shape(signed, rules, claimed=signed != line)
    by_wording = classify(line, rules, active)
    if by_wording is None and (parts := split_credit(line, rules)) is not None:
        named = is_photographer(parts[0], line)
        slots = {"credit": line} if named else {"caption": parts[0], "credit": parts[1]}
        by_wording = Match(PHOTOGRAPHER if named else "any.caption-with-credit", "credit", slots)
    if by_wording is not None:
        by_wording = _with_right_credit(by_wording, line, rules, active)
    footer = by_wording is not None and by_wording.kind == "footer"
    return by_shape if by_shape and (footer or signed != line) else by_wording or by_shape


def _with_right_credit(match: Match, line: str, rules: Rules, active: Active) -> Match:
    """A match by wording with what its shape tells better: who is credited, and for what."""
    slots = match.slots
    if match.kind == "source" and "/" in line and credit_line(named := slots.get("source", "-"), rules):
        return match._replace(kind="credit", slots={"credit": named})  # "Quelle: dpa/Mara Lind"
    if match.kind == "footer" and names_agencies(named := _CLAIM.sub("", line), rules.agencies) and named != line:
        return match._replace(kind="credit", slots={"credit": named})  # "Copyright: Shutterstock"
    if match.kind == "teaser" and names_one(slots.get("headline", "-")):  # "Video: Mara Keller"
        framed = by_frame(line, tokens(line, rules.months), rules, active)
        return framed if framed is not None and framed.kind == "credit" else match
    if match.kind in ("footer", "source") and not match.telling:
        framed = by_frame(line, tokens(line, rules.months), rules, active)
        if (
            framed is not None
            and framed.kind == "source"
            and len(framed.slots["source"]) > len(slots.get("source", ""))
        ):
            match = match._replace(kind="source", slots=framed.slots)
            slots = match.slots
    if match.kind in ("bio", "prefix") and names_agencies(name := slots.get("name", "-"), rules.agencies):
        return match._replace(kind="source", slots={"source": name})  # "Text by Agence France-Presse"
    if match.kind != "credit" or "caption" not in slots:
        return match
    caption = slots["caption"]
    if names_agencies(caption.rpartition(". ")[2], rules.agencies) and (parts := split_credit(line, rules)):
        return match._replace(slots={"caption": parts[0], "credit": parts[1]})  # "… the vote. AP Photo/Hadi Karim"
    if is_all_frame(
        plain_tokens(caption), [frame for one in active for frame in one.frames], "credit"
    ):  # "Imagen de archivo. EFE"
        return match._replace(slots={"credit": slots["credit"]}) if "credit" in slots else match
    return match


def _credit_by_shape(line: str, rules: Rules, *, claimed: bool) -> Optional[Match]:
    """A line that credits a picture by its shape alone: an agency's or account's, or a person's and another's (`©`)."""
    if len(line) > MAX_SIGNED and not claimed:
        return None
    inner = line[1:-1].strip() if line[0] + line[-1] in ("()", "[]") else line
    label, _, rest = inner.partition(" ")
    if fold(label) in PICTURE_WORDS and credit_line(rest.strip() or "-", rules):
        inner = rest.strip()
    elif not credit_line(inner, rules) and not (claimed and _names_two(inner)):
        signed = names_one(inner) and rules.offices.isdisjoint(fold(inner).split())
        return Match("any.claim", "credit", {"credit": inner}) if claimed and signed else None
    return Match("any.credit-shape", "credit", {"credit": inner})


def _names_two(text: str) -> bool:
    """Whether a text is a person's name and another name: "Jean Martin / Hafenbild"."""
    parts = [part.strip() for part in text.split("/")]
    return len(parts) == 2 and all(map(is_name, parts)) and any(map(is_person, parts))


def is_furnished(draft: Draft, at: int) -> bool:
    """Whether a line stands beside furniture."""
    return any(map(_furnishes, draft.beside(at)))


def _furnishes(match: Optional[Match]) -> bool:
    """Whether a line is furniture that makes those beside it doubtful."""
    return match is not None and match.kind in FURNISHES


def _is_form(match: Optional[Match]) -> bool:
    """Whether a line is a part of a form or bar, between whose parts no word is the article's."""
    return match is not None and match.kind in ("comments", "promo", "share", "consent", "footer", "languages")


def _give_back_own(draft: Draft, rules: Rules) -> set[int]:
    """Give back lines made of a vocabulary's words that are the article's own all the same; return which.

    A text about subscriptions speaks of them in its paragraphs; in a table a line stands again and again; a list goes
    or stays as a whole.
    """
    told = [
        at
        for at, match in enumerate(draft.found)
        if match is not None and (match.telling or match.rule in _WORDS or _is_sentence_of_list(draft.lines[at]))
    ]
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    own = _told_of(draft, prose) | _give_back_lists(draft, prose)
    if not told:
        return own
    telling = {word for match in draft.found if match is not None for word in match.telling}
    used = Counter(word for at in prose for word in telling.intersection(tokens(draft.lines[at], rules.months)))
    times = Counter(draft.lines)
    inside = range(prose[0], prose[-1]) if prose else range(0)
    for at in told:
        match = draft.found[at]
        about = match is not None and bool(match.telling) and all(used[w] >= OWN_PARAGRAPHS for w in match.telling)
        if about or times[draft.lines[at]] >= OFTEN or _is_of_a_list(draft, at, inside):
            draft.found[at] = None
            own.add(at)
    return own


def _give_back_lists(draft: Draft, prose: Sequence[int]) -> set[int]:
    """Give back short lines that a sentence with a colon announces ("The form asks for five things:"); return which."""
    own: set[int] = set()
    for at in draft.open():
        if not prose or at < prose[0] or draft.lines[at][-1] != ":" or draft.lines[at].count(" ") < MIN_ANNOUNCING:
            continue
        items = list(takewhile(lambda k: _may_be_item(draft, k), range(at + 1, len(draft.lines))))
        if len(items) >= MIN_ITEMS:
            own.update(items)
    for at in own:
        draft.found[at] = None
    return own


def _may_be_item(draft: Draft, at: int) -> bool:
    """Whether a line may be an item of a list: a few words that end no sentence, and tell nothing for a field."""
    match, line = draft.found[at], draft.lines[at]
    return line.count(" ") < MAX_ITEM_WORDS and not ends_sentence(line) and (match is None or match.kind in _LISTED)


def _told_of(draft: Draft, prose: Sequence[int]) -> set[int]:
    """Give back sentences about a person of whom the text tells elsewhere: no biography of its author; return which."""
    people = {at: match.slots["person"] for at, match in enumerate(draft.found) if match and "person" in match.slots}
    if not people:
        return set()
    used = {stem_of(word) for at in prose for word in words_of(draft.lines[at]) if not word[0].islower()}
    own = {at for at, person in people.items() if stem_of(words_of(person)[-1]) in used}
    for at in own:
        draft.found[at] = None
    return own


def _is_sentence_of_list(line: str) -> bool:
    """Whether a line is a sentence with a list's sign before it: "• Print the form."."""
    return ends_sentence(line) and LIST_ITEM.match(line) is not None


def _is_of_a_list(draft: Draft, at: int, inside: range) -> bool:
    """Whether a line is an item of a list whose other items are the article's.

    The items have a sign before them; or they are short lines, `inside` the text, and the first may announce them.
    """
    near = range(max(0, at - MAX_ITEMS), min(len(draft.lines), at + MAX_ITEMS + 1))
    above = next((k for k in reversed(near) if k < at and draft.found[k] is None), None)
    below = next((k for k in near if k > at and draft.found[k] is None), None)
    if LIST_ITEM.match(draft.lines[at]):
        return any(k is not None and abs(k - at) == 1 and LIST_ITEM.match(draft.lines[k]) for k in (above, below))
    if above is None or below is None or above not in inside or below not in inside:
        return False
    return not any(is_prose(draft.lines[k]) or len(draft.lines[k]) > MAX_ITEM_CHARS for k in (above, below))


def _misplaced(draft: Draft, home: str) -> list[int]:
    """Lines that are furniture only in their place: a date or byline above the text, a tag line or biography below it.

    Elsewhere a date heads a row of a table, "FAQ" and "About" are subheadings, and lone words side by side are a list;
    an English word in a text of another language, whose name is `home`, is none of these.
    """
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    if len(prose) <= LEAD_PARAGRAPHS:
        return []
    return [
        at
        for at in range(prose[0] + 1, prose[-1])
        if (at > prose[LEAD_PARAGRAPHS - 1] or _may_head(draft, at))
        and _is_misplaced(draft, at, home, last=at > prose[-2])
    ]


def _may_head(draft: Draft, at: int) -> bool:
    """Whether a line is a word, such as "Contact", that stands at a page's foot, else heads a paragraph."""
    match = draft.found[at]
    return match is not None and match.kind in _BELOW and " " not in draft.lines[at]


def _is_misplaced(draft: Draft, at: int, home: str, *, last: bool) -> bool:
    """Whether what was found of a line between two paragraphs does not hold there; `last`: one of them is below it."""
    match = draft.found[at]
    if match is None:
        return False
    if match.kind == "prefix":
        return not is_furnished(draft, at) and not any(m is not None and m.kind == "code" for m in draft.beside(at))
    if match.kind == "bio":
        return not (last and _introduces_author(draft, at))
    if match.kind == "source" and match.telling:
        return not last and not is_furnished(draft, at)
    if " " not in draft.lines[at] and not is_furnished(draft, at) and _heads_next(draft, at):
        return True
    if match.kind in _BELOW and (not last or _ends_page_alone(draft, at)):
        return not is_furnished(draft, at)
    if match.rule == "any.stray-word":  # of a list, a name in small letters, or a link's that stands in a sentence
        beside = [(draft.found[k], draft.lines[k]) for k in (at - 1, at + 1)]
        return any(
            (m is None or m.rule == match.rule) and (line.count(" ") <= 1 or line[0].islower()) for m, line in beside
        )
    anywhere = match.kind in _ANYWHERE and not (match.telling and match.kind != "share")
    foreign = match.rule.startswith("en.") and home != "en"
    if anywhere or foreign or len(words_of(draft.lines[at])) > 2 or draft.lines[at][-1] in "0123456789)":
        return False
    return not any(beside is not None for beside in draft.beside(at))


def _ends_page_alone(draft: Draft, at: int) -> bool:
    """Whether a word above the last paragraph, such as "Contact", has no more furniture below it, as a foot has."""
    return " " not in draft.lines[at] and not any(draft.found[at + 1 :])


def _take_biography(draft: Draft) -> None:
    """The last, short paragraph below a label such as "About the author"."""
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    for at in range(prose[-2] + 1 if len(prose) > 1 else len(draft.lines), len(draft.lines) - 1):
        if draft.found[at + 1] is None and _introduces_author(draft, at):
            draft.take(at + 1, "any.biography", "bio")


def _introduces_author(draft: Draft, at: int) -> bool:
    """Whether a label such as "About the author" stands above a last, short paragraph on a person not named before.

    A label names nobody and gives no address; a name's first word the text writes nowhere small, as it does "The".
    """
    match, label, below = draft.found[at], draft.lines[at], draft.lines[at + 1 : at + 2]
    if match is None or match.kind != "bio" or label.count(" ") > MAX_RUN_WORDS or ends_sentence(label):
        return False
    if any(" " in told for told in match.slots.values()):
        return False
    if "@" in label or is_person(" ".join(label.split()[-2:])) or not below or len(below[0]) > MAX_BIO_CHARS:
        return False
    first, *last = below[0].split()[:2]
    if (
        not last
        or (has_case(first) and not is_person(f"{first} {last[0]}"))
        or any(f" {first.lower()} " in line for line in draft.lines)
    ):
        return False
    return not any(last[0] in line for line in draft.lines[:at])


def _run(lines: Sequence[str], at: int) -> str:
    """The very short lines around a line, itself among them, as one line."""
    first, last = at, at
    while first > max(0, at - RUN_REACH) and lines[first - 1].count(" ") < MAX_RUN_WORDS:
        first -= 1
    while last < min(len(lines) - 1, at + RUN_REACH) and lines[last + 1].count(" ") < MAX_RUN_WORDS:
        last += 1
    return " ".join(lines[first : last + 1]) if last > first else ""


def _take_headlines(draft: Draft, first: int, *, many: bool) -> None:
    """Headlines that follow a label such as "Related stories"; one that heads the paragraph below it stays."""
    taken = []
    for at in range(first, len(draft.lines) if many else min(first + 1, len(draft.lines))):
        line = draft.lines[at]
        if draft.found[at] is not None:
            continue
        if not is_headline(line) or is_prose(line) or len(words_of(line)) < 3 or (not many and line[0].isdigit()):
            break
        taken.append(at)
    if taken and _heads_next(draft, taken[-1]):
        taken.pop()
    for at in taken:
        draft.take(at, "any.teaser-headline", "teasers")


def _heads_next(draft: Draft, at: int) -> bool:
    """Whether a line is the subheading of the paragraph below it, which says half of its words again."""
    below = draft.lines[at + 1 : at + 2]
    return any(map(is_prose, below)) and share_again(draft.lines[at], below) >= HEADED


def _take_tags(draft: Draft, rules: Rules, active: Active) -> None:
    """Tags below the last paragraph, each on a line of its own under a label such as "Topics"."""
    last = max((at for at in draft.open() if is_prose(draft.lines[at])), default=len(draft.lines))
    for at in range(last + 1, len(draft.lines) - 1):
        label = draft.lines[at].rstrip(" :")
        if label.count(" ") > MAX_RUN_WORDS or not _may_be_tag(draft, at + 1):
            continue
        labelled = classify(f"{label}: A, B", rules, active) if label else None  # as if they stood behind it
        if labelled is None or labelled.kind != "tags" or not (draft.found[at] is None or _labels(draft.found[at])):
            continue
        draft.take(at, labelled.rule, "tags")
        for below in takewhile(lambda k: _may_be_tag(draft, k), range(at + 1, len(draft.lines))):
            draft.take(below, labelled.rule, "tags")


def _labels(match: Optional[Match]) -> bool:
    """Whether a line is a label of tags that stand below it."""
    return match is not None and match.kind == "tags" and not match.slots


def _may_be_tag(draft: Draft, at: int) -> bool:
    """Whether a line that no rule knows may be one tag: a few words, the first of them not small."""
    line = draft.lines[at]
    return draft.found[at] is None and line.count(" ") < MAX_RUN_WORDS and line[-1].isalnum() and not line[0].islower()


def leave_notes(draft: Draft) -> None:
    """Give back sentences on how the article came about, where they are all that was found.

    What they tell, fields have by now.
    """
    if not shows_page(draft):
        draft.found = [None] * len(draft.lines)


def shows_page(draft: Draft) -> bool:
    """Whether what was found shows a page around the text: something besides sentences on how the article came about.

    "Additional contributions by Mara Keller.", "This story first ran on Harbour Press.": newsrooms write them below the
    text, into its last paragraph. A biography is none of these.
    """
    return any(
        match is not None and not (_is_note(match) and ends_sentence(line))
        for line, match in zip(draft.lines, draft.found, strict=True)
    )


def _is_note(match: Match) -> bool:
    """Whether a line names who contributed to the article, or who had it first."""
    return match.kind in ("bio", "source") and bool(match.slots) and "person" not in match.slots
