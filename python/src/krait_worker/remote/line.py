"""The line to a Krait elsewhere: what becomes of the connection, and what that means."""

import os
import sys
import threading
from typing import NoReturn

import zmq
from zmq.utils.monitor import recv_monitor_message

from krait_worker import launch

#: How often each side is asked for a sign of life where nothing else is said, and for how long
#: none may come: a peer that vanished without a word is noticed so.
PING_MS, PING_PATIENCE_MS = 2_000, 6_000
#: Between two tries to connect, at most.
RETRY_MS = 2_000


def prepare(socket: zmq.Socket[bytes]) -> None:
    """Sets what a socket to another host needs, before it connects."""
    socket.set(zmq.HEARTBEAT_IVL, PING_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, PING_PATIENCE_MS)
    socket.set(zmq.RECONNECT_IVL_MAX, RETRY_MS)


class Line:
    """Watches a socket's connection, and ends the process where it is lost.

    What runs then runs for nobody: Krait has counted its calls as lost. A fresh process joins
    afresh, with nothing left of what this one was at.
    """

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._monitor = socket.get_monitor_socket()
        self._was_there = False
        self._refusals = 0
        self._is_quiet = False
        self._thread = threading.Thread(target=self._watch, name="krait-line", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watches no longer; before the socket is closed."""
        self._socket.disable_monitor()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        try:
            self._follow()
        finally:
            self._monitor.close(linger=0)

    def _follow(self) -> None:
        while True:
            try:
                event = zmq.Event(recv_monitor_message(self._monitor)["event"])
            except (zmq.ZMQError, ValueError):
                return
            if event == zmq.Event.HANDSHAKE_SUCCEEDED:
                self._was_there = True
            elif event == zmq.Event.HANDSHAKE_FAILED_AUTH:
                self._leave(
                    launch.REFUSED,
                    f"{self._endpoint} refuses this key; `krait keys` draws a new one",
                )
            elif event in (
                zmq.Event.HANDSHAKE_FAILED_NO_DETAIL,
                zmq.Event.HANDSHAKE_FAILED_PROTOCOL,
            ):
                self._refusals += 1
                if self._refusals > 2:
                    self._leave(
                        launch.REFUSED,
                        f"{self._endpoint} does not answer by the key that the file has for it: "
                        "another pool's, keys that were drawn anew, or no Krait",
                    )
            elif event == zmq.Event.CONNECT_RETRIED and not self._was_there:
                if not self._is_quiet:
                    self._say(f"nobody answers at {self._endpoint} yet")
                self._is_quiet = True
            elif event == zmq.Event.DISCONNECTED and self._was_there:
                self._leave(launch.LOST, f"the connection to {self._endpoint} was lost")
            elif event == zmq.Event.MONITOR_STOPPED:
                return

    @staticmethod
    def _say(text: str) -> None:
        print(f"krait-worker: {text}", file=sys.stderr, flush=True)

    def _leave(self, code: int, text: str) -> NoReturn:
        self._say(text)
        os._exit(code)
