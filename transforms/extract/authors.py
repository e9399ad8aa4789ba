"""The people a page names as its authors: JSON-LD, then meta tags, then what is marked or reads as a byline."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from transforms.extract.declared import Declared, as_list, fold, named, squeeze

_MAX_CHARS: Final = 200  # of a byline
_MAX_AUTHORS: Final = 20
_AUTHOR_META: Final = (
    "author parsely-author sailthru.author citation_author dc.creator dcterms.creator article:author "
    "article:author_name byl og:article:author twitter:data1"
).split()
_BY_WORDS: Final = "by|von|par|por|di|af|av|door|text|author|autor|från|ditulis oleh|oleh"
_LEAD_IN = re.compile(
    r"^\W{0,5}(?:(?:written|posted|reviewed|edited|story|words|text|reporting|medically reviewed|author)\s?(?=by\b|:))?"
    rf"\W{{0,5}}(?:(?:{_BY_WORDS})?[\s:]+(?=\S))?",
    re.I,
)
_JOIN = re.compile(r" ?(?:, (?:and|&) |[,;|/•·\n]| (?:and|und|et|y|e|og|och|en|i|a|with|mit|&|\+) ) ?")
_ASIDE = re.compile(
    r" ?\([^)]*\)| (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? \d.*$|"
    r" ?\b(?:published|(?:last )?updated|posted|guide by)\b",
    re.I,
)
_JOB_ADJECTIVES: Final = (
    "senior|staff|trending|chief|deputy|managing|associate|assistant|digital|political|contributing|freelance|news|"
    "sports?|business|science|health|technology|tech|entertainment|world|national|special|investigative|data|"
    "editorial|lead|features?|former"
)
_JOBS: Final = (
    "editor|writer|reporter|correspondent|journalist|contributor|columnist|producer|redakteur(?:in)?|author|expert"
)
_JOB = re.compile(rf" (?:(?:{_JOB_ADJECTIVES}) ){{0,6}}(?:{_JOBS})\b.*$", re.I)
_NO_NAME = re.compile(
    r"[(*:]|https?:|www\.|@|\d{3}|\b(?:published|updated|posted|min read|admin|read more|comments?|view all|share|"
    r"follow|says|image|getty|name|written|facebook|twitter|instagram|linkedin)\b|^\W*$",
    re.I,
)
# Elements side by side print as one: "Ilka BrandtPublished: 3 May".
_GLUED = re.compile(
    r"(?<=[a-zß-öø-ÿ])(?=(?:Published|Updated|Posted|Last Updated|Senior|Staff)\b|[A-Z][a-z]{2,8}\.? \d)"
)
# Names after "by": two to four words with capitals, particles between them ("Ursula von der Leyen", "A. J. Neal").
_NAME_WORD: Final = r"(?!(?:Last|Published|Updated|Posted|View|Senior|Staff|In|On)\b)[^\W\d_a-zß-öø-ÿ][\w'’.-]{0,25}"
_PARTICLES: Final = r"(?:(?:al|bin|da|de|del|della|den|der|di|dos|du|el|la|le|van|von|y) ){0,2}"
_NAME: Final = rf"{_NAME_WORD}(?: {_PARTICLES}{_NAME_WORD}){{1,3}}"
_NAMES: Final = rf"{_NAME}(?: ?(?:, and |,|/|&| and | und | et | y ) ?{_NAME}){{0,4}}"
_SAID_BY = re.compile(
    r"(?:(?:[Pp]osted|[Pp]ublished|[Ww]ritten|[Rr]eported|[Ss]tory|[Ww]ords|[Tt]ext)\b[^\n]{0,40}? )?"
    rf"(?:[Bb]y|BY|[Vv]on|[Pp]ar|[Pp]or|[Oo]leh|[Dd]oor|[Aa]f|[Aa]v|[Dd]i):? ?({_NAMES})"
)
_DEGREE = re.compile(r"(?:[A-Z]\.?){2,5}®?|Ph\.?D\.?|MPhil|Esq\.?")  # after a name: "CFP", "R.D."
_EDGES: Final = " .-–—()'\""
_BYLINE_CLASS = re.compile(
    r"(?:^|[\s_\-])(?:byline|author|authors|writer|contributor)(?:$|[\s_\-]?(?:name|link|title|by|info|\d)?\b)|"
    r"author__?name|authorname",
    re.I,
)
_MARKED_TAGS: Final = ("a", "span", "div", "p", "address", "strong", "h4", "h5", "h6", "li")


def pick_authors(declared: Declared, root: Any, lines: Sequence[str], hints: Sequence[str] = ()) -> list[str]:
    """Return the authors' names, outlets and job titles taken out.

    `lines` are the short lines around the headline, `hints` the feed's authors.

    The first place that gives a full name decides; single words (account names mostly), then the outlet's own name are
    returned only where nothing gives one.
    """
    words: list[str] = []
    outlets: list[str] = []
    for names in _candidates(declared, root, lines, hints):
        found = clean_names(names, declared)
        people = [name for name in found if not declared.is_outlet(name)]
        if any(" " in name or not name.isascii() for name in people):
            return people
        words = words or people
        outlets = outlets or found
    return words or outlets


def clean_names(bylines: Iterable[str], declared: Declared) -> list[str]:
    """Return the names in byline strings: split, and freed of "by", asides and job titles."""
    out: dict[str, str] = {}
    for byline in bylines:
        text = _GLUED.sub(" ", squeeze(byline)[:_MAX_CHARS])
        text = _LEAD_IN.sub("", _ASIDE.sub("", text), count=1).strip()
        for part in _JOIN.split(text):
            name = _JOB.sub("", " " + part.strip(_EDGES)).strip(_EDGES)
            if out and _DEGREE.fullmatch(name):
                continue
            if 2 < len(name) < 60 and len(name.split()) <= 6 and not name[0].isdigit() and not _NO_NAME.search(name):
                out.setdefault(fold(name), name)
    return list(out.values())[:_MAX_AUTHORS]


def _candidates(declared: Declared, root: Any, lines: Sequence[str], hints: Sequence[str]) -> Iterable[Sequence[str]]:
    by_id = {obj["@id"]: obj for obj in declared.objects if isinstance(obj.get("@id"), str) and obj.get("name")}
    for obj in declared.articles:
        yield named([_resolved(author, by_id) for author in as_list(obj.get("author"))])
    for key in _AUTHOR_META:
        if key != "twitter:data1" or "written" in declared.first("twitter:label1").lower():
            yield [value for value in declared.meta.get(key, ()) if not value.startswith("http")]
    yield from ([found[1]] for line in lines if (found := _SAID_BY.match(_GLUED.sub(" ", line))))
    yield from _marked(root)
    yield hints


def _resolved(author: Any, by_id: dict[str, Any]) -> Any:
    if isinstance(author, dict) and not author.get("name") and isinstance(author.get("@id"), str):
        return by_id.get(author["@id"], author)
    return author


def _marked(root: Any) -> Iterable[Sequence[str]]:
    """The texts of elements marked rel=author, itemprop=author or with a byline's class, in this order."""
    by_rel, by_property, by_class = [], [], []
    for element in root.iter(*_MARKED_TAGS):
        if "author" in (element.get("rel") or "").split():
            by_rel.append(element)
        elif element.get("itemprop") == "author":
            by_property.append(element)
        elif (name := element.get("class")) and _BYLINE_CLASS.search(name) and "comment" not in name:
            by_class.append(element)
    for elements in (by_rel, by_property, by_class):
        for element in elements[:4]:
            texts = [text for text in map(_text, _row(element, elements)) if 3 < len(text) < 90 and " " in text]
            if texts:
                yield texts


def _row(element: Any, marked: Sequence[Any]) -> list[Any]:
    """The element and those that stand beside it, marked alike: each author in an element of its own."""
    around = element.getparent()
    return [
        element,
        *(other for other in marked[:_MAX_AUTHORS] if other is not element and other.getparent() is around),
    ]


def _text(element: Any) -> str:
    return squeeze(" ".join(element.itertext()))
