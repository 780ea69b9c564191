"""DSPy's metrics that ask an LM, by name."""

import math
from typing import Any

import dspy

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import outputs
from krait_worker.faults import InvalidInput

_KINDS: dict[str, Any] = {
    "SemanticF1": dspy.evaluate.SemanticF1,
    "CompleteAndGrounded": dspy.evaluate.CompleteAndGrounded,
}
#: The fields that each reads, of the example and of the prediction.
_READ = {
    "SemanticF1": (("question", "response"), ("response",)),
    "CompleteAndGrounded": (("question", "response"), ("response", "context")),
}
_OPTIONS = {"SemanticF1": frozenset({"decompositional"}), "CompleteAndGrounded": frozenset[str]()}


class Judge:
    """A metric, ready to score one prediction."""

    def __init__(self, name: Any, example: Any, prediction: Any, options: Any) -> None:
        if not isinstance(name, str) or name not in _KINDS:
            raise InvalidInput(f"there is no metric {name!r:.60}{nearest(str(name), [*_KINDS])}")
        options = {} if options is None else options
        if not isinstance(options, dict):
            raise InvalidInput("options is a map")
        for key, value in options.items():
            if key not in _OPTIONS[name] or not isinstance(value, bool):
                known = ", ".join(sorted(_OPTIONS[name])) or "none"
                raise InvalidInput(f"{name} takes no such option {key!r:.60}; known are {known}")
        of_example, of_prediction = _READ[name]
        _check(example, "example", of_example)
        _check(prediction, "prediction", of_prediction)
        self.name = name
        self.module = _KINDS[name](**options)
        self._arguments = (dspy.Example(**example), dspy.Prediction(**prediction))

    async def score(self) -> dict[str, Any]:
        """The score, and what was used to find it."""
        # Without an asynchronous form: on one of DSPy's threads.
        given = await dspy.asyncify(self.module)(*self._arguments)
        score = float(given.score)
        if not math.isfinite(score):
            raise ValueError(f"{self.name} gave {score}")
        return {"score": score, "usage": outputs.usage(given)}


def _check(given: Any, what: str, needed: tuple[str, ...]) -> None:
    if not isinstance(given, dict):
        raise InvalidInput(f"{what} is a map of fields")
    for field in needed:
        if field not in given:
            raise InvalidInput(f"{what}.{field} is missing{nearest(field, list(given))}")
