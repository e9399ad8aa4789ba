"""The cases of a folded name in Russian: Владимир Путин -> Владимиром Путиным, Красное море -> в Красном море.

Folding makes й and и one letter, ё and е as well; the tables below are written so. A word's gender and whether it is
alive are not known, so a form that one of them would have is made for all: what no text holds costs a pattern only.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_Forms = Sequence[Sequence[str]]  # of one word: for each of five cases what it may look like

# the nominative's ending, and what takes its place in genitive, dative, accusative, instrumental and prepositional;
# "|" parts the choices, "-" is none at all; all endings that fit apply, but for those a longer one has shadowed
_ENDINGS: Final = """
ая    ои            ои        ую      ои          ои
яя    еи            еи        юю      еи          еи
ое    ого           ому       ое      ым|им       ом
ее    его           ему       ее      им          ем
ые    ых            ым        ые|ых   ыми         ых
ие    ия|их         ию|им     ие|их   ием|ими     ии|их
ыи    ого           ому       ыи|ого  ым          ом
ии    ого|его|ия    ому|ему|ию ии|ого|его|ия им|ием ом|ем|ии
ои    ого|оя        ому|ою    ои|ого|оя ым|им|оем  ом|ое
ия    ии            ии        ию      иеи         ии
а     ы             е         у       ои|еи       е
я     и             е|и       ю       еи          е|и
о     а             у         о       ом          е
е     я             ю         е       ем          е|и
ь     я|и           ю|и       ь|я     ем|ью       е|и
ы     -|ов          ам        ы|-|ов  ами         ах
аи    ая            аю        аи|ая   аем         ае
еи    ея            ею        еи|ея   еем         ее
уи    уя            ую        уи|уя   уем         уе
и     -|ов|еи       ам|ям     и|ов|еи ами|ями     ах|ях
ов    ова           ову       ов|ова  овым|овом   ове
ев    ева           еву       ев|ева  евым|евом   еве
ин    ина           ину       ин|ина  иным|ином   ине
ец    ца            цу        ец|ца   цом|цем     це
""".strip()
_HARD: Final = (("а",), ("у",), ("", "а"), ("ом",), ("е",))  # of a word that ends in a consonant
_HISSED: Final = (("а",), ("у",), ("", "а"), ("ом", "ем"), ("е",))  # and in one of these
_HISSING: Final = frozenset("жцчшщ")
_SOFTENING: Final = _HISSING - {"ц"} | set("гкх")  # no ы follows these
_CONSONANTS: Final = _HISSING | set("бвгдзклмнпрстфх")
_VOWELS: Final = set("аеиоуыэюя")
_IRREGULAR: Final = {
    "воиска": "воиск воискам воиска воисками воисках",
    "берег": "берега берегу берег берегом берегу",  # на Западном берегу
}
_CASES: Final = 5
_LONGEST: Final = 3  # letters of an ending
_STEM_MIN: Final = 2
_UNDECLINED: Final = frozenset(  # articles and particles of names
    """аль эль ас аш ан ар ад аз ат эш эс эр эд эз эт эн бен бин ибн абу ага фон дер ван де ди да ла ле эд дю сан нью
    """.split()
)
_ADJECTIVE: Final = ("ая", "яя", "ое", "ее", "ые", "ыи", "скии", "скои", "ции")
_SHORT: Final = 2  # words of a name that may be declined throughout, its particles not counted
_MOST: Final = 40  # forms of one name


def _table(rows: str) -> Mapping[str, _Forms]:
    table = {}
    for row in rows.splitlines():
        ending, *cases = row.split()
        table[ending] = [case.replace("-", "").split("|") for case in cases]
    return table


_TABLE: Final = _table(_ENDINGS)


def declined(name: str) -> set[str]:
    """Return the other cases of a folded Russian name: of the first noun and what is before it (министерство обороны
    -> министерства обороны); of a short one also those of all its words, and of the last (Тель-Авив -> Тель-Авива).

    >>> sorted(declined("тель авив"))[-3:]
    ['тель авиве', 'тель авивом', 'тель авиву']
    """
    words = name.split()
    if len(words) == 1 and name.endswith("и") and name[-2:-1] not in _SOFTENING | _VOWELS:
        return set()  # Мали, Моди
    forms = [_forms(word) for word in words]
    noun = next((place for place, word in enumerate(words) if not word.endswith(_ADJECTIVE)), len(words) - 1)
    spelled = set(_agreeing(words, forms, range(noun + 1)))
    if sum(word not in _UNDECLINED for word in words) <= _SHORT:
        spelled |= set(_agreeing(words, forms, range(len(words))))
        spelled |= set(_agreeing(words, forms, range(len(words) - 1, len(words))))
    return spelled - {name}


def _agreeing(words: Sequence[str], forms: Sequence[_Forms], places: range) -> Iterable[str]:
    """Yield the name with the words at `places` in the same case, the others as they are."""
    for case in range(_CASES):
        choices = [forms[place][case] if place in places else (word,) for place, word in enumerate(words)]
        yield from map(" ".join, itertools.islice(itertools.product(*choices), _MOST // _CASES))


def _forms(word: str) -> _Forms:
    if word in _IRREGULAR:
        return [[form] for form in _IRREGULAR[word].split()]
    if word not in _UNDECLINED:
        for length in range(_LONGEST, 0, -1):
            stem, ending = word[:-length], word[-length:]
            if ending in _TABLE and len(stem) >= _STEM_MIN:
                if ending == "а" and stem[-1] in _VOWELS:  # Самоа
                    break
                soft = stem[-1] in _SOFTENING
                return [[stem + _after(after, soft=soft) for after in case] for case in _TABLE[ending]]
        if word[-1] in _CONSONANTS and len(word) > _STEM_MIN:
            return [[word + after for after in case] for case in (_HISSED if word[-1] in _HISSING else _HARD)]
    return [[word]] * _CASES


def _after(ending: str, *, soft: bool) -> str:
    return ending.replace("ы", "и", 1) if soft else ending
