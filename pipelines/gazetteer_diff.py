"""What a change of the gazetteer does to articles that are stored already, before anybody merges it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from schemas.errors import DatasetError
from schemas.gazetteer import Gazetteer
from schemas.settings import TagSettings
from transforms.tag import Compiled, tag

_CONTEXT: Final = 40  # characters shown on either side of a mention
_SAMPLE: Final = """
SELECT url, coalesce(title, ''), text, language FROM read_parquet(?, union_by_name = true)
ORDER BY hash(article_id), version LIMIT ?"""


class Text(NamedTuple):
    """An article as it is tagged."""

    url: str
    title: str
    text: str
    language: str


class Change(NamedTuple):
    """An entity that more, fewer, or other articles are found under."""

    id: str
    before: int  # articles that name it
    after: int
    gained: Sequence[str]  # one mention in its context for each article that did not name it before
    lost: Sequence[str]


class Rows(NamedTuple):
    """Rows that came and went."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]


def sample(root: Path, size: int) -> list[Text]:
    """Return at most `size` articles of the dataset at `root`, always the same ones.

    Raises:
        DatasetError: there are none.
    """
    files = [str(path) for path in sorted(root.glob("articles/date=*/outlet=*/*.parquet"))]
    if not files:
        raise DatasetError(str(root), "holds no articles", "Give the --output of an earlier run")
    return [Text(*row) for row in duckdb.connect().execute(_SAMPLE, [files, size]).fetchall()]


def compare_rows(before: Gazetteer, after: Gazetteer) -> tuple[Rows, Rows]:
    """Return how the entities and the aliases differ."""
    names = [{f"{alias.id}: {alias.alias}": alias for alias in gazetteer.aliases} for gazetteer in (before, after)]
    return _compare(before.entities, after.entities), _compare(names[0], names[1])


def _compare(before: Mapping[str, object], after: Mapping[str, object]) -> Rows:
    both = sorted(before.keys() & after.keys())
    return Rows(
        sorted(after.keys() - before.keys()),
        sorted(before.keys() - after.keys()),
        [key for key in both if before[key] != after[key]],
    )


def compare(texts: Iterable[Text], before: Compiled, after: Compiled, settings: TagSettings) -> list[Change]:
    """Return the entities whose articles differ, the most affected first."""
    counts: dict[str, list[int]] = {}
    gained: dict[str, list[str]] = {}
    lost: dict[str, list[str]] = {}
    for text in texts:
        old, new = (dict(_named(text, compiled, settings)) for compiled in (before, after))
        for id in old.keys() | new.keys():
            count = counts.setdefault(id, [0, 0])
            count[0] += id in old
            count[1] += id in new
            if id not in old:
                gained.setdefault(id, []).append(new[id])
            elif id not in new:
                lost.setdefault(id, []).append(old[id])
    changes = [
        Change(id, counts[id][0], counts[id][1], gained.get(id, ()), lost.get(id, ()))
        for id in gained.keys() | lost.keys()
    ]
    return sorted(changes, key=lambda change: (-len(change.gained) - len(change.lost), change.id))


def _named(text: Text, compiled: Compiled, settings: TagSettings) -> Iterator[tuple[str, str]]:
    """Yield each entity with its first mention in context; later pairs of an id come first, so that a dict keeps it."""
    fields = {"title": text.title, "text": text.text}
    for mention in reversed(tag(list(fields.items()), text.language, compiled, settings)):
        whole = fields[mention.field]
        before, after = whole[: mention.start][-_CONTEXT:], whole[mention.end :][:_CONTEXT]
        yield mention.id, " ".join(f"{before}[{mention.surface}]{after}".split())
