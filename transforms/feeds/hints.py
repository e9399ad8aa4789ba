"""How often a feed asks to be asked, from what its head writes."""

from collections.abc import Mapping, Sequence
from typing import Final, Optional

from transforms.feeds.model import Hints

_PERIODS_S: Final = {
    "hourly": 3_600.0, "daily": 86_400.0, "dayly": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0,
    "yearly": 31_536_000.0,
}  # fmt: skip  # RSS 1.0 syndication module; "dayly" is seen in the wild
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_hints(texts: Mapping[str, Sequence[str]]) -> Hints:
    """Return the hints in `texts`: the head's elements by lower-case name, each with its texts.

    >>> read_hints({"ttl": ["60"], "skiphours": ["0", "24"], "skipdays": ["Friday"]})
    Hints(ttl_s=3600.0, skip_hours=[0], skip_days=[4], update_interval_s=None)
    """
    minutes = _number(texts, "ttl")
    period = _PERIODS_S.get(" ".join(texts.get("sy:updateperiod", ())).strip().lower())
    frequency = _number(texts, "sy:updatefrequency") or 1.0
    hours = {int(text) % 24 for text in texts.get("skiphours", ()) if text.strip().isdecimal() and int(text) <= 24}
    days = {_DAYS.index(day) for text in texts.get("skipdays", ()) if (day := text.strip().lower()) in _DAYS}
    return Hints(
        ttl_s=minutes * 60 if minutes else None,
        skip_hours=sorted(hours),
        skip_days=sorted(days),
        update_interval_s=period / frequency if period else None,
    )


def _number(texts: Mapping[str, Sequence[str]], name: str) -> Optional[float]:
    """A count of something, of at most six digits."""
    text = " ".join(texts.get(name, ())).strip()
    return float(text) if text.isdecimal() and len(text) <= 6 else None
