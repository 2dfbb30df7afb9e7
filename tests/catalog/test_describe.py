"""Describing an operation: complete enough to call it, short enough to read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.limits import CHARS_PER_TOKEN, DESCRIBE_TOKENS
from tests.catalog.schema_site import SchemaSite, operation, parameter, service

_LIMIT_CHARS = DESCRIBE_TOKENS * CHARS_PER_TOKEN


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogFile]:
    by_id = parameter("potId", "path", "long")
    many = {f"field{number}": {"type": "garden.Kind", "description": "x" * 80} for number in range(200)}
    services = {
        "v1/pot": service(
            {
                "/pot": [
                    operation(response="long[]", parameters=[parameter("kind", "query", "garden.Kind", required=False)]),
                    operation("POST", "garden.Pot", parameters=[parameter(None, "body", "garden.Pot")]),
                ],
                "/pot/{potId}": [operation(response="garden.Pot", parameters=[by_id]), operation("PUT", parameters=[by_id, parameter(None, "body", "garden.Pot")])],
                "/pot/first": [operation(response="garden.Pot", noAuthentication=True)],
                "/pot/{potId}/drop": [
                    operation(
                        "POST",
                        parameters=[by_id, parameter("from", "body", "double"), parameter("why", "body", required=False)],
                        apiStatus={
                            "value": "DEPRECATED",
                            "deprecatedDate": "2024-01-01",
                            "deletionDate": "2025-01-01",
                            "replacement": "/pot/{potId}",
                        },
                        iamActions=[{"name": "pot:drop", "required": True}],
                    )
                ],
                "/pot/{potId}/huge": [operation("PUT", "garden.Huge", parameters=[by_id, parameter(None, "body", "garden.Huge")])],
            },
            {
                "garden.Kind": {"enum": [f"kind-{number}" for number in range(20)]},
                "garden.Plant": {
                    "properties": {
                        "name": {"type": "string", "required": True},
                        "pot": {"type": "garden.Pot", "canBeNull": True},
                        "seeds": {"type": "garden.Seed[]"},
                    }
                },
                "garden.Seed": {"properties": {"sownAt": {"type": "datetime"}}},
                "garden.Huge": {"properties": many},
                "garden.Pot": {
                    "properties": {
                        "id": {"type": "long", "readOnly": True, "required": True},
                        "labels": {"type": "map[string]string"},
                        "kind": {"type": "garden.Kind", "required": True, "description": "What it is"},
                        "plant": {"type": "garden.Plant", "canBeNull": True},
                    }
                },
            },
        )
    }  # fmt: skip
    path = tmp_path_factory.mktemp("described") / "garden.catalog"
    site = SchemaSite.of(services)
    asyncio.run(build_catalog(site.fetch, endpoint_root=site.root, services=["*"], out=path))
    with closing(CatalogFile.open(path)) as file:
        yield file


def test_a_request_shows_what_may_be_set_and_the_answer_what_comes_back(garden: CatalogFile) -> None:
    assert describe_operation(garden, "POST /v1/pot") == snapshot("""\
POST /v1/pot
Does it
body: {
  kind: "kind-0" | "kind-1" | "kind-2" | "kind-3" | "kind-4" | "kind-5" | "kind-6" | "kind-7" | "kind-8" | "kind-9" | "kind-10" | "kind-11" | "kind-12" | "kind-13" | "kind-14" | "kind-15" | … 4 more  // What it is
  labels?: { [key: string]: string }
  plant?: {
    name: string
    pot?: garden.Pot | null
    seeds?: garden.Seed[]
  } | null
}
answer: {
  id: integer
  labels: { [key: string]: string }
  kind: "kind-0" | "kind-1" | "kind-2" | "kind-3" | "kind-4" | "kind-5" | "kind-6" | "kind-7" | … 12 more
  plant: {
    name: string
    pot: garden.Pot | null
    seeds: garden.Seed[]
  } | null
}
status: PRODUCTION
risk: write
example: await ovh.request({ method: "POST", path: "/v1/pot", body: { kind: "kind-0" } })\
""")


def test_status_replacement_and_iam_actions_are_told(garden: CatalogFile) -> None:
    assert describe_operation(garden, "post /v1/pot/{potId}/drop") == snapshot("""\
POST /v1/pot/{potId}/drop
Does it
path: {
  potId: integer
}
body: {
  from: number
  why?: string
}
answer: void
status: DEPRECATED, since 2024-01-01, to be deleted 2025-01-01, use /pot/{potId}
risk: destroys
iam: pot:drop
example: await ovh.request({ method: "POST", path: "/v1/pot/{potId}/drop", params: { potId: 1 }, body: { from: 1 } })\
""")


def test_a_list_names_its_item_and_an_optional_parameter_is_marked(garden: CatalogFile) -> None:
    assert describe_operation(garden, "GET /v1/pot") == snapshot("""\
GET /v1/pot
Does it
query: {
  kind?: "kind-0" | "kind-1" | "kind-2" | "kind-3" | "kind-4" | "kind-5" | "kind-6" | "kind-7" | "kind-8" | "kind-9" | "kind-10" | "kind-11" | "kind-12" | "kind-13" | "kind-14" | "kind-15" | … 4 more
}
answer: integer[]
list: item /v1/pot/{potId}, parameter potId, pagination v1
status: PRODUCTION
risk: read
example: await ovh.request({ method: "GET", path: "/v1/pot" })\
""")


def test_a_concrete_path_is_described_and_stays_in_the_example(garden: CatalogFile) -> None:
    text = describe_operation(garden, "PUT /v1/pot/7")
    assert text.startswith("PUT /v1/pot/{potId}\n")
    assert 'path: "/v1/pot/7"' in text
    assert "params" not in text


def test_a_literal_wins_over_a_parameter_and_one_method_need_not_be_said(garden: CatalogFile) -> None:
    text = describe_operation(garden, "/v1/pot/first")
    assert text.startswith("GET /v1/pot/first\n")
    assert "authentication: none" in text


def test_what_is_too_much_is_shown_in_less_detail_and_says_so(garden: CatalogFile) -> None:
    text = describe_operation(garden, "PUT /v1/pot/{potId}/huge")
    assert len(text) <= _LIMIT_CHARS
    assert re.search(r"… \d+ more fields", text)
    assert "example: " in text


@pytest.mark.parametrize(
    ("given_", "code", "right"),
    [
        ("DELETE /v1/pot/{potId}", "method-not-allowed", "PUT /v1/pot/{potId}"),
        ("/v1/pot", "invalid-call", "GET /v1/pot, POST /v1/pot"),
        ("GET /v1/pot/first/huge/x", "unknown-operation", "/v1/pot"),
        ("GET /v1/pots", "unknown-operation", "/v1/pot"),
        ("pot", "invalid-call", "GET /v1/"),
        ("", "invalid-call", "GET /v1/"),
        ("GET " + "/x" * 5_000, "unknown-operation", "by words"),
        ("GET /v1/nope", "unknown-operation", "Nothing near it is known"),
        ("GET /v1/foo/pot/baz", "unknown-operation", "Nothing near it is known"),
    ],
)
def test_what_is_no_operation_is_refused_with_what_is(
    garden: CatalogFile, given_: str, code: str, right: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        describe_operation(garden, given_)
    assert caught.value.code == code
    assert right in caught.value.message


@given(
    st.text(max_size=60)
    | st.text(alphabet="GET /v1pot{}%.", max_size=40).map(lambda text: f"GET /v1/pot{text}")
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_described_or_refused(garden: CatalogFile, text: str) -> None:
    with suppress(RefusedError):
        assert len(describe_operation(garden, text)) <= _LIMIT_CHARS


def test_every_operation_is_told_within_the_limit_with_all_that_a_call_needs(
    full_path: Path, full_document: dict[str, dict[str, dict[str, object]]]
) -> None:
    operations = [
        (method.upper(), path, json.loads(json.dumps(each)))
        for path, item in full_document["paths"].items()
        for method, each in item.items()
    ]
    rich = 0
    with closing(CatalogFile.open(full_path)) as file:
        for method, path, each in operations[::4]:
            text = describe_operation(file, f"{method} {path}")
            assert len(text) <= _LIMIT_CHARS
            rich += "example: await ovh.request({" in text and text.endswith("})")
            for given_ in each.get("parameters", []):
                optional = "" if given_.get("required") else r"\?"
                assert re.search(rf'^  "?{re.escape(given_["name"])}"?{optional}: ', text, re.MULTILINE)
            for action in each.get("x-ovh-iam-actions", [])[:3]:
                assert action["name"] in text
            assert f"status: {each['x-ovh-status']['value']}" in text
    assert rich == len(operations[::4])


def test_every_required_field_of_a_body_is_shown_as_required(
    full_path: Path, full_document: dict[str, dict[str, dict[str, object]]]
) -> None:
    schemas = json.loads(json.dumps(full_document["components"]["schemas"]))
    seen = 0
    with closing(CatalogFile.open(full_path)) as file:
        for path, item in full_document["paths"].items():
            post = json.loads(json.dumps(item.get("post", {})))
            if "requestBody" not in post:
                continue
            schema = post["requestBody"]["content"]["application/json"]["schema"]
            schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            required = [
                name for name in schema.get("required", []) if not schema["properties"][name].get("readOnly")
            ]
            if seen % 4 == 0 and required:
                text = describe_operation(file, f"POST {path}")
                for name in required:
                    assert re.search(rf'^  "?{re.escape(name)}"?: ', text, re.MULTILINE), (path, name)
            seen += 1
    assert seen > 1_000


def test_a_text_that_may_have_one_of_several_formats_is_a_text(full_catalog: CatalogFile) -> None:
    text = describe_operation(
        full_catalog, "POST /v1/cloud/project/{serviceName}/region/{regionName}/network"
    )
    assert "dnsNameServers?: string[]" in text
    assert ": any" not in text
