"""Query string and headers of a call, as its operation declares them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from ovh_api_mcp.catalog.model import Operation
from ovh_api_mcp.errors import RefusedError, cut_foreign
from ovh_api_mcp.gate.refusal import quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.limits import HEADER_CHARS, QUERY_CHARS

_ALWAYS_ALLOWED_HEADERS: Final = re.compile(r"x-pagination-[a-z]+(?:-[a-z]+)*|x-schemas-version|pragma")
_HEADERS_TEXT: Final = "X-Pagination-*, X-Schemas-Version and Pragma"
# Visible Latin-1 with inner spaces; CR and LF would start another header.
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\xa0-\xff]*")
_AUTHENTICATION: Final = re.compile(r"authorization|cookie|x-ovh-.*|x-auth-.*")
_PAGING: Final = frozenset({"page", "pagesize", "limit", "offset", "perpage", "cursor", "size", "number"})


def query_string(query: Mapping[str, JsonValue]) -> str:
    """Return the query as it goes over the wire, without the question mark, "" for none.

    The order is that of `query`. null is left out, an array repeats its key, an object becomes
    JSON text (so do the API's own clients with iamTags). Which names there are is for the
    operation's schema to say. *Raises* RefusedError (invalid-call).
    """
    pairs: list[str] = []
    for name, value in query.items():
        if not _is_unicode(name):
            raise refusal("invalid-call", f"The query has the name {quoted(name)}, which no URL can hold.")
        pairs.extend(f"{quote(name, safe='')}={quote(text, safe='')}" for text in _texts(name, value))
    text = "&".join(pairs)
    if len(text) > QUERY_CHARS:
        raise refusal(
            "invalid-call",
            f"The query has {len(text)} characters on the wire, more than {QUERY_CHARS}. Ask in parts.",
        )
    return text


def header_lines(operation: Operation, headers: Mapping[str, JsonValue]) -> tuple[tuple[str, str], ...]:
    """Return the headers that a script may set, names in lower case; *Raises* RefusedError (invalid-call)."""
    declared = {parameter.name.lower() for parameter in operation.parameters if parameter.place == "header"}
    lines: dict[str, str] = {}
    for given, value in headers.items():
        name = given.lower()
        if name not in declared and not _ALWAYS_ALLOWED_HEADERS.fullmatch(name):
            raise _forbidden_header(given, sorted(declared))
        if name in lines:
            raise refusal("invalid-call", f"The header {quoted(given)} is given twice. Give it once.")
        if value is not None:
            lines[name] = _header_value(given, value)
    return tuple(lines.items())


def _texts(name: str, value: JsonValue) -> Iterator[str]:
    """Yield what one query parameter becomes: nothing for null, a text for each element of an array."""
    for element in value if isinstance(value, list) else [value]:
        if element is not None:
            yield _query_text(name, element)


def _query_text(name: str, value: JsonValue) -> str:
    try:
        text = scalar_text(value) if not isinstance(value, list | dict) else _json_text(value)
        if text is not None:
            text.encode()
            return text
    except (ValueError, RecursionError):
        pass  # a half surrogate, NaN, or nesting without end: the same advice for all
    raise refusal(
        "invalid-call",
        f"query.{cut_foreign(name, 60)} is {kind_of(value)} that cannot be written out. "
        "Give a string, a number, a boolean, or an array or object of them.",
    )


def _json_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in text)


def paging_hint(operation: Operation, names: Iterable[str]) -> str:
    """Return the advice for a list of v2 that is asked for a page, "" where it is not."""
    if operation.path.startswith("/v2/") and any(each.lower().replace("_", "") in _PAGING for each in names):
        return "Lists of v2 come in pages (X-Pagination-Size): ovh.list(path, { limit }) reads them all."
    return ""


def _forbidden_header(name: str, declared: list[str]) -> RefusedError:
    if _AUTHENTICATION.fullmatch(name.lower()):
        rule = "The server authenticates and signs every call itself; leave such headers out."
    else:
        own = [header for header in declared if not _ALWAYS_ALLOWED_HEADERS.fullmatch(header)]
        rule = f"Allowed are {', '.join([*own, _HEADERS_TEXT])}."
    return refusal("invalid-call", f"The header {quoted(name)} is not allowed. {rule}", hint=rule)


def _header_value(name: str, value: JsonValue) -> str:
    text = scalar_text(value)
    if text is None:
        fault = f"is {kind_of(value)}; it must be a string, a number or a boolean"
    elif len(text) > HEADER_CHARS:
        fault = f"has {len(text)} characters; at most {HEADER_CHARS} are sent"
    elif not _HEADER_VALUE.fullmatch(text):
        fault = "holds a line break, a control character or one beyond Latin-1; it must be plain text"
    else:
        return text.strip(" \xa0")
    raise refusal("invalid-call", f"The header {quoted(name)} {fault}.")
