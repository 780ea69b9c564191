"""DSPy's cache of answers, as a worker has it: in memory, bounded, and nobody else's.

An answer is found by the whole request and by where it goes. DSPy leaves the endpoint out, so that
two sessions whose models have one name at two places would be given each other's answers. What the
cache answers is told in the usage of its call, as `cached`, and so is what the host's cache does.
"""

import threading
from typing import Any

import dspy
from dspy.clients.cache import Cache

from krait_worker import limits

#: What of a request is no part of its question: a key opens the same answers as another.
_IGNORED = ["api_key"]
_installing = threading.Lock()


class Answers(Cache):  # type: ignore[misc]
    """The cache in the place of DSPy's own, which keeps a million answers and writes to a disk."""

    def __init__(self) -> None:
        super().__init__(
            enable_disk_cache=False,
            enable_memory_cache=True,
            disk_cache_dir=None,
            memory_max_entries=limits.CACHED_ANSWERS,
        )

    def cache_key(
        self, request: dict[str, Any], ignored_args_for_cache_key: list[str] | None = None
    ) -> str:
        """The key of a request, its endpoint included."""
        key: str = super().cache_key(request, _IGNORED)
        return key

    def get(
        self, request: dict[str, Any], ignored_args_for_cache_key: list[str] | None = None
    ) -> Any:
        """The answer that is kept; counted where there is one."""
        found = super().get(request, ignored_args_for_cache_key)
        if found is not None:
            count(str(request.get("model")))
        return found


def install() -> None:
    """Gives this process its cache; a second time nothing."""
    with _installing:
        # Looked up so: reading `dspy.cache` makes DSPy's own, with its folder.
        if not isinstance(vars(dspy).get("cache"), Answers):
            dspy.cache = Answers()


def count(model: str) -> None:
    """Notes that an answer of the model came from a cache."""
    if (tracker := dspy.settings.usage_tracker) is not None:
        tracker.add_usage(model, {"cached": 1})
