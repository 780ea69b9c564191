"""What `krait bench native` measures on the Python side: DSPy's own functions, nothing around."""

import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import dspy
import jinja2
import json_repair
from dspy.evaluate import metrics

from krait_worker.reference.answers import ADAPTERS
from krait_worker.reference.tagged import tagged

Work = Callable[[], Any]
Inputs = dict[str, Any]

#: How long one batch of calls takes, so that the clock's own cost does not show.
_BATCH_SECONDS = 0.005
_LEAST_BATCHES = 9


@lru_cache(maxsize=64)
def _signature(text: str) -> Any:
    return dspy.Signature(text)


@lru_cache(maxsize=64)
def _template(text: str) -> jinja2.Template:
    # A prompt is text: nothing in it is to be escaped.
    return jinja2.Environment(autoescape=False).from_string(text)  # noqa: S701


def work(bench: str, inputs: Inputs) -> Work:
    """The call that a bench repeats; raises `KeyError` for an unknown bench."""
    return _BENCHES[bench](inputs)


def _parse_signature(inputs: Inputs) -> Work:
    return lambda: dspy.Signature(inputs["signature"])


def _format(adapter: str) -> Callable[[Inputs], Work]:
    def prepare(inputs: Inputs) -> Work:
        signature, values = _signature(inputs["signature"]), inputs["inputs"]
        maker = ADAPTERS[adapter]()
        return lambda: maker.format(signature, inputs["demos"], values)

    return prepare


def _parse(adapter: str) -> Callable[[Inputs], Work]:
    def prepare(inputs: Inputs) -> Work:
        signature, maker = _signature(inputs["signature"]), ADAPTERS[adapter]()
        return lambda: maker.parse(signature, inputs["completion"])

    return prepare


def _repair(inputs: Inputs) -> Work:
    return lambda: json_repair.loads(inputs["text"])


def _render(inputs: Inputs) -> Work:
    template = _template(inputs["template"])
    return lambda: template.render(inputs["values"])


class _Canned:
    """A language model that says the same at once."""

    supports_function_calling = False
    supports_reasoning = False
    supports_response_schema = False
    supported_params: frozenset[str] = frozenset()

    def __init__(self, text: str) -> None:
        message = {"role": "assistant", "content": text}
        self._body = {
            "id": "1",
            "object": "chat.completion",
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }

    def complete(self, request: Any) -> Any:
        return dspy.lm15.response_from_openai_chat(self._body, model=request.model)


def _predict(inputs: Inputs) -> Work:
    program = dspy.Predict(_signature(inputs["signature"]))
    lm = dspy.LM("openai/stub", engine=_Canned(inputs["completion"]), cache=False)
    values, adapter = inputs["inputs"], dspy.ChatAdapter()

    def call() -> Any:
        with dspy.context(lm=lm, adapter=adapter, trace=None, disable_history=True):
            return dict(program(**values))

    return call


def _metric(metric: Callable[[str, list[str]], Any]) -> Callable[[Inputs], Work]:
    return lambda inputs: lambda: metric(inputs["prediction"], inputs["answers"])


_BENCHES: dict[str, Callable[[Inputs], Work]] = {
    "signature.parse.cold": _parse_signature,
    "signature.parse.cached": _parse_signature,
    "chat.format": _format("ChatAdapter"),
    "chat.parse": _parse("ChatAdapter"),
    "json.format": _format("JSONAdapter"),
    "json.parse": _parse("JSONAdapter"),
    "xml.format": _format("XMLAdapter"),
    "xml.parse": _parse("XMLAdapter"),
    "json.repair": _repair,
    "predict": _predict,
    "template.render": _render,
    "metric.em": _metric(metrics.EM),
    "metric.f1": _metric(metrics.F1),
}


def measure(bench: str, inputs: Inputs, seconds: float) -> dict[str, Any]:
    """The median time of a call in microseconds, and how many calls were made."""
    call = work(bench, inputs)
    call()
    size = 1
    while _batch(call, size) < _BATCH_SECONDS:
        size *= 2
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < _LEAST_BATCHES or time.perf_counter() < end:
        times.append(_batch(call, size) / size)
    return {"us": statistics.median(times) * 1e6, "n": size * len(times)}


def _batch(call: Work, size: int) -> float:
    start = time.perf_counter()
    for _ in range(size):
        call()
    return time.perf_counter() - start


def perform(bench: str, inputs: Inputs) -> Any:
    """The result of one call, as plain values."""
    result = work(bench, inputs)()
    if bench.startswith("signature."):
        return result.dump_state()
    return tagged(result)
