"""Drives one peer: keeps a window of calls full, sends an array, kills a worker under load."""

import asyncio
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: The arguments that are echoed: those of `krait bench echo`.
ARGUMENTS = {
    "id": 1_234_567,
    "question": "How do I return a parcel that came broken?",
    "score": 0.25,
    "final": True,
    "tags": ["mail", "returns"],
    "user": "b3f1c2",
}
#: How long after the load ends an answer may still come.
PATIENCE = 3.0
#: How long the load lasts in which a worker is killed, and after how long it is.
KILL_LOAD, KILL_AFTER = 4.0, 0.5


@dataclass
class Load:
    """What came of a window that was kept full."""

    elapsed: float = 0.0
    #: Of each answer, when its call was made and when it came.
    answers: list[tuple[float, float, Any]] = field(default_factory=list)
    failed: int = 0
    unanswered: int = 0


class Peer:
    """A pool of workers as its users drive it."""

    def start(self, workers: int) -> None:
        """Starts the workers; returns when calls can be made."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends everything that `start` began."""
        raise NotImplementedError

    def call(self, value: Any) -> Any:
        """Makes one call and waits for it."""
        raise NotImplementedError

    def keep_full(self, window: int, seconds: float, value: Any) -> Load:
        """Keeps so many calls under way until the time is up."""
        raise NotImplementedError


class CallbackPeer(Peer):
    """A peer that tells of each answer by a callback, from any thread."""

    def submit(self, value: Any, done: Callable[[bool, Any], None]) -> None:
        """Begins a call; `done` is told whether it succeeded, and its value."""
        raise NotImplementedError

    def call(self, value: Any) -> Any:
        box: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self.submit(value, lambda *end: box.put(end))
        succeeded, answer = box.get(timeout=60)
        if not succeeded:
            raise RuntimeError(answer)
        return answer

    def keep_full(self, window: int, seconds: float, value: Any) -> Load:
        load, box = Load(), queue.SimpleQueue[Any]()
        start = time.perf_counter()
        end = start + seconds

        def begin() -> None:
            made = time.perf_counter()
            try:
                self.submit(value, lambda good, answer: box.put((made, good, answer)))
            except Exception as error:  # noqa: BLE001 - a broken pool refuses in its own words
                box.put((made, False, error))

        for _ in range(window):
            begin()
        under_way = window
        while under_way:
            now = time.perf_counter()
            try:
                made, good, answer = box.get(timeout=max(0.001, end + PATIENCE - now))
            except queue.Empty:
                break
            now = time.perf_counter()
            if good:
                load.answers.append((made, now, answer))
            else:
                load.failed += 1
            if now < end:
                if not good:
                    time.sleep(0.001)  # a pool that is broken would fail without end
                begin()
            else:
                under_way -= 1
        load.unanswered = under_way
        load.elapsed = seconds
        load.answers = [answer for answer in load.answers if answer[1] <= end]
        return load


class AsyncPeer(Peer):
    """A peer whose calls are coroutines of one loop."""

    loop: asyncio.AbstractEventLoop

    async def acall(self, value: Any) -> Any:
        """Makes one call."""
        raise NotImplementedError

    def call(self, value: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(self.acall(value), 60))

    def keep_full(self, window: int, seconds: float, value: Any) -> Load:
        return self.loop.run_until_complete(self._keep_full(window, seconds, value))

    async def _keep_full(self, window: int, seconds: float, value: Any) -> Load:
        load = Load(elapsed=seconds)
        end = time.perf_counter() + seconds

        async def one_after_the_other() -> None:
            made = time.perf_counter()
            while made < end:
                try:
                    answer = await self.acall(value)
                except Exception:  # noqa: BLE001 - whatever a peer says of a worker's end
                    load.failed += 1
                    await asyncio.sleep(0.001)
                    made = time.perf_counter()
                else:
                    now = time.perf_counter()
                    if now <= end:
                        load.answers.append((made, now, answer))
                    made = now

        tasks = [asyncio.ensure_future(one_after_the_other()) for _ in range(window)]
        _, late = await asyncio.wait(tasks, timeout=seconds + PATIENCE)
        load.unanswered = len(late)
        for task in late:
            task.cancel()
        return load


def echo(peer: Peer, window: int, seconds: float) -> dict[str, Any]:
    """Calls per second and latencies at a window."""
    load = peer.keep_full(window, seconds, ARGUMENTS)
    if not load.answers:
        raise RuntimeError(f"no call was answered in {seconds} s at window {window}")
    if load.answers[0][2]["id"] != ARGUMENTS["id"]:
        raise RuntimeError("the echo did not come back as it was sent")
    took = sorted(come - made for made, come, _ in load.answers)
    return {
        "bench": "echo",
        "window": window,
        "n": len(took),
        "calls_per_s": round(len(took) / load.elapsed),
        "p50_us": round(took[len(took) // 2] * 1e6, 1),
        "p99_us": round(took[len(took) * 99 // 100] * 1e6, 1),
    }


def array(peer: Peer, bytes_: int, times: int) -> dict[str, Any]:
    """How long an array takes there and back."""
    import numpy

    sent = numpy.random.default_rng(1).random(bytes_ // 8)
    took = []
    for _ in range(times + 1):
        start = time.perf_counter()
        came = peer.call(sent)
        took.append(time.perf_counter() - start)
        if came.shape != sent.shape or came[-1] != sent[-1]:
            raise RuntimeError("the array did not come back as it was sent")
    took = sorted(took[1:])  # the first one warms up
    return {
        "bench": "array",
        "bytes": bytes_,
        "n": times,
        "p50_us": round(took[len(took) // 2] * 1e6, 1),
    }


def kill(peer: Peer, window: int, workers: int) -> dict[str, Any]:
    """What becomes of calls, and of the pool, when a worker is killed under load."""
    known: set[int] = set()
    for _ in range(10):
        known |= {answer for _, _, answer in peer.keep_full(window, 0.3, None).answers}
        if len(known) >= workers:
            break
    if not known:
        raise RuntimeError("no worker answered before one was to be killed")
    at = [0.0]

    def strike() -> None:
        at[0] = time.perf_counter()
        os.kill(min(known), signal.SIGKILL)

    timer = threading.Timer(KILL_AFTER, strike)
    timer.start()
    load = peer.keep_full(window, KILL_LOAD, None)
    timer.join()
    whole = [come for _, come, answer in load.answers if come > at[0] and answer not in known]
    figures = {
        "bench": "kill",
        "window": window,
        "n": len(load.answers),
        "failed": load.failed,
        "unanswered": load.unanswered,
    }
    if whole:
        figures["replaced_ms"] = round((min(whole) - at[0]) * 1e3, 1)
    return figures
