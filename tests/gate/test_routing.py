"""From method and path to the operation: literals win, refusals teach."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.match import Route, Router
from ovh_api_mcp.gate.path import normalise_path
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import MESSAGE_CHARS
from tests.gate.operations import Operations, few_operations


def route(router: Router, method: str, path: str, params: JsonObject | None = None) -> Route:
    return router.route(Method(method), normalise_path(path, params))


@pytest.fixture(scope="module")
def few() -> Router:
    return Router(few_operations().routes())


@pytest.fixture(scope="module")
def whole(whole_catalog: Operations) -> Router:
    return Router(whole_catalog.routes())


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/domain/zone", "/v1/domain/zone"),
        ("/v1/domain/z%6Fne", "/v1/domain/zone"),
        ("/v1/domain/zones", "/v1/domain/{serviceName}"),
        ("/v1/domain/zone/task", "/v1/domain/zone/{zoneName}"),
        ("/v1/domain/a%2Fb/task", "/v1/domain/{serviceName}/task"),
        ("/v1/domain/zone/x/record/1", "/v1/domain/zone/{zoneName}/record/{id}"),
    ],
)
def test_a_literal_wins_over_a_parameter(few: Router, path: str, template: str) -> None:
    assert route(few, "GET", path).template == template


def test_a_literal_is_sent_in_its_plain_spelling(few: Router) -> None:
    assert route(few, "GET", "/v1/d%6Fmain/z%6fne/ex%61mple").wire == "/v1/domain/zone/ex%61mple"


def test_a_parameter_is_tried_where_the_literal_leads_nowhere() -> None:
    router = Router([(Method.GET, "/v1/a/b/c"), (Method.GET, "/v1/a/{x}/d"), (Method.GET, "/v1/{y}/b/e")])
    assert route(router, "GET", "/v1/a/b/d").template == "/v1/a/{x}/d"
    assert route(router, "GET", "/v1/a/b/e").template == "/v1/{y}/b/e"


def test_a_method_the_literal_lacks_is_not_looked_for_behind_the_parameter(few: Router) -> None:
    with pytest.raises(RefusedError) as caught:
        route(few, "PUT", "/v1/domain/zone")
    assert caught.value.code == "method-not-allowed"
    assert caught.value.message == "There is no PUT on /v1/domain/zone. This path has GET."


def test_the_names_of_a_template_are_the_callers(few: Router) -> None:
    found = route(few, "GET", "/v1/domain/zone/{zone}/record/{n}", {"zone": "example.com", "n": 12})
    assert found.template == "/v1/domain/zone/{zoneName}/record/{id}"
    assert found.wire == "/v1/domain/zone/example.com/record/12"


def test_a_template_may_be_filled_in_part(few: Router) -> None:
    found = route(few, "GET", "/v1/domain/zone/example.com/record/{id}", {"id": 12})
    assert found.wire == "/v1/domain/zone/example.com/record/12"


@pytest.mark.parametrize("value", ["zone", "z%6Fne"])
def test_a_value_that_names_a_literal_never_reaches_the_other_operation(few: Router, value: str) -> None:
    try:
        found = route(few, "GET", "/v1/domain/{serviceName}", {"serviceName": value})
    except RefusedError as error:
        assert error.code == "invalid-call"
        assert "becomes /v1/domain/zone" in error.message
    else:
        assert found.wire == "/v1/domain/z%256Fne"  # the text z%6Fne itself, which is not zone


def test_braces_never_stand_for_a_literal(few: Router) -> None:
    with pytest.raises(RefusedError) as caught:
        route(few, "GET", "/v1/{what}/time", {"what": "auth"})
    assert caught.value.code == "unknown-operation"


@pytest.mark.parametrize(
    ("path", "params", "words"),
    [
        ("/v1/ip/{ipBlock}", {"ip": "1"}, ['"ip"', 'Did you mean "ipBlock"?']),
        ("/v1/ip/{ip}", {}, ["{ip}", "no value"]),
        ("/v1/me", {"ip": "1"}, ['"ip"', "no {name}"]),
        ("/v1/domain/zone/{zone}/record", {"zone": "a", "extra": 1}, ['"extra"', "{zone}"]),
    ],
)
def test_params_that_do_not_fit_the_template_are_named(
    few: Router, path: str, params: JsonObject, words: list[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        route(few, "GET", path, params)
    assert caught.value.code == "invalid-call"
    assert all(word in caught.value.message for word in words), caught.value.message


@pytest.mark.parametrize(
    "value",
    ["{zoneName}", "%7BzoneName%7D", "<zoneName>", ":zoneName", "YOUR_ZONE", "ZONE_NAME", "xxx", "..."],
)
def test_a_placeholder_is_refused_and_the_list_of_values_named(few: Router, value: str) -> None:
    with pytest.raises(RefusedError) as caught:
        route(few, "GET", f"/v1/domain/zone/{value}/record")
    assert caught.value.code == "invalid-call"
    assert "{zoneName}" in caught.value.message
    assert "/v1/domain/zone (GET) lists them." in caught.value.message


def test_what_looks_like_a_placeholder_can_be_given_through_params(few: Router) -> None:
    found = route(few, "GET", "/v1/domain/zone/{z}/record", {"z": "YOUR_ZONE"})
    assert found.wire == "/v1/domain/zone/YOUR_ZONE/record"


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/me", ["/v1/me (GET, PUT)"]),
        ("GET", "/1.0/me", ["/v1/me"]),
        ("GET", "/v2/domain/zone/example.com/record", ["/v1/domain/zone/example.com/record"]),
        ("GET", "/v1/domain/zone/example.com/recrod", ["GET /v1/domain/zone/{zoneName}/record"]),
        ("GET", "/v1/domains/zone/x/record", ["GET /v1/domain/zone/{zoneName}/record"]),
        ("POST", "/v1/domain/zone/x/records", ["POST /v1/domain/zone/{zoneName}/record"]),
        (
            "GET",
            "/v1/ip/203.0.113.0/24/firewall",
            ["%2F", "params", "203.0.113.0/24", "GET /v1/ip/{ip}/firewall"],
        ),
        ("GET", "/v2/secret/prod/db/version/1", ["%2F", '{ path: "prod/db" }']),
        ("GET", "/v1/records", ["/record"]),
        ("GET", "/v1/zone/record", ["GET /v1/domain/zone/{zoneName}/record"]),
        ("GET", "/api/v1/me", ["GET /v1/me"]),
        ("GET", "/v1", ["/v1/me"]),
        ("GET", "/v1/qqqqq/qqqqq/qqqqq/qqqqq", ["ovh.find"]),
    ],
)
def test_an_unknown_route_names_the_nearest_ones(
    few: Router, method: str, path: str, words: list[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        route(few, method, path)
    assert caught.value.code == "unknown-operation"
    assert all(word in caught.value.message for word in words), caught.value.message
    assert len(caught.value.message) <= MESSAGE_CHARS


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "me", "domain", "zone", "%20", "x" * 300, "record", "v1"]), min_size=1))
def test_a_message_about_any_unknown_route_is_short(parts: list[str]) -> None:
    router = Router(few_operations().routes())
    try:
        route(router, "DELETE", f"/v1/{'/'.join(parts)}"[:4000].rstrip("/%2"))
    except RefusedError as error:
        assert len(error.message) <= MESSAGE_CHARS
        assert len(error.hint) <= MESSAGE_CHARS


# --- the whole catalogue -----------------------------------------------------------------------------


def test_every_operation_of_the_catalogue_is_reached_by_a_literal_path(
    whole: Router, whole_catalog: Operations
) -> None:
    routes = whole_catalog.routes()
    assert len(routes) == 6_624
    for method, template in routes:
        literal = re.sub(r"\{[^}]+\}", "value-1", template)
        found = route(whole, method, literal)
        assert (found.method, found.template, found.wire) == (method, template, literal)


def test_every_operation_of_the_catalogue_is_reached_by_its_template(
    whole: Router, whole_catalog: Operations
) -> None:
    for method, template in whole_catalog.routes():
        names = re.findall(r"\{([^}]+)\}", template)
        found = route(whole, method, template, {name: f"a/{name} 1" for name in names})
        assert found.template == template
        wire = template
        for name in names:
            wire = wire.replace(f"{{{name}}}", f"a%2F{name}%201")
        assert found.wire == wire


@pytest.mark.promise("calls.literals-win")
def test_of_each_ambiguous_pair_the_literal_wins(whole: Router, whole_catalog: Operations) -> None:
    by_shape: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for _, template in whole_catalog.routes():
        branch, root = template.split("/")[1:3]
        by_shape[branch, root, template.count("/")].add(template)
    pairs = 0
    for templates in by_shape.values():
        split = sorted(template.split("/") for template in templates)
        for left, right in combinations(split, 2):
            if not all(a == b or a[:1] == "{" or b[:1] == "{" for a, b in zip(left, right, strict=True)):
                continue
            pairs += 1
            path = [
                a if a[:1] != "{" else b if b[:1] != "{" else "x1" for a, b in zip(left, right, strict=True)
            ]
            expected = min(
                (t for t in split if all(a == b or a[:1] == "{" for a, b in zip(t, path, strict=True))),
                key=lambda t: [part[:1] == "{" for part in t],
            )
            template = "/".join(expected)
            method = next(m for m in Method if whole_catalog.operation(m, template))
            assert route(whole, method, "/".join(path)).template == template
    assert pairs == 1_385


@pytest.mark.parametrize("branch", ["", "/v1", "/v2"])
def test_no_unknown_route_of_the_whole_catalogue_takes_long(whole_gate: Gatekeeper, branch: str) -> None:
    for path in (f"{branch}/{'a/b/' * 500}c", f"{branch}/{'zone/record/' * 8}x", f"{branch}/{'z' * 4000}"):
        with pytest.raises(RefusedError) as caught:
            whole_gate.check({"method": "GET", "path": path})
        assert caught.value.code == "unknown-operation"
