"""Labels from the demos that a prompt shows."""

import itertools
import json
import re
from typing import Any

from krait_worker.offline_lm.passages import stems
from krait_worker.offline_lm.prompt import Prompt, Wanted, asked_inputs, blocks, text_of

#: What DSPy says of an output that is one of some values, or of a JSON schema's.
OPTIONS = re.compile(r"must (?:exactly match \(no extra characters\) |be )one of: (.+)")
SCHEMA = re.compile(r"must adhere to the JSON schema: (\{.*\})")
_NO_LABELS = ("bool", "int", "float", "ToolCalls")
#: From how many demos on it tells labels from what was found.
_FEWEST = 2
#: How long a label is, where the signature does not list them.
MOST_WORDS = 3

#: The inputs and outputs of an earlier answer.
Demo = tuple[dict[str, str], dict[str, str]]


def labels(prompt: Prompt, messages: list[dict[str, Any]]) -> dict[str, str]:
    """The outputs that have labels in all the demos, each with the label of the nearest."""
    demos = _demos(messages)
    found = {wanted.name: _label(wanted, prompt, demos) for wanted in prompt.outputs}
    return {name: label for name, label in found.items() if label is not None}


def options_of(wanted: Wanted) -> list[str] | None:
    """The labels an output is one of, none where any text can be; None where it has no labels."""
    if options := OPTIONS.search(wanted.note):
        return options[1].split("; ")
    return None if wanted.type in _NO_LABELS or SCHEMA.search(wanted.note) else []


def _demos(messages: list[dict[str, Any]]) -> list[Demo]:
    """The pairs of a question and its answer, which DSPy writes before what is asked."""
    found = []
    for asked, answered in itertools.pairwise(messages):
        if asked.get("role") == "user" and answered.get("role") == "assistant":
            text = text_of(answered)
            try:
                told = {str(key): str(value) for key, value in dict(json.loads(text)).items()}
            except (TypeError, ValueError):
                told = blocks(text)
            found.append((asked_inputs([text_of(asked)]), told))
    return found


def _label(wanted: Wanted, prompt: Prompt, demos: list[Demo]) -> str | None:
    """The label of the demo whose inputs share most words with these; the first of equals.

    None unless all demos have a label there: an option, or a few words that their inputs do not
    hold. None also for a sampled option where the nearest demos have several.
    """
    options = options_of(wanted)
    if options is None:
        return None
    name = wanted.name
    known = [(inputs, told[name]) for inputs, told in demos if told.get(name)]
    if len(known) < _FEWEST:
        return None
    for inputs, label in known:
        is_short = len(label.split()) <= MOST_WORDS
        is_found = any(label.lower() in text.lower() for text in inputs.values())
        if label not in options if options else not is_short or is_found:
            return None
    words = {stem for text in prompt.inputs.values() for stem in stems(text)}

    def shared(one: tuple[dict[str, str], str]) -> int:
        return len(words.intersection(stem for text in one[0].values() for stem in stems(text)))

    nearest = max(known, key=shared)
    if prompt.turn and options:
        most = shared(nearest)
        if any(label != nearest[1] and shared((inputs, label)) == most for inputs, label in known):
            return None
    return nearest[1]
