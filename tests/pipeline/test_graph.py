"""The graph as Beam sees it: every collection has its record's type, hence its coder. Nothing runs here."""

import tempfile
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.pvalue import PCollection

from pipelines.ingest import Plan, from_feeds, from_files
from schemas.gazetteer import Gazetteer
from schemas.records import Article, Entry, FeedRef, FeedState, Reject, Skip, Tally
from schemas.settings_files import load_settings
from transforms.extract import Extract
from transforms.fetch import FetchFeeds, FetchPages
from transforms.fetch.host import HostState
from transforms.fresh import DropShown, Fresh, Past
from transforms.scrub import load_rules
from transforms.state import Store
from transforms.waiting import Recall
from transforms.write import Dataset, Write

CONFIG = Path(__file__).parents[2] / "config"
SETTINGS = load_settings(CONFIG / "defaults.toml")

# Where Beam itself knows no better: values of several types that CoGroupByKey brings together under one key, and the
# accumulators of a Combine; and what CombineGlobally unpacks for a side input. What goes in and what comes out of the steps around them is typed.
UNTYPED = ("/CoGroupByKeyImpl/GroupByKey", "/CoGroupByKeyImpl/MapTuple(", "/Combine/ParDo(CombineValuesDoFn)", "/UnKey")


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beam makes a folder for a pipeline when it is built, and removes it when it has run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Untyped(PipelineVisitor):
    """Collects the labels of collections whose type holds an Any."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.seen = 0

    def visit_transform(self, node: AppliedPTransform) -> None:
        for output in node.outputs.values():
            if isinstance(output, PCollection):
                self.seen += 1
                if "Any" in str(output.element_type) and not any(part in node.full_label for part in UNTYPED):
                    self.found.append(f"{node.full_label}: {output.element_type}")


@pytest.mark.parametrize("source", ["feeds", "files"])
def test_no_collection_of_the_batch_graph_is_of_any_type(source: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    plan = Plan(SETTINGS, load_rules(CONFIG / "scrub"), Gazetteer({}, [], [], "none"), store, str(tmp_path))
    pipeline = beam.Pipeline(runner="FnApiRunner")
    empty = pipeline | "Source" >> beam.Create([]).with_output_types(FeedRef if source == "feeds" else Entry)
    harvest = from_feeds(empty, plan) if source == "feeds" else from_files(empty, plan)
    _ = harvest | "Write" >> Write(Dataset(str(tmp_path)), "run", store, SETTINGS.write, "0")
    untyped = Untyped()
    pipeline.visit(untyped)
    assert untyped.found == []
    assert untyped.seen > 80


def test_each_stage_of_the_front_end_says_what_it_gives(tmp_path: Path) -> None:
    store, pipeline = Store(tmp_path / "state.sqlite"), beam.Pipeline(runner="FnApiRunner")
    past = Past(store, 5)
    feeds = pipeline | "Feeds" >> beam.Create([]).with_output_types(FeedRef)
    entries, states, feed_rejects, hosts = feeds | FetchFeeds(SETTINGS.http, SETTINGS.poll, SETTINGS.urls)
    news, shown = entries | DropShown(past)
    recalled = (news, feeds) | Recall(store, 200)
    fresh, seen = recalled | Fresh(past, 200)
    articles, skips, rejects = (fresh, hosts) | FetchPages(SETTINGS.http, Extract(SETTINGS.extract, SETTINGS.urls))
    types = [
        part.element_type
        for part in (entries, states, feed_rejects, hosts, news, shown, recalled, fresh, seen, articles, skips, rejects)
    ]
    assert types == [Entry, FeedState, Reject, HostState, Entry, Tally, Entry, Entry, Skip, Article, Skip, Reject]
