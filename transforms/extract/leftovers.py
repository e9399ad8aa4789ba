"""What stands beside the text and is kept apart: captions in their field, and the lines left out with their reason."""

import re
from collections.abc import Sequence
from typing import Final

from schemas.records import Caption, Removal
from transforms.extract.declared import fold
from transforms.extract.segment import HEADINGS, Block, Segments
from transforms.extract.vocabulary import ACTS, APART, BIT, acts_named
from transforms.scrub.shapes import words_of

_MAX_CAPTIONS: Final = 50
_MAX_REMOVALS: Final = 40  # of one article
_MAX_CHARS: Final = 300  # of one removal
_BYLINE: Final = 80  # characters: a longer line that begins with "by" tells more than who wrote it
_BEFORE: Final = 6  # blocks ahead of the text that are told: bylines, share bars, standfirsts
_AFTER: Final = 12  # blocks behind it: bios, appeals, the first teasers
_MAX_CREDIT: Final = 60  # characters
_CREDIT = re.compile(  # at a caption's head or behind a sign: "the source: a spring" is part of a sentence
    r"(?:^|(?<=[()\[\]|.!?…—–/”\"©]))"
    r" ?(?:(?:(?-i:[A-Z]{2,5}) |file )?"
    r"(?:photo|photograph|picture|image|foto|bild|crédit|credit|quelle)s?(?: credits?)? ?[:/]|"
    r"(?:photo|photograph|picture|image)s? (?:by|courtesy of)\b)|©(?! ?(?:photo|picture|image|foto|bild)s?:)",
    re.I,
)
_SMALL: Final = frozenset(  # what the names in a credit may be beside, in small letters
    "dpa epa afp ap sda apa imago picture alliance images courtesy via handout pool file archive photo photos and und "
    "et the of for von de la al".split()
)
_MAX_SMALL: Final = 1  # other words in small letters

# Rules by the containers' names, the most telling first.
_BY_NAME: Final = (
    (APART["stream"], "live_entry"),
    (BIT["comment"] | APART["readers"], "comment"),
    (BIT["signup"] | APART["appeal"], "newsletter"),
    (BIT["related"], "related"),
    (BIT["bio"] | APART["person"], "author_bio"),
    (BIT["share"], "share"),
    (BIT["ad"], "advertisement"),
    (BIT["consent"] | APART["cookies"], "consent"),
    (BIT["embed"], "embed"),
    (BIT["nav"], "navigation"),
    (BIT["foot"], "footer"),
    (BIT["meta"], "meta"),
    (BIT["wall"], "paywall"),
)
_BY_WORDS: Final = {
    "more": "related", "signup": "newsletter", "share": "share", "rights": "rights", "credit": "caption",
    "byline": "byline", "bio": "author_bio", "comment": "comment", "media": "media",
}  # fmt: skip


def captions(segments: Segments, kept: Sequence[Block]) -> list[Caption]:
    """Return what stands under the pictures between the title and the article's end, in the order of the page."""
    if not kept:
        return []
    indexes = {block.index for block in kept}
    out: dict[str, Caption] = {}
    for block in segments.blocks[: max(indexes) + 1]:
        if block.index not in indexes and is_caption(block):
            text = " ".join(block.text.split())
            out.setdefault(text, Caption("", text) if _is_credit(block) else split_caption(text))
    return list(out.values())[:_MAX_CAPTIONS]


def split_caption(text: str) -> Caption:
    """Return a caption and the credit that it names in its last words.

    >>> split_caption("Soldiers at the post (Photo: Ilka Brandt/Vellin)")
    Caption(text='Soldiers at the post', credit='Ilka Brandt/Vellin')
    """
    sign = next((found for found in _CREDIT.finditer(text) if len(text) - found.end() <= _MAX_CREDIT), None)
    if sign is None or not _names(credit := text[sign.end() :].strip(" .)]")):
        return Caption(text, "")
    return Caption(text[: sign.start()].rstrip(" ([|/—–-"), credit)


def _names(credit: str) -> bool:
    """Whether a credit names somebody: people, agencies, an agency's name in small letters."""
    words = words_of(credit)
    other = [word for word in words if word.islower() and word not in _SMALL]
    return bool(words) and len(other) <= _MAX_SMALL and words[0] not in (*other, "the")


def removals(segments: Segments, kept: Sequence[Block], title: str) -> list[Removal]:
    """Return the lines left out inside and right beside the text, in the order of the page, each with its rule (dom_…).

    The rest of the page (menus, footers, lists of articles) is no part of the article and is not told.
    """
    if not kept:
        return []
    indexes = {block.index for block in kept}
    first, last = min(indexes), max(indexes)
    near = segments.blocks[max(first - _BEFORE, 0) : last + 1 + _AFTER]
    echo = fold(title)
    inside = range(first, last)
    told = [b for b in near if b.index not in indexes and (b.index in inside or not _is_chrome(b))]
    out = [Removal(f"dom_{_rule(block, echo)}", block.text[:_MAX_CHARS]) for block in told]
    return out[:_MAX_REMOVALS]


def _rule(block: Block, echo: str) -> str:
    container = block.container
    if container.tag in HEADINGS and fold(block.text) == echo:
        return "title_echo"
    if is_caption(block):
        return "caption"
    words = block.text[:_MAX_CHARS].lower().split()
    acts = acts_named(words) if words else 0
    if block.chars < _BYLINE and acts & 1 << ACTS.index("byline"):
        return "byline"
    names = container.suspect | block.inline
    for at in container.chain():
        names |= at.groups if at.apart else 0
    for bits, rule in _BY_NAME:
        if names & bits:
            return rule
    named = next((act for position, act in enumerate(ACTS) if acts >> position & 1), "")
    if named and block.chars < _MAX_CHARS:
        return _BY_WORDS[named]
    return "link" if block.link > 0.9 * block.chars else "unlikely"


def _is_chrome(block: Block) -> bool:
    return any(at.tag in ("nav", "footer") for at in block.container.chain())


def is_caption(block: Block) -> bool:
    """Whether a block stands under a picture."""
    chain = list(block.container.chain())[:4]
    return any(at.tag == "figcaption" for at in chain) or (
        any(at.tag == "figure" for at in chain) and bool(block.container.groups & BIT["caption"])
    )


def _is_credit(block: Block) -> bool:
    return "credit" in block.container.kind.lower()
