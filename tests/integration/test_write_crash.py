"""Whole pipelines killed while they commit, and a disk that fills up: rows once, nothing half there, clear words."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit

import duckdb
import pytest

from schemas.errors import DatasetError, LockHeld
from transforms.state import Store
from transforms.write import Dataset, lock, prepare, recover, require_room

REPOSITORY = Path(__file__).parents[2]
ENTRIES = 40

# A run of `ENTRIES` articles over eight days, each with one of two outlets: `python run.py ROOT RUN_ID WORKERS`.
RUN = f"""
import sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import Timestamp
from schemas.records import *
from schemas.settings import WriteSettings
from transforms.state import Store
from transforms.write import Dataset, Harvest, Write, lock, prepare, recover

NOON = Timestamp(1_760_011_200)

def article(number):
    from schemas.records import Article, Origin, TaggedArticle
    outlet, name = ("gazette", "courier")[number % 2], f"article-{{number}}"
    url = f"https://{{outlet}}.example/{{number}}"
    origin = Origin(outlet, f"https://{{outlet}}.example/rss", name, url, NOON, "en")
    day = NOON + 86_400 * (number % 8)
    return TaggedArticle(Article(
        origin, name, 1, url, url, name, "", "", [], "", [], "", "news", "Some text. " * 500, "", [], "", day, "meta", None,
        day, "en", 0.9, name, None, name, None, None, "main", 0.8, [], [], 200, None, None), [], [], 0.0, "g1")

if __name__ == "__main__":
    root, run_id, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    dataset = Dataset(root)
    prepare(dataset)
    store = Store(dataset.state)
    options = ["--runner=FnApiRunner"]
    if workers > 1:
        options += ["--direct_running_mode=multi_processing", f"--direct_num_workers={{workers}}"]
    with lock(dataset) as dataset:
        recover(dataset, store)
        articles = [article(number) for number in range({ENTRIES})]
        links = store.links([tagged.article.origin.link for tagged in articles])
        new = [tagged for tagged in articles if tagged.article.origin.link not in links]
        tallies = [Tally(tagged.article.origin.outlet, "entry", "", 1) for tagged in new]
        members = [Member(t.article.article_id, 1, t.article.origin.outlet, "repost" if n else None, NOON, None, None) for n, t in enumerate(new)]
        clusters = [Cluster("story", members, True)] if new else []
        aliases = [ClusterAlias("other", "story", NOON)] if new else []
        with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
            def made(name, values, kind):
                return pipeline | name >> beam.Create(values).with_output_types(kind)
            Harvest(
                made("Articles", new, TaggedArticle), made("Skips", [], Skip), made("Rejects", [], Reject),
                made("Entries", tallies, Tally), made("Feeds", [], FeedState), made("Signatures", [], Signature),
                made("Clusters", clusters, Cluster), made("Aliases", aliases, ClusterAlias),
            ) | Write(dataset, run_id, store, WriteSettings(shards=1, max_rows_per_file=100, compression_level=3, min_free_bytes=0), "0.1")
"""

# Python imports `sitecustomize` in every process it starts, so this reaches Beam's workers without a hook in the product.
FAULT = """
import os, signal
_calls = {{}}
def _before(name, real):
    def call(*args, **options):
        if {part!r} in " ".join(map(str, args)):
            _calls[name] = _calls.get(name, 0) + 1
            if name == {name!r} and _calls[name] == {number}:
                os.killpg(0, signal.SIGKILL)
        return real(*args, **options)
    return call
os.link, os.replace = _before("link", os.link), _before("replace", os.replace)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "run.py"
    path.write_text(textwrap.dedent(RUN))
    return path


def run(
    script: Path, root: Path, run_id: str, workers: int = 1, extra_path: str = "", largest_file: int = RLIM_INFINITY
) -> subprocess.CompletedProcess[str]:
    """Run the script in a process group of its own, so that a fault takes its workers down too."""
    paths = os.pathsep.join(filter(None, [extra_path, str(REPOSITORY)]))
    return subprocess.run(
        [sys.executable, str(script), str(root), run_id, str(workers)],
        env={**os.environ, "PYTHONPATH": paths}, start_new_session=True, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (largest_file, RLIM_INFINITY)),
    )  # fmt: skip


def rows(root: Path) -> tuple[int, int]:
    """All rows, and distinct ones, as a reader's glob over the table sees them."""
    if not list(root.glob("articles/*/*/*")):
        return 0, 0
    query = f"select count(*), count(distinct article_id) from read_parquet('{root}/articles/date=*/outlet=*/*')"
    found = duckdb.connect().execute(query).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


@pytest.mark.parametrize(
    ("workers", "name", "part", "number", "visible"),
    [
        (1, "link", "manifests", 1, 0),
        (1, "replace", "/articles/", 5, ENTRIES // 2),
        (2, "replace", "/articles/", 5, ENTRIES // 2),
        (1, "link", "done", 1, ENTRIES),
    ],
    ids=["before the manifest", "among the renames", "among the renames, two workers", "before the done mark"],
)
def test_a_run_killed_and_started_again_has_every_row_once(
    tmp_path: Path, script: Path, workers: int, name: str, part: str, number: int, visible: int
) -> None:
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault" / "sitecustomize.py").write_text(FAULT.format(name=name, part=part, number=number))
    root = tmp_path / "data"
    killed = run(script, root, "run-1", workers, str(tmp_path / "fault"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert rows(root) == (visible, visible)  # 8 files of 5 rows
    again = run(script, root, "run-2", workers)
    assert again.returncode == 0, again.stderr
    assert rows(root) == (ENTRIES, ENTRIES)
    assert all(path.suffix == ".parquet" for path in root.joinpath("articles").rglob("*") if path.is_file())
    assert not list(root.joinpath("_meta", "staging").iterdir())


def test_the_commit_survives_a_fault_at_its_steps() -> None:
    matrix = [sys.executable, str(REPOSITORY / "tests/integration/crash_matrix.py"), "47"]
    ended = subprocess.run(
        matrix,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("every row once") == 7


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting a tmpfs is refused here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_commits_nothing_and_the_next_run_with_room_does(script: Path, small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 850_000)
    root = small_disk / "data"
    full = run(script, root, "run-1")
    assert full.returncode == 1
    assert "DatasetError" in full.stderr
    assert "No space left on device. Free some space" in full.stderr
    assert rows(root) == (0, 0)
    assert Store(root / "_meta" / "state.sqlite").applied() == set()
    filler.unlink()
    again = run(script, root, "run-2")
    assert again.returncode == 0, again.stderr
    assert rows(root) == (ENTRIES, ENTRIES)


@pytest.mark.parametrize("largest_file", [12_000, 40_000], ids=["of staging", "of the state"])
def test_a_limit_met_in_the_middle_is_said_and_the_next_run_does_the_rest(
    tmp_path: Path, script: Path, largest_file: int
) -> None:
    root = tmp_path / "data"
    limited = run(script, root, "run-1", largest_file=largest_file)
    assert limited.returncode == 1
    assert "DatasetError" in limited.stderr
    seen = rows(root)
    assert seen in ((0, 0), (ENTRIES, ENTRIES))
    again = run(script, root, "run-2")
    assert again.returncode == 0, again.stderr
    assert rows(root) == (ENTRIES, ENTRIES)


def test_a_disk_without_room_is_refused_at_the_start(small_disk: Path) -> None:
    dataset = Dataset(str(small_disk / "data"))
    prepare(dataset)
    with pytest.raises(DatasetError, match=r"MB free.*Free some space"):
        require_room(dataset, 2_000_000)


def test_a_read_only_file_system_is_refused_at_the_start(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DatasetError, match=r"Read-only file system.*another --output"):
        prepare(Dataset(str(small_disk / "data")))


def test_a_second_run_is_told_who_holds_the_dataset_and_a_killed_one_holds_it_no_more(tmp_path: Path) -> None:
    dataset = Dataset(str(tmp_path))
    prepare(dataset)
    holder = "import sys, time; from transforms.write import *\nwith lock(Dataset(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=f"process {process.pid} on .*, since 20"), lock(dataset):
            pass
        process.kill()
    with lock(dataset) as dataset:
        assert not any(recover(dataset, Store(dataset.state)))
