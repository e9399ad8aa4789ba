"""What the state keeps, and how its records are taken apart into what databases and JSON hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

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
    return {name: _to_scalar(value) for name, value in zip(record._fields, record, strict=True)}


def from_scalars(kind: type[R], values: Mapping[str, Scalar]) -> R:
    """Return the record that `to_scalars` took apart; fields it does not know are passed over."""
    fields = TABLES[kind].fields
    return kind(**{name: _from_scalar(fields[name][0], value) for name, value in values.items() if name in fields})


def _to_scalar(value: Any) -> Scalar:
    if isinstance(value, Timestamp):
        return int(value.micros)
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    return np.asarray(value, "<i8").tobytes()


def _from_scalar(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if kind is Timestamp:
        return Timestamp(micros=value)
    if get_origin(kind) is not None:
        return np.frombuffer(value, "<i8").tolist()
    return kind(value)
