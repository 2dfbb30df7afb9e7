"""The program as a process that outlives a test, and as one that runs once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import mcp_types
from mcp import Client

from tests.server.real_server import DEBUG, text_of
from tests.witness import WITNESS

WAIT_S = 60.0
_LISTENING = re.compile(r"event=listening url=(\S+)")


@dataclass
class Server:
    """A running HTTP server: its process, its URL, and all that it has logged."""

    process: subprocess.Popen[str]
    url: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].partition("/")[0])

    def health(self) -> dict[str, object]:
        """Return what /healthz tells."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=WAIT_S) as answer:
            told: dict[str, object] = json.load(answer)
        return told

    def wait_catalogue(self) -> dict[str, object]:
        """Wait until the catalogue is open, and return what /healthz tells of it."""
        told: dict[str, object] = {}

        def is_ready() -> bool:
            catalogue = self.health()["catalogue"]
            assert isinstance(catalogue, dict)
            told.update(catalogue)
            return told["state"] == "ready"

        wait_until(is_ready)
        return told


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait, at most WAIT_S, until `holds` is true."""
    deadline_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@contextmanager
def http_server(env: Mapping[str, str], *options: str) -> Iterator[Server]:
    """Serve on a free port until the end of the block."""
    command = [sys.executable, "-m", "ovh_api_mcp", "--port", "0", *options]
    process = subprocess.Popen(
        command, env={**DEBUG, **env}, cwd=env["HOME"], stderr=subprocess.PIPE, text=True
    )
    server, is_listening = Server(process), threading.Event()
    reader = threading.Thread(target=_read_log, args=(server, is_listening), daemon=True)
    reader.start()
    try:
        assert is_listening.wait(WAIT_S)
        assert server.url, "".join(server.log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(WAIT_S)
        finally:
            process.kill()
        reader.join(WAIT_S)


def _read_log(server: Server, is_listening: threading.Event) -> None:
    assert server.process.stderr is not None
    with server.process.stderr as lines:
        for line in lines:
            WITNESS.hear("log", line)
            server.log.append(line)
            if found := _LISTENING.search(line):
                server.url = found[1]
                is_listening.set()
    is_listening.set()  # it ended without: whoever waits is to see that


def run_once(
    home: Path, *arguments: str, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end in a home without files."""
    return subprocess.run(
        [sys.executable, "-m", "ovh_api_mcp", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        cwd=home,
        env={"HOME": str(home), "OVH_CACHE_DIR": str(home / "cache"), **variables},
        check=False,
    )


@asynccontextmanager
async def connected(server: Server, mode: str = "auto") -> AsyncIterator[Client]:
    """Connect the SDK's client; everything in the block is to be done within WAIT_S."""
    with anyio.fail_after(WAIT_S):
        async with Client(server.url, mode=mode) as client:
            yield client


async def execute(client: Client, code: str) -> mcp_types.CallToolResult:
    """Call `execute`."""
    return await client.call_tool("execute", {"code": code})


async def search(client: Client, code: str) -> mcp_types.CallToolResult:
    """Call `search`."""
    return await client.call_tool("search", {"code": code})


def value_of(result: mcp_types.CallToolResult) -> object:
    """Return the parsed result of a script that succeeded."""
    assert not result.is_error, text_of(result)
    return json.loads(text_of(result))


def error_of(result: mcp_types.CallToolResult) -> str:
    """Return the text of a tool error."""
    assert result.is_error, text_of(result)
    return text_of(result)


def says(text: str, *words: str) -> bool:
    """Tell whether all the words stand in a message, whatever begins a sentence there."""
    return all(each.lower() in text.lower() for each in words)


def attempts(calls: list[dict[str, object]]) -> str:
    """Return a script that makes each call and returns the code of each refusal, "sent" for none.

    One after the other, so that the record of requests has their order.
    """
    return (
        "async () => { const ends = []; for (const call of "
        + json.dumps(calls)
        + ") ends.push(await ovh.request(call).then(() => 'sent', e => e.code)); return ends; }"
    )
