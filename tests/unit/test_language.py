"""The language of a text: the two detectors, the letters and the declared code together."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.settings import LanguageSettings
from transforms.langid import Langid
from transforms.language import canonical_code, detect

SETTINGS = LanguageSettings(sample_chars=600, min_confidence=0.8, seed=0)
TEXTS = {
    "en": "The ministry said on Wednesday that two soldiers had been wounded when a mine exploded near the border post.",
    "de": "Das Ministerium teilte am Mittwoch mit, dass zwei Soldaten bei der Explosion einer Mine verletzt worden seien.",
    "fr": "Le ministère a annoncé mercredi que deux soldats avaient été blessés par l'explosion d'une mine à la frontière.",
    "tr": "Bakanlık çarşamba günü yaptığı açıklamada sınır karakolu yakınında mayın patlaması sonucu iki askerin yaralandığını bildirdi.",
    "is": "Ráðuneytið greindi frá því á miðvikudag að tveir hermenn hefðu særst þegar jarðsprengja sprakk við landamærin.",
    "no": "Departementet opplyste onsdag at to soldater ble såret da en mine eksploderte ved grensestasjonen i nord.",
    "ku": "Wezaretê roja çarşemê ragihand ku du leşker di teqîna mayinekê de li nêzîkî sînor birîndar bûne û rewşa wan baş e.",
    "ckb": "وەزارەت ڕۆژی چوارشەممە ڕایگەیاند کە دوو سەرباز لە تەقینەوەی مینێکدا لە نزیک سنوور بریندار بوون",
    "ps": "وزارت د چهارشنبې په ورځ وویل چې د پولې د پوستې ترڅنګ د ماین په چاودنه کې دوه سرتېري ټپیان شوي دي",
    "fa": "وزارتخانه روز چهارشنبه اعلام کرد که دو سرباز در پی انفجار مین در نزدیکی پاسگاه مرزی زخمی شده‌اند",
    "ar": "أعلنت الوزارة يوم الأربعاء إصابة جنديين في انفجار لغم قرب نقطة حدودية شمال البلاد",
    "ur": "وزارت نے بدھ کو بتایا کہ سرحدی چوکی کے قریب بارودی سرنگ پھٹنے سے دو فوجی زخمی ہو گئے ہیں",
    "he": "המשרד הודיע ביום רביעי כי שני חיילים נפצעו מפיצוץ מוקש סמוך למוצב הגבול בצפון הארץ",
    "ja": "同省は水曜日、国境の検問所付近で地雷が爆発し、兵士二人が負傷したと発表した。",
}


@pytest.mark.parametrize("code", TEXTS)
@pytest.mark.parametrize("declared", [None, "en-US"])
def test_a_sentence_is_enough_and_a_wrong_declaration_does_no_harm(code: str, declared: str | None) -> None:
    assert detect(TEXTS[code], declared, SETTINGS)[0] == code


def test_the_same_text_gives_the_same_answer_in_any_thread() -> None:
    texts = list(TEXTS.values()) * 8
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda text: detect(text, None, SETTINGS), texts))
    assert answers == [detect(text, None, SETTINGS) for text in texts]


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        pytest.param("", "sv", ("sv", 0.5), id="declared"),
        pytest.param("12:30 — 4", "sv", ("sv", 0.5), id="no letters"),
        pytest.param("Foto", None, ("und", 0.0), id="nothing"),
    ],
)
def test_too_little_text_leaves_what_is_declared(text: str, declared: str | None, expected: tuple[str, float]) -> None:
    assert detect(text, declared, SETTINGS) == expected


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("nb-NO", "no"),
        ("AR_iq", "ar"),
        ("kmr", "ku"),
        ("prs-AF", "fa"),
        ("zh-Hant-TW", "zh"),
        ("Deutsch!", None),
        (" ", None),
    ],
)
def test_declared_codes_become_ours(declared: str, code: str | None) -> None:
    assert canonical_code(declared) == code


def test_the_small_model_answers_as_py3langid_does() -> None:
    small, large = Langid(), LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    cut = [text[:length] for text in TEXTS.values() for length in (3, 12, 50, 200)]
    for text in [*cut, "", "12:30", "THE MINISTRY SAID", "\ud800 broken", "е\u0308лка"]:
        expected = large.classify(text)
        assert small.classify(text) == (expected[0], pytest.approx(expected[1], abs=1e-4)), text
