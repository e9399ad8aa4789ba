"""The scrubber's promises, on texts written for this file."""

import pickle
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ConfigError
from transforms.scrub import Rules, load_rules, scrub
from transforms.scrub.characters import clean_characters
from transforms.scrub.leaked_code import split_code
from transforms.scrub.lines import classify
from transforms.scrub.rule_files import RuleFile

FOLDER = Path(__file__).parents[2] / "config" / "scrub"
RULES = load_rules(FOLDER)

FIRST = "The harbour authority closed the northern pier on Monday after divers found cracks in three of its pillars."
SECOND = "Fishermen said they had warned the city about the pillars for years, and asked who would pay for the repairs."
THIRD = "“We told them twice,” said one of them, who keeps his boat in the old basin next to the market."
BODY = [FIRST, SECOND, THIRD]
CLEAN = "\n\n".join(BODY)

CASES = [
    (language, entry.kind, text)
    for language, file in RULES.files.items()
    for entry in (*file.rule, *file.vocabulary)
    for text in entry.examples
]
COUNTER_CASES = [
    (language, entry.name, text)
    for language, file in RULES.files.items()
    for entry in (*file.rule, *file.vocabulary)
    for text in entry.counter_examples
]


@pytest.mark.parametrize(("language", "kind", "text"), CASES, ids=[f"{c[0]}-{c[2][:30]}" for c in CASES])
def test_every_rule_knows_its_examples(language: str, kind: str, text: str) -> None:
    match = classify(text, RULES, RULES.of(language))
    assert match is not None
    assert match.kind == kind


@pytest.mark.parametrize(
    ("language", "name", "text"), COUNTER_CASES, ids=[f"{c[0]}-{c[1]}-{c[2][:20]}" for c in COUNTER_CASES]
)
def test_every_rule_leaves_its_counter_examples(language: str, name: str, text: str) -> None:
    assert classify(text, RULES, RULES.of(language)) is None


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "Read our privacy policy before you join the conversation and share your comment."),
        ("fr", "En vous abonnant, vous acceptez nos cookies et nos conditions générales."),
    ],
)
def test_a_call_may_mix_the_words_of_several_vocabularies(language: str, line: str) -> None:
    assert classify(line, RULES, RULES.of(language)) is not None


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "He shared the video on Facebook on Monday."),
        ("en", "He did not leave a reply to the questions sent by e-mail."),
        ("en", "The account sends readers to a page where they can donate, the report says."),
        ("de", "Nutzern wird geraten, ihre Router zu aktualisieren."),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_what_somebody_did_with_such_words_is_no_call(language: str, line: str, place: int) -> None:
    text = "\n\n".join([*BODY[:place], line, *BODY[place:]])
    assert line in scrub(text, language, RULES).text


@pytest.mark.parametrize("line", ["Copyright law", "Provided by volunteers", "Read it in full", "Via text"])
def test_a_common_word_is_no_source(line: str) -> None:
    assert scrub(f"{FIRST}\n\n{SECOND}\n\n{line}\n\n{THIRD}", "en", RULES).source == ""


@pytest.mark.parametrize(
    ("sign", "source"),
    [
        ("(Reuters)", "Reuters"),
        ("— Bloomberg", "Bloomberg"),
        ("Source: Levant Wire", "Levant Wire"),
        ("(dpa/epd)", "dpa/epd"),
    ],
)
def test_what_signs_the_last_paragraph_is_a_source_and_the_paragraph_no_caption(sign: str, source: str) -> None:
    last = "The pier was built sixty years ago and carries the only road to the market."
    clean = scrub(f"{FIRST}\n\n{SECOND}\n\n{last} {sign}", "en", RULES)
    assert (clean.text, clean.source, list(clean.captions)) == (f"{FIRST}\n\n{SECOND}\n\n{last}", source, [])


@pytest.mark.parametrize("end", ["(he said)", "(Mara Lind)", "— and left", "One asked: why now?", "(2019)"])
def test_a_paragraph_that_ends_in_brackets_is_not_signed(end: str) -> None:
    text = f"{FIRST}\n\n{SECOND}\n\nThe pier was built sixty years ago and carries the only road to the market. {end}"
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(
    ("language", "line", "source"),
    [
        ("en", "Compiled from AP and Reuters reports.", "AP and Reuters"),
        ("de", "Erstmals erschienen in der Hafenzeitung.", "Hafenzeitung"),
        ("de", "Übernommen aus Der Standard", "Der Standard"),
        ("fr", "Publié à l'origine sur Port Presse.", "Port Presse"),
        ("tr", "Makalenin orijinali Liman Postası'nda yayınlanmıştır.", "Liman Postası"),
        ("ru", "Впервые опубликовано на сайте Медуза.", "Медуза"),
        ("ar", "هذا المقال مترجم عن الغارديان", "الغارديان"),
        ("fa", "برگردان از اشپیگل", "اشپیگل"),
        ("he", "המאמר פורסם במקור בHarbour Press", "Harbour Press"),
    ],
)
def test_a_source_is_what_a_frame_holds_at_the_foot(language: str, line: str, source: str) -> None:
    assert scrub(f"{CLEAN}\n\n{line}", language, RULES).source == source


def test_a_sentence_made_of_a_frame_stays_between_paragraphs() -> None:
    text = f"{FIRST}\n\n{SECOND}\n\nThe essay was first published by Harbour House and reprinted here.\n\n{THIRD}\n\n{FIRST[:60]}.\n\n{SECOND[:70]}."
    assert "Harbour House" in scrub(text, "en", RULES).text


def test_a_clean_text_comes_back_as_it_was() -> None:
    clean = scrub(CLEAN, "en", RULES)
    assert clean.text == CLEAN
    assert not clean.removals
    assert not clean.warnings


DIRTY = {
    "comment form": "Leave a comment\nYour email address will not be published.",
    "share bar": "Share on Facebook Twitter WhatsApp",
    "language picker": "Choose your language\nEnglish Français العربية",
    "script": "window.slots = window.slots || []; slots.push(function() { show('box-1'); });",
    "style sheet": ".box { margin: 0 auto; width: 300px; } .box img { max-width: 100%; }",
    "json": '{"@type": "NewsArticle", "headline": "Pier closed", "author": {"name": "M. Keller"}}',
    "template": "{{#if user.premium}} {{user.name}} {{/if}}",
    "teaser": "Read also: Storm leaves three villages without power",
    "copyright": "© 2023 Harbour Post. All rights reserved.",
    "cookies": "We use cookies to make this website better.\nAccept all",
    "stray word": "undefined",
    "tags": "Tags: harbour, fishing, repairs",
    "call to readers": "Please enter your display name before posting",
    "short codes": '[gallery ids="12,13,14"] [/caption]',
    "a label nobody listed": "Previously in the archive: Storm leaves three villages without power",
}


@pytest.mark.parametrize("residue", DIRTY.values(), ids=DIRTY.keys())
@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=["tight", "spaced"])
def test_residue_goes_and_the_paragraphs_stay(residue: str, gap: str) -> None:
    dirty = gap.join([FIRST, SECOND, residue, THIRD])
    assert scrub(dirty, "en", RULES).text == CLEAN
    assert scrub(gap.join([*BODY, residue]), "en", RULES).text == CLEAN


KEPT = {
    "prose that quotes code": "The note told him to type “if (level == 3) { stop(); }” into the box, a line he never understood.",
    "subheading": "A long way to the sea",
    "short quotation": "“Nobody came.”",
    "list": "What the divers found:\n\n- two cracked pillars\n\n- a rope of unknown origin",
    "prose with a telling word": "The subscribers of the old paper share a photo of the pier every year, and leave a comment beneath it.",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT.keys())
def test_what_only_looks_like_residue_stays(text: str) -> None:
    whole = "\n\n".join([FIRST, text, SECOND, THIRD])
    assert scrub(whole, "en", RULES).text == whole


def test_behind_a_comment_form_a_sentence_is_the_sites() -> None:
    said = "The gulls came back on Friday."
    form = "Leave a comment\nYour email address will not be published."
    assert scrub(f"{CLEAN}\n\n{form}\n{said}", "en", RULES).text == CLEAN
    assert scrub(f"{CLEAN}\n\nLeave a comment\n{said}", "en", RULES).text == f"{CLEAN}\n\n{said}"


def test_a_photo_credit_in_brackets_stays_whole_behind_a_full_stop() -> None:
    line = "People carry a net along the quay, Thursday, March 12, 2026. (AP Photo/Mara Keller)"
    picture = scrub(f"{FIRST}\n\n{SECOND}\n\n{line}\n\n{THIRD}", "en", RULES).pictures[0]
    assert picture == ("People carry a net along the quay, Thursday, March 12, 2026", "AP Photo/Mara Keller")


@pytest.mark.parametrize("agencies", ["dpa", "dpa/AFP"])
def test_two_places_an_agency_and_a_full_stop_are_one_dateline(agencies: str) -> None:
    clean = scrub(f"BEIRUT/TEL AVIV ({agencies}). {CLEAN}", "en", RULES)
    assert (clean.dateline, clean.text) == (f"BEIRUT/TEL AVIV ({agencies})", CLEAN)


@pytest.mark.parametrize("line", ["Photo: AP", "Photo: picture alliance/dpa | Mara Lind"])
def test_who_took_the_last_picture_is_no_source_of_the_text(line: str) -> None:
    clean = scrub(f"{CLEAN}\n\n{line}", "en", RULES)
    assert (clean.text, clean.source, len(clean.credits)) == (CLEAN, "", 1)


def test_damaged_characters_betray_the_title() -> None:
    title = "Pier closed after divers find cracks"
    assert scrub(f"{title}\n\n{CLEAN}", "en", RULES).title == ""
    assert scrub(f"{title}\n\n{CLEAN}".replace("“", "â€œ").replace("”", "â€\x9d"), "en", RULES).title == title


def test_a_long_list_of_names_above_a_text_stays() -> None:
    names = "\n".join(f"{first} Keller" for first in ("Mara", "Tom", "Jonas", "Lena", "Samir", "Anna", "Karim"))
    assert scrub(f"Share on Facebook\n\n{names}\n\n{CLEAN}", "en", RULES).text.startswith("Mara Keller")


def test_a_long_list_below_a_text_stays_where_furniture_has_begun() -> None:
    crew = [f"Boat {number} of the northern fleet" for number in range(1, 23)]
    text = "\n\n".join((CLEAN, "Source: Harbour Post", *crew))
    assert scrub(text, "en", RULES).text == "\n\n".join((CLEAN, *crew))
    assert scrub("\n\n".join((CLEAN, "Source: Harbour Post", *crew[:4])), "en", RULES).text == CLEAN


def test_an_office_with_a_number_signs_no_picture() -> None:
    line = "The mayor speaks on the quay - Basra Press Office 21"
    assert line in scrub(f"{FIRST}\n\n{SECOND}\n\n{line}\n\n{THIRD}", "en", RULES).text


def test_a_question_between_or_behind_arabic_paragraphs_stays() -> None:
    arabic = "أغلقت سلطة الميناء الرصيف الشمالي يوم الاثنين بعد أن عثر الغواصون على تشققات في ثلاثة من أعمدته الكبيرة."
    text = "\n\n".join((arabic, arabic[:-1] + " أمس.", arabic[:-1] + " اليوم.", "ماذا بعد؟"))
    assert scrub(text, "ar", RULES).text == text


def test_furniture_that_only_its_place_gives_away_betrays_the_title() -> None:
    clean = scrub(
        f"Pier Closed After Divers Find Cracks\n\n{CLEAN}\n\nMore of the harbour\n\nA week in pictures", "en", RULES
    )
    assert (clean.title, clean.text) == ("Pier Closed After Divers Find Cracks", CLEAN)


def test_the_head_of_a_text_becomes_fields() -> None:
    head = "2023-04-21 09:15:00 - From: Levant Wire\nPier Closed After Divers Find Cracks\nBoats in the old basin (Photo: Mara Lind/AFP)\n"
    clean = scrub(head + "BAGHDAD (Reuters) - " + CLEAN + "\n\nSource » jpost", "en", RULES)
    assert clean.text == CLEAN
    assert clean.title == "Pier Closed After Divers Find Cracks"
    assert clean.published_at == "2023-04-21T09:15:00"
    assert clean.outlet == "Levant Wire"
    assert clean.dateline == "BAGHDAD (Reuters)"
    assert clean.source == "jpost"
    assert list(clean.captions) == ["Boats in the old basin"]
    assert list(clean.credits) == ["Mara Lind/AFP"]


@pytest.mark.parametrize("line", ["BEIRUT (AFP)", "New York (AFP)", "السومرية نيوز/ البصرة"])
def test_a_dateline_may_stand_on_a_line_of_its_own(line: str) -> None:
    clean = scrub(f"Pier Closed After Divers Find Cracks\n{line}\n{CLEAN}\nLeave a Reply", "en", RULES)
    assert (clean.dateline, clean.title, clean.text) == (line, "Pier Closed After Divers Find Cracks", CLEAN)


@pytest.mark.parametrize("line", ["Kerry Adams, Reuters", "Mara Lind (AFP)", "Tom Arden / dpa"])
def test_a_byline_with_an_agency_is_no_dateline(line: str) -> None:
    clean = scrub(f"Pier Closed After Divers Find Cracks\n{line}\n{CLEAN}\nLeave a Reply", "en", RULES)
    assert (clean.dateline, clean.text) == ("", CLEAN)


def test_a_caption_above_its_credit_is_told_once_with_it() -> None:
    twice = "Boats lie in the old basin on Sunday\n" * 2
    clean = scrub(f"Pier Closed After Divers Find Cracks\n{twice}Photo: AFP/Mara Lind\n{CLEAN}", "en", RULES)
    assert clean.text == CLEAN
    assert [tuple(picture) for picture in clean.pictures] == [("Boats lie in the old basin on Sunday", "AFP/Mara Lind")]


def test_a_caption_told_again_above_its_credit_alone_is_one_picture() -> None:
    caption, credit = "Boats lie in the old basin on Sunday", "(photo credit: REUTERS/Mara Lind)"
    clean = scrub(f"{FIRST}\n{caption} {credit}\n{caption}\n{credit}\n{SECOND}\n{THIRD}", "en", RULES)
    assert clean.text == CLEAN
    assert [tuple(picture) for picture in clean.pictures] == [(caption, "REUTERS/Mara Lind")]


def test_divided_words_are_joined_in_a_text_of_unknown_language_that_shows_its_own() -> None:
    text = "Die Regie- rung hatte zunächst angekündigt, den Betrieb am Montag wieder auf- zunehmen, weil es so geplant war."
    assert (
        "Regierung hatte"
        in scrub(f"{text}\n\nEs ist noch nicht so weit, und das wird auch so bleiben.", None, RULES).text
    )


def test_a_doubled_caption_is_told_once() -> None:
    clean = scrub(f"Hadi Mansour\n\nHadi Mansour\n\n{CLEAN}", "en", RULES)
    assert (clean.text, list(clean.captions)) == (CLEAN, ["Hadi Mansour"])


def test_a_doubled_headline_under_a_label_at_the_end_is_no_caption() -> None:
    clean = scrub(f"{CLEAN}\n\nFreshly printed\n\nQuay delayed\n\nQuay delayed\n\nShare on Facebook", "en", RULES)
    assert (clean.text, list(clean.captions)) == (CLEAN, [])


def test_the_known_title_is_dropped_and_other_short_lines_stay() -> None:
    clean = scrub(f"Pier closed\n\nWhat happened\n\n{CLEAN}", "en", RULES, title="Pier closed")
    assert clean.text.endswith(CLEAN)
    assert "Pier closed" not in clean.text


@pytest.mark.parametrize("label", ["Read more", "Related content"])
def test_a_lone_line_under_a_label_goes_unless_the_paragraph_below_says_it_again(label: str) -> None:
    lines = [FIRST, SECOND, label, "Storm leaves villages in the hills without power", THIRD]
    assert scrub("\n".join(lines), "en", RULES).text == CLEAN
    heads = "What the fishermen told the city about pillars"
    assert (
        scrub("\n".join([FIRST, label, heads, SECOND, THIRD]), "en", RULES).text
        == f"{FIRST}\n\n{heads}\n\n{SECOND}\n\n{THIRD}"
    )


FOURTH = "The harbour master expects the divers back at the pier before the winter storms begin."
STRANGE = {
    "a label": "Catch-up: Bakers warn about flour shortage",
    "a label in brackets": "[Bonus] Volcano forces evacuation of two islands?",
    "a label of no language": "Qwerty uiop » Volcano forces evacuation of two islands",
    "a label above": "Fresh off the press\n\nBakers warn about flour shortage\n\nChess prodigy beats old champion",
}
FAMILIAR = {
    "what the text speaks of": "Pillars: divers found cracks under pier",
    "a sentence": "Nowadays: bakers warn about flour shortage.",
    "who speaks": "Anna Brook: Bakers warn about flour shortage\n\nAnna Brook: Chess prodigy beats old champion",
    "a question": "He asked: Who drew volcano maps for two islands?",
    "half a quotation": "Old wisdom\n\nBakers warn about flour shortage.”",
    "a short quotation": "“They had flour.”\n\nOld wisdom is what bakers sell",
    "a tip": "Tip 2: Volcano forces evacuation of islands",
    "a quotation and who said it": "Old wisdom\n\n“Bakers warn about flour shortage”",
    "a list": "Old wisdom\n\n- Bakers warn about flour shortage\n\n- Chess prodigy beats old champion",
}


@pytest.mark.parametrize("lines", STRANGE.values(), ids=STRANGE.keys())
def test_a_headline_of_which_the_text_does_not_speak_goes_with_its_label(lines: str) -> None:
    story = "\n\n".join([FIRST, SECOND, lines, THIRD, FOURTH])
    assert scrub(f"{story}\n\nShare on Facebook", "en", RULES).text == f"{CLEAN}\n\n{FOURTH}"
    assert scrub(story, "en", RULES).text == story  # advice, a fact box or verses, where nothing shows a page
    few = "\n\n".join([FIRST, lines, SECOND, "Share on Facebook"])
    assert scrub(few, "en", RULES).text == "\n\n".join([FIRST, lines, SECOND])


@pytest.mark.parametrize("lines", FAMILIAR.values(), ids=FAMILIAR.keys())
def test_a_line_that_may_be_of_the_text_stays(lines: str) -> None:
    text = "\n\n".join([FIRST, SECOND, lines, THIRD, FOURTH])
    assert scrub(text, "en", RULES).text == text


def test_what_stands_between_title_and_text_stays() -> None:
    title, lead = "Pier Closed After Divers Find Cracks", "Cracks found in pillars of northern pier"
    clean = scrub(f"{title}\n{lead}\n{CLEAN}\nLeave a Reply", "en", RULES)
    assert (clean.title, clean.subtitle, clean.text) == (title, "", f"{lead}\n\n{CLEAN}")


IN_ITS_PLACE = {
    "rows of a table": "\n".join(f"{month}/1/2021 +{month}.4%" for month in range(1, 9)),
    "a refrain": "\n".join(
        f"And what did you think then, when nobody came to look at the pillars for all those years?\nAnswer {n}: nothing."
        for n in range(3)
    ),
    "words that the article is about": "\n".join(
        f"The newsletter of week {n} went to the subscribers of the harbour's paper, and a clerk counted them all."
        for n in range(3)
    )
    + "\nNewsletter subscribers",
    "an item of a list whose others stay": "- Bring a warm coat\n- Register your account\n- Bring a lamp",
    "subheadings that name a page": "About\nThe pier was built by the grandfather of the present mayor, from timber of the old mill.\nFAQ",
    "an item of a list without signs": "Prices:\nA monthly subscription\nFree trial for a month\nThe catalogue:",
    "a sentence about placeholders": "Each entry holds <name>, <boat>, <pier> and <date>, the harbour authority wrote in its manual.",
    "a subheading before a line that is the article's": "FAQ\nMara Keller contributed to this article.\nWhy?",
    "code in a text about code": "\n".join(
        f"Step {n} of the course adds one line to the program, and the reader types it in.\nlet x{n} = document.getElementById('a{n}');"
        for n in range(1, 6)
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", IN_ITS_PLACE.values(), ids=IN_ITS_PLACE.keys())
def test_what_is_residue_only_elsewhere_stays(text: str) -> None:
    lines = [FIRST, SECOND, *text.split("\n"), THIRD, "The harbour opens again in May, unless the storms come early."]
    assert scrub("\n".join(lines), "en", RULES).text == "\n\n".join(lines)


CREDITED = {
    "in brackets": "Boats in the old basin on Sunday (Mara Lind/AFP)",
    "behind a bar": "Boats in the old basin on Sunday. | Mara Lind/AFP",
    "behind a dash": "Boats in the old basin on Sunday — Mara Lind/AFP",
    "behind a label": "Boats in the old basin on Sunday. Photo: Mara Lind/AFP",
    "from an archive": "FILE - Boats in the old basin on Sunday. (Mara Lind/AFP)",
    "on the next line": "Boats in the old basin on Sunday\nMara Lind/AFP",
    "behind a slash": "Boats in the old basin on Sunday / Mara Lind/AFP",
    "behind a hyphen": "Boats in the old basin on Sunday - Mara Lind/AFP",
    "behind a label alone": "Boats in the old basin on Sunday Photo: Mara Lind/AFP",
}


@pytest.mark.parametrize("lines", CREDITED.values(), ids=CREDITED.keys())
def test_a_caption_with_its_credit_becomes_a_picture(lines: str) -> None:
    clean = scrub(f"{FIRST}\n{SECOND}\n{lines}\n{THIRD}", "en", RULES)
    assert clean.text == CLEAN
    assert (list(clean.captions), list(clean.credits)) == (["Boats in the old basin on Sunday"], ["Mara Lind/AFP"])


@pytest.mark.parametrize(
    ("language", "line"),
    [
        *(("de", line) for line in ("Mehr Geld", "Der Pool")),
        *(("en", line) for line in ("Road Map", "Swimming Pool", "Petra", "NASA", "BBC News", "PROS/CONS")),
        *(("en", line) for line in ("Boat-Related Repairs", "Consent", "Task Store")),
        ("fa", "مهر ماه"),
        *(("fr", line) for line in ("Plus aucune chance", "Lire entre les lignes")),
    ],
)  # fmt: skip
def test_a_subheading_that_names_an_agency_or_furniture_stays(language: str, line: str) -> None:
    text = "\n\n".join((FIRST, SECOND, line, THIRD, "The harbour opens again in May, unless the storms come early."))
    assert scrub(text, language, RULES).text == text


def test_a_last_sentence_about_somebody_of_whom_the_text_tells_is_no_biography() -> None:
    told = "Maria Haddad, who lives above the basin, has kept its books for years and wrote down each crack she saw."
    bio = "Maria Haddad writes for the Harbour Post."
    assert scrub(f"{FIRST}\n\n{SECOND}\n\n{THIRD}\n\n{bio}", "en", RULES).text == CLEAN
    text = f"{told}\n\n{CLEAN}\n\n{bio}"
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(
    ("language", "told", "line"),
    [
        ("en", "Haddad's boat lay in the basin.", "Maria Haddad is a professor at the University of Baghdad."),
        ("de", "Hassans Boot lag im Becken.", "Ali Hassan ist Journalist bei der Zeitung in Bagdad."),
        ("ru", "Лодка Хасанова стояла в гавани.", "Али Хасанов — журналист газеты в Багдаде."),
        ("tr", "Hasan'ın teknesi havzada duruyordu.", "Ali Hasan Bağdat'ta bir gazetenin muhabiridir."),
    ],
)
def test_a_name_told_in_another_form_is_told(language: str, told: str, line: str) -> None:
    text = "\n\n".join((FIRST, SECOND, f"{told} {THIRD}", line))
    assert scrub(text, language, RULES).text == text


@pytest.mark.parametrize(
    ("language", "label", "lines"),
    [
        ("en", "Share", ["Who pays?", "Everybody who owns a house.", "How much?", "That depends on the town."]),
        ("en", "Advertisement", ["The blue room", "A clock without hands.", "The red room", "A bed made of salt."]),
        ("en", "Read more: Storm leaves thousands without power", ["And then?", "Nobody knows."]),
        ("de", "Teilen", ["Wer zahlt?", "Alle, die ein Haus haben.", "Wie viel?", "Das hängt von der Stadt ab."]),
        ("tr", "Paylaş", ["Kim ödüyor?", "Evi olan herkes.", "Ne kadar?", "Bu kente göre değişir."]),
        ("ar", "شارك", ["من يدفع؟", "كل من يملك بيتا في المدينة.", "كم؟", "هذا يعتمد على المدينة."]),
        ("fa", "اشتراک گذاری", ["چه کسی می‌پردازد؟", "هر کسی که خانه دارد.", "چقدر؟", "به شهر بستگی دارد."]),
        ("he", "שתפו", ["מי משלם?", "כל מי שיש לו בית.", "כמה?", "זה תלוי בעיר."]),
    ],
)
def test_what_a_short_sentence_answers_stays_where_furniture_has_begun(
    language: str, label: str, lines: list[str]
) -> None:
    clean = scrub("\n\n".join([*BODY, label, *lines, "Storm leaves thousands without power"]), language, RULES)
    assert clean.text == "\n\n".join([*BODY, *lines])


@pytest.mark.parametrize(
    ("language", "told", "line"),
    [
        (
            "en",
            "Omar Jalil, the editor, said that readers came first.",
            "Omar Jalil is a journalist and was born in Leeds.",
        ),
        ("ru", "Главное — читатели, говорит редактор Анна Маршак.", "Анна Маршак — журналистка, родилась в Туле."),
    ],
)
def test_who_is_named_in_a_short_paragraph_is_told_of(language: str, told: str, line: str) -> None:
    text = "\n\n".join([FIRST, told, line])
    assert scrub(text, language, RULES).text == text


REPORTERS = [
    f"{name} is a reporter for Harbour Press." for name in ("Mara Keller", "Tom Arden", "Lina Hadad", "Paul Greene")
]


@pytest.mark.parametrize(
    "text",
    [
        ["The jury named its winners.", *REPORTERS, "Each gets a lamp."],
        [FIRST, *REPORTERS, SECOND],
        [FIRST, SECOND, REPORTERS[0], THIRD],
        [FIRST, "Sarah Haddad is a senior fellow at Chatham House. She gives the truce three weeks, not more.", SECOND],
    ],
)
def test_people_introduced_between_sentences_are_whom_the_text_is_about(text: list[str]) -> None:
    assert scrub("\n\n".join(text), "en", RULES).text == "\n\n".join(text)


@pytest.mark.parametrize("text", [[*BODY, *REPORTERS], [FIRST, "Share", REPORTERS[0], "Follow us on Facebook", SECOND]])
def test_people_introduced_below_the_text_or_beside_furniture_are_its_authors(text: list[str]) -> None:
    assert "reporter" not in scrub("\n\n".join(text), "en", RULES).text


def test_facts_at_the_end_of_a_text_stay_where_furniture_has_begun() -> None:
    facts = "Where: the old harbour\n\nWhen: Friday at noon\n\nEntry: free"
    text = f"{CLEAN}\n\nSource: Harbour Post\n\n{facts}"
    assert scrub(text, "en", RULES).text == f"{CLEAN}\n\n{facts}"


def test_a_refrain_is_no_doubled_caption() -> None:
    song = "\n\n".join(("Boats come home", "Boats come home", "when the wind has gone", "Boats come home"))
    text = f"{FIRST}\n\n{SECOND}\n\n{song}\n\n{THIRD}"
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(
    ("language", "note", "source"),
    [
        ("en", "Tom Arden contributed to this report.", ""),
        ("en", "Tom Arden can be reached at tarden@harbour.example.", ""),
        ("en", "This story was first published by Harbour News.", "Harbour News"),
        ("de", "Erstmals erschienen in der Hafenzeitung.", "Hafenzeitung"),
    ],
)
def test_a_sentence_on_how_the_article_came_about_stays_where_nothing_else_shows_a_page(
    language: str, note: str, source: str
) -> None:
    title = "Pier closed after divers find cracks"
    alone = scrub(f"{title}\n\n{CLEAN}\n\n{note}", language, RULES)
    assert (alone.text, alone.source) == (f"{title}\n\n{CLEAN}\n\n{note}", source)
    signed = f"Mara Lind, Harbour University\n\n{CLEAN}\n\n{note}"
    assert scrub(signed, language, RULES).text == signed
    beside = scrub(f"{title}\n\nShare on Facebook\n\n{CLEAN}\n\n{note}", language, RULES)
    assert (beside.text, beside.source) == (CLEAN, source)


@pytest.mark.parametrize("line", ["Tom Arden is a reporter covering energy for Harbour News.", "Source: Levant Wire"])
def test_a_biography_and_a_source_that_is_no_sentence_go_from_any_text(line: str) -> None:
    assert scrub(f"{CLEAN}\n\n{line}", "en", RULES).text == CLEAN


def test_a_lone_address_below_a_text_without_furniture_stays() -> None:
    text = f"{CLEAN}\n\nThe divers' report: https://harbour.example/report"
    assert scrub(text, "en", RULES).text == text


def test_a_first_paragraph_that_tells_nothing_of_the_title_is_no_subtitle() -> None:
    title, first = "Who pays for the repairs of the old basin?", FIRST.replace("closed", "has closed")
    clean = scrub(f"{title}\nShare on Facebook\n{first}\n{CLEAN}\n{SECOND[:60]}.", "en", RULES)
    assert (clean.title, clean.subtitle) == (title, "")
    told = scrub(f"Northern pier closed after divers found cracks\nShare on Facebook\n{first}\n{CLEAN}", "en", RULES)
    assert told.subtitle == first


def test_an_office_that_no_list_knows_may_sign_a_picture() -> None:
    clean = scrub(f"TRA via Meridian Pictures\n\n{CLEAN}", "en", RULES)
    assert (clean.text, list(clean.credits)) == (CLEAN, ["TRA via Meridian Pictures"])


@pytest.mark.parametrize("credit", ["picture alliance / dpa", "Mara Lind", "Mara Lind | Reuters", "iStockphoto"])
def test_who_may_sign_a_picture(credit: str) -> None:
    clean = scrub(f"{FIRST}\n{SECOND}\nBoats lying in the old basin | {credit}\n{THIRD}", "en", RULES)
    assert (clean.text, list(clean.credits)) == (CLEAN, [credit])


@pytest.mark.parametrize(
    ("line", "caption", "credit"),
    [
        (
            "Shoppers walk past a ruined bank in this picture (Mara Lind)",
            "Shoppers walk past a ruined bank in this picture",
            "Mara Lind",
        ),
        (
            "The mayor speaks on the quay [Basra Governor's Press Office]",
            "The mayor speaks on the quay",
            "Basra Governor's Press Office",
        ),
        ("Boats lie in the basin / X/@harbour", "Boats lie in the basin", "X/@harbour"),
        ("امرأة تبيع الخبز في السوق - Mara Lind", "امرأة تبيع الخبز في السوق", "Mara Lind"),
        ("Photo AP/Mara Lind", "", "AP/Mara Lind"),
    ],
    ids=["bracket", "office", "account", "script", "label-without-colon"],
)
def test_a_name_without_an_agency_signs_what_tells_of_a_scene(line: str, caption: str, credit: str) -> None:
    clean = scrub(f"{FIRST}\n{SECOND}\n{line}\n{THIRD}", "en", RULES)
    assert (clean.text, "".join(clean.captions), "".join(clean.credits)) == (CLEAN, caption, credit)


@pytest.mark.parametrize(
    "line",
    [
        "Bottled gas (Carbon Monoxide)",
        "A dive led by Capt. Mara Lind.",
        "[The Lantern]",
        "(Harbour University)",
        "A talk on the [BLUE BASIN].",
        "The soldiers left the town at dawn. Thank God",
        "The ship left the harbour before the storm. Captain Ahab",
        "All the schools in the north are closed (Education Ministry)",
        "Hospitals are out of fuel and bandages [World Health Organization Office]",
        "She names the dead children one by one (Holy Mary)",
        "(Islamic State)",
        "(Second World War)",
        "Old gadgets are recycled by hand, said the Environmental Protection Agency (EPA).",
        "Sie sprach am Montag mit dem Evangelischen Pressedienst (epd)",
    ],
)
@pytest.mark.parametrize("last", [False, True], ids=["between", "last"])
def test_what_only_ends_with_a_name_is_no_caption(line: str, last: bool) -> None:
    lines = (FIRST, SECOND, THIRD, line) if last else (FIRST, SECOND, line, THIRD)
    clean = scrub("\n\n".join(lines), "en", RULES)
    assert line in clean.text or (last and line[0] != "(" and line[-1] != ".")
    assert not clean.credits
    assert not clean.source


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "He tells it all in a photo: Ali Hassan"),
        ("de", "Sie zeigt ein Foto: Ali Hassan"),
        ("fr", "Elle tient une photo : Karim Saleh"),
        ("es", "Muestra una foto: Karim Saleh"),
        ("tr", "Elinde bir fotoğraf: Ali Hasan"),
        ("ru", "Она держит фото: Али Хасан"),
        ("he", "היא מחזיקה תמונה: דני כהן"),
    ],
)
def test_a_sentence_that_ends_with_a_picture_is_no_caption(language: str, line: str) -> None:
    assert classify(line, RULES, RULES.of(language)) is None


@pytest.mark.parametrize(("language", "line"), [("fa", "– چه ساعتي؟"), ("fa", "– صدایم را می‌شنوی."), ("en", "— Mara!")])
def test_what_somebody_says_on_the_last_line_is_no_signature(language: str, line: str) -> None:
    clean = scrub(f"{CLEAN}\n\n{line}", language, RULES)
    assert (clean.text, clean.source) == (f"{CLEAN}\n\n{line}", "")


@pytest.mark.parametrize(
    "line",
    [
        "By 1563, the population of the town had dropped to some thousand people.",
        "By Monday, the troops had left the town and the harbour.",
    ],
)
def test_a_sentence_that_opens_a_text_as_a_byline_does_is_its_own(line: str) -> None:
    text = f"{line}\n\n{CLEAN}"
    assert scrub(text, "en", RULES).text == text


def test_a_label_in_a_capital_or_an_agency_ends_a_caption_without_a_sign() -> None:
    for line in ("Smoke over the port Photo: Ali Hassan", "Rauch über dem alten Hafen Foto: dpa"):
        assert classify(line, RULES, RULES.of("de")) is not None


def test_arabic_agencies_set_a_long_letter_for_a_dash() -> None:
    rest = "حذرت وزارة الموارد المائية يوم الأربعاء من تراجع جديد في مناسيب الخزانات الرئيسية."
    assert scrub(f"دمشق ـ سانا ـ {rest}\n\n{rest} وقالت إن الموسم جاف.", "ar", RULES).dateline == "دمشق ـ سانا"


DATELINES = {
    "BEIRUT, Lebanon (AP) — ": "BEIRUT, Lebanon (AP)",
    "(CNN) — ": "(CNN)",
    "TEHRAN: ": "TEHRAN",
    "QUETTA: ": "QUETTA",
    "Levant Wire/ ": "Levant Wire",
    "DAMASCUS, Nov. 14 (Reuters) -- ": "DAMASCUS, Nov. 14 (Reuters)",
    "Berlin (dpa) - ": "Berlin (dpa)",
    "Berlin/dpa – ": "Berlin/dpa",
    "BEIRUT / Levant Wire - ": "BEIRUT / Levant Wire",
    "(AFP) Tel Aviv - ": "(AFP) Tel Aviv",
    "GENEVA, dpa – ": "GENEVA, dpa",
    "AFP - Ankara: ": "AFP - Ankara",
    "Tel Aviv, Nov 3, ANSA - ": "Tel Aviv, Nov 3, ANSA",
    "БЕЙРУТ, 3 ноября. /ТАСС/. ": "БЕЙРУТ, 3 ноября. /ТАСС/",
    "Bagdad, 3 nov (EFE).- ": "Bagdad, 3 nov (EFE)",
    "Levant Wire – BASRA: ": "Levant Wire – BASRA",
    "Ankara: ": "Ankara",
    "Deir Ezzor – ": "Deir Ezzor",
    "Lake Torrin – ": "Lake Torrin",
    "Torrin, Moravia – ": "Torrin, Moravia",
    "The Cedar Times - ": "The Cedar Times",
    "Mara Lind (Reuters) - ": "Mara Lind (Reuters)",
    "Beirut/Damascus: ": "Beirut/Damascus",
    "BERLIN taz | ": "BERLIN taz",
    "Beyrouth (Liban) (AFP) – ": "Beyrouth (Liban) (AFP)",
}


@pytest.mark.parametrize(("opening", "dateline"), DATELINES.items(), ids=DATELINES.values())
def test_a_dateline_is_told_by_its_form(opening: str, dateline: str) -> None:
    clean = scrub(opening + CLEAN, "en", RULES)
    assert (clean.dateline, clean.text) == (dateline, CLEAN)


@pytest.mark.parametrize(
    "opening",
    [
        "The mayor – a former fisherman – said ",
        "UPDATE: ",
        "“No”, he said: ",
        "In 2019 (and again in 2021) - ",
        "Harbour.Net - ",
        "In May, the AFP, ",
        "World Cup 2022 – ",
        "BROKEN PILLARS: ",
        "Analysis – ",
        "HARBOUR: ",
        "Angela Merkel – ",
        "Mara Lind (MEP) – ",
    ],
    ids=[
        *("an aside", "a label", "a quotation", "a remark", "a site", "a clause", "a name with a number"),
        *("a label of two words", "a label in small letters", "a word of the text"),
        *("a person", "a person of a party"),
    ],
)
def test_the_first_words_of_a_sentence_are_no_dateline(opening: str) -> None:
    assert not scrub(opening + CLEAN, "en", RULES).dateline


@pytest.mark.parametrize(
    ("language", "opening", "dateline"),
    [
        ("de", "Bagdad. Die Hafenbehörde schloss den Pier.", "Bagdad"),
        ("tr", "Bağdat. Liman idaresi iskeleyi dün kapattı.", "Bağdat"),
        ("en", "Paris. The harbour authority closed the pier.", ""),
        ("en", "Paris: That is what she called her daughter.", ""),
        ("de", "Paris. So heißt ihre Tochter.", ""),
        ("de", "Berlin. Das Hafenamt schloss den Pier.", "Berlin"),
        ("de", "London. Paris. Moskau. Die Reise endete am Pier.", ""),
        ("en", "HAMAS: The harbour authority closed the pier.", ""),
        ("en", "GAZA WAR: The harbour authority closed the pier.", ""),
        ("en", "BASRA: The harbour authority closed the pier.", "BASRA"),
    ],
)
def test_a_mere_stop_or_colon_ends_a_dateline_only_behind_a_known_place_where_news_is_written_so(
    language: str, opening: str, dateline: str
) -> None:
    assert scrub(f"{opening}\n\n{CLEAN}", language, RULES).dateline == dateline


@pytest.mark.parametrize(
    ("language", "name"), [("ar", "أنجيلا ميركل"), ("fa", "آنگلا مرکل"), ("he", "אנגלה מרקל"), ("ru", "Ангела Меркель")]
)
def test_a_persons_name_before_a_dash_is_no_dateline_in_any_script(language: str, name: str) -> None:
    assert not scrub(f"{name} - {CLEAN}", language, RULES).dateline


def test_those_who_speak_in_turns_are_no_places() -> None:
    text = f"KELLER: {FIRST}\n\nHADDAD: {SECOND}\n\nKELLER: {THIRD}"
    assert scrub(text, "en", RULES).text == text


def test_lines_of_one_width_tell_where_spaces_were_lost_and_brands_stay() -> None:
    paragraphs = [
        " ".join(
            [FIRST, SECOND, "The makers of SkyWatchPro and AirBaltic did not answer the questions of the newspaper."]
        ),
        " ".join(
            [THIRD, SECOND, "Nobody at the town hall could say who had written the letter about the seabed today."]
        ),
        " ".join(
            [SECOND, FIRST, "He took the everyday route along the shore, and came back with a bag of old papers."]
        ),
    ]
    glued = "\n\n".join("".join(textwrap.wrap(text, 72, break_on_hyphens=False)) for text in paragraphs)
    assert scrub(glued, "en", RULES).text == "\n\n".join(paragraphs)


REPAIRS = {
    "entities": ("It&rsquo;s their harbour, and the city &amp; its council know it very well indeed, they said.", "It’s their harbour, and the city & its council know it very well indeed, they said."),
    "tags": ('The <em>old</em> pier is <a href="/p">closed</a>,<br /> and the new one is not built yet, they said.', "The old pier is closed, and the new one is not built yet, they said."),
    "mojibake": ("The harbourâ€™s old cafÃ© was closed as well, and nobody could say when it would open.", "The harbour’s old café was closed as well, and nobody could say when it would open."),
    "invisible characters": ("The har\u00adbour\u00a0was closed\u200b on Monday, and nobody could say when it would open.", "The harbour was closed on Monday, and nobody could say when it would open."),
    "divided words": ("The govern- ment closed the pre- and post-war piers of the har- bour on Monday evening.", "The government closed the pre- and post-war piers of the harbour on Monday evening."),
    "broken sentence": ("The harbour authority closed the northern pier on Monday after\ndivers found cracks in three of its pillars.", FIRST),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "good"), REPAIRS.values(), ids=REPAIRS.keys())
def test_damage_is_mended(bad: str, good: str) -> None:
    assert scrub(f"{SECOND}\n\n{bad}\n\n{THIRD}", "en", RULES).text == f"{SECOND}\n\n{good}\n\n{THIRD}"


GLUED = """The harbour authority closed thenorthern pier on Monday after divers foundcracks in three of its pillars.

Fishermen said they hadwarned the city aboutthe pillars for years, and asked who wouldpay for the repairs to
be done beforewinter.

One of them, who keeps hisboat in the old basin nextto the market, said theKaram family had left,and that YouTube,
McDonald and #SaveOurPier at https://pier.example.org/petition stay as theywere."""


@pytest.mark.parametrize(
    ("language", "label", "tags"),
    [
        ("en", "Topics", ["Gaza", "Waterways"]),
        ("de", "Themen:", ["Israel", "Waffenruhe"]),
        ("fr", "Rubrique", ["Israël"]),
    ],
)
def test_tags_on_lines_of_their_own_go_with_their_label_below_the_text_only(
    language: str, label: str, tags: list[str]
) -> None:
    assert scrub("\n\n".join([*BODY, label, *tags]), language, RULES).text == CLEAN
    amid = "\n\n".join([FIRST, SECOND, label, *tags, THIRD])
    assert scrub(amid, language, RULES).text == amid


@pytest.mark.parametrize(
    "text",
    [
        "Il parle de « liberté\u00a0» et de paix.",
        "È\u00a0“libero”, dice.",
        "Non sa perché\u00a0…",
        "la ligne à\u00a0«\u00a0Libé\u00a0»",
    ],
)
def test_a_letter_with_accent_before_a_fixed_space_and_a_sign_is_no_mojibake(text: str) -> None:
    assert clean_characters(text) == text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "text", ["liberté", "Größe", "это правда", "هذا خبر", "हिन्दी समाचार", "北京的新闻", "“quoted”"]
)
def test_utf_8_that_was_read_as_one_byte_encoding_is_read_right(text: str) -> None:
    misread = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())
    assert clean_characters(misread) == text


def test_a_label_above_the_last_lines_takes_the_biography_below_it() -> None:
    told = "Tom Arden spent his life in three harbours and two wars, and nothing else was ever said of him in the town."
    assert scrub("\n\n".join([*BODY, "About the author", told]), "en", RULES).text == CLEAN
    amid = "\n\n".join([FIRST, SECOND, "About the author", THIRD, told])
    assert scrub(amid, "en", RULES).text == amid
    unnamed = "\n\n".join([FIRST, SECOND, "About the author", THIRD])
    assert scrub(unnamed, "en", RULES).text == unnamed


@pytest.mark.parametrize("times", [4, 6, 10])
def test_a_short_refrain_above_the_text_is_neither_title_nor_caption(times: int) -> None:
    text = "\n\n".join(["Never again!"] * times + BODY)
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize("sign", [" (AFP)", " AFP", " (Reuters)"])
def test_what_an_agency_tells_in_the_middle_of_a_text_is_no_caption(sign: str) -> None:
    text = "\n\n".join([FIRST, SECOND + sign, THIRD])
    assert scrub(text, "en", RULES).text == text


def test_what_somebody_says_is_no_call() -> None:
    text = "\n\n".join([FIRST, "Sign up for our newsletter, the guide told the stranded drivers.", SECOND, THIRD])
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(
    "items",
    [["- Facebook", "- WhatsApp", "- Instagram"], ["Name", "Email", "Website"], ["Arabic", "English", "French"]],
)
def test_a_list_that_a_sentence_announces_stays_whatever_its_items_are(items: list[str]) -> None:
    text = "\n\n".join([FIRST, "The form asks for these things:", *items, SECOND, THIRD])
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(("line", "language"), [("24.11.2026, 18.05 Uhr", "de"), ("24 novembre 2026, 18h05", "fr")])
def test_a_time_is_no_outlet(line: str, language: str) -> None:
    clean = scrub("\n\n".join([line, *BODY]), language, RULES)
    assert (clean.outlet, clean.source, (clean.published_at or "")[:10]) == ("", "", "2026-11-24")


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "Published: 24 November 2026, 18:05"),
        ("en", "Updated - 24 November 2026"),
        ("en", "Posted: 24 November 2026"),
        ("en", "Basra - 24 November 2026"),
        ("de", "Aktualisiert: 24. November 2026"),
        ("de", "Stand: 24.11.2026, 18:05 Uhr"),
        ("tr", "Güncelleme: 24 Kasım 2026"),
        ("tr", "Yayınlanma: 24.11.2026 18:05"),
        ("ru", "Обновлено: 24 ноября 2026"),
        ("es", "Actualizado: 24 de noviembre de 2026"),
        ("es", "Basora - 24 NOV 2026"),
        ("fr", "Publié : 24 novembre 2026"),
        ("it", "Aggiornamento: 24.11.2026"),
        ("he", "פורסם: 24.11.2026"),
        ("ar", "آخر تحديث: 24/11/2026"),
        ("ar", "نشر في: 24/11/2026"),
        ("ar", "تاريخ النشر: 24/11/2026"),
        ("fa", "تاریخ انتشار: 24/11/2026"),
    ],
)
def test_a_word_or_place_beside_a_date_is_no_outlet(language: str, line: str) -> None:
    clean = scrub("\n\n".join([line, *BODY]), language, RULES)
    assert (clean.text, clean.outlet, clean.published_at) == (CLEAN, "", "2026-11-24")


@pytest.mark.parametrize("line", ["Levant Wire - 24 November 2026", "24 November 2026 - Levant Wire"])
def test_a_name_beside_a_date_is_the_outlet(line: str) -> None:
    clean = scrub("\n\n".join([line, *BODY]), "en", RULES)
    assert (clean.text, clean.outlet, clean.published_at) == (CLEAN, "Levant Wire", "2026-11-24")


@pytest.mark.parametrize("opening", ["Monday – The alarm", "Lundi – The alarm", "Hassan (45) – The baker"])
def test_a_day_and_somebodys_age_are_no_datelines(opening: str) -> None:
    text = "\n\n".join(
        [f"{opening} of the old harbour rang at five, and nobody on the northern pier got up for it.", *BODY]
    )
    assert scrub(text, "en", RULES).text == text


def test_block_tags_end_lines() -> None:
    assert clean_characters("<p>One.</p><p>Two.</p>").split() == ["One.", "Two."]


def test_an_english_button_in_a_text_of_another_language_goes() -> None:
    german = [
        "Die Hafenbehörde hat am Montag die nördliche Mole gesperrt, nachdem Taucher Risse in drei Pfeilern fanden.",
        "Fischer sagten, sie hätten die Stadt seit Jahren vor den Pfeilern gewarnt und fragten, wer das bezahle.",
        "Der Bürgermeister versprach am Abend, die Mole bis zum Winter auszubessern, und nannte keine Summe dafür.",
    ]
    assert scrub("\n\n".join([*german[:2], "Search", german[2]]), "de", RULES).text == "\n\n".join(german)


@pytest.mark.parametrize(
    "line", ['[gallery ids="4,5,6"]', "[embed]https://video.example/watch?v=1[/embed]", "<!-- wp:image -->"]
)
def test_shortcodes_and_comments_of_content_systems_go(line: str) -> None:
    assert scrub(f"{FIRST}\n\n{line}\n\n{SECOND}\n\n{THIRD}", "en", RULES).text == CLEAN


def test_what_a_transcript_notes_in_square_brackets_stays() -> None:
    text = f"{FIRST}\n\n[applause]\n\n{SECOND}\n\n{THIRD}"
    assert scrub(text, "en", RULES).text == text


def test_a_list_that_ends_a_text_stays_under_a_heading_that_is_no_label_of_tags() -> None:
    text = "\n\n".join([*BODY, "The three ports that stay open:", "Basra", "Umm Qasr", "Khor al-Zubair"])
    assert scrub(text, "en", RULES).text == text


def test_a_title_that_stands_twice_is_told_although_nothing_else_shows_a_page() -> None:
    title = "Who pays for the northern pier?"
    clean = scrub("\n\n".join([title, title, *BODY]), "en", RULES)
    assert (clean.title, clean.text) == (title, CLEAN)


def test_glued_words_are_parted_and_names_links_and_hashtags_stay() -> None:
    text = scrub(GLUED, "en", RULES).text
    for pair in ("the northern", "found cracks", "had warned", "about the", "would pay", "before winter", "his boat"):
        assert pair in text
    for pair in ("next to", "the Karam", "left, and", "they were"):
        assert pair in text
    for whole in ("YouTube", "McDonald", "#SaveOurPier", "https://pier.example.org/petition"):
        assert whole in text


GLUED_SIGNS = {
    "a closed quotation": ("en", 'He called it a "waste",and foundcracks in the pillar.', 'a "waste", and found'),
    "a quotation that was not closed": ("en", 'He said "it is shut and left. "If you wait, it is gone."Keller laughed.', 'gone." Keller'),
    "a German compound behind a small word": ("de", "Der Plan desHafenzollverwaltungsamts war neu.", "des Hafenzollverwaltungsamts"),
    "a dash that a text writes as a hyphen": ("en", "The pier - it was old - had two ends -which all knew - and foundcracks.", "ends - which all"),
    "a part of a word in brackets": ("en", "The (neuro)science of fear, as hehad read, foundcracks in it.", "(neuro)science"),
    "French quotation marks": ("fr", "Le « port », le « quai », la « digue », le « phare »,disait-il, et le « mur», toutest fermé.", "« mur », tout"),
    "Russian endings of names": ("ru", "Султану Ибрагиму сказали, что Ибрагим и Ибрагим уже ушли.", "Султану Ибрагиму"),
}  # fmt: skip


@pytest.mark.parametrize(("language", "line", "good"), GLUED_SIGNS.values(), ids=GLUED_SIGNS.keys())
def test_signs_in_a_glued_text_keep_their_place(language: str, line: str, good: str) -> None:
    glued = {
        "en": GLUED,
        "fr": "Le maire a ditque les habitantsdemandent une réponse, que lesbateaux partaient, et que la villesera seule ceprintemps, ou lesuivant.",
        "de": "Die Stadt sagtedass der Hafenzu sei, undviele kamenaus demHaus, weil siewissen wolltenwas dortwar, aberniemand sprachmit ihnen.",
        "ru": "Рыбаки сказаличто лодки стоятв порту, новсе двериоткрыты, апотом ониушли домой безслов.",
    }
    assert good in scrub(f"{line}\n\n{glued[language]}", language, RULES).text


GLUED_LANGUAGES = {
    "Turkish endings": ("tr", "Belediye başkanı, limanın kuzeyindeki iskelenin güvenlik nedeniyle kapatıldığını ve onarım çalışmalarının önümüzdeki hafta başlayacağını söyledi. Balıkçılar ise Ankara'daki bakanlıktan yıllardır yardım beklediklerini, ancak kimsenin kendilerini dinlemediğini anlattı. Kentte yaşayanlar, iskelenin çocukluklarından beri orada durduğunu ve yenisinin yapılmasını istemediklerini belirtti. Meclis üyeleri konuyu gelecek toplantıda görüşecek, kararın ardından çalışmalara hemen başlanacak. Uzmanlar, sütunlardaki çatlakların deniz suyundan kaynaklandığını düşünüyor ve yeni bir araştırma yapılmasını öneriyor."),
    "Hebrew abbreviations": ("he", 'ראש העירייה אמר כי המזח הצפוני של הנמל נסגר בגלל סדקים שהתגלו בעמודים וכי העבודות יתחילו בשבוע הבא. הדייגים סיפרו כי הזהירו את העירייה במשך שנים, אבל אף אחד לא רצה לשמוע אותם. מנכ"ל הנמל אמר כי המזח החדש ייבנה בתוך שנה, וכי הכסף יגיע מתקציב המדינה. תושבי העיר אמרו כי המזח עומד שם מאז שהיו ילדים, והם אינם רוצים לראות אותו נהרס. חברי המועצה ידונו בנושא בישיבה הבאה, ומיד לאחר ההחלטה יתחילו העבודות בשטח.'),
}  # fmt: skip


@pytest.mark.parametrize(("language", "text"), GLUED_LANGUAGES.values(), ids=GLUED_LANGUAGES.keys())
def test_lines_of_one_width_are_parted_in_languages_with_long_words(language: str, text: str) -> None:
    glued = "".join(textwrap.wrap(text, 60, break_on_hyphens=False))
    clean = scrub(glued, language, RULES).text.split()
    lost = len(set(text.split()) - set(glued.split()))
    assert len(set(text.split()) - set(clean)) <= 0.1 * lost
    assert scrub(text, language, RULES).text == text


def test_a_language_without_a_list_of_words_is_not_judged_by_its_neighbours() -> None:
    text = (
        "Şaredarê bajêr got ku benderajibo ewlehiyê hatiyegirtin û xebatênnûkirinê wêhefteya bê destpêbikin ji boxelkê."
    )
    assert scrub(f"{text}\n\n{text[::-1]}", "ku", RULES).text == f"{text}\n\n{text[::-1]}"


def test_one_odd_word_does_not_make_a_text_glued() -> None:
    text = CLEAN + "\n\nHe called it theKaram pier, and everybody in the harbour knew what he meant by that."
    assert scrub(text, "en", RULES).text == text


@pytest.mark.parametrize(
    ("language", "line", "below"),
    [
        ("ko", "다음 달 일심 선고 후 노선 변화 가능성 커져", "항만 당국은 월요일 북쪽 부두를 폐쇄했으며 잠수부들이 기둥에서 균열을 발견했다고 밝혔다."),
        ("ar", "ما الذي قاله الصيادون عن أعمدة الرصيف قبل عام", "أغلقت سلطة الميناء الرصيف الشمالي يوم الاثنين بعد أن وجد الغواصون شقوقا في ثلاثة من أعمدته."),
        ("en", "The pier that nobody wanted to repair", "(and why the city paid for it all the same)"),
    ],
)  # fmt: skip
def test_a_subheading_is_no_half_of_a_sentence(language: str, line: str, below: str) -> None:
    text = "\n\n".join((FIRST, line, below, SECOND))
    assert scrub(text, language, RULES).text == text


@pytest.mark.parametrize("text", [GLUED, CLEAN, *DIRTY.values(), *(bad for bad, _ in REPAIRS.values())])
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrub(f"Pier Closed\n\n{FIRST}\n{text}\n\n{THIRD}\nMost read\nStorm hits the coast", "en", RULES).text
    assert scrub(once, "en", RULES).text == once


PARTS = [
    *BODY,
    *(line for dirt in DIRTY.values() for line in dirt.split("\n")),
    *(line for text in KEPT.values() for line in text.split("\n") if line),
    "Pier Closed After Divers Find Cracks",
    "BEIRUT, Lebanon (AP) — The pier was closed on Monday, the harbour authority said in a short statement.",
    "BAGHDAD (Reuters) - LONDON: Nobody would say on Monday who had built the pier, or when it was last looked at.",
    "The harbour authority, which closed the northern pier on Monday, and which",
    "has never said who built it, will look at the other piers before the winter storms begin.",
    "Boats in the old basin (Photo: Mara Lind/AFP)",
    "Mara Lind",
    "Tom Arden contributed to this report.",
    "Related stories",
    "Storm hits the coast",
    "By Mara Lind",
    "March 5, 2024",
    "Comments (12)",
    "{",
    "}",
    "The page says what it sells in a few lines that search engines are meant to read:",
    '"name": "Pier",',
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=14))
def test_whatever_lines_meet_scrubbing_twice_is_scrubbing_once(lines: list[str]) -> None:
    once = scrub("\n".join(lines), "en", RULES).text
    assert scrub(once, "en", RULES).text == once


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(RULES.files)),
    st.lists(st.sampled_from([text for _, _, text in CASES + COUNTER_CASES]), max_size=8),
    st.lists(st.integers(0, 7), min_size=3, max_size=3),
)
def test_in_every_language_order_is_kept_and_nothing_is_invented(
    language: str, lines: list[str], places: list[int]
) -> None:
    for place, paragraph in zip(sorted(places), BODY, strict=True):
        lines.insert(place, paragraph)
    once = scrub("\n".join(lines), language, RULES).text
    assert scrub(once, language, RULES).text == once
    rest = iter(" ".join(lines).split())
    assert all(word in rest for word in once.split())


def test_a_large_removal_is_said() -> None:
    clean = scrub(FIRST + "\n" + "window.slots = window.slots || []; slots.push({slot: 1});\n" * 9, "en", RULES)
    assert clean.text == FIRST
    assert clean.warnings


def test_what_moved_to_a_field_is_not_counted_as_removed() -> None:
    clean = scrub(
        f"Pier Closed After Divers Find Cracks in Three Pillars\nBEIRUT, Lebanon (AP) — {FIRST}\nShare", "en", RULES
    )
    assert (clean.title, clean.text) == ("Pier Closed After Divers Find Cracks in Three Pillars", FIRST)
    assert not clean.warnings


@pytest.mark.parametrize(
    "line",
    ["(" * 300_000, "a:" * 300_000, "<a " * 300_000, "&a" * 300_000, "x- " * 300_000, "{" * 300_000, "é " * 300_000,
     "a" * 900_000, "/ " * 300_000, ". A" * 300_000, "Photo: " * 100_000, "x" * 100_000 + ";" * 300_000, "\n".join(["(" * 400] * 1000)],
    ids=["brackets", "colons", "tags", "entities", "hyphens", "braces", "accents", "letters", "slashes", "stops", "labels", "semicolons", "lines"],
)  # fmt: skip
def test_hostile_lines_cost_linear_time(line: str) -> None:
    began = time.process_time()
    scrub(line, "en", RULES)
    assert time.process_time() - began < 8


def test_rules_travel_to_workers() -> None:
    again: Rules = pickle.loads(pickle.dumps(RULES))
    assert scrub(f"{CLEAN}\n\nLeave a Reply", "en", again).text == CLEAN


BROKEN = {
    "unknown key": "[[rule]]\nname = 'x'\nkind = 'promo'\nphrases = []\n",
    "no example": "[[rule]]\nname = 'x'\nkind = 'promo'\ntemplates = ['buy now']\nexamples = []\ncounter_examples = ['He bought.']\n",
    "unknown slot": "[[rule]]\nname = 'x'\nkind = 'promo'\ntemplates = ['buy <thing>']\nexamples = ['buy']\ncounter_examples = ['He bought.']\n",
    "open bracket": "[[rule]]\nname = 'x'\nkind = 'promo'\ntemplates = ['buy {now']\nexamples = ['buy']\ncounter_examples = ['He bought.']\n",
    "matches all": "[[rule]]\nname = 'x'\nkind = 'promo'\ntemplates = ['[now] <any>']\nexamples = ['buy']\ncounter_examples = ['He bought.']\n",
    "not TOML": "[[rule]\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_bad_rule_file_is_refused_with_file_line_and_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "xx.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_rules(tmp_path)
    assert refused.value.file.endswith("xx.toml")
    assert refused.value.line
    assert refused.value.remedy


@pytest.mark.parametrize("language", [None, "en", "xx", "ckb", "not a code"])
def test_words_of_another_language_are_not_torn_apart(language: str | None) -> None:
    text = (
        "Die Hafenbehörde sperrte am Montag den nördlichen Anleger, nachdem Taucher Risse entdeckt hatten.\n\n"
        "Fischer erklärten, sie hätten die Stadtverwaltung jahrelang gewarnt, und fragten nach den Reparaturkosten.\n\n"
        "Niemand im Rathaus wollte darüber Auskunft geben, weder der Bürgermeister noch die Hafenmeisterin selbst."
    )
    assert scrub(text, language, RULES).text == text


def test_a_text_of_unknown_language_gets_every_rule() -> None:
    assert scrub(f"{CLEAN}\n\nОставить комментарий\n\nاقرأ المزيد", None, RULES).text == CLEAN


def test_a_line_of_a_text_of_unknown_language_is_told_by_a_rule_of_its_own() -> None:
    clean = scrub(f"{CLEAN}\n\nHome > News > Politics\n4 min read\nTags: harbour, repairs", None, RULES)
    assert [removal.rule.split(".")[0] for removal in clean.removals] == ["en"] * 3


def test_no_rule_file_is_empty() -> None:
    assert all(isinstance(file, RuleFile) and (file.rule or file.vocabulary) for file in RULES.files.values())


CODE = "window.ads = window.ads || []; ads.push({slot: 4});"
AMID_CODE = {
    "behind it": (f"The talks go on. {CODE} Nobody expects a treaty before the end of the year.", "The talks go on. Nobody expects a treaty before the end of the year."),
    "between two runs": (f"{CODE} Nobody expects a treaty this year. if (typeof ads === 'undefined') {{ load(); }}", "Nobody expects a treaty this year."),
    "behind scraps of words": ("function r(t){return i(t)&&o(t)} the harbour; The mayor signed the letter on Monday.", "The mayor signed the letter on Monday."),
    "behind an open quotation": ('{"event": "pageview", "topic": "South The mayor signed the letter on Monday.', "The mayor signed the letter on Monday."),
    "in German quotation marks": (f"„Der Hafen bleibt zu“, sagte er. {CODE}", "„Der Hafen bleibt zu“, sagte er."),
}  # fmt: skip


@pytest.mark.parametrize(("line", "prose"), AMID_CODE.values(), ids=AMID_CODE.keys())
def test_sentences_beside_code_in_one_line_stay(line: str, prose: str) -> None:
    assert split_code(line).prose == prose


@pytest.mark.parametrize(
    "line",
    [
        '{"@type": "NewsArticle", "articleBody": "The pier closed. Divers found cracks in its pillars.", "id": {"n": 4}}',
        "var a = {}; /* This file is loaded by all pages. Do not edit this file by hand. */ var b = {}; a.run(b);",
    ],
    ids=["a literal", "a comment"],
)
def test_sentences_that_code_holds_are_code(line: str) -> None:
    assert split_code(line) == ("", (line,))


@pytest.mark.parametrize(
    "line",
    [
        "The rate was 21%; in the south it was 18% and 12%, respectively; the rest (about half) came later.",
        "The library's parse(), load() and dump() functions differ in speed, the authors found.",
        'The page showed only {"status": 503} to anyone who tried to register, officials conceded.',
    ],
    ids=["figures", "names of functions", "a short quotation"],
)
def test_a_sentence_with_signs_of_code_is_none(line: str) -> None:
    assert split_code(line) == (line, ())


def test_the_same_code_between_all_paragraphs_goes_and_different_code_stays() -> None:
    ads = [f"googletag.cmd.push(function() {{ googletag.display('slot-{n}'); }});" for n in range(5)]
    lines = [line for n in range(5) for line in (f"{FIRST[:-1]}, said witness {n}.", ads[n])]
    assert scrub("\n".join(lines), "en", RULES).text == "\n\n".join(lines[::2])
    course = [line.replace("googletag.display", f"googletag.lesson{n}") for n, line in enumerate(lines)]
    assert scrub("\n".join(course), "en", RULES).text == "\n\n".join(course)


def test_a_text_that_would_be_lost_as_code_though_half_of_it_is_words_is_kept() -> None:
    line = "function show(){return a&&b} the northern pier is closed {return c||d} and nobody said why {load();}"
    clean = scrub(line, "en", RULES)
    assert clean.text == line
    assert clean.warnings


def test_identifiers_and_calls_are_never_parted() -> None:
    text = GLUED.replace("#SaveOurPier", 'filed under 4f86e10ab7 by run("all")')
    assert '4f86e10ab7 by run("all")' in scrub(text, "en", RULES).text


@pytest.mark.parametrize(
    ("opening", "dateline"),
    [
        ("Reuters: ", "Reuters"),
        ("TNS: ", "TNS"),
        ("IANS: ", "IANS"),
        ("Beirut. - ", "Beirut"),
        ("Trend: ", ""),
        ("Tom. - ", ""),
    ],
)
def test_an_agency_before_a_colon_and_a_known_place_before_stop_and_dash_date_a_text(
    opening: str, dateline: str
) -> None:
    story = (
        "The harbour authority closed the northern pier, pensions and all, after divers found cracks in its pillars."
    )
    clean = scrub("\n\n".join([opening + story, *BODY]), "en", RULES)
    assert clean.dateline == dateline
    assert clean.text.startswith(story if dateline else opening)


def test_an_item_of_a_list_above_a_credit_is_no_caption() -> None:
    item = "- a joint committee of the harbour meets every week"
    clean = scrub("\n\n".join([FIRST, item, "Photo: Mara Keller", SECOND, THIRD]), "en", RULES)
    assert (item in clean.text, clean.captions, clean.credits) == (True, [], ["Mara Keller"])


def test_a_name_above_a_credit_at_the_head_is_who_the_picture_shows() -> None:
    clean = scrub("\n\n".join(["Senator Claire Benning", "Photo: Mara Keller", *BODY]), "en", RULES)
    assert (clean.text, clean.captions) == (CLEAN, ["Senator Claire Benning"])


def test_a_first_line_of_which_the_text_says_nothing_is_no_title_above_a_credit() -> None:
    told = "Lambs graze beneath snowy Alpine summits"
    clean = scrub("\n\n".join([told, "Photo: Mara Keller", *BODY]), "en", RULES)
    assert (clean.title, clean.captions, clean.text) == ("", [told], CLEAN)
    for title in ("Smoke without fire", "Quiet heroes of us", "Decades of silence end"):
        assert scrub("\n\n".join(["Share on Facebook", title, *BODY]), "en", RULES).title == title


def test_a_title_and_a_caption_that_both_stand_twice_are_told_apart_by_their_order() -> None:
    title, caption = "Old pier closed at last", "Gulls rest beside rusty anchors"
    clean = scrub("\n\n".join([title, title, caption, caption, *BODY]), "en", RULES)
    assert (clean.title, clean.captions, clean.text) == (title, [caption], CLEAN)


def test_the_title_below_a_stray_label_of_teasers_is_no_headline_of_another_text() -> None:
    title = f"{' '.join(FIRST.split()[:5])}".rstrip(".,")
    assert scrub("\n\n".join(["...more", title, *BODY]), "en", RULES).title == title


def test_a_note_that_a_picture_is_an_archive_s_is_no_part_of_its_credit() -> None:
    assert scrub("\n\n".join(["צילום: Mara Keller, ארכיון", *BODY]), "he", RULES).credits == ["Mara Keller"]


REPORTED = {
    "en": "Support our journalism, asks the last line of each letter; one reader in twenty does.",
    "de": "Schreiben Sie einen Kommentar, hieß es, und 40 000 Leser taten es jeden Monat.",
    "fr": "Votre adresse e-mail ne sera pas publiée, promettait le formulaire. Elle le fut en 2016.",
    "ru": "Подписывайтесь на нас, просила редакция в июне, и никто не подписался.",
    "ar": "اضغط هنا، تقول الصفحة، ولا يحدث شيء.",
    "fa": "اینجا کلیک کنید، صفحه می‌گوید، و هیچ نمی‌شود.",
}


@pytest.mark.parametrize(("language", "line"), REPORTED.items(), ids=REPORTED.keys())
def test_a_call_that_a_sentence_reports_in_its_middle_is_the_articles(language: str, line: str) -> None:
    text = "\n\n".join([FIRST, SECOND, line, THIRD])
    assert scrub(text, language, RULES).text == text


def test_a_page_break_ends_a_line_and_a_separator_is_a_space() -> None:
    assert clean_characters("It was late.\x0cIt\x1frained.\x0bThey left.") == "It was late.\nIt rained.\nThey left."


def test_a_paragraph_below_a_label_of_authors_says_author_again_where_no_capital_tells_a_name() -> None:
    body = [line for line in PROSE_AR.split("\n") if line]
    last = "ومن المنتظر أن تنتهي الأعمال قبل عواصف الشتاء، لكن أحدا في البلدية لم يعد يصدق ذلك بعد كل ما جرى."
    text = scrub("\n\n".join([*body, "حول الكاتبة", last]), "ar", RULES).text
    assert text.endswith(last)
    told = "سلمى حداد كاتبة وصحفية من بيروت، تعيش منذ سنوات في الموصل."
    assert told not in scrub("\n\n".join([*body, last, "حول الكاتبة", told]), "ar", RULES).text


PROSE_AR = """
أغلقت سلطة الميناء الرصيف الشمالي يوم الاثنين بعد أن وجد الغواصون شقوقا في ثلاثة من أعمدته القديمة، كما أعلنت.
وقال الصيادون إنهم حذروا المدينة «مرتين وكتابة» قبل سنوات، وسألوا عمن سيدفع ثمن إصلاح الأعمدة في هذا الشتاء.
"""


@pytest.mark.parametrize("title", ["Storm cuts power to the northern harbour", ""])
@pytest.mark.parametrize("above", ["City promises repairs by the weekend", "Iraq"])
def test_a_dateline_below_a_subtitle_is_told_and_the_subtitle_stays(above: str, title: str) -> None:
    lines = ["Storm cuts power to the northern harbour", above, f"BASRA, Nov 12 (Reuters) - {FIRST}", SECOND, THIRD]
    clean = scrub("\n\n".join(lines), "en", RULES, title)
    assert (clean.dateline, clean.title) == ("BASRA, Nov 12 (Reuters)", lines[0])
    assert clean.text == f"{above}\n\n{CLEAN}"


@pytest.mark.parametrize(
    "lines", [["100 Years Ago", THIRD, "50 Years Ago"], ["Comfort", "Speed", "Price"], ["Runs: 5", "Menu"]]
)
def test_headings_that_read_like_buttons_stay_in_a_list_of_such(lines: list[str]) -> None:
    text = "\n\n".join([FIRST, SECOND, *lines, FOURTH])
    assert scrub(text, "en", RULES).text == text


def test_a_name_in_brackets_below_a_page_s_lines_signs_the_text() -> None:
    clean = scrub("\n\n".join([*BODY, FOURTH, "Share on Facebook", "(The Harbour)"]), "en", RULES)
    assert (clean.text, clean.source) == (f"{CLEAN}\n\n{FOURTH}", "The Harbour")
