"""`measure.py PEER`: one round of one peer; prints one JSON object a line.

The round runs in a child. This process is the reaper of all that comes of it, and ends what is left
when the child has ended: servers of Redis, Ray and Dask do not outlive a round, however it ends.
"""

import argparse
import ctypes
import importlib
import json
import os
import signal
import sys
import time
from typing import Any

import harness

PEERS = {
    "ProcessPoolExecutor": ("processes", "Executor"),
    "multiprocessing.Pool": ("processes", "Pool"),
    "Ray actors": ("ray_actors", "Actors"),
    "gRPC asyncio": ("grpc_asyncio", "Servers"),
    "Celery with Redis": ("celery_redis", "Tasks"),
    "Dask actors": ("dask_actors", "Actors"),
    "bare pyzmq": ("bare_pyzmq", "Sockets"),
}
_SUBREAPER, _DEATH_SIGNAL = 36, 1


def measure(options: argparse.Namespace, tell: Any) -> None:
    """One round: start, echo at each window, the array, and at last the kill."""
    module, name = PEERS[options.peer]
    peer: harness.Peer = getattr(importlib.import_module(module), name)()
    start = time.perf_counter()
    peer.start(options.workers)
    peer.call(harness.ARGUMENTS)
    tell({"bench": "start", "n": 1, "first_reply_ms": round((time.perf_counter() - start) * 1e3)})
    try:
        for window in options.windows:
            peer.keep_full(window, min(0.3, options.seconds), harness.ARGUMENTS)
            tell(harness.echo(peer, window, options.seconds))
        tell(harness.array(peer, options.bytes, options.arrays))
        tell(harness.kill(peer, max(options.windows), options.workers))
    finally:
        peer.stop()


def descendants() -> list[int]:
    """Every process that comes of this one, those whose parents have gone included."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                parents[int(entry)] = int(fields[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {os.getpid()})


def reap(patience: float = 10.0) -> list[int]:
    """Ends every descendant; what is left of them after all."""
    end = time.monotonic() + patience
    while (left := descendants()) and time.monotonic() < end:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
    return left


def round_in_child(options: argparse.Namespace, lines: int) -> None:
    """The child: figures go to `lines`, whatever else is printed to stderr."""

    def tell(figures: dict[str, Any]) -> None:
        line = {"path": options.peer, "workers": options.workers, **figures}
        os.write(lines, json.dumps(line).encode() + b"\n")

    code = 0
    try:
        measure(options, tell)
    except BaseException as error:  # noqa: BLE001 - the reason is what the table shows
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
        tell({"bench": "failed", "reason": reason})
        code = 1
    os._exit(code)


def main() -> int:
    """Runs a round; 0 where all of it was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--windows", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--bytes", type=int, default=16 << 20)
    parser.add_argument("--arrays", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=120.0)
    options = parser.parse_args()
    libc = ctypes.CDLL(None)
    if libc.prctl(_SUBREAPER, 1, 0, 0, 0) != 0:
        print("this kernel has no subreapers", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: (reap(), os._exit(143)))
    libc.prctl(_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    lines = os.dup(1)
    os.dup2(2, 1)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        round_in_child(options, lines)
    end = time.monotonic() + options.timeout
    status = None
    while status is None and time.monotonic() < end:
        pid, code = os.waitpid(child, os.WNOHANG)
        if pid:
            status = os.waitstatus_to_exitcode(code)
        else:
            time.sleep(0.02)
    if status is None or status < 0:
        reason = "it did not end in time" if status is None else f"signal {-status} ended it"
        line = {"path": options.peer, "bench": "failed", "reason": reason}
        os.write(lines, json.dumps(line).encode() + b"\n")
    left = reap()
    if left:
        print(f"processes are left: {left}", file=sys.stderr)
    return 0 if status == 0 and not left else 1


if __name__ == "__main__":
    sys.exit(main())
