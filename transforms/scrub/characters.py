"""Characters: undo what encodings, templates and rich-text editors do to them.

Mojibake, HTML entities and tags, invisible characters, odd spaces and line ends. What is right is returned as it came.
"""

import html
import re
from typing import Final

_MOJIBAKE = re.compile(
    "[ÂÃÄÅÐÑØÙÚÛ×àâïðªåæçèéã][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
_FAR = re.compile("[\u0700-\u1dff\u2e80-\ud7ff\uf900-\ufaff]")  # no Latin, Greek, Cyrillic, Hebrew, Arabic, nor signs
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_ENTITY_ROUNDS: Final = 3  # "&amp;amp;quot;": texts that were escaped several times

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc]"
)
_JOINER = re.compile(
    "(?<=[\u0000-\u05ff])[\u200c\u200d]+(?=[\u0000-\u05ff])"
)  # at home in Persian, Hindi and emoji only
_SPACE = re.compile("[\u001c-\u001f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_LINE_END = re.compile("\r\n?|[\u000b\u000c\u0085\u2028\u2029]")
_SUSPECT = re.compile(
    "[^\n\u0020-\u007e\u00a1-\u00ac\u00ae-\u034e\u0350-\u061b\u061d-\u115e\u2010-\u2027\u2030-\u205e]"
)

_TAG_NAMES: Final = (
    "a|abbr|article|aside|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|embed|figcaption|figure|font|footer|"
    "form|h[1-6]|header|hr|i|iframe|img|input|ins|label|li|main|mark|nav|noscript|object|ol|option|p|picture|pre|q|s|"
    "section|select|small|source|span|strike|strong|sub|sup|svg|table|tbody|td|th|thead|time|tr|tt|u|ul|video|wbr"
)
_COMMENT = re.compile(r"<!--[^<>]{0,500}-->")
_SHORTCODE = re.compile(  # of a content system, alone on its line: [embed]…[/embed], [gallery ids="4,5"], [/caption]
    r"^[ \t]*(?:\[(?P<code>[a-z][\w-]{2,20})[^\[\]\n]{0,200}\][^\[\]\n]{0,200}\[/(?P=code)\]"
    r"|\[[a-z][\w-]{2,20} [\w-]{1,20}=[^\[\]\n]{1,200}\]|\[/[a-z][\w-]{2,20}\])[ \t]*$",
    re.MULTILINE,
)
_TAG = re.compile(rf"<(/?)({_TAG_NAMES})(\s[^<>]{{0,2000}})?(/?)>", re.IGNORECASE)
_VOID: Final = frozenset(("br", "hr", "img", "input", "wbr", "embed", "source"))
_BLOCKS: Final = frozenset(("p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "ul", "ol"))


def clean_characters(text: str) -> str:
    """Return `text` with its characters mended; lines end with "\\n".

    >>> clean_characters("It&rsquo;s <em>here</em>,\\u00a0now\\u200b.")
    'It’s here, now.'
    """
    if not text.isascii() and _MOJIBAKE.search(text):
        text = "\n".join(map(_unscramble, text.split("\n")))
    for _ in range(_ENTITY_ROUNDS):
        if "&" not in text or not _ENTITY.search(text):
            break
        text = _ENTITY.sub(_entity, text)
    if "[" in text:
        text = _SHORTCODE.sub("", text)
    if "<" in text:
        text = _COMMENT.sub("", text)
        text = "\n".join(_without_tags(line) if "<" in line else line for line in text.split("\n"))
    if "\r" in text or _SUSPECT.search(text):
        text = _LINE_END.sub("\n", text)
        text = _SPACE.sub(" ", text)
        text = _JOINER.sub("", _INVISIBLE.sub("", text))
    return text


def is_damaged(text: str, mended: str) -> bool:
    """Whether more was wrong in a text than spaces and characters that nobody sees; `mended` is it cleaned."""
    return mended != text and mended.split() != _JOINER.sub("", _INVISIBLE.sub("", text)).split()


def _unscramble(line: str) -> str:
    """UTF-8 that was read as a one-byte encoding, read right; a line without signs of that as it is."""
    if line.isascii() or not _MOJIBAKE.search(line):
        return line
    import ftfy  # brings the codec that `_reread` names

    mended = " ".join(map(_reread, line.split(" ")))
    return str(ftfy.fix_encoding(mended)) if _MOJIBAKE.search(mended) else mended


def _reread(word: str) -> str:
    """A word that is valid UTF-8 when its characters are taken for bytes again: hardly any real word is."""
    if word.isascii() or not _MOJIBAKE.search(word):
        return word
    try:
        mended = word.encode("sloppy-windows-1252").decode("utf-8")
    except UnicodeError:
        return word
    return word if _is_coincidence(mended) else mended


def _is_coincidence(mended: str) -> bool:
    """Whether a reading as UTF-8 is one by chance, as that of "é", a fixed space and "»" which ends "« liberté »".

    Such a reading makes one character of a script far from Latin, alone or among Latin letters.
    """
    far = _FAR.findall(mended)
    return bool(far) and (len(far) == 1 or any(c.isascii() and c.isalpha() for c in mended))


def _entity(found: re.Match[str]) -> str:
    """The character an entity stands for; what is no known entity, or would make a control character, stays."""
    plain = html.unescape(found[0])
    return found[0] if plain == "\ufffd" else plain


def _without_tags(line: str) -> str:
    """`line` without its markup. A lone opening tag without attributes may be what the sentence is about, and stays."""
    found = list(_TAG.finditer(line))
    closed = {tag[2].lower() for tag in found if tag[1]}
    out, at = [], 0
    for tag in found:
        name = tag[2].lower()
        if not (tag[1] or tag[3] or tag[4] or name in _VOID or name in closed):
            continue
        out.append(line[at : tag.start()])
        if name == "br" and line[at : tag.start()].strip() and line[tag.end() : tag.end() + 1].isalnum():
            out.append(" ")
        elif name in _BLOCKS:
            out.append("\n")
        at = tag.end()
    return "".join(out) + line[at:]
