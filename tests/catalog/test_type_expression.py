"""The language of OVH's types: what it means, and that nothing hostile gets through it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.catalog.type_expression import (
    Alias,
    Array,
    Map,
    Named,
    TypeExpression,
    TypeSyntaxError,
    parse_type,
    substitute,
)

NAMES = st.from_regex(r"[a-z][A-Za-z0-9]{0,5}(\.[A-Z][a-z]{1,5})?", fullmatch=True).filter(
    lambda name: name != "map"
)


def _containers(inner: st.SearchStrategy[TypeExpression]) -> st.SearchStrategy[TypeExpression]:
    return st.one_of(
        st.builds(Array, inner),
        st.builds(Map, inner, inner),
        st.builds(Alias, NAMES, inner),
        st.builds(Named, NAMES, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    )


EXPRESSIONS: st.SearchStrategy[TypeExpression] = st.recursive(
    st.builds(Named, NAMES), _containers, max_leaves=6
)


@given(EXPRESSIONS)
def test_an_expression_is_read_back_as_it_was_written(expression: TypeExpression) -> None:
    assert parse_type(str(expression)) == expression


@given(st.text(alphabet="mapTx.[]<>:,{}\\ \x00é", max_size=40))
def test_any_text_is_an_expression_or_a_syntax_error(text: str) -> None:
    try:
        assert parse_type(str(parse_type(text))) is not None
    except TypeSyntaxError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("string", Named("string")),
        ("ipv4[]", Array(Named("ipv4"))),
        ("x.Y[][]", Array(Array(Named("x.Y")))),
        ("map[string]long", Map(Named("string"), Named("long"))),
        ("map[string][]iam.Tag", Map(Named("string"), Array(Named("iam.Tag")))),
        ("map[string]iam.Tag[]", Map(Named("string"), Array(Named("iam.Tag")))),
        ("map[a.Enum]map[string]any", Map(Named("a.Enum"), Map(Named("string"), Named("any")))),
        ("coreTypes.AccountId:string", Alias("coreTypes.AccountId", Named("string"))),
        ("coreTypes.ServiceId[]:long[]", Alias("coreTypes.ServiceId[]", Array(Named("long")))),
        ("c.Unit<long>[]", Array(Named("c.Unit", (Named("long"),)))),
        ("c.Task<map[k.Enum]any>", Named("c.Task", (Map(Named("k.Enum"), Named("any")),))),
    ],
)
def test_the_forms_of_the_real_catalogue_are_read(text: str, expected: TypeExpression) -> None:
    assert parse_type(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "map[string",
        "map[]x",
        "a<>",
        "a<b",
        "a>",
        "a[",
        "a:",
        ":a",
        "[]",
        "../etc",
        "[]" * 100 + "a",
    ],
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(TypeSyntaxError):
        parse_type(text)


@pytest.mark.parametrize(
    "text", ["a" * 600, "a" + "[]" * 200, "map[a]" * 60 + "a", "a<" * 80 + "b" + ">" * 80]
)
def test_length_and_depth_are_bounded(text: str) -> None:
    with pytest.raises(TypeSyntaxError):
        parse_type(text)


def test_substitution_reaches_every_place_and_stops_growing() -> None:
    template = parse_type("map[T]A<T,T[]>")
    assert str(substitute(template, {"T": parse_type("long")})) == "map[long]A<long,long[]>"
    grown: TypeExpression = parse_type("long")
    with pytest.raises(TypeSyntaxError, match="parts"):
        for _ in range(20):
            grown = substitute(parse_type("A<T,T>"), {"T": grown})
