"""The settings that doctor checks, as far as they can be had: shared ones, and those of each account.

Invariant: what is wrong with one account keeps no other from being loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ovh_api_mcp.cli.check import Check
from ovh_api_mcp.cli.checks import log_in
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import (
    Flags,
    Origins,
    Settings,
    chosen_accounts,
    load_origins,
    load_settings,
    load_shared_settings,
    read_environment,
)

_CORRECT: Final = "Correct what is named there; the server does not start like this."


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as far as they could be had, and what the first check says of them.

    `account` is the name they were chosen by, "" where none was.
    """

    settings: Settings | None
    origins: Origins | None
    check: Check
    account: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether credentials are as they should be, too."""
        return self.check.state == "ok"


@dataclass(frozen=True, slots=True)
class AllLoaded:
    """What all checks share, and each account that was chosen by name; without any, they are one."""

    shared: Loaded
    accounts: tuple[Loaded, ...] = ()

    def secrets(self) -> list[Secret[str]]:
        """Return everything in here that must never be shown."""
        found = [each.settings for each in (self.shared, *self.accounts) if each.settings is not None]
        return [secret for settings in found for secret in settings.secrets()]


def load_all(flags: Flags) -> AllLoaded:
    """Load the settings; what is wrong with them is in the checks of what is returned."""
    environment = read_environment()
    try:
        names = chosen_accounts(flags, environment)
        shared = _load_shared(names, flags, environment) if names else _load(flags, environment)
    except SettingsError as error:
        return AllLoaded(Loaded(None, None, _failed(error)))
    accounts = (_load(replace(flags, account=(name,)), environment, account=name) for name in names)
    return AllLoaded(shared, tuple(accounts))


def _load_shared(names: Sequence[str], flags: Flags, environment: Mapping[str, str]) -> Loaded:
    settings, origins = load_shared_settings(flags, environment)
    return Loaded(settings, origins, Check("settings", "ok", f"accounts {', '.join(names)}"))


def _load(flags: Flags, environment: Mapping[str, str], *, account: str = "") -> Loaded:
    """Load all of the settings; where only the credentials are wrong, the rest can still be checked."""
    origins: Origins | None = None
    try:
        origins = load_origins(flags, environment)
        settings = load_settings(flags, environment)
    except SettingsError as error:
        check = _failed(error, account)
    else:
        return Loaded(settings, origins, _passed(settings, origins, account), account)
    try:
        return Loaded(load_settings(flags, environment, with_credentials=False), origins, check, account)
    except SettingsError:
        return Loaded(None, origins, check, account)


def _passed(settings: Settings, origins: Origins, account: str) -> Check:
    facts = f"endpoint {settings.endpoint.name}"
    return Check("settings", "ok", f"{facts}, from {origins.endpoint}" if account else facts)


def _failed(error: SettingsError, account: str = "") -> Check:
    next_step = error.hint or (log_in(account) if error.code == "credentials-half" else _CORRECT)
    return Check("settings", "failed", error.message, next_step, {"code": error.code})
