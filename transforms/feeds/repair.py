"""Bytes of a feed to text that an XML parser can take: charset, DTD, stray entities, control characters.

The DTD is cut before any parser sees the text, so entity bombs and external entities have nothing to stand on.
"""

import codecs
import html
import re
import zlib
from collections.abc import Iterator
from typing import Final

from transforms.feeds.model import NotAFeed

MAX_BYTES: Final = 10_485_760  # of an unpacked .xml.gz; the same as a page's `max_body_bytes`

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_LANGUAGE = re.compile(rb"<(?:dc:)?language>\s*([a-zA-Z]{2,3})|xml:lang=[\"']([a-zA-Z]{2,3})")

# What a feed of this language is written in where it is neither UTF-8 nor says what it is.
_LEGACY: Final = {
    "ar": "cp1256", "fa": "cp1256", "ur": "cp1256", "ckb": "cp1256", "ps": "cp1256", "he": "cp1255", "yi": "cp1255",
    "ru": "cp1251", "uk": "cp1251", "bg": "cp1251", "sr": "cp1251", "be": "cp1251", "tr": "cp1254", "az": "cp1254",
    "ku": "cp1254", "el": "cp1253", "pl": "cp1250", "cs": "cp1250", "hu": "cp1250", "ro": "cp1250", "zh": "gb18030",
    "ja": "shift_jis", "ko": "cp949", "th": "cp874", "vi": "cp1258", "lt": "cp1257", "lv": "cp1257", "et": "cp1257",
}  # fmt: skip
# The web reads these labels as the larger sets that its authors meant (WHATWG Encoding, section 4.2).
_LARGER: Final = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "euc_kr": "cp949", "iso8859-11": "cp874", "tis-620": "cp874", "big5": "big5hkscs",
}  # fmt: skip

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # XML 1.0, section 2.2
_AMPERSAND = re.compile(r"&(?:(amp|lt|gt|quot|apos);|#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});|([a-zA-Z][a-zA-Z0-9]{1,31});)?")
_VERBATIM = re.compile(r"<!--|<!\[CDATA\[")
_NOT_TAG = re.compile(r"<(?![a-zA-Z_/!?\u00c0-\uffff])")
_TEXT_CODECS = re.compile(
    r"utf-8|cp\d+|iso8859-\d+|koi8-\w|gb18030|big5\w*|shift_jis\w*|euc_\w+|mac-\w+|iso2022_\w+|johab"
)
_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?(?:rss|feed|rdf|channel|urlset|sitemapindex)[\s>/]", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_ITEM_OPEN = re.compile(r"<(?:[\w.-]{1,40}:)?(?:item|entry|url|sitemap)[\s>]", re.IGNORECASE)
_ITEM_CLOSE = re.compile(r"</(?:[\w.-]{1,40}:)?(?:item|entry|url|sitemap)\s*>", re.IGNORECASE)
_ROOT_CLOSE = re.compile(r"</(?:[\w.-]{1,40}:)?(?:rss|feed|rdf|channel|urlset|sitemapindex)\s*>", re.IGNORECASE)


def unpacked(data: bytes) -> bytes:
    """Return `data`, gunzipped where it is a .xml.gz; of one that breaks off, what there is.

    Raises:
        NotAFeed: it holds more than `MAX_BYTES`; half a sitemap would be taken for all of it.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        text = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
    except zlib.error:
        return b""
    if len(text) > MAX_BYTES:
        raise NotAFeed(f"more than {MAX_BYTES} bytes unpacked")
    return text


def decoded(data: bytes, content_type: str) -> str:
    """Return the text of `data`.

    A byte order mark is believed first, then the bytes themselves where they are UTF-8 (a few broken sequences become
    U+FFFD, the rest stays), then what the prolog and the header declare, then the legacy charset of the language.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace").lstrip("\ufeff")
    if data[:2] in (b"<\x00", b"\x00<"):
        return data.decode("utf-16-le" if data[0] else "utf-16-be", "replace")
    head = data[:1024]
    declared = [found[1].decode() for found in _DECLARED.finditer(head)] + _CHARSET.findall(content_type)
    legacy = _legacy(data)
    # A charset that cannot write the feed's own language is not believed: it is the server's default.
    names = [legacy if name == "cp1252" else name for label in declared if (name := _codec(label))]
    if b"\x1b$" in data and "iso2022_jp" in names:  # seven bits: it would pass for UTF-8
        return data.decode("iso2022_jp", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    if text.count("\ufffd") * 10 < len(text) - len(text.encode("ascii", "ignore")):
        return text
    for name in names:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    fallback = next((name for name in names if name != "utf-8"), legacy)
    return data.decode(fallback, "replace")


def _codec(label: str) -> str:
    """Python's name for the charset, or "" where it knows none."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    name = _LARGER.get(name, name)
    return name if _TEXT_CODECS.fullmatch(name) else ""


def _legacy(data: bytes) -> str:
    found = _LANGUAGE.search(data, 0, 65_536)
    return _LEGACY.get((found[1] or found[2]).decode().lower(), "cp1252") if found else "cp1252"


def xml_text(text: str) -> str:
    """Return the feed in `text`, from its root element on, or "" where it holds no feed.

    Prolog, DTD and whatever was printed before the root are left out; control characters too. Named entities of HTML
    become their characters, and an `&` or `<` that starts nothing is escaped, but never inside CDATA. An item that the
    end of the text cuts off is left out.
    """
    start = _root_start(text)
    if start < 0:
        return ""
    text = _ILLEGAL.sub("", text[start:])
    return "".join(_mended(_whole_items(text)))


def _root_start(text: str) -> int:
    """Where the root element begins, behind prolog, comments, DTD and stray output; -1 for a page or anything else."""
    position = text.find("<")
    while position >= 0:
        end = position
        if text.startswith("<!--", position):
            end = text.find("-->", position)
        elif _PAGE.match(text, position):
            return -1
        elif text[position : position + 9].upper() == "<!DOCTYPE":
            end = text.find(">", position)
            if "[" in text[position:end]:
                subset = re.compile(r"\]\s*>").search(text, position)
                end = subset.end() - 1 if subset else -1
        elif _ROOT.match(text, position):
            return position
        position = text.find("<", end + 1) if end >= 0 else -1
    return -1


def _mended(text: str) -> Iterator[str]:
    """`text` in pieces: CDATA as it is, comments left out, all else mended."""
    position = 0
    while found := _VERBATIM.search(text, position):
        yield _escaped(text[position : found.start()])
        mark = "-->" if found[0] == "<!--" else "]]>"
        end = text.find(mark, found.end())
        position = len(text) if end < 0 else end + len(mark)
        if mark == "]]>":
            yield text[found.start() : position]
    yield _escaped(text[position:])


def _escaped(text: str) -> str:
    if "&" in text:
        text = _AMPERSAND.sub(_entity, text)
    return _NOT_TAG.sub("&lt;", text)


def _entity(found: re.Match[str]) -> str:
    """What a well-formed document would have in the place of this ampersand."""
    if found[1]:
        return f"&{found[1]};"
    if found[2]:
        code = int(found[2][1:], 16) if found[2][0] == "x" else int(found[2])
        legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
        return html.escape(html.unescape(found[0])) if legal else " "
    if found[3]:
        return html.escape(html.unescape(found[0]))
    return "&amp;"


def _whole_items(text: str) -> str:
    """`text` without the item in whose middle it breaks off."""
    if _ROOT_CLOSE.search(text, max(0, len(text) - 4096)):
        return text
    opens = closes = -1
    for found in _ITEM_OPEN.finditer(text):
        opens = found.start()
    for found in _ITEM_CLOSE.finditer(text):
        closes = found.start()
    return text[:opens] if opens > closes else text
