"""Fresh: of all that the feeds list, keep what this run has to look at; the rest is skipped, with its reason.

Most of what a feed lists it has listed before: that is dropped where the feed is read, and only counted. Entries of
one link are then brought together, so that a link listed by three feeds is fetched once, and what earlier runs made of
it is asked of the store. Of what is left, a feed's newest entries are taken: a backlog of thousands would keep its host
busy for hours, and the run with it.

An update shows in the entry's stamp. Where a feed gives none, only the page can tell: it is asked again, conditionally,
each time its article is twice as old, for two days.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, Optional, Union

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, LinkState, Skip, SkipReason, Tally
from transforms.state import Store
from transforms.waiting import pack, unfinished

SKIPS: Final = "skips"
TALLIES: Final = "tallies"
_NEVER = Timestamp(0)
_RECHECKED_S: Final = 2 * 86_400.0  # of an article's life: at most six looks at the default of an hour


def verdict(entry: Entry, known: Optional[LinkState], max_tries: int) -> Optional[SkipReason]:
    """Return why `entry` needs no look in this run, or None where it does.

    A link is looked at when it is new or no run has had time for it yet, when the feed gives it a newer stamp than the
    one we acted on, or when its last try failed for a passing reason and fewer than `max_tries` runs in a row have
    failed.
    """
    if known is None or known.outcome == "waiting":
        return None
    stamp = entry.origin.stamp
    if stamp is not None and known.stamp is not None and stamp > known.stamp:
        return None
    if known.outcome != "reject":
        return SkipReason.SEEN
    if known.transient and known.tries < max_tries:
        return None
    return SkipReason.GIVEN_UP


def is_recheck_due(written: Timestamp, looked_at: Timestamp, now: Timestamp, recheck_s: float) -> bool:
    """Whether a page whose feed tells nothing of updates is to be asked again: after `recheck_s`, then at double ages.

    `written` is when its first version was fetched. It ends with the article's second day, also where a page changes
    at every look.
    """
    age_then_s = float(looked_at) - float(written)
    return now - written <= _RECHECKED_S and now - looked_at >= max(recheck_s, age_then_s)


def waits_as_listed(entry: Entry, known: Optional[LinkState]) -> bool:
    """Whether the state keeps just this entry for a later look. One that carries its article is worth more."""
    return known is not None and not entry.content and known.entry != "" and known.entry == pack(entry)


def choose(entries: Iterable[Entry]) -> tuple[Entry, Sequence[Entry]]:
    """Return the entry that stands for a link, and the others of that link.

    The newest stamp wins, then the fullest content, then the order of feeds: the same choice whatever the order of
    arrival.
    """
    first, *others = sorted(entries, key=_rank)
    return first, others


def _rank(entry: Entry) -> tuple[bool, float, int, str, str, str]:
    stamp = entry.origin.stamp or _NEVER
    return entry.recheck, -float(stamp), -len(entry.content), entry.origin.feed, entry.origin.entry_id, entry.url


def newest(entries: Iterable[Entry], count: int) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Return the `count` newest of a feed's entries, and the others. Those to be asked again come last."""
    ordered = sorted(entries, key=_rank)
    return ordered[:count], ordered[count:]


class Past:
    """What earlier runs know of entries, and whether it makes them pass.

    A link that failed in `max_tries` runs in a row is given up. Pages of which their feed tells nothing are rechecked
    from `recheck_s` on; without it never.
    """

    def __init__(self, store: Store, max_tries: int, recheck_s: Optional[float] = None) -> None:
        self.store = store
        self.max_tries = max_tries
        self.recheck_s = recheck_s

    def judge(self, entry: Entry) -> tuple[Optional[LinkState], Optional[SkipReason]]:
        """Return what is known of the entry's link, and why it needs no look; None where it does."""
        link = entry.origin.link
        known = self.store.links([link]).get(link)
        reason = verdict(entry, known, self.max_tries)
        if reason == SkipReason.SEEN and known is not None and self._is_recheck_due(entry, known):
            return known, None
        return known, reason

    def _is_recheck_due(self, entry: Entry, known: LinkState) -> bool:
        if self.recheck_s is None or entry.origin.stamp is not None or known.stamp is not None:
            return False
        now = Timestamp.now()
        if known.article_id is None or not self.recheck_s <= now - known.at <= _RECHECKED_S:
            return False  # of a page that was looked at long ago the versions, and so its age, need not be asked for
        versions = self.store.all_versions([known.article_id]).get(known.article_id)
        return versions is not None and is_recheck_due(versions[0].at, known.at, now, self.recheck_s)


class DropShownFn(beam.DoFn):
    """Entries as feeds list them in; those out of which something may come out, of the others tallies.

    An entry that waits in the state as it is listed is dropped without one: `Recall` brings it when its turn has come.
    One whose link is given up and waits no more is seen, like all that was handled.
    """

    def __init__(self, past: Past) -> None:
        self.past = past
        self.shown = Metrics.counter("fresh", "shown_again")

    def process(self, entry: Entry) -> Iterator[Union[Entry, TaggedOutput[Literal["tallies"], Tally]]]:
        outlet = entry.origin.outlet
        known, reason = self.past.judge(entry)
        if waits_as_listed(entry, known):
            self.shown.inc()
            return
        if reason is None or (known is not None and known.entry):  # what waits, and is given up, is still to be told
            yield entry
            return
        self.shown.inc()
        yield TaggedOutput(TALLIES, Tally(outlet, "entry", "", 1))
        yield TaggedOutput(TALLIES, Tally(outlet, "skip", f"fresh.{reason}", 1))


class DropShown(beam.PTransform[Any, Any]):
    """Entries in, `(entries, tallies)` out: tallies of those that earlier runs have handled, as entries and as skips.

    No shuffle comes before it: a feed of ten thousand entries shows them all at every poll.
    """

    def __init__(self, past: Past) -> None:
        super().__init__()
        self.drop = DropShownFn(past)

    def expand(self, entries: PCollection[Entry]) -> Any:
        outputs = entries | beam.ParDo(self.drop).with_outputs(TALLIES, main="entries")
        return outputs.entries, outputs[TALLIES]


class FreshFn(beam.DoFn):
    """`choose` and `Past` for Beam: `(link, entries)` in, one entry at most out."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.kept = Metrics.counter("fresh", "kept")
        self.skipped = Metrics.counter("fresh", "skipped")

    def process(
        self, group: tuple[str, Iterable[Entry]]
    ) -> Iterator[Union[Entry, TaggedOutput[Literal["skips"], Skip]]]:
        entry, others = choose(group[1])
        for other in others:
            self.skipped.inc()
            yield TaggedOutput(SKIPS, Skip("fresh", SkipReason.DUPLICATE_ENTRY, other.origin))
        known, reason = self.past.judge(entry)
        if reason is not None:
            self.skipped.inc()
            yield TaggedOutput(SKIPS, Skip("fresh", reason, entry.origin))
            return
        self.kept.inc()
        if known is None:
            yield entry
        elif known.tries:
            yield entry._replace(failed_before=True)
        else:
            recheck = entry.origin.stamp is None and known.outcome != "waiting"  # an update has a stamp
            yield entry._replace(etag=known.etag, last_modified=known.last_modified, recheck=recheck)


class NewestFn(beam.DoFn):
    """`newest` for Beam: `(feed, entries)` in."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.deferred = Metrics.counter("fresh", "deferred")

    def process(
        self, group: tuple[str, Iterable[Entry]]
    ) -> Iterator[Union[Entry, TaggedOutput[Literal["skips"], Skip]]]:
        taken, others = newest(group[1], self.count)
        yield from taken
        for entry in others:
            if entry.recheck:  # as long as its feed lists it, it is due at the next poll
                yield TaggedOutput(SKIPS, Skip("fresh", SkipReason.SEEN, entry.origin))
                continue
            self.deferred.inc()
            waiting = None if entry.waiting else unfinished(entry)
            yield TaggedOutput(SKIPS, Skip("fresh", SkipReason.DEFERRED, entry.origin, waiting))


def _by_link(entry: Entry) -> tuple[str, Entry]:
    return entry.origin.link, entry


def _by_feed(entry: Entry) -> tuple[str, Entry]:
    return entry.origin.feed, entry


class Fresh(beam.PTransform[Any, Any]):
    """Entries in; `(entries, skips)` out.

    Where `max_new` is given, no more entries of a feed are taken.
    """

    def __init__(self, past: Past, max_new: Optional[int] = None) -> None:
        super().__init__()
        self.past = past
        self.max_new = max_new

    def expand(self, entries: PCollection[Entry]) -> Any:
        outputs = (
            entries
            | "KeyByLink" >> beam.Map(_by_link)
            | "GroupByLink" >> beam.GroupByKey()
            | "KeepFresh" >> beam.ParDo(FreshFn(self.past)).with_outputs(SKIPS, main="entries")
        )
        if self.max_new is None:
            return outputs.entries, outputs[SKIPS]
        taken = (
            outputs.entries
            | "KeyByFeed" >> beam.Map(_by_feed)
            | "GroupByFeed" >> beam.GroupByKey()
            | "TakeNewest" >> beam.ParDo(NewestFn(self.max_new)).with_outputs(SKIPS, main="entries")
        )
        return taken.entries, (outputs[SKIPS], taken[SKIPS]) | "Skips" >> beam.Flatten()
