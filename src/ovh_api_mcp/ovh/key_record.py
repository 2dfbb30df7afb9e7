"""The record of a consumer key as the API shows it to the key itself; no I/O."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.limits import LOGIN_RULES

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.Z+-]{5,20}")
_SHOWN_CHARS: Final = 100


class KeyRule(msgspec.Struct, frozen=True):
    """Source: auth.AccessRule of OVH's schemas."""

    method: str = ""
    path: str = ""


class KeyRecord(msgspec.Struct, frozen=True):
    """Source: auth.ApiCredential of OVH's schemas."""

    status: str = ""
    expiration: str | None = None
    rules: list[KeyRule] = []

    @property
    def until(self) -> str:
        """The end of the key as an ISO date; "" for none, or one that cannot be read."""
        return self.expiration if self.expiration and _DATE.fullmatch(self.expiration) else ""

    def shown_rules(self) -> list[str]:
        """Return the rules as `GET /path`, cut to a bound."""
        return [cut_foreign(f"{rule.method} {rule.path}", _SHOWN_CHARS) for rule in self.rules[:LOGIN_RULES]]


def parse_key_record(body: bytes) -> KeyRecord:
    """Return what an answer of GET /v1/auth/currentCredential holds; an empty record for nonsense."""
    try:
        return msgspec.json.decode(body, type=KeyRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return KeyRecord()
