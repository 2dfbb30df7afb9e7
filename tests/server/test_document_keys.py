"""The keys of the complete document that are near to what is none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.match import Router
from ovh_api_mcp.server.document_keys import DocumentKeys
from tests.gate.operations import Operations, every_operation


class WholeDocument:
    """The paths of the complete catalogue, and some of its schemas."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._router = Router(operations.routes())

    def routes(self) -> list[tuple[Method, str]]:
        return self._operations.routes()

    def schema_names(self) -> list[str]:
        return ["domain.zone.Record", "domain.zone.RecordCreate", "vps.VPS", "cloud.instance.Instance"]

    def nearest(self, path: str) -> list[str]:
        return self._router.nearest(path)


@pytest.fixture(scope="module")
def keys(shared_dir: Path) -> DocumentKeys:
    document = WholeDocument(every_operation(shared_dir / "ovh-schemas"))
    return DocumentKeys(document, document)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("/domain/zone", "/v1/domain/zone"),
        ("/v2/domain/zone/{zoneName}/record", "/v1/domain/zone/{zoneName}/record"),
        ("/1.0/me", "/v1/me"),
        ("v1/me/", "/v1/me"),
        ("/v1/vps/{id}/reboot", "/v1/vps/{serviceName}/reboot"),
        ("/v1/Domain/Zone", "/v1/domain/zone"),
        ("/iam/policy", "/v2/iam/policy"),
        ("/v1/dedicated/servers/{serviceName}", "/v1/dedicated/server/{serviceName}"),
    ],
)
def test_a_key_that_is_none_leads_to_the_one_that_was_meant(
    keys: DocumentKeys, wrong: str, right: str
) -> None:
    assert keys.methods(wrong) is None
    assert keys.methods(right)
    assert keys.paths_near(wrong)[0] == right


@pytest.mark.parametrize(
    "path", ["", "/", "//", "{", "/{}/{}", "x" * 100_000, "/v1/" + "a/" * 50_000, "\0\n"]
)
def test_any_text_is_looked_up_without_an_error(keys: DocumentKeys, path: str) -> None:
    assert keys.methods(path) is None
    assert len(keys.paths_near(path)) <= 5
    assert len(keys.schemas_near(path)) <= 3


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("domain.Record", "domain.zone.Record"),
        ("domain.zone.record", "domain.zone.Record"),
        ("cloud.Instance", "cloud.instance.Instance"),
        ("Vps", "vps.VPS"),
    ],
)
def test_a_schema_that_is_none_leads_to_the_one_that_was_meant(
    keys: DocumentKeys, wrong: str, right: str
) -> None:
    assert not keys.has_schema(wrong)
    assert keys.has_schema(right)
    assert keys.schemas_near(wrong)[0] == right
