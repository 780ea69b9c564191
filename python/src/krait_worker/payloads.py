"""How large values get to this worker and back: through shared memory, or as frames."""

from typing import Any, NamedTuple

import zmq

from krait_worker import limits
from krait_worker.compression import Rule, unpacked
from krait_worker.envelope import COMPRESSION_SHIFT, LEASED, Header
from krait_worker.shared_memory import DESCRIPTOR, Borrowing, Lease, Lending, Offer, StaleLease
from krait_worker.values import MalformedBody, Unserialisable
from krait_worker.values.attachments import Attachment, Buffer, Gathered

__all__ = ["NONE", "Offer", "Payloads", "Placed", "StaleLease"]


class Placed(NamedTuple):
    """What goes beside an answer: the flags that say how, and the frames."""

    flags: int
    frames: tuple[Buffer, ...]

    def word(self, codec: int) -> int:
        """The header's second word."""
        return codec | self.flags << 8 | len(self.frames) << 16


#: Nothing.
NONE = Placed(0, ())


class Payloads:
    """From any thread, but for `views`, which is the reader's."""

    def __init__(
        self,
        offer: Offer | None = None,
        limit: int = limits.ATTACHMENT_BYTES,
        rule: Rule | None = None,
    ) -> None:
        self._limit = limit
        self._rule = rule
        #: From how many bytes on a body alone is worth compressing.
        self.least = limits.BODY_BYTES if rule is None else rule.least
        self._borrowing = Borrowing(offer) if offer else None
        self._lending = Lending(offer) if offer else None

    def views(self, frames: list[Any], flags: int) -> list[memoryview]:
        """The bytes of received frames; raises `StaleLease`."""
        if not flags & LEASED:
            return [memoryview(frame).toreadonly() for frame in frames]
        if self._borrowing is None:
            raise StaleLease("nothing is lent to this worker")
        return [self._borrowing.view(Lease.read(bytes(frame))) for frame in frames]

    def take(self, header: Header, body: bytes, socket: Any) -> tuple[bytes, list[memoryview]]:
        """Receives what belongs to an envelope, and gives its parts as they are.

        Raises `MalformedBody` and `StaleLease`.
        """
        frames: list[Any] = []
        while len(frames) < header.attachments:
            if not socket.get(zmq.RCVMORE):
                raise MalformedBody("", f"{len(frames)} of {header.attachments} attachments came")
            frames.append(socket.recv(0, copy=bool(header.flags & LEASED)))
        compression = header.compression
        if compression is None:
            return body, self.views(frames, header.flags) if frames else []
        return unpacked(compression, body, self.views(frames, 0), self._limit)

    def pack(self, body: bytes, placed: Placed) -> tuple[bytes, Placed]:
        """An answer as it is sent: compressed where that was agreed and makes it smaller."""
        if self._rule is None or placed.flags:
            return body, placed
        packed = self._rule.apply(body, placed.frames)
        if packed is None:
            return body, placed
        return packed[0], Placed(self._rule.compression << COMPRESSION_SHIFT, packed[1])

    def place(self, gathered: Gathered) -> Placed:
        """What goes beside an answer: leases where all of it fits, else the bytes themselves."""
        if not gathered:
            return NONE
        size = sum(attachment.size for attachment in gathered)
        if size > self._limit:
            raise Unserialisable(
                "result",
                f"{size} bytes of large values, where the pool takes at most {self._limit}; raise "
                "its payload_limit, or return a path in their place",
            )
        leases = self._lend(gathered)
        if leases is None:
            return Placed(0, tuple(attachment.joined() for attachment in gathered))
        return Placed(LEASED, tuple(DESCRIPTOR.pack(*lease) for lease in leases))

    def _lend(self, gathered: Gathered) -> list[Lease] | None:
        borrowing, lending = self._borrowing, self._lending
        if borrowing is None or lending is None:
            return None
        own: list[Lease] = []
        leases: list[Lease] = []
        for attachment in gathered:
            lease = _returned(attachment, borrowing)
            if lease is None:
                lease = lending.lend(attachment)
                if lease is None:
                    for other in own:
                        lending.take_back(other)
                    return None
                own.append(lease)
            leases.append(lease)
        for lease in leases:
            borrowing.sends(lease)
        return leases

    def forget(self) -> None:
        """Lets go of what Krait has given up; once in a while."""
        if self._borrowing is not None:
            self._borrowing.forget()

    def close(self) -> None:
        """Removes this worker's own shared memory."""
        if self._lending is not None:
            self._lending.close()


def _returned(attachment: Attachment, borrowing: Borrowing) -> Lease | None:
    """The lease of Krait's own bytes that are sent back as they came."""
    return borrowing.lease_of(attachment.parts[0]) if len(attachment.parts) == 1 else None
