"""Compressed parts: there and back, and what lies about its length."""

import random
import sys

import pytest

from krait_worker import limits
from krait_worker.compression import PREFIX, Compression, compress, decompress, is_installed
from krait_worker.values import MalformedBody

BOTH = list(Compression)
TEXT = b"the same words over and over, " * 500


@pytest.mark.parametrize("compression", BOTH)
def test_what_is_compressed_comes_back(compression):
    part = compress(TEXT, compression)
    assert part is not None
    assert len(part) < len(TEXT) / 10
    assert decompress(part, compression) == TEXT
    assert decompress(memoryview(part), compression, len(TEXT)) == TEXT


@pytest.mark.parametrize("compression", BOTH)
@pytest.mark.parametrize("data", [b"", b"x", random.Random(1).randbytes(5000)])
def test_what_would_not_be_smaller_stays(compression, data):
    assert compress(data, compression) is None


@pytest.mark.parametrize("compression", BOTH)
def test_a_bomb_is_refused_before_memory_is_taken(compression):
    part = compress(bytes(4 << 20), compression)
    with pytest.raises(MalformedBody, match="at most 1024"):
        decompress(part, compression, 1024)
    for size in (limits.PART_BYTES, limits.PART_BYTES + 1, (1 << 64) - 1):
        with pytest.raises(MalformedBody, match=r"raw bytes|another length"):
            decompress(size.to_bytes(8, "little") + part[PREFIX:][:64], compression)


@pytest.mark.parametrize("compression", BOTH)
def test_a_length_that_lies_is_refused(compression):
    part = compress(TEXT, compression)
    for size in (0, 1, len(TEXT) - 1, len(TEXT) + 1):
        with pytest.raises(MalformedBody):
            decompress(size.to_bytes(8, "little") + part[PREFIX:], compression)
    for end in range(0, len(part), 7):
        with pytest.raises(MalformedBody):
            decompress(part[:end], compression)
    with pytest.raises(MalformedBody):
        decompress(part + b"more", compression)


@pytest.mark.parametrize("compression", BOTH)
def test_changed_bytes_give_bytes_of_the_length_or_an_error(compression):
    pick = random.Random(2)
    part = bytearray(compress(TEXT, compression))
    for _ in range(500):
        changed = bytearray(part)
        changed[pick.randrange(PREFIX, len(part))] = pick.randrange(256)
        try:
            assert len(decompress(changed, compression)) == len(TEXT)
        except MalformedBody:
            continue


@pytest.mark.parametrize(
    ("compression", "module"), [(Compression.ZSTD, "zstandard"), (Compression.LZ4, "lz4")]
)
def test_a_missing_library_is_named(compression, module, monkeypatch):
    assert is_installed(compression)
    monkeypatch.setitem(sys.modules, module, None)
    assert not is_installed(compression)
    with pytest.raises(MalformedBody, match=r"krait-worker\[compression\]"):
        decompress(bytes(16), compression)
