"""DSPy's modules as operations of a worker."""

import time
from typing import Any

import dspy

from krait_worker.adapters.base import Adapter, operation
from krait_worker.adapters.dspy import outputs, warming
from krait_worker.adapters.dspy.code import INTERPRETERS, CodeProgram
from krait_worker.adapters.dspy.language_models import LanguageModels
from krait_worker.adapters.dspy.mcp_servers import Servers
from krait_worker.adapters.dspy.metrics import Judge
from krait_worker.adapters.dspy.programs import Program, Programs
from krait_worker.adapters.dspy.sessions import Session, Sessions
from krait_worker.adapters.dspy.signatures import BoundSignature, specification
from krait_worker.adapters.dspy.streaming import listeners, streamed
from krait_worker.adapters.dspy.tools import distinct, host_tools, run_all
from krait_worker.context import current_call
from krait_worker.faults import InvalidInput

_MOST_DEMOS = 1_024
_MOST_ITERATIONS = 100
#: How many modules without an asynchronous form run at once, each on a thread.
_MOST_THREADS = 64
#: What a call's `config` may not change: where the request goes, and with which key.
_NOT_CONFIG = frozenset(
    {"api_key", "api_base", "base_url", "headers", "extra_headers", "model", "lm", "callbacks"}
)


class DSPyAdapter(Adapter):
    """Predictions with the pool's LM, or with that of a call.

    Everything runs on the worker's one asyncio loop: a prediction is waiting, nearly all of it.
    """

    takes_lm = True

    def __init__(
        self,
        lm: dict[str, Any] | None = None,
        cache: bool = False,
        mcp: dict[str, Any] | None = None,
        mcp_from_calls: bool = False,
        interpreter: str = "deno",
        native_function_calling: bool = False,
    ) -> None:
        if not isinstance(lm, dict | None):
            raise InvalidInput("the option lm is a map of LM settings")
        flags = {
            "cache": cache,
            "mcp_from_calls": mcp_from_calls,
            "native_function_calling": native_function_calling,
        }
        for name, flag in flags.items():
            if not isinstance(flag, bool):
                raise InvalidInput(f"the option {name} is true or false")
        if interpreter not in INTERPRETERS:
            raise InvalidInput(f"the option interpreter is {' or '.join(INTERPRETERS)}")
        self._models = LanguageModels(lm or {}, cache)
        self.asks_host = self._models.asks_host
        self._programs = Programs()
        self._sessions = Sessions()
        self._servers = Servers({} if mcp is None else mcp, mcp_from_calls)
        self._interpreter = interpreter
        self._format = dspy.ChatAdapter(use_native_function_calling=native_function_calling)

    def warm(self) -> None:
        """Imports and computes what the first prediction would; makes no request."""
        warming.warm()

    def end(self) -> None:
        """Ends the MCP servers."""
        self._servers.end()

    @operation
    async def predict(
        self,
        signature: Any,
        inputs: Any,
        demos: Any = None,
        config: Any = None,
        stream_fields: Any = None,
        mcp: Any = None,
    ) -> dict[str, Any]:
        """Predicts the outputs of a signature: `dspy.Predict`."""
        program = self._programs.predict(signature)
        tools = await self._tools(mcp)
        if not tools:
            return outputs.reply(await self._run(program, inputs, demos, config, stream_fields))
        return await self._with_tools(program, tools, inputs, demos, config, stream_fields)

    @operation
    async def chain_of_thought(
        self,
        signature: Any,
        inputs: Any,
        demos: Any = None,
        config: Any = None,
        stream_fields: Any = None,
    ) -> dict[str, Any]:
        """Predicts with a `reasoning` before the outputs: `dspy.ChainOfThought`."""
        program = self._programs.chain_of_thought(signature)
        return outputs.reply(await self._run(program, inputs, demos, config, stream_fields))

    @operation
    async def react(
        self,
        signature: Any,
        inputs: Any,
        max_iters: Any = 20,
        stream_fields: Any = None,
        mcp: Any = None,
    ) -> dict[str, Any]:
        """Uses the call's tools until it can give the outputs: `dspy.ReAct`."""
        most = _iterations(max_iters)
        tools = await self._tools(mcp)
        program = self._programs.react(signature, tools, most, kept=not mcp)
        _check_agent(program)
        prediction = await self._run(program, inputs, None, None, stream_fields)
        return outputs.agent_reply(prediction)

    @operation
    async def code_act(
        self,
        signature: Any,
        inputs: Any,
        max_iters: Any = 5,
        stream_fields: Any = None,
        mcp: Any = None,
    ) -> dict[str, Any]:
        """Writes and runs Python that uses the call's tools: `dspy.CodeAct`."""
        most = _iterations(max_iters)
        tools = await self._tools(mcp)
        bound = BoundSignature(specification(signature))
        code = CodeProgram(bound.signature, tools, most, self._interpreter)
        program = Program(lambda _: code.module, bound)
        _check_agent(program)
        with code.running():
            prediction = await self._run(program, inputs, None, None, stream_fields, False)
        return outputs.agent_reply(prediction)

    @operation
    async def metric(
        self, name: Any, example: Any, prediction: Any, options: Any = None
    ) -> dict[str, Any]:
        """Scores a prediction by one of DSPy's metrics that ask an LM."""
        judge = Judge(name, example, prediction, options)
        with self._context(self._lm()):
            return await judge.score()

    @operation
    async def session_begin(self, spec: Any, checkpoint: Any = None) -> dict[str, Any]:
        """Begins the call's session; with a checkpoint, goes on from there."""
        made = self._sessions.begin(_session_of_call(), spec, checkpoint)
        return {"version": made.version, "programs": list(made.programs)}

    @operation
    async def session_run(
        self, program: Any, inputs: Any, config: Any = None, stream_fields: Any = None
    ) -> dict[str, Any]:
        """Predicts with a program that the session keeps."""
        session = self._sessions.find(_session_of_call())
        kept = session.program(program)
        given = session.inputs(program, inputs)
        prediction = await self._run(kept, given, None, config, stream_fields, session=session)
        made = outputs.reply(prediction)
        session.ended(program, inputs, made["outputs"])
        return {**made, "version": session.version}

    @operation
    async def session_load(self, program: Any, state: Any) -> dict[str, Any]:
        """Gives a program of the session a state as DSPy saves it, such as an optimized one's."""
        session = self._sessions.find(_session_of_call())
        session.load(program, state)
        session.version += 1
        return {"version": session.version}

    @operation
    async def session_checkpoint(self) -> dict[str, Any]:
        """The session's state as plain data, and the names of what is not in it."""
        return self._sessions.find(_session_of_call()).checkpoint()

    @operation
    async def session_end(self) -> dict[str, Any]:
        """Forgets the session."""
        return {"ended": self._sessions.end(_session_of_call())}

    @operation
    async def lm_ping(self) -> dict[str, Any]:
        """Sends one smallest request to the LM."""
        lm = self._lm()
        began = time.monotonic()
        with self._context(lm):
            await lm.acall("ping", max_tokens=16)
        return {"model": lm.model, "seconds": time.monotonic() - began}

    async def _run(
        self,
        program: Program,
        inputs: Any,
        demos: Any,
        config: Any,
        fields: Any,
        is_async: bool = True,
        session: Session | None = None,
    ) -> Any:
        """The prediction of a module, streamed where the call asks for that."""
        arguments = program.bound.inputs(inputs)
        if demos is not None:
            arguments["demos"] = _demos(demos)
        if config is not None:
            arguments["config"] = _config(config)
        module, call = program.module, current_call()
        with self._context(self._lm(session)):
            if call is not None and call.is_stream:
                return await streamed(call, module, arguments, fields, is_async=is_async)
            if fields is not None:
                listeners(module, fields)
            run = module.acall if is_async else dspy.asyncify(module)
            return await run(**arguments)

    async def _with_tools(
        self,
        program: Program,
        tools: list[dspy.Tool],
        inputs: Any,
        demos: Any,
        config: Any,
        fields: Any,
    ) -> dict[str, Any]:
        """A prediction that may ask for tools; those it asks for are run, all at once."""
        field, calls = _tool_fields(program)
        given = {**inputs, field: tools} if isinstance(inputs, dict) else inputs
        prediction = await self._run(program, given, demos, config, fields)
        made = outputs.reply(prediction)
        asked = getattr(prediction, calls, None)
        with self._context(self._lm()):
            results = await run_all(asked, tools) if asked is not None else []
        return {**made, "tool_results": results}

    async def _tools(self, mcp: Any) -> list[dspy.Tool]:
        """The tools of the call and of the MCP servers it names."""
        call = current_call()
        own = host_tools(call.tools) if call is not None else []
        return distinct([*own, *await self._servers.tools(mcp)])

    def _lm(self, session: Session | None = None) -> Any:
        call = current_call()
        own = (call.lm if call else None) or {}
        return self._models.find({**session.lm, **own} if session else own)

    def _context(self, lm: Any) -> Any:
        # Without trace and history: both are lists of the process that grow with every call.
        return dspy.context(
            lm=lm,
            adapter=self._format,
            trace=None,
            disable_history=True,
            track_usage=True,
            async_max_workers=_MOST_THREADS,
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


def _session_of_call() -> str | None:
    call = current_call()
    return call.session if call is not None else None


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


def _iterations(given: Any) -> int:
    if type(given) is not int or not 1 <= given <= _MOST_ITERATIONS:
        raise InvalidInput(f"max_iters is an integer from 1 to {_MOST_ITERATIONS}")
    return given


def _check_agent(program: Program) -> None:
    if "trajectory" in program.bound.signature.fields:
        raise InvalidInput("DSPy's agents have a field trajectory of their own")


def _tool_fields(program: Program) -> tuple[str, str]:
    """The field that takes the tools, and the one that asks for them; raises `InvalidInput`."""
    signature = program.bound.signature
    takes = [n for n, f in signature.input_fields.items() if f.annotation == list[dspy.Tool]]
    asks = [n for n, f in signature.output_fields.items() if f.annotation is dspy.ToolCalls]
    if len(takes) != 1 or len(asks) != 1:
        raise InvalidInput(
            "a prediction with tools needs one input of the type list[dspy.Tool] and one output of "
            "the type dspy.ToolCalls, as in `question, tools: list[dspy.Tool] -> calls: "
            "dspy.ToolCalls`; react runs tools by itself"
        )
    return takes[0], asks[0]
