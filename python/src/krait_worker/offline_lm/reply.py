"""Answers a request: each wanted field by the rule of its type."""

import json
import re
from typing import Any

from krait_worker.offline_lm.agents import agent_step, asked_tools
from krait_worker.offline_lm.labels import OPTIONS, SCHEMA, labels
from krait_worker.offline_lm.lessons import lesson, plain_lesson
from krait_worker.offline_lm.passages import Finding, find, stems
from krait_worker.offline_lm.prompt import Prompt, Wanted, read_prompt
from krait_worker.offline_lm.rules import ruled
from krait_worker.offline_lm.sampling import sampled

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?")
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|neither|nor|without)\b", re.IGNORECASE)
_SURE = ("confidence", "score", "probability", "certainty", "relevance")
_MOST_ITEMS = 3
_MOST_DEPTH = 8
_NO_FORMAT = (
    "This is Krait's offline LM: there is no model inside. It answers DSPy's chat and JSON formats "
    "by extraction from the inputs."
)


def completion(messages: list[dict[str, Any]], turn: int = 0) -> str:
    """The text an assistant would answer; at a turn above 0 it guesses where nothing decides."""
    prompt = read_prompt(messages)
    if prompt is None:
        return plain_lesson(messages) or _NO_FORMAT
    prompt = prompt._replace(turn=turn)
    values = agent_step(prompt) or lesson(prompt)
    if values is None:
        values = {**_values(prompt), **labels(prompt, messages), **ruled(prompt)}
    if prompt.is_json:
        return json.dumps(values, ensure_ascii=False)
    shown = [f"[[ ## {name} ## ]]\n{_shown(value)}" for name, value in values.items()]
    return "\n\n".join([*shown, "[[ ## completed ## ]]"])


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _values(prompt: Prompt) -> dict[str, Any]:
    finding = find(prompt.inputs)
    if prompt.is_refused:
        finding = finding._replace(sentences=finding.sentences[:1])
    return {wanted.name: _value(wanted, finding, prompt) for wanted in prompt.outputs}


def _value(wanted: Wanted, finding: Finding, prompt: Prompt) -> Any:
    if wanted.type == "ToolCalls":
        return asked_tools(prompt)
    if options := OPTIONS.search(wanted.note):
        return _option(options[1].split("; "), prompt)
    if schema := SCHEMA.search(wanted.note):
        try:
            shape = json.loads(schema[1])
        except ValueError:
            shape = {}
        return _Shaper(shape.get("$defs", {}), prompt).shaped(shape, wanted.name, finding)
    if wanted.type == "bool":
        return _holds(finding)
    if wanted.type == "int":
        return int(_number(wanted.name, finding))
    if wanted.type == "float":
        return float(_number(wanted.name, finding))
    return _text(wanted.name, finding)


def _text(name: str, finding: Finding) -> str:
    if name in ("reasoning", "rationale", "explanation", "next_thought"):
        return _reasoning(finding)
    best = finding.best
    if best is None:
        return finding.question or "Nothing was given."
    # A second sentence helps where it follows the first; verbatim and in the text's order.
    close = [s for s in finding.sentences[1:3] if s.passage == best.passage]
    chosen = [best, *[s for s in close if s.place == best.place + 1][:1]]
    return " ".join(sentence.text for sentence in chosen)


def _reasoning(finding: Finding) -> str:
    best = finding.best
    if best is None or not finding.shared:
        return "The offline LM found no words of the question in the passages."
    words = ", ".join(f'"{word}"' for word in finding.shared[:5])
    return (
        f"Passage {best.passage} fits best: it shares {words} with the question. "
        "The offline LM takes its answer from there."
    )


def _number(name: str, finding: Finding) -> float:
    if any(word in name for word in _SURE):
        return round(finding.coverage, 2)
    for sentence in finding.sentences[:_MOST_ITEMS]:
        if match := _NUMBER.search(sentence.text):
            return float(match[0].replace(",", ""))
    return 0.0


def _holds(finding: Finding) -> bool:
    """Whether the best sentence covers the question and says it with as many negations."""
    best = finding.best
    if best is None or finding.coverage < 0.5:
        return False
    said = len(_NEGATION.findall(best.text)) % 2
    return said == len(_NEGATION.findall(finding.question)) % 2


def _option(options: list[str], prompt: Prompt) -> str:
    """The option whose words the inputs have most of; the first of equals, or a guess."""
    words = [stem for text in prompt.inputs.values() for stem in stems(text)]

    def score(option: str) -> int:
        wanted = set(stems(option))
        return sum(word in wanted for word in words)

    best = max(options, key=score)
    return best if score(best) or not prompt.turn else sampled(options, prompt.inputs, prompt.turn)


class _Shaper:
    """Makes values that a JSON schema accepts."""

    def __init__(self, shapes: dict[str, Any], prompt: Prompt) -> None:
        self._shapes = shapes
        self._prompt = prompt

    def shaped(self, shape: dict[str, Any], name: str, finding: Finding, depth: int = 0) -> Any:
        """A value for `shape`, in a field of this name."""
        if reference := shape.get("$ref"):
            shape = self._shapes.get(str(reference).rpartition("/")[2], {})
        if depth > _MOST_DEPTH:
            return None
        if "const" in shape:
            return shape["const"]
        if "enum" in shape:
            return _among(shape["enum"], self._prompt)
        for key in ("anyOf", "oneOf", "allOf"):
            if parts := shape.get(key):
                return self.shaped(parts[0], name, finding, depth + 1)
        match shape.get("type"):
            case "object":
                properties = shape.get("properties", {}).items()
                return {key: self.shaped(part, key, finding, depth + 1) for key, part in properties}
            case "array":
                return self._array(shape, name, finding, depth)
            case "boolean":
                return _holds(finding)
            case "integer":
                return int(_number(name, finding))
            case "number":
                return _number(name, finding)
            case "null":
                return None
        return _text(name, finding)

    def _array(self, shape: dict[str, Any], name: str, finding: Finding, depth: int) -> list[Any]:
        if parts := shape.get("prefixItems"):
            return [self.shaped(part, name, finding, depth + 1) for part in parts]
        items = shape.get("items", {})
        made = [
            self.shaped(items, name, finding._replace(sentences=[sentence]), depth + 1)
            for sentence in finding.sentences[:_MOST_ITEMS]
        ]
        return _distinct(made) if shape.get("uniqueItems") else made


def _distinct(values: list[Any]) -> list[Any]:
    return [value for index, value in enumerate(values) if value not in values[:index]]


def _among(options: list[Any], prompt: Prompt) -> Any:
    named = {str(option): option for option in options}
    return named[_option(list(named), prompt)]
