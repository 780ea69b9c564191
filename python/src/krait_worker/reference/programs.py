"""DSPy's programs, run as DSPy runs them: what native ones are compared with."""

import inspect
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import dspy

from krait_worker.faults import InvalidInput

Specification = dict[str, Any]
_NAME = "program.json"
_NO_KEY = "none"


class TwoHops(dspy.Module):  # type: ignore[misc]
    """A program of two modules, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.hops = [dspy.ChainOfThought("question -> passage")]
        self.answer = dspy.Predict("question, passage -> answer", temperature=0.3)

    def forward(self, question: str) -> Any:
        """Looks for a passage, and answers from it."""
        found = self.hops[0](question=question)
        return self.answer(question=question, passage=found.passage)


def reward(inputs: dict[str, Any], made: Any) -> float:
    """Never enough: so that there is another attempt."""
    return 0.25 if len(made.answer) % 2 else 0.5


def run(given: Specification, url: str) -> dict[str, Any]:
    """Makes a program, runs it and saves it, as the specification says.

    `kind` and `signature` are the program; `optimize` (`labeled` or `bootstrap`) with `trainset`
    optimizes it, `state` is a saved program's text to load; `inputs` are what it is run with.
    """
    lm = _lm(url)
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter(), trace=[], disable_history=True):
        program = _made(given)
        if given.get("lm"):
            program.set_lm(_lm(url, **given["lm"]))
        program = _optimized(program, given)
        made: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / _NAME
            if given.get("state") is not None:
                path.write_text(given["state"], encoding="utf-8")
                program.load(str(path), allow_unsafe_lm_state=True)
                _give_keys(program)
            program.save(str(path))
            made["state"] = path.read_text(encoding="utf-8")
        if given.get("inputs") is not None:
            made["outputs"] = dict(program(**given["inputs"]))
    made["program_code"] = inspect.getsource(type(getattr(program, "module", program)))
    made["reward_code"] = inspect.getsource(reward)
    return made


def _lm(url: str, **settings: Any) -> dspy.LM:
    plain = {"cache": False, "num_retries": 0, **settings}
    return dspy.LM("openai/offline", api_base=url, api_key=_NO_KEY, **plain)


def _give_keys(program: Any) -> None:
    """A saved LM has no key."""
    for predictor in program.predictors():
        if predictor.lm is not None:
            predictor.lm = predictor.lm.copy(api_key=_NO_KEY)


def _made(given: Specification) -> Any:
    signature, config = given.get("signature"), given.get("config") or {}
    attempts: dict[str, Any] = {
        "N": given.get("attempts", 3),
        "reward_fn": reward,
        "threshold": 1.0,
    }
    kinds: dict[str, Callable[[], Any]] = {
        "predict": lambda: dspy.Predict(signature, **config),
        "chain_of_thought": lambda: dspy.ChainOfThought(signature, **config),
        "multi_chain_comparison": lambda: dspy.MultiChainComparison(signature, **config),
        "two_hops": TwoHops,
        "best_of_n": lambda: dspy.BestOfN(dspy.ChainOfThought(signature), **attempts),
        "refine": lambda: dspy.Refine(TwoHops(), **attempts),
    }
    make = kinds.get(given.get("kind", ""))
    if make is None:
        raise InvalidInput(f"kind is one of {', '.join(kinds)}")
    return make()


def _optimized(program: Any, given: Specification) -> Any:
    """The program with demos: those that are given, or those that the program makes itself."""
    kind = given.get("optimize")
    names = given.get("input_names") or ["question"]
    trainset = [dspy.Example(**row).with_inputs(*names) for row in given.get("trainset") or []]
    if kind == "labeled":
        return dspy.LabeledFewShot(k=2).compile(program, trainset=trainset)
    if kind == "bootstrap":
        optimizer = dspy.BootstrapFewShot(max_bootstrapped_demos=2, max_labeled_demos=3)
        return optimizer.compile(program, trainset=trainset)
    return program
