"""The command line of `krait-worker`."""

import argparse
import sys
from typing import Any

import msgspec

import krait_worker
from krait_worker import launch, limits, spawn
from krait_worker.launch import Load
from krait_worker.loading import LoadFailed
from krait_worker.remote import keys
from krait_worker.remote.keeper import Keeper

#: As other commands have it.
USAGE = 2


def _options(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise argparse.ArgumentTypeError(f"no JSON object: {error}") from None


def _slots(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= count <= limits.SLOTS:
        raise argparse.ArgumentTypeError(f"1 to {limits.SLOTS}")
    return count


def _endpoint(text: str) -> str:
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    if not text.startswith("tcp://") or not host or not port.isdigit():
        raise argparse.ArgumentTypeError("tcp://HOST:PORT")
    return text


def parser() -> argparse.ArgumentParser:
    """The options, with their help."""
    made = argparse.ArgumentParser(
        prog="krait-worker",
        description="Joins a pool of Krait that runs on another host, and serves its calls. It "
        "comes back after whatever parts it from the pool. SIGTERM lets it finish its calls.",
        epilog="Exit codes: 0 told to end, 2 the command line, 3 the adapter cannot be loaded, "
        "4 the pool refuses the worker or its key.",
    )
    made.add_argument("--connect", required=True, type=_endpoint, metavar="tcp://HOST:PORT",
                      help="the pool's endpoint")  # fmt: skip
    made.add_argument("--key", required=True, metavar="FILE",
                      help="the worker's keys, as `krait keys POOL` wrote them")  # fmt: skip
    made.add_argument("--adapter", default="dspy",
                      help="echo, dspy (the default) or module:Class; the pool's own")  # fmt: skip
    made.add_argument("--options", type=_options, default={}, metavar="JSON",
                      help="for the adapter, such as '{\"lm\": {…}}'")  # fmt: skip
    made.add_argument("--path", action="append", default=[], metavar="FOLDER",
                      help="put before Python's module path; again for more")  # fmt: skip
    made.add_argument("--slots", type=_slots, default=8, metavar="N",
                      help="how many calls it serves at once; without it 8")  # fmt: skip
    made.add_argument("--fresh", action="store_true",
                      help="load the adapter in each new worker, instead of once")  # fmt: skip
    made.add_argument("--version", action="version", version=krait_worker.__version__)
    return made


def main(arguments: list[str] | None = None) -> int:
    """Runs `krait-worker`; its exit code."""
    found = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        spawn.buffer_lines(stream)
    try:
        pool, curve = keys.read(found.key)
    except keys.BadKeys as error:
        print(f"krait-worker: {error}", file=sys.stderr)
        return USAGE
    orders = Load(
        adapter=found.adapter,
        options=found.options,
        path=found.path,
        mode="exec" if found.fresh else "fork",
    )
    try:
        return Keeper(found.connect, pool, curve, orders, found.slots).keep()
    except LoadFailed as error:
        print(error.fault["traceback"], file=sys.stderr)
        print(f"krait-worker: the adapter cannot be loaded: {error}", file=sys.stderr)
        return launch.LOAD_FAILED
