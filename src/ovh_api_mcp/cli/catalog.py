"""`ovh-api-mcp catalog …`: the catalogue of operations, for people and pipelines.

What was asked for goes to standard output, everything else to standard error; 1 says that it could
not be had. A catalogue in the cache is used whatever its age; where there is none, one is built.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.terminal import ProgressBar, Terminal
from ovh_api_mcp.errors import CatalogError, OvhMcpError, SettingsError
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import FIND_FOUND
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import load_settings, read_environment

if TYPE_CHECKING:  # SQLite and the network are loaded by the command that needs them
    from ovh_api_mcp.catalog.difference import Difference
    from ovh_api_mcp.catalog.store import CatalogFile
    from ovh_api_mcp.cli.kept_catalog import KeptCatalog

_T = TypeVar("_T")
_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_SHOWN_CHANGES: Final = 200  # of one kind, in a table


def _params(*more: click.Parameter) -> list[click.Parameter]:
    """Return the options of one command: its own, JSON, and what chooses the catalogue."""
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of tables.")
    return [*more, as_json, *options("catalog", "log")]


def _params_of_cache(*more: click.Parameter) -> list[click.Parameter]:
    """Return the options of a command about the cache; those without one are told why that is no use."""
    params = _params(*more)
    for each in params:
        if isinstance(each, click.Option) and each.name in ("no_cache", "schemas"):
            each.hidden = True
    return params


@click.group("catalog", invoke_without_command=True, params=_params())
@click.pass_context
def catalog(context: click.Context, /, **_: object) -> None:
    """Look into the catalogue of operations, renew it, compare it, export it.

    Without a command it tells the status.
    """
    if context.invoked_subcommand is None:
        _print_status(context)


@catalog.command("status", short_help="Tell what the cache holds.", params=_params_of_cache())
@click.pass_context
def status(context: click.Context, /, **_: object) -> None:
    """Tell what the catalogue in the cache holds; exit status 1 where there is none."""
    _print_status(context)


@catalog.command("refresh", short_help="Build it anew.", params=_params_of_cache())
@click.pass_context
def refresh(context: click.Context, /, **_: object) -> None:
    """Build the catalogue anew, whatever its age; running servers take it up by themselves.

    Only schemas that have changed are fetched, where the API can tell. Exit status 1 where nothing could
    be loaded.
    """
    with _errors_told(context):
        kept = _kept(context)
        failed = _run(kept, lambda progress: kept.refresh(progress))
        _print_status(context)
        if failed.issuperset(("v1", "v2")):
            err = Terminal(sys.stderr)
            err.line("Nothing could be loaded; what is kept is as old as before. Mend what is named above.")
            context.exit(1)


@catalog.command(
    "diff",
    short_help="Compare it with one that is built now.",
    params=_params_of_cache(
        click.Option(["--keep"], is_flag=True, help="Put the new catalogue into the cache.")
    ),
)
@click.pass_context
def diff(context: click.Context, /, *, keep: bool, **_: object) -> None:
    """Compare the catalogue in the cache with one that is built now and, without --keep, thrown away."""
    with _errors_told(context):
        kept = _kept(context)
        found, failed = _run(kept, lambda progress: kept.difference(progress, keep=keep))
        if _is_json(context):
            _print_json({**_difference_json(found), "failed": dict(failed)})
        else:
            _show_difference(Terminal(sys.stdout), found)
            _show_failed(failed)


@catalog.command(
    "find",
    short_help="Find operations by words.",
    params=_params(
        click.Option(
            ["--limit"],
            type=click.IntRange(1, FIND_FOUND),
            default=10,
            help="How many at most. [default: 10]",
        ),
        click.Option(
            ["--service"], metavar="ROOT", help="Only of this service, such as domain or v2/domain."
        ),
        click.Option(
            ["--method"], type=click.Choice(_METHODS, case_sensitive=False), help="Only with this method."
        ),
        click.Option(
            ["--status"],
            metavar="STATUS",
            help="Only with this status: production, beta, alpha or deprecated.",
        ),
    ),
)
@click.argument("words", nargs=-1, required=True)
@click.pass_context
def find(
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    limit: int,
    service: str | None,
    method: str | None,
    status: str | None,
    **_: object,
) -> None:
    """Find operations by WORDS, the likeliest first.

    ovh-api-mcp catalog find reboot a vps
    """
    from ovh_api_mcp.catalog.find import find_operations

    with _errors_told(context), _opened(context) as file:
        found = find_operations(
            file, " ".join(words), limit=limit, service=service, method=method, status=status
        )
        if _is_json(context):
            _print_json(
                [
                    {
                        "method": each.method.value,
                        "path": each.path,
                        "summary": each.summary,
                        "status": each.status.value,
                        "service": each.service,
                        "risk": list(each.labels),
                        "score": each.score,
                    }
                    for each in found
                ]
            )
        elif found:
            rows = [
                (
                    each.method.value,
                    each.path,
                    each.status.value.lower(),
                    ", ".join(each.labels),
                    each.summary,
                )
                for each in found
            ]
            Terminal(sys.stdout).table(("method", "path", "status", "risk", "summary"), rows)
        else:
            Terminal(sys.stderr).line("Nothing was found.")


@catalog.command("describe", short_help="Tell what operations take and answer.", params=_params())
@click.argument("operations", nargs=-1, required=True, metavar="OPERATION…")
@click.pass_context
def describe(context: click.Context, /, *, operations: tuple[str, ...], **_: object) -> None:
    """Tell what operations take and answer; each is a method and a path, in quotes or not.

    ovh-api-mcp catalog describe GET /v1/me "POST /v1/domain/zone/{zoneName}/record"
    """
    from ovh_api_mcp.catalog.describe import describe_operation

    with _errors_told(context), _opened(context) as file:
        described = [(each, describe_operation(file, each)) for each in _joined(operations)]
        if _is_json(context):
            _print_json([{"operation": each, "description": text} for each, text in described])
        else:
            out = Terminal(sys.stdout)
            out.line(out.plain("\n\n".join(text for _, text in described)))


@catalog.command(
    "export",
    short_help="Write the OpenAPI document, as JSON or YAML.",
    params=[
        click.Option(
            ["--format", "form"],
            type=click.Choice(["json", "yaml"]),
            help="[default: by the name of the file, else json]",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Where to write it; standard output without.",
        ),
        *options("catalog", "log"),
    ],
)
@click.pass_context
def export(context: click.Context, /, *, form: str | None, output: Path | None, **_: object) -> None:
    """Write the OpenAPI 3.1 document of the whole API, as JSON or YAML."""
    with _errors_told(context), _opened(context) as file:
        is_yaml = form == "yaml" or (
            form is None and output is not None and output.suffix in (".yaml", ".yml")
        )
        pieces = _yaml_pieces(file) if is_yaml else file.document_pieces()
        if output is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            _write_file(output, pieces)


# --- what is asked for ------------------------------------------------------------------------


def _kept(context: click.Context) -> KeptCatalog:
    from ovh_api_mcp.cli.kept_catalog import KeptCatalog

    settings = load_settings(flags_of(context), read_environment(), default_log_level="warning")
    configure_logging(settings.log_level, Redactor(settings.secrets()))
    return KeptCatalog(settings)


@contextmanager
def _opened(context: click.Context) -> Iterator[CatalogFile]:
    """Yield the catalogue: the one in the cache, else one that is built now."""
    kept = _kept(context)
    with closing(_run(kept, kept.opened)) as file:
        yield file


def _run(kept: KeptCatalog, work: Callable[[ProgressBar], Coroutine[None, None, _T]]) -> _T:
    progress = ProgressBar(sys.stderr)

    async def run() -> _T:
        async with kept:
            return await work(progress)

    try:
        return asyncio.run(run())
    finally:
        progress.clear()


@contextmanager
def _errors_told(context: click.Context) -> Iterator[None]:
    """Tell an error and end with 1; settings that make no sense end with 2, as everywhere."""
    try:
        yield
    except SettingsError:
        raise
    except OvhMcpError as error:
        Terminal(sys.stderr).complain(error)
        context.exit(1)


def _is_json(context: click.Context) -> bool:
    """Tell whether JSON was asked for, before the command's name or behind it."""
    parent = context.parent.params.get("as_json") if context.parent else None
    return bool(context.params.get("as_json") or parent)


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Yield operations; a method that stands alone goes with the path behind it."""
    method = ""
    for word in words:
        if word.upper() in _METHODS:
            method = word.upper()
        else:
            yield f"{method} {word}".strip()
            method = ""
    if method:
        yield method


# --- what is shown ----------------------------------------------------------------------------


def _print_status(context: click.Context) -> None:
    with _errors_told(context):
        kept = _kept(context)
        told = _run(kept, kept.status)
        if _is_json(context):
            _print_json(told.as_json())
        else:
            Terminal(sys.stdout).table(("catalogue", told.state), told.rows())
            _show_failed(list(told.failed.items()))
        if told.state == "absent":
            Terminal(sys.stderr).line(_how_to_build(context))
            context.exit(1)


def _how_to_build(context: click.Context) -> str:
    """Return what builds the catalogue that was asked for, with what chooses it."""
    flags = flags_of(context)
    if flags.endpoint == "simulator":
        return "The built-in simulator has another address each time, so its catalogue is never kept."
    chosen = (
        ("--endpoint", flags.endpoint),
        ("--services", flags.services),
        ("--cache-dir", flags.cache_dir),
    )
    given = "".join(f" {name} {shlex.quote(str(value))}" for name, value in chosen if value)
    return f"Build it with: ovh-api-mcp catalog refresh{given}"


def _show_failed(failed: Sequence[tuple[str, str]]) -> None:
    err = Terminal(sys.stderr)
    for name, reason in failed:
        err.line(f"{err.coloured(name, 'yellow')} could not be loaded: {err.plain(reason)}")


def _show_difference(out: Terminal, found: Difference) -> None:
    if not found:
        out.line("Nothing has changed.")
    changed = [(each.operation, ", ".join(each.parts)) for each in found.changed]
    for title, rows in (
        ("added", [(each, "") for each in found.added]),
        ("removed", [(each, "") for each in found.removed]),
        ("changed", changed),
        ("newly deprecated", [(each, "") for each in found.deprecated]),
    ):
        if rows:
            more = (
                f", of which {_SHOWN_CHANGES} are shown; --json has all" if len(rows) > _SHOWN_CHANGES else ""
            )
            out.table((f"{title}: {len(rows):,}{more}", ""), rows[:_SHOWN_CHANGES])


def _difference_json(found: Difference) -> JsonObject:
    return {
        "added": list(found.added),
        "removed": list(found.removed),
        "changed": [{"operation": each.operation, "parts": list(each.parts)} for each in found.changed],
        "newlyDeprecated": list(found.deprecated),
    }


def _print_json(value: JsonValue) -> None:
    import msgspec

    out = Terminal(sys.stdout)
    out.line(out.json(msgspec.json.encode(value).decode()))


def _yaml_pieces(file: CatalogFile) -> Iterator[bytes]:
    import msgspec

    from ovh_api_mcp.cli.yaml_text import yaml_lines

    for line in yaml_lines(msgspec.json.decode(file.document())):
        yield f"{line}\n".encode()


def _write_file(output: Path, pieces: Iterator[bytes]) -> None:
    try:
        with output.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise CatalogError(
            f"{output} cannot be written: {error.strerror or error}.", code="cache-unusable"
        ) from error
