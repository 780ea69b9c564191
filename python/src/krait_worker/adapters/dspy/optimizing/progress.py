"""What a job tells while it runs, by DSPy's callbacks: counts, candidates, and what was logged.

A chunk is a map with one key. `{"progress": …}` has the counts, `{"candidate": …}` a candidate that
is the best so far, with its state, and `{"log": …}` a line.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from hashlib import sha256
from typing import Any

import dspy
import msgspec
import orjson
from dspy.utils.callback import BaseCallback
from dspy.utils.saving import get_dependency_versions

from krait_worker import limits
from krait_worker.adapters.dspy.optimizing import lines
from krait_worker.adapters.dspy.optimizing.metrics import Metric
from krait_worker.context import CallContext, current_call, enter_call
from krait_worker.faults import clipped

#: How often it tells at most.
_SECONDS = 0.25
_SHOWN = 8
#: How optimizers say how far they are.
_STEP = re.compile(r"\b(Trial|batch|Bootstrapping set)\s+(\d+)\s*(?:/|of)\s*(\d+)", re.IGNORECASE)
#: The candidate that the surrounding code runs.
_running: ContextVar["Candidate | None"] = ContextVar("krait_candidate", default=None)
_canonical = msgspec.json.Encoder(order="sorted").encode

State = dict[str, Any]


class Candidate:
    """A state of the program that an optimizer has tried, and its scores."""

    def __init__(self, number: int, state: State) -> None:
        self.number = number
        self.state = state
        self.rows = 0
        self.total = 0.0

    @property
    def score(self) -> float | None:
        """The mean score in percent; none before the first row."""
        return round(100 * self.total / self.rows, 2) if self.rows else None

    @property
    def told(self) -> dict[str, Any]:
        """What is told of it."""
        return {"number": self.number, "score": self.score, "rows": self.rows}


class Tokens:
    """Stands where DSPy's usage tracker would: one for all threads, which DSPy copies it for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.prompt = 0
        self.completion = 0
        self.cost: float | None = None

    def __deepcopy__(self, memo: Any) -> "Tokens":
        return self

    def add_usage(self, lm: str, usage: dict[str, Any]) -> None:
        """Counts what one answer took; nothing where it came from a cache."""
        with self._lock:
            self.prompt += int(usage.get("prompt_tokens") or 0)
            self.completion += int(usage.get("completion_tokens") or 0)
            if isinstance(cost := usage.get("cost"), (int, float)):
                self.cost = (self.cost or 0.0) + cost


def state_of(program: Any) -> State:
    """DSPy's state of a program as its file has it, without its LM, which is the pool's to say.

    Raises `TypeError` where DSPy could not save it either.
    """
    # As DSPy writes it: an enum's case becomes its value.
    state: State = orjson.loads(orjson.dumps(program.dump_state()))
    if isinstance(program, dspy.Predict):
        return {**state, "lm": None}
    return {
        name: {**one, "lm": None} if isinstance(one, dict) and "lm" in one else one
        for name, one in state.items()
    }


def saved(state: State, **told: Any) -> State:
    """The state as DSPy's `save` writes it, with what else is told among its metadata."""
    return {**state, "metadata": {"dependency_versions": get_dependency_versions(), **told}}


class Progress(BaseCallback):  # type: ignore[misc]
    """Counts what a job does, tells of it, and ends it where its call has ended."""

    def __init__(
        self, call: CallContext | None, student: Any, metric: Metric, is_stopped: threading.Event
    ) -> None:
        self._call = call
        self._is_stopped = is_stopped
        self._metric = metric
        self._shape = _shape(student)
        self._student = student
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._thread = threading.get_ident()
        self._began = time.monotonic()
        self._phase = ("start", self._began)
        self._last = 0.0
        self._lines: deque[dict[str, str]] = deque(maxlen=limits.OPTIMIZER_LINES)
        self._lost = 0
        self._candidates: dict[str, Candidate] = {}
        self._best: Candidate | None = None
        self._bootstraps: list[Any] = []
        self._step: tuple[str, int, int] | None = None
        self._times: dict[str, float] = {}
        self._is_over = False
        #: How many scores this phase is to ask for, where that is known.
        self.expected: Callable[[], int | None] = lambda: None
        self._scores_before = 0
        self.lm_calls = 0
        self.lm_errors = 0
        self.tokens = Tokens()
        self.last_error: Exception | None = None
        metric.scored = self._scored
        metric.failed = lambda text: self._line("error", text)

    # MARK: What DSPy tells

    def on_module_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """A module begins: where it is the program itself, this is a candidate."""
        self._enter()
        if self._phase[0] == "optimizing" and _shape(instance) == self._shape:
            _running.set(None if self._bootstraps else self._candidate(instance))

    def on_module_end(
        self, call_id: str, outputs: Any, exception: BaseException | None = None
    ) -> None:
        """A module has ended, well or not."""
        if isinstance(exception, Exception):
            self.last_error = exception

    def on_lm_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """A request is about to be made."""
        self._enter()
        with self._lock:
            self.lm_calls += 1

    def on_lm_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """A request has been answered, or not."""
        if isinstance(exception, Exception):
            with self._lock:
                self.lm_errors += 1
        self._tell()

    def on_compile_start(self, call_id: str, instance: Any, inputs: dict[str, Any]) -> None:
        """An optimizer begins, maybe within another."""
        if isinstance(instance, dspy.BootstrapFewShot):
            self._bootstraps.append(instance)

    def on_compile_end(
        self, call_id: str, outputs: Any, exception: BaseException | None = None
    ) -> None:
        """An optimizer has ended."""
        if self._bootstraps:
            self._bootstraps.pop()

    # MARK: Phases

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is done now: `before`, `optimizing` or `after`."""
        began = time.monotonic()
        self._phase = (name, began)
        self._scores_before = self._metric.calls
        self._tell(at_once=True)
        try:
            yield
        finally:
            self._times[name] = time.monotonic() - began
            self._tell(at_once=True)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Takes what DSPy logs for this job: it can hold parts of rows, and is for nobody else."""
        try:
            with lines.taken(lambda: self.is_here, self._line):
                yield
        finally:
            self._is_over = True

    @property
    def is_here(self) -> bool:
        """Whether the surrounding code is the job's."""
        return threading.get_ident() == self._thread or (
            self._call is not None and current_call() is self._call
        )

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self._began

    @property
    def phases(self) -> dict[str, float]:
        """How long each phase took."""
        return {name: round(seconds, 3) for name, seconds in self._times.items()}

    @property
    def ranked(self) -> list[Candidate]:
        """The candidates, best first: those with few rows behind the others."""
        with self._lock:
            known = list(self._candidates.values())
        most = max((one.rows for one in known), default=0)
        return sorted(
            known, key=lambda one: (one.rows * 2 < most, -(one.score or 0), -one.rows, one.number)
        )

    # MARK: Counting

    def check(self) -> None:
        """Raises where the job is to end."""
        if self._is_over or self._is_stopped.is_set():
            raise asyncio.CancelledError("the job is over")
        if self._call is not None:
            self._call.check()

    def _enter(self) -> None:
        # DSPy's threads have none of the call's context.
        if self._call is not None:
            enter_call(self._call)
        self.check()

    def _scored(self, score: float) -> None:
        found = _running.get()
        if found is not None and self._phase[0] == "optimizing":
            with self._lock:
                found.rows += 1
                found.total += score
        _running.set(None)
        self.check()
        self._tell()

    def _candidate(self, program: Any) -> Candidate | None:
        try:
            state = state_of(program)
            key = sha256(_canonical(state)).hexdigest()
        except (TypeError, ValueError):
            return None
        with self._lock:
            found = self._candidates.get(key)
            if found is None and len(self._candidates) < limits.OPTIMIZER_CANDIDATES:
                found = Candidate(len(self._candidates), state)
                self._candidates[key] = found
            return found

    # MARK: Telling

    def _line(self, level: str, text: str) -> None:
        if found := _STEP.search(text):
            self._step = (found[1].lower(), int(found[2]), int(found[3]))
        with self._lock:
            if len(self._lines) == self._lines.maxlen:
                self._lost += 1
            self._lines.append({"level": level, "text": clipped(text, limits.MESSAGE_TEXT_BYTES)})

    def _tell(self, at_once: bool = False) -> None:
        call = self._call
        if call is None or not call.is_stream or self._is_over:
            return
        if not at_once and time.monotonic() - self._last < _SECONDS:
            return
        # One thread tells; others have something better to do than to wait for it.
        if not self._telling.acquire(blocking=at_once):
            return
        try:
            self._last = time.monotonic()
            with self._lock:
                told, lost = list(self._lines), self._lost
                self._lines.clear()
                self._lost = 0
            if lost:
                call.emit({"log": {"level": "warning", "text": f"{lost} lines were left out"}})
            for line in told:
                call.emit({"log": line})
            self._tell_best(call)
            call.emit({"progress": self.now()})
        finally:
            self._telling.release()

    def _tell_best(self, call: CallContext) -> None:
        best = next((one for one in self.ranked if one.rows), None) or self._partial()
        if best is None or best is self._best:
            return
        self._best = best
        call.emit({"candidate": {**best.told, "state": saved(best.state)}})

    def _partial(self) -> Candidate | None:
        """The program with the demos so far, where nothing but demos has been made."""
        if not self._bootstraps or self._phase[0] != "optimizing":
            return None
        made = self._bootstraps[0]
        traces = {name: list(demos) for name, demos in getattr(made, "name2traces", {}).items()}
        count = sum(map(len, traces.values()))
        if not count or (self._best is not None and self._best.number == -count):
            return None
        program = self._student.deepcopy()
        for name, predictor in program.named_predictors():
            predictor.demos = traces.get(name, [])[: made.max_bootstrapped_demos]
        return Candidate(-count, state_of(program))

    def now(self) -> dict[str, Any]:
        """The counts."""
        share = self._share()
        name, began = self._phase
        eta = None
        if share:
            eta = (time.monotonic() - began) * (1 - share) / share
            eta += self._times.get("before", 0.0) if name == "optimizing" else 0.0
        ranked = self.ranked
        return {
            "phase": name,
            "step": "{} {} of {}".format(*self._step) if self._step else None,
            "seconds": round(self.seconds, 3),
            "share": share,
            "eta_s": None if eta is None else round(eta, 1),
            "lm_calls": self.lm_calls,
            "lm_errors": self.lm_errors,
            "prompt_tokens": self.tokens.prompt,
            "completion_tokens": self.tokens.completion,
            "cost": self.tokens.cost,
            "metric_calls": self._metric.calls,
            "metric_errors": self._metric.errors,
            "candidates": len(ranked),
            "best": ranked[0].score if ranked else None,
            "top": [one.told for one in ranked[:_SHOWN]],
        }

    def _share(self) -> float | None:
        """How much of the phase is done, where that can be told."""
        if expected := self.expected():
            return min(1.0, (self._metric.calls - self._scores_before) / expected)
        if self._step is None or self._step[0] == "bootstrapping set":
            return None
        return min(1.0, (self._step[1] - 1) / max(1, self._step[2]))


def _shape(program: Any) -> Any:
    """What tells the program from the modules that an optimizer uses itself."""
    named = getattr(program, "named_predictors", None)
    if named is None:
        return None
    return type(program), [(name, list(one.signature.fields)) for name, one in named()]
