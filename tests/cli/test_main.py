"""The command line as people run it: as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ovh_api_mcp import __version__
from ovh_api_mcp.listener import bind_socket

_WAIT_S = 60.0


def run(home: Path, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program in an empty home and return what became of it."""
    return subprocess.run(
        [sys.executable, "-m", "ovh_api_mcp", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=_WAIT_S,
        cwd=home,
        env={"HOME": str(home), "OVH_CACHE_DIR": str(home / "cache"), **variables},
        check=False,
    )


def test_version_is_one_line(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout == f"ovh-api-mcp {__version__}\n"


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_import_nothing_slow(option: str) -> None:
    code = (
        "import sys; from ovh_api_mcp.cli.main import program\n"
        f"try: program.main([{option!r}])\n"
        "except SystemExit: pass\n"
        "print(sorted({'mcp', 'mcp_types', 'httpx2', 'uvicorn', 'sqlite3', 'msgspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "many"], "--port or PORT is 'many'"),
        (["--endpoint", "mars"], "kimsufi-ca"),
        (["--transport", "smoke"], "http, stdio"),
        (["--app-key", "k3y"], "--consumer-key or OVH_CONSUMER_KEY"),
        (["--host", "0.0.0.0"], "--allow-anonymous"),
        (["--host", "192.0.2.1", "--allow-anonymous"], "192.0.2.1"),
        (["serve", "--host", "::"], "OVH_MCP_TOKEN"),
        (["search", "() => 1", "--endpoint", "mars"], "simulator"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_error_and_status_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ovh-api-mcp: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert "k3y" not in done.stderr


def test_a_port_in_use_is_one_error_and_status_2(tmp_path: Path) -> None:
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        done = run(tmp_path, "--port", str(listener.getsockname()[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ovh-api-mcp: Port ")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("arguments", [["--nope"], ["nope"], ["search"], ["search", "a", "b"]])
def test_a_command_line_that_is_not_understood_is_status_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help" in done.stderr


def test_search_prints_laid_out_json_for_pipes(tmp_path: Path) -> None:
    code = '(spec) => ({ openapi: spec.openapi, big: 12345678901234567890n, text: "é" })'
    done = run(tmp_path, "--endpoint", "simulator", "search", code)
    assert done.returncode == 0
    assert done.stdout == '{\n  "openapi": "3.1.0",\n  "big": 12345678901234567890,\n  "text": "é"\n}\n'
    assert done.stderr == ""


def test_execute_reads_the_script_from_standard_input(tmp_path: Path) -> None:
    code = 'async () => { console.log("hello"); return await ovh.request({method: "GET", path: "/v1/me"}) }'
    done = run(tmp_path, "execute", "-", given=code, OVH_ENDPOINT="simulator")
    assert done.returncode == 0
    assert json.loads(done.stdout)["nichandle"] == "xx1111-ovh"
    assert "hello" in done.stderr


@pytest.mark.parametrize("code", ["() => {", "() => { throw new Error('oh') }", "", "\udcff"])
def test_a_tool_error_is_status_1_and_leaves_standard_output_empty(tmp_path: Path, code: str) -> None:
    done = run(tmp_path, "--endpoint", "simulator", "execute", code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_an_api_that_is_not_there_is_a_tool_error(tmp_path: Path) -> None:
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = run(tmp_path, "--endpoint", f"http://127.0.0.1:{port}", "search", "() => 1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no service of" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--help"], 0),
        (["demo"], 0),
        (["demo"], 5),  # by then the client runs, and with it its groups of tasks
        (["simulate", "--port", "0"], 0),
        (["search", "() => 1", "--endpoint", "simulator"], 0),
    ],
)
def test_a_reader_that_goes_away_ends_a_command_quietly(
    tmp_path: Path, arguments: list[str], lines: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ovh_api_mcp", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
        assert (process.wait(_WAIT_S), told) == (1, "")
