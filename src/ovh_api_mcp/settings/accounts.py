"""Endpoint and credentials of the accounts, from flags, environment and OVHcloud's files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from ovh_api_mcp import limits
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.account_names import how_to_name, misnamed_sections
from ovh_api_mcp.ovh.conf_file import ConfFile, find_endpoint, find_value
from ovh_api_mcp.ovh.credentials import (
    CREDENTIAL_OPTIONS,
    CredentialName,
    Credentials,
    GivenValue,
    parse_credentials,
)
from ovh_api_mcp.ovh.endpoints import Endpoint, parse_endpoint
from ovh_api_mcp.ovh.keyring_store import secret_of
from ovh_api_mcp.ovh.named_accounts import NamedAccount, find_account
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings.flags import DEFAULT_ACCOUNT, Flags
from ovh_api_mcp.settings.given import ACCOUNT, ENDPOINT, Given, invalid

_log = logging.getLogger(__name__)


def account_names(flags: Flags, given: Given) -> list[str]:
    """Return the names that were chosen, each once; *Raises* SettingsError for too many."""
    parts = flags.account or given.variable(ACCOUNT.variable).split(",")
    names = list(dict.fromkeys(name for part in parts if (name := part.strip())))
    if len(names) > limits.ACCOUNTS:
        raise invalid(ACCOUNT, ",".join(names), f"takes {limits.ACCOUNTS} accounts at most")
    return names


def accounts_of(
    flags: Flags, given: Given, files: Sequence[ConfFile], *, with_credentials: bool
) -> tuple[NamedAccount, ...]:
    """Return the accounts that were chosen by name, else the one that all other settings make."""
    if misnamed := misnamed_sections(files):
        _log.warning("event=account-sections-ignored next=%r", how_to_name(misnamed))
    names = account_names(flags, given)
    if not names:
        endpoint, text = find_endpoint_of(flags, given, files)
        credentials = _credentials(flags, given, files, endpoint, text) if with_credentials else None
        return (NamedAccount(DEFAULT_ACCOUNT, endpoint, credentials),)
    typed = (flags.endpoint, flags.app_key, flags.app_secret, flags.consumer_key)
    if any((*typed, flags.client_id, flags.client_secret)):
        raise SettingsError(
            f"{ACCOUNT} takes endpoint and keys from ovh.conf, and another option gives some, too. "
            "Leave one of them out.",
            code="setting-invalid",
        )
    return tuple(find_account(name, files, with_credentials=with_credentials) for name in names)


def find_endpoint_of(flags: Flags, given: Given, files: Sequence[ConfFile]) -> tuple[Endpoint, str]:
    """Return the endpoint and how it was written."""
    text = given.text(flags.endpoint, ENDPOINT)
    if text:
        return parse_endpoint(text), text
    found = find_endpoint(files)
    if found is None:
        return parse_endpoint("eu"), "eu"
    # Contract: whoever can write into a directory could otherwise lead the calls, and the signatures
    # on them, of everybody who starts the server there to a host of their choice.
    if "://" in found.text and found.file.is_of_current_directory:
        raise SettingsError(
            f"{found.source} is a URL, and a file in the current directory may only name an endpoint. "
            "Give a URL by --endpoint or OVH_ENDPOINT.",
            code="endpoint-unknown",
        )
    return parse_endpoint(found.text, given_by=found.source), found.text


def _credentials(
    flags: Flags, given: Given, files: Sequence[ConfFile], endpoint: Endpoint, endpoint_text: str
) -> Credentials:
    if endpoint.is_simulator:
        return None  # it brings its own account, and keys for OVHcloud are none of its business
    values = given_values(flags, given, files, endpoint, endpoint_text)
    _warn_of_current_directory(values)
    return parse_credentials(values, endpoint)


def given_values(
    flags: Flags,
    given: Given,
    files: Sequence[ConfFile],
    endpoint: Endpoint,
    endpoint_text: str,
    *,
    is_login: bool = False,
    section: str = "",
) -> dict[CredentialName, GivenValue]:
    """Return every value of credentials that is given, the strongest of each, with its place.

    Of files it looks at `section`, else at those of the endpoint. What the keyring does not give is missing
    for login, which can ask for it, and an error elsewhere.
    """
    of_endpoint = (endpoint.name, f"{endpoint.name}/", endpoint.name.removeprefix("ovh-"), endpoint_text)
    sections = (section,) if section else of_endpoint
    typed: dict[CredentialName, str | None] = {
        "application_key": flags.app_key,
        "application_secret": flags.app_secret,
        "consumer_key": flags.consumer_key,
        "client_id": flags.client_id,
        "client_secret": flags.client_secret,
    }
    values: dict[CredentialName, GivenValue] = {}
    for name, (flag, variable) in CREDENTIAL_OPTIONS.items():
        found = find_value(files, sections, name)
        if text := (typed.get(name) or "").strip():
            values[name] = GivenValue(Secret(text), flag)
        elif text := given.variable(variable):
            values[name] = GivenValue(Secret(text), variable)
        elif found is not None:
            if found.file.is_of_current_directory and "://" in endpoint.name:
                raise SettingsError(
                    f"{found.source} would send credentials to a URL, which a file in the current directory "
                    f"may not. Move the section to ~/.ovh.conf, or set {variable}.",
                    code="setting-invalid",
                )
            is_here = found.file.is_of_current_directory
            try:
                secret, source = secret_of(found)
            except SettingsError:
                if not is_login:
                    raise
                continue
            values[name] = GivenValue(secret, source, is_of_current_directory=is_here)
    return values


def _warn_of_current_directory(values: Mapping[CredentialName, GivenValue]) -> None:
    of_current_directory = [name for name, value in values.items() if value.is_of_current_directory]
    if of_current_directory:
        _log.warning(
            "event=credentials-of-current-directory file=%s sets=%s next=%r",
            *("./ovh.conf", ",".join(of_current_directory)),
            "if you did not write that file, stop and remove it: calls would go to another account",
        )
