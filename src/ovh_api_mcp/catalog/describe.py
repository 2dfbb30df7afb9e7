"""One operation as a model reads it best: its signature, what it answers, and a call to begin with.

    POST /v1/domain/zone/{zoneName}/record
    Create a new record
    path: {…}  query: {…}  body: {…}  answer: …
    status: PRODUCTION
    risk: write
    iam: dnsZone:apiovh:record/create
    example: await ovh.request({…})

It is shown in as much detail as fits DESCRIBE_TOKENS; what never fits is cut at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from ovh_api_mcp.catalog.find import nearest_operations
from ovh_api_mcp.catalog.model import Lifecycle, Method
from ovh_api_mcp.catalog.signature import Detail, Signature, example_value
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import CatalogError, RefusedError, cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import CHARS_PER_TOKEN, DESCRIBE_TOKENS, PATH_CHARS

_OPERATION: Final = re.compile(r"(?:([A-Za-z]+)\s+)?(/\S*)")
# Routes below the first two segments of a path; "0" is the character behind "/".
_ROUTES: Final = "SELECT path, method FROM operations WHERE path = ? OR (path > ? AND path < ?)"
_NEAREST: Final = 3
_SUMMARY_CHARS: Final = 200
_ACTIONS: Final = 3
_ACTION_CHARS: Final = 160
_NOTHING: Final = "void"
_FORM: Final = 'Give it as "GET /v1/…".'
_FIND: Final = 'ovh.find("words") looks for it.'

# From the richest; the answer gives way first, because a call is made without it.
_REQUESTS: Final = (
    Detail(2, 16, 60, 90), Detail(2, 16, 60, 50), Detail(2, 10, 60, 0), Detail(2, 8, 60, 0),
    Detail(2, 5, 40, 0), Detail(1, 4, 40, 0), Detail(1, 2, 25, 0),
)  # fmt: skip
_ANSWERS: Final = (
    Detail(2, 8, 60, 0), Detail(2, 4, 60, 0), Detail(2, 3, 60, 0), Detail(1, 3, 60, 0), Detail(1, 2, 25, 0),
    Detail(1, 1, 12, 0), Detail(0, 1, 0, 0),
)  # fmt: skip
_DETAILS: Final = tuple(
    (_REQUESTS[request], _ANSWERS[answer])
    for request, answer in (
        (0, 0), (0, 1), (0, 3), (1, 3), (1, 4), (2, 4), (2, 5), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6),
    )
)  # fmt: skip
_ABOUT_CHARS: Final = 600  # of the description, where there is room
_ABOUT_LEAST_CHARS: Final = 40  # less says nothing


class _Chosen(NamedTuple):
    """An operation and the path as it was asked for: the template itself, or one that matches it."""

    method: Method
    template: str
    path: str


def describe_operation(file: CatalogFile, operation: str) -> str:
    """Return what there is to know of "POST /v1/domain/zone/{zoneName}/record"; a concrete path will do.

    The method may be left out where the path has one only.

    Raises RefusedError: `invalid-call`, `unknown-operation` with the nearest ones,
    `method-not-allowed` with those there are. Cost: some milliseconds.
    """
    chosen = _chosen(file, operation)
    text = file.operation_json(chosen.method, chosen.template)
    described = _Described(file, chosen, _decoded(text))
    limit_chars = DESCRIBE_TOKENS * CHARS_PER_TOKEN
    shown = ""
    for request, answer in _DETAILS:
        shown = described.text(request, answer)
        if len(shown) <= limit_chars:
            return described.with_about(shown, limit_chars - len(shown))
    return shown[: limit_chars - 1] + "…"


# --- which operation --------------------------------------------------------------------------------


def _chosen(file: CatalogFile, operation: str) -> _Chosen:
    given = operation[: PATH_CHARS + 20].strip()
    match = _OPERATION.fullmatch(given)
    if match is None:
        raise _refused(
            f"{cut_foreign(given, 80)!r} names no operation.",
            code="invalid-call",
            hint=f"{_FORM[:-1]}; {_FIND}",
        )
    path = match.group(2).rstrip("/") or "/"
    templates = _templates(file, path)
    if not templates:
        raise _unknown(file, given, path, match.group(1) or "")
    best = min(templates, key=lambda template: [each.startswith("{") for each in template.split("/")])
    methods = templates[best]
    wanted = (match.group(1) or "").upper()
    if not wanted and len(methods) == 1:
        wanted = methods[0]
    if wanted not in methods:
        there_are = ", ".join(f"{each} {best}" for each in methods)
        raise _refused(
            f"{wanted + ' ' if wanted else ''}{best}: there are {cut_foreign(there_are, 240)}.",
            code="method-not-allowed" if wanted else "invalid-call",
        )
    return _Chosen(Method(wanted), best, path)


def _templates(file: CatalogFile, path: str) -> dict[str, list[str]]:
    """Return the templates that a path matches, each with its methods; one is itself alone."""
    root = "/".join(path.split("/")[:3])
    segments = path.split("/")
    matching: dict[str, list[str]] = {}
    for template, method in file.select(tuple[str, str], _ROUTES, root, f"{root}/", f"{root}0"):
        parts = template.split("/")
        if len(parts) == len(segments) and all(map(_fits, parts, segments)):
            matching.setdefault(template, []).append(method)
    return {path: matching[path]} if path in matching else matching


def _fits(part: str, segment: str) -> bool:
    return part == segment or (part.startswith("{") and segment != "")


def _unknown(file: CatalogFile, given: str, path: str, method: str) -> RefusedError:
    fact = f"The API has no operation {cut_foreign(given, 100)}."
    if absence := file.absences.of_path(path):
        return RefusedError(
            f"{cut_foreign(given, 100)} is not known. {absence}", code="unknown-operation", hint=absence.hint
        )
    nearest = nearest_operations(file, path, method, limit=_NEAREST)
    names = "; ".join(f"{each.method} {each.path}" for each in nearest)
    hint = f"The nearest: {names}." if names else "Nothing near it is known: look for it by words."
    return _refused(f"{fact} {hint}", code="unknown-operation", hint=hint)


def _refused(message: str, *, code: str, hint: str = _FORM) -> RefusedError:
    text = message if hint in message else f"{message} {hint}"
    match code:
        case "unknown-operation":
            return RefusedError(text, code="unknown-operation", hint=hint)
        case "method-not-allowed":
            return RefusedError(text, code="method-not-allowed", hint=hint)
        case _:
            return RefusedError(text, code="invalid-call", hint=hint)


# --- its text ---------------------------------------------------------------------------------------


class _Described:
    """Writes one operation in more or less detail."""

    def __init__(self, file: CatalogFile, chosen: _Chosen, operation: JsonObject) -> None:
        self._file = file
        self._chosen = chosen
        self._operation = operation
        self._schemas: dict[str, JsonObject] = {}

    def with_about(self, shown: str, room_chars: int) -> str:
        """Return the text with as much of the operation's description as fits, above the types."""
        about = self._operation.get("description")
        chars = min(room_chars - 1, _ABOUT_CHARS)
        if not isinstance(about, str) or chars < _ABOUT_LEAST_CHARS:
            return shown
        text = cut_foreign(about, chars)
        lines = shown.split("\n")
        head = 2 if self._operation.get("summary") else 1
        return "\n".join(
            [*lines[:head], *([text] if text and text != lines[head - 1] else []), *lines[head:]]
        )

    def text(self, request: Detail, answer: Detail) -> str:
        return "\n".join(self._lines(request, answer))

    def _lines(self, request: Detail, answer: Detail) -> Iterator[str]:
        yield f"{self._chosen.method} {self._chosen.template}"
        summary = self._operation.get("summary")
        if isinstance(summary, str) and summary:
            yield cut_foreign(summary, _SUMMARY_CHARS)
        asked = Signature(self._schema, request, is_request=True)
        for place in ("path", "query", "header"):
            fields = self._parameters(place)
            if fields:
                yield f"{place}: {asked.fields(fields)}"
        body = self._body()
        if body is not None:
            schema, is_required = body
            yield f"body{'' if is_required else '?'}: {asked.type_text(schema)}"
        yield f"answer: {self._answer(Signature(self._schema, answer, is_request=False))}"
        yield from self._facts()
        if errors := self._errors():
            yield f"errors: {errors}"
        yield f"example: {self._example()}"

    def _facts(self) -> Iterator[str]:
        listed = self._operation.get("x-ovh-list")
        if isinstance(listed, dict):
            yield f"list: {', '.join(f'{name} {cut_foreign(str(each))}' for name, each in listed.items())}"
        yield f"status: {self._status()}"
        labels = self._operation.get("x-ovh-risk")
        if isinstance(labels, list):
            yield f"risk: {cut_foreign(', '.join(map(str, labels)), 60)}"
        if self._operation.get("security") == []:
            yield "authentication: none"
        actions = [
            str(each["name"]) for each in _objects(self._operation.get("x-ovh-iam-actions")) if "name" in each
        ]
        if actions:
            more = f", … {len(actions) - _ACTIONS} more" if len(actions) > _ACTIONS else ""
            yield f"iam: {', '.join(cut_foreign(each, _ACTION_CHARS) for each in actions[:_ACTIONS])}{more}"

    def _status(self) -> str:
        status = self._operation.get("x-ovh-status")
        if not isinstance(status, dict):
            return Lifecycle.PRODUCTION
        shown = [cut_foreign(str(status.get("value", "")), 30)]
        for name, words in (
            ("deprecatedDate", "since"),
            ("deletionDate", "to be deleted"),
            ("replacement", "use"),
        ):
            if isinstance(status.get(name), str):
                shown.append(f"{words} {cut_foreign(str(status[name]), 120)}")
        return ", ".join(shown)

    def _parameters(self, place: str) -> dict[str, tuple[JsonValue, bool]]:
        return {
            str(each["name"]): (_noted(each), bool(each.get("required")))
            for each in _objects(self._operation.get("parameters"))
            if each.get("in") == place
        }

    def _body(self) -> tuple[JsonValue, bool] | None:
        body = self._operation.get("requestBody")
        if not isinstance(body, dict):
            return None
        return _content(body), bool(body.get("required"))

    def _answer(self, signature: Signature) -> str:
        responses = self._operation.get("responses")
        for code, each in responses.items() if isinstance(responses, dict) else ():
            if code.startswith("2") and isinstance(each, dict):
                schema = _content(each)
                return _NOTHING if schema is None else signature.type_text(schema)
        return _NOTHING

    def _errors(self) -> str:
        """Return the statuses that are declared for errors."""
        responses = self._operation.get("responses")
        declared = [code for code in responses if code[:1] in "45"] if isinstance(responses, dict) else []
        return ", ".join(sorted(declared))

    def _example(self) -> str:
        method, template, path = self._chosen
        options: dict[str, JsonValue] = {"method": method.value, "path": path}
        for place, option in (("path", "params"), ("query", "query")):
            needed = {
                name: example_value(schema, self._schema)
                for name, (schema, is_required) in self._parameters(place).items()
                if is_required
            }
            if needed and (place != "path" or path == template):
                options[option] = needed
        body = self._body()
        if body is not None:
            options["body"] = example_value(body[0], self._schema)
        return f"await ovh.request({_javascript(options)})"

    def _schema(self, name: str) -> JsonObject:
        known = self._schemas.get(name)
        if known is None:
            text = self._file.schema_json(name)
            known = self._schemas[name] = {} if text is None else _decoded(text)
        return known


def _noted(parameter: JsonObject) -> JsonValue:
    """Return a parameter's schema with its description, which stands beside it."""
    schema, note = parameter.get("schema"), parameter.get("description")
    return {**schema, "description": note} if isinstance(schema, dict) and note else schema


def _content(holder: Mapping[str, JsonValue]) -> JsonValue:
    content = holder.get("content")
    media = content.get("application/json") if isinstance(content, dict) else None
    return media.get("schema") if isinstance(media, dict) else None


def _objects(value: JsonValue) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _javascript(value: JsonValue) -> str:
    """Return JSON with spaces, and names without quotes where JavaScript needs none."""
    match value:
        case dict():
            fields = (f"{_key(name)}: {_javascript(each)}" for name, each in value.items())
            return f"{{ {', '.join(fields)} }}" if value else "{}"
        case list():
            return f"[{', '.join(map(_javascript, value))}]"
        case _:
            return msgspec.json.encode(value).decode()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) else msgspec.json.encode(name).decode()


def _decoded(text: bytes | None) -> JsonObject:
    try:
        value = msgspec.json.decode(text or b"{}")
    except msgspec.MsgspecError as error:
        raise CatalogError(
            f"A kept schema is damaged: {error}.",
            code="cache-unusable",
            hint="Ask the user to run ovh-api-mcp catalog refresh.",
        ) from error
    return value if isinstance(value, dict) else {}
