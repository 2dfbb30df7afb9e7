"""What people see: colours and progress on a terminal only, plain text everywhere else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from typing import Final, Literal, TextIO

import click
import msgspec

from ovh_api_mcp.cli.for_person import for_person
from ovh_api_mcp.errors import OvhMcpError
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.answers import hint_beside
from ovh_api_mcp.settings import read_environment

Colour = Literal["red", "green", "yellow", "cyan"]

_BAR_CHARS: Final = 30
_NARROWEST: Final = 20  # characters of a table's last column
# Contract: a result or a log line of a script may hold what moves the cursor, sets a title or turns
# the order of writing. \n and \t alone pass.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_KEY: Final = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(?=: )', re.MULTILINE)


def has_colours(stream: TextIO) -> bool:
    """Tell whether `stream` is a terminal that wants colours. Source: https://no-color.org."""
    environment = read_environment()
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Terminal:
    """Writes to one stream, in colours where it has them; what `redactor` knows is masked."""

    def __init__(self, stream: TextIO, redactor: Redactor | None = None) -> None:
        self._stream = stream
        self._redactor = redactor or Redactor()
        self._is_terminal = stream.isatty()
        self._has_colours = has_colours(stream)

    def line(self, text: str = "") -> None:
        """Write one line as it is; text from outside has been through one of the methods below."""
        click.echo(self._redactor.redact(text), file=self._stream, color=self._has_colours)

    def strong(self, text: str) -> str:
        """Return `text` in bold."""
        return self._styled(text, bold=True)

    def faint(self, text: str) -> str:
        """Return `text` as an aside."""
        return self._styled(text, dim=True)

    def coloured(self, text: str, colour: Colour) -> str:
        """Return `text` in `colour`."""
        return self._styled(text, fg=colour)

    def plain(self, text: str) -> str:
        """Return `text` with the control characters that a terminal would obey escaped as in JSON."""
        return _CONTROL.sub(_escaped, text) if self._is_terminal else text

    def json(self, text: str) -> str:
        """Return JSON over several lines, its numbers as they stand; text that is no JSON as it is."""
        try:
            laid_out = self.plain(msgspec.json.format(text, indent=2))
        except msgspec.DecodeError:
            return self.plain(text)
        return _KEY.sub(lambda key: key[1] + self.coloured(key[2], "cyan"), laid_out)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write rows below their heads; on a terminal, the last column is cut to its width."""
        shown = [[self.plain(" ".join(cell.split())) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(heads, *shown, strict=True)]
        room = max(_NARROWEST, shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * len(widths[:-1]))
        self.line(self.strong(_laid_out(heads, widths)))
        for row in shown:
            if self._is_terminal and len(row[-1]) > room:
                row[-1] = row[-1][: room - 1] + "…"
            self.line(_laid_out(row, widths))

    def complain(self, error: OvhMcpError) -> None:
        """Write an error and its next step, for the person who runs the command."""
        self.line(f"{self.coloured('ovh-api-mcp:', 'red')} {self.plain(for_person(error.message))}")
        if hint := hint_beside(error.message, error.hint):
            self.line(f"  {self.plain(for_person(hint))}")

    def _styled(
        self, text: str, *, fg: Colour | None = None, bold: bool | None = None, dim: bool | None = None
    ) -> str:
        shown = self.plain(text)
        return click.style(shown, fg=fg, bold=bold, dim=dim) if self._has_colours else shown


def _laid_out(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class ProgressBar:
    """One line of a terminal that is written again and again; nothing anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._is_drawn = False

    async def report(self, done: float, total: float, message: str) -> None:
        """Draw `done` of `total` (0: unknown) with `message`."""
        self.draw(done, total, message)

    def draw(self, done: float, total: float, message: str) -> None:
        """Do the same for who cannot wait."""
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
