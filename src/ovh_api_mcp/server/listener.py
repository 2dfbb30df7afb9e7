"""The socket of the HTTP server.

It is bound before anything else is started or even imported, so that a port in use costs one line
and nothing has to be undone.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

from ovh_api_mcp.errors import SettingsError, cut_foreign

MCP_PATH: Final = "/mcp"
_BACKLOG: Final = 128


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0: any free one).

    Raises:
        SettingsError: `port-in-use` or `address-unusable`.
    """
    family, address = _resolve(host, port)
    # With its protocol named: asyncio sets TCP_NODELAY only then, and answers would wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _unusable(host, port, error) from error
    listener.settimeout(0)
    return listener


def mcp_url(host: str, listener: socket.socket) -> str:
    """Return the URL at which clients reach a server that was told to listen on `host`."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}{MCP_PATH}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from error
    ipv4_first = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = ipv4_first[0]
    return family, address


def _unusable(host: str, port: int, error: Exception) -> SettingsError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return SettingsError(
            f"Port {port} on {host} is in use by another program.",
            code="port-in-use",
            hint="Stop the other program, or choose another port with --port or PORT.",
        )
    reason = cut_foreign(error.strerror or str(error) if isinstance(error, OSError) else str(error))
    return SettingsError(
        f"The server cannot listen on {cut_foreign(host)}, port {port}: {reason}.",
        code="address-unusable",
        hint="--host takes an address of this machine, such as 127.0.0.1 or 0.0.0.0; --port a free port.",
    )
