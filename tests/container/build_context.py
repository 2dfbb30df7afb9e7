"""What of the checkout a build gets to see: everything that .dockerignore does not keep away.

Source: docs.docker.com/build/concepts/context/#dockerignore-files. The last rule that fits decides,
a rule that fits a directory fits all that is in it, and `!` takes a rule back.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_GLOB: Final = re.compile(r"\*\*/?|\*|\?")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    text: str
    takes_back: bool


class IgnoreFile:
    """The rules of one .dockerignore."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self._rules = [_rule(line) for line in lines if line and not line.startswith("#")]

    def keeps_away(self, path: PurePosixPath) -> bool:
        """Tell whether the file or directory `path`, relative to the checkout, is left out."""
        spellings = [str(path), *(str(parent) for parent in path.parents if parent.name)]
        is_away = False
        for rule in self._rules:
            if any(rule.pattern.fullmatch(spelling) for spelling in spellings):
                is_away = not rule.takes_back
        return is_away

    def may_hold_kept(self, directory: PurePosixPath) -> bool:
        """Tell whether a directory that is kept away may hold something that a rule takes back."""
        return any(rule.takes_back and rule.text.startswith(f"{directory}/") for rule in self._rules)


def copy_context(checkout: Path, into: Path) -> int:
    """Copy what a build of `checkout` sees; return how many files that are."""
    ignore = IgnoreFile((checkout / ".dockerignore").read_text())
    copied = 0
    for directory, names, files in os.walk(checkout):
        here = Path(directory).relative_to(checkout)
        names[:] = [name for name in names if _is_entered(ignore, PurePosixPath(here / name))]
        for file in files:
            if not ignore.keeps_away(PurePosixPath(here / file)):
                (into / here).mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / here / file, into / here / file, follow_symlinks=False)
                copied += 1
    return copied


def _is_entered(ignore: IgnoreFile, directory: PurePosixPath) -> bool:
    return not ignore.keeps_away(directory) or ignore.may_hold_kept(directory)


def _rule(line: str) -> _Rule:
    text = line.removeprefix("!").strip().strip("/")
    parts, end = [], 0
    for glob in _GLOB.finditer(text):
        parts += [re.escape(text[end : glob.start()]), _GLOBS[glob[0]]]
        end = glob.end()
    return _Rule(re.compile("".join([*parts, re.escape(text[end:])])), text, line.startswith("!"))


_GLOBS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
