"""What the first prediction of a process does beside predicting, done before the fork.

A prediction runs through the whole of DSPy with an LM that is a function in this process: no
request, no thread and no event loop, none of which may be there when a process is forked.
"""

import importlib
import os
from typing import Any

import dspy

from krait_worker.adapters.dspy import caching, supported
from krait_worker.adapters.dspy.declarations import clear_typing_caches

#: What DSPy imports at the first request and not before.
_LATE = (
    "dspy.clients.call_result",
    "dspy.clients.costs",
    "dspy.clients.engines.lm15_engine",
    "dspy.clients.engines.streaming",
    "dspy.clients.execution",
    "dspy._vendor.lm15.cloud.hosts",
    "dspy._vendor.lm15.cloud.sigv4",
    "json_repair",
    "difflib",
)
_ANSWER = "[[ ## reasoning ## ]]\nwarm\n\n[[ ## answer ## ]]\n[1]\n\n[[ ## completed ## ]]"


class _Engine:
    """An LM that always says the same."""

    def complete(self, request: Any) -> Any:
        return dspy.lm15.Response(
            id="warm",
            model=request.model,
            message=dspy.lm15.Message.assistant(_ANSWER),
            finish_reason="stop",
            usage=dspy.lm15.Usage(input_tokens=1, output_tokens=1, total_tokens=2),
        )


def warm() -> None:
    """Makes the first prediction of every worker forked from here a quick one."""
    caching.install()
    for name in _LATE:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # another version of DSPy keeps it elsewhere: only time is lost
    lm = _engine_lm() if supported.ENGINES else _litellm_lm()
    signature = dspy.make_signature(
        "question: str -> answer: list[int]", None, custom_types={"Any": Any}
    )
    with dspy.context(lm=lm, trace=None, disable_history=True, track_usage=True):
        dspy.ChainOfThought(signature)(question="warm")
    # Full from the imports; emptied here, no worker has to touch those pages.
    clear_typing_caches()


def _engine_lm() -> Any:
    """An LM that asks nobody."""
    if os.environ.get("LITELLM_LOCAL_MODEL_COST_MAP", "").lower() == "true":
        from dspy.clients import capabilities, model_metadata

        # The table of models comes with DSPy: 15 MB once read, so once for all workers. Without
        # this setting DSPy would fetch it.
        capabilities.capabilities(dspy.LM("openai/gpt-4o-mini", cache=False))
        model_metadata.model_info("openai", "gpt-4o-mini")
    return dspy.LM("warm/warm", engine=_Engine(), cache=False)


def _litellm_lm() -> Any:
    """The same for a DSPy whose every request goes through litellm, seconds to import."""
    importlib.import_module("litellm")
    return dspy.utils.DummyLM([{"reasoning": "warm", "answer": "[1]"}])
