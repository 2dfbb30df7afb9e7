"""From OVH's schemas to one OpenAPI 3.1 document.

Invariants: the document depends on the schemas, the endpoint and this module alone; its keys are in
a fixed order; a path item holds nothing but operations; what is empty is left out. Paths begin
with /v1 or /v2 and every operation carries:

- `tags`: its service, "v1/domain"; `security: []` where it must not be signed;
- `x-ovh-status`: value, and for deprecated ones deprecatedDate, deletionDate, replacement;
- `x-ovh-iam-actions`: what the caller must be allowed to do;
- `x-ovh-risk`: its labels, sorted (see risk.py);
- `x-ovh-list` on lists: the `item` path, its `parameter`, and the kind of `pagination`: "cursor"
  where declared (on POST too), "v1" for the undocumented headers of v1, which answer whole items;
- the declared errors as responses, with OVH's own names in `x-ovh-errors`.

A schema has `x-ovh-type` where OVH says more than JSON Schema can: the alias of a type, and the
declared type of an enum whose numbers are written as text.

Source: OpenAPI 3.1.0; OVH's own exporter for the names of generic models and for headers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ovh_api_mcp.catalog.components import merge_components
from ovh_api_mcp.catalog.folding import Folding
from ovh_api_mcp.catalog.model import Lifecycle, Method
from ovh_api_mcp.catalog.native import NativeOperation, NativeService
from ovh_api_mcp.catalog.operations import convert_operation
from ovh_api_mcp.catalog.risk import load_labeller
from ovh_api_mcp.catalog.risk_facts import FactFinder
from ovh_api_mcp.catalog.schemas import ServiceSchemas
from ovh_api_mcp.json_value import JsonObject, JsonValue

_METHOD_ORDER: Final = {method: place for place, method in enumerate(Method)}
_CURSOR_HEADER: Final = "X-Pagination-Cursor"
_ERROR_STATUSES: Final[Mapping[str, str]] = {
    "BadRequest": "400",
    "ValidationError": "400",
    "Unauthorized": "401",
    "Forbidden": "403",
    "NotFound": "404",
    "Conflict": "409",
    "Gone": "410",
    "PreconditionFailed": "412",
    "Locked": "423",
    "TooManyRequests": "429",
    "InternalServerError": "500",
    "NotImplemented": "501",
    "ServiceUnavailable": "503",
}
# Source: OVH's exporter for class and message; the API's answers for the others, any of which may lack.
_ERROR_CONTENT: Final[JsonObject] = {
    "application/json": {
        "schema": {
            "type": "object",
            "properties": {
                name: {"type": "string"} for name in ("class", "message", "errorCode", "httpCode")
            },
        }
    }
}
_SECURITY_SCHEMES: Final[JsonObject] = {
    "ApplicationKey": {"type": "apiKey", "in": "header", "name": "X-Ovh-Application"},
    "ConsumerKey": {"type": "apiKey", "in": "header", "name": "X-Ovh-Consumer"},
    "Timestamp": {"type": "apiKey", "in": "header", "name": "X-Ovh-Timestamp"},
    "Signature": {"type": "apiKey", "in": "header", "name": "X-Ovh-Signature"},
    "ServiceAccount": {"type": "http", "scheme": "bearer", "description": "OAuth2 access token"},
}
_SECURITY: Final[JsonValue] = [
    {"ApplicationKey": [], "ConsumerKey": [], "Timestamp": [], "Signature": []},
    {"ServiceAccount": []},
]


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """One operation of the document; `json` is its operation object as it stands there."""

    method: Method
    path: str
    service: str
    lifecycle: Lifecycle
    labels: tuple[str, ...]
    json: bytes


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """The merged document as JSON text, and its parts; operations are sorted by path, then method.

    `folded` is the form that scripts are given (see folding.py).
    """

    text: bytes
    folded: bytes
    operations: tuple[DocumentedOperation, ...]
    path_count: int


@dataclass(slots=True)
class _Route:
    """A method on a path, with its operation object while the document is put together."""

    method: Method
    path: str
    service: str
    native: NativeOperation
    operation: JsonObject
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class ServiceDocument:
    """A converted service, before its references are bound to components."""

    service: str
    schemas: ServiceSchemas
    description: str
    routes: list[_Route] = field(default_factory=list)


def convert_service(service: str, native: NativeService) -> ServiceDocument:
    """Convert the schema of `service` ("v1/domain"); raises CatalogError `schema-invalid`."""
    branch = service.partition("/")[0]
    schemas = ServiceSchemas(service, native.models or {})
    converted = ServiceDocument(service, schemas, _subsections(native))
    for api in native.apis or ():
        path = f"/{branch}{api.path}"
        for each in api.operations or ():
            operation = convert_operation(path, each, schemas)
            converted.routes.append(_Route(each.http_method, path, service, each, operation))
    schemas.complete()
    return converted


def merge_services(
    services: Iterable[ServiceDocument], endpoint_root: str, risk_rules: str = ""
) -> ApiDocument:
    """Return the document of all `services`; their references are bound, so each can be merged once.

    `risk_rules` are a user's own, as catalog/risk.py takes them.
    """
    ordered = sorted(services, key=lambda each: each.service)
    components = merge_components([each.schemas for each in ordered])
    routes = _unique_routes(ordered)
    _name_operations(routes)
    _mark_lists(routes)
    _label(routes, components, risk_rules)
    errors = _share_errors(routes)
    operations = tuple(map(_documented, routes))
    folding = Folding()
    paths: dict[str, dict[str, msgspec.Raw]] = {}
    for route, each in zip(routes, operations, strict=True):
        method = each.method.lower()
        paths.setdefault(each.path, {})[method] = msgspec.Raw(each.json)
        folding.operation(each.path, method, route.operation)

    def document(paths: object, responses: object, schemas: object) -> dict[str, object]:
        return {
            "openapi": "3.1.0",
            "info": {"title": "OVHcloud API", "version": "1.0"},
            "servers": [{"url": endpoint_root}],
            "security": _SECURITY,
            "tags": [_tag(each) for each in ordered],
            "paths": paths,
            "components": {
                "securitySchemes": _SECURITY_SCHEMES,
                "responses": responses,
                "schemas": schemas,
            },
        }

    text = msgspec.json.encode(document(paths, errors, components))
    folded = folding.text(document(None, folding.components(errors), folding.components(components)))
    return ApiDocument(text, folded, operations, len(paths))


def _subsections(native: NativeService) -> str:
    return "\n".join(f"{name}: {text}" for name, text in (native.subsections or {}).items() if text)


def _tag(service: ServiceDocument) -> JsonObject:
    tag: JsonObject = {"name": service.service}
    if service.description:
        tag["description"] = service.description
    return tag


def _documented(route: _Route) -> DocumentedOperation:
    status = route.native.api_status
    lifecycle = Lifecycle.parse(status.value) if status else Lifecycle.PRODUCTION
    return DocumentedOperation(
        route.method,
        route.path,
        route.service,
        lifecycle,
        route.labels,
        msgspec.json.encode(route.operation),
    )


def _unique_routes(services: Iterable[ServiceDocument]) -> list[_Route]:
    """Return the routes by path and method; of services that both have one, the first keeps it."""
    unique: dict[tuple[str, int], _Route] = {}
    for service in services:
        for route in service.routes:
            unique.setdefault((route.path, _METHOD_ORDER[route.method]), route)
    return [unique[key] for key in sorted(unique)]


# --- what an operation says of the others ------------------------------------------------------


def _name_operations(routes: list[_Route]) -> None:
    """Give each operation an id: OVH's own where it is unique, else one made of method and path."""
    given = Counter(route.native.operation_id for route in routes)
    taken: set[str] = set()
    for route in routes:
        own = route.native.operation_id
        name = own if own and given[own] == 1 else _operation_id(route)
        while name in taken:
            name += "_"
        taken.add(name)
        route.operation["operationId"] = name


def _operation_id(route: _Route) -> str:
    """Return an id such as get_v1_domain_zone_by_zoneName."""
    return route.method.lower() + route.path.replace("/{", "_by_").replace("/", "_").replace("}", "")


def _mark_lists(routes: list[_Route]) -> None:
    items: dict[str, _Route] = {}
    for route in routes:
        parent, _, last = route.path.rpartition("/")
        if route.method is Method.GET and last.startswith("{"):
            items.setdefault(parent, route)
    for route in routes:
        mark = _list_mark(route, items.get(route.path))
        if mark:
            route.operation["x-ovh-list"] = mark


def _list_mark(route: _Route, item: _Route | None) -> JsonObject:
    """Return what is known of a list: its item operation, the parameter that takes an id, its paging."""
    mark: JsonObject = {}
    if route.method is Method.GET and item is not None and _is_list(route):
        mark["item"] = item.path
        mark["parameter"] = item.path.rpartition("/")[2].strip("{}")
    if any(each.name == _CURSOR_HEADER for each in route.native.parameters or ()):
        mark["pagination"] = "cursor"
    elif mark and item is not None and route.service.startswith("v1/") and not _is_list(item):
        mark["pagination"] = "v1"
    return mark


def _label(routes: list[_Route], components: dict[str, JsonObject], risk_rules: str) -> None:
    labeller = load_labeller(risk_rules)
    finder = FactFinder(components, (route.path for route in routes))
    for route in routes:
        found = labeller.labels(finder.facts(route.method, route.path, route.operation))
        route.labels = tuple(sorted(found))
        route.operation["x-ovh-risk"] = [*route.labels]


def _is_list(route: _Route) -> bool:
    match route.operation["responses"]:
        case {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}}:
            return True
    return False


def _share_errors(routes: list[_Route]) -> JsonObject:
    """Add the declared errors as responses; equal ones become one component."""
    shared: JsonObject = {}
    names: dict[tuple[str, ...], str] = {}
    counts: Counter[str] = Counter()
    for route in routes:
        responses = route.operation["responses"]
        assert isinstance(responses, dict)
        for status, errors in _errors_by_status(route.native).items():
            name = names.get((status, *errors))
            if name is None:
                counts[status] += 1
                name = names[status, *errors] = f"{status}-{counts[status]}"
                shared[name] = {"description": "Error", "content": _ERROR_CONTENT, "x-ovh-errors": [*errors]}
            responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return shared


def _errors_by_status(native: NativeOperation) -> dict[str, list[str]]:
    """Group errors such as Client::NotFound::ServiceNotFound by the status they stand for."""
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for error in dict.fromkeys(native.errors or ()):
        side, _, rest = error.partition("::")
        status = _ERROR_STATUSES.get(rest.partition("::")[0])
        grouped[status or {"Client": "4XX", "Server": "5XX"}.get(side, "default")].append(error)
    return {status: grouped[status] for status in sorted(grouped)}
