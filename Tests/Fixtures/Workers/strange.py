"""A forkserver like any other, whose workers do not keep to the protocol.

The argument says how: one of the functions below.
"""

import json
import os
import sys
import time
from typing import Any

import zmq
from krait_worker import forkserver, spawn
from krait_worker.envelope import HEADER, Codec, Kind, envelope, first_word, read_envelopes
from krait_worker.launch import Start
from krait_worker.process import start_ticks

Socket = zmq.Socket[bytes]
FOREVER = 600.0


def hello(start: Start, **changes: Any) -> bytes:
    """The hello of a good worker, with changes."""
    pid = os.getpid()
    good = {"versions": [1], "name": start.name, "token": start.token, "pid": pid,
            "started": start_ticks(pid), "package": "9.9.9", "python": "3.11"}  # fmt: skip
    return envelope(Kind.HELLO, 0, Codec.JSON, json.dumps({**good, **changes}).encode())


def wrong_version(calls: Socket, start: Start) -> None:
    """Speaks another version of the protocol."""
    calls.send(hello(start, versions=[7, 8]))


def wrong_token(calls: Socket, start: Start) -> None:
    """Is not the process that was started."""
    calls.send(hello(start, token=start.token[::-1]))


def garbage(calls: Socket, start: Start) -> None:
    """Sends what is no envelope."""
    calls.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def empty(calls: Socket, start: Start) -> None:
    """Sends a frame without anything in it."""
    calls.send(b"")


def oversized(calls: Socket, start: Start) -> None:
    """Announces a body beyond the limit."""
    calls.send(HEADER.pack(first_word(Kind.HELLO), Codec.JSON, 0, (64 << 20) + 1, 0))


def bad_hello(calls: Socket, start: Start) -> None:
    """Says a hello that is not one."""
    calls.send(hello(start, pid="none"))


def mute(calls: Socket, start: Start) -> None:
    """Says nothing."""


def never_ready(calls: Socket, start: Start) -> None:
    """Says hello and no more."""
    calls.send(hello(start))


def ready(calls: Socket, start: Start) -> None:
    """The whole handshake, as it should be."""
    calls.send(hello(start))
    calls.recv()
    operations = [{"name": "echo", "kind": "inline", "doc": ""}]
    body = {"operations": operations, "slots": start.slots, "resident_bytes": 1}
    calls.send(envelope(Kind.READY, 0, Codec.JSON, json.dumps(body).encode()))


def heartless(calls: Socket, start: Start) -> None:
    """Is ready but never beats."""
    ready(calls, start)


def babbling(calls: Socket, start: Start) -> None:
    """Is ready, and answers the first call by garbage."""
    ready(calls, start)
    calls.recv()
    calls.send(b"KR\x01\x04 and so on, and so on")


def uncomprehending(calls: Socket, start: Start) -> None:
    """Is ready, and cannot read what it is sent."""
    ready(calls, start)
    calls.recv()
    fault = {"code": "malformed", "type": "X", "message": "what?", "traceback": ""}
    calls.send(envelope(Kind.FAULT, 0, Codec.JSON, json.dumps(fault).encode()))


def unreadable(calls: Socket, start: Start) -> None:
    """Is ready, and answers calls by bodies that no codec reads."""
    ready(calls, start)
    answer(calls, lambda number, call: [envelope(Kind.REPLY, call, Codec.MSGPACK, b"\xc1")])


def repeating(calls: Socket, start: Start) -> None:
    """Is ready, and answers each call twice, after an answer to one that nobody made."""
    ready(calls, start)

    def answers(number: int, call: int) -> list[bytes]:
        body = json.dumps(number).encode()
        ids = (call + (1 << 40), call, call)
        return [envelope(Kind.REPLY, each, Codec.JSON, body) for each in ids]

    answer(calls, answers)


def answer(calls: Socket, make: Any) -> None:
    """Answers calls for ten seconds."""
    end, number = time.monotonic() + 10, 0
    while time.monotonic() < end:
        if calls.poll(100):
            for header, _ in read_envelopes(calls.recv()):
                number += 1
                calls.send(b"".join(make(number, header.call_id)))


def run(start: Start, loaded: Any) -> int:
    """Stands for the life of a worker."""
    context = zmq.Context()
    calls: Socket = context.socket(zmq.DEALER)
    calls.set(zmq.ROUTING_ID, start.name.encode())
    calls.connect(start.endpoint)
    globals()[sys.argv[1]](calls, start)
    time.sleep(FOREVER)
    return 0


spawn.run = run

if __name__ == "__main__":
    sys.exit(forkserver.main())
