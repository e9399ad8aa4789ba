"""The report, rendered from a dataset of real Parquet files and a state file."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.utils.timestamp import Timestamp

from pipelines.report import read_figures, report_html
from schemas.errors import DatasetError
from schemas.parquet import REJECTS
from schemas.records import Article, DocumentEntity, Entity, FeedState, Origin, Reject, TaggedArticle
from schemas.rows import article_table, partition_date, reject_row
from schemas.run import Counts, Outcome, Run, Sample
from transforms.state import Delta, Store, to_scalars
from transforms.write import Dataset

DAY = 86_400
START = Timestamp(1_773_000_000)  # 2026-03-08 20:00 UTC
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
RTL = "مقتل ثلاثة من كتائب حزب الله بضربة مسيّرة قرب منفذ الشلامجة"
RUN = Run(
    run_id="20260313T080000-abc",
    command="run",
    outcome=Outcome.DONE,
    started_at="2026-03-13T08:00:00+00:00",
    ended_at="2026-03-13T08:01:30+00:00",
    engine="FnApiRunner",
    workers=1,
    newsbeam_version="0.1.0",
    gazetteer_version="g1",
    outlets=2,
    feeds={"fetched": 2, "not_modified": 1},
    failed_outlets=[],
    counts=Counts(entries=12, articles=5, skips={"fresh.seen": 4}, rejects={"fetch.timeout": 2, "extract.no_text": 1}),
    by_outlet={
        "ledger": Counts(entries=8, articles=3, skips={"fresh.seen": 3}, rejects={"fetch.timeout": 2}),
        "riwaq": Counts(entries=4, articles=2, skips={"fresh.seen": 1}, rejects={"extract.no_text": 1}),
    },
    files=3,
    rows=5,
    recovered="",
    removals={"comment_form": 3, "leaked_code": 1},
    samples=(Sample(outlet="ledger", url="https://l.example/1", rule="leaked_code", text=SCRIPT),),
)
LABELS = {"kataib-hezbollah": "Kata'ib Hizballah <b>"}
ENTITY = DocumentEntity("kataib-hezbollah", "militia", 3, True, True, 0.9, ["irgc"])


def tagged(n: int, outlet: str = "ledger", title: str = "", **fields: object) -> TaggedArticle:
    origin = Origin(outlet, f"https://{outlet}.example/rss", str(n), f"https://{outlet}.example/{n}", None, "en")
    at = START + (n % 3) * DAY
    values = dict.fromkeys(Article._fields, "") | {
        "origin": origin,
        "article_id": f"{n:032x}",
        "version": 1,
        "url": origin.link,
        "canonical_url": origin.link,
        "title": title or f"Title {n}",
        "authors": [],
        "tags": [],
        "text": "One.\n\nTwo.",
        "captions": [],
        "published_at": at,
        "published_at_source": "feed",
        "modified_at": None,
        "fetched_at": at,
        "language": "en",
        "language_confidence": 0.99,
        "change_ratio": None,
        "cluster_id": f"{n:032x}",
        "duplicate_of": None,
        "duplicate_kind": None,
        "extraction_quality": 0.9,
        "warnings": [],
        "removals": [],
        "http_status": 200,
        "etag": None,
        "last_modified": None,
        **fields,
    }
    mention = Entity("kataib-hezbollah", "militia", "Kataib Hezbollah", "text", 0, 4, 1.0, "alias")
    return TaggedArticle(Article(**values), [mention], [ENTITY], 0.5, "g1")  # type: ignore[arg-type]


def write(root: Path, articles: list[TaggedArticle], run_id: str = RUN.run_id) -> None:
    for number, one in enumerate(articles):
        date = partition_date(one.article.published_at or START)
        folder = root / "articles" / f"date={date}" / f"outlet={one.article.origin.outlet}"
        folder.mkdir(parents=True, exist_ok=True)
        table = article_table([one], run_id, "0.1.0")
        pq.write_table(table, folder / f"{run_id}-{number}.parquet")


def feed_state(url: str, **fields: object) -> FeedState:
    state = FeedState(
        url, "ledger", url, None, None, 200, "fetched", START, START, START, START + DAY, 600.0, 0, False, 3, SCRIPT
    )
    return state._replace(**fields)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "_meta").mkdir()
    store = Store(tmp_path / "_meta" / "state.sqlite")
    feeds = [
        feed_state("https://ledger.example/rss"),
        feed_state("https://ledger.example/<b>", failures=2, outcome="timeout", status=0),
    ]
    store.apply("c1", Delta(feeds=[to_scalars(feed) for feed in feeds]))
    return store


@pytest.fixture
def root(tmp_path: Path, store: Store) -> Path:
    copy = {"cluster_id": f"{1:032x}", "duplicate_of": f"{1:032x}", "duplicate_kind": "syndicated"}
    write(
        tmp_path,
        [
            tagged(1, title=SCRIPT),
            tagged(2, "riwaq", RTL, language="ar", **copy),
            tagged(3, title="long " * 2_000),
            tagged(4, title="\u202ereversed"),
            tagged(5, "1-numeric", **copy),
        ],
    )
    origin = Origin("ledger", "https://ledger.example/rss", "9", "https://ledger.example/9", None, None)
    rejects = [
        Reject("fetch", "timeout", origin, "entry", f"https://ledger.example/{SCRIPT}", SCRIPT, True, START),
        Reject("fetch", "timeout", origin, "entry", "javascript:alert(3)", "no answer in 20 s", True, START),
    ]
    folder = tmp_path / "rejects" / "date=2026-03-08"
    folder.mkdir(parents=True)
    rows = [reject_row(one, RUN.run_id, "0.1.0") for one in rejects]
    rows += [reject_row(rejects[0], "another-run", "0.1.0")]
    pq.write_table(pa.Table.from_pylist(rows, REJECTS), folder / "r.parquet")
    return tmp_path


class Elements(HTMLParser):
    """Every tag with its attributes, and the text outside of <style>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.text.append(data)


@pytest.fixture
def html(root: Path, store: Store, tmp_path: Path) -> str:
    return report_html(Dataset(str(root)), RUN, store, silence_factor=5.0, labels=LABELS)


def test_hostile_text_stays_text(html: str) -> None:
    elements = Elements(html)
    assert not {"script", "img", "a", "iframe", "link", "b-"} & {tag for tag, _ in elements.tags}
    assert not [name for _, attrs in elements.tags for name in attrs if name.startswith("on")]
    assert SCRIPT in "".join(elements.text)


def test_the_report_asks_for_nothing_from_anywhere(html: str) -> None:
    assert not [attrs for _, attrs in Elements(html).tags if {"src", "href", "srcset", "action", "data"} & attrs.keys()]
    assert not re.search(r"url\(|@import", html)
    assert "default-src 'none'" in html


def test_a_title_of_ten_kilobytes_is_cut_and_a_right_to_left_one_finds_its_side(root: Path, html: str) -> None:
    write(root, [tagged(6, title="long " * 2_000, cluster_id=f"{1:032x}")], "second")
    assert "long " * 60 not in html
    assert f'<p class="title" dir="auto">{RTL} <bdi' in html  # a <bdi> around it would not count for dir="auto"
    assert len(html) < 60_000


def test_entities_go_by_their_names_in_the_gazetteer(html: str) -> None:
    assert LABELS["kataib-hezbollah"] in Elements(html).text


def test_the_counts_add_up_in_sight(html: str) -> None:
    text = " ".join(" ".join(Elements(html).text).split())
    assert "article 5 skip fresh seen 4 reject fetch timeout 2 reject extract no_text 1 all entries seen 12" in text


def test_counts_that_do_not_add_up_are_said(root: Path, store: Store, tmp_path: Path) -> None:
    wrong = RUN.model_copy(update={"counts": RUN.counts.model_copy(update={"entries": 13})})
    html = report_html(Dataset(str(root)), wrong, store, silence_factor=5.0, labels=LABELS)
    assert "does not add up to the 13 entries seen" in html


def test_figures_are_those_of_the_dataset(root: Path) -> None:
    figures = read_figures(Dataset(str(root)), RUN.run_id)
    assert [(day.date, day.articles, day.new) for day in figures.days] == [
        ("2026-03-08", 1, 1),
        ("2026-03-09", 2, 2),
        ("2026-03-10", 2, 2),
    ]
    assert figures.by_outlet == {"1-numeric": [0, 0, 1], "ledger": [1, 2, 0], "riwaq": [0, 0, 1]}
    assert [(c.size, [(m.outlet, m.kind) for m in c.members]) for c in figures.clusters] == [
        (3, [("ledger", ""), ("1-numeric", "syndicated"), ("riwaq", "syndicated")])
    ]
    assert figures.entities == [("kataib-hezbollah", "militia", 15, 5)]
    assert figures.languages == [("en", 4), ("ar", 1)]
    assert [(row.reason, row.n) for row in figures.rejects] == [("timeout", 2)]


def test_a_large_cluster_is_cut_and_keeps_its_canonical_article(root: Path) -> None:
    copy = {"cluster_id": f"{20:032x}", "duplicate_of": f"{20:032x}", "duplicate_kind": "exact"}
    write(root, [tagged(20, "zzz"), *(tagged(n, "aaa", **copy) for n in range(21, 33))], "many")
    largest = read_figures(Dataset(str(root)), RUN.run_id).clusters[0]
    assert (largest.size, len(largest.members), largest.members[0].outlet) == (13, 8, "zzz")


def test_an_article_counts_once_with_its_newest_version(root: Path) -> None:
    write(root, [tagged(1, title="Corrected", version=2, cluster_id=f"{1:032x}")], "later")
    figures = read_figures(Dataset(str(root)), "later")
    assert sum(day.articles for day in figures.days) == 5
    assert sum(day.new for day in figures.days) == 1
    assert figures.clusters[0].members[0].title == "Corrected"


def test_a_run_over_an_empty_dataset_has_a_report(tmp_path: Path) -> None:
    nothing = Counts(entries=0, articles=0, skips={}, rejects={})
    run = RUN.model_copy(update={"counts": nothing, "by_outlet": {}, "removals": {}, "samples": ()})
    store = Store(tmp_path / "none.sqlite")
    html = report_html(Dataset(str(tmp_path)), run, store, silence_factor=5.0, labels=LABELS)
    assert "The dataset holds no articles yet" in html


def test_a_damaged_file_is_named(root: Path, store: Store, tmp_path: Path) -> None:
    (root / "articles" / "date=2026-03-09" / "outlet=ledger" / "broken.parquet").write_bytes(b"PAR1nonsense")
    with pytest.raises(DatasetError, match=r"broken\.parquet"):
        report_html(Dataset(str(root)), RUN, store, silence_factor=5.0, labels=LABELS)
