"""The forkserver's channel, and what becomes of adapters that do not load."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from host import Host, is_alive, until
from krait_worker.envelope import Kind

ADAPTERS = {
    "raises": "raise RuntimeError('at import')\n",
    "exits": "import sys\nsys.exit(7)\n",
    "syntax": "def (\n",
    "plain": "class Plain: pass\n",
    "setup": (
        "from krait_worker import Adapter, operation\n"
        "class Setup(Adapter):\n"
        "    def __init__(self, size): self.size = size\n"
        "    @operation\n"
        "    def size(self): return 1\n"
    ),
    "empty": "from krait_worker import Adapter\nclass Empty(Adapter): pass\n",
    "threads": (
        "import threading, time\n"
        "from krait_worker import Adapter, operation\n"
        "threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
        "class Threads(Adapter):\n"
        "    @operation\n"
        "    def ok(self): return 'ok'\n"
    ),
    "begins": (
        "from krait_worker import Adapter, operation\n"
        "class Begins(Adapter):\n"
        "    def begin(self): raise OSError('no device')\n"
        "    @operation\n"
        "    def ok(self): return 'ok'\n"
    ),
    "ends": (
        "import sys\n"
        "from krait_worker import Adapter, operation\n"
        "class Ends(Adapter):\n"
        "    def __init__(self): print('made', flush=True)\n"
        "    def warm(self): print('warmed', flush=True)\n"
        "    def begin(self): print('began', flush=True)\n"
        "    def end(self): print('ended', flush=True); raise RuntimeError('at the end')\n"
        "    @operation\n"
        "    def ok(self): return 'ok'\n"
    ),
}


@pytest.fixture
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of adapters of all kinds."""
    folder = tmp_path_factory.mktemp("adapters")
    for name, text in ADAPTERS.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.mark.parametrize("mode", ["fork", "exec"])
@pytest.mark.parametrize(
    ("adapter", "options", "code", "kind"),
    [
        ("raises:X", {}, "import_failed", "builtins.RuntimeError"),
        ("exits:X", {}, "import_failed", "builtins.SystemExit"),
        ("syntax:X", {}, "import_failed", "builtins.SyntaxError"),
        ("nowhere:X", {}, "import_failed", "builtins.ModuleNotFoundError"),
        ("ecko", {}, "import_failed", "builtins.ImportError"),
        ("plain:Other", {}, "import_failed", "builtins.ImportError"),
        ("plain:Plain", {}, "import_failed", "builtins.TypeError"),
        ("setup:Setup", {}, "setup_failed", "builtins.TypeError"),
        ("echo", {"x": 1}, "setup_failed", "builtins.TypeError"),
        ("empty:Empty", {}, "setup_failed", "builtins.TypeError"),
    ],
)
def test_an_adapter_that_does_not_load_is_reported_and_ends_the_forkserver(
    host: Host, adapters: Path, mode: str, adapter: str, options: object, code: str, kind: str
) -> None:
    host.request(do="load", adapter=adapter, options=options, path=[str(adapters)], mode=mode)
    failed = host.event("failed")
    assert failed["code"] == code
    assert failed["type"] == kind
    assert failed["traceback"].startswith("Traceback")
    assert host.forkserver.wait(10) == 3
    assert kind.rpartition(".")[2] in host.logged()


def test_an_adapter_that_starts_threads_is_executed_afresh(host: Host, adapters: Path) -> None:
    loaded = host.load("threads:Threads", path=[str(adapters)])
    assert loaded["mode"] == "exec"
    assert "1 threads" in loaded["reason"]
    worker = host.start()
    assert worker.reply("ok") == "ok"
    with open(f"/proc/{worker.pid}/cmdline") as file:
        assert file.read().split("\0")[1:3] == ["-m", "krait_worker"]


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_an_adapter_that_cannot_begin_is_a_fault_and_the_worker_leaves(
    host: Host, adapters: Path, mode: str
) -> None:
    host.load("begins:Begins", path=[str(adapters)], mode=mode)
    worker = host.begin()
    host.take(worker.name, Kind.HELLO)
    worker.say_hello()
    header, body = host.take(worker.name, Kind.FAULT)
    assert header.call_id == 0
    assert b"setup_failed" in body
    assert b"no device" in body
    assert host.event("exited")["status"] == 3
    assert "no device" in worker.printed()


def test_an_adapter_s_life_is_made_warmed_begun_and_ended(host: Host, adapters: Path) -> None:
    host.load("ends:Ends", path=[str(adapters)])
    assert host.logged() == "made\nwarmed\n"
    worker = host.start()
    assert worker.reply("ok") == "ok"
    worker.order(Kind.DRAIN)
    host.take(worker.name, Kind.GOODBYE)
    assert host.event("exited")["status"] == 0
    printed = worker.printed()
    assert printed.startswith("began\nended\n")
    assert "at the end" in printed


@pytest.mark.parametrize(
    ("packet", "part"),
    [
        (b"no json", "malformed"),
        (b'{"do":"dance"}', "dance"),
        (b'{"do":"load"}', "adapter"),
        (b'{"do":"load","adapter":"echo","mode":"spoon"}', "fork or exec"),
        (b'{"do":"load","adapter":"echo","color":1}', "color"),
        (b'{"do":"start","name":"a","token":"","endpoint":"","slots":1}', "before load"),
        (b'{"do":"start","name":"a","token":"","endpoint":"","slots":0}', "slots"),
        (
            b'{"do":"start","name":"' + b"x" * 255 + b'","token":"","endpoint":"","slots":1}',
            "bytes",
        ),
        (b" " * 70_000, "truncated"),
    ],
)
def test_a_bad_request_is_answered_and_changes_nothing(
    host: Host, packet: bytes, part: str
) -> None:
    host.control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    host.control.send(packet)
    failed = host.event("failed")
    assert failed["code"] == "bad_request"
    assert part in failed["message"]
    host.load()
    assert host.start().reply("echo", {}) == {}


def test_requests_out_of_order_are_refused(host: Host) -> None:
    host.load()
    host.request(do="load", adapter="echo")
    assert "loaded already" in host.event("failed")["message"]
    host.request(do="start", name="a", token="", endpoint="", slots=1)
    failed = host.event("failed")
    assert "2 descriptors, not 0" in failed["message"]
    assert failed["name"] == "a"
    worker = host.start("general/1.1")
    descriptors = len(os.listdir(f"/proc/{host.forkserver.pid}/fd"))
    again = host.begin_raw("general/1.1")
    assert "running already" in host.event("failed")["message"]
    again.close()
    assert len(os.listdir(f"/proc/{host.forkserver.pid}/fd")) == descriptors
    assert worker.reply("echo", {}) == {}


def test_the_forkserver_keeps_no_descriptors_of_workers_that_are_gone(host: Host) -> None:
    host.load()
    before = len(os.listdir(f"/proc/{host.forkserver.pid}/fd"))
    for number in range(5):
        worker = host.start(f"general/{number}.1")
        worker.order(Kind.GOODBYE)
        host.event("exited", name=worker.name)
    assert len(os.listdir(f"/proc/{host.forkserver.pid}/fd")) == before


@pytest.mark.parametrize("mode", ["fork", "exec"])
@pytest.mark.parametrize(
    ("hello", "part"),
    [
        ({"version": 2}, "version 2"),
        ({"codec": "arrow"}, "codec 'arrow'"),
        ({"heartbeat_ms": 0}, "heartbeat_ms"),
    ],
)
def test_a_hello_that_does_not_fit_is_answered_by_goodbye(
    host: Host, mode: str, hello: dict[str, object], part: str
) -> None:
    host.load(mode=mode)
    worker = host.begin()
    host.take(worker.name, Kind.HELLO)
    worker.say_hello(**hello)  # type: ignore[arg-type]
    assert part in json.loads(host.take(worker.name, Kind.GOODBYE)[1])["reason"]
    assert host.event("exited")["status"] == 4
    assert part in worker.printed()


def test_a_worker_that_krait_refuses_leaves(host: Host) -> None:
    host.load()
    worker = host.begin()
    host.take(worker.name, Kind.HELLO)
    worker.send(b"garbage")
    host.take(worker.name, Kind.GOODBYE)
    assert host.event("exited")["status"] == 4
    worker = host.begin("general/1.2")
    host.take(worker.name, Kind.HELLO)
    worker.order_body(Kind.GOODBYE, {"reason": "wrong token"})
    assert host.event("exited")["status"] == 4
    assert "wrong token" in worker.printed()


def test_nothing_runs_by_hand_without_krait() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for module, text in (
        ("krait_worker", "Krait starts workers"),
        ("krait_worker.forkserver", "Krait starts forkservers"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", module],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.returncode == 4
        assert text in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "krait_worker"],
        env={**environment, "KRAIT_WORKER": "{}"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 4
    assert "missing" in done.stderr


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_a_krait_that_goes_while_the_adapter_is_imported_is_noticed(
    host: Host, tmp_path_factory: pytest.TempPathFactory, mode: str
) -> None:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow.py").write_text(
        f"import os, time\nopen({str(folder / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(3600)\n"
    )
    host.request(do="load", adapter="slow:X", path=[str(folder)], mode=mode)
    pid = int(until(lambda: (folder / "pid").exists() and (folder / "pid").read_text(), "import"))
    host.control.close()
    assert host.forkserver.wait(10) == 0
    until(lambda: not is_alive(pid), "the end of the import")
