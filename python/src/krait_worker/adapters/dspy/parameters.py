"""Arguments held against a Python function's own signature before it is called."""

import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

import pydantic

from krait_worker.adapters.base import nearest
from krait_worker.faults import InvalidInput

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Parameters:
    """The parameters of a class's constructor, or of an object's call."""

    def __init__(self, name: str, function: Callable[..., Any], *, is_bound: bool) -> None:
        self.name = name
        found = list(inspect.signature(function).parameters.values())
        found = found if is_bound else found[1:]
        self._globals = vars(sys.modules.get(getattr(function, "__module__", ""), typing))
        #: By name; those without one, such as `*args`, no spec can give.
        self.named = {p.name: p for p in found if p.kind in _NAMED}
        # `Image` takes its source so, and by no name.
        self.positional = {p.name: p for p in found if p.kind is p.POSITIONAL_ONLY}
        self.takes_any = any(p.kind is p.VAR_KEYWORD for p in found)

    @classmethod
    def of_constructor(cls, name: str, kind: Any) -> "Parameters":
        """Those of making one. A metaclass may hide them from `inspect.signature`."""
        if inspect.isclass(kind) and not issubclass(kind, pydantic.BaseModel):
            return cls(name, kind.__init__, is_bound=False)
        return cls(name, kind, is_bound=True)

    @classmethod
    def of_call(cls, name: str, made: Any) -> "Parameters":
        """Those of calling one: of its `forward` where it is a module."""
        kind = type(made)
        function = inspect.getattr_static(kind, "forward", None)
        if function is None or not callable(function):
            return cls(name, made if inspect.isfunction(made) else made.__call__, is_bound=True)
        return cls(name, function, is_bound=False)

    def check(self, given: dict[str, Any], where: str, *, rest: bool = True) -> None:
        """Raises `InvalidInput` for a name that is not there, and one that is missing.

        Without `rest`, what the function would take by `**` is for the caller to look at.
        """
        known = {**self.positional, **self.named}
        for name in given:
            if name not in known and not self.takes_any and rest:
                raise InvalidInput(
                    f"{where}.{name:.60}: {self.name} takes no such argument"
                    + nearest(name[:80], set(known))
                )
        for name, parameter in self.named.items():
            if parameter.default is parameter.empty and name not in given:
                raise InvalidInput(
                    f"{where}.{name} is missing: {self.name} needs it ({self.text(name)})"
                )

    def fit(self, name: str, value: Any, where: str) -> None:
        """Raises `InvalidInput` where a value is not of its parameter's type."""
        annotation = self.annotation(name)
        if not fits(value, annotation):
            raise InvalidInput(f"{where} is {wanted(annotation)}, not {_kind(value)}")

    def annotation(self, name: str) -> Any:
        """The type of a parameter; `Any` where there is none, or none that can be read."""
        parameter = self.named.get(name) or self.positional.get(name)
        found = parameter.annotation if parameter else Any
        if isinstance(found, str):
            try:
                # DSPy's own source, not a caller's text.
                found = eval(found, dict(self._globals), {})  # noqa: S307
            except Exception:  # noqa: BLE001 - a name that only a type checker sees
                return Any
        return Any if found is inspect.Parameter.empty else found

    def text(self, name: str) -> str:
        """The type of a parameter, for people."""
        return wanted(self.annotation(name))


def fits(value: Any, annotation: Any) -> bool:
    """Whether a value is of a type, as far as that can be seen; what cannot be seen fits."""
    if annotation in (Any, None) or isinstance(annotation, typing.TypeVar):
        return annotation is not None or value is None
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict)
    if origin is not None:
        return callable(value) if origin is _CALLABLE else True
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is typing.Callable:
        return callable(value)
    if not isinstance(annotation, type) or getattr(annotation, "_is_protocol", False):
        return True
    return isinstance(value, annotation)


_CALLABLE = typing.get_origin(Callable[..., Any])


def wanted(annotation: Any) -> str:
    """A type in a message, short."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(wanted(one) for one in arguments))
    if origin is typing.Literal:
        return " or ".join(repr(one) for one in arguments)
    if origin is _CALLABLE or annotation is typing.Callable:
        return "a function"
    if origin is list and arguments:
        return f"a list of {wanted(arguments[0])}"
    if annotation is type(None):
        return "null"
    return getattr(annotation, "__name__", None) or str(annotation)


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
