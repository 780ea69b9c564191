"""Calls and sessions at once on one worker: none sees another's, and none leaves anything."""

import asyncio
import contextlib
import gc
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dspy
import pytest

from dspy_versions import needs_engines, needs_own_client
from krait_worker import limits
from krait_worker.adapters.dspy import DSPyAdapter, caching
from krait_worker.adapters.dspy.caching import Answers
from krait_worker.adapters.dspy.sessions import Held, Session
from krait_worker.context import CallContext, enter_call
from krait_worker.faults import StateTooLarge
from krait_worker.offline_lm.injection import Injection
from krait_worker.offline_lm.server import OfflineServer
from test_dspy_agents import adapter

ADAPTERS = ["ChatAdapter", "JSONAdapter", None, "JSONAdapter"]
#: What tells each adapter's requests.
MARKS = {"ChatAdapter": "[[ ## completed ## ]]", "JSONAdapter": "JSON object"}
ASK = {"signature": "question -> answer", "inputs": {"question": "What is a conffile?"}}
COT = {"module": "ChainOfThought", "signature": "question -> answer"}

Begin = Callable[[], Any]


@contextlib.contextmanager
def offline(*injections: Injection) -> Iterator[OfflineServer]:
    """The offline LM in this process, which keeps what it is asked."""
    with OfflineServer(0, 0, list(injections)) as server:
        server.kept = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def settings() -> dict[str, Any]:
    """All of DSPy's settings, as they are outside of calls; objects are the same ones or not."""
    return {key: (id(value), repr(value)) for key, value in dspy.settings.config.items()}


async def in_call(begin: Begin, *, session: str | None = None, lm: Any = None) -> Any:
    """What an operation answers, as a call of its own."""

    async def run() -> Any:
        enter_call(CallContext(1, session=session, lm=lm))
        return await begin()

    return await asyncio.create_task(run())


def test_calls_at_once_have_models_adapters_and_settings_of_their_own() -> None:
    with offline() as one, offline() as two, offline() as three:
        servers, before = [one, two, three], settings()
        made = adapter(one.url)

        def ask(number: int) -> Any:
            arguments = {
                "signature": "question -> answer",
                "inputs": {"question": f"Question number {number}?"},
                "config": {"temperature": number / 100},
                "adapter": ADAPTERS[number % 4],
            }
            lm = {"model": f"openai/m{number}", "api_base": servers[number % 3].url}
            operation = made.predict if number % 2 else made.chain_of_thought
            return in_call(lambda: operation(**arguments), lm=lm)

        async def main() -> list[Any]:
            return list(await asyncio.gather(*(ask(number) for number in range(48))))

        found = asyncio.run(main())
        assert settings() == before
        for number, reply in enumerate(found):
            assert list(reply["usage"]) == [f"openai/m{number}"]
            assert f"Question number {number}?" in reply["outputs"]["answer"]
        numbers = []
        for index, server in enumerate(servers):
            for body in server.take():
                number, text = int(body["model"][1:]), json.dumps(body["messages"])
                numbers.append(number)
                assert number % 3 == index
                assert f"Question number {number}?" in text
                assert body["temperature"] == number / 100
                kind = ADAPTERS[number % 4] or "ChatAdapter"
                assert [name for name, mark in MARKS.items() if mark in text] == [kind]
        assert sorted(numbers) == list(range(48))


def test_sessions_at_once_have_models_adapters_and_histories_of_their_own() -> None:
    program = {"signature": "question, past: dspy.History -> answer"}
    with offline() as server:
        before = settings()
        made = adapter(server.url)

        async def one(number: int) -> Any:
            spec = {
                "programs": {"answer": program},
                "lm": {"model": f"openai/s{number}"},
                "adapter": ADAPTERS[number % 4],
            }
            name = f"s{number}"
            await in_call(lambda: made.session_begin(spec=spec), session=name)
            for turn in range(3):
                inputs = {"question": f"Question {turn} of {number}?"}
                await in_call(
                    lambda i=inputs: made.session_run(program="answer", inputs=i), session=name
                )
            return await in_call(made.session_checkpoint, session=name)

        async def main() -> list[Any]:
            return list(await asyncio.gather(*(one(number) for number in range(12))))

        for number, saved in enumerate(asyncio.run(main())):
            told = [turn["inputs"]["question"] for turn in saved["history"]]
            assert told == [f"Question {turn} of {number}?" for turn in range(3)]
        assert settings() == before
        counts: Counter[int] = Counter()
        for body in server.take():
            number, text = int(body["model"][1:]), json.dumps(body["messages"])
            counts[number] += 1
            kind = ADAPTERS[number % 4] or "ChatAdapter"
            assert [name for name, mark in MARKS.items() if mark in text] == [kind]
            others = [other for other in range(12) if other != number]
            assert not any(f" of {other}?" in text for other in others)
        assert counts == dict.fromkeys(range(12), 3)


def test_nothing_global_is_left_by_faults_and_cancellations(silent_url: str) -> None:
    before = settings()
    with offline(Injection("500", 1)) as failing:

        async def main() -> None:
            made = adapter(failing.url)
            with pytest.raises(dspy.LMError):
                await in_call(lambda: made.predict(**ASK))
            with pytest.raises(dspy.LMError):
                await in_call(lambda: made.use(spec=COT, inputs=ASK["inputs"]))
            waiting = adapter(silent_url)
            tasks = [
                asyncio.create_task(in_call(lambda o=operation: o(**ASK)))
                for operation in (waiting.predict, waiting.chain_of_thought)
            ]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(ended, asyncio.CancelledError)
                for ended in await asyncio.gather(*tasks, return_exceptions=True)
            )
            assert settings() == before

        asyncio.run(main())
    assert settings() == before


@needs_own_client
def test_calls_leave_no_objects_behind() -> None:
    """Counted, not timed: what would be a trace, a history or a cache that grows."""
    with offline() as server:
        made = adapter(server.url)
        spec = {"programs": {"answer": COT}}

        async def calls(count: int) -> None:
            for number in range(count):
                ask = {**ASK, "inputs": {"question": f"Question number {number}?"}}
                await in_call(lambda a=ask: made.predict(**a))
                await in_call(lambda a=ask: made.chain_of_thought(**a))
                await in_call(lambda a=ask: made.use(spec=COT, inputs=a["inputs"]))
                await in_call(
                    lambda a=ask: made.session_run(program="answer", inputs=a["inputs"]),
                    session="s",
                )

        def living() -> Counter[str]:
            gc.collect()
            return Counter(type(one).__qualname__ for one in gc.get_objects())

        async def main() -> tuple[Counter[str], Counter[str]]:
            await in_call(lambda: made.session_begin(spec=spec), session="s")
            await calls(limits.SESSION_TURNS)
            before = living()
            await calls(40)
            return before, living()

        server.kept = None
        before, after = asyncio.run(main())
        grown = {kind: after[kind] - count for kind, count in before.items()}
        grown = {kind: more for kind, more in grown.items() if more > 20}
        assert grown == {}
        module = made._sessions.find("s").programs["answer"].module
        assert module.history == module.predict.history == []
        assert dspy.settings.trace in (None, [])


def test_many_signatures_are_forgotten() -> None:
    made = adapter("http://127.0.0.1:9/v1")

    def classes() -> int:
        gc.collect()
        return sum(isinstance(one, dspy.SignatureMeta) for one in gc.get_objects())

    def parse(first: int, count: int) -> None:
        for number in range(first, first + count):
            made._programs.predict(f"question{number}: list[int] -> answer{number}: int")

    parse(0, 270)
    before = classes()
    parse(270, 80)
    assert classes() - before < 10


@pytest.mark.parametrize("name", ["predict", "chain_of_thought"])
def test_dspy_s_cache_answers_a_pool_and_is_counted(name: str) -> None:
    with offline() as one, offline() as other:
        # Of this test: the process has one, as a worker has.
        dspy.cache = Answers()
        made = adapter(one.url, cache=True)
        operation = getattr(made, name)

        async def main() -> list[Any]:
            first = await in_call(lambda: operation(**ASK))
            again = await in_call(lambda: operation(**ASK))
            # A model of the same name at another place is another model.
            lm = {"api_base": other.url}
            return [first, again, await in_call(lambda: operation(**ASK), lm=lm)]

        first, again, elsewhere = asyncio.run(main())
        assert first["outputs"] == again["outputs"] == elsewhere["outputs"]
        assert again["usage"] == {"openai/offline": {"cached": 1}}
        for found in (first, elsewhere):
            assert found["usage"]["openai/offline"]["total_tokens"] > 0
            assert "cached" not in found["usage"]["openai/offline"]
        assert (len(one.take()), len(other.take())) == (1, 1)


def test_the_cache_is_off_unless_asked_for_and_never_on_disk(tmp_path: Any) -> None:
    with offline() as server:
        dspy.cache = Answers()
        made = adapter(server.url)

        async def main() -> None:
            for _ in range(2):
                await in_call(lambda: made.predict(**ASK))

        asyncio.run(main())
        assert len(server.take()) == 2
    assert not dspy.cache.enable_disk_cache
    assert dspy.cache.memory_cache.maxsize == limits.CACHED_ANSWERS
    caching.install()
    assert isinstance(dspy.cache, Answers)


@needs_engines
def test_the_host_s_cache_is_counted_in_the_same_words() -> None:
    body = {
        "id": "1",
        "model": "offline",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "[[ ## answer ## ]]\nYes."},
                "finish_reason": "stop",
            }
        ],
    }

    class Hosted(CallContext):
        async def acall_host(self, name: str, arguments: dict[str, Any]) -> Any:
            return {"body": body, "cached": True}

    async def main() -> Any:
        enter_call(Hosted(1))
        lm = {"model": "openai/offline", "gateway": True, "cache": True}
        return await DSPyAdapter(lm=lm).predict(**ASK)

    assert asyncio.run(main())["usage"] == {"openai/offline": {"cached": 1}}


def test_a_history_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSION_HISTORY_BYTES", 10_000)
    session = Session({"programs": {"answer": COT}})
    for number in range(20):
        session.ended("answer", {"question": str(number) + "x" * 3_000}, {"answer": "y"})
    assert [turn["inputs"]["question"][:2] for turn in session.history] == ["17", "18", "19"]
    session.ended("answer", {"question": "x" * 20_000}, {"answer": "y"})
    assert len(session.history) == 0
    assert session.version == 21


class Hoarder(dspy.Module):  # type: ignore[misc]
    """A program that grows without bound."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = dspy.Predict("question -> answer")
        self.kept: list[str] = []

    async def aforward(self, question: str) -> Any:
        self.kept.append(question * 1_000)
        return await self.answer.acall(question=question)


def test_a_program_that_grows_without_bound_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SESSION_STATE_BYTES", 50_000)
    with offline() as server:
        made = adapter(server.url)
        session = Session({"programs": {"answer": {"signature": "question -> answer"}}})
        session.programs["answer"].module = Hoarder()
        session.version = 0
        made._sessions._held["s"] = Held(session, is_kept=False)
        inputs = {"question": "What grows here?"}

        async def ask() -> None:
            await in_call(lambda: made.session_run(program="answer", inputs=inputs), session="s")

        async def main() -> None:
            for _ in range(4):
                await ask()
            with pytest.raises(StateTooLarge, match=r"self\.kept.*begin it anew"):
                await ask()

        asyncio.run(main())
        assert len(server.take()) == 4
