"""Metrics and rewards of a spec: one of DSPy's by name, or a tool of the call's that scores."""

import math
from collections.abc import Callable
from typing import Any

import dspy
from dspy.evaluate import metrics

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import outputs
from krait_worker.adapters.dspy.run import current_run
from krait_worker.faults import InvalidInput

#: Those that hold one text of a prediction against the example's.
_TEXTS: dict[str, Callable[[str, list[str]], float]] = {
    "EM": metrics.EM,
    "F1": metrics.F1,
    "HotPotF1": metrics.HotPotF1,
    "precision_score": lambda text, known: metrics.precision_score(text, known[0]),
}
_JUDGES = ("SemanticF1", "CompleteAndGrounded")
NAMES = (*_TEXTS, "answer_exact_match", "answer_passage_match", *_JUDGES)
_KEYS = frozenset({"metric", "field", "fraction", "example"})


class Score:
    """A function of an example, or of a call's inputs, and a prediction.

    It takes the arguments of every such function of DSPy: of metrics, rewards and feedback.
    """

    def __init__(
        self, name: str, score: Callable[[Any, Any], Any], example: dict[str, Any] | None = None
    ) -> None:
        self.__name__ = name
        self._score = score
        self._example = example or {}

    def __call__(self, example: Any, prediction: Any, *_: Any, **__: Any) -> Any:
        """The score; raises `ValueError` where there is none."""
        inputs = example if isinstance(example, dict) else example.toDict()
        found = self._score(dspy.Example({**inputs, **self._example}), prediction)
        if isinstance(found, dict):
            score = _number(found.get("score"), self.__name__)
            feedback = found.get("feedback")
            return dspy.Prediction(score=score, feedback=feedback) if feedback else score
        return _number(found, self.__name__)


def named(given: dict[str, Any], where: str) -> Score:
    """`{"metric": "EM", "field": "answer"}`; raises `InvalidInput`.

    `example` has fields that are laid over the example, such as the answer that a reward looks for;
    `fraction` is DSPy's `frac`.
    """
    name = given["metric"]
    if not isinstance(name, str) or name not in NAMES:
        raise InvalidInput(
            f"{where}.metric: there is no metric {name!r:.60}{nearest(str(name)[:80], [*NAMES])}"
        )
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
    return Score(name, _scoring(name, field, float(fraction)), example)


def asking(tool: dspy.Tool, where: str) -> Score:
    """`{"metric": {"tool": …}}`: the tool is given `example` and `prediction`, maps of fields.

    It answers with a number, with true or false, or with `{"score": …, "feedback": "…"}`.
    """

    def ask(example: Any, prediction: Any) -> Any:
        arguments = {"example": outputs.value(example), "prediction": outputs.value(prediction)}
        # The function behind the tool: what an LM is told of its arguments is not looked at.
        return current_run().ask(tool.func(**arguments))

    return Score(str(tool.name), ask)


def _scoring(name: str, field: str, fraction: float) -> Callable[[Any, Any], Any]:
    if name in _JUDGES:
        judge = getattr(dspy.evaluate, name)()
        return lambda example, prediction: judge(example, prediction).score
    if name == "answer_passage_match":
        return lambda example, prediction: metrics.answer_passage_match(
            dspy.Example(answer=example[field]), prediction
        )
    if name == "answer_exact_match":
        return lambda example, prediction: metrics.answer_exact_match(
            dspy.Example(answer=example[field]),
            dspy.Prediction(answer=prediction[field]),
            frac=fraction,
        )
    score = _TEXTS[name]

    def of_texts(example: Any, prediction: Any) -> float:
        known = example[field]
        return score(prediction[field], [known] if isinstance(known, str) else known)

    return of_texts


def _number(found: Any, name: str) -> float:
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        raise ValueError(f"{name} gave no score but {outputs.value(found)!r:.80}")
    return float(found)
