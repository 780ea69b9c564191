"""Where operations run: synchronous ones on threads, asynchronous ones on one asyncio loop.

Both live as long as the worker. The loop is one and the same for all calls, because clients of
language models keep their connections per loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextvars import Context
from queue import SimpleQueue
from typing import Any

from krait_worker.calls import RunningCall, RunningCalls
from krait_worker.context import enter_call


class Threads:
    """A thread for each synchronous call at once; made when first needed, kept for the next."""

    def __init__(self, calls: RunningCalls, most: int) -> None:
        self._calls = calls
        self._most = most
        self._count = 0
        #: Threads without a call; below zero, calls without a thread.
        self._idle = 0
        self._lock = threading.Lock()
        self._queue: SimpleQueue[RunningCall] = SimpleQueue()

    def start(self, call: RunningCall) -> None:
        """Runs a call on a free thread, or on the next that is, where no more can be had."""
        with self._lock:
            has_thread = self._idle <= 0 and self._begin_thread()
            if not has_thread:
                self._idle -= 1
            is_lost = self._count == 0
            if is_lost:
                self._idle += 1
        if is_lost:
            # Its stack is memory like any other, and the worker's limit may leave none.
            self._calls.fail(call, MemoryError("no thread could be started for the call"))
        else:
            self._queue.put(call)

    def _begin_thread(self) -> bool:
        if self._count == self._most:
            return False
        name = f"krait-call-{self._count + 1}"
        try:
            threading.Thread(target=self._run, name=name, daemon=True).start()
        except (RuntimeError, MemoryError):
            return False
        self._count += 1
        return True

    def _run(self) -> None:
        while True:
            call = self._queue.get()
            Context().run(self._perform, call)
            with self._lock:
                self._idle += 1

    def _perform(self, call: RunningCall) -> None:
        enter_call(call.context)
        try:
            result = call.operation.call(call.arguments)
        except BaseException as error:  # noqa: BLE001 - SystemExit ends the call, not the worker
            self._calls.fail(call, error)
        else:
            self._calls.succeed(call, result)


class AsyncLoop:
    """One asyncio loop on a thread of its own."""

    def __init__(self, calls: RunningCalls) -> None:
        self._calls = calls
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="krait-asyncio", daemon=True).start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def start(self, calls: list[RunningCall]) -> None:
        """Runs several calls; one waking of the loop for all."""
        self._loop.call_soon_threadsafe(self._start, calls)

    def cancel(self, call: RunningCall, code: str) -> None:
        """Ends a call at its next await; it is answered by a fault of `code`."""
        self._loop.call_soon_threadsafe(self._cancel, call, code)

    def _start(self, calls: list[RunningCall]) -> None:
        for call in calls:
            call.task = self._loop.create_task(self._perform(call), context=Context())

    def _cancel(self, call: RunningCall, code: str) -> None:
        if call.task is not None and call.ended_by is None and not call.task.done():
            call.ended_by = code
            # A task that is cancelled before its first step never enters `_perform`.
            call.task.add_done_callback(lambda _: self._unanswered(call))
            call.task.cancel()

    def _unanswered(self, call: RunningCall) -> None:
        if self._calls.by_id.get(call.context.call_id) is call:
            self._calls.fail(call, asyncio.CancelledError())

    async def _perform(self, call: RunningCall) -> None:
        enter_call(call.context)
        timer = None
        if call.remaining:
            left = call.remaining / 1_000
            timer = self._loop.call_later(left, self._cancel, call, "deadline_exceeded")
        try:
            coroutine: Coroutine[Any, Any, Any] = call.operation.call(call.arguments)
            result = await coroutine
        except BaseException as error:  # noqa: BLE001 - a cancelled call, too, is answered
            self._calls.fail(call, error)
        else:
            self._calls.succeed(call, result)
        finally:
            if timer is not None:
                timer.cancel()
