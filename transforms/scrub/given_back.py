"""What is given back: lines whose wording is furniture's, and which are the article's own for where they stand."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from transforms.scrub.draft import Draft, furnishes, is_furnished, share_again
from transforms.scrub.rules import Rules
from transforms.scrub.shapes import LIST_ITEM, ends_sentence, has_case, is_person, is_prose, is_statement, words_of
from transforms.scrub.stamps import misplaced_stamps
from transforms.scrub.words import stem_of, tokens

LEAD_PARAGRAPHS: Final = 2  # the first may be a summary, with who wrote it only below it
OWN_PARAGRAPHS: Final = 3  # that use a telling word, and it is what the article is about
OFTEN: Final = 3  # times that a line stands in a text as a part of its tables or lists
_BELOW: Final = frozenset(("comments", "footer", "languages", "tags"))  # kinds that stand alone in mid-text nowhere
MAX_BIO_CHARS: Final = 300  # of a biography below its label
MAX_BIO_LABEL: Final = 4  # words of that label
MAX_ITEMS: Final = 3  # lines away that the next item of a list is looked for
MIN_ANNOUNCING: Final = 3  # spaces of a sentence with a colon that announces a list …
MAX_LISTED: Final = 60  # lines that one sentence may announce
MIN_ITEMS: Final = 3  # … of so many lines,
MAX_ITEM_WORDS: Final = 5  # … each of so many words
_LISTED: Final = frozenset(("stray", "share", "languages", "comments", "promo", "credit"))  # kinds that items look like
MAX_ITEM_CHARS: Final = 100  # of an item without a sign before it
_WORDS: Final = frozenset(("any.stray", "any.stray-word", "any.placeholders"))  # what stands for nothing alone
_ANYWHERE: Final = frozenset(("promo", "share", "teaser", "teasers", "consent", "credit", "stray", "code", "source"))
HEADED: Final = 0.5  # share of a subheading's words that its paragraph uses: 0.5 and more, of a teaser's up to 0.4


def give_back_own(draft: Draft, rules: Rules) -> set[int]:
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
    own = _told_of(draft) | _give_back_lists(draft, prose)
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
        below = range(at + 1, min(at + 1 + MAX_LISTED, len(draft.lines)))
        items = list(takewhile(lambda k: _may_be_item(draft, k), below))
        if len(items) >= MIN_ITEMS:
            own.update(items)
    for at in own:
        draft.found[at] = None
    return own


def _may_be_item(draft: Draft, at: int) -> bool:
    """Whether a line may be an item of a list: a few words that end no sentence, and tell nothing for a field."""
    match, line = draft.found[at], draft.lines[at]
    return line.count(" ") < MAX_ITEM_WORDS and not ends_sentence(line) and (match is None or match.kind in _LISTED)


def _told_of(draft: Draft) -> set[int]:
    """Give back sentences about a person of whom the text tells elsewhere: no biography of its author; return which."""
    people = {at: match.slots["person"] for at, match in enumerate(draft.found) if match and "person" in match.slots}
    if not people:
        return set()
    told: dict[str, int] = {}  # where first; -1 in a paragraph: a short sentence below a biography may go on with it
    for at in draft.open():
        if (prose := is_prose(line := draft.lines[at])) or is_statement(line):
            stems = {stem_of(word) for word in words_of(line) if not word[0].islower()}
            told.update((stem, min(told.get(stem, at), -1 if prose else at)) for stem in stems)
    own = {at for at, person in people.items() if told.get(stem_of(words_of(person)[-1]), at) < at}
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


def misplaced_lines(draft: Draft, rules: Rules, home: str) -> list[int]:
    """Lines that are furniture only in their place: a date or byline above the text, a tag line or biography below it.

    Elsewhere a date heads a row of a table, "FAQ" and "About" are subheadings, and lone words side by side are a list;
    an English word in a text of another language, whose name is `home`, is none of these.
    """
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    own = _people_in_text(draft) + misplaced_stamps(draft, prose, rules)
    if len(prose) <= LEAD_PARAGRAPHS:
        return own
    times = Counter(match.rule for match in draft.found if match is not None)
    return own + [
        at
        for at in range(prose[0] + 1, prose[-1])
        if (at > prose[LEAD_PARAGRAPHS - 1] or _may_head(draft, at))
        and at not in own
        and _is_misplaced(draft, at, home, times, last=at > prose[-2])
    ]


def _people_in_text(draft: Draft) -> list[int]:
    """Lines that introduce people between two sentences of the article, however short, with no furniture beside them.

    They are those whom the article is about, a jury's winners or its experts.
    """
    people = [at for at, match in enumerate(draft.found) if match and match.kind == "bio" and "person" in match.slots]
    if not people:
        return []
    told = [at for at in draft.open() if is_prose(draft.lines[at]) or is_statement(draft.lines[at])]
    inside = [at for at in people if told and told[0] < at < told[-1]]
    return [at for at in inside if not any(m and furnishes(m) and m.kind != "bio" for m in draft.beside(at))]


def _may_head(draft: Draft, at: int) -> bool:
    """Whether a line is a word, such as "Contact", that stands at a page's foot, else heads a paragraph."""
    match = draft.found[at]
    return match is not None and match.kind in _BELOW and " " not in draft.lines[at]


def _is_misplaced(draft: Draft, at: int, home: str, times: Mapping[str, int], *, last: bool) -> bool:
    """Whether what was found of a line between two paragraphs does not hold there; `last`: one of them is below it.

    `times` tells how many lines each rule found.
    """
    match = draft.found[at]
    if match is None or match.kind == "prefix":  # stamps are looked at by themselves
        return False
    if match.kind == "bio":
        return not (last and introduces_author(draft, at))
    if match.kind == "source" and match.telling:
        return not last and not is_furnished(draft, at)
    if " " not in draft.lines[at] and not is_furnished(draft, at) and heads_next(draft, at):
        return True
    if match.kind in _BELOW and (not last or _ends_page_alone(draft, at)):
        return not is_furnished(draft, at)
    if match.rule.endswith((".buttons", ".age")) and not is_furnished(draft, at):  # "50 years ago", of a column
        kept = [draft.lines[k] for k in (at - 1, at + 1) if draft.found[k] is None]
        return times[match.rule] > 1 or not all(map(is_prose, kept))
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


def introduces_author(draft: Draft, at: int) -> bool:
    """Whether a label such as "About the author" stands above a last, short paragraph on a person not named before.

    A label names nobody and gives no address; a name's first word the text writes nowhere small, as it does "The".
    Where no capital tells a name, the paragraph says "author", or what else the label says, again.
    """
    match, label, below = draft.found[at], draft.lines[at], draft.lines[at + 1 : at + 2]
    if match is None or match.kind != "bio" or label.count(" ") >= MAX_BIO_LABEL or ends_sentence(label):
        return False
    if any(" " in told for told in match.slots.values()):
        return False
    if "@" in label or is_person(" ".join(label.split()[-2:])) or not below or len(below[0]) > MAX_BIO_CHARS:
        return False
    first, *last = below[0].split()[:2]
    if not last or any(f" {first.lower()} " in line for line in draft.lines):
        return False
    if not (is_person(f"{first} {last[0]}") if has_case(first) else share_again(label, below)):
        return False
    return not any(last[0] in line for line in draft.lines[:at])


def _ends_page_alone(draft: Draft, at: int) -> bool:
    """Whether a word above the last paragraph, such as "Contact", has no more furniture below it, as a foot has."""
    return " " not in draft.lines[at] and not any(draft.found[at + 1 :])


def heads_next(draft: Draft, at: int) -> bool:
    """Whether a line is the subheading of the paragraph below it, which says half of its words again."""
    below = draft.lines[at + 1 : at + 2]
    return any(map(is_prose, below)) and share_again(draft.lines[at], below) >= HEADED
