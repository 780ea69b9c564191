"""Finds an adapter by its name and makes it, in a forkserver or in a worker."""

import importlib
import sys
from typing import Any

from krait_worker import faults, limits
from krait_worker.adapters.base import Adapter, Operation

_BUILT_IN = {
    "echo": "krait_worker.adapters.echo:EchoAdapter",
    "dspy": "krait_worker.adapters.dspy:DSPyAdapter",
}


class LoadFailed(Exception):
    """The adapter could not be imported (`import_failed`) or constructed (`setup_failed`)."""

    def __init__(self, code: str, cause: BaseException) -> None:
        super().__init__(faults.message_of(cause))
        self.code = code
        self.cause = cause

    @property
    def fault(self) -> dict[str, Any]:
        """The body of the fault, or the keys of the forkserver's `failed`."""
        return faults.fault(self.code, self.cause, with_frames=True)


class Loaded:
    """An adapter and its operations."""

    def __init__(self, adapter: Adapter, operations: dict[str, Operation]) -> None:
        self.adapter = adapter
        self.operations = operations

    @property
    def description(self) -> list[dict[str, str]]:
        """The list of operations as `ready` carries it."""
        most = limits.DOCUMENTATION_BYTES
        return [
            {"name": op.name, "kind": op.kind, "doc": faults.clipped(op.doc, most)}
            for op in self.operations.values()
        ]


def load(name: str, options: dict[str, Any], path: list[str]) -> Loaded:
    """Imports and constructs an adapter, and warms it; raises `LoadFailed`."""
    sys.path[:0] = [folder for folder in path if folder not in sys.path]
    try:
        kind = _find(name)
    except BaseException as error:  # an import may raise anything, SystemExit too
        raise LoadFailed("import_failed", error) from error
    try:
        adapter = kind(**options)
        operations = adapter.operations()
        if not operations:
            raise TypeError(f"{name} has no method marked @operation")
        if len(operations) > limits.OPERATIONS:
            raise TypeError(f"{name} has more than {limits.OPERATIONS} operations")
        adapter.warm()
    except BaseException as error:
        raise LoadFailed("setup_failed", error) from error
    return Loaded(adapter, operations)


def _find(name: str) -> type[Adapter]:
    module_name, colon, class_name = _BUILT_IN.get(name, name).partition(":")
    if not colon or not module_name or not class_name:
        known = ", ".join(sorted(_BUILT_IN))
        raise ImportError(f"unknown adapter {name!r:.80}: there are {known} and module:Class")
    module = importlib.import_module(module_name)
    kind = getattr(module, class_name, None)
    if kind is None:
        raise ImportError(f"{module_name} has no {class_name}")
    if not (isinstance(kind, type) and issubclass(kind, Adapter)):
        raise TypeError(f"{name} is not a subclass of krait_worker.Adapter")
    return kind
