"""The body of a call: `[operation, arguments]` or `[operation, arguments, options]`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.envelope import Codec
from krait_worker.faults import InvalidInput
from krait_worker.values import MalformedBody, decode
from krait_worker.values.attachments import Buffer

_OPTIONS = frozenset({"session", "begin", "save", "lm", "stream", "tools"})
_BEGIN = frozenset({"spec", "checkpoint"})
_ROOTS = {"[0]": "operation", "[1]": "arguments", "[2]": "options"}


class CallOptions(NamedTuple):
    """What a call asks for beside its operation."""

    session: str | None = None
    lm: dict[str, Any] | None = None
    #: The credit its stream begins with; 0 where it is none.
    stream: int = 0
    tools: tuple[dict[str, Any], ...] = ()
    #: What makes the session anew: `spec` and perhaps `checkpoint`.
    begin: dict[str, Any] | None = None
    #: Whether the answer is to bring the session's state.
    save: bool = False


class CallBody(NamedTuple):
    """A body that has been read; the arguments have not been held against the operation yet."""

    operation: str
    arguments: dict[str, Any]
    options: CallOptions


def read_call(
    body: bytes, codec: Codec | None, takes_lm: bool, frames: Sequence[Buffer] = ()
) -> CallBody:
    """Reads a body; raises `MalformedBody`, and `InvalidInput` for options that do not fit."""
    if codec is None:
        raise MalformedBody("", "a call without a body")
    try:
        found = decode(body, codec, frames, views=True)
    except MalformedBody as error:
        root = _ROOTS.get(error.path[:3], error.path[:3])
        raise MalformedBody(root + error.path[3:], error.reason) from None
    if not isinstance(found, list) or not 2 <= len(found) <= 3:
        raise MalformedBody("", "the body of a call is [operation, arguments] or has options too")
    if not isinstance(found[0], str):
        raise MalformedBody("operation", "the name of an operation is text")
    if not isinstance(found[1], dict):
        raise MalformedBody("arguments", "arguments are a map")
    options = _options(found[2], takes_lm) if len(found) == 3 else CallOptions()
    return CallBody(found[0], found[1], options)


def _options(options: Any, takes_lm: bool) -> CallOptions:
    if not isinstance(options, dict):
        raise MalformedBody("options", "options are a map")
    for name in options:
        if name not in _OPTIONS:
            raise InvalidInput(f"unknown option {name!r:.60}{nearest(name, _OPTIONS)}")
    session, lm = options.get("session"), options.get("lm")
    if session is not None and not isinstance(session, str):
        raise InvalidInput("the option session is text")
    if lm is not None and not isinstance(lm, dict):
        raise InvalidInput("the option lm is a map of LM settings")
    if lm is not None and not takes_lm:
        raise InvalidInput("the option lm does not apply: this adapter has no LM")
    begin, save = options.get("begin"), options.get("save", False)
    if begin is not None and not _is_begin(begin):
        raise InvalidInput("the option begin is a map of spec and perhaps checkpoint")
    if type(save) is not bool:
        raise InvalidInput("the option save is true or false")
    tools = _tools(options.get("tools"))
    return CallOptions(session, lm, _credit(options), tools, begin, save)


def _is_begin(begin: Any) -> bool:
    return (
        isinstance(begin, dict)
        and begin.keys() <= _BEGIN
        and isinstance(begin.get("spec"), dict)
        and isinstance(begin.get("checkpoint"), bytes | memoryview | None)
    )


def _credit(options: dict[str, Any]) -> int:
    credit = options.get("stream")
    if credit is None:
        return 0
    if type(credit) is not int or not 1 <= credit <= limits.CREDIT:
        raise InvalidInput(f"the option stream is a credit of 1 to {limits.CREDIT}")
    return credit


def _tools(tools: Any) -> tuple[dict[str, Any], ...]:
    if tools is None:
        return ()
    if not isinstance(tools, list) or len(tools) > limits.TOOLS:
        raise InvalidInput(f"the option tools is a list of at most {limits.TOOLS} tools")
    for tool in tools:
        if not (
            isinstance(tool, dict)
            and isinstance(tool.get("name"), str)
            and isinstance(tool.get("description", ""), str)
            and isinstance(tool.get("parameters", {}), dict)
        ):
            raise InvalidInput(
                "a tool is a map of name and description, which are text, and parameters, which "
                "are a JSON schema"
            )
    names = [tool["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise InvalidInput("two tools have one name")
    return tuple(tools)
