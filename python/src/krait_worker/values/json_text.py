"""JSON in the exact way: `$` escapes, duplicate keys, ranges, with the path to what is wrong."""

import base64
import binascii
import json
import math
from typing import Any, Never

from krait_worker import limits
from krait_worker.values.attachments import TAG, Attachment, Frames, Gathered, gather
from krait_worker.values.errors import MalformedBody, Unserialisable, place
from krait_worker.values.plain import INT_MAX, INT_MIN
from krait_worker.values.timestamp import Timestamp

_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_DIGITS = 20  # of the longest integer in range, with its sign


def leaf(value: Any, path: str, gathered: Gathered | None = None) -> Any:
    """Spells a plain scalar for msgspec's encoder; what is large goes to `gathered`."""
    if type(value) is Attachment:
        index = gather(value, gathered, path)
        if index is None:
            return {"$bytes": base64.b64encode(value.joined()).decode()}
        return {TAG: f"{value.form.name.lower()}:{index}"}
    if type(value) is float and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if type(value) is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if type(value) is Timestamp:
        try:
            return {"$time": value.text}
        except ValueError as error:
            raise Unserialisable(path, str(error)) from None
    return value


def escaped(made: dict[str, Any]) -> dict[str, Any]:
    """A map that would read as one of the spellings above, with one more `$`."""
    if len(made) == 1:
        key, item = next(iter(made.items()))
        if key.startswith("$"):
            return {f"${key}": item}
    return made


class _Pairs:
    """A JSON object as it was written, before its keys are looked at."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


class _Number:
    """A number that is out of range; the path to it is not known yet."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _int(text: str) -> Any:
    if len(text) <= _DIGITS and INT_MIN <= (value := int(text)) <= INT_MAX:
        return value
    return _Number("an integer beyond 64 bits")


def _float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _Number("a number beyond a float's range")


def _constant(text: str) -> Never:
    raise ValueError(f"{text} is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_int, parse_float=_float, parse_constant=_constant
)


def read(body: bytes, frames: Frames) -> Any:
    """Decodes a body and what came beside it; raises `MalformedBody`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MalformedBody("", f"not UTF-8 at byte {error.start}") from None
    try:
        raw = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedBody("", f"not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise MalformedBody("", str(error)) from None
    except RecursionError:
        raise MalformedBody("", f"nested deeper than {limits.NESTING}") from None
    value = _value(raw, "", 0, frames)
    frames.finish()
    return value


def _value(raw: Any, path: str, depth: int, frames: Frames) -> Any:
    if type(raw) is str:
        return _text(raw, path)
    if type(raw) is _Number:
        raise MalformedBody(path, raw.reason)
    if type(raw) is not list and type(raw) is not _Pairs:
        return raw
    if type(raw) is _Pairs and len(raw.pairs) == 1:
        key, item = raw.pairs[0]
        if key.startswith("$") and not key.startswith("$$"):
            return _special(key, item, path, frames)
    if depth >= limits.NESTING:
        raise MalformedBody(path, f"nested deeper than {limits.NESTING}")
    if type(raw) is list:
        return [
            _value(item, place(path, index), depth + 1, frames) for index, item in enumerate(raw)
        ]
    made: dict[str, Any] = {}
    for key, item in raw.pairs:
        name = _text(key, path)
        if len(raw.pairs) == 1 and name.startswith("$$"):
            name = name[1:]
        if name in made:
            raise MalformedBody(place(path, name), "the key is there twice")
        made[name] = _value(item, place(path, name), depth + 1, frames)
    return made


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedBody(path, "the text holds a lone surrogate") from None
    return text


def _special(key: str, item: Any, path: str, frames: Frames) -> Any:
    """The value of `{"$float": …}` or another tag."""
    if key not in ("$float", "$bytes", "$time", TAG):
        raise MalformedBody(path, f"{key:.40} names no kind of value")
    if type(item) is not str:
        raise MalformedBody(path, f"{key} without a text")
    if key == TAG:
        return frames.tagged(item, place(path, TAG))
    if key == "$float":
        if item not in _FLOATS:
            raise MalformedBody(path, "a $float other than nan, inf and -inf")
        return _FLOATS[item]
    if key == "$bytes":
        try:
            data = base64.b64decode(item, validate=True)
        except (binascii.Error, ValueError):
            raise MalformedBody(path, "$bytes that are not base64") from None
        # Python takes a last digit whose unused bits are set: then two texts were one value.
        if base64.b64encode(data).decode() != item:
            raise MalformedBody(path, "$bytes that are not base64")
        return data
    try:
        return Timestamp.parsed(item).value
    except ValueError as error:
        raise MalformedBody(path, f"$time: {error}") from None
