"""How an adapter is written: a class whose methods marked `@operation` Krait can call."""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, overload

from krait_worker.faults import InvalidInput

OperationKind = Literal["sync", "async", "inline"]
Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__krait_operation__"
_VIEWS = "__krait_views__"


def views(function: Function) -> Function:
    """Gives an operation its large bytes as read-only memoryviews, not as copies.

    A view stays good for as long as something holds it, and keeps its memory from being used for
    anything else so long. Stands below `@operation`.
    """
    setattr(function, _VIEWS, True)
    return function


@overload
def operation(function: Function, /) -> Function: ...
@overload
def operation(
    *, name: str | None = None, inline: bool = False
) -> Callable[[Function], Function]: ...
def operation(function: Any = None, /, *, name: str | None = None, inline: bool = False) -> Any:
    """Marks a method of an adapter as an operation.

    An `async def` runs on the worker's one asyncio loop, a `def` on a thread of its own, an
    `inline` one on the reader thread itself: the fastest, but nothing else is read meanwhile, so
    only for what takes microseconds. Parameters are the call's arguments by name; a method with a
    single positional-only parameter is given the whole map of arguments.

    A generator, `def` or `async def`, streams what it yields to a caller who reads a stream; what a
    `def` returns is the stream's end. To others its chunks go as one list.
    """

    def mark(method: Any) -> Any:
        if inline and (inspect.iscoroutinefunction(method) or _yields(method)):
            raise TypeError(f"{method.__qualname__}: what waits or yields cannot be inline")
        setattr(method, _MARK, (name or method.__name__, inline))
        return method

    return mark if function is None else mark(function)


def _yields(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


class Operation:
    """One operation of an adapter object, ready to be called."""

    __slots__ = (
        "_accepted",
        "_required",
        "doc",
        "function",
        "kind",
        "map_at",
        "name",
        "views",
        "whole",
        "yields",
    )

    def __init__(self, name: str, function: Callable[..., Any], inline: bool) -> None:
        self.name = name
        self.function = function
        self.views = getattr(function, _VIEWS, False)
        self.doc = inspect.getdoc(function) or ""
        self.kind: OperationKind = "sync"
        if inline:
            self.kind = "inline"
        elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            self.kind = "async"
        #: Whether it is a generator, and calling it makes one.
        self.yields = _yields(function)
        parameters = inspect.signature(function).parameters.values()
        kinds = [parameter.kind for parameter in parameters]
        self.whole = kinds == [inspect.Parameter.POSITIONAL_ONLY]
        if not self.whole and inspect.Parameter.POSITIONAL_ONLY in kinds:
            raise TypeError(f"operation {name}: a positional-only parameter must be the only one")
        self._required = frozenset(
            p.name for p in parameters if p.default is p.empty and p.kind in _BY_NAME
        )
        takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        self._accepted = (
            None if takes_any else frozenset(p.name for p in parameters if p.kind in _BY_NAME)
        )
        # Where the map of arguments begins in the MessagePack body of a call of this operation
        # in its shortest spelling; the reader loop looks there. 1 is never a map: not short.
        self.map_at = 2 + len(name) if name.isascii() and len(name) < 32 else 1

    def call(self, arguments: dict[str, Any]) -> Any:
        """Calls the function; for an async one this makes the coroutine."""
        if self.whole:
            return self.function(arguments)
        return self.function(**arguments)

    def check(self, arguments: dict[str, Any]) -> None:
        """Raises `InvalidInput` where the names of the arguments do not fit."""
        if self.whole:
            return
        given = arguments.keys()
        if not self._required <= given:
            missing = ", ".join(sorted(self._required - given))
            raise InvalidInput(f"{self.name} needs the argument {missing}")
        if self._accepted is not None and not given <= self._accepted:
            for unknown in sorted(given - self._accepted):
                raise InvalidInput(
                    f"{self.name} takes no argument {unknown!r:.60}"
                    + nearest(unknown, self._accepted)
                )


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def nearest(name: str, known: frozenset[str] | set[str] | list[str]) -> str:
    """The end of a message about an unknown name: what it may have been meant to be."""
    close = get_close_matches(name, sorted(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(known)) or 'none'}"


class Adapter:
    """What a pool's workers run. Its constructor takes the pool's `options` as keywords.

    In a forked worker the constructor and `warm` have run in the forkserver: there they must not
    start threads, open connections or keep descriptors. `begin` runs in each worker.
    """

    #: Whether calls may carry LM settings (`options.lm`).
    takes_lm = False
    #: Whether operations ask the host for what it offers beside the caller's tools.
    asks_host = False

    def warm(self) -> None:
        """Does once, before the fork, what every worker would otherwise do for itself."""

    def begin(self) -> None:
        """Called in the worker before it says that it is ready."""

    def end(self) -> None:
        """Called in a worker that leaves in peace, after its last answer."""

    def details(self, error: BaseException) -> dict[str, Any] | None:
        """What a fault says about `error` beyond its text; plain values."""
        return None

    def operations(self) -> dict[str, Operation]:
        """The operations by name; raises `TypeError` where one is declared wrongly."""
        found: dict[str, Operation] = {}
        for attribute in dir(type(self)):
            mark = getattr(getattr(type(self), attribute, None), _MARK, None)
            if mark is None:
                continue
            name, inline = mark
            if name in found:
                raise TypeError(f"two operations are named {name}")
            found[name] = Operation(name, getattr(self, attribute), inline)
        return found
