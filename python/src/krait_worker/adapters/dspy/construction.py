"""Any public object of DSPy from plain data: its *spec*.

A map with the key `module` is an object to be made:
`{"module": "BestOfN", "arguments": {"N": 3, "threshold": 1.0, "module": {"module": "Predict",
"signature": "question -> answer"}, "reward_fn": {"metric": "EM", "example": {"answer": "4"}}}}`.
`signature` is short for the argument of that name, and a `module` left out is `Predict`.

The values of `arguments` are plain, objects to be made, or one of these:

- `{"signature": "question -> answer"}`, as a prediction takes it
- `{"tool": "name"}`, a tool of the call; or the tool as calls tell of it, a map with its `name`
- `{"metric": "EM", …}`, a metric or reward by name; `{"metric": {"tool": …}}`, one of the caller's
- `{"example": {…}, "inputs": ["question"]}`, a `dspy.Example`
- `{"embedder": {"model": "openai/…"}}`, the pool's endpoint; `{"embedder": {"tool": …}}`
- `{"lm": {…}}`, the pool's LM with settings laid over it
- `{"plain": …}`, the value as it is, where it looks like one of these

Nothing is unpickled, imported by a caller's name or looked up as an attribute: a name is one of the
catalogue's (`names`), or one that the pool's configuration gives to a class of the user's own.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dspy

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import embedding, extras, names, scores
from krait_worker.adapters.dspy.code import code_act
from krait_worker.adapters.dspy.language_models import LanguageModels
from krait_worker.adapters.dspy.parameters import Parameters
from krait_worker.adapters.dspy.signatures import BoundSignature, specification
from krait_worker.adapters.dspy.tools import host_tools
from krait_worker.faults import InvalidInput

_SPEC = frozenset({"module", "signature", "arguments"})
#: Arguments that only Python code can be, and what is there in their place.
NOT_GIVEN = {
    "interpreter_factory": "the pool's option interpreter says where code runs",
    "interpreter": "the pool's option interpreter says where code runs",
    "callbacks": "callbacks are Python code, which no spec can hold",
}


class UserProgram(NamedTuple):
    """A class of the user's, and the arguments that the pool's options give to its constructor."""

    kind: Any
    arguments: dict[str, Any]


class Means(NamedTuple):
    """What a spec may name beside DSPy's own."""

    #: The tools of the call.
    tools: list[dspy.Tool] = []  # noqa: RUF012 - never changed
    #: The pool's LM, to lay settings over.
    models: LanguageModels | None = None
    #: Where the code runs that an LM writes.
    interpreter: str = "deno"
    #: The user's own classes by the names that the pool's configuration gives them.
    programs: Mapping[str, UserProgram] = {}


def construct(spec: Any, where: str, means: Means | None = None) -> Any:
    """The object of a spec; raises `InvalidInput` with the place and the nearest name.

    Whatever it holds is its own: nothing is shared between two objects of one spec. An object that
    embeds texts while it is made asks for them here, so this is for a thread.
    """
    return _Construction(means or Means()).object(spec, where, 0)


def value(given: Any, where: str, means: Means | None = None) -> Any:
    """The value of one argument, in any of its forms; raises `InvalidInput`."""
    return _Construction(means or Means()).value(given, where, 0)


class _Construction:
    """The making of one object, and of those within it."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._made = 0
        self._tagged: dict[str, Callable[[dict[str, Any], str, int], Any]] = {
            "signature": self._signature,
            "tool": self._tool,
            "metric": self._metric,
            "example": self._example,
            "embedder": self._embedder,
            "lm": self._lm,
            "plain": lambda given, where, depth: given["plain"],
        }

    def object(self, spec: Any, where: str, depth: int) -> Any:
        if not isinstance(spec, dict):
            raise InvalidInput(f'{where} is a map such as {{"module": "ChainOfThought", …}}')
        if "embedder" in spec:
            return self._embedder(spec, where, depth)
        for key in spec:
            if key not in _SPEC:
                raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(str(key), _SPEC)}")
        self._made += 1
        if depth > limits.SPEC_NESTING or self._made > limits.SPEC_OBJECTS:
            raise InvalidInput(
                f"{where}: a spec has at most {limits.SPEC_OBJECTS} objects, nested at most "
                f"{limits.SPEC_NESTING} deep"
            )
        name, kind = self._kind(spec.get("module", "Predict"), f"{where}.module")
        if isinstance(kind, type) and (own := self._means.programs.get(name)) is not None:
            given = spec.get("arguments", {})
            merged = {**own.arguments, **given} if isinstance(given, dict) else given
            spec = {**spec, "arguments": merged}
        if not isinstance(kind, type):
            if more := spec.keys() - {"module"}:
                raise InvalidInput(f"{where}.{min(more)}: {name} is a function: it has inputs only")
            return kind
        parameters = Parameters.of_constructor(name, kind)
        given = self._arguments(spec, parameters, where, depth)
        if "interpreter_factory" in parameters.named:
            extras.need_interpreter(self._means.interpreter, name, where)
        return _made(kind, name, given, where)

    def _kind(self, name: Any, where: str) -> tuple[str, Any]:
        """The class of a name: of the pool's configuration, or of DSPy."""
        if isinstance(name, str) and name in self._means.programs:
            return name, self._means.programs[name].kind
        name, kind = names.find(name, where)
        extras.need(names.NEEDS.get(name, ()), name, where)
        return name, kind

    def _arguments(
        self, spec: dict[str, Any], parameters: Parameters, where: str, depth: int
    ) -> dict[str, Any]:
        given = spec.get("arguments", {})
        here = f"{where}.arguments"
        if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
            raise InvalidInput(f"{here} is a map of arguments by name")
        places = {key: f"{here}.{key:.60}" for key in given}
        if "signature" in spec:
            if "signature" in given:
                raise InvalidInput(f"{where}.signature is there twice: {here} has one too")
            given = {"signature": spec["signature"], **given}
            places["signature"] = f"{where}.signature"
        for key, why in NOT_GIVEN.items():
            if key in given:
                raise InvalidInput(f"{places[key]} cannot be given: {why}")
        parameters.check(given, here)
        made: dict[str, Any] = {}
        for key, argument in given.items():
            if key == "signature":
                made[key] = self._signature({"signature": argument}, places[key], depth)
            else:
                made[key] = self.value(argument, places[key], depth)
            parameters.fit(key, made[key], places[key])
        return made

    def value(self, given: Any, where: str, depth: int) -> Any:
        if isinstance(given, list):
            return [self.value(v, f"{where}[{n}]", depth) for n, v in enumerate(given)]
        if not isinstance(given, dict):
            return given
        if "module" in given:
            return self.object(given, where, depth + 1)
        for tag, make in self._tagged.items():
            if tag in given:
                return make(given, where, depth)
        return {key: self.value(v, f"{where}.{key!s:.60}", depth) for key, v in given.items()}

    def _signature(self, given: dict[str, Any], where: str, depth: int) -> Any:
        found = _only(given, "signature", where)
        # Within a list of demos or the like it may be tagged once more.
        if isinstance(found, dict) and found.keys() == {"signature"}:
            found = found["signature"]
        try:
            return BoundSignature(specification(found)).signature
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from error

    def _tool(self, given: dict[str, Any], where: str, depth: int) -> dspy.Tool:
        found = _only(given, "tool", where)
        if isinstance(found, dict):
            if not isinstance(found.get("name"), str):
                raise InvalidInput(f"{where}.tool is a name, or a map with a name")
            return host_tools([found])[0]
        for tool in self._means.tools:
            if tool.name == found:
                return tool
        known = [str(tool.name) for tool in self._means.tools]
        raise InvalidInput(
            f"{where}: the call has no tool {found!r:.60}{nearest(str(found)[:80], known)}"
        )

    def _metric(self, given: dict[str, Any], where: str, depth: int) -> Any:
        found = given["metric"]
        if isinstance(found, dict):
            _only(given, "metric", where)
            return scores.asking(self._tool(found, f"{where}.metric", depth), where)
        return scores.named(given, where)

    def _example(self, given: dict[str, Any], where: str, depth: int) -> dspy.Example:
        found, inputs = given["example"], given.get("inputs")
        for key in given:
            if key not in ("example", "inputs"):
                raise InvalidInput(f"{where} has no key {key!r:.60}")
        if not isinstance(found, dict):
            raise InvalidInput(f"{where}.example is a map of fields")
        made = dspy.Example(**found)
        if inputs is None:
            return made
        if not isinstance(inputs, list) or not all(name in found for name in inputs):
            raise InvalidInput(f"{where}.inputs is a list of names of the example's fields")
        return made.with_inputs(*inputs)

    def _embedder(self, given: dict[str, Any], where: str, depth: int) -> dspy.Embedder:
        found = _only(given, "embedder", where)
        extras.need(names.NEEDS["Embedder"], "an embedder", where)
        if isinstance(found, dict) and "tool" in found:
            return embedding.by_tool(self._tool(found, f"{where}.embedder", depth))
        if self._means.models is None:
            raise InvalidInput(f"{where}: there is no endpoint here to ask for embeddings")
        return embedding.by_endpoint(found, self._means.models, f"{where}.embedder")

    def _lm(self, given: dict[str, Any], where: str, depth: int) -> Any:
        found = _only(given, "lm", where)
        if self._means.models is None:
            raise InvalidInput(f"{where}: there is no LM here to lay settings over")
        if not isinstance(found, dict):
            raise InvalidInput(f"{where}.lm is a map of LM settings")
        try:
            return self._means.models.find(found)
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from error


def _only(given: dict[str, Any], key: str, where: str) -> Any:
    if len(given) != 1:
        other = next(name for name in given if name != key)
        raise InvalidInput(
            f"{where} has {key!r} and {other!r:.60}: a map with {key!r} has no other key; "
            'data that looks so is written {"plain": …}'
        )
    return given[key]


def _made(kind: Any, name: str, given: dict[str, Any], where: str) -> Any:
    """Calls the constructor; what it refuses itself is the caller's to know."""
    try:
        if kind is dspy.CodeAct:
            return code_act(**given)
        positional = [
            given.pop(one)
            for one in Parameters.of_constructor(name, kind).positional
            if one in given
        ]
        with warnings.catch_warnings():
            # DSPy says here what goes with its next release; the version is pinned.
            warnings.simplefilter("ignore", DeprecationWarning)
            return kind(*positional, **given)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from error
    except ImportError as error:
        raise extras.missing(error, name, where) from error
    except (AssertionError, TypeError, ValueError) as error:
        text = str(error) or type(error).__name__
        raise InvalidInput(f"{where}: {name} refuses its arguments: {text:.500}") from error
    except Exception as error:
        if kind.__module__.partition(".")[0] == "dspy":
            raise
        text = f"{type(error).__name__}: {error}"
        raise InvalidInput(f"{where}: {name} cannot be made: {text:.500}") from error
