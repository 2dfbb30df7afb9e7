"""From OVH's format to OpenAPI, form by form; the service is as hostile as it likes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp.catalog.native import parse_index, parse_service
from ovh_api_mcp.catalog.openapi import convert_service, merge_services
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.limits import FOREIGN_TEXT_CHARS, SCHEMA_BYTES, SERVICES
from tests.catalog.schema_site import index, operation, parameter, service, small_services

Services = dict[str, dict[str, Any]]


def document_of(services: Services) -> dict[str, Any]:
    converted = [
        convert_service(name, parse_service(json.dumps(schema).encode(), name))
        for name, schema in services.items()
    ]
    document: dict[str, Any] = json.loads(merge_services(converted, "https://api.example").text)
    return document


def schema_of(type_text: str, models: dict[str, Any] | None = None) -> dict[str, Any]:
    one = service({"/pot": [operation(response=type_text)]}, models)
    answer = document_of({"v1/pot": one})["paths"]["/v1/pot"]["get"]["responses"]["200"]
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return schema


def model(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties}


def test_the_whole_document_of_a_small_api() -> None:
    document = document_of(small_services())
    assert list(document["paths"]) == [
        "/v1/pot",
        "/v1/pot/{id}",
        "/v1/shed/door",
        "/v1/shed/roof",
        "/v2/pot/task",
    ]
    assert document["servers"] == [{"url": "https://api.example"}]
    assert document["paths"]["/v1/pot"]["get"] == {
        "operationId": "get_v1_pot",
        "tags": ["v1/pot"],
        "summary": "Does it",
        "responses": {
            "200": {
                "description": "OK",
                "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}},
            }
        },
        "x-ovh-status": {"value": "PRODUCTION"},
        "x-ovh-list": {"item": "/v1/pot/{id}", "parameter": "id", "pagination": "v1"},
        "x-ovh-risk": ["read"],
    }
    assert document["paths"]["/v1/shed/roof"]["get"]["security"] == []
    assert document["components"]["schemas"] == {
        "garden.Pot": {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            "required": ["id"],
        }
    }


def test_the_same_services_in_another_order_give_the_same_bytes() -> None:
    services = small_services()
    forward = [convert_service(n, parse_service(json.dumps(s).encode(), n)) for n, s in services.items()]
    backward = [
        convert_service(n, parse_service(json.dumps(s).encode(), n)) for n, s in reversed(services.items())
    ]
    assert merge_services(forward, "r").text == merge_services(backward, "r").text


@pytest.mark.parametrize(
    ("type_text", "expected"),
    [
        ("long", {"type": "integer"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("password", {"type": "string", "format": "password"}),
        ("any", {}),
        ("any[]", {"type": "array", "items": {}}),
        ("map[string]long", {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            "map[string][]uuid",
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string", "format": "uuid"}},
            },
        ),
        ("coreTypes.AccountId:string", {"type": "string", "x-ovh-type": "coreTypes.AccountId"}),
        ("duration:string", {"type": "string", "format": "duration"}),
        ("not.a.Model", {"x-ovh-type": "not.a.Model"}),
        ("T", {"x-ovh-type": "T"}),
    ],
)
def test_types_become_schemas(type_text: str, expected: dict[str, Any]) -> None:
    assert schema_of(type_text) == expected


def test_a_map_with_an_enum_for_keys_names_them() -> None:
    models = {"k.Enum": {"enum": ["a", "b"], "enumType": "string"}, "v.Model": model(x={"type": "long"})}
    assert schema_of("map[k.Enum]v.Model", models) == {
        "type": "object",
        "propertyNames": {"$ref": "#/components/schemas/k.Enum"},
        "additionalProperties": {"$ref": "#/components/schemas/v.Model"},
    }


def test_an_enum_keeps_its_values_and_says_what_else_they_are() -> None:
    models: dict[str, Any] = {
        "k.Delay": {"enum": ["60", "3600"], "enumType": "long"},
        "k.Bits": {"enum": [32, 64], "enumType": "long"},
        "k.Word": {"enum": ["b", "a", "b"], "enumType": "string"},
        "k.Odd": {"enum": ["x"], "enumType": "unheard"},
    }
    schemas = document_of({"v1/pot": service({"/pot": [operation()]}, models)})["components"]["schemas"]
    assert schemas == {
        "k.Bits": {"type": "integer", "enum": [32, 64]},
        "k.Delay": {"type": "string", "enum": ["60", "3600"], "x-ovh-type": "long"},
        "k.Odd": {"type": "string", "enum": ["x"]},
        "k.Word": {"type": "string", "enum": ["b", "a"]},
    }


def test_properties_say_null_read_only_and_required() -> None:
    pot = model(
        id={"type": "long", "readOnly": True, "required": True},
        note={"type": "string", "canBeNull": True, "description": "A note"},
        next={"type": "garden.Pot", "canBeNull": True},
        free={"type": "any", "canBeNull": True},
        ip={"type": "ip", "canBeNull": True},
    )
    document = document_of({"v1/pot": service({"/pot": [operation()]}, {"garden.Pot": pot})})
    assert document["components"]["schemas"]["garden.Pot"] == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "note": {"type": ["string", "null"], "description": "A note"},
            "next": {"anyOf": [{"$ref": "#/components/schemas/garden.Pot"}, {"type": "null"}]},
            "free": {},
            "ip": {"type": ["string", "null"], "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
        },
        "required": ["id"],
    }


def test_generic_models_are_instantiated_for_what_they_are_used_with() -> None:
    models = {
        "c.Unit<T>": {"generics": ["T"], **model(unit={"type": "string"}, value={"type": "T"})},
        "c.Unit<long>": {"generics": ["T"], **model(unit={"type": "string"}, value={"type": "T"})},
        "c.Serie<T>": {"generics": ["T"], **model(values={"type": "c.Unit<T>[]"})},
        "c.Task<T>": {"generics": ["T"], **model(inputs={"type": "T"})},
        "k.Enum": {"enum": ["a"], "enumType": "string"},
    }
    paths = {
        "/pot": [operation(response="c.Serie<double>")],
        "/pot/task": [operation(response="c.Task<map[k.Enum]any>")],
    }
    schemas = document_of({"v1/pot": service(paths, models)})["components"]["schemas"]
    assert sorted(schemas) == [
        "c.Serie_double",
        "c.Task_map_k.Enum_any",
        "c.Unit_double",
        "c.Unit_long",
        "k.Enum",
    ]
    assert schemas["c.Unit_double"]["properties"]["value"] == {"type": "number"}
    assert schemas["c.Unit_long"]["properties"]["value"] == {"type": "integer"}
    assert schemas["c.Serie_double"]["properties"]["values"]["items"] == {
        "$ref": "#/components/schemas/c.Unit_double"
    }


def test_a_generic_model_that_grows_without_end_is_refused() -> None:
    models = {"c.Box<T>": {"generics": ["T"], **model(inner={"type": "c.Box<c.Box<T>>"})}}
    with pytest.raises(CatalogError, match="v1/pot") as caught:
        schema_of("c.Box<long>", models)
    assert caught.value.code == "schema-invalid"


def test_an_unnamed_body_is_the_whole_body_and_named_ones_are_fields() -> None:
    paths = {
        "/pot": [operation("POST", parameters=[parameter(None, "body", "long[]")])],
        "/pot/{id}": [
            operation(
                "PUT",
                parameters=[
                    parameter("size", "body", "long"),
                    parameter("note", "body", required=False),
                    parameter("id", "path", "long"),
                ],
            )
        ],
    }
    document = document_of({"v1/pot": service(paths)})["paths"]
    assert document["/v1/pot"]["post"]["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}},
    }
    assert document["/v1/pot/{id}"]["put"]["requestBody"]["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["size"],
    }


def test_a_body_that_is_both_whole_and_in_fields_is_refused() -> None:
    both = operation("POST", parameters=[parameter(None, "body"), parameter("x", "body")])
    with pytest.raises(CatalogError, match="without a name"):
        document_of({"v1/pot": service({"/pot": [both]})})


def test_older_and_sparser_forms_are_read() -> None:
    sparse = {
        "models": None,
        "apis": [
            {
                "path": "/pot/{id}",
                "operations": [
                    {"httpMethod": "GET", "iamActions": ["pot:get"], "description": None, "unknown": [1]},
                    {"httpMethod": "POST", "apiStatus": {"value": "NEWER"}, "responseTypes": {"200": "long"}},
                ],
            }
        ],
    }
    item = document_of({"v1/pot": sparse, "v1/none": {"models": {}}})["paths"]["/v1/pot/{id}"]
    assert item["get"]["x-ovh-iam-actions"] == [{"name": "pot:get", "required": True}]
    assert item["get"]["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    ]
    assert item["post"]["x-ovh-status"] == {"value": "NEWER"}
    assert item["post"]["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "integer"}


def test_declared_errors_become_responses_that_are_shared() -> None:
    errors = ["Client::NotFound::A", "Client::NotFound::B", "Client::Odd::C", "Server::Odd", "Else"]
    paths = {"/pot": [operation(errors=errors)], "/pot/x": [operation(errors=errors)]}
    document = document_of({"v1/pot": service(paths)})
    responses = document["paths"]["/v1/pot"]["get"]["responses"]
    assert sorted(responses) == ["200", "404", "4XX", "5XX", "default"]
    not_found = document["components"]["responses"]["404-1"]
    assert not_found["x-ovh-errors"] == errors[:2]
    assert "message" in not_found["content"]["application/json"]["schema"]["properties"]
    assert document["paths"]["/v1/pot/x"]["get"]["responses"] == responses


def test_equal_models_are_one_component_and_differing_ones_are_kept_apart() -> None:
    def using(kind: str) -> dict[str, Any]:
        return {
            "shared.Same": model(x={"type": "long"}),
            "shared.Leaf": model(x={"type": kind}),
            "shared.Tree": model(leaf={"type": "shared.Leaf"}, tree={"type": "shared.Tree"}),
        }

    services = {
        name: service({f"/{name[3:]}": [operation(response="shared.Tree")]}, using(kind))
        for name, kind in {"v1/a": "long", "v1/b": "string", "v1/c": "string"}.items()
    }
    document = document_of(services)
    schemas = document["components"]["schemas"]
    assert sorted(schemas) == [
        "shared.Leaf",
        "shared.Leaf-v1.a",
        "shared.Same",
        "shared.Tree",
        "shared.Tree-v1.a",
    ]
    # The trees read the same, but their leaves differ; each service sees its own, recursion included.
    own = schemas["shared.Tree-v1.a"]["properties"]
    assert own["leaf"] == {"$ref": "#/components/schemas/shared.Leaf-v1.a"}
    assert own["tree"] == {"$ref": "#/components/schemas/shared.Tree-v1.a"}
    answer = document["paths"]["/v1/a"]["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == {"$ref": "#/components/schemas/shared.Tree-v1.a"}


def test_the_service_a_model_is_named_after_keeps_the_plain_name() -> None:
    services = {
        name: service({f"/{name[3:]}": [operation()]}, {"b.pot.Task": model(x={"type": kind})})
        for name, kind in {"v1/a": "string", "v1/b/pot": "long", "v1/c": "string"}.items()
    }
    schemas = document_of(services)["components"]["schemas"]
    assert schemas["b.pot.Task"]["properties"]["x"] == {"type": "integer"}
    assert schemas["b.pot.Task-v1.a"]["properties"]["x"] == {"type": "string"}


def test_an_operation_with_a_cursor_says_so() -> None:
    cursor = parameter("X-Pagination-Cursor", "header", required=False)
    paged = [operation(method, response="any[]", parameters=[cursor]) for method in ("GET", "POST")]
    item = document_of({"v2/pot": service({"/pot": paged})})["paths"]["/v2/pot"]
    assert [each["x-ovh-list"] for each in item.values()] == [{"pagination": "cursor"}] * 2


def test_a_list_whose_items_are_lists_again_cannot_be_answered_whole() -> None:
    path_id = parameter("id", "path")
    paths = {
        "/pot": [operation(response="string[]")],
        "/pot/{id}": [operation(response="string[]", parameters=[path_id])],
        "/pot/{id}/leaf": [operation(response="map[string]long", parameters=[path_id])],
        "/pot/{id}/leaf/{n}": [operation(response="long", parameters=[path_id, parameter("n", "path")])],
    }
    document = document_of({"v1/pot": service(paths)})["paths"]
    assert document["/v1/pot"]["get"]["x-ovh-list"] == {"item": "/v1/pot/{id}", "parameter": "id"}
    assert "x-ovh-list" not in document["/v1/pot/{id}/leaf"]["get"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><html>maintenance</html>",
        b'{"apis":[{"path":"/pot"',
        b'{"apis":[{"path":7}]}',
        b'{"apis":[{"path":"/pot","operations":[{"httpMethod":"PATCH"}]}]}',
        b'{"apis":[{"path":"/pot","operations":[{"httpMethod":"GET","parameters":[{"dataType":"x"}]}]}]}',
        b'{"models":{"x":{"enum":[{}]}}}',
        b'"\xff\xfe"',
        b'{"apis":' + b"[" * 100_000,
        b'{"x":' + b"[" * 100_000,
        b'["\\ud800"]',
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_what_is_no_schema_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(CatalogError, match="The schema of v1/pot") as caught:
        parse_service(body, "v1/pot")
    assert caught.value.code == "schema-invalid"
    assert len(caught.value.message) < 2 * FOREIGN_TEXT_CHARS + 100


@pytest.mark.parametrize(
    "path",
    [
        "pot",
        "/shed/x",
        "/potted",
        "/pot/../me",
        "/pot/./x",
        "/pot//x",
        "/pot/",
        "/pot/{a/b}",
        "/pot/x{id}",
        "/pot/%2e%2e",
        "/pot/x?y",
        "/pot/x#y",
        "/pot/\x00",
        "/pot/" + "x" * 5_000,
        "http://evil.example/pot",
    ],
)
def test_a_path_that_is_not_plain_or_not_below_its_root_is_refused(path: str) -> None:
    body = json.dumps(service({path: [operation()]})).encode()
    with pytest.raises(CatalogError) as caught:
        parse_service(body, "v1/pot")
    assert caught.value.code == "schema-invalid"


def test_a_schema_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(CatalogError) as caught:
        parse_service(b" " * (SCHEMA_BYTES + 1), "v1/pot")
    assert caught.value.code == "schema-too-large"


def test_an_index_with_too_many_services_is_refused() -> None:
    with pytest.raises(CatalogError, match="lists"):
        parse_index(json.dumps(index(*(f"/s{n}" for n in range(SERVICES + 1)))).encode(), "v1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
TYPE_TEXTS = st.text(alphabet="mapTx.[]<>:,", max_size=20) | st.sampled_from(["a.A", "a.B<T>", "a.B<a.A>"])
MODELS = st.dictionaries(
    st.sampled_from(["a.A", "a.B<T>", "a.B<long>", "a.a", "<", "a<b,c>", "x y"]),
    st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(
                st.text(max_size=4), st.fixed_dictionaries({"type": TYPE_TEXTS}), max_size=3
            ),
            "enum": st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=3), max_size=4),
            "enumType": st.sampled_from(["string", "long", "any", "", None]),
            "generics": st.lists(st.sampled_from(["T", "U"]), max_size=2),
        },
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(JSON, MODELS, TYPE_TEXTS, st.dictionaries(st.sampled_from(["200", "201", "2", "x"]), TYPE_TEXTS))
def test_any_schema_converts_with_all_references_resolved_or_is_refused(
    noise: object, models: dict[str, Any], type_text: str, types: dict[str, str]
) -> None:
    path_id = parameter("id", "path", type_text)
    paths = {
        "/pot": [operation(response=type_text, responseTypes=types, errors=[type_text, "Client::"])],
        "/pot/{id}": [operation(response="any", responseTypes=types, parameters=[path_id])],
    }
    hostile = {**service(paths, models), "noise": noise}
    try:
        document = document_of({"v1/pot": hostile})
    except CatalogError as error:
        assert error.code == "schema-invalid"
        return
    components = document["components"]["schemas"]
    text = json.dumps(document)
    for name in components:
        assert not set(name) & set("<>[], ")
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in components
