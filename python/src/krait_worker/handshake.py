"""The first words of a worker and of Krait."""

import os
import platform
import re
import time
from typing import Any, NamedTuple

import msgspec
import zmq

import krait_worker
from krait_worker import limits
from krait_worker.compression import NAMES, Rule, is_installed
from krait_worker.envelope import VERSION, Codec, EnvelopeError, Kind, envelope, read_envelopes
from krait_worker.launch import Start
from krait_worker.payloads import Offer
from krait_worker.process import start_ticks

_PREFIX = re.compile(r"krait-\d+-\d+-\d+-")
_CODECS = {"json": Codec.JSON, "msgpack": Codec.MSGPACK}


class Refused(Exception):
    """The two sides part: one of them does not accept the other."""

    def __init__(self, reason: str, is_final: bool = True) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Agreement(NamedTuple):
    """What Krait's hello says."""

    heartbeat_seconds: float
    codec: Codec
    #: What Krait calls a worker that came by itself.
    name: str
    #: How shared memory is to be used; None where it is not.
    arena: Offer | None = None
    #: How many bytes may go beside one answer.
    payload_limit: int = limits.ATTACHMENT_BYTES
    #: When answers are compressed; None for never.
    compression: Rule | None = None


class _Compression(msgspec.Struct):
    by: str
    least: int


class _Hello(msgspec.Struct):
    version: int
    heartbeat_ms: int
    codec: str
    name: str = ""
    arena: Offer | None = None
    payload_limit: int = limits.ATTACHMENT_BYTES
    compression: _Compression | None = None


def say(socket: zmq.Socket[bytes], kind: Kind, body: dict[str, Any]) -> None:
    """Sends an envelope of the handshake or a goodbye; their bodies are always JSON."""
    socket.send(envelope(kind, 0, Codec.JSON, msgspec.json.encode(body)))


def introduce(socket: zmq.Socket[bytes], start: Start) -> Agreement:
    """Says hello and waits for Krait's; raises `Refused`."""
    hello = {
        "versions": [VERSION],
        "name": start.name,
        "token": start.token,
        "pid": os.getpid(),
        "started": start_ticks(os.getpid()),
        "package": krait_worker.__version__,
        "python": platform.python_version(),
        "compressions": [name for name, found in NAMES.items() if is_installed(found)],
    }
    if start.join is not None:
        hello |= {"join": start.join, "host": platform.node()}
    say(socket, Kind.HELLO, hello)
    try:
        return _agreement(_first_envelope(socket))
    except (EnvelopeError, msgspec.MsgspecError, ValueError) as error:
        say(socket, Kind.GOODBYE, {"reason": f"the hello cannot be read: {error}"[:500]})
        raise Refused(str(error)) from error


def _first_envelope(socket: zmq.Socket[bytes]) -> tuple[Kind, bytes]:
    deadline = time.monotonic() + limits.HANDSHAKE_SECONDS
    while socket.poll(max(0, int((deadline - time.monotonic()) * 1_000))):
        for header, body in read_envelopes(socket.recv()):
            if header.kind in (Kind.HELLO, Kind.GOODBYE):
                return header.kind, body
            if header.kind != Kind.DRAIN:
                raise ValueError(f"a {header.kind.name.lower()} before hello")
            raise Refused("told to drain before hello")
    raise Refused(f"no hello within {limits.HANDSHAKE_SECONDS:g} s", is_final=False)


def _agreement(first: tuple[Kind, bytes]) -> Agreement:
    kind, body = first
    if kind == Kind.GOODBYE:
        raise farewell(body)
    hello = msgspec.json.decode(body, type=_Hello)
    if hello.version != VERSION:
        raise ValueError(f"version {hello.version}; this worker speaks {VERSION}")
    if hello.codec not in _CODECS:
        raise ValueError(f"codec {hello.codec!r:.40}; this worker speaks json and msgpack")
    if not 1 <= hello.heartbeat_ms <= 3_600_000:
        raise ValueError(f"heartbeat_ms {hello.heartbeat_ms}")
    if hello.arena is not None and not _PREFIX.fullmatch(hello.arena.prefix):
        raise ValueError(f"arena.prefix {hello.arena.prefix!r:.80}")
    if not 1 <= hello.payload_limit <= limits.ATTACHMENT_BYTES:
        raise ValueError(f"payload_limit {hello.payload_limit}")
    return Agreement(
        hello.heartbeat_ms / 1_000,
        _CODECS[hello.codec],
        hello.name,
        hello.arena,
        hello.payload_limit,
        _rule(hello.compression),
    )


def _rule(told: _Compression | None) -> Rule | None:
    if told is None:
        return None
    if told.by not in NAMES or told.least < 0:
        raise ValueError(f"compression {told.by!r:.40} from {told.least} bytes on")
    return Rule(NAMES[told.by], told.least)


def farewell(body: bytes) -> Refused:
    """What Krait's goodbye says; one that has no `final` is final."""
    said = msgspec.json.decode(body, type=dict[str, Any])
    return Refused(str(said.get("reason", "no reason")), said.get("final", True) is True)
