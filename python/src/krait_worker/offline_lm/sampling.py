"""Which answer a request gets that asks for a sampled one."""

import hashlib
import json
import threading
from typing import Any

_MOST_KEPT = 4_096


class Turns:
    """Counts how often the same messages have been asked with a temperature.

    So the same requests get the same answers, in whatever order they come among others.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def next(self, request: dict[str, Any]) -> int:
        """The turn of a request, from 1 on; 0 where it asks for no temperature."""
        temperature = request.get("temperature")
        if not isinstance(temperature, (int, float)) or temperature <= 0:
            return 0
        key = hashlib.sha256(json.dumps(request.get("messages")).encode()).hexdigest()
        with self._lock:
            # What was asked last stands last, and what stands first is forgotten.
            turn = self._counts.pop(key, 0) + 1
            self._counts[key] = turn
            if len(self._counts) > _MOST_KEPT:
                del self._counts[next(iter(self._counts))]
        return turn


def sampled(options: list[str], inputs: dict[str, str], turn: int) -> str:
    """One of the options by the inputs' digest; the next one at each further turn."""
    digest = hashlib.sha256("\n".join(inputs.values()).encode()).digest()
    return options[(int.from_bytes(digest[:8], "big") + turn) % len(options)]
