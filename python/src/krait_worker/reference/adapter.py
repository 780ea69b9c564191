"""The adapter by which a pool asks DSPy itself."""

import json
from typing import Any

from krait_worker.adapters.base import Adapter, operation
from krait_worker.reference import answers, benches, programs


class Reference(Adapter):
    """Answers questions as DSPy does, and measures what DSPy takes for them."""

    @operation
    def answers(self, rows: list[str]) -> list[str]:
        """Answers questions, each a JSON text, in order; the answers are JSON texts too.

        A question that cannot be asked (deeper than Python recurses) comes back with `unanswered`.
        """
        return [_answer(json.loads(row)) for row in rows]

    @operation
    def program(self, given: dict[str, Any], url: str) -> dict[str, Any]:
        """Makes, optimizes, loads, runs and saves a program, with the LM at this address."""
        return programs.run(given, url)

    @operation
    def measure(self, bench: str, inputs: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Measures a function of DSPy's in this process: the median in microseconds."""
        return benches.measure(bench, inputs, seconds)

    @operation
    def perform(self, bench: str, inputs: dict[str, Any]) -> Any:
        """Calls that function once, and gives its result back."""
        return benches.perform(bench, inputs)


def _answer(row: dict[str, Any]) -> str:
    try:
        return json.dumps(answers.answer(row))
    except Exception as error:  # noqa: BLE001 - one question must not take the others with it
        return json.dumps({**row, "unanswered": answers.failure(error)})
