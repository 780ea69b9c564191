"""How an object is called: on the loop or on a thread, once or for each of many inputs."""

import asyncio
from typing import Any

import dspy

from krait_worker import limits
from krait_worker.adapters.dspy import checks, extras, outputs
from krait_worker.adapters.dspy.objects import Constructed
from krait_worker.adapters.dspy.programs import Program
from krait_worker.adapters.dspy.streaming import listeners, streamed
from krait_worker.context import current_call
from krait_worker.faults import InvalidInput, qualified


async def called(program: Program, arguments: dict[str, Any], fields: Any) -> Any:
    """What the object of a program gives, on the loop or on a thread."""
    module, call = program.module, current_call()
    if isinstance(module, dspy.Module):
        if call is not None and call.is_stream:
            return await streamed(call, module, arguments, fields, is_async=program.is_async)
        if fields is not None:
            listeners(module, fields)
    run = module.acall if program.is_async else dspy.asyncify(module)
    return await run(**arguments)


async def each(program: Constructed, inputs: Any, config: Any, fields: Any) -> dict[str, Any]:
    """The reply for inputs; for a list of them `results`, each a reply or an `error`."""
    if not isinstance(inputs, list):
        return outputs.whole(await _one(program, inputs, config, fields))
    if len(inputs) > limits.BATCH_INPUTS:
        raise InvalidInput(f"inputs has at most {limits.BATCH_INPUTS} entries")
    gate = asyncio.Semaphore(limits.BATCH_WIDTH)

    async def row(given: Any) -> dict[str, Any]:
        async with gate:
            try:
                return outputs.whole(await _one(program, given, config, fields))
            except Exception as error:  # noqa: BLE001 - the other rows are to go on
                return {"error": {"type": qualified(type(error)), "message": str(error)}}

    return {"results": list(await asyncio.gather(*(row(given) for given in inputs)))}


async def _one(program: Constructed, inputs: Any, config: Any, fields: Any) -> Any:
    if program.makes_objects(inputs):
        arguments = await asyncio.to_thread(program.arguments, inputs)
    else:
        arguments = program.arguments(inputs)
    if config is not None:
        arguments["config"] = checks.config(config)
    try:
        return await called(program, arguments, fields)
    except ImportError as error:
        raise extras.missing(error, type(program.module).__name__, "spec") from error
