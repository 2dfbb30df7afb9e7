"""`ovh-api-mcp login` as people run it: a process of its own, on a terminal or without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WAIT_S = 60.0
_LINK = re.compile(r"http://\S+credentialToken=[\w-]+")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ovh_api_mcp", *arguments]


def variables(home: Path, **more: str) -> dict[str, str]:
    """Return all that the program may see of the environment."""
    return {
        "HOME": str(home),
        "OVH_CACHE_DIR": str(home / "cache"),
        "PATH": os.defpath,
        "PYTHONFAULTHANDLER": "1",
        **more,
    }


def visit(link: str) -> str:
    """Accept a key as its owner does in a browser."""
    with urllib.request.urlopen(link, timeout=WAIT_S) as page:
        text: str = page.read().decode()
    return text


@dataclass
class Run:
    """What a run has said so far, in order, and how it ended."""

    process: subprocess.Popen[bytes]
    _text: list[str] = field(default_factory=list)
    _grown: threading.Condition = field(default_factory=threading.Condition)

    @property
    def text(self) -> str:
        return "".join(self._text)

    def wait_for(self, pattern: str) -> str:
        """Return what first matches `pattern`."""
        expression = re.compile(pattern)
        deadline_s = time.monotonic() + WAIT_S
        with self._grown:
            while (found := expression.search(self.text)) is None:
                assert self._grown.wait(deadline_s - time.monotonic()), self.text
                assert self.process.poll() is None or expression.search(self.text), self.text
        return found[0]

    def link(self) -> str:
        """Return the link to validate a key, once it was shown."""
        return self.wait_for(rf"{_LINK.pattern}(?=\s)")

    def end(self) -> int:
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it says where it stands, and ends
            self.process.wait(WAIT_S)
            raise AssertionError(self.text) from None

    def read_all(self, descriptor: int) -> None:
        """Keep reading until the other side has gone."""
        while True:
            try:
                select.select([descriptor], [], [])
                piece = os.read(descriptor, 4096)
            except OSError:
                piece = b""
            with self._grown:
                self._text.append(piece.decode(errors="replace"))
                self._grown.notify_all()
            if not piece:
                return


@contextmanager
def piped(home: Path, *arguments: str, **more: str) -> Iterator[Run]:
    """Run the program without a terminal; both streams are in one."""
    process = subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=variables(home, **more),
    )
    assert process.stdout is not None
    with process, _read(process, process.stdout.fileno()) as run:
        yield run


@contextmanager
def on_terminal(home: Path, *arguments: str, **more: str) -> Iterator[tuple[Run, int]]:
    """Run the program on a terminal of its own; also yield where to type."""
    master, slave = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command(*arguments),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=home,
        env=variables(home, TERM="xterm", **more),
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(slave)
    try:
        with process, _read(process, master) as run:
            yield run, master
    finally:
        os.close(master)


@contextmanager
def _read(process: subprocess.Popen[bytes], descriptor: int) -> Iterator[Run]:
    run = Run(process)
    reader = threading.Thread(target=run.read_all, args=(descriptor,))
    reader.start()
    try:
        yield run
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT_S)
        reader.join(WAIT_S)
