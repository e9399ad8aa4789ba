"""The `newsbeam` command as a person meets it: exit codes, messages, and what a killed run leaves behind."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import duckdb
import pytest

from pipelines import cli
from pipelines.demo import DemoWeb
from pipelines.history import save
from schemas.run import Outcome, Run
from transforms.write import Dataset

ROOT = Path(__file__).parents[2]


class Desk(NamedTuple):
    """A web to read, and the files that tell newsbeam about it."""

    web: DemoWeb
    outlets: Path
    settings: Path

    def run(self, root: Path, *more: str) -> list[str]:
        files = ["--outlets", str(self.outlets), "--settings", str(self.settings), "--output", str(root)]
        return ["run", *files, "--every-feed", *more]

    def command(self, root: Path, *more: str) -> list[str]:
        return [sys.executable, "-m", "pipelines.cli", *self.run(root, *more)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with DemoWeb(ROOT / "config" / "demo", port=0) as web:
        tables = []
        for outlet in web.outlets:
            fields = outlet.model_dump(exclude={"slug", "note"}, exclude_defaults=True)
            lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
            tables.append("\n".join([f"[{outlet.slug}]", *lines]))
        outlets, settings = folder / "outlets.toml", folder / "settings.toml"
        outlets.write_text("\n\n".join(tables), "utf-8")
        settings.write_text(f"[http]\ngap_s = 0.01\nallow_networks = {json.dumps(web.allow_networks)}\n")
        yield Desk(web, outlets, settings)


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


Here = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process, which has what a new one would have to load first."""

    def run_here(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        code = cli.main(arguments)
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run_here


def rows(root: Path) -> list[tuple[str, str]]:
    files = f"{root}/articles/date=*/outlet=*/*.parquet"
    query = f"SELECT article_id, content_hash FROM read_parquet('{files}') ORDER BY ALL"
    return duckdb.connect().execute(query).fetchall()


def strays(root: Path) -> list[Path]:
    """Files that readers would stumble over."""
    public = [folder for folder in root.iterdir() if folder.name != "_meta"]
    return [path for folder in public for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]


def records(root: Path) -> list[Run]:
    """What the runs say of themselves, in their order."""
    return [Run.model_validate_json(path.read_text("utf-8")) for path in sorted(root.glob("_meta/runs/*.json"))]


@pytest.fixture(scope="module")
def whole(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What a run that nobody disturbs writes."""
    root = tmp_path_factory.mktemp("whole") / "data"
    assert cli.main(desk.run(root)) == 0
    return rows(root)


@pytest.mark.parametrize("until", ["a page has been asked for", "rows are staged"])
def test_a_killed_run_leaves_nothing_and_the_next_one_writes_each_row_once(
    desk: Desk, whole: list[tuple[str, str]], tmp_path: Path, here: Here, until: str
) -> None:
    root, asked, temporary = tmp_path / "data", len(desk.web.seen), tmp_path / "temporary"
    temporary.mkdir()
    with (tmp_path / "output").open("w") as output:
        killed = subprocess.Popen(
            desk.command(root), cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(temporary)}
        )

    def reached() -> bool:
        if until == "rows are staged":
            return any(
                path.suffix != "" or len(path.name) == 32 for path in root.glob("_meta/staging/*/*") if path.is_file()
            )
        return any("/2" in seen.url for seen in desk.web.seen[asked + 20 :])

    deadline = time.monotonic() + 60
    while not reached() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)  # polls for a state of another process; no outcome hangs on its length
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert rows(root) == [] if list(root.glob("articles/**/*.parquet")) else True
    done = here(desk.run(root))
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(root) == whole
    assert strays(root) == []
    assert list(root.glob("_meta/staging/*")) == []
    assert [record.outcome for record in records(root)] == [Outcome.KILLED, Outcome.DONE]
    assert list(temporary.iterdir()) == []  # Beam's folders were in the dataset's staging


def test_ctrl_c_in_the_middle_ends_a_run_with_one_line(desk: Desk, tmp_path: Path) -> None:
    root, asked = tmp_path / "data", len(desk.web.seen)
    command = desk.command(root)
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any("/2" in seen.url for seen in desk.web.seen[asked + 20 :]) and running.poll() is None:
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (
        130,
        "interrupted: nothing more was committed; the next run goes on from there\n",
    )


def test_a_second_run_at_once_is_refused_and_the_first_goes_on(
    desk: Desk, whole: list[tuple[str, str]], tmp_path: Path
) -> None:
    root, asked = tmp_path / "data", len(desk.web.seen)
    first = subprocess.Popen(desk.command(root), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(desk.web.seen) == asked and first.poll() is None:
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGSTOP)  # holds it where it is, however fast the machine
    second = run(desk.command(root))
    os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 3
    assert f"process {first.pid}" in second.stderr
    assert first.wait(60) == 0
    assert rows(root) == whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("[two-rivers]", "[Two_Rivers]"), ["Two_Rivers", "bad slug", "outlets.toml:"], id="bad-slug"),
        pytest.param(("country = ", "contry = "), ["contry", "unknown key", "outlets.toml:"], id="unknown-key"),
    ],
)
def test_a_bad_outlets_file_is_refused_before_anything_starts(
    desk: Desk, tmp_path: Path, here: Here, change: tuple[str, str], words: list[str]
) -> None:
    outlets, root, asked = tmp_path / "outlets.toml", tmp_path / "data", len(desk.web.seen)
    outlets.write_text(desk.outlets.read_text("utf-8").replace(*change, 1), "utf-8")
    done = here(desk._replace(outlets=outlets).run(root))
    assert done.returncode == 2
    assert all(word in done.stderr.replace("\n", "") for word in words), done.stderr
    assert not root.exists()
    assert len(desk.web.seen) == asked


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        pytest.param(["--only", "nobody"], 2, "no outlet nobody", id="unknown-outlet"),
        pytest.param(["--wrkers", "2"], 2, "No such option", id="misspelt-option"),
        pytest.param(["--", "--runner=PrismRunner"], 2, "not an engine", id="engine-that-cannot-work"),
        pytest.param(["--", "--no_such_option"], 2, "Beam knows no such option", id="unknown-beam-option"),
    ],
)
def test_a_command_that_cannot_work_is_refused(
    desk: Desk, tmp_path: Path, here: Here, more: list[str], code: int, words: str
) -> None:
    done = here(desk.run(tmp_path / "data", *more))
    assert (done.returncode, words in done.stderr.replace("\n", " ")) == (code, True), done.stderr


def test_worker_processes_write_the_same_rows_and_say_nothing(
    desk: Desk, whole: list[tuple[str, str]], tmp_path: Path
) -> None:
    done = run(desk.command(tmp_path / "data", "--workers", "2"))
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(tmp_path / "data") == whole


def test_what_a_dead_run_had_decided_is_finished_and_recorded_also_where_there_is_no_room_for_another(
    desk: Desk, tmp_path: Path, here: Here
) -> None:
    root = tmp_path / "data"
    desk = desk._replace(settings=tmp_path / "settings.toml")
    desk.settings.write_text("[write]\nmin_free_bytes = 0\n")
    assert here(desk.run(root, "--only", "two-rivers")).returncode == 1  # of a private address: refused, and committed
    (record,) = records(root)
    meta = root / "_meta"
    # As a run leaves it that dies between the manifest and the last step.
    (meta / "done" / f"{record.run_id}.json").unlink()
    (meta / "runs" / f"{record.run_id}.html").unlink()
    died = record.model_copy(update={"outcome": Outcome.RUNNING, "feeds": {}, "ended_at": ""})
    save(Dataset(str(root)), died)
    desk.settings.write_text(f"[write]\nmin_free_bytes = {10**18}\n")
    refused = here(desk.run(root))
    assert (refused.returncode, "MB free" in refused.stderr) == (1, True), refused.stderr
    (finished,) = records(root)
    assert (finished.outcome, finished.feeds) == (Outcome.DONE, record.feeds)
    assert (meta / "runs" / f"{record.run_id}.html").exists()
    assert (meta / "done" / f"{record.run_id}.json").exists()


def system(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    place.mkdir()
    if subprocess.run(["mount", *options, str(place)], capture_output=True, check=False).returncode:
        pytest.skip("mounting is refused here")
    try:
        yield
    finally:
        system("umount", "--lazy", str(place))  # the state may still be open in this process


@contextlib.contextmanager
def full_disk(place: Path, root: Path) -> Iterator[Callable[[], None]]:
    with mounted(place, "-t", "tmpfs", "-o", "size=4m", "tmpfs"):
        filler = place / "filler"
        filler.write_bytes(b"x" * 3_800_000)
        yield filler.unlink


@contextlib.contextmanager
def met_quota(place: Path, root: Path) -> Iterator[Callable[[], None]]:
    image = place.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(2**32)
    if subprocess.run([shutil.which("mkfs.btrfs") or "false", str(image)], capture_output=True, check=False).returncode:
        pytest.skip("no btrfs here: apt-get install btrfs-progs")
    with mounted(place, "-o", "loop", str(image)):
        system("btrfs", "quota", "enable", str(place))
        system("btrfs", "subvolume", "create", str(root))
        system("btrfs", "qgroup", "limit", "300k", str(root))
        yield lambda: system("btrfs", "qgroup", "limit", "none", str(root))


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (full_disk, "No space left on device. Free some space"),
        (met_quota, "Disk quota exceeded. Raise the quota or free some space"),
    ],
    ids=["disk", "quota"],
)
def test_a_disk_or_quota_that_is_used_up_is_said_and_nothing_is_written_until_there_is_room(
    tmp_path: Path, here: Here, limit: Any, said: str
) -> None:
    texts, settings, root, chance = (
        tmp_path / "texts",
        tmp_path / "settings.toml",
        tmp_path / "disk" / "data",
        Random(1),
    )
    texts.mkdir()
    for number in range(30):
        words = [f"{chance.getrandbits(40):x}" for _ in range(1_500)]  # nothing that packs well
        (texts / f"{number}.txt").write_text(
            f"Shelling near Kobani, day {number}\n\nResidents said: {' '.join(words)}."
        )
    settings.write_text("[write]\nmin_free_bytes = 0\n")
    backfill = ["backfill", str(texts), "--output", str(root), "--settings", str(settings), "--outlet", "desk"]
    with limit(root.parent, root) as make_room:
        full = here(backfill)
        assert (full.returncode, bool(re.fullmatch(rf"error .*: {said}[^\n]*\n", full.stderr))) == (1, True), (
            full.stderr
        )
        assert list(root.glob("articles/**/*.parquet")) == []
        make_room()
        assert here(backfill).returncode == 0
        assert len(rows(root)) == len(set(rows(root))) == 30


def test_a_root_that_may_not_be_read_is_refused(desk: Desk, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir(mode=0o000)
    as_anybody = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = run([*as_anybody, *desk.command(root)])
    assert (done.returncode, f"{root}" in done.stderr, "Permission denied. Give" in done.stderr) == (1, True, True), (
        done.stderr
    )


def test_a_root_that_is_a_file_is_refused(desk: Desk, tmp_path: Path, here: Here) -> None:
    root = tmp_path / "data"
    root.write_text("not a folder")
    done = here(desk.run(root))
    assert done.returncode == 1
    assert "not a folder" in done.stderr.replace("\n", " ").lower()


def test_a_backfill_of_text_writes_a_row_a_file_and_again_none(tmp_path: Path, here: Here) -> None:
    texts, root = tmp_path / "texts", tmp_path / "data"
    texts.mkdir()
    for number in range(3):
        paragraph = (
            f"Militants of Kataib Hezbollah fired {number + 3} rockets at the Ain al-Asad base on day {number}. "
        )
        (texts / f"{number}.txt").write_text(f"Headline number {number}\n\n" + paragraph * 5)
    (texts / "broken.txt").write_bytes(b"\xff\xfe\xfa not text")
    (texts / "notes.md").write_text("not an article")
    command = ["backfill", str(texts), "--output", str(root), "--outlet", "desk"]
    assert here(command).returncode == 0
    first = rows(root)
    assert len(first) == 3
    again = here(command)
    assert (again.returncode, rows(root)) == (0, first)
    runs = [json.loads(path.read_text()) for path in sorted((root / "_meta" / "runs").glob("*.json"))]
    assert runs[0]["counts"] == {"entries": 4, "articles": 3, "skips": {}, "rejects": {"sources.bad_encoding": 1}}
    assert runs[1]["counts"]["skips"] == {"fresh.seen": 3, "fresh.given_up": 1}


def test_a_backfill_of_which_nothing_becomes_an_article_has_failed(tmp_path: Path, here: Here) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"\xff\xfe\xfa not text")
    done = here(["backfill", str(broken), "--output", str(tmp_path / "data")])
    assert (done.returncode, "not one of the files became an article" in done.stdout) == (1, True), done.stdout


def test_a_backfill_of_what_is_no_archive_has_failed_and_says_why(tmp_path: Path, here: Here) -> None:
    (tmp_path / "empty.warc.gz").write_bytes(b"")
    (tmp_path / "page.warc").write_text("<html>")
    done = here(["backfill", str(tmp_path), "--output", str(tmp_path / "data")])
    said = all(f"{name}: behind offset 0: begins with no WARC record" in done.stdout for name in ("gz", "page.warc"))
    counted = re.search(r"files rejected by sources +2 +unreadable", done.stdout)
    assert (done.returncode, said, bool(counted)) == (1, True, True), done.stdout


def test_explain_tells_what_was_taken_away_and_why(tmp_path: Path, here: Here) -> None:
    text = tmp_path / "dirty.txt"
    body = "Militants of Kataib Hezbollah fired rockets at the Ain al-Asad base, the Iraqi army said on Tuesday. " * 4
    text.write_text(
        f"Rockets hit base in Anbar\n\n{body}\n\nLeave a Reply\n\nYour email address will not be published.\n"
    )
    done = here(["explain", str(text)])
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("Leave a Reply", "comment", "kataib-hezbollah", "as an article")), (
        done.stdout
    )
    short = tmp_path / "short.txt"
    short.write_text("Too little to be an article.")
    nobody = here(["explain", str(text), "--outlet", "nobody"])
    assert (nobody.returncode, "--outlet: no outlet nobody" in nobody.stderr) == (2, True), nobody.stderr
    refused = here(["explain", str(short)])
    assert (refused.returncode, "too_short" in refused.stdout) == (1, True)
