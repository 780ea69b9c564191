"""Values as JSON in which what JSON lacks is tagged, as recorded answers have them."""

import ast
import math
from enum import Enum
from typing import Any

from dspy.adapters.utils import serialize_for_json
from pydantic import BaseModel

_SEQUENCES = {"tuple": tuple, "set": set, "frozenset": frozenset}


class UnknownTag(ValueError):
    """A tag that no value of a question can have."""


def tagged(value: Any) -> Any:
    """The JSON form of a value: `{"$py": "tuple", "items": […]}` for a tuple."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        name = type(value).__name__
        return {"$py": "enum", "type": name, "name": value.name, "value": tagged(value.value)}
    kind = type(value)
    if kind in (int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$py": "float", "value": repr(value)}
    if kind is list:
        return [tagged(item) for item in value]
    if kind is dict:
        if all(type(key) is str for key in value) and "$py" not in value:
            return {key: tagged(item) for key, item in value.items()}
        return {"$py": "dict", "items": [[tagged(key), tagged(v)] for key, v in value.items()]}
    if kind.__name__ in _SEQUENCES and kind in _SEQUENCES.values():
        return {"$py": kind.__name__, "items": [tagged(item) for item in value]}
    return _instance(value)


def _instance(value: Any) -> dict[str, Any]:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    tag = name if name.startswith(("dspy.", "datetime.")) else "object"
    row = {"$py": tag, "class": kind.__name__, "json": serialize_for_json(value)}
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        row["fields"] = {field: tagged(getattr(value, field)) for field in fields}
    else:
        row["str"] = str(value)
    return row


def untagged(value: Any) -> Any:
    """The value of a JSON form; raises `UnknownTag` for objects, which questions do not hold."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag = value.get("$py")
    if tag is None:
        return {key: untagged(item) for key, item in value.items()}
    if tag in _SEQUENCES:
        return _SEQUENCES[tag](untagged(item) for item in value["items"])
    if tag == "dict":
        return {untagged(key): untagged(item) for key, item in value["items"]}
    if tag == "float":
        return float(value["value"])
    if value.get("class") in ("bytes", "complex"):
        return ast.literal_eval(value["str"])
    raise UnknownTag(f"a question cannot hold {tag!r:.60}")
