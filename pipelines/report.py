"""The report of a run: one HTML file that needs nothing beside it, no network and no script.

Titles, texts and addresses in it come from strangers: all are escaped and cut to a length, and none is a link.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import jinja2
from apache_beam.utils.timestamp import Timestamp

from pipelines.clusters import register_clusters, register_tables
from pipelines.status import FeedHealth, Health, feed_health, show_time
from schemas.errors import DatasetError
from schemas.run import Counts, Run
from transforms.state import Store
from transforms.write import Dataset

DAYS: Final = 30  # the newest days that hold articles; older ones are left out of every figure but the run's own
_CLUSTERS, _MEMBERS, _ENTITIES, _EXAMPLES, _SAMPLES = 12, 8, 25, 3, 60  # lengths of the report's lists
_RECENT: Final = """
CREATE TEMP TABLE recent AS
SELECT article_id, version, outlet, date, run_id, title, language, cluster_id, duplicate_of, duplicate_kind
FROM articles
QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY version DESC) = 1
"""
_MOVE: Final = """
UPDATE recent
SET cluster_id = state.cluster_id, duplicate_kind = state.kind,
    duplicate_of = CASE WHEN state.kind IS NULL THEN NULL ELSE state.canonical_id END
FROM (SELECT * FROM cluster_members JOIN cluster_states USING (cluster_id)) AS state
WHERE recent.article_id = state.article_id
"""
_BY_DAY: Final = """
SELECT outlet, date, count(*) AS articles, count(*) FILTER (run_id = ?) AS new
FROM recent GROUP BY ALL ORDER BY ALL
"""
_CLUSTER_MEMBERS: Final = """
WITH big AS (
    SELECT cluster_id, count(*) AS size FROM recent GROUP BY ALL HAVING size > 1 ORDER BY size DESC, cluster_id LIMIT ?
)
SELECT cluster_id, size, outlet, date, title, duplicate_kind
FROM recent JOIN big USING (cluster_id)
QUALIFY row_number() OVER (PARTITION BY cluster_id ORDER BY duplicate_of NULLS FIRST, date, outlet) <= ?
ORDER BY size DESC, cluster_id, duplicate_of NULLS FIRST, date, outlet
"""
_TOP_ENTITIES: Final = """
SELECT entity.id, entity.type, sum(entity.count)::BIGINT AS mentions, count(*) AS articles
FROM (
    SELECT unnest(document_entities) AS entity
    FROM articles SEMI JOIN recent USING (article_id, version)
)
GROUP BY ALL ORDER BY articles DESC, mentions DESC, entity.id LIMIT ?
"""
_LANGUAGES: Final = "SELECT language, count(*) AS articles FROM recent GROUP BY ALL ORDER BY articles DESC, language"
_REJECTS: Final = """
SELECT subject, stage, reason, count(*) AS n, list({'url': url, 'detail': detail} ORDER BY url)[:?]
FROM rejects WHERE run_id = ? GROUP BY ALL ORDER BY subject, n DESC, stage, reason
"""


class End(NamedTuple):
    """Where some of a run's entries went."""

    kind: str  # article, skip or reject
    stage: str
    reason: str
    n: int


class Day(NamedTuple):
    """A day's articles."""

    date: str
    articles: int
    new: int  # of these, written by this run


class OutletRow(NamedTuple):
    """An outlet in this run, and its articles day by day."""

    slug: str
    entries: int
    articles: int
    skips: int
    rejects: int
    days: list[int]


class RejectRow(NamedTuple):
    """The rejects of a stage for one reason."""

    subject: str  # entry or feed
    stage: str
    reason: str
    n: int
    examples: list[dict[str, str]]  # url, detail


class Member(NamedTuple):
    """An article of a cluster; the first is the canonical one."""

    outlet: str
    date: str
    title: str
    kind: str  # why it counts as a copy, "" for the canonical one


class Cluster(NamedTuple):
    """Articles that tell one story in the same words."""

    size: int
    members: list[Member]  # at most `_MEMBERS`


class EntityRow(NamedTuple):
    """An entity over all recent articles."""

    id: str
    type: str
    mentions: int
    articles: int


class Figures(NamedTuple):
    """What the report reads from the dataset."""

    days: list[Day]
    by_outlet: dict[str, list[int]]  # slug -> articles on each of `days`
    clusters: list[Cluster]
    entities: list[EntityRow]
    languages: list[tuple[str, int]]
    rejects: list[RejectRow]


def report_html(dataset: Dataset, run: Run, store: Store, *, silence_factor: float, labels: Mapping[str, str]) -> str:
    """Return the report of `run`, over the dataset and the state of its feeds, as HTML.

    `labels` are the names of entities by id; an entity that has left the gazetteer is called by its id.

    Raises:
        DatasetError: the dataset's files cannot be read.
    """
    import duckdb

    try:
        figures = read_figures(dataset, run.run_id)
    except duckdb.Error as error:
        problem = f"cannot be read for the report: {str(error).splitlines()[0]}"
        raise DatasetError(dataset.root, problem, "The run itself is done; check the named file") from error
    ended = Timestamp.from_rfc3339(run.ended_at)
    return render(run, figures, feed_health(store.feeds().values(), ended, silence_factor), labels)


def render(run: Run, figures: Figures, health: Sequence[FeedHealth], labels: Mapping[str, str]) -> str:
    """Return the report's HTML."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {"clip": clip, "show_time": show_time, "columns": columns}
    return templates.get_template("report.html").render(
        run=run,
        figures=figures,
        health=health,
        labels=labels,
        troubled=sum(row.health is not Health.WORKING for row in health),
        ends=ends(run.counts),
        outlets=outlet_rows(run.by_outlet, figures),
        took_s=(datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds(),
        samples=run.samples[:_SAMPLES],
    )


def clip(text: str, limit: int = 160) -> str:
    """Return `text` on one line, cut to `limit` characters.

    >>> clip("One  two three", 8)
    'One two…'
    """
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def columns(values: Sequence[int], height: int = 16) -> str:
    """Return the SVG path of a bar chart: one bar a unit wide for each value, the largest `height` units high.

    >>> columns([0, 2, 4], 8)
    'M1.1 8v-4h.8v4zM2.1 8v-8h.8v8z'
    """
    top = max(values, default=0)
    bars = [(at, value * height / top) for at, value in enumerate(values) if value]
    return "".join(f"M{at + 0.1:g} {height}v-{bar:.3g}h.8v{bar:.3g}z" for at, bar in bars)


def ends(counts: Counts) -> list[End]:
    """Return where the entries went: articles, then skips and rejects, each largest first."""
    rows = [End("article", "", "", counts.articles)]
    for kind, table in (("skip", counts.skips), ("reject", counts.rejects)):
        for name, n in sorted(table.items(), key=lambda item: (-item[1], item[0])):
            stage, _, reason = name.partition(".")
            rows.append(End(kind, stage, reason, n))
    return rows


def outlet_rows(by_outlet: Mapping[str, Counts], figures: Figures) -> list[OutletRow]:
    """Return every outlet of the run or of the recent days, by slug."""
    none, quiet = Counts(entries=0, articles=0, skips={}, rejects={}), [0] * len(figures.days)
    rows = []
    for slug in sorted(by_outlet.keys() | figures.by_outlet.keys()):
        counts = by_outlet.get(slug, none)
        skips, rejects = sum(counts.skips.values()), sum(counts.rejects.values())
        days = figures.by_outlet.get(slug, quiet)
        rows.append(OutletRow(slug, counts.entries, counts.articles, skips, rejects, days))
    return rows


def read_figures(dataset: Dataset, run_id: str) -> Figures:
    """Return what the newest `DAYS` days of the dataset hold, and the rejects of run `run_id`.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    import duckdb

    with duckdb.connect(config={"threads": 2}) as db:
        register_tables(db, dataset, ["articles", "rejects"], DAYS)
        found = _rejects(db.execute(_REJECTS, [_EXAMPLES, run_id]).fetchall())
        db.execute(_RECENT)
        register_clusters(db, dataset)
        db.execute(_MOVE)
        days, by_outlet = _days(db.execute(_BY_DAY, [run_id]).fetchall())
        clusters = _clusters(db.execute(_CLUSTER_MEMBERS, [_CLUSTERS, _MEMBERS]).fetchall())
        top = db.execute(_TOP_ENTITIES, [_ENTITIES]).fetchall()
        entities = [EntityRow(*row) for row in top]
        languages = db.execute(_LANGUAGES).fetchall()
    return Figures(days, by_outlet, clusters, entities, languages, found)


def _days(rows: Iterable[tuple[str, str, int, int]]) -> tuple[list[Day], dict[str, list[int]]]:
    rows = list(rows)
    dates = sorted({date for _, date, _, _ in rows})
    days = []
    for day in dates:
        counts = [(articles, new) for _, date, articles, new in rows if date == day]
        days.append(Day(day, sum(articles for articles, _ in counts), sum(new for _, new in counts)))
    by_outlet = {outlet: [0] * len(dates) for outlet, _, _, _ in rows}
    for outlet, date, articles, _ in rows:
        by_outlet[outlet][dates.index(date)] = articles
    return days, by_outlet


def _clusters(rows: Iterable[tuple[str, int, str, str, str, str]]) -> list[Cluster]:
    clusters = dict[str, Cluster]()
    for cluster_id, size, outlet, date, title, kind in rows:
        cluster = clusters.setdefault(cluster_id, Cluster(size, []))
        cluster.members.append(Member(outlet, date, title or "", kind or ""))
    return list(clusters.values())


def _rejects(rows: Iterable[tuple[str, str, str, int, list[dict[str, Any]]]]) -> list[RejectRow]:
    return [
        RejectRow(subject, stage, reason, n, [{key: value or "" for key, value in one.items()} for one in examples])
        for subject, stage, reason, n, examples in rows
    ]
