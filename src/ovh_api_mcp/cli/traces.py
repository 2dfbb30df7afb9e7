"""What a login that is interrupted leaves behind, here and at OVHcloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ovh_api_mcp.cli.keys_file import KeysFile
from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.ovh.service_account import CLIENT_PATH

INTERRUPTED: Final = 130
"""The exit status. Source: 128 and the number of SIGINT, as shells have it."""


@dataclass(slots=True)
class Traces:
    """What has been asked for so far; changed by the login that goes on, read where it ends early."""

    key: Literal["none", "requested", "revoked"] = "none"
    may_have_made_client: bool = False


def tell_interrupted(err: Terminal, file: KeysFile, before: Mapping[str, str], traces: Traces) -> None:
    """Say what an interruption has left behind, here and at OVHcloud."""
    if file.values() != before:
        err.line(f"Interrupted. What was kept in {file.place} stays there.")
        return
    err.line("Interrupted. Nothing was stored.")
    match traces.key:
        case "requested":
            err.line(
                "The key that was requested cannot be used, and ends by itself: do not validate its link."
            )
        case "revoked":
            err.line("The key that was requested is revoked.")
    if traces.may_have_made_client:
        err.line(
            f"A service account may have been created: look with GET {CLIENT_PATH}, and delete it with "
            f"DELETE {CLIENT_PATH}/{{clientId}}."
        )
