"""`krait-worker`: its command line, its keys, and a life against a host in Krait's place."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from host import PATIENCE, is_alive, until
from krait_worker.envelope import Codec, Kind, envelope, read_envelopes
from krait_worker.remote import keys
from krait_worker.remote.command import main


class Door:
    """A pool's endpoint that takes one key."""

    def __init__(self, folder: Path) -> None:
        self.server, self.worker = zmq.curve_keypair(), zmq.curve_keypair()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.set(zmq.CURVE_SERVER, 1)
        self.socket.set(zmq.CURVE_SECRETKEY, self.server[1])
        self.socket.set(zmq.LINGER, 0)
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint = f"tcp://127.0.0.1:{port}"
        self.key = folder / "worker.key"
        write(self.key, self.contents())

    def contents(self, **changes: str) -> dict[str, str]:
        """What `krait keys` writes for the workers."""
        public, secret = (key.decode() for key in self.worker)
        made = {"form": "krait join keys 1", "pool": "far", "side": "worker", "public": public}
        return {**made, "secret": secret, "other": self.server[0].decode(), **changes}

    def next(self, kind: Kind) -> tuple[bytes, dict[str, Any]]:
        """The next envelope of that kind: who sent it, and its body."""
        while True:
            assert self.socket.poll(PATIENCE * 1_000), f"waited for {kind.name}"
            peer, frame = self.socket.recv_multipart()
            for header, body in read_envelopes(frame):
                if header.kind == kind:
                    return peer, json.loads(body) if body else {}

    def say(self, peer: bytes, kind: Kind, body: dict[str, Any] | None = None) -> None:
        """Sends an envelope."""
        frame = (
            envelope(kind)
            if body is None
            else envelope(kind, 0, Codec.JSON, json.dumps(body).encode())
        )
        self.socket.send_multipart([peer, frame])

    def welcome(self) -> bytes:
        """Takes the next worker; its routing id."""
        peer, hello = self.next(Kind.HELLO)
        assert hello["join"] == "far"
        assert hello["host"]
        assert re.fullmatch(rb"far@[0-9a-f]{16}", peer)
        assert hello["name"] == peer.decode()
        ours = {"version": 1, "heartbeat_ms": 100, "codec": "json", "name": "far/1.1"}
        self.say(peer, Kind.HELLO, ours)
        _, ready = self.next(Kind.READY)
        assert {"echo", "pid"} <= {operation["name"] for operation in ready["operations"]}
        return peer


def write(path: Path, contents: dict[str, str]) -> Path:
    """A file of keys as it must be."""
    path.write_text(json.dumps(contents))
    path.chmod(0o600)
    return path


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A pool that workers can join."""
    made = Door(tmp_path)
    yield made
    made.socket.close()
    made.context.term()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts `krait-worker`; afterwards it is gone."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(door: Door, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "krait_worker.remote", "--adapter", "echo"]
        with open(tmp_path / "log", "wb") as log:
            process = subprocess.Popen(
                [*command, "--connect", door.endpoint, "--key", str(door.key), *more], stderr=log
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def child(process: subprocess.Popen[bytes]) -> int:
    """The worker of a keeper."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        return int(file.read().split()[0])


@pytest.mark.parametrize("more", [(), ("--fresh",)])
def test_a_worker_joins_beats_leaves_when_told_and_comes_back(
    door: Door, start: Any, more: tuple[str, ...]
) -> None:
    process = start(door, *more)
    first = door.welcome()
    peer, beat = door.next(Kind.HEARTBEAT)
    assert peer == first + b"!"
    assert beat["busy"] == 0
    door.say(first, Kind.DRAIN)
    assert door.next(Kind.GOODBYE)[0] == first
    second = door.welcome()
    assert second != first
    os.kill(child(process), signal.SIGKILL)
    assert door.welcome() not in (first, second)
    process.send_signal(signal.SIGTERM)
    for _ in range(2):  # it says so until it is let go: Krait may not know it as ready yet
        leaving, _ = door.next(Kind.DRAIN)
    door.say(leaving.removesuffix(b"!"), Kind.DRAIN)
    assert process.wait(PATIENCE) == 0


def test_a_worker_that_hangs_is_killed_by_its_keeper(door: Door, start: Any) -> None:
    process = start(door)
    door.welcome()
    door.next(Kind.HEARTBEAT)
    worker = child(process)
    os.kill(worker, signal.SIGSTOP)
    until(lambda: not is_alive(worker), "its end")
    door.welcome()


def test_no_worker_outlives_its_keeper(door: Door, start: Any) -> None:
    process = start(door)
    door.welcome()
    worker = child(process)
    process.kill()
    until(lambda: not is_alive(worker), "the worker's end")


@pytest.mark.parametrize(("final", "code"), [(True, 4), (False, None)])
def test_a_refusal_says_whether_it_is_final(
    door: Door, start: Any, tmp_path: Path, final: bool, code: int | None
) -> None:
    process = start(door)
    peer, _ = door.next(Kind.HELLO)
    door.say(peer, Kind.GOODBYE, {"reason": "the reason", "final": final})
    if code is None:
        door.welcome()
    else:
        assert process.wait(PATIENCE) == code
    assert "the reason" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("change", "mode", "said"),
    [
        ({"side": "server"}, 0o600, "the server's file"),
        ({"form": "x"}, 0o600, "is not as"),
        ({"secret": "short"}, 0o600, "is not as"),
        ({}, 0o640, "may be read by others"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_and_not_shown(
    door: Door, tmp_path: Path, change: dict[str, str], mode: int, said: str
) -> None:
    path = write(tmp_path / "odd.key", door.contents(**change))
    path.chmod(mode)
    with pytest.raises(keys.BadKeys, match=said) as caught:
        keys.read(str(path))
    assert door.worker[1].decode() not in str(caught.value)
    with pytest.raises(keys.BadKeys, match="cannot be read"):
        keys.read(str(tmp_path / "none"))


def test_an_adapter_that_cannot_be_loaded_ends_it(door: Door, capfd: Any) -> None:
    code = main(["--connect", door.endpoint, "--key", str(door.key), "--adapter", "no_such:Thing"])
    assert code == 3
    assert "the adapter cannot be loaded" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--connect", "ipc:///x", "--key", "k"],
        ["--connect", "tcp://h:1", "--key", "k", "--slots", "0"],
        ["--connect", "tcp://h:1", "--key", "k", "--options", "[]"],
        ["--connect", "tcp://h:1"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
