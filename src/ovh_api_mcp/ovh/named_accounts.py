"""Accounts by name, as they stand in OVHcloud's configuration files.

    [account shop]                  [ovh-ca]
    endpoint = ovh-eu               application_key = …
    client_id = …                   application_secret = …
    client_secret = …               consumer_key = …

Both are chosen by name: "shop", "ovh-ca". All of an account comes from one section of one file, the
strongest that has it, so that no file adds to the keys of another.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.ovh.conf_file import ConfFile, FoundValue
from ovh_api_mcp.ovh.credentials import CredentialName, Credentials, GivenValue, parse_credentials
from ovh_api_mcp.ovh.endpoints import ENDPOINT_NAMES, Endpoint, parse_endpoint
from ovh_api_mcp.ovh.keyring_store import secret_of

_log = logging.getLogger(__name__)

_PREFIX: Final = "account "
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEYS: Final = get_args(CredentialName)
_SHOWN_NAMES: Final = 8


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """One account: which API, and as whom; `name` is what scripts call it."""

    name: str
    endpoint: Endpoint
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """The section of an account: where it stands, and what is given there."""

    name: str
    file: ConfFile
    place: str
    endpoint_text: str
    given: Mapping[CredentialName, GivenValue]


def find_account(name: str, files: Sequence[ConfFile], *, with_credentials: bool = True) -> NamedAccount:
    """Return the account of a name; *Raises* SettingsError, `account-unknown` with the names there are."""
    block = find_block(name, files)
    endpoint = parse_endpoint(block.endpoint_text)
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
    return NamedAccount(name, endpoint, parse_credentials(block.given, endpoint))


def find_block(name: str, files: Sequence[ConfFile]) -> AccountBlock:
    """Return the section of an account, its values yet unchecked; *Raises* SettingsError."""
    if _NAME.fullmatch(name):
        for file in files:
            for section in (f"{_PREFIX}{name}", name):
                values = file.sections.get(section)
                if values is not None and (section != name or name in ENDPOINT_NAMES):
                    return _block(name, file, section, values)
    raise _unknown(name, files)


def section_to_keep(name: str, files: Sequence[ConfFile]) -> str:
    """Return the section that keys of an account go to, whether it is there or not.

    *Raises* SettingsError `account-unknown` for what can be no name.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{cut_foreign(name, 60)!r} is no name of an account: it takes letters, digits, dots, hyphens "
            "and underscores, 64 at most, and begins with a letter or a digit.",
            code="account-unknown",
        )
    section = f"{_PREFIX}{name}"
    is_endpoint = name in ENDPOINT_NAMES and not any(section in file.sections for file in files)
    return name if is_endpoint else section


def _block(name: str, file: ConfFile, section: str, values: Mapping[str, str]) -> AccountBlock:
    place = f"{file.path} [{section}]"
    wrong = next((key for key in values if key not in ("endpoint", *_KEYS)), None)
    if wrong is not None and section != name:
        raise SettingsError(
            f"{place} has the key {cut_foreign(wrong, 40)}, which no account has. It takes endpoint, "
            f"{', '.join(_KEYS)}.",
            code="config-file-invalid",
        )
    text = values.get("endpoint", "eu") if section != name else name
    if "://" in text and file.is_of_current_directory:
        raise SettingsError(
            f"{place} has a URL as its endpoint, and a file in the current directory may not lead "
            "keys to one. Move the section to ~/.ovh.conf.",
            code="endpoint-unknown",
        )
    given: dict[CredentialName, GivenValue] = {}
    for key in _KEYS:
        if key in values:
            given[key] = GivenValue(*secret_of(FoundValue(values[key], file, section, key)))
    return AccountBlock(name, file, place, text, given)


def _names(files: Sequence[ConfFile]) -> Iterator[str]:
    """Yield the names that could be chosen."""
    for file in files:
        for section, values in file.sections.items():
            name = section.removeprefix(_PREFIX)
            is_account = section.startswith(_PREFIX) and _NAME.fullmatch(name) is not None
            if is_account or (section in ENDPOINT_NAMES and any(key in values for key in _KEYS)):
                yield name


def _unknown(name: str, files: Sequence[ConfFile]) -> SettingsError:
    names = list(dict.fromkeys(_names(files)))
    more = ", …" if len(names) > _SHOWN_NAMES else ""
    known = f"There are {', '.join(names[:_SHOWN_NAMES])}{more}." if names else "No ovh.conf has any."
    return SettingsError(
        f"There is no account {cut_foreign(name, 60)!r}. {known} An account is a section [account NAME] of "
        "ovh.conf with endpoint and keys, or a section with the name of an endpoint.",
        code="account-unknown",
    )
