"""CodeAct's tools: functions that an LM's code calls in its interpreter.

The interpreter is another process. A tool is there a function of its own name, which asks back
through the interpreter, the worker and the call.
"""

import keyword
import linecache
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import dspy

from krait_worker.adapters.dspy.run import current_run
from krait_worker.faults import InvalidInput

_SHIM = """def {name}({parameters}):
    given = {given}
    return {bridge}(**{{k: v for k, v in given.items() if v is not None or k in {required}}})
"""


class CodeTools:
    """Tools as a `dspy.CodeAct` wants them, which holds them as long as it lives itself."""

    def __init__(self, tools: list[dspy.Tool]) -> None:
        self._functions = {_bridge(str(tool.name)): _function(tool) for tool in tools}
        self._files: list[str] = []
        self.shims = [self._shim(tool) for tool in tools]
        weakref.finalize(self, _forget, self._files)

    def interpreter(self) -> Any:
        """The factory of the module's interpreters."""
        return current_run().interpreter(self._functions)

    def _shim(self, tool: dspy.Tool) -> dspy.Tool:
        """The tool as CodeAct wants it: a function whose source can be read."""
        name, source = str(tool.name), _source(tool)
        file = f"<tool {name} of {id(self)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        self._files.append(file)
        made: dict[str, Any] = {}
        # Names only, and each has been checked to be one.
        exec(compile(source, file, "exec"), made)  # noqa: S102
        return dspy.Tool(made[name], name=name, desc=tool.desc, args=tool.args)


def code_act(signature: Any, tools: list[dspy.Tool], max_iters: int = 5) -> Any:
    """A `dspy.CodeAct` whose code calls these tools."""
    made = CodeTools(tools)
    with warnings.catch_warnings():
        # DSPy says here that CodeAct goes with 3.5; the version is pinned.
        warnings.simplefilter("ignore", DeprecationWarning)
        return dspy.CodeAct(
            signature,
            tools=made.shims,
            max_iters=max_iters,
            interpreter_factory=made.interpreter,
        )


def _function(tool: dspy.Tool) -> Callable[..., Any]:
    def ask(**arguments: Any) -> Any:
        return current_run().ask(tool.acall(**arguments))

    return ask


def _forget(files: list[str]) -> None:
    for file in files:
        linecache.cache.pop(file, None)


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
