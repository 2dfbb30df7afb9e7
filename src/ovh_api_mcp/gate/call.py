"""What a script gave to `ovh.request`, parsed into a Call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import quote

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import RefusedError, cut_foreign
from ovh_api_mcp.gate.refusal import nearest_names, quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import PATH_CHARS

ValidationMode = Literal["strict", "warn"]
"""What becomes of a request that does not fit its schema: it is refused, or sent with a note."""

_OPTIONS: Final = ("method", "path", "params", "query", "body", "headers", "validate")
_OPTIONS_TEXT: Final = "Options: method, path, params, query, body, headers, validate."
_EXAMPLES: Final = {
    "params": 'params: { ip: "203.0.113.0/24" }',
    "query": 'query: { fieldType: "A" }',
    "headers": 'headers: { "X-Pagination-Size": 100 }',
}
# What the option is called in the HTTP libraries that scripts are usually written for.
_OTHER_NAMES: Final = {
    "data": "body",
    "json": "body",
    "payload": "body",
    "form": "body",
    "url": "path",
    "uri": "path",
    "endpointpath": "path",
    "route": "path",
    "verb": "method",
    "httpmethod": "method",
    "type": "method",
    "parameters": "params",
    "pathparams": "params",
    "searchparams": "query",
    "qs": "query",
    "querystring": "query",
    "queryparams": "query",
    "header": "headers",
}
_FIXED_AT_START: Final = frozenset({"endpoint", "region", "host", "server", "baseurl", "hostname"})
_DONE_BY_SERVER: Final = frozenset(
    {"auth", "token", "credentials", "apikey", "applicationkey", "consumerkey"}
)
_NO_METHOD: Final = {
    "PATCH": "OVH has no PATCH; PUT takes the fields to change.",
    "HEAD": "OVH has no HEAD; GET reads.",
}
_SHOWN_PATH_CHARS: Final = 200
_NAME: Final = re.compile(r"\{([^{}/]{1,100})\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a script asks for it, its options of the right kind and no more.

    `params` is None for a literal path; `body` is JSON text, None where the script gave none;
    `validate` is None where the server's own mode is good enough.
    """

    method: Method
    path: str
    params: Mapping[str, JsonValue] | None
    query: Mapping[str, JsonValue]
    headers: Mapping[str, JsonValue]
    body: bytes | None
    validate: ValidationMode | None = None


def parse_call(arguments: JsonObject, body: bytes | None) -> Call:
    """Return the Call in what a script gave to `ovh.request`; *Raises* RefusedError (invalid-call).

    `body` is JSON text, checked by whoever received it.
    """
    for key in arguments:
        if key not in _OPTIONS:
            raise _unknown_option(key)
    return Call(
        method=_parse_method(arguments.get("method")),
        path=_parse_path(arguments.get("path")),
        params=_parse_object("params", arguments.get("params")),
        query=_parse_object("query", arguments.get("query")) or {},
        headers=_parse_object("headers", arguments.get("headers")) or {},
        body=body,
        validate=_parse_validate(arguments.get("validate")),
    )


def describe_call(arguments: JsonObject) -> dict[str, str]:
    """Return method and path of whatever a script asked for, cut, to stand in the error it gets.

    Names in the path that `params` gives a value for are filled in.
    """
    method, path, params = arguments.get("method"), arguments.get("path"), arguments.get("params")
    described: dict[str, str] = {}
    if isinstance(method, str):
        described["method"] = cut_foreign(method.upper(), 16)
    if isinstance(path, str):
        whole = _filled(path[:PATH_CHARS], params) if isinstance(params, dict) else path
        described["path"] = cut_foreign(whole, _SHOWN_PATH_CHARS)
    return described


def _filled(path: str, params: Mapping[str, JsonValue]) -> str:
    def value(match: re.Match[str]) -> str:
        text = scalar_text(params.get(match[1]))
        return match[0] if text is None else quote(text[:_SHOWN_PATH_CHARS], safe="", errors="replace")

    return _NAME.sub(value, path)


def _unknown_option(key: str) -> RefusedError:
    bare = "".join(c for c in key[:32].lower() if c.isalnum())
    if bare in _FIXED_AT_START:
        rule = "the endpoint is chosen when the server starts (--endpoint, OVH_ENDPOINT), not by a script."
    elif bare in _DONE_BY_SERVER:
        rule = "the server authenticates every call itself; leave credentials out."
    else:
        meant = _OTHER_NAMES.get(bare) or next(iter(nearest_names(key, _OPTIONS)), "")
        rule = f"here it is called {meant}." if meant else "ovh.request has no such option."
    return refusal(
        "invalid-call", f"Unknown option {quoted(key)}: {rule} {_OPTIONS_TEXT}", hint=_OPTIONS_TEXT
    )


def _parse_method(value: JsonValue) -> Method:
    if value is None:
        raise refusal(
            "invalid-call",
            "The option method is missing: ovh.request must be told GET, POST, PUT or DELETE. "
            'Give for example method: "GET".',
            hint='Give method: "GET".',
        )
    if not isinstance(value, str):
        raise refusal(
            "invalid-call", f'method is {kind_of(value)}; it must be a string such as method: "GET".'
        )
    name = value.strip().upper()
    if name in Method.__members__:
        return Method(name)
    rule = _NO_METHOD.get(name, "OVH has GET, POST, PUT and DELETE.")
    raise refusal("invalid-call", f"method is {quoted(value)}. {rule}", hint=rule)


def _parse_validate(value: JsonValue) -> ValidationMode | None:
    if value is None:
        return None
    for mode in get_args(ValidationMode):
        if value == mode:
            return "warn" if mode == "warn" else "strict"
    given = quoted(value) if isinstance(value, str) else kind_of(value)
    raise refusal(
        "invalid-call",
        f'validate is {given}; it must be "strict", which refuses a request that does not fit its schema, '
        'or "warn", which sends it and notes the faults.',
        hint='Leave validate out, or give validate: "warn".',
    )


def _parse_path(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    fact = "The option path is missing" if value is None else f"path is {kind_of(value)}"
    raise refusal(
        "invalid-call",
        f'{fact}; it must be a string such as path: "/v1/domain/zone".',
        hint='Give path: "/v1/…" or "/v2/…".',
    )


def _parse_object(name: str, value: JsonValue) -> Mapping[str, JsonValue] | None:
    if value is None or isinstance(value, dict):
        return value
    raise refusal(
        "invalid-call", f"{name} is {kind_of(value)}; it must be an object such as {_EXAMPLES[name]}."
    )
