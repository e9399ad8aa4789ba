"""The record of one run, `_meta/runs/<run>.json`: what it was asked, what it did, how it ended."""

from pathlib import Path

from pydantic import Field

from schemas.settings import Model


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

    run_id: str
    command: str
    started_at: str
    ended_at: str
    engine: str
    workers: int
    newsbeam_version: str
    gazetteer_version: str
    commit_id: str
    outlets: int
    feeds: dict[str, int]  # by outcome: fetched, not_modified, gone, not_due, or a reject reason
    failed_outlets: list[str]  # every feed of theirs failed
    counts: Counts
    by_outlet: dict[str, Counts]
    files: int
    rows: int
    recovered: str  # what was left over from a run that died, and what became of it; "" where nothing
    removals: dict[str, int] = Field(default_factory=dict)  # by rule
    samples: tuple[Sample, ...] = ()  # a few removals of each rule

    def save(self, root: Path) -> Path:
        """Write the record below the dataset `root`; return its path."""
        path = root / "_meta" / "runs" / f"{self.run_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1), "utf-8")
        return path
