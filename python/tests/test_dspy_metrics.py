"""DSPy's metrics that ask an LM, as an operation: the same scores as in DSPy itself."""

from typing import Any

import dspy
import pytest

from host import Host
from krait_worker.adapters.dspy.metrics import Judge
from krait_worker.faults import InvalidInput

EXAMPLE = {"question": "What share is covered?", "response": "A share of 0.75 is covered."}
PREDICTION = {"response": "A share of 0.5 is covered.", "context": ["0.25 is covered."]}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SemanticF1", {}),
        ("SemanticF1", {"decompositional": True}),
        ("CompleteAndGrounded", {}),
    ],
)
def test_a_metric_scores_as_in_dspy(
    host: Host, offline_url: str, name: str, options: dict[str, Any]
) -> None:
    settings = {"model": "openai/offline", "api_base": offline_url}
    host.load("dspy", "fork", options={"lm": settings})
    worker = host.start(slots=4, heartbeat_ms=500)
    asked = {"name": name, "example": EXAMPLE, "prediction": PREDICTION, "options": options}
    found = worker.reply("metric", asked)
    lm = dspy.LM("openai/offline", api_base=offline_url, api_key="none", cache=False)
    with dspy.context(lm=lm):
        metric = getattr(dspy.evaluate, name)(**options)
        expected = metric(dspy.Example(**EXAMPLE), dspy.Prediction(**PREDICTION))
    assert found["score"] == expected.score
    assert 0 < found["score"] <= 1
    assert found["usage"]["openai/offline"]["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"name": "SemanticF2"}, "did you mean 'SemanticF1'?"),
        ({"name": 5}, "no metric 5"),
        ({"example": {"question": "?", "respons": ""}}, "example.response is missing; did you"),
        ({"prediction": {}}, "prediction.response is missing"),
        ({"prediction": []}, "prediction is a map"),
        ({"options": []}, "options is a map"),
        ({"options": {"threshold": 1}}, "no such option 'threshold'"),
        ({"options": {"decompositional": 1}}, "no such option"),
        ({"name": "CompleteAndGrounded", "prediction": {"response": ""}}, "prediction.context"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, Any], part: str) -> None:
    asked = {"name": "SemanticF1", "example": EXAMPLE, "prediction": PREDICTION, "options": None}
    with pytest.raises(InvalidInput, match=part.replace("?", r"\?")):
        Judge(**{**asked, **change})
