"""Leaked code: scripts, style sheets, JSON and template markup that a scraper took for text.

Told by what code looks like: the share of braces, operators, calls, declarations and quoted keys among the words, never
by a listed string. A sentence that quotes a line of code is mostly words, and stays.

A line is read as a row of weights, code above zero and words below. Code is a run whose sum rises and does not fall far
again (the X-drop rule by which sequence aligners end a match). Sentences between two runs, or behind the last, stay.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Optional

from transforms.scrub.shapes import is_prose

# Classes of tokens that JavaScript, CSS, JSON and template languages are made of, and prose is not. A token's weight is
# how surely it is code; plain words weigh against it.
_SIGNS: Final[tuple[tuple[re.Pattern[str], float], ...]] = tuple(
    (re.compile(pattern), weight)
    for pattern, weight in (
        (
            r"[{}]|\);|\]\]|<!\[|\]\]>|/\*|\*/|<!--|-->|=>|===?|!==?|&&|\|\||\+=|\$\{|\{\{|\{%|%\}|\}\}|\(\)|<%|%>|%%\w",
            3.0,
        ),
        (r"^(?:function|var|const|let|return|typeof|new|else|null|undefined|true|false|void|async|await)\b[;,(]?", 1.0),
        (r"^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+[([=;]", 3.0),  # object.method(
        (r"^[(!]*[A-Za-z_$][\w$.]*\(", 2.0),  # call(
        (r"^[\w$.\]]*[\d_$.\]][\w$.\]]*;$|^[\"'][^\"']*[\"'];$|^[\w$]+\s*=$|^=$", 2.0),
        (r"[\"'][\w@$-]+[\"']:", 3.0),  # "key":
        (r"^[\"']https?:|\\[/\"nu]|^@[a-z-]+$", 2.0),
        (r"^[.#][A-Za-z][\w-]*$", 1.5),  # .selector
        (r"^-?[a-z]+(?:-[a-z]+)*:$", 0.8),  # property:
        (r"^-?[\d.]+(?:(?:px|em|rem|vh|vw)[;,)]*|%;)$|^#[0-9a-fA-F]{3,8};?$|!important", 2.0),
        (r"^</?[a-z][\w-]*|/?>$|^[\w-]+=[\"']", 2.0),
        (r"^\[[a-z_]+$", 1.0),  # [gallery ids="12"]
        (r"^\[[a-z_]+\]$", 1.5),
        (r"^\[/[a-z_]+\]$", 4.0),
        (r"</?(?:script|style|noscript)\b", 3.0),
        (r"^[a-z]+[A-Z]\w*[(.;=:]", 2.0),
        (r"^[\w.-]+=[\w\"'$]|^\[if$|endif\]", 1.5),
        (r"^\(?(?:typeof|window|document|navigator|jQuery)\b(?!,)", 1.0),
        (r";$", 0.5),
    )
)
_WORD = re.compile(r"^[\"'“‘«(]*[^\W\d_]+(?:['’-][^\W\d_]+)*[\"'”’»)]*[.,:!?…]*$")
_WORD_WEIGHT: Final = -0.8
_SIGN_WEIGHT: Final = -0.2  # of a token that is neither word nor code: numbers, dashes
_DECLARATIONS: Final = frozenset(("function", "var", "const", "typeof", "null", "undefined", "async"))
_CONTROL: Final = frozenset(
    ("if", "for", "while", "switch", "try", "do", "import", "export", "class", "else", "return", "let")
)
_BRACKETED: Final = frozenset(("if", "for", "while", "switch"))
_DECLARATION_WEIGHT: Final = 0.6
_MAX_TOKEN: Final = 200  # characters of a token that are looked at

_BRACKETS = re.compile(r"[{}()\[\];,]{1,12}")
_MIN_WEIGHT: Final = 5.0  # of a run that begins a line or follows a sentence
_MIN_ABRUPT_WEIGHT: Final = 12.0  # of one that follows a word: a sentence may end with a short call
_MIN_DENSITY: Final = 0.5  # weight of a run over its tokens
_STRONG: Final = 2.0  # a token that an abrupt run may begin with
_DROP: Final = 4.0  # a run has ended where its sum fell by so much: five words
_SENTENCE_END = re.compile(r"[.!?…؟۔。][\"'”’»)\]]*$")
_MIN_SENTENCE: Final = 5  # words behind code that are a sentence, and the article's again
_OPENS = re.compile(r"(?:^|(?<=[:=(\[,+{?|&]))[\"'`]\w[^\"'`]*$")
_CLOSES = re.compile(r"[^:=(\[,+{?|&\s][\"'`]\W*$")
_BEFORE_LITERAL: Final = (":", "=", "(", "[", ",", "+", "{", "?", "|", "&", "return")
_COMMENTS: Final = {"//": "", "/*": "*/", "<!--": "-->"}
_LITERAL_REACH: Final = 200  # tokens looked back for an open quotation mark
_MAX_BEFORE: Final = 2  # words of code that look like words, before its first sign
_STRUCTURE = re.compile(  # of code: sums of calls alone may be a sentence about functions
    r"\{|\}|=|<|>|\);|\":|/\*|\[\[|\[/|%%"  # each way begins with a sign, which prose hardly holds: so it is soon found
)
_PLACEHOLDER = re.compile(r"(?<!\S)[<{]\w[\w -]{0,30}[.!?]?[>}](?=[\s,.;:]|$)")  # "<name>" and "{date}" in a sentence
_QUOTES: Final = '"“„«‘'
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
MAX_PLACES: Final = 3  # of one text in which code leaks
_REACH: Final = 12  # lines looked ahead for the end of a block
_DOUBTFUL: Final = 0.5  # share of words in what looks like code, from which on it may be a text


class Token(NamedTuple):
    """A token of a line, where it starts, and its weight."""

    text: str
    start: int
    weight: float


class Run(NamedTuple):
    """Tokens `first` to `last`, and what those of them that are code weigh; literals and comments among them do not."""

    first: int
    last: int
    weight: float
    size: int


class Split(NamedTuple):
    """A line without its code, and the runs of code that it held."""

    prose: str
    code: tuple[str, ...]


def split_code(line: str) -> Split:
    """Return a line parted into prose and runs of code.

    >>> split_code("The talks go on. window.ads = window.ads || []; ads.push({slot: 4});")
    Split(prose='The talks go on.', code=('window.ads = window.ads || []; ads.push({slot: 4});',))
    >>> split_code("The talks go on. ads = ads || []; ads.push({slot: 4}); Nobody expects a treaty this year.")
    Split(prose='The talks go on. Nobody expects a treaty this year.', code=('ads = ads || []; ads.push({slot: 4});',))
    """
    if _BRACKETS.fullmatch(line):
        return Split("", (line,))
    if not _STRUCTURE.search(line):
        return Split(line, ())
    tokens = [Token(m[0], m.start(), weigh(m[0])) for m in re.finditer(r"\S+", line)]
    stopped = any(map(_ends_sentence, tokens))  # a subheading holds no full stop
    prose, code, at = [], [], 0
    for run in _joined(tokens):
        start = tokens[run.first].start
        end = tokens[run.last + 1].start if run.last + 1 < len(tokens) else len(line)
        if _is_code(tokens, run, line[start:end], stopped=stopped) and not _quoted(line, start):
            prose.append(line[at:start].strip())
            code.append(line[start:end].rstrip())
            at = end
    return Split(" ".join(filter(None, (*prose, line[at:].strip()))), tuple(code)) if code else Split(line, ())


def _runs(tokens: Sequence[Token]) -> Iterator[Run]:
    """Runs of code by their weights alone."""
    first = last = -1
    total = most = 0.0
    for at, token in enumerate(tokens):
        if first < 0:
            if token.weight < _DECLARATION_WEIGHT:
                continue
            first, total, most = at, 0.0, 0.0
        total += token.weight
        if total > most:
            most, last = total, at
        elif most - total >= _DROP:
            if most >= _STRONG:  # "function" is a word, too
                yield Run(first, last, most, last - first + 1)
            first = -1
    if first >= 0 and most >= _STRONG:
        yield Run(first, last, most, last - first + 1)


def _joined(tokens: Sequence[Token]) -> Iterator[Run]:
    """Runs of code, with what lies before, between and behind them as far as it holds no sentence."""
    begun: Optional[Run] = None
    for run in _runs(tokens):
        if begun is None:
            begun = _joining(tokens, run, _reach_back(tokens, run.first), run.first)._replace(last=run.last)
            continue
        kept = _sentences(tokens, begun.last + 1, run.first)
        if kept is None:
            begun = _joining(tokens, begun, begun.last + 1, run.first)
            begun = Run(begun.first, run.last, begun.weight + run.weight, begun.size + run.size)
        else:
            yield _joining(tokens, begun, begun.last + 1, kept[0])
            begun = _joining(tokens, run, kept[1], run.first)._replace(last=run.last)
    if begun is not None:
        kept = _sentences(tokens, begun.last + 1, len(tokens))
        yield _joining(tokens, begun, begun.last + 1, kept[0] if kept else len(tokens))


def _joining(tokens: Sequence[Token], run: Run, first: int, end: int) -> Run:
    """`run` with the tokens from `first` to `end` beside it; a literal or comment counts for nothing."""
    if end <= first:
        return run
    counted = [] if end - first >= _MIN_SENTENCE and _in_literal(tokens, first, end) else tokens[first:end]
    weight, size = run.weight + sum(token.weight for token in counted), run.size + len(counted)
    return Run(min(run.first, first), max(run.last, end - 1), weight, size)


def _reach_back(tokens: Sequence[Token], first: int) -> int:
    """Where code begins that weighs from token `first` on: "if", or two words that begin a line or sentence."""
    for before in range(first - 1, max(first - 1 - _MAX_BEFORE, -1), -1):
        if _ends_sentence(tokens[before]):
            return before + 1
        if before == 0 or _controls(tokens, before):
            return before
    return first


def _controls(tokens: Sequence[Token], at: int) -> bool:
    """Whether a token begins a statement; "for" and "if" are words, too, where no bracket follows."""
    text = tokens[at].text
    return text in _CONTROL and (text not in _BRACKETED or tokens[at + 1].text[0] == "(")


def _sentences(tokens: Sequence[Token], first: int, end: int) -> Optional[tuple[int, int]]:
    """The first and behind the last token of whole sentences between code, else None.

    A literal or comment may hold sentences, too, and they belong to the code.
    """
    if end - first < _MIN_SENTENCE or _in_literal(tokens, first, end):
        return None
    starts = [at for at in range(first, end) if tokens[at].text[0].isupper() and _WORD.match(tokens[at].text)]
    begins = next((at for at in starts if at == first or _ends_sentence(tokens[at - 1])), starts[0] if starts else end)
    stops = max((at + 1 for at in range(begins, end) if _ends_sentence(tokens[at])), default=begins)
    return (begins, stops) if stops - begins >= _MIN_SENTENCE else None


def _in_literal(tokens: Sequence[Token], at: int, end: int) -> bool:
    """Whether a literal or comment that code opened before token `at`, or at it, is closed only behind it."""
    comment = next((sign for sign in _COMMENTS if tokens[at - 1].text.startswith(sign)), None)
    if comment is not None:
        return any(_COMMENTS[comment] in token.text for token in tokens[at : end + 1])
    for number in range(at, max(at - _LITERAL_REACH, -1), -1):
        text = tokens[number].text.replace('\\"', "")
        if _CLOSES.search(text):
            return False
        if (opened := _OPENS.search(text)) is not None:
            before = text[: opened.start()] or (tokens[number - 1].text if number else "")
            closed = any(_CLOSES.search(token.text) for token in tokens[at + 1 : end + 1])
            return closed and before.endswith(_BEFORE_LITERAL)
    return False


def _ends_sentence(token: Token) -> bool:
    return _SENTENCE_END.search(token.text[-8:]) is not None


def _is_code(tokens: Sequence[Token], run: Run, text: str, *, stopped: bool) -> bool:
    """Whether a run is heavy enough for its place, and dense enough."""
    if run.weight < _MIN_DENSITY * run.size or not _STRUCTURE.search(_PLACEHOLDER.sub("", text)):
        return False
    if run.first == 0 or _ends_sentence(tokens[run.first - 1]):
        few = run.last - run.first <= 2 and run.first == 0 and run.last == len(tokens) - 1
        return run.weight >= _MIN_WEIGHT or (few and all(token.weight >= _STRONG for token in tokens))
    return run.weight >= (_MIN_ABRUPT_WEIGHT if stopped else _MIN_WEIGHT)


def weigh(token: str) -> float:
    """How surely a token is code (> 0) or a word of prose (< 0)."""
    token = token[:_MAX_TOKEN]
    if _WORD.match(token) and not token.endswith(('":', "':")):
        return _DECLARATION_WEIGHT if token.lstrip("(") in _DECLARATIONS else _WORD_WEIGHT
    return sum(weight for sign, weight in _SIGNS if sign.search(token)) or _SIGN_WEIGHT


def _quoted(line: str, start: int) -> bool:
    """Whether the place lies inside a quotation that opened before it."""
    before = line[:start]
    low = before.count("„")  # a low mark opens: then the high one closes
    return (low or before.count("“")) > before.count("“" if low else "”") or before.count("«") > before.count("»")


def code_lines(lines: Sequence[str]) -> list[Split]:
    """`split_code` for the lines of a text, with what lies between lines of code and belongs to them.

    Nothing is cut from a text with different code in many places, which is about code.
    """
    parts = [split_code(line) for line in lines]
    depth = 0
    for at, (prose, code) in enumerate(parts):
        if code:
            depth = max(0, depth + sum(c.count("{") + c.count("(") - c.count("}") - c.count(")") for c in code))
        elif depth and _is_sentence(prose):
            depth = 0
        elif depth and any(part.code for part in parts[at + 1 : at + _REACH]):
            parts[at] = Split("", (prose,))
    _keep_listings(lines, parts)
    starts = [part.code[0] for at, part in enumerate(parts) if part.code and not (at and parts[at - 1].code)]
    about_code = len({_STRING.sub("", code) for code in starts}) > MAX_PLACES
    return [Split(line, ()) for line in lines] if about_code else parts


def _keep_listings(lines: Sequence[str], parts: list[Split]) -> None:
    """Give back code that the paragraph above announces: "Below is an example for a product:".

    Where a quotation follows the code, it is what the colon announces.
    """
    listed = False
    for at, part in enumerate(parts):
        listed = bool(part.code) and (
            listed or (at > 0 and not parts[at - 1].code and lines[at - 1][-1] == ":" and _is_sentence(lines[at - 1]))
        )
        if listed and at + 1 < len(parts) and lines[at + 1][0] in _QUOTES and weigh(lines[at + 1].split()[0]) < 0:
            listed = False
        if listed:
            parts[at] = Split(lines[at], ())


def is_doubtful(parts: Sequence[Split]) -> bool:
    """Whether no paragraph would be left of a text whose code is half words: it may only look like code."""
    if any(is_prose(part.prose) for part in parts):
        return False
    tokens = [token for part in parts for code in part.code for token in code.split()]
    return bool(tokens) and sum(_WORD.match(token) is not None for token in tokens) >= _DOUBTFUL * len(tokens)


def _is_sentence(line: str) -> bool:
    words = line.split()
    return len(words) >= 6 and sum(weigh(word) < 0 for word in words) >= 0.8 * len(words)
