"""`ovh-api-mcp demo`: the main job, and what it must not depend on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_main import run


@pytest.mark.promise("cli.demo")
def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    done = run(tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "tools/list" in done.stdout
    assert done.stdout.count("✓ the answer is right") == 3
    assert re.search(r"GET  /v1/domain/zone +200  signed +\d+\.\d ms", done.stdout)
    assert "12 calls reached the API, each signed" in done.stdout
    _, _, after = done.stdout.partition("What next")
    assert "ovh-api-mcp login --read-only" in after
    assert "\x1b" not in done.stdout


def test_the_demo_heeds_and_leaves_nothing_of_the_user(tmp_path: Path) -> None:
    conf = tmp_path / ".ovh.conf"
    conf.write_text("[default]\nendpoint=mars\n")
    done = run(tmp_path, "demo", OVH_ENDPOINT="mars", OVH_CLIENT_ID="half", OVH_TRANSPORT="http")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".ovh.conf"]
