"""Instructions and advice that an optimizer asks for: rules from the examples that it shows.

GEPA shows a program's answers with feedback on each, SIMBA a better and a worse answer to the same.
"""

import json
import re
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from krait_worker.offline_lm.labels import MOST_WORDS
from krait_worker.offline_lm.passages import stemmed, stems
from krait_worker.offline_lm.prompt import Prompt, text_of
from krait_worker.offline_lm.rules import Rule, read_rules, without_rules

#: How feedback names what was expected.
_EXPECTED = re.compile(r"\bexpected (\w+) is(?: one of: ([^;\n]+)|: (.+))")
#: How GEPA's own prompt shows examples; DSPy 3.4 has fields for them.
_FENCE = "```\n"
_EXAMPLE = re.compile(r"^# Example \d+$", re.MULTILINE)
_PART = re.compile(r"^## (Inputs|Generated Outputs|Feedback)$", re.MULTILINE)
_HEADING = re.compile(r"^#{3,6} .*$", re.MULTILINE)
_MOST_WORDS = 40
_MOST_EXAMPLES = 1_000


class Example(NamedTuple):
    """A text, and the label that an output is to have for it."""

    text: str
    field: str
    label: str


def lesson(prompt: Prompt) -> dict[str, Any] | None:
    """New instructions or advice; None where a prompt asks for none, or shows nothing to learn."""
    names = [wanted.name for wanted in prompt.outputs]
    if names == ["new_instruction"]:
        examples = _with_feedback(prompt.inputs.get("examples_with_feedback", ""))
        made = _instructions(prompt.inputs.get("current_instruction", ""), examples)
        return None if made is None else {"new_instruction": made}
    return _advice(prompt.inputs) if names == ["discussion", "module_advice"] else None


def plain_lesson(messages: list[dict[str, Any]]) -> str | None:
    """The same for the prompt that is GEPA's own; None where the messages are none."""
    head, _, rest = (text_of(messages[-1]) if messages else "").partition(_FENCE)
    current, _, rest = rest.partition("\n" + _FENCE)
    if "instructions" not in head or not rest:
        return None
    shown = rest.partition(_FENCE)[2].rpartition("\n" + _FENCE)[0]
    examples = []
    for text in _EXAMPLE.split(shown)[1 : _MOST_EXAMPLES + 1]:
        parts = _PART.split(text)
        told = dict(zip(parts[1::2], parts[2::2], strict=True))
        inputs = _HEADING.sub("", told.get("Inputs", ""))
        examples += _labelled(inputs, told.get("Feedback", ""))
    made = _instructions(current, examples)
    return None if made is None else f"```\n{made}\n```"


def _with_feedback(text: str) -> list[Example]:
    examples = []
    for one in _json(text, list)[:_MOST_EXAMPLES]:
        if isinstance(one, dict):
            examples += _labelled(_joined(one.get("Inputs")), str(one.get("Feedback", "")))
    return examples


def _labelled(text: str, feedback: str) -> list[Example]:
    found = [(field, (one or other).strip()) for field, one, other in _EXPECTED.findall(feedback)]
    return [Example(text, field, label) for field, label in found if _is_label(label)]


def _instructions(current: str, examples: list[Example]) -> str | None:
    """The current ones with rules, also from these examples; None where nothing was expected."""
    if not examples:
        return None
    known = read_rules(current)
    if len({(one.field, one.label) for one in examples}) > 1:
        known = _rules(known, examples)
    return "\n".join([without_rules(current), *(rule.text for rule in known)])


def _rules(known: list[Rule], examples: list[Example]) -> list[Rule]:
    """For each label the words that occur with it and with no other of the output's."""
    words: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for rule in known:
        words[rule.field, rule.label] |= {" ".join(stems(word)): word for word in rule.words}
    for one in examples:
        for stem, word in _words(one.text).items():
            words[one.field, one.label].setdefault(stem, word)
    labels = Counter((field, stem) for (field, _), own in words.items() for stem in own)
    made = []
    for (field, label), own in words.items():
        kept = [word for stem, word in own.items() if labels[field, stem] == 1]
        if kept:
            made.append(Rule(field, label, tuple(kept[:_MOST_WORDS])))
    return made


def _words(text: str) -> dict[str, str]:
    """The words by their stems, the first of each; what has no letter is none."""
    found: dict[str, str] = {}
    for stem, word in stemmed(text):
        if any(letter.isalpha() for letter in word):
            found.setdefault(stem, word)
    return found


def _advice(inputs: dict[str, str]) -> dict[str, Any] | None:
    """For each module a rule with the better answer's labels, where the worse one has others."""
    worse = _outputs(inputs.get("worse_program_trajectory", ""))
    advice: dict[str, str] = {}
    for step in _steps(inputs.get("better_program_trajectory", "")):
        name, words = str(step.get("module_name")), _words(_joined(step.get("inputs")))
        for field, value in _map(step.get("outputs")).items():
            label = str(value)
            if words and _is_label(label) and worse.get((name, field), label) != label:
                rule = Rule(field, label, tuple(words.values())[:_MOST_WORDS])
                advice.setdefault(name, rule.text)
    if not advice:
        return None
    told = "The offline LM takes the words of the inputs for reasons of the better answer."
    return {"discussion": told, "module_advice": advice}


def _steps(text: str) -> list[dict[str, Any]]:
    return [step for step in _json(text, list)[:_MOST_EXAMPLES] if isinstance(step, dict)]


def _outputs(text: str) -> dict[tuple[str, str], str]:
    """What each module answered, by its name and the field."""
    return {
        (str(step.get("module_name")), field): str(value)
        for step in _steps(text)
        for field, value in _map(step.get("outputs")).items()
    }


def _is_label(text: str) -> bool:
    return 0 < len(text.split()) <= MOST_WORDS and "\n" not in text


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(_joined(part) for part in value.values())
    if isinstance(value, list):
        return "\n".join(_joined(part) for part in value)
    return str(value)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _json(text: str, kind: type) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, kind) else kind()
