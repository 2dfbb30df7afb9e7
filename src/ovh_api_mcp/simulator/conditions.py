"""Conditional requests: who has the newest version of a schema already is told so, without its text.

Source: RFC 9110, sections 13.1.2, 13.1.3 and 13.2.2: If-None-Match counts before If-Modified-Since,
and what cannot be read as a date is ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime

from ovh_api_mcp.simulator.answers import Answer


def answer_schema(text: bytes, modified_s: float, headers: Mapping[str, str]) -> Answer:
    """Answer with a schema and its validators; with 304 where the request says that it is known."""
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    validators = {"ETag": etag, "Last-Modified": formatdate(modified_s, usegmt=True)}
    known = headers.get("if-none-match")
    is_known = _names(known, etag) if known is not None else _is_since(headers, modified_s)
    return Answer(304, b"", validators) if is_known else Answer(200, text, validators)


def _names(condition: str, etag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in condition.split(",")]
    return etag in tags or "*" in tags


def _is_since(headers: Mapping[str, str], modified_s: float) -> bool:
    try:
        since = parsedate_to_datetime(headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return int(modified_s) <= since.timestamp()
