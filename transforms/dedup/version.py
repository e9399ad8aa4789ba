"""Version: one article under one address, and whether its text is new."""

from collections.abc import Iterable, Sequence
from typing import Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, Signature, VersionState
from schemas.settings import DedupSettings
from transforms.dedup.decide import unpack
from transforms.dedup.signature import sign

_NEVER = Timestamp(1 << 40)


def choose(articles: Iterable[Article]) -> tuple[Article, Sequence[Article]]:
    """Return the article that stands for an address, and the others that led to it.

    The fullest text wins, then the entry that the feeds stamped first, then the order of feeds and links: the same
    choice whatever the order of arrival.
    """
    first, *others = sorted(articles, key=_rank)
    return first, others


def next_version(
    article: Article, known: VersionState, before: Optional[Signature], settings: DedupSettings
) -> Article:
    """Return `article` as the version after `known`, with the share of its text that the version before had not.

    `before` is that version's signature; None where it is not kept any more, and then the share is not known.
    """
    ratio = None if before is None else _new_share(sign(article, settings), before)
    return article._replace(version=known.version + 1, change_ratio=ratio)


def _new_share(now: Signature, before: Signature) -> float:
    sketch, old = unpack(now).members, unpack(before).members
    return len(sketch - old) / max(1, len(sketch))


def _rank(article: Article) -> tuple[int, float, str, str, str, str]:
    origin = article.origin
    return (
        -len(article.text),
        float(_NEVER if origin.stamp is None else origin.stamp),
        origin.feed,
        origin.link,
        origin.entry_id,
        article.url,
    )
