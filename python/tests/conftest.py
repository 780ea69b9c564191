"""What the tests share: a host in Krait's place, and the offline LM."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host import Host

# DSPy asks the network for its table of models otherwise.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A ROUTER and a forkserver; after the test nothing of it is left."""
    made = Host(tmp_path)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def offline_lm() -> Iterator[str]:
    """The offline LM, in a process of its own; its `api_base`."""
    with subprocess.Popen(
        [sys.executable, "-m", "krait_worker.offline_lm", "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.stdin.close()
            process.wait(10)


@pytest.fixture(scope="session")
def offline_url() -> Iterator[str]:
    """The offline LM of all tests."""
    with offline_lm() as url:
        yield url


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
