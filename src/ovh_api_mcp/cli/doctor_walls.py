"""What doctor says of the sandbox: each wall, what was tried, what stopped it, and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from ovh_api_mcp.cli.terminal import Colour, Terminal
from ovh_api_mcp.json_value import JsonObject

if TYPE_CHECKING:
    from ovh_api_mcp.sandbox.trial import Trial
    from ovh_api_mcp.sandbox.walls import Finding, Verdict

_HEADS: Final = ("wall", "tried", "stopped by", "verdict")
_COLOURS: Final[dict[Verdict, Colour]] = {
    "stands": "green",
    "weak": "yellow",
    "untried": "yellow",
    "missing": "red",
    "broken": "red",
}
_WORDS: Final[dict[Verdict, str]] = {
    "stands": "stands",
    "weak": "stands, but {}",
    "untried": "cannot be tried here: {}",
    "missing": "missing: {}",
    "broken": "DOES NOT STAND: {}",
}
_INSTALL: Final = (
    "Install libseccomp (Debian, Ubuntu: apt install libseccomp2; Fedora: dnf install libseccomp; Alpine: "
    "apk add libseccomp), then run this again."
)
_MOVE: Final = "Only Linux has all walls: run the server in the container, or trust the scripts that it runs."
_REPORT: Final = "A wall that is up fails: run no scripts here, and report it as SECURITY.md says."
_NO_SCRIPT: Final = "No script runs behind the walls, so both tools will fail: report it with these lines."


def trial_as_json(trial: Trial) -> JsonObject:
    """Return every finding for programs."""
    return {
        "walls": [
            {
                "wall": found.wall.value,
                "tried": found.tried,
                "stopped_by": found.stopped_by,
                "verdict": found.verdict,
                "why": found.why,
            }
            for found in trial.findings
        ],
        "script": trial.script or "runs",
        "ok": trial.is_passed,
    }


def show_trial(terminal: Terminal, trial: Trial) -> None:
    """Write the table of walls, and what to do about those that do not stand."""
    rows = [_row(found) for found in trial.findings]
    rows.append(("all of them", "run a script", "", f"fails: {trial.script}" if trial.script else "runs"))
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(3)]
    terminal.line(terminal.strong(_laid_out(_HEADS, widths)))
    shown = ""
    for row, colour in zip(rows, _colours(trial), strict=True):
        wall = "" if row[0] == shown else row[0]
        shown = row[0]
        verdict = terminal.coloured(row[3], colour)
        terminal.line(_laid_out((wall, row[1], row[2], verdict), widths))
    terminal.line()
    for line in trial_conclusion(trial):
        terminal.line(line)


def _row(found: Finding) -> tuple[str, str, str, str]:
    return found.wall.value, found.tried, found.stopped_by, _WORDS[found.verdict].format(found.why)


def _colours(trial: Trial) -> list[Colour]:
    return [*(_COLOURS[found.verdict] for found in trial.findings), "red" if trial.script else "green"]


def _laid_out(row: tuple[str, str, str, str], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join((*padded, row[3])).rstrip()


def trial_conclusion(trial: Trial) -> list[str]:
    """Return how many walls stand, and what to do about the others."""
    walls = dict.fromkeys(found.wall for found in trial.findings)
    missing = _walls_with(trial, "missing")
    broken = _walls_with(trial, "broken")
    lines = [f"{len(walls) - len({*missing, *broken})} of {len(walls)} walls stand."]
    if missing:
        lines += [f"Missing: {', '.join(missing)}.", _INSTALL if sys.platform == "linux" else _MOVE]
    if broken:
        lines += [f"Broken: {', '.join(broken)}.", _REPORT]
    if trial.script:
        lines.append(_NO_SCRIPT)
    return lines


def _walls_with(trial: Trial, verdict: Verdict) -> list[str]:
    return list(dict.fromkeys(found.wall.value for found in trial.findings if found.verdict == verdict))
