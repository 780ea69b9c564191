"""Objects made from specs, ready to be called: with inputs, or with arguments of their own."""

from typing import Any

import dspy

from krait_worker.adapters.dspy.construction import NOT_GIVEN, Means, construct, value
from krait_worker.adapters.dspy.parameters import Parameters
from krait_worker.adapters.dspy.programs import Program
from krait_worker.adapters.dspy.run import current_run
from krait_worker.adapters.dspy.signatures import BoundSignature
from krait_worker.faults import InvalidInput

#: What these take beside their signature's inputs, and tell no `inspect.signature` of.
MORE = {"ReAct": ("max_iters",), "ReActV2": ("history", "max_iters")}


class Constructed(Program):
    """An object of a spec, and how it is called."""

    def __init__(self, spec: Any, where: str, means: Means) -> None:
        made = construct(spec, where, means)
        super().__init__(made, _bound(made))
        self._where = where
        self._means = means
        self._name = getattr(made, "__name__", None) or type(made).__name__
        self.is_async = _is_async(made)
        self._parameters = None
        if callable(made) and not isinstance(made, dspy.Adapter):
            self._parameters = Parameters.of_call(self._name, made)

    def makes_objects(self, inputs: Any) -> bool:
        """Whether arguments of a call may be specs, which are made on a thread."""
        if self._parameters is None or not isinstance(inputs, dict):
            return False
        return any(isinstance(inputs.get(key), (dict, list)) for key in self._parameters.named)

    def arguments(self, inputs: Any, means: Means | None = None) -> dict[str, Any]:
        """The arguments of a call, specs among them made; raises `InvalidInput`."""
        found = self._parameters
        if found is None:
            raise InvalidInput(f"{self._where}: {self._name} is nothing that can be called")
        if not isinstance(inputs, dict) or not all(isinstance(key, str) for key in inputs):
            raise InvalidInput("inputs is a map of arguments by name")
        for key, why in NOT_GIVEN.items():
            if key in inputs and (key in found.named or key in found.positional):
                raise InvalidInput(f"inputs.{key} cannot be given: {why}")
        found.check(inputs, "inputs")
        own = {key: inputs[key] for key in inputs if key in found.named}
        made = {key: value(own[key], f"inputs.{key}", means or self._means) for key in own}
        for key, argument in made.items():
            found.fit(key, argument, f"inputs.{key}")
        rest = {key: inputs[key] for key in inputs if key not in own}
        if self.bound is None:
            return {**made, **rest}
        more = [key for key in MORE.get(self._name, ()) if key in rest]
        made.update({key: rest.pop(key) for key in more})
        # What a signature says of a field that the call names itself is not looked at.
        return {**made, **self.bound.inputs(rest)} if found.takes_any else made


def adapter(spec: Any, where: str, means: Means) -> Any:
    """An adapter of DSPy from its spec, or from its name alone; raises `InvalidInput`."""
    spec = {"module": spec} if isinstance(spec, str) else spec
    made = construct(spec, where, means)
    if not isinstance(made, dspy.Adapter):
        raise InvalidInput(f"{where} is an adapter such as JSONAdapter")
    return made


def retriever(given: Any, means: Means) -> Any:
    """DSPy's setting `rm`: what a `dspy.Retrieve` asks, as a spec or a tool of the call's."""
    found = value(given, "rm", means)
    if found is None or not isinstance(found, dspy.Tool):
        return found

    def ask(query: str, k: int = 3, **_: Any) -> list[Any]:
        given = {"query": query, "k": k}
        known = {name: given[name] for name in given if name in (found.args or {})}
        answer = current_run().ask(found.func(**known))
        passages = answer if isinstance(answer, list) else [answer]
        return [dspy.Example(long_text=str(passage)) for passage in passages]

    return ask


def _bound(made: Any) -> BoundSignature | None:
    """The signature whose inputs a call gives, where there is one."""
    if isinstance(made, (dspy.BestOfN, dspy.Refine)):
        return _bound(made.module)
    if isinstance(made, dspy.MultiChainComparison):
        signature = made.predict.signature
        for number in range(made.M):
            signature = signature.delete(f"reasoning_attempt_{number + 1}")
        return BoundSignature.of(signature)
    if isinstance(made, dspy.ChainOfThought):
        return BoundSignature.of(made.predict.signature)
    found = getattr(made, "signature", None) if isinstance(made, dspy.Module) else None
    return BoundSignature.of(found) if isinstance(found, dspy.SignatureMeta) else None


def _is_async(made: Any) -> bool:
    """Whether all of a module can wait on a loop; where code runs, a thread waits for it."""
    if not isinstance(made, dspy.Module):
        return False
    parts = [part for _, part in made.named_sub_modules(dspy.Module)]
    return all(hasattr(part, "aforward") for part in parts) and not any(
        "_interpreter_factory" in vars(part) for part in parts
    )
