"""Rules that instructions state: the label of an output where the inputs mention certain words.

Each has a line of its own: `If the inputs mention refund, credit card: team is billing`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from krait_worker.offline_lm.labels import options_of
from krait_worker.offline_lm.passages import stems
from krait_worker.offline_lm.prompt import Prompt, Wanted

_RULE = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?If the inputs mention (.+?): (\w+) is (\S.*)$", re.MULTILINE
)
_MOST_RULES = 1_000


class Rule(NamedTuple):
    """An output's label, and the words of which each speaks for it."""

    field: str
    label: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its line."""
        return f"If the inputs mention {', '.join(self.words)}: {self.field} is {self.label}"


def read_rules(text: str) -> list[Rule]:
    """The rules among the lines of a text."""
    found = [
        Rule(match[2], match[3].strip(), tuple(word.strip() for word in match[1].split(",")))
        for match in _RULE.finditer(text)
    ]
    return found[:_MOST_RULES]


def without_rules(text: str) -> str:
    """The lines of a text that are no rules."""
    return "\n".join(line for line in text.splitlines() if not _RULE.match(line)).strip()


def ruled(prompt: Prompt) -> dict[str, str]:
    """The outputs that the rules of the instructions decide."""
    rules = read_rules(prompt.instructions)
    if not rules:
        return {}
    words = {stem for text in prompt.inputs.values() for stem in stems(text)}
    found = {wanted.name: _label(wanted, rules, words) for wanted in prompt.outputs}
    return {name: label for name, label in found.items() if label is not None}


def _labels_of_words(rules: Iterable[Rule]) -> dict[frozenset[str], set[str]]:
    """The stems of each word, and the labels that rules give it."""
    found: dict[frozenset[str], set[str]] = defaultdict(set)
    for rule in rules:
        for word in rule.words:
            if known := frozenset(stems(word)):
                found[known].add(rule.label)
    return found


def _label(wanted: Wanted, rules: list[Rule], words: set[str]) -> str | None:
    """The label that most of the inputs' words speak for; None where several have as many.

    A word that rules give several labels speaks for none.
    """
    options = options_of(wanted)
    if options is None:
        return None
    own = [r for r in rules if r.field == wanted.name and (not options or r.label in options)]
    votes: Counter[str] = Counter()
    for known, labels in _labels_of_words(own).items():
        if len(labels) == 1 and known <= words:
            votes[next(iter(labels))] += 1
    match votes.most_common(2):
        case [(_, most), (_, second)] if most == second:
            return None
        case [(label, _), *_]:
            return label
    return None
