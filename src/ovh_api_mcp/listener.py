"""Sockets to listen on, for the server and the simulator, and what is said when there is none.

One is bound before anything else is started or even imported, so that a port in use costs one line
and nothing has to be undone.
"""

from __future__ import annotations

import errno
import os
import socket

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import HTTP_CONNECTIONS


def bind_socket(host: str, port: int, *, port_setting: str = "--port") -> socket.socket:
    """Return a socket that listens on `host` and `port` (0: any free one).

    `port_setting` is how a user chooses another port. Raises SettingsError: `port-in-use` or
    `address-unusable`.
    """
    try:
        family, address = _resolve(host, port)
        # With its protocol named: only then asyncio sets TCP_NODELAY; answers would wait 40 ms for an ACK.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from error
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(HTTP_CONNECTIONS)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise _in_use(host, port, port_setting) from error
        raise _unusable(host, port, error) from error
    listener.settimeout(0)
    return listener


def http_url(host: str, listener: socket.socket) -> str:
    """Return the URL, without a slash at its end, of a server that was told to listen on `host`."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    ipv4_first = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = ipv4_first[0]
    return family, address


def _in_use(host: str, port: int, port_setting: str) -> SettingsError:
    return SettingsError(
        f"Port {port} on {host} is in use by another program.",
        code="port-in-use",
        hint=f"Stop the other program, or choose another port with {port_setting}.",
    )


def _unusable(host: str, port: int, error: Exception) -> SettingsError:
    reason = cut_foreign(error.strerror or str(error) if isinstance(error, OSError) else str(error))
    return SettingsError(
        f"The server cannot listen on {cut_foreign(host)}, port {port}: {reason}.",
        code="address-unusable",
        hint="--host takes an address of this machine, such as 127.0.0.1 or 0.0.0.0; --port a free port.",
    )
