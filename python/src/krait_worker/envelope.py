"""The 24 bytes before each body, written and read.

The reader loop of `worker.py` compares whole words in place of single fields: the first word holds
magic, version and kind, the second codec, flags and attachments. `read_header` says what is
wrong with a header that those comparisons did not accept.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from krait_worker import limits

HEADER = struct.Struct("<IIQII")
SIZE = HEADER.size
VERSION = 1
_MAGIC = 0x524B


class Kind(IntEnum):
    """What an envelope is."""

    HELLO = 1
    READY = 2
    CALL = 3
    REPLY = 4
    FAULT = 5
    CHUNK = 6
    END = 7
    CREDIT = 8
    CANCEL = 9
    HEARTBEAT = 10
    TOOL_CALL = 11
    TOOL_REPLY = 12
    DRAIN = 14
    GOODBYE = 15


class Codec(IntEnum):
    """What a body is written in."""

    JSON = 1
    MSGPACK = 2


class Compression(IntEnum):
    """How the parts of an envelope are made smaller."""

    ZSTD = 1
    LZ4 = 2


def first_word(kind: Kind) -> int:
    """Magic, version and kind as the header's first word holds them."""
    return _MAGIC | VERSION << 16 | kind << 24


CALL = first_word(Kind.CALL)
REPLY = first_word(Kind.REPLY)
FAULT = first_word(Kind.FAULT)
CHUNK = first_word(Kind.CHUNK)
END = first_word(Kind.END)
TOOL_CALL = first_word(Kind.TOOL_CALL)
#: The flag that each attachment frame is a lease's descriptor in the place of the bytes.
LEASED = 1
#: Where among the flags a compression's number is; 0 is none.
COMPRESSION_SHIFT = 1
#: The kinds of which the parts may be compressed: the others must be small or quick.
_COMPRESSIBLE = (Kind.CALL, Kind.REPLY, Kind.END)
_KINDS = {kind.value: kind for kind in Kind}


_COMPRESSED = {compression << COMPRESSION_SHIFT for compression in Compression}


class EnvelopeError(Exception):
    """Bytes that are no envelope; `reason` is one of the words of the shared fixtures."""

    def __init__(self, reason: str, text: str, call_id: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        #: The call's id, where the header could be trusted so far.
        self.call_id = call_id


class Header(NamedTuple):
    """A header that has been checked."""

    kind: Kind
    codec: Codec | None
    flags: int
    attachments: int
    call_id: int
    body_length: int
    #: What the last four bytes say: the time left of a call, the number of a chunk, …
    number: int

    @property
    def compression(self) -> Compression | None:
        """How its parts are compressed; None where they are not."""
        number = self.flags >> COMPRESSION_SHIFT
        return Compression(number) if number else None


def envelope(kind: Kind, call_id: int = 0, codec: Codec | None = None, body: bytes = b"") -> bytes:
    """One whole envelope."""
    return HEADER.pack(first_word(kind), codec or 0, call_id, len(body), 0) + body


def read_header(data: bytes, offset: int = 0) -> Header:
    """Reads and checks the header at `offset`; raises `EnvelopeError`.

    The body's length is checked against its limit, not against `data`: see `read_envelopes`.
    """
    if len(data) - offset < SIZE:
        raise EnvelopeError("truncated_header", f"a header of {len(data) - offset} bytes")
    first, second, call_id, length, number = HEADER.unpack_from(data, offset)
    if first & 0xFFFF != _MAGIC:
        raise EnvelopeError("wrong_magic", "the envelope does not begin with KR")
    version = first >> 16 & 0xFF
    if version != VERSION:
        raise EnvelopeError("wrong_version", f"version {version} of the protocol, not {VERSION}")
    kind = _KINDS.get(first >> 24)
    if kind is None:
        raise EnvelopeError("unknown_kind", f"an envelope of unknown kind {first >> 24}", call_id)
    flags = second >> 8 & 0xFF
    # What is leased is not compressed.
    if flags > LEASED and not (flags in _COMPRESSED and kind in _COMPRESSIBLE):
        raise EnvelopeError("unknown_flags", f"unknown flags {flags:#04x}", call_id)
    if length > limits.BODY_BYTES:
        raise EnvelopeError("body_too_long", f"a body of {length} bytes", call_id)
    codec = second & 0xFF
    if codec > Codec.MSGPACK or (codec == 0 and length > 0):
        raise EnvelopeError("unknown_codec", f"unknown codec {codec}", call_id)
    attachments = second >> 16
    if attachments > limits.ATTACHMENTS:
        raise EnvelopeError("too_many_attachments", f"{attachments} attachments", call_id)
    spelled = Codec(codec) if codec else None
    return Header(kind, spelled, flags, attachments, call_id, length, number)


def read_envelopes(message: bytes) -> list[tuple[Header, bytes]]:
    """All envelopes of a message; raises `EnvelopeError` where one cannot be read.

    For the handshake and for tests: the reader loop walks a message by itself.
    """
    found: list[tuple[Header, bytes]] = []
    offset = 0
    while offset < len(message) or not found:
        header = read_header(message, offset)
        start = offset + SIZE
        offset = start + header.body_length
        if offset > len(message):
            raise EnvelopeError(
                "truncated_body",
                f"a body of {header.body_length} bytes of which {len(message) - start} came",
                header.call_id,
            )
        found.append((header, message[start:offset]))
    return found
