"""Krait's Python workers: `python -m krait_worker.forkserver`, and what adapters are written with.

An adapter is a class whose methods marked `@operation` Krait can call:

    from krait_worker import Adapter, operation

    class Weather(Adapter):
        @operation
        async def forecast(self, city: str) -> dict: ...
"""

from krait_worker.adapters.base import Adapter, operation, views
from krait_worker.context import CallContext, current_call
from krait_worker.faults import InvalidInput, ToolFailed
from krait_worker.values.timestamp import Timestamp

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "CallContext",
    "InvalidInput",
    "Timestamp",
    "ToolFailed",
    "__version__",
    "current_call",
    "operation",
    "views",
]
