"""From one operation of OVH's schemas to an OpenAPI operation object.

What needs the other operations (ids, lists, shared error responses) is added by openapi.py.
"""

from __future__ import annotations

import re
from typing import Final

from ovh_api_mcp.catalog.model import Lifecycle
from ovh_api_mcp.catalog.native import NativeOperation, NativeParameter, NativeStatus
from ovh_api_mcp.catalog.schemas import ServiceSchemas, is_void
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.json_value import JsonObject, JsonValue

_STATUS_TEXTS: Final = frozenset(
    {"Stable production version", "Deprecated, will be removed", "Beta version", "Alpha version"}
)
_BODY_TEXT: Final = "Request Body"


def convert_operation(path: str, native: NativeOperation, schemas: ServiceSchemas) -> JsonObject:
    """Return the operation object of `native` on `path` (with its branch); `operationId` may be empty.

    Raises CatalogError `schema-invalid`.
    """
    given = native.parameters or []
    operation: JsonObject = {"operationId": native.operation_id or "", "tags": [schemas.service]}
    if native.description:
        operation["summary"] = native.description
    if native.long_description:
        operation["description"] = native.long_description
    status = native.api_status or NativeStatus()
    if Lifecycle.parse(status.value) is Lifecycle.DEPRECATED:
        operation["deprecated"] = True
    if native.no_authentication:
        operation["security"] = []
    parameters = _parameters(path, given, schemas)
    if parameters:
        operation["parameters"] = parameters
    body = [each for each in given if each.param_type == "body"]
    if body:
        operation["requestBody"] = _request_body(path, body, schemas)
    operation["responses"] = _responses(native, schemas)
    operation["x-ovh-status"] = _status(status)
    actions = _iam_actions(native)
    if actions:
        operation["x-ovh-iam-actions"] = actions
    return operation


def _parameters(path: str, given: list[NativeParameter], schemas: ServiceSchemas) -> list[JsonValue]:
    """Return the declared parameters, and those of the path that are not declared, as text."""
    in_path = re.findall(r"\{([^}]*)\}", path)
    declared: dict[tuple[str, str], JsonValue] = {}
    for each in given:
        if each.param_type == "body" or (each.param_type == "path" and each.name not in in_path):
            continue
        declared.setdefault((each.name or "", each.param_type), _parameter(each, schemas))
    missing: list[JsonValue] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in dict.fromkeys(in_path)
        if (name, "path") not in declared
    ]
    return [*missing, *declared.values()]


def _parameter(native: NativeParameter, schemas: ServiceSchemas) -> JsonObject:
    parameter: JsonObject = {"name": native.name or "", "in": native.param_type}
    if native.required or native.param_type == "path":
        parameter["required"] = True
    if native.description:
        parameter["description"] = native.description
    parameter["schema"] = schemas.parameter(native)
    return parameter


def _request_body(path: str, given: list[NativeParameter], schemas: ServiceSchemas) -> JsonObject:
    unnamed = [each for each in given if not each.name]
    if unnamed and len(given) > 1:
        raise CatalogError(
            f"the schema of {schemas.service} has {len(given)} body parameters on {path}, "
            "one of them without a name; that one would be the whole body",
            code="schema-invalid",
        )
    body: JsonObject = {}
    if any(each.required for each in given):
        body["required"] = True
    if unnamed and unnamed[0].description not in (None, "", _BODY_TEXT):
        body["description"] = unnamed[0].description
    schema = schemas.parameter(unnamed[0]) if unnamed else schemas.body(given)
    body["content"] = {"application/json": {"schema": schema}}
    return body


def _responses(native: NativeOperation, schemas: ServiceSchemas) -> JsonObject:
    types = dict(native.response_types or {})
    if not any(code.startswith("2") for code in types):
        types["200"] = native.response_type or "void"
    responses: JsonObject = {}
    for code in sorted(types):
        if re.fullmatch("[1-5][0-9][0-9]", code) is None:
            continue
        response: JsonObject = {"description": "OK" if code == "200" else f"Status {code}"}
        if not is_void(types[code]):
            response["content"] = {"application/json": {"schema": schemas.schema(types[code])}}
        responses[code] = response
    return responses


def _status(native: NativeStatus) -> JsonObject:
    status: JsonObject = {"value": native.value}
    if native.description and native.description not in _STATUS_TEXTS:
        status["description"] = native.description
    if native.deprecated_date:
        status["deprecatedDate"] = native.deprecated_date
    if native.deletion_date:
        status["deletionDate"] = native.deletion_date
    if native.replacement:
        status["replacement"] = native.replacement
    return status


def _iam_actions(native: NativeOperation) -> list[JsonValue]:
    actions: list[JsonValue] = []
    for each in native.iam_actions or ():
        if isinstance(each, str):
            actions.append({"name": each, "required": True})
            continue
        action: JsonObject = {"name": each.name, "required": bool(each.required)}
        if each.description:
            action["description"] = each.description
        actions.append(action)
    return actions
