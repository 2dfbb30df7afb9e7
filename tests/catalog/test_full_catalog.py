"""The whole API: complete, faithful by a second opinion, and a valid OpenAPI 3.1 document."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31

from ovh_api_mcp.catalog.model import Deprecation, Method
from ovh_api_mcp.catalog.native import parse_service
from ovh_api_mcp.catalog.openapi import convert_service, merge_services
from ovh_api_mcp.catalog.store import CatalogFile
from tests.catalog.native_oracle import Comparison, NativeCatalog, type_of
from tests.catalog.references import closure, references

Document = dict[str, Any]
_FREE_TEXTS = {"description", "summary", "operationId", "name", "title"}


def _operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


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


@pytest.mark.promise("catalog.faithful")
def test_every_parameter_is_there_with_its_place_and_type_and_no_other(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    comparison = Comparison(full_document["components"]["schemas"])
    for each in native_catalog.operations():
        given = full_document["paths"][each.path][each.method.lower()].get("parameters", [])
        found = {f"{one['in']} {one['name']}": one for one in given}
        assert len(found) == len(given), str(each)
        assert found.keys() == each.parameters().keys() | each.undeclared(), str(each)
        for place, native in each.parameters().items():
            parameter, at = found[place], f"{each} {place}"
            assert parameter.keys() <= {"name", "in", "required", "description", "schema"}, at
            comparison.type(each.service, each.models, type_of(native), parameter["schema"], at)
            is_required = native["required"] or native["paramType"] == "path"
            assert parameter.get("required", False) == is_required, at
            assert parameter.get("description", "") == native["description"], at
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


@pytest.mark.promise("catalog.faithful")
def test_every_body_and_answer_says_what_the_native_form_says(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    comparison = Comparison(full_document["components"]["schemas"])
    for each in native_catalog.operations():
        operation = full_document["paths"][each.path][each.method.lower()]
        body = each.body()
        assert ("requestBody" in operation) == bool(body), str(each)
        if body:
            request = operation["requestBody"]
            assert request.get("required", False) == any(one["required"] for one in body), str(each)
            schema = request["content"]["application/json"]["schema"]
            if "name" not in body[0]:
                text = body[0]["description"]
                assert request.get("description", "") == ("" if text == "Request Body" else text), str(each)
                comparison.type(each.service, each.models, type_of(body[0]), schema, f"{each} body")
            else:
                assert schema.keys() <= {"type", "properties", "required"}, str(each)
                assert list(schema["properties"]) == [one["name"] for one in body], str(each)
                required = [one["name"] for one in body if one["required"]]
                assert schema.get("required", []) == required, str(each)
                for one in body:
                    field, at = schema["properties"][one["name"]], f"{each} {one['name']}"
                    assert field.get("description", "") == one["description"], at
                    comparison.type(each.service, each.models, type_of(one), field, at)
        answer = operation["responses"]["200"].get("content")
        assert (answer is None) == (each.native["responseType"] == "void"), str(each)
        if answer is not None:
            schema = answer["application/json"]["schema"]
            at = f"{each} answer"
            comparison.type(each.service, each.models, each.native["responseType"], schema, at)
    assert comparison.faults == []


def test_every_model_of_every_service_is_a_component(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    components = full_document["components"]["schemas"]
    names = {name.partition("-v")[0] for name in components}
    for service, schema in native_catalog.services.items():
        missing = {model for model in schema["models"] if "<T>" not in model if _legal(model) not in names}
        assert missing == set(), service


@pytest.mark.promise("catalog.faithful")
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
            assert _answer(operation)["type"] == "array"
    assert marked > 900


def test_every_list_with_an_operation_for_its_items_is_marked(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    reads = {each.path: each for each in native_catalog.operations() if each.method == "GET"}
    items = {path.rpartition("/")[0]: path for path in reads if path.endswith("}")}
    for path, each in reads.items():
        mark = full_document["paths"][path]["get"].get("x-ovh-list", {})
        is_list = each.native["responseType"].endswith("[]")
        assert mark.get("item") == (items.get(path) if is_list else None), path


def test_the_kind_of_paging_is_that_of_the_native_form(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    kinds: Counter[str] = Counter()
    for each in native_catalog.operations():
        mark = full_document["paths"][each.path][each.method.lower()].get("x-ovh-list", {})
        kind = mark.get("pagination", "")
        assert (kind == "cursor") == ("header X-Pagination-Cursor" in each.parameters()), str(each)
        if "item" in mark and kind != "cursor":
            answers_a_list = _answer(full_document["paths"][mark["item"]]["get"]).get("type") == "array"
            assert kind == ("v1" if each.service.startswith("v1/") and not answers_a_list else ""), str(each)
        kinds[kind] += 1
    assert kinds["cursor"] > 80
    assert kinds["v1"] > 900


def _answer(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema


def test_every_reference_resolves_and_every_component_name_is_legal(full_document: Document) -> None:
    components = full_document["components"]
    known = {f"#/components/{kind}/{name}" for kind, each in components.items() for name in each}
    assert set(references(full_document)) <= known
    assert not [name for name in components["schemas"] if not re.fullmatch(r"[A-Za-z0-9._-]+", name)]


def test_no_type_variable_is_left(full_catalog: CatalogFile, full_document: Document) -> None:
    assert b'"x-ovh-type":"T"' not in full_catalog.document()
    assert not [name for name in full_document["components"]["schemas"] if re.search(r"[<>]|_T$", name)]


def test_names_that_differ_only_by_case_are_kept_apart(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    schemas = full_document["components"]["schemas"]
    names = {name for each in native_catalog.services.values() for name in each["models"] if "<" not in name}
    spellings = Counter(name.lower() for name in names)
    twins = [name for name in names if spellings[name.lower()] > 1]
    assert len(twins) == 38
    assert [name for name in twins if name not in schemas] == []
    assert schemas["hosting.web.cdn"] != schemas["hosting.web.CDN"]


def test_models_that_services_define_differently_are_all_kept(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    schemas = full_document["components"]["schemas"]
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for each in native_catalog.services.values():
        for name, model in each["models"].items():
            forms[name].add(json.dumps(model, sort_keys=True))
    differing = {name: len(texts) for name, texts in forms.items() if len(texts) > 1}
    assert len(differing) == 36
    for name, count in differing.items():
        kept = [one for one in schemas if one == _legal(name) or one.startswith(f"{_legal(name)}-v")]
        # Two differ only in that one repeats its name as a text, or a type as the full type.
        enough = 1 if name in ("service.RenewType", "service.StateEnum") else count
        assert len(kept) >= enough or "<T>" in name, name
    assert "changeUuid" not in schemas["dedicated.server.Task-v1.vps"]["properties"]
    # Same text, but it refers to a model that differs: kept apart as well.
    assert "license.office.OfficeTask-v1.license.officePrepaid" in schemas


def test_models_that_hold_themselves_lead_back_to_themselves(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    schemas = full_document["components"]["schemas"]
    recursive = {
        name
        for each in native_catalog.services.values()
        for name, model in each["models"].items()
        if any(name == re.sub(r"[\[\]]", "", one["type"]) for one in model.get("properties", {}).values())
    }
    assert len(recursive) == 5
    for name in recursive:
        assert f"#/components/schemas/{name}" in references(schemas[name])


def test_generic_models_are_named_as_ovhs_exporter_names_them(full_document: Document) -> None:
    schemas = full_document["components"]["schemas"]
    value = schemas["complexType.UnitAndValue_long"]["properties"]["value"]
    assert value["type"] == "integer"
    assert "pack.xdsl.AsyncTask_long" in schemas  # the schemas have only AsyncTask<T>
    inputs = schemas["common.TaskWithInputs_map_managedCMS.TaskInputsEnum_any"]["properties"]["inputs"]
    assert inputs["additionalProperties"] == {}


def _legal(name: str) -> str:
    return re.sub("[<>]", "_", name).rstrip("_")


def test_an_operation_has_the_same_id_whatever_other_services_are_loaded(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    for name, schema in native_catalog.services.items():
        alone = convert_service(name, parse_service(json.dumps(schema).encode(), name))
        for each in merge_services([alone], "https://api.example").operations:
            known = full_document["paths"][each.path][each.method.lower()]["operationId"]
            assert json.loads(each.json)["operationId"] == known


def test_values_of_long_enums_that_are_strings_stay_strings(full_document: Document) -> None:
    schemas = full_document["components"]["schemas"]
    assert schemas["cloud.AlertingDelayEnum"]["type"] == "string"
    assert "3600" in schemas["cloud.AlertingDelayEnum"]["enum"]
    assert schemas["cloud.AlertingDelayEnum"]["x-ovh-type"] == "long"
    assert "x-ovh-type" not in schemas["dnssec.KeyAlgorithmEnum"]
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


# All services at once pass as well, but take a minute.
@pytest.mark.parametrize("root", ["/v1/vps", "/v1/sslGateway", "/v2/iam"])
def test_a_service_with_all_it_refers_to_passes_the_whole_validator(
    root: str, full_document: Document
) -> None:
    paths = {path: item for path, item in full_document["paths"].items() if f"{path}/".startswith(f"{root}/")}
    schemas = closure(paths, full_document["components"]["schemas"])
    document = {
        **full_document,
        "paths": paths,
        "components": {**full_document["components"], "schemas": schemas},
    }
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    path = next(path for path in paths if "{" in path)
    method, operation = next(iter(paths[path].items()))
    broken = {**document, "paths": {path: {method: {**operation, "parameters": []}}}}
    assert not OpenAPIV31SpecValidator(broken).is_valid()


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


def test_the_names_of_the_schemas_are_those_of_the_document(
    full_catalog: CatalogFile, full_document: Document
) -> None:
    assert full_catalog.schema_names() == list(full_document["components"]["schemas"])


def test_an_operation_tells_what_its_errors_are_explained_by(full_catalog: CatalogFile) -> None:
    record = full_catalog.operation(Method.POST, "/v1/domain/zone/{zoneName}/record")
    assert record is not None
    assert {(field.name, field.required) for field in record.body_fields} == {
        ("fieldType", True),
        ("target", True),
        ("subDomain", False),
        ("ttl", False),
    }
    assert (record.iam_actions, record.deprecation) == (("dnsZone:apiovh:record/create",), None)
    old = full_catalog.operation(Method.POST, "/v1/ip/{ip}/terminate")
    assert old is not None
    assert old.deprecation == Deprecation(
        "2016-07-21T00:00:00+01:00", "2017-01-21T00:00:00+01:00", "/ip/service/{serviceName}/terminate"
    )


def test_fields_that_are_read_only_are_none_that_a_body_takes(full_catalog: CatalogFile) -> None:
    for method, path in full_catalog.routes():
        operation = full_catalog.operation(method, path)
        assert operation is not None
        assert operation.has_body or not operation.body_fields
    soa = full_catalog.operation(Method.PUT, "/v1/domain/zone/{zoneName}/soa")
    assert soa is not None
    assert "ttl" in {field.name for field in soa.body_fields}
    alias = full_catalog.operation(Method.PUT, "/v1/vps/{serviceName}")
    assert alias is not None
    assert "name" not in {field.name for field in alias.body_fields}
