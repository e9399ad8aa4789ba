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
    """What one commit changes: each record replaces the one with its key."""

    feeds: Sequence[FeedState] = ()
    links: Sequence[LinkState] = ()
    versions: Sequence[VersionState] = ()
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


TABLES: Final[Mapping[type[Any], Table]] = {
    FeedState: Table("feeds", ("url",), _fields(FeedState)),
    LinkState: Table("links", ("link",), _fields(LinkState)),
    VersionState: Table("versions", ("article_id",), _fields(VersionState)),
    Signature: Table("signatures", ("article_id", "version"), _fields(Signature)),
}


def to_scalars(record: StateRecord) -> dict[str, Scalar]:
    """Return the fields of a state record as databases and JSON hold them."""
    scalars: dict[str, Any] = {
        name: value if pack is None or value is None else pack(value)
        for (name, pack), value in zip(_PACKED[record._fields].items(), record, strict=True)
    }
    return scalars


def from_scalars(kind: type[R], values: Mapping[str, Scalar]) -> R:
    """Return the record that `to_scalars` took apart; fields it does not know are passed over."""
    known = _UNPACKED[kind]
    fields: dict[str, Any] = {
        name: value if value is None else known[name](value) for name, value in values.items() if name in known
    }
    return kind(**fields)


def _micros(time: Timestamp) -> int:
    return int(time.micros)


def _time(micros: int) -> Timestamp:
    return Timestamp(micros=micros)


def _packed(numbers: Sequence[int]) -> bytes:
    return np.asarray(numbers, "<i8").tobytes()


def _unpacked(data: bytes) -> list[int]:
    numbers: list[int] = np.frombuffer(data, "<i8").tolist()
    return numbers


def _pack(hint: Any) -> Optional[Callable[[Any], Scalar]]:
    """What makes a scalar of a field's values; None where they are scalars."""
    if get_origin(hint) is not None:
        return _packed
    return _micros if hint is Timestamp else int if hint is bool else None


def _unpack(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) is not None:
        return _unpacked
    unpack: Callable[[Any], Any] = _time if hint is Timestamp else hint
    return unpack


# Looked up once a kind: a commit takes apart, and puts together, tens of thousands of records.
_PACKED: Final = {  # by their fields: to a worker, Beam may give records of a class of its own
    tuple(table.fields): {name: _pack(hint) for name, (hint, _) in table.fields.items()} for table in TABLES.values()
}
_UNPACKED: Final = {kind: {n: _unpack(hint) for n, (hint, _) in table.fields.items()} for kind, table in TABLES.items()}
