"""The catalogue beside OVH's own exports: each difference is known with its reason, or a defect."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.export_comparison import Difference, ExportComparison
from tests.catalog.export_exceptions import EXPECTED

Document = dict[str, Any]
_SERVICES = {
    "ip": "v1/ip",
    "sms": "v1/sms",
    "vps": "v1/vps",
    "iam": "v2/iam",
    "vrackservices": "v2/vrackServices",
}


@pytest.fixture(scope="module")
def exports(shared_dir: Path) -> dict[str, Document]:
    return {
        name: json.loads((shared_dir / "ovh-openapi" / f"{name}.json").read_bytes()) for name in _SERVICES
    }


@pytest.fixture(scope="module")
def differences(exports: dict[str, Document], full_document: Document) -> list[Difference]:
    return [
        each for export in exports.values() for each in ExportComparison(export, full_document).differences()
    ]


def test_every_operation_of_the_exports_is_compared(
    exports: dict[str, Document], full_document: Document
) -> None:
    counts = {}
    for name, service in _SERVICES.items():
        nothing = {**full_document, "paths": {}}
        alone = ExportComparison(exports[name], nothing).differences()
        counts[service] = sum(each.kind == "operation" for each in alone)
    assert counts == {"v1/ip": 81, "v1/sms": 124, "v1/vps": 91, "v2/iam": 31, "v2/vrackServices": 8}


@pytest.mark.promise("catalog.faithful")
def test_each_difference_from_ovhs_own_export_is_known_with_its_reason(differences: list[Difference]) -> None:
    unknown = [str(each) for each in differences if not any(known.covers(each) for known in EXPECTED)]
    assert unknown == []


def test_each_known_difference_still_occurs(differences: list[Difference]) -> None:
    idle = [known for known in EXPECTED if not any(known.covers(each) for each in differences)]
    assert idle == []


def test_each_difference_has_one_reason(differences: list[Difference]) -> None:
    twice = [str(each) for each in differences if sum(known.covers(each) for known in EXPECTED) > 1]
    assert twice == []


def _operation(document: Document, method: str, path: str) -> Document:
    operation: Document = document["paths"][path][method]
    return operation


def _lose_parameter(document: Document) -> None:
    del _operation(document, "get", "/v1/vps/{serviceName}/ips")["parameters"][0]


def _change_type(document: Document) -> None:
    _operation(document, "get", "/v1/vps/{serviceName}/tasks/{id}")["parameters"][0]["schema"] = {
        "type": "number"
    }


def _lose_body(document: Document) -> None:
    del _operation(document, "post", "/v1/vps/{serviceName}/rebuild")["requestBody"]


def _lose_requirement(document: Document) -> None:
    del document["components"]["schemas"]["vps.rebuild.post"]["required"]


def _lose_null(document: Document) -> None:
    document["components"]["schemas"]["vps.Ip"]["properties"]["reverse"]["type"] = "string"


def _lose_read_only(document: Document) -> None:
    del document["components"]["schemas"]["vps.Ip"]["properties"]["ipAddress"]["readOnly"]


def _lose_value(document: Document) -> None:
    document["components"]["schemas"]["vps.VpsStateEnum"]["enum"].pop()


def _lose_format(document: Document) -> None:
    del document["components"]["schemas"]["vps.Snapshot"]["properties"]["creationDate"]["format"]


def _sign_what_is_free(document: Document) -> None:
    del _operation(document, "get", "/v1/vps/datacenter")["security"]


def _lose_error(document: Document) -> None:
    path = "/v2/vrackServices/resource/{vrackServicesId}"
    del _operation(document, "put", path)["responses"]["423"]


def _rename(document: Document) -> None:
    schemas = document["components"]["schemas"]
    kind = schemas["vps.Ip"]["properties"]["type"]
    schemas["vps.Renamed"] = schemas[kind["$ref"].rpartition("/")[2]]
    kind["$ref"] = "#/components/schemas/vps.Renamed"


def _lose_operation(document: Document) -> None:
    del document["paths"]["/v1/vps/{serviceName}/ips"]["get"]


def _lose_action(document: Document) -> None:
    del _operation(document, "get", "/v1/vps/{serviceName}")["x-ovh-iam-actions"]


def _lose_mark(document: Document) -> None:
    del _operation(document, "get", "/v1/vps")["x-ovh-list"]


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (_lose_operation, "operation"),
        (_lose_parameter, "parameter"),
        (_change_type, "type"),
        (_lose_body, "body"),
        (_lose_requirement, "required"),
        (_lose_null, "nullable"),
        (_lose_read_only, "readOnly"),
        (_lose_value, "enum"),
        (_lose_format, "format"),
        (_sign_what_is_free, "security"),
        (_lose_error, "response"),
        (_rename, "name"),
        (_lose_action, "actions"),
        (_lose_mark, "list"),
    ],
)
def test_a_planted_fault_is_a_difference_that_nobody_expects(
    plant: Callable[[Document], None], kind: str, exports: dict[str, Document], full_document: Document
) -> None:
    roots = ("/v1/vps", "/v2/vrackServices")
    paths = {path: item for path, item in full_document["paths"].items() if path.startswith(roots)}
    document = copy.deepcopy({**full_document, "paths": paths})
    plant(document)
    found = [
        each
        for name in ("vps", "vrackservices")
        for each in ExportComparison(exports[name], document).differences()
        if not any(known.covers(each) for known in EXPECTED)
    ]
    assert found != []
    assert {each.kind for each in found} == {kind}
