"""How this machine reaches the internet: proxy, exceptions from it, certificate authorities; no I/O."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ovh_api_mcp.secret import Secret


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """What HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR say; "" and () where unset.

    `https_proxy` is an http or https URL and a secret, because it may hold a password.
    """

    https_proxy: Secret[str] | None = None
    no_proxy: tuple[str, ...] = ()
    ssl_cert_file: str = ""
    ssl_cert_dir: str = ""

    def is_proxied(self, host: str, port: int) -> bool:
        """Tell whether an https request to `host` (no brackets) and `port` goes through the proxy."""
        if self.https_proxy is None:
            return False
        return not any(_is_exempt(host.lower().rstrip("."), port, entry) for entry in self.no_proxy)


def _is_exempt(host: str, port: int, entry: str) -> bool:
    """Tell whether a NO_PROXY entry names `host`: `*`, an address, a network, or a domain with all below it.

    Source: curl's manual on NO_PROXY; the form with a port is that of requests and Go.
    """
    if entry == "*":
        return True
    address = _address(host)
    if address is not None and "/" in entry:
        network = _network(entry)
        return network is not None and address in network
    name, entry_port = _split_port(entry)
    if entry_port is not None and entry_port != port:
        return False
    if address is not None:
        return address == _address(name)
    domain = name.lower().strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, int(rest[1:]) if rest[1:].isdecimal() else None
    name, colon, port = entry.rpartition(":")
    if colon and ":" not in name and port.isdecimal():
        return name, int(port)
    return entry, None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
