"""From the bytes of a page to the article it holds."""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Optional
from urllib.parse import urljoin, urlsplit

from schemas.records import Caption, RejectReason, Removal
from schemas.settings import ExtractSettings, Profile
from transforms.extract.authors import pick_authors
from transforms.extract.body import Body, pick_body
from transforms.extract.charset import is_binary, to_utf8
from transforms.extract.dates import Moment, modified, published
from transforms.extract.declared import Declared, as_list, fold, squeeze
from transforms.extract.errors import NoArticle
from transforms.extract.leftovers import captions, removals
from transforms.extract.profile import body_of, find
from transforms.extract.segment import Block, Segments, segment
from transforms.extract.titles import pick_title
from transforms.extract.tree import parse
from transforms.extract.vocabulary import BIT, COOKIES
from transforms.urls import KEEP_NONE, canonical_url, registered_domain, same_site

NO_PROFILE: Final = Profile()
PROFILE_MISSED: Final = "profile found no "  # a warning begins so; the field follows
_STUB: Final = 2_000  # characters: a longer text is no stub, whatever the page says of its paywall
_BYLINE: Final = 120  # characters: a longer line is no byline
_SHORT_PAGE: Final = 1_500  # characters: an error page says little
_READABLE: Final = 2_000_000  # bytes of a page in whose text a date may be searched
_MAX_TAGS: Final = 30
_MAX_FIELD: Final = 2_000
_NOT_FOUND = re.compile(
    # 404 as the number of an error: "day 404 of the war" and "404 killed" are news
    r"^\W*404\s*(?:$|[-–—|:!.])|(?:\s[-–—]|\|)\s*404\W*$|\b404\s(?:error|not found|page)\b|"
    r"\b(?:error|erreur|fehler|hata|http|خطأ)\W{0,3}404\b|"
    r"page not found|"
    r"\b(?:page|article|story|content|url)\b(?: (?:you|that|which|are|were|is|was|looking for|requested))* "
    r"(?:(?:could|can)(?: ?not|n['’]t) be found|no longer available)|"
    r"page (?:does not|doesn['’]t|no longer) exists?\b|can(?:no|['’])t find (?:the|that|this|your) page|"
    r"seite (?:nicht gefunden|existiert nicht)|page (?:introuvable|n['’]existe)|página no (?:encontrada|existe)|"
    r"página não (?:encontrada|existe)|pagina non trovata|pagina niet gevonden|sidan hittades inte|"
    r"страница не найдена|sayfa bulunamadı|nie znaleziono strony|الصفحة غير موجودة|"
    r"صفحه یافت نشد|הדף לא נמצא|ページが見つかりません|"
    # what stands in front of a site: the whole title, or all before its name of three words at most
    r"^(?:access denied|just a moment|attention required|are you a robot)\b\W{0,5}"
    r"(?:$|[|–—-]\s*[^\s|–—]+(?:\s[^\s|–—]+){0,2}\s*$)",
    re.I,
)
_TYPES: Final = (
    ("LiveBlogPosting", "live_blog"),
    ("ImageGallery", "gallery"),
    ("OpinionNewsArticle", "opinion"),
    ("AnalysisNewsArticle", "analysis"),
    ("ReviewNewsArticle", "review"),
    ("AdvertiserContentArticle", "advertisement"),
)


class FeedEvidence(NamedTuple):
    """What the feed says about the article, and when the page was fetched."""

    title: str = ""
    summary: str = ""
    authors: Sequence[str] = ()
    tags: Sequence[str] = ()
    published: Optional[datetime] = None
    link: str = ""  # where the feed pointed, before redirects
    fetched_at: Optional[datetime] = None  # dates more than a day later are not believed


class Extracted(NamedTuple):
    """The article of a page. Empty strings and sequences where the page does not say."""

    title: str
    subtitle: str
    description: str
    authors: Sequence[str]
    section: str
    tags: Sequence[str]
    image_url: str
    article_type: str  # news, live_blog, gallery, opinion, analysis, review, advertisement
    text: str  # paragraphs separated by a blank line
    captions: Sequence[Caption]
    published_at: Optional[datetime]  # in the zone the page gives
    published_at_source: str
    modified_at: Optional[datetime]
    language: str  # as declared, such as "en-GB"
    canonical_url: str
    syndication_source: str  # site of the original, where the page names one on another site; "" where none
    method: str
    quality: float  # 0..1: the F1 that the extractor expects of its choice
    warnings: Sequence[str]
    removals: Sequence[Removal]  # lines left out inside and right beside the text


def extract(
    html: bytes,
    url: str,
    content_type: str = "",
    evidence: Optional[FeedEvidence] = None,
    *,
    settings: ExtractSettings,
    profile: Profile = NO_PROFILE,
    keep: Mapping[str, Collection[str]] = KEEP_NONE,
) -> Extracted:
    """Return the article that a page holds; what the outlet's `profile` finds goes before what is found without.

    `keep` is for `canonical_url`.

    Raises:
        NoArticle: the page holds none; `reason` is no_text, too_short, soft_404, parse_failed or parse_timeout.
    """
    evidence = evidence or FeedEvidence()
    check = _clock(settings.max_seconds)
    page = to_utf8(html, content_type)
    if is_binary(page):
        raise NoArticle(RejectReason.PARSE_FAILED, "binary data, no page")
    root = parse(page)
    declared = Declared(root, url)
    known = find(profile, root, declared)
    segments = segment(root, settings.max_depth)
    check()
    headings = headings_of(segments)
    title = known.title or pick_title(declared, headings, headings_of(segments, "h2"), evidence.title)
    lines = _lines_at_headline(segments)
    authors = known.authors or pick_authors(declared, root, lines, evidence.authors)
    read_text = len(html) <= _READABLE
    date = published(declared, root, lines, evidence.published, evidence.fetched_at, read_text=read_text)
    if known.date:
        date = Moment(known.date, "profile")
    canonical, source = _canonical(declared, root, keep)
    language = _language(declared, root)
    check()
    inside, body = body_of(known.body, title, settings.max_depth)
    profiled = len(body.text) >= settings.min_chars
    if profiled:
        segments = inside
    else:
        body = pick_body(segments, root, declared, title, check)
    check()
    if segments.cut and not body.text:
        raise NoArticle(RejectReason.PARSE_FAILED, f"its text is nested more than {settings.max_depth} elements deep")
    _refuse_what_is_no_article(body, title, headings, url, evidence, settings)
    missed = [*known.missed, *(["body"] if known.body and not profiled else [])]
    return Extracted(
        title=title,
        subtitle=squeeze(declared.article("alternativeHeadline"))[:_MAX_FIELD],
        description=_description(declared, evidence.summary),
        authors=authors,
        section=declared.section(),
        tags=_tags(declared, evidence.tags),
        image_url=_image(declared),
        article_type="live_blog" if body.live else _article_type(declared),
        text=body.text,
        captions=captions(segments, body.kept),
        published_at=date.at if date else None,
        published_at_source=date.source if date else "",
        modified_at=modified(declared),
        language=language,
        canonical_url=canonical,
        syndication_source=source,
        method=body.method,
        quality=body.quality,
        warnings=[
            *(["paywalled"] if _is_stub(declared, segments, body) else []),
            *(f"{PROFILE_MISSED}{field}" for field in missed),
        ],
        removals=removals(segments, body.kept, title),
    )


def _clock(seconds: float) -> Callable[[], None]:
    """Return a check that gives up on a page that has used its CPU time.

    It is the last resort: each step is linear in a bounded page.
    """
    ends = time.thread_time() + seconds

    def check() -> None:
        if time.thread_time() > ends:
            raise NoArticle(RejectReason.PARSE_TIMEOUT, f"extraction took more than {seconds:g} s of CPU")

    return check


def headings_of(segments: Segments, tag: str = "h1") -> list[str]:
    """Return the texts of the page's headings of one level."""
    return [" ".join(block.text.split()) for block in segments.blocks if block.container.tag == tag]


def _lines_at_headline(segments: Segments) -> list[str]:
    """The short lines around the first <h1>, else around the first prose: where bylines stand."""
    blocks = segments.blocks
    headline = next((block.index for block in blocks if block.container.tag == "h1"), None)
    if headline is None:
        headline = next((block.index for block in blocks if block.prose), 0) - 4
    near = blocks[max(headline - 2, 0) : max(headline + 10, 0)]
    return [" ".join(block.text.split()) for block in near if block.chars <= _BYLINE and block.index != headline]


def _refuse_what_is_no_article(
    body: Body, title: str, headings: Sequence[str], url: str, evidence: FeedEvidence, settings: ExtractSettings
) -> None:
    if len(body.text) < _SHORT_PAGE and any(_NOT_FOUND.search(line[:200]) for line in (title, *headings[:3])):
        raise NoArticle(RejectReason.SOFT_404, f"titled {title[:100]!r}")
    if _is_front_page(url) and evidence.link and not _is_front_page(evidence.link):
        raise NoArticle(RejectReason.SOFT_404, f"{evidence.link} led to the front page")
    consent = sum(block.chars for block in body.kept if _is_of_consent(block))
    if consent > 0.5 * sum(block.chars for block in body.kept) > 0:
        raise NoArticle(RejectReason.NO_TEXT, "nothing but a consent notice")
    if not body.text:
        raise NoArticle(RejectReason.NO_TEXT, "no block of text is likely to be an article's")
    if len(body.text) < settings.min_chars:
        raise NoArticle(RejectReason.TOO_SHORT, f"{len(body.text)} characters, {settings.min_chars} are needed")


def _is_of_consent(block: Block) -> bool:
    """Whether a paragraph speaks of cookies, in a container named so. Overlays and dialogs hold articles as well."""
    return bool(COOKIES.search(block.text)) and any(at.groups & BIT["consent"] for at in block.container.chain())


def _is_front_page(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def _canonical(declared: Declared, root: Any, keep: Mapping[str, Collection[str]]) -> tuple[str, str]:
    """The article's address, and the site of its original, "" where that is this one.

    rel=canonical, else og:url, where they stay on the site and do not name its front page; else the page's address. A
    rel=canonical to an article on another site says whose text this is, unless that site has this one's name under
    another suffix: an outlet's editions name each other.
    """
    links = (e.get("href") for e in root.iter("link") if "canonical" in (e.get("rel") or "").lower().split())
    named = [_target(declared.url, next(links, None)), _target(declared.url, declared.first("og:url"))]
    own = next((address for address in named if address and same_site(address, declared.url)), declared.url)
    elsewhere = registered_domain(canonical_url(named[0])) if named[0] else ""
    foreign = elsewhere and elsewhere.partition(".")[0] != registered_domain(declared.url).partition(".")[0]
    return canonical_url(own, keep), elsewhere if foreign else ""


def _target(base: str, target: Optional[str]) -> str:
    """The address of an article that a page links to; "" for a front page and for what is no address."""
    address = _join(base, target) if target and len(target) < _MAX_FIELD else ""
    return "" if _is_front_page(address) else address


def _join(base: str, target: str) -> str:
    try:
        address = urljoin(base, squeeze(target))
    except ValueError:  # "Invalid IPv6 URL"
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _language(declared: Declared, root: Any) -> str:
    given = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or root.get("xml:lang")
    spoken = declared.article("inLanguage")
    return squeeze(given or declared.first("og:locale", "language", "content-language") or spoken)[:35]


def _description(declared: Declared, summary: str) -> str:
    given = declared.first("description", "og:description") or squeeze(declared.article("description"))
    return (given or squeeze(summary))[:_MAX_FIELD]


def _tags(declared: Declared, hints: Sequence[str]) -> list[str]:
    found = [squeeze(item) for item in as_list(declared.article("keywords"))]
    for key in ("article:tag", "news_keywords", "keywords"):
        if not any(found):
            found = list(declared.meta.get(key, ()))
    split = [tag.strip() for item in found or hints for tag in re.split(r"[,;|]", item[:_MAX_FIELD])]
    unique = {fold(tag): tag for tag in reversed(split) if 1 < len(tag) <= 80}
    return list(reversed(unique.values()))[:_MAX_TAGS]


def _image(declared: Declared) -> str:
    pictures = as_list(declared.article("image"))
    first = next(iter(pictures), "")
    declared_url = squeeze(first.get("url") if isinstance(first, dict) else first)
    found = declared.first("og:image", "og:image:url", "twitter:image") or declared_url
    return _join(declared.url, found)[:_MAX_FIELD] if found else ""


def _article_type(declared: Declared) -> str:
    types = declared.types()
    return next((name for kind, name in _TYPES if kind in types), "news")


def _is_stub(declared: Declared, segments: Segments, body: Body) -> bool:
    """Whether the text is the part before a paywall: the page says so, or shows a wall where the text ends."""
    if len(body.text) > _STUB:
        return False
    if _is_sold(declared):
        return True
    end = max((block.index for block in body.kept), default=-1)
    return any(block.container.suspect & BIT["wall"] for block in segments.blocks[end + 1 : end + 11])


def _is_sold(declared: Declared) -> bool:
    """Whether JSON-LD or a meta tag says that the article, or a part of it, is for subscribers."""
    parts = [
        part for obj in declared.articles for part in (obj, *as_list(obj.get("hasPart"))) if isinstance(part, dict)
    ]
    free = [str(part["isAccessibleForFree"]).lower() for part in parts if "isAccessibleForFree" in part]
    if any(value.rpartition("/")[2] in ("false", "no", "0") for value in free):  # also as "http://schema.org/False"
        return True
    return declared.first("article:content_tier").lower() in ("locked", "metered")
