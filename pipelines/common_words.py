"""Find aliases that are everyday words of their language: they would be found where nobody is meant."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wordfreq import available_languages, zipf_frequency

from schemas.errors import ConfigError
from schemas.gazetteer import DEMONYM, GUARDS, IMPORTED, AliasRow, Gazetteer

# Zipf's scale: the logarithm of how often a word stands among a thousand million.
_CASELESS, _CASED = 4.4, 5.5  # a capital tells a name from a word but for the start of a sentence
_MORE_THAN_NAME: Final = 2.5  # and so much more frequent than the name is in English: Arabic has Damascus often, too
_SCRIPTS: Final = (  # the languages a name without one may be in, by its first letter
    ("\u0250", ("en", "de", "fr", "es", "tr")),
    ("\u0530", ("ru",)),
    ("\u0600", ("he",)),
    ("\u0780", ("ar", "fa", "ur")),
)


def common_words(gazetteer: Gazetteer, path: Path) -> list[ConfigError]:
    """Return a problem for each curated alias that is an everyday word and has no flag; `path` is the aliases' file."""
    known = frozenset(available_languages())
    with path.open(encoding="utf-8", newline="") as file:
        numbers = {tuple(cells[:2]): number for number, cells in enumerate(csv.reader(file), 1)}
    problems = []
    for alias in gazetteer.aliases:
        for language, frequency in _everyday(alias, gazetteer, known):
            problem = f"{alias.alias!r} is as frequent in {language} as an everyday word (Zipf {frequency:.1f})"
            remedy = "Flag it ambiguous; or checked, where the name is what is nearly always meant"
            problems.append(ConfigError(str(path), numbers.get((alias.id, alias.alias)), "alias", problem, remedy))
            break
    return problems


def _everyday(alias: AliasRow, gazetteer: Gazetteer, known: frozenset[str]) -> Iterator[tuple[str, float]]:
    entity = gazetteer.entities[alias.id]
    guarded = alias.flags & (GUARDS - {"lang_only"} | {"checked", IMPORTED})
    if guarded or alias.kind == DEMONYM or entity.type == "state" or not alias.alias.isalpha():
        return
    named = max(zipf_frequency(word, "en") for word in entity.label.split())
    cased = alias.alias[0].upper() != alias.alias[0].lower()
    for language in alias.langs or next((langs for end, langs in _SCRIPTS if alias.alias[0] < end), ()):
        if language in known:
            frequency = zipf_frequency(alias.alias, language)
            if frequency >= (_CASED if cased else _CASELESS) and frequency - named >= _MORE_THAN_NAME:
                yield language, frequency
