"""Scraps: lines that say nothing, whatever their language."""

import re
from typing import Final, Optional

from transforms.scrub.languages import Match
from transforms.scrub.shapes import has_case

MAX_STRAY: Final = 40  # characters
MAX_ADDRESS: Final = 110
_STRAY = re.compile(
    r"(?![{}()\[\];,]+$)[^\w\s](?: ?[^\w\s]){0,11}|"
    r"\d{1,3}(?:\s*(?:/|of|von|de|sur|из|من|از|מתוך)\s*\d{1,3})?|0{1,2}:00|\d{1,2}:\d\d ?/ ?\d{1,2}:\d\d|"
    r"null|none|true|false|[^\W\d_]|"
    r"(?:lorem|test|n/a|tbd|todo|xx+|--+)",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?:[@#]\w{2,40}[\s,|]*)+|(?:#\w{2,40}(?: [^\W\d_a-z]\w{1,20})?[\s,|]*){2,}")
_ADDRESS = re.compile(r"(?:[^\W\d_]{2,12}[:.]?\s)?[\w.+-]{2,40}@[\w-]{1,40}(?:\.[\w-]{1,20})+")
_LEAKED = re.compile(r"undefined|nan|\[?object \w+\]?", re.IGNORECASE)  # values that a script printed


def stray(line: str) -> Optional[Match]:
    """What a line is that says nothing: signs, a number, a value that a script printed, a handle, a lone address."""
    if len(line) <= MAX_STRAY and _LEAKED.fullmatch(line):
        return Match("any.leaked-value", "stray")
    if (len(line) <= MAX_STRAY and _STRAY.fullmatch(line)) or (line[0] in "@#" and _HANDLE.fullmatch(line)):
        return Match("any.stray", "stray")
    if len(line) <= MAX_ADDRESS and _ADDRESS.fullmatch(line):
        return Match("any.address", "bio")
    if line.isalpha() and line.islower() and has_case(line) and len(line) <= 14:
        return Match("any.stray-word", "stray")
    return None
