"""Reads what DSPy asks for out of the messages of its chat and JSON formats."""

import ast
import json
import re
from typing import Any, NamedTuple

_FIELD = re.compile(r"^\d+\. `(\w+)` \((.+?)\):", re.MULTILINE)
_OUTPUTS = "Your output fields are:"
_STRUCTURE = "All interactions will be structured"
_JSON_INPUTS = "Inputs will have the following structure:"
_JSON_OUTPUTS = "Outputs will be a JSON object"
_BLOCK = re.compile(r"^\[\[ ## (\w+) ## \]\][ \t]*\n?", re.MULTILINE)
_NOTE = re.compile(r"# note: the value you produce (.+)")
_TAIL = re.compile(r"\n\nRespond with (?:the corresponding output fields|a JSON object)", re.DOTALL)
_OBJECTIVE = "your objective is:"
_REFUSED = "An earlier answer was refused."
_SUBMIT = re.compile(r"`SUBMIT\((\w+(?:, \w+)*)\)`")
_TOOL = re.compile(
    r"""(?:\(\d+\) |«|["'\[])(\w+), whose description"""
    r""".*? It takes arguments (\{.*?\})\.(?=[\s»"'\]]|$)"""
)


class Wanted(NamedTuple):
    """One output field: its name, its type as DSPy writes it, and the note on its form."""

    name: str
    type: str
    note: str


class Prompt(NamedTuple):
    """A request in one of DSPy's formats."""

    inputs: dict[str, str]
    outputs: list[Wanted]
    is_json: bool
    #: Tools by name with the arguments they must have and those arguments' types.
    tools: dict[str, dict[str, str]]
    #: Whether an earlier answer broke a rule: then it is said in fewer words.
    is_refused: bool = False
    #: The outputs that code is to give to RLM's `SUBMIT`.
    submits: tuple[str, ...] = ()
    #: What the signature says of the task.
    instructions: str = ""
    #: Which sampled answer it asks for; 0 for none.
    turn: int = 0


def read_prompt(messages: list[dict[str, Any]]) -> Prompt | None:
    """The prompt; None where the messages are in none of the formats."""
    system = "\n".join(text_of(m) for m in messages if m.get("role") in ("system", "developer"))
    asked = [text_of(m) for m in messages if m.get("role") == "user"]
    _, found, after = system.partition(_OUTPUTS)
    if not found:
        return None
    is_json = _JSON_OUTPUTS in system or (bool(asked) and "Respond with a JSON object" in asked[-1])
    listed = re.split(f"{_STRUCTURE}|{_JSON_INPUTS}", after)[0]
    notes = _notes(after, is_json)
    outputs = [Wanted(name, kind, notes.get(name, "")) for name, kind in _FIELD.findall(listed)]
    inputs = asked_inputs(asked)
    tools = _tools("\n".join([system, *asked[-1:]]))
    submit = _SUBMIT.search(system)
    submits = tuple(submit[1].split(", ")) if submit else ()
    is_refused = _REFUSED in system
    task = after.partition(_OBJECTIVE)[2]
    return Prompt(inputs, outputs, is_json, tools, is_refused, submits, task) if outputs else None


def asked_inputs(asked: list[str]) -> dict[str, str]:
    """The input fields in the last of a user's messages."""
    return blocks(_TAIL.split(asked[-1])[0]) if asked else {}


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, also where its content is a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return "\n".join(str(part) for part in parts)
    return content if isinstance(content, str) else ""


def blocks(text: str) -> dict[str, str]:
    """The `[[ ## name ## ]]` blocks of a text, in order; the first of a name counts."""
    found: dict[str, str] = {}
    marks = list(_BLOCK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        found.setdefault(mark[1], text[mark.end() : end].strip())
    return found


def _notes(after: str, is_json: bool) -> dict[str, str]:
    if is_json:
        _, _, rest = after.partition(_JSON_OUTPUTS)
        start = rest.find("{")
        try:
            shown, _ = json.JSONDecoder().raw_decode(rest[start:]) if start >= 0 else ({}, 0)
        except ValueError:
            shown = {}
        shapes = {name: str(shape) for name, shape in shown.items()}
    else:
        shapes = blocks(after)
    return {name: m[1].strip() for name, text in shapes.items() if (m := _NOTE.search(text))}


def _tools(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, listed in _TOOL.findall(text):
        try:
            schema = ast.literal_eval(listed)
        except (ValueError, SyntaxError):
            schema = {}
        found[name] = required(schema) if isinstance(schema, dict) else {}
    return found


def required(schema: dict[str, Any]) -> dict[str, str]:
    """The arguments of a tool that have no default, with their types."""
    return {
        name: str(one.get("type", "string"))
        for name, one in schema.items()
        if isinstance(one, dict) and "default" not in one
    }
