"""URL identity: one address for each article, however it was linked to.

The rules err on the side of telling two addresses apart. Two addresses of one article still meet by their text, as
duplicates; two articles under one address would be taken for versions of each other.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Optional
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes, urlsplit

import tldextract


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_UNWRAPS: Final = 3  # a redirector inside a redirector is seen in newsletters; deeper nesting is an attack

# Host labels that choose a dress of the page, not another page: "www", and the hosts for phones and for AMP.
_DRESS_LABEL: Final = re.compile(r"www\d?|m|mobile|mobil|wap|touch|amp")

# Path segments that ask for the AMP form of the page before or after them.
_AMP_SEGMENTS: Final = frozenset({"amp", "amphtml"})
_AMP_SUFFIX: Final = re.compile(r"(\.amp)+(?=(\.html?)?$)", re.IGNORECASE)

_INDEX_PAGE: Final = re.compile(r"(index|default)\.(html?|php|aspx?|jsp)", re.IGNORECASE)
_SCRIPT: Final = re.compile(r".*\.(php\d?|aspx?|ashx|jspx?|cgi|do|pl|cfm|nsf)", re.IGNORECASE)

# Session identifiers, in the path (Java servlets, cookieless ASP.NET) and in the query.
_PATH_SESSION: Final = re.compile(r";(jsessionid|phpsessid|sid)=[^;]*", re.IGNORECASE)
_ASP_SESSION: Final = re.compile(r"\([A-Z]\([A-Za-z0-9]+\)\)")
_SESSION_NAMES: Final = frozenset(
    {"phpsessid", "jsessionid", "aspsessionid", "sessionid", "session_id", "sessid", "cfid", "cftoken", "zenid"}
)
_SESSION_TOKEN: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)  # `sid` is a story's number, unless it is an MD5

# Parameters that tell the publisher where a reader came from. The families share a prefix each.
_TRACKING_PREFIXES: Final = (
    "utm_", "at_", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "vero_", "ga_", "gaa_", "fb_", "guce_", "ns_", "soc_",
    "itm_", "amp_", "_hs", "mc_", "wt.", "wt_", "aff_", "oly_", "ob_", "tblci", "aspsessionid",
)  # fmt: skip
_TRACKING: Final = _words(
    # click ids of advertisers and networks
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id srsltid _ga _gl "
    "_openstat mkt_tok _branch_match_id __twitter_impression __tn__ usqp guccounter dicbo rb_clickid s_kwcid wickedid "
    # campaign and referrer codes of publishers' analytics
    "cmp cmpid cmpcode campaign campaignid campaign_id icid ncid ocid s_cid s_campaign smid smtyp smprod emc partner "
    "ref_src ref_url refsrc referrer referer reflink traffic_source maca srnd sref tsrc xtor echobox spm sharetype "
    "taid sr_share recirc intcmp int_cmp ito oref eref rss wprss feedname feedtype cloc sscid ftag linkid _r nl_id "
    "email_id newsletter_id xing_share share_from sharetoken st_source rssfeed from_rss fromrss"
)
# Names that mean the same on most sites, and on some the article itself. Dropped only where the rest of the address
# says which article it is.
_AMBIGUOUS: Final = _words("ref source src from cid mod sh share feature via origin channel embed trk tracking")

# Parameters that ask for another dress of the same article: name -> values that do so; None: any value.
_DRESS_VALUES: Final = frozenset({"", "1", "0", "true", "false", "yes", "no", "y", "n", "on", "off"})
_DRESS: Final[dict[str, Optional[frozenset[str]]]] = {
    "outputtype": None,
    "pagewanted": frozenset({"all", "print", "1"}),
    "page": frozenset({"1"}),
    "output": frozenset({"amp", "print", "1"}),
    "view": frozenset({"amp", "print", "printable", "mobile", "full"}),
    "format": frozenset({"amp", "print", "mobile"}),
    "display": frozenset({"amp", "print", "mobile"}),
    "mode": frozenset({"amp", "print", "mobile"}),
    "layout": frozenset({"amp", "print", "mobile"}),
    "action": frozenset({"print"}),
    "replytocom": None,  # WordPress: the same page with a comment form opened
    **dict.fromkeys(
        _words(
            "amp isamp is_amp _amp print printable printview printfriendly mobile m noamp singlepage single_page "
            "fullpage showcomments comments nocache"
        ),
        _DRESS_VALUES,
    ),
}

# A redirector is known by its shape: an endpoint named like one, on the path or as the host's first label, and an
# absolute address in a parameter named like a target.
_REDIRECTOR_PATHS: Final = _words(
    "url l lm redir redirect redirector out outbound link click apiclick away exit go goto jump leave visit r "
    "external track"
)
_REDIRECTOR_LABELS: Final = _words("out l lm r go click link redirect away exit safelinks track")
_TARGET_NAMES: Final = ("url", "u", "q", "to", "target", "dest", "destination", "goto", "link", "href")

_INVISIBLE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6: Final = re.compile(r"[0-9a-f:.]{2,45}")
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)+\.?(:\d{1,5})?")


KEEP_NONE: Final[Mapping[str, Collection[str]]] = {}


class _Parameter(NamedTuple):
    name: str
    value: Optional[str]  # None: `?name` without "="


def canonical_url(url: str, keep: Mapping[str, Collection[str]] = KEEP_NONE) -> str:
    """Return the address under which an article is known; `article_id` is its hash.

    Pure and idempotent; never asks the network, never raises. What is no http or https address comes back as it is,
    without white space around it. The result is an identity: it is often, but not always, an address to fetch.

    - Scheme: https, for outlets serve both; kept where the port is not the default one, where only one can be right.
    - Host: lower case, IDNA, without final dot, default port and credentials (RFC 3986, 6.2.2 and 6.2.3), without
      "www", phone and AMP labels. Other subdomains are other desks, and stay.
    - Path: percent-encoding in one form, dot and empty segments resolved, no trailing slash, no index page, no AMP
      segment, no session id. Case stays: short links differ by it alone.
    - Query: sorted by name; without tracking, session and dress (AMP, print, phone) parameters; ids and unknown names
      stay, a bare `?123` too. So do those that `keep` names for the host or for a domain that it belongs to.
    - Fragment: dropped, unless it is a route (`#!/…`, `#/…`) of a page that scripts put together.
    - Redirectors and AMP caches: the address that they lead to.

    >>> canonical_url("http://m.example.com:80/world/talks/amp/?utm_source=rss&id=7#comments")
    'https://example.com/world/talks?id=7'
    >>> canonical_url("https://m.example.com/play?ref=7&utm_source=rss", {"example.com": ["ref"]})
    'https://example.com/play?ref=7'
    """
    whole = url.encode("utf-8", "replace").decode()  # half of a surrogate pair is in no address
    return _canonical(_INVISIBLE.sub("", whole), keep, _MAX_UNWRAPS)


def registered_domain(url: str) -> str:
    """Return the part of the host that one owner registered ("example.co.uk"); for an address without public suffix
    the whole host, "" where there is none.

    Hosts under a shared service (blogs, pages of a code host) count as owners of their own, by the private part of the
    public suffix list; the snapshot that tldextract brings is used, never the network.
    """
    return _registered(_host(url))


def same_site(a: str, b: str) -> bool:
    """Return whether two URLs belong to one owner; a rel=canonical to another one is a claim about syndication."""
    domain = registered_domain(a)
    return domain != "" and domain == registered_domain(b)


def _canonical(url: str, keep: Mapping[str, Collection[str]], unwraps: int) -> str:
    absolute = _with_scheme(url)
    try:
        parts = urlsplit(absolute)
        port = parts.port
    except ValueError:  # brackets that do not close, a port out of range
        return url
    host = _ascii_host(parts.hostname or "")
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return url
    parameters = list(_parameters(parts.query))
    if unwraps and (inner := _wrapped(host, parts.path, parameters)):
        return _canonical(inner, keep, unwraps - 1)
    odd_port = port is not None and port != _DEFAULT_PORTS[parts.scheme]
    site = _undressed(host)
    authority = f"{parts.scheme}://{site}:{port}" if odd_port else f"https://{site}"
    segments = _segments(parts.path, host)
    _trim(segments, index_pages=False)
    kept = sorted(_kept(parameters, segments, _names_kept(site, keep)), key=lambda p: (p.name, p.value or ""))
    if not kept:
        _trim(segments, index_pages=True)
    query = "&".join(_encode(p.name) + ("" if p.value is None else "=" + _encode(p.value)) for p in kept)
    route = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    return (
        authority
        + "/"
        + "/".join(_encode(segment, safe=";") for segment in segments)
        + (f"?{query}" if query else "")
        + (f"#{_encode(_decode(route), safe='/!?=&;')}" if route else "")
    )


def _with_scheme(url: str) -> str:
    """`//host/…` and `host.tld/…` are meant as https; a path or another scheme is not."""
    if url.startswith("//"):
        return "https:" + url
    first = re.split(r"[/?#]", url, maxsplit=1)[0]
    if "://" not in url[:16] and _HOST.fullmatch(first) and _is_public(first.partition(":")[0]):
        return "https://" + url
    return url


def _ascii_host(host: str) -> str:
    """The host as a resolver is asked for it; "" where there can be no such name."""
    host = unquote(host).rstrip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    if ":" in host:
        return f"[{host}]" if _IPV6.fullmatch(host) else ""
    return host if _NAME.fullmatch(host) else ""


def _host(url: str) -> str:
    try:
        return _ascii_host(urlsplit(_with_scheme(url.strip())).hostname or "")
    except ValueError:
        return ""


@lru_cache(maxsize=1)
def _suffixes() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


@lru_cache(maxsize=4096)
def _split_host(host: str) -> tuple[str, str]:
    """`host` as (labels before the registered domain, registered domain); the second is "" for an address or one label.

    Where the list has no rule for a suffix, its default rule "*" holds: the last label is one.
    """
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        found = _suffixes()(host)
        if found.suffix:
            return (found.subdomain, f"{found.domain}.{found.suffix}") if found.domain else ("", "")
        before, _, name = found.subdomain.rpartition(".")
        return (before, f"{name}.{found.domain}") if name else ("", "")
    return "", ""


def _is_public(host: str) -> bool:
    """Whether `host` is a name under a public suffix, not just two words with a dot between them."""
    found = _suffixes()(host)
    return bool(found.suffix and found.domain)


def _registered(host: str) -> str:
    return _split_host(host)[1] or host


def _undressed(host: str) -> str:
    before, domain = _split_host(host)
    if not before:
        return host
    labels = [label for label in before.split(".") if not _DRESS_LABEL.fullmatch(label)]
    return ".".join([*labels, domain])


def _segments(path: str, host: str) -> list[str]:
    """The decoded segments of a path, from the first that names the page."""
    segments = list[str]()
    for raw in path.split("/"):
        segment = _PATH_SESSION.sub("", _decode(raw))
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", ".") and not _ASP_SESSION.fullmatch(segment):
            segments.append(segment)
    before, domain = _split_host(host)
    if "amp" in before.split(".") and segments[1:] and segments[0] == domain.partition(".")[0]:
        del segments[0]  # an AMP server of several titles names the title first: amp.title.com/title/…
    while segments[1:] and segments[0].lower() in _AMP_SEGMENTS:
        del segments[0]
    return segments


def _trim(segments: list[str], *, index_pages: bool) -> None:
    """Take from the end of `segments` what only asks for the AMP form or, if `index_pages`, the folder's own page."""
    while segments:
        plain = _AMP_SUFFIX.sub("", segments[-1])
        last = plain if plain.strip(".") else segments[-1]
        droppable = (segments[1:] and last.lower() in _AMP_SEGMENTS) or (index_pages and _INDEX_PAGE.fullmatch(last))
        if not droppable:
            segments[-1] = last
            return
        segments.pop()


def _parameters(query: str) -> Iterator[_Parameter]:
    separator = ";" if ";" in query and "&" not in query else "&"
    for part in query.split(separator):
        name, equals, value = part.partition("=")
        if name:
            yield _Parameter(_decode(name.replace("+", " ")), _decode(value.replace("+", " ")) if equals else None)


def _names_kept(host: str, keep: Mapping[str, Collection[str]]) -> frozenset[str]:
    labels = host.split(".")
    domains = (".".join(labels[at:]) for at in range(len(labels)))
    return frozenset(name.lower() for domain in domains for name in keep.get(domain, ()))


def _kept(parameters: Sequence[_Parameter], segments: Sequence[str], names: Collection[str]) -> Iterator[_Parameter]:
    """Those of `parameters` that say which article it is: of these `names`, or by the general rules.

    An empty value says nothing: CMSs print unused fields.
    """
    certain = [p for p in parameters if p.value != "" and (p.name.lower() in names or not _is_noise(p))]
    named = [p for p in certain if p.name.lower() in names or p.name.lower() not in _AMBIGUOUS]
    yield from named if named or _names_an_article(segments) else certain


def _is_noise(parameter: _Parameter) -> bool:
    name, value = parameter.name.lower(), (parameter.value or "").lower()
    if name.startswith(_TRACKING_PREFIXES) or name in _TRACKING or name in _SESSION_NAMES:
        return True
    if name in _DRESS:
        values = _DRESS[name]
        return values is None or value in values
    return name in ("sid", "s") and bool(_SESSION_TOKEN.fullmatch(value))


def _names_an_article(segments: Sequence[str]) -> bool:
    """Whether a path looks like one article's own: some segment is a slug or has a number; no script answers it."""
    if not segments or _SCRIPT.fullmatch(segments[-1]):
        return False
    return any("-" in s or "_" in s or any(c.isdigit() for c in s) or len(s) > 20 for s in segments)


def _wrapped(host: str, path: str, parameters: Sequence[_Parameter]) -> Optional[str]:
    """The address that a redirector or an AMP cache leads to; None for an ordinary page."""
    return _redirect_target(host, path, parameters) or _cached_page(host, path, parameters)


def _redirect_target(host: str, path: str, parameters: Sequence[_Parameter]) -> Optional[str]:
    endpoint = path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    labels = _split_host(host)[0].split(".")
    if endpoint not in _REDIRECTOR_PATHS and not (endpoint == "" and _REDIRECTOR_LABELS.intersection(labels)):
        return None
    values = {p.name.lower(): p.value or "" for p in reversed(parameters)}
    targets = (values.get(name, "") for name in _TARGET_NAMES)
    return next((t for t in targets if t.lower().startswith(("http://", "https://"))), None)


def _cached_page(host: str, path: str, parameters: Sequence[_Parameter]) -> Optional[str]:
    """The page behind an AMP cache (`…/c/s/host/path`, host encoded in the first label) or viewer (`/amp/s/host/…`).

    Format: https://developers.google.com/amp/cache/overview, "AMP Cache URL format".
    """
    kind, _, rest = path.lstrip("/").partition("/")
    rest = rest.removeprefix("s/")
    inner = rest.partition("/")[0]
    if not _HOST.fullmatch(inner) or not _is_public(inner) or _registered(inner) == _registered(host):
        return None
    encoded = inner.replace("-", "--").replace(".", "-")
    if not (kind == "amp" or (kind in ("c", "i", "v", "wp") and host.partition(".")[0] == encoded)):
        return None
    query = "&".join(p.name if p.value is None else f"{p.name}={p.value}" for p in parameters)
    return "https://" + unquote(rest) + (f"?{query}" if query else "")


def _decode(text: str) -> str:
    """`text` without percent-encoding, composed as browsers send it; bytes that are not UTF-8 stay recognisable."""
    raw = unquote_to_bytes(text)
    return unicodedata.normalize("NFC", raw.decode("utf-8", "surrogateescape"))


def _encode(text: str, safe: str = "") -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogateescape"), safe="~!$'()*,:@" + safe)
