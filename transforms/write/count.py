"""Counting: every entry that was listed ends as an article, a skip or a reject, or nothing is committed."""

import collections
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from schemas.errors import CountsDoNotAddUp
from schemas.records import FeedState, Reject, Skip, Tally
from transforms.write.manifest import StagedFile


class Counts(NamedTuple):
    """A run's counts, as the manifest holds them."""

    total: dict[str, Any]  # {"entries": n, "articles": n, "skips": {reason: n}, "rejects": {reason: n}}
    by_outlet: dict[str, Any]  # the same, by outlet
    feeds: dict[str, int]  # polled feeds by outcome


def tally_of_skip(skip: Skip) -> Tally:
    """Return the end of an entry that needed no row."""
    return Tally(skip.origin.outlet, "skip", f"{skip.stage}.{skip.reason}", 1)


def tally_of_reject(reject: Reject) -> Tally:
    """Return the end of an entry, or of a poll, that could not be used."""
    kind = "reject" if reject.subject == "entry" else "feed_reject"
    return Tally(reject.origin.outlet, kind, f"{reject.stage}.{reject.reason}", 1)


def tally_of_feed(state: FeedState) -> Tally:
    """Return the outcome of a poll."""
    return Tally(state.outlet, "feed", state.outcome, 1)


def count(run_id: str, tallies: Iterable[Tally], files: Sequence[StagedFile]) -> Counts:
    """Return the counts of a run. Articles are counted as rows in `files`, not as elements on the way there.

    Raises:
        CountsDoNotAddUp: an entry, or a row of the rejects, was lost or counted twice.
    """
    outlets = collections.defaultdict[str, dict[str, Any]](
        lambda: {"entries": 0, "articles": 0, "skips": collections.Counter(), "rejects": collections.Counter()}
    )
    feeds, rejects = collections.Counter[str](), 0
    for tally in sorted(tallies):
        match tally.kind:
            case "entry":
                outlets[tally.outlet]["entries"] += tally.n
            case "skip":
                outlets[tally.outlet]["skips"][tally.reason] += tally.n
            case "reject":
                outlets[tally.outlet]["rejects"][tally.reason] += tally.n
                rejects += tally.n
            case "feed_reject":
                rejects += tally.n
            case "feed":
                feeds[tally.reason] += tally.n
            case _:
                raise ValueError(f"{tally.kind!r} is no kind of tally")
    for file in files:
        if file.table == "articles":
            outlets[file.outlet]["articles"] += file.rows
    by_outlet = {
        outlet: {**ends, "skips": dict(ends["skips"]), "rejects": dict(ends["rejects"])}
        for outlet, ends in sorted(outlets.items())
    }
    for outlet, ends in by_outlet.items():
        if ends["entries"] != _ended(ends):
            raise CountsDoNotAddUp(run_id, ends["entries"], _ended(ends), outlet)
    rows = sum(file.rows for file in files if file.table == "rejects")
    if rejects != rows:
        raise CountsDoNotAddUp(run_id, rejects, rows, things="rejects", ends="rows of them")
    return Counts(_sum(by_outlet.values()), by_outlet, dict(feeds))


def _ended(ends: dict[str, Any]) -> int:
    return int(ends["articles"] + sum(ends["skips"].values()) + sum(ends["rejects"].values()))


def _sum(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    entries = articles = 0
    skips, rejects = collections.Counter[str](), collections.Counter[str]()
    for part in parts:
        entries += part["entries"]
        articles += part["articles"]
        skips.update(part["skips"])
        rejects.update(part["rejects"])
    return {"entries": entries, "articles": articles, "skips": dict(skips), "rejects": dict(rejects)}
