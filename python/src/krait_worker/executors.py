"""Where operations run: synchronous ones on threads, asynchronous ones on one asyncio loop.

Both live as long as the worker. The loop is one and the same for all calls, because clients of
language models keep their connections per loop.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from contextvars import Context
from queue import SimpleQueue
from typing import Any

from krait_worker import limits
from krait_worker.calls import RunningCall, RunningCalls
from krait_worker.context import enter_call
from krait_worker.faults import InvalidInput


class _Gathered(list[Any]):
    """The chunks of a call that nobody reads as a stream."""

    def __init__(self, call: RunningCall) -> None:
        self._flow = call.flow

    def add(self, chunk: Any) -> None:
        if self._flow is not None:
            self._flow.check()
        if len(self) == limits.GATHERED_CHUNKS:
            raise InvalidInput(f"more than {len(self)} chunks; read them as a stream")
        self.append(chunk)


def _exhaust(call: RunningCall, generator: Generator[Any, Any, Any]) -> Any:
    """Streams what a generator yields and gives what it returns; without a stream, one list."""
    gathered = _Gathered(call)
    is_stream = call.context.is_stream
    take: Callable[[Any], None] = call.context.emit if is_stream else gathered.add
    returned: list[Any] = []

    def whole() -> Generator[Any, Any, None]:
        returned.append((yield from generator))

    with closing(whole()) as values:
        for value in values:
            take(value)
    return returned[0] if is_stream else gathered


async def _aexhaust(call: RunningCall, generator: AsyncGenerator[Any, Any]) -> Any:
    """Streams what an asynchronous generator yields; without a stream, one list."""
    gathered = _Gathered(call)
    async with aclosing(generator) as values:
        if call.context.is_stream:
            emit = call.context.aemit
            async for value in values:
                await emit(value)
            return None
        async for value in values:
            gathered.add(value)
    return gathered


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
            if call.operation.yields:
                result = _exhaust(call, result)
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
            made = call.operation.call(call.arguments)
            result = await (_aexhaust(call, made) if call.operation.yields else made)
        except BaseException as error:  # noqa: BLE001 - a cancelled call, too, is answered
            self._calls.fail(call, error)
        else:
            self._calls.succeed(call, result)
        finally:
            if timer is not None:
                timer.cancel()
