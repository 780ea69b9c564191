"""What an operation may know about the call it serves, beside its arguments."""

from contextvars import ContextVar
from typing import Any, NamedTuple


class CallContext(NamedTuple):
    """The call that runs, as `current_call` finds it."""

    call_id: int
    session: str | None = None
    #: LM settings of this call, to be laid over the pool's.
    lm: dict[str, Any] | None = None


_current: ContextVar[CallContext | None] = ContextVar("krait_call", default=None)


def current_call() -> CallContext | None:
    """The call the surrounding code serves; None in inline operations and outside calls."""
    return _current.get()


def enter_call(context: CallContext) -> None:
    """Makes `context` the current call of this thread's or task's context."""
    _current.set(context)
