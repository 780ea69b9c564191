"""The dspy adapter's streams, tools, agents and MCP servers, against the offline LM.

The call is scripted here: what a worker does with chunks and tool calls is tested elsewhere.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dspy
import pytest

from dspy_versions import needs_local_interpreter, needs_own_client
from host import until
from krait_worker.adapters.dspy import DSPyAdapter
from krait_worker.context import enter_call
from krait_worker.faults import CallRefused, InvalidInput, ToolFailed
from test_offline_lm import serving

CONTEXT = ["A conffile is a file that dpkg manages.", "Bees dance."]
QUESTION = "What is a conffile?"
CODE_ACT = pytest.param("code_act", marks=needs_local_interpreter)
ASK = {"signature": "question -> answer", "inputs": {"question": QUESTION}}
SERVER = {"command": sys.executable, "args": [str(Path(__file__).with_name("mcp_server.py"))]}


class ScriptedCall:
    """A call whose caller reads at once, and whose tools are `answers`."""

    def __init__(self, answers: dict[str, Any] | None = None, *, is_stream: bool = True) -> None:
        self.answers = answers or {}
        self.tools = [tool(name) for name in self.answers]
        self.is_stream = is_stream
        self.lm = self.begin = None
        self.save = False
        self.chunks: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        #: Held, it lets nobody emit.
        self.gate = asyncio.Lock()

    async def aemit(self, value: Any) -> None:
        async with self.gate:
            self.chunks.append(value)

    async def acall_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        self.asked.append((name, arguments))
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return await answer() if callable(answer) else answer

    def text(self, field: str) -> str:
        return "".join(chunk["text"] for chunk in self.chunks if chunk.get("field") == field)


def tool(name: str) -> dict[str, Any]:
    properties = {"query": {"type": "string"}, "limit": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["query"]}
    return {"name": name, "description": f"Looks up by {name}.", "parameters": schema}


def adapter(url: str, model: str = "openai/offline", **options: Any) -> DSPyAdapter:
    lm = {"model": model, "api_base": url, "num_retries": 0}
    return DSPyAdapter(lm=lm, **options)


def run(call: ScriptedCall, made: DSPyAdapter, operation: str, **arguments: Any) -> Any:
    async def main() -> Any:
        enter_call(call)  # type: ignore[arg-type]
        return await getattr(made, operation)(**arguments)

    return asyncio.run(main())


def test_a_prediction_streams_its_text_fields_piece_by_piece(offline_url: str) -> None:
    call = ScriptedCall()
    found = run(
        call,
        adapter(offline_url),
        "predict",
        signature="question, context: list[str] -> answer, count: int",
        inputs={"question": QUESTION, "context": CONTEXT},
    )
    assert found["outputs"]["answer"] == CONTEXT[0]
    assert found["usage"]["openai/offline"]["total_tokens"] > 0
    assert len(call.chunks) > 3
    assert call.text("answer") == CONTEXT[0]
    # How much a piece holds is the version's own.
    first = {"field": "answer", "is_last": False, "predict": "self"}
    assert call.chunks[0] == {**first, "text": call.chunks[0]["text"]}
    assert [chunk["is_last"] for chunk in call.chunks][-2:] == [False, True]
    assert {chunk["field"] for chunk in call.chunks} == {"answer"}


def test_reasoning_streams_before_the_outputs_and_fields_can_be_chosen(offline_url: str) -> None:
    call = ScriptedCall()
    made = adapter(offline_url)
    outputs = run(call, made, "chain_of_thought", **ASK)["outputs"]
    fields = [chunk["field"] for chunk in call.chunks]
    assert list(dict.fromkeys(fields)) == ["reasoning", "answer"]
    assert {name: call.text(name) for name in outputs} == outputs
    call = ScriptedCall()
    run(call, made, "chain_of_thought", **ASK, stream_fields=["answer"])
    assert {chunk["field"] for chunk in call.chunks} == {"answer"}
    call = ScriptedCall()
    run(call, made, "chain_of_thought", **ASK, stream_fields=[])
    assert call.chunks == []


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        (["anser"], "did you mean 'answer'?"),
        ("answer", "stream_fields is a list"),
        ([1], "stream_fields is a list"),
    ],
)
@pytest.mark.parametrize("is_stream", [True, False])
def test_fields_that_are_none_are_refused(fields: Any, part: str, is_stream: bool) -> None:
    made = adapter("http://127.0.0.1:9/v1")
    with pytest.raises(InvalidInput, match="stream_fields") as raised:
        run(ScriptedCall(is_stream=is_stream), made, "predict", **ASK, stream_fields=fields)
    assert part in str(raised.value)


def test_an_answer_from_the_cache_comes_as_one_piece(offline_url: str) -> None:
    made = adapter(offline_url, cache=True)
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    ask = {"signature": "question -> answer", "inputs": {"question": "Is this kept for later?"}}
    first, second = ScriptedCall(), ScriptedCall()
    outputs = run(first, made, "predict", **ask)["outputs"]
    assert run(second, made, "predict", **ask)["outputs"] == outputs
    assert len(first.chunks) > 2
    assert second.chunks == [
        {"field": "answer", "text": outputs["answer"], "is_last": True, "predict": "self"}
    ]


@needs_own_client
def test_a_failure_in_the_middle_of_a_stream_is_the_lm_s_own_error() -> None:
    with serving("--fault", "cut:1") as (url, _):
        call = ScriptedCall()
        question = {"question": "What is said of " + "many things, " * 20 + "here?"}
        with pytest.raises(dspy.LMError):
            run(call, adapter(url), "predict", signature="question -> answer", inputs=question)
        assert call.text("answer").startswith("What is said of many things")
        assert not any(chunk["is_last"] for chunk in call.chunks)


def test_an_agent_uses_the_call_s_tools_and_streams_its_answer(offline_url: str) -> None:
    call = ScriptedCall({"search": CONTEXT, "broken": ToolFailed("NotFound", "no such shelf")})
    found = run(call, adapter(offline_url), "react", **ASK)
    assert found["outputs"]["answer"] == CONTEXT[0]
    assert call.text("answer") == CONTEXT[0]
    assert call.text("reasoning") == found["outputs"]["reasoning"]
    assert call.asked == [("search", {"query": QUESTION}), ("broken", {"query": QUESTION})]
    steps = found["trajectory"]
    assert steps["observation_0"] == CONTEXT
    # As DSPy shows it, and without a frame of the worker's.
    told = "Execution error in broken: ToolError: NotFound: no such shelf"
    assert " ".join(steps["observation_1"].split()) == told
    assert steps["tool_name_2"] == "finish"
    statuses = [chunk["status"] for chunk in call.chunks if "status" in chunk]
    assert statuses == [
        "Calling tool search...",
        "Tool calling finished! Querying the LLM with tool calling results...",
        "Calling tool broken...",
    ]
    quiet = ScriptedCall({"search": CONTEXT}, is_stream=False)
    assert run(quiet, adapter(offline_url), "react", **ASK)["outputs"]["answer"] == CONTEXT[0]
    assert quiet.chunks == []


def test_an_agent_s_thoughts_stream_by_name_and_its_steps_are_bounded(offline_url: str) -> None:
    call = ScriptedCall({"search": CONTEXT, "browse": CONTEXT})
    found = run(
        call,
        adapter(offline_url),
        "react",
        **ASK,
        stream_fields=["next_thought", "answer"],
        max_iters=2,
    )
    steps = found["trajectory"]
    assert call.text("next_thought") == steps["thought_0"] + steps["thought_1"]
    assert "thought_2" not in steps


def test_the_loop_is_free_while_nobody_reads(offline_url: str) -> None:
    """DSPy's own status callback would wait for room in the stream with the loop in its hands."""

    async def main() -> None:
        call = ScriptedCall({f"tool_{number}": CONTEXT for number in range(12)})
        enter_call(call)  # type: ignore[arg-type]
        await call.gate.acquire()
        made = adapter(offline_url)
        task = asyncio.create_task(made.react(**ASK, stream_fields=["next_thought", "answer"]))
        for _ in range(50):
            await asyncio.sleep(0.01)
        assert call.chunks == []
        assert len(call.asked) < 12
        call.gate.release()
        assert (await task)["outputs"]["answer"]
        assert len(call.asked) == 12

    asyncio.run(asyncio.wait_for(main(), 30))


@needs_own_client
@pytest.mark.parametrize("operation", ["predict", "react", CODE_ACT])
def test_a_cancelled_stream_ends_its_tools_and_leaves_nothing(
    offline_url: str, operation: str
) -> None:
    ended: list[str] = []
    began = asyncio.Event()

    async def never() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("tool")

    async def main() -> None:
        call = ScriptedCall({"search": never})
        enter_call(call)  # type: ignore[arg-type]
        made = adapter(offline_url, interpreter="local" if operation == "code_act" else "deno")
        signature = "question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls"
        arguments = {**ASK, "signature": signature} if operation == "predict" else ASK
        task = asyncio.create_task(getattr(made, operation)(**arguments))
        await began.wait()
        children = set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(200):
            # DSPy's threads hand over what they have still to tell.
            if ended and asyncio.all_tasks() == {asyncio.current_task()}:
                break
            await asyncio.sleep(0.01)
        assert ended == ["tool"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if operation == "code_act":
            assert children

    before = threading.active_count()
    asyncio.run(main())
    until(lambda: threading.active_count() <= before + 1, "threads")


@needs_local_interpreter
def test_code_that_an_lm_writes_calls_the_tools(offline_url: str) -> None:
    call = ScriptedCall({"search": CONTEXT[0]})
    made = adapter(offline_url, interpreter="local")
    found = run(call, made, "code_act", **ASK)
    assert call.asked == [("search", {"query": QUESTION})]
    assert CONTEXT[0] in found["trajectory"]["code_output_0"]
    assert found["outputs"]["answer"] == call.text("answer")
    assert {"status": "Calling tool search..."} in call.chunks
    failing = ScriptedCall({"search": ToolFailed("NotFound", "no such shelf")}, is_stream=False)
    found = run(failing, made, "code_act", **ASK)
    assert "ToolError: NotFound: no such shelf" in found["trajectory"]["observation_0"]


def test_code_needs_names_that_python_can_use() -> None:
    made = adapter("http://127.0.0.1:9/v1")
    for name in ("class", "two words", "a-b"):
        with pytest.raises(InvalidInput, match="code_act"):
            run(ScriptedCall({name: 1}), made, "code_act", **ASK)


@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_prediction_s_tool_calls_are_run_at_once(
    offline_url: str, is_native: bool, is_stream: bool
) -> None:
    together = asyncio.Barrier(2)
    answers = {"one": together.wait, "two": together.wait, "bad": ToolFailed("E", "m")}
    call = ScriptedCall(answers, is_stream=is_stream)
    model = "openai/gpt-4o-mini" if is_native else "openai/offline"
    found = run(
        call,
        adapter(offline_url, model, native_function_calling=is_native),
        "predict",
        signature="question, tools: list[dspy.Tool] -> calls: dspy.ToolCalls",
        inputs={"question": QUESTION},
    )
    asked = [{"name": name, "args": {"query": QUESTION}} for name in answers]
    assert found["outputs"]["calls"] == {"tool_calls": asked}
    assert [one.get("error") for one in found["tool_results"]] == [None, None, "E: m"]
    assert sorted(one["value"] for one in found["tool_results"][:2]) == [0, 1]


def test_arguments_that_do_not_fit_are_told_to_the_lm(offline_url: str) -> None:
    async def main() -> None:
        call = ScriptedCall({"search": 1})
        enter_call(call)  # type: ignore[arg-type]
        [made] = await adapter(offline_url)._tools(None)
        with pytest.raises(Exception, match="Arg limit is invalid: 'x' is not of type 'integer'"):
            await made.acall(query="a", limit="x")
        # What may be left out may be null: LMs copy the default they are shown.
        assert await made.acall(query="a", limit=None) == 1
        assert call.asked == [("search", {"query": "a"})]

    asyncio.run(main())


def test_what_tools_cannot_be_is_refused() -> None:
    made = adapter("http://127.0.0.1:9/v1")
    for operation, call, more, part in (
        ("predict", ScriptedCall({"a": 1}), {}, "react runs tools by itself"),
        ("react", ScriptedCall({"finish": 1}), {}, "no tool may be named finish"),
        ("react", ScriptedCall(), {"max_iters": 0}, "max_iters is an integer from 1 to 100"),
        ("react", ScriptedCall(), {"max_iters": True}, "max_iters is"),
        ("react", ScriptedCall(), {"signature": "question -> trajectory"}, "field trajectory"),
        ("react", ScriptedCall(), {"mcp": ["x"]}, "the pool has no MCP server 'x'"),
        ("react", ScriptedCall(), {"mcp": "x"}, "mcp is a list"),
        ("react", ScriptedCall(), {"mcp": [SERVER]}, "mcp_from_calls"),
    ):
        with pytest.raises(InvalidInput) as raised:
            run(call, made, operation, **{**ASK, **more})
        assert part in str(raised.value)
    for options, part in (
        ({"mcp": []}, "a map of MCP servers"),
        ({"mcp": {"a": {}}}, "mcp.a is a map with a command"),
        ({"mcp": {"a": {"command": "x", "url": "y"}}}, "mcp.a is a map with a command"),
        ({"mcp": {"a": {"command": "x", "arg": []}}}, "did you mean 'args'?"),
        ({"mcp": {"a": {"command": 1}}}, "are texts"),
        ({"mcp": {"a": {"command": "x", "env": {"A": 1}}}}, "are texts"),
        ({"interpreter": "java"}, "deno or local"),
        ({"native_function_calling": 1}, "native_function_calling is true or false"),
    ):
        with pytest.raises(InvalidInput) as raised:
            DSPyAdapter(**options)
        assert part in str(raised.value)


def test_mcp_servers_are_tools_beside_the_call_s(offline_url: str) -> None:
    async def main() -> None:
        made = adapter(offline_url, mcp={"almanac": SERVER}, mcp_from_calls=True)
        enter_call(ScriptedCall({"search": CONTEXT}))  # type: ignore[arg-type]
        servers = made._servers
        tools = {str(one.name): one for one in await servers.tools(["almanac"])}
        assert tools["moon"].desc == "When the moon is full in a month."
        assert await tools["moon"].acall(month="May") == "In May the moon is full on the 14th."
        first = int(await tools["pid"].acall())
        with pytest.raises(Exception, match="Failed to call a MCP tool"):
            await tools["moon"].acall(month="never")
        ask = {**ASK, "inputs": {"question": "When is the moon full?"}}
        steps = (await made.react(**ask, mcp=["almanac"]))["trajectory"]
        assert steps["tool_name_0"] == "search"
        assert "full on the 14th" in steps["observation_1"]
        assert steps["observation_2"] == str(first)
        # The agent's third tool ended the server; the next call finds another.
        again = {str(one.name): one for one in await servers.tools(["almanac", "almanac"])}
        second = int(await again["pid"].acall())
        assert second != first
        for wrong in ({"command": "/nonexistent"}, {"url": "http://127.0.0.1:9/mcp"}):
            with pytest.raises(CallRefused, match="the MCP server"):
                await servers.tools([wrong])
        await asyncio.to_thread(made.end)
        until(lambda: not Path(f"/proc/{second}").exists(), "the server's end")

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_server_that_is_deaf_dies_with_its_worker(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import asyncio, json, os, sys\n"
        "from krait_worker.adapters.dspy.mcp_servers import Servers\n"
        "async def main():\n"
        "    servers = Servers(json.loads(sys.argv[1]), False)\n"
        "    tools = {t.name: t for t in await servers.tools(['deaf'])}\n"
        "    print(await tools['pid'].acall(), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    deaf = {"deaf": {**SERVER, "args": [*SERVER["args"], "--deaf"]}}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, str(script), json.dumps(deaf)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        assert Path(f"/proc/{server}").exists()
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    began = time.monotonic()
    until(lambda: not Path(f"/proc/{server}").exists(), "the server's end")
    assert time.monotonic() - began < 5
