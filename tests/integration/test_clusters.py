"""Clusters over runs, in a real dataset: rows, merges and views, the same after a kill and a second try.

PYTHONPATH=. python tests/integration/test_clusters.py ROOT RUN_ID SLUG...      one run over the stories of that name
"""

import io
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import duckdb
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import Timestamp
from rich.console import Console

from pipelines.explain import show_cluster
from pipelines.history import committed
from pipelines.report import read_figures, render
from schemas.records import Article, FeedState, Origin, Reject, TaggedArticle, Tally
from schemas.run import Outcome, Run
from schemas.settings_files import load_settings
from transforms.dedup import Dedup
from transforms.identity import article_id, content_hash
from transforms.state import Store
from transforms.write import Dataset, Harvest, Write, lock, prepare, read_manifest, recover
from transforms.write.compact import compact
from transforms.write.verify import verify

REPOSITORY = Path(__file__).parents[2]
SETTINGS = load_settings(REPOSITORY / "config" / "defaults.toml")
NOON = Timestamp(1_760_011_200)


def words(seed: int) -> str:
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(160))


TEXTS = {"left": words(1), "right": words(2), "left-copy": words(1) + " " + words(3)[:200], "other": words(4)}
TEXTS["other-copy"] = TEXTS["other"].upper()
TEXTS["both"] = f"{words(1)} {words(2)}"
FIRST, SECOND = ("left", "right", "other"), ("both", "left-copy")


def url_of(slug: str) -> str:
    return f"https://{slug}.example/story"


def id_of(slug: str) -> str:
    return article_id(url_of(slug))


def article(slug: str) -> Article:
    url, at = url_of(slug), NOON + 3600 * list(TEXTS).index(slug)
    origin = Origin(slug, f"https://{slug}.example/rss", slug, url, at, "en")
    return Article(
        origin, article_id(url), 0, url, url, f"Title of {slug}", "", "", [], "", [], "", "news", TEXTS[slug], "", [], "",
        at, "feed", None, at, "en", 1.0, content_hash(TEXTS[slug]), None, "", None, None, "main", 1.0, [], [], 200, None, None,
    )  # fmt: skip


def ingest(root: Path, run_id: str, slugs: Sequence[str]) -> None:
    """Do what a run does from dedup on, over the articles that no run has met."""
    dataset = Dataset(str(root))
    prepare(dataset)
    with lock(dataset) as held, Store(held.state) as store:
        recover(held, store)
        known = store.links([url_of(slug) for slug in slugs])
        new = [article(slug) for slug in slugs if url_of(slug) not in known]
        with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:

            def made(name: str, values: Sequence[Any], kind: type) -> Any:
                return pipeline | name >> beam.Create(values).with_output_types(kind)

            articles, skips, signatures, clusters, aliases = made("New", new, Article) | Dedup(store, SETTINGS.dedup)
            tagged = articles | beam.Map(lambda one: TaggedArticle(one, [], [], 0.0, "g1")).with_output_types(
                TaggedArticle
            )
            tallies = made("Entries", [Tally(one.origin.outlet, "entry", "", 1) for one in new], Tally)
            rejects, feeds = made("Rejects", [], Reject), made("Feeds", [], FeedState)
            harvest = Harvest(tagged, skips, rejects, tallies, feeds, signatures, clusters, aliases)
            _ = harvest | Write(held, run_id, store, SETTINGS.write, "0.1")


def ask(root: Path, query: str) -> list[tuple[Any, ...]]:
    connection = duckdb.connect()
    connection.execute((root / "views.sql").read_text("utf-8"))
    return connection.execute(query).fetchall()


def state(root: Path) -> list[tuple[Any, ...]]:
    """What a reader, and the next run, know of clusters."""
    kept = [
        (signature.article_id, signature.cluster_id)
        for slug in TEXTS
        for signature in Store(root / "_meta" / "state.sqlite").signatures_of(id_of(slug), Timestamp(0))
    ]
    members = ask(root, "SELECT cluster_id, article_id, kind, match_id FROM cluster_members ORDER BY ALL")
    merges = ask(root, "SELECT cluster_id, survivor_id FROM aliases ORDER BY ALL")
    return [*sorted(kept), *members, *merges]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two runs; the second one brings a copy, and an article that joins two clusters of the first."""
    root = tmp_path_factory.mktemp("whole") / "data"
    ingest(root, "run-1", FIRST)
    ingest(root, "run-2", SECOND)
    return root


def test_a_cluster_says_its_members_its_canonical_article_and_when_it_was_seen(whole: Path) -> None:
    query = """SELECT cluster_id, canonical_id, size, first_seen_at = TIMESTAMPTZ '2025-10-09 12:00:00+00',
                      last_seen_at = TIMESTAMPTZ '2025-10-09 17:00:00+00', [m.outlet_id FOR m IN members]
               FROM cluster_states"""
    assert ask(whole, query) == [(id_of("left"), id_of("left"), 4, True, True, ["left", "right", "left-copy", "both"])]


def test_each_member_says_what_it_is_and_with_whom_it_has_most_in_common(whole: Path) -> None:
    query = "SELECT outlet_id, kind IS NULL, match_id, containment > 0.9 FROM cluster_members ORDER BY outlet_id"
    assert ask(whole, query) == [
        ("both", False, id_of("right"), True),
        ("left", True, id_of("left-copy"), True),
        ("left-copy", False, id_of("left"), True),
        ("right", False, id_of("both"), True),
    ]


def test_explain_names_the_members_and_what_links_each_of_them(whole: Path) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    show_cluster(id_of("left-copy"), Dataset(str(whole)), console)
    lines = console.export_text().splitlines()
    assert lines[0].split() == ["cluster", f"{id_of('left')},", "4", "members"]
    assert {line.split(":")[0].split()[-1]: line.split()[0] for line in lines[1:]} == {
        "left": "-", "both": "-", "right": "-", "left-copy": "=>",
    }  # fmt: skip
    assert "canonical" in lines[1]
    assert any(line.endswith("left-copy: Title of left-copy  100% in common with left") for line in lines)


def test_a_run_tells_how_many_clusters_it_changed_and_merged(whole: Path) -> None:
    dataset = Dataset(str(whole))
    begun = Run(
        run_id="run-2", command="run", outcome=Outcome.RUNNING, started_at="2025-10-09T12:00:00+00:00", engine="e",
        workers=1, newsbeam_version="0", gazetteer_version="0", outlets=0, recovered="",
    )  # fmt: skip
    run = committed(begun, read_manifest(dataset, "run-2"), dataset, datetime(2025, 10, 9, 13, tzinfo=UTC))
    assert (run.clusters, run.merges, run.incomplete_clusters) == (1, 1, 0)
    figures = read_figures(dataset, "run-2")
    assert [(cluster.size, cluster.members[0].outlet) for cluster in figures.clusters] == [(4, "left")]
    assert "1 clusters; 1 became part of others" in render(run, figures, [], {})


def test_a_merge_is_recorded_and_the_articles_stand_in_the_surviving_cluster(whole: Path) -> None:
    merges = "SELECT cluster_id, survivor_id, run_id FROM aliases"
    assert ask(whole, merges) == [(id_of("right"), id_of("left"), "run-2")]
    stored = dict(ask(whole, "SELECT outlet_id, cluster_id FROM articles"))
    now = dict(ask(whole, "SELECT outlet_id, cluster_id FROM latest"))
    assert (stored["right"], now["right"], now["other"]) == (id_of("right"), id_of("left"), id_of("other"))
    assert {slug for (slug,) in ask(whole, "SELECT outlet_id FROM canonical")} == {"left", "other"}


def test_a_member_older_than_what_runs_compare_stays_and_follows_later_merges(tmp_path: Path, whole: Path) -> None:
    """Made of rows: x is forgotten, its cluster a merges into b, b into c; and a is given anew later, to y."""
    connection = duckdb.connect()
    for line in (
        "CREATE TABLE runs AS SELECT * FROM (VALUES ('r1', 1), ('r2', 2), ('r3', 3), ('r4', 4), ('r5', 5)) t(run_id, n)",
        "CREATE VIEW r AS SELECT run_id, make_timestamp(n * 1000000) AS committed_at FROM runs",
        "CREATE TABLE aliases AS SELECT * FROM (VALUES ('a', 'b', 'r2'), ('b', 'c', 'r3'), ('a', 'd', 'r5')) t(cluster_id, survivor_id, run_id)",
        "CREATE TABLE clusters AS SELECT * FROM (VALUES ('a', 'r1', ['x', 'z']), ('b', 'r2', ['z']), ('a', 'r4', ['y'])) t(cluster_id, run_id, ids)",
    ):
        connection.execute(line)
    views = (whole / "views.sql").read_text("utf-8")
    view = views[views.index("CREATE OR REPLACE VIEW cluster_members") : views.index("-- Each cluster as it is now")]
    connection.execute(
        "CREATE VIEW rows AS SELECT cluster_id, run_id, [{'article_id': i, 'kind': NULL} FOR i IN ids] AS members FROM clusters"
    )
    view = view.replace("FROM clusters)", "FROM rows)").replace("JOIN runs USING", "JOIN r USING")
    connection.execute(view)
    found = dict(connection.execute("SELECT article_id, cluster_id FROM cluster_members").fetchall())
    assert found == {"x": "c", "z": "c", "y": "d"}


@pytest.mark.parametrize(
    ("name", "part"),
    [("link", "manifests"), ("replace", "/clusters/"), ("link", "done")],
    ids=["before the manifest", "before clusters are in place", "before the done mark"],
)
def test_a_run_killed_and_started_again_leaves_the_same_clusters(
    whole: Path, tmp_path: Path, name: str, part: str
) -> None:
    fault = f"""
import os, signal
real = os.{name}
def call(*args, **options):
    if {part!r} in " ".join(map(str, args)):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
os.{name} = call
"""
    root = tmp_path / "data"
    ingest(root, "run-1", FIRST)
    before = state_of_reader(root)
    (tmp_path / "sitecustomize.py").write_text(fault)
    assert started(root, "run-2", f"{tmp_path}:{REPOSITORY}") == -signal.SIGKILL
    if part == "manifests":
        assert state_of_reader(root) == before
    ingest(root, "run-3", SECOND)
    assert state(root) == state(whole)
    with lock(Dataset(str(root))) as held:
        assert verify(held).faults == []


def started(root: Path, run_id: str, path: str) -> int:
    command = [sys.executable, __file__, str(root), run_id, *SECOND]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False).returncode


def state_of_reader(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.parquet") if "_meta" not in path.parts)


def test_compaction_keeps_the_clusters(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(whole, root)
    ingest(root, "run-3", ["other-copy"])
    before = state(root)
    assert len(ask(root, "SELECT * FROM clusters")) == 2
    with lock(Dataset(str(root))) as held, Store(held.state) as store:
        assert "clusters" in [done.table for done in compact(held, store, "2030-01-01")]
        assert verify(held).faults == []
    assert state(root) == before


if __name__ == "__main__":
    ingest(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
