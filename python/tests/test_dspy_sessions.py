"""Sessions: kept between calls, saved as plain data, and gone on with by another worker."""

import asyncio
import json
from typing import Any

import dspy
import pytest

from dspy_versions import INTERPRETER
from host import Host, WorkerEnd
from krait_worker import limits
from krait_worker.adapters.dspy import names
from krait_worker.adapters.dspy.construction import Means, UserProgram
from krait_worker.adapters.dspy.sessions import Session, Sessions
from krait_worker.context import CallContext
from krait_worker.envelope import Codec
from krait_worker.faults import CallRefused, InvalidInput
from krait_worker.values import decode
from test_dspy_agents import ScriptedCall, adapter, run
from test_dspy_objects import CALLED, runnable

SPEC = {
    "programs": {
        "answer": {
            "module": "ChainOfThought",
            "signature": "question, past: dspy.History -> reply",
        },
        "sort": {"signature": "text -> kind"},
    }
}
DEMO = {"text": "It broke.", "kind": "complaint"}


def start(host: Host, url: str) -> WorkerEnd:
    settings = {"model": "openai/offline", "api_base": url}
    host.load("dspy", "fork", options={"lm": settings})
    return host.start(slots=4, heartbeat_ms=500)


def ask(worker: WorkerEnd, operation: str, arguments: Any = None, session: str = "s") -> Any:
    return worker.reply(f"session_{operation}", arguments or {}, options={"session": session})


def test_another_worker_goes_on_from_a_checkpoint(host: Host, offline_url: str) -> None:
    first = start(host, offline_url)
    begun = ask(first, "begin", {"spec": SPEC})
    assert begun == {"version": 0, "programs": ["answer", "sort"]}
    asked = {"program": "answer", "inputs": {"question": "What is a conffile?"}}
    assert ask(first, "run", asked)["version"] == 1
    ask(first, "load", {"program": "sort", "state": {"demos": [DEMO]}})
    saved = ask(first, "checkpoint")
    assert saved["version"] == 2
    assert saved["missing"] == []
    assert saved["programs"]["sort"]["demos"] == [DEMO]
    # What it is made of survives any store.
    saved = json.loads(json.dumps(saved))
    second = host.start("w2", slots=4, heartbeat_ms=500)
    assert ask(second, "begin", {"spec": SPEC, "checkpoint": saved})["version"] == 2
    assert ask(second, "checkpoint") == saved
    assert ask(second, "run", asked)["version"] == 3
    turns = ask(second, "checkpoint")["history"]
    assert [turn["inputs"] for turn in turns] == [asked["inputs"]] * 2
    assert ask(second, "end") == {"ended": True}
    assert ask(second, "end") == {"ended": False}


def test_sessions_do_not_see_each_other(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    for session in ("a", "b"):
        ask(worker, "begin", {"spec": SPEC}, session)
    ask(worker, "load", {"program": "sort", "state": {"demos": [DEMO]}}, "a")
    ask(worker, "run", {"program": "sort", "inputs": {"text": "Hello."}}, "b")
    assert ask(worker, "checkpoint", session="a")["history"] == []
    other = ask(worker, "checkpoint", session="b")
    assert other["programs"]["sort"]["demos"] == []
    assert len(other["history"]) == 1


def test_a_session_s_history_is_its_program_s_input() -> None:
    session = Session(SPEC)
    session.ended("sort", {"text": "Hello."}, {"kind": "greeting"})
    session.ended("answer", {"question": "What is a?"}, {"reasoning": "r", "reply": "b"})
    given = session.inputs("answer", {"question": "And c?"})
    turn = {"question": "What is a?", "reasoning": "r", "reply": "b"}
    assert given == {"question": "And c?", "past": {"messages": [turn]}}
    own = {"question": "And c?", "past": {"messages": []}}
    assert session.inputs("answer", own) == own
    assert session.inputs("sort", {"text": "x"}) == {"text": "x"}
    bound = session.program("answer").bound.inputs(given)
    assert isinstance(bound["past"], dspy.History)


def test_the_history_is_bounded() -> None:
    session = Session(SPEC)
    for number in range(limits.SESSION_TURNS + 5):
        session.ended("sort", {"text": str(number)}, {"kind": ""})
    assert len(session.history) == limits.SESSION_TURNS
    assert next(iter(session.history))["inputs"] == {"text": "5"}
    assert session.version == limits.SESSION_TURNS + 5


def test_what_cannot_be_saved_is_named() -> None:
    session = Session(SPEC)
    predictor = session.program("sort").module
    predictor.lm = dspy.LM("openai/x", api_key="secret")
    predictor.traces = [object()]
    session.ended("sort", {"text": object()}, {})
    session.ended("sort", {"text": "x"}, {"kind": b"\xff", "count": 1 << 63})
    session.ended("sort", {"text": "x"}, {"count": 1 << 64})
    session.ended("sort", {"text": "\ud800"}, {})
    endless: list[object] = []
    endless.append(endless)
    session.ended("sort", {"text": endless}, {})
    saved = session.checkpoint()
    assert saved["missing"] == [
        "programs.sort.self.lm",
        "programs.sort.self.traces",
        "history[0]",
        "history[2]",
        "history[3]",
        "history[4]",
    ]
    body, missing = session.packed()
    assert decode(body, Codec.MSGPACK) == saved
    assert missing == saved["missing"]
    del saved["history"][0]["outputs"]["kind"]
    assert "secret" not in json.dumps(saved)
    again = Session(SPEC)
    again.restore(saved)
    assert len(again.history) == 1
    assert again.program("sort").module.traces == []


class Counting(dspy.Module):
    """A program of a user's own, which keeps more than its parameters."""

    def __init__(self, step: int = 1) -> None:
        super().__init__()
        self.answer = dspy.ChainOfThought("question -> reply")
        self.step = step
        self.count = 0
        self.thing: object = None

    async def aforward(self, question: str) -> dspy.Prediction:
        self.count += self.step
        return await self.answer.acall(question=question)


def test_what_a_program_has_learnt_goes_along_and_what_cannot_is_named() -> None:
    means = Means(programs={"Counting": UserProgram(Counting, {})})
    spec = {"programs": {"count": {"module": "Counting", "arguments": {"step": 2}}}}
    session = Session(spec, means)
    module = session.program("count").module
    assert session.checkpoint()["attributes"] == {}
    module.count, module.said = 4, ["a"]
    module.thing = object()
    module.answer.predict.demos = [{"question": "a", "reply": "b", "reasoning": "c"}]
    saved = json.loads(json.dumps(session.checkpoint()))
    assert saved["attributes"] == {"count": {"self": {"count": 4, "said": ["a"]}}}
    assert saved["missing"] == ["programs.count.self.thing"]
    again = Session(spec, means)
    again.restore(saved)
    module = again.program("count").module
    assert (module.count, module.said, module.step, module.thing) == (4, ["a"], 2, None)
    assert len(module.answer.predict.demos) == 1
    for attributes, part in (
        ({"self": {"aforward": 1}}, "no attribute that can be set"),
        ({"self": {"answer": 1}}, "no attribute that can be set"),
        ({"self.__class__": {}}, "no key 'self.__class__'"),
    ):
        saved["attributes"] = {"count": attributes}
        with pytest.raises(InvalidInput, match=part):
            Session(spec, means).restore(saved)


MODULES = [
    name for name in CALLED if isinstance(names.public()[name], dspy.primitives.module.ProgramMeta)
]


@pytest.mark.parametrize("name", runnable(MODULES))
def test_each_module_is_held_called_saved_and_loaded(offline_url: str, name: str) -> None:
    spec, inputs = CALLED[name]
    begun = {"programs": {"it": {"module": name, **spec}}, "adapter": "JSONAdapter"}
    call = ScriptedCall({"search": "Bees dance."}, is_stream=False)
    call.session = "s"
    made = adapter(offline_url, interpreter=INTERPRETER)
    run(call, made, "session_begin", spec=begun)
    found = run(call, made, "session_run", program="it", inputs=inputs)
    assert found["version"] == 1
    both = run(call, made, "session_run", program="it", inputs=[inputs, inputs])
    assert [row.keys() for row in both["results"]] == [found.keys() - {"version"}] * 2
    saved = json.loads(json.dumps(run(call, made, "session_checkpoint")))
    assert saved["missing"] == []
    assert (saved["version"], len(saved["history"])) == (2, 3)
    other = adapter(offline_url, interpreter=INTERPRETER)
    assert run(call, other, "session_begin", spec=begun, checkpoint=saved)["version"] == 2
    assert run(call, other, "session_checkpoint") == saved
    assert run(call, other, "session_run", program="it", inputs=inputs)["version"] == 3


def test_a_saved_lm_is_not_taken_over() -> None:
    session = Session(SPEC)
    lm = {"model": "openai/x", "api_base": "http://example.invalid"}
    session.load("sort", {"demos": [], "lm": lm})
    assert session.program("sort").module.lm is None


def test_a_program_that_dspy_saved_can_be_loaded(tmp_path: Any) -> None:
    program = dspy.ChainOfThought("question, past: dspy.History -> reply")
    program.predict.demos = [{"question": "a", "reply": "b", "reasoning": "c"}]
    program.save(tmp_path / "program.json")
    state = json.loads((tmp_path / "program.json").read_text())
    session = Session(SPEC)
    session.load("answer", state)
    assert session.program("answer").module.predict.demos == program.predict.demos


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        (5, "spec is a map"),
        ({"program": {}}, "did you mean 'programs'?"),
        ({"programs": {}}, "1 to 64"),
        ({"programs": {"a": {"module": "ChainOfThougt", "signature": "a -> b"}}}, "ChainOfThought"),
        ({"programs": {"a": {"signature": "->->"}}}, "the signature"),
        ({"programs": {"a": {"signature": "a -> b"}}, "lm": {"api_key": "x"}}, "never a setting"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(spec: Any, part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Session(spec)
    assert part in str(raised.value)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"version": -1}, "is a count"),
        ({"history": [{}]}, "maps of program, inputs and outputs"),
        ({"programs": {"other": {}}}, "no program 'other'"),
        ({"programs": {"answer": {"self": {}}}}, "no key 'self'"),
        ({"programs": {"sort": {"__class__": 1}}}, "no key '__class__'"),
        (
            {"programs": {"sort": {"self": {"signature": {}}}}, "dspy": "2.0"},
            "saved with DSPy '2.0'",
        ),
        ({"pickle": b""}, "no key 'pickle'"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(change: dict[str, Any], part: str) -> None:
    saved = {**Session(SPEC).checkpoint(), **change}
    with pytest.raises(InvalidInput) as raised:
        Session(SPEC).restore(saved)
    assert part in str(raised.value)


def test_a_worker_s_sessions_are_bounded_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS", 2)
    sessions = Sessions()

    def begin(name: str, checkpoint: Any = None) -> Session:
        return asyncio.run(sessions.begin(name, SPEC, checkpoint))

    first = begin("a")
    with pytest.raises(InvalidInput, match="has begun already"):
        begin("a")
    assert begin("a", first.checkpoint()) is not first
    begin("b")
    with pytest.raises(InvalidInput, match="takes no more"):
        begin("c")
    with pytest.raises(CallRefused, match="no session 'c'"):
        sessions.find("c")
    with pytest.raises(InvalidInput, match="belongs to no session"):
        sessions.find(None)
    assert len(sessions) == 2


def test_a_call_that_follows_at_once_finds_the_session_that_is_being_made() -> None:
    sessions = Sessions()

    async def served(call: CallContext) -> int:
        async with sessions.serving(call) as held:
            held.session.version += 1
            return held.session.version

    async def main() -> list[int]:
        first = CallContext(1, "s", begin={"spec": SPEC})
        return await asyncio.gather(served(first), *(served(CallContext(2, "s")) for _ in "abc"))

    assert asyncio.run(main()) == [1, 2, 3, 4]


def test_a_call_brings_the_session_and_takes_its_state(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)

    def run(**options: Any) -> Any:
        arguments = {"program": "sort", "inputs": {"text": "Hello."}}
        return worker.reply("session_run", arguments, options={"session": "s", **options})

    first = run(begin={"spec": SPEC}, save=True)
    assert first["version"] == 1
    assert first["saved"]["missing"] == []
    assert first["saved"]["dspy"] == dspy.__version__
    assert run()["version"] == 2
    state = first["saved"]["state"]
    back = run(begin={"spec": SPEC, "checkpoint": state}, save=True)
    assert back["version"] == 2
    assert back["saved"]["bytes"] == len(back["saved"]["state"]) > len(state)


def test_what_is_saved_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSIONS", 2)
    sessions = Sessions()

    def serve(name: str, changes: int = 0) -> None:
        async def main() -> None:
            async with sessions.serving(CallContext(1, name, begin={"spec": SPEC})) as held:
                held.session.version += changes

        asyncio.run(main())

    serve("a")
    serve("b", changes=1)
    serve("c")
    with pytest.raises(CallRefused) as refused:
        sessions.find("a")
    assert refused.value.code == "no_session"
    serve("c", changes=1)
    with pytest.raises(InvalidInput, match="saved nowhere"):
        serve("d")


def test_a_state_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECKPOINT_BYTES", 100)
    call = CallContext(1, "s", begin={"spec": SPEC}, save=True)

    async def main() -> Any:
        async with Sessions().serving(call) as held:
            return held.answer(call, {})["saved"]

    saved = asyncio.run(main())
    assert saved["bytes"] > 100
    assert "state" not in saved
