"""A host in Krait's place: a ROUTER, a forkserver, and the workers it starts."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from krait_worker.envelope import (
    CALL,
    HEADER,
    Codec,
    Header,
    Kind,
    envelope,
    first_word,
    read_envelopes,
)
from krait_worker.values import decode, encode

PATIENCE = 20.0


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Waits for a condition, looking again and again; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        select.select([], [], [], 0.005)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class WorkerEnd:
    """A worker as the host sees it."""

    def __init__(self, host: "Host", name: str, slots: int, **limits: int) -> None:
        self.host = host
        self.name = name
        self.output, writing = os.pipe()
        lifeline, self.life = os.pipe()
        request = {"do": "start", "name": name, "token": "secret", "slots": slots, **limits}
        packet = json.dumps({**request, "endpoint": host.endpoint}).encode()
        socket.send_fds(host.control, [packet], [writing, lifeline])
        os.close(writing)
        os.close(lifeline)
        self.pid = 0
        self.operations: dict[str, dict[str, str]] = {}
        self.ready: dict[str, Any] = {}

    def greet(self, codec: str = "msgpack", heartbeat_ms: int = 50, version: int = 1) -> None:
        """The handshake up to `ready`."""
        hello = self.host.take(self.name, Kind.HELLO)
        assert json.loads(hello[1])["token"] == "secret"
        self.say_hello(codec, heartbeat_ms, version)
        self.ready = json.loads(self.host.take(self.name, Kind.READY)[1])
        self.operations = {one["name"]: one for one in self.ready["operations"]}

    def say_hello(self, codec: str = "msgpack", heartbeat_ms: int = 50, version: int = 1) -> None:
        body = {"version": version, "heartbeat_ms": heartbeat_ms, "codec": codec}
        self.send(envelope(Kind.HELLO, 0, Codec.JSON, json.dumps(body).encode()))

    def send(self, *frames: bytes) -> None:
        self.host.router.send_multipart([self.name.encode(), *frames])

    def call(
        self,
        call_id: int,
        operation: str,
        arguments: Any = None,
        *,
        options: Any = None,
        codec: Codec = Codec.MSGPACK,
        remaining: int = 0,
    ) -> bytes:
        """The envelope of a call."""
        body: list[Any] = [operation, {} if arguments is None else arguments]
        if options is not None:
            body.append(options)
        data = encode(body, codec)
        return HEADER.pack(CALL, codec, call_id, len(data), remaining) + data

    def ask(self, operation: str, arguments: Any = None, **more: Any) -> tuple[Kind, Any]:
        """Makes one call and waits for its answer."""
        self.host.last_id += 1
        self.send(self.call(self.host.last_id, operation, arguments, **more))
        return self.answer(self.host.last_id)

    def answer(self, call_id: int) -> tuple[Kind, Any]:
        """The reply or fault of a call."""
        found: list[tuple[Header, bytes]] = []

        def came() -> bool:
            for header, body in self.host.received(self.name):
                if header.call_id == call_id and header.kind in (Kind.REPLY, Kind.FAULT):
                    found.append((header, body))
                    self.host.inbox[self.name].remove((header, body))
            return bool(found)

        until(came, f"the answer of call {call_id}")
        [(header, body)] = found
        assert header.codec is not None
        beside = self.host.frames[: header.attachments]
        del self.host.frames[: header.attachments]
        return header.kind, decode(body, header.codec, beside)

    def reply(self, operation: str, arguments: Any = None, **more: Any) -> Any:
        """The value of a call that must succeed."""
        kind, value = self.ask(operation, arguments, **more)
        assert kind == Kind.REPLY, value
        return value

    def fault(self, operation: str, arguments: Any = None, **more: Any) -> Any:
        """The fault of a call that must fail."""
        kind, value = self.ask(operation, arguments, **more)
        assert kind == Kind.FAULT, value
        return value

    def order(self, kind: Kind, call_id: int = 0) -> None:
        """Sends an envelope without a body."""
        self.send(HEADER.pack(first_word(kind), 0, call_id, 0, 0))

    def order_body(self, kind: Kind, body: dict[str, Any]) -> None:
        """Sends an envelope with a JSON body."""
        self.send(envelope(kind, 0, Codec.JSON, json.dumps(body).encode()))

    def heartbeat(self, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next heartbeat that fits."""

        def came() -> dict[str, Any] | None:
            beats = self.host.received(f"{self.name}!")
            while beats:
                header, body = beats.pop(0)
                assert header.codec is not None
                beat = decode(body, header.codec)
                if fits(beat):
                    return dict(beat)
            return None

        return dict(until(came, "a heartbeat"))

    def printed(self) -> str:
        """What it has written so far, at least something."""
        until(lambda: select.select([self.output], [], [], 0)[0], "output")
        return os.read(self.output, 65_536).decode()

    def close(self) -> None:
        for descriptor in (self.output, self.life):
            try:
                os.close(descriptor)
            except OSError:
                pass


class Host:
    """Starts workers as Krait does and speaks the protocol with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.endpoint = f"ipc://{folder}/r"
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.set(zmq.ROUTER_MANDATORY, 1)
        self.router.set(zmq.LINGER, 0)
        self.router.bind(self.endpoint)
        self.inbox: dict[str, list[tuple[Header, bytes]]] = {}
        #: What came beside envelopes.
        self.frames: list[bytes] = []
        self.events: list[dict[str, Any]] = []
        self.workers: list[WorkerEnd] = []
        self.last_id = 1_000
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log = open(folder / "log", "w+b")  # noqa: SIM115 - closed by close()
        number = theirs.fileno()
        self.forkserver = subprocess.Popen(
            [sys.executable, "-m", "krait_worker.forkserver"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=lambda: os.dup2(number, 3),
            close_fds=False,
            start_new_session=True,
        )
        theirs.close()

    def request(self, **keys: Any) -> None:
        self.control.send(json.dumps(keys).encode())

    def event(self, kind: str, **fits: Any) -> dict[str, Any]:
        """The next event of a kind; others are kept."""

        def came() -> dict[str, Any] | None:
            if select.select([self.control], [], [], 0)[0]:
                packet = self.control.recv(65_536)
                assert packet, f"the forkserver has ended: {self.logged()}"
                self.events.append(json.loads(packet))
            for event in self.events:
                if event["event"] == kind and fits.items() <= event.items():
                    self.events.remove(event)
                    return event
            return None

        return dict(until(came, f"the event {kind}"))

    def load(self, adapter: str = "echo", mode: str = "fork", **keys: Any) -> dict[str, Any]:
        self.request(do="load", adapter=adapter, mode=mode, **keys)
        return self.event("loaded")

    def start(self, name: str = "general/1.1", slots: int = 4, **hello: Any) -> WorkerEnd:
        """A worker that is ready."""
        worker = self.begin(name, slots)
        worker.greet(**hello)
        return worker

    def begin_raw(self, name: str) -> WorkerEnd:
        """A worker whose start is asked for and not waited for."""
        worker = WorkerEnd(self, name, 1)
        self.workers.append(worker)
        return worker

    def begin(self, name: str = "general/1.1", slots: int = 4, **limits: int) -> WorkerEnd:
        """A worker that has been started and waits for hello."""
        worker = WorkerEnd(self, name, slots, **limits)
        self.workers.append(worker)
        worker.pid = self.event("started", name=name)["pid"]
        return worker

    def received(self, name: str) -> list[tuple[Header, bytes]]:
        """What has come from a peer and has not been taken."""
        while self.router.poll(5):
            sender, message, *frames = self.router.recv_multipart()
            self.frames += frames
            self.inbox.setdefault(sender.decode(), []).extend(read_envelopes(message))
        return self.inbox.setdefault(name, [])

    def take(self, name: str, kind: Kind) -> tuple[Header, bytes]:
        """The next envelope of a kind from a peer."""

        def came() -> tuple[Header, bytes] | None:
            for one in self.received(name):
                if one[0].kind == kind:
                    self.inbox[name].remove(one)
                    return one
            return None

        found: tuple[Header, bytes] = until(came, f"{kind.name} from {name}")
        return found

    def logged(self) -> str:
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode()

    def dismiss(self) -> None:
        """Lets the workers leave by themselves: those that are killed leave no coverage behind."""
        for worker in self.workers:
            if not (worker.operations and is_alive(worker.pid)):
                continue
            try:
                worker.order(Kind.GOODBYE)
                until(lambda pid=worker.pid: not is_alive(pid), "a worker's end", 1.0)
            except (zmq.ZMQError, AssertionError):
                pass

    def close(self) -> None:
        try:
            if self.control.fileno() >= 0 and self.forkserver.poll() is None:
                self.dismiss()
            self.control.close()
            self.forkserver.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.forkserver.pid, signal.SIGKILL)
            self.forkserver.wait(10)
            raise
        finally:
            for worker in self.workers:
                worker.close()
            self.log.close()
            # A context that is left to the garbage collector waits there for its sockets, for ever.
            self.context.destroy(linger=0)
