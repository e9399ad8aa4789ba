"""Shapes of lines: what can be told without knowing a word of the language.

Prose ends like a sentence or is long; a headline is short and does not; a name is a row of capitalised words.
"""

import re
from collections.abc import Sequence, Set
from functools import lru_cache
from typing import Final

from transforms.scrub.words import fold

_ENDS: Final = ".!?…。！？؟۔।"
_ASKS: Final = "?!؟？！"
_CLOSERS: Final = "\"'”’»)]›“* "
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CASED = re.compile(r"[A-Za-zÀ-ɏͰ-ϿЀ-ԯ]")
_PARTICLES: Final = frozenset(
    "al el ibn bin bint abu abd ben bar de del della di da do dos du van von der den ter ten la le les y e i of the "
    "for and und et via des aux dei delle degli".split()
)
# A pattern that begins with a sign, and looks back from it, is found ten times faster than one with letters first.
INITIALS = re.compile(r"\.(?<=\b[^\W\d_]\.)\W*$")  # "10:30 a.m." ends no sentence
_NO_NAME = re.compile(r"[!?;“”\"、。！？「」『』]|[.,:] (?:\S+ ){3}")
_CLAUSES = re.compile(r"[,،;؛]")
FULL_STOP = re.compile(r"\. (?<=[^\W\d_]{3}\. )")  # in mid-text
NEXT_SENTENCE = re.compile(r" (?:(?<=[^\W\d_]{3}\. )|(?<=[!?] ))[^\W\d_]")
LIST_ITEM = re.compile(r"\s*(?:[-–—•*·▪◦‣]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)])\s")  # its sign, number or letter
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff]")
MAX_BEFORE_VERB: Final = 2  # words with the verb that begin a clause: "asks the letter", "he said"
MAX_CLAUSE_WORDS: Final = 5  # of a clause such as "the minister told the deputies"
MAX_WIDE_NAME: Final = 12  # characters of a name in a script without spaces
MAX_NAME_CHARS: Final = 90
MIN_STATEMENT_SPACES: Final = 1
MIN_PROSE_CHARS: Final = 60
MIN_QUESTION_CHARS: Final = 110
LONG_CHARS: Final = 160  # a line this long is a paragraph even where its full stop is lost
MAX_HEADLINE_CHARS: Final = 220
MAX_HEADLINE_WORDS: Final = 34


def ends_sentence(line: str) -> bool:
    """Whether a line ends with a sentence's sign, closing quotes and brackets apart."""
    return line.rstrip(_CLOSERS)[-1:] in _ENDS


def is_statement(line: str) -> bool:
    """Whether a line is a sentence, however short, whose full stop is no abbreviation's.

    >>> is_statement("Everybody who owns a house."), is_statement("Who pays?"), is_statement("Harbour Press Ltd.")
    (True, False, False)
    """
    ended = ends_sentence(line) and line.rstrip(_CLOSERS)[-1] not in _ASKS
    return (
        ended
        and line.count(" ") >= MIN_STATEMENT_SPACES
        and not INITIALS.search(line)
        and not (has_case(line) and is_name(line))
    )


@lru_cache(maxsize=4_096)  # each step asks it of the same lines again
def is_prose(line: str) -> bool:
    """Whether a line is a paragraph: long, or of some length and ended as a sentence is.

    A question or exclamation must be longer: headlines ask, too. A Chinese, Japanese or Korean character, which says
    what elsewhere a syllable or two say, counts as two.
    """
    length = len(line) if line.isascii() or len(line) >= LONG_CHARS else len(line) + len(_WIDE.findall(line))
    if length >= LONG_CHARS:
        return True
    if length < MIN_PROSE_CHARS or not ends_sentence(line) or is_title_case(line):
        return False
    return line.rstrip(_CLOSERS)[-1] not in _ASKS or length >= MIN_QUESTION_CHARS


def is_title_case(line: str) -> bool:
    """Whether a line is capitalised throughout and its full stop an abbreviation's: "Militias Threaten the U.S."."""
    if not INITIALS.search(line):
        return False
    long = [word for word in words_of(line) if len(word) > 3]
    return len(long) >= 4 and sum(word[0].isupper() for word in long) >= 0.8 * len(long)


def is_headline(line: str) -> bool:
    """Whether a line may be a headline or teaser: short, and not ended by a full stop."""
    return 8 <= len(line) <= MAX_HEADLINE_CHARS and line.count(" ") <= MAX_HEADLINE_WORDS and line[-1] not in ".:;,"


def has_case(text: str) -> bool:
    """Whether the text is in a script with capitals."""
    return bool(_CASED.search(text))


def words_of(text: str) -> Sequence[str]:
    """The words of a text, signs apart."""
    return _WORD.findall(text)


def is_name(text: str, most: int = 7) -> bool:
    """Whether a text may be the name of a person, outlet or agency: a few words, capitalised where there are capitals.

    >>> is_name("Ali al-Sistani"), is_name("that was the only word")
    (True, False)
    """
    words = words_of(text)
    if not words or len(words) > most or len(text) > MAX_NAME_CHARS or _NO_NAME.search(text):
        return False
    if not text.isascii() and len(_WIDE.findall(text)) > MAX_WIDE_NAME:
        return False
    return not any(has_case(word) and word[0].islower() and word.lower() not in _PARTICLES for word in words)


def is_person(text: str) -> bool:
    """Whether a text has the shape of a person's name: two or three words with one capital each, particles apart.

    >>> is_person("Mara van Dyk"), is_person("Ali al-Sistani"), is_person("PC World"), is_person("J. and F.")
    (True, True, False, False)
    """
    words = [word.removeprefix("al-").removeprefix("el-") for word in text.split() if word not in _PARTICLES]
    return 2 <= len(words) <= 3 and all(len(w) > 1 and w.istitle() and w.replace("-", "").isalpha() for w in words)


def is_source(text: str) -> bool:
    """Whether a text may name an outlet: a name, or one word such as a domain or an outlet's short name."""
    words = text.split()
    return is_name(text, most=6) or (len(words) == 1 and re.fullmatch(r"@?[\w.-]{2,40}", words[0]) is not None)


def abbreviates(short: str, text: str) -> bool:
    """Whether a word in brackets is short for the name before it: "the Environmental Protection Agency (EPA)"."""
    letters = fold(short)
    if not letters.isalpha():
        return False
    names = [fold(word) for word in words_of(text)[-len(letters) :]]
    for first in range(len(names) - 1):
        initials = "".join(word[0] for word in names[first:])
        rest = iter(names[-1])
        if letters.startswith(initials) and all(letter in rest for letter in letters[len(initials) - 1 :]):
            return True
    return False


def reports_speech(line: str, verbs: Set[str]) -> bool:
    """Whether a sentence tells who said it: in a last, short clause, or in one that begins so; `verbs` are folded.

    >>> reports_speech("Follow us, the guide told the drivers.", frozenset(["told"]))
    True
    >>> reports_speech("Join us, asks the last line of each letter; nobody does.", frozenset(["asks"]))
    True
    """
    if not ends_sentence(line):
        return False
    _, *clauses = _CLAUSES.split(line)
    for clause in clauses:
        words = clause.split()
        telling = words if clause is clauses[-1] and len(words) <= MAX_CLAUSE_WORDS else words[:MAX_BEFORE_VERB]
        if not verbs.isdisjoint(map(_plain, telling)):
            return True
    return False


def _plain(word: str) -> str:
    return fold(word.strip(_ENDS + _CLOSERS))
