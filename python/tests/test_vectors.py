"""Public vectors of JSON and MessagePack; `Tests/Fixtures/Wire/README.md` says what a row is."""

import json
from pathlib import Path
from typing import Any

import pytest

from krait_worker.envelope import Codec
from krait_worker.values import MalformedBody, decode, encode
from test_fixtures import lines, same, untagged

FIXTURE = Path(__file__).resolve().parents[2] / "Tests/Fixtures/Wire/json_test_suite.jsonl"
ROWS = [json.loads(line) for line in FIXTURE.read_text().splitlines()]
#: JSON leaves open what duplicate keys mean; Krait refuses them.
OWN_RULES = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}

#: Krait's points in time are those that Python can hold.
BEFORE_YEAR_ONE = "timestamp-18"


def test_the_suite_is_there_and_its_verdicts_are_followed():
    assert len(ROWS) == 318
    for row in ROWS:
        wanted = {"y": "read", "n": "refused"}.get(row["name"][0], row["verdict"])
        assert (row["verdict"] == wanted) == (row["name"] not in OWN_RULES), row["name"]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_text_is_read_or_refused_as_it_is_to_be(row):
    unit, times = row.get("repeat", ["", 0])
    body = bytes.fromhex(unit) * times + bytes.fromhex(row["bytes"])
    if row["verdict"] == "refused":
        with pytest.raises(MalformedBody):
            decode(body, Codec.JSON)
        return
    value = decode(body, Codec.JSON)
    for codec in (Codec.JSON, Codec.MSGPACK):
        assert decode(encode(value, codec), codec) == value


@pytest.mark.parametrize("row", lines("msgpack_test_suite.jsonl"))
def test_each_form_is_read_and_the_shortest_is_written(row: dict[str, Any]) -> None:
    bodies = [bytes.fromhex(body) for body in row["msgpack"]]
    if row["name"] == BEFORE_YEAR_ONE:
        with pytest.raises(MalformedBody):
            decode(bodies[0], Codec.MSGPACK)
        return
    value = untagged(row["value"])
    # Floats are always written in full.
    shortest = len(bodies[isinstance(value, float)])
    assert encode(value, Codec.MSGPACK) in [body for body in bodies if len(body) == shortest]
    for body in bodies:
        # An integer that is written as a float is a float: Krait tells them apart.
        is_float = body[0] in (0xCA, 0xCB)
        assert same(decode(body, Codec.MSGPACK), float(value) if is_float else value)
