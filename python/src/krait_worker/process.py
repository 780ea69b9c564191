"""What Python's `os` does not say about processes on Linux."""

import ctypes
import os
import signal
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_libc = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Binds this process's life to the thread that started it; ends at once if that is gone."""
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(0)


def set_name(name: str) -> None:
    """Names this process in `ps` and `top`: `krait:` and as much of the name as fits."""
    _libc.prctl(_PR_SET_NAME, f"krait:{name}".encode()[:15], 0, 0, 0)


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot: with its pid it is never mistaken."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The name in the second field may hold anything, so fields are counted from its end.
        return int(file.read().rpartition(b")")[2].split()[19])


def thread_count() -> int:
    """How many threads this process has, those that Python does not know included."""
    return len(os.listdir("/proc/self/task"))


class Memory:
    """Measures the memory that is this process's own, and how much it may cost to do so.

    `smaps_rollup` is exact but walks every page table. Where that takes long (a worker of many
    gigabytes), growth is measured from then on, by the cheap figure: resident pages less those of
    files, which for a forked process also holds what it still shares.
    """

    _most_seconds = 0.005

    def __init__(self) -> None:
        self._correction: int | None = None

    def own_bytes(self) -> int:
        """Bytes in private pages."""
        if self._correction is not None:
            return max(0, self._resident() - self._correction)
        began = time.thread_time()
        own = self._private()
        if time.thread_time() - began > self._most_seconds:
            self._correction = self._resident() - own
        return own

    @staticmethod
    def _private() -> int:
        with open("/proc/self/smaps_rollup", "rb") as file:
            lines = file.read().split(b"\n")
        return sum(
            int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Private_Dirty:")
        )

    @staticmethod
    def _resident() -> int:
        with open("/proc/self/statm", "rb") as file:
            _, resident, shared, *_ = file.read().split()
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE")
