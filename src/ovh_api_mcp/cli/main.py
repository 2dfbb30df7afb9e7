"""The command `ovh-api-mcp`: finds the command that is meant, and turns errors into one line.

A command's module is imported when it is run, so that `--help` and `--version` need nothing that
is slow to start.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Final

import click

from ovh_api_mcp import __version__
from ovh_api_mcp.cli.options import options
from ovh_api_mcp.errors import OvhMcpError

# Name -> module, object in it, and what `--help` says, which must not cost an import.
_COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "serve": ("ovh_api_mcp.cli.serve", "serve", "Serve MCP clients. This is what happens without a command."),
    "search": (
        "ovh_api_mcp.cli.run",
        "search",
        "Run one script over the API's document and print its result.",
    ),
    "execute": ("ovh_api_mcp.cli.run", "execute", "Run one script that calls the API and print its result."),
    "login": (
        "ovh_api_mcp.cli.login",
        "login",
        "Get a key for your OVHcloud account, and keep it where the server finds it.",
    ),
    "logout": ("ovh_api_mcp.cli.logout", "logout", "Revoke that key and forget it."),
    "doctor": (
        "ovh_api_mcp.cli.doctor",
        "doctor",
        "Check that the program can work here, and say what to do where it cannot.",
    ),
    "catalog": (
        "ovh_api_mcp.cli.catalog",
        "catalog",
        "Look into the catalogue of operations, renew it, compare it, export it.",
    ),
    "journal": ("ovh_api_mcp.cli.journal", "journal", "List the writes that were sent, and take one back."),
    "policy": ("ovh_api_mcp.cli.policy", "policy", "Try what --access and --policy say of calls."),
    "demo": ("ovh_api_mcp.cli.demo", "demo", "Show the whole way of a call on the built-in simulator."),
    "simulate": ("ovh_api_mcp.cli.simulate", "simulate", "Serve a simulated OVHcloud API to practise on."),
    "build-catalog": ("ovh_api_mcp.cli.build_catalog", "build_catalog", ""),
}
_HIDDEN: Final = frozenset({"build-catalog"})


class _Commands(click.Group):
    """Loads commands late; 2 says that the program could not start, 1 that nobody reads what it says."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][2]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OvhMcpError as error:
            from ovh_api_mcp.cli.terminal import Terminal  # late: only needed here

            Terminal(sys.stderr).complain(error)
            ctx.exit(2)
        except BaseExceptionGroup as group:
            # click ends quietly where the reader has gone, but does not look into the groups of tasks.
            _, other = group.split(BrokenPipeError)
            if other is not None:
                raise
            raise BrokenPipeError(errno.EPIPE, "the reader has gone") from group


@click.group(
    "ovh-api-mcp",
    cls=_Commands,
    params=options("transport", "api", "log"),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ovh-api-mcp", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context, /, **_: object) -> None:
    """Give a language model the whole OVHcloud API through the Model Context Protocol.

    Without a command it serves: over HTTP at http://127.0.0.1:3104/mcp, or with --transport stdio
    to the client that started it. Try it without an account: ovh-api-mcp demo.

    Options win over environment variables, those over OVH's own ovh.conf files. Options may stand
    before or after a command's name.
    """
    if context.invoked_subcommand is None:
        from ovh_api_mcp.cli.serve import run_server  # late: --help and --version get by without it

        run_server(context)


def main() -> None:
    """Run the command line; the process ends with its status."""
    program.main(prog_name="ovh-api-mcp")
