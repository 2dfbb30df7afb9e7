"""`ovh-api-mcp journal …`: the writes that were sent, what they changed, and what takes one back."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.terminal import Colour, Terminal
from ovh_api_mcp.errors import InternalError, RefusedError, SettingsError
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import JOURNAL_ENTRIES, JOURNAL_SHOWN
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Settings, load_settings, read_environment

if TYPE_CHECKING:
    from ovh_api_mcp.journal.entry import Entry
    from ovh_api_mcp.journal.inverse import Inverse
    from ovh_api_mcp.journal.store import JournalFile

_OUTCOMES: Final = ("sent", "answered", "not-sent", "maybe")
_PAGE: Final = 500  # writes that are read at a time
_UNITS_S: Final = {"m": 60, "h": 3_600, "d": 86_400}


def _params(*more: click.Parameter) -> list[click.Parameter]:
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of a table.")
    return [*more, as_json, *options("api", "log")]


def _filters(default_limit: int = JOURNAL_SHOWN) -> list[click.Parameter]:
    return [
        click.Option(
            ["--since"], metavar="WHEN", default="", help="Only since then: 2026-01-31, or 30m, 12h, 7d ago."
        ),
        click.Option(
            ["--method"],
            type=click.Choice(["POST", "PUT", "DELETE"], case_sensitive=False),
            help="Only these.",
        ),
        click.Option(["--path"], metavar="PATTERN", default="*", help="Only paths that fit, with *."),
        click.Option(["--of-account"], metavar="NAME", default="", help="Only of this account."),
        click.Option(["--status"], type=click.IntRange(100, 599), help="Only those that were answered so."),
        click.Option(["--outcome"], type=click.Choice(_OUTCOMES), help="Only those that ended so."),
        click.Option(
            ["--limit"],
            type=click.IntRange(1, JOURNAL_ENTRIES),
            default=default_limit,
            help=f"How many at most. [default: {default_limit:,}]",
        ),
    ]


@click.group("journal", invoke_without_command=True, params=_params(*_filters()))
@click.pass_context
def journal(context: click.Context, /, *, as_json: bool, **_: object) -> None:
    """List the writes that were sent, the newest first.

    Without a command it lists; `journal show N` tells all of one, `journal revert N` what takes it back.
    """
    if context.invoked_subcommand is not None:
        return
    with _opened(context) as file:
        entries = list(_chosen(context, file))
        if as_json:
            _print_json([each.as_json() for each in entries])
            return
        out = Terminal(sys.stdout)
        if not entries:
            Terminal(sys.stderr).line("No such write is recorded.")
            return
        rows = [
            (
                str(each.number),
                each.time,
                each.write.account,
                _ended(each),
                ", ".join(each.write.labels),
                f"{each.write.method} {each.write.target}",
            )
            for each in entries
        ]
        out.table(("no.", "time", "account", "outcome", "risk", "call"), rows)
        if any(each.end.outcome.value == "sent" for each in entries):
            out.line("sent: the outcome is not recorded; look before you repeat it.")


@journal.command("show", short_help="Tell all of one write.", params=_params())
@click.argument("number", type=click.IntRange(1))
@click.pass_context
def show(context: click.Context, /, *, number: int, as_json: bool, **_: object) -> None:
    """Tell all of one write: what it was, what it changed, who let it through, how it ended."""
    with _opened(context) as file:
        entry = _entry(file, number)
    if as_json:
        _print_json(entry.as_json())
        return
    out = Terminal(sys.stdout)
    out.line(out.strong(out.plain(f"{entry.write.method} {entry.write.target}")))
    rows = [
        ("number", str(entry.number)),
        ("time", entry.time),
        ("account", f"{entry.write.account} at {entry.write.endpoint}"),
        ("operation", f"{entry.write.method} {entry.write.template}"),
        ("risk", ", ".join(entry.write.labels)),
        ("let through by", f"{entry.write.decided_by}, because {entry.write.decision}"),
        ("outcome", f"{entry.end.outcome.words}{f' with {entry.end.status}' if entry.end.status else ''}"),
        ("query id", entry.end.query_id),
        ("tries", str(entry.end.attempts)),
        ("script", entry.write.script),
        ("client", entry.write.client),
    ]
    out.table(("", ""), [row for row in rows if row[1]])
    for line, colour in _difference(entry.write.before, entry.write.body, method=entry.write.method):
        out.line(out.coloured(out.plain(line), colour) if colour else out.plain(line))
    if entry.end.answer is not None:
        out.line(out.plain(f"answer: {entry.end.answer}"))


@journal.command(
    "export",
    short_help="Write all of them as JSON lines.",
    params=[*_filters(JOURNAL_ENTRIES), *options("api", "log")],
)
@click.pass_context
def export(context: click.Context, /, **_: object) -> None:
    """Write the writes to standard output, a line of JSON for each, the newest first."""
    import msgspec

    with _opened(context) as file:
        for entry in _pages(context, file):
            click.echo(msgspec.json.encode(entry.as_json()).decode())


@journal.command(
    "revert",
    short_help="Tell what takes one back, and do it.",
    params=_params(click.Option(["--yes"], is_flag=True, help="Send it, without asking.")),
)
@click.argument("number", type=click.IntRange(1))
@click.pass_context
def revert(context: click.Context, /, *, number: int, yes: bool, as_json: bool, **_: object) -> None:
    """Tell what takes a write back where anything does, and send it after a yes.

    PUT sets the fields to what they were, DELETE creates the object again (with another id), POST
    deletes what it created. It goes through the same checks as a script's call, and is recorded.
    """
    settings = _settings(context)
    with _opened(context) as file:
        entry = _entry(file, number)
        if taken := file.taken_back_by(number):
            raise RefusedError(f"Write {number} was taken back already, by {taken}.", code="invalid-call")
    asyncio.run(_revert(context, settings, entry, is_sure=yes, as_json=as_json))


async def _revert(
    context: click.Context, settings: Settings, entry: Entry, *, is_sure: bool, as_json: bool
) -> None:
    from ovh_api_mcp.journal.inverse import inverse_of
    from ovh_api_mcp.journal.store import REVERT
    from ovh_api_mcp.server.app import App

    async with App.open(settings, Redactor(settings.secrets())) as app:
        account = app.accounts.named(entry.write.account)
        if account.endpoint != entry.write.endpoint:
            raise RefusedError(
                f"Write {entry.number} went to {entry.write.endpoint}, and these settings lead to "
                f"{account.endpoint}. Name the right --endpoint or --account.",
                code="invalid-call",
            )
        gate = await account.wait_gate(_no_report)
        inverse = inverse_of(entry, gate.operation)
        _show_inverse(inverse, as_json=as_json)
        if inverse.call is None:
            context.exit(1)
        if not is_sure and not (sys.stdin.isatty() and click.confirm("Send it?", err=True)):
            Terminal(sys.stderr).line("Nothing was sent. To send it: --yes")
            return
        code = _script_of(inverse.call, entry.write.account if len(app.accounts.names) else "")
        from ovh_api_mcp.server.execution import Tool

        answer = await app.execution.run(Tool.EXECUTE, code, _no_report, client=f"{REVERT} {entry.number}")
        (Terminal(sys.stderr) if answer.is_error else Terminal(sys.stdout)).line("\n".join(answer.texts))
        context.exit(1 if answer.is_error else 0)


def _script_of(call: JsonObject, account: str) -> str:
    import msgspec

    whole: JsonObject = {**call, "account": account} if account else call
    return f"async () => await ovh.request({msgspec.json.encode(whole).decode()})"


def _show_inverse(inverse: Inverse, *, as_json: bool) -> None:
    import msgspec

    out = Terminal(sys.stdout)
    if as_json:
        _print_json({"call": inverse.call, "whyNot": inverse.why_not or None})
    elif inverse.call is None:
        out.line(out.plain(f"Nothing takes it back: {inverse.why_not}."))
    else:
        out.line(out.strong(f"{inverse.call['method']} {out.plain(str(inverse.call['path']))}"))
        for part in ("params", "body"):
            if part in inverse.call:
                out.line(f"{part}: {out.json(msgspec.json.encode(inverse.call[part]).decode())}")


async def _no_report(done: float, total: float, message: str) -> None:
    """Nobody waits to hear of it."""


def _settings(context: click.Context) -> Settings:
    settings = load_settings(flags_of(context), read_environment(), default_log_level="warning")
    configure_logging(settings.log_level, Redactor(settings.secrets()))
    return settings


@contextmanager
def _opened(context: click.Context) -> Iterator[JournalFile]:
    from ovh_api_mcp.journal.store import FILE_NAME, JournalError, JournalFile

    directory = _settings(context).state_dir
    if directory is None:
        raise SettingsError(
            "There is no journal: --no-journal or OVH_NO_JOURNAL is set.", code="setting-invalid"
        )
    path = directory / FILE_NAME
    if not path.exists():
        Terminal(sys.stderr).line(f"Nothing is recorded yet: there is no {path}")
        context.exit(0)
    try:
        with closing(JournalFile(path)) as file:
            yield file
    except JournalError as error:
        raise InternalError(f"The journal cannot be read: {error}.") from None


def _entry(file: JournalFile, number: int) -> Entry:
    entry = file.entry(number)
    if entry is None:
        raise RefusedError(
            f"There is no write {number} in the journal. ovh-api-mcp journal lists them.", code="invalid-call"
        )
    return entry


def _pages(context: click.Context, file: JournalFile) -> Iterator[Entry]:
    """Yield what was asked for, so many at a time that they never fill the memory."""
    left, before = context.params["limit"], 1 << 62
    while left > 0 and (page := list(_chosen(context, file, before=before, limit=min(left, _PAGE)))):
        yield from page
        left, before = left - len(page), page[-1].number


def _chosen(
    context: click.Context, file: JournalFile, *, before: int = 1 << 62, limit: int = 0
) -> Iterator[Entry]:
    given = context.params
    return file.entries(
        since=_moment(given["since"]),
        method=(given["method"] or "").upper(),
        path=given["path"],
        account=given["of_account"],
        outcome=given["outcome"] or "",
        status=given["status"] or 0,
        before=before,
        limit=limit or given["limit"],
    )


def _moment(text: str) -> float:
    """Return Unix seconds of a date, or of so long ago."""
    if not text:
        return 0.0
    if ago := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return time.time() - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"--since is {text[:40]!r}; it takes a date such as 2026-01-31, or 30m, 12h, 7d.",
            code="setting-invalid",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _ended(entry: Entry) -> str:
    return f"{entry.end.outcome.value} {entry.end.status or ''}".strip()


def _difference(before: str | None, body: str | None, *, method: str) -> Iterator[tuple[str, Colour | None]]:
    """Yield what was there and what was sent, field by field."""
    import msgspec

    old: JsonValue = msgspec.json.decode(before) if before else None
    new: JsonValue = msgspec.json.decode(body) if body else None
    known = old if isinstance(old, dict) else {}
    sent = new if isinstance(new, dict) else {}
    if body is not None and not isinstance(new, dict):
        yield f"body: {body}", None
    if method == "DELETE":
        for name, value in known.items():
            yield f"- {name}: {_text(value)}", "red"
    for name, value in sent.items():
        if name in known and known[name] == value:
            yield f"  {name}: {_text(value)}", None
            continue
        if name in known:
            yield f"- {name}: {_text(known[name])}", "red"
        yield f"+ {name}: {_text(value)}", "green"
    if before is None and method != "POST":
        yield "(what was there before is not recorded)", None


def _text(value: JsonValue) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _print_json(value: JsonValue) -> None:
    import msgspec

    out = Terminal(sys.stdout)
    out.line(out.json(msgspec.json.encode(value).decode()))
