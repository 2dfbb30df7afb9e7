"""The Dockerfile as stages of instructions: as much of its language as this project's file speaks.

Source: Dockerfile reference, docs.docker.com/reference/dockerfile. What is not known here is an
error, so that a rehearsal never passes over a step in silence.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Final

KNOWN: Final = frozenset(  # beside FROM
    ("RUN", "COPY", "ENV", "WORKDIR", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD", "LABEL", "EXPOSE", "VOLUME")
)
_FLAG: Final = re.compile(r"--([a-z-]+)(?:=(\S*))?\s+")
_SHELL: Final = ("/bin/sh", "-c")


class DockerfileError(Exception):
    """The Dockerfile says something that is not known here."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its flags, the rest of its text on one line, and the line where it begins."""

    keyword: str
    text: str
    line: int
    flags: tuple[tuple[str, str], ...] = ()

    def flag(self, name: str) -> str | None:
        """Return what `--name=` was given, None without it."""
        return dict(self.flags).get(name)

    def command(self) -> tuple[str, ...]:
        """Return the arguments of the exec form, or the shell form as the shell's arguments."""
        if not self.text.startswith("["):
            return (*_SHELL, self.text)
        words = json.loads(self.text)
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            raise DockerfileError(f"line {self.line}: {self.text} is no list of texts")
        return tuple(words)

    def assignments(self) -> tuple[tuple[str, str], ...]:
        """Return names and values of ENV or LABEL, quotes taken away."""
        pairs = [word.partition("=") for word in shlex.split(self.text)]
        if not all(separator for _, separator, _ in pairs):
            raise DockerfileError(f"line {self.line}: {self.keyword} wants NAME=VALUE")
        return tuple((name, value) for name, _, value in pairs)

    def __str__(self) -> str:
        flags = "".join(f"--{name}={value} " for name, value in self.flags)
        return f"{self.keyword} {flags}{self.text}"


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands between one FROM and the next; the last stage is the image."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def last(self, keyword: str) -> Instruction | None:
        """Return the instruction that counts of those that replace each other."""
        return next((each for each in reversed(self.instructions) if each.keyword == keyword), None)


def parse_dockerfile(text: str) -> tuple[Stage, ...]:
    """Return the stages of a Dockerfile.

    Raises:
        DockerfileError: it has an instruction that is not in KNOWN, or none at all.
    """
    stages: list[Stage] = []
    for line, logical in _logical_lines(text):
        keyword, _, rest = logical.partition(" ")
        keyword = keyword.upper()
        if keyword == "FROM":
            base, _, name = rest.strip().partition(" AS ")
            stages.append(Stage(base.strip(), name.strip() or str(len(stages)), ()))
        elif keyword not in KNOWN or not stages:
            raise DockerfileError(f"line {line}: {keyword} is not known here")
        else:
            *before, stage = stages
            instruction = _instruction(keyword, rest.strip(), line)
            stages = [*before, Stage(stage.base, stage.name, (*stage.instructions, instruction))]
    if not stages:
        raise DockerfileError("there is no FROM")
    return tuple(stages)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Join continued lines, leave out comments and empty lines; with the number of the first line."""
    joined: list[tuple[int, str]] = []
    is_open = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):  # also between continued lines
            continue
        part = line.removesuffix("\\").strip()
        if is_open:
            begun, before = joined[-1]
            joined[-1] = (begun, f"{before} {part}")
        else:
            joined.append((number, part))
        is_open = line.endswith("\\")
    return joined


def _instruction(keyword: str, text: str, line: int) -> Instruction:
    flags = []
    while flag := _FLAG.match(text):
        flags.append((flag[1], flag[2] or ""))
        text = text[flag.end() :]
    if keyword == "HEALTHCHECK":
        text = text.removeprefix("CMD").strip()
    return Instruction(keyword, text, line, tuple(flags))
