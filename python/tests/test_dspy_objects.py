"""Any object of DSPy from a spec: each module once, and what does not fit refused."""

import threading
from collections.abc import Iterable
from typing import Any

import dspy
import pytest

from dspy_versions import INTERPRETER, needs_local_interpreter
from krait_worker.adapters.dspy import extras, names
from krait_worker.adapters.dspy.construction import Means, construct
from krait_worker.adapters.dspy.objects import Constructed
from krait_worker.adapters.dspy.tools import host_tools
from krait_worker.faults import InvalidInput, ToolFailed
from test_dspy_agents import ScriptedCall, adapter, run, tool

QA = {"module": "Predict", "signature": "question -> answer"}
COT = {"module": "ChainOfThought", "signature": "question -> answer"}
QUESTION = {"question": "What is 2 + 2?"}
EXAMPLE = {"example": {**QUESTION, "answer": "4"}, "inputs": ["question"]}
EM = {"metric": "EM", "example": {"answer": "4"}}
BEST = {"module": QA, "N": 2, "reward_fn": EM, "threshold": 1.0}
EMBED = {"embedder": {"model": "openai/offline-embedding"}}
BEES = {"query": "bees"}
TEXTS = ["Bees dance.", "A conffile is a file that dpkg manages."]
SEARCH = {"tools": [{"tool": "search"}]}

#: Those that have code run that an LM writes.
RUN_CODE = ("CodeAct", "ProgramOfThought", "RLM", "Flex")
#: Each object that can be called, and what it is called with.
CALLED: dict[str, tuple[dict[str, Any], Any]] = {
    "Predict": (QA, QUESTION),
    "ChainOfThought": (COT, QUESTION),
    "ReAct": ({"signature": "question -> answer", "arguments": SEARCH}, QUESTION),
    "ReActV2": ({"signature": "question -> answer", "arguments": SEARCH}, QUESTION),
    "CodeAct": ({"signature": "question -> answer", "arguments": SEARCH}, QUESTION),
    "ProgramOfThought": ({"signature": "question -> answer"}, QUESTION),
    "RLM": ({"signature": "question -> answer", "arguments": {"max_iters": 2}}, QUESTION),
    "Flex": ({"signature": "question -> answer"}, QUESTION),
    "BestOfN": ({"arguments": BEST}, QUESTION),
    "Refine": ({"arguments": BEST}, QUESTION),
    "MultiChainComparison": (
        {"signature": "question -> answer", "arguments": {"M": 2}},
        {**QUESTION, "completions": [{"reasoning": "r", "answer": "4"}] * 2},
    ),
    "Parallel": (
        {"arguments": {"num_threads": 2, "disable_progress_bar": True}},
        {"exec_pairs": [[QA, QUESTION], [COT, QUESTION]]},
    ),
    "KNN": ({"arguments": {"k": 1, "trainset": [EXAMPLE] * 2, "vectorizer": EMBED}}, QUESTION),
    "Embeddings": ({"arguments": {"corpus": TEXTS, "embedder": EMBED, "k": 1}}, {"query": "bees"}),
    "EmbeddingsWithScores": (
        {"arguments": {"corpus": TEXTS, "embedder": EMBED, "k": 1}},
        {"query": "bees"},
    ),
    "Retrieve": ({"arguments": {"k": 1}}, {"query": "bees"}),
    "Embedder": (EMBED, {"inputs": TEXTS}),
    "Evaluate": (
        {"arguments": {"devset": [EXAMPLE], "metric": {"metric": "EM"}, "num_threads": 2}},
        {"program": QA},
    ),
    "evaluate.SemanticF1": (
        {},
        {
            "example": {"example": {"question": "q", "response": "a b"}},
            "pred": {"example": {"response": "a b"}},
        },
    ),
    "evaluate.CompleteAndGrounded": (
        {},
        {
            "example": {"example": {"question": "q", "response": "a b"}},
            "pred": {"example": {"response": "a b", "context": "a b"}},
        },
    ),
    "majority": ({}, {"prediction_or_completions": [{"answer": "a"}, {"answer": "a"}]}),
    "infer_prefix": ({}, {"attribute_name": "someName"}),
    "evaluate.normalize_text": ({}, {"s": "A  b"}),
    "evaluate.answer_exact_match": (
        {},
        {"example": {"example": {"answer": "a"}}, "pred": {"example": {"answer": "A"}}},
    ),
    "evaluate.answer_passage_match": (
        {},
        {"example": {"example": {"answer": "a"}}, "pred": {"example": {"context": ["a b"]}}},
    ),
    "evaluate.EM": ({}, {"prediction": "a", "answers_list": ["A"]}),
}


#: What cannot be called here, and what is missing.
ELSEWHERE = {"ColBERTv2": "a server"}


def runnable(called: Iterable[str]) -> list[Any]:
    """The names, as parameters: those that run code are for a DSPy with an interpreter."""
    return [
        pytest.param(name, marks=needs_local_interpreter) if name in RUN_CODE else name
        for name in called
    ]


def called(url: str, name: str) -> Any:
    spec, inputs = CALLED[name]
    spec = spec if "embedder" in spec else {"module": name, **spec}
    call = ScriptedCall({"search": "Bees dance."}, is_stream=False)
    options = {"rm": {"tool": "search"}} if name == "Retrieve" else {}
    made = adapter(url, interpreter=INTERPRETER)
    return run(call, made, "use", spec=spec, inputs=inputs, **options)


@pytest.mark.parametrize("name", runnable(CALLED))
def test_an_object_is_made_and_called_in_one_call(offline_url: str, name: str) -> None:
    found = called(offline_url, name)
    assert "usage" in found
    if found["usage"]:
        assert found["usage"]["openai/offline"]["total_tokens"] > 0
    if name == "ProgramOfThought":
        assert found["outputs"]["answer"]
    if name == "RLM":
        assert found["outputs"]["answer"] == QUESTION["question"]
    if name in ("Embeddings", "Retrieve"):
        assert found["outputs"]["passages"] == ["Bees dance."]


def test_each_module_and_each_other_object_that_can_be_called_is_called_here() -> None:
    callable_names = set()
    for name, found in names.public().items():
        if names.refusal(name) is None and names.proper(name) == name and _is_called(found):
            callable_names.add(name)
    assert callable_names == {name for name in CALLED if name != "Embedder"} | set(ELSEWHERE)


def _is_called(found: Any) -> bool:
    kinds = (dspy.Adapter, dspy.Type, dspy.Example)
    return not isinstance(found, type) or (
        not issubclass(found, kinds) and any("__call__" in vars(base) for base in found.__mro__)
    )


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ({"module": "ChainOfThougt"}, ["spec.module", "did you mean 'ChainOfThought'?"]),
        ({"module": "chainofthought"}, ["did you mean 'ChainOfThought'?"]),
        ({"module": "predict.Retrieve"}, ["did you mean 'Retrieve'?"]),
        ({"module": "os.system"}, ["spec.module", "DSPy has no 'os.system'"]),
        ({"module": "dspy.load"}, ["unpickles"]),
        ({"module": "settings"}, ["whole process"]),
        ({"module": "LM"}, ["options.lm"]),
        ({"module": 5}, ["is a name of DSPy's"]),
        ({"modul": "Predict"}, ["did you mean 'module'?"]),
        (QA | {"arguments": {"N": 3}, "module": "MultiChainComparison"}, []),
        (
            {"module": "BestOfN", "arguments": {**BEST, "M": 3}},
            ["spec.arguments.M", "BestOfN takes no such argument", "known are N"],
        ),
        ({"module": "BestOfN", "arguments": {"N": 3}}, ["spec.arguments.module is missing"]),
        (
            {"module": "BestOfN", "arguments": {**BEST, "N": "3"}},
            ["spec.arguments.N is int", "str"],
        ),
        (
            {"module": "BestOfN", "arguments": {**BEST, "module": 5}},
            ["spec.arguments.module is Module, not int"],
        ),
        (
            {"module": "BestOfN", "arguments": {**BEST, "module": {"module": "Predic"}}},
            ["spec.arguments.module.module", "did you mean 'Predict'?"],
        ),
        ({"module": "Predict"}, ["spec.arguments.signature is missing"]),
        ({"signature": "->->"}, ["spec.signature", "the signature"]),
        ({"module": "ReAct", "signature": "a -> b"}, ["spec.arguments.tools is missing"]),
        (
            {"module": "ReAct", "signature": "a -> b", "arguments": {"tools": [{"tool": "serch"}]}},
            ["spec.arguments.tools[0]", "did you mean 'search'?"],
        ),
        (
            {"module": "Evaluate", "arguments": {"devset": [EXAMPLE], "metric": {"metric": "EMM"}}},
            ["spec.arguments.metric.metric", "'EM'"],
        ),
        (
            {"module": "RLM", "signature": "a -> b", "arguments": {"interpreter_factory": "x"}},
            ["the pool's option interpreter"],
        ),
        ({"module": "KNN", "arguments": {"k": 1, "trainset": [{"a": 1}]}}, ["vectorizer"]),
        (
            {"module": "KNN", "arguments": {"k": 1, "trainset": [EXAMPLE], "vectorizer": EMBED}},
            ["no endpoint here"],
        ),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(spec: Any, parts: list[str]) -> None:
    if not parts:
        return
    tools = host_tools([tool("search")])
    with pytest.raises(InvalidInput) as raised:
        construct(spec, "spec", Means(tools=tools, interpreter="local"))
    for part in parts:
        assert part in str(raised.value)


def test_what_needs_more_than_dspy_says_what_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> None:
        assert name

    monkeypatch.setattr("importlib.util.find_spec", absent)
    monkeypatch.setattr("shutil.which", absent)
    with pytest.raises(InvalidInput, match=r'needs optuna, .* pip install "dspy\[optuna\]"'):
        construct({"module": "BootstrapFewShotWithOptuna"}, "spec")
    with pytest.raises(InvalidInput, match=r'RLM needs Deno, .* pip install "dspy\[deno\]"'):
        construct({"module": "RLM", "signature": "a -> b"}, "spec")
    missing = extras.missing(ImportError("no", name="faiss.swig"), "Embeddings", "spec")
    assert "needs faiss, which the pool's Python has not: pip install faiss-cpu" in str(missing)


@pytest.mark.parametrize(
    ("spec", "inputs", "part"),
    [
        (QA, {"qestion": "x"}, "did you mean 'question'?"),
        (QA, {}, "inputs.question is missing"),
        (QA, [], None),
        ({"arguments": BEST, "module": "BestOfN"}, {"q": 1}, "inputs.q is no input"),
        ({"module": "ProgramOfThought", "signature": "a -> b"}, {"interpreter": 1}, "the pool's"),
        ({"module": "Parallel"}, {"exec_pairs": 5}, "inputs.exec_pairs is a list of"),
        ({"module": "Parallel"}, {"exec_pairs": [], "threads": 5}, "num_threads"),
        ({"module": "JSONAdapter"}, {}, "nothing that can be called"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(spec: Any, inputs: Any, part: str | None) -> None:
    made = Constructed(spec, "spec", Means(interpreter="local"))
    if part is not None:
        with pytest.raises(InvalidInput, match=part):
            made.arguments(inputs)


def test_a_list_of_inputs_is_answered_row_by_row(offline_url: str) -> None:
    rows = [QUESTION, {"qestion": "x"}, QUESTION]
    made = adapter(offline_url)
    found = run(ScriptedCall(is_stream=False), made, "use", spec=COT, inputs=rows)["results"]
    assert found[0]["outputs"] == found[2]["outputs"]
    assert "did you mean 'question'?" in found[1]["error"]["message"]


def test_a_tool_scores_and_embeds_for_modules_that_wait_on_threads(offline_url: str) -> None:
    call = ScriptedCall({"score": {"score": 1, "feedback": "good"}, "embed": [[1.0, 0.0]]})
    made = adapter(offline_url)
    spec = {"module": "BestOfN", "arguments": {**BEST, "reward_fn": {"metric": {"tool": "score"}}}}
    assert run(call, made, "use", spec=spec, inputs=QUESTION)["outputs"]
    assert [name for name, _ in call.asked] == ["score"]
    assert call.asked[0][1]["example"] == QUESTION
    knn = {"k": 1, "trainset": [EXAMPLE], "vectorizer": {"embedder": {"tool": "embed"}}}
    found = run(call, made, "use", spec={"module": "KNN", "arguments": knn}, inputs=QUESTION)
    assert found["value"] == [EXAMPLE["example"]]
    call.answers["embed"] = [[1.0, 0.0]]
    corpus = {"corpus": ["Bees dance."], "k": 1, "embedder": {"embedder": {"tool": "embed"}}}
    threads = threading.active_count()
    found = run(call, made, "use", spec={"module": "Embeddings", "arguments": corpus}, inputs=BEES)
    assert found["outputs"]["passages"] == ["Bees dance."]
    assert threading.active_count() <= threads + 2
    failing = ScriptedCall({"embed": ToolFailed("Broken", "no vectors")})
    with pytest.raises(ToolFailed):
        run(failing, made, "use", spec={"module": "KNN", "arguments": knn}, inputs=QUESTION)


@pytest.mark.parametrize("name", ["JSONAdapter", "XMLAdapter", "ChatAdapter", "TwoStepAdapter"])
def test_a_call_has_an_adapter_of_its_own(offline_url: str, name: str) -> None:
    spec: Any = name
    if name == "TwoStepAdapter":
        spec = {"module": name, "arguments": {"extraction_model": {"lm": {"temperature": 0}}}}
    call = ScriptedCall(is_stream=False)
    arguments = {"signature": "question -> answer", "inputs": QUESTION, "adapter": spec}
    assert run(call, adapter(offline_url), "predict", **arguments)["outputs"]["answer"]
    with pytest.raises(InvalidInput, match="adapter is an adapter"):
        run(call, adapter(offline_url), "predict", **{**arguments, "adapter": QA})
