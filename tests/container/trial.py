"""The finished image put to the test: started as an engine would, asked as a client would, stopped.

The checks stand in the order in which they are made; the first that fails ends the trial.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio
import httpx2
import mcp_types
import psutil
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.container.dockerfile import Instruction, Stage
from tests.container.image import Image, StepReport

_TOKEN: Final = "a-token-of-the-rehearsal"
_NOWHERE: Final = "http://127.0.0.1:9"  # a proxy that nobody runs
_HEALTHY_TIMEOUT_S: Final = 30.0
_HEALTH_TIMEOUT_S: Final = 5.0
_PAUSE_S: Final = 0.2  # between two health checks
_CALL_TIMEOUT_S: Final = 30.0
_END_TIMEOUT_S: Final = 5.0
_SCRIPT: Final = 'async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })'


class TrialError(Exception):
    """The image is not as it should be."""


@dataclass(frozen=True, slots=True)
class _Container:
    """The image's process and how it was started."""

    image: Image
    process: subprocess.Popen[bytes]
    env: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def family(self) -> list[psutil.Process]:
        """Return the process and all that descend from it."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]


def try_image(image: Image, stage: Stage) -> Iterator[StepReport]:
    """Start ENTRYPOINT and CMD of the last stage and yield what each check found; nothing stays behind."""
    entrypoint, command = stage.last("ENTRYPOINT"), stage.last("CMD")
    health = stage.last("HEALTHCHECK")
    assert entrypoint and command and health, "test_dockerfile.py asks for all three"
    port = _free_port()
    env = image.env | {
        "OVH_MCP_TOKEN": _TOKEN,
        "OVH_ENDPOINT": "simulator",
        "PORT": str(port),
        "HTTP_PROXY": _NOWHERE,  # neither the server nor its health check may ask a proxy for loopback
        "http_proxy": _NOWHERE,
    }
    words = [image.moved(word) for word in (*entrypoint.command(), *command.command())]
    # As the engine does it: the command is looked up in the image's PATH.
    with image.someone.running(
        ("/usr/bin/env", *words), env=env, cwd=image.workdir, output=image.output
    ) as process:
        container = _Container(image, process, env, port)
        checks: tuple[tuple[str, Callable[[], str]], ...] = (
            (
                f"start {' '.join(words)}, until HEALTHCHECK succeeds",
                lambda: _wait_healthy(container, health),
            ),
            ("it listens on 0.0.0.0", lambda: _check_address(container)),
            ("no process is root's", lambda: _check_user(container)),
            ("its program is compiled to bytecode", lambda: _check_bytecode(image)),
            ("a call without the token is refused", lambda: _check_refusal(container)),
            ("an MCP client calls the API through it", lambda: anyio.run(_call_api, container)),
            ("SIGTERM ends it and all its processes", lambda: _check_end(container)),
        )
        for name, check in checks:
            report = _made(name, check)
            yield report
            if report.result == "failed":
                return


def _made(name: str, check: Callable[[], str]) -> StepReport:
    begun = time.monotonic()
    try:
        detail = check()
    except Exception as error:  # outermost: whatever goes wrong is the check's finding
        return StepReport("failed", name, time.monotonic() - begun, f"{type(error).__name__}: {error}")
    return StepReport("ok", name, time.monotonic() - begun, detail)


def _wait_healthy(container: _Container, health: Instruction) -> str:
    image = container.image
    deadline = time.monotonic() + _HEALTHY_TIMEOUT_S
    tries = 0
    while time.monotonic() < deadline:
        tries += 1
        status = image.someone.run(
            [image.moved(word) for word in health.command()],
            env=container.env,
            cwd=image.workdir,
            output=image.root / "health.log",
            timeout_s=_HEALTH_TIMEOUT_S,
        )
        if status == 0:
            return f"at try {tries}"
        try:
            raise TrialError(f"the server ended with status {container.process.wait(_PAUSE_S)}")
        except subprocess.TimeoutExpired:
            continue
    raise TrialError(f"not healthy within {_HEALTHY_TIMEOUT_S:.0f} s, {tries} tries")


def _check_address(container: _Container) -> str:
    listening = {
        connection.laddr
        for process in container.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    _demand(("0.0.0.0", container.port) in listening, f"listens on {sorted(listening)}")
    return f"port {container.port}"


def _check_user(container: _Container) -> str:
    users = {uid for process in container.family() for uid in process.uids()}
    _demand(users == {container.image.someone.uid} and 0 not in users, f"users are {sorted(users)}")
    return f"{len(container.family())} processes of user {container.image.someone.uid}"


def _check_bytecode(image: Image) -> str:
    packages = list(image.place.glob("opt/*/lib/python3*/site-packages/ovh_api_mcp"))
    _demand(len(packages) == 1, f"the package is installed {len(packages)} times")
    sources = list(packages[0].rglob("*.py"))
    bare = [
        source.name
        for source in sources
        if not list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"))
    ]
    _demand(bool(sources) and not bare, f"without bytecode: {bare}")
    return f"{len(sources)} modules"


def _check_refusal(container: _Container) -> str:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for headers in ({}, {"Authorization": "Bearer another"}):
        with httpx2.Client(trust_env=False, timeout=_CALL_TIMEOUT_S) as http:
            answer = http.post(container.url, json=ping, headers=headers)
        _demand(answer.status_code == 401, f"status {answer.status_code}")
        _demand(_TOKEN not in answer.text, "the answer holds the token")
    return "401"


async def _call_api(container: _Container) -> str:
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    with anyio.fail_after(_CALL_TIMEOUT_S):
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=_CALL_TIMEOUT_S) as http,
            Client(streamable_http_client(container.url, http_client=http)) as client,
        ):
            revision = client.protocol_version
            result = await client.call_tool("execute", {"code": _SCRIPT})
    content = result.content[0]
    text = content.text if isinstance(content, mcp_types.TextContent) else ""
    _demand(not result.is_error and "example.com" in json.loads(text), f"the result is {text}")
    return f"MCP {revision}: {text}"


def _check_end(container: _Container) -> str:
    family = container.family()
    container.process.send_signal(signal.SIGTERM)
    status = container.process.wait(_END_TIMEOUT_S)
    _demand(status == 0, f"ended with status {status}")
    _, left = psutil.wait_procs(family, timeout=_END_TIMEOUT_S)
    _demand(not left, f"still there: {left}")
    return "status 0"


def _demand(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise TrialError(otherwise)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
