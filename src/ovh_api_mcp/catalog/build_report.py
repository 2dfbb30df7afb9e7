"""What the process that builds a catalogue says on its stdout: one JSON object per line.

    {"done": 3, "total": 84, "step": "loading services"}    any number of times
    {"code": "service-unknown", "message": "…", "hint": "…"}    last, where it failed

The catalogue itself is the file. The reader trusts neither length (limits.BUILD_REPORT_LINE_BYTES)
nor content of a line.
"""

from __future__ import annotations

import msgspec

from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.errors import CatalogCode, CatalogError


class _Line(msgspec.Struct, frozen=True):
    """Either kind of line."""

    done: int = 0
    total: int = 0
    step: str = ""
    code: CatalogCode | None = None
    message: str = ""
    hint: str = ""


def progress_line(progress: BuildProgress) -> bytes:
    """Return the line for a step."""
    return msgspec.json.encode(progress) + b"\n"


def failure_line(error: CatalogError) -> bytes:
    """Return the line for a build that failed."""
    return msgspec.json.encode({"code": error.code, "message": error.message, "hint": error.hint}) + b"\n"


def parse_line(line: bytes) -> BuildProgress | CatalogError:
    """Return what a line says; raises ValueError for anything else."""
    said = msgspec.json.decode(line, type=_Line)
    if said.code is not None:
        return CatalogError(said.message, code=said.code, hint=said.hint)
    return BuildProgress(said.done, said.total, said.step)
