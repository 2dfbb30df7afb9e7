"""The Python that stands for the base image's: 3.11 or newer, able to make environments, within reach.

The one that runs this may lie below a home that only its owner enters. Then another one of the
machine is taken, and where there is none, the files of this one are copied to where the user gets.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.container.someone import Someone

_PROBE: Final = "import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))"
_PLACES: Final = "/usr/local/bin:/usr/bin:/opt/homebrew/bin"
_NAMES: Final = ("python3.13", "python3.14", "python3.12", "python3.11", "python3")
_NOT_COPIED: Final = ("site-packages", "test", "__pycache__", "*.a", "idlelib", "tkinter")
_PROBE_TIMEOUT_S: Final = 20.0


class NoPythonError(Exception):
    """No Python is within the user's reach."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An executable, and why it was taken."""

    executable: Path
    reason: str


def find_interpreter(someone: Someone, root: Path) -> Interpreter:
    """Return the first Python that `someone` can run; `root` is where one is copied to, if it must be.

    Raises:
        NoPythonError: none was found and none could be copied.
    """
    output = root / "probe.log"
    for candidate in _candidates(root):
        command = (str(candidate.executable), "-I", "-c", _PROBE)
        try:
            if not someone.run(command, env={}, cwd=root, output=output, timeout_s=_PROBE_TIMEOUT_S):
                return candidate
        except OSError:  # it is not there, or the user may not go there
            continue
    raise NoPythonError(
        f"user {someone.uid} can run no Python >= 3.11 with venv and ensurepip of this machine;"
        " install one for all users, such as the packages python3 and python3-venv"
    )


def _candidates(root: Path) -> Iterator[Interpreter]:
    """Yield from the most to the least alike; the copy is made only when all others have failed."""
    present = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    yield Interpreter(present, "it runs this, and the user reaches it")
    for name in _NAMES:
        if found := shutil.which(name, path=_PLACES):
            yield Interpreter(Path(found).resolve(), f"{present} is out of the user's reach")
    yield Interpreter(_copy(present, root / "python"), f"a copy: {present} is out of the user's reach")


def _copy(executable: Path, prefix: Path) -> Path:
    """Copy an interpreter with its standard library; Python finds its prefix from where it lies."""
    library = Path(sys.base_prefix) / "lib"
    (prefix / "bin").mkdir(parents=True)
    shutil.copytree(
        library / executable.name,
        prefix / "lib" / executable.name,
        symlinks=True,
        ignore=shutil.ignore_patterns(*_NOT_COPIED),
    )
    for shared in library.glob("libpython*"):
        if ".so" in shared.name or shared.suffix == ".dylib":
            shutil.copy2(shared, prefix / "lib", follow_symlinks=False)
    copied = Path(shutil.copy2(executable, prefix / "bin"))
    copied.write_bytes(_looking_beside(copied.read_bytes(), library))
    return copied


def _looking_beside(program: bytes, library: Path) -> bytes:
    """Let a program that was linked against `library` look for it where it lies itself.

    Source: ld.so(8), $ORIGIN in an ELF file's search path. A text of the same length takes the
    place of the old one, so that nothing else moves; a program without that text stays as it is.
    """
    before, after = f"{library}\0".encode(), b"$ORIGIN/../lib\0"
    return program.replace(before, after.ljust(len(before), b"\0")) if len(after) <= len(before) else program
