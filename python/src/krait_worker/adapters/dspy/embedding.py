"""Embedders of a spec: a tool of the call's, or the pool's endpoint."""

from collections.abc import Callable
from typing import Any

import dspy
import requests
from dspy.retrievers import embeddings

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy.language_models import LanguageModels
from krait_worker.adapters.dspy.run import current_run
from krait_worker.faults import InvalidInput


class _AtOnce:
    """In the place of DSPy's queue of queries, which is a thread for each retriever that never ends
    and that knows nothing of the call."""

    def __init__(self, batch_fn: Callable[[list[Any]], list[Any]], *_: Any, **__: Any) -> None:
        self._search = batch_fn

    def __call__(self, query: Any) -> Any:
        return self._search([query])[0]


embeddings.Unbatchify = _AtOnce

_KEYS = frozenset({"model", "dimensions", "batch_size"})
_OPENAI = "https://api.openai.com/v1"


def by_endpoint(given: Any, models: LanguageModels, where: str) -> dspy.Embedder:
    """`{"embedder": {"model": "openai/text-embedding-3-small"}}`; raises `InvalidInput`."""
    given = {"model": given} if isinstance(given, str) else given
    if not isinstance(given, dict) or not isinstance(given.get("model"), str):
        raise InvalidInput(f'{where} is {{"model": "provider/name"}} or {{"tool": "name"}}')
    for key, value in given.items():
        if key not in _KEYS:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(key[:80], _KEYS)}")
        if key != "model" and (type(value) is not int or value < 1):
            raise InvalidInput(f"{where}.{key} is a positive integer")
    model, dimensions = given["model"], given.get("dimensions")
    more = {} if dimensions is None else {"dimensions": dimensions}
    vectors: Callable[[list[str]], list[list[float]]]
    if models.asks_host:
        from krait_worker.adapters.dspy.gateway import embedded_by_host

        def vectors(texts: list[str]) -> list[list[float]]:
            return embedded_by_host({"model": model, "texts": texts, **more})

    else:
        base, key = models.endpoint(model)
        if base is None and model.partition("/")[0] != "openai" and "/" in model:
            raise InvalidInput(
                f"{where}: without an endpoint (lm.api_base) only OpenAI's embeddings are asked; "
                "use the gateway (lm.gateway: true) or an embedder of the program's own, a tool"
            )
        url = f"{(base or _OPENAI).rstrip('/')}/embeddings"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = {"model": model.partition("/")[2] or model, **more}

        def vectors(texts: list[str]) -> list[list[float]]:
            reply = requests.post(
                url, json={**body, "input": texts}, headers=headers, timeout=models.timeout
            )
            reply.raise_for_status()
            return [entry["embedding"] for entry in reply.json()["data"]]

    return dspy.Embedder(vectors, batch_size=given.get("batch_size", 200), caching=False)


def by_tool(tool: dspy.Tool) -> dspy.Embedder:
    """`{"embedder": {"tool": …}}`: the tool is given `texts`, and answers with a vector of each."""

    def vectors(texts: list[str]) -> Any:
        found = current_run().ask(tool.func(texts=texts))
        if not isinstance(found, list) or len(found) != len(texts):
            raise ValueError(f"{tool.name} gave no vectors of {len(texts)} texts")
        return found

    return dspy.Embedder(vectors, caching=False)
