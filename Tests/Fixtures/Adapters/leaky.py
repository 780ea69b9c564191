"""An adapter and an LM that give away what they know, for the test that Krait does not."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from krait_worker.adapters.base import Adapter, operation


class Leaky(Adapter):
    """Fails in ways that quote its arguments and the environment."""

    def __init__(self, variable: str) -> None:
        self.variable = variable

    @operation
    def blurt(self, payload: str) -> None:
        """Raises what it was given, with the key."""
        key = os.environ[self.variable]
        raise ValueError(f"{payload} and {key}")

    @operation
    def crash(self, payload: str) -> None:
        """Ends its process, and says only which key it had."""
        print("dying with", os.environ[self.variable], file=sys.stderr, flush=True)
        os.abort()

    @operation
    def odd(self, payload: str) -> Any:
        """Returns what cannot be carried."""
        return {payload: object()}

    @operation
    async def slow(self, payload: str) -> None:
        """Takes longer than anybody waits."""
        import asyncio

        await asyncio.sleep(30)


class Broken(Adapter):
    """Cannot be constructed, and says with which key it was tried."""

    def __init__(self, variable: str) -> None:
        print("trying", os.environ[variable], file=sys.stderr, flush=True)
        raise RuntimeError(f"the key {os.environ[variable]} is not accepted")


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = f"bad key {self.headers['Authorization']} for {body}"
        error = json.dumps({"error": {"message": said, "type": "auth", "code": 401}}).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(error)))
        self.end_headers()
        self.wfile.write(error)

    def log_message(self, *arguments: Any) -> None:
        pass


if __name__ == "__main__":
    # An LM that refuses every key and quotes it, and ends with whoever started it.
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
