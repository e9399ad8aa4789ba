"""Finding Prism, or saying how to get it."""

from pathlib import Path

import pytest

from pipelines import prism
from pipelines.options import choose_stream
from pipelines.stream import parse_window
from schemas.errors import ConfigError


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


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
