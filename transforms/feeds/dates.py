"""Dates as feeds write them: RFC 822 and its relatives, ISO 8601, Unix time, local month names and digits.

`parse_date` reads the parts (a time, a zone, numbers, a month's name) wherever they stand, and believes a date only
where it lies between 1990 and 2100. What a feed leaves out counts as midnight, and as UTC.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from typing import Final, Optional

from apache_beam.utils.timestamp import Timestamp

MAX_CHARS: Final = 100  # no date is longer
YEARS: Final = range(1990, 2101)  # the web's; the year 1783 is what a careless parser makes of Unix time

_EPOCH = re.compile(r"(\d{9,10})(?:\.\d+)?|(\d{12,13})")
_ISO = re.compile(
    r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)"
    r"(?:\s*t?\s*(\d\d?)[:.]?(\d\d)(?:[:.]?(\d\d)(?:[.,:]\d+)?)?)?"
    r"\s*([a-z]{1,4}(?:\s*[+-]\d\d?(?::?\d\d)?)?|[+-]\s?\d\d?(?::?\d\d)?)?"
)
_TIME = re.compile(
    r"(?<!\d)(\d{1,2})[:h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?!\d)\s*([ap]\.?m\b\.?|[صم](?!\w))?"
)  # Arabic: ص, م
_ZONE = re.compile(r"\s*\(?\s*([a-z]{1,5}(?![^\W\d_]))?\s*(?:([+-])\s?(\d{1,2}):?(\d{2})?(?!\d))?")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")

# Hours east of UTC. RFC 822 section 5.1, then the zones of the region we read. Names with two meanings stand with the
# one that news from here uses; a name that is missing counts as UTC, as RFC 5322 section 4.3 asks.
_ZONES: Final = {
    "ut": 0.0, "utc": 0.0, "gmt": 0.0, "z": 0.0, "wet": 0.0,
    "est": -5.0, "edt": -4.0, "et": -5.0, "cst": -6.0, "cdt": -5.0, "ct": -6.0,
    "mst": -7.0, "mdt": -6.0, "mt": -7.0, "pst": -8.0, "pdt": -7.0, "pt": -8.0, "adt": -3.0, "ast": -4.0,
    "bst": 1.0, "west": 1.0, "cet": 1.0, "met": 1.0, "cest": 2.0, "mest": 2.0, "mesz": 2.0, "mez": 1.0,
    "eet": 2.0, "eest": 3.0, "idt": 3.0, "trt": 3.0, "msk": 3.0, "irst": 3.5, "irdt": 4.5, "gst": 4.0,
    "aft": 4.5, "pkt": 5.0, "jst": 9.0, "kst": 9.0,
}  # fmt: skip

# Month names by number as feeds in our languages write them, in full; `_month` knows their abbreviations. English,
# French, German, Spanish, Italian, Portuguese, Turkish and Kurmanji; then Russian, Arabic (Egypt, Levant, Maghreb),
# Persian, Sorani and Hebrew.
_MONTHS: Final = (
    "january janvier januar jänner enero gennaio janeiro ocak çile "
    "января январь يناير كانون_الثاني جانفي ژانویه کانوونی_دووەم ינואר",
    "february février februar feber febrero febbraio fevereiro şubat sibat "
    "февраля февраль فبراير شباط فيفري فوریه شوبات פברואר",
    "march mars märz marzo março mart adar марта март مارس آذار ئازار מרץ",
    "april avril abril aprile nisan nîsan апреля апрель أبريل نيسان أفريل آوریل نیسان אפריל",
    "may mai mayo maggio maio mayıs gulan мая май مايو أيار ماي مه ئایار מאי",
    "june juin juni junio giugno junho haziran hezîran июня июнь يونيو حزيران جوان ژوئن حوزەیران יוני",
    "july juillet juli julio luglio julho temmuz tîrmeh июля июль يوليو يوليوز تموز جويلية ژوئیه تەمموز יולי",
    "august août agosto ağustos tebax августа август أغسطس غشت آب أوت اوت ئاب אוגוסט",
    "september septembre septiembre settembre setembro eylül îlon "
    "сентября сентябрь سبتمبر شتنبر أيلول سپتامبر ئەیلوول ספטמבר",
    "october octobre oktober octubre ottobre outubro ekim cotmeh "
    "октября октябрь أكتوبر تشرين_الأول اکتبر تشرینی_یەکەم אוקטובר",
    "november novembre noviembre novembro kasım mijdar "
    "ноября ноябрь نوفمبر نونبر تشرين_الثاني نوامبر تشرینی_دووەم נובמבר",
    "december décembre dezember diciembre dicembre dezembro aralık kanûn "
    "декабря декабрь ديسمبر دجنبر كانون_الأول دسامبر کانوونی_یەکەم דצמבר",
)
_SOLAR_MONTHS: Final = "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند"  # Iran's calendar


def parse_date(text: str) -> Optional[Timestamp]:
    """Return the moment that `text` names, or None where it names none we can believe.

    >>> parse_date("Fri, 03 Jul 2026 17:25:29 GMT+2")
    Timestamp(1783092329)
    >>> parse_date("Yesterday")
    """
    text = _fold(text[: 2 * MAX_CHARS])
    if not text or len(text) > MAX_CHARS:
        return None
    if found := _EPOCH.fullmatch(text):
        seconds = int(found[1] or int(found[2]) // 1000)
        moment: Optional[datetime] = datetime.fromtimestamp(seconds, UTC)
    else:
        moment = _iso(text) or _free(text)
    if moment is None or moment.year not in YEARS:
        return None
    return Timestamp(int(moment.timestamp()))


def _fold(text: str) -> str:
    """Lower-case with single spaces; any script's digits made ASCII, accents and marks of direction taken out."""
    if not text.isascii():
        text = "".join(
            str(digit) if (digit := unicodedata.digit(character, -1)) >= 0 else character
            for character in unicodedata.normalize("NFKD", text)
            if unicodedata.category(character) not in ("Mn", "Cf")
        ).replace("ı", "i")
    return " ".join(text.lower().split())


def _iso(text: str) -> Optional[datetime]:
    """Year first, all in numbers: ISO 8601 and what databases print."""
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    return _moment(year, month, day, hour, minute, second, _zone(found[7] or ""))


def _free(text: str) -> Optional[datetime]:
    """Any order: a time and zone are cut out first, then a month's name or three numbers tell the day."""
    hour = minute = second = 0
    zone = timedelta()
    if clock := _TIME.search(text):
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if clock[4]:
            hour = hour % 12 + (12 if clock[4][0] in "pم" else 0)
        rest = text[clock.end() :]
        zone = _zone(rest)
        text = text[: clock.start()] + " " + _ZONE.sub(r" \1 ", rest, count=1)
    day = _named_day(text) or _numbered_day(text)
    return _moment(*day, hour, minute, second, zone) if day else None


def _named_day(text: str) -> Optional[tuple[int, int, int]]:
    """Year, month, day of "28 August 2026", "Aug 28, 2026", "28-Aug-26", "28 كانون الثاني 2026", "۷ شهریور ۱۴۰۵"."""
    words = _WORD.findall(text)
    months = [month for word in [*words, *map("_".join, pairwise(words))] if (month := _month(word))]
    numbers = [int(number) for number in _NUMBER.findall(text)]
    if len(numbers) < 2:
        return None
    long = [number for number in numbers if number >= 1000]
    year = long[0] if long else numbers[1]
    day = next((number for number in numbers if number != year), year)
    if year < 100:
        year += 1900 if year >= 90 else 2000  # as feedparser reads them
    if year in _SOLAR_YEARS:
        month = next((_SOLAR[word] for word in words if word in _SOLAR), 0)
        return _from_solar(year, month, day) if month else None
    return (year, months[-1], day) if months else None  # the last: "mar." opens French Tuesdays


def _numbered_day(text: str) -> Optional[tuple[int, int, int]]:
    """Year, month, day of "28/08/2026", "28.08.26", "8/28/2026", "2026/08/28", "1405/06/06"."""
    found = _NUMERIC.search(text)
    if not found:
        return None
    first, middle, last = (int(part) for part in found.groups())
    if first in _SOLAR_YEARS:
        return _from_solar(first, middle, last)
    if first >= 1000:
        return first, middle, last
    year = last if last >= 1000 else last + 2000
    return (year, first, middle) if middle > 12 else (year, middle, first)  # day first, as all the region writes


def _zone(text: str) -> timedelta:
    """The offset that `text` opens with: "+0300", "GMT+2", "EST", "Z"; UTC where it names none."""
    found = _ZONE.match(text)
    if found and found[2]:
        east = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
        return east if found[2] == "+" else -east
    return timedelta(hours=_ZONES.get(found[1] or "", 0.0)) if found else timedelta()


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone: timedelta
) -> Optional[datetime]:
    if year in _SOLAR_YEARS and (civil := _from_solar(year, month, day)):
        year, month, day = civil
    carry = timedelta()
    if second == 60:  # a leap second
        second, carry = 59, timedelta(seconds=1)
    if (hour, minute, second) == (24, 0, 0):
        hour, carry = 0, timedelta(days=1)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(zone)) + carry
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1_000)
def _month(word: str) -> int:
    """The month that `word` names, 1..12, or 0. Abbreviations have at least three letters and one meaning."""
    if word in _NAMES:
        return _NAMES[word]
    if word[0] == "ב":  # Hebrew's "in" is written onto the name
        return _NAMES.get(word[1:], 0)
    if len(word) < 3 or "_" in word:
        return 0
    found = {number for name, number in _NAMES.items() if name.startswith(word)}
    return found.pop() if len(found) == 1 else 0


_NAMES: Final = {name: number for number, names in enumerate(_MONTHS, 1) for name in _fold(names).split()}
_SOLAR: Final = {name: number for number, name in enumerate(_fold(_SOLAR_MONTHS).split(), 1)}
_SOLAR_YEARS: Final = range(1370, 1480)  # 1991..2100


def _from_solar(year: int, month: int, day: int) -> Optional[tuple[int, int, int]]:
    """Iran's solar date as year, month, day of ours.

    Six months of 31 days, then 30; a 33-year cycle of 8 leap years, right for 1343..1472 (1964..2093).
    """
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    leaps = sum((past % 33) in (1, 5, 9, 13, 17, 22, 26, 30) for past in range(1370, year))
    days = 365 * (year - 1370) + leaps + 31 * min(month - 1, 6) + 30 * max(month - 7, 0) + day - 1
    civil = date(1991, 3, 21) + timedelta(days=days)
    return civil.year, civil.month, civil.day
