"""Predictions to values that the wire carries."""

import datetime
import decimal
import pathlib
import uuid
from typing import Any

import dspy
import pydantic

_AS_TEXT = (
    datetime.date,
    datetime.time,
    decimal.Decimal,
    uuid.UUID,
    pathlib.PurePath,
    pydantic.AnyUrl,
)


def reply(prediction: Any) -> dict[str, Any]:
    """The reply of a prediction: its outputs, and what they used of each model."""
    made: dict[str, Any] = {"outputs": fields(prediction), "usage": usage(prediction)}
    completions = getattr(prediction, "completions", None)
    if completions is not None and len(completions) > 1:
        made["completions"] = [fields(completion) for completion in completions]
    return made


def agent_reply(prediction: Any) -> dict[str, Any]:
    """The reply of an agent: as of a prediction, and the steps it took."""
    made = fields(prediction)
    steps = made.pop("trajectory")
    return {"outputs": made, "usage": usage(prediction), "trajectory": steps}


def fields(prediction: Any) -> dict[str, Any]:
    """The output fields by name."""
    return {name: carried(value) for name, value in prediction.items()}


def usage(prediction: Any) -> dict[str, Any]:
    """Tokens and whatever else a provider counts, by model, `cached` answers too."""
    found = prediction.get_lm_usage() or {}
    return {model: carried(counts) for model, counts in found.items()}


def whole(found: Any) -> dict[str, Any]:
    """The reply of any object of DSPy: as of a prediction, or of a `value` of another kind."""
    if isinstance(found, dspy.evaluate.EvaluationResult):
        return {"value": value(found), "usage": _sum(found.results)}
    if isinstance(found, dspy.Prediction):
        made = reply(found)
        if "trajectory" in made["outputs"]:
            made["trajectory"] = made["outputs"].pop("trajectory")
        return made
    return {"value": value(found), "usage": _sum(found)}


def value(found: Any) -> Any:
    """Whatever a part of DSPy gives, with predictions and examples as maps of their fields."""
    if isinstance(found, dspy.Completions):
        return [value(found[number]) for number in range(len(found))]
    if isinstance(found, dspy.Example):
        return {name: value(item) for name, item in found.items()}
    if isinstance(found, dict):
        return {str(key): value(item) for key, item in found.items()}
    if isinstance(found, (list, tuple)):
        return [value(item) for item in found]
    if isinstance(found, BaseException):
        return {"error": f"{type(found).__name__}: {found}"}
    if type(found).__module__ == "numpy":
        # A scalar, or an array of few numbers; tables and tensors go by other operations.
        return found.tolist()
    return carried(found)


def _sum(found: Any) -> dict[str, Any]:
    """What all predictions within a value have used."""
    total: dict[str, Any] = {}
    if isinstance(found, dspy.Prediction):
        return usage(found)
    if isinstance(found, (list, tuple)):
        for item in found:
            for model, counts in _sum(item).items():
                known = total.setdefault(model, {})
                for name, count in counts.items():
                    if isinstance(count, (int, float)):
                        known[name] = known.get(name, 0) + count
    return total


def carried(value: Any) -> Any:
    """A value with the types that only outputs have turned into plain ones; others as they are."""
    if isinstance(value, pydantic.BaseModel):
        return carried(value.model_dump(mode="python"))
    if isinstance(value, dict):
        return {key: carried(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [carried(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((carried(item) for item in value), key=repr)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value) if isinstance(value, _AS_TEXT) else value
