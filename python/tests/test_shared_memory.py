"""Segments of shared memory, from both sides, without Krait."""

import gc
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from krait_worker.payloads import Payloads
from krait_worker.shared_memory import (
    DESCRIPTOR,
    SLOTS,
    TABLE,
    Borrowing,
    Lease,
    Lending,
    Offer,
    StaleLease,
)
from krait_worker.values.attachments import Attachment, Form

MIB = 1 << 20


@pytest.fixture
def offer() -> Iterator[Offer]:
    prefix = f"krait-{os.geteuid()}-{os.getpid()}-1-"
    yield Offer(prefix, 0xC0000001, 64 * MIB)
    for path in Path("/dev/shm").glob(f"{prefix}*"):
        path.unlink()


def large(byte: bytes, size: int) -> Attachment:
    # Not of the heap: what it grows by here, other tests would see.
    memory = memoryview(mmap.mmap(-1, size))
    memory[:] = byte * size if size <= MIB else memory
    memory[:2] = byte * 2
    return Attachment(Form.BYTES, (memory,))


def files(offer: Offer) -> list[str]:
    return [name for name in os.listdir("/dev/shm") if name.startswith(offer.prefix)]


def returned(offer: Offer, lease: Lease) -> int:
    """What the lease's borrower has written into the table."""
    with open(f"/dev/shm/{offer.prefix}{lease.segment:x}", "rb") as file:
        file.seek(64 + lease.slot * 32 + 24)
        return int(struct.unpack("<Q", file.read(8))[0])


def test_what_is_lent_is_read_and_goes_back_with_its_last_view(offer: Offer) -> None:
    lending, borrowing = Lending(offer), Borrowing(offer)
    lease = lending.lend(Attachment(Form.BYTES, (b"ab", memoryview(b"c" * MIB))))
    assert lease is not None
    assert lease.length == MIB + 2
    view = borrowing.view(lease)
    assert bytes(view[:4]) == b"abcc"
    with pytest.raises(TypeError):
        view[0] = 1
    part = view[10:20]
    del view
    gc.collect()
    assert returned(offer, lease) == 0
    assert bytes(part) == b"c" * 10
    del part
    gc.collect()
    assert returned(offer, lease) == 1
    with pytest.raises(StaleLease, match="generation"):
        borrowing.view(lease)
    lending.close()
    assert files(offer) == []


def test_memory_is_used_again_and_bounded(offer: Offer) -> None:
    lending, borrowing = Lending(offer), Borrowing(offer)
    leases = [lending.lend(large(b"x", 10 * MIB)) for _ in range(8)]
    held = [lease for lease in leases if lease is not None]
    assert len(held) == 4
    assert leases[-1] is None
    assert len(files(offer)) <= 4
    first = held[0]
    view = borrowing.view(first)
    del view
    gc.collect()
    again = lending.lend(large(b"y", 10 * MIB))
    assert again is not None
    assert (again.segment, again.offset) == (first.segment, first.offset)
    assert again.generation > first.generation
    with pytest.raises(StaleLease):
        borrowing.view(first)
    assert bytes(borrowing.view(again)[:2]) == b"yy"


def test_a_larger_segment_takes_the_place_of_empty_ones(offer: Offer) -> None:
    lending = Lending(offer)
    small = [lending.lend(large(b"x", 10 * MIB)) for _ in range(4)]
    for lease in small:
        assert lease is not None
        lending.take_back(lease)
    lease = lending.lend(large(b"y", 60 * MIB))
    assert lease is not None
    assert lending.lend(large(b"z", 65 * MIB)) is None
    lending.close()
    assert files(offer) == []


def test_what_is_sent_back_unchanged_is_krait_s_own_lease(offer: Offer) -> None:
    owner = Lending(offer)
    worker = Payloads(Offer(offer.prefix, 0xC0000002, offer.limit))
    lease = owner.lend(large(b"q", MIB))
    assert lease is not None
    [view] = worker.views([DESCRIPTOR.pack(*lease)], 1)
    placed = worker.place([Attachment(Form.BYTES, (view,))])
    assert placed.flags == 1
    assert Lease.read(bytes(placed.frames[0])) == lease
    # A part of it is not, and is copied.
    other = worker.place([Attachment(Form.BYTES, (view[1:],))])
    assert Lease.read(bytes(other.frames[0])).segment != lease.segment
    del view
    gc.collect()
    assert returned(offer, lease) == 2
    worker.close()
    owner.close()


def test_without_shared_memory_frames_are_sent(offer: Offer) -> None:
    placed = Payloads().place([large(b"x", MIB)])
    assert placed.flags == 0
    assert placed.frames == (b"x" * MIB,)
    small = Payloads(Offer(offer.prefix, 0xC0000003, 128 << 10))
    assert small.place([large(b"x", MIB)]).frames == (b"x" * MIB,)
    assert small.place([large(b"x", 100 << 10), large(b"x", 100 << 10)]).flags == 0
    small.close()


@pytest.mark.parametrize(
    "words",
    [
        (1, 1, TABLE, 4096, 0),
        (1, 0, TABLE, 4096, 0),
        (1, 1, 0, 4096, 0),
        (1, 1, TABLE, 0, 0),
        (1, 1, TABLE, 4096, SLOTS),
        (1, 1, TABLE, (1 << 64) - 1, 0),
        (1, 1, (1 << 64) - 1, 4096, 0),
    ],
)
def test_leases_of_nothing_are_refused(words: tuple[int, ...], offer: Offer) -> None:
    with pytest.raises(StaleLease):
        Borrowing(offer).view(Lease.read(DESCRIPTOR.pack(*words)))


def test_a_lease_must_be_what_the_table_has(offer: Offer) -> None:
    lending, borrowing = Lending(offer), Borrowing(offer)
    lease = lending.lend(large(b"x", MIB))
    assert lease is not None
    for wrong in [
        lease._replace(length=lease.length + 1),
        lease._replace(offset=lease.offset + 4096),
        lease._replace(generation=lease.generation + 1),
        lease._replace(slot=lease.slot - 1),
        lease._replace(segment=lease.segment + 1),
    ]:
        with pytest.raises(StaleLease):
            borrowing.view(wrong)
    with pytest.raises(StaleLease):
        Lease.read(b"x" * 39)
    lending.close()


def test_a_segment_that_was_given_up_is_let_go_of(offer: Offer) -> None:
    lending, borrowing = Lending(offer), Borrowing(offer)
    lease = lending.lend(large(b"x", MIB))
    assert lease is not None
    view = borrowing.view(lease)
    lending.close()
    borrowing.forget()
    # The file is gone; whoever looks at the bytes still may.
    assert files(offer) == []
    assert bytes(view[:3]) == b"xxx"
    with pytest.raises(StaleLease):
        borrowing.view(lease)
