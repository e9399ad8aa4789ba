"""The folders import in one direction, and no installed package shadows them."""

import ast
import importlib
import pathlib

import pytest
from typer.main import get_command

from pipelines.cli import app

ROOT = pathlib.Path(__file__).parents[2]
MAY_IMPORT: dict[str, set[str]] = {"schemas": set(), "transforms": {"schemas"}, "pipelines": {"schemas", "transforms"}}
OURS = set(MAY_IMPORT) | {"tests", "config", "benchmarks"}


def imported(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_one_way(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        stray = imported(path.read_text("utf-8")) & OURS - {folder} - MAY_IMPORT[folder]
        assert not stray, f"{path.relative_to(ROOT)} imports {sorted(stray)}"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_the_name_is_ours(folder: str) -> None:
    assert pathlib.Path(importlib.import_module(folder).__file__ or "").is_relative_to(ROOT)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_annotations_are_real_objects(folder: str) -> None:
    """Beam reads annotations; deferred ones turn every element type into Any and every field into a pickle."""
    for path in (ROOT / folder).rglob("*.py"):
        assert "from __future__ import annotations" not in path.read_text("utf-8"), path.relative_to(ROOT)


def test_no_help_text_loses_words_to_markup() -> None:
    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for parameter in command.params:
            assert "[" not in (getattr(parameter, "help", None) or ""), (command.name, parameter.name)
    assert len(commands) > 20
