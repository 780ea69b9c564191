"""What the modules of one call may use from any thread that they start.

DSPy carries its own settings into its threads and nothing else of the call's context, so that is
where the call is found from there: in the setting `krait_run`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

import dspy

from krait_worker.context import CallContext, current_call

INTERPRETERS = ("deno", "local")
#: Binds the interpreter's life to that of the thread that started it: a worker that is killed
#: leaves none behind. The numbers are PR_SET_PDEATHSIG and SIGKILL.
_TETHER = "__import__('ctypes').CDLL(None).prctl(1, 9, 0, 0, 0)"


class Run:
    """One call: where its tools are asked, and the interpreters that end with it."""

    def __init__(self, interpreter: str = "deno") -> None:
        self.call = current_call()
        self._kind = interpreter
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._interpreters: list[Any] = []
        self._asked: set[Future[Any]] = set()
        self._is_over = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Ends what the call has started, whichever way it ends."""
        try:
            yield
        finally:
            with self._lock:
                self._is_over = True
                asked, interpreters = list(self._asked), self._interpreters
            for future in asked:
                future.cancel()
            for interpreter in interpreters:
                interpreter.shutdown()

    def ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs on the worker's loop what a thread asks for, and waits for it."""
        with self._lock:
            if self._is_over:
                work.close()
                raise dspy.CodeInterpreterError("the call has ended")
            # In the context of the thread that asks.
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._asked.add(future)
        try:
            return future.result()
        finally:
            with self._lock:
                self._asked.discard(future)

    def interpreter(self, functions: dict[str, Callable[..., Any]] | None = None) -> Any:
        """An interpreter of the pool's kind, with functions that its code may call."""
        if self._kind == "local":
            from dspy.primitives.local_interpreter import LocalInterpreter

            made: Any = LocalInterpreter(tools=functions or {})
        else:
            made = dspy.PythonInterpreter(tools=functions or {})
        with self._lock:
            if self._is_over:
                raise dspy.CodeInterpreterError("the call has ended")
            self._interpreters.append(made)
        if self._kind == "local":
            made.execute(_TETHER)
        return made


def current_run() -> Run:
    """The run of the surrounding code."""
    run = dspy.settings.get("krait_run")
    if run is None:
        raise dspy.CodeInterpreterError("code is run, and tools are asked, within calls only")
    return run  # type: ignore[no-any-return]


def calling() -> CallContext | None:
    """The call of the surrounding code, also in threads that DSPy starts."""
    call = current_call()
    if call is None and (run := dspy.settings.get("krait_run")) is not None:
        return run.call  # type: ignore[no-any-return]
    return call
