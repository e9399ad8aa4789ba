"""Plain text and clean links out of what feeds write into their fields."""

import html
import re
from typing import Final
from urllib.parse import parse_qs, urljoin, urlsplit

# One alternative each, none of which can match the same text in two ways: linear on any input.
_TAG = re.compile(r"<(?:/?([a-zA-Z][a-zA-Z0-9:]*)[^<>]*|!--[^<>]{0,2000}--|![A-Z\[][^<>]*|\?[^<>]*)>")
_INLINE: Final = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong",
     "sub", "sup", "u", "wbr")
)  # fmt: skip
_SILENT: Final = ("script", "style")

MAX_LINK_CHARS: Final = 4_000


def plain_text(markup: str) -> str:
    """Return the text of `markup`: no tags, entities decoded (twice where escaped twice), white space squeezed.

    >>> plain_text("Q&amp;amp;A: <b>Who</b> rules<br>Idlib?")
    'Q&A: Who rules Idlib?'
    """
    text = markup
    for _ in range(2):
        if "<" in text:
            text = _TAG.sub(_gap, _without_silent(text))
        if "&" not in text:
            break
        text = html.unescape(text)
    return " ".join((text if text.isascii() else _encoded_once(text)).split())


def _encoded_once(text: str) -> str:
    """Undo a second encoding: UTF-8 that was read as Latin-1 or Windows-1252 ("Ã©" for "é"). Anything else stays."""
    for charset in ("latin-1", "cp1252"):
        try:
            return text.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _gap(tag: re.Match[str]) -> str:
    return "" if (tag[1] or "").lower() in _INLINE else " "


def _without_silent(text: str) -> str:
    """Cut whole script and style elements out: their text is for machines."""
    for name in _SILENT:
        lowered = text.lower()
        start = lowered.find(f"<{name}")
        if start < 0 or len(lowered) != len(text):
            continue
        kept, end = [], 0
        while start >= 0:
            kept.append(text[end:start])
            close = lowered.find(f"</{name}", start)
            end = lowered.find(">", close) + 1 if close >= 0 else 0
            if end <= 0:
                end = len(text)
            start = lowered.find(f"<{name}", end)
        text = "".join(kept) + text[end:]
    return text


def absolute_link(link: str, base: str) -> str:
    """Return `link` as an absolute http(s) URL, resolved against `base`; "" where it is none.

    White space that layout put into it is taken out, and an `&amp;` that was escaped once too often.

    >>> absolute_link(" /world/1?a=1&amp;b=2 ", "https://www.example.org/feed.xml")
    'https://www.example.org/world/1?a=1&b=2'
    """
    link = re.sub(r"[\t\r\n]+\s*", "", link.strip()).replace(" ", "%20")
    if not link or len(link) > MAX_LINK_CHARS:
        return ""
    if "&" in link:
        link = link.replace("&amp;", "&").replace("&#38;", "&").replace("&#038;", "&")
    if link[:4].lower() == "www.":
        link = "https://" + link
    try:
        parts = urlsplit(link)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            link = urljoin(base, link)
            parts = urlsplit(link)
        host = parts.hostname
    except ValueError:  # an address such as http://[bad/
        return ""
    return link if parts.scheme in ("http", "https") and host else ""


# Aggregators that wrap the publisher's own link: end of the host, path, and the parameter that holds it.
_WRAPPERS: Final = (
    ("google.com", "/url", ("url", "q")),
    ("bing.com", "/news/apiclick.aspx", ("url",)),
    ("facebook.com", "/l.php", ("u",)),
)


def unwrapped(link: str) -> str:
    """Return the publisher's link where an aggregator's redirect names it, else `link`.

    >>> unwrapped("https://www.google.com/url?rct=j&url=https://example.org/a&ct=ga")
    'https://example.org/a'
    """
    for host, path, names in _WRAPPERS:
        if f"{host}{path}?" not in link.lower():
            continue
        parts = urlsplit(link)
        if parts.path.lower() == path and f".{parts.hostname}".endswith(f".{host}"):
            query = parse_qs(parts.query)
            target = next((query[name][0] for name in names if name in query), "")
            return absolute_link(target, link) or link
    return link
