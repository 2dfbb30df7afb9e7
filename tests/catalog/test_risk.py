"""Labels of what an operation does: the rules, what they say of real operations, and where they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.find import find_operations
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.risk import Facts, Label, Labeller, load_labeller, load_own_rules
from ovh_api_mcp.catalog.risk_facts import FactFinder
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import RISK_RULES_BYTES

_BASES = {Label.READ, Label.WRITE, Label.DESTROYS}


def facts(method: str = "POST", path: str = "/v1/pot/{id}/water", **more: object) -> Facts:
    given = {"text": "", "body": frozenset(), "fields": frozenset(), "answer": "void", "is_collection": False}
    return Facts(method, path, **{**given, **more})  # type: ignore[arg-type]  # the fields of Facts


def says(rules: str, asked: Facts) -> set[str]:
    return {label.value for label in Labeller(rules).labels(asked)}


# --- the language of the rules -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "asked", "fits"),
    [
        ("/v1/pot/{}/water", facts(), True),
        ("/**/water", facts(), True),
        ("/**/WAT*", facts(), True),
        ("/v1/**", facts(), True),
        ("/v1/*/*/water", facts(), True),
        ("/v1/{}/{}/water", facts(), False),
        ("/v1/pot/water", facts(), False),
        ("/**/pot", facts(), False),
        ("/**/hot/**/water /**/water", facts(), True),
        ("body:a|b*", facts(body=frozenset({"bucket"})), True),
        ("body:a|b", facts(body=frozenset({"bucket"})), False),
        ("field:*:password", facts(fields=frozenset({"x", "x:password", "*:password"})), True),
        ("field:x:password", facts(fields=frozenset({"x", "x:password", "*:password"})), True),
        ("field:y:password", facts(fields=frozenset({"x", "x:password", "*:password"})), False),
        ("answer:*.order", facts(answer="order.order"), True),
        ("answer:void", facts(), True),
        ('"says:for good"', facts(text="gone for good"), True),
        ("says:^gone", facts(text="gone for good"), True),
        ("says:^for", facts(text="gone for good"), False),
        ("on:collection", facts(is_collection=True), True),
        ("on:collection", facts(), False),
        ("/**/water body:b", facts(), False),
        ("/**/water body:b", facts(body=frozenset({"b"})), True),
    ],
)
def test_a_line_speaks_of_what_its_terms_name(term: str, asked: Facts, fits: bool) -> None:
    assert says(f"[base]\nread POST {term}\n", asked) == ({"read"} if fits else {"destroys"})


def test_the_first_line_that_fits_decides_and_a_method_must_be_named() -> None:
    rules = "[base]\nread PUT\nwrite POST|PUT /**/water # a comment\ndestroys *\n[spends]\nno POST\nyes *\n"
    assert says(rules, facts()) == {"write"}
    assert says(rules, facts("PUT")) == {"read"}  # what reads neither spends nor gives access
    assert says(rules, facts("DELETE")) == {"destroys", "spends"}


def test_without_a_line_a_get_reads_and_all_else_destroys() -> None:
    assert [says("", facts(method)) for method in Method] == [{"read"}, *[{"destroys"}] * 3]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("read GET", "line 1"),
        ("[base]\n\nyes GET", "line 3"),
        ("[spends]\nread GET", "line 2"),
        ("[base]\nread PATCH", "PATCH"),
        ("[base]\nread GET pot", "pot"),
        ("[base]\nread GET body:", "body:"),
        ("[colour]", "colour"),
        ('[base]\nread GET "says:x', "line 2"),
        ("[base]\nread", "line 2"),
    ],
)
def test_a_line_that_is_not_understood_is_named(rules: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"line \d+ of the risk rules") as caught:
        Labeller(rules)
    assert words in str(caught.value)


def test_rules_of_a_users_own_speak_first_and_only_of_what_they_name() -> None:
    built_in = "[base]\nwrite POST\n[spends]\nyes POST\n"
    own = "[base]\ndestroys POST /**/water\n[spends]\nno POST /**/water\n"
    labeller = Labeller(own, built_in)
    assert labeller.labels(facts()) == {Label.DESTROYS}
    assert labeller.labels(facts(path="/v1/pot/{id}/paint")) == {Label.WRITE, Label.SPENDS}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[base]\nread GET pot", "line 2 of the risk rules"),
        (b"\xff\xfe", "not understood"),
        (b"# \0", "no text"),
        (b"#" * (RISK_RULES_BYTES + 1), "more than"),
        (None, "cannot be read"),
    ],
)
def test_a_file_of_rules_that_cannot_be_used_is_told(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "own.rules"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=words) as caught:
        load_own_rules(file)
    assert "own.rules" in caught.value.message


# --- real operations ---------------------------------------------------------------------------------------

_REAL = {
    "GET /v1/vps": "read",
    "GET /v1/me/api/credential/{credentialId}": "read",
    "GET /v1/domain/{serviceName}/authInfo": "read secrets",
    "GET /v1/cloud/project/{serviceName}/user/{userId}/openrc": "read secrets",
    "POST /v1/cloud/project/{serviceName}/kube/{kubeId}/kubeconfig": "read secrets",
    "POST /v1/domain/zone/{zoneName}/record": "write",
    "DELETE /v1/domain/zone/{zoneName}/record/{id}": "write",
    "POST /v1/order/cart": "write",
    "POST /v1/order/cart/{cartId}/checkout": "write spends",
    "GET /v1/order/cart/{cartId}/checkout": "read",
    "PUT /v1/vps/{serviceName}/serviceInfos": "write spends",
    "POST /v1/cloud/project/{serviceName}/instance": "write spends",
    "POST /v1/me/api/oauth2/client": "write secrets access",
    "POST /v1/auth/credential": "write secrets access",
    "DELETE /v1/cloud/project/{serviceName}/sshkey/{keyId}": "write access",
    "DELETE /v1/me/api/application/{applicationId}": "destroys access",
    "POST /v1/vps/{serviceName}/reboot": "destroys",
    "POST /v1/dedicated/server/{serviceName}/reinstall": "destroys",
    "POST /v1/services/{serviceId}/terminate/confirm": "destroys",
    "DELETE /v1/cloud/project/{serviceName}/database/mysql/{clusterId}": "destroys",
    "PUT /v1/nutanix/{serviceName}/nodes/{server}": "destroys",
    "POST /v1/services/{serviceId}/upgrade/{planCode}/simulate": "read",
}


@pytest.mark.promise("access.labels")
@pytest.mark.parametrize(("operation", "labels"), _REAL.items())
def test_real_operations_have_the_labels_that_a_person_expects(
    full_catalog: CatalogFile, operation: str, labels: str
) -> None:
    method, path = operation.split()
    found = full_catalog.operation(Method(method), path)
    assert found is not None
    assert found.labels == set(labels.split())


@pytest.mark.promise("access.labels")
def test_each_operation_has_one_base_and_no_get_changes_anything(full_catalog: CatalogFile) -> None:
    for method, path in full_catalog.routes():
        operation = full_catalog.operation(method, path)
        assert operation is not None
        assert len(operation.labels & _BASES) == 1, (method, path, operation.labels)
        if Label.READ in operation.labels:
            assert operation.labels <= {Label.READ, Label.SECRETS}
            assert method in (Method.GET, Method.POST)
        elif method is Method.GET:
            pytest.fail(f"{path} is read with GET and labelled {operation.labels}")


def test_every_line_of_the_rules_is_needed(full_catalog: CatalogFile) -> None:
    """A line that speaks of no operation has a slip in it, or stands behind one that says it all."""
    document = json.loads(full_catalog.document())
    finder = FactFinder(document["components"]["schemas"], document["paths"])
    labeller, used = load_labeller(), set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            used |= set(labeller.why(finder.facts(method.upper(), path, operation)).values())
    assert labeller.lines - used == set()


@pytest.mark.promise("access.labels")
def test_labels_are_told_wherever_an_operation_is(full_catalog: CatalogFile) -> None:
    path = "/v1/vps/{serviceName}/reboot"
    assert json.loads(full_catalog.document())["paths"][path]["post"]["x-ovh-risk"] == ["destroys"]
    assert "\nrisk: destroys\n" in describe_operation(full_catalog, f"POST {path}")
    [found] = find_operations(full_catalog, f"POST {path}", limit=1)
    assert found.labels == ("destroys",)


def test_a_component_that_holds_itself_has_its_names_once() -> None:
    node: JsonObject = {
        "type": "object",
        "properties": {"Next": {"$ref": "#/components/schemas/Node"}, "Key": {"format": "password"}},
    }
    answer: JsonObject = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}}
    finder = FactFinder({"Node": node}, ["/v1/a", "/v1/a/{b}"])
    found = finder.facts("GET", "/v1/a", {"responses": {"200": answer}, "summary": "It", "description": "IS"})
    assert (found.answer, found.is_collection, found.text) == ("node", True, "it is")
    assert found.fields == {"next", "key", "key:password", "*:password"}


def test_read_only_fields_of_a_body_do_not_count() -> None:
    properties: JsonObject = {"id": {"readOnly": True}, "name": {}}
    body: JsonObject = {
        "content": {"application/json": {"schema": {"type": "object", "properties": properties}}}
    }
    found = FactFinder({}, []).facts("PUT", "/v1/a", {"requestBody": body})
    assert found.body == {"name"}
