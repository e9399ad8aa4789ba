"""The guarded get and the crawl, against a real server that misbehaves on purpose."""

import asyncio
import datetime
import gzip
import ipaddress
import itertools
import ssl
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from schemas.records import RejectReason
from schemas.settings import HttpSettings
from schemas.settings_files import load_settings
from transforms.failure import FetchFailed
from transforms.fetch.client import Client, Response
from transforms.fetch.crawl import Answer, Ask, Elsewhere, Unasked, crawl
from transforms.fetch.guard import host_of
from transforms.fetch.host import HostState

DEFAULTS = Path(__file__).parents[2] / "config" / "defaults.toml"
GAP = 0.05


def settings(**changes: Any) -> HttpSettings:
    base = {"allow_networks": ("127.0.0.0/8",), "gap_s": GAP, "backoff_s": 0.01, "deadline_s": 0.5, "connect_s": 0.5}
    return load_settings(DEFAULTS).http.model_copy(update={**base, **changes})


def get(url: str, http: HttpSettings, lookup: Any = None, tls: ssl.SSLContext | None = None) -> Response:
    async def ask() -> Response:
        client = Client(http, lookup, tls) if lookup else Client(http, tls=tls)
        async with client:
            return await client.get(url, {}, lambda: None)

    return asyncio.run(ask())


def failure(url: str, http: HttpSettings, **kwargs: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        get(url, http, **kwargs)
    return caught.value


def ask(url: str) -> Ask:
    return Ask(url, None, None, 0, True)


def fetch(
    urls: Sequence[str], http: HttpSettings, known: dict[str, list[HostState]] | None = None
) -> tuple[dict[str, Any], list[HostState]]:
    """Crawl; return what became of each URL, and the hosts' states."""
    work: dict[str, list[str]] = {}
    for url in urls:
        work.setdefault(host_of(url), []).append(url)
    ended, states = {}, []
    for outcome in crawl(http, work, known or {}, ask):
        if isinstance(outcome, HostState):
            states.append(outcome)
        else:
            ended[outcome[0]] = outcome[1]
    return ended, states


# ------------------------------------------------------------------ one request


def test_an_answer_comes_with_body_headers_and_cookies(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(
        http.http(200, gzip.compress(b"text"), "Content-Encoding: gzip", "ETag: W/1", "Set-Cookie: seen=1; Path=/")
    )
    response = get(web.url("/a"), settings())
    assert (response.status, response.body, response.headers["etag"]) == (200, b"text", "W/1")
    assert response.cookies == {"seen": "1"}
    assert web.seen[0].headers["user-agent"] == settings().agent


def test_an_answer_in_http_1_0_is_taken(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nold but fine")
    assert get(web.url("/a"), settings()).body == b"old but fine"


@pytest.mark.parametrize(
    ("answer", "reason", "transient"),
    [
        pytest.param((200, b"half", (), 99), RejectReason.TRUNCATED, True, id="body-shorter-than-announced"),
        pytest.param((200, gzip.compress(b"x" * 9_999)[:40], ("Content-Encoding: gzip",), None), RejectReason.TRUNCATED, True, id="gzip-breaks-off"),
        pytest.param((200, b"not gzip", ("Content-Encoding: gzip",), None), RejectReason.BAD_ENCODING, True, id="not-the-coding-it-says"),
        pytest.param((200, b"x" * 5_001, (), None), RejectReason.TOO_LARGE, False, id="more-than-the-wire-bound"),
        pytest.param((200, gzip.compress(b"x" * 50_000), ("Content-Encoding: gzip",), None), RejectReason.TOO_LARGE, False, id="more-than-the-body-bound"),
        pytest.param((200, b"", ("X-Bomb: " + "x" * 40_000,), None), RejectReason.TOO_LARGE, False, id="header-bomb"),
    ],
)  # fmt: skip
def test_an_answer_beyond_the_bounds_is_a_failure_with_its_reason(
    web: Any, http: Any, answer: tuple[int, bytes, tuple[str, ...], int | None], reason: RejectReason, transient: bool
) -> None:
    status, body, headers, length = answer
    web.answers["/a"] = http.says(http.http(status, body, *headers, length=length))
    ended = failure(web.url("/a"), settings(max_wire_bytes=5_000, max_body_bytes=40_000))
    assert (ended.reason, ended.transient) == (reason, transient), ended.detail


def test_a_server_that_drips_or_hangs_is_cut_at_the_deadline(web: Any) -> None:
    async def drip(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():  # a byte whenever the loop comes by: never done, and never still
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0)

    async def hang(_: Any, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    web.answers |= {"/drip": drip, "/hang": hang}
    for path in ("/drip", "/hang"):
        assert failure(web.url(path), settings(deadline_s=0.2)).reason == RejectReason.TIMEOUT


def test_a_closed_connection_is_not_asked_again_behind_our_back(web: Any) -> None:
    async def reset(_: Any, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(1, 13, linger)  # SO_LINGER: close with a reset

    async def close(_: Any, __: asyncio.StreamWriter) -> None:
        return

    web.answers |= {"/reset": reset, "/close": close}
    for path in ("/reset", "/close"):
        assert failure(web.url(path), settings()).reason == RejectReason.CONNECTION_FAILED
    assert web.paths() == ["/reset", "/close"]


def test_nothing_is_sent_to_an_address_that_is_not_allowed(web: Any) -> None:
    assert failure(web.url("/a"), settings(allow_networks=())).reason == RejectReason.ADDRESS_REFUSED
    named = f"http://localhost:{web.port}/a"
    assert failure(named, settings(allow_networks=())).reason == RejectReason.ADDRESS_REFUSED
    assert web.seen == []


@pytest.mark.parametrize("host", ["127。0。0。1", "①②⑦.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "[::127.0.0.1]"])
def test_an_address_in_a_spelling_that_libraries_read_differently_is_refused(web: Any, host: str) -> None:
    with pytest.raises(FetchFailed):
        get(f"http://{host}:{web.port}/a", settings(allow_networks=()))
    assert web.seen == []


def test_headers_that_are_no_utf_8_come_as_text_that_can_be_stored(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(
        http.http(200, b"page").replace(b"Connection", b"ETag: \xff\xe9\r\nSet-Cookie: k=\xe9\r\nConnection")
    )
    response = get(web.url("/a"), settings())
    assert response.headers["etag"] == "ÿé"
    for text in (*response.headers.values(), *response.cookies.values()):
        text.encode()


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(web: Any, http: Any) -> None:
    """What is checked is what is connected to: the second look-up, were there one, would give the forbidden address."""
    web.answers["/a"] = http.says(http.http(200, b"ok"))
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked: list[str] = []

    async def lookup(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    only_second = settings(allow_networks=("127.0.0.2/32",))
    assert get(f"http://rebind.example:{web.port}/a", only_second, lookup=lookup).body == b"ok"
    assert (
        failure(f"http://rebind.example:{web.port}/a", only_second, lookup=lookup).reason
        == RejectReason.ADDRESS_REFUSED
    )
    assert asked == ["rebind.example", "rebind.example"]
    assert [request.host for request in web.seen] == ["127.0.0.2"]


def test_the_clock_of_a_request_does_not_run_while_it_waits_for_a_connection(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(http.http(200, b"page"))

    async def ask_late() -> Response:
        async with Client(settings(deadline_s=0.2, max_connections=1)) as client:
            await client.places.acquire()  # as another host's request would
            asyncio.get_running_loop().call_later(0.4, client.places.release)
            return await client.get(web.url("/a"), {}, lambda: None)

    assert asyncio.run(ask_late()).body == b"page"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_few_large_bodies_are_in_memory_at_a_time_and_the_clocks_of_the_others_stand_still(
    web: Any, http: Any, packed: bool
) -> None:
    body = b"\0" * 2_000_000
    answer = http.http(200, gzip.compress(body), "Content-Encoding: gzip") if packed else http.http(200, body)
    bomb = http.http(200, gzip.compress(b"\0" * 4_000_000), "Content-Encoding: gzip")
    web.answers |= {f"/{n}": http.says(answer) for n in range(6)} | {"/bomb": http.says(bomb)}

    async def ask_all() -> list[int]:
        async with Client(settings(deadline_s=1.0, max_body_bytes=3_000_000)) as client:
            for _ in range(5):  # what is refused takes no room for longer
                with pytest.raises(FetchFailed):
                    await client.get(web.url("/bomb"), {}, lambda: None)
            tasks = [asyncio.create_task(client.get(web.url(f"/{n}"), {}, lambda: None)) for n in range(6)]
            done, waiting = await asyncio.wait(tasks, timeout=1.3)
            for task in done:
                task.result().room.leave()
            return [len(done), *[len((await task).body) for task in waiting]]

    assert asyncio.run(ask_all()) == [4, 2_000_000, 2_000_000]


def test_a_name_without_address_is_a_dns_failure() -> None:
    async def lookup(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    assert failure("http://nowhere.example/", settings(), lookup=lookup).reason == RejectReason.DNS_FAILURE


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    loop = asyncio.new_event_loop()

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(page, "127.0.0.1", 0, ssl=serving))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        assert failure(url, settings()).reason == RejectReason.TLS_FAILURE
        trusting = ssl.create_default_context(cafile=str(pem))
        assert get(url, settings(), tls=trusting).body == b"ok"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


# ------------------------------------------------------------------ many requests


def test_robots_come_first_once_and_are_obeyed(web: Any, http: Any) -> None:
    web.answers["/robots.txt"] = http.says(http.http(200, b"User-agent: *\nDisallow: /private/\n"))
    web.answers["/a"] = web.answers["/private/b"] = http.says(http.http(200, b"page"))
    urls = [web.url("/a"), web.url("/private/b"), web.url("/a")]
    ended, _ = fetch(urls, settings())
    assert ended[web.url("/a")].response.body == b"page"
    assert ended[web.url("/private/b")].reason == RejectReason.ROBOTS_DISALLOWED
    assert [request.path for request in web.seen] == ["/robots.txt", "/a", "/a"]


def test_a_host_whose_robots_are_down_is_left_alone(web: Any, http: Any) -> None:
    web.answers["/robots.txt"] = http.says(http.http(503))
    ended, _ = fetch([web.url("/a"), web.url("/b")], settings())
    assert {result.reason for result in ended.values()} == {RejectReason.ROBOTS_UNREACHABLE}
    assert web.paths() == []


def test_the_gap_holds_between_requests_and_between_rounds(web: Any, http: Any) -> None:
    web.answers |= {f"/{n}": http.says(http.http(200, b"page")) for n in range(6)}
    _, states = fetch([web.url(f"/{n}") for n in range(3)], settings(host_concurrency=2))
    fetch([web.url(f"/{n}") for n in range(3, 6)], settings(host_concurrency=2), {"127.0.0.1": states})
    times = [request.at for request in web.seen]
    assert min(b - a for a, b in itertools.pairwise(times)) >= GAP * 0.9
    assert [request.path for request in web.seen].count("/robots.txt") == 1  # the second round knows them


def test_a_crawl_delay_is_kept_up_to_its_bound(web: Any, http: Any) -> None:
    web.answers["/robots.txt"] = http.says(http.http(200, b"User-agent: *\nCrawl-delay: 900\n"))
    web.answers["/a"] = http.says(http.http(200, b"page"))
    fetch([web.url("/a"), web.url("/a?2")], settings(max_crawl_delay_s=0.3))
    assert web.seen[2].at - web.seen[1].at >= 0.29


def test_redirects_within_a_host_are_followed_with_their_cookies(web: Any, http: Any) -> None:
    web.answers["/old"] = http.says(http.http(301, b"", "Location: /wall"))
    web.answers["/wall"] = http.says(http.http(302, b"", "Location: /new", "Set-Cookie: consent=yes"))
    web.answers["/new"] = http.says(http.http(200, b"page"))
    ended, _ = fetch([web.url("/old")], settings())
    result = ended[web.url("/old")]
    assert (result.response.url, result.permanent) == (web.url("/new"), False)
    assert web.seen[-1].headers["cookie"] == "consent=yes"


def test_a_redirect_to_another_host_is_handed_back(web: Any, http: Any) -> None:
    there = web.url("/new", "127.0.0.2")
    web.answers["/old"] = http.says(http.http(308, b"", f"Location: {there}"))
    ended, _ = fetch([web.url("/old")], settings())
    assert ended[web.url("/old")] == Elsewhere(Ask(there, None, None, 1, True))
    assert {request.host for request in web.seen} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        pytest.param("/old", RejectReason.TOO_MANY_REDIRECTS, id="loop"),
        pytest.param("file:///etc/passwd", RejectReason.BAD_REDIRECT, id="file"),
        pytest.param("", RejectReason.BAD_REDIRECT, id="nowhere"),
        pytest.param("http://[broken/", RejectReason.BAD_REDIRECT, id="broken"),
    ],
)
def test_a_redirect_that_leads_nowhere_good_is_refused(
    web: Any, http: Any, location: str, reason: RejectReason
) -> None:
    web.answers["/old"] = http.says(http.http(302, b"", f"Location: {location}"))
    ended, _ = fetch([web.url("/old")], settings())
    assert ended[web.url("/old")].reason == reason
    assert len(web.paths()) <= 6


@pytest.mark.parametrize(
    ("status", "reason", "asked"),
    [
        (404, RejectReason.NOT_FOUND, 1), (410, RejectReason.GONE, 1), (403, RejectReason.HTTP_CLIENT_ERROR, 1),
        (500, RejectReason.HTTP_SERVER_ERROR, 3), (429, RejectReason.RATE_LIMITED, 3),
    ],
)  # fmt: skip
def test_a_status_says_whether_to_try_again(web: Any, http: Any, status: int, reason: RejectReason, asked: int) -> None:
    web.answers["/a"] = http.says(http.http(status))
    ended, _ = fetch([web.url("/a")], settings())
    assert (ended[web.url("/a")].reason, len(web.paths())) == (reason, asked)


def test_a_passing_failure_is_tried_again_after_the_wait_it_asks_for(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(http.http(503, b"", "Retry-After: 1"), http.http(200, b"page"))
    ended, _ = fetch([web.url("/a")], settings(max_retry_after_s=2.0))
    assert isinstance(ended[web.url("/a")], Answer)
    assert web.seen[2].at - web.seen[1].at >= 0.99


def test_a_wait_beyond_the_bound_ends_the_tries_of_this_run(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(http.http(429, b"", "Retry-After: 3600"))
    ended, _ = fetch([web.url("/a")], settings(max_retry_after_s=0.1))
    assert (ended[web.url("/a")].retry_after_s, len(web.paths())) == (3600.0, 1)


def test_a_host_that_asks_for_peace_is_left_alone_for_the_rest_of_the_round(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(http.http(429, b"", "Retry-After: 3600"))
    ended, _ = fetch([web.url("/a"), web.url("/b")], settings(max_retry_after_s=0.1))
    assert isinstance(ended[web.url("/b")], Unasked)
    assert web.paths() == ["/a"]


def test_a_host_that_does_not_answer_is_soon_left_alone(web: Any) -> None:
    async def close(_: Any, __: asyncio.StreamWriter) -> None:
        return

    web.answers |= {f"/{n}": close for n in range(20)}
    ended, _ = fetch([web.url(f"/{n}") for n in range(20)], settings(gap_s=0.0))
    reasons = [getattr(result, "reason", "unasked") for result in ended.values()]
    assert reasons == [RejectReason.CONNECTION_FAILED] * 2 + ["unasked"] * 18
    assert len(web.paths()) == 6


def test_a_host_gets_its_share_of_time_and_no_more(web: Any, http: Any) -> None:
    web.answers |= {f"/{n}": http.says(http.http(200, b"page")) for n in range(50)}
    ended, _ = fetch([web.url(f"/{n}") for n in range(50)], settings(max_host_s=4 * GAP))
    assert 2 <= sum(isinstance(result, Answer) for result in ended.values()) <= 5
    assert isinstance(ended[web.url("/49")], Unasked)


def test_a_url_that_ran_into_the_deadline_waits_for_a_later_run(web: Any) -> None:
    async def hang(_: Any, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    web.answers["/a"] = hang
    ended, _ = fetch([web.url("/a")], settings(deadline_s=0.2))
    assert (ended[web.url("/a")].reason, ended[web.url("/a")].transient) == (RejectReason.TIMEOUT, True)
    assert web.paths() == ["/a"]


def test_robots_that_are_packed_and_longer_than_what_is_read_are_obeyed(web: Any, http: Any) -> None:
    rules = b"User-agent: *\nDisallow: /private/\n" + b"# filler\n" * 80_000
    web.answers["/robots.txt"] = http.says(http.http(200, gzip.compress(rules), "Content-Encoding: gzip"))
    web.answers["/a"] = http.says(http.http(200, b"page"))
    ended, _ = fetch([web.url("/a"), web.url("/private/b")], settings())
    assert isinstance(ended[web.url("/a")], Answer)
    assert ended[web.url("/private/b")].reason == RejectReason.ROBOTS_DISALLOWED


def test_hosts_are_asked_side_by_side(web: Any, http: Any) -> None:
    """Ten requests to each of two hosts take the time of ten, not of twenty."""
    web.answers |= {f"/{n}": http.says(http.http(200, b"page")) for n in range(10)}
    fetch([web.url(f"/{n}", host) for n in range(10) for host in web.HOSTS], settings())
    first = {host: min(r.at for r in web.seen if r.host == host) for host in web.HOSTS}
    last = {host: max(r.at for r in web.seen if r.host == host) for host in web.HOSTS}
    assert max(first.values()) < min(last.values())


def test_bodies_beyond_what_may_wait_pass_one_by_one(web: Any, http: Any) -> None:
    packed = gzip.compress(b"\0" * 40_000_000, 1)
    web.answers |= {f"/{n}": http.says(http.http(200, packed, "Content-Encoding: gzip")) for n in range(6)}
    ended, _ = fetch(
        [web.url(f"/{n}") for n in range(6)], settings(max_body_bytes=50_000_000, host_concurrency=6, deadline_s=5)
    )
    assert [len(result.response.body) for result in ended.values()] == [40_000_000] * 6


def test_a_caller_that_stops_early_leaves_no_crawl_behind(web: Any, http: Any) -> None:
    web.answers |= {f"/{n}": http.says(http.http(200, b"page")) for n in range(50)}
    outcomes = crawl(settings(), {"127.0.0.1": [web.url(f"/{n}") for n in range(50)]}, {}, ask)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "crawl"]
    assert len(web.paths()) < 50


def test_an_error_of_ours_on_the_event_loop_reaches_the_caller(web: Any) -> None:
    def broken(_: str) -> Ask:
        raise ZeroDivisionError("ours")

    with pytest.raises(ZeroDivisionError, match="ours"):
        list(crawl(settings(), {"127.0.0.1": [web.url("/a")]}, {}, broken))
    assert not [thread for thread in threading.enumerate() if thread.name == "crawl"]


def test_what_failed_in_an_earlier_run_gets_one_try(web: Any, http: Any) -> None:
    web.answers["/a"] = http.says(http.http(500))
    work = {"127.0.0.1": [web.url("/a")]}
    list(crawl(settings(), work, {}, lambda url: ask(url)._replace(one_try=True)))
    assert len(web.paths()) == 1
