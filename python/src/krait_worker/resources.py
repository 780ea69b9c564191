"""What a worker may use of the machine: set in its own process, before its sockets are made."""

import resource

from krait_worker.launch import Start

#: What a worker needs beside all that its adapter's import has taken: threads' stacks, sockets.
ROOM_BYTES = 64 << 20


def restrict(start: Start) -> str | None:
    """Sets the worker's limits; why its memory limit cannot be kept, where it is too small.

    Memory is limited by `RLIMIT_DATA`, which counts the private pages a process may write to:
    what grows when code allocates. `RLIMIT_AS` would also count reserved address space and mapped
    files, of which numerical libraries and large models have many times what they use. Processes
    that the worker starts inherit the limits, each for itself.
    """
    # A core file of gigabytes for each crash of a loop of crashes fills the disk.
    _lower(resource.RLIMIT_CORE, 0, 0)
    if start.cpu_seconds is not None:
        # SIGXCPU ends the process at the first; SIGKILL at the second, should it be ignored.
        _lower(resource.RLIMIT_CPU, start.cpu_seconds, start.cpu_seconds + 5)
    if start.memory_bytes is None:
        return None
    taken = data_bytes()
    if start.memory_bytes < taken + ROOM_BYTES:
        return (
            f"the memory limit of {_mib(start.memory_bytes)} MiB is too small: the adapter has "
            f"taken {_mib(taken)} MiB when no call has been made yet, and threads and sockets "
            f"need {_mib(ROOM_BYTES)} MiB more; raise the pool's memory_limit"
        )
    _lower(resource.RLIMIT_DATA, start.memory_bytes, start.memory_bytes)
    return None


def data_bytes() -> int:
    """What `RLIMIT_DATA` counts of this process."""
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _lower(which: int, soft: int, hard: int) -> None:
    """Sets a limit, never above the one that holds already."""
    _, highest = resource.getrlimit(which)
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(which, (soft, hard))


def _mib(count: int) -> int:
    return count >> 20
