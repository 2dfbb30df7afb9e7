"""The real server as a process that serves its own simulator over HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

COMMAND: Final = (sys.executable, "-m", "ovh_api_mcp", "--endpoint", "simulator")
_START_TIMEOUT_S: Final = 30.0
_END_TIMEOUT_S: Final = 15.0


def environment(home: Path) -> dict[str, str]:
    """Return all that a server may see: a home of its own, with no files of the user's."""
    return {"HOME": str(home), "OVH_CACHE_DIR": str(home / "cache")}


@contextmanager
def serve_http(home: Path, *, token: str = "") -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 and yield the URL; afterwards the process has ended."""
    process = subprocess.Popen(
        [*COMMAND, "--transport", "http", "--port", "0"],
        env=environment(home) | ({"OVH_MCP_TOKEN": token} if token else {}),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            url = _wait_url(process, process.stderr)
            # A log that nobody reads would fill its pipe and stop the server.
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            yield url
            process.terminate()
            assert process.wait(_END_TIMEOUT_S) == 0
            drain.join(_END_TIMEOUT_S)
        finally:
            process.kill()


def _wait_url(process: subprocess.Popen[str], log: IO[str]) -> str:
    seen = []
    deadline = threading.Timer(_START_TIMEOUT_S, process.kill)
    deadline.start()
    try:
        for line in log:
            if listening := re.search(r"event=listening url=(\S+)", line):
                return listening[1]
            seen.append(line)
    finally:
        deadline.cancel()
    raise AssertionError(f"the server did not listen within {_START_TIMEOUT_S:.0f} s:\n{''.join(seen)}")
