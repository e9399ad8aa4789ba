"""Everything newsbeam raises on purpose, and the exit code each ends with.

NewsbeamError
├── ConfigError        2   a configuration file or option is wrong: nothing was started
├── LockHeld           3   another run holds the dataset
├── DatasetError       1   the dataset root cannot be read or written
│   └── TakenOver      1   a later run has the dataset: this one's workers may commit nothing any more
└── CountsDoNotAddUp   1   entries seen differ from articles, skips and rejects together: nothing was committed
"""

from typing import Optional, Self


class NewsbeamError(Exception):
    """Base of all; its text is one line a person can act on."""

    exit_code = 1

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return an error of this class of which nothing but the text is known."""
        error = cls.__new__(cls)
        error.args = (text,)
        return error


class ConfigError(NewsbeamError):
    """A setting that cannot be used; says file, line, field, what is wrong and what to do."""

    exit_code = 2

    def __init__(self, file: str, line: Optional[int], field: str, problem: str, remedy: str) -> None:
        self.file, self.line, self.field, self.problem, self.remedy = file, line, field, problem, remedy
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {field}: {problem}. {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, Optional[int], str, str, str]]:
        return type(self), (self.file, self.line, self.field, self.problem, self.remedy)


class Noted:
    """Add what is refused within to `problems`, and go on after it.

    A gazetteer enters it for each of its rows; a generator would take three times as long.
    """

    def __init__(self, problems: list[ConfigError]) -> None:
        self.problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: Optional[BaseException], trace: object) -> bool:
        if not isinstance(problem, ConfigError):
            return False
        self.problems.append(problem)
        return True


class LockHeld(NewsbeamError):
    """Another process works on this dataset root."""

    exit_code = 3

    def __init__(self, root: str, holder: str) -> None:
        self.root, self.holder = root, holder
        super().__init__(
            f"{root}: another newsbeam holds this dataset ({holder}). Wait for it to end, or use another --output"
        )

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.root, self.holder)


class DatasetError(NewsbeamError):
    """The dataset root, or a file in it, cannot be read or written."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy
        super().__init__(f"{path}: {problem}. {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.path, self.problem, self.remedy)


class TakenOver(DatasetError):
    """A later run has taken the dataset over."""


class CountsDoNotAddUp(NewsbeamError):
    """Some entry was lost or counted twice on its way; the run is not committed."""

    def __init__(
        self,
        run_id: str,
        entries: int,
        ended: int,
        outlet: str = "",
        things: str = "entries",
        ends: str = "articles, skips and rejects",
    ) -> None:
        self.run_id, self.entries, self.ended, self.outlet = run_id, entries, ended, outlet
        self.things, self.ends = things, ends
        where = f"run {run_id}, outlet {outlet}" if outlet else f"run {run_id}"
        super().__init__(f"{where}: {entries} {things} came in, but {ended} {ends} went out; nothing was committed")

    def __reduce__(self) -> tuple[type, tuple[str, int, int, str, str, str]]:
        return type(self), (self.run_id, self.entries, self.ended, self.outlet, self.things, self.ends)
