"""Bytes of a page to UTF-8, whatever the server, the page or its author claims about them."""

import codecs
import re
from typing import Final, Optional

import charset_normalizer

# Labels that browsers read as a superset, because pages mean the superset (WHATWG Encoding Standard, section 4.2).
_SUPERSETS: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABEL = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{2,40})", re.I)
_META_BYTES: Final = 4096  # browsers look at the first 1024; pages put scripts before the tag
_SAMPLE_BYTES: Final = 65_536  # what is shown to the detector
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_MAX_BAD: Final = 0.002  # share of bytes that may be broken in a text that is UTF-8 all the same


def to_utf8(data: bytes, content_type: str = "") -> bytes:
    """Return `data` as UTF-8 without byte order mark or NUL.

    Bytes that are valid UTF-8 are UTF-8, whatever is declared: other encodings practically never come out valid. Else
    the byte order mark, the HTTP header, the page's own declaration and at last a detector are believed, in this
    order; bytes that still cannot be read become U+FFFD.
    """
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return _encode(data, marked)
    if b"\0" in data[:2000] and (wide := _wide(data[:2000])):
        return _encode(data, wide)
    header = codec(content_type.encode("ascii", "ignore"))
    if b"\x1b$" in data[:_SAMPLE_BYTES] or b"\x1b(" in data[:_SAMPLE_BYTES]:  # ISO 2022 hides in ASCII bytes
        declared = header or codec(data[:_META_BYTES])
        if declared and declared.startswith("iso2022"):
            return _encode(data, declared)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _encode(data, _guess(data, header))
    return data.replace(b"\0", b"")


def is_binary(page: bytes) -> bool:
    """Tell whether what `to_utf8` returned is no text: one character in 50 of its start is a control or unreadable.

    Pages with a few broken characters stay far below; pictures, archives and noise come out at a fifth and more.
    """
    start = page[:_SAMPLE_BYTES].decode("utf-8", "replace")
    return len(_NOT_TEXT.findall(start)) * 50 > len(start)


def codec(text: bytes) -> Optional[str]:
    """Return the Python codec named after `charset=` in a header or the head of a page, None where none is known.

    >>> codec(b"text/html; charset=ISO-8859-1")
    'cp1252'
    """
    found = _LABEL.search(text)
    if not found:
        return None
    try:
        info = codecs.lookup(found[1].decode("ascii"))
    except (LookupError, UnicodeDecodeError):
        return None
    if not getattr(info, "_is_text_encoding", True):  # rot13, base64 and zip are codecs too
        return None
    return _SUPERSETS.get(info.name, info.name)


def _guess(data: bytes, header: Optional[str]) -> str:
    broken = data.decode("utf-8", "replace").count("\ufffd")
    if broken <= 3 or broken < _MAX_BAD * len(data):
        lead_bytes = sum(data.count(bytes([byte])) for byte in (0xC3, 0xE2, 0xD0, 0xD8, 0xE3))
        if lead_bytes > 2 * broken:  # cut or damaged, but its characters of two and three bytes are there
            return "utf-8"
    for name in (header, codec(data[:_META_BYTES])):
        if name and not name.startswith("utf") and _reads(data, name):
            return name
    best = charset_normalizer.from_bytes(_sample(data)).best()
    return best.encoding if best else header or "cp1252"


def _reads(data: bytes, name: str) -> bool:
    return data.decode(name, "replace").count("\ufffd") <= _MAX_BAD * len(data)


def _sample(data: bytes) -> bytes:
    """The part of a page around its first byte beyond ASCII: the markup before tells a detector nothing."""
    first = next((at for at, byte in enumerate(data) if byte > 127), 0)
    return data[max(first - 1000, 0) :][:_SAMPLE_BYTES]


def _wide(head: bytes) -> Optional[str]:
    """UTF-16 without a mark: in markup, every other byte is NUL."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.3 * len(head) / 2 and even < 0.05 * len(head):
        return "utf-16-le"
    if even > 0.3 * len(head) / 2 and odd < 0.05 * len(head):
        return "utf-16-be"
    return None


def _encode(data: bytes, name: str) -> bytes:
    return data.decode(name, "replace").replace("\0", "").encode("utf-8", "replace")
