"""Type expressions of the native format, and the values made for them."""

import pytest

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.conformance import find_fault
from ovh_api_mcp.simulator.native import Model, Property
from ovh_api_mcp.simulator.types import Anything, Choice, ListOf, MapOf, Record, Scalar, Type, Types
from ovh_api_mcp.simulator.values import ValueMaker

TYPES = Types(
    {
        "a.Enum": Model(enum=("x", "y")),
        "a.Number": Model(enum=("4", "6"), enum_type="long"),
        "a.Task<T>": Model(
            properties={"inputs": Property("T"), "T": Property("T[]"), "other": Property("a.T")}
        ),
        "a.Pair<long>": Model(properties={"value": Property("T")}),
        "a.Self": Model(
            properties={
                "name": Property("string", required=True),
                "inner": Property("a.Self"),
                "list": Property("a.Self[]"),
                "map": Property("map[string]a.Self"),
            }
        ),
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("long", Scalar("long")),
        ("coreTypes.AccountId:string", Scalar("string")),
        ("coreTypes.ServiceId[]:long[]", ListOf("long")),
        ("a.Enum[]", ListOf("a.Enum")),
        ("[]a.Enum", ListOf("a.Enum")),
        ("map[string]long", MapOf("string", "long")),
        ("map[a.Enum][]a.Self", MapOf("a.Enum", "[]a.Self")),
        ("a.Enum", Choice(("x", "y"))),
        ("a.Number", Choice((4, 6))),
        ("any", Anything()),
        ("a.Unknown", Anything()),
    ],
)
def test_every_form_of_a_type_is_understood(text: str, expected: Type) -> None:
    assert TYPES.resolve(text) == expected


def test_type_parameters_are_put_in_also_where_only_the_template_exists() -> None:
    def texts(name: str) -> dict[str, str]:
        found = TYPES.resolve(name)
        assert isinstance(found, Record)
        return {key: field.type_text for key, field in found.fields.items()}

    assert texts("a.Pair<long>") == {"value": "long"}
    assert texts("a.Task<map[a.Enum]any>") == {
        "inputs": "map[a.Enum]any",
        "T": "map[a.Enum]any[]",
        "other": "a.T",
    }


def test_a_model_that_holds_itself_has_an_end() -> None:
    value = ValueMaker(TYPES).make("a.Self", "seed")

    assert find_fault(TYPES, "a.Self", value, "$") is None


@pytest.mark.parametrize("text", ["a.Enum", "a.Number", "a.Pair<long>", "a.Task<a.Enum>", "map[a.Enum]long"])
def test_the_same_seed_makes_the_same_value(text: str) -> None:
    first, second = (ValueMaker(TYPES).make(text, "seed") for _ in range(2))

    assert first == second
    assert find_fault(TYPES, text, first, "$") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("long", True),
        ("long", "1"),
        ("double", "1.5"),
        ("boolean", 1),
        ("string", 1),
        ("uuid", "x"),
        ("ipv4", "::1"),
        ("ipBlock", "203.0.113.0/33"),
        ("datetime", "yesterday"),
        ("a.Enum", "z"),
        ("a.Number", True),
        ("string[]", "x"),
        ("long[]", [1, "2"]),
        ("map[string]long", {"a": "b"}),
        ("a.Self", {}),
        ("a.Self", {"name": None}),
        ("a.Self", {"name": "x", "list": [{"name": 1}]}),
        ("a.Self", "x"),
    ],
)
def test_a_value_that_does_not_fit_is_named(text: str, value: JsonValue) -> None:
    fault = find_fault(TYPES, text, value, "field")

    assert fault is not None
    assert fault.startswith("[field")
