"""What `--setup_file` sends to workers on other machines: the sdist, as Beam makes it."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "setup.py", "-q", "egg_info", f"--egg-base={folder}", "sdist", f"--dist-dir={folder}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


@pytest.mark.parametrize("package", ["pipelines", "transforms", "schemas"])
def test_it_holds_all_of_a_package(names: set[str], package: str) -> None:
    kinds = {".py", ".json", ".html", ".typed"}
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*") if path.suffix in kinds}
    assert kept <= names


def test_it_holds_gazetteer_rules_and_all_other_tables(names: set[str]) -> None:
    config = {str(path.relative_to(ROOT)) for path in (ROOT / "config").rglob("*") if path.is_file()}
    assert {"config/defaults.toml", "config/gazetteer/curated/entities.csv"} <= config
    assert config <= names


def test_it_holds_no_tests_and_no_benchmarks(names: set[str]) -> None:
    assert not {name for name in names if name.startswith(("tests/", "benchmarks/"))}
