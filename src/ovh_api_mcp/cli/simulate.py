"""`ovh-api-mcp simulate`: a simulated OVH to practise against, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ovh_api_mcp.simulator import Simulator


@click.command("simulate")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=3105,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--schemas",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Directory of native OVH schemas (v1/index.json, v1/domain.json, …); its own small set by default.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="What the account has to begin with, as --state writes it; its own things by default.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Keep what the account has in this file: read at the start if it is there, written at the end.",
)
@click.option(
    "--control",
    is_flag=True,
    help="Answer requests to /_simulator/…, from this machine alone: faults, clock, keys, state.",
)
def simulate(
    port: int, host: str, schemas: Path | None, seed: Path | None, state: Path | None, *, control: bool
) -> None:
    """Serve a simulated OVH API with a practice account.

    It checks signatures and tokens as OVH does, keeps what is changed until it ends (or longer, with
    --state), and needs neither a network nor an account.
    """
    if state is not None and state.exists():
        seed = state
    asyncio.run(_serve(port, host, schemas, seed, state, is_controlled=control))


async def _serve(
    port: int, host: str, schemas: Path | None, seed: Path | None, state: Path | None, *, is_controlled: bool
) -> None:
    # Here and not above: the HTTP server takes time to import, and other commands do without it.
    from ovh_api_mcp.simulator import Simulator
    from ovh_api_mcp.simulator.control import ControlApi

    simulator = await Simulator.start(schemas=schemas, seed=seed, state=state, host=host, port=port)
    if is_controlled:
        ControlApi(simulator)
    interrupted = asyncio.Event()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
        click.echo(_describe(simulator))
        await interrupted.wait()
        simulator.save()
    finally:
        await simulator.aclose()


def _describe(simulator: Simulator) -> str:
    account = simulator.account
    signed = (
        f"OVH_ENDPOINT={simulator.url} OVH_APPLICATION_KEY={account.application_key} "
        f"OVH_APPLICATION_SECRET={account.application_secret} OVH_CONSUMER_KEY={account.consumer_key}"
    )
    oauth2 = (
        f"OVH_ENDPOINT={simulator.url} OVH_CLIENT_ID={account.client_id} "
        f"OVH_CLIENT_SECRET={account.client_secret}"
    )
    return f"""Simulated OVH API on {simulator.url} (Ctrl+C ends it)

  account             {account.nichandle}
  application key     {account.application_key}
  application secret  {account.application_secret}
  consumer key        {account.consumer_key}
  client id           {account.client_id}
  client secret       {account.client_secret}

The keys are practice values and open nothing else. To use them, in front of ovh-api-mcp:

  {signed}

or, with OAuth2:

  {oauth2}
"""
