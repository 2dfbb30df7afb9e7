"""Where a server takes its endpoint and its credentials from, as doctor tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ovh_api_mcp.ovh.account_names import misnamed_sections
from ovh_api_mcp.ovh.conf_file import conf_paths, find_endpoint, load_conf_files
from ovh_api_mcp.ovh.credentials import CredentialName
from ovh_api_mcp.ovh.key_names import KEY_OPTIONS
from ovh_api_mcp.ovh.named_accounts import find_block
from ovh_api_mcp.settings.accounts import account_names, find_endpoint_of, given_values
from ovh_api_mcp.settings.flags import Flags
from ovh_api_mcp.settings.given import ACCOUNT, ENDPOINT, given_of
from ovh_api_mcp.settings.settings import Settings, load_settings

_OF_ACCOUNTS: Final = frozenset({ACCOUNT.variable, *(variable for _, variable in KEY_OPTIONS.values())})


@dataclass(frozen=True, slots=True)
class Origins:
    """Where endpoint and credentials come from, in words, and what may be shown of each.

    `files` are the files of OVHcloud that were read, the strongest first; `misnamed` are the places of
    sections there that are meant as accounts, and can be none for their names; `place` is the section of an
    account that was chosen by name, "" where none was.
    """

    endpoint: str
    endpoint_text: str
    credentials: Mapping[CredentialName, str]
    shown: Mapping[str, str]
    files: tuple[Path, ...] = ()
    misnamed: tuple[str, ...] = ()
    place: str = ""

    def sources(self) -> dict[str, str]:
        """Return `credentials` for who looks names up that may be none."""
        return dict(self.credentials.items())


def chosen_accounts(flags: Flags, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the accounts that were chosen, none for that of all other settings.

    Raises SettingsError for too many.
    """
    return tuple(account_names(flags, given_of(environment)))


def load_shared_settings(flags: Flags, environment: Mapping[str, str]) -> tuple[Settings, Origins]:
    """Return the settings of a server whose accounts are chosen by name, without any of those.

    Raises SettingsError.
    """
    given = given_of(environment)
    files = load_conf_files(conf_paths(given.variable("HOME") or given.variable("USERPROFILE")))
    nobody = replace(
        flags,
        account=(),
        endpoint=None,
        app_key=None,
        app_secret=None,
        consumer_key=None,
        client_id=None,
        client_secret=None,
    )
    own = {name: value for name, value in environment.items() if name not in _OF_ACCOUNTS}
    settings = load_settings(nobody, own, config_paths=(), with_credentials=False)
    paths = tuple(file.path for file in files)
    return settings, Origins("", "", {}, {}, paths, tuple(misnamed_sections(files)))


def load_origins(flags: Flags, environment: Mapping[str, str]) -> Origins:
    """Return where a server that is started like this takes what from; *Raises* SettingsError."""
    given = given_of(environment)
    home = given.variable("HOME") or given.variable("USERPROFILE")
    files = load_conf_files(conf_paths(home))
    if names := account_names(flags, given):
        found_account = find_block(names[0], files)
        return Origins(
            found_account.endpoint_source or "default",
            found_account.endpoint_text,
            {name: value.source for name, value in found_account.given.items()},
            {name: value.value.ending() for name, value in found_account.given.items()},
            place=found_account.place,
        )
    endpoint, endpoint_text = find_endpoint_of(flags, given, files)
    found = find_endpoint(files)
    if (flags.endpoint or "").strip():
        source = ENDPOINT.flag
    elif given.variable(ENDPOINT.variable):
        source = ENDPOINT.variable
    else:
        source = found.source if found else "default"
    values = {} if endpoint.is_simulator else given_values(flags, given, files, endpoint, endpoint_text)
    return Origins(
        source,
        endpoint_text,
        {name: value.source for name, value in values.items()},
        {name: value.value.ending() for name, value in values.items()},
        tuple(file.path for file in files),
        tuple(misnamed_sections(files)),
    )
