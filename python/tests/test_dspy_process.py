"""Real DSPy in real workers against the offline LM over HTTP."""

import os
from typing import Any

import pytest

from dspy_versions import needs_own_client
from host import Host, WorkerEnd, until
from krait_worker.envelope import Kind

CONTEXT = [
    "A conffile is a configuration file that dpkg manages. It is listed in DEBIAN/conffiles.",
    "The Essential field is set for packages that must always be installed.",
]
QUESTION = "What is a conffile?"


def start(host: Host, url: str | None, mode: str = "fork", **lm: Any) -> WorkerEnd:
    settings = {"model": "openai/offline", "api_base": url, **lm} if url else lm
    options = {"lm": settings} if settings else {}
    host.load("dspy", mode, options=options)
    return host.start(slots=16, heartbeat_ms=500)


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_predictions_come_back_with_their_usage(host: Host, offline_url: str, mode: str) -> None:
    worker = start(host, offline_url, mode)
    assert worker.operations["predict"]["kind"] == "async"
    arguments = {
        "signature": "question, context: list[str] -> answer",
        "inputs": {"question": QUESTION, "context": CONTEXT},
    }
    found = worker.reply("predict", arguments)
    assert found["outputs"] == {"answer": CONTEXT[0]}
    assert found["usage"]["openai/offline"]["prompt_tokens"] > 0
    found = worker.reply("chain_of_thought", arguments)
    assert list(found["outputs"]) == ["reasoning", "answer"]
    assert "conffile" in found["outputs"]["reasoning"]
    ping = worker.reply("lm_ping")
    assert ping["model"] == "openai/offline"
    assert ping["seconds"] > 0


def test_a_forked_worker_is_small_when_it_is_ready(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    assert worker.ready["resident_bytes"] < 15_000_000


def test_typed_outputs_are_plain_values(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    signature = {
        "text": (
            "text -> kind: Kind, count: int, sure: float, holds: bool, words: list[str],"
            " item: Item, side: Literal['left', 'right']"
        ),
        "types": {
            "Kind": {"kind": "enum", "cases": [["FILE", "file"], ["PACKAGE", "package"]]},
            "Item": {"kind": "model", "fields": [["name", "str"], ["size", "int"]]},
        },
    }
    text = "The package holds 12 things on the right side."
    outputs = worker.reply("predict", {"signature": signature, "inputs": {"text": text}})["outputs"]
    assert outputs["kind"] == "package"
    assert outputs["count"] == 12
    assert type(outputs["sure"]) is float
    assert type(outputs["holds"]) is bool
    assert outputs["words"] == [text]
    assert outputs["item"] == {"name": text, "size": 12}
    assert outputs["side"] == "right"


def test_demos_config_and_several_completions(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    demo = {"question": "What is a?", "answer": "a is b"}
    arguments = {"signature": "question -> answer", "inputs": {"question": "What is c?"}}
    found = worker.reply("predict", {**arguments, "demos": [demo], "config": {"n": 2}})
    assert [one["answer"] for one in found["completions"]] == ["What is c?"] * 2
    for wrong, part in (
        ({"demos": 1}, "demos is a list"),
        ({"config": []}, "config is a map"),
        ({"config": {"api_key": "k"}}, "config.api_key is not allowed"),
        ({"demo": []}, "did you mean 'demos'?"),
    ):
        fault = worker.fault("predict", {**arguments, **wrong})
        assert fault["code"] == "invalid_input"
        assert part in fault["message"]


def test_calls_wait_for_the_lm_at_the_same_time(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    questions = [f"What is number {n}?" for n in range(16)]
    calls = [
        worker.call(
            n + 1, "predict", {"signature": "question -> answer", "inputs": {"question": q}}
        )
        for n, q in enumerate(questions)
    ]
    worker.send(b"".join(calls))
    for n, question in enumerate(questions, start=1):
        kind, found = worker.answer(n)
        assert kind == Kind.REPLY, found
        assert found["outputs"]["answer"] == question


def test_a_call_may_bring_its_own_lm(host: Host, offline_url: str) -> None:
    worker = start(host, None)
    arguments = {"signature": "question -> answer", "inputs": {"question": "What is x?"}}
    fault = worker.fault("predict", arguments)
    assert fault["code"] == "invalid_input"
    assert "no LM is configured" in fault["message"]
    lm = {"model": "openai/other", "api_base": offline_url}
    found = worker.reply("predict", arguments, options={"lm": lm})
    assert list(found["usage"]) == ["openai/other"]
    fault = worker.fault("predict", arguments, options={"lm": {**lm, "temprature": 1}})
    assert fault["code"] == "invalid_input"
    assert "did you mean 'temperature'?" in fault["message"]


def test_a_signature_that_does_not_parse_is_a_fault_of_dspy_s(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    fault = worker.fault("predict", {"signature": "a, b", "inputs": {}})
    assert fault["code"] == "invalid_input"
    assert fault["type"] == "builtins.ValueError"
    assert "must contain exactly one '->'" in fault["message"]


def test_an_lm_that_cannot_be_reached_is_a_fault_with_details(host: Host) -> None:
    worker = start(host, "http://127.0.0.1:9/v1", num_retries=0)
    fault = worker.fault("lm_ping")
    assert fault["code"] == "raised"
    assert fault["type"] == "dspy.utils.exceptions.LMTransportError"
    assert fault["details"]["model"] == "openai/offline"
    assert fault["details"]["provider"].startswith("openai")
    assert worker.fault("predict", {"signature": "a -> b", "inputs": {"a": ""}})["type"] == (
        "dspy.utils.exceptions.LMTransportError"
    )


def test_a_deadline_and_a_cancel_end_a_prediction(host: Host, silent_url: str) -> None:
    worker = start(host, silent_url)
    arguments = {"signature": "a -> b", "inputs": {"a": ""}}
    worker.send(worker.call(1, "predict", arguments, remaining=100))
    assert worker.answer(1)[1]["code"] == "deadline_exceeded"
    worker.send(worker.call(2, "predict", arguments))
    worker.heartbeat(lambda beat: beat["busy"] == 1)
    worker.order(Kind.CANCEL, 2)
    assert worker.answer(2)[1]["code"] == "cancelled"
    assert worker.fault("predict", {"signature": "a", "inputs": {}})["code"] == "invalid_input"


@needs_own_client
def test_many_predictions_leave_nothing_behind(host: Host, offline_url: str) -> None:
    worker = start(host, offline_url)
    arguments = {"signature": "question -> answer", "inputs": {"question": "x" * 20_000}}

    def many(count: int) -> int:
        for _ in range(count // 8):
            ids = range(host.last_id + 1, host.last_id + 9)
            host.last_id += 8
            worker.send(b"".join(worker.call(n, "predict", arguments) for n in ids))
            assert all(worker.answer(n)[0] == Kind.REPLY for n in ids)
        served = worker.heartbeat()["served"]
        return int(worker.heartbeat(lambda beat: beat["served"] >= served)["resident_bytes"])

    first = many(64)
    assert many(128) - first < 2_000_000  # a history alone would keep 128 x 20 KB and more
    threads = len(os.listdir(f"/proc/{worker.pid}/task"))
    descriptors = len(os.listdir(f"/proc/{worker.pid}/fd"))
    many(64)
    assert len(os.listdir(f"/proc/{worker.pid}/task")) == threads
    until(lambda: len(os.listdir(f"/proc/{worker.pid}/fd")) <= descriptors, "descriptors")
