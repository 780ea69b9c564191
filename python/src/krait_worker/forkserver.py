"""`python -m krait_worker.forkserver`: imports a pool's adapter once and forks its workers.

One thread, one loop over the control channel and the children's pidfds. A process that has
threads cannot be forked safely, so that is looked at before each fork; where the adapter has
started some, workers are executed afresh instead.
"""

import gc
import os
import select
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

import msgspec

from krait_worker import faults, launch, spawn
from krait_worker.control import CONTROL, BadRequest, Control, Packet, failed
from krait_worker.launch import Load, Start
from krait_worker.loading import Loaded, LoadFailed, load
from krait_worker.process import Memory, start_ticks, thread_count

#: How often the import of an adapter is interrupted to see whether Krait is still there.
_LOOK_SECONDS = 0.5


class Forkserver:
    """Serves the control channel until its end of file."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._load: Load | None = None
        self._loaded: Loaded | None = None
        self._workers: dict[int, tuple[int, str]] = {}  # pidfd: (pid, name)
        self._poller = select.poll()
        self._poller.register(control.fileno(), select.POLLIN)

    def serve(self) -> int:
        """Runs until Krait is gone or the adapter cannot be loaded; the exit code."""
        while True:
            for descriptor, _ in self._poller.poll():
                if descriptor in self._workers:
                    self._reap(descriptor)
                    continue
                packet = self._control.read()
                if packet is None:
                    self._kill_all()
                    return launch.LEFT
                try:
                    self._obey(packet)
                except LoadFailed as error:
                    print(error.fault["traceback"], file=sys.stderr, flush=True)
                    failed(self._control, error.fault)
                    self._kill_all()
                    return launch.LOAD_FAILED
                finally:
                    for passed in packet.descriptors:
                        os.close(passed)

    def _obey(self, packet: Packet) -> None:
        name: dict[str, str] = {}
        try:
            try:
                request = msgspec.json.decode(packet.data, type=Load | Start)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadRequest(str(error)) from None
            if isinstance(request, Load):
                self._take_load(request)
                return
            name = {"name": request.name}
            self._start(request, packet.descriptors)
        except BadRequest as error:
            failed(self._control, faults.fault("bad_request", error), **name)
        except OSError as error:
            failed(self._control, faults.fault("start_failed", error), **name)

    # -- loading --

    def _take_load(self, request: Load) -> None:
        if self._load is not None:
            raise BadRequest("an adapter is loaded already; a forkserver has one")
        for name, value in launch.ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        began = time.monotonic()
        report = {"mode": request.mode}
        if request.mode == "fork":
            self._loaded = self._load_here(request)
            reason = self._unsafe()
            if reason is not None:
                report = {"mode": "exec", "reason": reason}
        else:
            spawn.try_out(request, self._control)
        self._load = request
        gc.collect()
        gc.freeze()
        self._control.say(
            "loaded",
            seconds=round(time.monotonic() - began, 4),
            resident_bytes=Memory().own_bytes(),
            **report,
        )

    def _load_here(self, request: Load) -> Loaded:
        """Imports the adapter, and meanwhile notices when Krait goes."""

        def look(number: int, frame: FrameType | None) -> None:
            if self._control.is_closed():
                os._exit(launch.LEFT)

        gc.disable()  # an import makes no garbage worth the looking, and pages stay shared
        signal.signal(signal.SIGALRM, look)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
        try:
            return load(request.adapter, request.options, request.path)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @staticmethod
    def _unsafe() -> str | None:
        count = thread_count()
        if count == 1:
            return None
        return f"the adapter's import has started {count - 1} threads: forking would not be safe"

    # -- workers --

    def _start(self, request: Start, descriptors: list[int]) -> None:
        if self._load is None:
            raise BadRequest("start before load")
        if len(descriptors) != 2:
            raise BadRequest(f"start comes with 2 descriptors, not {len(descriptors)}")
        if any(name == request.name for _, name in self._workers.values()):
            raise BadRequest(f"a worker {request.plain_name} is running already")
        loaded = self._loaded if self._load.mode == "fork" else None
        if loaded is not None and (reason := self._unsafe()) is not None:
            print(f"{request.plain_name} is executed afresh: {reason}", file=sys.stderr, flush=True)
            loaded = None
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(request, descriptors, parent, loaded)
        handle = os.pidfd_open(pid)
        self._workers[handle] = (pid, request.name)
        self._poller.register(handle, select.POLLIN)
        self._control.say("started", name=request.name, pid=pid, started=start_ticks(pid))

    def _become(
        self, request: Start, descriptors: list[int], parent: int, loaded: Loaded | None
    ) -> NoReturn:
        """In the child: the worker, from here to its end."""
        code = 1
        try:
            self._control.detach()
            spawn.settle(parent, output=descriptors[0], lifeline=descriptors[1])
            if loaded is None and self._load is not None:
                spawn.execute(self._load, request)
            elif loaded is not None:
                code = spawn.run(request, loaded)
        except BaseException as error:  # noqa: BLE001 - nothing may return into the forkserver
            print(faults.frames(error), file=sys.stderr)
        finally:
            spawn.leave(code)

    def _reap(self, handle: int) -> None:
        pid, name = self._workers.pop(handle)
        self._poller.unregister(handle)
        # Before it is reaped its number cannot be another's: what it left behind ends with it.
        _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        os.close(handle)
        self._control.say("exited", name=name, pid=pid, status=os.waitstatus_to_exitcode(status))

    def _kill_all(self) -> None:
        for pid, _ in self._workers.values():
            # A child that has not made its own group yet is reached by its number alone.
            os.kill(pid, signal.SIGKILL)
            _kill_group(pid)
        for pid, _ in self._workers.values():
            os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main() -> int:
    """Serves descriptor 3."""
    # Ctrl-C belongs to the daemon, and what ends a forkserver is the end of the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        spawn.buffer_lines(stream)
    try:
        control = Control(CONTROL)
    except OSError as error:
        print(f"descriptor {CONTROL} is no control channel ({error}): Krait starts forkservers",
              file=sys.stderr)  # fmt: skip
        return launch.REFUSED
    return Forkserver(control).serve()


if __name__ == "__main__":
    sys.exit(main())
