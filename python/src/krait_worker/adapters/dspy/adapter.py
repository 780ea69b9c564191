"""DSPy's modules as operations of a worker."""

import time
from typing import Any

import dspy

from krait_worker.adapters.base import Adapter, operation
from krait_worker.adapters.dspy import outputs, warming
from krait_worker.adapters.dspy.language_models import LanguageModels
from krait_worker.adapters.dspy.programs import Program, Programs
from krait_worker.context import current_call
from krait_worker.faults import InvalidInput

_MOST_DEMOS = 1_024
#: What a call's `config` may not change: where the request goes, and with which key.
_NOT_CONFIG = frozenset(
    {"api_key", "api_base", "base_url", "headers", "extra_headers", "model", "lm", "callbacks"}
)


class DSPyAdapter(Adapter):
    """Predictions with the pool's LM, or with that of a call.

    Everything runs on the worker's one asyncio loop: a prediction is waiting, nearly all of it.
    """

    takes_lm = True

    def __init__(self, lm: dict[str, Any] | None = None, cache: bool = False) -> None:
        if not isinstance(lm, dict | None):
            raise InvalidInput("the option lm is a map of LM settings")
        if not isinstance(cache, bool):
            raise InvalidInput("the option cache is true or false")
        self._models = LanguageModels(lm or {}, cache)
        self._programs = Programs()
        self._format = dspy.ChatAdapter()

    def warm(self) -> None:
        """Imports and computes what the first prediction would; makes no request."""
        warming.warm()

    @operation
    async def predict(
        self,
        signature: Any,
        inputs: Any,
        demos: Any = None,
        config: Any = None,
    ) -> dict[str, Any]:
        """Predicts the outputs of a signature: `dspy.Predict`."""
        return await self._run(self._programs.predict(signature), inputs, demos, config)

    @operation
    async def chain_of_thought(
        self,
        signature: Any,
        inputs: Any,
        demos: Any = None,
        config: Any = None,
    ) -> dict[str, Any]:
        """Predicts with a `reasoning` before the outputs: `dspy.ChainOfThought`."""
        return await self._run(self._programs.chain_of_thought(signature), inputs, demos, config)

    @operation
    async def lm_ping(self) -> dict[str, Any]:
        """Sends one smallest request to the LM."""
        lm = self._lm()
        began = time.monotonic()
        with self._context(lm):
            await lm.acall("ping", max_tokens=16)
        return {"model": lm.model, "seconds": time.monotonic() - began}

    async def _run(self, program: Program, inputs: Any, demos: Any, config: Any) -> dict[str, Any]:
        arguments = program.bound.inputs(inputs)
        if demos is not None:
            arguments["demos"] = _demos(demos)
        if config is not None:
            arguments["config"] = _config(config)
        with self._context(self._lm()):
            prediction = await program.module.acall(**arguments)
        return outputs.reply(prediction)

    def _lm(self) -> Any:
        call = current_call()
        return self._models.find(call.lm if call else None)

    def _context(self, lm: Any) -> Any:
        # Without trace and history: both are lists of the process that grow with every call.
        return dspy.context(
            lm=lm, adapter=self._format, trace=None, disable_history=True, track_usage=True
        )

    def details(self, error: BaseException) -> dict[str, Any] | None:
        """What an LM's error knows of its cause."""
        if not isinstance(error, dspy.DSPyError):
            return None
        known = {
            name: getattr(error, name, None)
            for name in ("provider", "model", "status", "retry_after")
        }
        return {name: value for name, value in known.items() if value is not None}


def _demos(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(demo, dict) for demo in given):
        raise InvalidInput("demos is a list of maps")
    if len(given) > _MOST_DEMOS:
        raise InvalidInput(f"demos has at most {_MOST_DEMOS} entries")
    return given


def _config(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput("config is a map")
    refused = sorted(_NOT_CONFIG.intersection(given))
    if refused:
        raise InvalidInput(f"config.{refused[0]} is not allowed: LM settings are options.lm")
    return given
