"""The APIs that can be spoken to, by name or by root URL; no I/O.

Contract: `oauth2_origins` of an Endpoint is the only list of places an OAuth2 secret may go to. It is
fixed here, before anything was fetched; no answer of a server adds to it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.errors import SettingsError, cut_foreign, cut_to_end

_DISCOVERY_PATH: Final = "/auth/.well-known/openid-configuration"
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_PLACE_CHARS: Final = 120
_ROOT_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API: `root` is the URL before /v1 and /v2, without a slash at its end.

    `discovery_url` is "" where there is no OAuth2. `oauth2_origins` are of the form
    scheme://host[:port]. The simulator has a root only once it runs.
    """

    name: str
    root: str
    create_token_url: str
    discovery_url: str = ""
    oauth2_origins: frozenset[str] = frozenset()
    is_simulator: bool = False

    @property
    def region(self) -> str:
        """The region in URNs of this API's objects; eu where the name does not tell."""
        ending = self.name.rpartition("-")[2]
        return ending if ending in ("ca", "us") else "eu"


def _named(name: str, root: str, oauth2_hosts: Iterable[str] = ()) -> Endpoint:
    """Return the endpoint of one line of the table; the first OAuth2 host is the one of discovery."""
    origins = [f"https://{host}" for host in oauth2_hosts]
    discovery_url = origins[0] + _DISCOVERY_PATH if origins else ""
    return Endpoint(name, root, f"{root}/createToken/", discovery_url, frozenset(origins))


# Source: the endpoint tables of python-ovh and go-ovh.
_ENDPOINTS: Final = (
    _named("ovh-eu", "https://eu.api.ovh.com", ["www.ovh.com"]),
    _named("ovh-ca", "https://ca.api.ovh.com", ["www.ovh.ca", "ca.ovh.com"]),
    _named("ovh-us", "https://api.us.ovhcloud.com", ["us.ovhcloud.com"]),
    _named("kimsufi-eu", "https://eu.api.kimsufi.com"),
    _named("kimsufi-ca", "https://ca.api.kimsufi.com"),
    _named("soyoustart-eu", "https://eu.api.soyoustart.com"),
    _named("soyoustart-ca", "https://ca.api.soyoustart.com"),
)
_SIMULATOR: Final = Endpoint("simulator", root="", create_token_url="", is_simulator=True)
_ALIASES: Final = {"eu": "ovh-eu", "ca": "ovh-ca", "us": "ovh-us"}
_BY_NAME: Final = {endpoint.name: endpoint for endpoint in (*_ENDPOINTS, _SIMULATOR)}
ENDPOINT_NAMES: Final = (*_ALIASES, *_BY_NAME)


def parse_endpoint(text: str, *, given_by: str = "") -> Endpoint:
    """Return the endpoint of a name, in any case, or of a root URL.

    `given_by` is the place of a file that has it, "" for what an option or a variable gives.
    Raises SettingsError `endpoint-unknown`, which lists the names.
    """
    name = text.strip().lower()
    known = _BY_NAME.get(_ALIASES.get(name, name))
    if known is not None:
        return known
    if "://" in text:
        return url_endpoint(text.strip(), given_by=given_by)
    raise _unknown(f"There is no endpoint {cut_foreign(text, 60)!r}.", given_by)


def url_endpoint(url: str, *, given_by: str = "") -> Endpoint:
    """Return the endpoint whose API has its root at `url`: https, or http on a loopback address.

    OAuth2 goes to the same scheme, host and port alone. Raises SettingsError `endpoint-unknown`.
    """
    found = _ORIGIN.match(url)
    origin = origin_of(url)
    if found is None or origin is None or not _ROOT_PATH.fullmatch(url[found.end() :]):
        raise _unknown(
            "The URL of an endpoint is https://host[:port][/path], without user, query and fragment.",
            given_by,
        )
    if origin.startswith("http://") and not is_loopback(found["host"]):
        shown = cut_foreign(origin, 60)
        raise _unknown(
            f"{shown} is not encrypted, and http is for loopback addresses only. Use https.", given_by
        )
    root = origin + url[found.end() :].rstrip("/")
    return Endpoint(root, root, f"{root}/createToken/", root + _DISCOVERY_PATH, frozenset({origin}))


def origin_of(url: str) -> str | None:
    """Return scheme://host[:port] of an http or https URL in one spelling; None where it is no plain URL.

    Contract: strict on purpose. User information, a backslash or any other trick that parsers read
    in different ways gives None, so that a secret never follows the reading of a lenient one.
    """
    found = _ORIGIN.match(url)
    if found is None or url[found.end() :][:1] not in ("", "/"):
        return None
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), int(found["port"] or 0)
    if port > 65535:
        return None
    is_default = port in (0, 443 if scheme == "https" else 80)
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether `host` names this machine for certain: localhost, 127.0.0.0/8 or ::1."""
    bare = host.removeprefix("[").removesuffix("]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _unknown(fact: str, given_by: str) -> SettingsError:
    place = cut_to_end(given_by, _PLACE_CHARS)
    return SettingsError(
        f"{fact} {place or '--endpoint or OVH_ENDPOINT'} takes one of {', '.join(ENDPOINT_NAMES)}, "
        "or the root URL of an API.",
        code="endpoint-unknown",
    )
