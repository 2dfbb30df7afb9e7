"""The official conformance suite has nothing to say against the server but what needs fixtures of its own.

Its scenarios call tools, prompts and resources of a reference server, such as `test_image_content`.
The lists of those stand in the reference data; every other scenario must pass, and the suite's
verdict says so: it fails on a failure that is not listed and on a listed one that passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.npm import run_node

pytestmark = pytest.mark.usefixtures("node_modules")

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Suite:
    """A release of the suite, what it is asked to run, and scenarios that it must not leave out.

    `warned` are failures beyond the list: the first release counts advice (SHOULD) as failure.
    """

    package: str
    selection: tuple[str, ...]
    expected: str
    must_pass: frozenset[str]
    warned: tuple[str, ...] = ()


_BASICS = frozenset({"tools-list", "server-sse-multiple-streams", "dns-rebinding-protection"})
_HANDSHAKE = frozenset({"server-initialize", "ping"})
_SUITES = [
    pytest.param(
        Suite(
            "conformance",
            ("--suite", "all"),
            "conformance-2025-11-25.yml",
            _BASICS | _HANDSHAKE,
            # It wants events with ids, for a stream that is taken up again. This server keeps no
            # answers for clients that went away: a call that may have changed something is asked anew.
            warned=("server-sse-polling",),
        ),
        id="0.1.16",
    ),
    pytest.param(
        Suite(
            "conformance-next",
            ("--requirements", "2025-11-25"),
            "conformance-2025-11-25.yml",
            _BASICS | _HANDSHAKE | {"server-session-lifecycle"},
        ),
        id="2025-11-25",
    ),
    pytest.param(
        Suite(
            "conformance-next",
            ("--requirements", "2026-07-28"),
            "conformance-2026-07-28.yml",
            _BASICS | {"http-header-validation", "input-required-result-unsupported-methods"},
        ),
        id="2026-07-28",
    ),
]


@pytest.mark.parametrize("suite", _SUITES)
def test_the_suite_finds_the_server_conformant(
    suite: Suite, open_url: str, shared_dir: Path, tmp_path: Path
) -> None:
    expected = tmp_path / "expected-failures.yml"
    listed = (shared_dir / "mcp" / suite.expected).read_text().rstrip("\n")
    expected.write_text("\n".join([listed, *(f"  - {scenario}" for scenario in suite.warned), ""]))
    done = run_node(
        f"node_modules/{suite.package}/dist/index.js",
        *("server", "--url", open_url, *suite.selection),
        *("--expected-failures", str(expected), "-o", str(tmp_path / "results")),
        home=tmp_path,
        timeout_s=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Baseline check passed" in done.stdout
    assert suite.must_pass <= _passed(done.stdout)


def _passed(output: str) -> set[str]:
    """Return the scenarios with checks that passed and none that failed."""
    return set(re.findall(r"^✓ (\S+): [1-9]\d* passed, 0 failed$", output, re.MULTILINE))
