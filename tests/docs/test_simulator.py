"""The Python of docs/simulator.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ovh_api_mcp.simulator.control import ControlApi
from ovh_api_mcp.simulator.testing import running_simulator
from tests.simulator.conftest import Caller

_TEXT = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)
_STATES = re.findall(r"^```json\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_blocks_to_run() -> None:
    assert len(_BLOCKS) == 2


@pytest.mark.parametrize("block", _BLOCKS)
def test_a_block_runs(block: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.anyio
async def test_the_table_and_the_example_hold_all_that_the_simulator_can_be_told() -> None:
    with running_simulator() as ovh:
        ControlApi(ovh)
        answer = await Caller(ovh).send("GET", "/_simulator", signed=False)
    known = {f"{method} {what}" for what, methods in answer.json().items() for method in methods}
    rows = "".join(line for line in _TEXT.splitlines(keepends=True) if line.startswith("| `"))
    assert set(re.findall(r"`((?:GET|PUT|POST|DELETE) [^`]+)`", rows)) == known
    told = re.findall(r'tell\(ovh\.url, "(\w+)", "([a-z]+)(/\d+)?"', _BLOCKS[1])
    of_one = {"faults": "/{number}", "keys": "/{credentialId}"}
    assert {f"{method} {what}{of_one[what] if one else ''}" for method, what, one in told} == known


@pytest.mark.anyio
async def test_the_account_of_the_example_has_all_that_the_example_says(tmp_path: Path) -> None:
    [state] = _STATES
    seed = tmp_path / "account.json"
    seed.write_text(state)
    with running_simulator(seed=seed) as ovh:
        caller = Caller(ovh)
        shop = "/v1/vps/vps-1.example.net"
        assert await caller.get("/v1/vps") == ["vps-1.example.net", "vps-2.example.net"]
        assert (await caller.send("GET", shop)).json()["displayName"] == "shop"
        assert (await caller.send("GET", "/v1/me")).json()["firstname"] == "Ada"
        assert await caller.get(f"{shop}/tasks") == [7]
        seen = [(await caller.send("GET", f"{shop}/tasks/7")).json()["state"] for _ in range(3)]
        assert seen == ["doing", "done", "done"]


def test_the_fixture_of_the_plugin_is_new_for_each_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["ovh_api_mcp.simulator.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_one(ovh_simulator):\n"
        '    ovh_simulator.faults.add("GET", "/v1/me", status=500)\n'
        "    ovh_simulator.missing_actions.add('x')\n"
        "def test_two(ovh_simulator):\n"
        "    assert ovh_simulator.faults.all() == []\n"
        "    assert ovh_simulator.missing_actions == set()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
