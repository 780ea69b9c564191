"""The offline LM as an adapter, so that a pool keeps it: supervised, gone with its daemon."""

import threading
from typing import Any

from krait_worker.adapters.base import Adapter, operation
from krait_worker.offline_lm.server import OfflineServer


class OfflineLM(Adapter):
    """Serves the offline LM from a worker, on a free port of this machine."""

    def __init__(self, latency_ms: int = 0, record: bool = False) -> None:
        self._latency_ms = latency_ms
        self._record = record
        self._server: OfflineServer | None = None

    def begin(self) -> None:
        """Starts the server; its thread must not be there before the fork."""
        server = OfflineServer(0, self._latency_ms, [], 0)
        server.kept = [] if self._record else None
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        self._server = server

    def end(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @operation
    def url(self) -> str:
        """The `api_base` under which it answers."""
        assert self._server is not None, "`begin` comes before the first call"  # noqa: S101
        return self._server.url

    @operation
    def asked(self) -> list[Any]:
        """The requests' bodies since it was asked last; none without the option `record`."""
        return self._server.take() if self._server is not None else []
