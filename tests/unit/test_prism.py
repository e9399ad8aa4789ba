"""Finding Prism, or saying how to get it."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from pipelines import prism
from pipelines.options import choose_stream
from pipelines.stream import parse_window, why_it_ended, within
from schemas.errors import ConfigError, NewsbeamError
from schemas.settings_files import load_settings
from transforms.write import Dataset, lock, prepare


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Prism's start hangs up for the rest of a process is taken down after each test."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


def binary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_without_prism_one_is_told_how_to_build_it(nowhere: Path) -> None:
    with pytest.raises(ConfigError, match="make prism"):
        prism.find_prism(None)


def test_what_is_given_is_taken_or_refused(nowhere: Path) -> None:
    given = binary(nowhere / "elsewhere" / "prism")
    assert prism.find_prism(str(given)) == given
    with pytest.raises(ConfigError, match="no-such-file"):
        prism.find_prism("no-such-file")


def test_the_path_goes_before_what_make_built(nowhere: Path) -> None:
    built = binary(nowhere / ".cache" / "newsbeam" / f"prism-{prism.version('apache-beam')}" / "prism")
    assert prism.find_prism(None) == built
    assert prism.find_prism(None) != binary(nowhere / "prism")
    assert prism.find_prism(None) == nowhere / "prism"


@pytest.mark.parametrize(
    "args", [[], ["--runner=DirectRunner"], ["--streaming"]], ids=["default", "direct", "streaming"]
)
def test_streams_run_on_prism(args: list[str]) -> None:
    engine = choose_stream(args)
    assert (engine.name, bool(engine.notice)) == ("PrismRunner", "--runner=DirectRunner" in args)


@pytest.mark.parametrize("runner", ["FnApiRunner", "DaskRunner"])
def test_engines_that_streams_do_not_run_on_are_refused(runner: str) -> None:
    with pytest.raises(ConfigError, match="not an engine"):
        choose_stream([f"--runner={runner}"])


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("24h", 86_400)])
def test_a_window_has_a_unit(text: str, seconds: int) -> None:
    assert parse_window(text) == seconds


@pytest.mark.parametrize("text", ["5", "0s", "25h", "5 m", "-1m", "١٢m"])
def test_no_other_window_is_taken(text: str) -> None:
    with pytest.raises(ConfigError, match="no window"):
        parse_window(text)


def died(log: Path) -> prism.Prism:
    process = subprocess.Popen(["false"])
    process.wait()
    log.write_text("panic: out of memory")
    return prism.Prism("localhost:1", process, log)


class Waiting:
    """A pipeline whose submission waits, as Beam's does for an engine that is gone."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def run(self) -> None:
        self.over.wait()


def test_a_pipeline_is_not_submitted_for_ever_to_an_engine_that_died(tmp_path: Path) -> None:
    pipeline: Any = Waiting()
    with pytest.raises(NewsbeamError, match="Prism has died: panic: out of memory"):
        prism.submit(pipeline, died(tmp_path / "log"))
    pipeline.over.set()


def listening(path: Path) -> Path:
    """A program that listens where Prism would, and does nothing more."""
    path.write_text(
        "#!/bin/sh\nport=${1#*=}\n"
        "exec python3 -c \"import socket; s = socket.create_server(('localhost', $port)); s.accept(); s.accept()\"\n"
    )
    path.chmod(0o755)
    return path


def test_what_fails_in_speaking_with_an_engine_that_died_is_told_as_its_death(tmp_path: Path) -> None:
    def speak() -> None:
        with prism.running(listening(tmp_path / "prism"), tmp_path / "log") as engine:
            engine.process.kill()
            raise grpc.RpcError

    with pytest.raises(NewsbeamError, match="Prism has died"):
        speak()


def test_threads_that_spoke_with_an_engine_that_died_say_nothing_and_other_failures_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[type[BaseException]]()

    def tell(failed: threading.ExceptHookArgs) -> None:
        told.append(failed.exc_type)

    monkeypatch.setattr(threading, "excepthook", tell)

    def fail(error: BaseException, after: float = 0.0) -> threading.Thread:
        def run() -> None:
            over.wait(after)
            raise error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    over = threading.Event()

    def speak() -> None:
        with prism.running(listening(tmp_path / "prism"), tmp_path / "log") as engine:
            fail(grpc.RpcError()).join()  # it lives: this is another trouble
            engine.process.kill()
            fail(grpc.RpcError()).join()
            fail(ValueError()).join()
            fail(grpc.RpcError(), after=0.1)  # some threads notice late
            engine.require_alive()

    with pytest.raises(NewsbeamError, match="Prism has died"):
        speak()
    assert told == [grpc.RpcError, ValueError]
    assert threading.excepthook is tell


def test_a_stream_says_why_it_ended(tmp_path: Path) -> None:
    place, obeyed = Dataset(str(tmp_path / "data")), tmp_path / "stop.obeyed"
    prepare(place)
    with lock(place) as mine:
        assert "Flink" in why_it_ended(mine, obeyed)  # nothing else ends a pipeline whose source goes on
        obeyed.touch()
        assert why_it_ended(mine, obeyed).startswith("drained")
        obeyed.unlink()
    with lock(place):
        assert "a later run has taken the dataset over" in why_it_ended(mine, obeyed)


@pytest.mark.parametrize(
    ("window_s", "deadline_s", "connect_s", "max_host_s"),
    [(2, 5.0, 5.0, 5.0), (12, 6.0, 6.0, 6.0), (30, 15.0, 8.0, 15.0), (300, 20.0, 8.0, 150.0)],
)
def test_no_request_and_no_host_holds_a_window_for_longer_than_its_share(
    window_s: int, deadline_s: float, connect_s: float, max_host_s: float
) -> None:
    shipped = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml").http
    http = within(shipped, window_s)
    assert (http.deadline_s, http.connect_s, http.max_host_s) == (deadline_s, connect_s, max_host_s)
