"""WARC: archives of fetched pages (ISO 28500), packed or not.

Read as a source in the layout of CC-NEWS: records of type "response", each a gzip member of its own. Written by a run
that is asked to keep what it fetched.

A record is found in one pass over the archive and read in another, by its offset, so that no page is held in memory
while it is decided whether the run has to look at it.
"""

import io
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Optional

import apache_beam as beam
import brotli
from apache_beam.utils.timestamp import Timestamp
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParserException
from warcio.warcwriter import WARCWriter

from schemas.records import Page, RejectReason
from transforms.failure import FetchFailed
from transforms.feeds.dates import parse_date
from transforms.fetch.unpack import unpack
from transforms.write import Dataset

SUFFIXES: Final = (".warc", ".warc.gz")
_RECORD: Final = b"WARC/"
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's number for gzip members
_CHUNK: Final = 1 << 16  # bytes read, and unpacked, at a time
_TROUBLE: Final = (  # what warcio and the packers it uses raise for damaged bytes
    ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, OSError, ValueError, TypeError, KeyError, IndexError,
    AttributeError, zlib.error, brotli.error,
)  # fmt: skip


class DamagedArchive(Exception):
    """An archive, or one record of it, that cannot be read on. Its text says what is wrong, and where."""


class Listed(NamedTuple):
    """A response that an archive holds."""

    url: str
    at: Optional[Timestamp]  # when it was fetched
    offset: int  # in the file, of its gzip member or first line


class Record(NamedTuple):
    """A response as the server gave it, unpacked."""

    status: int
    content_type: str
    body: bytes


def list_responses(path: Path) -> Iterator[Listed]:
    """Yield the responses that the archive holds, in their order.

    Raises:
        DamagedArchive: it cannot be read from some place on; what lies before that has been yielded.
    """
    offset = 0
    try:
        with path.open("rb") as file:
            packed = _check_start(file)
            records = ArchiveIterator(file, no_record_parse=True)
            for record in records:
                if record.rec_type == "response":
                    url = record.rec_headers.get_header("WARC-Target-URI") or ""
                    at = parse_date(record.rec_headers.get_header("WARC-Date") or "")
                    offset = records.get_record_offset()
                    yield Listed(url.strip("<>"), at, offset)  # WARC 1.0 as some wrote it has the address in brackets
            if packed:
                _check_end(file, offset)
    except _TROUBLE as error:
        raise DamagedArchive(f"behind offset {offset}: {' '.join(str(error).split())[:200]}") from error


def _check_start(file: io.BufferedReader) -> bool:
    """Return whether the archive is packed. warcio reads on through what is no archive, and finds nothing in it.

    Raises:
        ValueError: the file does not begin with a record.
    """
    head = file.read(_CHUNK)
    packed = head.startswith(_GZIP)
    if packed:
        head = zlib.decompressobj(_GZIP_WINDOW).decompress(head, len(_RECORD))
    if not head.startswith(_RECORD):
        raise ValueError("begins with no WARC record")
    file.seek(0)
    return packed


def _check_end(file: io.BufferedReader, offset: int) -> None:
    """warcio takes a packed archive that breaks off for one that ends there.

    Raises:
        EOFError: the last gzip member from `offset` on is not whole.
    """
    file.seek(offset)
    member = None
    while packed := file.read(_CHUNK):
        while packed:
            member = member or zlib.decompressobj(_GZIP_WINDOW)
            member.decompress(packed, _CHUNK)
            packed = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    if member is not None:
        raise EOFError("the archive breaks off")


def read_response(path: Path, offset: int, max_bytes: int) -> Record:
    """Return the response at `offset`.

    Raises:
        DamagedArchive: it cannot be read.
        OverflowError: it holds more than `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            record = next(iter(ArchiveIterator(file)))
            head, stream = record.http_headers, record.raw_stream
            if (head.get_header("Transfer-Encoding") or "").lower() == "chunked":
                stream = ChunkedDataReader(stream)
            body: bytes = stream.read(max_bytes + 1)
            if len(body) <= max_bytes and getattr(record.raw_stream, "limit", 0) > 0:
                raise EOFError("the record breaks off")
            if len(body) <= max_bytes:
                body = unpack(body, head.get_header("Content-Encoding") or "", max_bytes)
            status, content_type = int(head.get_statuscode()), head.get_header("Content-Type") or ""
    except FetchFailed as failure:
        if failure.reason == RejectReason.TOO_LARGE:
            raise OverflowError(f"holds more than {max_bytes} bytes") from failure
        raise DamagedArchive(f"at offset {offset}: {failure}") from failure
    except (*_TROUBLE, StopIteration) as error:
        raise DamagedArchive(f"at offset {offset}: {' '.join(str(error).split())[:200]}") from error
    if len(body) > max_bytes:
        raise OverflowError(f"holds more than {max_bytes} bytes")
    return Record(status, content_type, body)


class ArchiveFn(beam.DoFn):
    """Writes each page into an archive of its bundle below `folder` of a dataset, and hands it on.

    The head of a response is made anew from what we keep of it, and the body is unpacked, as in CC-NEWS.
    """

    def __init__(self, dataset: Dataset, folder: str) -> None:
        self.dataset = dataset
        self.folder = folder

    def start_bundle(self) -> None:
        self.file: Optional[BinaryIO] = None

    def process(self, page: Page) -> Iterator[Page]:
        if self.file is None:
            self.file = self.dataset.files.create(f"{self.folder}/{uuid.uuid4().hex}.warc.gz")
            self.writer = WARCWriter(self.file, gzip=True)
        fields = [("Content-Type", page.content_type), ("Content-Length", str(len(page.body)))]
        fields += [("ETag", page.etag)] if page.etag else []
        fields += [("Last-Modified", page.last_modified)] if page.last_modified else []
        self.writer.write_record(
            self.writer.create_warc_record(
                page.url, "response", payload=io.BytesIO(page.body), length=len(page.body),
                warc_headers_dict={"WARC-Date": page.fetched_at.to_utc_datetime().strftime("%Y-%m-%dT%H:%M:%SZ")},
                http_headers=StatusAndHeaders(f"{page.status} Kept", fields, protocol="HTTP/1.1"),
            )
        )  # fmt: skip
        yield page

    def finish_bundle(self) -> None:
        if self.file is not None:
            self.file.close()


class Archive(beam.PTransform[Any, Any]):
    """Pages in, the same pages out; kept as WARC in files of their own below `folder` of a dataset."""

    def __init__(self, dataset: Dataset, folder: str) -> None:
        super().__init__()
        self.dataset = dataset
        self.folder = folder

    def expand(self, pages: beam.PCollection[Page]) -> beam.PCollection[Page]:
        kept: beam.PCollection[Page] = pages | "KeepRaw" >> beam.ParDo(
            ArchiveFn(self.dataset, self.folder)
        ).with_output_types(Page)
        return kept
