"""Strangers: headlines of other articles, told by sharing hardly a word with the text, whatever their label says.

"Catch up: Bakers warn of flour shortage", or a few words on a line of their own and headlines below them. A subheading
or an item of a list uses words of the text it belongs to.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from transforms.scrub.draft import Draft, Told
from transforms.scrub.shapes import LIST_ITEM, ends_sentence, is_headline, is_person, is_prose, words_of

MIN_PARAGRAPHS: Final = 4  # of a text that must use a word of its subheadings somewhere
MAX_LABEL_WORDS: Final = 5
MIN_WORDS: Final = 4  # of a headline …
MIN_LONGER: Final = 3  # … of more than three letters
MAX_BLOCK: Final = 6  # headlines under one label
MAX_SHARED: Final = 0.2  # share of a headline's longer words that the text may use
_LABELLED = re.compile(
    r"\W{0,3}(?P<label>[^\W\d_][^:|>›»→\d]{2,40}?)\s*(?:[:|>›»→\]]+|\s[–—]|\.\.+)\s*(?P<headline>\S.*?)[)\]»›→>\s]*"
)
_SPOKEN = re.compile(r"\W*[“”„«»\"‘—–-]")  # a quotation, or who is quoted


def take_strangers(draft: Draft, own: Set[int]) -> None:
    """Take labelled headlines between two paragraphs, or below the last, that share hardly a word with the text.

    Advice, fact boxes and verses do so, too: only a text in which a page has left other lines is looked at. Lines of
    `own` were given back for their place, and stay.
    """
    prose = [at for at in draft.open() if is_prose(draft.lines[at])]
    if len(prose) < MIN_PARAGRAPHS or not any(draft.found):
        return
    labels = Counter(found["label"] for line in draft.lines if (found := _LABELLED.match(line)) is not None)
    told = Told([draft.lines[at] for at in prose])
    for run in _runs(draft, prose):
        if own.isdisjoint(run):
            lines = [draft.lines[at] for at in run]
            strange = _is_labelled(lines[0], labels, told) if len(run) == 1 else _is_block(lines, told)
            for at in run if strange else ():
                draft.take(at, "any.stranger", "teasers")


def _runs(draft: Draft, prose: Sequence[int]) -> Iterator[Sequence[int]]:
    """The lines that no rule knows between each two paragraphs, and those below the last."""
    for first, last in zip(prose, [*prose[1:], len(draft.lines)], strict=True):
        run = [at for at in range(first + 1, last) if draft.found[at] is None]
        if run and len(run) <= MAX_BLOCK + 1:
            yield run


def _is_labelled(line: str, labels: Mapping[str, int], told: Told) -> bool:
    """Whether a line is another article's headline with a label before it; one that stands twice tells who speaks."""
    found = _LABELLED.fullmatch(line)
    if found is None or len(words_of(found["label"])) > MAX_LABEL_WORDS or not _is_strange(found["headline"], told):
        return False
    if ends_sentence(line) and line[found.end("label")] == ":":  # "He asked: …?"
        return False
    return labels[found["label"]] == 1


def _is_block(lines: Sequence[str], told: Told) -> bool:
    """Whether lines are a label and other articles' headlines below it."""
    label, *headlines = lines
    if (
        len(words_of(label)) > MAX_LABEL_WORDS
        or label[-1] in ",;"
        or ends_sentence(label)
        or is_person(label)
        or LIST_ITEM.match(label)
    ):
        return False
    strange = all(_is_strange(line, told) and not _SPOKEN.match(line) for line in headlines)
    return strange and told.share(label) < 1


def _is_strange(line: str, told: Told) -> bool:
    """Whether a line is a headline of something that no paragraph of the text speaks of."""
    words = words_of(line)
    if (
        not is_headline(line)
        or (ends_sentence(line) and line[-1] not in "?!")
        or line[0].islower()
        or line[0].isdigit()
        or LIST_ITEM.match(line)
    ):
        return False
    return len(words) >= MIN_WORDS and sum(len(w) > 3 for w in words) >= MIN_LONGER and told.share(line) <= MAX_SHARED
