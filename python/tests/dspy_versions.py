"""Conditions of the tests that not every supported DSPy can pass, with their reasons.

What comes before the colon is a row in the table of the handbook's *DSPy versions*.
"""

from importlib.metadata import requires, version

import pytest

from krait_worker.adapters.dspy import supported

#: What the package asks for, `dspy==3.4.1` among it.
PINNED = {line.partition(";")[0] for line in requires("krait-worker") or []}

needs_engines = pytest.mark.skipif(
    not supported.ENGINES, reason="gateway: this DSPy's LMs cannot leave their requests to a host"
)
needs_local_interpreter = pytest.mark.skipif(
    not supported.LOCAL_INTERPRETER, reason="local interpreter: this DSPy has none, only Deno's"
)
needs_own_client = pytest.mark.skipif(
    not supported.ENGINES,
    reason="own client: litellm makes this DSPy's requests; its errors, memory and tasks",
)
_IS_PINNED = f"dspy=={version('dspy')}" in PINNED
needs_pinned_dspy = pytest.mark.skipif(
    not _IS_PINNED, reason="native code: it is held against the pinned DSPy, and this is another"
)
needs_pinned_names = pytest.mark.skipif(
    not _IS_PINNED, reason="names: the tables are the pinned DSPy's, and this is another"
)

#: The interpreter that tests can have where no code is run.
INTERPRETER = "local" if supported.LOCAL_INTERPRETER else "deno"
