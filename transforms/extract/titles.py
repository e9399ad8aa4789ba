"""The headline of a page, settled by agreement among what it declares and shows."""

import re
from collections.abc import Sequence
from typing import Final

from transforms.extract.declared import Declared, fold, squeeze
from transforms.scrub.characters import clean_characters

_SEPARATOR = re.compile(r" [|–—\-·•»«:]+ | ?[|»ㅣ] ?")
_WORD = re.compile(r"\w+")
_MAX_CHARS: Final = 500
_MAX_HEADING: Final = 300
_CUT_FROM: Final = 60  # characters: a shorter title is whole, whatever ends it
_CUT_BARE: Final = 100  # characters from which a title may have been cut without a mark
_SHORTEST: Final = 8  # characters: anything shorter is a label
_TELLING: Final = 6  # words: a page's only heading of so many is its headline, even where nothing agrees
_AGREE: Final = 0.3  # share of common words from which two titles speak of one thing


def pick_title(declared: Declared, headings: Sequence[str], lesser: Sequence[str], hint: str = "") -> str:
    """Return the headline, "" where the page has none.

    `headings` are the texts of the page's <h1>, `lesser` those of its <h2>, `hint` is the feed's title. JSON-LD's
    headline wins, or what the page shows where that is the same but for spacing, or is JSON-LD's alternativeHeadline;
    on pages without <h1> the declared title that an <h2> shows. Without JSON-LD it is the heading that shares words
    with the other titles, and at last og:title, twitter:title, <title> and the feed, each without the outlet's name.
    """
    given = [
        squeeze(declared.article("headline")),
        declared.first("og:title"),
        declared.first("twitter:title"),
        declared.title_tag,
        squeeze(hint),
    ]
    given = [clean_characters(title[:_MAX_CHARS]).lstrip("# ") for title in given]  # "## ": Markdown, never rendered
    shown = [
        heading
        for heading in map(clean_characters, headings)
        if _SHORTEST < len(heading) < _MAX_HEADING
        and not heading.endswith(":")  # it opens what follows: "A message from our founder:"
        and not _names_site(heading, declared.title_tag, given[1])
    ]
    known = frozenset(fold(title) for title in [*shown, given[0]] if len(title) >= 12)
    bare = [bare_title(title, declared, known) if title else "" for title in given]
    shown = [bare_title(heading, declared, frozenset()) for heading in shown]
    title = "" if shown else _declared_shape(bare, [clean_characters(heading) for heading in lesser])
    alternative = clean_characters(squeeze(declared.article("alternativeHeadline"))[:_MAX_CHARS])
    return _whole(title or _shown_alternative(alternative, shown) or _choose(bare, shown), [*bare, *shown])


def _names_site(heading: str, title_tag: str, og_title: str) -> bool:
    """Whether a heading is what <title> puts behind og:title: blogs give their own name in an <h1>."""
    cuts = [cut for cut in _SEPARATOR.finditer(title_tag[:_MAX_CHARS]) if fold(title_tag[cut.end() :]) == fold(heading)]
    return any(fold(title_tag[: cut.start()]) == fold(og_title) for cut in cuts)


def _declared_shape(bare: Sequence[str], headings: Sequence[str]) -> str:
    """The first declared title that a heading shows, "" for none. Letters and digits count: kickers lose a colon."""
    declared = {_letters(title): title for title in reversed(bare) if len(title) > _SHORTEST}
    return next((declared[letters] for heading in headings if (letters := _letters(heading)) in declared), "")


def _shown_alternative(alternative: str, shown: Sequence[str]) -> str:
    """The heading that JSON-LD calls the alternative, "" for none: its `headline` is meant for search engines then."""
    cut = fold(alternative.rstrip("…. ")) if alternative.endswith(("…", "...")) else ""
    for heading in shown if alternative else ():
        folded = fold(heading)
        if folded == fold(alternative) or (len(cut) >= _CUT_FROM and folded.startswith(cut)):
            return heading
    return ""


def _letters(title: str) -> str:
    return "".join(_WORD.findall(fold(title)))


def _choose(bare: Sequence[str], shown: Sequence[str]) -> str:
    unspaced = {fold(title).replace(" ", ""): title for title in reversed(bare) if title}
    for heading in shown:
        # The metadata's spacing is the better one: a kicker's <span> adds blanks to the heading.
        if found := unspaced.get(fold(heading).replace(" ", "")):
            return bare[0] if bare[0] and _overlap(bare[0], found) >= _AGREE else found
    if bare[0]:
        return bare[0]
    best = max(shown[:4], key=lambda heading: _support(heading, bare), default="")
    if best and _support(best, bare) >= _AGREE and not best.isupper():
        return next((title for title in bare if len(title) > _SHORTEST and fold(best).endswith(fold(title))), best)
    if len(shown) == 1 and len(_WORD.findall(best)) >= _TELLING and not best.isupper():
        return best
    return next((title for title in bare[1:] if title), shown[0] if shown else "")


def _whole(title: str, others: Sequence[str]) -> str:
    """The title that continues this one: JSON-LD's headline is often cut after the 110 characters Google asked for."""
    cut = fold(title.rstrip("…. "))
    if len(cut) < (_CUT_FROM if title.endswith(("…", "...")) else _CUT_BARE):
        return title
    return max([title, *(other for other in others if fold(other).startswith(cut))], key=len)


def bare_title(title: str, declared: Declared, others: frozenset[str]) -> str:
    """Return `title` without the outlet's name or a section at its ends; `others` are folded titles given elsewhere.

    The longest head or tail that the page itself also gives as a title is taken first.
    """
    for cut in _SEPARATOR.finditer(title):
        for part in (title[: cut.start()], title[cut.end() :]):
            if len(part) >= 12 and fold(part) in others:
                return part.strip()
    while cuts := list(_SEPARATOR.finditer(title)):
        head, tail = title[: cuts[-1].start()], title[cuts[-1].end() :]
        is_section = "|" in cuts[-1].group() and len(tail.split()) <= 4 and len(head) > 20  # "Headline | Section"
        if (is_section or declared.is_outlet(tail)) and len(head) > _SHORTEST:
            title = head
            continue
        head, tail = title[: cuts[0].start()], title[cuts[0].end() :]
        if not (declared.is_outlet(head) and len(tail) > _SHORTEST):
            break
        title = tail
    section = declared.section()
    if section and title.endswith(f"-{section}"):  # no blanks around it
        title = title.removesuffix(f"-{section}")
    return title.strip()


def _support(heading: str, titles: Sequence[str]) -> float:
    return max(_overlap(heading, title) for title in titles)


def _overlap(a: str, b: str) -> float:
    """Shared words as a share of the shorter title's; 0 under three words, which prove nothing."""
    x, y = set(_WORD.findall(fold(a))), set(_WORD.findall(fold(b)))
    return len(x & y) / min(len(x), len(y)) if len(x) >= 3 and len(y) >= 3 else 0.0
