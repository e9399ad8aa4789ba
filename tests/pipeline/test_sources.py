"""Files and archives as sources: what can be read becomes pages and texts, everything else a reject with its reason."""

import contextlib
import gzip
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import apache_beam as beam
import brotli
import pytest
import zstandard
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.sources import ListResponses, ReadFiles, file_entry, find_files
from pipelines.warc import Archive, DamagedArchive, Listed, list_responses, read_response
from schemas.errors import ConfigError
from schemas.records import Article, Entry, Origin, Page, Reject
from schemas.settings import UrlSettings
from transforms.write import Dataset

HTML = b"<html><body><p>It rained.</p></body></html>"
AT = Timestamp.from_rfc3339("2026-08-31T12:00:00Z")
Response = tuple[str, str, str, bytes]  # address, status, content type, body
NEWS: Response = ("https://www.wadi.example/1?utm_source=x", "200 OK", "text/html", HTML)


def warc(*responses: Response, packed: bool = True, types: Sequence[str] = ("request", "response")) -> bytes:
    """An archive as crawlers write it: about the crawl itself, then of each exchange the request and the response."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    writer.write_record(writer.create_warcinfo_record("a.warc", {"software": "none"}))
    for url, status, content_type, body in responses:
        for kind in types:
            head = StatusAndHeaders(status, [("Content-Type", content_type)], protocol="HTTP/1.1")
            if kind == "request":
                head = StatusAndHeaders("GET / HTTP/1.1", [("Host", "wadi.example")], is_http_request=True)
            record = writer.create_warc_record(
                url, kind, payload=io.BytesIO(body if kind == "response" else b""), http_headers=head,
                warc_headers_dict={"WARC-Date": "2026-08-31T12:00:00Z"},
            )  # fmt: skip
            writer.write_record(record)
    return out.getvalue()


def kept(part: Any) -> tuple[str, ...]:
    match part:
        case Page():
            return "page", part.entry.origin.outlet, part.entry.origin.link, part.body.decode()
        case Article():
            return "text", part.origin.outlet, part.text
        case Reject():
            return "reject", part.reason, part.subject
    raise AssertionError(part)


def read(paths: Sequence[Path], outlet: str, expected: Sequence[tuple[str, ...]], max_bytes: int = 10_000) -> None:
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        files = pipeline | beam.Create([file_entry(path, outlet) for path in paths]).with_output_types(Entry)
        entries, damaged = files | ListResponses(UrlSettings(keep={}))
        pages, texts, unreadable = entries | ReadFiles(max_bytes)
        ends = (pages, texts, unreadable, damaged) | beam.Flatten() | beam.Map(kept)
        assert_that(ends, equal_to(expected))


def test_each_file_ends_as_a_page_a_text_or_a_reject(tmp_path: Path) -> None:
    files = {
        "a.html": HTML, "b.html.gz": gzip.compress(HTML), "c.txt": "نص".encode(), "d.txt": b"\xff\xfe\xff",
        "e.html.gz": gzip.compress(HTML)[:-9], "f.html.gz": gzip.compress(b"x" * 10_001), "g.txt": b"\0\1\2\x7f a" * 99,
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    odd.write_bytes(b"Odd name")
    read(
        find_files([str(tmp_path)]),
        "wadi",
        [
            ("page", "wadi", (tmp_path / "a.html").as_uri(), HTML.decode()), ("page", "wadi", (tmp_path / "b.html.gz").as_uri(), HTML.decode()),
            ("text", "wadi", "نص"), ("text", "wadi", "Odd name"), ("reject", "bad_encoding", "entry"), ("reject", "unreadable", "entry"),
            ("reject", "too_large", "entry"), ("reject", "parse_failed", "entry"),
        ],
    )  # fmt: skip


def test_a_path_that_names_nothing_is_said_whatever_its_bytes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_files([os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")])
    str(caught.value).encode()


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_each_response_of_an_archive_ends_as_a_page_or_a_reject(tmp_path: Path, packed: bool) -> None:
    large = ("https://wadi.example/large", "200 OK", "text/html", b"x" * 10_001)
    missing = ("https://wadi.example/gone", "404 Not Found", "text/html", b"")
    picture = ("https://wadi.example/p", "200 OK", "image/png", b"\x89PNG")
    name = ("dns:wadi.example", "200 OK", "text/dns", b"192.0.2.1")
    other = ("https://post.example/2", "200 OK", "text/html; charset=utf-8", HTML)
    path = tmp_path / f"a.warc{'.gz' * packed}"
    path.write_bytes(warc(NEWS, large, missing, picture, name, other, packed=packed))
    rejects = [("reject", reason, "entry") for reason in ("too_large", "http_client_error", "bad_content_type")]
    news, last = ("https://wadi.example/1", HTML.decode()), ("https://post.example/2", HTML.decode())
    read([path], "unknown", [("page", "wadi-example", *news), ("page", "post-example", *last), *rejects])
    read([path], "named", [("page", "named", *news), ("page", "named", *last), *rejects])


def test_the_time_of_a_response_is_its_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc(NEWS))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        entries, _ = pipeline | beam.Create([file_entry(path, "unknown")]) | ListResponses(UrlSettings(keep={}))
        assert_that(entries | beam.Map(lambda entry: entry.origin.stamp), equal_to([AT]))


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
def test_an_archive_that_breaks_off_gives_what_is_whole(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / f"a.warc{'.gz' * packed}"
    path.write_bytes(warc(NEWS, NEWS, packed=packed)[: -80 if packed else -20])
    rejects = [("reject", "unreadable", "entry")] + [("reject", "unreadable", "feed")] * packed
    read([path], "wadi", [("page", "wadi", "https://wadi.example/1", HTML.decode()), *rejects])


def test_an_archive_that_breaks_off_between_its_records_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    whole = warc(NEWS)
    path.write_bytes(whole + warc(NEWS)[:40])
    read([path], "wadi", [("page", "wadi", "https://wadi.example/1", HTML.decode()), ("reject", "unreadable", "feed")])


def test_what_is_no_archive_is_one_reject_of_the_file(tmp_path: Path) -> None:
    one_member = gzip.compress(warc(NEWS, NEWS, packed=False))  # for all records
    files = {
        "a.warc.gz": b"\x1f\x8bnot",
        "b.warc": b"<html>",
        "c.warc.gz": one_member,
        "d.warc": b"",
        "e.warc": b"a\nb\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    read([tmp_path / name for name in files], "wadi", [("reject", "unreadable", "feed")] * len(files))


@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=8)), min_size=1, max_size=4),
    st.integers(0, 2_000),
)
def test_a_damaged_archive_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, packed: bool, damage: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(warc(NEWS, NEWS, packed=packed))
    for at, junk in damage:
        data[at % len(data) : at % len(data) + len(junk)] = junk
    path = tmp_path_factory.getbasetemp() / "damaged.warc.gz"
    path.write_bytes(data[: len(data) - cut % 300])
    found = list[Listed]()
    with contextlib.suppress(DamagedArchive):
        found.extend(list_responses(path))
    for listed in found:
        with contextlib.suppress(DamagedArchive, OverflowError):
            read_response(path, listed.offset, 10_000)


def page(number: int, etag: Optional[str] = None) -> Page:
    origin = Origin("wadi", "feed", "", f"https://wadi.example/{number}", None, None)
    entry = Entry(origin, origin.link, "", "", "", [], [], None, None, None, None, 0)
    return Page(entry, origin.link, 200, "text/html; charset=utf-8", f"<p>صفحة {number}".encode(), etag, None, AT)


def test_what_a_run_keeps_is_what_a_backfill_reads(tmp_path: Path) -> None:
    archive, pages = Archive(Dataset(str(tmp_path)), "raw"), [page(1, '"1"'), page(2)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        given_on = pipeline | beam.Create(pages, reshuffle=False).with_output_types(Page) | archive
        assert_that(given_on, equal_to(pages))
    archives = find_files([str(tmp_path / "raw")])
    found = [
        (listed.url, listed.at, read_response(path, listed.offset, 10_000))
        for path in archives
        for listed in list_responses(path)
    ]
    assert found == [(one.url, AT, (200, one.content_type, one.body)) for one in pages]


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd"])
def test_an_archived_body_is_unpacked_as_its_server_packed_it(tmp_path: Path, coding: str) -> None:
    packed = {"br": brotli.compress, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}[coding](HTML)
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    head = StatusAndHeaders(
        "200 OK", [("Content-Type", "text/html"), ("Content-Encoding", coding)], protocol="HTTP/1.1"
    )
    writer.write_record(writer.create_warc_record(NEWS[0], "response", payload=io.BytesIO(packed), http_headers=head))
    (tmp_path / "a.warc.gz").write_bytes(out.getvalue())
    (listed,) = list_responses(tmp_path / "a.warc.gz")
    assert read_response(tmp_path / "a.warc.gz", listed.offset, 10_000).body == HTML
    with pytest.raises(OverflowError):
        read_response(tmp_path / "a.warc.gz", listed.offset, 20)
