"""Bare pyzmq: a ROUTER, a DEALER in each worker, and nothing that watches anything."""

import itertools
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy
import zmq
from harness import PATIENCE, Load, Peer
from work import work


def _pack(value: Any) -> list[Any]:
    if isinstance(value, numpy.ndarray):
        return [b"", value]
    return [msgspec.msgpack.encode(value)]


def _unpack(frames: list[Any]) -> Any:
    if len(frames) == 2:
        return numpy.frombuffer(frames[1], numpy.float64)
    return msgspec.msgpack.decode(frames[0])


def _serve(endpoint: str, name: bytes) -> None:
    socket = zmq.Context().socket(zmq.DEALER)
    socket.set(zmq.ROUTING_ID, name)
    socket.connect(endpoint)
    socket.send_multipart([b"", b""])
    while True:
        number, *frames = socket.recv_multipart()
        # Frames of an array are not copied; small ones are quicker with a copy.
        socket.send_multipart([number, *_pack(work(_unpack(frames)))], copy=len(frames) < 2)


class Sockets(Peer):
    """Calls go to the workers in turn, one in a message."""

    def start(self, workers: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        endpoint = f"ipc://{self._folder.name}/router.sock"
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.bind(endpoint)
        names = [b"worker %d" % number for number in range(workers)]
        spawn = multiprocessing.get_context("spawn")
        self._processes = [
            spawn.Process(target=_serve, args=(endpoint, name), daemon=True) for name in names
        ]
        for process in self._processes:
            process.start()
        for _ in names:
            self._socket.recv_multipart()
        self._names = itertools.cycle(names)
        self._count = itertools.count()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
        self._socket.close(linger=0)
        self._context.term()
        self._folder.cleanup()

    def _send(self, value: Any) -> bytes:
        number = next(self._count).to_bytes(8, "little")
        frames = [next(self._names), number, *_pack(value)]
        self._socket.send_multipart(frames, copy=len(frames) < 4)
        return number

    def call(self, value: Any) -> Any:
        number = self._send(value)
        while True:
            _, answered, *frames = self._socket.recv_multipart(copy=value is None)
            if bytes(answered) == number:
                return _unpack([getattr(frame, "buffer", frame) for frame in frames])

    def keep_full(self, window: int, seconds: float, value: Any) -> Load:
        load = Load(elapsed=seconds)
        made: dict[bytes, float] = {}
        now: Callable[[], float] = time.perf_counter
        end = now() + seconds
        for _ in range(window):
            began = now()
            made[self._send(value)] = began
        while made and self._socket.poll(max(0, int((end + PATIENCE - now()) * 1_000))):
            _, number, *frames = self._socket.recv_multipart()
            answer, came = _unpack(frames), now()
            began = made.pop(number, came)
            if came <= end:
                load.answers.append((began, came, answer))
                made[self._send(value)] = came
        load.unanswered = len(made)
        return load
