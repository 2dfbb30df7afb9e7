"""`ovh-api-mcp doctor`: what it says, where all walls stand and where one is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ovh_api_mcp.sandbox.walls import Wall
from tests.cli.test_main import run

_WAIT_S = 60.0
_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")


@pytest.fixture
def without_libseccomp(tmp_path: Path) -> str:
    """Return an import path on which the bindings find no libseccomp, as where none is installed."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "pyseccomp.py").write_text("raise RuntimeError('Unable to find libseccomp')\n")
    return str(folder)


def left_over(marker: Path) -> list[str]:
    """Return the processes whose command line names `marker`, as all of a run do that imports from it."""
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if any(str(marker) in argument for argument in process.info["cmdline"] or ())
    ]


@_LINUX
@pytest.mark.promise("cli.doctor")
def test_all_walls_stand_and_nothing_is_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    marker = tmp_path / "marker"
    marker.mkdir()
    before = set(Path("/tmp").glob("ovh-api-mcp-trial-*"))
    done = run(home, "doctor", "--sandbox", PYTHONPATH=str(marker))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["wall", "tried", "stopped", "by", "verdict"]
    assert {line.split()[0] for line in lines[1:] if line and line[0] != " "} >= {wall.value for wall in Wall}
    assert lines[-1] == f"{len(Wall)} of {len(Wall)} walls stand."
    assert list(home.iterdir()) == []
    assert left_over(marker) == []
    assert set(Path("/tmp").glob("ovh-api-mcp-trial-*")) <= before


@_LINUX
def test_its_json_has_every_finding_about_the_walls(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--json", "--endpoint", "simulator", "--port", "0")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["sandbox"]["ok"]) == (0, True, True)
    assert told["sandbox"]["script"] == "runs"
    assert {found["wall"] for found in told["sandbox"]["walls"]} == {wall.value for wall in Wall}
    verdicts = {found["verdict"] for found in told["sandbox"]["walls"]}
    assert verdicts <= ({"stands", "weak"} if os.getuid() == 0 else {"stands", "untried"})


@_LINUX
@pytest.mark.promise("cli.doctor")
def test_without_libseccomp_the_table_names_the_missing_wall_and_what_to_do(
    tmp_path: Path, without_libseccomp: str
) -> None:
    done = run(tmp_path, "doctor", "--sandbox", PYTHONPATH=without_libseccomp)
    assert (done.returncode, done.stderr) == (1, "")
    [row] = [line for line in done.stdout.splitlines() if line.startswith("syscall-filter")]
    assert "missing: RuntimeError: Unable to find libseccomp" in row
    *_, count, missing, advice = done.stdout.splitlines()
    assert count == f"{len(Wall) - 1} of {len(Wall)} walls stand."
    assert missing == "Missing: syscall-filter."
    assert "apt install libseccomp2" in advice


@_LINUX
def test_without_libseccomp_the_log_of_the_server_names_the_missing_wall_when_it_starts(
    tmp_path: Path, without_libseccomp: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ovh_api_mcp", "--endpoint", "simulator", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": without_libseccomp},
    ) as server:
        assert server.stderr is not None
        missing = next((line for line in server.stderr if "event=sandbox-wall-missing" in line), "")
        server.terminate()
        server.stderr.read()
        assert server.wait(_WAIT_S) == 0
    assert "level=warning" in missing
    assert "wall=syscall-filter" in missing
    assert "Unable to find libseccomp" in missing


def test_its_trial_is_stopped_when_the_program_is(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "ovh_api_mcp", "doctor", "--sandbox"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(marker)},
    ) as program:
        trial = first_child(program)
        children = [trial, *trial.children(recursive=True)]
        program.kill()
        program.wait(_WAIT_S)
        gone, alive = psutil.wait_procs(children, timeout=_WAIT_S)
    assert (len(gone), alive) == (len(children), [])


def first_child(program: subprocess.Popen[bytes]) -> psutil.Process:
    process = psutil.Process(program.pid)
    while program.poll() is None:
        if children := process.children():
            return children[0]
    raise AssertionError("the program ended without a trial")
