"""The field that a 400 is about, as far as the API's words and the operation tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from ovh_api_mcp.errors import ApiError
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.refusal import listed, nearest_names, quoted
from ovh_api_mcp.json_value import JsonValue

_IN_FRONT: Final = re.compile(r"\[([\w.-]{1,60})(?:\[[^\]]*\])?\]")
_STRANGERS: Final = re.compile(r"(?i)not described parameters?:?\s*\(([^)]{1,200})")
_NAMES_CHARS: Final = 140
_FIELD_KEYS: Final = ("field", "parameter", "property", "param")


def field_hint(asked: Asked, error: ApiError) -> str:
    """Return which field is wrong and what is right, "" where nothing tells.

    Source: OVH's messages: "[name] …" and "Received not described parameters: (…)".
    """
    takes = _names(asked)
    required = _required(asked)
    sent = _sent(asked)
    strangers = _strangers(error) or [name for name in sent if takes and name not in takes]
    if strangers:
        return _unknown(asked, strangers[0], takes, [name for name in takes if name not in sent])
    named = _named(error)
    missing = [name for name in required if name not in sent]
    if named in takes and named not in sent:
        missing = list(dict.fromkeys([named, *missing]))
    if missing and named not in sent:
        return _missing(asked, missing, takes)
    if named:
        return (
            f"Correct {quoted(named)}, which the API names; "
            f'ovh.describe("{asked.route.method} {asked.route.template}") gives its type.'
        )
    return ""


def _missing(asked: Asked, missing: Sequence[str], takes: Sequence[str]) -> str:
    are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    return (
        f"{listed(missing, _NAMES_CHARS)} {are} missing: {asked.route.method} {asked.route.template} "
        f"requires {them}. It takes {listed(takes, _NAMES_CHARS)}."
    )


def _unknown(asked: Asked, wrong: str, takes: Sequence[str], unused: Sequence[str]) -> str:
    near = nearest_names(wrong, unused or takes, 1)
    meant = f" Did you mean {quoted(near[0])}?" if near else ""
    known = f" It takes {listed(takes, _NAMES_CHARS)}." if takes else ""
    return f"Unknown field {quoted(wrong)} of {asked.route.method} {asked.route.template}.{meant}{known}"


def _names(asked: Asked) -> list[str]:
    """Return the names that may be given in the place where this call gives its own."""
    if asked.operation.has_body:
        return [field.name for field in asked.operation.body_fields]
    return [each.name for each in asked.operation.parameters if each.place == "query"]


def _required(asked: Asked) -> list[str]:
    if asked.operation.has_body:
        return [field.name for field in asked.operation.body_fields if field.required]
    return [each.name for each in asked.operation.parameters if each.place == "query" and each.required]


def _sent(asked: Asked) -> list[str]:
    if not asked.operation.has_body:
        return list(asked.call.query)
    try:
        body: JsonValue = msgspec.json.decode(asked.call.body or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return list(body) if isinstance(body, dict) else []


def _strangers(error: ApiError) -> list[str]:
    found = _STRANGERS.search(error.said)
    return [name.strip() for name in found[1].split(",") if name.strip()] if found else []


def _named(error: ApiError) -> str:
    """Return the field that the API names in its message or its details."""
    found = _IN_FRONT.search(error.said)
    if found:
        return found[1]
    details = error.details if isinstance(error.details, dict) else {}
    return next(_texts(details.get(key) for key in _FIELD_KEYS), "")


def _texts(values: Iterable[JsonValue]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and len(value) <= 60)
