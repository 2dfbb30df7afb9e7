"""`ovh-api-mcp search CODE` and `ovh-api-mcp execute CODE`: one script, for people and shell pipelines.

The result goes to standard output, everything else to standard error; 1 says that the tool erred.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import NoReturn

import anyio
import click

from ovh_api_mcp.catalog.catalog import Waits
from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.terminal import ProgressBar, Terminal
from ovh_api_mcp.limits import BUILD_TIMEOUT_S
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.answers import ToolAnswer
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.execution import Tool
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Settings, load_settings, read_environment

_PATIENT = Waits(first_build_s=BUILD_TIMEOUT_S)  # a person sees the progress and can press Ctrl+C


@click.command("search", params=options("api", "log"))
@click.argument("code")
@click.pass_context
def search(context: click.Context, /, code: str, **_: object) -> None:
    """Run CODE, JavaScript `(spec) => result`, over the API's OpenAPI document; - reads standard input.

    ovh-api-mcp search '(spec) => Object.keys(spec.paths).length'
    """
    _run_and_exit(context, Tool.SEARCH, code)


_DRY_RUN = click.Option(
    ["--dry-run", "is_dry"], is_flag=True, help="Send no POST, PUT or DELETE; list what would have been sent."
)


@click.command("execute", params=[_DRY_RUN, *options("api", "log")])
@click.argument("code")
@click.pass_context
def execute(context: click.Context, /, code: str, *, is_dry: bool, **_: object) -> None:
    """Run CODE, JavaScript `async () => result`, which calls the API; - reads standard input.

    ovh-api-mcp execute 'async () => await ovh.request({ method: "GET", path: "/v1/me" })'
    """
    _run_and_exit(context, Tool.EXECUTE, code, is_dry=is_dry)


def _run_and_exit(context: click.Context, tool: Tool, code: str, *, is_dry: bool = False) -> NoReturn:
    # People are told what is wrong; the story of a run is for servers, and for who asks for it.
    settings = load_settings(flags_of(context), read_environment(), default_log_level="warning")
    redactor = Redactor(settings.secrets())
    configure_logging(settings.log_level, redactor)
    text = _read_code(settings.max_code_bytes) if code == "-" else code
    answer = anyio.run(partial(_run, settings, redactor, tool, text, is_dry=is_dry))
    _show(answer)
    context.exit(1 if answer.is_error else 0)


def _read_code(limit_bytes: int) -> str:
    """Return standard input; one byte beyond the limit is enough to be told so."""
    return sys.stdin.buffer.read(limit_bytes + 1).decode(errors="replace")


async def _run(settings: Settings, redactor: Redactor, tool: Tool, code: str, *, is_dry: bool) -> ToolAnswer:
    progress = ProgressBar(sys.stderr)
    try:
        async with App.open(settings, redactor, waits=_PATIENT) as app:
            return await app.execution.run(tool, code, progress.report, is_dry=is_dry)
    finally:
        progress.clear()


def _show(answer: ToolAnswer) -> None:
    result, *asides = answer.texts
    out, err = Terminal(sys.stdout), Terminal(sys.stderr)
    for aside in asides:
        err.line(err.faint(aside))
    if answer.is_error:
        err.line(err.coloured(result, "red"))
    else:
        out.line(out.json(result))
