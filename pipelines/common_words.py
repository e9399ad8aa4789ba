"""Find aliases that are everyday words of their language, or made of them: found where nobody is meant."""

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from wordfreq import available_languages, zipf_frequency

from schemas.errors import ConfigError
from schemas.gazetteer import DEMONYM, GUARDS, IMPORTED, AliasRow, Gazetteer

# Zipf's scale: the logarithm of how often a word stands among a thousand million.
_CASELESS, _CASED = 4.4, 5.5  # a capital tells a name from a word but for the start of a sentence
_MORE_THAN_NAME: Final = 2.5  # and so much more frequent than the name is in English: Arabic has Damascus often, too
_EVERYDAY: Final = 3.5  # the same for each word of a name of several
_SCRIPTS: Final = (  # the languages a name without one may be in, by its first letter
    ("\u0250", ("en", "de", "fr", "es", "tr")),
    ("\u0530", ("ru",)),
    ("\u0600", ("he",)),
    ("\u0780", ("ar", "fa", "ur")),
)


def common_words(gazetteer: Gazetteer, curated: Path, imported: Sequence[Path] = ()) -> list[ConfigError]:
    """Return a problem for each alias of the folders that is an everyday word; an imported one, made of such."""
    places = {}
    for path in filter(Path.is_file, [folder / "aliases.csv" for folder in (*reversed(imported), curated)]):
        with path.open(encoding="utf-8", newline="") as file:
            places.update({tuple(cells[:2]): (path, number) for number, cells in enumerate(csv.reader(file), 1)})
    problems = []
    for alias in gazetteer.aliases:
        problem, remedy = _imported(alias) if IMPORTED in alias.flags else _curated(alias, gazetteer)
        if problem:
            path, number = places[alias.id, alias.alias]
            problems.append(ConfigError(str(path), number, "alias", problem, remedy))
    return problems


def everyday_words(name: str, language: str) -> bool:
    """Tell whether all words of a name are everyday words of the language, so that it says nothing of whom is meant."""
    return language in _known() and all(zipf_frequency(word, language) >= _EVERYDAY for word in name.split())


@cache
def _known() -> frozenset[str]:
    return frozenset(available_languages())


def _imported(alias: AliasRow) -> tuple[str, str]:
    """What is wrong with an alias of the second tier, and its remedy; "" where nothing is."""
    language = next((language for language in alias.langs if everyday_words(alias.alias, language)), None)
    if language is None:
        return "", ""
    problem = f"{alias.alias!r} is made of everyday words of {language}"
    return problem, "Delete the row; or make it a curated alias, flagged ambiguous"


def _curated(alias: AliasRow, gazetteer: Gazetteer) -> tuple[str, str]:
    """The same for a curated one."""
    for language, frequency in _everyday(alias, gazetteer):
        problem = f"{alias.alias!r} is as frequent in {language} as an everyday word (Zipf {frequency:.1f})"
        return problem, "Flag it ambiguous; or checked, where the name is what is nearly always meant"
    return "", ""


def _everyday(alias: AliasRow, gazetteer: Gazetteer) -> Iterator[tuple[str, float]]:
    entity = gazetteer.entities[alias.id]
    guarded = alias.flags & (GUARDS - {"lang_only"} | {"checked"})
    if guarded or alias.kind == DEMONYM or entity.type == "state" or not alias.alias.isalpha():
        return
    named = max(zipf_frequency(word, "en") for word in entity.label.split())
    cased = alias.alias[0].upper() != alias.alias[0].lower()
    for language in alias.langs or next((langs for end, langs in _SCRIPTS if alias.alias[0] < end), ()):
        if language in _known():
            frequency = zipf_frequency(alias.alias, language)
            if frequency >= (_CASED if cased else _CASELESS) and frequency - named >= _MORE_THAN_NAME:
                yield language, frequency
