"""Evidence: what an article itself says about where its text came from."""

import re
from typing import Final

from schemas.records import Article

_HEAD_CHARS: Final = 300  # where a dateline or byline stands
_TAIL_CHARS: Final = 400  # where credits and copyright lines stand

# Names under which agencies sign. The short ones count only as a signature: in brackets, or after a dash or "by".
_AGENCIES: Final = (
    "AP", "Associated Press", "Reuters", "AFP", "Agence France-Presse", "dpa", "Deutsche Presse-Agentur", "Xinhua",
    "PA", "PA Media", "Press Association", "UPI", "United Press International", "TASS", "Interfax", "RIA Novosti",
    "Anadolu", "AA", "EFE", "ANSA", "Kyodo", "Yonhap", "IRNA", "ISNA", "Fars", "Tasnim", "SANA", "WAM", "KUNA", "SPA",
    "QNA", "INA", "NINA", "MENA", "PTI", "IANS", "ANI", "CNA", "Ukrinform", "Belga", "APA", "Bloomberg",
    "The Canadian Press", "AAP",
)  # fmt: skip
_NAME: Final = "(?:the )?(" + "|".join(re.escape(name) for name in sorted(_AGENCIES, key=len, reverse=True)) + ")"
_SIGNATURE: Final = re.compile(rf"\({_NAME}\)|(?:^|\n)(?i:by ){_NAME}(?:\n|$)")
_CREDIT: Final = re.compile(
    rf"\({_NAME}\)|(?i:(?:reporting|additional reporting) by ){_NAME}\b|[–—-] ?{_NAME}\s*$|[©©] ?\d{{0,4}} ?{_NAME}\b"
    r"|(?:^|\n)(?i:source|via|originally published (?:by|on|at|in))\s?[:»>]\s?(\S[^\n]{0,60})"
)


def attribution(article: Article) -> str:
    """Return whom the article names as the source of its text, "" where nobody.

    What scrub has lifted out counts first (`syndication_source`, an agency in the dateline), then signs in the text.
    """
    if article.syndication_source:
        return article.syndication_source
    return signature_in(article.dateline) or signature_in(article.text)


def signature_in(text: str) -> str:
    """Return the agency or outlet that signs `text` at its head or foot, "" where none does.

    >>> signature_in("BAGHDAD (AP) — Talks resumed on Monday.")
    'AP'
    """
    for part, pattern in ((text[:_HEAD_CHARS], _SIGNATURE), (text[-_TAIL_CHARS:], _CREDIT)):
        if found := pattern.search(part):
            return next(name for name in found.groups() if name).strip()
    return ""
