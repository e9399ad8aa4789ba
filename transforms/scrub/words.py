"""Lines as folded words: what the rules of `config/scrub` are matched against.

A line becomes a row of tokens. Case, accents, Arabic letter variants and curly quotes are folded away, dates and clock
times become one token each. Rules then need one spelling, and what a rule captures is still cut from the line itself.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, Optional

DATE: Final = "§date"
TIME: Final = "§time"
MAX_NAMES: Final = 3
STEM_CHARS: Final = 5
MAX_LINE: Final = 420  # characters; furniture is shorter, and longer lines are never matched against rules

# "e-mail" is one word: a hyphen between letters is no separator, as the one in "Related - Storm hits coast" is.
# Vowel marks and accents set apart belong to the word they stand in.
_RUN: Final = r"[^\W_]+(?:[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670]+[^\W_]*)*"
_TOKEN = re.compile(rf"{_RUN}(?:(?<=[^\W\d_])[-‑\u200c](?=[^\W\d_]){_RUN})*|[^\w\s]|_")
_FOLDED: Final = str.maketrans(
    {"ı": "i", "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ە": "ه", "ھ": "ه", "\u0640": None, "\u200c": None}
    | dict.fromkeys("‘’ʼ`´", "'")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("–—―−‑", "-")
    | {"[": "(", "]": ")"}
    | {"»": "»"}  # kept: "Source » outlet" and breadcrumbs use it as a separator
)
_QUOTES: Final = (*((sign, "'") for sign in "‘’`´"), *((sign, '"') for sign in "“”„"), ("[", "("), ("]", ")"))
_ASCII_QUOTES: Final = tuple((sign, plain) for sign, plain in _QUOTES if sign.isascii())
_ASCII_TOKEN = re.compile(r"[a-z0-9]+(?:(?<=[a-z])-(?=[a-z])[a-z0-9]+)*|[^a-z0-9\s]")
_DIGIT = re.compile(r"\d")
_DASHES: Final = "-–—−"
_HOUR = re.compile(r"([01]?\d|2[0-3])(?:h|h[0-5]\d|am|pm|uhr)")
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|º|ª)?")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Return `text` without case, accents, vowel marks and letter variants.

    >>> fold("Crédit"), fold("İLGİLİ"), fold("أخبار")
    ('credit', 'ilgili', 'اخبار')
    """
    if text.isascii() and text.isalnum():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.translate(_FOLDED)).casefold()
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_FOLDED)


def stem_of(word: str) -> str:
    """What forms of one word have in common: its folded beginning, without what follows an apostrophe.

    >>> stem_of("Haddads"), stem_of("Haddad"), stem_of("Hasan’ın")
    ('hadda', 'hadda', 'hasan')
    """
    return fold(word).partition("'")[0][:STEM_CHARS]


def tokens(line: str, months: Mapping[str, int]) -> Sequence[str]:
    """Return the folded tokens of a line, dates and times made one token each.

    >>> tokens("Posted on March 5, 2024 at 10:30", {"march": 3})
    ['posted', 'on', '§date', 'at', '§time']
    """
    plain = plain_tokens(line)
    if not _DIGIT.search(line):
        return plain
    merged: list[str] = []
    done = 0
    for token, at, length in _stamps(plain, months):
        merged += [*plain[done:at], token]
        done = at + length
    return [*merged, *plain[done:]]


def stretch(line: str, months: Mapping[str, int], first: int, last: int) -> str:
    """Return what stands in the line for its tokens from number `first` to number `last`.

    >>> stretch("Source » The Levant Courier", {}, 2, 4)
    'The Levant Courier'
    """
    spans = spans_of(line, months)
    return line[spans[first][0] : spans[last][1]]


def spans_of(line: str, months: Mapping[str, int]) -> list[tuple[int, int]]:
    """Return where the tokens of a line stand in it."""
    spans = [found.span() for found in _TOKEN.finditer(line) if fold(found[0])]
    for _, at, length in _stamps(plain_tokens(line), months):
        spans[at : at + length] = [(spans[at][0], spans[at + length - 1][1])] + [(0, 0)] * (length - 1)
    return [span for span in spans if span[1]]


def find_date(line: str, months: Mapping[str, int]) -> Optional[str]:
    """Return the first date of a line as ISO 8601, with its time where one follows.

    >>> find_date("2024-11-21 19:55:29 - From: Levant Wire", {})
    '2024-11-21T19:55:29'
    """
    plain = plain_tokens(line)
    for at in range(len(plain)):
        if (read := _read_date(plain, at, months)) is not None:
            length, (year, month, day) = read
            spans = [found.span() for found in _TOKEN.finditer(line) if fold(found[0])]
            return f"{year:04}-{month:02}-{day:02}" + _clock(line[spans[at + length - 1][0] :])
    return None


def names_in(line: str) -> frozenset[str]:
    """Return the folded words of a line that are capitalised in mid-sentence, if only a few are: names, then.

    >>> sorted(names_in("Download the Levant Courier app"))
    ['courier', 'levant']
    >>> names_in("Mobile App Campaigns")  # each word has a capital, and tells nothing
    frozenset()
    """
    words = line.split()
    if not any(word[0].islower() for word in words):
        return frozenset()
    names = [
        word
        for before, word in pairwise(words)
        if word[0].isupper() and word[1:].islower() and before[-1] not in ".!?:"
    ]
    return frozenset(fold(word.strip(".,!?:;")) for word in names) if len(names) <= MAX_NAMES else frozenset()


def plain_tokens(line: str) -> Sequence[str]:
    """Return the folded tokens of a line, dates and times as they stand."""
    return _of_line(line) if len(line) <= MAX_LINE else _plain_tokens(line)


def _plain_tokens(line: str) -> Sequence[str]:
    """The tokens of one line or paragraph.

    Most lines are plain once their quotation marks are, and need no folding word by word.
    """
    simple = line
    for sign, plain in _ASCII_QUOTES if line.isascii() else _QUOTES:  # faster than `translate`: most lines hold none
        simple = simple.replace(sign, plain)
    if simple.isascii():
        return _ASCII_TOKEN.findall(simple.lower())
    return [text for text in map(fold, _TOKEN.findall(line)) if text]


_of_line = lru_cache(maxsize=128)(_plain_tokens)  # each rule asks it of the same line again


def _stamps(plain: Sequence[str], months: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """The dates and times among tokens: (its one token, where it begins, how many tokens it takes)."""
    found = []
    free = 0
    for at in [at for at, text in enumerate(plain) if text[0].isdigit() or text in months]:
        if at < free:
            continue
        if (read := _read_date(plain, at, months)) is not None:
            found.append((DATE, at, read[0]))
        elif length := _time_length(plain, at):
            found.append((TIME, at, length))
        else:
            continue
        free = at + found[-1][2]
    return found


def _clock(rest: str) -> str:
    """The time directly behind a date's last number, where it is exact to the second; "10:30" alone is too vague."""
    clock = re.match(r"\d{1,4}[T ]{1,2}([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?!\d)", rest)
    return f"T{clock[1]}:{clock[2]}:{clock[3]}" if clock else ""


def _read_date(plain: Sequence[str], at: int, months: Mapping[str, int]) -> Optional[tuple[int, tuple[int, int, int]]]:
    """The date that starts at token `at`: (tokens, (year, month, day)), else None."""
    if not (plain[at][0].isdigit() or plain[at] in months) or len(plain) - at < 3:
        return None
    text = plain[at : at + 7]
    if len(text) >= 5 and text[1] == text[3] and text[1] in (*_DASHES, ".", "/"):
        if (numbers := _numbers(text[0], text[2], _leading_digits(text[4]))) and (ymd := _in_order(*numbers)):
            return 5, ymd
        if text[2] in months and (ymd := _valid(_number(text[4]), months[text[2]], _number(text[0]))):
            return 5, ymd
    if text[0] in months:  # March 5, 2024
        skip = 1 if len(text) > 2 and text[2] in (",", ".") else 0
        if len(text) > 2 + skip and (ymd := _valid(_number(text[2 + skip]), months[text[0]], _ordinal(text[1]))):
            return 3 + skip, ymd
        return None
    at_month = 2 if text[1] in (".", "de", "of", "י") and len(text) > 2 else 1  # 5. März 2024, 5 de marzo de 2024
    if text[at_month] in months:
        after = at_month + 1
        while after < len(text) and text[after] in (".", ",", "de", "del", "/", "م"):
            after += 1
        if after < len(text) and (ymd := _valid(_number(text[after]), months[text[at_month]], _ordinal(text[0]))):
            return after + 1, ymd
    return None


def _in_order(first: int, second: int, third: int) -> Optional[tuple[int, int, int]]:
    """Three numbers as a date: year first where the first can only be one, else day first, else month first."""
    if first > 31:
        return _valid(first, second, third)
    return _valid(third, second, first) or _valid(third, first, second)


def _valid(year: Optional[int], month: Optional[int], day: Optional[int]) -> Optional[tuple[int, int, int]]:
    if year is None or month is None or day is None:
        return None
    good = 1900 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31
    return (year, month, day) if good else None


def _numbers(*texts: str) -> Optional[tuple[int, int, int]]:
    found = [_number(t) for t in texts]
    return None if None in found else (found[0], found[1], found[2])  # type: ignore[return-value]


def _number(text: str) -> Optional[int]:
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def _leading_digits(text: str) -> str:
    """The day of "21T19": an ISO stamp runs on into its time."""
    return text.split("t", maxsplit=1)[0]


def _ordinal(text: str) -> Optional[int]:
    found = _ORDINAL.fullmatch(text)
    return int(found[1]) if found else None


def _time_length(plain: Sequence[str], at: int) -> int:
    """How many tokens from `at` on are a clock time; 0 where none is."""
    if not plain[at][0].isdigit():
        return 0
    text = plain[at : at + 6]
    if _HOUR.fullmatch(text[0]):
        return 1
    if len(text) < 3 or text[1] not in (":", ".") or not (_is_clock(text[0], 23) and _is_clock(text[2][:2], 59)):
        return 0
    length = 3
    if len(text) >= 5 and text[3] == ":" and _is_clock(text[4][:2], 59):
        length = 5
    elif text[1] == "." and not (len(text) > 3 and text[3] in ("uhr", "am", "pm", "h", "gmt")):
        return 0
    while length < len(text) and text[length] in ("am", "pm", "uhr", "h", "gmt", "utc", "est", "edt", "cet", "ist"):
        length += 1
    return length


def _is_clock(text: str, most: int) -> bool:
    return text.isdecimal() and len(text) <= 2 and int(text) <= most
