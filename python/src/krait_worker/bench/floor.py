"""The leanest fair worker, against which Krait's own way of a call is measured.

    python -m krait_worker.bench.floor ENDPOINT IDENTITY CODEC

One DEALER socket; says `ready` once, then: receive, decode, dispatch through a table, encode,
send; exactly one envelope a message (`count` streams numbers so), with the header of *Worker
protocol* but none of its checks.
Ends on a frame `stop`, and with its standard input: a pipe whose other end its parent holds.
(`PR_SET_PDEATHSIG` would follow the thread that started it, not the process.)
"""

import os
import struct
import sys
import threading

import msgspec
import zmq

HEADER = struct.Struct("<HBBBBHQII")
MAGIC, VERSION, REPLY, CHUNK = 0x524B, 1, 4, 6


def echo(arguments: dict[str, object]) -> dict[str, object]:
    return arguments


def end_with_input() -> None:
    os.read(0, 1)
    os._exit(0)


def main(endpoint: str, identity: str, codec: str) -> None:
    threading.Thread(target=end_with_input, daemon=True).start()
    form = msgspec.json if codec == "json" else msgspec.msgpack
    code = 1 if codec == "json" else 2
    decode, encode = form.Decoder().decode, form.Encoder().encode
    operations = {"echo": echo}

    context = zmq.Context()
    socket = zmq.backend.Socket(context, zmq.DEALER)
    socket.set(zmq.ROUTING_ID, identity.encode())
    socket.set(zmq.LINGER, 0)
    socket.connect(endpoint)
    recv, send = socket.recv, socket.send
    unpack, pack = HEADER.unpack_from, HEADER.pack
    send(b"ready")
    while True:
        message = recv()
        if message == b"stop":
            break
        _, _, _, _, _, _, call_id, length, _ = unpack(message)
        operation, arguments = decode(message[24 : 24 + length])
        if operation == "count":
            for number in range(arguments["n"]):
                body = encode(number)
                send(pack(MAGIC, VERSION, CHUNK, code, 0, 0, call_id, len(body), number) + body)
            continue
        body = encode(operations[operation](arguments))
        send(pack(MAGIC, VERSION, REPLY, code, 0, 0, call_id, len(body), 0) + body)
    socket.close()
    context.destroy(linger=0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
