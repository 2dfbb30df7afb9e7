"""`search` and `execute` on the command line: for people at a terminal, and for pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ovh_api_mcp.limits import RESULT_TOKENS_MIN
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import lines_of
from tests.end_to_end.program import WAIT_S, run_once, says
from tests.end_to_end.readme import FIND_ZONE_OPERATIONS, LIST_ZONES
from tests.server.real_server import environment

_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run_at_terminal(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the program with a terminal for its input and output; return its status and all that it showed."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "ovh_api_mcp", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**env, "TERM": "xterm"},
            cwd=env["HOME"],
        )
    finally:
        os.close(theirs)
    shown, deadline_s = b"", time.monotonic() + WAIT_S
    try:
        while select.select([ours], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
            piece = os.read(ours, 65_536)
            if not piece:
                break
            shown += piece
    except OSError:
        pass  # Linux says so when the last process has closed its end
    finally:
        os.close(ours)
        process.kill() if time.monotonic() > deadline_s else None
    return process.wait(WAIT_S), shown.decode()


@pytest.mark.promise("cli.one-shot")
def test_the_result_of_a_script_is_printed_for_pipes(small_api: Simulator, home: Path) -> None:
    env = environment(small_api, home)
    done = run_once(home, "execute", LIST_ZONES, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0] == "example.com"
    assert lines_of(small_api) == ["GET /v1/domain/zone"]

    done = run_once(home, "search", "-", given=FIND_ZONE_OPERATIONS, **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert {each["path"].partition("/domain/zone")[0] for each in json.loads(done.stdout)} == {"/v1"}
    assert "\x1b" not in done.stdout


@pytest.mark.promise("cli.one-shot", "tools.errors")
@pytest.mark.parametrize(
    ("tool", "code", "words"),
    [
        ("execute", "async () => await ovh.get('/v1/nope')", "There is no operation GET /v1/nope"),
        ("execute", "async () => await ovh.get('/v1/domain/zone/nope.example')", "404"),
        ("search", "-", "SyntaxError"),
        ("search", "(spec) => { console.log('so far'); throw new Error('oh') }", "so far"),
    ],
)
def test_a_tool_error_is_told_on_stderr_and_is_status_1(
    small_api: Simulator, home: Path, tool: str, code: str, words: str
) -> None:
    done = run_once(home, tool, code, given="this is ] no script", **environment(small_api, home))
    assert (done.returncode, done.stdout) == (1, "")
    assert says(done.stderr, words)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.promise("cli.one-shot")
def test_a_terminal_gets_colours_and_a_bar_while_the_catalogue_is_built(
    small_api: Simulator, tmp_path: Path
) -> None:
    env = environment(small_api, tmp_path)
    small_api.latency_s = 0.05
    status, shown = run_at_terminal(env, "search", "() => ({ answer: 42n, list: [] })")
    assert status == 0
    assert "█" in shown
    assert "\x1b[36m" in shown
    plain = _ESCAPE.sub("", shown).replace("\r\n", "\n")
    assert plain.endswith('{\n  "answer": 42,\n  "list": []\n}\n')

    status, shown = run_at_terminal(env, "execute", "() => { throw new Error('oh') }")
    assert status == 1
    assert "\x1b[31mError: oh" in shown
    assert "█" not in shown  # the catalogue is there already

    status, shown = run_at_terminal({**env, "NO_COLOR": "1"}, "search", "() => ({ answer: 42 })")
    assert status == 0
    assert shown.rpartition("\x1b[K")[2] == '{\r\n  "answer": 42\r\n}\r\n'


@pytest.mark.promise("limits.code-size")
def test_code_beyond_the_limit_is_refused_however_it_comes(tmp_path: Path) -> None:
    long = "() => 1 //" + "x" * 100
    for code, given in ((long, ""), ("-", long)):
        done = run_once(
            tmp_path, "search", code, given=given, OVH_MAX_CODE_SIZE="100", OVH_ENDPOINT="simulator"
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert says(done.stderr, "at most 100", "--max-code-size")


@pytest.mark.promise("limits.result")
@pytest.mark.parametrize("tokens", [RESULT_TOKENS_MIN, 1_000])
def test_the_longest_result_can_be_chosen(small_api: Simulator, home: Path, tokens: int) -> None:
    env = environment(small_api, home, OVH_MAX_RESULT_TOKENS=str(tokens))
    done = run_once(home, "search", "() => Array(9999).fill('word')", **env)
    assert done.returncode == 0
    compact = json.dumps(json.loads(done.stdout), separators=(",", ":"), ensure_ascii=False)
    assert len(compact) + len(done.stderr.strip()) <= 4 * tokens
    assert "items not shown" in compact


@pytest.mark.promise("settings.endpoint")
def test_an_unknown_endpoint_is_an_error_that_lists_the_names(tmp_path: Path) -> None:
    done = run_once(tmp_path, OVH_ENDPOINT="mars")
    assert (done.returncode, done.stdout) == (2, "")
    names = ("eu", "ca", "us", "ovh-eu", "kimsufi-ca", "soyoustart-eu", "simulator", "root URL")
    assert says(done.stderr, "mars", *names)


@pytest.mark.promise("settings.url-endpoint")
def test_a_url_as_endpoint_comes_from_a_flag_or_the_environment_only(
    small_api: Simulator, home: Path, tmp_path: Path
) -> None:
    code, account = "async () => (await ovh.get('/v1/me')).nichandle", small_api.account
    keys = environment(small_api, home)
    url = keys.pop("OVH_ENDPOINT")
    done = run_once(home, "--endpoint", url, "execute", code, **keys)
    assert json.loads(done.stdout) == account.nichandle

    (tmp_path / "ovh.conf").write_text(f"[default]\nendpoint={url}\n")
    done = run_once(tmp_path, "execute", code, OVH_CACHE_DIR=keys["OVH_CACHE_DIR"])
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, "ovh.conf", "--endpoint or OVH_ENDPOINT")

    done = run_once(tmp_path, "--endpoint", "http://api.example.com", "search", "() => 1")
    assert done.returncode == 2
    assert says(done.stderr, "use https")


@pytest.mark.promise("simulator.endpoint")
def test_the_built_in_simulator_needs_no_credentials_and_takes_no_notice_of_others(tmp_path: Path) -> None:
    code = "async () => (await ovh.get('/v1/me')).nichandle"
    done = run_once(tmp_path, "execute", code, OVH_ENDPOINT="simulator", OVH_APPLICATION_KEY="half")
    assert (done.returncode, done.stdout, done.stderr) == (0, '"xx1111-ovh"\n', "")
