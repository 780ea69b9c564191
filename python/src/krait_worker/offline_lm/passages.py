"""Finds the sentences of the inputs that fit a question best."""

import json
import math
import re
from collections import Counter
from typing import NamedTuple

_QUESTION_NAMES = ("question", "query", "claim", "instruction", "task", "goal", "request")
_STOP_WORDS = """
    a about after all also an and any are as at be because been before but by can could did do does
    for from had has have how i if in into is it its may me more most must my no not of on one or
    our shall should so some such than that the their them then there these they this those to was
    we were what when where which while who whom whose why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"\w+(?:[-./+]\w+)*")
_BLOB = re.compile(r"«««\n(.*?)\n»»»|«(.*?)»", re.DOTALL)
_NUMBERED = re.compile(r"^\[\d+\] ", re.MULTILINE)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9\"'(`\[])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|Mr|Mrs|Dr|No|Fig|Sec|approx)\.|\b[A-Z]\.)$"
)
_K1, _B = 1.2, 0.75
_MOST_SENTENCES = 20_000
_DEFINING = re.compile(r"\s*what (?:is|are)\b", re.IGNORECASE)
_DEFINED, _UNFINISHED = 1.5, 0.7
#: What a ReAct trajectory holds beside the observations.
_STEPS = re.compile(r"(?:thought|tool_name|tool_args)_\d+|trajectory")


class Sentence(NamedTuple):
    """A sentence and where it stands: passages count from 1."""

    text: str
    passage: int
    place: int


class Finding(NamedTuple):
    """What fits a question best."""

    question: str
    #: Best first.
    sentences: list[Sentence]
    #: The question's words the best sentence has, and the share of all of them.
    shared: list[str]
    coverage: float

    @property
    def best(self) -> Sentence | None:
        """The best sentence; None where there was nothing to search."""
        return self.sentences[0] if self.sentences else None


def find(inputs: dict[str, str]) -> Finding:
    """Searches all inputs but the question for the question's words."""
    name = question_of(inputs)
    question = inputs.get(name, "") if name else ""
    others = [field for field in inputs if field != name and not _STEPS.fullmatch(field)]
    texts = [inputs[field] for field in others] or [question]
    sentences: list[Sentence] = []
    count = 0
    for text in texts:
        for passage in passages(text):
            count += 1
            found = enumerate(split(passage))
            sentences += [Sentence(sentence, count, index) for index, sentence in found]
    ranked, words = _ranked(question, sentences[:_MOST_SENTENCES])
    best = set(stems(ranked[0].text)) if ranked else set()
    shared = [said for word, said in words.items() if word in best]
    return Finding(question, ranked, shared, len(shared) / len(words) if words else 0.0)


def question_of(inputs: dict[str, str]) -> str | None:
    """The field that asks: by its name, by a question mark, or the shortest."""
    for known in _QUESTION_NAMES:
        if known in inputs:
            return known
    asking = [name for name, text in inputs.items() if text.rstrip().endswith("?")]
    candidates = asking or list(inputs)
    return min(candidates, key=lambda name: len(inputs[name]), default=None)


def passages(text: str) -> list[str]:
    """The members of a list as DSPy writes it, or the paragraphs of a text."""
    blobs = [
        "\n".join(line.strip() for line in (a or b).split("\n")) for a, b in _BLOB.findall(text)
    ]
    if blobs:
        return blobs
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [_text_of(item) for item in found]
    if _NUMBERED.search(text):
        return [part.strip() for part in _NUMBERED.split(text) if part.strip()]
    return [part for part in re.split(r"\n\s*\n", text) if part.strip()]


def _text_of(item: object) -> str:
    if isinstance(item, dict):
        return " ".join(_text_of(value) for value in item.values())
    if isinstance(item, list):
        return " ".join(_text_of(value) for value in item)
    return str(item)


def split(passage: str) -> list[str]:
    """The sentences of a passage, lines joined, headings left out where there is more."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", passage):
        pieces: list[str] = []
        for piece in _END.split(" ".join(paragraph.split())):
            if pieces and _ABBREVIATION.search(pieces[-1]):
                pieces[-1] += f" {piece}"
            else:
                pieces.append(piece)
        found += [piece for piece in pieces if piece]
    whole = [sentence for sentence in found if len(sentence.split()) >= 4]
    return whole or found


def stems(text: str) -> list[str]:
    """The words that say something, without the commonest endings."""
    return [stem for stem, _ in stemmed(text)]


def stemmed(text: str) -> list[tuple[str, str]]:
    """Those words, each after its stem."""
    words = [word.lower() for word in _WORD.findall(text)]
    return [(_stem(word), word) for word in words if word not in _STOP]


def _stem(word: str) -> str:
    for ending, least in (("ing", 6), ("ies", 5), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word.removesuffix("e") if len(word) > 4 else word


def _ranked(question: str, sentences: list[Sentence]) -> tuple[list[Sentence], dict[str, str]]:
    """Sentences by BM25 of the question's words, ties in the order of the text; and the words."""
    words = dict(reversed(stemmed(question)))
    bags = [Counter(stems(sentence.text)) for sentence in sentences]
    lengths = [sum(bag.values()) for bag in bags]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    seen = Counter(word for bag in bags for word in bag)
    terms = "|".join(re.escape(word) for word in words) if _DEFINING.match(question) else ""
    defines = re.compile(rf"\b(?:{terms})\w*\W+(?:is|are|means?)\b", re.IGNORECASE)

    def score(index: int) -> float:
        bag, total = bags[index], 0.0
        for word in words:
            if count := bag[word]:
                rare = math.log(1 + (len(bags) - seen[word] + 0.5) / (seen[word] + 0.5))
                norm = _K1 * (1 - _B + _B * lengths[index] / (mean or 1))
                total += rare * count * (_K1 + 1) / (count + norm)
        text = sentences[index].text
        if terms and defines.search(text):
            total *= _DEFINED
        return total * _UNFINISHED if text.endswith(":") else total

    scores = [score(index) for index in range(len(bags))]
    order = sorted(range(len(bags)), key=lambda index: (-scores[index], index))
    return [sentences[index] for index in order], dict(reversed(words.items()))
