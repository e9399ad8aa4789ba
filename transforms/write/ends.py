"""Ends: what a run's articles, skips and rejects mean for the state of links and versions."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Optional

from apache_beam.utils.timestamp import Timestamp

from schemas.records import Article, FeedState, LinkState, Reject, RejectReason, Skip, SkipReason, VersionState
from transforms.waiting import pack

_NO_NEWS: Final = {
    SkipReason.SEEN,
    SkipReason.DUPLICATE_ENTRY,
    SkipReason.DEFERRED,
}  # the link was not looked at
_SAME_PAGE: Final = {SkipReason.NOT_MODIFIED, SkipReason.UNCHANGED}
_RANK: Final = {"article": 0, "skip": 1, "waiting": 2, "reject": 3}


def link_of_article(article: Article) -> LinkState:
    """Return the state of the link that led to `article`."""
    origin = article.origin
    return LinkState(
        origin.link, origin.outlet, origin.stamp, "article", "", article.article_id, 0, False, article.etag,
        article.last_modified, article.fetched_at,
    )  # fmt: skip


def link_of_skip(skip: Skip, at: Timestamp) -> Optional[LinkState]:
    """Return the state of a skipped link, or None where the skip teaches nothing new about it."""
    origin = skip.origin
    if skip.waiting is not None:
        return LinkState(
            origin.link, origin.outlet, origin.stamp, "waiting", skip.reason, None, 0, True, None, None, at,
            origin.feed, pack(skip.waiting),
        )  # fmt: skip
    if skip.reason in _NO_NEWS:
        return None
    return LinkState(origin.link, origin.outlet, origin.stamp, "skip", skip.reason, None, 0, False, None, None, at)


def link_of_reject(reject: Reject) -> Optional[LinkState]:
    """Return the state of a link that failed, or None where a feed failed or there is no link.

    A file that cannot be read says nothing about the link: another copy of it, whole, is to be read.
    """
    origin = reject.origin
    if reject.subject != "entry" or not origin.link or reject.reason == RejectReason.UNREADABLE:
        return None
    return LinkState(
        origin.link, origin.outlet, origin.stamp, "reject", reject.reason, None, 1, reject.transient, None, None,
        reject.at, origin.feed if reject.waiting else "", pack(reject.waiting) if reject.waiting else "",
    )  # fmt: skip


def settle_links(ends: Iterable[LinkState], known: Mapping[str, LinkState]) -> list[LinkState]:
    """Return one state a link, by link: of several ends the article's counts first, then a skip; then the later one.

    `known` holds what earlier runs left: a page that has not changed keeps what it has, a failure adds to its tries, of
    a link that is given up nothing waits any more. An article whose page was asked again in vain stays what it is: it
    is asked at its next age, conditionally, like one that has not changed.
    """
    chosen = dict[str, LinkState]()
    for end in sorted(ends, key=lambda end: (end.link, _RANK[end.outcome], -end.at.micros, end.reason)):
        chosen.setdefault(end.link, end)
    return [_follow(end, known.get(link)) for link, end in chosen.items()]


def _follow(end: LinkState, old: Optional[LinkState]) -> LinkState:
    if old is None or end.outcome == "article":
        return end
    if end.reason == SkipReason.GIVEN_UP:
        return old._replace(feed="", entry="")
    if _was_recheck(end, old):
        return old._replace(at=end.at) if end.outcome == "reject" else old
    end = end._replace(stamp=end.stamp or old.stamp, article_id=old.article_id)
    if end.reason in _SAME_PAGE and old.outcome == "waiting":
        return end._replace(etag=old.etag, last_modified=old.last_modified)
    if end.reason in _SAME_PAGE and old.outcome != "reject":
        return old._replace(stamp=end.stamp, at=end.at)
    if end.outcome == "waiting":
        return end._replace(tries=old.tries, etag=old.etag, last_modified=old.last_modified)
    if end.outcome == "reject":
        return end._replace(tries=old.tries + 1, etag=old.etag, last_modified=old.last_modified)
    return end


def _was_recheck(end: LinkState, old: LinkState) -> bool:
    """Whether a look that came to nothing was for an update of which no feed had told (`transforms.fresh`)."""
    came_to_nothing = end.outcome in ("reject", "waiting") and old.outcome in ("article", "skip")
    return came_to_nothing and old.article_id is not None and end.stamp is None and old.stamp is None


def version_of(article: Article) -> VersionState:
    """Return what the state keeps of an article's version."""
    return VersionState(
        article.article_id, article.version, article.content_hash, article.origin.outlet, article.canonical_url,
        article.fetched_at,
    )  # fmt: skip


def settle_versions(new: Iterable[VersionState]) -> Sequence[VersionState]:
    """Return `new` by article and version. What the state holds already, the commit leaves out.

    Raises:
        ValueError: a version is there twice. An earlier stage should have made one of the two a skip.
    """
    ordered = sorted(new, key=lambda state: (state.article_id, state.version))
    for state, following in itertools.pairwise(ordered):
        if (state.article_id, state.version) == (following.article_id, following.version):
            raise ValueError(
                f"version {state.version} of article {state.article_id} ({state.canonical_url}) is there twice"
            )
    return ordered


def newest_feeds(states: Iterable[FeedState]) -> Sequence[FeedState]:
    """Return one state a feed, by URL: that of the latest poll."""
    ordered = sorted(states, key=lambda state: (state.url, state.polled_at.micros, state.outcome))
    return list({state.url: state for state in ordered}.values())
