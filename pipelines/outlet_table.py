"""Tables of outlets: written as TOML, and made from what another reader exported or a site shows of itself."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Optional
from urllib.parse import urljoin, urlsplit

import tldextract

from schemas.countries import COUNTRIES, UNKNOWN
from schemas.settings import Outlet
from transforms.feeds.opml import ListedFeed

UNKNOWN_LANGUAGE: Final = "und"  # BCP 47
_SOLD: Final = ("AI", "CO", "EU", "IO", "ME", "TV")  # top-level domains that say nothing about a country
_domain = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the bundled list: nothing is fetched


def outlet_toml(outlet: Outlet) -> str:
    """Return the outlet as a table of `outlets.toml`.

    >>> feeds = ("https://a.iq/rss",)
    >>> print(outlet_toml(Outlet(slug="a", name="A", country="IQ", language="ar", home="https://a.iq/", feeds=feeds)))
    [a]
    name = "A"
    country = "IQ"
    language = "ar"
    home = "https://a.iq/"
    feeds = ["https://a.iq/rss"]
    """
    lines = [f"[{outlet.slug}]"]
    lines += [f"{key} = {_quoted(getattr(outlet, key))}" for key in ("name", "country", "language", "home")]
    lines.append(f"feeds = {_array(outlet.feeds)}")
    if outlet.unconfirmed:
        lines.append(f"unconfirmed = {_array(outlet.unconfirmed)}")
    if outlet.note:
        lines.append(f"note = {_quoted(outlet.note)}")
    return "\n".join(lines)


def _array(values: Sequence[str]) -> str:
    if len(values) == 1:
        return f"[{_quoted(values[0])}]"
    return "[\n" + "".join(f"    {_quoted(value)},\n" for value in values) + "]"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'


def slug_of(url: str, taken: Iterable[str] = ()) -> str:
    """Return a slug made of the host's name, with a number behind it where that is taken.

    >>> slug_of("https://www.aljazeera.net/a"), slug_of("https://arabic.rt.com/", ["arabic-rt"])
    ('aljazeera', 'arabic-rt-2')
    """
    parts = _domain(url)
    labels = [*parts.subdomain.split("."), parts.domain]
    labels = [label for label in labels if label not in ("", "www", "rss", "feeds")]
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(labels).lower()).strip("-") or "outlet"
    slug = f"outlet-{slug}" if slug.isdigit() else slug
    number, unique, names = 1, slug, set(taken)
    while unique in names:
        number += 1
        unique = f"{slug}-{number}"
    return unique


def country_of(url: str, language: str) -> str:
    """Return the country that the host's top-level domain names, else the language's region, else `UNKNOWN`."""
    top = (urlsplit(url).hostname or "").rpartition(".")[2].upper()
    top = "GB" if top == "UK" else top
    if top in COUNTRIES and top not in _SOLD:
        return top
    region = language.rpartition("-")[2].upper()
    return region if "-" in language and region in COUNTRIES else UNKNOWN


def outlets_of(listed: Sequence[ListedFeed], known: Sequence[Outlet]) -> list[Outlet]:
    """Return outlets for the feeds of an OPML file that `known` does not list yet, one for each site."""
    have = {feed for outlet in known for feed in outlet.feeds}
    sites: dict[str, list[ListedFeed]] = {}
    for feed in listed:
        if feed.url not in have:
            sites.setdefault(feed.home or urljoin(feed.url, "/"), []).append(feed)
    slugs, made = {outlet.slug for outlet in known}, []
    for home, feeds in sites.items():
        slug = slug_of(home, slugs)
        slugs.add(slug)
        language = language_of(feeds[0].language)
        made.append(
            Outlet(
                slug=slug,
                name=feeds[0].title or slug,
                country=country_of(home, feeds[0].language),
                language=language,
                home=home,
                feeds=tuple(feed.url for feed in feeds),
                note="imported from OPML",
            )
        )
    return made


def unknowns(outlet: Outlet) -> list[str]:
    """Return the fields of an outlet that nothing said, for a person to set."""
    fields = ["country"] if outlet.country == UNKNOWN else []
    return fields + (["language"] if outlet.language == UNKNOWN_LANGUAGE else [])


def language_of(declared: Optional[str]) -> str:
    """Return the language of a declared "en-gb", `UNKNOWN_LANGUAGE` where it is none."""
    code = re.split("[-_]", (declared or "").strip().lower())[0]
    return code if re.fullmatch("[a-z]{2,3}", code) else UNKNOWN_LANGUAGE
