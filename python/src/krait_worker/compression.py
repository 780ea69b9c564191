"""Compressed parts of envelopes: the count of raw bytes in 8 bytes, then a zstd frame or LZ4 block.

Where the count is 0, the bytes as they are follow it. The libraries are imported when the first
part comes or goes.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from krait_worker import limits
from krait_worker.envelope import Compression
from krait_worker.values.attachments import Buffer
from krait_worker.values.errors import MalformedBody

PREFIX = 8
#: zstd's level: higher ones take much longer for little.
_LEVEL = 1


_RAW = bytes(PREFIX)
_LIBRARIES = {Compression.ZSTD: "zstandard", Compression.LZ4: "lz4"}
#: By the names that hellos have.
NAMES = {compression.name.lower(): compression for compression in Compression}


class Rule(NamedTuple):
    """By what, and from how many bytes on, answers are compressed."""

    compression: Compression
    least: int

    def apply(
        self, body: bytes, frames: Sequence[Buffer]
    ) -> tuple[bytes, tuple[Buffer, ...]] | None:
        """The parts of an answer, compressed; None where it is small, or would not be smaller."""
        sizes = [memoryview(part).nbytes for part in (body, *frames)]
        if sum(sizes) < self.least or max(sizes) > limits.PART_BYTES:
            return None
        packed = [self._part(part) for part in (body, *frames)]
        if sum(map(len, packed)) >= sum(sizes) or len(packed[0]) > limits.BODY_BYTES:
            return None
        return packed[0], tuple(packed[1:])

    def _part(self, part: Buffer) -> bytes:
        return compress(part, self.compression) or _RAW + bytes(part)


def unpacked(
    compression: Compression, body: Buffer, frames: Sequence[Buffer], limit: int
) -> tuple[bytes, list[memoryview]]:
    """The raw parts of an envelope, of which the frames have at most `limit` bytes in all.

    Raises `MalformedBody`.
    """
    raw = bytes(_raw(body, compression, limits.BODY_BYTES))
    beside: list[memoryview] = []
    for frame in frames:
        part = _raw(frame, compression, limit)
        limit -= part.nbytes
        beside.append(part)
    return raw, beside


def _raw(part: Buffer, compression: Compression, limit: int) -> memoryview:
    data = memoryview(part).cast("B").toreadonly()
    if data[:PREFIX] == _RAW:
        return data[PREFIX:]
    return memoryview(decompress(data, compression, limit))


#: How many raw bytes may lie behind one compressed one, whatever the format says.
_MOST_RATIO = {Compression.ZSTD: 128 << 10, Compression.LZ4: 256}


def is_installed(compression: Compression) -> bool:
    """Whether its library is there."""
    return find_spec(_LIBRARIES[compression]) is not None


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
