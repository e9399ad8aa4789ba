"""Feeds that a site has: its address asked, what it names and the usual places tried, as politely as a run asks."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Optional, Union
from urllib.parse import urljoin

from schemas.records import RejectReason
from schemas.settings import HttpSettings, Settings
from transforms.failure import FetchFailed
from transforms.feeds import Feed, NotAFeed, parse_feed
from transforms.feeds.discover import discover, news_sitemaps, page_language, usual_places
from transforms.fetch.client import Response
from transforms.fetch.crawl import Answer, Ask, Elsewhere, Unasked, crawl
from transforms.fetch.guard import host_of
from transforms.fetch.host import HostState

ROUNDS: Final = 3  # a redirect to another host is followed this often
MOST_FEEDS: Final = 5  # of one outlet, when they are found for a person who can list more


class Found(NamedTuple):
    """An address that was tried, and the feed there; `problem` says why there is none."""

    url: str  # after redirects, where a feed was found
    feed: Optional[Feed]
    problem: str


def find_feeds(url: str, settings: Settings) -> tuple[list[Found], str]:
    """Return what was tried to find the feeds of the site at `url`, in that order, and the language its page declares.

    `url` itself may be a feed. Else what its page names is tried, and only where nothing of that works, the news
    sitemaps in its robots.txt and the usual places.
    """
    answer = ask_all([url], settings.http).get(url)
    first = _found(url, answer, settings.poll.max_entries)
    if first.feed is not None or not isinstance(answer, Response):
        return [first], ""
    language = page_language(answer.body)
    tried = look_at(discover(answer.body, answer.url), settings)
    if any(entry.feed and entry.feed.items for entry in tried):
        return tried, language
    robots_url = urljoin(answer.url, "/robots.txt")
    robots = ask_all([robots_url], settings.http).get(robots_url)
    rules = robots.body.decode("utf-8", "replace") if isinstance(robots, Response) else ""
    return tried + look_at([*news_sitemaps(rules, answer.url), *usual_places(answer.url)], settings), language


def distinct(found: Sequence[Found]) -> list[Found]:
    """Return the feeds that list something no feed before them lists, at most `MOST_FEEDS`."""
    seen: set[str] = set()
    kept: list[Found] = []
    for entry in found:
        links = {item.link for item in entry.feed.items if item.link} if entry.feed else set()
        if links - seen and len(kept) < MOST_FEEDS:
            kept.append(entry)
            seen |= links
    return kept


def ask_all(urls: Iterable[str], http: HttpSettings) -> dict[str, Union[Response, FetchFailed]]:
    """Return what each URL answers, asked as politely and as guarded as a run asks."""
    answers: dict[str, Union[Response, FetchFailed]] = {}
    waiting = [(url, Ask(url, None, None, 0, False)) for url in dict.fromkeys(urls)]
    known: dict[str, list[HostState]] = {}
    for _ in range(ROUNDS):
        work: dict[str, list[tuple[str, Ask]]] = {}
        for url, ask in waiting:
            work.setdefault(host_of(ask.url), []).append((url, ask))
        waiting = []
        for outcome in crawl(http, work, known, lambda item: item[1]):
            if isinstance(outcome, HostState):
                known.setdefault(outcome.host, []).append(outcome)
                continue
            (url, _ask), result = outcome
            match result:
                case Elsewhere(ask):
                    waiting.append((url, ask))
                case Answer(response):
                    answers[url] = response
                case Unasked(why):
                    answers[url] = FetchFailed(RejectReason.TIMEOUT, why, transient=True)
                case FetchFailed():
                    answers[url] = result
    return answers


def look_at(urls: Iterable[str], settings: Settings) -> list[Found]:
    """Return the feed at each of `urls`, or why there is none, in their order."""
    wanted = list(dict.fromkeys(urls))
    answers = ask_all(wanted, settings.http)
    return [_found(url, answers.get(url), settings.poll.max_entries) for url in wanted]


def _found(url: str, answer: Union[Response, FetchFailed, None], max_items: int) -> Found:
    if answer is None:
        return Found(url, None, "redirected from host to host")
    if isinstance(answer, FetchFailed):
        return Found(url, None, f"{answer.reason}: {answer.detail}")
    try:
        feed = parse_feed(answer.body, answer.headers.get("content-type", ""), answer.url, max_items)
    except NotAFeed as error:
        return Found(url, None, f"not a feed: {error}")
    return Found(answer.url, feed, "")
