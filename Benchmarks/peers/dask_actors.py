"""Dask: one actor on each worker of a local cluster."""

import asyncio
import itertools
import logging
from typing import Any

from harness import AsyncPeer
from work import work


class Worker:
    """What lives on a worker."""

    def work(self, value: Any) -> Any:
        """The work."""
        return work(value)


class Actors(AsyncPeer):
    """Dask's actors, in turn."""

    def start(self, workers: int) -> None:
        from distributed import Client, LocalCluster

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

        async def begin() -> None:
            self._cluster = await LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                asynchronous=True,
                silence_logs=logging.CRITICAL,
            )
            self._client = await Client(self._cluster, asynchronous=True)
            await self._client.wait_for_workers(workers)
            addresses = [worker.worker_address for worker in self._cluster.workers.values()]
            actors = [
                await self._client.submit(Worker, actor=True, workers=[address], pure=False)
                for address in addresses
            ]
            self._actors = itertools.cycle(actors)

        self.loop.run_until_complete(begin())

    def stop(self) -> None:
        async def end() -> None:
            await self._client.close()
            await self._cluster.close()

        self.loop.run_until_complete(asyncio.wait_for(end(), 10))

    async def acall(self, value: Any) -> Any:
        return await next(self._actors).work(value)
