"""Metrics and rewards of a spec: one of DSPy's by name, or a tool of the call's that scores."""

from typing import Any

import dspy

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import metrics, outputs
from krait_worker.adapters.dspy.run import current_run
from krait_worker.faults import InvalidInput

_KEYS = frozenset({"metric", "field", "fraction", "example"})


class Score:
    """A function of an example, or of a call's inputs, and a prediction.

    It takes the arguments of every such function of DSPy: of metrics, rewards and feedback.
    """

    def __init__(
        self, name: str, score: metrics.Scoring, example: dict[str, Any] | None = None
    ) -> None:
        self.__name__ = name
        self._score = score
        self._example = example or {}

    def __call__(self, example: Any, prediction: Any, *_: Any, **__: Any) -> Any:
        """The score; raises `ValueError` where there is none."""
        inputs = example if isinstance(example, dict) else example.toDict()
        found = self._score(dspy.Example({**inputs, **self._example}), prediction)
        score, feedback = metrics.number(found, self.__name__), metrics.feedback(found)
        return dspy.Prediction(score=score, feedback=feedback) if feedback else score


def named(given: dict[str, Any], where: str) -> Score:
    """`{"metric": "EM", "field": "answer"}`; raises `InvalidInput`.

    `example` has fields that are laid over the example, such as the answer that a reward looks for;
    `fraction` is DSPy's `frac`.
    """
    name = metrics.known(given["metric"], metrics.NAMES, f"{where}.metric")
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(key[:80], _KEYS)}")
    field, fraction = given.get("field", "answer"), given.get("fraction", 1.0)
    example = given.get("example")
    if not isinstance(field, str):
        raise InvalidInput(f"{where}.field is the name of an output field")
    if not isinstance(fraction, (int, float)) or isinstance(fraction, bool):
        raise InvalidInput(f"{where}.fraction is a number")
    if not isinstance(example, dict | None):
        raise InvalidInput(f"{where}.example is a map of fields")
    return Score(name, metrics.scoring(name, field, float(fraction)), example)


def asking(tool: dspy.Tool, where: str) -> Score:
    """`{"metric": {"tool": …}}`: the tool is given `example` and `prediction`, maps of fields.

    It answers with a number, with true or false, or with `{"score": …, "feedback": "…"}`.
    """

    def ask(example: Any, prediction: Any) -> Any:
        arguments = {"example": outputs.value(example), "prediction": outputs.value(prediction)}
        # The function behind the tool: what an LM is told of its arguments is not looked at.
        return current_run().ask(tool.func(**arguments))

    return Score(str(tool.name), ask)
