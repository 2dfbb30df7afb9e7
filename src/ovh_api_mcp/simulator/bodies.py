"""What a request brings along: its JSON body and its query, checked against the operation."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.answers import No
from ovh_api_mcp.simulator.conformance import find_fault
from ovh_api_mcp.simulator.native import Operation
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.types import INTEGER, Choice, ListOf, MapOf, Scalar, Types


def parse_body(request: RecordedRequest, operation: Operation, types: Types) -> JsonValue:
    """Return the body of a request; {} where the operation has none or all of it may be left out.

    Raises `No` with status 400 for what is not JSON, has another content type, lacks a required
    field or holds one that does not fit its type.
    """
    whole, fields = operation.whole_body, operation.named("body")
    if whole is None and not fields:
        return {}
    if whole is not None and whole.required and not request.body:
        raise No(400, "Missing required body")
    value = _parse_json(request) if request.body else {}
    if whole is not None:
        if request.body and (fault := find_fault(types, whole.type_text, value, "body")):
            raise No(400, fault)
        return value
    if not isinstance(value, dict):
        raise No(400, "Received body is not a JSON object")
    if strangers := sorted(value.keys() - fields.keys()):
        raise No(400, f"Received not described parameters: ({', '.join(strangers)[:200]})")
    for name, field in fields.items():
        if value.get(name) is None:
            if field.required:
                raise No(400, f"[{name}] Missing required parameter")
        elif fault := find_fault(types, field.type_text, value[name], name):
            raise No(400, fault)
    return value


def writable(types: Types, operation: Operation, body: JsonValue) -> JsonObject:
    """Return the fields of a body that a request may set: those that are not read-only."""
    if not isinstance(body, dict):
        return {}
    record = types.record(operation.whole_body.type_text) if operation.whole_body else None
    if record is None:
        return dict(body)
    return {k: v for k, v in body.items() if k in record.fields and not record.fields[k].is_read_only}


def parse_query(request: RecordedRequest, operation: Operation, types: Types) -> dict[str, list[str]]:
    """Return the declared query parameters of a request.

    Raises `No` with status 400 for one that is missing, not declared or does not fit its type.
    """
    declared = operation.named("query")
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
        base = name.partition("[")[0]
        if base not in declared:
            raise No(400, f"Received not described parameters: ({name[:200]})")
        given.setdefault(base, []).append(value)
        if fault := _query_fault(types, declared[base].type_text, value, base):
            raise No(400, fault)
    missing = next((name for name, p in declared.items() if p.required and name not in given), None)
    if missing:
        raise No(400, f"[{missing}] Missing required parameter")
    return given


def _query_fault(types: Types, type_text: str, value: str, name: str) -> str | None:
    """Tell what is wrong with the text of a query value; `null` stands for none."""
    match types.resolve(type_text):
        case ListOf(item=item):
            return next(filter(None, (_query_fault(types, item, v, name) for v in value.split(","))), None)
        case Scalar(name="boolean"):
            fits = value.lower() in ("true", "false", "1", "0", "null")
            return None if fits else f"[{name}] Given data ({value[:60]}) is not a boolean"
        case Scalar(name=scalar) if scalar == INTEGER:
            fits = value.removeprefix("-").isdecimal() or value == "null"
            return None if fits else f"[{name}] Given data ({value[:60]}) is not an integer"
        case Scalar(name="double"):
            fits = value.removeprefix("-").replace(".", "", 1).isdecimal() or value == "null"
            return None if fits else f"[{name}] Given data ({value[:60]}) is not a number"
        case Scalar() | Choice() if value != "null":
            return find_fault(types, type_text, value, name)
        case MapOf() | _:
            return None


def _parse_json(request: RecordedRequest) -> JsonValue:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise No(400, f"Invalid content type ({media_type[:60] or 'none'}), application/json expected")
    try:
        parsed: JsonValue = json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise No(400, "Invalid JSON received") from None
    return parsed


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")
