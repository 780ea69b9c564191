"""Celery with Redis as its broker and for its results."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from typing import Any

from celery import Celery
from harness import PATIENCE, Load, Peer
from work import work

_SOCKET = os.environ.get("KRAIT_PEERS_REDIS", "")
app = Celery("peers", broker=f"redis+socket://{_SOCKET}", backend=f"redis+socket://{_SOCKET}")
app.conf.update(
    task_serializer="pickle",
    result_serializer="pickle",
    accept_content=["pickle"],
    task_ignore_result=False,
    worker_prefetch_multiplier=50,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="peers.work")
def task(value: Any) -> Any:
    """The work."""
    return work(value)


def _redis() -> tuple[str, dict[str, str]]:
    """Where the server is, and what it needs in its environment."""
    installed = shutil.which("redis-server")
    if installed:
        return installed, dict(os.environ)
    unpacked = os.path.join(sys.prefix, "redis/usr/bin/redis-server")
    if not os.path.exists(unpacked):
        raise RuntimeError("there is no redis-server; apt-get install redis-server")
    libraries = os.path.join(sys.prefix, f"redis/usr/lib/{os.uname().machine}-linux-gnu")
    return unpacked, {**os.environ, "LD_LIBRARY_PATH": libraries}


class Tasks(Peer):
    """One Celery worker with a process for each of ours, and a Redis server on a socket file."""

    def start(self, workers: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = f"{self._folder.name}/redis.sock"
        server, environment = _redis()
        arguments = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", self._folder.name]
        self._processes = [
            subprocess.Popen(  # noqa: S603 - a server found above
                [server, *arguments], env=environment, stdout=subprocess.DEVNULL
            )
        ]
        while not os.path.exists(path):
            if self._processes[0].poll() is not None:
                raise RuntimeError("redis-server does not start")
            time.sleep(0.005)
        url = f"redis+socket://{path}"
        app.conf.update(broker_url=url, result_backend=url)
        app.set_current()
        quiet = ["--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._processes.append(
            subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-m", "celery", "-A", "celery_redis", "worker", "-P", "prefork",
                 "-c", str(workers), *quiet],
                env={**os.environ, "KRAIT_PEERS_REDIS": path, "C_FORCE_ROOT": "1"},
                cwd=os.path.dirname(__file__),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        import redis

        self._results = redis.Redis(unix_socket_path=path)

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        self._folder.cleanup()

    def call(self, value: Any) -> Any:
        return task.delay(value).get(timeout=60, interval=0.001)

    def keep_full(self, window: int, seconds: float, value: Any) -> Load:
        """Looks for all results that are missing at once: waiting for one after the other, as
        `get` does, would be slower."""
        load = Load(elapsed=seconds)
        end = time.perf_counter() + seconds
        under_way: deque[tuple[float, str]] = deque()
        while True:
            now = time.perf_counter()
            while now < end and len(under_way) < window:
                made = time.perf_counter()
                under_way.append((made, task.delay(value).id))
            if not under_way or now > end + PATIENCE:
                break
            keys = [f"celery-task-meta-{name}" for _, name in under_way]
            found = self._results.mget(keys)
            now = time.perf_counter()
            done = [key for key, result in zip(keys, found, strict=True) if result is not None]
            if not done:
                time.sleep(0.0005)
                continue
            self._results.delete(*done)
            left: deque[tuple[float, str]] = deque()
            for (made, name), result in zip(under_way, found, strict=True):
                if result is None:
                    left.append((made, name))
                    continue
                state = app.backend.decode_result(result)
                if state["status"] == "SUCCESS":
                    if now <= end:
                        load.answers.append((made, now, state["result"]))
                else:
                    load.failed += 1
            under_way = left
        load.unanswered = len(under_way)
        return load
