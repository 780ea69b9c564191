"""What happens between a fork and a worker: descriptors, signals, session, interpreter."""

import fcntl
import gc
import io
import os
import select
import signal
import sys
from typing import Any, NoReturn

import msgspec

from krait_worker import launch
from krait_worker.control import Control
from krait_worker.launch import Load, Orders, Start
from krait_worker.life import live
from krait_worker.loading import Loaded, LoadFailed, load
from krait_worker.process import die_with

_FIRST_FREE = launch.LIFELINE + 1


def settle(parent: int, output: int, lifeline: int) -> None:
    """Makes a forked child a process of its own, with its own descriptors and no others."""
    os.setsid()
    die_with(parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    # Lifted first, since one of the received may have the number of one of the places.
    output, lifeline = _lifted(output), _lifted(lifeline)
    for source, place in ((nothing, 0), (output, 1), (output, 2), (lifeline, launch.LIFELINE)):
        os.dup2(source, place)
    os.closerange(_FIRST_FREE, os.sysconf("SC_OPEN_MAX"))


def _lifted(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)


def run(start: Start, loaded: Loaded) -> int:
    """The worker, in a forked copy of the forkserver; its exit code."""
    os.set_inheritable(launch.LIFELINE, False)
    gc.enable()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # `random` reseeds itself after a fork, numpy's does not
    return live(start, loaded)


def execute(orders: Load, start: Start) -> NoReturn:
    """Replaces the child by a fresh interpreter."""
    text = msgspec.json.encode(Orders(load=orders, start=start)).decode()
    environment = {**os.environ, launch.VARIABLE: text}
    command = [sys.executable, "-m", "krait_worker"]
    os.execve(sys.executable, command, environment)  # noqa: S606 - its own interpreter


def leave(code: int) -> NoReturn:
    """Ends a child without the forkserver's own clean-up."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads the log any more
    os._exit(code)


def buffer_lines(stream: Any) -> None:
    """Lets each finished line out at once, whatever the descriptor is."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(line_buffering=True)


def try_out(orders: Load, control: Control) -> None:
    """Loads the adapter in a child that ends at once, so that this process stays small.

    Raises `LoadFailed` with what the child reports.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _report(orders, parent, writing)
    os.close(writing)
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    poller.register(control.fileno(), 0)  # only that it is closed
    report = b""
    while True:
        ready = dict(poller.poll())
        if reading in ready:
            more = os.read(reading, 65_536)
            if not more:
                break
            report += more
        elif control.fileno() in ready:
            os.kill(pid, signal.SIGKILL)
            os._exit(launch.LEFT)
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    if report:
        raise _Reported(msgspec.json.decode(report, type=dict[str, Any]))
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise LoadFailed("import_failed", ImportError(f"the import ended with status {code}"))


class _Reported(LoadFailed):
    """A failure that happened in another process."""

    def __init__(self, fault: dict[str, Any]) -> None:
        Exception.__init__(self, fault["message"])
        self._fault = fault

    @property
    def fault(self) -> dict[str, Any]:
        return self._fault


def _report(orders: Load, parent: int, writing: int) -> NoReturn:
    code = 1
    try:
        die_with(parent)
        try:
            load(orders.adapter, orders.options, orders.path)
            code = 0
        except LoadFailed as error:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(error.fault))
    finally:
        leave(code)
