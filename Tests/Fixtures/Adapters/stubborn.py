"""Adapters that take too much, do not let go, or will not leave, for the integration tests."""

import ctypes
import os
import signal
import subprocess
import threading
import time

from krait_worker.adapters.base import Adapter, operation


class Stubborn(Adapter):
    """Holds on to locks, memory and life."""

    def __init__(self) -> None:
        self.kept: list[bytearray] = []

    @operation
    def hold_lock(self, seconds: int) -> None:
        """Sits in C code that keeps the interpreter's lock."""
        ctypes.PyDLL(None).sleep(seconds)

    @operation
    def take(self, mebibytes: int) -> int:
        """Takes memory and keeps it; all that it has, in bytes."""
        self.kept.append(bytearray(mebibytes << 20))
        return sum(map(len, self.kept))

    @operation
    def spin(self) -> None:
        """Computes without end."""
        while True:
            pass

    @operation
    def long_line(self, mebibytes: int) -> int:
        """Writes one line of so many bytes, and gives their number."""
        written, left = 0, mebibytes << 20
        while written < left:
            written += os.write(1, b"x" * min(1 << 20, left - written))
        os.write(1, b"\nafter the long line\n")
        return written

    @operation
    def run_away(self) -> int:
        """Starts a process in a session of its own, which no signal to the group reaches."""
        return subprocess.Popen(
            ["/bin/sleep", "600"], stdin=subprocess.DEVNULL, start_new_session=True
        ).pid

    @operation
    def pid_of(self) -> int:
        """The worker's process."""
        return os.getpid()

    @operation
    def threads(self) -> dict[str, str]:
        """The environment's words on threads, as the adapter's import saw them."""
        return SEEN


class Deaf(Adapter):
    """Does not hear SIGTERM, and does not leave."""

    @operation
    def never_end(self) -> None:
        """Holds the only slot."""
        time.sleep(600)

    def end(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


class Storm(Adapter):
    """Crashes a moment after it is ready."""

    def begin(self) -> None:
        threading.Timer(0.05, os._exit, [1]).start()

    @operation
    def never(self) -> None:
        """Is never called."""
        time.sleep(600)


SEEN = {name: os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM")}
