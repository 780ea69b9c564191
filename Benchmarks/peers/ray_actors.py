"""Ray: one actor a worker, which Ray starts again."""

import asyncio
import itertools
import logging
import os
import tempfile
from typing import Any

from harness import AsyncPeer
from work import work


class Actors(AsyncPeer):
    """Ray actors of a local cluster, in turn."""

    def start(self, workers: int) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_DISABLE_IMPORT_WARNING"] = "1"
        import ray

        self.loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=512 << 20,
            _temp_dir=self._folder.name,
        )

        class Worker:
            def work(self, value: Any) -> Any:
                return work(value)

        kind = ray.remote(max_restarts=-1, num_cpus=1)(Worker)
        self._actors = itertools.cycle([kind.remote() for _ in range(workers)])

    def stop(self) -> None:
        import ray

        ray.shutdown()
        self._folder.cleanup()

    async def acall(self, value: Any) -> Any:
        return await next(self._actors).work.remote(value)
