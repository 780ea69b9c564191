"""The reader loop: the way of a call through a worker.

A call comes in `Reader._take`. An inline operation with flat arguments is answered on the spot,
in a few lines written for speed; every other call, and everything odd, goes through `_call`,
which checks one thing after the other and hands the call to a thread or to the asyncio loop.
Their answers come back through the outbox and leave from here: one thread owns the socket.
"""

import struct
import time
from functools import partial
from typing import Any

import zmq

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.callbody import read_call
from krait_worker.calls import RunningCall, RunningCalls, failure, fault_body, reply_beside
from krait_worker.context import CallContext
from krait_worker.envelope import (
    CALL,
    END,
    FAULT,
    HEADER,
    REPLY,
    SIZE,
    Codec,
    EnvelopeError,
    Header,
    Kind,
    read_header,
)
from krait_worker.executors import AsyncLoop, Threads
from krait_worker.faults import CallRefused, InvalidInput
from krait_worker.flow import Flow
from krait_worker.loading import Loaded
from krait_worker.outbox import Outbox, messages
from krait_worker.payloads import Payloads, StaleLease
from krait_worker.quick import QUICK_ERRORS, Odd, answer_body, parse_flat, unpack_flat, write
from krait_worker.values import MalformedBody
from krait_worker.values.attachments import Buffer, copied

_POLLIN = int(zmq.POLLIN)
_NOBLOCK = int(zmq.NOBLOCK)
_SNDMORE = int(zmq.SNDMORE)
#: How long an idle reader sleeps before it looks whether a signal has come.
IDLE_MS = 500
_FULL = 2 * limits.ENVELOPES_PER_MESSAGE
_BATCH = limits.BATCH_BYTES
# A header with its first two words as one: what is looked at in them is one comparison then.
_WIDE = struct.Struct("<QQII")
_pack, _unpack = _WIDE.pack, _WIDE.unpack_from
_CALL_MSGPACK, _CALL_JSON = CALL | Codec.MSGPACK << 32, CALL | Codec.JSON << 32
_REPLY_MSGPACK, _FAULT_MSGPACK = REPLY | Codec.MSGPACK << 32, FAULT | Codec.MSGPACK << 32


class Reader:
    """Reads calls from the socket and answers them until it is told to leave."""

    def __init__(
        self,
        socket: Any,
        loaded: Loaded,
        slots: int,
        codec: Codec,
        outbox: Outbox,
        payloads: Payloads | None = None,
    ) -> None:
        self._socket = socket
        socket.set(zmq.RCVTIMEO, IDLE_MS)
        self._recv = socket.recv
        # The class below `zmq.Socket`, whose `send` looks at options that are not used here.
        self._write = partial(zmq.backend.Socket.send, socket)
        self._sources = [(socket, _POLLIN), (outbox.wake, _POLLIN)]
        self._loaded = loaded
        self._slots = slots
        self._codec = codec
        self._outbox = outbox
        self._payloads = payloads or Payloads()
        self.calls = RunningCalls(outbox, loaded.adapter.details, self._payloads)
        self._quick = {
            name: (op.function, op.map_at)
            for name, op in loaded.operations.items()
            if op.kind == "inline" and op.whole
        }
        # A call that awaits a tool lends its slot to what that tool calls, and so on.
        self._threads = Threads(self.calls, slots * (1 + limits.TOOL_DEPTH))
        self._loop: AsyncLoop | None = None
        if any(op.kind == "async" for op in loaded.operations.values()):
            self._loop = AsyncLoop(self.calls)
        self._async_calls: list[RunningCall] = []
        #: The inline call that runs or has just run, for heartbeats.
        self.inline: int | None = None
        self._seen_inline: tuple[int | None, float] = (None, 0.0)
        #: The inline answers of the message that is served: header, body, header, …
        self._parts: list[bytes] = []
        self._inline_served = 0
        self.draining = False
        self._dismissed = False
        #: The body of Krait's goodbye, once it has come.
        self.farewell = b""

    def drain(self) -> None:
        """Lets what runs finish and takes nothing new; from a signal handler as well."""
        self.draining = True
        self._outbox.rouse()
        # A signal interrupts the wait for a message, which then begins anew: it is not to last.
        # One that comes just before the wait does not, and `IDLE_MS` is how long it goes unseen.
        self._socket.set(zmq.RCVTIMEO, 0)

    def state(self) -> dict[str, Any]:
        """What a heartbeat says; called from the pulse's thread."""
        running = self.calls.ages()
        now = time.monotonic()
        inline = self.inline
        if inline is not None:
            # Its age counts from the first heartbeat that saw it: the loop reads no clock.
            if self._seen_inline[0] != inline:
                self._seen_inline = (inline, now)
            running.append([inline, int((now - self._seen_inline[1]) * 1_000)])
        return {
            "busy": len(self.calls.by_id) + (inline is not None),
            "running": running[: limits.HEARTBEAT_CALLS],
            "served": self.calls.served + self._inline_served,
        }

    def serve(self) -> None:  # noqa: C901 - a call of a function costs as much as a line of this
        """Reads until the worker is drained or dismissed.

        What happens here for each call is bought dearly: every line was measured.
        """
        running, answers = self.calls.by_id, self._outbox.answers
        recv, quick, parts = self._recv, self._quick, self._parts
        least = self._payloads.least
        while not self._dismissed:
            if running or answers or self.draining:
                awaited = self._wait()
                if awaited is None:
                    continue
                message = awaited
                room = len(running) < self._slots and not self.draining
            else:
                # Nothing but the socket can have news: the plain wait is the cheapest by far.
                room = True
                try:
                    message = recv()
                except zmq.Again:  # after `IDLE_MS`, to look whether a signal said to drain
                    continue
            size, offset = len(message), 0
            if size == 0:
                self._other(message, 0)
            while offset < size:
                try:
                    word, call_id, length, _ = _unpack(message, offset)
                except struct.error:
                    word = length = 0
                start = offset + 24
                end = start + length
                if room and end <= size:
                    if word == _CALL_MSGPACK:
                        body = message[start:end]
                        try:
                            name, arguments = unpack_flat(body)
                            function, map_at = quick[name]
                            # The map's first byte counts its keys, duplicates included.
                            quickly = body[map_at] == 0x80 | len(arguments)
                        except QUICK_ERRORS:
                            quickly = False
                        if quickly:
                            self.inline = call_id
                            try:
                                result = function(arguments)
                                body, word = answer_body(result), _REPLY_MSGPACK
                                if len(body) >= least:
                                    raise Odd(result)
                            except Odd as odd:
                                self._reply(odd.result, call_id, Codec.MSGPACK)
                                offset = end
                                continue
                            except BaseException as error:  # noqa: BLE001 - not even SystemExit
                                body, word = self._fault(error, Codec.MSGPACK), _FAULT_MSGPACK
                            parts += (_pack(word, call_id, len(body), 0), body)
                            offset = end
                            continue
                    elif word == _CALL_JSON and self._take_json(call_id, message[start:end]):
                        offset = end
                        continue
                offset = self._other(message, offset)
                room = len(running) < self._slots and not self.draining
            if parts:
                self._close()
            if self._async_calls:
                self._start_async()

    def _take_json(self, call_id: int, body: bytes) -> bool:
        """Serves a call in JSON if it is an inline one with flat arguments."""
        try:
            name, arguments = call = parse_flat(body)
            function, _ = self._quick[name]
            # What writes back the same held no duplicate and no odd spelling.
            if body.find(b'"$') >= 0 or write(call) != body:
                return False
        except QUICK_ERRORS:
            return False
        self.inline = call_id
        try:
            result = function(arguments)
        except BaseException as error:  # noqa: BLE001 - not even SystemExit
            self._refuse(error, call_id, Codec.JSON)
        else:
            self._reply(result, call_id, Codec.JSON)
        return True

    def _reply(self, result: Any, call_id: int, codec: Codec, first: int = REPLY) -> None:
        """Answers an inline call, with what is large beside the answer."""
        try:
            body, placed = reply_beside(result, codec, self._payloads)
        except BaseException as error:  # noqa: BLE001 - a model's own code may raise
            self._refuse(error, call_id, codec)
            return
        if placed.frames:
            answer = (first, placed.word(codec), call_id, body, 0, placed.frames)
            self._outbox.put(answer)
            self._inline_served += 1
        else:
            self._put(first, placed.word(codec), call_id, body)

    def _wait(self) -> bytes | None:
        """Waits for a message or for answers in the outbox, and sends those."""
        outbox = self._outbox
        if outbox.answers:
            outbox.drain(self._send)
        if self.draining and not self.calls.by_id and not outbox.answers:
            self._dismissed = True
            return None
        outbox.sleeping = True
        if outbox.answers:
            outbox.sleeping = False
            return None
        ready = zmq.zmq_poll(self._sources, -1)
        outbox.sleeping = False
        message: bytes | None = None
        for source, _ in ready:
            if source is self._socket:
                message = self._recv(_NOBLOCK)
            else:
                outbox.settle()
        return message

    def _send(self, message: bytes, frames: tuple[Buffer, ...] = ()) -> None:
        # Large messages go without a copy; for small ones that would cost more than it saves.
        self._write(message, _SNDMORE if frames else 0, len(message) <= limits.BATCH_BYTES)
        left = len(frames)
        for frame in frames:
            left -= 1
            self._write(frame, _SNDMORE if left else 0, len(frame) <= limits.BATCH_BYTES)

    def _close(self) -> None:
        """Sends the inline answers gathered so far, nearly always as one message."""
        parts = self._parts
        self.inline = None
        count = len(parts)
        self._inline_served += count >> 1
        if count == 2:
            self._send(parts[0] + parts[1])
        elif count <= _FULL and len(message := b"".join(parts)) <= _BATCH:
            self._write(message)
        else:
            for message in messages(parts):
                self._send(message)
        parts.clear()

    def _put(self, first: int, second: int, call_id: int, body: bytes) -> None:
        self._parts += (HEADER.pack(first, second, call_id, len(body), 0), body)

    def _fault(self, error: BaseException, codec: Codec) -> bytes:
        return fault_body(failure(error, self._loaded.adapter.details), codec)

    def _refuse(self, error: BaseException, call_id: int, codec: Codec) -> None:
        body = self._fault(error, codec)
        self._put(FAULT, codec, call_id, body)

    def _other(self, message: bytes, offset: int) -> int:
        """Serves one envelope in the exact way; gives the offset of the next."""
        try:
            if len(message) > limits.MESSAGE_BYTES:
                raise EnvelopeError("message_too_long", f"a message of {len(message)} bytes")
            header = read_header(message, offset)
            start = offset + SIZE
            end = start + header.body_length
            if end > len(message):
                came = len(message) - start
                told = f"{came} of {header.body_length} bytes came"
                raise EnvelopeError("truncated_body", told, header.call_id)
        except EnvelopeError as error:
            # Where this envelope ends is not known, so the rest of the message is lost too.
            self._drop_frames()
            self._refuse(CallRefused("malformed", str(error)), error.call_id, self._codec)
            return len(message)
        codec = header.codec or self._codec
        try:
            body, frames = self._payloads.take(header, message[start:end], self._socket)
            self._serve_one(header, body, frames)
        except (MalformedBody, StaleLease) as error:
            refusal = CallRefused("malformed", str(error))
            self._refuse(refusal, header.call_id, codec)
        except (CallRefused, InvalidInput) as refusal:
            self._refuse(refusal, header.call_id, codec)
        if len(self._parts) >= _FULL:
            self._close()
        return end

    def _serve_one(self, header: Header, body: bytes, frames: list[memoryview]) -> None:
        if header.kind == Kind.CALL:
            self._call(header, body, frames)
        elif header.kind == Kind.CANCEL:
            call = self.calls.by_id.get(header.call_id)
            if call is not None and call.operation.kind == "async":
                self._start_async()
                self._async().cancel(call, "cancelled")
            elif call is not None and call.flow is not None:
                # What waits for credit or for a tool is woken; the rest ends at its next chunk.
                call.flow.end("cancelled")
        elif header.kind in (Kind.CREDIT, Kind.TOOL_REPLY):
            self.calls.flows(header, body, header.codec or self._codec, frames)
        elif header.kind == Kind.DRAIN:
            self.draining = True
        elif header.kind == Kind.GOODBYE:
            self._dismissed = True
            self.farewell = body
        else:
            raise MalformedBody("", f"a worker takes no {header.kind.name.lower()}")

    def _call(self, header: Header, body: bytes, frames: list[memoryview]) -> None:
        """Checks a call in full and starts it; an inline one is answered at once."""
        adapter, call_id = self._loaded.adapter, header.call_id
        found = read_call(body, header.codec, adapter.takes_lm, frames)
        operation = self._loaded.operations.get(found.operation)
        if operation is None:
            text = f"no operation {found.operation!r:.80}"
            near = nearest(found.operation[:80], list(self._loaded.operations))
            raise CallRefused("unknown_operation", text + near)
        if frames and not operation.views:
            found = found._replace(arguments=copied(found.arguments))
        frames.clear()
        operation.check(found.arguments)
        if self.draining:
            raise CallRefused("overloaded", "the worker is draining")
        if call_id in self.calls.by_id:
            # Not answered by this id: that would be taken for the answer of the first call.
            twice = CallRefused("malformed", f"call {call_id} is running already")
            self._refuse(twice, 0, header.codec or self._codec)
            return
        if not self.calls.has_room(self._slots):
            raise CallRefused("overloaded", f"all {self._slots} slots are taken")
        codec = header.codec or self._codec
        if operation.kind == "inline":
            self.inline = call_id
            try:
                result = operation.call(found.arguments)
            except BaseException as error:  # noqa: BLE001 - SystemExit ends the call only
                self._refuse(error, call_id, codec)
            else:
                self._reply(result, call_id, codec, END if found.options.stream else REPLY)
            return
        options, remaining, flow = found.options, header.number, None
        if options.stream or options.tools or operation.yields or adapter.asks_host:
            flow = Flow(
                self._outbox,
                call_id,
                codec,
                credit=options.stream,
                remaining=remaining,
                payloads=self._payloads,
            )
        new, save = options.begin, options.save
        context = CallContext(call_id, options.session, options.lm, options.tools, flow, new, save)
        call = RunningCall(operation, found.arguments, context, codec, remaining, flow)
        self.calls.by_id[call_id] = call
        if operation.kind == "async":
            self._async_calls.append(call)
        else:
            self._threads.start(call)

    def _async(self) -> AsyncLoop:
        if self._loop is None:
            self._loop = AsyncLoop(self.calls)
        return self._loop

    def _start_async(self) -> None:
        """Starts the asyncio calls of this message, all with one waking of the loop."""
        if self._async_calls:
            self._async().start(self._async_calls)
            self._async_calls = []

    def _drop_frames(self) -> None:
        """Reads away the frames behind an envelope that cannot use them."""
        while self._socket.get(zmq.RCVMORE):
            self._recv()
