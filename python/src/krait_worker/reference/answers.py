"""DSPy's answers to questions, each in the form in which answers are recorded.

A question is a row without its answer; the shape tells its kind, as for `krait parity`.
"""

import contextlib
import io
import typing
import warnings
from collections.abc import Callable
from typing import Any

import dspy
import json_repair
from dspy.adapters.utils import (
    format_field_value,
    get_annotation_name,
    parse_value,
    translate_field_type,
)
from dspy.evaluate import metrics
from dspy.signatures.signature import infer_prefix
from dspy.utils.exceptions import AdapterParseError
from pydantic.fields import FieldInfo

from krait_worker.reference.tagged import tagged, untagged

Row = dict[str, Any]

ADAPTERS: dict[str, Any] = {
    "ChatAdapter": dspy.ChatAdapter,
    "JSONAdapter": dspy.JSONAdapter,
    "XMLAdapter": dspy.XMLAdapter,
}


class UnknownQuestion(ValueError):
    """A row of no known kind."""


def answer(row: Row) -> Row:
    """The row with DSPy's answer; exceptions of DSPy's are answers too."""
    # What `typing` remembers of earlier rows would show in the order of unions.
    for forget in typing._cleanups:  # type: ignore[attr-defined]
        forget()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return _kind(row)(row)


def _kind(row: Row) -> Callable[[Row], Row]:
    keys: list[tuple[frozenset[str], Callable[[Row], Row]]] = [
        (frozenset({"op", "adapter", "signature"}), _adapter),
        (frozenset({"signature"}), _signature),
        (frozenset({"gold", "pred"}), _metrics),
        (frozenset({"name"}), _prefix),
        (frozenset({"type", "raw"}), _parse_value),
        (frozenset({"input"}), _repair),
        (frozenset({"value"}), _format_value),
    ]
    for needed, kind in keys:
        if needed <= row.keys():
            return kind
    raise UnknownQuestion(f"no question has the keys {', '.join(sorted(row))!r:.200}")


def failure(error: BaseException) -> Row:
    """An exception by its class and text."""
    return {"class": type(error).__name__, "message": str(error)}


def _signature(row: Row) -> Row:
    try:
        signature = dspy.Signature(row["signature"])
    except Exception as error:  # noqa: BLE001 - whatever DSPy raises is its answer
        return {**row, "ok": False, "error": failure(error)}
    fields = [_field(name, info) for name, info in signature.fields.items()]
    return {
        **row,
        "ok": True,
        "instructions": signature.instructions,
        "signature_str": signature.signature,
        "fields": fields,
        "dump_state": signature.dump_state(),
        **_with_instructions(row),
    }


def _with_instructions(row: Row) -> Row:
    """The same signature with instructions of the question's own, each what they become."""
    if "with_instructions" not in row:
        return {}
    answers = []
    for question in row["with_instructions"]:
        signature = dspy.Signature(row["signature"], question["given"])
        answers.append({**question, "ok": True, "instructions": signature.instructions})
    return {"with_instructions": answers}


def _field(name: str, info: FieldInfo) -> Row:
    extra: Any = info.json_schema_extra
    kind = extra["__dspy_field_type"]
    field = {
        "name": name,
        "kind": kind,
        "type": get_annotation_name(info.annotation),
        "prefix": extra["prefix"],
        "desc": extra["desc"],
    }
    if "IS_TYPE_UNDEFINED" in extra:
        field["is_type_undefined"] = extra["IS_TYPE_UNDEFINED"]
    if kind == "output":
        # A type that no JSON Schema describes fails when it is asked for, not with the signature.
        with contextlib.suppress(Exception):
            field["note"] = translate_field_type(name, info)
    return field


def _adapter(row: Row) -> Row:
    adapter = ADAPTERS[row["adapter"]]()
    try:
        signature = dspy.Signature(row["signature"])
        if row["op"] == "format":
            demos = [untagged(demo) for demo in row.get("demos", [])]
            messages = adapter.format(signature, demos, untagged(row["inputs"]))
            return {**row, "expect": {"messages": messages}}
        fields = adapter.parse(signature, row["completion"])
    except Exception as error:  # noqa: BLE001 - whatever DSPy raises is its answer
        expect = {"error": failure(error)}
        if isinstance(error, AdapterParseError) and error.parsed_result is not None:
            expect["parsed_result"] = tagged(error.parsed_result)
        return {**row, "expect": expect}
    types = {name: type(value).__name__ for name, value in fields.items()}
    return {**row, "expect": {"fields": tagged(fields), "types": types}}


def _parse_value(row: Row) -> Row:
    try:
        signature = dspy.Signature(f"x -> y: {row['type']}")
        value = parse_value(row["raw"], signature.output_fields["y"].annotation)
    except Exception as error:  # noqa: BLE001 - whatever DSPy raises is its answer
        return {**row, "ok": False, "error": failure(error)}
    return {**row, "ok": True, "value": tagged(value), "py": type(value).__name__}


def _format_value(row: Row) -> Row:
    value = untagged(row["value"])
    answers: Row = {"py": type(value).__name__, "repr": repr(value)}
    for key, annotation in (("as_str_field", str), ("as_other_field", int)):
        try:
            answers[key] = format_field_value(FieldInfo(annotation=annotation), value)
        except Exception as error:  # noqa: BLE001 - whatever DSPy raises is its answer
            answers[key] = {"error": failure(error)}
    return {**row, **answers}


def _repair(row: Row) -> Row:
    try:
        value = json_repair.loads(row["input"])
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return {**row, "ok": False, "error": failure(error)}
    return {**row, "ok": True, "value": tagged(value), "py": type(value).__name__}


def _prefix(row: Row) -> Row:
    return {**row, "prefix": infer_prefix(row["name"])}


def _metrics(row: Row) -> Row:
    prediction = row["pred"]
    golds = row["gold"] if isinstance(row["gold"], list) else [row["gold"]]
    example = dspy.Example(answer=row["gold"])
    predicted = dspy.Prediction(answer=prediction, context=[prediction])
    try:
        answers = {
            "em": metrics.EM(prediction, golds),
            "f1": metrics.F1(prediction, golds),
            "hotpot_f1": metrics.HotPotF1(prediction, golds),
            "precision": max(metrics.precision_score(prediction, gold) for gold in golds),
            "answer_exact_match": metrics.answer_exact_match(example, predicted),
            "answer_match_frac_0.5": metrics.answer_exact_match(example, predicted, frac=0.5),
            "answer_passage_match": metrics.answer_passage_match(example, predicted),
        }
    except ValueError as error:
        return {**row, "error": failure(error)}
    normalized = {
        "gold": [metrics.normalize_text(gold) for gold in golds],
        "pred": metrics.normalize_text(prediction),
    }
    return {**row, **answers, "normalized": normalized}
