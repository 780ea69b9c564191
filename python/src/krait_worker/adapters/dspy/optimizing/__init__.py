"""Optimizers as jobs: one call that streams its progress and ends with the program's new state.

`catalogue` makes the optimizer, `metrics` scores, `progress` tells, and `job` is the way of it all.
Nothing here is of the process: each job has DSPy's settings in a context of its own.
"""

from krait_worker.adapters.dspy.optimizing.catalogue import described
from krait_worker.adapters.dspy.optimizing.job import Job, on_a_thread, read

__all__ = ["Job", "described", "on_a_thread", "read"]
