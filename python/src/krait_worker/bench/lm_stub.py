"""An endpoint of one answer, for benches: as little of a language model as HTTP lets it be."""

import asyncio
import json
import threading
from typing import Any

from krait_worker.adapters.base import Adapter, operation

_ANSWER_FIELD = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]"
_REASONING_FIELD = "[[ ## reasoning ## ]]\nso\n\n"


def _response(content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    body = json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    ).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return (head % len(body)).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, latency: float, answer: bytes) -> None:
        self._latency = latency
        self._response = answer
        self._input = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._input += data
        while (end := self._input.find(b"\r\n\r\n")) >= 0:
            head = self._input[:end].lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n")[0]) if place >= 0 else 0
            if len(self._input) < end + 4 + length:
                return
            self._input = self._input[end + 4 + length :]
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._response)


class LMStub(Adapter):
    """Serves endpoints from a thread of the worker's."""

    @operation
    def serve(self, latency_ms: int, reasoning: bool = False) -> str:
        """Starts an endpoint that answers after `latency_ms`; gives its `api_base`."""
        answer = _response(_REASONING_FIELD + _ANSWER_FIELD if reasoning else _ANSWER_FIELD)
        loop = asyncio.new_event_loop()
        started: list[int] = []
        ready = threading.Event()

        async def serve() -> None:
            server = await loop.create_server(
                lambda: _Connection(latency_ms / 1_000, answer), "127.0.0.1", 0, backlog=4_096
            )
            started.append(server.sockets[0].getsockname()[1])
            ready.set()
            await server.serve_forever()

        threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True).start()
        if not ready.wait(10):
            raise RuntimeError("the endpoint did not start")
        return f"http://127.0.0.1:{started[0]}/v1"
