"""Compressed parts of envelopes: the count of raw bytes in 8 bytes, then a zstd frame or LZ4 block.

The libraries are imported when the first part comes or goes.
"""

from enum import IntEnum
from typing import Any

from krait_worker import limits
from krait_worker.values.attachments import Buffer
from krait_worker.values.errors import MalformedBody

PREFIX = 8
#: zstd's level: higher ones take much longer for little.
_LEVEL = 1


class Compression(IntEnum):
    """How a part is made smaller."""

    ZSTD = 1
    LZ4 = 2


#: How many raw bytes may lie behind one compressed one, whatever the format says.
_MOST_RATIO = {Compression.ZSTD: 128 << 10, Compression.LZ4: 256}


def is_installed(compression: Compression) -> bool:
    """Whether its library is there."""
    try:
        _library(compression)
    except MalformedBody:
        return False
    return True


def compress(data: Buffer, compression: Compression) -> bytes | None:
    """The compressed part; None where that would not be smaller."""
    size = memoryview(data).nbytes
    if not 0 < size <= limits.PART_BYTES:
        return None
    library = _library(compression)
    if compression == Compression.ZSTD:
        packed: bytes = library.ZstdCompressor(level=_LEVEL).compress(data)
    else:
        packed = library.block.compress(data, store_size=False)
    part = size.to_bytes(PREFIX, "little") + packed
    return part if len(part) < size else None


def decompress(part: Buffer, compression: Compression, limit: int = limits.PART_BYTES) -> bytes:
    """The raw bytes of a part, at most `limit`; raises `MalformedBody`.

    What the part claims is checked before any memory is taken for it.
    """
    data = memoryview(part).cast("B")
    if len(data) <= PREFIX:
        raise _refusal(compression, f"it has {len(data)} bytes")
    size = int.from_bytes(data[:PREFIX], "little")
    if size > min(limit, limits.PART_BYTES):
        raise _refusal(compression, f"{size} raw bytes, where at most {limit} are allowed")
    packed = data[PREFIX:]
    if size // _MOST_RATIO[compression] > len(packed):
        raise _refusal(compression, f"{size} raw bytes, which {len(packed)} cannot hold")
    library = _library(compression)
    try:
        if compression == Compression.ZSTD:
            if library.frame_content_size(packed) != size:
                raise _refusal(compression, "its frame says another length than the part")
            raw: bytes = library.ZstdDecompressor().decompress(
                packed, max_output_size=size, allow_extra_data=False
            )
        else:
            raw = library.block.decompress(packed, uncompressed_size=size)
    except _errors(compression, library) as error:
        raise _refusal(compression, str(error)) from None
    if len(raw) != size:
        raise _refusal(compression, "its bytes are of another length than they claim")
    return raw


def _library(compression: Compression) -> Any:
    try:
        if compression == Compression.ZSTD:
            import zstandard

            return zstandard
        import lz4.block
    except ImportError:
        raise _refusal(
            compression, "its library is not installed: pip install 'krait-worker[compression]'"
        ) from None
    return lz4


def _errors(compression: Compression, library: Any) -> tuple[type[Exception], ...]:
    own = library.ZstdError if compression == Compression.ZSTD else library.block.LZ4BlockError
    return own, ValueError


def _refusal(compression: Compression, reason: str) -> MalformedBody:
    return MalformedBody("", f"a part compressed by {compression.name.lower()}: {reason}")
