"""The user's own programs: named by the pool's options, called, streamed and held in sessions."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host import Host
from krait_worker import limits
from krait_worker.adapters.dspy import DSPyAdapter
from krait_worker.faults import InvalidInput
from krait_worker.loading import LoadFailed, load
from test_dspy_agents import ScriptedCall, adapter, run
from test_dspy_isolation import in_call

FOLDER = str(Path(__file__).parents[2] / "Tests/Fixtures/Adapters")
PROGRAMS = {"rag": "shop_programs:Rag", "remembering": "shop_programs:Remembering"}
SHELF = {
    "class": "shop_programs:Rag",
    "arguments": {"shelf": ["Bees dance.", "Bees sing."], "k": 2},
}
ASK = {"question": "What is a conffile?"}


@pytest.fixture(autouse=True)
def path() -> Iterator[None]:
    """The pool's path, which `load` puts first."""
    sys.path.insert(0, FOLDER)
    yield
    sys.path.remove(FOLDER)


def test_a_program_is_an_operation_of_its_name(host: Host, offline_url: str) -> None:
    settings = {"model": "openai/offline", "api_base": offline_url}
    host.load("dspy", options={"lm": settings, "programs": PROGRAMS}, path=[FOLDER])
    worker = host.start(slots=4, heartbeat_ms=500)
    assert worker.operations["rag"]["doc"] == "Answers from what it has on its shelf."
    found = worker.reply("rag", {"inputs": ASK})
    assert found["outputs"]["answer"] == "A conffile is a file that dpkg manages."
    assert found["usage"]["openai/offline"]["total_tokens"] > 0
    rows = worker.reply("rag", {"inputs": [ASK, {"questoin": "?"}]})["results"]
    assert rows[0]["outputs"] == found["outputs"]
    assert "did you mean 'question'?" in rows[1]["error"]["message"]
    fault = worker.fault("rag", {"inputs": {}})
    assert fault["code"] == "invalid_input"
    assert "inputs.question is missing" in fault["message"]


def test_a_program_streams_and_has_arguments_from_the_options(offline_url: str) -> None:
    call = ScriptedCall()
    made = adapter(offline_url, programs={"bees": SHELF})

    class Bees:
        bees = staticmethod(made.operations()["bees"].function)

    asked: Any = Bees
    found = run(call, asked, "bees", inputs={"question": "What do bees do?"})
    assert found["outputs"]["answer"] == call.text("answer") != ""
    spec = {"module": "bees", "arguments": {"k": 1}}
    assert "outputs" in run(ScriptedCall(), made, "use", spec=spec, inputs=ASK)
    with pytest.raises(InvalidInput, match=r"spec\.arguments\.shelf"):
        run(ScriptedCall(), made, "use", spec={"module": "bees", "arguments": {"shelf": 5}})
    with pytest.raises(InvalidInput, match="did you mean 'shelf'"):
        run(ScriptedCall(), made, "use", spec={"module": "bees", "arguments": {"shelv": []}})


def test_what_a_program_keeps_is_its_session_s_and_goes_on_elsewhere(offline_url: str) -> None:
    made, other = (adapter(offline_url, programs=PROGRAMS) for _ in range(2))
    spec = {"programs": {"r": {"module": "remembering"}}}

    async def ask(name: str, question: str) -> Any:
        found = await in_call(
            lambda: made.session_run(program="r", inputs={"question": question}), session=name
        )
        return found["outputs"]["asked"]

    async def main() -> None:
        for name in ("a", "b"):
            await in_call(lambda: made.session_begin(spec=spec), session=name)
        await asyncio.gather(ask("a", "One?"), ask("b", "Two?"))
        assert await ask("a", "Three?") == ["One?", "Three?"]
        assert await ask("b", "Four?") == ["Two?", "Four?"]
        saved = json.loads(json.dumps(await in_call(made.session_checkpoint, session="a")))
        assert saved["attributes"] == {"r": {"self": {"asked": ["One?", "Three?"]}}}
        assert saved["missing"] == []
        await in_call(lambda: other.session_begin(spec=spec, checkpoint=saved), session="a")
        assert await in_call(other.session_checkpoint, session="a") == saved

    asyncio.run(main())


def test_calls_without_a_session_find_nothing_of_each_other(offline_url: str) -> None:
    operation = adapter(offline_url, programs=PROGRAMS).operations()["remembering"]

    async def main() -> None:
        async def ask(question: str) -> Any:
            inputs = {"question": question}
            found = await in_call(lambda: operation.call({"inputs": inputs}))
            return found["outputs"]["asked"]

        for _ in range(2):
            found = await asyncio.gather(*(ask(str(number)) for number in range(8)))
            assert found == [[str(number)] for number in range(8)]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("programs", "part"),
    [
        ([], "is a map"),
        ({"a b": "shop_programs:Rag"}, "no name"),
        ({"predict": "shop_programs:Rag"}, "that name is taken"),
        ({"KNN": "shop_programs:Rag"}, "that name is taken"),
        ({"rag": "shop_programs"}, "not module:Class"),
        ({"rag": 5}, 'programs.rag is "module:Class"'),
        ({"rag": {"class": "shop_programs:Rag", "args": {}}}, "no key 'args'"),
        ({"rag": "shop_programms:Rag"}, "programs.rag: shop_programms cannot be imported"),
        ({"rag": "shop_programs:Rga"}, "did you mean 'Rag'?"),
        ({"rag": "shop_programs:NoProgram"}, "no subclass of dspy.Module"),
        ({"rag": "shop_programs:Needy"}, "programs.rag.arguments.endpoint is missing"),
        (
            {"rag": {"class": "shop_programs:Needy", "arguments": {"endpoint": "nowhere"}}},
            "programs.rag: rag cannot be made: ConnectionError: nobody listens there",
        ),
        (
            {"rag": {"class": "shop_programs:Needy", "arguments": {"endpoint": 5}}},
            "programs.rag.arguments.endpoint",
        ),
        ({f"p{n}": "shop_programs:Rag" for n in range(limits.USER_PROGRAMS + 1)}, "at most 64"),
    ],
)
def test_a_program_that_is_none_is_told_with_its_place(programs: Any, part: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        DSPyAdapter(programs=programs)
    assert part in str(raised.value)


def test_a_pool_whose_program_is_wrong_does_not_start() -> None:
    with pytest.raises(LoadFailed, match=r"programs\.rag") as raised:
        load("dspy", {"programs": {"rag": "shop_programms:Rag"}}, [FOLDER])
    assert raised.value.code == "setup_failed"
    assert raised.value.fault["type"] == "builtins.ModuleNotFoundError"
