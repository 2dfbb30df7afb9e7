"""Catalogues for the gate's tests: a few operations by hand, or every one of OVH's own schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ovh_api_mcp.catalog.model import Deprecation, Lifecycle, Method, Operation, Parameter
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse


class Operations:
    """A catalogue of the given operations, in memory."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.all = {(operation.method, operation.path): operation for operation in operations}

    def routes(self) -> list[tuple[Method, str]]:
        return list(self.all)

    def operation(self, method: Method, path: str) -> Operation | None:
        return self.all.get((method, path))

    def schema(self, name: str) -> JsonObject:
        return {}


class Recorder:
    """Stands where requests are sent, keeps each one, and answers null."""

    def __init__(self) -> None:
        self.sent: list[ApiRequest] = []

    async def send(self, request: ApiRequest) -> ApiResponse:
        self.sent.append(request)
        return ApiResponse(status=200, headers={}, body=b"null", query_id="")


def operation(
    text: str,
    *,
    query: str = "",
    header: str = "",
    has_body: bool = False,
    is_authenticated: bool = True,
    actions: str = "",
    deprecation: Deprecation | None = None,
) -> Operation:
    """Return the operation "GET /v1/…"; `query`, `header` and `actions` are names between spaces."""
    method, path = text.split()
    parameters = [Parameter(part[1:-1], "path", True, {}) for part in path.split("/") if part[:1] == "{"]
    parameters += [Parameter(name, "query", False, {}) for name in query.split()]
    parameters += [Parameter(name, "header", False, {}) for name in header.split()]
    return Operation(
        method=Method(method),
        path=path,
        operation_id="",
        service="/".join(path.split("/")[1:3]),
        summary="",
        lifecycle=Lifecycle.DEPRECATED if deprecation else Lifecycle.PRODUCTION,
        is_authenticated=is_authenticated,
        parameters=tuple(parameters),
        has_body=has_body,
        is_body_required=False,
        iam_actions=tuple(actions.split()),
        deprecation=deprecation,
    )


def few_operations() -> Operations:
    return Operations(
        [
            operation("GET /v1/me"),
            operation("PUT /v1/me", has_body=True),
            operation("GET /v1/auth/time", is_authenticated=False),
            operation("POST /v1/auth/logout"),
            operation("GET /v1/domain"),
            operation("GET /v1/domain/{serviceName}"),
            operation("PUT /v1/domain/{serviceName}", has_body=True),
            operation("GET /v1/domain/{serviceName}/task", query="function status"),
            operation("GET /v1/domain/zone"),
            operation("GET /v1/domain/zone/{zoneName}"),
            operation("GET /v1/domain/zone/{zoneName}/record", query="fieldType subDomain"),
            operation("POST /v1/domain/zone/{zoneName}/record", has_body=True),
            operation("GET /v1/domain/zone/{zoneName}/record/{id}"),
            operation("DELETE /v1/domain/zone/{zoneName}/record/{id}"),
            operation("GET /v1/ip/{ip}"),
            operation("GET /v1/ip/{ip}/firewall"),
            operation("GET /v2/iam/resource", query="resourceType tags creationDate.from", header="X-Other"),
            operation("GET /v2/secret/{path}/version/{version}"),
        ]
    )


def every_operation(schemas: Path) -> Operations:
    """Read all operations from OVH's native schemas, independently of the program's own reader."""
    found: list[Operation] = []
    for branch in ("v1", "v2"):
        for file in sorted((schemas / branch).rglob("*.json")):
            if file.name != "index.json":
                found += _native_operations(branch, json.loads(file.read_bytes()))
    return Operations(found)


def _native_operations(branch: str, schema: dict[str, Any]) -> Iterable[Operation]:
    for api in schema.get("apis", []):
        for native in api["operations"]:
            names: dict[str, list[str]] = {place: [] for place in ("path", "query", "header", "body")}
            for parameter in native["parameters"]:
                names[parameter["paramType"]].append(parameter.get("name") or "")
            yield operation(
                f"{native['httpMethod']} /{branch}{api['path']}",
                query=" ".join(names["query"]),
                header=" ".join(names["header"]),
                has_body=bool(names["body"]),
                is_authenticated=not native.get("noAuthentication"),
                actions=" ".join(each["name"] for each in native.get("iamActions", []) if each["required"]),
                deprecation=_deprecation(native["apiStatus"]),
            )


def _deprecation(status: dict[str, Any]) -> Deprecation | None:
    if status["value"] != "DEPRECATED":
        return None
    return Deprecation(status["deprecatedDate"], status["deletionDate"], status.get("replacement", ""))


def check(gate: Gatekeeper, call: JsonObject) -> ApiRequest:
    """Check a call as it comes from a script, its body apart as JSON text."""
    options = {name: value for name, value in call.items() if name != "body"}
    return gate.check(options, json.dumps(call["body"]).encode() if "body" in call else None)
