"""DSPy's optimizers as jobs, against the offline LM: what they tell, how they end, what they cost.

The offline LM is no model: it learns labels from demos and from rules in instructions.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dspy
import pytest

from krait_worker.adapters.dspy import DSPyAdapter
from krait_worker.adapters.dspy.optimizing import catalogue
from krait_worker.adapters.dspy.optimizing.metrics import Metric, MetricFailed
from krait_worker.context import enter_call
from krait_worker.faults import InvalidInput, ToolFailed
from krait_worker.offline_lm.server import OfflineServer

WORDS = {
    "billing": ["invoice", "refund", "charged", "payment"],
    "shipping": ["parcel", "courier", "delivery", "tracking"],
    "account": ["password", "login", "username", "locked"],
}
ROWS = [
    {"message": f"The {word} of order {number} is wrong, please help.", "team": team}
    for number in range(4)
    for place in range(4)
    for team, words in WORDS.items()
    for word in [words[place]]
]
PROGRAM = {"module": "Predict", "signature": "message -> team"}
METRIC = {"metric": "answer_exact_match", "field": "team"}
#: The smallest runs that do all that the optimizers do.
FOUR: dict[str, dict[str, Any]] = {
    "BootstrapFewShot": {"max_labeled_demos": 16},
    "MIPROv2": {"auto": None, "num_candidates": 3, "num_trials": 3, "minibatch": False},
    "GEPA": {"max_metric_calls": 200, "reflection_minibatch_size": 8},
    "SIMBA": {"bsize": 8, "num_candidates": 3, "max_steps": 2},
}
#: What SIMBA learns from: with options to guess among, some of what it samples is right.
OPTIONS = {"module": "Predict", "signature": "message -> team: Literal['a', 'b', 'c']"}
PAIRS = [
    {"message": f"The {one} and the {other} are wrong, please help.", "team": team}
    for team, words in zip("abc", WORDS.values(), strict=True)
    for one in words
    for other in words
    if one != other
]


class Call:
    """A call whose caller reads at once; `limit` chunks on it is cancelled."""

    is_stream = True
    lm = None

    def __init__(self, tool: Any = None, limit: int = 1 << 30) -> None:
        self.tool = tool
        self.tools = [{"name": "score"}] if tool else []
        self.limit = limit
        self.chunks: list[dict[str, Any]] = []
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def of(self, kind: str) -> list[Any]:
        return [chunk[kind] for chunk in self.chunks if kind in chunk]

    def check(self) -> None:
        if len(self.chunks) >= self.limit:
            raise asyncio.CancelledError("cancelled")

    def emit(self, value: Any) -> None:
        self.check()
        self.chunks.append(value)

    def abandon(self) -> None:
        self.limit = 0

    def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.tool(**arguments)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def server() -> Iterator[OfflineServer]:
    made = OfflineServer(0, 0, [])
    made.kept = []
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def optimize(url: str, call: Call | None = None, **arguments: Any) -> dict[str, Any]:
    lm = {"model": "openai/offline", "api_base": url, "num_retries": 0}
    adapter = DSPyAdapter(lm=lm)
    given = {"program": PROGRAM, "trainset": ROWS, "metric": METRIC, "threads": 4, **arguments}

    async def main() -> Any:
        enter_call(call or Call())  # type: ignore[arg-type]
        return await adapter.optimize(given)

    return dict(asyncio.run(main()))


@pytest.mark.parametrize("name", FOUR)
def test_an_optimizer_runs_and_its_calls_are_those_that_the_server_counts(
    server: OfflineServer, name: str, tmp_path: Path
) -> None:
    call = Call()
    found = optimize(server.url, call, optimizer=name, settings=FOUR[name])
    lineage, shown = found["lineage"], call.of("progress")[-1]
    asked = server.take()
    assert lineage["lm_calls"] == shown["lm_calls"] == len(asked) > 0
    assert lineage["prompt_tokens"] > lineage["completion_tokens"] > 0
    assert lineage["score"]["before"] == 0
    # SIMBA learns from what was right by itself, and here nothing is.
    assert (lineage["score"]["after"] > 50) == (name != "SIMBA")
    phases = list(dict.fromkeys(one["phase"] for one in call.of("progress")))
    assert phases == ["before", "optimizing", "after"]
    assert call.of("candidate")[-1]["state"]["signature"]
    assert name == "BootstrapFewShot" or call.of("log")
    path = tmp_path / "program.json"
    path.write_text(json.dumps(found["state"]))
    loaded = dspy.Predict("message -> team")
    loaded.load(path)
    assert loaded.dump_state()["demos"] == found["state"]["demos"]
    assert loaded.lm is None


def test_gepa_writes_instructions_from_what_the_metric_expected(server: OfflineServer) -> None:
    found = optimize(server.url, optimizer="GEPA", settings=FOUR["GEPA"])
    assert found["lineage"]["score"] == {"before": 0, "after": 100}
    assert "refund" in found["state"]["signature"]["instructions"]
    assert found["state"]["demos"] == []
    asked = [str(body["messages"]) for body in server.take()]
    assert any("The score is 0. The expected team is: billing" in text for text in asked)


def test_a_named_metric_tells_what_it_expected() -> None:
    metric = Metric("F1", None, 1)
    metric.tells_feedback = True
    found = metric(dspy.Example(answer=["Paris", "the city"]), dspy.Prediction(answer="Rome"))
    assert found.score == 0
    assert found.feedback == "The score is 0. The expected answer is one of: Paris; the city"


@pytest.mark.parametrize("seed", [0, 1])
def test_simba_learns_from_what_was_right_by_chance(server: OfflineServer, seed: int) -> None:
    call = Call()
    settings = {"bsize": 12, "num_candidates": 4, "max_steps": 5}
    found = optimize(server.url, call, optimizer="SIMBA", settings=settings, seed=seed,
                     program=OPTIONS, trainset=PAIRS)  # fmt: skip
    lineage = found["lineage"]
    assert lineage["score"]["before"] < 50 < lineage["score"]["after"]
    state = found["state"]
    assert state["demos"] or "If the inputs mention" in state["signature"]["instructions"]
    assert lineage["lm_calls"] == call.of("progress")[-1]["lm_calls"] == len(server.take())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("LabeledFewShot", {"k": 12}),
        ("BootstrapFewShotWithRandomSearch", {"num_candidate_programs": 1}),
        ("BootstrapFewShotWithOptuna", {"num_candidate_programs": 2, "max_demos": 2}),
        ("COPRO", {"breadth": 2, "depth": 1, "eval_kwargs": {}}),
        ("InferRules", {"num_candidates": 1}),
        ("Ensemble", {"programs": []}),
        ("BetterTogether", {"p": {"optimizer": "LabeledFewShot"}, "strategy": "p"}),
        ("KNNFewShot", {"k": 3, "vectorizer": {}}),
    ],
)
def test_the_other_optimizers_run(
    server: OfflineServer, name: str, settings: dict[str, Any]
) -> None:
    call = Call()
    if name == "Ensemble":
        settings = {"programs": [optimize(server.url)["state"]]}
        server.take()
    if name == "KNNFewShot":
        vectorizer = {"model": "openai/offline", "api_base": server.url, "api_key": "none"}
        settings = {**settings, "vectorizer": {**vectorizer, "caching": False}}
    lineage = optimize(server.url, call, optimizer=name, settings=settings)["lineage"]
    assert lineage["lm_calls"] == len(server.take())
    # With enough demos; with few the offline LM guesses.
    if name in ("BootstrapFewShotWithRandomSearch", "InferRules", "Ensemble"):
        assert lineage["score"]["after"] > 50


def test_every_optimizer_that_dspy_exports_is_known() -> None:
    lm = {"model": "openai/offline", "api_base": "http://127.0.0.1:9/v1"}
    found = asyncio.run(DSPyAdapter(lm=lm).optimizers())
    exported = {name for name in dspy.teleprompt.__all__ if name != "bootstrap_trace_data"}
    assert found.keys() == exported
    refused = {name for name, one in found.items() if "refused" in one}
    assert refused == {"AvatarOptimizer", "BootstrapFinetune"}
    assert found["MIPROv2"]["settings"]["auto"] == "'light'"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, server: OfflineServer) -> None:
    monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"MIPROv2 needs .* optuna.*krait-worker\[optimizers\]"):
        optimize(server.url, optimizer="MIPROv2")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"optimizer": "MIPRO2"}, "did you mean 'MIPROv2'"),
        ({"optimizer": "AvatarOptimizer"}, "dspy.TypedPredictor"),
        ({"optimizer": "BootstrapFinetune"}, "none that can be trained"),
        ({"settings": {"max_label_demos": 1}}, "did you mean 'max_labeled_demos'"),
        ({"settings": {"max_rounds": "two"}}, "settings.max_rounds: "),
        ({"settings": {"metric": "F1"}}, "cannot be set"),
        ({"optimizer": "GEPA", "settings": {"log_dir": "x"}}, "cannot be set"),
        ({"optimizer": "GEPA", "settings": {"auto": "easy"}}, "settings.auto: "),
        ({"optimizer": "SIMBA", "settings": {"bsize": 64}}, "Trainset too small"),
        ({"optimizer": "SIMBA", "valset": ROWS[:2]}, "takes no valset"),
        ({"metric": "EMM"}, "did you mean 'EM'"),
        ({"metric": {"tool": "score"}}, "no tool 'score'"),
        ({"metric": {"metric": "EM", "tool": "x"}}, "metric is a name"),
        ({"metric": {"metric": "EM", "feld": "x"}}, "did you mean 'field'"),
        ({"metric": "EM"}, "row 1: the field answer is missing"),
        ({"trainset": []}, "the training set has rows"),
        ({"trainset": ROWS[:1]}, "cannot be held out"),
        ({"trainset": [*ROWS, {"team": "x"}]}, "trainset, row 49: inputs.message is missing"),
        ({"trainset": ROWS[:2], "lines": [3]}, "lines has a number"),
        ({"trainset": [{"team": "x"}], "lines": [7]}, "trainset, row 7: "),
        ({"testset": [{"mesage": "a", "team": "x"}]}, "testset, row 1: inputs.message"),
        ({"holdout": 1.0}, "holdout is a share"),
        ({"threads": 0}, "threads is from 1"),
        ({"max_errors": 0}, "max_errors is at least 1"),
        ({"trainst": []}, "trainst"),
        ({"program": {"module": "Predikt", "signature": "a -> b"}}, "Predikt"),
        ({"state": {"demoss": []}}, "did you mean 'demos'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_asked(
    server: OfflineServer, arguments: dict[str, Any], part: str
) -> None:
    with pytest.raises(InvalidInput) as found:
        optimize(server.url, **{"holdout": 0.25, **arguments})
    assert part in str(found.value)
    if arguments.get("optimizer") != "SIMBA":
        assert server.take() == []


def test_a_metric_of_the_callers_is_asked_many_at_once(server: OfflineServer) -> None:
    gate = threading.Barrier(4, timeout=20)
    waits = iter([True] * 4)

    def score(example: Any, prediction: Any, predictor: str | None = None) -> Any:
        if next(waits, False):
            gate.wait()
        right = example["team"] == prediction["team"]
        return {"score": right, "feedback": f"It is {example['team']}."}

    call = Call(score)
    found = optimize(server.url, call, metric={"tool": "score"}, optimizer="GEPA",
                     settings={"max_metric_calls": 40})["lineage"]  # fmt: skip
    assert call.most_at_once == 4
    assert found["metric_calls"] == call.asked > 40
    # Feedback goes to who writes instructions.
    assert any("It is billing." in str(body["messages"]) for body in server.take())


def test_a_metric_that_throws_is_counted_and_ends_the_job_at_its_bound(
    server: OfflineServer,
) -> None:
    def score(example: Any, prediction: Any) -> Any:
        raise ToolFailed("Unlucky", "the metric broke")

    for name, settings in FOUR.items():
        with pytest.raises(MetricFailed) as found:
            optimize(server.url, Call(score), metric={"tool": "score"}, max_errors=5, holdout=0,
                     optimizer=name, settings=settings)  # fmt: skip
        assert "failed 5 times, the last time for row " in str(found.value)
        assert "Unlucky: the metric broke" in str(found.value)


def test_what_dspy_logs_goes_to_the_job_alone(
    server: OfflineServer, capfd: pytest.CaptureFixture[str]
) -> None:
    call = Call()
    optimize(server.url, call, optimizer="SIMBA", settings=FOUR["SIMBA"])
    assert any("Starting batch 1 of 2" in line["text"] for line in call.of("log"))
    assert "Starting batch" not in capfd.readouterr().err


def test_a_few_errors_of_a_metric_score_nothing_and_are_told(server: OfflineServer) -> None:
    def score(example: Any, prediction: Any) -> Any:
        return "high" if example == ROWS[0] else example["team"] == prediction["team"]

    call = Call(score)
    found = optimize(server.url, call, metric={"tool": "score"})["lineage"]
    assert found["metric_errors"] >= 1
    assert found["score"]["after"] > 50
    [told, *_] = [one["text"] for one in call.of("log") if one["level"] == "error"]
    assert told == "the metric score failed: row 1: ValueError: score gave no finite number"


@pytest.mark.parametrize("name", FOUR)
def test_a_cancelled_job_ends_and_asks_no_more(server: OfflineServer, name: str) -> None:
    # So that there are chunks to count: many requests, each a moment long.
    server.latency = 0.02
    call = Call(limit=3)
    with pytest.raises(asyncio.CancelledError):
        optimize(server.url, call, optimizer=name, settings=FOUR[name], threads=2)
    assert len(call.chunks) == 3


def test_a_job_whose_task_is_cancelled_waits_for_its_thread(server: OfflineServer) -> None:
    server.latency = 0.02
    lm = {"model": "openai/offline", "api_base": server.url, "num_retries": 0}
    given = {"program": PROGRAM, "trainset": ROWS, "metric": METRIC, "threads": 2}

    async def main() -> int:
        enter_call(Call())  # type: ignore[arg-type]
        task = asyncio.ensure_future(DSPyAdapter(lm=lm).optimize(given))
        while not server.kept:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(server.kept)

    # Those that had begun are answered; of the others none is asked.
    assert asyncio.run(main()) < 10
    assert len(server.take()) < 10


def test_a_language_model_that_fails_is_named(server: OfflineServer) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(dspy.LMError):
        optimize(server.url, max_errors=2)


def test_a_program_that_fails_is_named(
    server: OfflineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise KeyError("the program's own")

    monkeypatch.setattr(dspy.Predict, "forward", fail)
    with pytest.raises(KeyError, match="the program's own"):
        optimize(server.url, max_errors=2)


def test_an_optimization_goes_on_from_a_state_and_says_so(server: OfflineServer) -> None:
    first = optimize(server.url)
    again = optimize(server.url, state=first["state"], optimizer="GEPA", settings=FOUR["GEPA"])
    assert again["lineage"]["parent"] is not None
    assert again["lineage"]["score"]["before"] == first["lineage"]["score"]["after"] > 50
    assert again["state"]["demos"] == first["state"]["demos"]
    # The same seed holds the same rows out, and another one others.
    assert again["lineage"]["testset"] == first["lineage"]["testset"]
    other = optimize(server.url, seed=1)["lineage"]
    assert other["testset"]["sha256"] != first["lineage"]["testset"]["sha256"]


def test_a_signature_with_an_enum_learns_its_cases(server: OfflineServer) -> None:
    cases = {"kind": "enum", "cases": [["low", "low"], ["high", "high"]]}
    signature = {"text": "message -> urgency: Urgency", "types": {"Urgency": cases}}
    told = {"high": "The lamp burns and smells", "low": "When do you open your store"}
    rows = [
        {"message": f"{text}, order {number}?", "urgency": urgency}
        for number in range(8)
        for urgency, text in told.items()
    ]
    found = optimize(
        server.url,
        program={"module": "Predict", "signature": signature},
        trainset=rows,
        metric={"metric": "EM", "field": "urgency"},
    )
    assert found["lineage"]["score"]["before"] < found["lineage"]["score"]["after"] == 100
    assert {demo["urgency"] for demo in found["state"]["demos"]} == {"low", "high"}
    json.dumps(found["state"])
