"""`python -m krait_worker.offline_lm`."""

import argparse
import json
import signal
import sys
import threading
from types import FrameType

from krait_worker.offline_lm.injection import KINDS, Injection
from krait_worker.offline_lm.server import OfflineServer


def main() -> int:
    """Serves until SIGTERM, Ctrl-C or, where asked, the end of its standard input."""
    parser = argparse.ArgumentParser(prog="krait_worker.offline_lm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--latency-ms", type=int, default=0, help="waited before each answer")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND:EVERY_N",
        help=f"let every Nth request fail; KIND is {', '.join(KINDS)}",
    )
    parser.add_argument("--seed", type=int, default=0, help="shifts which requests fail")
    parser.add_argument("--record", metavar="FILE", help="add each request's body to it, a line")
    parser.add_argument("--exit-with-parent", action="store_true", help="end with standard input")
    options = parser.parse_args()
    try:
        injections = [Injection.parse(text) for text in options.fault]
        server = OfflineServer(options.port, options.latency_ms, injections, options.seed)
        if options.record:
            server.record = open(options.record, "a", encoding="utf-8")  # noqa: SIM115 - kept open
    except (OSError, ValueError, OverflowError) as error:
        print(f"offline LM: {error}", file=sys.stderr)
        return 2

    def leave(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    if options.exit_with_parent:
        threading.Thread(target=_watch_input, args=(server,), daemon=True).start()
    print(json.dumps({"url": server.url, "port": server.server_port}), flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


def _watch_input(server: OfflineServer) -> None:
    while sys.stdin.buffer.read(4_096):
        pass
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
