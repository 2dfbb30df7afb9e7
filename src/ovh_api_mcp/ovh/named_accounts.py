"""Accounts by name, as they stand in OVHcloud's configuration files.

    [account shop]                  [ovh-ca]
    endpoint = ovh-eu               application_key = …
    client_id = …                   application_secret = …
    client_secret = …               consumer_key = …

Both are chosen by name: "shop", "ovh-ca". All of an account comes from one section of one file, the
strongest that has it, so that no file adds to the keys of another. Where the section names no endpoint,
that of the same file's [default] counts, as in OVHcloud's tools, else eu.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.ovh.account_names import ACCOUNT_KEYS, is_account_name, section_of, unknown_account
from ovh_api_mcp.ovh.conf_file import ConfFile, FoundValue, find_endpoint, find_value
from ovh_api_mcp.ovh.credentials import CredentialName, Credentials, GivenValue, parse_credentials
from ovh_api_mcp.ovh.endpoints import ENDPOINT_NAMES, Endpoint, parse_endpoint
from ovh_api_mcp.ovh.keyring_store import secret_of

_log = logging.getLogger(__name__)

DEFAULT_ENDPOINT: Final = "eu"


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """One account: which API, and as whom; `name` is what scripts call it.

    `place` is the section that holds its keys, "" where they come from variables, options or elsewhere.
    """

    name: str
    endpoint: Endpoint
    credentials: Credentials
    place: str = ""


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """The section of an account: where it stands, and what is given there.

    `endpoint_source` is the place that names the endpoint, "" for the one that counts where none does.
    """

    name: str
    file: ConfFile
    place: str
    endpoint_text: str
    endpoint_source: str
    given: Mapping[CredentialName, GivenValue]


def find_account(name: str, files: Sequence[ConfFile], *, with_credentials: bool = True) -> NamedAccount:
    """Return the account of a name; *Raises* SettingsError, `account-unknown` with the names there are."""
    block = find_block(name, files)
    endpoint = parse_endpoint(block.endpoint_text, given_by=block.endpoint_source)
    if endpoint.is_simulator or not with_credentials:
        return NamedAccount(name, endpoint, None)  # a simulator brings its own
    if not block.given:
        raise SettingsError(
            f"{block.place} has no keys. Give it application_key, application_secret and consumer_key; "
            "client_id and client_secret; or access_token.",
            code="credentials-half",
        )
    if block.file.is_of_current_directory:
        _log.warning(
            "event=credentials-of-current-directory file=%s account=%s next=%r",
            *("./ovh.conf", name),
            "if you did not write that file, stop and remove it: calls would go to another account",
        )
    credentials = parse_credentials(block.given, endpoint, place=block.place, account=name)
    return NamedAccount(name, endpoint, credentials, block.place)


def find_block(name: str, files: Sequence[ConfFile]) -> AccountBlock:
    """Return the section of an account, its values yet unchecked; *Raises* SettingsError."""
    if is_account_name(name):
        for file in files:
            for section in (section_of(name), name):
                values = file.sections.get(section)
                if values is not None and (section != name or name in ENDPOINT_NAMES):
                    return _block(name, file, section, values)
    raise unknown_account(name, files)


def _block(name: str, file: ConfFile, section: str, values: Mapping[str, str]) -> AccountBlock:
    place = f"{file.path} [{section}]"
    wrong = next((key for key in values if key not in ("endpoint", *ACCOUNT_KEYS)), None)
    if wrong is not None and section != name:
        raise SettingsError(
            f"{place} has the key {cut_foreign(wrong, 40)}, which no account has. It takes endpoint, "
            f"{', '.join(ACCOUNT_KEYS)}.",
            code="config-file-invalid",
        )
    found = endpoint_in_section(file, section)
    if found and "://" in found.text and file.is_of_current_directory:
        raise SettingsError(
            f"{found.source} is a URL, and a file in the current directory may not lead keys to one. Move "
            f"{place} to ~/.ovh.conf.",
            code="endpoint-unknown",
        )
    given: dict[CredentialName, GivenValue] = {}
    for key in ACCOUNT_KEYS:
        if key in values:
            given[key] = GivenValue(*secret_of(FoundValue(values[key], file, section, key)))
    if section == name:
        return AccountBlock(name, file, place, name, place, given)
    text, source = (found.text, found.source) if found else (DEFAULT_ENDPOINT, "")
    return AccountBlock(name, file, place, text, source, given)


def endpoint_in_section(file: ConfFile, section: str) -> FoundValue | None:
    """Return the endpoint of an account's section, by the default of its file where it names none.

    Of no other file: that would lead keys to where their owner did not mean them to go.
    """
    return find_value([file], (section,), "endpoint") or find_endpoint([file])
