"""An image as directories below a temporary root, built by running a stage's instructions.

Invariant: the stage at work always lies at `root/image`, and a finished one is moved aside, so that
the paths that files hold (an environment's scripts, say) are as right or wrong as in a real image.
What COPY takes from another stage stays this process's: where that is root, the program that runs
later cannot change its own files, as in the container.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Final, Literal

from tests.container.dockerfile import DockerfileError, Instruction, Stage
from tests.container.someone import Someone

Result = Literal["ok", "left out", "noted", "failed"]

# The directories of the image that its file writes to; other absolute paths mean the machine's.
_MOVED: Final = ("/opt", "/build", "/var/cache", "/var/lib/ovh-api-mcp", "/home")
_MOVED_PATH: Final = re.compile(rf"(?<![\w.$}}/-])(?:{'|'.join(_MOVED)})(?![\w-])")
_NEEDS_ROOT: Final = {"useradd": "makes the image's user", "chown": "gives files to another user"}
_BASE_IMAGE: Final = "changes the base image, for which this machine's Python stands"
_RUN_TIMEOUT_S: Final = 80.0
# How this machine reaches a package index; nothing else of its environment gets in.
_NETWORK: Final = re.compile(
    r"(?:(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|PIP_\w+)", re.I
)


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one step."""

    result: Result
    name: str
    took_s: float = 0.0
    detail: str = ""


@dataclass
class Image:
    """The stage at work: where it lies, and the settings that its instructions have made so far."""

    root: Path
    someone: Someone
    python: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: Path = Path()

    def __post_init__(self) -> None:
        (self.root / "base" / "bin").mkdir(parents=True)
        for name in ("python", "python3"):
            # No link: an environment made through one looks for its standard library beside the link.
            command = self.root / "base" / "bin" / name
            command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(self.python))} "$@"\n')
            command.chmod(0o755)
        for name in ("home", "tmp"):
            (self.root / name).mkdir()
            self.someone.own(self.root / name)

    @property
    def place(self) -> Path:
        return self.root / "image"

    @property
    def output(self) -> Path:
        return self.root / "output.log"

    def begin(self) -> None:
        """Begin a stage with the directories that every base image has."""
        for name in _MOVED:
            (self.place / name[1:]).mkdir(parents=True)
        self.someone.own(self.place)
        self.workdir = self.place
        self.env = {
            "PATH": f"{self.root}/base/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
        }

    def finish(self, stage: Stage) -> None:
        """Move a stage aside, to where `COPY --from` finds it."""
        (self.root / "stages").mkdir(exist_ok=True)
        self.place.rename(self.root / "stages" / stage.name)

    def moved(self, text: str) -> str:
        """Return `text` with the image's own absolute paths as they are below the root."""
        return _MOVED_PATH.sub(lambda path: f"{self.place}{path[0]}", text)

    def step(self, instruction: Instruction) -> list[StepReport]:
        """Do what one instruction says."""
        begun = time.monotonic()
        act = _ACTS.get(instruction.keyword, _note)
        reports = act(self, instruction)
        took_s = time.monotonic() - begun
        return [replace(each, took_s=took_s) if each.result in ("ok", "failed") else each for each in reports]


def _note(_: Image, instruction: Instruction) -> list[StepReport]:
    """Say what changes no file: the trial reads it, or an engine does."""
    return [StepReport("noted", str(instruction))]


def _run(image: Image, instruction: Instruction) -> list[StepReport]:
    reports, kept = [], []
    for part in _parts_of(instruction.text):
        reason = _why_left_out(part)
        if reason:
            reports.append(StepReport("left out", f"RUN {part}", detail=reason))
        else:
            kept.append(part)
    if kept:
        command = " && ".join(kept)
        status = image.someone.run(
            ("/bin/sh", "-c", image.moved(command)),
            env=_network_environment() | image.env,
            cwd=image.workdir,
            output=image.output,
            timeout_s=_RUN_TIMEOUT_S,
        )
        failed = StepReport("failed", f"RUN {command}", detail=f"ended with status {status}")
        reports.append(StepReport("ok", f"RUN {command}") if status == 0 else failed)
    return reports


def _parts_of(text: str) -> list[str]:
    """Return the commands that && joins, quotes and all."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars="&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return [" ".join(part.split("\0")) for part in "\0".join(lexer).split("\0&&\0")]


def _why_left_out(part: str) -> str:
    words = part.split()
    if words[0] in _NEEDS_ROOT:
        return f"needs root: {_NEEDS_ROOT[words[0]]}"
    return _BASE_IMAGE if any(word.startswith("/usr/") for word in words) else ""


def _copy(image: Image, instruction: Instruction) -> list[StepReport]:
    *sources, target = instruction.text.split()
    stage = instruction.flag("from")
    if [name for name, _ in instruction.flags if name != "from"]:
        raise DockerfileError(f"line {instruction.line}: of COPY's flags only --from is known here")
    origin = image.root / ("context" if stage is None else f"stages/{stage}")
    into = image.workdir / image.moved(target)
    for pattern in sources:
        found = sorted(origin.glob(pattern.lstrip("/")))
        if not found:
            return [StepReport("failed", str(instruction), detail=f"{pattern} is not in {origin.name}")]
        for source in found:
            _copy_one(source, into, is_directory=target.endswith("/"))
    if stage is None:
        image.someone.own(into)
    return [StepReport("ok", str(instruction))]


def _copy_one(source: Path, into: Path, *, is_directory: bool) -> None:
    if source.is_dir():  # COPY takes what is in it, not itself
        shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True)
        return
    target = into / source.name if is_directory or into.is_dir() else into
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _set_env(image: Image, instruction: Instruction) -> list[StepReport]:
    before = dict(image.env)  # within one ENV, $NAME is the value before it
    for name, value in instruction.assignments():
        image.env[name] = Template(image.moved(value)).substitute(before)
    return [StepReport("ok", str(instruction))]


def _set_workdir(image: Image, instruction: Instruction) -> list[StepReport]:
    moved = image.moved(instruction.text)
    if moved == instruction.text and instruction.text.startswith("/"):
        raise DockerfileError(f"line {instruction.line}: {moved} is not below {', '.join(_MOVED)}")
    image.workdir = image.workdir / moved
    if not image.workdir.is_dir():
        image.workdir.mkdir(parents=True)
        image.someone.own(image.workdir)
    return [StepReport("ok", str(instruction))]


def _set_user(image: Image, instruction: Instruction) -> list[StepReport]:
    detail = f"user {image.someone.uid} stands for it, here and in every step before"
    return [StepReport("left out", str(instruction), detail=detail)]


_ACTS: Final[Mapping[str, Callable[[Image, Instruction], list[StepReport]]]] = {
    "RUN": _run,
    "COPY": _copy,
    "ENV": _set_env,
    "WORKDIR": _set_workdir,
    "USER": _set_user,
}


def _network_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _NETWORK.fullmatch(name)}
