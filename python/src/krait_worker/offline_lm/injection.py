"""Faults that the offline LM shows on request."""

import threading
from typing import NamedTuple

KINDS = ("429", "500", "slow", "cut", "malformed", "too_long")


class Injection(NamedTuple):
    """Lets every `every`th request fail in the way of `kind`."""

    kind: str
    every: int

    @classmethod
    def parse(cls, text: str) -> "Injection":
        """Reads `KIND:EVERY_N`; raises `ValueError`."""
        kind, colon, every = text.partition(":")
        if kind not in KINDS:
            raise ValueError(f"--fault {text}: the kinds are {', '.join(KINDS)}")
        if not colon or not every.isdecimal() or int(every) < 1:
            raise ValueError(f"--fault {text}: write KIND:EVERY_N, such as 429:3")
        return cls(kind, int(every))


class Injections:
    """Counts requests and says which of them fails; the first that applies wins."""

    def __init__(self, injections: list[Injection], seed: int) -> None:
        self._injections = injections
        self._count = seed
        self._lock = threading.Lock()

    def next(self) -> str | None:
        """The kind of fault the next request gets, or None."""
        with self._lock:
            self._count += 1
            for injection in self._injections:
                if self._count % injection.every == 0:
                    return injection.kind
        return None
