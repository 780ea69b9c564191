"""Adapters that misbehave, for the integration tests."""

import os
import subprocess
import sys
import time

from krait_worker.adapters.base import Adapter, operation


class Raises(Adapter):
    """Cannot be constructed."""

    def __init__(self) -> None:
        raise RuntimeError("the cellar is flooded")


class Dies(Adapter):
    """Ends its process while it is constructed in the worker."""

    def begin(self) -> None:
        print("one last word", file=sys.stderr, flush=True)
        os._exit(7)

    @operation
    def never(self) -> None:
        """Is never called."""


class Hangs(Adapter):
    """Never becomes ready."""

    def begin(self) -> None:
        time.sleep(600)

    @operation
    def never(self) -> None:
        """Is never called."""


class RaisesLater(Adapter):
    """Can be constructed, but not used."""

    def begin(self) -> None:
        raise ValueError("no begin")

    @operation
    def never(self) -> None:
        """Is never called."""


class Prints(Adapter):
    """Prints garbage wherever it can."""

    def __init__(self) -> None:
        os.write(1, b"\x00\xff\xfe garbage while loading\n")

    @operation
    def shout(self, text: str) -> str:
        """Writes to both streams, without and with line ends, and answers."""
        os.write(1, b"KR\x01\x03 not an envelope\n")
        print(text)
        print(text.upper(), file=sys.stderr, flush=True)
        return text

    @operation
    def gasp(self) -> None:
        """Ends the process in the middle of a line."""
        os.write(2, b"tell them I")
        os._exit(5)

    @operation
    def flood(self, seconds: float) -> int:
        """Writes as fast as it can for so long; how many bytes that were."""
        lines, written = b"more and more\n" * 1_000, 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            written += os.write(1, lines)
        return written


class Unreadable(Adapter):
    """Returns what cannot be carried."""

    @operation
    def odd(self) -> object:
        """Returns an object in a list in a map."""
        return {"rows": [{"id": object()}]}


class Leaks(Adapter):
    """Keeps what it is given."""

    def begin(self) -> None:
        self.held: list[bytes] = []

    @operation
    def keep(self, megabytes: int) -> int:
        """Takes so much memory for good; how often it did so in this process."""
        self.held.append(b"x" * (megabytes << 20))
        return len(self.held)


class Spawns(Adapter):
    """Starts processes of its own."""

    @operation
    def leave_behind(self) -> int:
        """Starts a process that would run for ten minutes, and gives its number."""
        return subprocess.Popen(["/bin/sleep", "600"], stdin=subprocess.DEVNULL).pid

    @operation
    def hello(self) -> str:
        """Answers."""
        return "hello"
