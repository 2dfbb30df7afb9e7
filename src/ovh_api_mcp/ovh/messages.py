"""Requests to the OVH API and its answers: frozen and canonical, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ovh_api_mcp.catalog.model import Method


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


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer with a status below 300: `body` is valid JSON text, or b"" where there was none.

    `headers` has lower-case names.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    query_id: str
