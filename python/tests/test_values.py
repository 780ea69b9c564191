"""Python objects on the wire: what becomes of them, and what cannot be carried, by its path."""

import collections
import dataclasses
import decimal
import enum
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pydantic
import pytest

from krait_worker import limits
from krait_worker.envelope import Codec
from krait_worker.values import MalformedBody, Timestamp, Unserialisable, decode, encode

CODECS = [Codec.JSON, Codec.MSGPACK]


class Colour(enum.Enum):
    RED = "red"
    DEEP = ("a", 1)


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: int
    tags: tuple[str, ...] = ()


class Row(msgspec.Struct, rename="camel", tag="row"):
    row_id: int


class Pair(msgspec.Struct, array_like=True):
    a: int
    b: float


class Model(pydantic.BaseModel):
    name: str
    colour: Colour
    inner: "Model | None" = None


class Loud(str):
    def __str__(self) -> str:
        return "never"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, "red"),
        (Colour.DEEP, ["a", 1]),
        (Level.LOW, 1),
        (Point(1, ("a",)), {"x": 1, "tags": ["a"]}),
        (Row(7), {"type": "row", "rowId": 7}),
        (Pair(1, 2.0), [1, 2.0]),
        (
            Model(name="m", colour=Colour.RED, inner=Model(name="i", colour=Colour.RED)),
            {
                "name": "m",
                "colour": "red",
                "inner": {"name": "i", "colour": "red", "inner": None},
            },
        ),
        ((1, (2,)), [1, [2]]),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        (Loud("said"), "said"),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ({Colour.RED: 1}, {"red": 1}),
        ({"$a": {"$$b": {"$bytes": 1}}}, {"$a": {"$$b": {"$bytes": 1}}}),
        ({"$a": 1, "b": 2}, {"$a": 1, "b": 2}),
        (
            datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
        (Timestamp(1, 1), Timestamp(1, 1)),
        (Timestamp(-1, 999_999_999), Timestamp(-1, 999_999_999)),
        ([math.inf, -math.inf, -0.0], [math.inf, -math.inf, -0.0]),
    ],
)
def test_objects_become_values(value: Any, expected: Any, codec: Codec) -> None:
    found = decode(encode(value, codec), codec)
    assert found == expected
    assert repr(found) == repr(expected)


def test_nan_and_numpy_like_scalars() -> None:
    for codec in CODECS:
        assert math.isnan(decode(encode({"x": math.nan}, codec), codec)["x"])
    scalar = type("float32", (), {"shape": (), "item": lambda self: 1.5, "__module__": "numpy"})
    assert decode(encode([scalar()], Codec.JSON), Codec.JSON) == [1.5]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("value", "path", "part"),
    [
        ({"rows": [0, {"id": object()}]}, "result.rows[1].id", "type object"),
        ({"a": 1 << 64}, "result.a", "beyond 64 bits"),
        ([-(1 << 63) - 1], "result[0]", "beyond 64 bits"),
        ({"a": {1: 2}}, "result.a", "keys are text"),
        ({"a": "\ud800"}, "result.a", "lone surrogate"),
        ({"\ud800": 1}, "result", "lone surrogate"),
        (datetime(2026, 1, 1), "result", "no time zone"),
        ({1, 2}, "result", "type set"),
        (decimal.Decimal(1), "result", "decimal.Decimal"),
        (3j, "result", "type complex"),
        ({Colour.RED: 1, "red": 2}, "result.red", "twice"),
        (Timestamp(1 << 40, 0), "result", "years 1 to 9999"),
        (Timestamp(0, 10**9), "result", "nanoseconds"),
        (Point, "result", "cannot be carried"),
    ],
)
def test_what_cannot_be_carried_is_named_by_its_path(
    value: Any, path: str, part: str, codec: Codec
) -> None:
    with pytest.raises(Unserialisable) as raised:
        encode(value, codec)
    assert raised.value.path == path
    assert part in raised.value.reason


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("codec", CODECS)
def test_nesting_is_bounded_on_both_ways(codec: Codec) -> None:
    deepest = nested(limits.NESTING)
    assert decode(encode(deepest, codec), codec) == deepest
    with pytest.raises(Unserialisable, match="nested deeper than 128"):
        encode([deepest], codec)
    form = msgspec.json if codec == Codec.JSON else msgspec.msgpack
    with pytest.raises(MalformedBody, match="nested deeper than 128"):
        decode(form.encode([deepest]), codec)
    looped: list[Any] = []
    looped.append(looped)
    with pytest.raises(Unserialisable, match="nested deeper than 128"):
        encode(looped, codec)
    endless = b"[" * 100_000 if codec == Codec.JSON else b"\x91" * 100_000
    with pytest.raises(MalformedBody):
        decode(endless, codec)


@pytest.mark.parametrize(
    ("body", "codec", "path"),
    [
        (b'{"a":[{"b":1,"b":2}]}', Codec.JSON, "a[0].b"),
        (b'{"a":{"$time":"x"}}', Codec.JSON, "a"),
        (b"\x81\xa1a\x91\x82\xa1b\x01\xa1b\x02", Codec.MSGPACK, "a[0].b"),
        (b"\x81\xa1a\x81\x01\x02", Codec.MSGPACK, "a"),
        (b"\x91\xd4\x05\x00", Codec.MSGPACK, "[0]"),
        (b"\x91\xd6\xff", Codec.MSGPACK, "[0]"),
        (b"\xde\xff\xff", Codec.MSGPACK, ""),
        (b"\x92\x01\xa5a", Codec.MSGPACK, "[1]"),
        (b"\xa1\xff", Codec.MSGPACK, ""),
    ],
)
def test_what_is_malformed_is_named_by_its_path(body: bytes, codec: Codec, path: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        decode(body, codec)
    assert raised.value.path == path


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xcd\x00\x01", 1),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", -1),
        (b"\xca\x3f\xc0\x00\x00", 1.5),
        (b"\xdb\x00\x00\x00\x01a", "a"),
        (b"\xdd\x00\x00\x00\x01\xc0", [None]),
        (b"\xdf\x00\x00\x00\x01\xa1a\xc3", {"a": True}),
        (b"\xc6\x00\x00\x00\x01x", b"x"),
    ],
)
def test_longer_spellings_are_read_too(body: bytes, value: Any) -> None:
    found = decode(body, Codec.MSGPACK)
    assert found == value
    assert type(found) is type(value)
