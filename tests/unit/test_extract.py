"""What a page says and shows becomes an article; what is no article is refused with its reason."""

import json
import random
from datetime import UTC, datetime
from typing import Any, Optional

import pytest

from schemas.records import Caption, RejectReason
from schemas.settings import ExtractSettings
from transforms.extract import Extracted, FeedEvidence, NoArticle, extract
from transforms.extract.segment import segment
from transforms.extract.tree import parse

SETTINGS = ExtractSettings(min_chars=250, max_seconds=10, max_depth=512)
URL = "https://news.example.org/2024/05/01/harbour-reopens.html"
PARAGRAPHS = [
    "The harbour of Vellin reopened on Wednesday after engineers cleared the wreck of a cargo ship, officials said.",
    "Two tugs had worked for nine days to move the vessel, which ran aground in a storm on 20 April with 14 people aboard.",
    "“We could not have held the quay for another week,” said Mara Ostrel, who runs the port authority.",
    "Ferries to the outer islands will sail again from Thursday, at first twice a day, the authority added.",
]


def page(body: str = "", head: str = "", *, around: str = "", lang: str = "en") -> bytes:
    text = body or "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    return f"""<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
    <title>Harbour reopens after wreck is cleared | Vellin Courier</title>{head}</head><body>
    <nav><ul><li><a href="/">Home</a></li><li><a href="/world">World</a></li></ul></nav>
    <main><article><h1>Harbour reopens after wreck is cleared</h1>{text}</article></main>
    {around}<footer><p>Copyright Vellin Courier. All rights reserved, in every country where that matters.</p></footer>
    </body></html>""".encode()


def read(html: bytes, url: str = URL, **given: Any) -> Extracted:
    return extract(html, url, settings=SETTINGS, **given)


def refusal(html: bytes, url: str = URL, **given: Any) -> RejectReason:
    with pytest.raises(NoArticle) as caught:
        read(html, url, **given)
    return caught.value.reason


def test_the_paragraphs_come_out_in_order_and_without_furniture() -> None:
    assert read(page()).text.split("\n\n") == PARAGRAPHS


def test_related_links_below_the_text_are_left_out() -> None:
    around = (
        '<div class="related"><h2>More from Vellin</h2><ul>' + '<li><a href="/x">Storm sinks two yachts</a></li>' * 4
    )
    text = read(page(around=around + "</ul></div>")).text
    assert "yachts" not in text
    assert PARAGRAPHS[-1] in text


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("", id="title tag with the outlet behind a bar"),
        pytest.param('<meta property="og:title" content="Harbour reopens after wreck is cleared">', id="og:title"),
        pytest.param(
            '<script type="application/ld+json">{"@type": "NewsArticle", "headline": '
            '"Harbour reopens after wreck is cleared"}</script>',
            id="JSON-LD",
        ),
    ],
)
def test_the_title_comes_without_the_outlet(head: str) -> None:
    assert read(page(head=head)).title == "Harbour reopens after wreck is cleared"


def test_a_heading_that_names_the_site_is_no_title() -> None:
    html = page(head='<meta property="og:title" content="Ferries sail again from Thursday">').decode()
    html = html.replace(
        "Harbour reopens after wreck is cleared | Vellin Courier", "Ferries sail again from Thursday — Vellin Courier"
    )
    html = html.replace("<h1>Harbour reopens after wreck is cleared", "<h1>Vellin Courier")
    assert read(html.encode()).title == "Ferries sail again from Thursday"


def test_a_title_is_lengthened_only_where_it_was_cut() -> None:
    short = "Harbour of Vellin reopens after engineers clear the wreck of a cargo ship"
    for given, whole in ((short, short), (short + "…", short + " from the quay")):
        head = f'<meta property="og:title" content="{given}">'
        html = page(head=head).decode().replace("<h1>Harbour reopens after wreck is cleared</h1>", "")
        html = html.replace("Harbour reopens after wreck is cleared |", f"{short} from the quay |")
        assert read(html.encode()).title == whole


def test_a_kicker_in_the_heading_is_no_part_of_the_title() -> None:
    head = '<meta property="og:title" content="Harbour reopens after wreck is cleared">'
    html = page(head=head).decode().replace("<h1>", "<h1><span>Shipping</span> ")
    assert read(html.encode()).title == "Harbour reopens after wreck is cleared"


def test_the_only_heading_of_a_page_is_its_title_whatever_it_is_called_elsewhere() -> None:
    head = '<meta property="og:title" content="Vellin: all you need to know">'
    html = page(head=head).decode().replace("wreck is cleared |", "salvage, explained |")
    html = html.replace("<h1>Harbour reopens after", "<h1>Ferries sail again on Thursday now that")
    assert read(html.encode()).title == "Ferries sail again on Thursday now that wreck is cleared"


def test_of_two_declared_titles_the_smaller_heading_decides_on_a_page_without_a_first_one() -> None:
    headline = {"@type": "NewsArticle", "headline": "Vellin harbour news"}
    head = f"""<meta property="og:title" content="Shipping: harbour reopens after wreck is cleared">
    <script type="application/ld+json">{json.dumps(headline)}</script>"""
    html = page(head=head).decode().replace("<h1>Harbour", "<h2>Shipping <b>harbour").replace("</h1>", "</b></h2>")
    assert read(html.encode()).title == "Shipping: harbour reopens after wreck is cleared"


def test_the_heading_is_the_title_where_the_declared_headline_is_for_search_engines() -> None:
    heading = "Harbour of Vellin reopens after engineers clear the wreck of a cargo ship from its quay"
    for alternative in (heading, heading[:70] + " ..."):
        headline = {"@type": "NewsArticle", "headline": "Vellin harbour: the wreck", "alternativeHeadline": alternative}
        head = f'<script type="application/ld+json">{json.dumps(headline)}</script>'
        html = page(head=head).decode().replace("<h1>Harbour reopens after wreck is cleared", f"<h1>{heading}")
        assert read(html.encode()).title == heading


def test_a_heading_that_ends_in_a_colon_is_no_title() -> None:
    html = (
        page()
        .decode()
        .replace("<h1>Harbour reopens after wreck is cleared", "<h1>A word from the founder of our Courier:")
    )
    assert read(html.encode()).title == "Harbour reopens after wreck is cleared"


def test_a_section_glued_to_the_title_is_no_part_of_it() -> None:
    head = '<meta property="article:section" content="정치"><meta property="og:site_name" content="Vellin Courier">'
    html = page(head=head).decode().replace("cleared | Vellin", "cleared-정치ㅣVellin").replace("h1>", "p>")
    assert read(html.encode()).title == "Harbour reopens after wreck is cleared"


def test_a_title_that_was_decoded_wrongly_is_mended() -> None:
    html = page().decode().replace("Harbour reopens after wreck", "Vellinâ\x80\x99s harbour reopens after wreck")
    assert read(html.encode()).title == "Vellin’s harbour reopens after wreck is cleared"


def test_a_title_comes_without_the_marks_at_which_its_words_may_break() -> None:
    html = page().decode().replace("Harbour reopens", "Har\u00adbour re\u200bopens")
    assert read(html.encode()).title == "Harbour reopens after wreck is cleared"


JSON_LD = """<script type="application/ld+json">{"@context": "https://schema.org", "@type": "NewsArticle",
 "datePublished": "2024-05-01T10:30:00+02:00", "dateModified": "2024-05-01T12:00:00+02:00",
 "author": [{"@type": "Person", "name": "By Ilka Brandt"}, {"@type": "Person", "name": "Tom Reyes, Senior Reporter"}],
 "publisher": {"name": "Vellin Courier"}, "articleSection": "Shipping", "keywords": ["ports", "ferries"]}</script>"""


def test_json_ld_gives_people_times_section_and_tags() -> None:
    found = read(page(head=JSON_LD))
    assert found.authors == ["Ilka Brandt", "Tom Reyes"]
    assert found.published_at == datetime.fromisoformat("2024-05-01T10:30:00+02:00")
    assert found.published_at_source == "json_ld"
    assert found.modified_at == datetime.fromisoformat("2024-05-01T12:00:00+02:00")
    assert (found.section, found.tags, found.language) == ("Shipping", ["ports", "ferries"], "en")


def test_the_feed_describes_an_article_whose_page_does_not() -> None:
    evidence = FeedEvidence(summary="The harbour is open again.")
    assert read(page(), evidence=evidence).description == "The harbour is open again."
    own = '<meta name="description" content="Ferries sail on Thursday.">'
    assert read(page(head=own), evidence=evidence).description == "Ferries sail on Thursday."


def test_an_outlet_is_no_person() -> None:
    head = '<meta property="og:site_name" content="Vellin Courier"><meta name="author" content="Vellin Courier">'
    body = '<p><a rel="author" href="/p/ib">Ilka Brandt</a></p>' + "".join(f"<p>{p}</p>" for p in PARAGRAPHS)
    assert read(page(body, head)).authors == ["Ilka Brandt"]


@pytest.mark.parametrize(
    ("head", "url", "feed", "source", "day"),
    [
        pytest.param('<meta name="date" content="20240502">', URL, None, "meta", 2, id="meta before the address"),
        pytest.param("", URL, None, "url", 1, id="the address"),
        pytest.param("", URL, datetime(2024, 5, 3, tzinfo=UTC), "feed", 3, id="the feed before the address"),
    ],
)
def test_the_day_and_where_it_comes_from(head: str, url: str, feed: Any, source: str, day: int) -> None:
    found = read(page(head=head), url, evidence=FeedEvidence(published=feed))
    assert found.published_at is not None
    assert (found.published_at.day, found.published_at_source) == (day, source)


@pytest.mark.parametrize(
    "line",
    ["Published May 2, 2024 · 4 min read", "Stand: 02.05.2024", "2 de mayo de 2024", "2024年5月2日", "2nd May 2024"],
)
def test_a_day_beside_the_headline_goes_before_those_of_teasers(line: str) -> None:
    around = '<aside><h3>More</h3><time datetime="2023-01-07">7 January</time></aside>'
    html = page(around=around).decode().replace("</h1>", f"</h1><div>{line}</div>")
    found = read(html.encode(), "https://news.example.org/harbour", evidence=None)
    assert found.published_at == datetime(2024, 5, 2, tzinfo=UTC)
    assert found.published_at_source == "text"


def test_a_day_in_a_sentence_near_the_headline_is_not_the_articles() -> None:
    line = "The quay had been closed since the storm on 20 April 2023, the port's worst in thirty years"
    html = page().decode().replace("</h1>", f"</h1><p>{line}</p><time datetime='2024-05-02'></time>")
    assert read(html.encode(), "https://news.example.org/harbour").published_at == datetime(2024, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2024/11/harbour", None),
        ("2024/5/3/harbour", 3),
        ("2024-05-03-harbour", 3),
        ("20240503/x", 3),
        ("2024/12/123", None),
    ],
)
def test_an_address_gives_a_day_only_where_it_has_one(path: str, day: Optional[int]) -> None:
    found = read(page(), f"https://news.example.org/{path}")
    assert (found.published_at.day if found.published_at else None) == day


def test_a_date_after_the_fetch_is_not_believed() -> None:
    head = '<meta property="article:published_time" content="2031-01-01T00:00:00Z">'
    found = read(page(head=head), evidence=FeedEvidence(fetched_at=datetime(2024, 5, 2, tzinfo=UTC)))
    assert found.published_at_source == "url"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(
            '<link rel="canonical" href="/harbour?utm_source=x">', "https://news.example.org/harbour", id="own"
        ),
        pytest.param('<link rel="canonical" href="https://other.example/a">', URL, id="elsewhere"),
        pytest.param('<link rel="canonical" href="https://news.example.org/">', URL, id="front page"),
        pytest.param(
            '<meta property="og:url" content="https://example.org/a/b">', "https://example.org/a/b", id="og:url"
        ),
        pytest.param('<link rel="canonical" href="http://[broken">', URL, id="no address"),
    ],
)
def test_canonical_links_are_believed_on_the_same_site_only(head: str, expected: str) -> None:
    assert read(page(head=head)).canonical_url == expected


@pytest.mark.parametrize(
    ("head", "source"),
    [
        pytest.param('<link rel="canonical" href="https://www.agency.example/a-b">', "agency.example", id="elsewhere"),
        pytest.param('<link rel="canonical" href="https://www.agency.example/">', "", id="a front page"),
        pytest.param('<link rel="canonical" href="https://www.example.com/a-b">', "", id="another edition"),
        pytest.param('<link rel="canonical" href="/harbour">', "", id="own"),
        pytest.param('<meta property="og:url" content="https://www.agency.example/a-b">', "", id="og:url"),
    ],
)
def test_a_canonical_link_to_an_article_elsewhere_says_whose_text_it_is(head: str, source: str) -> None:
    assert read(page(head=head)).syndication_source == source


def test_an_address_keeps_what_its_site_names_articles_by() -> None:
    found = read(page(), url="https://news.example.org/a-b?ref=7&utm_source=x", keep={"example.org": ["ref"]})
    assert found.canonical_url == "https://news.example.org/a-b?ref=7"


def test_captions_leave_the_text_for_their_field() -> None:
    figure = "<figure><img src=x><figcaption>Tugs at the quay in Vellin on Tuesday evening.</figcaption></figure>"
    found = read(page(figure + "".join(f"<p>{p}</p>" for p in PARAGRAPHS)))
    assert [caption.text for caption in found.captions] == ["Tugs at the quay in Vellin on Tuesday evening."]
    assert "evening" not in found.text


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        pytest.param(b"", RejectReason.NO_TEXT, id="empty"),
        pytest.param(b"<html><body></body></html>", RejectReason.NO_TEXT, id="no text"),
        pytest.param(
            b'<html><body><div id="root"></div><script src="/app.js"></script></body></html>',
            RejectReason.NO_TEXT,
            id="shell",
        ),
        pytest.param(page("<p>Short.</p>"), RejectReason.TOO_SHORT, id="short"),
        pytest.param(b"%PDF-1.7 \xe2\xe3\xcf\xd3 obj", RejectReason.PARSE_FAILED, id="PDF"),
        pytest.param(
            b"<html><head><title>404 - Page not found</title></head><body><h1>Page not found</h1><p>The page you asked for "
            b"is gone. It may have moved, or the address may be wrong. Try the search above, please.</p></body></html>",
            RejectReason.SOFT_404,
            id="soft 404",
        ),
    ],
)
def test_what_is_no_article_is_refused_with_its_reason(html: bytes, reason: RejectReason) -> None:
    assert refusal(html) is reason


@pytest.mark.parametrize(
    "title",
    [
        "404",
        "404 - Vellin Courier",
        "Error 404",
        "Vellin Courier | 404",
        "We can't find that page",
        "This page doesn’t exist",
        "Diese Seite existiert nicht mehr",
        "Access denied | Vellin Courier",
        "The page you are looking for could not be found",
    ],
)
def test_a_short_error_page_is_known_by_its_title(title: str) -> None:
    html = page().replace(b"Harbour reopens after wreck is cleared", title.encode())
    assert refusal(html) is RejectReason.SOFT_404


@pytest.mark.parametrize(
    "title",
    [
        "Siege of Vellin: key events, day 404",
        "Toll of the siege: 404",
        "Deaths on the coast road rise to 380–404",
        "Ferry tickets no longer available in May",
        "Content of the black box could not be found, minister says",
        "Story of a boy who could not be found",
        "Just a moment – how one call changed the siege",
    ],
)
def test_news_may_count_to_404_and_say_that_things_are_gone(title: str) -> None:
    html = page().replace(b"Harbour reopens after wreck is cleared", title.encode())
    assert read(html).text.split("\n\n") == PARAGRAPHS


def test_a_headline_that_begins_like_an_error_is_a_headline() -> None:
    html = page().replace(
        b"Harbour reopens after wreck is cleared", b"Access denied: reporters turned away at the harbour"
    )
    assert read(html).title == "Access denied: reporters turned away at the harbour"


def test_a_link_that_leads_to_the_front_page_is_a_soft_404() -> None:
    assert refusal(page(), "https://news.example.org/", evidence=FeedEvidence(link=URL)) is RejectReason.SOFT_404


LD_ARTICLE = '<script type="application/ld+json">{"@type": "NewsArticle", %s}</script>'


@pytest.mark.parametrize(
    ("line", "text", "credit"),
    [
        ("The quay on Wednesday. Photo: Ida Holm/Vellin", "The quay on Wednesday.", "Ida Holm/Vellin"),
        ("The quay on Wednesday (Picture by Ida Holm)", "The quay on Wednesday", "Ida Holm"),
        ("© Ida Holm", "", "Ida Holm"),
        ("The quay — Foto: dpa/Ida Holm", "The quay", "dpa/Ida Holm"),
        ("Foto: dpa", "", "dpa"),
        ("The quay (VLN Photo/Ida Holm)", "The quay", "Ida Holm"),
        ("Der Foto: Ein Wrack Im Hafen", None, ""),
        ("A photo by the sea: nobody there knew yet that the ship had run aground at five", None, ""),
        ("A man reads the photo/video desk's log", None, ""),
        ("Shared picture: the map that started it", None, ""),
        ("Die Quelle: ein Brunnen im Hof", None, ""),
        ("He got a bank credit: five million for the pier", None, ""),
        ("The quay. Picture: the wreck on Sunday", None, ""),
    ],
)
def test_a_caption_is_parted_from_its_credit(line: str, text: Optional[str], credit: str) -> None:
    figure = f"<figure><img src=a.jpg><figcaption>{line}</figcaption></figure>"
    body = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    assert list(read(page(figure + body)).captions) == [Caption(line if text is None else text, credit)]


@pytest.mark.parametrize(
    ("head", "around"),
    [
        pytest.param(LD_ARTICLE % '"isAccessibleForFree": "False"', "", id="JSON-LD in words"),
        pytest.param(LD_ARTICLE % '"isAccessibleForFree": false', "", id="JSON-LD"),
        pytest.param(LD_ARTICLE % '"hasPart": {"isAccessibleForFree": false}', "", id="a part of it"),
        pytest.param('<meta property="article:content_tier" content="locked">', "", id="meta"),
        pytest.param("", '<div class="paywall"><p>Subscribe to read on.</p></div>', id="a wall below the text"),
    ],
)
def test_a_stub_before_a_wall_is_marked(head: str, around: str) -> None:
    assert list(read(page(head=head, around=around)).warnings) == ["paywalled"]


def test_a_call_to_subscribe_in_the_wall_of_a_stub_is_no_part_of_it() -> None:
    wall = '<div class="paywall"><p>Subscribe now to read the whole article, and every other one.</p></div>'
    body = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    assert read(page(body + wall)).text.split("\n\n") == PARAGRAPHS


def test_a_whole_text_is_no_stub_whatever_its_page_sells() -> None:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS * 6)
    assert list(read(page(text, LD_ARTICLE % '"isAccessibleForFree": false')).warnings) == []
    assert list(read(page()).warnings) == []


WORDS = "Größe, œuvre, ångström: " + PARAGRAPHS[0]


@pytest.mark.parametrize(
    ("encoding", "content_type", "meta"),
    [
        pytest.param("utf-8", "text/html; charset=iso-8859-1", "utf-8", id="header lies"),
        pytest.param("utf-8", "text/html", "windows-1252", id="meta lies"),
        pytest.param("cp1252", "text/html", "windows-1252", id="meta alone"),
        pytest.param("cp1252", "text/html; charset=ISO-8859-1", "", id="latin-1 means windows-1252"),
        pytest.param("utf-16", "text/html", "", id="UTF-16 with mark"),
        pytest.param("utf-16-le", "text/html", "utf-16", id="UTF-16 without mark"),
        pytest.param("utf-8", "", "", id="nothing declared"),
    ],
)
def test_characters_survive_wrong_declarations(encoding: str, content_type: str, meta: str) -> None:
    html = page("".join(f"<p>{p}</p>" for p in [WORDS, *PARAGRAPHS])).decode()
    html = html.replace('<meta charset="utf-8">', f'<meta charset="{meta}">' if meta else "")
    assert WORDS in read(html.encode(encoding), content_type=content_type).text


def test_nul_bytes_do_not_end_a_page() -> None:
    assert read(page().replace(b"</h1>", b"</h1>\0\0")).text.split("\n\n") == PARAGRAPHS


def test_a_menu_closed_too_late_does_not_swallow_the_article() -> None:
    html = page().replace(b"</ul></nav>", b"</ul>").replace(b"</main>", b"</main></nav>")
    assert read(html).text.split("\n\n") == PARAGRAPHS


def test_a_link_closed_too_late_does_not_make_the_article_one_link() -> None:
    root = parse(b"<div><a href=1><div>Share</a><p>The harbour reopened. <a href=2>More</a></p></div></div>")
    share, prose = segment(root, SETTINGS.max_depth).blocks
    assert (share.link, prose.text, prose.link) == (0, "The harbour reopened. More", 4)


@pytest.mark.parametrize("tag", ["button", "object", "video"])
def test_prose_in_an_element_closed_too_late_is_read(tag: str) -> None:
    prose = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    late = segment(parse(f"<div><{tag}>Play<div>{prose}</div></{tag}></div>".encode()), SETTINGS.max_depth)
    assert [block.text for block in late.blocks][1:] == PARAGRAPHS
    assert (
        segment(parse(f"<div><{tag}>Play</{tag}> a film</div>".encode()), SETTINGS.max_depth).blocks[0].text == "a film"
    )


def test_an_article_kept_in_a_script_is_found() -> None:
    inner = json.dumps({"body": "".join(f'<p class="x">{paragraph}</p>' for paragraph in PARAGRAPHS)}).replace(
        "<", "\\u003c"
    )
    html = f"<html><body><div id=app></div><script>self.push([1, {json.dumps(inner)}])</script></body></html>"
    found = read(html.encode())
    assert (found.text.split("\n\n"), found.method) == (PARAGRAPHS, "scripts")


def test_data_about_an_article_in_a_script_is_not_its_text() -> None:
    data = {f"field{n}": f"value {n}, <br> and what there is to say of it" for n in range(40)}
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    scripts = f"<script>push({json.dumps(json.dumps(data))})</script><script>push({json.dumps(text)})</script>"
    assert read(f"<html><body>{scripts}</body></html>".encode()).text.split("\n\n") == PARAGRAPHS


def test_what_follows_the_end_of_the_document_is_read() -> None:
    html = page().replace(b"<main>", b"</body></html><main>")
    assert read(html).text.split("\n\n") == PARAGRAPHS


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        pytest.param("<p>By Ilka Brandt</p>", ["Ilka Brandt"], id="by"),
        pytest.param(
            "<p>Von Ilka Brandt und Tom van der Reyes, dpa</p>", ["Ilka Brandt", "Tom van der Reyes"], id="von, und"
        ),
        pytest.param("<p>Posted on 1 May 2024 by Ilka Brandt | 12 comments</p>", ["Ilka Brandt"], id="posted"),
        pytest.param("<div>By Ilka Brandt<span>Published: May 1, 2024</span></div>", ["Ilka Brandt"], id="glued"),
        pytest.param("<p>By Ilka Brandt Last Updated: May 1</p>", ["Ilka Brandt"], id="words behind a name"),
        pytest.param(
            "<p>Written by Ilka Brandt, Tom Reyes, and Ana Lis</p>", ["Ilka Brandt", "Tom Reyes", "Ana Lis"], id=", and"
        ),
        pytest.param(
            '<ul><li class="author-name">Ilka Brandt</li><li class="author-name">Tom Reyes</li></ul>',
            ["Ilka Brandt", "Tom Reyes"],
            id="each in an element of its own",
        ),
        pytest.param('<div><p class="comment-author">Tom Reyes</p></div>', [], id="a reader is no author"),
        pytest.param("<p>Photo by Ilka Brandt</p>", [], id="a photographer is no author"),
        pytest.param("<p>By the sea</p>", [], id="no name"),
    ],
)
def test_bylines_in_the_text_name_the_authors(line: str, authors: list[str]) -> None:
    assert read(page(line + "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS))).authors == authors


def test_degrees_are_no_people() -> None:
    head = '<meta name="author" content="Ilka Brandt, CFP, Ph.D.">'
    assert read(page(head=head)).authors == ["Ilka Brandt"]


def test_a_consent_notice_is_no_article() -> None:
    notice = "".join(
        f"<p>We and our {n} partners store cookies on your device to show you advertising and to measure it.</p>"
        for n in range(8)
    )
    html = f'<html><body><div id="onetrust-consent-sdk"><h2>Your privacy</h2>{notice}</div></body></html>'
    assert refusal(html.encode()) is RejectReason.NO_TEXT


def test_paragraphs_between_line_breaks_are_weighed_one_by_one() -> None:
    root = parse(
        b"<div>A menu: <a href=1>one</a>, <a href=2>two</a><br> <br/>Some prose.<br>Its second line.<br><br></div>"
    )
    menu, prose = segment(root, SETTINGS.max_depth).blocks
    assert (menu.text, menu.links, menu.link) == ("A menu: one, two", 2, 6)
    assert (prose.text, prose.links, prose.link) == ("Some prose.\nIts second line.", 0, 0)


def test_an_article_printed_twice_comes_out_once() -> None:
    long = [paragraph + " " + paragraph for paragraph in PARAGRAPHS]
    once = "".join(f"<p>{paragraph}</p>" for paragraph in long)
    assert read(page(once + once)).text.split("\n\n") == long
    assert read(page(f"{once}<div>{' '.join(long)}</div>")).text.split("\n\n") == long


def prose(subject: str, count: int) -> str:
    """Paragraphs on no subject of the news, as readers and appeals write them."""
    return "".join(
        f"<p>The {subject} of part {n} went on for a while, and what came of it was told to all who had asked before, "
        f"so that by the {n}th evening nobody in the {subject} was left without a word about it.</p>"
        for n in range(2, 2 + count)
    )


BESIDE = {
    "comments": f'<section class="comments"><h2>40 comments</h2>{prose("thread", 40)}</section>',
    "comments in a list": f'<ol id="responses">{prose("list", 12)}</ol>',
    "a bio": f'<div class="author-bio"><h3>About the author</h3>{prose("career", 2)}</div>',
    "an appeal": f'<div class="donate-box">{prose("fund", 2)}<a href="/d">Donate</a></div>',
    "an appeal named by its heading": f"<div><h3>Support our journalism</h3>{prose('fund', 1)}</div>",
    "a dialog": f'<div class="privacy-dialog">{prose("browser", 4)}<p>We store cookies in it, and so do they.</p></div>',
    "a stream": f'<div class="live-blog">{prose("hour", 20)}</div>',
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE.keys())
@pytest.mark.parametrize("wrap", ["<article>{}</article>", "<div>{}</div>", '<div class="widget">{}</div>', "{}"])
def test_an_article_is_told_from_prose_that_stands_beside_it(beside: str, wrap: str) -> None:
    text = wrap.format("".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS))
    html = f"<html><body><main><h1>Harbour reopens after wreck is cleared</h1>{text}{beside}</main></body></html>"
    assert read(html.encode()).text.split("\n\n") == PARAGRAPHS


def test_the_next_story_in_an_element_of_its_own_is_left_out() -> None:
    story = f'<article class="post"><h1>A thaw in the north</h1>{prose("thaw", 9)}</article>'
    assert read(page(around=story)).text.split("\n\n") == PARAGRAPHS


def test_an_article_with_a_stream_of_entries_is_a_live_blog() -> None:
    assert read(page(around=BESIDE["a stream"])).article_type == "live_blog"
    assert read(page(around=BESIDE["comments"])).article_type == "news"
    assert read(page(around='<div class="livestream-player"><p>Watch now</p></div>')).article_type == "news"


@pytest.mark.parametrize(
    ("types", "whole"),
    [(["LiveBlogPosting"], True), (["NewsArticle", "LiveBlogPosting"], False)],
    ids=["alone", "both"],
)
def test_the_entries_of_a_live_blog_are_its_text_unless_an_article_is_declared_beside_it(
    types: list[str], whole: bool
) -> None:
    entries = [{"@type": "BlogPosting", "headline": f"Update number {n} from the quay"} for n in range(6)]
    declared = [{"@type": kind, "headline": "Harbour reopens after wreck is cleared"} for kind in types]
    declared[-1]["liveBlogUpdate"] = entries  # type: ignore[assignment]
    stream = "".join(f"<h2>{entry['headline']}</h2>{prose(f'hour {n}', 1)}" for n, entry in enumerate(entries))
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    found = read(page(text + stream, f'<script type="application/ld+json">{json.dumps(declared)}</script>'))
    assert found.article_type == "live_blog"
    assert ("hour 5" in found.text) == whole
    assert PARAGRAPHS[-1] in found.text


@pytest.mark.parametrize("name", ["author-bio", "newsletter", "comments", "live-blog"])
def test_an_article_alone_on_its_page_is_kept_whatever_its_container_is_named(name: str) -> None:
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    html = f'<html><body><div class="{name}"><h1>Harbour reopens</h1>{text}</div></body></html>'
    assert read(html.encode()).text.split("\n\n") == PARAGRAPHS


def test_lines_left_out_beside_the_text_are_told_with_their_rule() -> None:
    figure = "<figure><img src=x><figcaption>Tugs at the quay in Vellin on Tuesday evening.</figcaption></figure>"
    related = '<div class="related"><a href="/x">Storm sinks two yachts off Vellin</a></div>'
    text = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    removed = read(page(figure + text + related)).removals
    assert [(removal.rule, removal.text[:20]) for removal in removed] == [
        ("dom_title_echo", "Harbour reopens afte"),
        ("dom_caption", "Tugs at the quay in "),
        ("dom_related", "Storm sinks two yach"),
    ]


def test_lines_told_of_a_long_page_are_few() -> None:
    assert len(read(page(around=BESIDE["comments"] * 3)).removals) <= 40


@pytest.mark.parametrize(
    "data",
    [random.Random(7).randbytes(20_000), b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40],
    ids=["noise", "picture"],
)
def test_binary_data_is_refused_whatever_it_is_called(data: bytes) -> None:
    with pytest.raises(NoArticle) as caught:
        extract(data, "https://a.example/1", "text/html", settings=SETTINGS)
    assert caught.value.reason == RejectReason.PARSE_FAILED
