"""Sessions: programs that a worker keeps between calls, and their state as plain data.

A session is begun from a *spec* and goes on from a *checkpoint*; both are plain values, so another
worker can go on with it. Nothing is pickled. What is no plain value is left out of a checkpoint and
named in it.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import dspy

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy.language_models import checked
from krait_worker.adapters.dspy.programs import Program
from krait_worker.adapters.dspy.signatures import BoundSignature, specification
from krait_worker.faults import InvalidInput

#: What a session's program may be.
_KINDS: dict[str, Callable[[Any], Any]] = {
    "Predict": dspy.Predict,
    "ChainOfThought": dspy.ChainOfThought,
}
_SPEC = frozenset({"programs", "lm"})
_PROGRAM = frozenset({"module", "signature"})
_CHECKPOINT = frozenset({"dspy", "version", "programs", "history", "missing"})


class Session:
    """One session: its programs, what they have answered, and the LM settings of all its calls."""

    def __init__(self, spec: Any) -> None:
        given = _map(spec, "spec", _SPEC)
        programs = _map(given.get("programs"), "spec.programs", None)
        if not 1 <= len(programs) <= limits.SESSION_PROGRAMS:
            raise InvalidInput(f"spec.programs holds 1 to {limits.SESSION_PROGRAMS} programs")
        self.lm = checked(_map(given.get("lm", {}), "spec.lm", None))
        self.programs = {
            name: _program(program, f"spec.programs.{name:.60}")
            for name, program in programs.items()
        }
        #: The turns of all programs, the oldest forgotten first.
        self.history: deque[dict[str, Any]] = deque(maxlen=limits.SESSION_TURNS)
        #: How many calls have ended well.
        self.version = 0

    def program(self, name: Any) -> Program:
        """The program of that name; raises `InvalidInput`."""
        found = self.programs.get(name) if isinstance(name, str) else None
        if found is None:
            raise InvalidInput(
                f"the session has no program {name!r:.60}{nearest(str(name), list(self.programs))}"
            )
        return found

    def inputs(self, name: str, given: Any) -> Any:
        """The inputs of a call, with the session's history where the signature wants one."""
        fields = self.program(name).bound.signature.input_fields
        wants = [field for field, info in fields.items() if info.annotation is dspy.History]
        if len(wants) != 1 or not isinstance(given, dict) or wants[0] in given:
            return given
        turns = [
            {**{k: v for k, v in turn["inputs"].items() if k != wants[0]}, **turn["outputs"]}
            for turn in self.history
            if turn["program"] == name
        ]
        return {**given, wants[0]: {"messages": turns}}

    def ended(self, name: str, inputs: Any, outputs: dict[str, Any]) -> None:
        """Notes a call that ended well."""
        self.version += 1
        self.history.append({"program": name, "inputs": inputs, "outputs": outputs})

    def load(self, name: str, state: Any) -> None:
        """Gives a program a state, such as what DSPy's optimizers save; raises `InvalidInput`."""
        module = self.program(name).module
        if not isinstance(state, dict):
            raise InvalidInput("state is a map, as DSPy's dump_state makes it")
        state = {key: value for key, value in state.items() if key != "metadata"}
        given = {"self": state} if isinstance(module, dspy.Predict) else state
        known = dict(module.named_parameters())
        whole: dict[str, Any] = {}
        for part in _map(given, f"the state of {name}", frozenset(known)):
            own = known[part].dump_state()
            # DSPy sets whatever attribute a state names.
            here = f"the state of {name}.{part}"
            whole[part] = {**own, **_map(given[part], here, frozenset([*own, "fields"]))}
        for part, predictor in known.items():
            # An LM that is saved says where requests go: that is the pool's and the call's to say.
            whole[part] = {**whole.get(part, predictor.dump_state()), "lm": None}
        try:
            module.load_state(whole["self"] if isinstance(module, dspy.Predict) else whole)
        except Exception as error:  # whatever DSPy finds wrong with it, in classes of any kind
            raise InvalidInput(
                f"the state of {name} does not fit DSPy {dspy.__version__}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def checkpoint(self) -> dict[str, Any]:
        """Everything that a later worker needs beside the spec, and the names of what is not in."""
        missing: list[str] = []
        programs = {
            name: _state(program.module, f"programs.{name}", missing)
            for name, program in self.programs.items()
        }
        history = []
        for number, turn in enumerate(self.history):
            if _is_plain(turn):
                history.append(turn)
            else:
                missing.append(f"history[{number}]")
        return {
            "dspy": dspy.__version__,
            "version": self.version,
            "programs": programs,
            "history": history,
            "missing": missing,
        }

    def restore(self, checkpoint: Any) -> None:
        """Goes on from a checkpoint; raises `InvalidInput`, which says whose version it is."""
        given = _map(checkpoint, "checkpoint", _CHECKPOINT)
        version = given.get("version")
        history = given.get("history")
        if type(version) is not int or version < 0 or not isinstance(history, list):
            raise InvalidInput("checkpoint.version is a count, and checkpoint.history a list")
        for turn in history:
            if not isinstance(turn, dict) or turn.keys() != {"program", "inputs", "outputs"}:
                raise InvalidInput("checkpoint.history holds maps of program, inputs and outputs")
        try:
            for name, state in _map(given.get("programs"), "checkpoint.programs", None).items():
                self.load(name, state)
        except InvalidInput as error:
            raise InvalidInput(f"{error} (saved with DSPy {given.get('dspy')!r:.40})") from error
        self.history.extend(history)
        self.version = version


class Sessions:
    """A worker's sessions by their ids. For one thread: the asyncio loop's."""

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._held)

    def begin(self, name: str | None, spec: Any, checkpoint: Any) -> Session:
        """A new session; with a checkpoint it takes the place of one that is there."""
        name = _named(name)
        if checkpoint is None and name in self._held:
            raise InvalidInput(f"the session {name:.60} has begun already")
        if name not in self._held and len(self._held) >= limits.SESSIONS:
            raise InvalidInput(f"the worker has {limits.SESSIONS} sessions, and takes no more")
        made = Session(spec)
        if checkpoint is not None:
            made.restore(checkpoint)
        self._held[name] = made
        return made

    def find(self, name: str | None) -> Session:
        """The session of a call; raises `InvalidInput`."""
        found = self._held.get(_named(name))
        if found is None:
            raise InvalidInput(f"the worker has no session {name!r:.60}; session_begin makes it")
        return found

    def end(self, name: str | None) -> bool:
        """Forgets a session; whether it was there."""
        return self._held.pop(_named(name), None) is not None


def _named(name: str | None) -> str:
    if not name:
        raise InvalidInput("the call belongs to no session: give it one (options.session)")
    return name


def _map(given: Any, where: str, keys: frozenset[str] | None) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{where} is a map")
    for key in given:
        if keys is not None and key not in keys:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(str(key), [*keys])}")
    return given


def _program(given: Any, where: str) -> Program:
    given = _map(given, where, _PROGRAM)
    kind = given.get("module", "Predict")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidInput(f"{where}.module: {kind!r:.60}{nearest(str(kind), list(_KINDS))}")
    # Of its own: another session's has another state.
    return Program(_KINDS[kind], BoundSignature(specification(given.get("signature"))))


def _state(module: Any, where: str, missing: list[str]) -> dict[str, Any]:
    """DSPy's state of a module, without what is no plain value."""
    states: dict[str, Any] = {}
    for name, predictor in module.named_parameters():
        try:
            state = predictor.dump_state()
        except Exception:  # noqa: BLE001 - an object of the user's own may refuse in any way
            missing.append(f"{where}.{name}")
            continue
        if state.pop("lm", None) is not None:
            missing.append(f"{where}.{name}.lm")
        for key in [key for key, value in state.items() if not _is_plain(value)]:
            missing.append(f"{where}.{name}.{key}")
            del state[key]
        states[name] = state
    # A predictor's own state is flat, in DSPy's files as well.
    return states.get("self", {}) if isinstance(module, dspy.Predict) else states


def _is_plain(value: Any) -> bool:
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return type(value) in (type(None), bool, int, float, str, bytes)
        case list():
            return type(value) is list and all(_is_plain(item) for item in value)
        case dict():
            return type(value) is dict and all(
                type(key) is str and _is_plain(item) for key, item in value.items()
            )
    return False
