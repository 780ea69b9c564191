"""The parts that need no process."""

import os
import re
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from host import until
from krait_worker import Adapter, InvalidInput, current_call, faults, limits, operation
from krait_worker.adapters.base import Operation, nearest
from krait_worker.calls import failure, fault_body, reply_beside
from krait_worker.envelope import HEADER, REPLY, Codec
from krait_worker.outbox import Outbox
from krait_worker.payloads import Payloads
from krait_worker.process import Memory, start_ticks, thread_count
from krait_worker.values import Unserialisable, decode


def test_the_limits_are_those_of_the_swift_side() -> None:
    text = (Path(__file__).parents[2] / "Sources/KraitWire/Limits.swift").read_text()
    names = {
        "bodyBytes": limits.BODY_BYTES,
        "messageBytes": limits.MESSAGE_BYTES,
        "attachments": limits.ATTACHMENTS,
        "attachmentBytes": limits.ATTACHMENT_BYTES,
        "inlineBytes": limits.INLINE_BYTES,
        "nesting": limits.NESTING,
        "tracebackBytes": limits.TRACEBACK_BYTES,
        "messageTextBytes": limits.MESSAGE_TEXT_BYTES,
        "envelopesPerMessage": limits.ENVELOPES_PER_MESSAGE,
        "batchBytes": limits.BATCH_BYTES,
        "credit": limits.CREDIT,
        "creditBytes": limits.CREDIT_BYTES,
        "tools": limits.TOOLS,
        "toolCalls": limits.TOOL_CALLS,
        "toolDepth": limits.TOOL_DEPTH,
    }
    for name, value in names.items():
        match = re.search(rf"static let {name} = ([\d_ <]+)", text)
        assert match, name
        number, _, shift = match[1].replace("_", "").partition("<<")
        assert int(number) << int(shift or 0) == value, name


def test_texts_are_cut_at_a_character() -> None:
    assert faults.clipped("abc", 3) == "abc"
    for text in ("é" * 100, "日本" * 100, "a\U0001f600" * 100):
        for keep_end in (False, True):
            cut = faults.clipped(text, 50, keep_end=keep_end)
            assert 44 <= len(cut.encode()) <= 50
            assert cut.strip("…") in text
    assert faults.clipped("\ud800", 50) == "\\ud800"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_speak_is_still_a_fault() -> None:
    body = failure(Unspeakable(), lambda error: {"x": 1})
    assert body["code"] == "raised"
    assert body["type"] == "test_units.Unspeakable"
    assert "could not be written" in body["message"]
    assert body["details"] == {"x": 1}


def test_details_that_fail_or_cannot_be_carried_are_left_out() -> None:
    def breaks(error: BaseException) -> dict[str, Any]:
        raise KeyError("details")

    assert "details" not in failure(ValueError("x"), breaks)
    body = failure(ValueError("x"), lambda error: {"bad": object()})
    assert "details" not in decode(fault_body(body, Codec.JSON), Codec.JSON)


def test_deep_tracebacks_keep_the_innermost_frames() -> None:
    def deep(n: int) -> None:
        if n == 0:
            raise ValueError("bottom")
        deep(n - 1)

    with pytest.raises(ValueError, match="bottom") as raised:
        deep(500)
    text = faults.frames(raised.value)
    assert len(text.encode()) <= limits.TRACEBACK_BYTES
    assert text.endswith("ValueError: bottom\n")
    assert "raise ValueError" in text


def test_a_reply_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_BYTES", 10)
    with pytest.raises(Unserialisable, match="a body has at most 10"):
        reply_beside("x" * 20, Codec.JSON, Payloads())


def test_the_outbox_packs_answers_and_keeps_to_the_limits() -> None:
    outbox = Outbox()
    for number in range(70):
        outbox.put((REPLY, 2, number, b"x", 0, ()))
    outbox.put((REPLY, 2, 100, b"y" * limits.BATCH_BYTES, 0, ()))
    outbox.put((REPLY, 2, 101, b"z", 0, ()))
    sent: list[bytes] = []
    outbox.drain(lambda message, frames: sent.append(message))
    os.close(outbox.wake)
    counts = []
    for message in sent:
        offset = count = 0
        while offset < len(message):
            offset += HEADER.size + struct.unpack_from("<I", message, offset + 16)[0]
            count += 1
        counts.append(count)
    assert counts == [32, 32, 6, 1, 1]


def test_a_sleeping_reader_is_woken_once() -> None:
    outbox = Outbox()
    outbox.sleeping = True
    outbox.put((REPLY, 2, 1, b"", ()))
    outbox.put((REPLY, 2, 2, b"", ()))
    assert os.eventfd_read(outbox.wake) == 1
    outbox.settle()
    os.close(outbox.wake)


def test_a_thread_lets_the_reader_send_what_it_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krait_worker.outbox._PATIENCE_SECONDS", 60)
    outbox = Outbox()
    outbox.put((REPLY, 2, 1, b"", 0, ()))
    thread = threading.Thread(target=outbox.let_go, daemon=True)
    thread.start()
    until(lambda: bool(outbox._waiting), "the thread to wait")
    outbox.drain(lambda message, frames: None)
    thread.join(30)
    assert not thread.is_alive()
    outbox.let_go()  # with nothing to be sent there is nothing to wait for
    os.close(outbox.wake)


class Sample(Adapter):
    """All shapes of operations."""

    @operation
    def plain(self, a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    @operation(name="other")
    async def renamed(self, *, key: str) -> str:
        return key

    @operation(inline=True)
    def any(self, **arguments: Any) -> Any:
        return arguments

    @operation(inline=True)
    def whole(self, arguments: Any, /) -> Any:
        return arguments

    def not_one(self) -> None: ...


def test_operations_are_found_with_their_kinds() -> None:
    found = Sample().operations()
    kinds = {name: op.kind for name, op in found.items()}
    assert kinds == {"plain": "sync", "other": "async", "any": "inline", "whole": "inline"}
    assert found["plain"].doc == "Adds."
    assert found["plain"].call({"a": 1}) == 3
    assert found["whole"].call({"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("name", "arguments", "part"),
    [
        ("plain", {}, "needs the argument a"),
        ("plain", {"a": 1, "c": 2}, "takes no argument 'c'"),
        ("other", {}, "needs the argument key"),
        ("other", {"key": "", "kye": ""}, "did you mean 'key'?"),
    ],
)
def test_arguments_are_held_against_the_operation(
    name: str, arguments: dict[str, Any], part: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        Sample().operations()[name].check(arguments)
    assert part in str(raised.value)


def test_operations_that_cannot_be_are_refused() -> None:
    async def waits() -> None: ...

    with pytest.raises(TypeError, match="cannot be inline"):
        operation(inline=True)(waits)
    with pytest.raises(TypeError, match="must be the only one"):
        Operation("x", lambda a, /, b: None, inline=False)

    class Twice(Adapter):
        @operation(name="same")
        def a(self) -> None: ...

        @operation(name="same")
        def b(self) -> None: ...

    with pytest.raises(TypeError, match="two operations are named same"):
        Twice().operations()
    assert Adapter().details(ValueError()) is None


def test_the_nearest_name_or_all_names() -> None:
    assert nearest("sesion", {"session", "lm"}) == "; did you mean 'session'?"
    assert nearest("zzz", {"b", "a"}) == "; known are a, b"
    assert nearest("zzz", []) == "; known are none"


def test_memory_is_measured_exactly_and_where_that_is_dear_by_its_growth() -> None:
    memory = Memory()
    exact = memory.own_bytes()
    assert exact > 1 << 20
    memory._most_seconds = -1.0
    last = memory.own_bytes()
    assert memory._correction is not None
    block = bytearray(os.urandom(1 << 12) * (8 << 8))
    grown = memory.own_bytes() - last
    assert 7 << 20 < grown < 12 << 20
    del block


def test_processes_are_known_by_their_start() -> None:
    assert start_ticks(os.getpid()) > start_ticks(1) >= 0
    assert thread_count() >= 1
    assert current_call() is None
