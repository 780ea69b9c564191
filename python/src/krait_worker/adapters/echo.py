"""The `echo` adapter: operations for benches, tests and `krait doctor`."""

import asyncio
import os
import sys
import time
from typing import Any

from krait_worker.adapters.base import Adapter, operation
from krait_worker.faults import InvalidInput


class EchoAdapter(Adapter):
    """Sends arguments back, and misbehaves on request."""

    @operation(inline=True)
    def echo(self, arguments: dict[str, Any], /) -> dict[str, Any]:
        """Returns its arguments."""
        return arguments

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
