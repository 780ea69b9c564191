"""Sessions: programs that a worker keeps between calls, and their state as plain data.

A session is begun from a *spec* and goes on from a *checkpoint*; both are plain values, so another
worker can go on with it. Nothing is pickled. What is no plain value is left out of a checkpoint and
named in it.
"""

import threading
from collections import deque
from typing import Any

import dspy

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import states
from krait_worker.adapters.dspy.construction import Means
from krait_worker.adapters.dspy.language_models import checked
from krait_worker.adapters.dspy.objects import Constructed, adapter
from krait_worker.faults import InvalidInput, StateTooLarge

_SPEC = frozenset({"programs", "lm", "adapter"})
_CHECKPOINT = frozenset({"dspy", "version", "programs", "attributes", "history", "missing"})


class Session:
    """One session: its programs, what they have answered, and the LM settings of all its calls."""

    def __init__(self, spec: Any, means: Means | None = None) -> None:
        means = means or Means()
        given = _map(spec, "spec", _SPEC)
        programs = _map(given.get("programs"), "spec.programs", None)
        if not 1 <= len(programs) <= limits.SESSION_PROGRAMS:
            raise InvalidInput(f"spec.programs holds 1 to {limits.SESSION_PROGRAMS} programs")
        self.lm = checked(_map(given.get("lm", {}), "spec.lm", None))
        #: The adapter of all its calls; None where it is the pool's.
        self.adapter = None
        if given.get("adapter") is not None:
            self.adapter = adapter(given["adapter"], "spec.adapter", means)
        # Of its own: another session's has another state.
        self.programs = {
            name: Constructed(program, f"spec.programs.{name:.60}", means)
            for name, program in programs.items()
        }
        self._begun = {name: states.attributes(p.module) for name, p in self.programs.items()}
        #: The turns of all programs, the oldest forgotten first.
        self.history: deque[dict[str, Any]] = deque()
        self._sizes: deque[int] = deque()
        #: How many calls have ended well.
        self.version = 0

    def program(self, name: Any) -> Constructed:
        """The program of that name; raises `InvalidInput`."""
        found = self.programs.get(name) if isinstance(name, str) else None
        if found is None:
            raise InvalidInput(
                f"the session has no program {name!r:.60}{nearest(str(name), list(self.programs))}"
            )
        return found

    def check_size(self, name: str) -> None:
        """Raises `StateTooLarge` where a program has kept more than it may in its attributes."""
        module = self.program(name).module
        if type(module).__module__.partition(".")[0] == "dspy":
            return
        sizes = {
            f"{path}.{key}": states.size(value)
            for path, values in states.changed(module, self._begun[name], "", []).items()
            for key, value in values.items()
        }
        if sum(sizes.values()) > limits.SESSION_STATE_BYTES:
            largest = max(sizes, key=lambda key: sizes[key])
            raise StateTooLarge(
                f"the program {name:.60} keeps {sum(sizes.values())} bytes in its attributes, most "
                f"in {largest:.100}; a session keeps at most {limits.SESSION_STATE_BYTES}: begin "
                "it anew, or from a checkpoint of before"
            )

    def each(self, name: str, given: Any) -> Any:
        """The inputs of a call; of a list of them, each."""
        if isinstance(given, list):
            return [self.inputs(name, one) for one in given]
        return self.inputs(name, given)

    def inputs(self, name: str, given: Any) -> Any:
        """The inputs of a call, with the session's history where the signature wants one."""
        bound = self.program(name).bound
        fields = bound.signature.input_fields if bound else {}
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
        self._note({"program": name, "inputs": inputs, "outputs": outputs})

    def _note(self, turn: dict[str, Any]) -> None:
        self.history.append(turn)
        self._sizes.append(states.size(turn))
        while (
            len(self.history) > limits.SESSION_TURNS
            or sum(self._sizes) > limits.SESSION_HISTORY_BYTES
        ):
            self.history.popleft()
            self._sizes.popleft()

    def answered(self, name: str, inputs: Any, reply: dict[str, Any]) -> None:
        """`ended` by the reply; of a list of inputs, each that was answered is a turn."""
        if not isinstance(inputs, list):
            self.ended(name, inputs, _outputs(reply))
            return
        self.version += 1
        for given, row in zip(inputs, reply["results"], strict=True):
            if "error" not in row:
                self._note({"program": name, "inputs": given, "outputs": _outputs(row)})

    def load(self, name: str, state: Any) -> None:
        """Gives a program a state, such as what DSPy's optimizers save; raises `InvalidInput`."""
        states.load(self.program(name).module, name, state)

    def checkpoint(self) -> dict[str, Any]:
        """Everything that a later worker needs beside the spec, and the names of what is not in."""
        missing: list[str] = []
        programs = {
            name: states.state(program.module, f"programs.{name}", missing)
            for name, program in self.programs.items()
        }
        attributes = {
            name: states.changed(program.module, self._begun[name], f"programs.{name}", missing)
            for name, program in self.programs.items()
        }
        history = []
        for number, turn in enumerate(self.history):
            if states.is_plain(turn):
                history.append(turn)
            else:
                missing.append(f"history[{number}]")
        return {
            "dspy": dspy.__version__,
            "version": self.version,
            "programs": programs,
            "attributes": {name: found for name, found in attributes.items() if found},
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
            for name, found in _map(given.get("attributes", {}), "attributes", None).items():
                states.set_attributes(self.program(name).module, found, f"attributes.{name}")
        except InvalidInput as error:
            raise InvalidInput(f"{error} (saved with DSPy {given.get('dspy')!r:.40})") from error
        for turn in history:
            self._note(turn)
        self.version = version


class Sessions:
    """A worker's sessions by their ids. They begin on any thread; all else is the loop's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._held)

    def begin(
        self, name: str | None, spec: Any, checkpoint: Any, means: Means | None = None
    ) -> Session:
        """A new session; with a checkpoint it takes the place of one that is there."""
        name = _named(name)
        self._check(name, checkpoint)
        made = Session(spec, means)
        if checkpoint is not None:
            made.restore(checkpoint)
        with self._lock:
            # Another may have begun meanwhile.
            self._check(name, checkpoint)
            self._held[name] = made
        return made

    def _check(self, name: str, checkpoint: Any) -> None:
        if checkpoint is None and name in self._held:
            raise InvalidInput(f"the session {name:.60} has begun already")
        if name not in self._held and len(self._held) >= limits.SESSIONS:
            raise InvalidInput(f"the worker has {limits.SESSIONS} sessions, and takes no more")

    def find(self, name: str | None) -> Session:
        """The session of a call; raises `InvalidInput`."""
        found = self._held.get(_named(name))
        if found is None:
            raise InvalidInput(f"the worker has no session {name!r:.60}; session_begin makes it")
        return found

    def end(self, name: str | None) -> bool:
        """Forgets a session; whether it was there."""
        return self._held.pop(_named(name), None) is not None


def _outputs(reply: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = reply["outputs"] if "outputs" in reply else {"value": reply["value"]}
    return found


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
