"""DSPy's modules as operations of a worker."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import dspy

from krait_worker.adapters.base import Adapter, Operation, operation
from krait_worker.adapters.dspy import caching, checks, extras, optimizing, outputs, warming
from krait_worker.adapters.dspy.calling import called, each
from krait_worker.adapters.dspy.code import code_act
from krait_worker.adapters.dspy.construction import Means
from krait_worker.adapters.dspy.language_models import LanguageModels
from krait_worker.adapters.dspy.mcp_servers import Servers
from krait_worker.adapters.dspy.metrics import Judge
from krait_worker.adapters.dspy.objects import Constructed, retriever
from krait_worker.adapters.dspy.objects import adapter as adapter_of
from krait_worker.adapters.dspy.programs import Program, Programs
from krait_worker.adapters.dspy.run import Run
from krait_worker.adapters.dspy.sessions import Session, Sessions
from krait_worker.adapters.dspy.signatures import BoundSignature, specification
from krait_worker.adapters.dspy.tools import distinct, host_tools, run_all
from krait_worker.adapters.dspy.user_programs import Shared, UserPrograms
from krait_worker.context import current_call
from krait_worker.faults import InvalidInput

#: How many modules without an asynchronous form run at once, each on a thread.
_MOST_THREADS = 64


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
        programs: dict[str, Any] | None = None,
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
        extras.check_interpreter(interpreter)
        caching.install()
        self._models = LanguageModels(lm or {}, cache)
        self.asks_host = self._models.asks_host
        self._programs = Programs()
        self._sessions = Sessions(lambda: self._context(None))
        self._servers = Servers({} if mcp is None else mcp, mcp_from_calls)
        self._interpreter = interpreter
        self._format = dspy.ChatAdapter(use_native_function_calling=native_function_calling)
        means = Means(models=self._models, interpreter=interpreter)
        self._own = UserPrograms(programs, frozenset(super().operations()), means)

    def warm(self) -> None:
        """Imports and computes what the first prediction would; makes no request."""
        warming.warm()

    def operations(self) -> dict[str, Operation]:
        """Those of every pool, and the user's own programs by their names."""
        return {**super().operations(), **self._own.operations(self._use_own)}

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
        adapter: Any = None,
    ) -> dict[str, Any]:
        """Predicts the outputs of a signature: `dspy.Predict`."""
        program = self._programs.predict(signature)
        tools = await self._tools(mcp)
        if not tools:
            return outputs.reply(
                await self._run(program, inputs, demos, config, stream_fields, adapter)
            )
        return await self._with_tools(program, tools, inputs, demos, config, stream_fields)

    @operation
    async def chain_of_thought(
        self,
        signature: Any,
        inputs: Any,
        demos: Any = None,
        config: Any = None,
        stream_fields: Any = None,
        adapter: Any = None,
    ) -> dict[str, Any]:
        """Predicts with a `reasoning` before the outputs: `dspy.ChainOfThought`."""
        program = self._programs.chain_of_thought(signature)
        return outputs.reply(
            await self._run(program, inputs, demos, config, stream_fields, adapter)
        )

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
        most = checks.iterations(max_iters)
        tools = await self._tools(mcp)
        program = self._programs.react(signature, tools, most, kept=not mcp)
        checks.check_agent(program)
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
        most = checks.iterations(max_iters)
        tools = await self._tools(mcp)
        extras.need_interpreter(self._interpreter, "code_act", "the pool")
        bound = BoundSignature(specification(signature))
        program = Program(code_act(bound.signature, tools, most), bound)
        program.is_async = False
        checks.check_agent(program)
        return outputs.agent_reply(await self._run(program, inputs, None, None, stream_fields))

    @operation(name="dspy")
    async def use(
        self,
        spec: Any,
        inputs: Any = None,
        config: Any = None,
        adapter: Any = None,
        stream_fields: Any = None,
        mcp: Any = None,
        rm: Any = None,
    ) -> dict[str, Any]:
        """Makes any public object of DSPy and calls it: with inputs, or with each of a list."""
        means = await self._means(mcp)
        given = {} if inputs is None else inputs
        own = self._adapter(adapter, means)
        with self._context(self._lm(), adapter=own, is_traced=True):
            # On a thread: some embed texts while they are made.
            made = await asyncio.to_thread(Constructed, spec, "spec", means)
            asked = await asyncio.to_thread(retriever, rm, means)
            with dspy.context(rm=asked):
                return await each(made, given, config, stream_fields)

    async def _use_own(
        self,
        program: Shared,
        inputs: Any = None,
        config: Any = None,
        adapter: Any = None,
        stream_fields: Any = None,
        mcp: Any = None,
    ) -> dict[str, Any]:
        own, given = self._adapter(adapter, await self._means(mcp)), inputs or {}
        with self._context(self._lm(), adapter=own, is_traced=True):
            async with program.leased() as made:
                return await each(made, given, config, stream_fields)

    @operation
    async def metric(
        self, name: Any, example: Any, prediction: Any, options: Any = None
    ) -> dict[str, Any]:
        """Scores a prediction by one of DSPy's metrics that ask an LM."""
        judge = Judge(name, example, prediction, options)
        with self._context(self._lm()):
            return await judge.score()

    @operation
    async def session_begin(self, spec: Any = None, checkpoint: Any = None) -> dict[str, Any]:
        """Begins the call's session; with a checkpoint, goes on from there."""
        call, means = current_call(), await self._means(None)
        if spec is not None:
            made = await self._sessions.begin(_session_of_call(), spec, checkpoint, means)
            return {"version": made.version, "programs": list(made.programs)}
        async with self._sessions.serving(call, means) as held:
            return held.answer(call, {"programs": list(held.session.programs)})

    @operation
    async def session_run(
        self,
        program: Any,
        inputs: Any,
        config: Any = None,
        stream_fields: Any = None,
        adapter: Any = None,
    ) -> dict[str, Any]:
        """Calls a program that the session keeps: with inputs, or with each of a list."""
        call, means = current_call(), await self._means(None)
        async with self._sessions.serving(call, means) as held:
            session = held.session
            kept = session.program(program)
            session.check_size(program)
            given = session.each(program, inputs)
            own = self._adapter(adapter, means) if adapter is not None else session.adapter
            with self._context(self._lm(session), adapter=own, is_traced=True):
                made = await each(kept, given, config, stream_fields)
            session.answered(program, inputs, made)
            return held.answer(call, made)

    @operation
    async def session_load(self, program: Any, state: Any) -> dict[str, Any]:
        """Gives a program of the session a state as DSPy saves it, such as an optimized one's."""
        call = current_call()
        async with self._sessions.serving(call, await self._means(None)) as held:
            held.session.load(program, state)
            held.session.version += 1
            return held.answer(call, {})

    @operation
    async def session_checkpoint(self) -> dict[str, Any]:
        """The session's state as plain data, and the names of what is not in it."""
        call = current_call()
        async with self._sessions.serving(call, await self._means(None)) as held:
            return held.answer(call, held.session.checkpoint())

    @operation
    async def session_save(self) -> dict[str, Any]:
        """The session's state for the daemon alone."""
        call = current_call()
        async with self._sessions.serving(call, await self._means(None)) as held:
            return held.answer(call, {})

    @operation
    async def session_end(self) -> dict[str, Any]:
        """Forgets the session."""
        return {"ended": self._sessions.end(_session_of_call())}

    @operation
    async def optimize(self, arguments: dict[str, Any], /) -> dict[str, Any]:
        """Optimizes a program for a metric; streams its progress, ends with the new state."""
        request, means = optimizing.read(arguments), await self._means(None)
        with self._context(self._lm()):
            # An embedder's texts may be asked for while the program is made: not on the loop.
            job = await asyncio.to_thread(optimizing.Job, request, current_call(), means)
            return await optimizing.on_a_thread(lambda: job.run(self._models.find), job.stop)

    @operation
    async def optimizers(self) -> dict[str, Any]:
        """DSPy's optimizers by name: what each takes, and why one cannot run here."""
        with self._context(self._lm()):
            return optimizing.described()

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
        adapter: Any = None,
    ) -> Any:
        """The prediction of a module, streamed where the call asks for that."""
        arguments = program.arguments(inputs)
        if demos is not None:
            arguments["demos"] = checks.demos(demos)
        if config is not None:
            arguments["config"] = checks.config(config)
        with self._context(self._lm(), adapter=self._adapter(adapter)):
            return await called(program, arguments, fields)

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
        field, calls = checks.tool_fields(program)
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

    async def _means(self, mcp: Any) -> Means:
        """What a spec of the call may name."""
        return Means(await self._tools(mcp), self._models, self._interpreter, self._own.known)

    def _adapter(self, given: Any, means: Means | None = None) -> Any:
        """The adapter of a call; None where it is the pool's."""
        if given is None:
            return None
        return adapter_of(given, "adapter", means or Means(models=self._models))

    def _lm(self, session: Session | None = None) -> Any:
        call = current_call()
        own = (call.lm if call else None) or {}
        return self._models.find({**session.lm, **own} if session else own)

    @contextlib.contextmanager
    def _context(self, lm: Any, *, adapter: Any = None, is_traced: bool = False) -> Iterator[None]:
        """The settings of one call: all that it starts is over when it is left."""
        run = Run(self._interpreter)
        # Without history, and with a trace of the call's own or none: both are lists of the process
        # that grow with every call.
        settings = dspy.context(
            lm=lm,
            adapter=adapter or self._format,
            trace=[] if is_traced else None,
            disable_history=True,
            track_usage=True,
            async_max_workers=_MOST_THREADS,
            interpreter_factory=run.interpreter,
            krait_run=run,
        )
        with settings, run.running():
            yield

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
