"""DSPy's optimizers by name: what they need, what they take, and how they are run."""

import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

import dspy
import dspy.teleprompt
import pydantic
from dspy.teleprompt import Teleprompter

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy.signatures import is_plain_type
from krait_worker.faults import InvalidInput

FindLM = Callable[[Any], Any]
#: What the job itself gives, in each optimizer's own words.
_GIVEN = frozenset({"metric", "student", "trainset", "valset", "teacher"})
#: Arguments that are language models: maps of LM settings, laid over the pool's.
_MODELS = frozenset({"prompt_model", "task_model", "reflection_lm"})
#: Arguments that are Python objects: nothing plain can be given for them.
_OBJECTS = frozenset({"instruction_proposer", "code_proposer", "adapter"})
#: What Krait does itself: it keeps candidates and logs where the job was asked for.
_OURS = frozenset({"log_dir", "use_wandb", "wandb_api_key", "wandb_init_kwargs", "use_mlflow"})
#: The packages that DSPy does without until one of these is used.
_NEEDED = {
    "BootstrapFewShotWithOptuna": "optuna",
    "GEPA": "gepa",
    "KNNFewShot": "numpy",
    "MIPROv2": "optuna",
    "SIMBA": "numpy",
}
#: Whose further keywords are those of `BootstrapFewShot`.
_BOOTSTRAPS = ("InferRules", "KNNFewShot")
#: Which read what a metric says beside its score.
READS_FEEDBACK = frozenset({"GEPA", "SIMBA"})


def names() -> list[str]:
    """The optimizers that DSPy exports."""
    return sorted(name for name in dspy.teleprompt.__all__ if _is_optimizer(name))


def _is_optimizer(name: str) -> bool:
    found = getattr(dspy.teleprompt, name, None)
    return isinstance(found, type) and issubclass(found, Teleprompter)


def described() -> dict[str, Any]:
    """Each optimizer's settings with their defaults, or why it cannot run here."""
    made: dict[str, Any] = {}
    for name in names():
        try:
            _known(name)
        except InvalidInput as error:
            made[name] = {"refused": str(error)}
            continue
        kind = getattr(dspy.teleprompt, name)
        found = {**_parameters(kind.compile), **_parameters(kind.__init__)}
        free = {key: one for key, one in found.items() if key not in _GIVEN | _OURS | _OBJECTS}
        made[name] = {
            "settings": {
                key: "required" if one.default is one.empty else repr(one.default)
                for key, one in sorted(free.items())
            }
        }
    return made


class Optimizer:
    """One of DSPy's optimizers, its arguments checked."""

    def __init__(self, name: Any, settings: Any, find_lm: FindLM) -> None:
        self.name = _known(name)
        self.settings = _map(settings, "settings")
        self._find_lm = find_lm
        self._class = getattr(dspy.teleprompt, self.name)
        self._making = _parameters(self._class.__init__)
        self._running = _parameters(self._class.compile)
        if self.name in _BOOTSTRAPS:
            more = _parameters(dspy.teleprompt.BootstrapFewShot.__init__)
            self._making = {**more, **self._making}
        self._made: Any = None
        self._given = {key: self._checked(key, value) for key, value in self.settings.items()}

    @property
    def made(self) -> Any:
        """DSPy's own object, once it runs."""
        return self._made

    def takes(self, name: str) -> bool:
        """Whether it has an argument of this name."""
        return name in self._making or name in self._running

    def scores(self, training: int) -> int | None:
        """How many scores it asks for at most, where that can be told; known once it runs."""
        made = self._made
        if self.name == "BootstrapFewShot" and made is not None:
            return int(training * made.max_rounds)
        if self.name == "SIMBA" and made is not None:
            tried = made.num_candidates + 1
            return int(made.max_steps * made.bsize * (made.num_candidates + tried)
                       + tried * training)  # fmt: skip
        return getattr(made, "max_metric_calls", None) if self.name == "GEPA" else None

    def run(self, student: Any, data: dict[str, Any], metric: Any, seed: int, threads: int) -> Any:
        """Makes and runs it; `data` are `trainset` and, where there is one, `valset`."""
        if "valset" in data and not self.takes("valset"):
            raise InvalidInput(f"{self.name} takes no valset: leave it out")
        usual = {"metric": metric, "seed": seed, "num_threads": threads, **self._defaults()}
        own = {**usual, **self._given}
        making = {key: own[key] for key in self._making if key in own}
        running = {key: own[key] for key in self._running if key in own and key not in making}
        if self.name == "KNNFewShot":
            making["trainset"] = data["trainset"]
        if self.name in ("BootstrapFinetune", "BetterTogether"):
            student.set_lm(dspy.settings.lm)
        try:
            self._made = self._class(**making)
        except (TypeError, ValueError, AssertionError, ImportError) as error:
            raise InvalidInput(f"{self.name}: {error}") from error
        if self.name == "Ensemble":
            return self._made.compile(self._programs(student))
        running |= {key: value for key, value in data.items() if key in self._running}
        return self._made.compile(student, **running)

    def _defaults(self) -> dict[str, Any]:
        """What DSPy has no default for, though there is one that is always right."""
        if self.name == "GEPA":
            budget = {"auto", "max_full_evals", "max_metric_calls"}
            light = {} if budget & self.settings.keys() else {"auto": "light"}
            return {"reflection_lm": dspy.settings.lm, **light}
        return {"reduce_fn": dspy.majority} if self.name == "Ensemble" else {}

    def _programs(self, student: Any) -> list[Any]:
        """Ensemble's: the student with each of the states."""
        made = []
        for state in self._given.get("programs", []):
            one = student.deepcopy()
            one.load_state({key: value for key, value in state.items() if key != "metadata"})
            made.append(one)
        if not made:
            raise InvalidInput("Ensemble needs the setting programs: a list of saved states")
        return made

    def _checked(self, key: str, value: Any) -> Any:
        where = f"settings.{key:.60}"
        if key in _GIVEN or key in _OURS or key in _OBJECTS:
            why = "a Python object" if key in _OBJECTS else "the job's own to give"
            raise InvalidInput(f"{where} is {why}, and cannot be set")
        if self.name == "BetterTogether" and isinstance(value, dict) and "optimizer" in value:
            return self._nested(where, value)
        parameter = self._making.get(key) or self._running.get(key)
        if parameter is None:
            known = (self._making.keys() | self._running.keys()) - _GIVEN - _OURS - _OBJECTS
            raise InvalidInput(f"{self.name} takes no setting {key!r:.60}{nearest(key, known)}")
        if key in _MODELS:
            return self._find_lm(_map(value, where))
        if key == "teacher_settings":
            found = _map(value, where)
            return {**found, "lm": self._find_lm(_map(found["lm"], where))} if found else found
        if key == "vectorizer":
            return dspy.Embedder(**_map(value, where))
        return _fitted(where, parameter, value)

    def _nested(self, where: str, given: dict[str, Any]) -> Any:
        inner = Optimizer(given["optimizer"], given.get("settings"), self._find_lm)
        try:
            return inner._class(**{k: v for k, v in inner._given.items() if k in inner._making})
        except (TypeError, ValueError, AssertionError) as error:
            raise InvalidInput(f"{where}: {error}") from error


def _known(name: Any) -> str:
    """The name of an optimizer that can run here; raises `InvalidInput`, which says why not."""
    if not isinstance(name, str) or name not in names():
        raise InvalidInput(f"there is no optimizer {name!r:.60}{nearest(str(name), names())}")
    needed = _NEEDED.get(name)
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise InvalidInput(
            f"{name} needs the Python package {needed}, which this pool's Python has not: "
            "pip install 'krait-worker[optimizers]'"
        )
    if name == "AvatarOptimizer" and not hasattr(dspy, "TypedPredictor"):
        raise InvalidInput(
            f"AvatarOptimizer does not run with DSPy {dspy.__version__}, which exports it: it "
            "needs dspy.TypedPredictor, which is no more"
        )
    if name == "BootstrapFinetune" and not _can_be_trained(dspy.settings.lm):
        raise InvalidInput(
            "BootstrapFinetune trains a model at its provider, and the pool's LM is none that can "
            "be trained; use an optimizer of prompts, such as BootstrapFewShot"
        )
    return name


def _can_be_trained(lm: Any) -> bool:
    provider = getattr(lm, "provider", None)
    # An endpoint of one's own answers prompts; where it trains, no provider knows.
    return bool(getattr(provider, "finetunable", False)) and "api_base" not in lm.kwargs


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    found = inspect.signature(function).parameters
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {key: one for key, one in found.items() if key != "self" and one.kind in named}


def _fitted(where: str, parameter: inspect.Parameter, value: Any) -> Any:
    """The value, if it is of the argument's type, or of its default's where it has none."""
    kind = parameter.annotation
    if isinstance(kind, str) or kind is inspect.Parameter.empty:
        kind = type(parameter.default)
        if kind not in (bool, int, float, str):
            return value
        kind = float | int if kind is float else kind
    if not is_plain_type(kind):
        return value
    try:
        return pydantic.TypeAdapter(kind, config={"strict": True}).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(f"{where}: {first['msg']}") from error


def _map(given: Any, where: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput(f"{where} is a map")
    return given
