"""Python's own: `ProcessPoolExecutor` and `multiprocessing.Pool`."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from harness import CallbackPeer
from work import work


class Executor(CallbackPeer):
    """`concurrent.futures.ProcessPoolExecutor`."""

    def start(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers)

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, value: Any, done: Callable[[bool, Any], None]) -> None:
        def ended(future: Future[Any]) -> None:
            error = future.exception()
            done(error is None, future.result() if error is None else error)

        self._pool.submit(work, value).add_done_callback(ended)


class Pool(CallbackPeer):
    """`multiprocessing.Pool`."""

    def start(self, workers: int) -> None:
        self._pool = multiprocessing.Pool(workers)

    def stop(self) -> None:
        """`terminate` waits for a lock that the killed worker may hold; the reaper ends them."""

    def submit(self, value: Any, done: Callable[[bool, Any], None]) -> None:
        self._pool.apply_async(
            work,
            (value,),
            callback=lambda answer: done(True, answer),
            error_callback=lambda error: done(False, error),
        )
