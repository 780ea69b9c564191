"""DSPy's modules, made once for each signature and kept."""

from collections.abc import Callable
from typing import Any

import dspy
import msgspec

from krait_worker.adapters.dspy.recently_used import RecentlyUsed
from krait_worker.adapters.dspy.signatures import BoundSignature, specification

_MOST_PROGRAMS = 256

Make = Callable[[Any], Any]
_canonical = msgspec.msgpack.Encoder().encode


class Program:
    """A module and its signature. Calls at the same time share it: it keeps nothing of a call."""

    #: Whether it runs on the worker's loop; otherwise it waits on a thread of its own.
    is_async = True

    def __init__(self, module: Any, bound: BoundSignature | None) -> None:
        self.module = module
        self.bound = bound

    def arguments(self, inputs: Any) -> dict[str, Any]:
        """The arguments of a call; raises `InvalidInput`."""
        assert self.bound is not None, "its signature is its own"  # noqa: S101
        return self.bound.inputs(inputs)


class Programs:
    """Modules by kind and signature, so that a round trip makes a prediction and nothing else."""

    def __init__(self) -> None:
        self._made: RecentlyUsed[Program] = RecentlyUsed(_MOST_PROGRAMS)

    def __len__(self) -> int:
        return len(self._made)

    def predict(self, signature: Any) -> Program:
        """A `dspy.Predict`; raises `InvalidInput`."""
        return self._find(b"predict", dspy.Predict, signature)

    def chain_of_thought(self, signature: Any) -> Program:
        """A `dspy.ChainOfThought`; raises `InvalidInput`."""
        return self._find(b"chain_of_thought", dspy.ChainOfThought, signature)

    def react(self, signature: Any, tools: list[dspy.Tool], most: int, kept: bool) -> Program:
        """A `dspy.ReAct`; `kept` where its tools are good for other calls too."""
        if not kept:
            return _program(_react(tools, most), BoundSignature(specification(signature)))
        told = [[tool.name, tool.desc, tool.args] for tool in tools]
        name = b"react\0" + _canonical([told, most])
        return self._find(name, _react(tools, most), signature)

    def _find(self, name: bytes, kind: Make, signature: Any) -> Program:
        given = specification(signature)
        key = name + b"\0" + given.key
        return self._made.get(key, lambda: _program(kind, BoundSignature(given)))


def _program(kind: Make, bound: BoundSignature) -> Program:
    return Program(kind(bound.signature), bound)


def _react(tools: list[dspy.Tool], most: int) -> Make:
    return lambda signature: dspy.ReAct(signature, tools=tools, max_iters=most)
