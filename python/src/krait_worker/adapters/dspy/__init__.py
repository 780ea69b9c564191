"""The `dspy` adapter: DSPy's modules as operations.

`adapter.py` has the operations; `language_models.py` turns settings into LMs, `signatures.py` and
`declarations.py` text and types into signatures, `programs.py` signatures into modules, and
`outputs.py` predictions into plain values.
"""

from krait_worker.adapters.dspy.adapter import DSPyAdapter

__all__ = ["DSPyAdapter"]
