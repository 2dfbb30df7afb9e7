"""Over all operations: what is right by OVH's own types is valid, and what breaks them is not."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from tests.catalog.native_examples import Examples
from tests.catalog.native_oracle import Comparison, NativeCatalog, NativeOperation, type_of
from tests.catalog.references import closure

Document = dict[str, Any]
Schema = dict[str, Any]
_ROUNDS = 2
_FORMATS = FormatChecker(Draft202012Validator.FORMAT_CHECKER.checkers.keys())


@_FORMATS.checks("duration")  # type: ignore[untyped-decorator]
def _is_duration(value: object) -> bool:
    pattern = r"P(?!$)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+S)?)?)"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


def _places(operation: Document) -> dict[str, Schema]:
    """The schema of each place of an operation that has a type."""
    places = {f"{each['in']} {each['name']}": each["schema"] for each in operation.get("parameters", ())}
    for place, holder in (
        ("body", operation.get("requestBody", {})),
        ("answer", operation["responses"]["200"]),
    ):
        if "content" in holder:
            places[place] = holder["content"]["application/json"]["schema"]
    return places


def _validator(places: dict[str, Schema], components: dict[str, Schema]) -> Draft202012Validator:
    schema = {
        "type": "object",
        "properties": places,
        "components": {"schemas": closure([*places.values()], components)},
    }
    return Draft202012Validator(schema, format_checker=_FORMATS)


def _native_places(
    each: NativeOperation, examples: Examples
) -> Iterator[tuple[str, object, tuple[str, object] | None]]:
    """Yield place by place a value that is right and one that is wrong, with where it is."""
    for place, native in each.parameters().items():
        value = examples.right(type_of(native))
        yield place, value, examples.wrong(type_of(native), value)
    if each.body():
        value = examples.body(each.body())
        yield "body", value, examples.wrong_body(each.body(), value)
    answer = each.native["responseType"]
    if answer != "void":
        value = examples.right(answer)
        yield "answer", value, examples.wrong(answer, value)


def _faults(document: Document, operations: Iterable[NativeOperation]) -> list[str]:
    """Return what is right and refused, or wrong and let through; some values of each place are tried."""
    components = document["components"]["schemas"]
    faults = []
    for each in operations:
        places = _places(document["paths"][each.path][each.method.lower()])
        validator = _validator(places, components)
        for number in range(_ROUNDS):
            native = list(_native_places(each, Examples(each.models, Random(f"{each} {number}"))))
            assert {place for place, _, _ in native} | each.undeclared() == places.keys(), str(each)
            whole = {place: value for place, value, _ in native}
            faults += [f"{each}: {one.json_path}: {one.message}" for one in validator.iter_errors(whole)]
            faults += [
                f"{each}: {place} passes though it is wrong at {wrong[0]}: {wrong[1]!r}"
                for place, _, wrong in native
                if wrong is not None and validator.is_valid({place: wrong[1]})
            ]
    return faults


@pytest.mark.promise("catalog.faithful")
def test_an_example_of_the_native_types_is_valid_and_one_that_breaks_them_is_not(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    assert _faults(full_document, native_catalog.operations()) == []


def test_nearly_every_place_of_every_operation_can_be_broken(native_catalog: NativeCatalog) -> None:
    places = unbreakable = 0
    for each in native_catalog.operations():
        for _, _, wrong in _native_places(each, Examples(each.models, Random(str(each)))):
            places += 1
            unbreakable += wrong is None
    assert places > 19_000
    assert unbreakable < 10, "only a place of type any lets everything through"


def _model_faults(
    document: Document, native_catalog: NativeCatalog, operations: list[NativeOperation]
) -> list[str]:
    """Return the same of each model that operations lead to, property by property."""
    components = document["components"]["schemas"]
    faults = []
    for service, model, component in _models(document, operations):
        models = native_catalog.services[service]["models"]
        validator = _validator({"model": components[component]}, components)
        examples = Examples(models, Random(f"{service} {model}"))
        value = examples.right(model)
        faults += [f"{service} {model}: {one.message}" for one in validator.iter_errors({"model": value})]
        faults += [
            f"{service} {model} passes though it is wrong at {where}"
            for where, wrong in examples.each_wrong(model, value)
            if validator.is_valid({"model": wrong})
        ]
    return faults


def _models(document: Document, operations: Iterable[NativeOperation]) -> list[tuple[str, str, str]]:
    """Return each component that operations lead to, behind a service and what that one calls it."""
    comparison = Comparison(document["components"]["schemas"])
    for each in operations:
        places = _places(document["paths"][each.path][each.method.lower()])
        types = {place: type_of(native) for place, native in each.parameters().items()}
        types["answer"] = each.native["responseType"]
        fields = {one.get("name", ""): type_of(one) for one in each.body()}
        if "" in fields:
            types["body"] = fields[""]
        for place in types.keys() & places.keys():
            comparison.type(each.service, each.models, types[place], places[place], place)
        for name, text in fields.items():
            if name:
                comparison.type(each.service, each.models, text, places["body"]["properties"][name], name)
    one_of_each = {component: (*rest, component) for *rest, component in sorted(comparison.models)}
    return [(service, model, component) for service, model, component in one_of_each.values()]


@pytest.mark.promise("catalog.faithful")
def test_an_example_of_each_native_model_is_valid_and_each_property_that_is_broken_makes_it_invalid(
    native_catalog: NativeCatalog, full_document: Document
) -> None:
    operations = [*native_catalog.operations()]
    reached = closure(full_document["paths"], full_document["components"]["schemas"])
    assert len(_models(full_document, operations)) == len(reached) > 4_800
    assert _model_faults(full_document, native_catalog, operations) == []


def _change_parameter(document: Document) -> None:
    document["paths"]["/v1/vps/{serviceName}/tasks/{id}"]["get"]["parameters"][0]["schema"] = {}
    document["paths"]["/v1/vps/{serviceName}/tasks/{id}"]["get"]["parameters"][1]["schema"] = {}


def _change_answer(document: Document) -> None:
    answer = document["paths"]["/v1/vps"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"] = {"type": "array"}


def _widen_type(document: Document) -> None:
    ip = document["components"]["schemas"]["vps.Ip"]
    ip["properties"]["macAddress"]["type"] = ["string", "integer", "null"]


def _narrow_type(document: Document) -> None:
    document["components"]["schemas"]["vps.Ip"]["properties"]["reverse"]["type"] = "integer"


def _require_more(document: Document) -> None:
    document["components"]["schemas"]["vps.rebuild.post"]["required"].append("extra")


def _require_less(document: Document) -> None:
    del document["components"]["schemas"]["vps.rebuild.post"]["required"]


def _forbid_a_value(document: Document) -> None:
    del document["components"]["schemas"]["vps.ip.TypeEnum"]["enum"][:]


def _let_values_through(document: Document) -> None:
    del document["components"]["schemas"]["vps.VpsStateEnum"]["enum"]


@pytest.mark.parametrize(
    "plant",
    [
        _change_parameter,
        _change_answer,
        _widen_type,
        _narrow_type,
        _require_more,
        _require_less,
        _forbid_a_value,
        _let_values_through,
    ],
)
def test_a_planted_fault_is_found_by_an_example(
    plant: Callable[[Document], None], native_catalog: NativeCatalog, full_document: Document
) -> None:
    operations = [each for each in native_catalog.operations() if each.service == "v1/vps"]
    paths = {each.path: full_document["paths"][each.path] for each in operations}
    schemas = closure(paths, full_document["components"]["schemas"])
    document = copy.deepcopy({"paths": paths, "components": {"schemas": schemas}})
    plant(document)
    assert _faults(document, operations) + _model_faults(document, native_catalog, operations) != []
