"""An adapter whose operations break their worker, each in its own way."""

import asyncio
import ctypes
import os
import resource
import sys
import time
from pathlib import Path

from krait_worker.adapters.base import Adapter, operation


class Mayhem(Adapter):
    """Works when asked to; `token` comes back, so that answers can be told apart."""

    @operation(inline=True)
    def quick(self, token: str) -> str:
        """Answers at once."""
        return token

    @operation
    async def wait(self, token: str, seconds: float) -> str:
        """Answers later, as a call of a language model does."""
        await asyncio.sleep(seconds)
        return token

    @operation
    def work(self, token: str, seconds: float) -> str:
        """Holds a thread for so long."""
        time.sleep(seconds)
        return token

    @operation
    def raises(self, token: str) -> str:
        """Raises an exception that names the call."""
        raise ValueError(token)

    @operation
    def leaves(self, token: str, code: int = 1) -> str:
        """Ends the process without a word."""
        os._exit(code)

    @operation
    def segfaults(self, token: str) -> str:
        """Reads where nothing is."""
        ctypes.string_at(0)
        return token

    @operation
    def aborts(self, token: str) -> str:
        """Ends the process as a failed assertion of C does."""
        os.abort()

    @operation
    def swells(self, token: str, mebibytes: int = 256) -> str:
        """Takes memory until it is refused: the limit is set here, for the machine's sake."""
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + (mebibytes << 20), before[1]))
        taken = []
        try:
            while True:
                taken.append(bytearray(16 << 20))
        finally:
            taken.clear()
            resource.setrlimit(resource.RLIMIT_AS, before)

    @operation
    def spins(self, token: str) -> str:
        """Never ends, in Python: others still get the interpreter's lock."""
        while True:
            pass

    @operation
    def holds(self, token: str) -> str:
        """Never ends, in C and with the interpreter's lock."""
        ctypes.PyDLL(None).pause()
        return token

    @operation
    def chatters(self, token: str, seconds: float = 1.0) -> str:
        """Prints without an end, or for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sys.stdout.write("all work and no play makes a dull worker\n" * 64)
        return token
