"""The reference adapter, beside what DSPy 3.4.1 is known to answer."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

dspy = pytest.importorskip("dspy")

from dspy_versions import needs_pinned_dspy  # noqa: E402
from krait_worker.faults import InvalidInput  # noqa: E402
from krait_worker.loading import load  # noqa: E402
from krait_worker.offline_lm.adapter import OfflineLM  # noqa: E402
from krait_worker.reference import Reference  # noqa: E402
from krait_worker.reference.answers import UnknownQuestion, answer  # noqa: E402
from krait_worker.reference.tagged import UnknownTag, tagged, untagged  # noqa: E402


def ask(row: dict[str, Any]) -> dict[str, Any]:
    """Through the operation, as a pool asks."""
    return json.loads(Reference().answers([json.dumps(row)])[0])


def test_it_is_loaded_by_its_name() -> None:
    loaded = load("krait_worker.reference:Reference", {}, [])
    assert sorted(loaded.operations) == ["answers", "measure", "perform", "program"]


@pytest.mark.parametrize(
    "value",
    [
        None, True, 1, 10**30, 1.5, "é", b"x\xff", 1j, [1, (2, {3})], {"a": {1: 2, "b": None}},
        frozenset({1}), {"$py": 1},
    ],
)  # fmt: skip
def test_values_come_back_from_their_tags(value: Any) -> None:
    assert repr(untagged(json.loads(json.dumps(tagged(value))))) == repr(value)


def test_floats_that_json_lacks_are_tagged() -> None:
    assert tagged(float("-inf")) == {"$py": "float", "value": "-inf"}
    assert repr(untagged(tagged(float("nan")))) == "nan"


def test_objects_are_tagged_with_their_json() -> None:
    code = dspy.Code(code="x = 1")
    row = tagged(code)
    assert row["class"] == "Code"
    assert row["json"] == "x = 1"
    assert row["fields"] == {"code": "x = 1"}
    with pytest.raises(UnknownTag):
        untagged(row)


def test_a_signature_is_answered_with_all_that_is_compared() -> None:
    row = ask({"signature": "q, n: int -> a: list[int]"})
    assert row["ok"] is True
    assert row["signature_str"] == "q, n -> a"
    assert [field["type"] for field in row["fields"]] == ["str", "int", "list[int]"]
    assert row["fields"][0]["is_type_undefined"] is True
    assert row["fields"][2]["note"].startswith("{a}        # note: ")
    assert row["dump_state"]["fields"][0] == {"prefix": "Q:", "description": "${q}"}


def test_what_dspy_refuses_is_an_answer() -> None:
    assert ask({"signature": "no arrow"})["error"]["class"] == "ValueError"
    row = ask({"type": "int", "raw": "x"})
    assert (row["ok"], row["error"]["class"]) == (False, "ValidationError")
    assert ask({"value": [1]})["as_str_field"]["error"]["class"] == "TypeError"
    assert ask({"gold": [], "pred": "x"})["error"]["class"] == "ValueError"


def test_a_union_does_not_take_its_order_from_the_row_before() -> None:
    rows = [json.dumps({"signature": f"a: {union} -> b"}) for union in
            ("str | int | None", "int | str | None")]  # fmt: skip
    types = [json.loads(row)["fields"][0]["type"] for row in Reference().answers(rows)]
    assert types == ["Union[str, int, NoneType]", "Union[int, str, NoneType]"]


@pytest.mark.parametrize("adapter", ["ChatAdapter", "JSONAdapter", "XMLAdapter"])
def test_messages_and_fields_are_the_adapters(adapter: str) -> None:
    question = {"adapter": adapter, "signature": "q -> n: int"}
    row = ask({**question, "op": "format", "inputs": {"q": "?"}, "demos": []})
    assert [message["role"] for message in row["expect"]["messages"]] == ["system", "user"]
    completions = {
        "ChatAdapter": "[[ ## n ## ]]\n3\n", "JSONAdapter": '{"n": 3}', "XMLAdapter": "<n>3</n>",
    }  # fmt: skip
    row = ask({**question, "op": "parse", "completion": completions[adapter]})
    assert row["expect"] == {"fields": {"n": 3}, "types": {"n": "int"}}
    row = ask({**question, "op": "parse", "completion": "nothing"})
    assert row["expect"]["error"]["class"] == "AdapterParseError"


def test_repair_prefix_and_metrics_are_answered() -> None:
    assert ask({"input": "{'a': 1,"})["value"] == {"a": 1}
    assert ask({"name": "isHTTPOk"})["prefix"] == "Is HTTP Ok"
    row = ask({"gold": "", "pred": ""})
    assert (row["f1"], row["answer_passage_match"]) == (0, True)


def test_instructions_of_the_question_are_cleaned_as_dspy_does() -> None:
    row = ask({"signature": "a -> b", "with_instructions": [{"given": "  x\n    y"}]})
    assert row["with_instructions"] == [{"given": "  x\n    y", "ok": True, "instructions": "x\ny"}]


def test_what_cannot_be_asked_says_so() -> None:
    row = ask({"value": {"$py": "object", "class": "Path", "str": "x"}})
    assert row["unanswered"]["class"] == "UnknownTag"


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(UnknownQuestion, match="nothing"):
        answer({"nothing": 1})


BENCHES = {
    "signature.parse.cold": {"signature": "a -> b"},
    "signature.parse.cached": {"signature": "a -> b"},
    "json.repair": {"text": "{'a': 1"},
    "template.render": {"template": "{{ a }}!", "values": {"a": 1}},
    "metric.em": {"prediction": "x", "answers": ["x"]},
    "metric.f1": {"prediction": "x", "answers": ["x"]},
} | {
    f"{name}.{kind}": {
        "signature": "q -> n: int", "inputs": {"q": "?"}, "demos": [],
        "completion": {"chat": "[[ ## n ## ]]\n3", "json": '{"n": 3}', "xml": "<n>3</n>"}[name],
    }
    for name in ("chat", "json", "xml") for kind in ("format", "parse")
}  # fmt: skip


@pytest.mark.parametrize("bench", BENCHES)
def test_every_bench_is_measured_and_performed(bench: str) -> None:
    figures = Reference().measure(bench, BENCHES[bench], 0.01)
    assert figures["us"] > 0
    assert figures["n"] >= 9
    json.dumps(Reference().perform(bench, BENCHES[bench]))


CORPUS = Path(os.environ.get("KRAIT_CORPUS", Path(__file__).parents[3] / "shared/corpus"))
ANSWERED = {
    "signatures.jsonl": ("ok", "instructions", "signature_str", "dump_state"),
    "signatures_probe.jsonl": ("ok", "instructions", "signature_str"),
    "prefix.jsonl": ("prefix",),
    "metrics.jsonl": ("em", "f1", "hotpot_f1", "precision", "answer_passage_match", "normalized"),
    "parse_value_probe.jsonl": ("ok", "value", "py"),
    "format_value_probe.jsonl": ("repr", "as_str_field", "as_other_field"),
    "json_repair.jsonl": ("ok", "value"),
    "adapter_derived_format.jsonl": ("expect",),
    "adapter_derived_parse.jsonl": ("expect",),
}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no recorded answers beside the checkout")
@needs_pinned_dspy
@pytest.mark.parametrize("name", ANSWERED)
def test_its_answers_are_the_recorded_ones(name: str) -> None:
    lines = (CORPUS / name).read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line][::7]
    for row in rows:
        if "with_custom_types" in row:
            continue
        keep = {"signature", "gold", "pred", "name", "type", "raw", "input", "op", "adapter",
                "demos", "inputs", "completion"}  # fmt: skip
        if name == "format_value_probe.jsonl":
            keep.add("value")
        try:
            given = answer({key: value for key, value in row.items() if key in keep})
        except UnknownTag:
            continue  # objects cannot be asked about, only recorded
        for key in ANSWERED[name]:
            assert given.get(key) == row.get(key), (row, key)


TRAINSET = [
    {"question": "Do bees dance?", "answer": "They do."},
    {"question": "Do snakes hear?", "answer": "Hardly."},
]


def test_a_program_is_optimized_saved_loaded_and_run() -> None:
    adapter = OfflineLM(record=True)
    adapter.begin()
    try:
        given = {
            "kind": "two_hops",
            "inputs": {"question": "Do kraits dance?"},
            "optimize": "bootstrap",
            "trainset": TRAINSET,
        }
        made = Reference().program(given, adapter.url())
        assert len(json.loads(made["state"])["hops[0].predict"]["demos"]) == 2
        asked = adapter.asked()
        loaded = {"kind": "two_hops", "inputs": given["inputs"], "state": made["state"]}
        again = Reference().program(loaded, adapter.url())
        assert (again["outputs"], again["state"]) == (made["outputs"], made["state"])
        assert adapter.asked() == asked[-2:]
        assert adapter.asked() == []
    finally:
        adapter.end()


def test_refine_advises_each_predictor_between_its_attempts() -> None:
    adapter = OfflineLM(record=True)
    adapter.begin()
    try:
        given = {"kind": "refine", "inputs": {"question": "Do kraits dance?"}, "attempts": 2}
        made = Reference().program(given, adapter.url())
        asked = [json.dumps(body["messages"]) for body in adapter.asked()]
    finally:
        adapter.end()
    assert "class TwoHops" in made["program_code"]
    assert len(asked) == 5
    assert ["hint_" in text for text in asked] == [False, False, False, True, True]


def test_a_program_of_no_known_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="kind is one of predict"):
        Reference().program({"kind": "magic"}, "http://127.0.0.1:9/v1")
