"""`python -m krait_worker.tether COMMAND [ARGUMENT…]`: a command that dies with its parent.

More exactly with the thread of the parent that started it. SIGKILL, so that what ignores the end of
its input, or a signal, goes as well.
"""

import os
import sys

from krait_worker.process import die_with


def main() -> int:
    """Becomes the command; 127 where there is none of that name."""
    if len(sys.argv) < 2:
        print("usage: python -m krait_worker.tether COMMAND [ARGUMENT…]", file=sys.stderr)
        return 2
    die_with(os.getppid())
    try:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"{sys.argv[1]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
