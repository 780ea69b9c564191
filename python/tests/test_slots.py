"""Slots, deadlines, cancellation, draining: what a worker does with time."""

import json
import os
import signal

import pytest

from host import Host, is_alive, until
from krait_worker.envelope import Codec, Kind
from krait_worker.values import decode


@pytest.mark.parametrize("operation", ["sleep", "asleep"])
def test_a_call_beyond_the_slots_is_overloaded(host: Host, operation: str) -> None:
    host.load()
    worker = host.start(slots=2)
    worker.send(b"".join(worker.call(n, operation, {"seconds": 0.3}) for n in (1, 2, 3)))
    assert worker.answer(3)[1]["code"] == "overloaded"
    assert worker.fault("echo", {})["code"] == "overloaded"
    assert worker.answer(1) == (Kind.REPLY, 0.3)
    assert worker.answer(2) == (Kind.REPLY, 0.3)
    assert worker.reply(operation, {"seconds": 0}) == 0


def test_slots_run_at_the_same_time(host: Host) -> None:
    host.load()
    worker = host.start(slots=8)
    worker.send(b"".join(worker.call(n, "sleep", {"seconds": 0.4}) for n in range(1, 9)))
    beat = worker.heartbeat(lambda beat: beat["busy"] == 8)
    assert sorted(call_id for call_id, _ in beat["running"]) == list(range(1, 9))
    for n in range(1, 9):
        assert worker.answer(n)[0] == Kind.REPLY
    assert worker.heartbeat(lambda beat: beat["busy"] == 0)["served"] == 8


def test_a_deadline_ends_asyncio_work(host: Host) -> None:
    host.load()
    worker = host.start(slots=1)
    worker.send(worker.call(1, "asleep", {"seconds": 60}, remaining=30))
    kind, fault = worker.answer(1)
    assert kind == Kind.FAULT
    assert fault["code"] == "deadline_exceeded"
    assert worker.reply("asleep", {"seconds": 0}, remaining=5_000) == 0


def test_synchronous_work_runs_on_past_its_deadline_and_keeps_its_slot(host: Host) -> None:
    host.load()
    worker = host.start(slots=1)
    worker.send(worker.call(1, "sleep", {"seconds": 0.3}, remaining=1))
    assert worker.fault("echo", {})["code"] == "overloaded"
    assert worker.answer(1) == (Kind.REPLY, 0.3)


def test_cancelling_ends_asyncio_work(host: Host) -> None:
    host.load()
    worker = host.start(slots=1)
    worker.send(worker.call(1, "asleep", {"seconds": 60}))
    worker.heartbeat(lambda beat: beat["busy"] == 1)
    worker.order(Kind.CANCEL, 1)
    assert worker.answer(1)[1]["code"] == "cancelled"
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


def test_a_cancel_in_the_same_message_as_its_call_is_answered_too(host: Host) -> None:
    host.load()
    worker = host.start()
    cancel = bytes([0x4B, 0x52, 1, Kind.CANCEL, 0, 0, 0, 0]) + (5).to_bytes(8, "little") + bytes(8)
    worker.send(worker.call(5, "asleep", {"seconds": 60}) + cancel)
    assert worker.answer(5)[1]["code"] == "cancelled"


def test_synchronous_work_is_not_cancelled(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, "sleep", {"seconds": 0.2}))
    worker.order(Kind.CANCEL, 1)
    assert worker.answer(1) == (Kind.REPLY, 0.2)


def test_a_late_cancel_is_ignored(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.order(Kind.CANCEL, 12_345)
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


def test_an_id_that_is_running_is_refused_and_the_first_call_goes_on(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, "asleep", {"seconds": 0.2}))
    worker.send(worker.call(1, "asleep", {"seconds": 0.2}))
    header, body = host.take(worker.name, Kind.FAULT)
    assert header.call_id == 0
    assert decode(body, Codec.MSGPACK)["code"] == "malformed"
    assert worker.answer(1) == (Kind.REPLY, 0.2)


def test_a_drained_worker_finishes_takes_nothing_new_and_says_goodbye(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, "sleep", {"seconds": 0.3}))
    worker.order(Kind.DRAIN)
    assert worker.fault("echo", {})["code"] == "overloaded"
    assert worker.answer(1) == (Kind.REPLY, 0.3)
    goodbye = json.loads(host.take(worker.name, Kind.GOODBYE)[1])
    assert goodbye == {"reason": "drained"}
    assert host.event("exited")["status"] == 0


def test_an_idle_worker_drains_at_once(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.order(Kind.DRAIN)
    host.take(worker.name, Kind.GOODBYE)
    assert host.event("exited")["status"] == 0


@pytest.mark.parametrize("busy", [False, True])
def test_sigterm_drains(host: Host, busy: bool) -> None:
    host.load()
    worker = host.start()
    if busy:
        worker.send(worker.call(1, "sleep", {"seconds": 0.4}))
        worker.heartbeat(lambda beat: beat["busy"] == 1)
    os.kill(worker.pid, signal.SIGTERM)
    if busy:
        assert worker.answer(1) == (Kind.REPLY, 0.4)
    host.take(worker.name, Kind.GOODBYE)
    assert host.event("exited")["status"] == 0


def test_a_second_sigterm_ends_at_once_and_ctrl_c_never(host: Host) -> None:
    host.load()
    worker = host.start()
    os.kill(worker.pid, signal.SIGINT)
    worker.send(worker.call(1, "sleep", {"seconds": 60}))
    worker.heartbeat(lambda beat: beat["busy"] == 1)
    os.kill(worker.pid, signal.SIGTERM)
    until(lambda: _refuses(worker), "draining")
    os.kill(worker.pid, signal.SIGTERM)
    assert host.event("exited")["status"] == 143
    assert not is_alive(worker.pid)


def _refuses(worker: object) -> bool:
    code = worker.fault("nothing")["code"]  # type: ignore[attr-defined]
    return code == "unknown_operation" and (
        worker.ask("echo", {})[0] == Kind.FAULT  # type: ignore[attr-defined]
    )


def test_a_goodbye_dismisses_a_worker(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.order(Kind.GOODBYE)
    assert host.event("exited")["status"] == 0


def test_heartbeats_come_from_a_worker_that_is_busy(host: Host) -> None:
    host.load()
    worker = host.start(heartbeat_ms=20)
    worker.send(worker.call(7, "sleep", {"seconds": 0.5}))
    beat = worker.heartbeat(lambda beat: any(age >= 100 for _, age in beat["running"]))
    assert beat["running"][0][0] == 7
    assert beat["resident_bytes"] > 0
    assert worker.answer(7)[0] == Kind.REPLY


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_heartbeats_are_in_the_pool_s_codec(host: Host, codec: str) -> None:
    host.load()
    worker = host.start(codec=codec, heartbeat_ms=20)
    header, body = host.take(f"{worker.name}!", Kind.HEARTBEAT)
    assert header.codec == (Codec.JSON if codec == "json" else Codec.MSGPACK)
    assert set(decode(body, header.codec)) == {"busy", "running", "served", "resident_bytes"}
