"""Shared memory for large values: segments of Krait's that are read, and this worker's own.

*Worker protocol* has the layout. A segment is a file in `/dev/shm`; it begins with a table of its
leases, which both sides write to, and what follows is written by its owner alone. Krait's segments
are mapped read-only here: not even a stray pointer changes what another call is given.
"""

import ctypes
import mmap
import os
import struct
import threading
import weakref
from typing import Any, NamedTuple

import msgspec

from krait_worker.values.attachments import Attachment

_FOLDER = "/dev/shm"  # noqa: S108 - that is where shared memory is
_MAGIC = 0x4D48_5354_4941_524B
TABLE = 32 << 10
_HEADER, _SLOT = 64, 32
SLOTS = (TABLE - _HEADER) // _SLOT
_ALIGNMENT = 4_096
#: The least a segment of this worker's has beside its table.
_LEAST = 64 << 20
#: How much is copied at once.
_PIECE = 8 << 20
DESCRIPTOR = struct.Struct("<QQQQQ")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                       ctypes.c_long]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class StaleLease(Exception):
    """A lease that stands for nothing, or no longer does."""


class Offer(msgspec.Struct, frozen=True):
    """What Krait's hello says of shared memory."""

    prefix: str
    tag: int
    limit: int


class Lease(NamedTuple):
    """What stands for leased memory on the wire."""

    segment: int
    generation: int
    offset: int
    length: int
    slot: int

    @classmethod
    def read(cls, frame: bytes) -> "Lease":
        """Reads a descriptor; raises `StaleLease` for what no segment can hold."""
        if len(frame) != DESCRIPTOR.size:
            raise StaleLease(f"a descriptor of {len(frame)} bytes, not {DESCRIPTOR.size}")
        lease = cls(*DESCRIPTOR.unpack(frame))
        if not (lease.generation and lease.length and lease.slot < SLOTS
                and lease.offset >= TABLE and lease.offset + lease.length < 1 << 62):  # fmt: skip
            raise StaleLease("a descriptor of what no segment can hold")
        return lease


class _Borrowed:
    """A segment of Krait's: its table, and its bytes read-only; unmapped with its last holder."""

    def __init__(self, name: str) -> None:
        descriptor = os.open(f"{_FOLDER}/{name}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self.size = os.fstat(descriptor).st_size
            if self.size <= TABLE:
                raise OSError("too small for a segment")
            table = mmap.mmap(descriptor, TABLE)
            address = _libc.mmap(None, self.size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
        finally:
            os.close(descriptor)
        if address is None or address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        self.address: int = address
        self.words = memoryview(table).cast("Q")
        weakref.finalize(self, _libc.munmap, address, self.size)
        if self.words[0] != _MAGIC:
            raise OSError("no segment of Krait's")

    @property
    def discarded(self) -> bool:
        return self.words[1] != 0


def _entry(slot: int) -> int:
    return (_HEADER + slot * _SLOT) // 8


class _Loan:
    """A lease in this worker's hands, until nothing here looks at its bytes any more."""

    __slots__ = ("lease", "segment", "sent")

    def __init__(self, lease: Lease, segment: _Borrowed) -> None:
        self.lease = lease
        self.segment = segment
        #: How often it was sent back to Krait.
        self.sent = 0

    def give_back(self) -> None:
        self.segment.words[_entry(self.lease.slot) + 3] = 1 + self.sent


class Borrowing:
    """Krait's segments, and the loans of them that are out."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._segments: dict[int, _Borrowed] = {}
        #: By the address of their bytes: what is sent back is found by it.
        self._loans: dict[int, _Loan] = {}
        self._lock = threading.Lock()

    def view(self, lease: Lease) -> memoryview:
        """The bytes of a lease, which goes back with the last thing that looks at them."""
        segment = self._segments.get(lease.segment)
        if segment is None:
            self.forget()
            try:
                segment = _Borrowed(f"{self._offer.prefix}{lease.segment:x}")
            except (OSError, ValueError) as error:
                raise StaleLease(f"its segment cannot be had: {error}") from None
            self._segments[lease.segment] = segment
        at = _entry(lease.slot)
        generation, offset, length, returned = segment.words[at : at + 4]
        if generation != lease.generation or returned:
            raise StaleLease("its generation is over")
        if (offset, length) != (lease.offset, lease.length) or offset + length > segment.size:
            raise StaleLease("it is not what its segment's table has")
        address = segment.address + offset
        held = (ctypes.c_ubyte * length).from_address(address)
        loan = _Loan(lease, segment)
        with self._lock:
            self._loans[address] = loan
        weakref.finalize(held, self._done, address, loan)
        return memoryview(held).cast("B").toreadonly()

    def _done(self, address: int, loan: _Loan) -> None:
        # Without the lock: a finalizer may run wherever something is let go of, with the lock held.
        if self._loans.get(address) is loan:
            del self._loans[address]
        loan.give_back()

    def lease_of(self, view: Any) -> Lease | None:
        """The lease that a view is the whole of, to be sent back as it is."""
        if type(view) is not memoryview or not view.readonly or not view.c_contiguous:
            return None
        if not isinstance(view.obj, ctypes.Array):
            return None
        loan = self._loans.get(ctypes.addressof(view.obj))
        if loan is None or view.nbytes != loan.lease.length:
            return None
        return loan.lease

    def sends(self, lease: Lease) -> None:
        """Counts a lease that is sent back; not one of this worker's own."""
        for loan in list(self._loans.values()):
            if loan.lease == lease:
                loan.sent += 1
                return

    def forget(self) -> None:
        """Lets go of segments that Krait has given up."""
        for number, segment in list(self._segments.items()):
            if segment.discarded:
                self._segments.pop(number, None)


class _Own:
    """A segment that this worker has made."""

    def __init__(self, name: str, size: int) -> None:
        self.path = f"{_FOLDER}/{name}"
        self.size = size
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        # Kept open: its lock says that the file is in use.
        self._descriptor = os.open(self.path, flags, 0o600)
        try:
            # All of it now: a page that could not be had later would be a SIGBUS.
            os.posix_fallocate(self._descriptor, 0, size)
            self.map = mmap.mmap(self._descriptor, size)
        except (OSError, ValueError):
            self.remove()
            raise
        self.bytes = memoryview(self.map)
        self.words = self.bytes[:TABLE].cast("Q")
        self.words[0] = _MAGIC
        self.free: list[tuple[int, int]] = [(TABLE, size)]
        self.slots = list(range(SLOTS - 1, -1, -1))
        #: Slot: (beginning, end) of what is lent.
        self.lent: dict[int, tuple[int, int]] = {}

    def remove(self) -> None:
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
        os.close(self._descriptor)

    def collect(self) -> None:
        """Takes back what Krait is done with."""
        for slot, block in list(self.lent.items()):
            if self.words[_entry(slot) + 3]:
                self.back(slot, block)

    def back(self, slot: int, block: tuple[int, int]) -> None:
        """Makes a lease's range free again."""
        del self.lent[slot]
        self.slots.append(slot)
        merged: list[tuple[int, int]] = []
        for first, last in sorted([*self.free, block]):
            if merged and merged[-1][1] == first:
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        self.free = merged

    def take(self, count: int) -> tuple[int, tuple[int, int]] | None:
        """A slot and a range of so many bytes; None where there is none."""
        if not self.slots:
            return None
        for index, (first, last) in enumerate(self.free):
            if last - first >= count:
                if last - first == count:
                    del self.free[index]
                else:
                    self.free[index] = (first + count, last)
                slot = self.slots.pop()
                self.words[_entry(slot) + 3] = 0
                self.lent[slot] = (first, first + count)
                return slot, self.lent[slot]
        return None


class Lending:
    """This worker's own segments, and what of them Krait has. From any thread."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._segments: dict[int, _Own] = {}
        self._next = offer.tag << 32
        self._generation = 0
        self._lock = threading.Lock()

    def lend(self, attachment: Attachment) -> Lease | None:
        """Copies an attachment into shared memory; None where there is no room."""
        with self._lock:
            size = attachment.size
            taken = self._take(-(-size // _ALIGNMENT) * _ALIGNMENT) if size else None
            if taken is None:
                return None
            number, segment, slot, offset = taken
            self._generation += 1
            lease = Lease(number, self._generation, offset, size, slot)
        at = offset
        for part in attachment.parts:
            flat = memoryview(part).cast("B")
            # By pieces: the interpreter's lock is held for each, and heartbeats need it.
            for first in range(0, flat.nbytes, _PIECE):
                piece = flat[first : first + _PIECE]
                segment.bytes[at : at + piece.nbytes] = piece
                at += piece.nbytes
        entry = _entry(slot)
        for index, word in enumerate((lease.generation, offset, size, 0)):
            segment.words[entry + index] = word
        return lease

    def take_back(self, lease: Lease) -> None:
        """Ends a lease that Krait was never told of."""
        self._segments[lease.segment].words[_entry(lease.slot) + 3] = 1

    def _take(self, count: int) -> tuple[int, _Own, int, int] | None:
        for _ in range(2):
            for number, segment in self._segments.items():
                segment.collect()
                found = segment.take(count)
                if found is not None:
                    slot, (first, _) = found
                    return number, segment, slot, first
            if not self._grow(count):
                return None
        return None

    def _grow(self, count: int) -> bool:
        size = max(count, min(_LEAST, self._offer.limit // 4))
        used = sum(segment.size - TABLE for segment in self._segments.values())
        if used + size > self._offer.limit and not self._shrink(used + size):
            return False
        self._next += 1
        try:
            self._segments[self._next] = _Own(f"{self._offer.prefix}{self._next:x}", TABLE + size)
        except (OSError, ValueError):
            return False
        return True

    def _shrink(self, wanted: int) -> bool:
        """Gives up segments of which nothing is lent, until a larger one fits beside the rest."""
        for number, segment in list(self._segments.items()):
            if wanted <= self._offer.limit:
                break
            if not segment.lent:
                wanted -= segment.size - TABLE
                segment.words[1] = 1
                segment.remove()
                del self._segments[number]
        return wanted <= self._offer.limit

    def close(self) -> None:
        """Removes this worker's files; what Krait has of them stays readable there."""
        for segment in self._segments.values():
            segment.words[1] = 1
            segment.remove()
        self._segments = {}
