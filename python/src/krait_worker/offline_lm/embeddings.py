"""Vectors of texts, without a model: texts that share words lie near each other."""

import hashlib
import math
from typing import Any

from krait_worker.offline_lm.passages import stems

DIMENSIONS = 64
MOST_DIMENSIONS = 4_096
MOST_TEXTS = 2_048


def texts_of(given: Any) -> list[str] | None:
    """The texts of a request's `input`; None where it is none."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not 0 < len(given) <= MOST_TEXTS:
        return None
    return given if all(isinstance(text, str) for text in given) else None


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector of length 1: each word's stem adds to a place that its digest says."""
    vector = [0.0] * dimensions
    for word in [*stems(text), text]:
        digest = hashlib.sha256(word.encode()).digest()
        # The text itself counts little: it tells apart what has the same words.
        weight = 1.0 if word is not text else 0.01
        sign = 1 if digest[8] & 1 else -1
        vector[int.from_bytes(digest[:8], "big") % dimensions] += sign * weight
    length = math.sqrt(sum(number * number for number in vector)) or 1.0
    return [round(number / length, 6) for number in vector]
