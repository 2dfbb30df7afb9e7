"""`ovh-api-mcp build-catalog`: the process in which a server builds its catalogue.

It says on stdout how far it is (catalog/build_report.py), writes events like the server's to stderr,
and ends with the server: when its stdin, a pipe that the server holds, is closed. Invariant: it
needs no credentials and is given none.
`python -m ovh_api_mcp.cli.build_catalog` starts it with nothing else loaded.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import stat
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import click
import stamina.instrumentation

from ovh_api_mcp.catalog import build
from ovh_api_mcp.catalog.build_report import failure_line, progress_line
from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.catalog.validators import Fetched, Validators
from ovh_api_mcp.errors import ApiError, CatalogError
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.ovh.transport import HttpRequest, Transport
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Flags, load_settings, read_environment

_log = logging.getLogger(__name__)


@click.command("build-catalog", hidden=True)
@click.option("--endpoint-root", required=True, help="URL before /v1 and /v2, without a slash at its end.")
@click.option("--services", default="*", show_default=True, help="* or roots, separated by commas.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The file to write; its directory exists."
)
@click.option("--previous", type=click.Path(path_type=Path), help="A catalogue whose copies may stand in.")
@click.option("--risk-rules", default="", help="Lines that speak before those of catalog/risk_rules.txt.")
def build_catalog(
    endpoint_root: str, services: str, out: Path, previous: Path | None, risk_rules: str
) -> None:
    """Build a catalogue file and tell on stdout how far it is."""
    settings = load_settings(Flags(), read_environment(), config_paths=(), default_log_level="warning")
    configure_logging(settings.log_level, Redactor(settings.secrets()))
    stamina.instrumentation.set_on_retry_hooks([])  # a retry that helps is nobody's business
    # Nothing of a build is garbage before its end, and that is the process's own: collecting took 40 % of it.
    gc.disable()
    is_built = False
    try:
        is_built = asyncio.run(
            _build(settings.network, endpoint_root, services.split(","), out, previous, risk_rules)
        )
    except (asyncio.CancelledError, BrokenPipeError):  # the server is gone, or wants no more of it
        pass
    except Exception:  # noqa: BLE001  # the outermost handler of this process
        _log.exception("event=bug in=builder")
    sys.exit(0 if is_built else 1)


async def _build(
    network: NetworkOptions,
    endpoint_root: str,
    services: list[str],
    out: Path,
    previous: Path | None,
    risk_rules: str,
) -> bool:
    _end_with_the_server()
    transport = Transport(network=network)

    async def fetch(url: str, *, limit_bytes: int, known: Validators) -> Fetched:
        request = HttpRequest("GET", url, (("Accept", "application/json"), *known.conditions()))
        response = await transport.send(request, limit_bytes=limit_bytes)
        if response.status >= 400:
            raise ApiError(f"{url} answered with status {response.status}.", status=response.status)
        body = None if response.status == HTTPStatus.NOT_MODIFIED else response.body
        return Fetched(body, Validators.of(response.headers))

    try:
        await build.build_catalog(
            fetch,
            endpoint_root=endpoint_root,
            services=services,
            out=out,
            previous=previous,
            on_progress=_say_progress,
            risk_rules=risk_rules,
        )
    except CatalogError as error:
        _write(failure_line(error))
        return False
    finally:
        await transport.aclose()
    return True


def _say_progress(progress: BuildProgress) -> None:
    _write(progress_line(progress))


def _write(line: bytes) -> None:
    os.write(sys.stdout.fileno(), line)


def _end_with_the_server() -> None:
    """Cancel the build on SIGTERM, and when the server closes its end of stdin, even by dying."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # Windows has no such handlers; it ends processes outright
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return  # started by hand

    def watch() -> None:
        with suppress(OSError):
            while os.read(sys.stdin.fileno(), 4096):
                pass
        with suppress(RuntimeError):  # the loop is closed: the build is over
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=watch, name="watch-server", daemon=True).start()


if __name__ == "__main__":
    build_catalog.main()
