"""`ovh-api-mcp serve`: settings, socket, then the server.

What can be wrong with the settings is found before anything is started, and before the slow
imports.
"""

from __future__ import annotations

from contextlib import closing

import click

from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.listener import bind_socket
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import check_exposure, load_settings, read_environment


@click.command("serve", params=options("transport", "api", "log"))
@click.pass_context
def serve(context: click.Context, /, **_: object) -> None:
    """Serve MCP clients until SIGINT, SIGTERM or, on stdio, the end of input."""
    run_server(context)


def run_server(context: click.Context) -> None:
    """Serve with the options of `context`; raises SettingsError for what is wrong with them."""
    settings = load_settings(flags_of(context), read_environment())
    check_exposure(settings)
    redactor = Redactor(settings.secrets())
    configure_logging(settings.log_level, redactor)
    if settings.transport == "stdio":
        from ovh_api_mcp.server.serve import serve_on_stdio  # late: it imports the MCP SDK

        serve_on_stdio(settings, redactor)
        return
    with closing(bind_socket(settings.host, settings.port, port_setting="--port or PORT")) as listener:
        from ovh_api_mcp.server.serve import serve_on_http  # late: it imports the MCP SDK

        serve_on_http(settings, redactor, listener)
