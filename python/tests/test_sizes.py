"""Large bodies, many answers, and the two small programs beside the worker."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import msgspec
import pytest
import zmq

from host import Host, until
from krait_worker import limits
from krait_worker.envelope import CALL, HEADER, Codec, Kind, read_envelopes
from krait_worker.values import decode


@pytest.mark.parametrize("codec", [Codec.JSON, Codec.MSGPACK])
def test_a_large_body_there_and_back(host: Host, codec: Codec) -> None:
    host.load()
    worker = host.start()
    value = {"bytes": os.urandom(3 << 20), "rows": [{"id": n} for n in range(5_000)]}
    assert worker.reply("echo", value, codec=codec) == value


def test_many_large_answers_are_several_messages(host: Host) -> None:
    host.load()
    worker = host.start(heartbeat_ms=100_000)
    text = {"text": "x" * 30_000}
    worker.send(b"".join(worker.call(n, "echo", text) for n in range(1, 9)))
    sizes: list[tuple[int, int]] = []
    while sum(count for count, _ in sizes) < 8:
        sender, message = host.router.recv_multipart()
        if not sender.endswith(b"!"):
            sizes.append((len(read_envelopes(message)), len(message)))
    assert [count for count, _ in sizes] == [2, 2, 2, 2]
    assert all(size <= limits.BATCH_BYTES for _, size in sizes)


def test_nested_too_deep_is_refused_on_the_way_in_and_out(
    host: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "deep.py").write_text(
        "from krait_worker import Adapter, operation\n"
        "class Deep(Adapter):\n"
        "    @operation(inline=True)\n"
        "    def give(self, arguments, /):\n"
        "        value = []\n"
        "        for _ in range(arguments['depth'] - 1): value = [value]\n"
        "        return value\n"
    )
    host.load("deep:Deep", path=[str(folder)])
    worker = host.start()
    assert worker.reply("give", {"depth": limits.NESTING})
    for depth in (limits.NESTING + 1, 300, 2_000):
        fault = worker.fault("give", {"depth": depth})
        assert fault["code"] == "unserialisable", depth
        assert "nested deeper" in fault["message"]
    body = b"\x92\xa4give\x81\xa5depth" + b"\x91" * 200 + b"\x90"
    worker.send(HEADER.pack(CALL, 2, 3, len(body), 0) + body)
    assert worker.answer(3)[1]["code"] == "malformed"


def test_no_answer_is_lost_between_the_ways_of_a_message(host: Host) -> None:
    host.load()
    worker = host.start(slots=64)
    calls = []
    for n in range(1, 41):
        operation = ("echo", "asleep", "sleep", "nothing")[n % 4]
        arguments = {"seconds": 0.01} if operation.endswith("sleep") else {"n": n}
        calls.append(worker.call(n, operation, arguments))
    worker.send(b"".join(calls))
    kinds = [worker.answer(n)[0] for n in range(1, 41)]
    assert kinds == [Kind.FAULT if n % 4 == 3 else Kind.REPLY for n in range(1, 41)]


def test_the_offline_lm_may_be_a_pool_s_worker(host: Host) -> None:
    host.load("krait_worker.offline_lm.adapter:OfflineLM")
    worker = host.start()
    url = worker.reply("url")
    with urllib.request.urlopen(url.replace("/v1", "/health"), timeout=10) as answer:
        assert answer.headers["X-Krait-Offline"] == "1"


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_the_floor_s_worker_echoes_and_stops(tmp_path: Path, codec: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.set(zmq.RCVTIMEO, 20_000)
    router.set(zmq.LINGER, 0)
    router.bind(f"ipc://{tmp_path}/r")
    arguments = ["-m", "krait_worker.bench.floor", f"ipc://{tmp_path}/r", "floor", codec]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        try:
            assert router.recv_multipart() == [b"floor", b"ready"]
            number = Codec.JSON if codec == "json" else Codec.MSGPACK
            form = msgspec.json if codec == "json" else msgspec.msgpack
            body = form.encode(["echo", {"a": 1}])
            router.send_multipart([b"floor", HEADER.pack(CALL, number, 5, len(body), 0) + body])
            [(header, answer)] = read_envelopes(router.recv_multipart()[1])
            assert header.kind == Kind.REPLY
            assert header.call_id == 5
            assert decode(answer, number) == {"a": 1}
            router.send_multipart([b"floor", b"stop"])
            until(lambda: process.poll() is not None, "the floor's end")
            assert process.returncode == 0
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            router.close()
            context.term()


def test_the_floor_s_worker_ends_with_its_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "krait_worker.bench.floor", f"ipc://{tmp_path}/r", "f", "json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
