"""A worker's life: from its sockets over the handshake and the reader loop to its goodbye."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec
import zmq

from krait_worker import launch, limits
from krait_worker.envelope import Codec, Kind, envelope
from krait_worker.faults import frames
from krait_worker.handshake import Agreement, Refused, farewell, introduce, say
from krait_worker.launch import Load, Start
from krait_worker.loading import Loaded, LoadFailed, load
from krait_worker.outbox import Outbox
from krait_worker.payloads import Payloads
from krait_worker.process import Memory, set_name
from krait_worker.pulse import Pulse
from krait_worker.remote.line import Line, prepare
from krait_worker.resources import restrict
from krait_worker.worker import Reader


def live(start: Start, source: Loaded | Load) -> int:
    """Runs a worker to its end; its exit code.

    A forked worker brings its adapter with it, an executed one loads it once Krait knows of it.
    """
    _watch_signals(None)
    set_name(start.plain_name)
    shortage = restrict(start)
    payloads = Payloads()
    context = zmq.Context(io_threads=1)
    calls = _dealer(context, start, start.name)
    line = None if start.join is None else Line(calls, start.endpoint)
    pulse_socket = _dealer(context, start, f"{start.name}!")
    pulse = Pulse(pulse_socket, launch.LIFELINE, is_watched=start.join is not None)
    try:
        agreement = introduce(calls, start)
        if shortage is not None:
            raise LoadFailed("setup_failed", MemoryError(shortage))
        loaded = source if isinstance(source, Loaded) else _load(source)
        if start.join is not None:
            print(f"krait-worker: joined as {agreement.name}", file=sys.stderr, flush=True)
            set_name(agreement.name)
        payloads = Payloads(agreement.arena, agreement.payload_limit, agreement.compression)
        _serve(start, loaded, calls, pulse, agreement, payloads)
    except Refused as refusal:
        print(f"{start.plain_name}: {refusal}", file=sys.stderr)
        return launch.REFUSED if refusal.is_final else launch.TRY_AGAIN
    except LoadFailed as failed:
        body = msgspec.msgpack.encode(failed.fault)
        calls.send(envelope(Kind.FAULT, 0, Codec.MSGPACK, body))
        print(failed.fault["traceback"], file=sys.stderr)
        return launch.LOAD_FAILED
    finally:
        pulse.stop()
        if line is not None:
            line.close()
        payloads.close()
        calls.close(linger=limits.LINGER_MS)
        context.term()
    return launch.LEFT


def _load(orders: Load) -> Loaded:
    for name, value in launch.ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return load(orders.adapter, orders.options, orders.path)


def _serve(
    start: Start,
    loaded: Loaded,
    calls: zmq.Socket[bytes],
    pulse: Pulse,
    agreement: Agreement,
    payloads: Payloads,
) -> None:
    memory = Memory()
    try:
        loaded.adapter.begin()
    except BaseException as error:
        raise LoadFailed("setup_failed", error) from error
    reader = Reader(calls, loaded, start.slots, agreement.codec, Outbox(), payloads)
    _watch_signals(reader, None if start.join is None else pulse.wish_to_leave)

    def state() -> dict[str, Any]:
        payloads.forget()
        return {**reader.state(), "resident_bytes": memory.own_bytes()}

    ready = {
        "operations": loaded.description,
        "slots": start.slots,
        "resident_bytes": memory.own_bytes(),
    }
    say(calls, Kind.READY, ready)
    pulse.beat(agreement.heartbeat_seconds, agreement.codec, state)
    reader.serve()
    if start.join is not None and reader.farewell:
        raise farewell(reader.farewell)
    try:
        loaded.adapter.end()
    except Exception as error:  # noqa: BLE001 - all calls are answered: it may as well leave
        print(frames(error), file=sys.stderr)
    say(calls, Kind.GOODBYE, {"reason": "drained"})


def _dealer(context: zmq.Context[Any], start: Start, name: str) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    socket.set(zmq.ROUTING_ID, name.encode())
    socket.set(zmq.LINGER, limits.LINGER_MS)
    # What is larger could not be refused in words: it would have to be taken in first.
    socket.set(zmq.MAXMSGSIZE, limits.ATTACHMENT_BYTES)
    if start.curve is not None:
        socket.set(zmq.CURVE_SERVERKEY, start.curve.server.encode())
        socket.set(zmq.CURVE_PUBLICKEY, start.curve.public.encode())
        socket.set(zmq.CURVE_SECRETKEY, start.curve.secret.encode())
    if start.join is not None:
        prepare(socket)
    socket.connect(start.endpoint)
    return socket


def _watch_signals(reader: Reader | None, wish_to_leave: Callable[[], None] | None = None) -> None:
    """Ctrl-C belongs to the daemon; the first SIGTERM drains, the second ends the worker.

    One that came by itself says that it wants to leave, and takes calls until it is let go: those
    that are on their way to it are not refused.
    """
    wished = False

    def terminate(number: int, frame: FrameType | None) -> None:
        nonlocal wished
        if reader is None or reader.draining or wished:
            os._exit(128 + signal.SIGTERM)
        if wish_to_leave is None:
            reader.drain()
        else:
            wished = True
            wish_to_leave()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, terminate)
