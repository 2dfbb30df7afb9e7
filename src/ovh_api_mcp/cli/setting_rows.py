"""The settings as doctor shows them: each with where it comes from, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.cli.options import OptionNames, option_names
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import Flags, Origins

_DEFAULT: Final = "default"
# Contract: of these only the last characters are shown.
_KEYS: Final[Mapping[str, str]] = {
    "app_key": "application_key",
    "app_secret": "application_secret",
    "consumer_key": "consumer_key",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "access_token": "access_token",
}
_HIDDEN: Final = frozenset({*_KEYS, "auth_token"})
_OF_ACCOUNT: Final = frozenset({*_KEYS, "endpoint"})
_VALUE_CHARS: Final = 60
_ACCESS_TOKEN: Final = OptionNames("access-token", "OVH_ACCESS_TOKEN", "")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: what it is called, what it is, and where that comes from."""

    name: str
    value: str
    source: str
    account: str = ""

    @property
    def title(self) -> str:
        """Its name with that of the account it belongs to."""
        return f"{self.name} ({self.account})" if self.account else self.name

    @property
    def is_given(self) -> bool:
        return self.source != _DEFAULT

    def as_json(self) -> JsonObject:
        told: JsonObject = {"name": self.name, "value": self.value, "source": self.source}
        return {**told, "account": self.account} if self.account else told


def setting_rows(flags: Flags, environment: Mapping[str, str], origins: Origins | None) -> list[SettingRow]:
    """Return every setting; `origins` is None where files could not be read."""
    names = [*option_names(), _ACCESS_TOKEN]
    return [_row(each, flags, environment, origins) for each in names]


def shared_rows(flags: Flags, environment: Mapping[str, str]) -> list[SettingRow]:
    """Return the settings that are no account's, where accounts were chosen by name."""
    names = [each for each in option_names() if each.field not in _OF_ACCOUNT]
    return [_row(each, flags, environment, None) for each in names]


def account_rows(account: str, origins: Origins | None) -> list[SettingRow]:
    """Return endpoint and credentials of one account; `origins` is None where it could not be read."""
    if origins is None:
        return []
    endpoint = cut_foreign(origins.endpoint_text, _VALUE_CHARS)
    sources = origins.sources()
    keys = [
        SettingRow(field.replace("_", "-"), origins.shown[key], sources[key], account)
        for field, key in _KEYS.items()
        if key in sources
    ]
    return [SettingRow("endpoint", endpoint, origins.endpoint, account), *keys]


def _row(
    names: OptionNames, flags: Flags, environment: Mapping[str, str], origins: Origins | None
) -> SettingRow:
    shown_name = names.flag.removeprefix("--")
    key = _KEYS.get(names.field, "")
    sources = origins.sources() if origins is not None else {}
    if origins is not None and key in sources:
        return SettingRow(shown_name, origins.shown[key], sources[key])
    if typed := getattr(flags, names.field, None):
        text, source = _text(typed), names.flag
    elif names.variable and (text := environment.get(names.variable, "").strip()):
        source = names.variable
    elif names.field == "endpoint" and origins is not None and origins.endpoint != _DEFAULT:
        return SettingRow(shown_name, cut_foreign(origins.endpoint_text, _VALUE_CHARS), origins.endpoint)
    else:
        return SettingRow(shown_name, names.default, _DEFAULT)
    value = Secret(text).ending() if names.field in _HIDDEN else cut_foreign(text, _VALUE_CHARS)
    return SettingRow(shown_name, value, source)


def _text(typed: object) -> str:
    if isinstance(typed, tuple):
        return ",".join(map(str, typed))
    return "on" if typed is True else str(typed)
