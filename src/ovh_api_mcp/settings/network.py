"""Proxies and certificates from the environment, and what a child process may see of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings.given import Given

_PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NO_PROXY_VARIABLES: Final = ("no_proxy", "NO_PROXY")
_CHILD_VARIABLES: Final = frozenset(
    {
        *(*_PROXY_VARIABLES, *_NO_PROXY_VARIABLES, "http_proxy", "HTTP_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME"),
        *("PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "TZ"),
        *("SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
        *("LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    }
)


def network_of(given: Given) -> NetworkOptions:
    proxy = given.variable(*_PROXY_VARIABLES)
    no_proxy = [entry.strip() for entry in given.variable(*_NO_PROXY_VARIABLES).split(",")]
    return NetworkOptions(
        https_proxy=_proxy(proxy) if proxy else None,
        no_proxy=tuple(entry for entry in no_proxy if entry),
        ssl_cert_file=given.variable("SSL_CERT_FILE"),
        ssl_cert_dir=given.variable("SSL_CERT_DIR"),
    )


def _proxy(text: str) -> Secret[str]:
    url = text if "://" in text else f"http://{text}"
    if not _is_proxy_url(url):
        raise SettingsError(
            "HTTPS_PROXY (or ALL_PROXY) is not the URL of a proxy that can be used. "
            "It takes http://host:port or https://host:port.",
            code="setting-invalid",
        )
    return Secret(url)


def _is_proxy_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0  # ValueError where it is no number
    except ValueError:
        return False
    is_plain = re.fullmatch("[!-~]+", url) is not None
    return is_plain and has_port and parts.scheme in ("http", "https") and bool(parts.hostname)


def proxy_secrets(network: NetworkOptions) -> Iterator[Secret[str]]:
    if network.https_proxy is not None:
        password = urlsplit(network.https_proxy.reveal()).password
        if password:
            yield Secret(password)
            yield Secret(unquote(password))


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name in _CHILD_VARIABLES or name.startswith("LC_")
    }
