"""What an operation may know about the call it serves, beside its arguments, and do with it."""

from contextvars import ContextVar
from typing import Any

from krait_worker.faults import ToolFailed
from krait_worker.flow import Flow


class CallContext:
    """The call that runs, as `current_call` finds it; good in all its threads and tasks."""

    __slots__ = ("_flow", "begin", "call_id", "lm", "save", "session", "tools")

    def __init__(
        self,
        call_id: int,
        session: str | None = None,
        lm: dict[str, Any] | None = None,
        tools: tuple[dict[str, Any], ...] = (),
        flow: Flow | None = None,
        begin: dict[str, Any] | None = None,
        save: bool = False,
    ) -> None:
        self.call_id = call_id
        self.session = session
        #: What makes the session anew: `spec` and perhaps `checkpoint`.
        self.begin = begin
        #: Whether the answer is to bring the session's state.
        self.save = save
        #: LM settings of this call, to be laid over the pool's.
        self.lm = lm
        #: The caller's tools: maps of `name`, `description` and `parameters` (a JSON schema).
        self.tools = list(tools)
        self._flow = flow

    @property
    def is_stream(self) -> bool:
        """Whether somebody reads chunks: otherwise what is emitted is for nobody."""
        return self._flow is not None and self._flow.is_stream

    def check(self) -> None:
        """Raises `CancelledError` once the call was cancelled or its time is up."""
        if self._flow is not None:
            self._flow.check()

    def abandon(self) -> None:
        """Wakes the call's threads: they wait for credit or a tool, and the call was cancelled."""
        if self._flow is not None:
            self._flow.end("cancelled")

    def emit(self, value: Any) -> None:
        """Sends a chunk, from a thread; waits while the reader has not given credit for it.

        Does nothing where the call is no stream. Raises `CancelledError` once the call was
        cancelled or its time is up: it is to end then.
        """
        if self._flow is not None and self._flow.is_stream:
            self._flow.emit(value)

    async def aemit(self, value: Any) -> None:
        """`emit` for asyncio."""
        if self._flow is not None and self._flow.is_stream:
            await self._flow.aemit(value)

    def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """Calls one of the caller's tools from a thread and waits for its result.

        Raises `ToolFailed` where there is no such tool, where the arguments do not fit it, or where
        it failed itself; and `CancelledError` once the call was cancelled or its time is up. Any
        number of threads may do so at once; so many that wait already wait for each other.
        """
        return self._with_tools().call_tool(name, arguments)

    async def acall_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """`call_tool` for asyncio."""
        return await self._with_tools().acall_tool(name, arguments)

    def call_host(self, name: str, arguments: dict[str, Any]) -> Any:
        """Calls what the host itself offers to this call, beside the caller's tools."""
        return self._with_flow().call_tool(name, arguments)

    async def acall_host(self, name: str, arguments: dict[str, Any]) -> Any:
        """`call_host` for asyncio."""
        return await self._with_flow().acall_tool(name, arguments)

    def _with_flow(self) -> Flow:
        if self._flow is None:
            raise ToolFailed("unknown_tool", "the host offers nothing to this call")
        return self._flow

    def _with_tools(self) -> Flow:
        if self._flow is None or not self.tools:
            raise ToolFailed("unknown_tool", "the caller has given this call no tools")
        return self._flow


_current: ContextVar[CallContext | None] = ContextVar("krait_call", default=None)


def current_call() -> CallContext | None:
    """The call the surrounding code serves; None in inline operations and outside calls."""
    return _current.get()


def enter_call(context: CallContext) -> None:
    """Makes `context` the current call of this thread's or task's context."""
    _current.set(context)
