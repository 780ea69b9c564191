"""The forkserver's channel to Krait: one JSON object a packet, descriptors beside it."""

import array
import socket
from typing import Any, NamedTuple

import msgspec

from krait_worker import limits
from krait_worker.faults import clipped

#: The descriptor the forkserver is started with.
CONTROL = 3
_MOST_DESCRIPTORS = 8


class BadRequest(Exception):
    """A packet that is none of the channel's messages."""


class Packet(NamedTuple):
    """A packet with the descriptors that came with it; whoever takes it closes them."""

    data: bytes
    descriptors: list[int]


class Control:
    """The forkserver's end of the channel."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)

    def fileno(self) -> int:
        """The descriptor, to poll it."""
        return self._socket.fileno()

    def detach(self) -> None:
        """Forgets the descriptor without closing it: in a forked worker another takes its place."""
        self._socket.detach()

    def read(self) -> Packet | None:
        """The next packet; None at the end of file. Raises `BadRequest` for one too long."""
        space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(
                limits.CONTROL_BYTES, space, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            return None
        found = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
        if not data:
            return None
        packet = Packet(data, found.tolist())
        if flags & socket.MSG_TRUNC:
            packet = Packet(b"", packet.descriptors)
        return packet

    def is_closed(self) -> bool:
        """Whether Krait has closed its end and has nothing left to say."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def say(self, event: str, **keys: Any) -> None:
        """Sends a message; to a Krait that is gone it says nothing, the end of file tells."""
        body = msgspec.json.encode({"event": event, **keys})
        try:
            self._socket.send(body, socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionError):
            pass


def failed(control: Control, fault: dict[str, Any], **keys: Any) -> None:
    """Sends `failed`; its texts are cut so that the packet is never too long."""
    texts = {
        "message": clipped(fault["message"], limits.MESSAGE_TEXT_BYTES),
        "traceback": clipped(fault["traceback"], limits.TRACEBACK_BYTES, keep_end=True),
    }
    control.say("failed", **{**fault, **keys, **texts})
