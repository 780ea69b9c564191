"""LM calls by way of the host: an engine for `dspy.LM` that asks Krait in the place of an endpoint.

The body is the one that DSPy's own client would send, and the answer is what an endpoint would
give, so DSPy reads it as such. Keys, connections, tries and the cache are the host's.
"""

from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import dspy
from dspy import lm15
from dspy._vendor.lm15.errors import error_class_for_code
from dspy._vendor.lm15.types import (
    StreamDeltaEvent,
    StreamStartEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from dspy.clients.engines.base import validate_request
from dspy.clients.lm15_boundary import request_kwargs

from krait_worker.adapters.dspy import caching
from krait_worker.adapters.dspy.run import calling
from krait_worker.context import CallContext
from krait_worker.faults import ToolFailed

#: The host's side of it, beside the caller's own tools.
TOOL = "krait.lm"
#: DSPy's codes where the host's are others.
_CODES = {"malformed_answer": "server", "cancelled": "timeout"}
_rollout: ContextVar[int | None] = ContextVar("krait_rollout", default=None)


class _Engine:
    """What DSPy asks an engine about; the host's endpoint says itself what it does not take."""

    supports_function_calling = True
    supports_reasoning = False
    supports_response_schema = False
    supported_params = frozenset({"temperature", "max_tokens", "top_p", "stream", "tools", "stop"})

    def __init__(self, cache: bool) -> None:
        self._cache = cache

    def _arguments(self, request: Any) -> dict[str, Any]:
        validate_request(request)
        body = request_kwargs(request, "chat")
        arguments = {"model": request.model, "body": body, "cache": self._cache}
        if (rollout := _rollout.get()) is not None:
            arguments["rollout"] = rollout
        return arguments

    def _response(self, request: Any, answer: Any) -> Any:
        told = _told(answer)
        if not isinstance(body := told.get("body"), dict):
            raise lm15.ServerError("the host's answer is not one of an LM")
        if told.get("cached") is True:
            caching.count(request.model)
        return lm15.response_from_openai_chat(body, model=request.model)

    def _piece(self, request: Any, answer: Any) -> tuple[list[Any], dict[str, Any] | None]:
        """The events of a piece of a stream, and how the next is asked for; None at the end."""
        answer = _told(answer)
        events = [_delta(event) for event in answer.get("events", [])]
        if isinstance(number := answer.get("stream"), int):
            return events, {"next": number}
        *_, end = lm15.response_to_events(self._response(request, answer))
        return [*events, end], None


def _is_whole(request: Any) -> bool:
    """Whether the answer is to come in one piece: the pieces have no probabilities."""
    return request.config.logprobs is not None


class Engine(_Engine):
    """For threads."""

    def complete(self, request: Any) -> Any:
        """Asks the host and waits."""
        return self._response(request, self._ask(self._arguments(request)))

    def stream(self, request: Any) -> Iterator[Any]:
        """The answer as it comes: each piece is asked for when the one before has been read."""
        if _is_whole(request):
            yield from lm15.response_to_events(self.complete(request))
            return
        asked: dict[str, Any] | None = {**self._arguments(request), "stream": True}
        yield StreamStartEvent()
        while asked is not None:
            events, asked = self._piece(request, self._ask(asked))
            yield from events

    def _ask(self, arguments: dict[str, Any]) -> Any:
        try:
            return _call().call_host(TOOL, arguments)
        except ToolFailed as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Holds nothing."""


class AsyncEngine(_Engine):
    """For asyncio."""

    async def complete(self, request: Any) -> Any:
        """Asks the host and waits."""
        return self._response(request, await self._ask(self._arguments(request)))

    async def stream(self, request: Any) -> AsyncIterator[Any]:
        """The answer as it comes: each piece is asked for when the one before has been read."""
        if _is_whole(request):
            for event in lm15.response_to_events(await self.complete(request)):
                yield event
            return
        asked: dict[str, Any] | None = {**self._arguments(request), "stream": True}
        yield StreamStartEvent()
        while asked is not None:
            events, asked = self._piece(request, await self._ask(asked))
            for event in events:
                yield event

    async def _ask(self, arguments: dict[str, Any]) -> Any:
        try:
            return await _call().acall_host(TOOL, arguments)
        except ToolFailed as error:
            raise _failed(error) from error

    async def aclose(self) -> None:
        """Holds nothing."""


class GatewayLM(dspy.LM):  # type: ignore[misc]
    """A `dspy.LM` whose requests the host makes: without a key, tries or a cache of its own."""

    def __init__(self, model: str, *, cache: bool = False, **settings: Any) -> None:
        engines = {"engine": Engine(cache), "async_engine": AsyncEngine(cache)}
        super().__init__(model, cache=False, num_retries=0, **engines, **settings)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Remembers what DSPy strips before an engine sees it: what tells equal requests apart."""
        token = _rollout.set(self._rollout(settings))
        try:
            return super().__call__(*arguments, **settings)
        finally:
            _rollout.reset(token)

    async def acall(self, *arguments: Any, **settings: Any) -> Any:
        """`__call__` for asyncio."""
        token = _rollout.set(self._rollout(settings))
        try:
            return await super().acall(*arguments, **settings)
        finally:
            _rollout.reset(token)

    def _rollout(self, settings: dict[str, Any]) -> int | None:
        found = settings.get("rollout_id", self.kwargs.get("rollout_id"))
        return found if isinstance(found, int) else None


def _call() -> CallContext:
    call = calling()
    if call is None:
        raise lm15.NotConfiguredError("the host's LM answers within calls only")
    return call


def _told(answer: Any) -> dict[str, Any]:
    """The host's answer; raises the error it tells of."""
    if not isinstance(answer, dict):
        raise lm15.ServerError("the host's answer is not one of an LM")
    if isinstance(error := answer.get("error"), dict):
        raise _error(error)
    return answer


def _delta(event: dict[str, Any]) -> Any:
    """A piece of an answer, as DSPy's own client would read it from the endpoint."""
    match event:
        case {"text": str(text)}:
            return StreamDeltaEvent(delta=TextDelta(text=text))
        case {"reasoning": str(text)}:
            return StreamDeltaEvent(delta=ThinkingDelta(text=text))
        case {"tool_call": {"index": int(index), "arguments": str(arguments), **rest}}:
            call = ToolCallDelta(
                input=arguments, part_index=index, id=rest.get("id"), name=rest.get("name")
            )
            return StreamDeltaEvent(delta=call)
    raise lm15.ServerError("the host's answer is not one of an LM")


def _error(told: dict[str, Any]) -> Exception:
    """The host's error as one of DSPy's."""
    code = str(told.get("code", ""))
    kind = error_class_for_code(_CODES.get(code, code))
    if not issubclass(kind, lm15.LM15Error):
        kind = lm15.ServerError
    text = str(told.get("message", code))
    if detail := told.get("detail"):
        text = f"{text}: {detail}"
    known = {name: told[name] for name in ("status", "retry_after") if told.get(name) is not None}
    error: Exception = kind(text, **known)
    return error


def _failed(error: ToolFailed) -> Exception:
    text = "the host has no LM for this pool" if error.type == "unknown_tool" else error.message
    found: Exception = lm15.NotConfiguredError(text)
    return found


def embedded_by_host(asked: dict[str, Any]) -> list[list[float]]:
    """The vectors of `texts` by `model`, from a thread; raises DSPy's errors."""
    try:
        answer = _told(_call().call_host(TOOL, {"embed": asked}))
    except ToolFailed as error:
        raise _failed(error) from error
    if not isinstance(vectors := answer.get("vectors"), list):
        raise lm15.ServerError("the host's answer has no vectors")
    return vectors
