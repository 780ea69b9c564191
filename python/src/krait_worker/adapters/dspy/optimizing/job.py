"""One optimization from its request to the program's new state."""

import asyncio
import datetime
import hashlib
import random
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import dspy
import msgspec

from krait_worker import limits
from krait_worker.adapters.dspy.construction import Means
from krait_worker.adapters.dspy.optimizing.catalogue import READS_FEEDBACK, FindLM, Optimizer
from krait_worker.adapters.dspy.optimizing.metrics import JobEnded, Metric
from krait_worker.adapters.dspy.optimizing.progress import Progress, saved, state_of
from krait_worker.adapters.dspy.sessions import Session
from krait_worker.adapters.dspy.signatures import BoundSignature
from krait_worker.context import CallContext
from krait_worker.faults import InvalidInput

_NAME = "program"
_canonical = msgspec.json.Encoder(order="sorted").encode

Examples = list[dspy.Example]
Result = TypeVar("Result")


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a job is asked for; the arguments of the operation `optimize`."""

    #: As in a session's spec.
    program: Any
    trainset: list[dict[str, Any]]
    #: A name, or a tool of the call.
    metric: Any
    optimizer: str = "BootstrapFewShot"
    #: The optimizer's own arguments.
    settings: dict[str, Any] | None = None
    #: The state the program starts from, as DSPy saves it.
    state: dict[str, Any] | None = None
    valset: list[dict[str, Any]] | None = None
    #: The rows to score before and after; without, a share of the training set is held out.
    testset: list[dict[str, Any]] | None = None
    holdout: float = 0.2
    #: Which fields are inputs; without, those of the signature.
    inputs: list[str] | None = None
    #: What errors call the rows of the training set; without, 1 and on.
    lines: list[int] | None = None
    seed: int = 0
    threads: int = 8
    max_errors: int = 10


def read(arguments: dict[str, Any]) -> Request:
    """Reads and checks the arguments; raises `InvalidInput`."""
    try:
        request = msgspec.convert(arguments, Request)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"optimize: {error}") from error
    if not 0 <= request.holdout < 1:
        raise InvalidInput("holdout is a share from 0 to below 1")
    if not 1 <= request.threads <= limits.OPTIMIZER_THREADS:
        raise InvalidInput(f"threads is from 1 to {limits.OPTIMIZER_THREADS}")
    if request.max_errors < 1:
        raise InvalidInput("max_errors is at least 1")
    rows = sum(len(rows or []) for rows in (request.trainset, request.valset, request.testset))
    if not request.trainset or rows > limits.OPTIMIZER_ROWS:
        raise InvalidInput(f"the training set has rows, all sets at most {limits.OPTIMIZER_ROWS}")
    if request.lines is not None and len(request.lines) != len(request.trainset):
        raise InvalidInput("lines has a number for each row of the training set")
    return request


class Job:
    """An optimization, checked as far as it can be before any LM is asked."""

    def __init__(
        self, request: Request, call: CallContext | None, means: Means | None = None
    ) -> None:
        self._request = request
        self._call = call
        self._is_stopped = threading.Event()
        session = Session({"programs": {_NAME: request.program}}, means)
        if request.state is not None:
            session.load(_NAME, request.state)
        program = session.program(_NAME)
        self._student = program.module
        self._bound: BoundSignature | None = program.bound
        self._metric = Metric(request.metric, call, request.max_errors)
        numbers = request.lines or list(range(1, len(request.trainset) + 1))
        training = self._examples(request.trainset, "trainset", numbers)
        self._validation = self._examples(request.valset or [], "valset")
        if request.testset is None:
            self._training, self._held_out = self._split(training)
        else:
            self._training = training
            self._held_out = self._examples(request.testset, "testset")

    def stop(self) -> None:
        """Lets it end at its next call of an LM or the metric."""
        self._is_stopped.set()
        if self._call is not None:
            self._call.abandon()

    def run(self, find_lm: FindLM) -> dict[str, Any]:
        """Optimizes within DSPy's settings; gives the state and where it comes from."""
        began = datetime.datetime.now(datetime.UTC)
        request = self._request
        progress = Progress(self._call, self._student, self._metric, self._is_stopped)
        settings = {
            "callbacks": [progress],
            "usage_tracker": progress.tokens,
            "num_threads": request.threads,
            "max_errors": request.max_errors,
        }
        with dspy.context(**settings), progress.listening():
            optimizer = Optimizer(request.optimizer, request.settings, find_lm)
            self._metric.tells_feedback = optimizer.name in READS_FEEDBACK
            try:
                before = self._evaluate("before", self._student, progress)
                made = self._optimize(optimizer, progress)
                after = self._evaluate("after", made, progress)
            except JobEnded as ended:
                raise ended.cause from None
            except Exception as error:
                # DSPy's threads say only that something went wrong; what it was is known here.
                if type(error) is Exception and progress.last_error is not None:
                    raise progress.last_error from error
                raise
        scores = {"before": before, "after": after}
        return self._result(optimizer, made, progress, scores, began)

    def _optimize(self, optimizer: Optimizer, progress: Progress) -> Any:
        request, asked = self._request, progress.lm_calls
        student = self._student.deepcopy()
        with progress.phase("optimizing"):
            progress.expected = lambda: optimizer.scores(len(self._training))
            try:
                return optimizer.run(
                    student, self._data, self._metric, request.seed, request.threads
                )
            except (AssertionError, ValueError) as error:
                if progress.lm_calls > asked:
                    raise
                # What it says before it asks anything is about what it was given.
                raise InvalidInput(f"{optimizer.name}: {error}") from error

    @property
    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"trainset": self._training}
        return {**data, "valset": self._validation} if self._validation else data

    def _evaluate(self, phase: str, program: Any, progress: Progress) -> float | None:
        """The score on the rows that are held out, in percent; none without such rows."""
        if not self._held_out:
            return None
        with progress.phase(phase):
            progress.expected = lambda: len(self._held_out)
            evaluate = dspy.Evaluate(
                devset=self._held_out,
                metric=lambda example, prediction: float(self._metric(example, prediction)),
                num_threads=self._request.threads,
            )
            return float(evaluate(program).score)

    def _examples(
        self, rows: list[dict[str, Any]], what: str, numbers: list[int] | None = None
    ) -> Examples:
        """DSPy's examples; raises `InvalidInput` naming the row that is none."""
        made = []
        for index, row in enumerate(rows):
            number = numbers[index] if numbers else index + 1
            try:
                example = self._example(row)
                self._metric.check(example)
            except InvalidInput as error:
                raise InvalidInput(f"{what}, row {number}: {error}") from error
            self._metric.number(example, number)
            made.append(example)
        return made

    def _example(self, row: dict[str, Any]) -> dspy.Example:
        names, bound = self._request.inputs, self._bound
        if bound is None:
            if not names or not row.keys() >= set(names):
                raise InvalidInput("the program has no one signature: say its inputs, in each row")
            return dspy.Example(**row).with_inputs(*names)
        names = names or list(bound.signature.input_fields)
        given = bound.inputs({name: row[name] for name in names if name in row})
        return dspy.Example(**{**row, **given}).with_inputs(*names)

    def _split(self, rows: Examples) -> tuple[Examples, Examples]:
        """A share of the rows is held out, by the seed; the others stay in their order."""
        count = round(len(rows) * self._request.holdout)
        if self._request.holdout and (count == 0 or count == len(rows)):
            raise InvalidInput(
                f"of {len(rows)} rows a share of {self._request.holdout} cannot be held out: give "
                "more rows, a testset, or a holdout of 0"
            )
        order = random.Random(self._request.seed)  # noqa: S311 - the split is to be the same again
        taken = set(order.sample(range(len(rows)), count))
        kept = [row for index, row in enumerate(rows) if index not in taken]
        return kept, [rows[index] for index in sorted(taken)]

    def _result(
        self,
        optimizer: Optimizer,
        made: Any,
        progress: Progress,
        scores: dict[str, float | None],
        began: datetime.datetime,
    ) -> dict[str, Any]:
        request = self._request
        ranked = progress.ranked
        lineage = {
            "optimizer": optimizer.name,
            "settings": optimizer.settings,
            "program": request.program,
            "parent": None if request.state is None else digest(request.state),
            "metric": request.metric,
            "seed": request.seed,
            "trainset": _described(self._training),
            "valset": _described(self._validation) if self._validation else None,
            "testset": _described(self._held_out) if self._held_out else None,
            "score": scores,
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(progress.seconds, 3),
            "phases": progress.phases,
            "lm_calls": progress.lm_calls,
            "lm_errors": progress.lm_errors,
            "prompt_tokens": progress.tokens.prompt,
            "completion_tokens": progress.tokens.completion,
            "cost": progress.tokens.cost,
            "metric_calls": self._metric.calls,
            "metric_errors": self._metric.errors,
            "candidates": [one.told for one in ranked[: limits.OPTIMIZER_LINES]],
            "dspy": dspy.__version__,
        }
        return {"state": saved(state_of(made), lineage=lineage), "lineage": lineage}


async def on_a_thread(work: Callable[[], Result], stop: Callable[[], None]) -> Result:
    """Runs it beside the loop; a cancelled call ends when the thread has."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # Its slot may not serve another call while this one still runs.
        stop()
        await asyncio.wait([running])
        raise


def digest(state: dict[str, Any]) -> str:
    """What names a state: of equal ones equal, whatever is told of them beside."""
    own = {key: value for key, value in state.items() if key != "metadata"}
    return hashlib.sha256(_canonical(own)).hexdigest()


def _described(rows: Examples) -> dict[str, Any]:
    plain = [{str(key): repr(value) for key, value in row.items()} for row in rows]
    return {"rows": len(rows), "sha256": hashlib.sha256(_canonical(plain)).hexdigest()}
