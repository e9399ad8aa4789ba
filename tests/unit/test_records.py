"""Records come back from their coders as they went in, and can be keys."""

from typing import Any, NamedTuple

import pytest
from apache_beam.coders import registry
from apache_beam.utils.timestamp import Timestamp

from schemas import records

ORIGIN = records.Origin("al-wadi", "https://a.example/rss", "1", "https://a.example/1", Timestamp(5), "ar")
RECORDS = [
    value
    for value in vars(records).values()
    if isinstance(value, type) and issubclass(value, tuple) and value is not NamedTuple
]
VALUES: dict[str, Any] = {
    "str": "نص",
    "int": 3,
    "float": 0.5,
    "bool": True,
    "bytes": b"\x00\xff",
    "Timestamp": Timestamp(7),
    "Origin": ORIGIN,
}


def example(record: type) -> Any:
    """A record filled by type: optional fields are left empty, nested records and sequences are filled."""
    return record(*(value(hint) for hint in record.__annotations__.values()))


def value(hint: Any) -> Any:
    text = str(hint)
    if "Optional" in text:
        return None
    if "Sequence" in text:
        return [value(hint.__args__[0])]
    if hint.__name__ in VALUES:
        return VALUES[hint.__name__]
    return example(hint)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_round_trips_and_its_coder_is_deterministic(record: type) -> None:
    coder = registry.get_coder(record)
    assert type(coder).__name__ == "RowCoder"
    assert coder.is_deterministic()
    assert coder.decode(coder.encode(example(record))) == example(record)


@pytest.mark.parametrize("reasons", [records.SkipReason, records.RejectReason], ids=lambda reasons: reasons.__name__)
def test_a_reason_is_its_own_text(reasons: Any) -> None:
    assert {reason: reason.name.lower() for reason in reasons} == {str(reason): str(reason) for reason in reasons}
