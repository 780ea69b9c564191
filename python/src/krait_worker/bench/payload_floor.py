"""The floors of large values: bare shared memory, and raw ZeroMQ frames.

    python -m krait_worker.bench.payload_floor ENDPOINT SEGMENT BYTES

A PAIR socket, and a file of twice BYTES (to be read, then to be written) that is mapped once.
Ends with its standard input. Requests: `copy` copies the one half to the other, `view` looks at
both ends, `frame` is followed by a frame that is sent back; `stop` ends.
"""

import mmap
import os
import sys
import threading

import zmq


def end_with_input() -> None:
    os.read(0, 1)
    os._exit(0)


def main(endpoint: str, segment: str, count: int) -> None:
    threading.Thread(target=end_with_input, daemon=True).start()
    with open(segment, "r+b") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 2 * count))
    source, target = memory[:count].toreadonly(), memory[count:]
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.set(zmq.LINGER, 0)
    socket.connect(endpoint)
    socket.send(b"ready")
    while True:
        request = socket.recv()
        if request == b"stop":
            break
        if request == b"copy":
            target[:] = source
            socket.send(b"done")
        elif request == b"view":
            socket.send(b"same" if source[0] == source[-1] else b"other")
        else:
            frame = socket.recv(copy=False)
            socket.send(frame, copy=False)
    socket.close()
    context.destroy(linger=0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
