"""How a worker's memory goes over many calls; run by `.ci/memory`.

A real worker and the offline LM: predictions, chains of thought and calls of sessions in turn, each
with inputs of its own. Prints one JSON object a line: the calls so far, and what the worker has
resident that is its own.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from conftest import offline_lm
from host import Host, WorkerEnd
from krait_worker.envelope import Kind

_AT_ONCE = 64
_SESSIONS = 4
_SPEC = {"programs": {"answer": {"module": "ChainOfThought", "signature": "question -> answer"}}}


def call(worker: WorkerEnd, number: int) -> bytes:
    """One of the three kinds in turn."""
    inputs = {"question": f"What is said of {number}?"}
    kind = number % 3
    worker.host.last_id += 1
    if kind == 2:
        options = {"session": f"s{number % _SESSIONS}"}
        arguments = {"program": "answer", "inputs": inputs}
        return worker.call(worker.host.last_id, "session_run", arguments, options=options)
    operation = ("predict", "chain_of_thought")[kind]
    arguments = {"signature": "question -> answer", "inputs": inputs}
    return worker.call(worker.host.last_id, operation, arguments)


def resident(worker: WorkerEnd) -> int:
    """What the worker has resident that is its own."""
    for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise LookupError("no such worker")


def main(calls: int, url: str, folder: Path) -> None:
    """Makes the calls, and tells of the memory twenty times."""
    host = Host(folder)
    try:
        host.load("dspy", options={"lm": {"model": "openai/offline", "api_base": url}})
        worker = host.start(slots=_AT_ONCE, heartbeat_ms=500)
        for number in range(_SESSIONS):
            options = {"session": f"s{number}"}
            worker.reply("session_begin", {"spec": _SPEC}, options=options)
        began, step = time.monotonic(), max(_AT_ONCE, calls // 20)
        next_told = 0
        for done in range(0, calls, _AT_ONCE):
            if done >= next_told:
                tell(worker, done, began)
                next_told += step
            first = host.last_id + 1
            worker.send(b"".join(call(worker, done + n) for n in range(_AT_ONCE)))
            for call_id in range(first, first + _AT_ONCE):
                kind, value = worker.answer(call_id)
                assert kind == Kind.REPLY, value
        tell(worker, calls, began)
    finally:
        host.close()


def tell(worker: WorkerEnd, done: int, began: float) -> None:
    """One line."""
    found = {"calls": done, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps({**found, "resident_bytes": resident(worker)}), flush=True)


if __name__ == "__main__":
    with offline_lm() as url, tempfile.TemporaryDirectory() as folder:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, url, Path(folder))
