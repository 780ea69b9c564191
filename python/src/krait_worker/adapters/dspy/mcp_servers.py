"""MCP servers as sources of tools, through DSPy's own support.

A server is started, or connected to, when a call first names it, once for each worker; it is kept
until the worker leaves, and ends with the worker however that ends. One that has failed is started
again by the next call.
"""

import asyncio
import contextvars
import os
import sys
from typing import Any

import anyio
import dspy
import msgspec

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy.tools import wrapped
from krait_worker.faults import CallRefused, InvalidInput

_MOST_SERVERS = 16
_MOST_TOOLS = 256
_START_SECONDS = 30.0
_END_SECONDS = 5.0
#: JSON-RPC's code of MCP for a connection that has ended.
_CONNECTION_CLOSED = -32000
_STDIO_KEYS = frozenset({"command", "args", "env"})
#: Whose a process is, and what the tether needs beside what MCP hands on by itself.
_HANDED_ON = ("KRAIT_RUN", "PYTHONPATH")

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


def checked(given: Any, where: str) -> dict[str, Any]:
    """How to reach one server: `{command, args, env}` or `{url}`; raises `InvalidInput`."""
    if not isinstance(given, dict) or ("command" in given) == ("url" in given):
        raise InvalidInput(f"{where} is a map with a command (and args, env) or with a url")
    for key in given:
        known = _STDIO_KEYS if "command" in given else {"url"}
        if key not in known:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(str(key), set(known))}")
    texts = [given.get("command", given.get("url")), *given.get("args", [])]
    env = given.get("env", {})
    if not isinstance(env, dict) or not all(
        isinstance(text, str) for text in [*texts, *env, *env.values()]
    ):
        raise InvalidInput(f"{where}: command, url, args and the values of env are texts")
    return given


class Servers:
    """The pool's MCP servers by name, and the connections to those that calls have named."""

    def __init__(self, named: Any, are_taken_from_calls: bool) -> None:
        if not isinstance(named, dict):
            raise InvalidInput("the option mcp is a map of MCP servers by name")
        self._named = {name: checked(given, f"mcp.{name}") for name, given in named.items()}
        self._are_taken_from_calls = are_taken_from_calls
        self._servers: dict[bytes, _Server] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def tools(self, given: Any) -> list[dspy.Tool]:
        """The tools of the servers a call names; raises `InvalidInput` and `CallRefused`."""
        if given is None:
            return []
        if not isinstance(given, list) or len(given) > _MOST_SERVERS:
            raise InvalidInput(f"mcp is a list of at most {_MOST_SERVERS} servers")
        self._loop = asyncio.get_running_loop()
        wanted = [self._wanted(one, f"mcp[{index}]") for index, one in enumerate(given)]
        found = await asyncio.gather(*(self._server(one).tools() for one in wanted))
        return [tool for tools in found for tool in tools]

    def _wanted(self, given: Any, where: str) -> dict[str, Any]:
        if isinstance(given, str):
            if given not in self._named:
                near = nearest(given[:80], set(self._named))
                raise InvalidInput(f"{where}: the pool has no MCP server {given!r:.80}{near}")
            return self._named[given]
        if not self._are_taken_from_calls:
            raise InvalidInput(
                f"{where} is the name of one of the pool's MCP servers; a call may bring its own "
                "only where the pool's option mcp_from_calls is true"
            )
        return checked(given, where)

    def _server(self, given: dict[str, Any]) -> "_Server":
        key = _canonical(given)
        server = self._servers.get(key)
        if server is None or server.is_over:
            if server is None and len(self._servers) >= _MOST_SERVERS:
                over = next((k for k, one in self._servers.items() if one.is_over), None)
                if over is None:
                    raise CallRefused("overloaded", f"{_MOST_SERVERS} MCP servers run already")
                del self._servers[over]
            server = self._servers[key] = _Server(given)
        return server

    def end(self) -> None:
        """Ends the servers; from another thread than the loop's."""
        if self._loop is None or not self._servers:
            return
        future = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            future.result(_END_SECONDS)
        except TimeoutError:
            future.cancel()  # the worker's own end takes them with it

    async def _end(self) -> None:
        await asyncio.gather(*(server.end() for server in self._servers.values()))


class _Server:
    """A connection, kept by a task of its own: what opens one must also close it."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self._tools: asyncio.Future[list[dspy.Tool]] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        # Its own context: it outlives the call that happens to be the first.
        self._keeper = asyncio.create_task(self._keep(), context=contextvars.Context())
        self._client: Any = None
        self.is_over = False

    async def tools(self) -> list[dspy.Tool]:
        return await asyncio.shield(self._tools)

    async def call_tool(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """Calls a tool, as DSPy's tools do; a server that has gone is known to be from then on."""
        from mcp import MCPError

        try:
            return await self._client.call_tool(name, arguments)
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            if not isinstance(error, MCPError) or error.code == _CONNECTION_CLOSED:
                self.is_over = True
                self._leave.set()
            raise

    async def end(self) -> None:
        self._leave.set()
        await asyncio.wait([self._keeper])

    async def _keep(self) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS) as starting:
                async with _client(self._given) as self._client:
                    listed = await self._client.list_tools()
                    found = [dspy.Tool.from_mcp_tool(self, one) for one in listed.tools]
                    self._tools.set_result([wrapped(tool) for tool in found[:_MOST_TOOLS]])
                    starting.reschedule(None)
                    await self._leave.wait()
        except Exception as error:  # noqa: BLE001 - a server fails in ways of its own
            if not self._tools.done():
                self._tools.set_exception(CallRefused("raised", f"the MCP server: {_told(error)}"))
        finally:
            self.is_over = True


def _told(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _client(given: dict[str, Any]) -> Any:
    try:
        import mcp
        from mcp.client.stdio import StdioServerParameters, stdio_client
    except ImportError as error:
        raise InvalidInput("MCP needs the package mcp: pip install krait-worker[mcp]") from error
    if "url" in given:
        return mcp.Client(given["url"])
    # Through `tether`: the server dies with the worker even where it never looks at its input.
    handed_on = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "krait_worker.tether", given["command"], *given.get("args", [])],
        env={**handed_on, **given.get("env", {})},
    )
    return mcp.Client(stdio_client(parameters))
