"""Tools of the host, and of MCP servers, as DSPy's.

A tool of the call is a function in the program that made the call: running it asks back there.
What it raises becomes DSPy's tool error, which an agent's LM reads as an observation.
"""

import asyncio
from typing import Any

import dspy
import pydantic_core
from dspy.adapters.types.tool import convert_input_schema_to_tool_args
from dspy.streaming import StatusMessage, StatusMessageProvider

from krait_worker.adapters.dspy import outputs
from krait_worker.adapters.dspy.run import calling, current_run
from krait_worker.faults import InvalidInput, ToolFailed

#: Names that DSPy's agents give to tools of their own.
RESERVED = frozenset({"finish", "submit"})
_texts = StatusMessageProvider()


class ToolError(Exception):
    """What an agent's LM reads about a tool that failed.

    DSPy shows an LM the traceback too: there is none here, because the tool ran elsewhere, and the
    worker's own frames say nothing but where Krait is installed.
    """

    __traceback__ = None


# So that an LM reads `ToolError: …` and not where the class is.
ToolError.__module__ = "builtins"


class CallTool(dspy.Tool):  # type: ignore[misc]
    """A tool that tells the call's stream when it begins and when it is done."""

    async def acall(self, **arguments: Any) -> Any:
        """Runs the tool; raises `ToolError`."""
        stream = dspy.settings.send_stream
        # Told here and not by DSPy's callback, which blocks the loop where the stream is full.
        if stream is not None and (text := _texts.tool_start_status_message(self, arguments)):
            await stream.send(StatusMessage(text))
        try:
            found = await super().acall(**self._given(arguments))
        except ToolFailed as failed:
            raise ToolError(f"{failed.type}: {failed.message}") from None
        except ToolError:
            raise
        except Exception as error:  # noqa: BLE001 - a tool may raise anything
            raise ToolError(f"{type(error).__name__}: {error}") from None
        if stream is not None and (text := _texts.tool_end_status_message(found)):
            await stream.send(StatusMessage(text))
        return found

    def __call__(self, **arguments: Any) -> Any:
        """Runs the tool for a module without an asynchronous form, from its thread."""
        return current_run().ask(self.acall(**arguments))

    def _given(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments without those an LM has set to null because they may be left out."""
        optional = [name for name, schema in (self.args or {}).items() if "default" in schema]
        return {
            name: value
            for name, value in arguments.items()
            if value is not None or name not in optional
        }


def host_tools(given: list[dict[str, Any]]) -> list[dspy.Tool]:
    """DSPy's tools for those of a call; raises `InvalidInput`."""
    return [_host_tool(tool) for tool in given]


def _host_tool(tool: dict[str, Any]) -> dspy.Tool:
    name = tool["name"]

    async def ask(**arguments: Any) -> Any:
        call = calling()
        assert call is not None, "a tool runs within its call"  # noqa: S101
        return plain(await call.acall_tool(name, arguments))

    schema = tool.get("parameters") or {}
    args, _, _ = convert_input_schema_to_tool_args(schema)
    required = schema.get("required", [])
    args = {
        key: value if key in required or "default" in value else {**value, "default": None}
        for key, value in args.items()
    }
    return CallTool(ask, name=name, desc=tool.get("description") or "", args=args, arg_types={})


def wrapped(tool: dspy.Tool) -> dspy.Tool:
    """Another's tool with what `CallTool` adds."""
    return CallTool(
        tool.func,
        name=tool.name,
        desc=tool.desc,
        args=tool.args,
        arg_types=tool.arg_types,
        arg_desc=tool.arg_desc,
    )


def distinct(found: list[dspy.Tool]) -> list[dspy.Tool]:
    """The tools as they are; raises `InvalidInput` where an agent could not tell them apart."""
    seen: set[str] = set()
    for tool in found:
        name = str(tool.name)
        if name in RESERVED:
            raise InvalidInput(f"no tool may be named {name}: DSPy's agents have one of that name")
        if name in seen:
            raise InvalidInput(f"two tools are named {name:.80}")
        seen.add(name)
    return found


def plain(value: Any) -> Any:
    """A value that DSPy can put into a prompt."""
    try:
        return pydantic_core.to_jsonable_python(outputs.carried(value))
    except (pydantic_core.PydanticSerializationError, ValueError):
        return str(value)


async def run_all(calls: Any, tools: list[dspy.Tool]) -> list[dict[str, Any]]:
    """Runs the tool calls that an LM asked for, all at once: `[{name, args, value | error}]`."""
    by_name = {tool.name: tool for tool in tools}
    return list(await asyncio.gather(*(_run(call, by_name) for call in calls.tool_calls)))


async def _run(call: Any, by_name: dict[str, dspy.Tool]) -> dict[str, Any]:
    made = {"name": call.name, "args": call.args or {}}
    tool = by_name.get(call.name)
    if tool is None:
        return {**made, "error": f"there is no tool named {call.name}"}
    try:
        return {**made, "value": await tool.acall(**(call.args or {}))}
    except ToolError as error:
        return {**made, "error": str(error)}
