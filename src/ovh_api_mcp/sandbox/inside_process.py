"""Starts a program of `sandbox.inside`: the zygote, or the trial of the walls."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Final, Literal

_CODE: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; from ovh_api_mcp.sandbox.inside.{} import main; main()"
)


async def start_inside(
    program: Literal["zygote", "trial"], *, channel: socket.socket
) -> asyncio.subprocess.Process:
    """Start `program` with its end of a socket pair as first argument; raises OSError."""
    # Contract: no environment and no descriptor but one end of the pair go into the process, so that
    # nothing secret is there to be found.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _CODE.format(program), str(channel.fileno()), *_import_path()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=(channel.fileno(),),
        env={},
        cwd="/",
        start_new_session=True,
    )


def _import_path() -> list[str]:
    """Return where this process imports from; relative places are left out."""
    return [str(Path(entry)) for entry in sys.path if Path(entry).is_absolute()]
