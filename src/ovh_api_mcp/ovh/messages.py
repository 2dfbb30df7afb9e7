"""Requests to the OVH API and its answers: frozen and canonical, no I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ovh_api_mcp.catalog.model import Method


def _unbounded() -> float:
    return math.inf


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a request, among those who take turns, and how much time they have left, in seconds."""

    name: str = ""
    time_left_s: Callable[[], float] = _unbounded


NOBODY: Final = Sender()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request may be sent, for whoever keeps a record: its operation, labels, and who let it through.

    `why` follows "because"; `before` is what a GET of the same path answered last, None where that is
    not known; `hidden` are names of fields that hold secrets, by the schemas of the operation.
    """

    template: str = ""
    labels: tuple[str, ...] = ()
    by: str = ""
    why: str = ""
    before: bytes | None = field(default=None, repr=False)
    hidden: frozenset[str] = frozenset()


WITHOUT_REASON: Final = Reason()


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that the gate let through.

    `target` is path and query exactly as they go over the wire: it begins with /v1 or /v2 and
    every octet outside RFC 3986's unreserved and path characters is percent-encoded. `body` is
    None for no body, else JSON text in UTF-8, sent and signed byte for byte. `headers` holds only
    what a script may set, names in lower case.
    """

    method: Method
    target: str
    body: bytes | None
    headers: tuple[tuple[str, str], ...]
    is_authenticated: bool
    sender: Sender = field(default=NOBODY, compare=False, repr=False)
    reason: Reason = field(default=WITHOUT_REASON, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer with a status below 300: `body` is valid JSON text, or b"" where there was none.

    `headers` has lower-case names; `attempts` is how often it was asked for.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    query_id: str
    attempts: int = 1
