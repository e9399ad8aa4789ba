"""Leaked code: scripts, style sheets, JSON and template markup that a scraper took for text.

Told by what code looks like: the share of braces, operators, calls, declarations and quoted keys among the words, never
by a listed string. A sentence that quotes a line of code is mostly words, and stays.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

# Classes of tokens that JavaScript, CSS, JSON and template languages are made of, and prose is not. A token's weight is
# how surely it is code; plain words weigh against it.
_SIGNS: Final[tuple[tuple[re.Pattern[str], float], ...]] = tuple(
    (re.compile(pattern), weight)
    for pattern, weight in (
        (r"[{}]|\);|\]\]|<!\[|\]\]>|/\*|\*/|<!--|-->|=>|===?|!==?|&&|\|\||\+=|\$\{|\{\{|\{%|%\}|\}\}|\(\)", 3.0),
        (r"^(?:function|var|const|let|return|typeof|new|else|null|undefined|true|false|void|async|await)\b[;,(]?", 1.0),
        (r"^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+[([=;]", 3.0),  # object.method(
        (r"^[(!]*[A-Za-z_$][\w$.]*\(", 2.0),  # call(
        (r"^[\w$.\]]+;$|^[\"'][^\"']*[\"'];$|^[\w$]+\s*=$|^=$", 2.0),
        (r"[\"'][\w@$-]+[\"']:", 3.0),  # "key":
        (r"^[\"']https?:|\\[/\"nu]|^@[a-z-]+$", 2.0),
        (r"^[.#][A-Za-z][\w-]*$", 1.5),  # .selector
        (r"^-?[a-z]+(?:-[a-z]+)*:$", 0.8),  # property:
        (r"^-?[\d.]+(?:px|em|rem|vh|vw|%)[;,)]*$|^#[0-9a-fA-F]{3,8};?$|!important", 2.0),
        (r"^</?[a-z][\w-]*|/?>$|^[\w-]+=[\"']", 2.0),
        (r"^[a-z]+[A-Z]\w*[(.;=:]", 2.0),
        (r"^[\w.-]+=[\w\"'$]|^\[if$|endif\]", 1.5),
        (r"^\(?(?:typeof|window|document|navigator|jQuery)\b[^,]", 1.0),
        (r";$", 0.5),
    )
)
_WORD = re.compile(r"^[\"'“‘«(]*[^\W\d_]+(?:['’-][^\W\d_]+)*[\"'”’»)]*[.,:!?…]*$")
_WORD_WEIGHT: Final = -0.8
_SIGN_WEIGHT: Final = -0.2  # of a token that is neither word nor code: numbers, dashes
_DECLARATIONS: Final = frozenset(("function", "var", "const", "typeof", "null", "undefined"))
_CONTROL: Final = frozenset(("if", "for", "while", "switch", "try", "do", "import", "export", "class"))
_DECLARATION_WEIGHT: Final = 0.6
_MAX_TOKEN: Final = 200  # characters of a token that are looked at

_HINT = re.compile(r"[{}<>;=\\]|\(\)|/\*|@context|\$\(")
_MIN_WEIGHT: Final = 5.0  # of a stretch that begins a line or follows a sentence
_MIN_ABRUPT_WEIGHT: Final = 12.0  # of one that follows a word: a sentence may end with a short call
_MIN_DENSITY: Final = 0.5  # weight of a stretch over its tokens
_STRONG: Final = 2.0  # a token that an abrupt stretch may begin with
_NEARLY: Final = 0.75  # of two beginnings, the earlier is taken where it weighs nearly as much
_SENTENCE_END = re.compile(r"[.!?…؟۔。][\"'”’»)\]]*$")
MAX_PLACES: Final = 3  # of one text in which code leaks
_MIN_SENTENCE: Final = 5  # words after code that end a line as a sentence, and are the article's again
_REACH: Final = 12  # lines looked ahead for the end of a block


def split_code(line: str) -> tuple[str, str]:
    """Return (prose, code) of a line: all of it code, none, or code from some place on, up to where sentences go on.

    >>> split_code("The talks go on. window.ads = window.ads || []; ads.push({slot: 4});")
    ('The talks go on.', 'window.ads = window.ads || []; ads.push({slot: 4});')
    >>> split_code("The talks go on. ads = ads || []; ads.push({slot: 4}); Nobody expects a treaty this year.")
    ('The talks go on. Nobody expects a treaty this year.', 'ads = ads || []; ads.push({slot: 4});')
    """
    if not _HINT.search(line):
        return line, ""
    words = [(m[0], m.start()) for m in re.finditer(r"\S+", line)]
    beginnings = list(_beginnings([word for word, _ in words]))
    heaviest = max((weight for weight, _ in beginnings), default=0.0)
    near = (at for weight, at in beginnings if weight >= _NEARLY * heaviest)
    at = min((at for at in near if _begins_code([word for word, _ in words[at : at + 2]])), default=None)
    if at is None or _quoted(line, words[at][1]):
        return line, ""
    start, end = words[at][1], _end_of_code(words, at, len(line))
    return f"{line[:start].rstrip()} {line[end:]}".strip(), line[start:end].rstrip()


def _end_of_code(words: Sequence[tuple[str, int]], at: int, length: int) -> int:
    """Where prose goes on after the code that begins at word `at`: whole sentences at the line's end, else its end."""
    last = max(number for number in range(at, len(words)) if number == at or weigh(words[number][0]) > 0)
    after = words[last + 1 :]
    if len(after) < _MIN_SENTENCE or not after[0][0][:1].isupper() or not _SENTENCE_END.search(after[-1][0]):
        return length
    return after[0][1]


def _begins_code(words: Sequence[str]) -> bool:
    """Whether a stretch begins as code does, not with the words of a heading that the code was glued to."""
    return words[0] in _CONTROL or any(weigh(word) > 0 for word in words)


def _beginnings(words: Sequence[str]) -> Iterator[tuple[float, int]]:
    """(weight, number of the first word) of each stretch to the line's end that may be code."""
    total = 0.0
    stopped = any(_SENTENCE_END.search(word[-8:]) for word in words)  # a subheading holds no full stop
    for at in range(len(words) - 1, -1, -1):
        weight = weigh(words[at])
        total += weight
        if total < _MIN_DENSITY * (len(words) - at):
            continue
        if at == 0 or _SENTENCE_END.search(words[at - 1][-8:]):
            if total >= _MIN_WEIGHT or (at == 0 and len(words) <= 3 and all(weigh(w) >= 2.0 for w in words)):
                yield total, at
        elif weight >= _STRONG and total >= (_MIN_ABRUPT_WEIGHT if stopped else _MIN_WEIGHT):
            yield total, at


def weigh(token: str) -> float:
    """How surely a token is code (> 0) or a word of prose (< 0)."""
    token = token[:_MAX_TOKEN]
    if _WORD.match(token) and not token.endswith(('":', "':")):
        return _DECLARATION_WEIGHT if token in _DECLARATIONS else _WORD_WEIGHT
    return sum(weight for sign, weight in _SIGNS if sign.search(token)) or _SIGN_WEIGHT


def _quoted(line: str, start: int) -> bool:
    """Whether the place lies inside a quotation that opened before it."""
    before = line[:start]
    return before.count("“") > before.count("”") or before.count("«") > before.count("»")


def code_lines(lines: Sequence[str]) -> list[tuple[str, str]]:
    """`split_code` for the lines of a text, with what lies between lines of code and belongs to them.

    A text with code in many places is about code, and keeps it.
    """
    parts = [split_code(line) for line in lines]
    depth = 0
    for at, (prose, code) in enumerate(parts):
        if code:
            depth = max(0, depth + code.count("{") + code.count("(") - code.count("}") - code.count(")"))
        elif depth and _is_sentence(prose):
            depth = 0
        elif depth and any(code for _, code in parts[at + 1 : at + _REACH]):
            parts[at] = ("", prose)
    places = sum(bool(code) and not (at and parts[at - 1][1]) for at, (_, code) in enumerate(parts))
    return parts if places <= MAX_PLACES else [(line, "") for line in lines]


def _is_sentence(line: str) -> bool:
    words = line.split()
    return len(words) >= 6 and sum(weigh(word) < 0 for word in words) >= 0.8 * len(words)
