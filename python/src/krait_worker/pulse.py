"""The heartbeat thread, which also watches the lifeline."""

import os
import select
import signal
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq

from krait_worker.envelope import Codec, Kind, envelope
from krait_worker.values import encode


class Pulse:
    """Beats on a socket of its own, so that it beats while the reader thread is busy.

    It needs the interpreter's lock for each beat: code that holds the lock silences the worker,
    and that is wanted.
    """

    def __init__(
        self, socket: zmq.Socket[bytes], lifeline: int | None, is_watched: bool = False
    ) -> None:
        self._socket = socket
        #: Whether whoever holds the lifeline is told of each beat.
        self._is_watched = is_watched
        self._wishes_to_leave = False
        self._lifeline = lifeline
        self._rate: tuple[float, Codec, Callable[[], dict[str, Any]]] | None = None
        self._stop, self._stopper = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="krait-pulse", daemon=True)
        self._thread.start()

    def beat(self, every: float, codec: Codec, state: Callable[[], dict[str, Any]]) -> None:
        """Begins to send heartbeats; the first at once."""
        self._rate = (every, codec, state)
        os.write(self._stopper, b"b")

    def wish_to_leave(self) -> None:
        """Asks Krait for no new calls; from a signal handler as well."""
        os.write(self._stopper, b"l")

    def stop(self) -> None:
        """Ends the thread and closes its socket."""
        os.write(self._stopper, b"s")
        self._thread.join(timeout=2)

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._stop, select.POLLIN)
        if self._lifeline is not None:
            poller.register(self._lifeline, select.POLLIN | select.POLLHUP)
        due: float | None = None
        while True:
            wait = None if due is None else max(0.0, due - time.monotonic()) * 1_000
            for descriptor, _ in poller.poll(wait):
                if descriptor == self._lifeline:
                    if os.read(descriptor, 64) == b"":
                        os.killpg(os.getpgrp(), signal.SIGKILL)
                    continue
                order = os.read(self._stop, 1)
                if order == b"s":
                    self._socket.close(linger=0)
                    return
                # A wish is said with the next beat, and that is now.
                self._wishes_to_leave |= order == b"l"
                due = time.monotonic()
            if due is not None and self._rate is not None and time.monotonic() >= due:
                every, codec, state = self._rate
                if self._is_watched:
                    # First, so that whoever has seen a beat knows that the keeper counts from it.
                    self._tell(every)
                try:
                    self._send(encode(state(), codec, "heartbeat"), codec)
                    if self._wishes_to_leave:
                        # Said with each beat: Krait may not have known yet that it is ready.
                        self._socket.send(envelope(Kind.DRAIN), zmq.NOBLOCK)
                except (MemoryError, zmq.Again):
                    pass  # the thread must live on: it watches the lifeline
                # Counted from now, not from when it was due: a stopped worker that runs again
                # does not make up for the beats it missed.
                due = time.monotonic() + every

    def _tell(self, every: float) -> None:
        """Lets a keeper know that the interpreter runs, and when it is to hear so again."""
        if self._lifeline is not None:
            try:
                os.write(self._lifeline, struct.pack("<d", every))
            except OSError:
                pass  # it reads no more, or is gone: the lifeline says which

    def _send(self, body: bytes, codec: Codec) -> None:
        try:
            self._socket.send(envelope(Kind.HEARTBEAT, 0, codec, body), zmq.NOBLOCK)
        except zmq.Again:
            pass  # Krait takes no more: the silence it then notices is true
