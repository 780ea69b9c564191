"""DSPy's metrics by name: what each compares, and how it is asked."""

import math
from collections.abc import Callable
from typing import Any

import dspy
from dspy.evaluate import metrics

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import outputs
from krait_worker.adapters.dspy.tools import plain
from krait_worker.faults import InvalidInput

#: Of an example and a prediction: a number, true or false, or a map with a `score`.
Scoring = Callable[[Any, Any], Any]

#: Of a text and the list of those that are right.
_OF_TEXTS: dict[str, Callable[[str, list[str]], float]] = {
    "EM": metrics.EM,
    "F1": metrics.F1,
    "HotPotF1": metrics.HotPotF1,
    "precision_score": lambda text, right: metrics.precision_score(text, right[0]),
}
#: Of an example and a prediction, each with a field that DSPy names itself.
_OF_ANSWERS = ("answer_exact_match", "answer_passage_match")
#: Those that ask an LM, and the fields that each reads, of the example and of the prediction.
JUDGES = {
    "SemanticF1": (("question", "response"), ("response",)),
    "CompleteAndGrounded": (("question", "response"), ("response", "context")),
}
NAMES = [*_OF_TEXTS, *_OF_ANSWERS, *JUDGES]
_OPTIONS = {"SemanticF1": frozenset({"decompositional"}), "CompleteAndGrounded": frozenset[str]()}


def known(name: Any, names: list[str], where: str = "") -> str:
    """The name, where it is one of those; else raises `InvalidInput` with the nearest."""
    if isinstance(name, str) and name in names:
        return name
    place = f"{where}: " if where else ""
    raise InvalidInput(f"{place}there is no metric {name!r:.60}{nearest(str(name)[:80], names)}")


def scoring(name: str, field: str, fraction: float) -> Scoring:
    """DSPy's metric of that name over that field; `fraction` is DSPy's `frac`."""
    if name in JUDGES:
        judge = getattr(dspy.evaluate, name)()
        return lambda example, prediction: judge(example, prediction).score
    if name == "answer_passage_match":
        return lambda example, prediction: metrics.answer_passage_match(
            dspy.Example(answer=texts(example[field])),
            dspy.Example(context=prediction["context"]),
        )
    if name == "answer_exact_match":
        return lambda example, prediction: metrics.answer_exact_match(
            dspy.Example(answer=texts(example[field])),
            dspy.Example(answer=_text(prediction[field])),
            frac=fraction,
        )
    score = _OF_TEXTS[name]
    return lambda example, prediction: score(_text(prediction[field]), texts(example[field]))


def texts(value: Any) -> list[str]:
    """What an example has for right: one text, or each of a list."""
    return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]


def _text(value: Any) -> str:
    # An enum's case is its value here, as it is for who gives the examples.
    return str(plain(value))


def number(found: Any, name: str) -> float:
    """The score in what a metric gave; raises `ValueError` where there is none."""
    score = found.get("score") if isinstance(found, dict) else found
    if not isinstance(score, (bool, int, float)) or not math.isfinite(score):
        raise ValueError(f"{name} gave no finite number")
    return float(score)


def feedback(found: Any) -> str | None:
    """What a metric had to say beside its score."""
    said = found.get("feedback") if isinstance(found, dict) else None
    return None if said is None else str(said)


class Judge:
    """A metric that asks an LM, ready to score one prediction."""

    def __init__(self, name: Any, example: Any, prediction: Any, options: Any) -> None:
        self.name = known(name, [*JUDGES])
        options = {} if options is None else options
        if not isinstance(options, dict):
            raise InvalidInput("options is a map")
        for key, value in options.items():
            if key not in _OPTIONS[name] or not isinstance(value, bool):
                taken = ", ".join(sorted(_OPTIONS[name])) or "none"
                raise InvalidInput(f"{name} takes no such option {key!r:.60}; known are {taken}")
        of_example, of_prediction = JUDGES[name]
        _check(example, "example", of_example)
        _check(prediction, "prediction", of_prediction)
        self.module = getattr(dspy.evaluate, name)(**options)
        self._arguments = (dspy.Example(**example), dspy.Prediction(**prediction))

    async def score(self) -> dict[str, Any]:
        """The score, and what was used to find it."""
        # Without an asynchronous form: on one of DSPy's threads.
        given = await dspy.asyncify(self.module)(*self._arguments)
        return {"score": number(given.score, self.name), "usage": outputs.usage(given)}


def _check(given: Any, what: str, needed: tuple[str, ...]) -> None:
    if not isinstance(given, dict):
        raise InvalidInput(f"{what} is a map of fields")
    for field in needed:
        if field not in given:
            raise InvalidInput(f"{what}.{field} is missing{nearest(field, list(given))}")
