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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from ovh_api_mcp.cli.check import Check, State, guarded
from ovh_api_mcp.cli.checks import (
    check_api,
    check_catalog,
    check_clock,
    check_credentials,
    check_files,
    check_port,
)
from ovh_api_mcp.cli.doctor_settings import AllLoaded, Loaded, load_all
from ovh_api_mcp.cli.doctor_walls import show_trial, trial_as_json, trial_conclusion
from ovh_api_mcp.cli.for_person import for_person
from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.setting_rows import SettingRow, account_rows, setting_rows, shared_rows
from ovh_api_mcp.cli.terminal import Colour, ProgressBar, Terminal
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import DOCTOR_CHECK_S, TRIAL_S
from ovh_api_mcp.ovh.key_names import for_account
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Flags, Origins, read_environment

if TYPE_CHECKING:
    from ovh_api_mcp.sandbox.trial import Trial

_COLOURS: Final[dict[State, Colour]] = {
    "ok": "green",
    "note": "yellow",
    "failed": "red",
    "skipped": "cyan",
}
_OF_ACCOUNT: Final = ("api", "clock", "credentials", "catalogue")
_NAME_CHARS: Final = 13
_STATE_CHARS: Final = 9
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

    Settings and where they come from, the API and its clock, credentials, catalogue, sandbox and port;
    with --account, those of each account.
    The sandbox is checked by trying to break it: each attempt must succeed where its wall is down,
    and must be stopped where it is up. It takes some seconds and changes nothing.
    """
    configure_logging("error", Redactor(()))  # of what is wrong, the table tells
    if sandbox:
        context.exit(_doctor_sandbox(as_json=as_json))
    flags = flags_of(context)
    loaded = load_all(flags)
    redactor = Redactor(loaded.secrets())
    configure_logging("error", redactor)
    progress = ProgressBar(sys.stderr)
    try:
        report = asyncio.run(_check_all(loaded, redactor, progress))
    finally:
        progress.clear()
    rows = _rows(flags, loaded)
    is_well = all(check.state != "failed" for _, check in report.all())
    if as_json:
        click.echo(redactor.redact(json.dumps(_as_json(rows, report, is_well=is_well), indent=2)))
    else:
        _show(Terminal(sys.stdout, redactor), rows, report)
    context.exit(0 if is_well else 1)


def _rows(flags: Flags, loaded: AllLoaded) -> list[SettingRow]:
    if not loaded.accounts:
        return setting_rows(flags, read_environment(), loaded.shared.origins)
    of_accounts = [row for each in loaded.accounts for row in account_rows(each.account, each.origins)]
    return [*shared_rows(flags, read_environment()), *of_accounts]


@dataclass(frozen=True, slots=True)
class _Report:
    """What was found: the checks that all accounts share, and those of each account that was chosen."""

    checks: list[Check]
    accounts: dict[str, list[Check]]
    trial: Trial | None

    def all(self) -> Iterator[tuple[str, Check]]:
        """Yield every check behind the name of its account, which is "" for what is shared."""
        yield from (("", check) for check in self.checks)
        yield from ((name, check) for name, checks in self.accounts.items() for check in checks)


async def _check_all(loaded: AllLoaded, redactor: Redactor, progress: ProgressBar) -> _Report:
    """Make every check that the settings allow, all at once."""
    trials: list[Trial] = []
    of_first = () if loaded.accounts else _OF_ACCOUNT
    sandbox = guarded("sandbox", partial(_check_sandbox, progress, trials), timeout_s=TRIAL_S)
    (shared, *accounts), tried = await asyncio.gather(
        asyncio.gather(
            _check_each(loaded.shared, ("files", *of_first, "port"), redactor),
            *(_check_each(each, _OF_ACCOUNT, redactor) for each in loaded.accounts),
        ),
        sandbox,
    )
    names = [each.account for each in loaded.accounts]
    return _Report([*shared, tried], dict(zip(names, accounts, strict=True)), next(iter(trials), None))


async def _check_each(loaded: Loaded, names: Sequence[str], redactor: Redactor) -> list[Check]:
    """Make the checks of `names`, all at once."""
    settings = loaded.settings
    if settings is None:
        return [loaded.check, *(Check(name, "skipped", "settings first") for name in names)]
    find: dict[str, Callable[[], Awaitable[Check]]] = {
        "files": partial(check_files, loaded.origins),
        "api": partial(check_api, settings),
        "clock": partial(check_clock, settings),
        "credentials": partial(check_credentials, settings, redactor, loaded.origins, loaded.account),
        "catalogue": partial(check_catalog, settings, loaded.account),
        "port": partial(check_port, settings),
    }
    if not loaded.is_whole:
        find["credentials"] = _skip_credentials
    found = await asyncio.gather(*(guarded(name, find[name], timeout_s=DOCTOR_CHECK_S) for name in names))
    return [loaded.check, *(_reworded(check, loaded.origins) for check in found)]


def _reworded(check: Check, origins: Origins | None) -> Check:
    """Return a check in words for the person who set what it is about."""
    place = origins.place if origins else ""
    facts, next_step = (for_account(for_person(text), place) for text in (check.facts, check.next_step))
    return replace(check, facts=facts, next_step=next_step)


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


def _as_json(rows: Sequence[SettingRow], report: _Report, *, is_well: bool) -> JsonObject:
    told: JsonObject = {check.name: check.as_json() for check in report.checks}
    told["settings"] = {**report.checks[0].as_json(), "rows": [row.as_json() for row in rows]}
    if report.trial is not None:
        told["sandbox"] = trial_as_json(report.trial)
    if report.accounts:
        told["accounts"] = {
            name: {check.name: check.as_json() for check in checks}
            for name, checks in report.accounts.items()
        }
    return {**told, "ok": is_well}


def _show(terminal: Terminal, rows: Sequence[SettingRow], report: _Report) -> None:
    given = [row for row in rows if row.is_given]
    if given:
        terminal.table(("setting", "value", "from"), [(row.title, row.value, row.source) for row in given])
        terminal.line(terminal.faint("All other settings have their defaults."))
        terminal.line()
    _show_checks(terminal, report.checks)
    for name, checks in report.accounts.items():
        terminal.line()
        terminal.line(terminal.strong(f"account {name}"))
        _show_checks(terminal, checks)
    terminal.line()
    for name, check in report.all():
        if check.next_step:
            where = f"{check.name} of {name}" if name else check.name
            terminal.line(f"{terminal.strong('Next')} ({where}): {terminal.plain(check.next_step)}")
    if all(check.state in ("ok", "skipped") for _, check in report.all()):
        terminal.line(_ALL_WELL)


def _show_checks(terminal: Terminal, checks: Sequence[Check]) -> None:
    for check in checks:
        state = terminal.coloured(check.state.ljust(_STATE_CHARS), _COLOURS[check.state])
        first, *more = _wrapped(terminal.plain(check.facts))
        terminal.line(f"{check.name.ljust(_NAME_CHARS)}{state}{first}")
        for line in more:
            terminal.line(" " * (_NAME_CHARS + _STATE_CHARS) + line)


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
