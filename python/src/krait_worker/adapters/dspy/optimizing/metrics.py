"""What a job scores by: one of DSPy's metrics by name, or a tool of the caller's.

A metric of the caller's is asked from many threads at once. What fails scores 0 and is counted; a
bound ends the job with the row's number and the error.
"""

import threading
from collections.abc import Callable
from typing import Any

import dspy
import msgspec

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import metrics
from krait_worker.adapters.dspy.tools import plain
from krait_worker.context import CallContext
from krait_worker.faults import InvalidInput, ToolFailed, message_of

_KEYS = frozenset({"metric", "tool", "field", "fraction"})


class MetricFailed(Exception):
    """The metric failed as often as ends a job."""


class JobEnded(BaseException):
    """Ends an optimizer from within its callbacks: what is made to survive errors ends too."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Metric:
    """A job's metric, in the shape that all of DSPy's optimizers take."""

    def __init__(self, given: Any, call: CallContext | None, most_errors: int) -> None:
        spec = {"metric": given} if isinstance(given, str) else given
        if not isinstance(spec, dict) or ("metric" in spec) == ("tool" in spec):
            raise InvalidInput('metric is a name, {"metric": name} or {"tool": name}')
        for key in spec:
            if key not in _KEYS:
                raise InvalidInput(f"metric has no key {key!r:.60}{nearest(str(key), _KEYS)}")
        self.name = str(spec.get("metric", spec.get("tool")))
        self.field = spec.get("field", "answer")
        fraction = spec.get("fraction", 1.0)
        if not isinstance(self.field, str) or type(fraction) not in (int, float):
            raise InvalidInput("metric.field is a name, and metric.fraction a number")
        if "tool" in spec:
            self._score = _tool(self.name, call)
        else:
            metrics.known(self.name, metrics.NAMES)
            score = metrics.scoring(self.name, self.field, float(fraction))
            self._score = lambda example, prediction, _: score(example, prediction)
        self._most_errors = most_errors
        self._lock = threading.Lock()
        self._rows: dict[bytes, int] = {}
        self._cause: MetricFailed | None = None
        #: Whether feedback goes on to the optimizer with the score.
        self.tells_feedback = False
        self.calls = 0
        self.errors = 0
        #: Hears of each score, and of each failure.
        self.scored: Callable[[float], None] = lambda _: None
        self.failed: Callable[[str], None] = lambda _: None

    @property
    def is_tool(self) -> bool:
        """Whether the caller's own code scores."""
        return self.name not in metrics.NAMES

    def number(self, example: Any, row: int) -> None:
        """Remembers where an example comes from."""
        self._rows.setdefault(_key(example), row)

    def check(self, example: Any) -> None:
        """Raises `InvalidInput` where the example has not what a named metric compares with."""
        needed = ["question", "response"] if self.name in metrics.JUDGES else [self.field]
        for field in [] if self.is_tool else needed:
            if field not in example:
                raise InvalidInput(
                    f"the field {field} is missing, and {self.name} compares it"
                    + nearest(field, list(example.keys()))
                )

    def __call__(
        self,
        example: Any,
        prediction: Any,
        trace: Any = None,
        pred_name: str | None = None,
        pred_trace: Any = None,
    ) -> Any:
        """The score; 0 where the metric fails."""
        with self._lock:
            self.calls += 1
        try:
            found = self._score(example, prediction, pred_name)
            score = metrics.number(found, self.name)
        except Exception as error:  # noqa: BLE001 - a metric may raise anything
            self._fails(example, error)
            return 0.0
        self.scored(score)
        if not self.tells_feedback:
            return score
        feedback = metrics.feedback(found) or self._expected(example, score)
        return score if feedback is None else dspy.Prediction(score=score, feedback=feedback)

    def _expected(self, example: Any, score: float) -> str | None:
        """What a named metric has to say: what it compared with; of a judge, nothing."""
        if self.is_tool or self.name in metrics.JUDGES:
            return None
        right = metrics.texts(example[self.field])
        expected = f"is one of: {'; '.join(right)}" if len(right) > 1 else f"is: {''.join(right)}"
        return f"The score is {score:g}. The expected {self.field} {expected}"

    def _fails(self, example: Any, error: Exception) -> None:
        told = f"row {self._rows.get(_key(example), 0)}: {_said(error)}"
        with self._lock:
            self.errors += 1
            if self.errors == self._most_errors:
                times = f"failed {self.errors} times, the last time for {told}"
                self._cause = MetricFailed(f"the metric {self.name} {times}")
        self.failed(f"the metric {self.name} failed: {told}")
        self.scored(0.0)
        # Of threads that fail at once, all end by the same.
        if self._cause is not None:
            raise JobEnded(self._cause)


def _said(error: Exception) -> str:
    if isinstance(error, ToolFailed):
        return f"{error.type}: {error.message}"
    return f"{type(error).__name__}: {message_of(error)}"


def _tool(name: str, call: CallContext | None) -> Callable[[Any, Any, str | None], Any]:
    known = [tool["name"] for tool in call.tools] if call is not None else []
    if call is None or name not in known:
        raise InvalidInput(f"the call has no tool {name!r:.60} to score by{nearest(name, known)}")

    def ask(example: Any, prediction: Any, predictor: str | None) -> Any:
        fields = {} if prediction is None else dict(prediction.items())
        given = {"example": plain(dict(example.items())), "prediction": plain(fields)}
        if predictor is not None:
            given["predictor"] = predictor
        return call.call_tool(name, given)

    return ask


def _key(example: Any) -> bytes:
    fields = sorted((str(key), repr(value)) for key, value in example.items())
    return msgspec.msgpack.encode(fields)
