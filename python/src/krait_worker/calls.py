"""The calls that run elsewhere than on the reader thread, from their start to their answer."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from krait_worker import faults, limits
from krait_worker.adapters.base import Operation
from krait_worker.envelope import END, FAULT, REPLY, Codec, Header, Kind
from krait_worker.outbox import Answer, Outbox
from krait_worker.payloads import Payloads, Placed
from krait_worker.values import Gathered, Unserialisable, encode

if TYPE_CHECKING:
    from krait_worker.context import CallContext
    from krait_worker.flow import Flow


class RunningCall:
    """One call and what is needed to answer it."""

    __slots__ = ("arguments", "began", "codec", "context", "ended_by", "flow", "operation",
                 "remaining", "task")  # fmt: skip

    def __init__(
        self,
        operation: Operation,
        arguments: dict[str, Any],
        context: "CallContext",
        codec: Codec,
        remaining: int,
        flow: "Flow | None" = None,
    ) -> None:
        self.operation = operation
        self.arguments = arguments
        self.context = context
        self.codec = codec
        #: Milliseconds it may take; 0 for no limit.
        self.remaining = remaining
        #: Where it streams, has tools, or could.
        self.flow = flow
        self.began = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        #: The code of the fault it gets where Krait, not its own code, ends it.
        self.ended_by: str | None = None


Details = Callable[[BaseException], dict[str, Any] | None]


def gather(value: Any, codec: int) -> tuple[bytes, Gathered]:
    """A body, and what is to go beside it; raises `Unserialisable`."""
    gathered: Gathered = []
    body = encode(value, codec, gathered=gathered)
    if len(body) > limits.BODY_BYTES:
        raise Unserialisable("result", f"{len(body)} bytes; a body has at most {limits.BODY_BYTES}")
    return body, gathered


def reply_beside(result: Any, codec: int, payloads: Payloads) -> tuple[bytes, Placed]:
    """The body of a reply and what goes beside it; raises `Unserialisable`."""
    body, gathered = gather(result, codec)
    return payloads.pack(body, payloads.place(gathered))


def failure(error: BaseException, details: Details) -> dict[str, Any]:
    """The fault for what an operation raised, or for a result that cannot be carried."""
    if isinstance(error, Unserialisable):
        return faults.fault("unserialisable", error)
    if isinstance(error, faults.InvalidInput):
        return faults.fault("invalid_input", error)
    if isinstance(error, faults.CallRefused):
        return faults.fault(error.code, error)
    try:
        more = details(error)
    except Exception:  # noqa: BLE001 - details are an extra: without them the fault still stands
        more = None
    return faults.fault("raised", error, with_frames=True, details=more)


def fault_body(body: dict[str, Any], codec: Codec) -> bytes:
    """The bytes of a fault; details that cannot be carried are left out."""
    try:
        return encode(body, codec, "fault")
    except Unserialisable:
        return encode({key: body[key] for key in body if key != "details"}, codec, "fault")


class RunningCalls:
    """The calls that take the worker's slots. Its methods may be called from any thread."""

    def __init__(self, outbox: Outbox, details: Details, payloads: Payloads | None = None) -> None:
        self.by_id: dict[int, RunningCall] = {}
        self.served = 0
        self._outbox = outbox
        self._details = details
        self._payloads = payloads or Payloads()

    def succeed(self, call: RunningCall, result: Any) -> None:
        """Answers a call with its result, or with the fault that the result cannot be carried."""
        try:
            body, placed = reply_beside(result, call.codec, self._payloads)
        except Exception as error:  # noqa: BLE001 - a model's own code may raise while it is read
            self.fail(call, error)
        else:
            first, chunks, flow = REPLY, 0, call.flow
            if flow is not None:
                # Threads of its own that it has left behind send nothing behind its end.
                flow.end("cancelled")
                if flow.is_stream:
                    first, chunks = END, flow.sent
            second = placed.word(call.codec)
            self._answer(call, (first, second, call.context.call_id, body, chunks, placed.frames))

    def fail(self, call: RunningCall, error: BaseException) -> None:
        """Answers a call with a fault."""
        ended_by = call.ended_by
        if call.flow is not None:
            ended_by = ended_by or call.flow.ended_by
            call.flow.end("cancelled")
        if ended_by is not None:
            # Whatever it raised, it did so because it was told to end.
            late = f"not done within {call.remaining} ms"
            told = "the caller cancelled it" if ended_by == "cancelled" else late
            error = faults.CallRefused(ended_by, told)
        body = fault_body(failure(error, self._details), call.codec)
        self._answer(call, (FAULT, call.codec, call.context.call_id, body, 0, ()))

    def flows(self, header: Header, body: bytes, codec: Codec, frames: list[memoryview]) -> None:
        """Gives a call the credit or the tool's reply that has come for it.

        For one that has ended it comes too late, and that is no mistake.
        """
        call = self.by_id.get(header.call_id)
        if call is None or call.flow is None:
            return
        if header.kind == Kind.CREDIT:
            call.flow.grant(header.number)
        else:
            call.flow.answer(header.number, codec, body, frames)

    def has_room(self, slots: int) -> bool:
        """Whether one more call may begin: one that awaits a tool has lent its slot."""
        busy = len(self.by_id)
        if busy < slots:
            return True
        waiting = (call.flow for call in self.by_id.copy().values())
        return busy - sum(1 for flow in waiting if flow is not None and flow.awaits_tools) < slots

    def _answer(self, call: RunningCall, answer: Answer) -> None:
        # The slot is free before the answer can be seen: the next call must not find it taken.
        self.by_id.pop(call.context.call_id, None)
        # What it was given may be large, and lent: it is not to wait for whoever holds the call.
        call.arguments = {}
        self.served += 1
        self._outbox.put(answer)

    def ages(self) -> list[list[int]]:
        """The oldest running calls as heartbeats name them."""
        now = time.monotonic()
        oldest = sorted(self.by_id.copy().items(), key=lambda item: item[1].began)
        return [
            [call_id, int((now - call.began) * 1_000)]
            for call_id, call in oldest[: limits.HEARTBEAT_CALLS]
        ]
