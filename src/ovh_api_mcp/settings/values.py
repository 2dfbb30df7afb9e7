"""Settings that are more than a number or a choice, each checked."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import platformdirs

from ovh_api_mcp import limits
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.gate.policy import ACCESS_MODES, ASKED_FOR, MAY_BE_ASKED_FOR, Access, Policy
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings.flags import ALL_SERVICES, HOST_DEFAULT, Flags
from ovh_api_mcp.settings.given import (
    ACCESS,
    ALLOW_SECRETS,
    ALLOWED_HOST,
    ASK,
    AUTH_TOKEN,
    CACHE_DIR,
    HOST,
    NO_JOURNAL,
    POLICY,
    SCHEMAS,
    SERVICES,
    STATE_DIR,
    Given,
    invalid,
)

_log = logging.getLogger(__name__)

_SERVICE: Final = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_BIND_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]{1,253}")
_HOST_HEADER: Final = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_BEARER: Final = re.compile(rf"[!-~]{{1,{limits.CREDENTIAL_CHARS}}}")


def bind_host(flag: str | None) -> str:
    host = (flag or "").strip().removeprefix("[").removesuffix("]") or HOST_DEFAULT
    if not _BIND_HOST.fullmatch(host):
        raise invalid(HOST, host, "takes an address or a name to bind, without scheme and port")
    return host


def service_roots(text: str) -> tuple[str, ...]:
    roots = [root for part in text.split(",") if (root := part.strip().strip("/"))]
    if "*" in roots or not text:
        return ALL_SERVICES
    wrong = next((root for root in roots if not _SERVICE.fullmatch(root)), None)
    if wrong is not None or not roots:
        rule = "takes * or roots of services with commas between, such as domain,me,dedicated/server"
        raise invalid(SERVICES, wrong or text, rule)
    return tuple(dict.fromkeys(roots))


def cache_directory(text: str, given: Given) -> Path | None:
    if text:
        home = given.variable("HOME") or "~"
        return Path(home) / text[2:] if text.startswith("~/") else Path(text).absolute()
    base = given.variable("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "ovh-api-mcp"
    path = platformdirs.user_cache_path("ovh-api-mcp", appauthor=False)
    if not path.is_absolute():  # a user without a home, as in some containers
        _log.warning("event=no-cache-directory next=%r", f"set {CACHE_DIR}")
        return None
    return path


def state_directory(flags: Flags, given: Given) -> Path | None:
    """Return where the journal is kept, None for no journal."""
    if flags.no_journal or given.switch(NO_JOURNAL):
        return None
    home = given.variable("HOME")
    if text := given.text(flags.state_dir, STATE_DIR):
        return Path(home or "~") / text[2:] if text.startswith("~/") else Path(text).absolute()
    base = given.variable("XDG_STATE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "ovh-api-mcp"
    if sys.platform == "linux" and Path(home).is_absolute():
        return Path(home) / ".local" / "state" / "ovh-api-mcp"
    return platformdirs.user_state_path("ovh-api-mcp", appauthor=False)


def auth_token(text: str) -> Secret[str] | None:
    if not text:
        return None
    if not _BEARER.fullmatch(text):
        raise SettingsError(
            f"{AUTH_TOKEN} holds a space, a line break or another character that no header can carry. "
            f"Take printable ASCII, at most {limits.CREDENTIAL_CHARS:,} characters.",
            code="setting-invalid",
        )
    return Secret(text)


def allowed_hosts(typed: Sequence[str], variable: str) -> tuple[str, ...]:
    parts = typed or variable.split(",")
    hosts = [host for part in parts if (host := part.strip().lower())]
    for host in hosts:
        if not _HOST_HEADER.fullmatch(host):
            rule = "takes names as in a Host header, such as mcp.example.com or mcp.example.com:8443"
            raise invalid(ALLOWED_HOST, host, rule)
    return tuple(dict.fromkeys(hosts))


def access_of(flags: Flags, given: Given) -> Access:
    return Access(
        mode=given.choice(flags.access, ACCESS, ACCESS_MODES, "full"),
        allows_secrets=flags.allow_secrets or given.switch(ALLOW_SECRETS),
        asks_for=_asked_for(given.text(flags.ask, ASK)),
        policy=_policy(given.text(flags.policy, POLICY)),
    )


def _asked_for(text: str) -> frozenset[str]:
    names = [name for part in text.split(",") if (name := part.strip().lower())]
    for name in names:
        if name not in MAY_BE_ASKED_FOR:
            rule = f"takes labels with commas between: {', '.join(MAY_BE_ASKED_FOR)}"
            raise invalid(ASK, name, rule)
    return frozenset(names) or ASKED_FOR


def _policy(text: str) -> Policy | None:
    if not text:
        return None
    from ovh_api_mcp.gate.policy_file import load_policy  # late: most have none

    policy, _ = load_policy(Path(text).expanduser().absolute())
    return policy


def own_risk_rules(text: str) -> str:
    if not text:
        return ""
    from ovh_api_mcp.catalog.risk import load_own_rules  # late: most have none

    return load_own_rules(Path(text).expanduser().absolute())


def schemas_directory(text: str | None) -> Path | None:
    if not text:
        return None
    path = Path(text).absolute()
    if not path.is_dir():
        raise invalid(SCHEMAS, text, "takes a directory of schemas, which must exist")
    return path
