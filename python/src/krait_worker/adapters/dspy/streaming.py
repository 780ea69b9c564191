"""Predictions that are told while they are made: DSPy's `streamify`, chunk by chunk to the caller.

A chunk is a map. `{"field", "text", "is_last", "predict"}` is a piece of an output field, and
`{"status"}` says what the program does. Joined, the pieces of a field are its text: where an LM
answers in one piece, or from a cache, DSPy streams nothing, and the whole text comes as one piece.
"""

import contextlib
from typing import Any

import dspy
from dspy.streaming import StatusMessage, StreamListener, StreamResponse
from dspy.streaming.messages import StatusStreamingCallback

from krait_worker.adapters.base import nearest
from krait_worker.context import CallContext
from krait_worker.faults import InvalidInput

_MOST_FIELDS = 256


class _Quiet(StatusStreamingCallback):  # type: ignore[misc]
    """In the place of DSPy's status callback, which blocks the loop where the stream is full."""

    def on_tool_start(self, *arguments: Any, **named: Any) -> None: ...
    def on_tool_end(self, *arguments: Any, **named: Any) -> None: ...
    def on_lm_start(self, *arguments: Any, **named: Any) -> None: ...
    def on_lm_end(self, *arguments: Any, **named: Any) -> None: ...
    def on_module_start(self, *arguments: Any, **named: Any) -> None: ...
    def on_module_end(self, *arguments: Any, **named: Any) -> None: ...


_quiet = _Quiet()


def listeners(module: Any, given: Any) -> list[StreamListener]:
    """A listener for each field to stream; raises `InvalidInput`.

    By default the text fields among the outputs; the fields of an agent's steps only by name.
    """
    predictors = dict(module.named_predictors())
    if not predictors and not given:
        return []
    if not predictors:
        raise InvalidInput("stream_fields: this module has no output fields of its own to stream")
    last = list(predictors)[-1]
    known = {
        name: predictor
        for predictor in [*(name for name in predictors if name != last), last]
        for name in predictors[predictor].signature.output_fields
    }
    if given is None:
        fields = predictors[last].signature.output_fields.items()
        wanted = [name for name, field in fields if field.annotation is str]
    elif isinstance(given, list) and all(isinstance(name, str) for name in given):
        wanted = list(dict.fromkeys(given))
    else:
        raise InvalidInput("stream_fields is a list of names of output fields")
    if len(wanted) > _MOST_FIELDS:
        raise InvalidInput(f"stream_fields has at most {_MOST_FIELDS} names")
    made = []
    for name in wanted:
        if name not in known:
            near = nearest(name[:80], set(known))
            raise InvalidInput(f"stream_fields: {name!r:.80} is no output field{near}")
        predictor = known[name]
        # The steps of an agent come again and again, its outputs once.
        made.append(
            StreamListener(
                name,
                predict=predictors[predictor],
                predict_name=predictor,
                allow_reuse=predictor != last,
            )
        )
    return made


async def streamed(
    call: CallContext, module: Any, arguments: dict[str, Any], fields: Any, *, is_async: bool = True
) -> Any:
    """Runs a module, sends its chunks, and gives its prediction."""
    listening = listeners(module, fields)
    told: set[str] = set()
    prediction = None
    with dspy.context(callbacks=[*dspy.settings.callbacks, _quiet]):
        stream = dspy.streamify(module, stream_listeners=listening, is_async_program=is_async)
        # Closed here and now when the call is cancelled: the program must not outlive it.
        async with contextlib.aclosing(stream(**arguments)) as values:
            async for value in values:
                if isinstance(value, StreamResponse):
                    told.add(value.signature_field_name)
                    await call.aemit(_piece(value))
                elif isinstance(value, StatusMessage):
                    await call.aemit({"status": value.message})
                elif isinstance(value, dspy.Prediction):
                    prediction = value
    for listener in listening:
        name = listener.signature_field_name
        text = getattr(prediction, name, None)
        if name not in told and isinstance(text, str):
            whole = StreamResponse(listener.predict_name, name, text, is_last_chunk=True)
            await call.aemit(_piece(whole))
    return prediction


def _piece(value: StreamResponse) -> dict[str, Any]:
    return {
        "field": value.signature_field_name,
        "text": value.chunk,
        "is_last": value.is_last_chunk,
        "predict": value.predict_name,
    }
