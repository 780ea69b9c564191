"""The `echo` adapter: operations for benches, tests and `krait doctor`."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from krait_worker.adapters.base import Adapter, operation, views
from krait_worker.context import CallContext, current_call
from krait_worker.faults import InvalidInput


class EchoAdapter(Adapter):
    """Sends arguments back, and misbehaves on request."""

    @operation(inline=True)
    def echo(self, arguments: dict[str, Any], /) -> dict[str, Any]:
        """Returns its arguments."""
        return arguments

    @operation(inline=True)
    @views
    def view(self, data: bytes) -> int:
        """How many bytes it was given, looked at and not copied."""
        return len(data) if data[0] == data[-1] else -1

    @operation(inline=True)
    @views
    def back(self, data: bytes) -> bytes:
        """Returns its bytes as they lie."""
        return data

    @operation(inline=True)
    @views
    def copy(self, data: bytes) -> bytes:
        """Returns all but the last of its bytes, so that they are copied once."""
        return data[:-1]

    @operation
    def twice(self, data: bytes) -> list[bytes]:
        """Returns its bytes two times."""
        return [data, data]

    @operation
    def repeat(self, value: Any, times: int) -> Iterator[Any]:
        """Streams a value so many times."""
        for _ in range(times):
            yield value

    @operation
    def sleep(self, seconds: float) -> float:
        """Holds a thread for so long."""
        time.sleep(seconds)
        return seconds

    @operation
    async def asleep(self, seconds: float) -> float:
        """Waits on the asyncio loop for so long."""
        await asyncio.sleep(seconds)
        return seconds

    @operation
    def fail(self, message: str = "") -> None:
        """Raises `ValueError`."""
        raise ValueError(message)

    @operation
    def crash(self, signal: int) -> None:
        """Kills the worker with a signal."""
        os.kill(os.getpid(), signal)
        time.sleep(10)  # the signal is on its way

    @operation
    def print(self, text: str, stream: str = "stdout") -> None:
        """Writes a line to `stdout` or `stderr`."""
        if stream not in ("stdout", "stderr"):
            raise InvalidInput(f"stream is stdout or stderr, not {stream!r:.60}")
        print(text, file=getattr(sys, stream), flush=True)

    @operation
    def pid(self) -> int:
        """The worker's process."""
        return os.getpid()

    @operation
    def count(self, n: int, pause: float = 0, fail_at: int = -1) -> Iterator[int]:
        """Streams the numbers below `n`, a pause before each; its end is `n`."""
        for number in range(n):
            if pause:
                time.sleep(pause)
            if number == fail_at:
                raise ValueError(f"at {number}")
            yield number
        return n  # type: ignore[return-value]

    @operation
    async def acount(self, n: int, pause: float = 0) -> AsyncIterator[int]:
        """`count` on the asyncio loop, without a value at its end."""
        for number in range(n):
            if pause:
                await asyncio.sleep(pause)
            yield number

    @operation
    def clock(self, n: int, pause: float = 0) -> Iterator[int]:
        """Streams the monotonic clock's nanoseconds `n` times, a pause before each."""
        for _ in range(n):
            if pause:
                time.sleep(pause)
            yield time.monotonic_ns()

    @operation
    def use_tool(
        self, name: str, arguments: dict[str, Any], times: int = 1, at_once: int = 1
    ) -> dict[str, Any]:
        """Calls a tool of the caller's, from so many threads at once.

        Gives the last result, and how many nanoseconds each call took.
        """
        call = _call()

        def use(_: int) -> tuple[Any, int]:
            began = time.perf_counter_ns()
            value = call.call_tool(name, arguments)
            return value, time.perf_counter_ns() - began

        if at_once == 1:
            used = [use(number) for number in range(times)]
        else:
            with ThreadPoolExecutor(at_once) as threads:
                used = list(threads.map(use, range(times)))
        return _used(used)

    @operation
    async def ause_tool(
        self, name: str, arguments: dict[str, Any], times: int = 1, at_once: int = 1
    ) -> dict[str, Any]:
        """`use_tool` on the asyncio loop."""
        call = _call()
        places = asyncio.Semaphore(at_once)

        async def use() -> tuple[Any, int]:
            async with places:
                began = time.perf_counter_ns()
                value = await call.acall_tool(name, arguments)
                return value, time.perf_counter_ns() - began

        return _used(await asyncio.gather(*(use() for _ in range(times))))


def _call() -> CallContext:
    call = current_call()
    if call is None:
        raise RuntimeError("an operation that is not inline has a call")
    return call


def _used(used: list[tuple[Any, int]]) -> dict[str, Any]:
    last = used[-1][0] if used else None
    return {"value": last, "nanoseconds": [taken for _, taken in used]}
