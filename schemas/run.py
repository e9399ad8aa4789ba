"""The record of one run, `_meta/runs/<run>.json`: what it was asked, what it did, how it ended."""

import enum

from pydantic import Field

from schemas.settings import Model


class Outcome(enum.StrEnum):
    """How a run stands."""

    RUNNING = "running"  # or it died, and no later run has found out yet
    DONE = "done"  # committed
    FAILED = "failed"  # ended by an error, which the record tells; nothing was committed
    KILLED = "killed"  # ended without a word; nothing was committed


class Counts(Model):
    """Where the entries went; `entries == articles + sum(skips) + sum(rejects)`. Keys are `stage.reason`."""

    entries: int
    articles: int
    skips: dict[str, int]
    rejects: dict[str, int]


class Sample(Model):
    """Something a stage took out of a text, shown so that a wrong rule is seen."""

    outlet: str
    url: str
    rule: str
    text: str


class Run(Model):
    """One run. Times are ISO 8601 in UTC."""

    run_id: str  # also the id of its commit
    command: str
    outcome: Outcome
    started_at: str
    ended_at: str = ""  # "" where it is not known
    engine: str
    workers: int
    newsbeam_version: str
    gazetteer_version: str
    outlets: int
    recovered: str  # what was left over from a run that died, and what became of it; "" where nothing
    error: str = ""  # why it failed
    feeds: dict[str, int] = Field(default_factory=dict)  # by outcome: fetched, not_modified, gone, or a reject reason
    failed_outlets: list[str] = Field(default_factory=list)  # none of their open feeds works
    damaged: dict[str, int] = Field(default_factory=dict)  # files of a backfill that are not whole, as `Counts.rejects`
    damage: tuple[str, ...] = ()  # what is wrong with a few of them
    counts: Counts = Counts(entries=0, articles=0, skips={}, rejects={})
    by_outlet: dict[str, Counts] = Field(default_factory=dict)
    files: int = 0
    rows: int = 0
    clusters: int = 0  # of several articles, that it made or changed
    merges: int = 0  # clusters that became part of others
    incomplete_clusters: int = 0  # of `clusters`: more stored texts are linked to them than one run compares
    removals: dict[str, int] = Field(default_factory=dict)  # by rule
    samples: tuple[Sample, ...] = ()  # a few removals of each rule
    warnings: dict[str, dict[str, int]] = Field(default_factory=dict)  # by outlet: how many articles carry each

    @property
    def stale_profiles(self) -> list[str]:
        """What outlets' profiles no longer find, such as "courier: profile found no body (9 articles)"."""
        return [
            f"{outlet}: {warning} ({articles} articles)"
            for outlet, warnings in sorted(self.warnings.items())
            for warning, articles in sorted(warnings.items())
            if warning.startswith("profile ")
        ]
