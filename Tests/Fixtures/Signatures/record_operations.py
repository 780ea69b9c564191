"""Records what DSPy does with chains of operations on signatures, as `operations.jsonl`.

    python record_operations.py > operations.jsonl
"""

import json
import random
import sys
import typing
import warnings
from typing import Any

import dspy

STARTS = [
    "a, b -> c, d", "question -> answer", "q: str, ctx: list[str] -> a: int", "-> x", "x ->",
    "text: Optional[str], n: Literal['é', 2] -> out: dict[str, Any], isHTTPOk: bool",
    "aB, HTTPCode2 -> r",
]  # fmt: skip
TYPES = ["int", "list[int]", "Literal['x', 'y']", "Optional[float]", "dict[str, list[str]]", "str"]
TEXTS = [
    "", "Do it.", "  Two\n    lines\n  here ", "\n\n  first\n    second\n", "a\tb\n\tc\n\t\td", "é",
]  # fmt: skip
DESCRIPTIONS = [None, None, "", "the value", "${a}", "${x}", " spaced "]
PREFIXES = [None, None, None, "P:", "Own prefix"]
NAMES = ["a", "b", "c", "d", "x", "y", "question", "answer", "newField", "r"]
SPACE = {"int": int, "list": list, "dict": dict, "str": str, "float": float, **vars(typing)}


def field_of(op: dict[str, Any]) -> Any:
    extra = {key: op[key] for key in ("desc", "prefix") if key in op}
    make = dspy.InputField if op["kind"] == "input" else dspy.OutputField
    return make(**extra)


def perform(signature: Any, op: dict[str, Any]) -> Any:
    kind = op["op"]
    type_ = eval(op["type"], dict(SPACE)) if "type" in op else None  # noqa: S307
    if kind in ("append", "prepend"):
        return getattr(signature, kind)(op["name"], field_of(op), type_)
    if kind == "insert":
        return signature.insert(op["index"], op["name"], field_of(op), type_)
    if kind == "delete":
        return signature.delete(op["name"])
    if kind == "with_updated_fields":
        extra = {key: op[key] for key in ("desc", "prefix") if key in op}
        return signature.with_updated_fields(op["name"], type_, **extra)
    if kind == "load_state":
        return signature.load_state(op["state"])
    return getattr(signature, kind)(op["text"])


def random_operation(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice([
        "append", "prepend", "insert", "insert", "delete", "with_instructions",
        "append_instructions", "with_updated_fields", "with_updated_fields", "load_state",
    ])  # fmt: skip
    op: dict[str, Any] = {"op": kind}
    if kind in ("with_instructions", "append_instructions"):
        return op | {"text": rng.choice(TEXTS)}
    if kind == "load_state":
        rows = [
            {"prefix": rng.choice(["A:", "Own"]), "description": rng.choice(["x", "${a}", "${x}"])}
            for _ in range(rng.randrange(5))
        ]
        return op | {"state": {"instructions": rng.choice(TEXTS[1:]), "fields": rows}}
    op["name"] = rng.choice(NAMES)
    if kind == "delete":
        return op
    if kind != "with_updated_fields":
        op["kind"] = rng.choice(["input", "output"])
    if kind == "insert":
        op["index"] = rng.randrange(-4, 5)
    if rng.random() < 0.4:
        op["type"] = rng.choice(TYPES)
    for key, values in (("desc", DESCRIPTIONS), ("prefix", PREFIXES)):
        value = rng.choice(values)
        if value is not None:
            op[key] = value
    return op


def record(rng: random.Random) -> dict[str, Any]:
    start = rng.choice(STARTS)
    text = rng.choice([None, None, *TEXTS])
    signature = first = dspy.Signature(start, text) if text is not None else dspy.Signature(start)
    operations = [random_operation(rng) for _ in range(rng.randrange(1, 5))]
    row: dict[str, Any] = {"signature": start, "given": text, "operations": operations}
    for index, op in enumerate(operations):
        try:
            signature = perform(signature, op)
        except Exception as error:  # noqa: BLE001 - the class is what is recorded
            return row | {"error": type(error).__name__, "at": index}
    fields = [
        {
            "name": name, "kind": info.json_schema_extra["__dspy_field_type"],
            "type": dspy.adapters.utils.get_annotation_name(info.annotation),
            "prefix": info.json_schema_extra["prefix"], "desc": info.json_schema_extra["desc"],
        }
        for name, info in signature.fields.items()
    ]  # fmt: skip
    return row | {
        "fields": fields,
        "state": signature.dump_state(),
        "text": signature.signature,
        "equals_first": signature.equals(first),
        "equals_itself_rebuilt": signature.equals(signature.delete("there_is_none")),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    generator = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)  # noqa: S311
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 150
    for _ in range(count):
        print(json.dumps(record(generator), ensure_ascii=False))
