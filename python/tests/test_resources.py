"""What a worker may use of the machine, and how it leaves."""

import os
import signal
import threading
from pathlib import Path

import pytest
import zmq

from host import Host, WorkerEnd, until
from krait_worker.calls import RunningCall, RunningCalls
from krait_worker.context import CallContext
from krait_worker.envelope import Codec, Kind
from krait_worker.executors import Threads
from krait_worker.loading import load
from krait_worker.outbox import Outbox
from krait_worker.values import decode
from krait_worker.worker import IDLE_MS, Reader

HUNGRY = (
    "import os, resource\n"
    "from krait_worker import Adapter, operation\n"
    "SEEN = os.environ.get('OMP_NUM_THREADS')\n"
    "class Hungry(Adapter):\n"
    "    kept = []\n"
    "    @operation\n"
    "    def take(self, mib):\n"
    "        self.kept.append(bytearray(mib << 20))\n"
    "        return len(self.kept)\n"
    "    @operation\n"
    "    def fill(self):\n"
    "        for size in (1 << 24, 1 << 20, 1 << 17):\n"
    "            try:\n"
    "                while True: self.kept.append(bytearray(size))\n"
    "            except MemoryError: pass\n"
    "        return len(self.kept)\n"
    "    @operation\n"
    "    def let_go(self): self.kept.clear()\n"
    "    @operation\n"
    "    def spin(self):\n"
    "        while True: pass\n"
    "    @operation\n"
    "    def limits(self):\n"
    "        names = ('RLIMIT_DATA', 'RLIMIT_CORE', 'RLIMIT_CPU')\n"
    "        return [list(resource.getrlimit(getattr(resource, name))) for name in names]\n"
    "    @operation\n"
    "    def seen(self): return SEEN\n"
)
MODES = pytest.mark.parametrize("mode", ["fork", "exec"])


@pytest.fixture
def hungry(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("adapters")
    (folder / "hungry.py").write_text(HUNGRY)
    return str(folder)


def begun(host: Host, folder: str, mode: str, **limits: int) -> WorkerEnd:
    host.load("hungry:Hungry", path=[folder], mode=mode)
    return host.begin(slots=2, **limits)


@MODES
def test_a_limit_of_memory_fails_the_call_and_not_the_worker(
    host: Host, hungry: str, mode: str
) -> None:
    worker = begun(host, hungry, mode, memory_bytes=400 << 20)
    worker.greet()
    data, core, _ = worker.reply("limits")
    assert data == [400 << 20, 400 << 20]
    assert core == [0, 0]
    assert worker.reply("take", {"mib": 50}) == 1
    fault = worker.fault("take", {"mib": 1_000})
    assert fault["code"] == "raised"
    assert fault["type"] == "builtins.MemoryError"
    assert worker.reply("take", {"mib": 50}) == 2


@MODES
def test_a_limit_that_is_too_small_is_said_before_any_call(
    host: Host, hungry: str, mode: str
) -> None:
    worker = begun(host, hungry, mode, memory_bytes=8 << 20)
    host.take(worker.name, Kind.HELLO)
    worker.say_hello()
    header, body = host.take(worker.name, Kind.FAULT)
    assert header.codec is not None
    fault = decode(body, header.codec)
    assert fault["code"] == "setup_failed"
    assert "the memory limit of 8 MiB is too small" in fault["message"]
    assert host.event("exited")["status"] == 3


def test_a_worker_without_memory_for_more_threads_makes_do_with_those_it_has(
    host: Host, hungry: str
) -> None:
    host.load("hungry:Hungry", path=[hungry])
    worker = host.begin(slots=8, memory_bytes=300 << 20)
    worker.greet()
    assert worker.reply("fill") > 10
    for call_id in range(1, 7):
        worker.send(worker.call(call_id, "seen"))
    answers = [worker.answer(call_id) for call_id in range(1, 7)]
    assert {kind for kind, _ in answers} == {Kind.REPLY}
    worker.reply("let_go")
    assert worker.reply("take", {"mib": 20}) == 1


def test_a_call_for_which_there_is_no_thread_fails_by_itself() -> None:
    outbox = Outbox()
    loaded = load("echo", {}, [])
    calls = RunningCalls(outbox, loaded.adapter.details)
    threads = Threads(calls, 2)
    context = CallContext(7, None, None)
    call = RunningCall(loaded.operations["pid"], {}, context, Codec.MSGPACK, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        threads.start(call)
    _, _, call_id, body, *_ = outbox.answers.popleft()
    assert call_id == 7
    assert decode(body, Codec.MSGPACK)["type"] == "builtins.MemoryError"
    threads.start(call)
    until(lambda: outbox.answers, "the answer")
    assert decode(outbox.answers[0][3], Codec.MSGPACK) == os.getpid()


def _no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_limit_of_processor_time_ends_the_worker(host: Host, hungry: str) -> None:
    worker = begun(host, hungry, "fork", cpu_seconds=1)
    worker.greet()
    assert worker.reply("limits")[2] == [1, 6]
    worker.send(worker.call(1, "spin"))
    assert host.event("exited")["status"] == -signal.SIGXCPU


@MODES
def test_the_thread_counts_are_set_before_the_adapter_is_imported(
    host: Host, hungry: str, mode: str
) -> None:
    worker = begun(host, hungry, mode)
    worker.greet()
    expected = os.environ.get("OMP_NUM_THREADS", "1")
    assert worker.reply("seen") == expected


def test_a_drain_ends_the_wait_that_a_signal_interrupts() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    reader = Reader(socket, load("echo", {}, []), 1, Codec.MSGPACK, Outbox())
    assert socket.get(zmq.RCVTIMEO) == IDLE_MS
    reader.drain()
    assert socket.get(zmq.RCVTIMEO) == 0
    reader.serve()
    context.destroy(linger=0)


def test_sigterm_ends_an_idle_worker(host: Host) -> None:
    host.load()
    worker = host.start(heartbeat_ms=100_000)
    worker.reply("echo", {"a": 1})
    os.kill(worker.pid, signal.SIGTERM)
    assert host.event("exited")["status"] == 0
