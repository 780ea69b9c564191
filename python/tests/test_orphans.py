"""No process outlives Krait: each way of going, with a grandchild where it can be reached."""

import os
import signal
from pathlib import Path

import pytest

from host import Host, WorkerEnd, is_alive, until

FAMILY = (
    "import subprocess, time\n"
    "from krait_worker import Adapter, operation\n"
    "class Family(Adapter):\n"
    "    @operation\n"
    "    def child(self):\n"
    "        return subprocess.Popen(['sleep', '3600']).pid\n"
    "    @operation\n"
    "    def hold(self):\n"
    "        time.sleep(3600)\n"
    "    @operation\n"
    "    def lock(self):\n"
    "        sum(range(10 ** 12))\n"
)


@pytest.fixture
def family(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "family.py").write_text(FAMILY)
    return str(folder)


def started(host: Host, folder: str, mode: str) -> tuple[list[WorkerEnd], list[int]]:
    """A busy, an idle and a never-used worker; their processes and a grandchild of two."""
    host.load("family:Family", path=[folder], mode=mode)
    busy, idle, unused = (host.start(f"general/{number}.1") for number in (1, 2, 3))
    grandchildren = [worker.reply("child") for worker in (busy, idle)]
    busy.send(busy.call(1, "hold"))
    busy.heartbeat(lambda beat: beat["busy"] == 1)
    workers = [busy, idle, unused]
    return workers, [*(worker.pid for worker in workers), *grandchildren]


def gone(pids: list[int], seconds: float = 2.0) -> None:
    until(lambda: not any(map(is_alive, pids)), f"the end of {pids}", seconds)


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_the_end_of_the_channel_ends_everything(host: Host, family: str, mode: str) -> None:
    _, pids = started(host, family, mode)
    host.control.close()
    gone([*pids, host.forkserver.pid])
    assert host.forkserver.wait(5) == 0


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_the_end_of_a_lifeline_ends_its_worker_s_group_and_no_other(
    host: Host, family: str, mode: str
) -> None:
    workers, pids = started(host, family, mode)
    busy, idle, unused = workers
    os.close(busy.life)
    gone([busy.pid, pids[3]])
    assert host.event("exited")["status"] == -signal.SIGKILL
    assert is_alive(idle.pid)
    assert is_alive(pids[4])
    os.close(unused.life)
    gone([unused.pid])


def test_workers_die_with_a_forkserver_that_is_killed(host: Host, family: str) -> None:
    workers, pids = started(host, family, "fork")
    host.forkserver.kill()
    host.forkserver.wait(5)
    gone([worker.pid for worker in workers])
    # Their group outlives them by the grandchildren: whoever holds their numbers ends those.
    for worker, grandchild in zip(workers, pids[3:], strict=False):
        assert os.getpgid(grandchild) == worker.pid
        os.killpg(worker.pid, signal.SIGKILL)
    gone(pids)


def test_a_worker_that_dies_takes_its_grandchildren_with_it(host: Host, family: str) -> None:
    workers, pids = started(host, family, "fork")
    os.kill(workers[0].pid, signal.SIGKILL)
    assert host.event("exited")["status"] == -signal.SIGKILL
    gone([workers[0].pid, pids[3]])


def test_a_worker_whose_code_holds_the_lock_dies_with_the_channel(host: Host, family: str) -> None:
    host.load("family:Family", path=[family])
    worker = host.start()
    worker.send(worker.call(1, "lock"))
    os.kill(worker.pid, signal.SIGSTOP)
    host.control.close()
    gone([worker.pid, host.forkserver.pid])


def test_nothing_is_left_in_the_folder_but_what_the_host_made(host: Host, tmp_path: Path) -> None:
    host.load()
    worker = host.start()
    worker.reply("echo", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "r"]
