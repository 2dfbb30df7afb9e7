"""`build-catalog` as the server starts it: a process with the real transport, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.limits import MIB, SCHEMA_BYTES
from tests.catalog.schema_site import Answer, SchemaSite

COMMAND = (sys.executable, "-m", "ovh_api_mcp.cli.build_catalog")
ENVIRONMENT = {"PATH": os.environ["PATH"]}
PATIENCE_S = 30


def start(site: SchemaSite, out: Path, *more: str) -> subprocess.Popen[bytes]:
    arguments = [*COMMAND, "--endpoint-root", site.root, "--out", str(out), *more]
    return subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def finish(process: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, object]]]:
    """Wait for the end with stdin open, as a living server leaves it."""
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdin is not None
    with process:
        lines = [json.loads(line) for line in process.stdout]
        complaints = process.stderr.read().decode()
        process.stdin.close()
        status = process.wait(PATIENCE_S)
    assert complaints == "", "stderr is the server's log"
    return status, lines


def test_it_builds_the_file_and_tells_how_far_it_is(site: SchemaSite, tmp_path: Path) -> None:
    out = tmp_path / "x.catalog"
    status, lines = finish(start(site, out))
    assert status == 0
    assert lines[0] == {"done": 0, "total": 0, "step": "reading the index"}
    assert lines[-1] == {"done": 4, "total": 4, "step": "writing the catalogue"}
    file = CatalogFile.open(out)
    file.verify()
    assert file.info.failed == {}
    file.close()


def test_the_real_transport_meets_a_host_that_misbehaves(site: SchemaSite, tmp_path: Path) -> None:
    out = tmp_path / "x.catalog"
    good = site.answers["/v2/pot.json"][0]
    site.put("/v2/pot.json", Answer(status=500), Answer(good.body, declared=len(good.body) + 9), good)
    site.put("/v1/pot.json", Answer(b" " * (SCHEMA_BYTES + 18 * MIB)))
    site.put("/v1/shed/door.json", Answer(status=302, location=f"{site.root}/v1/shed/roof.json"))
    status, _ = finish(start(site, out))
    assert status == 0
    file = CatalogFile.open(out)
    failed, count = file.info.failed, file.info.service_count
    file.close()
    assert set(failed) == {"v1/pot", "v1/shed/door"}
    assert "bytes" in failed["v1/pot"]
    assert "redirect" in failed["v1/shed/door"]
    assert count == 2
    assert site.requests["/v2/pot.json"] == 3


def test_what_fails_is_told_as_its_last_line(site: SchemaSite, tmp_path: Path) -> None:
    status, lines = finish(start(site, tmp_path / "x.catalog", "--services", "pots"))
    assert status == 1
    assert lines[-1]["code"] == "service-unknown"


@pytest.mark.parametrize(
    "stop",
    [
        lambda process: process.stdin.close(),
        lambda process: process.send_signal(signal.SIGTERM),
    ],
    ids=["its server is gone", "it is asked to"],
)
def test_it_ends_and_leaves_nothing_when(
    site: SchemaSite, tmp_path: Path, stop: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    site.put("/v1/pot.json", Answer(hangs=True))
    with start(site, tmp_path / "x.catalog") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["done"] == 3:
                break
        stop(process)
        assert process.wait(PATIENCE_S) == 1
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_killed_while_it_writes_leaves_the_old_file_or_a_whole_new_one(
    site: SchemaSite, tmp_path: Path
) -> None:
    out = tmp_path / "x.catalog"
    assert finish(start(site, out))[0] == 0
    with start(site, out) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["step"] == "writing the catalogue":
                break
        process.kill()
    file = CatalogFile.open(out)
    file.verify()
    file.close()


def test_a_bug_is_an_event_on_stderr_like_those_of_the_server(tmp_path: Path) -> None:
    planted = "from ovh_api_mcp.catalog import build; build.build_catalog = None"
    start = "from ovh_api_mcp.cli.build_catalog import build_catalog; build_catalog.main()"
    done = subprocess.run(
        [sys.executable, "-c", f"{planted}; {start}", "--endpoint-root", "x", "--out", str(tmp_path / "x")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    first, *traceback = done.stderr.decode().splitlines()
    assert first.startswith("time=")
    assert first.endswith("event=bug in=builder")
    assert traceback[-1].startswith("TypeError")


def test_the_command_of_the_program_is_the_same(site: SchemaSite, tmp_path: Path) -> None:
    out = tmp_path / "x.catalog"
    arguments = [sys.executable, "-m", "ovh_api_mcp", "build-catalog"]
    done = subprocess.run(
        [*arguments, "--endpoint-root", site.root, "--out", str(out)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.exists()


def test_it_does_without_the_mcp_sdk() -> None:
    code = "import sys, ovh_api_mcp.cli.build_catalog; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE_S).returncode == 0
