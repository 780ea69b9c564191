"""The offline LM's HTTP side: chat completions, embeddings, models, health."""

import hashlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TextIO

from krait_worker.offline_lm import MODEL
from krait_worker.offline_lm.agents import native_calls
from krait_worker.offline_lm.embeddings import (
    DIMENSIONS,
    MOST_DIMENSIONS,
    MOST_TEXTS,
    embedding,
    texts_of,
)
from krait_worker.offline_lm.injection import Injection, Injections
from krait_worker.offline_lm.reply import completion
from krait_worker.offline_lm.sampling import Turns

_MOST_BODY = 16 << 20
_MOST_CHOICES = 16
_MOST_KEPT = 4_096
_SLOW_SECONDS = 3.0
_RETRY_AFTER = "1"
_MALFORMED = "Nothing here is in the format."
#: The injections that are errors.
_TOLD = ("429", "500", "too_long")


class OfflineServer(ThreadingHTTPServer):
    """Listens on the loopback interface only."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int, latency_ms: int, injections: list[Injection], seed: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.latency = latency_ms / 1_000
        self.injections = Injections(injections, seed)
        #: Where the requests' bodies are kept, a line each.
        self.record: TextIO | None = None
        #: The latest of them, for those in this process who ask.
        self.kept: list[Any] | None = None
        self._recording = threading.Lock()
        self.turns = Turns()

    def keep(self, body: Any) -> None:
        """Adds a request's body to the record, if there is one."""
        with self._recording:
            if self.record is not None:
                self.record.write(json.dumps(body) + "\n")
                self.record.flush()
            if self.kept is not None:
                del self.kept[: max(0, len(self.kept) - _MOST_KEPT + 1)]
                self.kept.append(body)

    def take(self) -> list[Any]:
        """The bodies that are kept, which are then forgotten."""
        with self._recording:
            found, self.kept = self.kept or [], [] if self.kept is not None else None
        return found

    @property
    def url(self) -> str:
        """The `api_base` of a client."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is nothing to talk about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OfflineServer

    def setup(self) -> None:
        # Without this a client that keeps its connection waits 40 ms for each answer.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Says nothing: requests hold payloads."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._json(200, {"status": "ok", "model": MODEL})
        elif self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "krait"}
            self._json(200, {"object": "list", "data": [model]})
        else:
            self._error(404, f"no such path: {self.path:.100}")

    def do_POST(self) -> None:
        if self.path == "/v1/embeddings":
            self._embed()
            return
        request = self._request()
        if request is None:
            return
        if self.path != "/v1/chat/completions":
            self._error(404, f"no such path: {self.path:.100}")
            return
        fault = self._fault()
        if fault not in _TOLD:
            self._answer(request, fault)

    def _fault(self) -> str | None:
        """What is wrong with this answer; told already where it is an error."""
        fault = self.server.injections.next()
        time.sleep(self.server.latency + (_SLOW_SECONDS if fault == "slow" else 0))
        if fault == "429":
            self._error(429, "injected: too many requests", {"Retry-After": _RETRY_AFTER})
        elif fault == "500":
            self._error(500, "injected: the server failed")
        elif fault == "too_long":
            self._error(400, "injected: too long", code="context_length_exceeded")
        return fault

    def _embed(self) -> None:
        """Answers a request for embeddings."""
        request = self._body()
        if request is None:
            return
        texts, wanted = texts_of(request.get("input")), request.get("dimensions", DIMENSIONS)
        if texts is None:
            self._error(400, f"the input is a text, or a list of at most {MOST_TEXTS}")
        elif not isinstance(wanted, int) or not 0 < wanted <= MOST_DIMENSIONS:
            self._error(400, f"there are from 1 to {MOST_DIMENSIONS} dimensions")
        elif (fault := self._fault()) not in _TOLD:
            vectors = [embedding(text, wanted) for text in texts]
            data = [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(vectors)
            ]
            words = sum(len(text.split()) for text in texts)
            usage = {"prompt_tokens": words, "total_tokens": words}
            body = {"object": "list", "model": MODEL, "data": data, "usage": usage}
            self._json(200, body, cut=fault == "cut")

    def _request(self) -> dict[str, Any] | None:
        """The body of a request for a completion; None where it has been refused."""
        found = self._body()
        if found is None:
            return None
        messages = found.get("messages")
        if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
            self._error(400, "the body is a JSON object with a list of messages")
            return None
        self.server.keep(found)
        return found

    def _body(self) -> dict[str, Any] | None:
        """The request's body, empty where it is no JSON object; None where it is too long."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BODY:
            self.close_connection = True
            self._error(413, f"a body has a Content-Length of at most {_MOST_BODY}")
            return None
        try:
            found = json.loads(self.rfile.read(int(length)))
        except ValueError:
            found = None
        return dict(found) if isinstance(found, dict) else {}

    def _answer(self, request: dict[str, Any], fault: str | None) -> None:
        messages = request["messages"]
        turn = self.server.turns.next(request)
        text = _MALFORMED if fault == "malformed" else completion(messages, turn)
        count = request.get("n")
        choices = min(count, _MOST_CHOICES) if isinstance(count, int) and count > 0 else 1
        usage = _usage(messages, text, choices)
        digest = hashlib.sha256(json.dumps(messages).encode()).hexdigest()[:24]
        head = {"id": f"offline-{digest}", "created": 0, "model": MODEL}
        calls = [] if fault else native_calls(messages, request.get("tools"))
        if request.get("stream"):
            options = request.get("stream_options") or {}
            self._stream(head, text, usage if options.get("include_usage") else None, fault, calls)
            return
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = calls
        body = {
            **head,
            "object": "chat.completion",
            "choices": [
                {"index": index, "message": message, "finish_reason": _reason(calls)}
                for index in range(choices)
            ],
            "usage": usage,
        }
        self._json(200, body, cut=fault == "cut")

    def _stream(
        self,
        head: dict[str, Any],
        text: str,
        usage: dict[str, Any] | None,
        fault: str | None,
        calls: list[dict[str, Any]],
    ) -> None:
        head = {**head, "object": "chat.completion.chunk"}
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        words = text.split(" ")
        pieces = [word + " " for word in words[:-1]] + words[-1:]
        for index, piece in enumerate(pieces):
            if fault == "cut" and index >= len(pieces) // 2:
                self.close_connection = True
                return
            delta = {"content": piece, **({"role": "assistant"} if index == 0 else {})}
            self._event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        asked = [{"index": index, **call} for index, call in enumerate(calls)]
        told = {"tool_calls": asked} if asked else {}
        last = {"index": 0, "delta": told, "finish_reason": _reason(calls)}
        self._event({**head, "choices": [last]})
        if usage is not None:
            self._event({**head, "choices": [], "usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, body: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(body).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _error(
        self,
        status: int,
        text: str,
        headers: dict[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        body = {"error": {"message": text, "type": "offline_lm", "code": code or str(status)}}
        self._json(status, body, headers)

    def _json(
        self,
        status: int,
        body: dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        length = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        if cut:
            data = data[: len(data) // 2]
            self.close_connection = True
        self._head(status, {**length, **(headers or {})}, data)

    def _head(self, status: int, headers: dict[str, str], data: bytes = b"") -> None:
        """Sends the head, and what comes with it in the same write."""
        lines = [f"HTTP/1.1 {status} {self.responses[status][0]}", "X-Krait-Offline: 1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def _reason(calls: list[dict[str, Any]]) -> str:
    return "tool_calls" if calls else "stop"


def _usage(messages: list[Any], text: str, choices: int) -> dict[str, Any]:
    """Words in place of tokens."""
    asked = sum(len(str(message.get("content", "")).split()) for message in messages)
    said = len(text.split()) * choices
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
