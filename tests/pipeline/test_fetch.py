"""Feeds and pages under Beam, from a real server: every item listed ends as one page, skip or reject."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Union

import apache_beam as beam
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp

from schemas.records import Entry, FeedRef, FeedState, Origin, Page, Reject, Skip
from schemas.settings import HttpSettings, PollSettings
from schemas.settings_files import load_settings
from transforms.fetch import FetchFeeds, FetchPages
from transforms.fetch.crawl import Ask
from transforms.fetch.errands import PageErrand
from transforms.fetch.host import HostState
from transforms.fetch.transform import RoundFn

SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "defaults.toml")
HTTP = SETTINGS.http.model_copy(
    update={"allow_networks": ("127.0.0.0/30",), "gap_s": 0.01, "backoff_s": 0.01, "deadline_s": 1.0}
)
PAGE = b"<html><body><p>It rained.</p></body></html>"
HTML = "Content-Type: text/html"


def rss(*items: str, head: str = "") -> bytes:
    listed = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>A</title>{head}{listed}</channel></rss>'.encode()


def item(link: str, extra: str = "") -> str:
    return f"<title>T</title><link>{link}</link><guid isPermaLink='false'>{link[-1]}</guid>{extra}"


def ref(url: str, known: FeedState | None = None, *, full_content: bool = False) -> FeedRef:
    return FeedRef("a", url, known.location if known else url, "en", 0, True, full_content, known)


def entry(url: str, etag: str | None = None) -> Entry:
    return Entry(Origin("a", "feed", url, url, None, "en"), url, "T", "", "", [], [], None, None, etag, None, 0)


class ReadFn(beam.DoFn):
    """Stands for Extract: a page as `(outlet, its own link, where it was found, text)`; an empty one is a reject."""

    def process(
        self, page: Page
    ) -> Iterator[Union[tuple[str, str, str, str], TaggedOutput[Literal["rejects"], Reject]]]:
        origin = page.entry.origin
        if page.body:
            yield origin.outlet, origin.link, page.url, page.body.decode()
        else:
            yield TaggedOutput(
                "rejects", Reject("extract", "no_text", origin, "entry", page.url, "", False, Timestamp(0))
            )


class Read(beam.PTransform[Any, Any]):
    def expand(self, pages: Any) -> Any:
        read = beam.ParDo(ReadFn())  # type: ignore[no-untyped-call]
        outputs = pages | read.with_outputs("rejects", main="articles")
        return outputs.articles, outputs.rejects


def page_of(read: tuple[str, str, str, str]) -> tuple[str, str, str]:
    _, link, url, _ = read
    return "page", link, url


def skip_of(skip: Skip) -> tuple[str, str, str]:
    return "skip", skip.origin.link, skip.reason


def reject_of(reject: Reject) -> tuple[str, str, str]:
    return "reject", reject.origin.link, reject.reason


def ends_of_pages(pipeline: beam.Pipeline, entries: Iterable[Entry], http: HttpSettings = HTTP) -> Any:
    hosts = pipeline | "NoHosts" >> beam.Create([]).with_output_types(HostState)
    listed = pipeline | "Entries" >> beam.Create(entries).with_output_types(Entry)
    articles, skips, rejects = (listed, hosts) | FetchPages(http, Read())
    ends = (articles | beam.Map(page_of), skips | beam.Map(skip_of), rejects | beam.Map(reject_of))
    return ends | beam.Flatten()


def test_every_entry_ends_once_whatever_its_server_does(web: Any, http: Any) -> None:
    other = web.HOSTS[1]
    web.answers |= {
        "/ok": http.says(http.http(200, PAGE, HTML)),
        "/same": http.says(http.http(304)),
        "/empty": http.says(http.http(200, b"", HTML)),
        "/pdf": http.says(http.http(200, b"%PDF-1.7 ...", HTML)),
        "/picture": http.says(http.http(200, b"picture", "Content-Type: image/png")),
        "/gone": http.says(http.http(410)),
        "/moved": http.says(http.http(301, b"", f"Location: {web.url('/ok', other)}")),
        "/inside": http.says(http.http(302, b"", "Location: http://169.254.169.254/latest/meta-data/")),
    }
    ends = {
        web.url("/ok"): ("page", web.url("/ok")),
        web.url("/same"): ("skip", "not_modified"),
        web.url("/empty"): ("reject", "no_text"),
        web.url("/pdf"): ("reject", "bad_content_type"),
        web.url("/picture"): ("reject", "bad_content_type"),
        web.url("/gone"): ("reject", "gone"),
        web.url("/moved"): ("page", web.url("/ok", other)),
        web.url("/inside"): ("reject", "address_refused"),
        "ftp://a.example/x": ("reject", "bad_url"),
    }
    entries = [entry(url, '"1"' if url.endswith("/same") else None) for url in ends]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        expected = [(kind, link, what) for link, (kind, what) in ends.items()]
        assert_that(ends_of_pages(pipeline, entries), equal_to(expected))
    validators = {request.path: request.headers.get("if-none-match") for request in web.seen}
    assert (validators["/same"], validators["/ok"]) == ('"1"', None)


def test_a_redirect_back_and_forth_between_hosts_ends_as_a_reject(web: Any, http: Any) -> None:
    here, there = web.HOSTS
    web.answers["/a"] = http.says(http.http(302, b"", f"Location: {web.url('/b', there)}"))
    web.answers["/b"] = http.says(http.http(302, b"", f"Location: {web.url('/a', here)}"))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        ends = ends_of_pages(pipeline, [entry(web.url("/a"))])
        assert_that(ends, equal_to([("reject", web.url("/a"), "too_many_redirects")]))
    assert [request.path for request in web.seen] == ["/robots.txt", "/a", "/robots.txt", "/b", "/a"]


def test_a_host_that_has_no_more_time_leaves_its_entries_to_a_later_run(web: Any, http: Any) -> None:
    web.answers |= {f"/{n}": http.says(http.http(200, PAGE, HTML)) for n in range(3)}
    hurried = HTTP.model_copy(update={"max_host_s": 1e-9})
    urls = [web.url(f"/{n}") for n in range(3)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        ends = ends_of_pages(pipeline, [entry(url) for url in urls], hurried)
        assert_that(ends, equal_to([("skip", url, "deferred") for url in urls]))
    assert web.seen == []


def feeds(
    pipeline: beam.Pipeline, refs: Iterable[FeedRef], poll: PollSettings = SETTINGS.poll
) -> tuple[Any, Any, Any, Any]:
    listed = pipeline | "Feeds" >> beam.Create(refs, reshuffle=False).with_output_types(FeedRef)
    outputs: tuple[Any, Any, Any, Any] = listed | FetchFeeds(HTTP, poll, SETTINGS.urls)
    return outputs


def entry_of(entry: Entry) -> tuple[str, str]:
    return entry.origin.feed, entry.url


def state_of(state: FeedState) -> tuple[str, str, str, str | None]:
    return state.url, state.outcome, state.location, state.etag


def subject_of(reject: Reject) -> tuple[str, str, str]:
    return reject.subject, reject.reason, reject.origin.feed


def test_feeds_become_entries_states_and_rejects_and_none_is_lost(web: Any, http: Any) -> None:
    other = web.HOSTS[1]
    news = rss(item("/1"), item("https://b.example/2"), "<title>no link</title><description>x</description>")
    web.answers |= {
        "/rss": http.says(http.http(200, news, 'ETag: "7"')),
        "/same": http.says(http.http(304)),
        "/moved": http.says(http.http(301, b"", f"Location: {web.url('/new', other)}")),
        "/lent": http.says(http.http(302, b"", f"Location: {web.url('/new', other)}")),
        "/new": http.says(http.http(200, rss(item("/3")))),
        "/page": http.says(http.http(200, PAGE, HTML)),
        "/gone": http.says(http.http(410)),
    }
    known = FeedState(
        web.url("/same"), "a", web.url("/same"), '"1"', None, 200, "fetched", Timestamp(1), Timestamp(1), Timestamp(1),
        Timestamp(2), 3_600.0, 0, False, 1, "A",
    )  # fmt: skip
    paths = ("/rss", "/moved", "/lent", "/page", "/gone")
    refs = [*(ref(web.url(path)) for path in paths), ref(web.url("/same"), known)]
    new = web.url("/new", other)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, states, rejects, hosts = feeds(pipeline, refs)
        assert_that(
            entries | "EntryOf" >> beam.Map(entry_of),
            equal_to([
                (web.url("/rss"), web.url("/1")), (web.url("/rss"), "https://b.example/2"),
                (web.url("/moved"), web.url("/3", other)), (web.url("/lent"), web.url("/3", other)),
            ]), label="entries",
        )  # fmt: skip
        assert_that(
            states | "StateOf" >> beam.Map(state_of),
            equal_to([
                (web.url("/rss"), "fetched", web.url("/rss"), '"7"'), (web.url("/moved"), "fetched", new, None),
                (web.url("/lent"), "fetched", web.url("/lent"), None), (web.url("/same"), "not_modified", web.url("/same"), '"1"'),
                (web.url("/page"), "not_a_feed", web.url("/page"), None), (web.url("/gone"), "gone", web.url("/gone"), None),
            ]), label="states",
        )  # fmt: skip
        assert_that(
            rejects | "SubjectOf" >> beam.Map(subject_of),
            equal_to([
                ("entry", "no_link", web.url("/rss")), ("feed", "not_a_feed", web.url("/page")), ("feed", "gone", web.url("/gone")),
            ]), label="rejects",
        )  # fmt: skip
        names = hosts | "NameOf" >> beam.Map(lambda state: state.host) | beam.Distinct()
        assert_that(names, equal_to(list(web.HOSTS)), label="hosts")


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted with whole articles", "not trusted"])
def test_an_article_that_its_feed_carries_whole_is_fetched_only_where_the_feed_is_not_trusted(
    web: Any, http: Any, trusted: bool
) -> None:
    whole = f"<description><![CDATA[<p>{'It rained. ' * 200}</p>]]></description>"
    web.answers["/rss"] = http.says(http.http(200, rss(item("/1", whole))))
    web.answers["/1"] = http.says(http.http(200, PAGE, HTML))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, _, _, hosts = feeds(pipeline, [ref(web.url("/rss"), full_content=trusted)])
        articles, _, _ = (entries, hosts) | FetchPages(HTTP, Read())
        assert_that(articles | beam.Map(page_of), equal_to([("page", web.url("/1"), web.url("/1"))]))
    assert web.paths() == (["/rss"] if trusted else ["/rss", "/1"])


def test_robots_are_asked_for_once_by_feeds_and_pages_together(web: Any, http: Any) -> None:
    web.answers["/rss"] = http.says(http.http(200, rss(item("/1"), item("/2"))))
    web.answers |= {path: http.says(http.http(200, PAGE, HTML)) for path in ("/1", "/2")}
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, _, _, hosts = feeds(pipeline, [ref(web.url("/rss"))])
        _ = (entries, hosts) | FetchPages(HTTP, Read())
    assert sorted(request.path for request in web.seen) == ["/1", "/2", "/robots.txt", "/rss"]


def test_what_lies_beyond_the_bound_of_a_feed_is_said(web: Any, http: Any) -> None:
    web.answers["/rss"] = http.says(http.http(200, rss(*(item(f"/{n}") for n in range(5)))))
    poll = SETTINGS.poll.model_copy(update={"max_entries": 3})
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, _, rejects, _ = feeds(pipeline, [ref(web.url("/rss"))], poll)
        assert_that(entries | beam.Map(entry_of), equal_to([(web.url("/rss"), web.url(f"/{n}")) for n in range(3)]))
        assert_that(rejects | beam.Map(subject_of), equal_to([("feed", "too_large", web.url("/rss"))]), label="rejects")


class Broken(PageErrand):
    def ask(self, entry: Entry) -> Ask:
        raise ZeroDivisionError("ours")


def test_an_error_of_ours_inside_the_crawl_ends_the_run() -> None:
    group = ("127.0.0.1", {"items": [entry("http://127.0.0.1/a")]})
    with pytest.raises(Exception, match="ours"), beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([group]) | beam.ParDo(RoundFn(HTTP, Broken()))
