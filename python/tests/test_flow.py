"""Streams and tool calls: what passes between a running call and its caller before its end."""

import asyncio
import threading

import pytest

from host import Host, WorkerEnd, until
from krait_worker import limits
from krait_worker.envelope import HEADER, Codec, Header, Kind, first_word
from krait_worker.flow import Flow
from krait_worker.outbox import Outbox
from krait_worker.payloads import Payloads
from krait_worker.values import Gathered, Unserialisable, decode, encode


def credit(worker: WorkerEnd, call_id: int, units: int) -> None:
    worker.send(HEADER.pack(first_word(Kind.CREDIT), 0, call_id, 0, units))


def tool_reply(worker: WorkerEnd, call_id: int, number: int, body: list[object]) -> None:
    data = encode(body, Codec.MSGPACK)
    word = first_word(Kind.TOOL_REPLY)
    worker.send(HEADER.pack(word, Codec.MSGPACK, call_id, len(data), number) + data)


def of_call(worker: WorkerEnd, call_id: int, kind: Kind) -> list[tuple[Header, object]]:
    """What has come for a call, of one kind."""
    found = []
    for header, body in worker.host.received(worker.name):
        if header.call_id == call_id and header.kind == kind:
            found.append((header, decode(body, Codec.MSGPACK)))
    return found


def chunks(worker: WorkerEnd, call_id: int) -> list[object]:
    found = of_call(worker, call_id, Kind.CHUNK)
    assert [header.number for header, _ in found] == list(range(len(found)))
    return [value for _, value in found]


def end(worker: WorkerEnd, call_id: int) -> tuple[int, object]:
    until(lambda: of_call(worker, call_id, Kind.END), f"the end of call {call_id}")
    [(header, value)] = of_call(worker, call_id, Kind.END)
    return header.number, value


@pytest.mark.parametrize(("operation", "final"), [("count", 5), ("acount", None)])
def test_a_generator_streams_and_ends(host: Host, operation: str, final: object) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, operation, {"n": 5}, options={"stream": 100}))
    assert end(worker, 1) == (5, final)
    assert chunks(worker, 1) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("operation", ["count", "acount"])
def test_without_a_stream_the_chunks_are_one_list(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    assert worker.reply(operation, {"n": 3}) == [0, 1, 2]


@pytest.mark.parametrize("operation", ["echo", "sleep", "asleep"])
def test_what_yields_nothing_ends_with_its_value(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, operation, {"seconds": 0}, options={"stream": 1}))
    number, value = end(worker, 1)
    assert number == 0
    assert value in (0, {"seconds": 0})


@pytest.mark.parametrize("operation", ["count", "acount"])
def test_a_stream_waits_for_credit(host: Host, operation: str) -> None:
    host.load()
    worker = host.start(heartbeat_ms=20)
    worker.send(worker.call(1, operation, {"n": 10}, options={"stream": 3}))
    until(lambda: len(chunks(worker, 1)) == 3, "three chunks")
    for _ in range(3):
        worker.heartbeat(lambda beat: beat["busy"] == 1)
    assert chunks(worker, 1) == [0, 1, 2]
    credit(worker, 1, 2)
    until(lambda: len(chunks(worker, 1)) == 5, "two more")
    credit(worker, 1, 100)
    assert end(worker, 1)[0] == 10


def test_a_large_chunk_costs_more_credit() -> None:
    flow = Flow(Outbox(), 1, Codec.MSGPACK, credit=5, remaining=0)
    flow.emit("x" * (4 * limits.CREDIT_BYTES))
    assert flow._credit == 0


@pytest.mark.parametrize("operation", ["count", "acount"])
def test_a_fault_comes_after_the_chunks_before_it(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    arguments = {"n": 10, "fail_at": 3} if operation == "count" else {"n": "no number"}
    worker.send(worker.call(1, operation, arguments, options={"stream": 100}))
    kind, fault = worker.answer(1)
    assert kind == Kind.FAULT
    assert fault["code"] == "raised"
    assert chunks(worker, 1) == ([0, 1, 2] if operation == "count" else [])


@pytest.mark.parametrize("operation", ["count", "acount"])
def test_cancelling_closes_a_generator_that_waits_for_credit(host: Host, operation: str) -> None:
    host.load()
    worker = host.start(slots=1)
    worker.send(worker.call(1, operation, {"n": 10**9}, options={"stream": 2}))
    until(lambda: len(chunks(worker, 1)) == 2, "two chunks")
    worker.order(Kind.CANCEL, 1)
    assert worker.answer(1)[1]["code"] == "cancelled"
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("operation", ["count", "acount"])
@pytest.mark.parametrize("units", [2, 1_000])
def test_a_deadline_ends_a_stream(host: Host, operation: str, units: int) -> None:
    host.load()
    worker = host.start()
    arguments = {"n": 10**9, "pause": 0.01}
    options = {"stream": units}
    worker.send(worker.call(1, operation, arguments, options=options, remaining=100))
    assert worker.answer(1)[1]["code"] == "deadline_exceeded"
    assert chunks(worker, 1)


def test_a_generator_that_nobody_reads_as_a_stream_ends_when_it_is_cancelled(host: Host) -> None:
    host.load()
    worker = host.start(slots=1)
    worker.send(worker.call(1, "count", {"n": 10**9, "pause": 0.01}))
    worker.order(Kind.CANCEL, 1)
    assert worker.answer(1)[1]["code"] == "cancelled"


TOOLS = [{"name": "search", "description": "finds", "parameters": {"type": "object"}}]


@pytest.mark.parametrize("operation", ["use_tool", "ause_tool"])
def test_a_tool_is_called_and_answers(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    arguments = {"name": "search", "arguments": {"query": "x"}, "times": 3}
    worker.send(worker.call(1, operation, arguments, options={"tools": TOOLS}))
    for number in range(3):
        until(lambda n=number: len(of_call(worker, 1, Kind.TOOL_CALL)) > n, "a tool call")
        header, body = of_call(worker, 1, Kind.TOOL_CALL)[number]
        assert header.number == number
        assert body == ["search", {"query": "x"}]
        tool_reply(worker, 1, number, [True, [number]])
    kind, value = worker.answer(1)
    assert kind == Kind.REPLY
    assert value["value"] == [2]


@pytest.mark.parametrize("operation", ["use_tool", "ause_tool"])
def test_a_tool_s_failure_is_raised(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    arguments = {"name": "search", "arguments": {}}
    worker.send(worker.call(1, operation, arguments, options={"tools": TOOLS}))
    until(lambda: of_call(worker, 1, Kind.TOOL_CALL), "a tool call")
    tool_reply(worker, 1, 0, [False, {"type": "Broken", "message": "no luck"}])
    kind, fault = worker.answer(1)
    assert kind == Kind.FAULT
    assert fault["type"] == "krait_worker.faults.ToolFailed"
    assert fault["message"] == "Broken: no luck"


@pytest.mark.parametrize("operation", ["use_tool", "ause_tool"])
def test_many_tools_at_once_are_bounded(host: Host, operation: str) -> None:
    host.load()
    worker = host.start()
    most = limits.TOOL_CALLS
    arguments = {"name": "search", "arguments": {}, "times": most + 10, "at_once": most + 10}
    worker.send(worker.call(1, operation, arguments, options={"tools": TOOLS}))
    until(lambda: len(of_call(worker, 1, Kind.TOOL_CALL)) == most, "as many as may be")
    for number in reversed(range(most)):
        tool_reply(worker, 1, number, [True, number])
    until(lambda: len(of_call(worker, 1, Kind.TOOL_CALL)) == most + 10, "the others")
    for number in range(most, most + 10):
        tool_reply(worker, 1, number, [True, number])
    assert worker.answer(1)[0] == Kind.REPLY


@pytest.mark.parametrize("operation", ["use_tool", "ause_tool"])
@pytest.mark.parametrize("code", ["cancelled", "deadline_exceeded"])
def test_a_call_that_waits_for_a_tool_can_be_ended(host: Host, operation: str, code: str) -> None:
    host.load()
    worker = host.start(slots=1)
    arguments = {"name": "search", "arguments": {}}
    remaining = 50 if code == "deadline_exceeded" else 0
    worker.send(worker.call(1, operation, arguments, options={"tools": TOOLS}, remaining=remaining))
    until(lambda: of_call(worker, 1, Kind.TOOL_CALL), "a tool call")
    if code == "cancelled":
        worker.order(Kind.CANCEL, 1)
    assert worker.answer(1)[1]["code"] == code
    tool_reply(worker, 1, 0, [True, None])  # it has crossed the end
    assert worker.reply("sleep", {"seconds": 0}) == 0


@pytest.mark.parametrize("operation", ["use_tool", "ause_tool"])
def test_who_waits_for_a_tool_lends_its_slot(host: Host, operation: str) -> None:
    host.load()
    worker = host.start(slots=1)
    arguments = {"name": "search", "arguments": {}}
    worker.send(worker.call(1, operation, arguments, options={"tools": TOOLS}))
    until(lambda: of_call(worker, 1, Kind.TOOL_CALL), "a tool call")
    assert worker.reply("sleep", {"seconds": 0}) == 0
    assert worker.reply("echo", {"a": 1}) == {"a": 1}
    worker.send(worker.call(2, "sleep", {"seconds": 0.3}))
    assert worker.fault("sleep", {"seconds": 0})["code"] == "overloaded"
    assert worker.answer(2)[0] == Kind.REPLY
    tool_reply(worker, 1, 0, [True, None])
    assert worker.answer(1)[0] == Kind.REPLY


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"stream": 0}, "credit"),
        ({"stream": limits.CREDIT + 1}, "credit"),
        ({"stream": True}, "credit"),
        ({"tools": {}}, "list"),
        ({"tools": [1]}, "a tool is"),
        ({"tools": [{"name": 1}]}, "a tool is"),
        ({"tools": TOOLS * 2}, "one name"),
        ({"tools": [{"name": str(n)} for n in range(limits.TOOLS + 1)]}, "at most"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    host: Host, options: dict[str, object], told: str
) -> None:
    host.load()
    fault = host.start().fault("count", {"n": 1}, options=options)
    assert fault["code"] == "invalid_input"
    assert told in fault["message"]


def test_credit_and_results_for_nobody_are_ignored(host: Host) -> None:
    host.load()
    worker = host.start()
    credit(worker, 99, 5)
    tool_reply(worker, 99, 0, [True, 1])
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


def test_what_is_large_in_chunks_and_tools_goes_beside_them_and_costs_credit() -> None:
    outbox = Outbox()
    flow = Flow(outbox, 1, Codec.MSGPACK, credit=20, remaining=0)
    large = bytes(range(256)) * 1_000
    flow.emit(["a", large])
    word, second, _, body, number, frames = outbox.answers.popleft()
    assert (word, second, number) == (first_word(Kind.CHUNK), Codec.MSGPACK | 1 << 16, 0)
    assert decode(body, Codec.MSGPACK, frames) == ["a", large]
    flow.emit(1)
    flow.end("cancelled")
    with pytest.raises(asyncio.CancelledError):
        # 20, less 16 for the first and 1 for the second, is above 0; the call has ended, though.
        flow.emit(large)
    assert len(outbox.answers) == 1


def test_a_chunk_beyond_the_pools_limit_is_refused_before_it_counts() -> None:
    outbox = Outbox()
    payloads = Payloads(None, 100_000)
    flow = Flow(outbox, 1, Codec.MSGPACK, credit=5, remaining=0, payloads=payloads)
    with pytest.raises(Unserialisable, match="payload_limit"):
        flow.emit(bytes(100_001))
    flow.emit(1)
    assert [answer[4] for answer in outbox.answers] == [0]


def test_a_tools_answer_brings_what_is_beside_it() -> None:
    outbox = Outbox()
    flow = Flow(outbox, 1, Codec.MSGPACK, credit=0, remaining=0)
    large = bytes(100_000)
    gathered: Gathered = []
    body = encode([True, large], Codec.MSGPACK, gathered=gathered)

    def answer() -> None:
        until(lambda: outbox.answers, "the tool call")
        frames = [memoryview(one.joined()) for one in gathered]
        flow.answer(0, Codec.MSGPACK, body, frames)

    thread = threading.Thread(target=answer)
    thread.start()
    assert flow.call_tool("t", {"a": large}) == large
    thread.join()
    _, second, _, body, _, frames = outbox.answers.popleft()
    assert second >> 16 == 1
    assert decode(body, Codec.MSGPACK, frames) == ["t", {"a": large}]
