"""What the state keeps, and how its records are taken apart into what databases and JSON hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Optional, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from apache_beam.utils.timestamp import Timestamp

from schemas.records import FeedState, LinkState, Signature, VersionState

Scalar = Union[str, int, float, bytes, None]
"""What a cell holds: times are integers, microseconds since 1970 UTC; lists of integers are int64 little-endian."""

StateRecord = Union[FeedState, LinkState, VersionState, Signature]
R = TypeVar("R", FeedState, LinkState, VersionState, Signature)


class Delta(NamedTuple):
    """What one commit changes: each record replaces the one with its key.

    All but signatures are as `to_scalars` returns them: that is how they are kept, and how databases take them.
    """

    feeds: Sequence[Mapping[str, Scalar]] = ()
    links: Sequence[Mapping[str, Scalar]] = ()
    versions: Sequence[Mapping[str, Scalar]] = ()
    signatures: Sequence[Signature] = ()


def _fields(kind: type[Any]) -> dict[str, tuple[Any, bool]]:
    """Field name -> its type without `Optional`, and whether it may be None."""
    fields = dict[str, tuple[Any, bool]]()
    for name, hint in get_type_hints(kind).items():
        optional = get_origin(hint) is Union
        fields[name] = next(arg for arg in get_args(hint) if arg is not type(None)) if optional else hint, optional
    return fields


class Table(NamedTuple):
    """How records of one kind are kept."""

    name: str
    key: tuple[str, ...]
    fields: Mapping[str, tuple[Any, bool]]
    defaults: Mapping[str, Any]  # of fields that deltas of an earlier version lack


TABLES: Final[Mapping[type[Any], Table]] = {
    FeedState: Table("feeds", ("url",), _fields(FeedState), FeedState._field_defaults),
    LinkState: Table("links", ("link",), _fields(LinkState), LinkState._field_defaults),
    VersionState: Table("versions", ("article_id", "version"), _fields(VersionState), VersionState._field_defaults),
    Signature: Table("signatures", ("article_id", "version"), _fields(Signature), Signature._field_defaults),
}


_SCALARS: Final[Mapping[Any, tuple[type, ...]]] = {str: (str,), float: (float, int)}  # all else is kept as an integer
_MISSING: Final = object()  # of no type that a row may hold


def to_scalars(record: StateRecord) -> dict[str, Scalar]:
    """Return the fields of a state record as databases and JSON hold them."""
    fields = record._asdict()
    for name, pack in _PACKERS[record._fields].items():
        if fields[name] is not None:
            fields[name] = pack(fields[name])
    return fields


def from_scalars(kind: type[R], values: Mapping[str, Scalar]) -> R:
    """Return the record that `to_scalars` took apart."""
    fields: dict[str, Any] = dict(values)
    for name, unpack in _UNPACKERS[kind].items():
        if fields[name] is not None:
            fields[name] = unpack(fields[name])
    return kind(**fields)


def check_scalars(kind: type[R], rows: Sequence[Any]) -> None:
    """Make sure that rows are what `to_scalars` makes of records, or made before a field was added.

    Raises:
        ValueError: one is none, lacks a field, or holds something else in one.
    """
    for row in rows:
        if not isinstance(row, dict):
            raise ValueError(f"{row!r:.80} is no record")
    for name, (hint, optional) in TABLES[kind].fields.items():
        types = _SCALARS.get(hint, (int,)) + ((type(None),) if optional else ())
        default = TABLES[kind].defaults.get(name, _MISSING)
        for row in rows:
            if not isinstance(row.get(name, default), types):
                raise ValueError(f"a row of {TABLES[kind].name} has {row.get(name, 'nothing')!r:.80} for its {name}")


def _micros(time: Timestamp) -> int:
    return int(time.micros)


def _time(micros: int) -> Timestamp:
    return Timestamp(micros=micros)


def _packed(numbers: Sequence[int]) -> bytes:
    return np.asarray(numbers, "<i8").tobytes()


def _unpacked(data: bytes) -> list[int]:
    numbers: list[int] = np.frombuffer(data, "<i8").tolist()
    return numbers


def _pack(hint: Any) -> Optional[tuple[Callable[[Any], Scalar], Callable[[Any], Any]]]:
    """What makes a scalar of a field's values, and values of scalars; None where they are scalars."""
    if get_origin(hint) is not None:
        return _packed, _unpacked
    return (_micros, _time) if hint is Timestamp else (int, bool) if hint is bool else None


# Looked up once a kind: a commit takes apart, and puts together, tens of thousands of records.
_BOTH: Final = {
    kind: {name: both for name, (hint, _) in table.fields.items() if (both := _pack(hint)) is not None}
    for kind, table in TABLES.items()
}
_PACKERS: Final = {  # by their fields: to a worker, Beam may give records of a class of its own
    tuple(TABLES[kind].fields): {name: pack for name, (pack, _) in both.items()} for kind, both in _BOTH.items()
}
_UNPACKERS: Final = {kind: {name: unpack for name, (_, unpack) in both.items()} for kind, both in _BOTH.items()}
