"""npm's TypeScript clients hold a whole conversation with the server, in every revision they speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.interop.npm import run_node
from tests.interop.report import AskedSeen, FailureSeen, Report, ToolSeen
from tests.interop.served import COMMAND, environment

pytestmark = pytest.mark.usefixtures("node_modules")

_TIMEOUT_S = 45.0
_OVER_STDIO = (*COMMAND[1:], "--transport", "stdio")


@dataclass(frozen=True, slots=True)
class Speaker:
    """A client, how it is asked to negotiate, and the revision it should end up with."""

    script: str
    arguments: tuple[str, ...]
    revision: str


every_speaker = pytest.mark.parametrize(
    "speaker",
    [
        pytest.param(Speaker("client_v1.mjs", (), "2025-11-25"), id="v1"),
        pytest.param(Speaker("client_v2.mjs", ("legacy",), "2025-11-25"), id="v2-legacy"),
        pytest.param(Speaker("client_v2.mjs", ("auto",), "2026-07-28"), id="v2-auto"),
        pytest.param(Speaker("client_v2.mjs", ("2026-07-28",), "2026-07-28"), id="v2-modern"),
    ],
)


@every_speaker
def test_a_client_that_starts_the_server_itself_is_understood(speaker: Speaker, tmp_path: Path) -> None:
    target = {
        "command": sys.executable,
        "args": _OVER_STDIO,
        "env": environment(tmp_path),
        "cwd": str(tmp_path),
    }
    report = msgspec.json.decode(_speak(speaker, target, tmp_path), type=Report)
    _assert_all_was_said(report, speaker)
    assert report.pid
    _, left = psutil.wait_procs(_running(report.pid), timeout=_TIMEOUT_S)
    assert left == []


@every_speaker
def test_a_client_over_http_is_understood(speaker: Speaker, open_url: str, tmp_path: Path) -> None:
    report = msgspec.json.decode(_speak(speaker, {"url": open_url}, tmp_path), type=Report)
    _assert_all_was_said(report, speaker)


@every_speaker
def test_a_client_that_sends_the_token_is_understood(
    speaker: Speaker, guarded_url: str, token: str, tmp_path: Path
) -> None:
    target = {"url": guarded_url, "token": token}
    report = msgspec.json.decode(_speak(speaker, target, tmp_path), type=Report)
    _assert_all_was_said(report, speaker)


@every_speaker
def test_a_client_without_the_token_is_told_so_and_goes_looking_for_no_login(
    speaker: Speaker, guarded_url: str, tmp_path: Path
) -> None:
    target = {"url": guarded_url, "isStranger": True}
    failure = msgspec.json.decode(_speak(speaker, target, tmp_path), type=FailureSeen)
    assert "401" in f"{failure.code} {failure.message}" or "asks for its token" in failure.message


@pytest.mark.promise("access.asked")
@every_speaker
@pytest.mark.parametrize(("answer", "value"), [("once", ["made", 1]), ("no", ["person", 0])])
def test_a_person_behind_a_client_is_asked(
    speaker: Speaker, answer: str, value: list[object], tmp_path: Path
) -> None:
    target = {
        "command": sys.executable,
        "args": (*_OVER_STDIO, "--access", "confirm", "--ask", "write"),
        "env": environment(tmp_path),
        "cwd": str(tmp_path),
        "answer": answer,
    }
    seen = msgspec.json.decode(_speak(speaker, target, tmp_path), type=AskedSeen)
    [shown] = seen.asked
    assert "POST /v1/domain/zone/example.com/record" in shown
    assert not seen.execute.is_error, seen.execute.text
    assert json.loads(seen.execute.text) == value


def _speak(speaker: Speaker, target: Mapping[str, object], home: Path) -> str:
    done = run_node(speaker.script, *speaker.arguments, json.dumps(target), home=home, timeout_s=_TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _assert_all_was_said(report: Report, speaker: Speaker) -> None:
    assert report.revision == speaker.revision
    assert report.server == "ovh-api-mcp"
    assert "search" in report.instructions
    assert report.tools == (
        ToolSeen("search", ("code",), is_read_only=True),
        ToolSeen("execute", ("code",), is_read_only=False),
    )

    assert not report.search.is_error, report.search.text
    found = {(each["method"], each["path"]) for each in json.loads(report.search.text)}
    assert {("GET", "/v1/domain/zone"), ("GET", "/v1/domain/zone/{zoneName}/record")} <= found
    assert not report.execute.is_error, report.execute.text
    assert "example.com" in json.loads(report.execute.text)

    assert report.refused.is_error
    assert "There is no operation GET /v1/no/such/thing" in report.refused.text
    assert "-32602" in f"{report.unknown_tool.code} {report.unknown_tool.message}"
    assert "timed out" in report.given_up.message
    assert (report.afterwards.is_error, report.afterwards.text) == (False, '"still there"')


def _running(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []
