"""DSPy's streams and agents in a real worker: chunks, credit, tool calls and their ends."""

import pytest

from dspy_versions import needs_local_interpreter
from host import Host, until
from krait_worker.envelope import Kind
from test_dspy_agents import ASK, CONTEXT, tool
from test_dspy_process import start
from test_flow import chunks, credit, end, of_call, tool_reply

AGENTS = [("react", "deno"), pytest.param("code_act", "local", marks=needs_local_interpreter)]
TOOLS = {"stream": 1_000, "tools": [tool("search")]}


def test_a_prediction_streams_through_a_worker(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    arguments = {
        "signature": "question, context: list[str] -> answer",
        "inputs": {"question": "What is a conffile?", "context": CONTEXT},
    }
    worker.send(worker.call(1, "predict", arguments, options={"stream": 3}))
    until(lambda: len(chunks(worker, 1)) == 3, "three pieces")
    credit(worker, 1, 1_000)
    number, found = end(worker, 1)
    pieces = chunks(worker, 1)
    assert number == len(pieces) > 3
    assert "".join(piece["text"] for piece in pieces) == found["outputs"]["answer"] == CONTEXT[0]


@pytest.mark.parametrize(("operation", "interpreter"), AGENTS)
def test_an_agent_calls_back_and_streams(
    host: Host, offline_url: str, operation: str, interpreter: str
) -> None:
    settings = {"model": "openai/offline", "api_base": offline_url}
    host.load("dspy", options={"lm": settings, "interpreter": interpreter})
    worker = host.start(slots=16, heartbeat_ms=500)
    worker.send(worker.call(1, operation, ASK, options=TOOLS))
    until(lambda: of_call(worker, 1, Kind.TOOL_CALL), "a tool call")
    [(header, asked)] = of_call(worker, 1, Kind.TOOL_CALL)
    assert asked == ["search", {"query": "What is a conffile?"}]
    tool_reply(worker, 1, header.number, [True, CONTEXT[0]])
    _, found = end(worker, 1)
    assert CONTEXT[0] in found["outputs"]["answer"]
    assert {"status": "Calling tool search..."} in chunks(worker, 1)


@pytest.mark.parametrize(("operation", "interpreter"), AGENTS)
def test_an_agent_that_waits_for_a_tool_is_cancelled(
    host: Host, offline_url: str, operation: str, interpreter: str
) -> None:
    settings = {"model": "openai/offline", "api_base": offline_url}
    host.load("dspy", options={"lm": settings, "interpreter": interpreter})
    worker = host.start(slots=16, heartbeat_ms=50)
    worker.send(worker.call(1, operation, ASK, options=TOOLS))
    until(lambda: of_call(worker, 1, Kind.TOOL_CALL), "a tool call")
    worker.order(Kind.CANCEL, 1)
    assert worker.answer(1)[1]["code"] == "cancelled"
    worker.heartbeat(lambda beat: beat["busy"] == 0)
    # And the worker serves on.
    assert worker.reply("lm_ping")["model"] == "openai/offline"
