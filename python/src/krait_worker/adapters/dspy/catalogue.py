"""The catalogue of DSPy's public names, by introspection of the DSPy that is installed.

`python -m krait_worker.adapters.dspy.catalogue ROOT` takes in a release: it writes the Swift table
that callers' arguments are checked against and the table of the docs, and says what has changed.
"""

import inspect
import sys
import textwrap
import types
import typing
from pathlib import Path
from typing import Any, NamedTuple

import dspy
from dspy.predict.parameter import Parameter
from dspy.teleprompt.teleprompt import Teleprompter

from krait_worker.adapters.dspy import names
from krait_worker.adapters.dspy.construction import NOT_GIVEN
from krait_worker.adapters.dspy.objects import MORE
from krait_worker.adapters.dspy.parameters import Parameters

SWIFT = "Sources/Krait/DSPy/DSPyNames.swift"
DOCS = "Sources/Krait/Krait.docc/DSPyNames.md"
_WIDTH = 96

#: What Swift has for a name without a worker, in Swift's words.
NATIVE: dict[str, str] = {
    "BestOfN": "`Program.bestOf`",
    "ChainOfThought": "`chainOfThought`",
    "ChatAdapter": "`PromptAdapter.chat`",
    "Embedder": "`Embedder`",
    "Evaluate": "`Evaluation`",
    "Example": "a `ValueMap`",
    "InputField": "`FieldNotes`",
    "JSONAdapter": "`PromptAdapter.json`",
    "KNN": "`NearestDemos`",
    "LM": "`LM`",
    "MultiChainComparison": "`Program.multiChainComparison`",
    "OutputField": "`FieldNotes`",
    "Parallel": "`Program.parallel`",
    "Predict": "`predict`",
    "Prediction": "a `ValueMap`",
    "ReAct": "`react`",
    "Refine": "`Program.refined`",
    "Signature": "`Signature`",
    "Tool": "`Tool`",
    "XMLAdapter": "`PromptAdapter.xml`",
    "ensure_signature": "`Schema(parsing:)`",
    "evaluate.EM": "`Metrics.exactMatch`",
    "evaluate.answer_exact_match": "`Metrics.answerExactMatch`",
    "evaluate.answer_passage_match": "`Metrics.answerPassageMatch`",
    "evaluate.normalize_text": "`Metrics.normalize`",
    "inspect_history": "`krait lm`",
    "make_signature": "`Schema(parsing:)`",
    "streamify": "`streamPrediction`",
    "streaming.StreamListener": "the argument `fields` of streams",
    "streaming.StreamResponse": "`PredictionChunk`",
    "streaming.StatusMessage": "`PredictionChunk`",
    "track_usage": '`Reply.value["usage"]`',
}
#: What a spec writes in another way than by its name.
_WRITTEN = frozenset({"Embedder", "LM", "Signature", "Tool"})
_RETRIEVERS = frozenset({"ColBERTv2", "KNN"})
_EVALUATORS = frozenset({"Evaluate", "evaluate.CompleteAndGrounded", "evaluate.SemanticF1"})
_SCALARS = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}


#: In the place of a constructor that no spec can name.
_NOT_MADE = "-"


class Entry(NamedTuple):
    """One public name."""

    name: str
    kind: str
    #: `native`, `python`, `both` or `not`.
    reach: str
    #: The packages that export it too.
    packages: tuple[str, ...]
    #: The parameters of its constructor and of its call, as text.
    new: str
    call: str
    note: str

    @property
    def line(self) -> str:
        """The entry as the Swift table has it."""
        parts = [*self[:3], " ".join(self.packages), self.new, self.call, self.note]
        return ";".join(parts)


def entries() -> list[Entry]:
    """All public names, each once, in order."""
    packages: dict[str, list[str]] = {}
    for name in names.public():
        package, _, rest = name.rpartition(".")
        if package and names.proper(name) != name:
            packages.setdefault(names.proper(name), []).append(package if rest else name)
    return [
        _entry(name, found, tuple(sorted(set(packages.get(name, ())))))
        for name, found in sorted(names.public().items())
        if names.proper(name) == name
    ]


def _entry(name: str, found: Any, packages: tuple[str, ...]) -> Entry:
    why, native = names.refusal(name), NATIVE.get(name)
    kind = _kind(name, found)
    if kind == "error":
        return Entry(name, kind, "both", packages, _NOT_MADE, "", "a `Fault` of its type")
    if why is not None:
        reach = "both" if name in _WRITTEN else "native" if native else "not"
        note = f"{native}; {why}" if native else why
        return Entry(name, kind, reach, packages, _NOT_MADE, "", note)
    new = call = ""
    if isinstance(found, type):
        new = _text(Parameters.of_constructor(name, found))
    if kind in ("module", "retriever", "evaluator", "function"):
        call = _call(name, found)
    needs = names.NEEDS.get(name, ())
    notes = [native] if native else []
    if kind == "optimizer":
        notes.append("`krait optimize`")
    if "interpreter_factory" in Parameters.of_constructor(name, found).named:
        notes.append("runs code: with Deno, or by the pool's option interpreter: local")
    if needs:
        notes.append(f"needs {' and '.join(needs)}")
    return Entry(name, kind, "both" if native else "python", packages, new, call, "; ".join(notes))


def _kind(name: str, found: Any) -> str:
    if inspect.ismodule(found):
        return "package"
    if not isinstance(found, type):
        return "function" if callable(found) else "object"
    if issubclass(found, BaseException):
        return "error"
    if name in _EVALUATORS:
        return "evaluator"
    if name in _RETRIEVERS or (issubclass(found, Parameter) and not issubclass(found, dspy.Module)):
        return "retriever"
    if "retrievers" in found.__module__:
        return "retriever"
    if issubclass(found, dspy.Module) or found is dspy.Parallel:
        return "module"
    kinds = {"adapter": dspy.Adapter, "type": dspy.Type, "optimizer": Teleprompter}
    for kind, base in {**kinds, "lm": dspy.BaseLM}.items():
        if issubclass(found, base):
            return kind
    return "type" if found is dspy.History else "object"


def _call(name: str, found: Any) -> str:
    if not isinstance(found, type):
        return _text(Parameters.of_constructor(name, found))
    function = inspect.getattr_static(found, "forward", None)
    is_forward = callable(function) and found is not dspy.Embeddings
    called = Parameters(name, function if is_forward else found.__call__, is_bound=False)
    more = "".join(f" {one}=" for one in MORE.get(name, ()))
    return _text(called) + more


def _text(parameters: Parameters) -> str:
    """Parameters as text: `N:int reward_fn threshold:float fail_count:int/null=`."""
    made = []
    for name, parameter in {**parameters.positional, **parameters.named}.items():
        if name in NOT_GIVEN:
            continue
        kind = _type(parameters.annotation(name))
        # A positional one may always be left out: `Image` alone has one.
        is_optional = parameter.default is not parameter.empty
        made.append(f"{name}{f':{kind}' if kind else ''}{'=' if is_optional else ''}")
    return " ".join([*made, *(["**"] if parameters.takes_any else [])])


def _type(annotation: Any) -> str:
    """The plain types an argument may have; nothing where one is not plain."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        parts = list(dict.fromkeys(_type(one) for one in arguments))
        return "/".join(parts) if all(parts) else ""
    if origin is typing.Literal:
        return "/".join(repr(one) for one in arguments)
    if annotation is list or origin is list:
        return "list"
    if annotation is dict or origin is dict:
        return "dict"
    return _SCALARS.get(annotation, "") if isinstance(annotation, type) else ""


def swift(found: list[Entry]) -> str:
    """The Swift table."""
    lines = []
    for entry in found:
        parts = textwrap.wrap(
            entry.line, _WIDTH - 10, break_long_words=False, break_on_hyphens=False
        )
        lines.append(" \\#\n".join(f"        {part}" for part in parts))
    body = "\n".join(lines)
    return f'''// Made by `make dspy-release` from DSPy {dspy.__version__}.

extension DSPyName {{
    /// The DSPy that the table was made from.
    public static let release = "{dspy.__version__}"

    /// A line for each public name: what `DSPyName(line:)` reads.
    static let table = #"""
{body}
        """#
}}
'''


_REACH = {"native": "native", "python": "Python", "both": "both", "not": "not"}
_TITLES = {
    "module": "Modules",
    "retriever": "Retrievers",
    "evaluator": "Evaluators",
    "adapter": "Adapters",
    "type": "Types",
    "optimizer": "Optimizers",
    "function": "Functions",
    "lm": "Language models",
    "object": "Other classes",
    "package": "Packages",
    "error": "Errors",
}


def docs(found: list[Entry]) -> str:
    """The table of the docs."""
    parts = [
        f"# DSPy's names\n\nEach public name of DSPy {dspy.__version__}, of `dspy` and of its "
        "subpackages: whether Swift does it itself\n(*native*), a worker does (*Python*), either "
        "can (*both*), or neither (*not*), and why. Written by\n`make dspy-release`, which takes "
        "in a release of DSPy and says what it has changed.\n\n*Python* is `krait.use` with a "
        "`DSPyObject`, a session's program, or the operation `dspy`.\n"
    ]
    for kind, title in _TITLES.items():
        rows = [entry for entry in found if entry.kind == kind]
        if not rows:
            continue
        parts.append(f"\n## {title}\n\n| name | where | how, or why not |\n|---|---|---|\n")
        for entry in rows:
            note = entry.note.replace("|", "\\|")
            parts.append(f"| `{entry.name}` | {_REACH[entry.reach]} | {note} |\n")
    return "".join(parts)


def changes(before: str, found: list[Entry]) -> list[str]:
    """What is new, gone or otherwise than in an earlier Swift table."""
    old = {line.partition(";")[0]: line for line in _lines(before)}
    new = {entry.name: entry.line for entry in found}
    told = [f"added {name}" for name in new if name not in old]
    told += [f"removed {name}" for name in old if name not in new]
    for name in new:
        if name in old and _squeezed(old[name]) != _squeezed(new[name]):
            told.append(f"changed {name}\n  was {old[name]}\n  is  {new[name]}")
    return told


def _lines(table: str) -> list[str]:
    _, _, body = table.partition('#"""\n')
    body, _, _ = body.partition('\n        """#')
    return [line.strip() for line in body.replace(" \\#\n       ", "").splitlines() if line.strip()]


def _squeezed(line: str) -> str:
    return " ".join(line.split())


def main() -> int:
    """Writes both tables and prints what has changed."""
    root, found = Path(sys.argv[1]), entries()
    path = root / SWIFT
    told = changes(path.read_text() if path.exists() else "", found)
    path.write_text(swift(found))
    (root / DOCS).write_text(docs(found))
    sys.stdout.write(f"DSPy {dspy.__version__}: {len(found)} public names\n")
    sys.stdout.write("\n".join([*(told or ["nothing has changed"]), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
