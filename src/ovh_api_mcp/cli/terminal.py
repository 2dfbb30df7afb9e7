"""What people see: colours and progress on a terminal only, plain text everywhere else."""

from __future__ import annotations

import re
from typing import Final, Literal, TextIO

import click
import msgspec

from ovh_api_mcp.errors import OvhMcpError
from ovh_api_mcp.settings import read_environment

Colour = Literal["red", "green", "yellow", "cyan"]

_BAR_CHARS: Final = 30
_KEY: Final = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(?=: )', re.MULTILINE)


def has_colours(stream: TextIO) -> bool:
    """Tell whether `stream` is a terminal that wants colours. Source: https://no-color.org."""
    environment = read_environment()
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Terminal:
    """Writes to one stream, in colours where it has them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._has_colours = has_colours(stream)

    def line(self, text: str = "") -> None:
        """Write one line."""
        click.echo(text, file=self._stream, color=self._has_colours)

    def strong(self, text: str) -> str:
        """Return `text` in bold."""
        return click.style(text, bold=True) if self._has_colours else text

    def faint(self, text: str) -> str:
        """Return `text` as an aside."""
        return click.style(text, dim=True) if self._has_colours else text

    def coloured(self, text: str, colour: Colour) -> str:
        """Return `text` in `colour`."""
        return click.style(text, fg=colour) if self._has_colours else text

    def json(self, text: str) -> str:
        """Return JSON over several lines, its numbers as they stand; text that is no JSON as it is."""
        try:
            laid_out = msgspec.json.format(text, indent=2)
        except msgspec.DecodeError:
            return text
        return _KEY.sub(lambda key: key[1] + self.coloured(key[2], "cyan"), laid_out)

    def complain(self, error: OvhMcpError) -> None:
        """Write an error and its next step."""
        self.line(f"{self.coloured('ovh-api-mcp:', 'red')} {error.message}")
        if error.hint and error.hint not in error.message:
            self.line(f"  {error.hint}")


class ProgressBar:
    """One line of a terminal that is written again and again; nothing anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._is_drawn = False

    async def report(self, done: float, total: float, message: str) -> None:
        """Draw `done` of `total` (0: unknown) with `message`."""
        if not self._is_terminal:
            return
        filled = round(_BAR_CHARS * min(done / total, 1.0)) if total else 0
        self._write("█" * filled + "░" * (_BAR_CHARS - filled) + f" {message}")
        self._is_drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._is_drawn:
            self._write("")
            self._is_drawn = False

    def _write(self, line: str) -> None:
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()
