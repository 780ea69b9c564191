"""What passes between a running call and its caller before its end: chunks and tool calls.

Chunks need credit, which the caller gives as it reads; tool calls need one of a bounded number of
places. Who has to wait does so here, as a thread or as an asyncio task; the reader thread wakes it.
"""

import asyncio
import sys
import threading
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Sequence
from typing import Any

from krait_worker import limits
from krait_worker.calls import gather
from krait_worker.envelope import CHUNK, TOOL_CALL, Codec
from krait_worker.faults import ToolFailed
from krait_worker.outbox import Outbox
from krait_worker.payloads import Payloads
from krait_worker.quick import Odd, answer_body
from krait_worker.values import Gathered, MalformedBody, decode
from krait_worker.values.attachments import Buffer

_SHIFT = limits.CREDIT_BYTES.bit_length() - 1
#: After how many chunks an asyncio stream lets others run; a power of two, less one.
_TURN = 255
#: How long a thread may compute before others are let at the interpreter: a generator that never
#: waits must not keep its first chunk from being sent.
_SWITCH_SECONDS = 0.000_5


#: Beside most chunks goes nothing.
_NOTHING: Gathered = []
# A tool's answer: codec, body, and what came beside it.
_Answer = tuple[int, bytes, Sequence[memoryview]]


class _ThreadWait:
    """A thread's wait: one `wake` for one `wait`."""

    __slots__ = ("_lock", "answer")

    def __init__(self) -> None:
        # A bare lock is a tenth of `threading.Event`, and tool calls are as quick as this.
        self._lock = allocate_lock()
        self._lock.acquire()
        self.answer: _Answer | None = None

    def wake(self) -> None:
        self._lock.release()

    def wait(self, until: float) -> bool:
        """False where `until` came first; 0 waits for ever."""
        if not until:
            return self._lock.acquire()
        return self._lock.acquire(timeout=max(0.0, until - time.monotonic()))


class _TaskWait:
    """An asyncio task's wait."""

    __slots__ = ("_future", "_loop", "answer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()
        self.answer: _Answer | None = None

    def wake(self) -> None:
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    async def wait(self) -> None:
        await self._future


_Wait = _ThreadWait | _TaskWait


class Flow:
    """The chunks and tool calls of one running call. Its methods may be called from any thread."""

    def __init__(
        self,
        outbox: Outbox,
        call_id: int,
        codec: int,
        *,
        credit: int,
        remaining: int,
        payloads: Payloads | None = None,
    ) -> None:
        self.is_stream = credit > 0
        #: How many chunks were sent.
        self.sent = 0
        #: The fault's code where Krait, not the call's own code, ends it.
        self.ended_by: str | None = None
        self._outbox = outbox
        self._payloads = payloads or Payloads()
        self._call_id = call_id
        self._codec = codec
        self._credit = credit
        self._until = time.monotonic() + remaining / 1_000 if remaining else 0.0
        self._lock = threading.Lock()
        #: Who waits for credit, and for a place among the tool calls.
        self._waiting: deque[_Wait] = deque()
        self._queue: deque[_Wait] = deque()
        self._asked: dict[int, _Wait] = {}
        self._numbers = 0
        if self.is_stream and sys.getswitchinterval() > _SWITCH_SECONDS:
            sys.setswitchinterval(_SWITCH_SECONDS)

    @property
    def awaits_tools(self) -> bool:
        """Whether its slot is lent: it waits for what its caller's tools do."""
        return bool(self._asked)

    # MARK: From the reader thread

    def grant(self, credit: int) -> None:
        """The caller has read and takes more."""
        with self._lock:
            self._credit = min(self._credit + credit, limits.CREDIT)
            woken = self._take(self._waiting)
        for wait in woken:
            wait.wake()

    def answer(
        self, number: int, codec: int, body: bytes, frames: Sequence[memoryview] = ()
    ) -> bool:
        """A tool's result has come; False where nobody waits for it."""
        with self._lock:
            wait = self._asked.pop(number, None)
            # All: of one alone nobody knows whether it still waits.
            woken = self._take(self._queue)
        for each in woken:
            each.wake()
        if wait is None:
            return False
        wait.answer = (codec, body, frames)
        wait.wake()
        return True

    def end(self, code: str) -> None:
        """Ends all waiting: the call was cancelled, or its time is up."""
        with self._lock:
            if self.ended_by is None:
                self.ended_by = code
            woken = [*self._take(self._waiting), *self._take(self._queue), *self._asked.values()]
            self._asked.clear()
        for wait in woken:
            wait.wake()

    @staticmethod
    def _take(waiting: deque[_Wait]) -> list[_Wait]:
        taken = list(waiting)
        waiting.clear()
        return taken

    # MARK: Chunks

    def emit(self, value: Any) -> None:
        """Sends a chunk from a thread; waits for credit."""
        body = self._chunk_body(value)
        while not self._offer(*body):
            wait = _ThreadWait()
            if self._await_credit(wait) and not wait.wait(self._until):
                self._expire(wait)
        if self.sent == 1:
            self._outbox.let_go()

    async def aemit(self, value: Any) -> None:
        """Sends a chunk from asyncio; waits for credit."""
        body = self._chunk_body(value)
        if self.sent & _TURN == _TURN:
            await asyncio.sleep(0)
        while not self._offer(*body):
            wait = _TaskWait()
            if self._await_credit(wait):
                try:
                    await wait.wait()
                finally:
                    self._forget(wait)

    def _chunk_body(self, value: Any) -> tuple[bytes, Gathered]:
        if self._codec == Codec.MSGPACK:
            try:
                return answer_body(value), _NOTHING
            except Odd:
                pass
        return gather(value, self._codec)

    def check(self) -> None:
        """Raises where the call was cancelled or its time is up."""
        if self._until and time.monotonic() >= self._until:
            self.end("deadline_exceeded")
        if self.ended_by is not None:
            raise self._ended()

    def _offer(self, body: bytes, gathered: Gathered) -> bool:
        if self._until:
            self.check()
        with self._lock:
            if self.ended_by is not None:
                raise self._ended()
            if self._credit <= 0:
                return False
            # Within the lock: chunks of several threads leave in the order of their numbers, and
            # memory is lent for those alone that leave.
            second: int = self._codec
            frames: tuple[Buffer, ...] = ()
            size = len(body)
            if gathered:
                placed = self._payloads.place(gathered)
                second, frames = placed.word(second), placed.frames
                size += sum(attachment.size for attachment in gathered)
            self._credit -= 1 + (size >> _SHIFT)
            self._outbox.put((CHUNK, second, self._call_id, body, self.sent, frames))
            self.sent += 1
        return True

    def _await_credit(self, wait: _Wait) -> bool:
        with self._lock:
            if self._credit > 0 or self.ended_by is not None:
                return False
            self._waiting.append(wait)
            return True

    # MARK: Tools

    def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """Calls a tool of the caller's from a thread."""
        body = self._tool_body(name, arguments)
        while True:
            wait = _ThreadWait()
            is_asked = self._ask(wait, *body)
            if not wait.wait(self._until):
                self._expire(wait)
            if is_asked:
                return self._result(wait)

    async def acall_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """Calls a tool of the caller's from asyncio."""
        body = self._tool_body(name, arguments)
        while True:
            wait = _TaskWait()
            is_asked = self._ask(wait, *body)
            try:
                await wait.wait()
            finally:
                self._forget(wait)
            if is_asked:
                return self._result(wait)

    def _tool_body(self, name: str, arguments: dict[str, Any]) -> tuple[bytes, Gathered]:
        if not isinstance(arguments, dict):
            raise ToolFailed("invalid_arguments", "the arguments of a tool are a map")
        return gather([name, arguments], self._codec)

    def _ask(self, wait: _Wait, body: bytes, gathered: Gathered) -> bool:
        """Sends a tool call; False where it is to wait for a place first."""
        with self._lock:
            if self.ended_by is not None:
                raise self._ended()
            if len(self._asked) >= limits.TOOL_CALLS:
                self._queue.append(wait)
                return False
            placed = self._payloads.place(gathered)
            number = self._numbers
            self._numbers = number + 1
            self._asked[number] = wait
            second = placed.word(self._codec)
            self._outbox.put((TOOL_CALL, second, self._call_id, body, number, placed.frames))
            return True

    def _result(self, wait: _Wait) -> Any:
        if wait.answer is None:
            raise self._ended()
        codec, body, frames = wait.answer
        try:
            found = decode(body, codec, frames)
        except MalformedBody as error:
            raise ToolFailed("malformed", f"the tool's result cannot be read: {error}") from None
        match found:
            case [True, value]:
                return value
            case [False, {"type": str(kind), "message": str(message)}]:
                raise ToolFailed(kind, message)
        raise ToolFailed("malformed", "the tool's result is not of the protocol")

    # MARK: Ends

    def _ended(self) -> BaseException:
        # Not an `Exception`: what is written to survive a tool's failure would survive this too.
        return asyncio.CancelledError(f"the call has ended: {self.ended_by}")

    def _expire(self, wait: _ThreadWait) -> None:
        """A thread has waited until its call's time was up."""
        self.end("deadline_exceeded")
        raise self._ended()

    def _forget(self, wait: _Wait) -> None:
        """A task waits no longer; it may have been cancelled meanwhile."""
        with self._lock:
            for waiting in (self._waiting, self._queue):
                if wait in waiting:
                    waiting.remove(wait)
