"""Leaked code: scripts, style sheets, JSON and template markup that a scraper took for text.

Told by what code looks like: the share of braces, operators, calls, declarations and quoted keys among the words, never
by a listed string. A sentence that quotes a line of code is mostly words, and stays.
"""

import re
from collections.abc import Sequence
from typing import Final

# Classes of tokens that JavaScript, CSS, JSON and template languages are made of, and prose is not. A token's weight is
# how surely it is code; plain words weigh against it (`_WORD_WEIGHT`).
_SIGNS: Final[tuple[tuple[re.Pattern[str], float], ...]] = tuple(
    (re.compile(pattern), weight)
    for pattern, weight in (
        (r"[{}]|\);|\]\]|<!\[|\]\]>|/\*|\*/|<!--|-->|=>|===?|!==?|&&|\|\||\+=|\$\{|\{\{|\{%|%\}|\}\}|\(\)", 3.0),
        (r"^(?:function|var|const|let|return|typeof|new|else|null|undefined|true|false|void|async|await)\b[;,(]?", 1.0),
        (r"^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+[([=;]", 3.0),  # object.method(
        (r"^[A-Za-z_$][\w$.]*\(", 2.0),  # call(
        (r"^[\w$.\]]+;$|^[\"'][^\"']*[\"'];$|^[\w$]+\s*=$|^=$", 2.0),
        (r"[\"'][\w@$-]+[\"']:", 3.0),  # "key":
        (r"^[\"']https?:|\\[/\"nu]|^@[a-z-]+$", 2.0),
        (r"^[.#][A-Za-z][\w-]*$", 1.5),  # .selector
        (r"^-?[a-z]+(?:-[a-z]+)*:$", 0.8),  # property:
        (r"^-?[\d.]+(?:px|em|rem|vh|vw|%)[;,]?$|^#[0-9a-fA-F]{3,8};?$|!important", 2.0),
        (r"^</?[a-z][\w-]*|/?>$|^[\w-]+=[\"']", 2.0),
        (r"^[a-z]+[A-Z]\w*[(.;=:]", 2.0),
        (r";$", 0.5),
    )
)
_WORD = re.compile(r"^[\"'“‘«(]*[^\W\d_]+(?:['’-][^\W\d_]+)*[\"'”’»)]*[.,:!?…]*$")
_WORD_WEIGHT: Final = -0.8
_HINT = re.compile(r"[{}<>;=\\]|\(\)|/\*|@context|\$\(")
_MIN_WEIGHT: Final = 5.0  # of a stretch taken for code
_MIN_DENSITY: Final = 0.5  # of its weight over its tokens
_SENTENCE_END: Final = ".!?…”\"’'»)]؟。"
_MAX_TOKEN: Final = 200  # characters of a token that are looked at


def weigh(token: str) -> float:
    """How surely a token is code (> 0) or a word of prose (< 0)."""
    token = token[:_MAX_TOKEN]
    if _WORD.match(token) and not token.endswith(('":', "':")):
        return 0.6 if token in _DECLARATIONS else _WORD_WEIGHT
    return sum(weight for sign, weight in _SIGNS if sign.search(token)) or -0.2


_DECLARATIONS: Final = frozenset(("function", "var", "const", "typeof", "null", "undefined"))


def split_code(line: str) -> tuple[str, str]:
    """Return (prose, code) of a line: all of it code, none, or code from some sentence's end to the line's end.

    >>> split_code("The talks go on. window.ads = window.ads || []; ads.push({slot: 4});")
    ('The talks go on.', 'window.ads = window.ads || []; ads.push({slot: 4});')
    """
    if not _HINT.search(line):
        return line, ""
    words = [(m[0], m.start()) for m in re.finditer(r"\S+", line)]
    weights = [weigh(word) for word, _ in words]
    total = 0.0
    best, best_at = 0.0, len(words)
    for at in range(len(words) - 1, -1, -1):  # the heaviest end of the line that begins a sentence
        total += weights[at]
        if total > best and (at == 0 or words[at - 1][0][-1] in _SENTENCE_END):
            best, best_at = total, at
    count = len(words) - best_at
    if not count or (best < _MIN_WEIGHT and not _tiny(words, weights, best_at)) or best < _MIN_DENSITY * count:
        return line, ""
    start = words[best_at][1]
    if _quoted(line, start):
        return line, ""
    return line[:start].rstrip(), line[start:]


def _tiny(words: Sequence[tuple[str, int]], weights: Sequence[float], at: int) -> bool:
    """A whole line of one to three tokens, every one of them code: "});", "}", "{{title}}"."""
    return at == 0 and len(words) <= 3 and all(weight >= 2.0 for weight in weights)


def _quoted(line: str, start: int) -> bool:
    """Whether the place lies inside a quotation that opened before it."""
    before = line[:start]
    return before.count("“") > before.count("”") or before.count("«") > before.count("»")


def code_lines(lines: Sequence[str]) -> list[tuple[str, str]]:
    """`split_code` for the lines of a text, with what lies between lines of code and belongs to them."""
    parts = [split_code(line) for line in lines]
    depth = 0
    for at, (prose, code) in enumerate(parts):
        if code:
            depth = max(0, depth + code.count("{") + code.count("(") - code.count("}") - code.count(")"))
        elif depth and prose.strip():
            if _is_sentence(prose):
                depth = 0
            elif any(code for _, code in parts[at + 1 : at + 12]):
                parts[at] = ("", prose)
    return parts


def _is_sentence(line: str) -> bool:
    words = line.split()
    return len(words) >= 6 and sum(weigh(word) < 0 for word in words) >= 0.8 * len(words)
