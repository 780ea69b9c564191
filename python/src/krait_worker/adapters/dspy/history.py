"""The turns of a session: bounded, and written once, when they come."""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from krait_worker import limits
from krait_worker.adapters.dspy import states
from krait_worker.envelope import Codec
from krait_worker.values import Unserialisable, encode

#: What a program was asked, and what it answered: `program`, `inputs` and `outputs`.
Turn = dict[str, Any]
_pack = msgspec.msgpack.Encoder().encode


class _Kept(NamedTuple):
    turn: Turn
    #: As MessagePack; None where it is no plain value.
    body: bytes | None
    size: int


class History:
    """The last turns of all programs of a session, the oldest forgotten first."""

    def __init__(self) -> None:
        self._kept: deque[_Kept] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Turn]:
        return (kept.turn for kept in self._kept)

    def add(self, turn: Turn) -> None:
        """Notes a turn."""
        body = _body(turn)
        size = states.size(turn) if body is None else len(body)
        self._kept.append(_Kept(turn, body, size))
        self._size += size
        while len(self) > limits.SESSION_TURNS or self._size > limits.SESSION_HISTORY_BYTES:
            self._size -= self._kept.popleft().size

    def plain(self) -> list[Turn]:
        """The turns that are plain values."""
        return [kept.turn for kept in self._kept if kept.body is not None]

    def missing(self) -> list[str]:
        """The names of the others."""
        return [f"history[{n}]" for n, kept in enumerate(self._kept) if kept.body is None]

    def body(self) -> bytes:
        """The plain ones as one list of MessagePack."""
        return _pack([msgspec.Raw(kept.body) for kept in self._kept if kept.body is not None])


def _body(turn: Turn) -> bytes | None:
    try:
        return encode(turn, Codec.MSGPACK, "turn") if states.is_plain(turn) else None
    except (Unserialisable, RecursionError):
        return None
