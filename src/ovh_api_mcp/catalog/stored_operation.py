"""An operation object of the document as the rest of the program asks for it.

What of it scripts are checked against, and what errors are explained by: names, never whole schemas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, cast

import msgspec

from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.catalog.model import (
    BodyField,
    Deprecation,
    Lifecycle,
    Listing,
    Method,
    Operation,
    Parameter,
)
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.json_value import JsonObject

SchemaJson: TypeAlias = Callable[[str], bytes | None]
"""Returns a component schema as JSON text; None where there is none of the name."""


class _StoredParameter(msgspec.Struct, frozen=True):
    name: str
    place: Literal["path", "query", "header"] = msgspec.field(name="in")
    schema: dict[str, object]
    required: bool = False


class _StoredProperty(msgspec.Struct, frozen=True):
    is_read_only: bool = msgspec.field(name="readOnly", default=False)


class _StoredSchema(msgspec.Struct, frozen=True):
    """What of a body's schema is told with an operation: the names of its fields."""

    reference: str = msgspec.field(name="$ref", default="")
    properties: dict[str, _StoredProperty] = {}
    required: list[str] = []


class _StoredMedia(msgspec.Struct, frozen=True):
    schema: dict[str, object] = {}


class _StoredBody(msgspec.Struct, frozen=True):
    required: bool = False
    content: dict[str, _StoredMedia] = {}


class _StoredStatus(msgspec.Struct, frozen=True):
    value: str
    since: str = msgspec.field(name="deprecatedDate", default="")
    until: str = msgspec.field(name="deletionDate", default="")
    replacement: str = ""


class _StoredAction(msgspec.Struct, frozen=True):
    name: str
    required: bool = True


class _StoredList(msgspec.Struct, frozen=True):
    item: str = ""
    pagination: str = ""


class _StoredAnswer(msgspec.Struct, frozen=True):
    """A response; one that stands for an error is a reference."""

    content: dict[str, _StoredMedia] = {}


class _StoredOperation(msgspec.Struct, frozen=True):
    """What of an operation object the rest of the program asks for."""

    operation_id: str = msgspec.field(name="operationId")
    tags: list[str]
    status: _StoredStatus = msgspec.field(name="x-ovh-status")
    summary: str = ""
    parameters: list[_StoredParameter] = []
    body: _StoredBody | None = msgspec.field(name="requestBody", default=None)
    security: list[object] | None = None
    actions: list[_StoredAction] = msgspec.field(name="x-ovh-iam-actions", default_factory=list)
    listing: _StoredList | None = msgspec.field(name="x-ovh-list", default=None)
    responses: dict[str, _StoredAnswer] = {}
    labels: list[Label] = msgspec.field(name="x-ovh-risk", default_factory=list)


def parse_operation(method: Method, path: str, text: bytes, schema_json: SchemaJson) -> Operation:
    """Return what the rest of the program asks of the operation object in `text`.

    *Raises* msgspec.MsgspecError and ValueError where it is damaged.
    """
    stored = msgspec.json.decode(text, type=_StoredOperation)
    lifecycle = Lifecycle.parse(stored.status.value)
    return Operation(
        method=method,
        path=path,
        operation_id=stored.operation_id,
        service=stored.tags[0],
        summary=stored.summary,
        lifecycle=lifecycle,
        is_authenticated=stored.security != [],
        parameters=tuple(
            Parameter(each.name, each.place, each.required, cast("JsonObject", each.schema))
            for each in stored.parameters
        ),
        has_body=stored.body is not None,
        is_body_required=stored.body is not None and stored.body.required,
        body_fields=_body_fields(stored.body, schema_json),
        iam_actions=tuple(each.name for each in stored.actions if each.required),
        deprecation=_deprecation(stored.status) if lifecycle is Lifecycle.DEPRECATED else None,
        listing=Listing(stored.listing.item, stored.listing.pagination) if stored.listing else None,
        body_schema=_schema(stored.body.content) if stored.body else {},
        answer_schema=_answer_schema(stored.responses),
        labels=frozenset(stored.labels),
    )


def _answer_schema(responses: dict[str, _StoredAnswer]) -> JsonObject:
    """Return the schema of the first success that is declared."""
    successes = (each for status, each in responses.items() if status.startswith("2"))
    return next((_schema(each.content) for each in successes), {})


def _schema(content: dict[str, _StoredMedia]) -> JsonObject:
    media = content.get("application/json")
    return cast("JsonObject", media.schema) if media else {}


def _body_fields(body: _StoredBody | None, schema_json: SchemaJson) -> tuple[BodyField, ...]:
    """Return the fields of a body that may be set, one reference followed."""
    media = body.content.get("application/json") if body else None
    if media is None:
        return ()
    schema = msgspec.convert(media.schema, _StoredSchema)
    if schema.reference:
        text = schema_json(schema.reference.removeprefix(REFERENCE_PREFIX))
        schema = msgspec.json.decode(text or b"{}", type=_StoredSchema)
    return tuple(
        BodyField(name, name in schema.required)
        for name, each in schema.properties.items()
        if not each.is_read_only
    )


def _deprecation(status: _StoredStatus) -> Deprecation:
    return Deprecation(status.since, status.until, status.replacement)
