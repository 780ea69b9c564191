"""Measures a Krait worker's reader loop beside the leanest one (`krait_worker.bench.floor`).

    worker_loop.py [--n 200000] [--rounds 5] [--window 512] [--codec msgpack]

One ROUTER in this process drives one worker process over ipc with ready-made messages of 1 or 16
calls of `echo` (about 110 bytes). Both workers run at once and are driven in turn. Each round
prints a JSON line, and at the end come the medians. `reader_us` is the processor time of the
worker's reader thread for one call: it says more than `calls_per_s` where the machine is busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import zmq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python" / "src"))

from krait_worker.envelope import CALL, HEADER, Codec, Kind, envelope  # noqa: E402

ARGUMENTS = {
    "question": "What is the capital of France?",
    "id": 123456,
    "score": 0.75,
    "final": True,
    "tag": "general",
    "note": "about 110 bytes",
}


class Driver:
    """The ROUTER and the two workers."""

    def __init__(self, folder: str, codec: str) -> None:
        self.codec = Codec.JSON if codec == "json" else Codec.MSGPACK
        self.endpoint = f"ipc://{folder}/router.sock"
        self.context = zmq.Context()
        self.router = zmq.backend.Socket(self.context, zmq.ROUTER)
        self.router.set(zmq.ROUTER_MANDATORY, 1)
        self.router.set(zmq.LINGER, 0)
        self.router.set(zmq.RCVTIMEO, 30_000)
        self.router.bind(self.endpoint)
        self.lifeline, self.life = os.pipe()
        package = str(HERE.parent / "python" / "src")
        self.environment = {**os.environ, "PYTHONPATH": package}
        module = [sys.executable, "-m", "krait_worker.bench.floor"]
        command = [*module, self.endpoint, "floor", codec]
        floor = subprocess.Popen(  # noqa: S603 - its own module
            command, env=self.environment, stdin=subprocess.PIPE
        )
        self.workers = {b"floor": floor}
        self.expect(b"floor")
        self.workers[b"krait"] = self.start_krait()
        self.expect(b"krait")
        agreed = {"version": 1, "heartbeat_ms": 1_000_000, "codec": codec}
        hello = envelope(Kind.HELLO, 0, Codec.JSON, msgspec.json.encode(agreed))
        self.send(b"krait", hello)
        self.expect(b"krait")
        self.expect(b"krait!")

    def start_krait(self) -> "subprocess.Popen[bytes]":
        orders = {
            "load": {"do": "load", "adapter": "echo"},
            "start": {
                "do": "start",
                "name": "krait",
                "token": "",
                "endpoint": self.endpoint,
                "slots": 64,
            },
        }
        environment = {**self.environment, "KRAIT_WORKER": json.dumps(orders)}
        return subprocess.Popen(
            [sys.executable, "-m", "krait_worker"],
            env=environment,
            preexec_fn=lambda: os.dup2(self.lifeline, 3),
            close_fds=False,
            start_new_session=True,
        )

    def send(self, peer: bytes, message: bytes) -> None:
        self.router.send(peer, zmq.SNDMORE)
        self.router.send(message)

    def expect(self, peer: bytes) -> bytes:
        sender = self.router.recv()
        if sender != peer:
            raise RuntimeError(f"{sender!r} spoke in place of {peer!r}")
        return self.router.recv()

    def message(self, calls: int) -> bytes:
        form = msgspec.json if self.codec == Codec.JSON else msgspec.msgpack
        body = form.encode(["echo", ARGUMENTS])
        return (HEADER.pack(CALL, self.codec, 7, len(body), 0) + body) * calls

    def run(self, peer: bytes, batch: int, window: int, n: int) -> dict[str, object]:
        """Keeps `window` calls under way until `n` are answered."""
        message = self.message(batch)
        form = msgspec.json if self.codec == Codec.JSON else msgspec.msgpack
        reply = HEADER.size + len(form.encode(ARGUMENTS))
        send, recv, more = self.router.send, self.router.recv, int(zmq.SNDMORE)
        spent = self.reader_seconds(peer)
        latencies: list[float] = []
        began = time.perf_counter()
        sent = done = 0
        for _ in range(max(1, window // batch)):
            send(peer, more)
            send(message)
            sent += batch
        at = began
        while done < sent:
            recv()
            done += len(recv()) // reply
            if sent < n:
                send(peer, more)
                send(message)
                sent += batch
            if window == 1:
                now = time.perf_counter()
                latencies.append(now - at)
                at = now
        seconds = time.perf_counter() - began
        result: dict[str, object] = {
            "bench": "worker_loop",
            "path": peer.decode(),
            "codec": self.codec.name.lower(),
            "window": window,
            "calls_per_message": batch,
            "n": done,
            "calls_per_s": round(done / seconds),
            "reader_us": round((self.reader_seconds(peer) - spent) / done * 1e6, 3),
        }
        if latencies:
            result["p50_us"] = round(statistics.median(latencies) * 1e6, 1)
        return result

    def reader_seconds(self, peer: bytes) -> float:
        pid = self.workers[peer].pid
        with open(f"/proc/{pid}/task/{pid}/schedstat") as file:
            return int(file.read().split()[0]) / 1e9

    def close(self) -> None:
        self.send(b"floor", b"stop")
        os.close(self.life)
        for worker in self.workers.values():
            worker.terminate()
            worker.wait(10)
        self.router.close()
        self.context.term()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--codec", choices=["json", "msgpack"], default="msgpack")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="krait-bench-") as folder:
        driver = Driver(folder, options.codec)
        runs: dict[tuple[str, int, int], list[dict[str, object]]] = {}
        paths = [(b"floor", 1), (b"krait", 1), (b"krait", 16)]
        shapes = [(path, batch, options.window, options.n) for path, batch in paths]
        shapes += [(path, 1, 1, options.n // 20) for path in (b"floor", b"krait")]
        try:
            for _ in range(options.rounds):
                for path, batch, window, n in shapes:
                    result = driver.run(path, batch, window, n)
                    print(json.dumps(result), flush=True)
                    runs.setdefault((path.decode(), batch, window), []).append(result)
        finally:
            driver.close()
    for (path, batch, window), results in runs.items():
        medians = {
            key: statistics.median([result[key] for result in results])  # type: ignore[type-var]
            for key in ("calls_per_s", "reader_us", "p50_us")
            if key in results[0]
        }
        print(
            json.dumps(
                {
                    "bench": "worker_loop_median",
                    "path": path,
                    "codec": options.codec,
                    "window": window,
                    "calls_per_message": batch,
                    "rounds": len(results),
                    **medians,
                }
            )
        )


if __name__ == "__main__":
    main()
