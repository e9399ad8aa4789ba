"""Progress: counts that a person can watch while a run works, from any number of worker processes.

Beam's metrics are told when a pipeline has ended; nobody waits an hour in the dark for that. A `Watch` adds one byte to
a file for each element that passes, and the size of the file is the count: appends of one byte are atomic, cheap, and
need no server. The counts of record are taken elsewhere, from the data itself. A worker on a machine that does not see
the files' folder counts nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import apache_beam as beam
from apache_beam.pvalue import PCollection

T = TypeVar("T")


class WatchFn(beam.DoFn):
    """Passes each element on, and counts it under `name`, or under `name.<reason>` where it has a reason."""

    def __init__(self, folder: str, name: str) -> None:
        self.folder = folder
        self.name = name

    def setup(self) -> None:
        self.files = dict[str, int]()
        self.sees_folder = Path(self.folder).is_dir()

    def process(self, element: T) -> Iterator[T]:
        if self.sees_folder:
            self._count(getattr(element, "reason", ""))
        yield element

    def teardown(self) -> None:
        for file in self.files.values():
            os.close(file)

    def _count(self, reason: str) -> None:
        name = f"{self.name}.{reason}" if reason else self.name
        if name not in self.files:
            self.files[name] = os.open(Path(self.folder, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self.files[name], b".")


class Watch(beam.PTransform[Any, Any]):
    """Elements in, the same elements out; counted in `folder` while they pass."""

    def __init__(self, folder: str, name: str) -> None:
        super().__init__()
        self.folder = folder
        self.name = name

    def expand(self, elements: PCollection[Any]) -> Any:
        return elements | beam.ParDo(WatchFn(self.folder, self.name)).with_output_types(elements.element_type)


def counts(folder: Path) -> dict[str, int]:
    """Return what has been counted so far, by name; nothing where the folder is not there yet."""
    try:
        return {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    except FileNotFoundError:
        return {}
