"""CodeAct: an LM writes Python that calls the tools, and an interpreter of DSPy's runs it.

The interpreter is another process. A tool is there a function of its own name, which asks back
through the interpreter, the worker and the call.
"""

import asyncio
import contextlib
import keyword
import linecache
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import dspy
from dspy.primitives.local_interpreter import LocalInterpreter

from krait_worker.faults import InvalidInput

INTERPRETERS = ("deno", "local")
#: Binds the interpreter's life to that of the thread that started it: a worker that is killed
#: leaves none behind. The numbers are PR_SET_PDEATHSIG and SIGKILL.
_TETHER = "__import__('ctypes').CDLL(None).prctl(1, 9, 0, 0, 0)"
_SHIM = """def {name}({parameters}):
    given = {given}
    return {bridge}(**{{k: v for k, v in given.items() if v is not None or k in {required}}})
"""


class CodeProgram:
    """A `dspy.CodeAct` for one call: its interpreters and tools end with it."""

    def __init__(self, signature: Any, tools: list[dspy.Tool], most: int, kind: str) -> None:
        self._tools = {_bridge(str(tool.name)): tool for tool in tools}
        self._kind = kind
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._interpreters: list[Any] = []
        self._asked: set[Future[Any]] = set()
        self._is_over = False
        self._sources: list[str] = []
        with warnings.catch_warnings():
            # DSPy says here that CodeAct goes with 3.5; the version is pinned.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.module = dspy.CodeAct(
                signature,
                tools=[self._shim(tool) for tool in tools],
                max_iters=most,
                interpreter_factory=self._interpreter,
            )

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
            for name in self._sources:
                linecache.cache.pop(name, None)

    def _interpreter(self) -> Any:
        functions = {name: self._function(tool) for name, tool in self._tools.items()}
        if self._kind == "local":
            interpreter: Any = LocalInterpreter(tools=functions)
        else:
            interpreter = dspy.PythonInterpreter(tools=functions)
        with self._lock:
            if self._is_over:
                raise dspy.CodeInterpreterError("the call has ended")
            self._interpreters.append(interpreter)
        if self._kind == "local":
            interpreter.execute(_TETHER)
        return interpreter

    def _function(self, tool: dspy.Tool) -> Callable[..., Any]:
        def ask(**arguments: Any) -> Any:
            # On the worker's loop, in the context of the call, as any tool of an agent.
            with self._lock:
                if self._is_over:
                    raise dspy.CodeInterpreterError("the call has ended")
                future = asyncio.run_coroutine_threadsafe(tool.acall(**arguments), self._loop)
                self._asked.add(future)
            try:
                return future.result()
            finally:
                with self._lock:
                    self._asked.discard(future)

        return ask

    def _shim(self, tool: dspy.Tool) -> dspy.Tool:
        """The tool as CodeAct wants it: a function whose source can be read."""
        name, source = str(tool.name), _source(tool)
        file = f"<tool {name} of {id(self)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        self._sources.append(file)
        made: dict[str, Any] = {}
        # Names only, and each has been checked to be one.
        exec(compile(source, file, "exec"), made)  # noqa: S102
        return dspy.Tool(made[name], name=name, desc=tool.desc, args=tool.args)


def _bridge(name: str) -> str:
    return f"krait_{name}"


def _source(tool: dspy.Tool) -> str:
    args = tool.args or {}
    name = str(tool.name)
    for word in (name, *args):
        if not word.isidentifier() or keyword.iskeyword(word):
            raise InvalidInput(f"code_act: {word!r:.80} is no name that Python code can use")
    required = [key for key, schema in args.items() if "default" not in schema]
    optional = [key for key in args if key not in required]
    parameters = ", ".join([*required, *(f"{key}=None" for key in optional)])
    given = ", ".join(f'"{key}": {key}' for key in args)
    return _SHIM.format(
        name=name,
        parameters=parameters,
        given=f"{{{given}}}",
        required=required,
        bridge=_bridge(name),
    )
