"""Unpacking of response bodies in bounded memory: a few kilobytes on the wire can be gigabytes unpacked."""

import io
import zlib
from typing import Final

import brotli
import zstandard

from schemas.records import RejectReason
from transforms.failure import FetchFailed

ACCEPTED: Final = "gzip, deflate, br, zstd"
_MAX_CODINGS: Final = 2  # one over the other; a header has room for thousands
_MAX_MEMBERS: Final = 64  # of a gzip file; each costs a copy of the rest
_MAX_ZSTD_WINDOW: Final = 1 << 23  # RFC 8878 section 3.1.1.1.2 and RFC 9659: decoders of web content take 8 MiB


def unpack(data: bytes, encodings: str, max_bytes: int) -> bytes:
    """Return a body unpacked from the codings of its Content-Encoding header, last applied first.

    Raises:
        FetchFailed: too_large beyond `max_bytes`; truncated where the data end early; bad_encoding where they are
            damaged or of a coding we did not ask for.
    """
    codings = [part.strip().lower() for part in encodings.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > _MAX_CODINGS:
        raise FetchFailed(RejectReason.BAD_ENCODING, f"{len(codings)} content codings")
    for coding in reversed(codings):
        data = _unpack_one(data, coding, max_bytes)
    return data


def _unpack_one(data: bytes, coding: str, max_bytes: int) -> bytes:
    if not data:
        return data
    try:
        match coding:
            case "gzip" | "x-gzip":
                out, whole = _gunzip(data, max_bytes)
            case "deflate":
                out, whole = _inflate(data, max_bytes)
            case "br":
                out, whole = _unbrotli(data, max_bytes)
            case "zstd":
                out, whole = _unzstd(data, max_bytes)
            case _:
                raise FetchFailed(RejectReason.BAD_ENCODING, f"content coding {coding[:40]!r}")
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise FetchFailed(RejectReason.BAD_ENCODING, f"{coding}: {error}", transient=True) from error
    if len(out) > max_bytes:
        raise FetchFailed(RejectReason.TOO_LARGE, f"more than {max_bytes} bytes unpacked from {coding}")
    if not whole:
        raise FetchFailed(RejectReason.TRUNCATED, f"{coding} data end early", transient=True)
    return out


def _gunzip(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """Unpack one gzip member after the other: RFC 1952 section 2.2 allows several."""
    out = b""
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(data, max_bytes + 1 - len(out))
        if not member.eof or len(out) > max_bytes:
            return out, member.eof
        data = member.unused_data.lstrip(b"\0")
        if not data.startswith(b"\x1f\x8b"):  # some servers leave rubbish behind the last member
            return out, True
    raise zlib.error(f"more than {_MAX_MEMBERS} members")


def _inflate(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """RFC 9110 section 8.4.1.2 says zlib; some servers send the bare deflate stream, and clients take both."""
    with_header = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
    stream = zlib.decompressobj(wbits=15 if with_header else -15)
    return stream.decompress(data, max_bytes + 1), stream.eof


def _unbrotli(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    stream, out = brotli.Decompressor(), bytearray()
    out += stream.process(data, output_buffer_limit=max_bytes + 1)
    while not stream.is_finished() and not stream.can_accept_more_data() and len(out) <= max_bytes:
        out += stream.process(b"", output_buffer_limit=max_bytes + 1 - len(out))
    return bytes(out), stream.is_finished()


def _unzstd(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    with unpacker.stream_reader(io.BytesIO(data)) as reader:
        out = reader.read(max_bytes + 1)
    if len(out) > max_bytes:
        return out, False
    frame = unpacker.decompressobj()  # only this one tells whether the frame is whole; its size is known by now
    frame.decompress(data)
    if frame.unused_data:
        raise zstandard.ZstdError("data after the frame")
    return out, frame.eof
