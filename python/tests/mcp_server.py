"""A small MCP server over stdio; with `--deaf` it ignores the end of its input, and SIGTERM."""

import os
import signal
import sys
import time

from mcp.server import MCPServer

server = MCPServer("almanac")


@server.tool()
def moon(month: str) -> str:
    """When the moon is full in a month."""
    if month == "never":
        raise ValueError("there is no such month")
    return f"In {month} the moon is full on the 14th."


@server.tool()
def pid() -> int:
    """The server's process."""
    return os.getpid()


@server.tool()
def leave() -> None:
    """Ends the server in the middle of a call."""
    os._exit(1)


if __name__ == "__main__":
    if "--deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.run()
    while "--deaf" in sys.argv:
        time.sleep(60)
