"""`python -m krait_worker`: a worker in an interpreter of its own, told what to do by
`KRAIT_WORKER` (see `launch.py`)."""

import os
import sys

import msgspec

from krait_worker import launch
from krait_worker.life import live


def main() -> int:
    """Runs the worker; its exit code."""
    text = os.environ.pop(launch.VARIABLE, None)
    if text is None:
        print(f"{launch.VARIABLE} is not set: Krait starts workers, nobody else", file=sys.stderr)
        return launch.REFUSED
    try:
        orders = msgspec.json.decode(text, type=launch.Orders)
    except msgspec.MsgspecError as error:
        print(f"{launch.VARIABLE}: {error}", file=sys.stderr)
        return launch.REFUSED
    return live(orders.start, orders.load)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
