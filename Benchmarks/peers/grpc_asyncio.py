"""gRPC: a server of its asyncio interface in each worker, called in turn."""

import asyncio
import itertools
import multiprocessing
import os
import tempfile
from typing import Any

import msgspec
import numpy
from harness import AsyncPeer
from work import work

_METHOD = "/krait.Bench/Work"
_MOST = 64 << 20
_OPTIONS = [("grpc.max_send_message_length", _MOST), ("grpc.max_receive_message_length", _MOST)]


def _pack(value: Any) -> bytes:
    """An array as its bytes, all else as MessagePack; the first byte says which."""
    if isinstance(value, numpy.ndarray):
        return b"a" + value.tobytes()
    return b"m" + msgspec.msgpack.encode(value)


def _unpack(body: bytes) -> Any:
    if body[:1] == b"a":
        return numpy.frombuffer(body, numpy.float64, offset=1)
    return msgspec.msgpack.decode(body[1:])


def _serve(address: str) -> None:
    import grpc

    async def answer(request: Any, _context: Any) -> Any:
        return work(request)

    async def run() -> None:
        server = grpc.aio.server(options=_OPTIONS)
        handler = grpc.unary_unary_rpc_method_handler(answer, _unpack, _pack)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("krait.Bench", {"Work": handler}),)
        )
        server.add_insecure_port(address)
        await server.start()
        await server.wait_for_termination()

    asyncio.run(run())


class Servers(AsyncPeer):
    """One server a worker, on socket files."""

    def start(self, workers: int) -> None:
        import grpc

        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._folder = tempfile.TemporaryDirectory()
        addresses = [f"unix:{self._folder.name}/{number}" for number in range(workers)]
        spawn = multiprocessing.get_context("spawn")
        self._processes = [
            spawn.Process(target=_serve, args=(address,), daemon=True) for address in addresses
        ]
        for process in self._processes:
            process.start()
        self._channels = [grpc.aio.insecure_channel(a, options=_OPTIONS) for a in addresses]
        self._calls = itertools.cycle(
            [channel.unary_unary(_METHOD, _pack, _unpack) for channel in self._channels]
        )
        for address in addresses:
            while not os.path.exists(address.removeprefix("unix:")):
                self.loop.run_until_complete(asyncio.sleep(0.005))

    def stop(self) -> None:
        for channel in self._channels:
            self.loop.run_until_complete(channel.close())
        for process in self._processes:
            process.kill()
        self._folder.cleanup()

    async def acall(self, value: Any) -> Any:
        return await next(self._calls)(value)
