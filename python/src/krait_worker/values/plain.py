"""Python objects to plain values: what a codec carries and nothing else."""

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from krait_worker import limits
from krait_worker.values.attachments import attachment_of
from krait_worker.values.errors import Unserialisable, place
from krait_worker.values.timestamp import Timestamp

INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1

_TEXT = frozenset({str})
_CONTAINERS = frozenset({dict, list})
_NUMBERS = frozenset({int, float})
#: What msgspec writes to JSON as the protocol wants it (numbers are looked at one by one).
JSON_SCALARS: frozenset[type] = frozenset({type(None), bool, int, float, str})
#: What msgspec writes to MessagePack as the protocol wants it.
PACKED_SCALARS: frozenset[type] = JSON_SCALARS | {bytes}
#: What msgspec reads from MessagePack: here a `datetime` always has a time zone.
READ_SCALARS: frozenset[type] = PACKED_SCALARS | {datetime}

Leaf = Callable[[Any, str], Any]
Wrap = Callable[[dict[str, Any]], dict[str, Any]]


def is_plain(value: Any, scalars: frozenset[type]) -> bool:
    """Whether `value` holds nothing but `scalars`, lists and maps with text keys.

    Looks at a whole level at once, since a set of types is built far faster than a loop runs. For
    JSON (`JSON_SCALARS`) also: no number and no map that needs a spelling of its own.
    """
    kind = type(value)
    if kind not in _CONTAINERS:
        return kind in scalars and (scalars is not JSON_SCALARS or _is_written(value))
    json = scalars is JSON_SCALARS
    level = [value]
    for _ in range(limits.NESTING):
        inner: list[Any] = []
        for item in level:
            if type(item) is dict:
                if not _TEXT.issuperset(map(type, item)):
                    return False
                if json and len(item) == 1 and next(iter(item)).startswith("$"):
                    return False
                children = item.values()
            else:
                children = item
            kinds = set(map(type, children))
            if not kinds <= scalars:
                if not kinds <= scalars | _CONTAINERS:
                    return False
                inner += [child for child in children if type(child) in _CONTAINERS]
            if json and kinds & _NUMBERS and not all(map(_is_written, children)):
                return False
        if not inner:
            return True
        level = inner
    return False


def _is_written(value: Any) -> bool:
    """Whether a number is in the range of JSON bodies without a spelling of its own."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is not int or INT_MIN <= value <= INT_MAX


def plain(value: Any, path: str, leaf: Leaf, wrap: Wrap | None = None, depth: int = 0) -> Any:
    """`value` with every model, enum and sequence of its turned into plain values.

    `leaf` spells what a codec spells in its own way (bytes, points in time, odd floats, what goes
    beside the body as an `Attachment`); `wrap`
    escapes a finished map. Raises `Unserialisable`.
    """
    scalar, done = _scalar(value, path)
    if done:
        return leaf(scalar, path)
    if depth >= limits.NESTING:
        raise Unserialisable(path, f"nested deeper than {limits.NESTING}")
    opened = _opened(value, path)
    if isinstance(opened, dict):
        made: dict[str, Any] = {}
        for key, item in opened.items():
            name = _key(key, path)
            if name in made:
                raise Unserialisable(place(path, name), "the key is there twice")
            made[name] = plain(item, place(path, name), leaf, wrap, depth + 1)
        return wrap(made) if wrap else made
    if isinstance(opened, list):
        return [
            plain(item, place(path, index), leaf, wrap, depth + 1)
            for index, item in enumerate(opened)
        ]
    return plain(opened, path, leaf, wrap, depth + 1)


def _key(key: Any, path: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if not isinstance(key, str):
        raise Unserialisable(path, f"the key {key!r:.60} is {_named(key)}; keys are text")
    return _text(key, path)


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unserialisable(path, "the text holds a lone surrogate") from None
    return value if type(value) is str else str.__str__(value)


def _scalar(value: Any, path: str) -> tuple[Any, bool]:
    """The plain scalar of `value` and True, or False where it is none."""
    if value is None or type(value) is bool:
        return value, True
    if isinstance(value, (enum.Enum, Timestamp)):
        return value, isinstance(value, Timestamp)
    if isinstance(value, str):
        return _text(value, path), True
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise Unserialisable(path, "the integer is beyond 64 bits; carry it as text")
        return int(value), True
    if isinstance(value, float):
        return float(value), True
    if (large := attachment_of(value, path)) is not None:
        return large, True
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), True
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Unserialisable(path, "the datetime has no time zone; give it one, such as UTC")
        return Timestamp.of(value), True
    return value, False


def _opened(value: Any, path: str) -> Any:
    """A dict or a list of what `value` holds, or what an enum or a foreign scalar stands for."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, enum.Enum):
        return value.value
    kind = type(value)
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return value.model_dump(mode="python", by_alias=False)
    if isinstance(value, msgspec.Struct):
        return _opened_struct(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    raise Unserialisable(path, f"{_named(value)} cannot be carried")


def _opened_struct(value: msgspec.Struct) -> Any:
    config = value.__struct_config__
    fields = {
        field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)
    }
    if config.tag_field is not None:
        fields = {config.tag_field: config.tag, **fields}
    return list(fields.values()) if config.array_like else fields


def _named(value: Any) -> str:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"a value of type {module}{kind.__qualname__}"
