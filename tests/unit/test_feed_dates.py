"""Dates in the forms that feeds use."""

from datetime import UTC, datetime

import pytest

from transforms.feeds.dates import parse_date

NOON = "2026-08-31T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 31 Aug 2026 15:00:00 +0300", NOON),
        ("Mon, 31 Aug 2026 12:00:00 GMT", NOON),
        ("31 Aug 2026 12:00:00 UT", NOON),
        ("Mon, 31 Aug 26 12:00:00 GMT", NOON),
        ("Mon, 31 Aug 2026 12:00 GMT", NOON),
        ("Monday, 31 August 2026 12:00:00 GMT", NOON),
        ("Tue, 31 Aug 2026 12:00:00 GMT", NOON),
        ("mon, 31 aug 2026 12:00:00 gmt", NOON),
        ("Mon 31 Aug 2026 12:00:00 +0000", NOON),
        ("Mon, 31 Aug 2026 07:00:00 EST", NOON),
        ("Mon, 31 Aug 2026 14:00:00 GMT+2", NOON),
        ("Mon, 31 Aug 2026 14:00:00 GMT+02:00", NOON),
        ("Mon, 31 Aug 2026 15:00:00 UTC+3", NOON),
        ("Mon, 31 Aug 2026 15:00:00 IDT", NOON),
        ("Mon, 31 Aug 2026 15:30:00 IRST", NOON),
        ("Mon, 31 Aug 2026 12:00:00 XYZ", NOON),
        ("Mon Aug 31 12:00:00 2026", NOON),
        ("Mon Aug 31 15:00:00 +0300 2026", NOON),
        ("August 31, 2026 12:00 PM", NOON),
        ("Aug 31, 2026, 8:00 a.m. EDT", NOON),
        ("31-Aug-2026 12:00:00", NOON),
        ("2026-08-31T12:00:00Z", NOON),
        ("2026-08-31T15:00:00+03:00", NOON),
        ("2026-08-31T15:00:00+0300", NOON),
        ("2026-08-31T12:00:00.123456Z", NOON),
        ("2026-08-31T17:30:00+05:30", NOON),
        ("2026-08-31 12:00:00", NOON),
        ("2026-08-31 15:00:00 +0300", NOON),
        ("2026-08-31T12:00Z", NOON),
        ("20260831T120000Z", NOON),
        ("2026/08/31 12:00", NOON),
        ("31/08/2026 12:00", NOON),
        ("31.08.2026 12:00:00", NOON),
        ("8/31/2026 12:00:00 PM", NOON),
        ("12:00 31-08-2026", NOON),
        ("1788177600", NOON),
        ("1788177600123", NOON),
        ("1788177600.5", NOON),
        ("2026-08-31", "2026-08-31T00:00:00Z"),
        ("31 Aug 2026", "2026-08-31T00:00:00Z"),
        ("2026-08-31T24:00:00Z", "2026-09-01T00:00:00Z"),
        ("Thu, 31 Dec 2026 23:59:60 GMT", "2027-01-01T00:00:00Z"),
        ("lun., 31 août 2026 12:00:00 GMT", NOON),
        ("mar., 12 mai 2026 12:00:00 GMT", "2026-05-12T12:00:00Z"),
        ("sam. 5 déc. 2026 12:00:00 +0000", "2026-12-05T12:00:00Z"),
        ("Mo, 31 März 2026 12:00:00 GMT", "2026-03-31T12:00:00Z"),
        ("Pzt, 31 Ağustos 2026 15:00:00 +0300", NOON),
        ("31 Mayıs 2026 12:00", "2026-05-31T12:00:00Z"),
        ("Пн, 31 августа 2026 15:00:00 +0300", NOON),
        ("الاثنين، 31 أغسطس 2026 12:00", NOON),
        ("٣١ آب ٢٠٢٦ ١٢:٠٠", NOON),
        ("31 كانون الثاني 2026 12:00", "2026-01-31T12:00:00Z"),
        ("31 تشرين الأول 2026 12:00", "2026-10-31T12:00:00Z"),
        ("۹ شهریور ۱۴۰۵ ۱۲:۰۰", NOON),
        ("1405/06/09 12:00", NOON),
        ("1405-06-09 12:00:00", NOON),
        ("31 באוגוסט 2026 12:00", NOON),
        ("31ê Tebax 2026 12:00", NOON),
        ("31 غشت 2026 12:00 م", NOON),
        ("Mon Aug 31 2026 15:00:00 GMT+0300 (Arabian Standard Time)", NOON),
        ("2026-08-31T15:00:00.000 +03", NOON),
        ("31 de agosto de 2026, 12:00", NOON),
        ("Aug 31st, 2026 12:00", NOON),
    ],
)
def test_a_date_is_read(text: str, moment: str) -> None:
    found = parse_date(text)
    assert found is not None
    assert datetime.fromtimestamp(int(found.seconds()), UTC) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text",
    ["", "Yesterday", "2 hours ago", "0", "-1", "Mon, 32 Aug 2026 12:00 GMT", "2026-13-01", "0000-00-00 00:00:00",
     "0001-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "9999-12-31", "1" * 50, "99/99/9999", "12:00",
     "2026-08-31T25:00:00Z", "+" * 99, "31 Aug 2026 12:00 +9999", "x" * 10_000],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None
