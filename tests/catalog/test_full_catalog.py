"""The whole API: complete, faithful by a second opinion, and a valid OpenAPI 3.1 document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator.schemas import schema_v31

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.store import CatalogFile
from tests.catalog.native_oracle import Comparison, NativeCatalog

Document = dict[str, Any]
_FREE_TEXTS = {"description", "summary", "operationId", "name", "title"}


def _operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _shape(value: object) -> object:
    """Return `value` without what no meta-schema looks at, so that equal forms become equal."""
    if isinstance(value, list):
        return [_shape(each) for each in value]
    if not isinstance(value, dict):
        return value
    shape: dict[str, object] = {}
    for key, each in value.items():
        if key in _FREE_TEXTS and isinstance(each, str):
            shape[key] = "n"
        elif key == "enum":
            shape[key] = each[:1]
        elif key == "$ref":
            shape[key] = "#"
        elif key == "required" and isinstance(each, list):
            shape[key] = ["x"]
        elif key == "parameters":
            shape[key] = _distinct_shapes(iter(each))
        elif key == "properties":
            forms = {json.dumps(_shape(one), sort_keys=True) for one in each.values()}
            shape[key] = {form: json.loads(form) for form in sorted(forms)}
        elif not key.startswith("x-"):
            shape[key] = _shape(each)
    return shape


def _without_schemas(value: object) -> object:
    if isinstance(value, list):
        return [_without_schemas(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: {} if key == "schema" else _without_schemas(each) for key, each in value.items()}


def _schemas(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for each in value:
            yield from _schemas(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "schema":
                yield each
            else:
                yield from _schemas(each)


def _distinct_shapes(values: Iterator[object]) -> list[Any]:
    texts = {json.dumps(_shape(each), sort_keys=True) for each in values}
    return [json.loads(text) for text in sorted(texts)]


@pytest.mark.promise("catalog.complete")
def test_every_service_path_and_operation_is_there(full_catalog: CatalogFile) -> None:
    info = full_catalog.info
    assert (info.service_count, info.path_count, info.operation_count) == (84, 4841, 6624)
    assert info.failed == {}
    assert len(full_catalog.routes()) == len(set(full_catalog.routes())) == 6624


def test_every_parameter_is_there_with_its_place_and_type_and_no_other(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    comparison = Comparison(full_document["components"]["schemas"])
    for each in native_catalog.operations():
        operation = full_document["paths"][each.path][each.method.lower()]
        at = f"{each.method} {each.path}"
        given = {(one["name"], one["paramType"]): one for one in each.native["parameters"] if "name" in one}
        expected = {key for key in given if key[1] != "body"}
        undeclared = {(name, "path") for name in re.findall(r"\{(.*?)\}", each.path)} - expected
        found = {(one["name"], one["in"]): one for one in operation.get("parameters", [])}
        assert found.keys() == expected | undeclared, at
        for key in expected:
            native = given[key]
            comparison.type(
                each.service, each.models, native["dataType"], found[key]["schema"], f"{at} {key}"
            )
            assert found[key].get("required", False) == (native["required"] or key[1] == "path"), at
    assert comparison.faults == []


def test_the_second_opinion_sees_a_planted_fault(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    components = full_document["components"]["schemas"]
    models = native_catalog.services["v1/vps"]["models"]
    record = components["vps.VPS"]
    faults: list[dict[str, Any]] = [
        {**record, "required": ["name"]},
        {**record, "properties": {**record["properties"], "name": {"type": "integer"}}},
        {**record, "properties": {**record["properties"], "extra": {"type": "string"}}},
    ]
    for planted in faults:
        comparison = Comparison({**components, "vps.VPS": planted})
        comparison.type("v1/vps", models, "vps.VPS", {"$ref": "#/components/schemas/vps.VPS"}, "planted")
        assert comparison.faults != []


def test_every_body_and_answer_says_what_the_native_form_says(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    comparison = Comparison(full_document["components"]["schemas"])
    for each in native_catalog.operations():
        operation = full_document["paths"][each.path][each.method.lower()]
        at = f"{each.method} {each.path}"
        body = [one for one in each.native["parameters"] if one["paramType"] == "body"]
        assert ("requestBody" in operation) == bool(body), at
        if body:
            request = operation["requestBody"]
            assert request.get("required", False) == any(one["required"] for one in body), at
            schema = request["content"]["application/json"]["schema"]
            if "name" not in body[0]:
                comparison.type(each.service, each.models, body[0]["dataType"], schema, f"{at} body")
            else:
                assert list(schema["properties"]) == [one["name"] for one in body], at
                assert schema.get("required", []) == [one["name"] for one in body if one["required"]], at
                for one in body:
                    comparison.type(
                        each.service, each.models, one["dataType"], schema["properties"][one["name"]], at
                    )
        answer = operation["responses"]["200"].get("content")
        assert (answer is None) == (each.native["responseType"] == "void"), at
        if answer is not None:
            schema = answer["application/json"]["schema"]
            comparison.type(each.service, each.models, each.native["responseType"], schema, f"{at} answer")
    assert comparison.faults == []


def test_every_model_of_every_service_is_a_component(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    components = full_document["components"]["schemas"]
    names = {name.partition("-v")[0] for name in components}
    for service, schema in native_catalog.services.items():
        missing = {
            model
            for model in schema["models"]
            if "<T>" not in model
            if re.sub("[<>]", "_", model).rstrip("_") not in names
        }
        assert missing == set(), service


def test_status_authentication_actions_and_errors_are_those_of_the_native_form(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    shared = full_document["components"]["responses"]
    for each in native_catalog.operations():
        operation, native = full_document["paths"][each.path][each.method.lower()], each.native
        at = f"{each.method} {each.path}"
        texts = ("value", "deprecatedDate", "deletionDate", "replacement")
        assert operation["x-ovh-status"] == {
            key: native["apiStatus"][key] for key in texts if key in native["apiStatus"]
        }, at
        assert operation.get("deprecated", False) == (native["apiStatus"]["value"] == "DEPRECATED"), at
        assert ("security" in operation) == native["noAuthentication"], at
        assert operation.get("x-ovh-iam-actions", []) == native.get("iamActions", []), at
        assert operation["tags"] == [each.service], at
        assert operation.get("summary", "") == native.get("description", ""), at
        assert operation.get("description", "") == native.get("longDescription", ""), at
        errors = [
            error
            for response in operation["responses"].values()
            if "$ref" in response
            for error in shared[response["$ref"].rpartition("/")[2]]["x-ovh-errors"]
        ]
        assert sorted(errors) == sorted(set(native.get("errors", []))), at


def test_operation_ids_are_unique_and_ovhs_own_where_it_gives_one(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    ids = [operation["operationId"] for _, _, operation in _operations(full_document)]
    assert len(ids) == len(set(ids))
    assert not [each for each in ids if each.endswith("_")], "no id had to be told apart by force"
    for each in native_catalog.operations():
        own = each.native.get("operationId")
        assert own in (None, full_document["paths"][each.path][each.method.lower()]["operationId"])


def test_lists_name_an_item_operation_that_exists(full_document: Document) -> None:
    marked = 0
    for path, _, operation in _operations(full_document):
        mark = operation.get("x-ovh-list", {})
        if "item" in mark:
            marked += 1
            assert mark["item"] == f"{path}/{{{mark['parameter']}}}"
            assert "get" in full_document["paths"][mark["item"]]
            assert operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "array"
    assert marked > 900


def test_every_reference_resolves_and_every_component_name_is_legal(full_document: Document) -> None:
    components = full_document["components"]
    known = {f"#/components/{kind}/{name}" for kind, each in components.items() for name in each}
    assert set(_references(full_document)) <= known
    assert not [name for name in components["schemas"] if not re.fullmatch(r"[A-Za-z0-9._-]+", name)]


def test_no_type_variable_is_left(full_catalog: CatalogFile, full_document: Document) -> None:
    assert b'"x-ovh-type":"T"' not in full_catalog.document()
    assert not [name for name in full_document["components"]["schemas"] if re.search(r"[<>]|_T$", name)]


def test_names_that_differ_only_by_case_are_kept_apart(full_document: Document) -> None:
    schemas = full_document["components"]["schemas"]
    assert schemas["hosting.web.cdn"] != schemas["hosting.web.CDN"]
    assert len({name.lower() for name in schemas}) < len(schemas)


def test_models_that_services_define_differently_are_both_kept(full_document: Document) -> None:
    schemas = full_document["components"]["schemas"]
    assert "changeUuid" not in schemas["dedicated.server.Task-v1.vps"]["properties"]
    # Same text, but it refers to a model that differs: kept apart as well.
    assert "license.office.OfficeTask-v1.license.officePrepaid" in schemas


def test_values_of_long_enums_that_are_strings_stay_strings(full_document: Document) -> None:
    schemas = full_document["components"]["schemas"]
    assert schemas["cloud.AlertingDelayEnum"]["type"] == "string"
    assert "3600" in schemas["cloud.AlertingDelayEnum"]["enum"]
    assert schemas["dnssec.KeyAlgorithmEnum"]["type"] == "integer"


def test_the_document_is_valid_by_the_openapi_meta_schema(full_document: Document) -> None:
    # Schemas are left to the next test: here they would only be walked through.
    operations = _distinct_shapes(
        _without_schemas(operation) for _, _, operation in _operations(full_document)
    )
    paths = {f"/{number}": {"get": operation} for number, operation in enumerate(operations)}
    components = {**full_document["components"], "schemas": {}}
    document = {**full_document, "components": components, "paths": paths}
    assert all(path.startswith(("/v1/", "/v2/")) for path in full_document["paths"])
    validator = Draft202012Validator(schema_v31)
    assert [error.message for error in validator.iter_errors(document)] == []
    broken = {**document, "paths": {"/0": {"get": {**operations[0], "parameters": [{"name": "x"}]}}}}
    assert not validator.is_valid(broken)


def test_each_schema_is_valid_by_the_meta_schema_of_json_schema(full_document: Document) -> None:
    inline = (each for _, _, operation in _operations(full_document) for each in _schemas(operation))
    shapes = _distinct_shapes(chain(full_document["components"]["schemas"].values(), inline))
    Draft202012Validator.check_schema({"$defs": {str(number): each for number, each in enumerate(shapes)}})


def test_the_operations_in_the_table_are_those_of_the_document(
    full_catalog: CatalogFile, full_document: Document
) -> None:
    for method, path in full_catalog.routes()[::50]:
        text = full_catalog.operation_json(method, path)
        assert text is not None
        assert json.loads(text) == full_document["paths"][path][method.lower()]


def test_an_operation_tells_what_the_gate_asks_for(full_catalog: CatalogFile) -> None:
    operation = full_catalog.operation(Method.POST, "/v1/domain/zone/{zoneName}/record")
    assert operation is not None
    assert (operation.service, operation.has_body, operation.is_body_required) == ("v1/domain", True, True)
    assert [(each.name, each.place, each.required) for each in operation.parameters] == [
        ("zoneName", "path", True)
    ]
    free = full_catalog.operation(Method.GET, "/v1/auth/time")
    assert free is not None
    assert not free.is_authenticated
    assert full_catalog.operation(Method.DELETE, "/v1/auth/time") is None


def test_a_parameter_of_a_path_that_is_not_declared_is_declared(full_catalog: CatalogFile) -> None:
    path = "/v1/telephony/{billingAccount}/ovhPabx/{serviceName}/hunting/queue/{queueId}/agent"
    operation = full_catalog.operation(Method.POST, path)
    assert operation is not None
    assert {each.name for each in operation.parameters} == {"billingAccount", "serviceName", "queueId"}
