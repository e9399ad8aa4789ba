"""Sources: what a run starts from. Feeds that are due, or files of an archive.

A file is an entry like any other: its `file://` address is its link and its modification time its stamp, so a second
backfill of the same folder reads only what has changed. HTML files become pages, text files become articles whose text
an earlier scraper took out of its page. Each response in a WARC file is an entry: its address is its link, and the time
it was fetched its stamp.
"""

import glob
import gzip
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Union
from urllib.parse import unquote_to_bytes, urlsplit

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from pipelines import warc
from pipelines.outlet_table import slug_of
from schemas.errors import ConfigError
from schemas.records import Article, Entry, Origin, Page, Reject, RejectReason
from schemas.settings import UrlSettings
from transforms.extract.charset import is_binary
from transforms.fetch.errands import not_html
from transforms.fetch.guard import host_of
from transforms.identity import article_id, content_hash
from transforms.urls import canonical_url

REJECTS: Final = "rejects"
TEXTS: Final = "texts"
BACKFILL: Final = "backfill"  # Origin.feed of everything that came from files
HTML_SUFFIXES: Final = (".html", ".htm", ".html.gz", ".htm.gz")
SUFFIXES: Final = (*HTML_SUFFIXES, ".txt", ".txt.gz", *warc.SUFFIXES)
UNKNOWN: Final = "unknown"  # the outlet of files where nobody says one; what comes out of a WARC has its host for one
_ADDRESS = re.compile(
    rb"""<link\b[^>]{0,300}\brel=["']?canonical\b[^>]{0,300}>"""
    rb"""|<meta\b[^>]{0,300}\bproperty=["']?og:url\b[^>]{0,1000}>""",
    re.IGNORECASE,
)
_TARGET = re.compile(rb"""\b(?:href|content)=["']?(https?://[^"'\s>]{4,2000})""", re.I)


def find_files(paths: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that `paths` name: files as they are, folders searched below, patterns expanded; each once.

    Raises:
        ConfigError: a path names nothing that can be read as an article.
    """
    found = dict[Path, None]()
    for path in paths:
        named = [Path(path)] if os.path.exists(path) else map(Path, sorted(glob.glob(path, recursive=True)))
        files = [file for name in named for file in (sorted(name.rglob("*")) if name.is_dir() else [name])]
        articles = [file for file in files if file.is_file() and file.name.lower().endswith(SUFFIXES)]
        if not articles:
            found_none = f"names no file that ends in {', '.join(SUFFIXES)}"
            problem = found_none if files or os.path.exists(path) else "no such file, folder or pattern"
            remedy = "Give a file, a folder or a quoted pattern such as 'pages/**/*.html.gz'"
            raise ConfigError("command line", None, _readable(path), problem, remedy)
        found.update(dict.fromkeys(file.resolve() for file in articles))
    return tuple(found)


def file_entry(path: Path, outlet: str) -> Entry:
    """Return the entry of a file, for `outlet`."""
    modified = Timestamp(int(path.stat().st_mtime))
    link = path.as_uri()
    origin = Origin(outlet, BACKFILL, _readable(path), link, modified, None)
    return Entry(origin, link, "", "", "", [], [], None, None, None, None, 0)


def response_entry(file: Entry, listed: warc.Listed, urls: UrlSettings) -> Entry:
    """Return the entry of a response in the WARC file of `file`; its id is the file's address and the offset in it."""
    outlet = slug_of(listed.url) if file.origin.outlet == UNKNOWN else file.origin.outlet
    stamp = listed.at or file.origin.stamp
    link = canonical_url(listed.url, urls.keep)
    origin = Origin(outlet, BACKFILL, f"{file.url}#{listed.offset}", link, stamp, None)
    return Entry(origin, listed.url, "", "", "", [], [], None, None, None, None, 0)


def path_of(address: str) -> Path:
    """Return the path that a `file://` address names, whatever the bytes of its name.

    >>> path_of("file:///data/caf%E9.txt#12").name == "caf\\udce9.txt"
    True
    """
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(address).path)))


def _readable(path: Union[str, Path]) -> str:
    """A path as text: a name that is no UTF-8 comes as lone surrogates, which no record or terminal takes."""
    return os.fsencode(path).decode("utf-8", "replace")


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file, unpacked where its name ends in .gz.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read or unpacked.
        ValueError: it holds more than `max_bytes`.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        data: bytes = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"holds more than {max_bytes} bytes")
    return data


def stated_address(html: bytes) -> str:
    """Return the address a saved page gives itself (rel=canonical, else og:url), or ""."""
    for tag in _ADDRESS.finditer(html[:200_000]):
        if target := _TARGET.search(tag[0]):
            return target[1].decode("utf-8", "replace").replace("&amp;", "&")
    return ""


def text_article(entry: Entry, text: str) -> Article:
    """Return a bare article of text that was taken out of its page earlier; its fields are the scrubber's to find."""
    at = entry.origin.stamp or Timestamp(0)
    name = article_id(entry.url)
    return Article(
        origin=entry.origin, article_id=name, version=1, url=entry.url, canonical_url=entry.url, title="", subtitle="",
        description="", authors=[], section="", tags=[], image_url="", article_type="news", text=text, dateline="",
        captions=[], syndication_source="", published_at=None, published_at_source="", modified_at=None, fetched_at=at,
        language="und", language_confidence=0.0, content_hash=content_hash(text), change_ratio=None, cluster_id=name,
        duplicate_of=None, duplicate_kind=None, extraction_method="text", extraction_quality=1.0, warnings=[],
        removals=[], http_status=0, etag=None, last_modified=None,
    )  # fmt: skip


class ReadFileFn(beam.DoFn):
    """A file's entry in; a page, a bare article or a reject out."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.unreadable = Metrics.counter("sources", "unreadable")

    def process(
        self, entry: Entry
    ) -> Iterator[Union[Page, TaggedOutput[Literal["texts"], Article], TaggedOutput[Literal["rejects"], Reject]]]:
        if not entry.url.startswith("file:"):
            yield self._read_response(entry)
            return
        path = path_of(entry.url)
        try:
            data = read_bounded(path, self.max_bytes)
        except ValueError as error:
            yield self._reject(entry, RejectReason.TOO_LARGE, str(error))
            return
        except (OSError, EOFError, zlib.error) as error:
            detail = f"{type(error).__name__}: {error}"
            yield self._reject(entry, RejectReason.UNREADABLE, detail)
            return
        at = entry.origin.stamp or Timestamp(0)
        if path.name.lower().endswith(HTML_SUFFIXES):
            address = stated_address(data) or entry.url
            yield Page(entry, address, 200, "text/html", data, None, None, at)
            return
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield self._reject(entry, RejectReason.BAD_ENCODING, f"{error}; make it UTF-8, for instance with iconv")
            return
        if is_binary(data):
            yield self._reject(entry, RejectReason.PARSE_FAILED, "binary data, no text")
            return
        output: TaggedOutput[Literal["texts"], Article] = TaggedOutput(TEXTS, text_article(entry, text))
        yield output

    def _read_response(self, entry: Entry) -> Union[Page, TaggedOutput[Literal["rejects"], Reject]]:
        file, _, offset = entry.origin.entry_id.rpartition("#")
        try:
            status, content_type, body = warc.read_response(path_of(file), int(offset), self.max_bytes)
        except OverflowError as error:
            return self._reject(entry, RejectReason.TOO_LARGE, str(error))
        except warc.DamagedArchive as error:
            return self._reject(entry, RejectReason.UNREADABLE, str(error))
        if status != 200:
            reason = RejectReason.HTTP_SERVER_ERROR if status >= 500 else RejectReason.HTTP_CLIENT_ERROR
            return self._reject(entry, reason, f"kept with status {status}")
        if odd := not_html(content_type, body):
            return self._reject(entry, RejectReason.BAD_CONTENT_TYPE, odd)
        return Page(entry, entry.url, status, content_type, body, None, None, entry.origin.stamp or Timestamp(0))

    def _reject(self, entry: Entry, reason: RejectReason, detail: str) -> TaggedOutput[Literal["rejects"], Reject]:
        self.unreadable.inc()
        reject = Reject("sources", reason, entry.origin, "entry", entry.url, detail[:500], False, Timestamp.now())
        return TaggedOutput(REJECTS, reject)


class ListResponsesFn(beam.DoFn):
    """A file's entry in; out the same, or where it is a WARC file those of the responses in it."""

    def __init__(self, urls: UrlSettings) -> None:
        self.urls = urls
        self.listed = Metrics.counter("sources", "responses")

    def process(self, entry: Entry) -> Iterator[Union[Entry, TaggedOutput[Literal["rejects"], Reject]]]:
        if not entry.url.lower().endswith(warc.SUFFIXES):
            yield entry
            return
        try:
            for listed in warc.list_responses(path_of(entry.url)):
                if host_of(listed.url):  # archives of other protocols, and of what no run would ask for, hold no news
                    self.listed.inc()
                    yield response_entry(entry, listed, self.urls)
        except warc.DamagedArchive as error:  # the file's fault, and no entry's
            detail, now = str(error)[:500], Timestamp.now()
            reject = Reject("sources", RejectReason.UNREADABLE, entry.origin, "feed", entry.url, detail, False, now)
            output: TaggedOutput[Literal["rejects"], Reject] = TaggedOutput(REJECTS, reject)
            yield output


class ListResponses(beam.PTransform[Any, Any]):
    """Entries of files in; `(entries, rejects)` out, WARC files taken apart into the entries of their responses."""

    def __init__(self, urls: UrlSettings) -> None:
        super().__init__()
        self.urls = urls

    def expand(self, files: PCollection[Entry]) -> Any:
        outputs = files | "ListResponses" >> beam.ParDo(ListResponsesFn(self.urls)).with_outputs(
            REJECTS, main="entries"
        )
        return outputs.entries, outputs[REJECTS]


class ReadFiles(beam.PTransform[Any, Any]):
    """Entries of files and responses in; `(pages, texts, rejects)` out. Each holds at most `max_bytes`, unpacked."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes

    def expand(self, entries: PCollection[Entry]) -> Any:
        read = beam.ParDo(ReadFileFn(self.max_bytes)).with_outputs(TEXTS, REJECTS, main="pages")
        outputs = entries | "ReadFile" >> read
        return outputs.pages, outputs[TEXTS], outputs[REJECTS]
