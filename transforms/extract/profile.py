"""What an outlet's profile finds on a page: its selectors go before the general ways of finding things."""

import copy
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, Optional

from lxml import html as lxml_html
from lxml.cssselect import CSSSelector

from schemas.settings import Profile
from transforms.extract.authors import clean_names
from transforms.extract.body import Body, join
from transforms.extract.dates import read_moment
from transforms.extract.declared import Declared, fold, squeeze
from transforms.extract.leftovers import is_caption
from transforms.extract.segment import HEADINGS, Segments, segment

_MAX_ELEMENTS: Final = 200  # of one selector on one page
_MAX_FIELD: Final = 500


class Found(NamedTuple):
    """What a profile's selectors gave; empty where it has none or where it matched nothing."""

    title: str
    authors: Sequence[str]
    date: Optional[datetime]
    body: Sequence[Any]  # copies of the elements, so that the page can still be read without the profile
    missed: Sequence[str]  # fields whose selector matched nothing


def find(profile: Profile, root: Any, declared: Declared) -> Found:
    """Take what the profile drops out of the page, and return what its selectors find."""
    for css in profile.drop:
        for element in _select(css)(root)[:_MAX_ELEMENTS]:
            if element.getparent() is not None:
                element.drop_tree()
    title = next(filter(None, _texts(profile.title, root)), "")[:_MAX_FIELD]
    authors = clean_names(_texts(profile.authors, root), declared)
    date = next((at for element in _elements(profile.date, root) if (at := _moment(element))), None)
    body = [copy.deepcopy(element) for element in _outermost(_elements(profile.body, root))]
    given = {"title": title, "authors": authors, "date": date, "body": body}
    return Found(
        title, authors, date, body, [name for name, value in given.items() if getattr(profile, name) and not value]
    )


def body_of(elements: Sequence[Any], title: str, max_depth: int) -> tuple[Segments, Body]:
    """Return the text in the elements that a profile names: all of it, but captions and the repeated title."""
    around = lxml_html.Element("div")
    around.extend(elements)
    segments, echo = segment(around, max_depth), fold(title)
    kept = [
        block
        for block in segments.blocks
        if not is_caption(block) and (block.container.tag not in HEADINGS or fold(block.text) != echo)
    ]
    return segments, Body(join(kept), kept, "profile", 1.0)


@lru_cache(maxsize=1024)
def _select(css: str) -> CSSSelector:
    return CSSSelector(css, translator="html")


def _elements(css: str, root: Any) -> list[Any]:
    return _select(css)(root)[:_MAX_ELEMENTS] if css else []


def _texts(css: str, root: Any) -> list[str]:
    return [squeeze(element.get("content") or " ".join(element.itertext())) for element in _elements(css, root)]


def _moment(element: Any) -> Optional[datetime]:
    return read_moment(element.get("datetime") or element.get("content") or " ".join(element.itertext()))


def _outermost(elements: Sequence[Any]) -> list[Any]:
    chosen = set(elements)
    return [element for element in elements if chosen.isdisjoint(element.iterancestors())]
