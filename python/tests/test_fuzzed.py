"""Changed bodies and frames: what Swift takes or refuses, Python takes or refuses.

The rows are those of `Tests/Fixtures/Wire/fuzzed.jsonl`, or of the file that `KRAIT_FUZZED` names;
`.ci/fuzz` has many more of them written.
"""

import json
import os
from pathlib import Path

import pytest

from krait_worker.envelope import Codec, EnvelopeError, read_envelopes
from krait_worker.values import MalformedBody, decode, encode

FIXTURE = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "Wire" / "fuzzed.jsonl"
FILE = Path(os.environ.get("KRAIT_FUZZED", FIXTURE))
CODECS = {"json": Codec.JSON, "msgpack": Codec.MSGPACK}


def verdict(form: str, data: bytes) -> str:
    """What Python makes of an input, in the words of the Swift side's `AgreementTests`."""
    if form == "frame":
        try:
            found = read_envelopes(data)
        except EnvelopeError as error:
            return error.reason
        return " ".join(f"{header.kind}:{header.call_id}:{len(body)}" for header, body in found)
    try:
        value = decode(data, CODECS[form])
    except MalformedBody:
        return "malformed_body"
    return encode(value, Codec.MSGPACK).hex()


def test_both_sides_make_the_same_of_each_input() -> None:
    rows = [json.loads(line) for line in FILE.read_text().splitlines()]
    assert len(rows) >= 300
    differing = [
        (row["form"], row["bytes"], row["verdict"], found)
        for row in rows
        if (found := verdict(row["form"], bytes.fromhex(row["bytes"]))) != row["verdict"]
    ]
    if differing:
        told = "\n".join(" ".join(each) for each in differing[:20])
        pytest.fail(f"{len(differing)} of {len(rows)} differ (input, Swift, Python):\n{told}")
