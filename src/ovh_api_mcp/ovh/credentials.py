"""The three kinds of credentials, and which of them a set of values makes; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from ovh_api_mcp.errors import SettingsError, cut_to_end
from ovh_api_mcp.limits import CREDENTIAL_CHARS
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.secret import Secret


@dataclass(frozen=True, slots=True)
class ApplicationCredentials:
    """Keys that sign each request."""

    application_key: str = field(repr=False)
    application_secret: Secret[str]
    consumer_key: Secret[str]


@dataclass(frozen=True, slots=True)
class ServiceAccountCredentials:
    """An OAuth2 client that gets its own access tokens."""

    client_id: str = field(repr=False)
    client_secret: Secret[str]


@dataclass(frozen=True, slots=True)
class AccessTokenCredentials:
    """A ready OAuth2 access token, which cannot be renewed."""

    access_token: Secret[str]


Credentials: TypeAlias = ApplicationCredentials | ServiceAccountCredentials | AccessTokenCredentials | None

CredentialName = Literal[
    "application_key", "application_secret", "consumer_key", "client_id", "client_secret", "access_token"
]


@dataclass(frozen=True, slots=True)
class GivenValue:
    """One value and where it came from, in words for a message: "OVH_CLIENT_ID"."""

    value: Secret[str]
    source: str
    is_of_current_directory: bool = False


# How each value is given: flag and environment variable. The names are those of ovh.conf.
CREDENTIAL_OPTIONS: Final[dict[CredentialName, tuple[str, str]]] = {
    "application_key": ("--app-key", "OVH_APPLICATION_KEY"),
    "application_secret": ("--app-secret", "OVH_APPLICATION_SECRET"),
    "consumer_key": ("--consumer-key", "OVH_CONSUMER_KEY"),
    "client_id": ("--client-id", "OVH_CLIENT_ID"),
    "client_secret": ("--client-secret", "OVH_CLIENT_SECRET"),
    "access_token": ("", "OVH_ACCESS_TOKEN"),
}
_KINDS: Final[tuple[tuple[CredentialName, ...], ...]] = (
    ("application_key", "application_secret", "consumer_key"),
    ("client_id", "client_secret"),
    ("access_token",),
)
_PLACES_CHARS: Final = 150  # for all places that a message names, six at most
_IN_SECTION: Final = re.compile(r"(?P<place>.+\]) (?P<key>[a-z_]+(?: \(keyring\))?)")
_VALUE: Final = re.compile(rf"[!-~]{{1,{CREDENTIAL_CHARS}}}")


def parse_credentials(
    given: Mapping[CredentialName, GivenValue], endpoint: Endpoint, *, place: str = "", account: str = ""
) -> Credentials:
    """Return the one kind of credentials that the values make; None where there is no value at all.

    `place` is the section that all of them stand in, for an `account` that was chosen by name.
    Raises SettingsError `credentials-both`, `credentials-half`, or `setting-invalid` for a value that
    no header can hold and for OAuth2 where the endpoint has none; never with a value in its message.
    """
    kinds = [kind for kind in _KINDS if any(name in given for name in kind)]
    if not kinds:
        return None
    if len(kinds) > 1:
        raise _both(given, place)
    missing = [name for name in kinds[0] if name not in given]
    if missing:
        raise _half_of_account(given, missing, place, account) if place else _half(given, missing)
    for value in given.values():
        _check_value(value)
    if "application_key" not in given and not endpoint.discovery_url:
        raise SettingsError(
            f"{endpoint.name} has no OAuth2, but {_sources(given)} is set. It takes application key, "
            f"application secret and consumer key. Create them at {endpoint.create_token_url}",
            code="setting-invalid",
        )
    return _build(given)


def secrets_of(credentials: Credentials) -> tuple[Secret[str], ...]:
    """Return what must never be shown of `credentials`."""
    match credentials:
        case ApplicationCredentials():
            return (credentials.application_secret, credentials.consumer_key)
        case ServiceAccountCredentials():
            return (credentials.client_secret,)
        case AccessTokenCredentials():
            return (credentials.access_token,)
        case None:
            return ()


def _build(given: Mapping[CredentialName, GivenValue]) -> Credentials:
    if "application_key" in given:
        return ApplicationCredentials(
            given["application_key"].value.reveal(),
            given["application_secret"].value,
            given["consumer_key"].value,
        )
    if "client_id" in given:
        return ServiceAccountCredentials(given["client_id"].value.reveal(), given["client_secret"].value)
    return AccessTokenCredentials(given["access_token"].value)


def _check_value(given: GivenValue) -> None:
    if not _VALUE.fullmatch(given.value.reveal()):
        raise SettingsError(
            f"{given.source} holds a space, a line break or another character that no key of OVHcloud has, "
            f"or more than {CREDENTIAL_CHARS:,} characters. Copy it again.",
            code="setting-invalid",
        )


def _both(given: Mapping[CredentialName, GivenValue], place: str) -> SettingsError:
    sources = f"{place} has {_names(given)}" if place else _sources(given)
    return SettingsError(
        f"More than one kind of credentials is set: {sources}. Keep one: application key, secret and "
        "consumer key; client id and secret; or an access token.",
        code="credentials-both",
    )


def _half_of_account(
    given: Mapping[CredentialName, GivenValue], missing: list[CredentialName], place: str, account: str
) -> SettingsError:
    hint = f"ovh-api-mcp login --account {account}"
    if "client_id" in given or "client_secret" in given:
        hint += " --service-account"
    hint = f"Add what is missing there, or get it with: {hint}"
    return SettingsError(
        f"Half of the credentials is missing: {place} has {_names(given)}, but not "
        f"{', '.join(missing)}. {hint}",
        code="credentials-half",
        hint=hint,
    )


def _names(given: Mapping[CredentialName, GivenValue]) -> str:
    return ", ".join(name for name in CREDENTIAL_OPTIONS if name in given)


def _half(given: Mapping[CredentialName, GivenValue], missing: list[CredentialName]) -> SettingsError:
    wanted = ", ".join(_option_text(name) for name in missing)
    return SettingsError(
        f"Half of the credentials is missing: {_sources(given)} is set, but not {wanted}. "
        "Set what is missing, or unset the rest.",
        code="credentials-half",
        hint="Get a consumer key with: ovh-api-mcp login" if missing == ["consumer_key"] else "",
    )


def _option_text(name: CredentialName) -> str:
    flag, variable = CREDENTIAL_OPTIONS[name]
    return f"{flag} or {variable}" if flag else variable


def _sources(given: Mapping[CredentialName, GivenValue]) -> str:
    """Return where the values come from; the keys of one section stand behind its place, said once."""
    by_place: dict[str, list[str]] = {}
    for source in (given[name].source for name in CREDENTIAL_OPTIONS if name in given):
        found = _IN_SECTION.fullmatch(source)
        place, key = (found["place"], found["key"]) if found else (source, "")
        by_place.setdefault(place, []).append(key)
    room_chars = _PLACES_CHARS // len(by_place)
    return ", ".join(
        f"{cut_to_end(place, room_chars)} {', '.join(keys)}".rstrip() for place, keys in by_place.items()
    )
