"""Whatever furniture stands around them, an article's paragraphs come back byte for byte and in their order."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.scrub import load_rules, scrub

RULES = load_rules(Path(__file__).parents[2] / "config" / "scrub")
SHARED: Final = ("en", "any")  # whose furniture stands on pages of every language
MOST_LINES: Final = 6

PROSE = {
    "en": (
        "The harbour authority closed the northern pier on Monday after divers found cracks in three of its pillars.",
        "Fishermen said they’d warned the city for years — “twice, in writing” — and asked who would pay: the city, or they.",
        "The work is to cost $1.2m (£950,000) and, says the mayor’s office, end before the winter storms; nobody believes it.",
        "A café at the pier’s end, Bell & Sons, which has sold coffee there since 1931, stays open until the cranes come.",
    ),
    "de": (
        "Die Hafenbehörde sperrte am Montag den nördlichen Anleger, nachdem Taucher Risse in drei Pfeilern gefunden hatten.",
        "Fischer sagten, sie hätten die Stadt „zweimal schriftlich“ gewarnt – und fragten, wer die Reparatur bezahlen werde.",
        "Die Arbeiten sollen 1,2 Millionen Euro kosten und vor den Winterstürmen enden; im Rathaus glaubt das niemand mehr.",
    ),
    "fr": (
        "L’autorité portuaire a fermé lundi la jetée nord après que des plongeurs ont trouvé des fissures dans trois piliers.",
        "Les pêcheurs disent avoir averti la ville « deux fois, par écrit » et demandent qui paiera les travaux de cet hiver.",
        "Le chantier doit coûter 1,2 million d’euros et s’achever avant les tempêtes ; à la mairie, plus personne n’y croit.",
    ),
    "es": (
        "La autoridad portuaria cerró el lunes el muelle norte después de que los buzos hallaran grietas en tres pilares.",
        "Los pescadores dicen que avisaron a la ciudad «dos veces, por escrito», y preguntan quién pagará ahora las obras.",
        "Las obras costarán 1,2 millones de euros y terminarán antes de las tormentas; en el ayuntamiento nadie lo cree ya.",
    ),
    "tr": (
        "Liman idaresi, dalgıçların üç ayakta çatlak bulmasının ardından kuzey iskelesini pazartesi günü trafiğe kapattı.",
        "Balıkçılar, belediyeyi yıllar önce “iki kez, yazılı olarak” uyardıklarını söyledi ve masrafı kimin ödeyeceğini sordu.",
        "Onarımın 1,2 milyon lira tutması ve kış fırtınalarından önce bitmesi bekleniyor; belediyede buna kimse inanmıyor.",
    ),
    "ru": (
        "Администрация порта закрыла в понедельник северный причал: водолазы нашли трещины в трёх его опорах, старых и новых.",
        "Рыбаки говорят, что предупреждали город «дважды, письменно», и спрашивают, кто теперь заплатит за ремонт опор.",
        "Работы обойдутся в 1,2 миллиона рублей и закончатся до зимних штормов; в мэрии, впрочем, в это никто не верит.",
    ),
    "ar": (
        "أغلقت سلطة الميناء الرصيف الشمالي يوم الاثنين بعد أن وجد الغواصون شقوقا في ثلاثة من أعمدته القديمة، كما أعلنت.",
        "وقال الصيادون إنهم حذروا المدينة «مرتين وكتابة» قبل سنوات، وسألوا عمن سيدفع ثمن إصلاح الأعمدة في هذا الشتاء.",
        "ومن المنتظر أن تنتهي الأعمال قبل عواصف الشتاء، لكن أحدا في البلدية لم يعد يصدق ذلك بعد كل ما جرى في الصيف.",
    ),
    "fa": (
        "اداره بندر روز دوشنبه اسکله شمالی را پس از آنکه غواصان در سه ستون آن ترک یافتند، به روی همه قایق‌ها بست.",
        "ماهیگیران می‌گویند سال‌ها پیش «دو بار و کتبی» به شهر هشدار داده‌اند و می‌پرسند هزینه تعمیر را چه کسی می‌پردازد.",
        "قرار است کار پیش از توفان‌های زمستان تمام شود، اما پس از این همه تأخیر دیگر هیچ‌کس در شهر آن را باور ندارد.",
    ),
    "he": (
        "רשות הנמל סגרה ביום שני את הרציף הצפוני לאחר שצוללים מצאו סדקים בשלושה מעמודיו הישנים, כך נמסר בסוף היום.",
        "הדייגים אמרו שהזהירו את העירייה „פעמיים ובכתב” כבר לפני שנים, ושאלו מי ישלם עכשיו על תיקון העמודים בחורף.",
        "העבודות אמורות להסתיים לפני סערות החורף, אבל אחרי כל העיכובים איש בעירייה כבר אינו מאמין שכך אכן יהיה.",
    ),
    "ku": (
        "Rêveberiya benderê roja duşemê îskeleya bakur girt piştî ku avjenan di sê stûnên wê de qelîştek dîtin û gotin.",
        "Masîgiran got ku wan salan berê “du caran, bi nivîskî” bajar hişyar kiribû û pirsîn ka kî dê heqê wê bide îsal.",
        "Tê payîn ku kar berî bahozên zivistanê biqede, lê li şaredariyê êdî kes piştî van hemû derengiyan bawer nake.",
    ),
}  # fmt: skip

FURNITURE = {
    language: sorted({text for entry in (*file.rule, *file.vocabulary) for text in entry.examples})
    for language, file in RULES.files.items()
}


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, tuple[str, ...], list[str]]:
    """A language, an article's paragraphs in it, and the lines of a page that shows them amid furniture."""
    language = draw(st.sampled_from(sorted(PROSE)))
    lines: list[str] = []
    kinds = st.sampled_from(sorted({text for known in (language, *SHARED) for text in FURNITURE[known]}))
    for paragraph in PROSE[language]:
        lines += [*draw(st.lists(kinds, max_size=MOST_LINES // 2)), paragraph]
    return language, PROSE[language], [*lines, *draw(st.lists(kinds, max_size=MOST_LINES))]


EDITED = ("de", PROSE["de"], [*PROSE["de"][:2], "Redigiert von Mara Keller", PROSE["de"][2]])  # no biography follows


@settings(max_examples=200, deadline=None)
@example(page=EDITED, gap="\n", told=False)
@given(pages(), st.sampled_from(["\n", "\n\n"]), st.booleans())
def test_paragraphs_come_back_whatever_furniture_stands_around_them(
    page: tuple[str, tuple[str, ...], list[str]], gap: str, told: bool
) -> None:
    language, prose, lines = page
    found = scrub(gap.join(lines), language if told else None, RULES).text.split("\n\n")
    assert [paragraph for paragraph in found if paragraph in prose] == list(prose)


ABOUT = [  # what furniture is made of: a sentence that speaks to nobody of it is the article's
    ("en", "The newsletter is free."),
    ("en", "Newsletters are the business of the hour."),
    ("en", "Comments are closed on Mondays at the town hall."),
    ("en", "Donations go to the victims' families."),
    ("de", "Der Newsletter ist kostenlos."),
    ("fr", "La newsletter est gratuite."),
    ("fr", "Les inscriptions sont ouvertes jusqu’à fin mai."),
    ("es", "El boletín es gratuito."),
    ("tr", "Abonelik her zaman iptal edilebilir, diye karar verdi mahkeme."),
    ("ru", "Рассылка бесплатна."),
    ("ar", "يستخدم الموقع ملفات الارتباط دون سؤال، كما وجدت الهيئة."),
    ("fa", "روزنامه در یک سال نیمی از مشترکان خود را از دست داد."),
    ("he", "האתר משתמש בעוגיות בלי לשאול, קבעה הרשות."),
]


@pytest.mark.parametrize(("language", "sentence"), ABOUT)
@pytest.mark.parametrize("last", [False, True], ids=["between", "last"])
@pytest.mark.parametrize("told", [False, True], ids=["unknown", "told"])
def test_a_sentence_about_what_furniture_speaks_of_stays(language: str, sentence: str, last: bool, told: bool) -> None:
    first, *rest = PROSE[language]
    text = "\n\n".join([first, *rest, sentence] if last else [first, rest[0], sentence, *rest[1:]])
    assert scrub(text, language if told else None, RULES).text == text


BESIDE = [  # small words that are also endings of a network's name, or a site's common words
    ("es", "Lo cierto es que a mí, me da un poco de pena."),
    ("fr", "Facebook a supprimé la page."),
    ("fr", "Il a, par la suite, de nouveau supprimé le tweet."),
]


@pytest.mark.parametrize(("language", "sentence"), BESIDE)
def test_beside_furniture_a_sentence_needs_more_than_one_telling_word(language: str, sentence: str) -> None:
    first, *rest = PROSE[language]
    clean = scrub("\n\n".join([first, "Facebook Twitter WhatsApp", sentence, *rest]), language, RULES)
    assert clean.text == "\n\n".join([first, sentence, *rest])


@pytest.mark.parametrize(
    ("word", "below"),
    [
        ("Contact", ""),
        ("Privacy", ""),
        ("Recommendations", "The recommendations were printed on Monday and sent to the mayor’s office."),
    ],
)
def test_a_word_above_a_paragraph_may_be_its_heading(word: str, below: str) -> None:
    *rest, last = PROSE["en"]
    text = "\n\n".join([*rest, word, below or last])
    assert scrub(text, "en", RULES).text == text


def test_a_step_of_a_list_stays_whatever_it_says() -> None:
    steps = "\n\n".join(["• Print the form.", "• Show it to your neighbours.", "• Send it by email.", "• Wait a week."])
    text = "\n\n".join([*PROSE["en"][:3], steps, PROSE["en"][3]])
    assert scrub(text, "en", RULES).text == text


SLASHED = [
    ("de", "Doppler/Horst treffen am Montag im Hafen auf die Mexikaner, die nur an Nummer 46 gesetzt sind."),
    ("tr", "AC/DC'nin baş vokalisti olmadan önce limandaki yerel grubun bir üyesiydi ve her akşam söylerdi."),
    ("ar", "في 6 تشرين الأول/أكتوبر 1973، قامت سوريا ومصر، بدعم من الدول العربية الأخرى، بشن هجوم مفاجئ."),
    ("ar", "اليوم، تعد بورصة وارسو (WSE)، وفقاً للعديد من المؤشرات، أكبر سوق في المنطقة كلها منذ سنوات."),
    ("ku", "هەروەها بەپێی زانیارییەکانى ئاژانسى هەواڵی فورات (ANF) چەتەیەکى داعش لە ناو سوپای نیشتمانیدایە."),
    ("fa", "همچنین نسخه‌های خط مشی / تماس را به همراهان خود که در حال برگشت به خانه هستند و کمک می‌کنند، بدهید."),
]


@pytest.mark.parametrize(("language", "opening"), SLASHED)
def test_a_slash_or_bracket_within_the_first_sentence_ends_no_dateline(language: str, opening: str) -> None:
    text = "\n\n".join([opening, *PROSE[language]])
    assert scrub(text, language, RULES).text == text
