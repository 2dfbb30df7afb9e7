"""How the value of a setting is looked up: flags win over the environment, which is never written to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ovh_api_mcp import limits
from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.settings.flags import PORT_DEFAULT


@dataclass(frozen=True, slots=True)
class Option:
    """The names of one setting; "" where it has none of the kind."""

    flag: str
    variable: str = ""

    def __str__(self) -> str:
        return " or ".join(name for name in (self.flag, self.variable) if name)


@dataclass(frozen=True, slots=True)
class Number(Option):
    """A setting that is a whole number: what it is where nothing is given, and its bounds."""

    default: int = 0
    low: int = 0
    high: int = 0


ACCOUNT: Final = Option("--account", "OVH_ACCOUNT")
TRANSPORT: Final = Option("--transport", "OVH_TRANSPORT")
PORT: Final = Number("--port", "PORT", PORT_DEFAULT, 0, 65535)
HOST: Final = Option("--host")
ENDPOINT: Final = Option("--endpoint", "OVH_ENDPOINT")
SERVICES: Final = Option("--services", "OVH_SERVICES")
CACHE_DIR: Final = Option("--cache-dir", "OVH_CACHE_DIR")
CACHE_TTL: Final = Number(
    "--cache-ttl", "OVH_CACHE_TTL", limits.CATALOG_TTL_S_DEFAULT, 0, limits.CATALOG_TTL_S_MAX
)
MAX_CODE_SIZE: Final = Number(
    "--max-code-size", "OVH_MAX_CODE_SIZE", limits.CODE_BYTES_DEFAULT, 1, limits.CODE_BYTES_MAX
)
MAX_RESULT_TOKENS: Final = Number(
    "--max-result-tokens",
    "OVH_MAX_RESULT_TOKENS",
    limits.RESULT_TOKENS_DEFAULT,
    limits.RESULT_TOKENS_MIN,
    limits.RESULT_TOKENS_MAX,
)
AUTH_TOKEN: Final = Option("--auth-token", "OVH_MCP_TOKEN")
ALLOW_ANONYMOUS: Final = Option("--allow-anonymous", "OVH_MCP_ALLOW_ANONYMOUS")
ALLOWED_HOST: Final = Option("--allowed-host", "OVH_MCP_ALLOWED_HOSTS")
VALIDATION: Final = Option("--validation", "OVH_VALIDATION")
ACCESS: Final = Option("--access", "OVH_ACCESS")
ASK: Final = Option("--ask", "OVH_ASK")
ALLOW_SECRETS: Final = Option("--allow-secrets", "OVH_ALLOW_SECRETS")
POLICY: Final = Option("--policy", "OVH_POLICY")
RISK_RULES: Final = Option("--risk-rules", "OVH_RISK_RULES")
QUESTION_TIMEOUT: Final = Number(
    "--question-timeout",
    "OVH_QUESTION_TIMEOUT",
    limits.QUESTION_TIMEOUT_S_DEFAULT,
    1,
    limits.QUESTION_TIMEOUT_S_MAX,
)
STATE_DIR: Final = Option("--state-dir", "OVH_STATE_DIR")
NO_JOURNAL: Final = Option("--no-journal", "OVH_NO_JOURNAL")
JOURNAL_STATE: Final = Option("--journal-state", "OVH_JOURNAL_STATE")
JOURNAL_DAYS: Final = Number(
    "--journal-days", "OVH_JOURNAL_DAYS", limits.JOURNAL_DAYS_DEFAULT, 1, limits.JOURNAL_DAYS_MAX
)
JOURNAL_SIZE: Final = Number(
    "--journal-size", "OVH_JOURNAL_SIZE", limits.JOURNAL_MIB_DEFAULT, 1, limits.JOURNAL_MIB_MAX
)
SCHEMAS: Final = Option("--schemas")
LOG_LEVEL: Final = Option("--log-level", "OVH_LOG_LEVEL")

_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_ChoiceT = TypeVar("_ChoiceT", bound=str)


@dataclass(frozen=True, slots=True)
class Given:
    """The environment without its empty values, and the rule that a flag wins over it."""

    environment: Mapping[str, str] = field(repr=False)

    def variable(self, *names: str) -> str:
        """Return the first of the variables that is set, else ""."""
        return next((self.environment[name] for name in names if name in self.environment), "")

    def text(self, flag: str | None, option: Option) -> str:
        """Return what was given for `option`, "" for nothing."""
        return (flag or "").strip() or self.variable(option.variable)

    def integer(self, flag: str | None, option: Number) -> int:
        text = self.text(flag, option)
        if not text:
            return option.default
        value = int(text) if re.fullmatch("[0-9]{1,18}", text) else -1
        if not option.low <= value <= option.high:
            raise invalid(option, text, f"takes a whole number from {option.low:,} to {option.high:,}")
        return value

    def choice(
        self, flag: str | None, option: Option, values: tuple[_ChoiceT, ...], default: _ChoiceT
    ) -> _ChoiceT:
        text = self.text(flag, option)
        if not text:
            return default
        for value in values:
            if value == text.lower():
                return value
        raise invalid(option, text, f"takes one of {', '.join(values)}")

    def switch(self, option: Option) -> bool:
        text = self.variable(option.variable)
        if text and text.lower() not in _SWITCH:
            raise invalid(option, text, f"takes one of {', '.join(_SWITCH)}")
        return bool(text) and _SWITCH[text.lower()]


def given_of(environment: Mapping[str, str]) -> Given:
    """Return what an environment gives; empty values count as absent."""
    return Given({name: value.strip() for name, value in environment.items() if value.strip()})


def invalid(option: Option, value: str, rule: str) -> SettingsError:
    return SettingsError(f"{option} is {cut_foreign(value, 60)!r}. It {rule}.", code="setting-invalid")
