"""Tagging, with the curated gazetteer: folding, boundaries, context, and what the mentions say of the article."""

import time
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.gazetteer import ENTITY_FIELDS, AliasRow, EntityRow, Gazetteer
from schemas.gazetteer_files import load_gazetteer
from schemas.records import Entity, EventMention
from schemas.settings import TagSettings
from transforms.tag import Compiled, compile_gazetteer, tag
from transforms.tag.disambiguate import resolve
from transforms.tag.document import conflict_score, document_entities
from transforms.tag.events import find_events, sentences
from transforms.tag.match import read
from transforms.tag.normalize import fold, fold_name
from transforms.tag.variants import variants

CURATED = Path(__file__).resolve().parents[2] / "config" / "gazetteer" / "curated"
SETTINGS = TagSettings(surname_min_chars=4)
COMPILED = compile_gazetteer(load_gazetteer(CURATED))


def found(text: str, language: Optional[str] = None) -> list[tuple[str, str]]:
    return [(mention.surface, mention.id) for mention in mentions(text, language)]


def mentions(text: str, language: Optional[str] = None) -> list[Entity]:
    return tag([("text", text)], language, COMPILED, SETTINGS)


@pytest.mark.parametrize(
    ("text", "language", "folded"),
    [
        pytest.param("Kata'ib  Hezbollah’s", None, " kataib hezbollah s ", id="apostrophes"),
        pytest.param("l'Iran, d’Israël", "fr", " l iran d israel ", id="French elision"),
        pytest.param("Irak'ın İHA'sı", "tr", " irak in iha si ", id="Turkish endings and dotted I"),
        pytest.param('צה"ל', "he", " צהל ", id="gershayim"),
        pytest.param("أَلحَشْدُ ألشعبي", "ar", " الحشد الشعبي ", id="vowel signs and hamza"),
        pytest.param("حزب‌الله", "fa", " حزب الله ", id="zero-width non-joiner"),
        pytest.param("F-16\u00ad ١٢", None, " f 16 12 ", id="hyphens and digits"),
        pytest.param("", None, " ", id="nothing"),
    ],
)
def test_folding(text: str, language: Optional[str], folded: str) -> None:
    assert fold(text, language).text == folded


@given(st.text())
def test_each_folded_letter_knows_its_place(text: str) -> None:
    folded = fold(text)
    assert len(folded.places) == len(folded.text)
    assert all(0 <= place < len(text) for place in folded.places[1:-1])
    assert list(folded.places) == sorted(set(folded.places.tolist()))


@given(st.text(st.sampled_from("Kré سيناءئְשׁ\u064b\u200c\u00ad-1١ıß"), min_size=1))
def test_a_name_folds_as_a_text_does(name: str) -> None:
    folded = fold(name).text.strip()
    assert fold_name(name) == ({folded} if folded else set())


@given(st.text(st.sampled_from("IranKHezbolah'’ -\"\u200c\u0301.حزبالله עיראק\n😀"), max_size=60))
def test_a_mention_is_always_the_text_between_its_offsets(text: str) -> None:
    assert all(text[mention.start : mention.end] == mention.surface for mention in mentions(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hashd al shaabi", "hashed ash shabi"),
        ("asaib ahl al haq", "asaib ahlal haq"),
        ("harakat al nujaba", "harakat nujaba"),
        ("kataib hezbollah", "kataeb hizballah"),
        ("f 16", "f16"),
        ("الحوثيين", "لحوثيين"),
        ("الجيش الامريكي", "الجيش الاميركي"),
        ("هادي العامري", "هادي عامري"),
        ("عبدالملك الحوثي", "عبد الملك الحوثي"),
        ("سوپاي ازادي سووريا", "سوپاي ازادي سوريا"),
        ("היאת תחריר א שאם", "היאת תחריר אל שאם"),
        ("זיינביון", "זינביון"),
        ("המזרח התיכון", "מזרח התיכון"),
        ("россия", "россии"),
        ("дубаи", "дубая"),
        ("хезболла", "хезболлои"),
        ("владимир путин", "владимиром путиным"),
        ("красное море", "красном море"),
        ("министерство обороны израиля", "министерстве обороны израиля"),
        ("аль каида", "аль каидои"),
        ("хан юнис", "хан юнисе"),
        ("воиска израиля", "воиск израиля"),
    ],
)
def test_other_spellings_are_known(one: str, other: str) -> None:
    assert other in variants(one)


KATAIB = [
    ("The Kata'ib Hizballah militia", "en"),
    ("theKataib Hezbollah militia", "en"),
    ("fighters of Kataib Hezbollah's staff", "en"),
    ("وكتائب حزب الله", "ar"),
    ("کتائب حزب‌الله عراق", "fa"),
    ("Die Hisbollah-Brigaden", "de"),
]
LEBANESE = [("Hezbollah fired", "en"), ("لحزب الله", "ar"), ("וחיזבאללה", "he"), ("Hizbullah'ın", "tr")]


@pytest.mark.parametrize(("text", "language"), KATAIB)
def test_kataib_hezbollah_is_not_taken_for_hezbollah(text: str, language: str) -> None:
    assert [id for _, id in found(text, language)] == ["kataib-hezbollah"]


@pytest.mark.parametrize(("text", "language"), LEBANESE)
def test_hezbollah_is_not_taken_for_kataib_hezbollah(text: str, language: str) -> None:
    assert [id for _, id in found(text, language)] == ["hezbollah"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("بالعراق ولبنان", "ar", [("العراق", "iraq"), ("لبنان", "lebanon")], id="Arabic prepositions"),
        pytest.param("هجوم للحوثيين", "ar", [("لحوثيين", "houthis")], id="Arabic article after l-"),
        pytest.param("בישראל ולבנון", "he", [("ישראל", "israel"), ("לבנון", "lebanon")], id="Hebrew prepositions"),
        pytest.param("סוריה וח'אן יונס, בחאן יונס", "he", [("סוריה", "syria"), ("ח'אן יונס", "khan-younis"), ("חאן יונס", "khan-younis")], id="Hebrew with a geresh and without"),
        pytest.param("ראש ממשלת בריטניה", "he", [("בריטניה", "united-kingdom")], id="Hebrew prime minister"),
        pytest.param("به\u200cغدا", "ckb", [("به\u200cغدا", "baghdad")], id="Sorani with a joiner for a vowel"),
        pytest.param("لەبەغدا و لە ئێرانەوە", "ckb", [("بەغدا", "baghdad"), ("ئێران", "iran")], id="Sorani"),
        pytest.param("Irak'ta, Suriye'nin", "tr", [("Irak", "iraq"), ("Suriye", "syria")], id="Turkish cases"),
        pytest.param("YNKê û PDKyê li Tirkiyeyek", "ku", [("YNK", "puk"), ("PDK", "kdp"), ("Tirkiye", "turkey")], id="Kurmanji endings of abbreviations"),
        pytest.param("Suriye Dışişleri Bakanı", "tr", [("Suriye", "syria")], id="a minister is no ministry"),
        pytest.param("Suriye Dışişleri Bakanlığı'na", "tr", [("Suriye Dışişleri Bakanlığı", "syrian-foreign-ministry")], id="a ministry"),
        pytest.param("Assads Truppen in Syriens Süden", "de", [("Assad", "bashar-al-assad"), ("Syrien", "syria")], id="German genitive"),
        pytest.param("Iran’s reply to Israel's army", "en", [("Iran", "iran"), ("Israel's army", "idf")], id="possessive"),
        pytest.param("Армией обороны Израиля в Южном Ливане", "ru", [("Армией обороны Израиля", "idf"), ("Южном Ливане", "southern-lebanon")], id="Russian cases"),
        pytest.param("на Западном берегу и в Харьковской области", "ru", [("Западном берегу", "west-bank"), ("Харьковской области", "kharkiv")], id="Russian locative, oblast"),
        pytest.param("l’Iran et d'Israël", "fr", [("Iran", "iran"), ("Israël", "israel")], id="elision"),
    ],
)  # fmt: skip
def test_endings_and_prepositions_stay_outside(text: str, language: str, expected: list[tuple[str, str]]) -> None:
    assert found(text, language) == expected


def test_a_last_name_is_known_again_in_another_case() -> None:
    assert found("Встреча с Хаканом Фиданом. Фидан уехал.", "ru") == [
        ("Хаканом Фиданом", "hakan-fidan"),
        ("Фидан", "hakan-fidan"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The Jerusalem Post has the story", id="a newspaper"),
        pytest.param("Michael Jordan and Jordan Peterson met", id="people called Jordan"),
        pytest.param("Let us see what IS means to them", id="small words"),
        pytest.param("TELL US WHAT THIS IS ABOUT, WHO KNOWS", id="capitals throughout"),
        pytest.param("turkey and chad on the menu", id="lower case"),
        pytest.param("He wrote the KH value down", id="an abbreviation of nobody"),
        pytest.param("iranianism and unirana", id="inside words"),
        pytest.param("United, Nations", id="across a comma"),
    ],
)
def test_names_that_are_none_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("الطريق المؤدي إلى القرية", "ar", id="leading to, which folds as Modi's name does"),
        pytest.param("قرأ ورقة عن سرقة ولعنة", "ar", id="words that begin with a preposition's letter"),
        pytest.param(
            "وقع الصدام على الطريق المؤدية إلى الألماس", "ar", id="words that are a name but for their article"
        ),
        pytest.param("جمع المال للحج", "ar", id="for the pilgrimage, and for a town that is written so"),
        pytest.param("دوشنبه باران می‌آید", "fa", id="Monday, a capital's name in Arabic"),
        pytest.param("کاشانی و شیرازی با یک روحانی آمدند", "fa", id="last names made of towns, and a cleric"),
        pytest.param("הוא פתח ספר חדש בכיוון המסעדה", "he", id="words that only marks tell from a party's initials"),
    ],
)
def test_everyday_words_are_no_names(text: str, language: str) -> None:
    assert found(text, language) == []


def test_a_persian_ending_joins_a_name_that_ends_in_a_vowel_to_the_next_word() -> None:
    assert found("مرقد امامان در کربلای معلی", "fa") == [("کربلا", "karbala")]


def test_hebrew_initials_are_found_with_either_mark() -> None:
    assert [id for _, id in found('ב-חד"ש וב-חד״ש', "he")] == ["hadash", "hadash"]


def test_a_state_before_another_name_in_a_list_is_no_club() -> None:
    assert found("In Syria: Turkey, United Arab Emirates.") == [
        ("Syria", "syria"),
        ("Turkey", "turkey"),
        ("United Arab Emirates", "uae"),
    ]


def test_a_long_text_of_places_costs_linear_time() -> None:
    began = time.process_time()
    found("Beirut University spoke. They heard it there and then in full. " * 40_000, "en")
    assert time.process_time() - began < 5  # a tenth of it when quiet; quadratic would be half a minute


def test_a_gloss_inside_a_holiday_is_no_place() -> None:
    assert found("They keep Quds (Jerusalem) Day") == []


def test_a_name_that_is_also_written_small_is_found_small() -> None:
    assert found("the “axis of resistance”") == [("axis of resistance", "axis-of-resistance")]


def test_an_ambiguous_name_needs_something_close_to_it() -> None:
    assert found("The Badr moved at night.") == []
    assert ("Badr", "badr-organization") in found("In Baghdad the Badr moved at night.")


def test_an_abbreviation_counts_once_the_name_is_given() -> None:
    assert ("KH", "kataib-hezbollah") in found("Kataib Hezbollah (KH) spoke. KH denied it.")


def test_a_demonym_is_a_mention_of_its_state_but_no_context_for_others() -> None:
    mention = mentions("Iraqi officers met.", "en")[0]
    assert (mention.surface, mention.id, mention.type, mention.method) == ("Iraqi", "iraq", "nationality", "demonym")
    assert found("An Iraqi saw the Badr.", "en") == [("Iraqi", "iraq")]


def test_a_town_with_its_american_state_is_another_town() -> None:
    assert found("They visited Lebanon, New Hampshire, and Damascus, Maryland.", "en") == []


def test_a_surname_counts_after_the_full_name_and_not_for_a_relative() -> None:
    text = "Qais al-Khazali spoke in Basra. Later Khazali left. His aide Laith Khazali stayed."
    assert [surface for surface, id in found(text) if id == "qais-al-khazali"] == ["Qais al-Khazali", "Khazali"]


def test_a_title_has_no_last_name() -> None:
    text = "أعلن العاهل السعودي. الجيش السعودي والملك عبد الله الثاني. اليوم الثاني."
    assert [id for _, id in found(text, "ar")] == ["king-salman", "saudi-armed-forces", "king-abdullah-ii"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("الأمير محمد بن نايف بن عبدالعزيز", "ar"), ("Prince Mohammed bin Nayef bin Abdulaziz", "en")],
)
def test_a_fathers_name_is_no_mention_of_the_father(text: str, language: str) -> None:
    assert [id for _, id in found(text, language)] == ["mohammed-bin-nayef"]


@pytest.mark.parametrize(
    ("text", "language", "id"),
    [
        ("Toplam 5 bin Hamas mensubu ile üç bin asker.", "tr", "hamas"),
        ("Ich bin Netanjahu begegnet.", "de", "benjamin-netanyahu"),
        ("Ez bin Iraqê dimînim.", "ku", "iraq"),
        ("It lay in the recycling bin Hamas had left.", "en", "hamas"),
    ],
)
def test_what_follows_a_thousand_a_verb_or_a_bin_is_a_mention(text: str, language: str, id: str) -> None:
    assert [named for _, named in found(text, language)] == [id]


def test_a_mention_ends_where_its_word_ends_with_hamza_and_vowel_signs() -> None:
    assert [surface for surface, _ in found("قالت حركة النجباء إن كتائب حزب اللهِ ردت.", "ar")] == [
        "حركة النجباء",
        "كتائب حزب اللهِ",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Siyah bayraklar yarım saat asılı kaldı.", "tr"),
        ("Анатолий Петров и адвокат Анатолия Кучерены. Самое страшное: мал золотник. Гавани закрыты.", "ru"),
        ("اللاعب علي صالح سجل هدفين.", "ar"),
        ("Fetih zarokê min e.", "ku"),
        ("A dock worker checked the tyre pressure.", "en"),
    ],
)
def test_everyday_words_and_namesakes_name_nothing(text: str, language: str) -> None:
    assert found(text, language) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die christliche Kataib-Partei von Samy Gemayel tagte.", "de"),
        ("Le parti Kataëb de Samy Gemayel a voté.", "fr"),
        ("La Falange Libanesa, partido Kataeb, se retiró.", "es"),
    ],
)
def test_the_kataeb_party_is_no_militia(text: str, language: str) -> None:
    assert {id for _, id in found(text, language) if id.startswith("kata")} == {"kataeb-party"}


def test_the_fields_of_an_article_are_read_together() -> None:
    fields = [("title", "KH denies attack"), ("text", "Kataib Hezbollah denied it.")]
    tagged = tag(fields, "en", COMPILED, SETTINGS)
    assert [(mention.field, mention.surface) for mention in tagged] == [("title", "KH"), ("text", "Kataib Hezbollah")]


def test_the_most_relevant_entity_comes_first_with_all_above_it() -> None:
    fields = [
        ("title", "Kataib Hezbollah strikes"),
        ("text", "Kataib Hezbollah struck. " + "x " * 200 + "Paris and Berlin."),
    ]
    entities = document_entities(tag(fields, "en", COMPILED, SETTINGS), COMPILED.gazetteer)
    first = entities[0]
    assert (first.id, first.count, first.in_title, first.in_lead, first.relevance) == (
        "kataib-hezbollah",
        2,
        True,
        True,
        1.0,
    )
    assert first.parents == ["popular-mobilization-forces", "iran"]
    assert all(entity.relevance < 0.5 for entity in entities[1:])


def test_an_article_on_war_scores_above_one_on_football() -> None:
    def score(text: str) -> float:
        return conflict_score(document_entities(mentions(text, "en"), COMPILED.gazetteer), COMPILED.gazetteer)

    assert score("Hezbollah fired Katyusha rockets at the Israeli army.") > 0.7
    assert score("Spain beat Germany in Berlin.") < 0.1
    assert score("") == 0.0


def events(text: str, language: Optional[str] = "en") -> list[EventMention]:
    readings = [read("text", text, language, COMPILED)]
    return find_events(readings, resolve(readings, COMPILED, SETTINGS.surname_min_chars), COMPILED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Israeli airstrikes hit Rafah.", [("airstrike", "airstrikes")], id="airstrike"),
        pytest.param("Gunmen ambushed a patrol.", [("attack", "Gunmen"), ("attack", "ambushed")], id="attack"),
        pytest.param("They were arrested after clashes.", [("arrest", "arrested"), ("clash", "clashes")], id="two"),
        pytest.param("Hamas fired rockets.", [("attack", "fired rockets")], id="with a weapon in it"),
        pytest.param("A cease-fire holds.", [("ceasefire", "cease-fire")], id="hyphen"),
        pytest.param("He died of a heart attack.", [], id="phrase that is no event"),
        pytest.param("The arrestor wire snapped.", [], id="inside a word"),
        pytest.param("The Abbas Combat Division in Iraq rested.", [], id="part of a name"),
    ],
)
def test_events_are_found_by_their_words(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(event.type, event.surface) for event in events(text)] == expected


def test_an_event_has_its_sentence_and_who_is_named_there() -> None:
    text = "Hamas spoke. Gen. Burhan said Hezbollah shelled Haifa in Israel.\n\nIran denied it."
    event = events(text)[0]
    assert text[event.sentence_start : event.sentence_end] == "Gen. Burhan said Hezbollah shelled Haifa in Israel."
    assert [id for id in event.entities if id != "abdel-fattah-al-burhan"] == ["hezbollah", "haifa", "israel"]


def test_events_are_read_in_languages_that_have_triggers() -> None:
    assert [event.type for event in events("The raid failed.", None)] == ["attack"]
    assert events("Der raid war vorbei.", "de") == []


@given(st.text(st.sampled_from("raid.! \n'\"clashU.S"), max_size=60))
def test_an_event_lies_in_its_sentence(text: str) -> None:
    starts = sentences(text)
    assert starts == sorted(set(starts))
    for event in events(text):
        assert event.sentence_start <= event.start < event.end <= event.sentence_end <= len(text)
        assert text[event.start : event.end] == event.surface


def test_one_automaton_serves_any_number_of_texts() -> None:
    assert isinstance(COMPILED, Compiled)
    assert found("Hamas") == found("Hamas") == [("Hamas", "hamas")]


def test_one_way_of_writing_may_be_two_names_by_what_follows_it() -> None:
    places = ("katyas", "katya-s")
    rows = {id: EntityRow(id, "place", id, *[""] * (len(ENTITY_FIELDS) - 3)) for id in places}
    names = [AliasRow(id, id.title(), ("en",), "name", frozenset(), "", "", "", "") for id in places]
    compiled = compile_gazetteer(Gazetteer(rows, names, [], "1"))
    for text, expected in (("near Katya's.", "katya-s"), ("near Katya'sʼ.", "katyas"), ("near Katya's.", "katya-s")):
        assert [mention.id for mention in tag([("text", text)], "en", compiled, SETTINGS)] == [expected]


def test_on_a_sports_page_cities_are_not_tagged() -> None:
    assert found("The striker and the goalkeeper left Istanbul.") == [("Istanbul", "istanbul")]
    assert found("The striker, the midfielder and the goalkeeper left Istanbul before halftime.") == []


def test_a_last_name_after_an_unknown_first_name_is_another_persons() -> None:
    assert found("The book by Ellen Kushner is out.") == []
    assert found("Talks with Kushner go on.") == [("Kushner", "jared-kushner")]
