"""Decide: whether two signatures are of the same article, told in other words: copied, cut, glued or written through.

Containment (share of the shorter text found in the longer) says it, three guards take back what shares text but not
news: filled-in templates, an outlet's own footers, and weekly columns.
"""

import json
import re
from functools import lru_cache
from typing import Final, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt
from apache_beam.coders import RowCoder, registry
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Signature
from schemas.settings import DedupSettings
from transforms.scrub.frequencies import everyday_words

_FEW_HASHES: Final = 40  # a sketch this small was topped up, and reaches beyond the sampling bound
_MIN_SAMPLE: Final = 12  # hashes of the shorter text that a containment needs to be believed

# Guard against templates, on numbers and weekdays that both texts give after the same words. The second rule was made
# on financial briefs: between .45 and .70, one conflict among three is a template. [Without the guard: -.021 F1]
_MANY_CONFLICTS: Final = 3
_MANY_SHARE: Final = 0.40
_WEAK_CONTAINMENT: Final = 0.70
_WEAK_SHARE: Final = 0.33

# Guard against footers: two addresses of one outlet are one article only if the titles meet, the first sentences of
# one stand in the other, or nearly all text is common. Where a title is missing, nearly all of the shorter one will do.
# [One page as several extractors left it, untitled: .80 and .85 keep F1 .994, .90 .992, no such rule .988]
_SAME_OUTLET_JACCARD: Final = 0.85
_SAME_OUTLET_LEAD: Final = 0.5
_UNTITLED_CONTAINMENT: Final = 0.85

# Titles say little by themselves (columns share theirs), but where two outlets chose like words above a text of which a
# third is common, it is one article. [Copies that were cut, edited and glued: +.002 F1; .14: wire precision -.02]
_TITLES_COUNT: Final = 0.10
_LIKE_TITLES: Final = 0.34  # of the shorter one's words
_TELLING: Final = 2  # words in common that say what a title is about, at least

_BACKGROUND: Final = 0.30  # texts that share less have a quotation or background in common: no weight in a cluster

_WORD: Final = re.compile(r"\w+")


class Profile(NamedTuple):
    """A signature made ready for comparing: unpack each once."""

    signature: Signature
    sketch: npt.NDArray[np.uint32]
    members: frozenset[int]
    numbers: dict[str, str]
    title: frozenset[str]
    lead: frozenset[int]
    footer: frozenset[int]


class Head(NamedTuple):
    """What clustering needs to know of a signature."""

    article_id: str
    version: int
    outlet: str
    cluster_id: str
    length: int
    published_at: Optional[Timestamp]
    fetched_at: Timestamp
    canonical_hint: str
    stored: bool  # the article was known before this run
    component: str = ""  # oldest of the stored clusters that it is linked to; "" for what is not stored


class Verdict(NamedTuple):
    """How two texts relate."""

    containment: float  # share of the shorter found in the longer, 0..1
    jaccard: float  # 0..1
    same: bool  # the same article
    weight: float  # what the pair counts in a cluster's average: as `compare` says, 0..1


class Edge(NamedTuple):
    """Two texts that have something in common, or two versions of one article; `a` has the smaller id, or version."""

    a: Head
    b: Head
    verdict: Verdict


for _record in (Head, Verdict, Edge):
    registry.register_coder(_record, RowCoder)


def head(signature: Signature, *, stored: bool) -> Head:
    """Return the part of `signature` that clustering looks at."""
    return Head(
        signature.article_id,
        signature.version,
        signature.outlet,
        signature.cluster_id,
        signature.length,
        signature.published_at,
        signature.fetched_at,
        signature.canonical_hint,
        stored,
        (signature.component or signature.cluster_id) if stored else "",
    )


def connect(a: Profile, a_stored: bool, b: Profile, b_stored: bool, settings: DedupSettings) -> Optional[Edge]:
    """Return the edge between two texts, None where they have nothing in common."""
    verdict = compare(a, b, settings)
    if verdict is None:
        return None
    first, second = head(a.signature, stored=a_stored), head(b.signature, stored=b_stored)
    if (second.article_id, second.version) < (first.article_id, first.version):
        first, second = second, first
    return Edge(first, second, verdict)


def unpack(signature: Signature) -> Profile:
    """Return the profile of `signature`."""
    sketch = np.frombuffer(signature.sketch, "<u4")
    return Profile(
        signature,
        sketch,
        frozenset(sketch.tolist()),
        json.loads(signature.numbers),
        title_words(signature.title),
        frozenset(np.frombuffer(signature.lead, "<u4").tolist()),
        frozenset(np.frombuffer(signature.footer, "<u4").tolist()),
    )


def title_words(title: str) -> frozenset[str]:
    """Return the words of a title."""
    return frozenset(_WORD.findall(title.casefold()))


@lru_cache(maxsize=4_096)
def like_titles(a: frozenset[str], b: frozenset[str]) -> bool:
    """Return whether two titles, given as their words, have enough of them in common to be of one story.

    Two of these must tell what it is about: no numbers, no everyday words of their likely language.
    """
    shared = a & b
    if len(shared) < max(_TELLING, _LIKE_TITLES * min(len(a), len(b))):
        return False
    either = a | b
    everyday = max(everyday_words(), key=lambda words: len(words & either))
    return sum(not word.isdecimal() for word in shared - everyday) >= _TELLING


def overlap(a: Profile, b: Profile) -> tuple[float, float]:
    """Return (containment, Jaccard similarity) of two texts, both 0..1, as their sketches estimate them."""
    shared = len(a.members & b.members)
    if shared == 0:
        return 0.0, 0.0
    small, large = sorted((a, b), key=lambda profile: (len(profile.sketch), -int(profile.sketch[-1])))
    sample = len(small.sketch)
    if sample <= _FEW_HASHES and small.sketch[-1] > large.sketch[-1]:
        within = int(np.searchsorted(small.sketch, large.sketch[-1], "right"))
        sample = max(within, min(_MIN_SAMPLE, sample))
    return shared / sample, shared / (len(a.sketch) + len(b.sketch) - shared)


def compare(a: Profile, b: Profile, settings: DedupSettings) -> Optional[Verdict]:
    """Return how two texts relate, None where they have nothing in common.

    The weight is the containment, with what like titles of two outlets add to it; 0 where it is background, or a guard
    speaks against the pair.
    """
    own = a.signature.outlet == b.signature.outlet
    if own:
        footer = a.footer | b.footer
        a, b = _above(a, footer), _above(b, footer)
    containment, jaccard = overlap(a, b)
    if a.signature.article_id == b.signature.article_id:
        return Verdict(containment, jaccard, same=True, weight=containment)
    if containment == 0:
        return None
    copied = not own and like_titles(a.title, b.title)
    evidence = min(1.0, containment + _TITLES_COUNT) if copied else containment
    same = evidence >= settings.min_containment
    if same and (
        _is_template(a, b, containment)
        or _is_footer(a, b, containment, jaccard)
        or _is_column(a, b, containment, settings)
    ):
        return Verdict(containment, jaccard, same=False, weight=0.0)
    return Verdict(containment, jaccard, same, weight=evidence if same or containment >= _BACKGROUND else 0.0)


def _above(profile: Profile, footer: frozenset[int]) -> Profile:
    """`profile` without what is the outlet's `footer`."""
    if footer.isdisjoint(profile.members):
        return profile
    sketch = profile.sketch[[number not in footer for number in profile.sketch.tolist()]]
    return profile._replace(sketch=sketch, members=profile.members - footer, lead=profile.lead - footer)


def moment(signature: Union[Signature, Head]) -> Timestamp:
    """Return when an article appeared: as published, else as fetched."""
    return signature.fetched_at if signature.published_at is None else signature.published_at


def _is_template(a: Profile, b: Profile, containment: float) -> bool:
    common = a.numbers.keys() & b.numbers.keys()
    conflicts = sum(a.numbers[context] != b.numbers[context] for context in common)
    if conflicts >= _MANY_CONFLICTS and conflicts >= _MANY_SHARE * len(common):
        return True
    return containment < _WEAK_CONTAINMENT and conflicts >= 1 and conflicts >= _WEAK_SHARE * len(common)


def _is_column(a: Profile, b: Profile, containment: float, settings: DedupSettings) -> bool:
    """Long after the first, what still shares half of its text is the next brief of a series."""
    hours = abs(float(moment(a.signature) - moment(b.signature))) / 3600
    return hours > settings.far_hours and containment < settings.far_containment


def _is_footer(a: Profile, b: Profile, containment: float, jaccard: float) -> bool:
    if a.signature.outlet != b.signature.outlet or jaccard >= _SAME_OUTLET_JACCARD:
        return False
    if max(_lead_found(a, b), _lead_found(b, a)) >= _SAME_OUTLET_LEAD:
        return False
    if not (a.title and b.title):
        return containment < _UNTITLED_CONTAINMENT
    return not like_titles(a.title, b.title)


def _lead_found(a: Profile, b: Profile) -> float:
    """The share of `a`'s first sentences that stands in `b`."""
    comparable = [h for h in a.lead if h <= b.sketch[-1]]
    return sum(h in b.members for h in comparable) / max(1, len(comparable))
