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
_VALUE_CHARS: Final = 60
_ACCESS_TOKEN: Final = OptionNames("access-token", "OVH_ACCESS_TOKEN", "")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: what it is called, what it is, and where that comes from."""

    name: str
    value: str
    source: str

    @property
    def is_given(self) -> bool:
        return self.source != _DEFAULT

    def as_json(self) -> JsonObject:
        return {"name": self.name, "value": self.value, "source": self.source}


def setting_rows(flags: Flags, environment: Mapping[str, str], origins: Origins | None) -> list[SettingRow]:
    """Return every setting; `origins` is None where files could not be read."""
    names = [*option_names(), _ACCESS_TOKEN]
    return [_row(each, flags, environment, origins) for each in names]


def _row(
    names: OptionNames, flags: Flags, environment: Mapping[str, str], origins: Origins | None
) -> SettingRow:
    shown_name = names.flag.removeprefix("--")
    key = _KEYS.get(names.field, "")
    if origins is not None and key in origins.credentials:
        return SettingRow(shown_name, origins.shown[key], origins.credentials[key])
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
