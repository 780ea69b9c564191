"""Predictions to values that the wire carries."""

import datetime
import decimal
import pathlib
import uuid
from typing import Any

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
    """Tokens and whatever else a provider counts, by model; empty for an answer from a cache."""
    found = prediction.get_lm_usage() or {}
    return {model: carried(counts) for model, counts in found.items()}


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
