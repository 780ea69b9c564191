"""LM calls by way of the host: the same bodies as the direct way, the host's errors as DSPy's."""

import asyncio
import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import dspy
import pytest

from dspy_versions import needs_engines
from krait_worker.adapters.dspy.adapter import DSPyAdapter
from krait_worker.context import CallContext, enter_call
from krait_worker.faults import InvalidInput, ToolFailed
from krait_worker.offline_lm.reply import completion

pytestmark = needs_engines
SETTINGS = {"model": "openai/offline", "temperature": 0.5, "max_tokens": 300}


class Host:
    """In the place of Krait: keeps what is asked, and answers as an endpoint."""

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = answer

    def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        assert name == "krait.lm"
        self.asked.append(arguments)
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is not None:
            return self._answer
        return {"body": _body(arguments["body"]["messages"]), "cached": False}

    async def acall_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        return self.call_tool(name, arguments)

    is_stream = False


def _body(messages: list[dict[str, Any]]) -> dict[str, Any]:
    message = {"role": "assistant", "content": completion(messages)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {"id": "1", "model": "offline", "choices": [choice], "usage": usage}


def _predict(adapter: DSPyAdapter, host: Any, **arguments: Any) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        enter_call(CallContext(1, flow=host))
        given = {"signature": "question -> answer", "inputs": {"question": "What is a krait?"}}
        return await adapter.predict(**{**given, **arguments})

    return asyncio.run(run())


def _gateway(host: Any, **arguments: Any) -> dict[str, Any]:
    adapter = DSPyAdapter(lm={**SETTINGS, "gateway": True})
    assert adapter.asks_host
    return _predict(adapter, host, **arguments)


def test_both_ways_send_the_same_body() -> None:
    direct: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            direct.append(asked)
            data = json.dumps(_body(asked["messages"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_port}/v1"
        one = _predict(DSPyAdapter(lm={**SETTINGS, "api_base": base}), None)
    finally:
        server.shutdown()
        server.server_close()
    host = Host()
    other = _gateway(host)
    assert one["outputs"] == other["outputs"]
    asked = host.asked[0]
    assert asked["model"] == "openai/offline"
    # The host writes the model's name for the endpoint.
    assert {**asked["body"], "model": direct[0]["model"]} == direct[0]


def test_what_tells_equal_requests_apart_reaches_the_host() -> None:
    host = Host()
    _gateway(host, config={"rollout_id": 7, "temperature": 1.0})
    assert host.asked[0]["rollout"] == 7
    assert "rollout_id" not in host.asked[0]["body"]
    _gateway(host)
    assert "rollout" not in host.asked[1]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit", dspy.LMRateLimitError),
        ("auth", dspy.LMAuthError),
        ("context_length", dspy.ContextWindowExceededError),
        ("timeout", dspy.LMTimeoutError),
        ("transport", dspy.LMTransportError),
        ("malformed_answer", dspy.LMServerError),
        ("not_configured", dspy.LMNotConfiguredError),
    ],
)
def test_the_hosts_errors_are_dspys(code: str, kind: type[Exception]) -> None:
    host = Host({"error": {"code": code, "message": "no", "status": 429, "retry_after": 2.0}})
    with pytest.raises(kind) as caught:
        _gateway(host)
    assert caught.value.status == 429
    # The host has tried as often as it is to be tried.
    assert len(host.asked) == 1


@pytest.mark.parametrize("answer", [{}, 7, {"body": 7}])
def test_an_answer_that_is_none_is_the_servers_failure(answer: Any) -> None:
    with pytest.raises(dspy.LMServerError):
        _gateway(Host(answer))


def test_texts_are_embedded_by_the_host() -> None:
    host = Host({"vectors": [[1.0, 0.0], [0.0, 1.0]]})
    adapter = DSPyAdapter(lm={**SETTINGS, "gateway": True})
    embedder = {"embedder": {"model": "openai/e", "dimensions": 2}}

    async def run() -> dict[str, Any]:
        enter_call(CallContext(1, flow=host))  # type: ignore[arg-type]
        return await adapter.use(spec=embedder, inputs={"inputs": ["a", "b"]})

    assert asyncio.run(run())["value"] == [[1.0, 0.0], [0.0, 1.0]]
    asked = {"model": "openai/e", "texts": ["a", "b"], "dimensions": 2}
    assert host.asked == [{"embed": asked}]


def test_without_a_host_the_reason_is_told() -> None:
    with pytest.raises(dspy.LMNotConfiguredError, match="no LM for this pool"):
        _gateway(Host(ToolFailed("unknown_tool", "there is no tool krait.lm")))
    with pytest.raises(dspy.LMNotConfiguredError):
        _gateway(None)


@pytest.mark.parametrize("setting", ["api_base", "key_env", "timeout", "num_retries", "gateway"])
def test_a_call_cannot_lay_over_what_is_the_hosts(setting: str) -> None:
    values = {"api_base": "http://x", "key_env": "X", "gateway": False}
    adapter = DSPyAdapter(lm={**SETTINGS, "gateway": True})

    async def run() -> None:
        enter_call(CallContext(1, lm={setting: values.get(setting, 1)}))
        await adapter.predict("question -> answer", {"question": "?"})

    with pytest.raises(InvalidInput, match=setting):
        asyncio.run(run())


def test_a_call_may_not_turn_the_gateway_on() -> None:
    adapter = DSPyAdapter(lm=SETTINGS)

    async def run() -> None:
        enter_call(CallContext(1, lm={"gateway": True}))
        await adapter.predict("question -> answer", {"question": "?"})

    with pytest.raises(InvalidInput, match="gateway"):
        asyncio.run(run())


class StreamingHost(Host):
    """Answers piece by piece, and notes what was asked and what was told in turn."""

    is_stream = True

    def __init__(self, pieces: list[Any]) -> None:
        super().__init__()
        self.happened: list[Any] = []
        self._pieces = pieces

    def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        assert name == "krait.lm"
        self.asked.append(arguments)
        self.happened.append("asked")
        return self._pieces[len(self.asked) - 1]

    async def aemit(self, value: Any) -> None:
        if "text" in value:
            self.happened.append(value["text"])


def _pieces(text: str, size: int) -> list[dict[str, Any]]:
    words = [word + " " for word in text.split(" ")]
    pieces: list[dict[str, Any]] = [
        {"stream": 7, "events": [{"text": word} for word in words[index : index + size]]}
        for index in range(0, len(words), size)
    ]
    body = _body([{"role": "user", "content": "?"}])
    body["choices"][0]["message"]["content"] = text
    return [*pieces, {"events": [], "body": body, "cached": False}]


WORDS = [f"word{number}" for number in range(40)]
ANSWER = "[[ ## answer ## ]]\n" + " ".join(WORDS) + "\n\n[[ ## completed ## ]]"


def test_a_stream_is_told_while_the_host_still_has_more() -> None:
    host = StreamingHost(_pieces(ANSWER, 2))
    found = _gateway(host)
    assert found["outputs"]["answer"].split() == WORDS
    assert host.asked[0]["stream"] is True
    assert host.asked[0]["body"]["messages"]
    assert host.asked[1:] == [{"next": 7}] * (len(host.asked) - 1)
    told = [entry for entry in host.happened if entry != "asked"]
    assert "".join(told).split() == found["outputs"]["answer"].split()
    # Between the first and the last word the host was asked again and again.
    first, last = host.happened.index(told[0]), len(host.happened) - 1
    assert host.happened[first:last].count("asked") > 10


@pytest.mark.parametrize(
    "broken",
    [
        {"error": {"code": "server", "message": "no"}},
        {"stream": 7, "events": [{"what": 1}]},
        {"events": []},
        7,
    ],
)
def test_a_stream_that_breaks_is_the_servers_failure(broken: Any) -> None:
    host = StreamingHost([*_pieces(ANSWER, 2)[:5], broken])
    with pytest.raises(dspy.LMServerError):
        _gateway(host)
    assert len(host.asked) == 6


def test_probabilities_come_whole() -> None:
    host = StreamingHost([])
    host.call_tool = partial(Host.call_tool, host)  # type: ignore[method-assign]
    _gateway(host, config={"logprobs": True})
    assert "stream" not in host.asked[0]
