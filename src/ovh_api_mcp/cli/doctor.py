"""`ovh-api-mcp doctor`: whether the program can do its work here, and what to do where it cannot.

Checks run side by side, each within its time; one that fails hides no other. 1 says that one did not
pass. No secret is shown, of a key its last characters at most.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from ovh_api_mcp.cli.check import Check, State, guarded
from ovh_api_mcp.cli.checks import (
    LOG_IN,
    check_api,
    check_catalog,
    check_clock,
    check_credentials,
    check_files,
    check_port,
)
from ovh_api_mcp.cli.doctor_walls import show_trial, trial_as_json, trial_conclusion
from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.setting_rows import SettingRow, setting_rows
from ovh_api_mcp.cli.terminal import Colour, ProgressBar, Terminal
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import DOCTOR_CHECK_S, TRIAL_S
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Flags, Origins, Settings, load_origins, load_settings, read_environment

if TYPE_CHECKING:
    from ovh_api_mcp.sandbox.trial import Trial

_COLOURS: Final[dict[State, Colour]] = {
    "ok": "green",
    "note": "yellow",
    "failed": "red",
    "skipped": "cyan",
}
_OF_SETTINGS: Final = ("files", "api", "clock", "credentials", "catalogue", "port")
_NAME_CHARS: Final = 13
_STATE_CHARS: Final = 9
_CORRECT: Final = "Correct what is named there; the server does not start like this."
_ALL_WELL: Final = "All is well. Connect a client as the README shows, or try: ovh-api-mcp demo"


@click.command(
    "doctor",
    params=[
        click.Option(
            ["--sandbox"], is_flag=True, help="Only try to break each wall of the sandbox, and show each."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of tables."),
        *options("transport", "api", "log"),
    ],
)
@click.pass_context
def doctor(context: click.Context, /, *, sandbox: bool, as_json: bool, **_: object) -> None:
    """Check that the program can work here; exit status 1 where something does not pass.

    Settings and where they come from, the API and its clock, credentials, catalogue, sandbox and port.
    The sandbox is checked by trying to break it: each attempt must succeed where its wall is down,
    and must be stopped where it is up. It takes some seconds and changes nothing.
    """
    configure_logging("error", Redactor(()))  # of what is wrong, the table tells
    if sandbox:
        context.exit(_doctor_sandbox(as_json=as_json))
    flags = flags_of(context)
    loaded = _load(flags)
    redactor = Redactor(loaded.settings.secrets() if loaded.settings else ())
    configure_logging("error", redactor)
    progress = ProgressBar(sys.stderr)
    try:
        checks, trial = asyncio.run(_check_all(loaded, redactor, progress))
    finally:
        progress.clear()
    rows = setting_rows(flags, read_environment(), loaded.origins)
    is_well = all(check.state != "failed" for check in checks)
    if as_json:
        told = _as_json(rows, checks, trial, is_well=is_well)
        click.echo(redactor.redact(json.dumps(told, indent=2)))
    else:
        _show(Terminal(sys.stdout, redactor), rows, checks)
    context.exit(0 if is_well else 1)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The settings as far as they could be had, and what the first check says of them."""

    settings: Settings | None
    origins: Origins | None
    check: Check

    @property
    def is_whole(self) -> bool:
        return self.check.state == "ok"


def _load(flags: Flags) -> _Loaded:
    """Load the settings; where only the credentials are wrong, the rest can still be checked."""
    environment = read_environment()
    origins: Origins | None = None
    try:
        origins = load_origins(flags, environment)
        settings = load_settings(flags, environment)
    except SettingsError as error:
        next_step = error.hint or (LOG_IN if error.code == "credentials-half" else _CORRECT)
        check = Check("settings", "failed", error.message, next_step, {"code": error.code})
    else:
        return _Loaded(settings, origins, Check("settings", "ok", f"endpoint {settings.endpoint.name}"))
    try:
        return _Loaded(load_settings(flags, environment, with_credentials=False), origins, check)
    except SettingsError:
        return _Loaded(None, origins, check)


async def _check_all(
    loaded: _Loaded, redactor: Redactor, progress: ProgressBar
) -> tuple[list[Check], Trial | None]:
    """Make every check that the settings allow, all at once."""
    trials: list[Trial] = []
    settings = loaded.settings
    sandbox = guarded("sandbox", partial(_check_sandbox, progress, trials), timeout_s=TRIAL_S)
    if settings is None:
        skipped = [Check(name, "skipped", "settings first") for name in _OF_SETTINGS]
        return [loaded.check, *skipped, await sandbox], next(iter(trials), None)
    files = partial(check_files, loaded.origins.files if loaded.origins else ())
    of_settings: dict[str, Callable[[], Awaitable[Check]]] = {
        "files": files,
        "api": partial(check_api, settings),
        "clock": partial(check_clock, settings),
        "credentials": partial(check_credentials, settings, redactor),
        "catalogue": partial(check_catalog, settings),
        "port": partial(check_port, settings),
    }
    if not loaded.is_whole:
        of_settings["credentials"] = _skip_credentials
    found = await asyncio.gather(
        *(guarded(name, find, timeout_s=DOCTOR_CHECK_S) for name, find in of_settings.items()), sandbox
    )
    return [loaded.check, *found], next(iter(trials), None)


async def _skip_credentials() -> Check:
    return Check("credentials", "skipped", "settings first")


async def _check_sandbox(progress: ProgressBar, trials: list[Trial]) -> Check:
    """Try the walls; what came out in full is left in `trials`."""
    from ovh_api_mcp.sandbox.trial import try_walls  # late: it takes time to import

    trial = await try_walls(progress.report)
    trials.append(trial)
    count, *advice = trial_conclusion(trial)
    next_step = " ".join((*advice, "Each wall: ovh-api-mcp doctor --sandbox")) if advice else ""
    return Check("sandbox", "ok" if trial.is_passed else "failed", count, next_step)


def _as_json(
    rows: Sequence[SettingRow], checks: Sequence[Check], trial: Trial | None, *, is_well: bool
) -> JsonObject:
    told: JsonObject = {check.name: check.as_json() for check in checks}
    told["settings"] = {**checks[0].as_json(), "rows": [row.as_json() for row in rows]}
    if trial is not None:
        told["sandbox"] = trial_as_json(trial)
    return {**told, "ok": is_well}


def _show(terminal: Terminal, rows: Sequence[SettingRow], checks: Sequence[Check]) -> None:
    given = [row for row in rows if row.is_given]
    if given:
        terminal.table(("setting", "value", "from"), [(row.name, row.value, row.source) for row in given])
        terminal.line(terminal.faint("All other settings have their defaults."))
        terminal.line()
    for check in checks:
        state = terminal.coloured(check.state.ljust(_STATE_CHARS), _COLOURS[check.state])
        first, *more = _wrapped(terminal.plain(check.facts))
        terminal.line(f"{check.name.ljust(_NAME_CHARS)}{state}{first}")
        for line in more:
            terminal.line(" " * (_NAME_CHARS + _STATE_CHARS) + line)
    terminal.line()
    steps = [check for check in checks if check.next_step]
    for check in steps:
        terminal.line(f"{terminal.strong('Next')} ({check.name}): {terminal.plain(check.next_step)}")
    if all(check.state in ("ok", "skipped") for check in checks):
        terminal.line(_ALL_WELL)


def _wrapped(text: str) -> list[str]:
    """Return the lines of what a check found, as wide as there is room; one for a pipe."""
    if not sys.stdout.isatty():
        return [text]
    room = shutil.get_terminal_size().columns - _NAME_CHARS - _STATE_CHARS
    return textwrap.wrap(text, max(room, 30)) or [""]


def _doctor_sandbox(*, as_json: bool) -> int:
    # Here and not above: the sandbox takes time to import, and --help does without it.
    from ovh_api_mcp.sandbox.trial import try_walls

    progress = ProgressBar(sys.stderr)
    try:
        trial = asyncio.run(try_walls(progress.report))
    finally:
        progress.clear()
    if as_json:
        click.echo(json.dumps({"sandbox": trial_as_json(trial), "ok": trial.is_passed}, indent=2))
    else:
        show_trial(Terminal(sys.stdout), trial)
    return 0 if trial.is_passed else 1
