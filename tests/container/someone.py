"""Who runs the steps: never root. As root this process becomes nobody for each command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_END_TIMEOUT_S: Final = 5.0
NOBODY: Final = 65534


@dataclass(frozen=True, slots=True)
class Someone:
    """A user without rights; `must_become` tells that this process is root and not yet that user."""

    uid: int
    gid: int
    must_become: bool

    @classmethod
    def present(cls) -> Someone:
        """Return this process's user, or nobody where that is root."""
        if os.geteuid() == 0:
            return cls(NOBODY, NOBODY, must_become=True)
        return cls(os.geteuid(), os.getegid(), must_become=False)

    def own(self, tree: Path) -> None:
        """Hand `tree` over to this user."""
        if self.must_become:
            for path in (tree, *tree.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def start(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: Path
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a process group of its own; what it prints is added to `output`."""
        with output.open("ab") as file:
            return subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                umask=0o022,
                user=self.uid if self.must_become else None,
                group=self.gid if self.must_become else None,
                extra_groups=[] if self.must_become else None,
            )

    @contextlib.contextmanager
    def running(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start `command`; afterwards it and all of its process group have ended."""
        process = self.start(command, env=env, cwd=cwd, output=output)
        try:
            yield process
        finally:
            _end(process)

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, output: Path, timeout_s: float
    ) -> int:
        """Run `command` to its end and return its status; -SIGKILL where it took too long."""
        with self.running(command, env=env, cwd=cwd, output=output) as process:
            try:
                return process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return -signal.SIGKILL


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, what descends from it and what is left of its group."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    with contextlib.suppress(ProcessLookupError, PermissionError):  # none is left; macOS: only a zombie
        os.killpg(process.pid, signal.SIGKILL)
    for descendant in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            descendant.kill()
    psutil.wait_procs(family, timeout=_END_TIMEOUT_S)
    process.wait()
