"""Language: which one an article is written in, and how sure that is.

langdetect is asked first, seeded and on a bounded sample. It knows 55 languages and is as sure of itself on the others
(Zulu becomes Swahili, Icelandic Norwegian, Kurdish Turkish), so py3langid, which knows 130, has to agree. Where the two
differ, the letters of the text and what page and feed declare decide.
"""

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, Optional

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from langdetect.detector import Detector
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException
from langdetect.utils.lang_profile import LangProfile

from schemas.records import Article
from schemas.settings import LanguageSettings
from transforms.langid import Langid

UNKNOWN: Final = "und"
_MIN_LETTERS: Final = 20  # fewer prove nothing
_TRIALS: Final = 2  # langdetect's own 7 cost three times as much and agree from 200 characters on
_PAIR: Final = struct.Struct("=Bd")  # number of a language, share of an n-gram in it
_FIRST_LOOK: Final = 200  # characters that langdetect sees: as right as with 2,000, at a quarter of the cost

# ISO 639-1 where it exists; one code for what news readers take for one language.
_CODES: Final = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "kmr": "ku",
    "fil": "tl",
    "arb": "ar",
    "ary": "ar",
    "arz": "ar",
    "prs": "fa",
    "pes": "fa",
    "pus": "ps",
    "cmn": "zh",
    "yue": "zh",
    "wuu": "zh",
    "uzs": "uz",
    "ekk": "et",
    "lvs": "lv",
    "ltg": "lv",
    "hbo": "he",
    "grc": "el",
    "zxx": UNKNOWN,
    "mul": UNKNOWN,
    "sdh": "ckb",  # py3langid was taught Southern Kurdish, and gives it for Sorani
}
# Neighbours that detectors confuse and readers tell by what the outlet calls its language.
_NEIGHBOURS: Final = (
    frozenset(("hr", "bs", "sr", "sh", "me", "cnr")),
    frozenset(("id", "ms")),
    frozenset(("no", "da")),
    frozenset(("cs", "sk")),
    frozenset(("xh", "zu")),
    frozenset(("ar", "fa")),
)
# Letters of the Arabic script that a language writes and its neighbours do not, in the order of asking.
_LETTERS: Final = (
    ("ckb", frozenset("ێۆڕڵە")),
    ("ps", frozenset("ټډړږښڼځڅۍې")),
    ("ur", frozenset("ٹڈڑےں")),
)
_NOT_SORANI: Final = frozenset("ېۈۇڭ")  # Uighur, which also writes ە and ۆ
_LETTER_SHARE: Final = 0.02  # of the Arabic letters; running text of these languages has .05 and more
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d5]")
_LETTER = re.compile(r"[^\W\d_]")
_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8}){0,4}")


def canonical_code(declared: Optional[str]) -> Optional[str]:
    """Return the code under which we keep a declared language, None where it names none.

    >>> canonical_code("nb-NO"), canonical_code("ar_IQ"), canonical_code("Deutsch, bitte")
    ('no', 'ar', None)
    """
    found = _CODE.fullmatch(declared.strip()) if declared else None
    if not found:
        return None
    code = _canonical(found[1].lower())
    return None if code == UNKNOWN else code


def detect(text: str, declared: Optional[str], settings: LanguageSettings) -> tuple[str, float]:
    """Return the language of `text` (ISO 639-1, or 639-3 where there is none; "und") and a confidence, 0..1.

    `declared` is what the page, else its feed, says. It breaks ties, and stands where the text says too little.
    """
    said = canonical_code(declared)
    sample = text[: settings.sample_chars]
    if len(_LETTER.findall(sample)) < _MIN_LETTERS:
        return (said, 0.5) if said else (UNKNOWN, 0.0)
    if written := by_letters(sample):
        return written, 0.99
    first, first_sure = _ask_langdetect(sample[:_FIRST_LOOK], settings.seed)
    second, second_sure = _ask_py3langid(sample)
    if first == second:
        return _settle_neighbours(first, max(first_sure, second_sure), said)
    if said in (first, second):
        return said, 0.9
    if second_sure < settings.min_confidence and first_sure > second_sure:
        return first, first_sure * second_sure
    return _settle_neighbours(second, second_sure, said)


def by_letters(sample: str) -> Optional[str]:
    """Return Sorani, Pashto or Urdu where the text has the letters that only it writes."""
    arabic = _ARABIC.findall(sample)
    if len(arabic) < _MIN_LETTERS or len(arabic) < 0.5 * len(_LETTER.findall(sample)):
        return None
    uighur = sum(letter in _NOT_SORANI for letter in arabic) > _LETTER_SHARE * len(arabic)
    for code, letters in _LETTERS[1:] if uighur else _LETTERS:
        if sum(letter in letters for letter in arabic) >= _LETTER_SHARE * len(arabic):
            return code
    return None


def _settle_neighbours(code: str, sure: float, said: Optional[str]) -> tuple[str, float]:
    if said and said != code and sure < 0.99 and any(code in group and said in group for group in _NEIGHBOURS):
        return said, 0.9
    return code, sure


def _ask_langdetect(sample: str, seed: int) -> tuple[str, float]:
    detector = _langdetect(seed).create()
    detector.n_trial = _TRIALS
    detector.append(sample)
    try:
        found = detector.get_probabilities()
    except LangDetectException:  # no letters it knows
        return UNKNOWN, 0.0
    return (_canonical(found[0].lang), float(found[0].prob)) if found else (UNKNOWN, 0.0)


def _ask_py3langid(sample: str) -> tuple[str, float]:
    code, sure = _py3langid().classify(sample)
    return _canonical(code), float(sure)


class _Detector(Detector):
    """langdetect's, faster: an n-gram touches the languages that have it, not all 55."""

    def _update_lang_prob(self, prob: list[float], word: str, alpha: float) -> bool:
        """Multiply by 1 + share / weight where langdetect has weight + share for all: it is normalized afterwards."""
        weight = alpha / self.BASE_FREQ
        for language, share in _PAIR.iter_unpack(self.word_lang_prob_map[word]):
            prob[language] *= 1 + share / weight
        return True


class _Profiles(DetectorFactory):
    """A factory of our own: the package's has its seed, and its profiles, in globals that threads share.

    Its table, n-gram -> its share in each language as `_PAIR`s, leaves out the zeros: 53 of 55. It takes 45 MB.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.set_seed(seed)
        self.load_profile(PROFILES_DIRECTORY)

    def add_profile(self, profile: LangProfile, index: int, langsize: int) -> None:
        """Take a language's n-grams, as `load_profile` reads them one language after the other."""
        self.langlist.append(profile.name)
        table = self.word_lang_prob_map
        for gram, count in profile.freq.items():
            table[gram] = table.get(gram, b"") + _PAIR.pack(index, count / profile.n_words[len(gram) - 1])

    def create(self) -> Detector:
        """Return a detector for one text."""
        return _Detector(self)


@lru_cache(maxsize=4)
def _langdetect(seed: int) -> DetectorFactory:
    return _Profiles(seed)


@lru_cache(maxsize=1)
def _py3langid() -> Langid:
    return Langid()


def _canonical(code: str) -> str:
    base = code.split("-", maxsplit=1)[0]
    return _CODES.get(base, base)


class DetectLanguageFn(beam.DoFn):
    """`detect` for Beam: reads the declared code in `language`, leaves the detected one there."""

    def __init__(self, settings: LanguageSettings) -> None:
        self.settings = settings
        self.unknown = Metrics.counter("language", "unknown")
        self.differs = Metrics.counter("language", "not_as_declared")

    def setup(self) -> None:
        _langdetect(self.settings.seed)
        _py3langid()

    def process(self, article: Article) -> Iterator[Article]:
        code, sure = detect(article.text, article.language, self.settings)
        if code == UNKNOWN:
            self.unknown.inc()
        elif code != canonical_code(article.language):
            self.differs.inc()
        yield article._replace(language=code, language_confidence=sure)


class DetectLanguage(beam.PTransform[Any, Any]):
    """Articles in, the same articles with `language` and `language_confidence` out."""

    def __init__(self, settings: LanguageSettings) -> None:
        super().__init__()
        self.settings = settings

    def expand(self, articles: PCollection[Article]) -> PCollection[Article]:
        detected: PCollection[Article] = articles | "DetectLanguage" >> beam.ParDo(DetectLanguageFn(self.settings))
        return detected
