"""DSPy's public names: what each stands for, and why some are not to be made from a spec.

A name is public where a package of DSPy exports it: `dspy` itself, or one of its subpackages by
`__all__`. `Predict` and `predict.Predict` are the same object under two names.
"""

import functools
import importlib
import inspect
import pkgutil
import types
from typing import Any

import dspy

from krait_worker.adapters.base import nearest
from krait_worker.faults import InvalidInput

_LM = 'an LM is written as its settings: options.lm, or {"lm": {…}} within a spec'
_GLOBAL = "it sets something for the whole process: a call's settings are its own"
_SIGNATURE = 'a signature is written as data: {"signature": "question -> answer"}'
_PYTHON = "it takes or makes Python code, which no spec can hold"
_INTERPRETER = "the pool's option interpreter says where code runs"
_ASKED = "krait asks and answers in its place"
_BASE = "a base of classes that does nothing by itself"
_TUNING = "training of models is none of Krait's"
_LOADS = "it downloads or loads a file: data comes with the call"

#: Why no spec may name these, by the name that is theirs in DSPy.
REFUSED: dict[str, str] = {
    "Adapter": _BASE,
    "BaseLM": _LM,
    "BaseModule": _BASE,
    "CodeInterpreter": _INTERPRETER,
    "Embedder": 'an embedder is written {"embedder": {"model": …}}, or as a tool of the call\'s',
    "FinalOutput": _INTERPRETER,
    "LM": _LM,
    "LocalInterpreter": _INTERPRETER,
    "Module": _BASE,
    "Provider": _TUNING,
    "PythonInterpreter": _INTERPRETER,
    "SandboxSerializable": _BASE,
    "SignatureMeta": _SIGNATURE,
    "Signature": _SIGNATURE,
    "OldField": _SIGNATURE,
    "OldInputField": _SIGNATURE,
    "OldOutputField": _SIGNATURE,
    "InputField": _SIGNATURE,
    "OutputField": _SIGNATURE,
    "Tool": 'a tool is one of the call\'s: {"tool": "its name"}',
    "TrainingJob": _TUNING,
    "Type": _BASE,
    "asyncify": _PYTHON,
    "bootstrap_trace_data": "it is a part of optimizers: optimize a program in its place",
    "cache": "a pool's option says what is cached",
    "configure": _GLOBAL,
    "configure_cache": _GLOBAL,
    "configure_dspy_loggers": _GLOBAL,
    "context": _GLOBAL,
    "disable_litellm_logging": _GLOBAL,
    "disable_logging": _GLOBAL,
    "enable_litellm_logging": _GLOBAL,
    "enable_logging": _GLOBAL,
    "ensure_signature": _SIGNATURE,
    "inspect_history": "workers keep no history: `krait lm` shows what was asked",
    "is_retryable_lm_error": "an error of a call says so itself",
    "load": "it unpickles a program: load its state as data into a session",
    "load_settings": _GLOBAL,
    "make_signature": _SIGNATURE,
    "resolve_interpreter_factory": _INTERPRETER,
    "settings": _GLOBAL,
    "streamify": "streams are a way to call: read the call's chunks",
    "syncify": _PYTHON,
    "track_usage": "a reply says what was used",
    "datasets.Colors": _LOADS,
    "datasets.DataLoader": _LOADS,
    "datasets.Dataset": _BASE,
    "datasets.HotPotQA": _LOADS,
    "datasets.MATH": _LOADS,
    "experimental.TypeSafe": _LM,
    "propose.GroundedProposer": "it is a part of MIPROv2: optimize a program in its place",
    "streaming.StatusMessage": _ASKED,
    "streaming.StatusMessageProvider": _ASKED,
    "streaming.StreamListener": "the argument stream_fields names the fields to listen to",
    "streaming.StreamResponse": _ASKED,
    "streaming.apply_sync_streaming": _PYTHON,
    "streaming.streaming_response": _PYTHON,
    "utils.BaseCallback": _PYTHON,
    "utils.DummyLM": "it is for DSPy's tests: `krait` has an offline LM",
    "utils.DummyVectorizer": 'it is for DSPy\'s tests: an embedder is {"embedder": …}',
    "utils.download": _LOADS,
    "utils.dummy_rm": "it is for DSPy's tests",
    "utils.exceptions": "a package of errors, which arrive as faults",
    "utils.experimental": _PYTHON,
    "utils.pretty_print_history": "workers keep no history: `krait lm` shows what was asked",
    "utils.with_callbacks": _PYTHON,
}
#: The functions that plain values can be given to; all others are refused.
FUNCTIONS = frozenset(
    {
        "majority",
        "infer_prefix",
        "evaluate.EM",
        "evaluate.answer_exact_match",
        "evaluate.answer_passage_match",
        "evaluate.normalize_text",
    }
)
#: The modules of Python that a class cannot do without, and that DSPy looks for only later.
NEEDS = {
    "BootstrapFewShotWithOptuna": ("optuna",),
    "Embedder": ("numpy",),
    "Embeddings": ("numpy",),
    "EmbeddingsWithScores": ("numpy",),
    "GEPA": ("gepa",),
    "KNN": ("numpy",),
    "KNNFewShot": ("numpy",),
    "MIPROv2": ("numpy", "optuna"),
    "SIMBA": ("numpy",),
}


#: Made when it is first read, with a folder on the disk: here nobody reads it.
_CACHE = "cache"
_cache = object()


@functools.cache
def packages() -> dict[str, Any]:
    """DSPy's public subpackages by name; a package that cannot be imported here is left out."""
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(dspy.__path__):
        if info.ispkg and not info.name.startswith("_"):
            try:
                package = importlib.import_module(f"dspy.{info.name}")
            except ImportError:
                continue
            if hasattr(package, "__all__"):
                found[info.name] = package
    return found


@functools.cache
def public() -> dict[str, Any]:
    """Everything public by every name it has, such as `KNN` and `predict.KNN`."""
    own = getattr(dspy, "__all__", None) or [
        name
        for name in dir(dspy)
        if not name.startswith("_") and not isinstance(getattr(dspy, name), types.ModuleType)
    ]
    found = {name: getattr(dspy, name) for name in sorted(own) if name != _CACHE}
    found[_CACHE] = _cache
    for package, module in packages().items():
        for name in sorted(module.__all__):
            found[f"{package}.{name}"] = getattr(module, name)
    return found


@functools.cache
def _proper() -> dict[int, str]:
    proper: dict[int, str] = {}
    for name, found in public().items():
        known = proper.get(id(found))
        own = getattr(found, "__name__", None)
        # Where one object has two names at the top, its own is the proper one.
        if known is None or ("." not in name and name == own):
            proper[id(found)] = name
    return proper


def proper(name: str) -> str:
    """The one name of an object that has several: the shortest, `KNN` for `predict.KNN`."""
    return _proper()[id(public()[name])]


def refusal(name: str) -> str | None:
    """Why a spec may not name this; None where it may."""
    name, found = proper(name), public()[name]
    if name in REFUSED:
        return REFUSED[name]
    if inspect.isclass(found) and issubclass(found, BaseException):
        return "an error, which arrives as a fault of its name"
    if inspect.isclass(found) or name in FUNCTIONS:
        return None
    return _PYTHON


def find(name: Any, where: str) -> tuple[str, Any]:
    """The proper name and the object; raises `InvalidInput` with the nearest name there is."""
    if not isinstance(name, str):
        raise InvalidInput(f"{where} is a name of DSPy's, such as ChainOfThought")
    name = name.removeprefix("dspy.")
    if name not in public():
        raise InvalidInput(f"{where}: DSPy has no {name!r:.60}{_nearest(name)}")
    if why := refusal(name):
        raise InvalidInput(f"{where}: {name} cannot be used by a spec: {why}")
    return proper(name), public()[name]


def _nearest(name: str) -> str:
    known = {one for one in public() if refusal(one) is None}
    tail = name.rpartition(".")[2].lower()
    # A name in the wrong case or package is meant, whatever else looks like it.
    same = sorted((n for n in known if n.rpartition(".")[2].lower() == tail), key=len)
    if same:
        return f"; did you mean {same[0]!r}?"
    near = nearest(name[:80], known)
    return near if near.startswith("; did you mean") else "; the docs have a table of its names"
