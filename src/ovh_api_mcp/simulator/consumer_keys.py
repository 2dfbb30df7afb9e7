"""Consumer keys: asked for, accepted by a person, limited by rules, revoked."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import translate

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import SIMULATOR_KEPT


class KeyState(StrEnum):
    """The states of OVH's auth.CredentialStateEnum that a simulated key can be in."""

    PENDING = "pendingValidation"
    VALIDATED = "validated"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A method and a path in which `*` stands for anything; "/me" and "/me/*" are two rules."""

    method: str
    path: str

    def allows(self, method: str, branch: str, path: str) -> bool:
        """Tell whether the rule covers a raw path without its branch.

        Rules of v1 leave the branch out; for v2 they may name it.
        """
        if method != self.method:
            return False
        pattern = re.compile(translate(re.sub(r"([\[?])", r"[\1]", self.path)))
        return bool(pattern.match(path) or pattern.match(f"/{branch}{path}"))


ALL_RIGHTS = tuple(AccessRule(method, "/*") for method in ("GET", "POST", "PUT", "DELETE"))


@dataclass(slots=True)
class ConsumerKey:
    """One key; `token` is in the address at which a person accepts it."""

    key: str
    number: int
    rules: tuple[AccessRule, ...]
    state: KeyState
    created_at_s: float
    token: str = ""
    redirection: str | None = None
    allowed_ips: tuple[str, ...] = ()
    last_use_s: float | None = field(default=None)
    expires_at_s: float | None = None

    def allows(self, method: str, branch: str, path: str) -> bool:
        return any(rule.allows(method, branch, path) for rule in self.rules)

    def accepts_address(self, address: str) -> bool:
        """Tell whether the key works from a client's address."""
        if not self.allowed_ips:
            return True
        networks = [ipaddress.ip_network(block, strict=False) for block in self.allowed_ips]
        return any(ipaddress.ip_address(address) in network for network in networks)

    def to_json(self) -> JsonObject:
        """Return the key as auth.ApiCredential shows it."""
        rules: list[JsonValue] = [{"method": rule.method, "path": rule.path} for rule in self.rules]
        return {
            "credentialId": self.number,
            "applicationId": 1,
            "allowedIPs": list(self.allowed_ips) or None,
            "creation": _iso(self.created_at_s),
            "expiration": None if self.expires_at_s is None else _iso(self.expires_at_s),
            "lastUse": None if self.last_use_s is None else _iso(self.last_use_s),
            "ovhSupport": False,
            "rules": rules,
            "status": self.state.value,
        }


class ConsumerKeys:
    """All consumer keys of the practice application.

    `lifetime_s` is what a person chooses who accepts one, None for no end; it is shown, not enforced.
    """

    def __init__(self, first: ConsumerKey) -> None:
        self._keys = {first.key: first}
        self._last = first.number
        self.lifetime_s: float | None = None

    def reset(self, first: ConsumerKey) -> None:
        """Know one key and no other."""
        self._keys = {first.key: first}
        self._last = first.number

    def find(self, key: str) -> ConsumerKey | None:
        return self._keys.get(key)

    def request(
        self,
        rules: Sequence[AccessRule],
        now_s: float,
        *,
        redirection: str | None = None,
        allowed_ips: Sequence[str] = (),
    ) -> ConsumerKey:
        """Return a new key that a person has yet to accept; beyond the bound the oldest is forgotten."""
        self._last = number = self._last + 1
        made = ConsumerKey(
            key=f"simulated-consumer-key-{number}-{secrets.token_hex(8)}",
            number=number,
            rules=tuple(rules),
            state=KeyState.PENDING,
            created_at_s=now_s,
            token=secrets.token_urlsafe(32),
            redirection=redirection,
            allowed_ips=tuple(allowed_ips),
        )
        if len(self._keys) >= SIMULATOR_KEPT:
            del self._keys[list(self._keys)[min(1, len(self._keys) - 1)]]
        self._keys[made.key] = made
        return made

    def validate(self, token: str) -> ConsumerKey | None:
        """Accept the key whose address holds `token`."""
        found = next((key for key in self._keys.values() if key.token and key.token == token), None)
        if found is not None and found.state is KeyState.PENDING:
            found.state = KeyState.VALIDATED
            if self.lifetime_s is not None:
                found.expires_at_s = found.created_at_s + self.lifetime_s
        return found

    def numbered(self, number: int) -> ConsumerKey | None:
        """Return the key with a credentialId."""
        return next((key for key in self._keys.values() if key.number == number), None)

    def all(self) -> list[ConsumerKey]:
        """Return every key, the practice account's own first."""
        return list(self._keys.values())

    def remove(self, number: int) -> bool:
        """Forget a key, as if it had never been made; tell whether it was there."""
        left = {key: each for key, each in self._keys.items() if each.number != number}
        is_found = len(left) < len(self._keys)
        self._keys = left
        return is_found

    def revoke(self, key: str) -> None:
        """Make a key useless from now on."""
        if key in self._keys:
            self._keys[key].state = KeyState.EXPIRED


def _iso(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="seconds")
