"""The arguments that operations have beside a signature and its inputs."""

from typing import Any

import dspy

from krait_worker.adapters.dspy.programs import Program
from krait_worker.faults import InvalidInput

_MOST_DEMOS = 1_024
_MOST_ITERATIONS = 100
#: What a call's `config` may not change: where the request goes, and with which key.
_NOT_CONFIG = frozenset(
    {"api_key", "api_base", "base_url", "headers", "extra_headers", "model", "lm", "callbacks"}
)


def demos(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(demo, dict) for demo in given):
        raise InvalidInput("demos is a list of maps")
    if len(given) > _MOST_DEMOS:
        raise InvalidInput(f"demos has at most {_MOST_DEMOS} entries")
    return given


def config(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput("config is a map")
    refused = sorted(_NOT_CONFIG.intersection(given))
    if refused:
        raise InvalidInput(f"config.{refused[0]} is not allowed: LM settings are options.lm")
    return given


def iterations(given: Any) -> int:
    if type(given) is not int or not 1 <= given <= _MOST_ITERATIONS:
        raise InvalidInput(f"max_iters is an integer from 1 to {_MOST_ITERATIONS}")
    return given


def check_agent(program: Program) -> None:
    if "trajectory" in _signature(program).fields:
        raise InvalidInput("DSPy's agents have a field trajectory of their own")


def tool_fields(program: Program) -> tuple[str, str]:
    """The field that takes the tools, and the one that asks for them; raises `InvalidInput`."""
    signature = _signature(program)
    takes = [n for n, f in signature.input_fields.items() if f.annotation == list[dspy.Tool]]
    asks = [n for n, f in signature.output_fields.items() if f.annotation is dspy.ToolCalls]
    if len(takes) != 1 or len(asks) != 1:
        raise InvalidInput(
            "a prediction with tools needs one input of the type list[dspy.Tool] and one output of "
            "the type dspy.ToolCalls, as in `question, tools: list[dspy.Tool] -> calls: "
            "dspy.ToolCalls`; react runs tools by itself"
        )
    return takes[0], asks[0]


def _signature(program: Program) -> Any:
    assert program.bound is not None, "only objects of specs have none"  # noqa: S101
    return program.bound.signature
