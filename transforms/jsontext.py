"""JSON as the web writes it: halves of characters, which no file, hash or coder takes, made whole before parsing."""

import re
from typing import Final

_HIGH: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW: Final = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE: Final = re.compile(rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}")


def whole_characters(json_text: str) -> str:
    r"""Return `json_text` with each lone surrogate escape replaced by U+FFFD, as decoders of bytes do.

    A headline cut by its length often ends in half an emoji. Python's parser hands that on, and the first stage that
    encodes it fails.

    >>> whole_characters(r'"rain \ud83c\udf27 and \ud83c"')
    '"rain \\ud83c\\udf27 and \\ufffd"'
    """
    return _LONE.sub(r"\\ufffd", json_text)
