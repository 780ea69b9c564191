"""Answers made on other threads, on their way to the reader thread, which owns the socket."""

import os
from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Callable, Iterator

from krait_worker import limits
from krait_worker.envelope import HEADER
from krait_worker.values.attachments import Buffer

_FULL = 2 * limits.ENVELOPES_PER_MESSAGE
#: How long a thread lets the reader go first at most.
_PATIENCE_SECONDS = 0.001
# First word, second word (codec, flags, attachments), call id, body, number, frames.
Answer = tuple[int, int, int, bytes, int, tuple[Buffer, ...]]


def messages(parts: list[bytes]) -> Iterator[bytes]:
    """More answers (header, body, header, …) than one message may hold, in several."""
    held: list[bytes] = []
    size = 0
    for index in range(0, len(parts), 2):
        pair = parts[index : index + 2]
        if held and (len(held) == _FULL or size + len(pair[1]) > limits.BATCH_BYTES):
            yield b"".join(held)
            held, size = [], 0
        held += pair
        size += HEADER.size + len(pair[1])
    yield b"".join(held)


class Outbox:
    """Bounded by the slots: each running call puts one answer into it, and then is gone.

    Before that it may put chunks, as many as its stream has credit, and tool calls, as many as it
    may await at once.
    """

    def __init__(self) -> None:
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        #: Set by the reader before it looks at the outbox a last time and then sleeps.
        self.sleeping = False
        self.answers: deque[Answer] = deque()
        #: Threads that let the reader go first, until it has sent what there was.
        self._waiting: deque[LockType] = deque()

    def put(self, answer: Answer) -> None:
        """Leaves an answer; wakes the reader if it sleeps."""
        self.answers.append(answer)
        if self.sleeping:
            self.rouse()

    def let_go(self) -> None:
        """Waits a little until the reader has sent what there is.

        A thread that computes on would keep the interpreter, and so what it has just put, from it.
        """
        sent = allocate_lock()
        sent.acquire()
        self._waiting.append(sent)
        # After the reader has looked a last time nobody would end the wait.
        if self.answers:
            sent.acquire(timeout=_PATIENCE_SECONDS)

    def rouse(self) -> None:
        """Wakes the reader; from a signal handler as well."""
        self.sleeping = False
        os.eventfd_write(self.wake, 1)

    def settle(self) -> None:
        """Takes back the waking that has been noticed."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            pass

    def drain(self, send: Callable[[bytes, tuple[Buffer, ...]], None]) -> None:
        """Sends all there is, several answers in one message; called by the reader."""
        answers = self.answers
        while answers:
            parts: list[bytes] = []
            size = 0
            frames: tuple[Buffer, ...] = ()
            while answers and not frames and len(parts) < _FULL:
                first, second, call_id, body, number, frames = answers[0]
                if parts and size + len(body) > limits.BATCH_BYTES:
                    frames = ()
                    break
                answers.popleft()
                parts += (HEADER.pack(first, second, call_id, len(body), number), body)
                size += HEADER.size + len(body)
            send(b"".join(parts), frames)
        while self._waiting:
            self._waiting.popleft().release()
