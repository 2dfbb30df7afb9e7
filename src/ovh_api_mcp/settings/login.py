"""What login and logout start with: what is given and where it comes from, complete or not."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from ovh_api_mcp.ovh.account_names import section_to_keep
from ovh_api_mcp.ovh.conf_file import ConfFile, conf_paths, load_conf_files
from ovh_api_mcp.ovh.credentials import (
    CREDENTIAL_OPTIONS,
    CredentialName,
    Credentials,
    GivenValue,
    parse_credentials,
)
from ovh_api_mcp.ovh.endpoints import ENDPOINT_NAMES, Endpoint, parse_endpoint
from ovh_api_mcp.ovh.named_accounts import DEFAULT_ENDPOINT, endpoint_in_section
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings.accounts import account_names, find_endpoint_of, given_values
from ovh_api_mcp.settings.flags import Flags, LogLevelName
from ovh_api_mcp.settings.given import ACCOUNT, ENDPOINT, LOG_LEVEL, Given, given_of, invalid
from ovh_api_mcp.settings.network import network_of, proxy_secrets

_SIGNING: Final[tuple[CredentialName, ...]] = ("application_key", "application_secret", "consumer_key")


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """What login and logout start with: values of credentials may be missing, or of several kinds.

    `config_path` is the file that keys are kept in, None for a user without a home. `account` is the
    name that was chosen and `section` what it has in the file, "" for the account of an endpoint.
    """

    endpoint: Endpoint
    account: str
    section: str
    given: Mapping[CredentialName, GivenValue]
    config_path: Path | None
    log_level: LogLevelName
    network: NetworkOptions
    has_display: bool

    @property
    def has_own_key(self) -> bool:
        """Whether a consumer key was typed as an option: that is kept, any other is what login replaces."""
        key = self.given.get("consumer_key")
        return key is not None and key.source == CREDENTIAL_OPTIONS["consumer_key"][0]

    def signing_credentials(self) -> Credentials:
        """Return the three application keys, of which none may be missing; *Raises* SettingsError."""
        keys: dict[CredentialName, GivenValue] = {name: self.given[name] for name in _SIGNING}
        return parse_credentials(keys, self.endpoint)

    def secrets(self) -> tuple[Secret[str], ...]:
        """Return everything in here that must never be shown."""
        values = (value.value for name, value in self.given.items() if name != "client_id")
        return (*values, *proxy_secrets(self.network))


def load_login_settings(
    flags: Flags, environment: Mapping[str, str], *, config_path: Path | None = None
) -> LoginSettings:
    """Return what is given for login; `config_path` replaces OVHcloud's own files. Raises SettingsError."""
    given = given_of(environment)
    home = given.variable("HOME") or given.variable("USERPROFILE")
    # Contract: what lies in the current directory is never read here unless it was named.
    paths = conf_paths(home)[1:] if config_path is None else (config_path,)
    files = load_conf_files(paths)
    account, section = _chosen_account(flags, given, files)
    endpoint, endpoint_text = _endpoint_of(section, flags, given, files)
    own = Path(home) / ".ovh.conf" if home and Path(home).is_absolute() else None
    return LoginSettings(
        endpoint=endpoint,
        account=account,
        section=section,
        given=given_values(flags, given, files, endpoint, endpoint_text, is_login=True, section=section),
        config_path=config_path or own,
        log_level=given.choice(flags.log_level, LOG_LEVEL, get_args(LogLevelName), "warning"),
        network=network_of(given),
        has_display=_has_display(given),
    )


def _chosen_account(flags: Flags, given: Given, files: Sequence[ConfFile]) -> tuple[str, str]:
    """Return the name of the account to log in to, and its section; both "" where none is named."""
    names = account_names(flags, given)
    if len(names) > 1:
        raise invalid(ACCOUNT, ",".join(names), "takes one account here")
    return (names[0], section_to_keep(names[0], files)) if names else ("", "")


def _endpoint_of(section: str, flags: Flags, given: Given, files: Sequence[ConfFile]) -> tuple[Endpoint, str]:
    """Return the endpoint of the account in `section`, and how it was written."""
    if section in ENDPOINT_NAMES:
        if (typed := (flags.endpoint or "").strip()) and parse_endpoint(typed).name != section:
            raise invalid(ENDPOINT, typed, f"does not go with the account {section}")
        return parse_endpoint(section), section
    file = next((file for file in files if file.sections.get(section)), None) if section else None
    if file is None or (flags.endpoint or "").strip():
        return find_endpoint_of(flags, given, files)
    kept = endpoint_in_section(file, section)
    if kept is None:
        return parse_endpoint(DEFAULT_ENDPOINT), DEFAULT_ENDPOINT
    return parse_endpoint(kept.text, given_by=kept.source), kept.text


def _has_display(given: Given) -> bool:
    """Tell whether a browser that is opened would be seen: not over SSH, nor on a Linux without a desktop."""
    if given.variable("SSH_CONNECTION", "SSH_TTY"):
        return False
    return sys.platform in ("darwin", "win32") or bool(given.variable("DISPLAY", "WAYLAND_DISPLAY"))
