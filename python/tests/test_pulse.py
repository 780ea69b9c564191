"""The heartbeat thread, over a real socket and a real lifeline."""

import select
import socket
import threading

import zmq

from host import PATIENCE
from krait_worker.envelope import Codec
from krait_worker.pulse import Pulse


def test_the_keeper_hears_of_a_beat_before_krait_does() -> None:
    with zmq.Context() as context:
        krait = context.socket(zmq.PULL)
        krait.bind("inproc://beats")
        beats = context.socket(zmq.PUSH)
        beats.connect("inproc://beats")
        keeper, lifeline = socket.socketpair()
        with keeper, lifeline, krait:
            pulse = Pulse(beats, lifeline.fileno(), is_watched=True)
            pulse.beat(0.0, Codec.JSON, dict)
            for _ in range(2_000):
                assert krait.poll(PATIENCE * 1_000)
                krait.recv()
                assert select.select([keeper], [], [], 0)[0]
                keeper.recv(8)
            stopping = threading.Thread(target=pulse.stop)
            stopping.start()
            # It may be waiting for room to tell of a beat.
            while stopping.is_alive():
                if select.select([keeper], [], [], 0.01)[0]:
                    keeper.recv(1 << 16)
