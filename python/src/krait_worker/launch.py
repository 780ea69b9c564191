"""What a worker is told when it is started."""

from typing import Any

import msgspec

from krait_worker import limits

#: The descriptor of the lifeline in every worker, forked or executed.
LIFELINE = 3
#: The environment variable an executed worker finds its orders in.
VARIABLE = "KRAIT_WORKER"

#: Set before an adapter is imported, where the environment does not say otherwise. Many workers
#: share a machine, so none of them may start a thread per core for itself.
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "GRPC_ENABLE_FORK_SUPPORT": "false",
}


class Load(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag="load", tag_field="do"):
    """The `load` message: what the pool's workers run."""

    adapter: str
    options: dict[str, Any] = {}
    path: list[str] = []
    mode: str = "fork"

    def __post_init__(self) -> None:
        if self.mode not in ("fork", "exec"):
            raise ValueError(f"mode is fork or exec, not {self.mode!r:.40}")


class Curve(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of an endpoint that takes CURVE only: Krait's public one, and the worker's own."""

    server: str
    public: str
    secret: str

    def __post_init__(self) -> None:
        keys = (self.server, self.public, self.secret)
        if any(len(key) != 40 or not key.isascii() for key in keys):
            raise ValueError("a CURVE key has 40 characters")

    def __repr__(self) -> str:
        return "Curve(…)"


class Start(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, tag="start", tag_field="do"):
    """The `start` message: one worker."""

    name: str
    token: str
    endpoint: str
    slots: int
    #: What the worker may use of the machine; None for no limit.
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    curve: Curve | None = None
    #: The pool it wants to join, of a worker that Krait did not start.
    join: str | None = None

    @property
    def plain_name(self) -> str:
        """The name for people, without the part that nobody else may guess."""
        return self.join or self.name.rpartition("~")[0] or self.name

    def __post_init__(self) -> None:
        if not 1 <= self.slots <= limits.SLOTS:
            raise ValueError(f"slots is 1 to {limits.SLOTS}, not {self.slots}")
        if self.endpoint.startswith("tcp:") and self.curve is None:
            raise ValueError("a tcp endpoint has CURVE keys")
        # A routing id of ZeroMQ has at most 255 bytes, and the pulse's has one more.
        if not 1 <= len(self.name.encode()) < limits.NAME_BYTES - 1:
            raise ValueError(f"a name has 1 to {limits.NAME_BYTES - 2} bytes")
        for limit in (self.memory_bytes, self.cpu_seconds):
            if limit is not None and not 1 <= limit < 2**62:
                raise ValueError(f"a limit of {limit}")


class Orders(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `KRAIT_WORKER` holds."""

    load: Load
    start: Start


#: Exit codes of workers and of the forkserver.
LEFT = 0
LOAD_FAILED = 3
REFUSED = 4
#: Of workers that join a pool by themselves: not taken now, and the connection was lost.
TRY_AGAIN = 5
LOST = 6
