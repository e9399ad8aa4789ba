"""Dates in HTTP header fields (RFC 9110 section 5.6.7), as any server may have written them."""

import email.utils
from datetime import UTC, datetime
from typing import Optional


def http_date(field: str) -> Optional[datetime]:
    """Return the moment that `field` names, with its zone, None where it names none that a clock can hold.

    >>> http_date("Thu, 01 Jan 2026 00:00:30 GMT")
    datetime.datetime(2026, 1, 1, 0, 0, 30, tzinfo=datetime.timezone.utc)
    >>> http_date("0"), http_date("Thu, 01 Jan 2026 00:00:30 +9999999999999")
    (None, None)
    """
    try:
        at = email.utils.parsedate_to_datetime(field)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
