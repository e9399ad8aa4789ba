"""Articles that a page keeps in its scripts: JSON-LD's articleBody, and the state from which a browser draws the page.

Asked only where the markup shows next to no text.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from transforms.extract.errors import NoArticle
from transforms.extract.segment import segment
from transforms.extract.tree import parse
from transforms.jsontext import whole_characters

_MIN_CHARS: Final = 400  # of a string worth reading
_MAX_CHARS: Final = 1_000_000  # of scripts, read for strings
_MAX_LEVELS: Final = 3  # of strings inside strings: a state is JSON, quoted in JavaScript, holding HTML
_MAX_STRINGS: Final = 50
_MAX_DEPTH: Final = 64
# Possessive, and matching to the end where the closing quote is missing: no character is looked at twice.
_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)("?)', re.S)
_MEMBER = re.compile(r'"\\?:\s?\\?["\[{\dtfn]')  # between a name and a value; a string with some of these is data
_MAX_MEMBERS: Final = 3
_PARAGRAPH = re.compile(r"<p[\s>]|<br|<div", re.I)


def text_in_scripts(scripts: Sequence[str], check: Callable[[], None] = lambda: None) -> str:
    """Return the longest prose in a string of these scripts, paragraphs separated by a blank line; "" for none.

    `check` is called before each string is read, and may raise to give up.
    """
    left, best = _MAX_CHARS, ""
    for script in scripts:
        best = max(best, _longest(script[:left], _MAX_LEVELS, check), key=len)
        left -= len(script)
        if left <= 0:
            break
    return best


def scripts_of(root: Any) -> list[str]:
    """Return the texts of a page's scripts that are long enough to hold an article."""
    return [script.text for script in root.iter("script") if script.text and len(script.text) >= _MIN_CHARS]


def _longest(text: str, levels: int, check: Callable[[], None]) -> str:
    """The longest prose among the string literals of a text. Where a string holds such strings, they are meant."""
    best = ""
    for string in islice(_strings(text), _MAX_STRINGS):
        check()
        inner = _longest(string, levels - 1, check) if levels > 1 and '"' in string else ""
        best = max(best, inner or _prose(string), key=len)
    return best


def _strings(text: str) -> Iterator[str]:
    for literal in _STRING.finditer(text):
        if literal[2] and len(literal[1]) >= _MIN_CHARS:
            with suppress(ValueError):  # JavaScript has escapes that JSON has not
                yield json.loads(whole_characters(literal[0]), strict=False)


def _prose(string: str) -> str:
    """The prose of an HTML fragment, or of plain text in paragraphs; "" for code and data."""
    if len(list(islice(_MEMBER.finditer(string), _MAX_MEMBERS))) == _MAX_MEMBERS:
        return ""
    begins = _PARAGRAPH.search(string)
    if not begins:
        return "" if "{" in string or "<" in string else _plain(string)
    try:
        blocks = segment(
            parse(f"<html><body>{string[begins.start() :]}</body></html>".encode("utf-8", "replace")), _MAX_DEPTH
        ).blocks
    except NoArticle:
        return ""
    prose = [block.index for block in blocks if block.prose]
    return "\n\n".join(block.text for block in blocks[prose[0] : prose[-1] + 1]) if prose else ""


def _plain(string: str) -> str:
    spaced = string.count(" ") > 0.05 * len(string) or not string.isascii()  # no identifiers, no base64
    return "\n\n".join(line.strip() for line in string.splitlines() if line.strip()) if spaced else ""
