"""`ovh-api-mcp demo`: the main job from end to end, on this machine alone.

A simulated API is started here, the real server beside it as a desktop client would start it, over
stdio; the official SDK's client asks, and what went over both wires is shown. It needs no network
and no keys, and neither reads nor leaves anything in the user's files.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import click
import mcp_types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator

_TIMEOUT_S: Final = 60.0
_SHOWN_LINES: Final = 14
_NEXT: Final = (
    ("practise without an account", "ovh-api-mcp --endpoint simulator"),
    ("look at the real API", "ovh-api-mcp search '(spec) => Object.keys(spec.paths).length'"),
    ("log in to your account", "ovh-api-mcp login --read-only"),
    ("see that all is well", "ovh-api-mcp doctor"),
    ("let a client start it", "ovh-api-mcp --transport stdio"),
)


@dataclass(frozen=True, slots=True)
class _Scene:
    """A script that a model might write, what is shown of its result, and whether that is as it should be."""

    title: str
    tool: str
    code: str
    is_right: Callable[[JsonValue], bool]


def _finds_zones(result: JsonValue) -> bool:
    return isinstance(result, list) and {"method": "GET", "path": "/v1/domain/zone"}.items() <= {
        (key, value)
        for found in result
        if isinstance(found, dict) and found.get("path") == "/v1/domain/zone"
        for key, value in found.items()
        if isinstance(value, str)
    }


def _holds_example_zone(result: JsonValue) -> bool:
    return isinstance(result, list) and "example.com" in result


def _are_records(result: JsonValue) -> bool:
    return (
        isinstance(result, list)
        and bool(result)
        and all(isinstance(record, dict) and record.get("zone") == "example.com" for record in result)
    )


_SCENES: Final = (
    _Scene(
        "Which operations are about DNS zones?",
        "search",
        """(spec) => {
  const found = [];
  for (const [path, methods] of Object.entries(spec.paths))
    if (path.includes("/domain/zone"))
      for (const [method, op] of Object.entries(methods))
        found.push({ method: method.toUpperCase(), path, summary: op.summary });
  return found;
}""",
        _finds_zones,
    ),
    _Scene(
        "Which zones are there?",
        "execute",
        """async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })""",
        _holds_example_zone,
    ),
    _Scene(
        "What are the first ten records of example.com?",
        "execute",
        """async () => {
  const ids = await ovh.request({ method: "GET", path: "/v1/domain/zone/example.com/record" });
  const records = [];
  for (const id of ids.slice(0, 10))
    records.push(await ovh.request({ method: "GET", path: `/v1/domain/zone/example.com/record/${id}` }));
  return records;
}""",
        _are_records,
    ),
)


@click.command("demo")
@click.pass_context
def demo(context: click.Context, /) -> None:
    """Show the whole way of a call, from an MCP client to the API and back, on a simulated API.

    Needs no network, no keys and no account, and takes a few seconds.
    """
    failed = anyio.run(_Demo(Terminal(sys.stdout)).run)
    context.exit(1 if failed else 0)


class _Demo:
    """Tells the story on a terminal and counts what was not as it should be."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._wire: list[RecordedRequest] = []
        self._failures = 0

    async def run(self) -> int:
        """Play every scene; return how many failed."""
        say, strong = self._terminal.line, self._terminal.strong
        say(strong("ovh-api-mcp demo: a language model's call, from the MCP client to the API and back"))
        simulator = await Simulator.start(on_request=self._wire.append)
        try:
            say(f"\nA simulated OVHcloud API listens on {simulator.url}; nothing leaves this machine.")
            with (
                anyio.fail_after(_TIMEOUT_S),
                tempfile.TemporaryDirectory(prefix="ovh-api-mcp-demo-") as empty,
            ):
                await self._play(_server_command(simulator, Path(empty)))
        finally:
            await simulator.aclose()
        self._say_what_next()
        return self._failures

    async def _play(self, server: StdioServerParameters) -> None:
        terminal = self._terminal
        started = time.monotonic()
        async with Client(stdio_client(server), read_timeout_seconds=_TIMEOUT_S) as client:
            terminal.line(f"$ {Path(server.command).name} {' '.join(server.args)}")
            terminal.line(
                f"The server, started over stdio, answered after {time.monotonic() - started:.2f} s"
                f" and speaks MCP {client.protocol_version}."
            )
            await self._list_tools(client)
            for number, scene in enumerate(_SCENES, 1):
                await self._play_scene(client, number, scene)
        self._check_wire()

    async def _list_tools(self, client: Client) -> None:
        tools = (await client.list_tools()).tools
        self._terminal.line(f"\n{self._terminal.strong('tools/list')}")
        for tool in tools:
            kind = (
                "reads only" if tool.annotations and tool.annotations.read_only_hint else "may change things"
            )
            self._terminal.line(f"  {tool.name:<9} {tool.title} ({kind})")
        self._expect([tool.name for tool in tools] == ["search", "execute"], "two tools, search and execute")

    async def _play_scene(self, client: Client, number: int, scene: _Scene) -> None:
        terminal = self._terminal
        terminal.line(f"\n{terminal.strong(f'{number}. {scene.title}')}  {terminal.faint(scene.tool)}")
        for line in scene.code.splitlines():
            terminal.line(terminal.coloured(f"   | {line}", "cyan"))
        seen, started = len(self._wire), time.monotonic()
        answer = await client.call_tool(scene.tool, {"code": scene.code})
        took_s = time.monotonic() - started
        terminal.line(f"  MCP   tools/call {scene.tool:<32} {took_s * 1000:6.0f} ms")
        self._show_wire(self._wire[seen:])
        self._show_answer(scene, answer)

    def _show_wire(self, requests: list[RecordedRequest]) -> None:
        schemas = [request for request in requests if _is_schema(request)]
        if schemas:
            self._terminal.line(f"  HTTP  {len(schemas)} schemas read to build the catalogue, unsigned")
        for request in requests:
            if not _is_schema(request):
                self._terminal.line(
                    f"  HTTP  {request.method:<4} {request.target:<44} {request.status}"
                    f"  {'signed' if _is_signed(request) else 'unsigned':<8}"
                    f" {request.duration_s * 1000:6.1f} ms"
                )

    def _show_answer(self, scene: _Scene, answer: mcp_types.CallToolResult) -> None:
        text = "".join(part.text for part in answer.content[:1] if isinstance(part, mcp_types.TextContent))
        lines = self._terminal.json(text).splitlines()
        for line in lines[:_SHOWN_LINES]:
            self._terminal.line(f"   {line}")
        if len(lines) > _SHOWN_LINES:
            self._terminal.line(self._terminal.faint(f"   … {len(lines) - _SHOWN_LINES} more lines"))
        is_right = not answer.is_error and scene.is_right(_parsed(text))
        self._expect(is_right, "the answer is right")

    def _check_wire(self) -> None:
        self._terminal.line()
        calls = [request for request in self._wire if "/domain/zone" in request.raw_path]
        self._expect(
            bool(calls) and all(_is_signed(request) and request.status == 200 for request in calls),
            f"{len(calls)} calls reached the API, each signed with keys that no script has seen",
        )

    def _say_what_next(self) -> None:
        say, strong = self._terminal.line, self._terminal.strong
        if self._failures:
            say(
                self._terminal.coloured(
                    "\nNot everything is as it should be: please report the above.", "red"
                )
            )
            return
        say(f"\n{strong('What next')}")
        for aim, how in _NEXT:
            say(f"  {aim:<29} {how}")

    def _expect(self, is_so: bool, what: str) -> None:  # noqa: FBT001  # reads as expect(x is so, "…")
        self._failures += not is_so
        mark = self._terminal.coloured("✓", "green") if is_so else self._terminal.coloured("✗ not so:", "red")
        self._terminal.line(f"  {mark} {what}")


def _server_command(simulator: Simulator, empty: Path) -> StdioServerParameters:
    """Return the command that starts the server where no file of the user's has a say."""
    account = simulator.account
    return StdioServerParameters(
        command=sys.executable,
        args=[
            *("-P", "-m", "ovh_api_mcp", "--transport", "stdio"),
            *("--endpoint", simulator.url, "--no-cache", "--log-level", "error"),
        ],
        env={
            "HOME": str(empty),
            "OVH_APPLICATION_KEY": account.application_key,
            "OVH_APPLICATION_SECRET": account.application_secret,
            "OVH_CONSUMER_KEY": account.consumer_key,
        },
        cwd=empty,
    )


def _is_schema(request: RecordedRequest) -> bool:
    return request.raw_path.endswith(".json") or request.raw_path in ("/v1/", "/v2/")


def _is_signed(request: RecordedRequest) -> bool:
    return "x-ovh-signature" in request.headers


def _parsed(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return None
    return value
