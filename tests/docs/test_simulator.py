"""The Python of docs/simulator.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_TEXT = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_blocks_to_run() -> None:
    assert len(_BLOCKS) == 2


@pytest.mark.parametrize("block", _BLOCKS)
def test_a_block_runs(block: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


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
