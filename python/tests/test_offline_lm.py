"""The offline LM: its HTTP side, its faults, and its answers through DSPy itself."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dspy
import pytest

from dspy_versions import needs_own_client
from krait_worker.offline_lm.injection import Injection, Injections
from krait_worker.offline_lm.passages import find, passages, question_of, split
from krait_worker.offline_lm.prompt import read_prompt
from krait_worker.offline_lm.reply import completion


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, int]]:
    """The server in a process of its own, ended with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-m", "krait_worker.offline_lm", "--exit-with-parent", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            yield ready["url"], ready["port"]
        finally:
            process.stdin.close()
            assert process.wait(10) == 0


def request(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data)
        response = connection.getresponse()
        text = response.read()
        return response.status, dict(response.headers), text
    finally:
        connection.close()


MESSAGES = [{"role": "user", "content": "hello"}]


def test_it_speaks_openai_s_http(offline_url: str) -> None:
    port = int(offline_url.split(":")[2].partition("/")[0])
    status, headers, text = request(port, "GET", "/health")
    assert status == 200
    assert headers["X-Krait-Offline"] == "1"
    assert json.loads(text)["status"] == "ok"
    models = json.loads(request(port, "GET", "/v1/models")[2])
    assert [model["id"] for model in models["data"]] == ["offline"]
    body = {"model": "x", "messages": MESSAGES, "n": 2}
    answer = json.loads(request(port, "POST", "/v1/chat/completions", body)[2])
    assert answer["model"] == "offline"
    assert len(answer["choices"]) == 2
    assert "offline LM" in answer["choices"][0]["message"]["content"]
    assert answer["usage"]["total_tokens"] > 0
    for method, path, sent, expected in (
        ("GET", "/nowhere", None, 404),
        ("POST", "/nowhere", body, 404),
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", {"messages": 1}, 400),
        ("POST", "/v1/chat/completions", [], 400),
    ):
        status, _, text = request(port, method, path, sent)
        assert status == expected
        assert "message" in json.loads(text)["error"]


def test_texts_that_share_words_lie_near_each_other(offline_url: str) -> None:
    port = int(offline_url.split(":")[2].partition("/")[0])

    def ask(**body: Any) -> tuple[int, Any]:
        status, _, text = request(port, "POST", "/v1/embeddings", {"model": "m", **body})
        return status, json.loads(text)

    texts = ["What is a krait?", "A krait is a snake.", "Taxes rise."]
    status, answer = ask(input=texts)
    assert status == 200
    vectors = [entry["embedding"] for entry in answer["data"]]
    assert [entry["index"] for entry in answer["data"]] == [0, 1, 2]
    assert answer["usage"] == {"prompt_tokens": 11, "total_tokens": 11}

    def near(one: int, other: int) -> float:
        return sum(a * b for a, b in zip(vectors[one], vectors[other], strict=True))

    assert abs(near(0, 0) - 1) < 0.001
    assert near(0, 1) > near(0, 2)
    assert ask(input=texts[0])[1]["data"][0]["embedding"] == vectors[0]
    assert len(ask(input="a", dimensions=7)[1]["data"][0]["embedding"]) == 7
    for bad in ({}, {"input": []}, {"input": [1]}, {"input": "a", "dimensions": 0}):
        assert ask(**bad)[0] == 400


def test_it_streams_with_usage_at_the_end(offline_url: str) -> None:
    port = int(offline_url.split(":")[2].partition("/")[0])
    body = {"messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    status, headers, text = request(port, "POST", "/v1/chat/completions", body)
    assert status == 200
    assert headers["Content-Type"] == "text/event-stream"
    events = [line.removeprefix("data: ") for line in text.decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    pieces = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
    assert "".join(pieces) == completion(MESSAGES)
    assert len(pieces) > 5
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_a_body_that_is_too_long_is_refused(offline_url: str) -> None:
    port = int(offline_url.split(":")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


FAULTS = {
    "429": dspy.utils.exceptions.LMRateLimitError,
    "500": dspy.utils.exceptions.LMServerError,
    "cut": dspy.utils.exceptions.LMTransportError,
    "too_long": dspy.utils.exceptions.ContextWindowExceededError,
}


@needs_own_client
@pytest.mark.parametrize("kind", FAULTS)
def test_injected_faults_are_dspy_s_errors(kind: str) -> None:
    with serving("--fault", f"{kind}:2") as (url, _):
        lm = dspy.LM("openai/offline", api_base=url, api_key="k", cache=False, num_retries=0)
        assert lm("hello")
        with pytest.raises(FAULTS[kind]) as raised:
            lm("hello")
        if kind == "429":
            assert raised.value.status == 429
            assert raised.value.retry_after == 1
        assert lm("hello")


def test_a_malformed_answer_is_asked_again_by_dspy() -> None:
    with serving("--fault", "malformed:2", "--seed", "1") as (url, _):
        lm = dspy.LM("openai/offline", api_base=url, api_key="k", cache=False, num_retries=0)
        with dspy.context(lm=lm):
            assert dspy.Predict("question -> answer")(question="What is x?").answer == "What is x?"


def test_a_stream_may_be_cut_off() -> None:
    with serving("--fault", "cut:1") as (_, port):
        body = {"messages": MESSAGES, "stream": True}
        with pytest.raises(http.client.IncompleteRead):
            request(port, "POST", "/v1/chat/completions", body)


def test_it_ends_on_signals_and_says_what_is_wrong_with_its_arguments() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            [sys.executable, "-m", "krait_worker.offline_lm", "--latency-ms", "1"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["port"]
            assert request(port, "GET", "/health")[0] == 200
            process.send_signal(number)
            assert process.wait(10) == 0
    with serving() as (_, port):
        for arguments, part in (
            (["--port", str(port)], "in use"),
            (["--fault", "404:1"], "the kinds are"),
            (["--fault", "429:0"], "write KIND:EVERY_N"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "krait_worker.offline_lm", *arguments],
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                timeout=20,
            )
            assert done.returncode == 2
            assert part in done.stderr


def test_every_nth_request_fails_and_the_seed_shifts_it() -> None:
    injections = [Injection.parse("429:3"), Injection.parse("500:2")]
    plain = Injections(injections, 0)
    assert [plain.next() for _ in range(6)] == [None, "500", "429", "500", None, "429"]
    shifted = Injections(injections, 1)
    assert [shifted.next() for _ in range(3)] == ["500", "429", "500"]


@pytest.mark.parametrize("adapter", [dspy.ChatAdapter(), dspy.JSONAdapter()])
def test_dspy_reads_its_answers_of_every_type(adapter: Any, offline_url: str) -> None:
    lm = dspy.LM("openai/offline", api_base=offline_url, api_key="k", cache=False)
    signature = dspy.make_signature(
        "text -> side: Literal['left', 'right'], count: int, many: list[int],"
        " pair: tuple[int, str], table: dict[str, int], maybe: int | None,"
        " confidence: float, fine: bool",
        None,
        custom_types={"Any": Any},
    )
    with dspy.context(lm=lm, adapter=adapter):
        found = dspy.Predict(signature)(text="On the right side there are 1,204 of 7.")
    assert found.side == "right"
    assert found.count == 1204
    assert found.many == [1204]
    assert found.pair[0] == 1204
    assert found.table == {}
    assert found.maybe == 1204
    assert 0 <= found.confidence <= 1
    assert isinstance(found.fine, bool)


def test_react_uses_each_tool_once_and_finishes(offline_url: str) -> None:
    asked: list[str] = []

    def look_up(query: str) -> str:
        """Looks something up."""
        asked.append(query)
        return "Paris is the capital of France."

    lm = dspy.LM("openai/offline", api_base=offline_url, api_key="k", cache=False)
    with dspy.context(lm=lm):
        agent = dspy.ReAct("question -> answer", tools=[look_up], max_iters=4)
        found = agent(question="What is the capital of France?")
    assert asked == ["What is the capital of France?"]
    assert found.answer == "Paris is the capital of France."
    assert found.trajectory["tool_name_1"] == "finish"


def test_the_answer_is_the_sentence_that_shares_most_with_the_question() -> None:
    inputs = {
        "context": (
            "[1] «Dogs bark. Cats, e.g. lions, do not bark.»\n"
            "[2] «««\n    Birds sing\n    at dawn.\n»»»"
        ),
        "question": "When do birds sing?",
    }
    finding = find(inputs)
    assert finding.best is not None
    assert finding.best.text == "Birds sing at dawn."
    assert finding.best.passage == 2
    assert finding.shared == ["birds", "sing"]
    assert finding.coverage == 1.0
    assert find({}).best is None


def test_a_refused_answer_is_said_in_fewer_words() -> None:
    inputs = {
        "question": "How do I return a lamp?",
        "passages": ["You return a lamp by post. The lamp must be clean.", "Shops open at nine."],
    }
    texts = []
    for instructions in ("Answer.", "Answer.\n\nAn earlier answer was refused. Answer anew."):
        signature = dspy.Signature("question, passages: list[str] -> answer", instructions)
        messages = dspy.ChatAdapter().format(signature, [], inputs)
        texts.append(completion(messages))
    assert "clean" in texts[0]
    assert "by post." in texts[1]
    assert "clean" not in texts[1]


def test_inputs_are_told_apart() -> None:
    assert question_of({"passages": "long " * 9, "query": "x"}) == "query"
    assert question_of({"a": "Is it so?", "b": "x"}) == "a"
    assert question_of({"a": "long text", "b": "x"}) == "b"
    assert question_of({}) is None
    assert passages('["a", {"t": "b", "u": ["c"]}]') == ["a", "b c"]
    assert passages("one\n\ntwo") == ["one", "two"]
    assert passages("[1] one\n[2] two") == ["one", "two"]
    assert passages("[not json") == ["[not json"]
    assert split("Heading\n\nThis is a whole sentence. And here one more, see Fig. 2 there.") == [
        "This is a whole sentence.",
        "And here one more, see Fig. 2 there.",
    ]


def test_what_is_no_prompt_of_dspy_s_is_answered_all_the_same() -> None:
    assert read_prompt([{"role": "user", "content": [{"type": "text", "text": "x"}, 5]}]) is None
    assert "offline LM" in completion([{"role": "user", "content": None}])
    system = {"role": "system", "content": "Your output fields are:\n1. `a` (str):\n"}
    assert completion([system]) == ("[[ ## a ## ]]\nNothing was given.\n\n[[ ## completed ## ]]")
