"""`python -m krait_worker.remote`: what `krait-worker` runs."""

import sys

from krait_worker.remote.command import main

if __name__ == "__main__":
    sys.exit(main())
