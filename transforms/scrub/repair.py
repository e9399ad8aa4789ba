"""Repairs within and between lines: sentences broken over two paragraphs, words divided at a line's end."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Final

from transforms.scrub.shapes import LIST_ITEM, ends_sentence, has_case

_DIVIDED = re.compile(r"(?<![\w-])([^\W\d_]{2,30})- ([^\W\d_]{2,30})(?![\w-])")
_FIRST_PART_WORDS: Final = 6
WORD_SHARE: Final = 1e-6  # of running words: halves as frequent are words of their own
COMPOUNDING: Final = frozenset(("de", "nl", "da", "nb", "no", "nn", "sv", "is", "fi", "hu", "et", "tr"))
_UNICASE_PART_CHARS: Final = 60  # without capitals only a line too long for a subheading is taken for half a sentence


def join_broken(lines: Sequence[str]) -> list[str]:
    """Join a line that ends in mid-sentence with the next one, which goes on in lower case."""
    joined: list[str] = []
    for line in lines:
        if joined and _goes_on(joined[-1], line):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _goes_on(first: str, second: str) -> bool:
    if first[-1] in ":;" or ends_sentence(first) or LIST_ITEM.match(first) or LIST_ITEM.match(second):
        return False
    if second[0] + second[-1] == "()":  # an aside below a subheading
        return False
    start = second.lstrip("\"'“‘«(")[:1]
    if has_case(first):
        long = first.count(" ") + 1 >= _FIRST_PART_WORDS
        return long and start.islower() and (ends_sentence(second) or second.count(" ") >= 5)
    return start.isalpha() and len(first) >= _UNICASE_PART_CHARS and ends_sentence(second)


def join_divided(paragraph: str, known: Mapping[str, float], hanging: Set[str], *, compounds: bool) -> str:
    """Join words that were divided at a line's end: "govern- ment"; "pre- and post-war" stays.

    `known` holds word frequencies; `compounds` says that the language joins words freely, so that an unknown one may be
    a compound, where elsewhere two known halves rather lost the space before their hyphen.
    """
    if "- " not in paragraph:
        return paragraph

    def join(found: re.Match[str]) -> str:
        left, right = found[1], found[2]
        if right.lower() in hanging or not right.islower():
            return found[0]
        if left.isupper() or ((left + right).lower() not in known and not compounds and _both(left, right, known)):
            return f"{left}-{right}"
        return left + right

    return _DIVIDED.sub(join, paragraph)


def _both(left: str, right: str, known: Mapping[str, float]) -> bool:
    return min(known.get(left.lower(), 0.0), known.get(right.lower(), 0.0)) >= WORD_SHARE
