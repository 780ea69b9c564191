"""Keeps one worker: starts it, watches it, and starts it again after whatever ends it."""

import gc
import os
import random
import secrets
import select
import signal
import socket
import struct
import sys
import time
from types import FrameType
from typing import NoReturn

from krait_worker import faults, launch, spawn
from krait_worker.launch import Curve, Load, Start
from krait_worker.loading import Loaded, load
from krait_worker.process import thread_count

#: Before a worker that has ended is started again: at first, and at most. Twice as long each time,
#: with a random share, and from the beginning after a life of so many seconds.
FIRST_PAUSE, LONGEST_PAUSE, GOOD_LIFE = 0.2, 30.0, 10.0
#: After how many intervals without a beat a worker is killed; by then Krait has given it up.
SILENT_AFTER = 4.0
_BEAT = struct.Struct("<d")


class Keeper:
    """The process that somebody started.

    The worker is its child, as it is a forkserver's elsewhere: one that crashes, hangs or loses its
    connection is replaced, and the next one has the adapter already.
    """

    def __init__(self, endpoint: str, pool: str, curve: Curve, orders: Load, slots: int) -> None:
        self._endpoint, self._pool, self._curve = endpoint, pool, curve
        self._orders, self._slots = orders, slots
        self._loaded: Loaded | None = None
        self._child: int | None = None
        self._leaving = False
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def keep(self) -> int:
        """Runs until it is told to end, or until starting again cannot help; the exit code.

        Raises `LoadFailed`.
        """
        for name, value in launch.ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if self._orders.mode == "fork":
            self._loaded = load(self._orders.adapter, self._orders.options, self._orders.path)
            gc.collect()
            gc.freeze()
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, self._terminate)
        pause = FIRST_PAUSE
        while not self._leaving:
            began = time.monotonic()
            code = self._one_life()
            if self._leaving:
                break
            if code in (launch.LOAD_FAILED, launch.REFUSED):
                return code
            pause = FIRST_PAUSE if time.monotonic() - began > GOOD_LIFE else pause * 2
            wait = min(pause, LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - no secret
            self._say(f"the worker ended ({_words(code)}); again in {wait:.1f} s")
            self._sleep(wait)
        return launch.LEFT

    def _one_life(self) -> int:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(parent, theirs.fileno())
        self._child = pid
        if self._leaving:  # told so between two lives
            os.kill(pid, signal.SIGTERM)
        theirs.close()
        with ours:
            ours.setblocking(False)
            self._watch(pid, ours)
        # Before it is reaped its number cannot be another's: what it left behind ends with it.
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child = None
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _become(self, parent: int, lifeline: int) -> NoReturn:
        """In the child: the worker, from here to its end."""
        code = 1
        try:
            spawn.settle(parent, output=2, lifeline=lifeline)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            start = Start(
                name=f"{self._pool}@{secrets.token_hex(8)}",
                token="",
                endpoint=self._endpoint,
                slots=self._slots,
                curve=self._curve,
                join=self._pool,
            )
            if self._loaded is None or thread_count() > 1:
                spawn.execute(self._orders, start)
            code = spawn.run(start, self._loaded)
        except BaseException as error:  # noqa: BLE001 - nothing may return into the keeper
            print(faults.frames(error), file=sys.stderr)
        finally:
            spawn.leave(code)

    def _watch(self, pid: int, lifeline: socket.socket) -> None:
        """Returns once the worker has ended; kills one that no longer beats."""
        handle = os.pidfd_open(pid)
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        poller.register(lifeline, select.POLLIN)
        silent_at: float | None = None
        try:
            while True:
                wait = None if silent_at is None else max(0.0, silent_at - time.monotonic()) * 1e3
                ready = dict(poller.poll(wait))
                if handle in ready:
                    return
                if lifeline.fileno() in ready:
                    beats = lifeline.recv(4_096)
                    if not beats:
                        poller.unregister(lifeline)
                        silent_at = None
                        continue
                    (every,) = _BEAT.unpack(beats[-_BEAT.size :])
                    silent_at = time.monotonic() + SILENT_AFTER * every
                elif silent_at is not None and time.monotonic() >= silent_at:
                    self._say("the worker no longer beats and is killed")
                    os.kill(pid, signal.SIGKILL)
                    silent_at = None
        finally:
            os.close(handle)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        """The first signal lets the worker finish its calls, the second ends it."""
        self._leaving = True
        if self._child is not None:
            os.kill(self._child, signal.SIGTERM)
        os.write(self._waker, b"t")

    def _sleep(self, seconds: float) -> None:
        select.select([self._wake], [], [], seconds)

    @staticmethod
    def _say(text: str) -> None:
        print(f"krait-worker: {text}", file=sys.stderr, flush=True)


def _words(code: int) -> str:
    if code == launch.LEFT:
        return "Krait let it go"
    if code == launch.LOST:
        return "it lost Krait"
    if code == launch.TRY_AGAIN:
        return "it was not taken"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
