"""A peer that nobody invited: sends a router socket what it should never believe.

`python rogue.py ENDPOINT SECONDS SEED NAME…`, where each NAME is that of a worker.
"""

import json
import random
import sys
import time
from typing import Any

import zmq

from krait_worker.envelope import HEADER, Codec, Kind, first_word

Socket = Any


def envelope(kind: int, call: int, codec: int, body: bytes, length: int | None = None) -> bytes:
    """An envelope; `length` lies about its body."""
    size = len(body) if length is None else length
    return HEADER.pack(first_word(Kind.HELLO) & 0xFFFFFF | kind << 24, codec, call, size, 0) + body


def hello(name: str) -> bytes:
    """A hello with a token that was guessed."""
    body = {
        "versions": [1],
        "name": name,
        "token": "0123456789abcdef" * 2,
        "pid": 1,
        "started": 1,
        "package": "0.1.0",
        "python": "3.11",
    }
    return envelope(Kind.HELLO, 0, Codec.JSON, json.dumps(body).encode())


def ready() -> bytes:
    """Offers many slots."""
    operations = [{"name": "echo", "kind": "inline", "doc": ""}]
    body = {"operations": operations, "slots": 4096, "resident_bytes": 1}
    return envelope(Kind.READY, 0, Codec.JSON, json.dumps(body).encode())


def reply(call: int) -> bytes:
    """An answer to a call that was given to somebody else."""
    return envelope(Kind.REPLY, call, Codec.JSON, b'"stolen"')


def fault(call: int) -> bytes:
    """A fault of a call that was given to somebody else."""
    body = {"code": "raised", "type": "Rogue", "message": "no", "traceback": ""}
    return envelope(Kind.FAULT, call, Codec.JSON, json.dumps(body).encode())


def lies(chance: random.Random, name: str) -> list[bytes]:
    """One message of the rogue's."""
    calls = [chance.randrange(1 << 20) << 32 | chance.randrange(256) for _ in range(8)]
    garbage = chance.randbytes(chance.randrange(1, 4_096))
    whole = reply(calls[0])
    messages: list[list[bytes]] = [
        [garbage],
        [b""],
        [hello(name)],
        [ready()],
        [b"".join(reply(call) for call in calls)],
        [b"".join(reply(call) for call in range(256))],
        [b"".join(fault(call) for call in range(256))],
        [whole[: chance.randrange(len(whole))]],
        [whole, *([b"attachment"] * 2_000)],
        [envelope(Kind.REPLY, calls[1], Codec.MSGPACK, b"\xc1")],
        [envelope(Kind.REPLY, calls[2], Codec.JSON, b"{}", length=(64 << 20) + 1)],
        [envelope(chance.randrange(256), calls[3], chance.randrange(256), garbage)],
        [envelope(Kind.GOODBYE, 0, Codec.JSON, b'{"reason": "go"}')],
        [envelope(Kind.HEARTBEAT, 0, Codec.JSON, b'{"resident_bytes": -1}')],
    ]
    return chance.choice(messages)


def connect(context: Any, endpoint: str, name: bytes) -> Socket:
    """A DEALER of that name; where it is taken, the router does not listen to it."""
    socket = context.socket(zmq.DEALER)
    socket.set(zmq.ROUTING_ID, name)
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.SNDTIMEO, 50)
    socket.connect(endpoint)
    return socket


def main() -> int:
    """Lies until the time is over."""
    endpoint, seconds, seed, *names = sys.argv[1:]
    chance = random.Random(int(seed))  # noqa: S311
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 1_024)
    sockets: list[tuple[str, Socket]] = []
    end = time.monotonic() + float(seconds)
    # Too large by one byte: the router must hang up on it.
    huge = connect(context, endpoint, b"huge")
    huge.send(bytes((256 << 20) + 1))
    while time.monotonic() < end:
        if len(sockets) < 64:
            name = chance.choice([*names, f"stranger/{chance.randrange(1 << 30)}"])
            sockets.append((name, connect(context, endpoint, name.encode())))
        name, socket = chance.choice(sockets)
        try:
            message = lies(chance, name)
            socket.send_multipart(message)
            if chance.random() < 0.3:
                socket.send_multipart(message)
        except zmq.Again:
            pass
        if chance.random() < 0.05:
            sockets.remove((name, socket))
            socket.close()
        time.sleep(0.001)
    for _, socket in sockets:
        socket.close()
    huge.close()
    context.term()
    return 0


if __name__ == "__main__":
    sys.exit(main())
