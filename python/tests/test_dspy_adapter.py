"""The dspy adapter without a process: signatures, declarations, settings, inputs, outputs."""

import datetime
import decimal
import enum
import typing
from typing import Any

import dspy
import pydantic
import pytest

from krait_worker.adapters.dspy import DSPyAdapter, outputs
from krait_worker.adapters.dspy.language_models import LanguageModels, checked
from krait_worker.adapters.dspy.programs import Programs
from krait_worker.adapters.dspy.recently_used import RecentlyUsed
from krait_worker.adapters.dspy.signatures import BoundSignature, specification
from krait_worker.calls import failure
from krait_worker.faults import InvalidInput


def bound(given: Any) -> BoundSignature:
    return BoundSignature(specification(given))


def test_a_signature_may_be_a_text_or_a_map() -> None:
    made = bound(
        {
            "text": "question, context: list[str] -> answer: int",
            "instructions": "Count.",
            "fields": {"answer": {"desc": "a number"}, "context": {}},
        }
    ).signature
    assert made.instructions == "Count."
    assert made.output_fields["answer"].annotation is int
    assert made.output_fields["answer"].json_schema_extra["desc"] == "a number"
    assert bound("a -> b").signature.instructions == "Given the fields `a`, produce the fields `b`."


@pytest.mark.parametrize(
    "text", ["a | b -> c", "int | str", "a: Nope -> b", "a -> b: list[", "->->"]
)
def test_a_signature_that_does_not_parse_is_dspy_s_own_exception(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        bound(text)
    with pytest.raises(Exception) as expected:  # noqa: PT011 - the class is what is compared
        dspy.make_signature(text, None, custom_types={"Any": Any})
    body = failure(raised.value, lambda error: None)
    assert body["code"] == "invalid_input"
    assert body["type"] == f"builtins.{type(expected.value).__name__}"
    assert str(expected.value) in body["message"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (5, "a text or a map"),
        ({"txt": "a -> b"}, "did you mean 'text'?"),
        ({}, "signature.text"),
        ({"text": "a -> b", "instructions": 5}, "signature.instructions"),
        ({"text": "a -> b", "fields": {"c": {"desc": "x"}}}, "signature.fields.c is no field"),
        ({"text": "a -> b", "fields": {"a": "x"}}, "signature.fields.a is a map"),
        ({"text": "a -> b", "fields": {"a": {"desc": 1}}}, "desc is a text"),
        ({"text": "a -> b", "types": []}, "signature.types is a map"),
        ({"text": "a -> " + "b" * 70_000}, "at most 65536"),
        ({"text": "lm -> b"}, "an input field named lm"),
        ({"text": "a -> b", "types": {"T": 1}}, 'T is a map with a "kind"'),
        ({"text": "a -> b", "types": {"T": {"kind": "x"}}}, "model or enum"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": []}}}, "1 to 256"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": [["x"]]}}}, "fields[0] is"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": [["x", "Q"]]}}}, "'Q'"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": [["x", "["]]}}}, "no type"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": [["x", "T"]]}}}, "itself"),
        ({"text": "a -> b", "types": {"T": {"kind": "model", "fields": [["_x", "int"]]}}}, "T: "),
        ({"text": "a -> b", "types": {"T": {"kind": "enum", "cases": [["x"]]}}}, "[name, value]"),
        ({"text": "a -> b", "types": {"a b": {"kind": "enum", "cases": [["x", 1]]}}}, "no name"),
        ({"text": "a -> b", "types": {f"T{n}": {} for n in range(65)}}, "at most 64"),
    ],
)
def test_a_signature_that_is_wrong_is_refused_with_its_place(given: Any, part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        bound(given)
    assert part in str(raised.value)


TYPES = {
    "Order": {
        "kind": "model",
        "fields": [
            ["id", "int", "its number"],
            ["lines", "list[Line]"],
            ["note", "str | None", None],
        ],
    },
    "Line": {"kind": "model", "fields": [["colour", "Colour"], ["count", "int"]]},
    "Colour": {"kind": "enum", "cases": [["RED", "red"], ["BLUE", "blue"]]},
}


def test_declared_types_may_name_each_other_in_any_order() -> None:
    made = bound({"text": "order: Order -> colours: list[Colour], best: Line", "types": TYPES})
    order = made.signature.input_fields["order"].annotation
    assert issubclass(order, pydantic.BaseModel)
    assert order.model_fields["id"].description == "its number"
    assert not order.model_fields["note"].is_required()
    value = {"id": 1, "lines": [{"colour": "red", "count": 2}]}
    found = made.inputs({"order": value})["order"]
    assert isinstance(found, order)
    assert found.lines[0].colour.name == "RED"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "inputs", "part"),
    [
        ("a, b -> c", {"a": 1}, "inputs.b is missing"),
        ("question -> c", {"question": "", "questoin": ""}, "did you mean 'question'?"),
        ("a: int -> c", {"a": "one"}, "inputs.a: "),
        ("a: list[int] -> c", {"a": [1, "x"]}, "inputs.a[1]: "),
        ("a: Literal['x'] -> c", {"a": "y"}, "inputs.a: "),
        ("a -> c", [], "inputs is a map"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_their_field(
    text: str, inputs: Any, part: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        bound(text).inputs(inputs)
    assert part in str(raised.value)


def test_plain_inputs_go_as_they_came() -> None:
    value = {"a": 3, "b": ["x"], "c": {"k": [1]}}
    made = bound("a: float, b, c: dict[str, list[int]] -> d").inputs(value)
    assert made == value
    assert type(made["a"]) is int


def test_a_union_s_order_is_that_of_the_text() -> None:
    for text in ("int | str | None", "str | int | None", "int | str | None"):
        annotation = bound(f"a: {text} -> b").signature.input_fields["a"].annotation
        names = [kind.__name__ for kind in typing.get_args(annotation)]
        assert names == text.replace("None", "NoneType").split(" | ")


def test_modules_are_made_once_and_forgotten_in_time() -> None:
    programs = Programs()
    first = programs.predict("a -> b")
    assert programs.predict({"text": "a -> b"}) is first
    assert programs.chain_of_thought("a -> b") is not first
    assert programs.predict({"text": "a -> b", "instructions": "x"}) is not first
    assert len(programs) == 3
    kept: RecentlyUsed[str] = RecentlyUsed(2)
    for key in (b"1", b"2", b"1", b"3"):
        kept.get(key, lambda key=key: key.decode())
    assert len(kept) == 2
    assert kept.get(b"1", lambda: "new") == "1"
    assert kept.get(b"2", lambda: "new") == "new"


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"modle": "x"}, "did you mean 'model'?"),
        ({"api_key": "secret"}, "a key is never a setting"),
        ({"model": 5}, "lm.model is str, not int"),
        ({"max_tokens": True}, "lm.max_tokens is int, not bool"),
        ({"timeout": -1}, "not negative"),
        ({"model_type": "chta"}, "chat, text, responses"),
    ],
)
def test_lm_settings_are_checked(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        checked(settings)
    assert part in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_lm_that_is_missing_is_refused_with_the_remedy(no_keys: pytest.MonkeyPatch) -> None:
    for pool, call, part in (
        ({}, None, "no LM is configured"),
        ({"model": "openai/gpt-4o-mini"}, None, "set OPENAI_API_KEY"),
        ({"model": "gpt-4o-mini"}, None, "set OPENAI_API_KEY"),
        ({}, {"model": "anthropic/claude-x"}, "set ANTHROPIC_API_KEY"),
        ({"model": "openai/x", "key_env": "MY_KEY"}, None, "MY_KEY (lm.key_env) is not set"),
        ({"model": "openai/", "api_base": "http://x"}, None, "lm: model 'openai/'"),
    ):
        with pytest.raises(InvalidInput) as raised:
            LanguageModels(pool, cache=False).find(call)
        assert part in str(raised.value)


def test_lms_are_made_once_and_keys_come_from_the_environment(
    no_keys: pytest.MonkeyPatch,
) -> None:
    no_keys.setenv("MY_KEY", "k1")
    models = LanguageModels({"model": "openai/x", "key_env": "MY_KEY"}, cache=False)
    lm = models.find(None)
    assert lm.kwargs["api_key"] == "k1"
    assert lm.cache is False
    assert models.find({}) is lm
    assert models.find({"temperature": 0.5}).kwargs["temperature"] == 0.5
    assert models.find({"temperature": None}) is lm


def test_a_key_goes_to_no_endpoint_that_a_call_names(no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("OPENAI_API_KEY", "k2")
    no_keys.setenv("MY_KEY", "k1")
    models = LanguageModels({"model": "openai/x", "key_env": "MY_KEY"}, cache=False)
    elsewhere = {"api_base": "http://elsewhere/v1"}
    assert models.find(elsewhere).kwargs["api_key"] == "none"
    assert models.find({**elsewhere, "key_env": "MY_KEY"}).kwargs["api_key"] == "k1"
    pool = LanguageModels({"model": "openai/x", **elsewhere}, cache=False)
    assert "api_key" not in pool.find(None).kwargs
    no_keys.delenv("OPENAI_API_KEY")
    assert pool.find({"temperature": 1.0}).kwargs["api_key"] == "none"


class Kind(enum.Enum):
    A = "a"


def test_outputs_become_values() -> None:
    class Item(pydantic.BaseModel):
        at: datetime.date
        kinds: set[Kind]

    found = outputs.carried(
        {
            "item": Item(at=datetime.date(2026, 1, 2), kinds={Kind.A}),
            "set": {3, 1, 2},
            "pair": (1, decimal.Decimal("1.50")),
            "naive": datetime.datetime(2026, 1, 2, 3),
            "aware": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
            "span": datetime.timedelta(seconds=1.5),
        }
    )
    assert found == {
        "item": {"at": "2026-01-02", "kinds": [Kind.A]},
        "set": [1, 2, 3],
        "pair": [1, "1.50"],
        "naive": "2026-01-02T03:00:00",
        "aware": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "span": 1.5,
    }


def test_the_adapter_s_options_are_checked() -> None:
    for options, part in (({"lm": 5}, "lm is a map"), ({"cache": "yes"}, "true or false")):
        with pytest.raises(InvalidInput, match=part):
            DSPyAdapter(**options)  # type: ignore[arg-type]
    kinds = {name: op.kind for name, op in DSPyAdapter().operations().items()}
    predictions = ["predict", "chain_of_thought", "react", "code_act", "dspy", "metric", "lm_ping"]
    optimizing = ("optimize", "optimizers")
    sessions = ("begin", "run", "load", "checkpoint", "save", "end")
    assert kinds == dict.fromkeys(
        [*predictions, *optimizing, *(f"session_{name}" for name in sessions)], "async"
    )
