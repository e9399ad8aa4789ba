"""What may be asked at all, and how bodies are unpacked and waits are read."""

import asyncio
import gzip
import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import RejectReason
from transforms.failure import FetchFailed
from transforms.fetch.crawl import retry_after_s
from transforms.fetch.guard import SystemLookup, check_url, host_of, is_allowed
from transforms.fetch.robots import Rulebook, judge
from transforms.fetch.unpack import unpack

TEXT = "Ṣanʿāʾ — صنعاء ".encode() * 400
LIMIT = 100_000


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "::127.0.0.1", "64:ff9b:1::7f00:1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(address, [])


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address, [])


def test_a_network_that_the_settings_allow_is_allowed_and_no_more() -> None:
    networks = [ipaddress.ip_network("127.0.7.0/24")]
    assert is_allowed("127.0.7.9", networks)
    assert is_allowed("::ffff:127.0.7.9", networks)
    assert not is_allowed("127.0.8.1", networks)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/", "file:///etc/passwd", "javascript:alert(1)", "https://", "//a.example/", "http://user:pw@a.example/",
        "http://2130706433/", "http://127.1/", "http://a.example:99999/", "http://[::1/", "https://a.example/" + "x" * 5_000, "",
        "https://a.example/\ud800", "http://a..b/x", "http://.a.example/", f"http://{'a' * 64}.example/x", "http://a b.example/",
        "http://x" + ".y" * 130 + "/", "http://ex%41mple.example/", "http://[fe80::1%25eth0]/", "http://127.0.0.1./",
        "http://www.\u00ad/", "http://\u2100.example/", "http://./",
    ],
)  # fmt: skip
def test_a_url_that_may_not_be_asked_is_refused(url: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url(url)
    assert caught.value.reason == RejectReason.BAD_URL
    assert not caught.value.transient
    assert host_of(url) == ""


_PIECES = [*"aZ0.-_:[]@%/?#\\ \u0131\u00df\u3002\u2460\u05d0\u0300\u200d\ud800", "xn--", "%25", "a" * 60]
_HOSTS = st.lists(st.sampled_from(_PIECES), max_size=20).map("".join)


@given(st.sampled_from(["http://", "HTTPS://", "http:/", "//", "http://a.example:", ""]), _HOSTS | st.text())
def test_any_text_is_a_url_to_ask_or_a_reject_and_nothing_else(scheme: str, rest: str) -> None:
    try:
        checked = check_url(scheme + rest)
    except FetchFailed:
        return
    host = checked.raw_host or ""
    host.encode("idna")  # what the system's resolver does first
    assert host.isascii()
    assert host_of(scheme + rest) == host.removesuffix(".") != ""


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Example.COM./a", "example.com"), ("https://example.com:8443/a", "example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example"), ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://[2001:DB8::1]/", "2001:db8::1"), ("http://127。0。0。1/", "127.0.0.1"), ("http://under_score.example/", "under_score.example"),
    ],
)  # fmt: skip
def test_all_spellings_of_a_host_are_one_host(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("name", ["a..b", "a" * 64, ".", "\ud800", "x." * 200, "", "a\0b"])
def test_a_name_that_no_resolver_takes_has_no_address(name: str) -> None:
    lookup = SystemLookup(5.0)
    with pytest.raises(OSError, match=r".+"):
        asyncio.run(lookup(name, 80))
    lookup.close()


def test_names_that_nobody_answers_for_hold_up_no_other_name_and_no_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def resolver(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host.startswith("dead"):
            over.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]

    async def look_up_all() -> tuple[object, ...]:
        lookup = SystemLookup(0.1)
        dead = [asyncio.ensure_future(lookup(f"dead{number}.example", 80)) for number in range(40)]
        good = await lookup("good.example", 80)
        work = await asyncio.wait_for(asyncio.to_thread(str, 1), 5)  # the loop's own threads, which unpack bodies
        failures = await asyncio.gather(*dead, return_exceptions=True)
        lookup.close()
        return good, work, {str(failure).partition(": ")[2] for failure in failures}

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    try:
        assert asyncio.run(look_up_all()) == (["192.0.2.1"], "1", {"no answer within 0.1 s"})
    finally:
        over.set()


def pack(coding: str, data: bytes) -> bytes:
    bare = zlib.compressobj(wbits=-15)
    packers: dict[str, Callable[[], bytes]] = {
        "gzip": lambda: gzip.compress(data),
        "deflate": lambda: zlib.compress(data),
        "bare deflate": lambda: bare.compress(data) + bare.flush(),
        "br": lambda: bytes(brotli.compress(data)),
        "zstd": lambda: zstandard.compress(data),
    }
    return packers[coding]()


CODINGS = ["gzip", "deflate", "bare deflate", "br", "zstd"]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_packed_body_comes_back_as_it_was(coding: str) -> None:
    assert unpack(pack(coding, TEXT), coding.rsplit(maxsplit=1)[-1], LIMIT) == TEXT


def test_codings_are_undone_last_first_and_gzip_members_are_joined() -> None:
    assert unpack(pack("br", pack("gzip", TEXT)), "gzip, br", LIMIT) == TEXT
    assert unpack(gzip.compress(TEXT) + gzip.compress(b"more"), "gzip", LIMIT) == TEXT + b"more"
    assert unpack(TEXT, "identity", LIMIT) == TEXT


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_refused_before_it_unpacks(coding: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        unpack(pack(coding, b"\0" * 3_000_000), coding.rsplit(maxsplit=1)[-1], LIMIT)
    assert caught.value.reason == RejectReason.TOO_LARGE


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_breaks_off_is_a_failure(coding: str) -> None:
    packed = pack(coding, TEXT)
    with pytest.raises(FetchFailed) as caught:
        unpack(packed[: len(packed) // 2], coding.rsplit(maxsplit=1)[-1], LIMIT)
    assert caught.value.reason in (RejectReason.TRUNCATED, RejectReason.BAD_ENCODING)
    assert caught.value.transient


@pytest.mark.parametrize(
    ("data", "codings"),
    [
        pytest.param(gzip.compress(b"") * 200_000, "gzip", id="a gzip file of countless empty members"),
        pytest.param(b"x", "gzip," * 3_000, id="countless codings"),
        pytest.param(zstandard.compress(TEXT) * 2, "zstd", id="frames behind the first"),
    ],
)
def test_what_would_cost_more_than_its_bytes_is_refused_at_once(data: bytes, codings: str) -> None:
    began = time.process_time()
    with pytest.raises(FetchFailed) as caught:
        unpack(data, codings, LIMIT)
    assert caught.value.reason == RejectReason.BAD_ENCODING
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "rot13"])
def test_rubbish_is_a_failure_and_no_exception_of_a_library(coding: str) -> None:
    with pytest.raises(FetchFailed):
        unpack(b"<html>not packed at all</html>", coding, LIMIT)


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None), ("", None), ("-5", None), ("Thu, 01 Jan 2026 00:00:30 +9999999999999", None),
        ("Thu, 01 Jan 99999999999999999999 00:00:30 GMT", None), ("9" * 400, 999_999_999.0),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(field: str, seconds: float | None) -> None:
    assert retry_after_s(field, datetime(2026, 1, 1, tzinfo=UTC)) == seconds


AGENT = "newsbeam/0.1 (+https://desk.example)"


@pytest.mark.parametrize(
    ("status", "body", "allowed"),
    [
        pytest.param(200, b"User-agent: *\nDisallow: /private/\n", True, id="another-path"),
        pytest.param(200, b"User-agent: *\nDisallow: /\n", False, id="all"),
        pytest.param(200, b"User-agent: newsbeam\nDisallow: /\n\nUser-agent: *\nAllow: /\n", False, id="us-by-name"),
        pytest.param(200, b"User-agent: otherbot\nDisallow: /\n", True, id="another-robot"),
        pytest.param(200, b"\xef\xbb\xbfUser-agent: *\nDisallow: /news/\n", False, id="byte-order-mark"),
        pytest.param(200, b"\xff\xfe\x00 rubbish", True, id="rubbish"),
        pytest.param(404, b"", True, id="missing"),
        pytest.param(403, b"", True, id="forbidden"),
        pytest.param(301, b"", True, id="leads-elsewhere"),
        pytest.param(503, b"", False, id="down"),
        pytest.param(429, b"", False, id="busy"),
        pytest.param(0, b"", False, id="no-answer"),
    ],
)
def test_robots_are_obeyed_by_rfc_9309(status: int, body: bytes, allowed: bool) -> None:
    book = Rulebook(judge("https://a.example", status, body), AGENT)
    assert book.allows("https://a.example/news/1") is allowed


def test_a_crawl_delay_is_read() -> None:
    assert Rulebook(judge("https://a.example", 200, b"User-agent: *\nCrawl-delay: 7\n"), AGENT).crawl_delay_s() == 7.0
