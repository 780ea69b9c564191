"""A process that is no worker and speaks to a pool's socket all the same.

The argument is the endpoint. It tries the names of workers, answers calls by guessed ids, and
sends a hundred thousand messages of garbage; then it says so.
"""

import json
import sys

import zmq
from krait_worker.envelope import Codec, Kind, envelope


def main(endpoint: str) -> None:
    context = zmq.Context()
    sockets = []
    names = ["stranger", *(f"echo/{number}.{life}" for number in range(4) for life in range(1, 20))]
    for name in names + [f"{name}!" for name in names]:
        socket = context.socket(zmq.DEALER)
        socket.set(zmq.ROUTING_ID, name.encode())
        socket.set(zmq.LINGER, 2_000)
        socket.connect(endpoint)
        sockets.append(socket)
    hello = {"versions": [1], "name": "echo/0.1", "token": "0" * 32, "pid": 1, "started": 1,
             "package": "0", "python": "3"}  # fmt: skip
    for socket in sockets:
        socket.send(envelope(Kind.HELLO, 0, Codec.JSON, json.dumps(hello).encode()))
        for call in range(1 << 24, (1 << 24) + 16):
            socket.send(envelope(Kind.REPLY, call, Codec.JSON, b'"stolen"'))
    for number in range(100_000):
        sockets[0].send(b"KR\x01\x04" + number.to_bytes(4, "little"))
    heard = sum(socket.poll(0) != 0 for socket in sockets)
    print("sent, and heard of", heard, flush=True)
    sys.stdin.read()


main(sys.argv[1])
