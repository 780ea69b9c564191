"""Compressed envelopes: what is agreed on, sent, taken and refused."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from host import Host, WorkerEnd, until
from krait_worker import limits
from krait_worker.compression import PREFIX, Compression, Rule, compress, unpacked
from krait_worker.envelope import (
    CALL,
    HEADER,
    Codec,
    EnvelopeError,
    Header,
    Kind,
    first_word,
    read_header,
)
from krait_worker.payloads import NONE, Payloads, Placed
from krait_worker.values import MalformedBody, decode, encode

NAME = "general/1.1"
BOTH = list(Compression)
TEXT = "the same words over and over, " * 5_000
NOISE = random.Random(1).randbytes(100_000)


def header(kind: Kind, flags: int) -> bytes:
    return HEADER.pack(first_word(kind), Codec.MSGPACK | flags << 8, 7, 0, 0)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("flags", range(16))
def test_flags_are_refused_where_they_mean_nothing(kind: Kind, flags: int) -> None:
    fits = kind in (Kind.CALL, Kind.REPLY, Kind.END) and flags in (2, 4)
    if flags in (0, 1) or fits:
        found = read_header(header(kind, flags))
        assert found.compression == (Compression(flags >> 1) if fits else None)
    else:
        with pytest.raises(EnvelopeError) as caught:
            read_header(header(kind, flags))
        assert caught.value.reason == "unknown_flags"


@pytest.mark.parametrize("compression", BOTH)
def test_parts_come_back_and_those_that_are_noise_are_stored(compression: Compression) -> None:
    rule = Rule(compression, 1_000)
    packed = rule.apply(TEXT.encode(), (NOISE, bytes(100_000)))
    assert packed is not None
    body, frames = packed
    assert frames[0][:PREFIX] == bytes(PREFIX)
    raw, beside = unpacked(compression, body, frames, 200_000)
    assert (raw, beside[0], beside[1]) == (TEXT.encode(), NOISE, bytes(100_000))
    with pytest.raises(MalformedBody, match="where at most 99999 are allowed"):
        unpacked(compression, body, frames, 199_999)


def test_what_is_small_or_noise_is_sent_as_it_is() -> None:
    rule = Rule(Compression.ZSTD, 1_000)
    assert rule.apply(b"x" * 999, ()) is None
    assert rule.apply(NOISE, ()) is None
    payloads = Payloads(None, rule=rule)
    assert payloads.pack(b"x", NONE) == (b"x", NONE)
    leased = Placed(1, (b"d" * 40,))
    assert payloads.pack(b"x" * 5_000, leased) == (b"x" * 5_000, leased)


def test_a_body_beyond_its_limit_is_refused() -> None:
    bomb = compress(bytes(limits.BODY_BYTES + 1), Compression.ZSTD)
    assert bomb is not None
    with pytest.raises(MalformedBody, match="at most"):
        unpacked(Compression.ZSTD, bomb, (), 1 << 30)


class Sender:
    """Sends compressed calls to a worker that was told to compress."""

    def __init__(self, host: Host, compression: Compression) -> None:
        self.host = host
        self.compression = compression
        host.load("echo")
        self.worker: WorkerEnd = host.begin(NAME)
        told = json.loads(host.take(NAME, Kind.HELLO)[1])
        assert told["compressions"] == ["zstd", "lz4"]
        hello = {"version": 1, "heartbeat_ms": 500, "codec": "msgpack", "payload_limit": 1 << 20}
        hello["compression"] = {"by": compression.name.lower(), "least": 1_000}
        self.worker.order_body(Kind.HELLO, hello)
        host.take(NAME, Kind.READY)

    def send(self, call_id: int, body: bytes, *frames: bytes) -> None:
        flags = self.compression << 1
        second = Codec.MSGPACK | flags << 8 | len(frames) << 16
        self.worker.send(HEADER.pack(CALL, second, call_id, len(body), 0) + body, *frames)

    def answer(self, call_id: int) -> tuple[int, Any]:
        """The flags of an answer, and its value."""

        def came() -> list[tuple[Header, bytes]]:
            return [one for one in self.host.received(NAME) if one[0].call_id == call_id]

        [(found, body)] = until(came, f"the answer of call {call_id}")
        beside: list[Any] = self.host.frames[: found.attachments]
        del self.host.frames[: found.attachments]
        if found.compression is not None:
            body, beside = unpacked(found.compression, body, beside, 1 << 30)
        return found.flags, decode(body, Codec.MSGPACK, beside)


@pytest.fixture(params=BOTH)
def sender(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    host = Host(tmp_path)
    yield Sender(host, request.param)
    host.close()


def test_a_worker_reads_and_answers_compressed(sender: Sender) -> None:
    rule = Rule(sender.compression, 1_000)
    flags = sender.compression << 1
    for call_id, value in enumerate([TEXT, bytes(200_000), [TEXT, bytes(200_000), NOISE]], 1):
        gathered: Any = []
        body = encode(["echo", {"a": value}], Codec.MSGPACK, gathered=gathered)
        packed = rule.apply(body, tuple(one.joined() for one in gathered))
        assert packed is not None
        sender.send(call_id, packed[0], *packed[1])
        found = sender.answer(call_id)
        assert found == (flags, {"a": value})


def test_a_bomb_and_a_lie_fail_their_call_alone(sender: Sender) -> None:
    bomb = compress(bytes(4 << 20), sender.compression)
    assert bomb is not None
    body = bytes(PREFIX) + encode(["echo", {"a": 1}], Codec.MSGPACK)
    sender.send(1, body, bomb)
    _, fault = sender.answer(1)
    assert fault["code"] == "malformed"
    assert "at most 1048576 are allowed" in fault["message"]
    lie = (5_000).to_bytes(PREFIX, "little") + bomb[PREFIX:]
    sender.send(2, lie)
    assert sender.answer(2)[1]["code"] == "malformed"
    sender.send(3, b"short")
    assert sender.answer(3)[1]["code"] == "malformed"
    assert sender.worker.reply("echo", {"a": 1}) == {"a": 1}


def test_a_result_beyond_the_pools_limit_is_a_fault(sender: Sender) -> None:
    found = sender.worker.fault("echo", {"a": bytes(2 << 20)})
    assert found["code"] == "unserialisable"
    assert "raise its payload_limit" in found["message"]
