"""Sessions: programs that a worker keeps between calls, and their state as plain data.

A session is begun from a *spec* and goes on from a *checkpoint*; both are plain values, so another
worker can go on with it. Nothing is pickled. What is no plain value is left out of a checkpoint and
named in it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any
from weakref import WeakValueDictionary

import dspy

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy import states
from krait_worker.adapters.dspy.construction import Means
from krait_worker.adapters.dspy.history import History
from krait_worker.adapters.dspy.language_models import checked
from krait_worker.adapters.dspy.objects import Constructed, adapter
from krait_worker.context import CallContext
from krait_worker.envelope import Codec
from krait_worker.faults import CallRefused, InvalidInput, StateTooLarge
from krait_worker.values import MalformedBody, decode, encode, with_entry

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
        self.history = History()
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
        self.history.add({"program": name, "inputs": inputs, "outputs": outputs})

    def answered(self, name: str, inputs: Any, reply: dict[str, Any]) -> None:
        """`ended` by the reply; of a list of inputs, each that was answered is a turn."""
        if not isinstance(inputs, list):
            self.ended(name, inputs, _outputs(reply))
            return
        self.version += 1
        for given, row in zip(inputs, reply["results"], strict=True):
            if "error" not in row:
                self.history.add({"program": name, "inputs": given, "outputs": _outputs(row)})

    def load(self, name: str, state: Any) -> None:
        """Gives a program a state, such as what DSPy's optimizers save; raises `InvalidInput`."""
        states.load(self.program(name).module, name, state)

    def checkpoint(self) -> dict[str, Any]:
        """Everything that a later worker needs beside the spec, and the names of what is not in."""
        return {**self._known(), "history": self.history.plain()}

    def packed(self) -> tuple[bytes, list[str]]:
        """The checkpoint as MessagePack, and the names of what is not in."""
        known = self._known()
        body = encode(known, Codec.MSGPACK, "checkpoint")
        return with_entry(body, "history", self.history.body()), known["missing"]

    def _known(self) -> dict[str, Any]:
        missing: list[str] = []
        programs = {
            name: states.state(program.module, f"programs.{name}", missing)
            for name, program in self.programs.items()
        }
        attributes = {
            name: states.changed(program.module, self._begun[name], f"programs.{name}", missing)
            for name, program in self.programs.items()
        }
        return {
            "dspy": dspy.__version__,
            "version": self.version,
            "programs": programs,
            "attributes": {name: found for name, found in attributes.items() if found},
            "missing": missing + self.history.missing(),
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
            self.history.add(turn)
        self.version = version


class Held:
    """A session that the worker has, and what is known of its state elsewhere."""

    __slots__ = ("running", "saved", "session")

    def __init__(self, session: Session, is_kept: bool) -> None:
        self.session = session
        #: The version whose state the daemon has.
        self.saved = session.version if is_kept else -1
        self.running = 0

    def answer(self, call: CallContext | None, made: dict[str, Any]) -> dict[str, Any]:
        """What a call is answered with: with the state, where it asks for that."""
        made["version"] = self.session.version
        if call is not None and call.save:
            packed, missing = self.session.packed()
            saved = {"bytes": len(packed), "dspy": dspy.__version__, "missing": missing}
            if len(packed) <= limits.CHECKPOINT_BYTES:
                saved["state"] = packed
                self.saved = self.session.version
            made["saved"] = saved
        return made


class Sessions:
    """A worker's sessions by their ids. For one thread: the asyncio loop's."""

    def __init__(self, building: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._building = building
        #: The one that was used last is the last.
        self._held: dict[str, Held] = {}
        #: Held while a session is made or found: who comes second finds what the first has made.
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._held)

    async def begin(
        self, name: str | None, spec: Any, checkpoint: Any, means: Means | None = None
    ) -> Session:
        """A new session; with a checkpoint it takes the place of one that is there."""
        name = _named(name)
        async with self._gate(name):
            if checkpoint is None and name in self._held:
                raise InvalidInput(f"the session {name:.60} has begun already")
            return (await self._make(name, spec, checkpoint, means, is_kept=False)).session

    def find(self, name: str | None) -> Session:
        """The session of that name; raises `CallRefused`."""
        return self._found(_named(name)).session

    def end(self, name: str | None) -> bool:
        """Forgets a session; whether it was there."""
        return self._held.pop(_named(name), None) is not None

    @asynccontextmanager
    async def serving(
        self, call: CallContext | None, means: Means | None = None
    ) -> AsyncIterator[Held]:
        """The session of a call while that runs; made anew where the call brings what makes it."""
        name = _named(call.session if call is not None else None)
        begin = call.begin if call is not None else None
        async with self._gate(name):
            if begin is not None:
                state = begin.get("checkpoint")
                checkpoint = None if state is None else _unpacked(state)
                await self._make(name, begin["spec"], checkpoint, means, is_kept=True)
            held = self._found(name)
        held.running += 1
        try:
            yield held
        finally:
            held.running -= 1

    def _gate(self, name: str) -> asyncio.Lock:
        return self._gates.setdefault(name, asyncio.Lock())

    def _found(self, name: str) -> Held:
        held = self._held.pop(name, None)
        if held is None:
            raise CallRefused(
                "no_session", f"the worker has no session {name!r:.60}; session_begin makes it"
            )
        self._held[name] = held
        return held

    async def _make(
        self, name: str, spec: Any, checkpoint: Any, means: Means | None, *, is_kept: bool
    ) -> Held:
        with self._building():
            # On a thread: some embed texts while they are made.
            made = await asyncio.to_thread(_built, spec, checkpoint, means)
        if name not in self._held and len(self._held) >= limits.SESSIONS:
            self._make_room()
        held = self._held[name] = Held(made, is_kept)
        return held

    def _make_room(self) -> None:
        """Forgets the session that was used longest ago and can come back as it is."""
        for name, held in self._held.items():
            if held.running == 0 and held.saved == held.session.version:
                del self._held[name]
                return
        raise InvalidInput(
            f"the worker has {limits.SESSIONS} sessions with what is saved nowhere, and takes no "
            "more; end some, or save them more often"
        )


def _outputs(reply: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = reply["outputs"] if "outputs" in reply else {"value": reply["value"]}
    return found


def _named(name: str | None) -> str:
    if not name:
        raise InvalidInput("the call belongs to no session: give it one (options.session)")
    return name


def _built(spec: Any, checkpoint: Any, means: Means | None) -> Session:
    made = Session(spec, means)
    if checkpoint is not None:
        made.restore(checkpoint)
    return made


def _unpacked(state: bytes | memoryview) -> Any:
    try:
        return decode(bytes(state), Codec.MSGPACK)
    except MalformedBody as error:
        raise InvalidInput(f"the checkpoint cannot be read: {error}") from error


def _map(given: Any, where: str, keys: frozenset[str] | None) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{where} is a map")
    for key in given:
        if keys is not None and key not in keys:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(str(key), [*keys])}")
    return given
