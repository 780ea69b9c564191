"""The fixtures both sides read: `Tests/Fixtures/Wire`."""

import json
import math
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from krait_worker.envelope import Codec, EnvelopeError, read_envelopes
from krait_worker.values import Gathered, MalformedBody, Timestamp, decode, encode

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "Wire"
CODECS = {"json": Codec.JSON, "msgpack": Codec.MSGPACK}


def lines(name: str) -> list[Any]:
    """The rows of a file; a missing one is a failing test, not an empty table."""
    path = FOLDER / name
    if not path.exists():
        return [pytest.param({}, id=f"{name} is missing")]
    rows = [json.loads(line) for line in path.read_text().splitlines() if line]
    return [pytest.param(row, id=row["name"]) for row in rows]


def untagged(tagged: dict[str, Any]) -> Any:
    [(kind, value)] = tagged.items()
    match kind:
        case "null":
            return None
        case "bool" | "text":
            return value
        case "int":
            return int(value)
        case "float":
            return float(value)
        case "bytes":
            return bytes.fromhex(value)
        case "repeat":
            return bytes.fromhex(value[0]) * value[1]
        case "time":
            seconds, nanoseconds = int(value["seconds"]), value["nanoseconds"]
            if nanoseconds % 1_000:
                return Timestamp(seconds, nanoseconds)
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
                seconds=seconds, microseconds=nanoseconds // 1_000
            )
        case "list":
            return [untagged(item) for item in value]
        case "map":
            return {key: untagged(item) for key, item in value}
    raise AssertionError(f"unknown tag {kind}")


def same(a: Any, b: Any) -> bool:
    """Equal in value, type and order; NaN equals NaN, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


@pytest.mark.parametrize("row", lines("values.jsonl"))
def test_values_are_read_and_written_as_the_fixtures_say(row: dict[str, Any]) -> None:
    value = untagged(row["value"])
    packed = bytes.fromhex(row["msgpack"])
    assert same(decode(packed, Codec.MSGPACK), value)
    assert encode(value, Codec.MSGPACK) == packed
    assert same(decode(row["json"].encode(), Codec.JSON), value)
    assert same(decode(encode(value, Codec.JSON), Codec.JSON), value)


@pytest.mark.parametrize("row", lines("refused.jsonl"))
def test_what_the_fixtures_refuse_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody) as raised:
        decode(bytes.fromhex(row["bytes"]), CODECS[row["codec"]])
    assert raised.value.reason


@pytest.mark.parametrize("row", lines("attachments.jsonl"))
def test_attachments_are_read_and_written_as_the_fixtures_say(row: dict[str, Any]) -> None:
    frames = [bytes.fromhex(byte) * count for byte, count in row["attachments"]]
    if "refused" in row:
        with pytest.raises(MalformedBody):
            decode(bytes.fromhex(row["bytes"]), CODECS[row["codec"]], frames)
        return
    value = untagged(row["value"])
    for codec, body in [
        (Codec.MSGPACK, bytes.fromhex(row["msgpack"])),
        (Codec.JSON, row["json"].encode()),
    ]:
        gathered: Gathered = []
        assert encode(value, codec, gathered=gathered) == body
        assert [attachment.joined() for attachment in gathered] == frames
        assert same(decode(body, codec, frames), value)
        views = decode(body, codec, frames, views=True)
        assert same(decode(encode(views, codec), codec), value)


@pytest.mark.parametrize("row", lines("envelopes.jsonl"))
def test_envelopes_are_read_as_the_fixtures_say(row: dict[str, Any]) -> None:
    message = bytes.fromhex(row["bytes"])
    if "error" in row:
        with pytest.raises(EnvelopeError) as raised:
            read_envelopes(message)
        assert raised.value.reason == row["error"]
        return
    found = read_envelopes(message)
    headers = [
        {
            "kind": header.kind.name.lower(),
            "codec": header.codec.name.lower() if header.codec else "none",
            "attachments": header.attachments,
            "call_id": str(header.call_id),
            "body_length": header.body_length,
            "remaining": header.number,
        }
        for header, _ in found
    ]
    expected = [{**header, "codec": header["codec"] or "none"} for header in row["headers"]]
    assert headers == expected
    if "bodies" in row:
        assert [body.hex() for _, body in found] == row["bodies"]
