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
from krait_worker.compression import compress
from krait_worker.envelope import (
    HEADER,
    Codec,
    Compression,
    Kind,
    envelope,
    first_word,
    read_envelopes,
)
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


def impatient(calls: Socket, start: Start) -> None:
    """Answers, beats and is ready before it has said hello, and then behaves."""
    for call in range(1 << 24, (1 << 24) + 64):
        calls.send(envelope(Kind.REPLY, call, Codec.JSON, b'"stolen"'))
    beat = {"busy": 0, "running": [], "served": 9, "resident_bytes": 1}
    calls.send(envelope(Kind.HEARTBEAT, 0, Codec.JSON, json.dumps(beat).encode()))
    early = {"operations": [], "slots": start.slots, "resident_bytes": 1}
    calls.send(envelope(Kind.READY, 0, Codec.JSON, json.dumps(early).encode()))
    ready(calls, start)
    answer(calls, lambda number, call: [envelope(Kind.REPLY, call, Codec.JSON, b'"own"')])


def thieving(calls: Socket, start: Start) -> None:
    """Is ready, and with each answer answers the calls that others have, and its old ones."""
    ready(calls, start)
    past: list[bytes] = []

    def answers(number: int, call: int) -> list[bytes]:
        generation, place = call >> 24, call & 0xFFFFFF
        others = [
            (each << 24) | other
            for each in range(max(1, generation - 2), generation + 3)
            for other in range(16)
            if other != place or each != generation
        ]
        time.sleep(0.002)
        stolen = [envelope(Kind.REPLY, each, Codec.JSON, b'"stolen"') for each in others]
        own = envelope(Kind.REPLY, call, Codec.JSON, json.dumps(start.name).encode())
        # What it answered before cannot be one of a call it has meanwhile.
        past.append(envelope(Kind.REPLY, call, Codec.JSON, b'"stolen"'))
        return [*stolen, own, own, *past[-16:]]

    answer(calls, answers)


def attached(calls: Socket, start: Start) -> None:
    """Is ready, and sends a good answer with two thousand frames nobody announced."""
    ready(calls, start)
    for header, _ in read_envelopes(calls.recv()):
        reply = envelope(Kind.REPLY, header.call_id, Codec.JSON, b"1")
        calls.send_multipart([reply, *([b"x"] * 2_000)])


def flooding(calls: Socket, start: Start) -> None:
    """Is ready, and answers the first call by a hundred thousand messages of garbage."""
    ready(calls, start)
    calls.recv()
    for _ in range(100_000):
        calls.send(b"garbage, garbage, garbage and garbage")


def lengthy(calls: Socket, start: Start) -> None:
    """Is ready, and announces an answer of four gigabytes."""
    ready(calls, start)
    for header, _ in read_envelopes(calls.recv()):
        word = first_word(Kind.REPLY)
        calls.send(HEADER.pack(word, Codec.JSON, header.call_id, 0xFFFFFFFF, 0) + b"1")


def cut(calls: Socket, start: Start) -> None:
    """Is ready, and sends half of an answer."""
    ready(calls, start)
    for header, _ in read_envelopes(calls.recv()):
        calls.send(envelope(Kind.REPLY, header.call_id, Codec.JSON, b'"0123456789"')[:-6])


def numbered(kind: Kind, call: int, number: int, body: bytes = b"1") -> bytes:
    """An envelope of a stream or of a tool."""
    return HEADER.pack(first_word(kind), Codec.JSON, call, len(body), number) + body


def skipping(calls: Socket, start: Start) -> None:
    """Is ready, and leaves out a chunk of each stream."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.CHUNK, call, number) for number in (0, 1, 3)])


def overdrawing(calls: Socket, start: Start) -> None:
    """Is ready, and streams without regard to credit."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.CHUNK, call, each) for each in range(100)])


def miscounting(calls: Socket, start: Start) -> None:
    """Is ready, and ends its streams after more chunks than it has sent."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.CHUNK, call, 0), numbered(Kind.END, call, 5)])


def plain(calls: Socket, start: Start) -> None:
    """Is ready, and answers streams by replies."""
    ready(calls, start)
    answer(calls, lambda _, call: [envelope(Kind.REPLY, call, Codec.JSON, b"1")])


def presuming(calls: Socket, start: Start) -> None:
    """Is ready, and calls tools that its calls do not have."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.TOOL_CALL, call, 0, b'["search",{}]')])


def mumbling(calls: Socket, start: Start) -> None:
    """Is ready, and calls tools in a way that nobody understands."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.TOOL_CALL, call, 0, b'["search"]')])


def endless(calls: Socket, start: Start) -> None:
    """Is ready, and sends a chunk behind the end of each stream."""
    ready(calls, start)
    answer(calls, lambda _, call: [numbered(Kind.END, call, 0), numbered(Kind.CHUNK, call, 0)])


def bombing(calls: Socket, start: Start) -> None:
    """Is ready, and answers by bombs, by a length that lies, and then by what can be read."""
    ready(calls, start)
    bomb = compress(bytes(64 << 20), Compression.ZSTD) or b""
    huge = compress(bytes((64 << 20) + 1), Compression.ZSTD) or b""
    leaf = bytes(8) + b"\xd6\x01\x00\x00\x00\x00"
    good = compress(b"\xc5\x27\x10" + bytes(10_000), Compression.ZSTD) or b""
    answers = [(leaf, bomb), (huge,), ((5_000).to_bytes(8, "little") + bomb[8:],), (good,)]

    def packed(number: int, call: int) -> list[bytes]:
        body, *frames = answers[(number - 1) % 4]
        second = Codec.MSGPACK | 2 << 8 | len(frames) << 16
        head = HEADER.pack(first_word(Kind.REPLY), second, call, len(body), 0)
        calls.send_multipart([head + body, *frames])
        return []

    answer(calls, packed)


def answer(calls: Socket, make: Any) -> None:
    """Answers calls for ten seconds."""
    end, number = time.monotonic() + 10, 0
    while time.monotonic() < end:
        if calls.poll(100):
            for header, _ in read_envelopes(calls.recv()):
                if header.kind != Kind.CALL:
                    continue
                number += 1
                if made := make(number, header.call_id):
                    calls.send(b"".join(made))


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
