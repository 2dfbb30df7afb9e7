"""What the gate puts into an error of the API: within bounds, and never more than was asked for."""

from __future__ import annotations

import asyncio
import json
import re
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.catalog.model import Deprecation
from ovh_api_mcp.errors import ApiError, NetworkError, OvhMcpError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import DENIED_ACTIONS, ERROR_FIELDS_CHARS, MESSAGE_CHARS
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from tests.gate.operations import Operations, few_operations, operation

_PAGE = "https://eu.api.ovh.com/createToken/"
_OF_THE_TABLES = "What the tables say."
_URN = "urn:v1:ca:resource:"
_SAID = {
    400: "Received not described parameters: (oops)",
    403: "This call has not been granted",
    404: "This service does not exist",
}


class No:
    """Stands where requests are sent, and answers each with the error that was put in."""

    def __init__(self) -> None:
        self.error: OvhMcpError = NetworkError("nothing yet", code="connect-failed", hint="")
        self.sent: list[ApiRequest] = []

    async def send(self, request: ApiRequest) -> ApiResponse:
        self.sent.append(request)
        raise self.error


def error_of(
    gate: Gatekeeper, no: No, call: JsonObject, error: OvhMcpError, body: bytes | None = None
) -> OvhMcpError:
    """Return the error of a call, explained."""
    no.error = error
    with pytest.raises(OvhMcpError) as caught:
        asyncio.run(gate.request(call, body))
    assert caught.value is error
    return error


def refusal(status: int, said: str, *, code: str = "", details: JsonValue = None) -> ApiError:
    return ApiError("no", status=status, error_code=code, said=said, details=details, hint=_OF_THE_TABLES)


def gate_to(operations: Operations, no: No, page: str = _PAGE) -> Gatekeeper:
    return Gatekeeper(operations, no.send, rights=Rights(page, "ca"))


def rule_of(error: OvhMcpError) -> tuple[str, str]:
    assert error.remedy is not None
    [rule] = parse_qsl(urlsplit(error.remedy.create_token).query, strict_parsing=True)
    return rule


def covers(rule: str, path: str) -> bool:
    """Tell whether a consumer key's rule covers a path, * standing for anything."""
    return fnmatchcase(path, re.sub(r"([\[?])", r"[\1]", rule))


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ({"method": "GET", "path": "/v1/me"}, ("GET", "/me")),
        ({"method": "PUT", "path": "/v1/me"}, ("PUT", "/me")),
        ({"method": "GET", "path": "/v1/domain/zone"}, ("GET", "/domain/zone")),
        ({"method": "GET", "path": "/v1/domain/zone/example.com"}, ("GET", "/domain/zone/example.com")),
        (
            {"method": "DELETE", "path": "/v1/domain/zone/example.com/record/7"},
            ("DELETE", "/domain/zone/example.com/record/*"),
        ),
        ({"method": "GET", "path": "/v2/iam/resource"}, ("GET", "/v2/iam/resource")),
        (
            {"method": "GET", "path": "/v1/ip/{ip}", "params": {"ip": "203.0.113.0/24"}},
            ("GET", "/ip/203.0.113.0%2F24"),
        ),
        ({"method": "GET", "path": "/v1/domain/zone/*"}, ("GET", "/domain/zone/%2A")),
        ({"method": "GET", "path": "/v1/domain/zone/a&POST=*"}, ("GET", "/domain/zone/a&POST=%2A")),
        ({"method": "GET", "path": f"/v1/domain/zone/{'a' * 400}"}, ("GET", "/domain/zone/*")),
    ],
)
def test_the_rule_of_a_call_is_for_it_alone(call: JsonObject, rule: tuple[str, str]) -> None:
    no = No()
    error = error_of(gate_to(few_operations(), no), no, call, refusal(403, "", code="NOT_GRANTED_CALL"))
    assert rule_of(error) == rule
    assert error.remedy is not None
    assert error.remedy.iam_policy is None


@given(zone=st.text(min_size=1, max_size=40), record=st.text(min_size=1, max_size=40))
def test_no_value_of_a_script_makes_a_rule_or_a_policy_wider(zone: str, record: str) -> None:
    no = No()
    gate = gate_to(few_operations(), no)
    call: JsonObject = {
        "method": "DELETE",
        "path": "/v1/domain/zone/{zoneName}/record/{id}",
        "params": {"zoneName": zone, "id": record},
    }
    details: JsonValue = {
        "unauthorizedActionsByIAM": "dnsZone:apiovh:record/delete",
        "unauthorizedActionsByAuthentication": "x",
    }
    error = refusal(403, "", details=details)
    no.error = error
    try:
        asyncio.run(gate.request(call, None))
    except OvhMcpError as raised:
        if raised is not error:
            return  # an unsafe path: nothing was sent
    method, rule = rule_of(error)
    assert method == "DELETE"
    wire = no.sent[-1].target.removeprefix("/v1").replace("*", "%2A")
    assert covers(rule, wire)
    assert rule.count("*") == 1
    assert not covers(rule, "/domain/zone/another.example/record/1") or zone == "another.example"
    assert error.remedy is not None
    assert error.remedy.iam_policy is not None
    [resource] = urns(error.remedy.iam_policy)
    assert resource in (f"{_URN}dnsZone:{zone}", f"{_URN}dnsZone:*")
    assert "*" not in resource or not re.fullmatch(r"[A-Za-z0-9._@+:/-]{1,200}", zone)


def urns(policy: JsonObject) -> list[str]:
    resources = policy["resources"]
    assert isinstance(resources, list)
    return [str(each["urn"]) for each in resources if isinstance(each, dict)]


def test_what_the_api_says_of_actions_is_parsed_and_bounded() -> None:
    no = No()
    gate = gate_to(few_operations(), no)
    call: JsonObject = {"method": "GET", "path": "/v1/ip/198.51.100.7"}
    named = [
        "ip:apiovh:get",
        "not an action",
        "ldp:apiovh:x",
        *(f"many:apiovh:{'a' * 180}{n}" for n in range(100)),
    ]
    details: JsonValue = {
        "unauthorizedActionsByIAM": ", ".join(named),
        "unauthorizedActionsByAuthentication": 5,
    }
    error = error_of(gate, no, call, refusal(403, "", details=details))
    assert error.remedy is not None
    policy = error.remedy.iam_policy
    assert policy is not None
    assert error.remedy.create_token == ""
    assert json.dumps(policy["permissions"]).count('"action"') == DENIED_ACTIONS
    assert "not an action" not in json.dumps(policy)
    assert len(json.dumps(policy)) < ERROR_FIELDS_CHARS / 2


def test_an_action_of_another_product_is_for_all_of_it_since_the_path_names_none() -> None:
    no = No()
    gate = gate_to(few_operations(), no)
    details: JsonValue = {"unauthorizedActionsByIAM": ["account:apiovh:me/get"]}
    error = refusal(403, "", details=details)
    error.identity = "urn:v1:ca:identity:credential:ab123-ovh/oauth2-CA.1234"
    error_of(gate, no, {"method": "GET", "path": "/v1/me"}, error)
    assert error.remedy is not None
    assert error.remedy.iam_policy is not None
    assert urns(error.remedy.iam_policy) == [f"{_URN}account:ab123-ovh"]
    assert error.remedy.iam_policy["identities"] == [error.identity]


def test_an_identity_that_is_not_known_is_said_to_be_filled_in() -> None:
    no = No()
    details: JsonValue = {"unauthorizedActionsByIAM": "account:apiovh:me/get"}
    error = error_of(
        gate_to(few_operations(), no),
        no,
        {"method": "GET", "path": "/v1/me"},
        refusal(403, "", details=details),
    )
    assert error.remedy is not None
    assert error.remedy.iam_policy is not None
    assert "GET /v1/auth/details" in str(error.remedy.iam_policy["identities"])
    assert urns(error.remedy.iam_policy) == [f"{_URN}account:*"]


def test_a_rule_and_an_action_that_are_both_missing_are_both_named() -> None:
    no = No()
    details: JsonValue = {
        "unauthorizedActionsByIAM": "a:apiovh:b",
        "unauthorizedActionsByAuthentication": "c:apiovh:d",
    }
    error = error_of(
        gate_to(few_operations(), no),
        no,
        {"method": "GET", "path": "/v1/me"},
        refusal(403, "", details=details),
    )
    assert error.hint == (
        "The consumer key's rules lack GET /me (remedy.createToken) and no IAM policy allows a:apiovh:b "
        "(remedy.iamPolicy). Ask the user."
    )


def test_the_longest_cause_of_a_denial_is_whole() -> None:
    no = No()
    details: JsonValue = {"unauthorizedActionsByIAM": "a" * 200, "unauthorizedActionsByAuthentication": "b"}
    path = f"/v1/domain/zone/{'z' * 250}/record"
    call: JsonObject = {"method": "GET", "path": path}
    error = error_of(gate_to(few_operations(), no), no, call, refusal(403, "", details=details))
    assert error.hint.endswith("(remedy.iamPolicy). Ask the user.")


def test_what_an_operation_takes_is_not_said_where_it_is_not_known() -> None:
    no = No()
    call: JsonObject = {"method": "POST", "path": "/v1/domain/zone/example.com/record"}
    error = error_of(
        gate_to(few_operations(), no), no, call, refusal(400, _SAID[400]), body=b'"not an object"'
    )
    assert error.hint == 'Unknown field "oops" of POST /v1/domain/zone/{zoneName}/record.'


def test_a_network_error_stays_as_it_is() -> None:
    no = No()
    error = NetworkError("cut", code="connection-lost", hint="Try again.")
    error_of(gate_to(few_operations(), no), no, {"method": "GET", "path": "/v1/me"}, error)
    assert (error.hint, error.remedy) == ("Try again.", None)


@pytest.mark.parametrize(
    ("replacement", "words"),
    [
        ("/1.0/domain/zone", "Use GET /v1/domain/zone instead."),
        ("/domain/zone/{name}/record", "Use GET /v1/domain/zone/{name}/record instead."),
        ("/v2/iam/resource", "Use GET /v2/iam/resource instead."),
        ("POST /auth/logout", "Use /v1/auth/logout (POST) instead."),
        ("/nowhere/", "Use /v1/nowhere instead."),
        ("the new manager\n", "Use the new manager instead."),
        ("", "names no replacement"),
    ],
)
def test_a_replacement_is_named_as_it_is_called_here(replacement: str, words: str) -> None:
    no = No()
    old = operation("GET /v1/old", deprecation=Deprecation("2024-01-02T00:00:00Z", "0001-01-01", replacement))
    remarks = Remarks()
    gate = gate_to(Operations([*few_operations().all.values(), old]), no)
    with pytest.raises(NetworkError):
        asyncio.run(gate.request({"method": "GET", "path": "/v1/old"}, None, remarks=remarks))
    [note] = remarks.notes
    assert note.startswith("GET /v1/old is DEPRECATED since 2024-01-02, without a date for its end. ")
    assert words in note


def test_every_operation_is_explained_within_the_bounds_and_in_whole_sentences(
    whole_catalog: Operations,
) -> None:
    no = No()
    gate = gate_to(whole_catalog, no)
    notes: set[str] = set()

    async def explain_all() -> None:
        for (method, template), each in whole_catalog.all.items():
            path = re.sub(r"\{[^}]*\}", "some-value-1", template)
            for status, said in _SAID.items():
                no.error = error = refusal(status, said)
                remarks = Remarks()
                call: JsonObject = {"method": method, "path": path, "validate": "warn"}
                with pytest.raises(ApiError):
                    await gate.request(call, None, remarks=remarks)
                notes.update(note for note in remarks.notes if " is DEPRECATED" in note)
                assert error.hint.endswith((".", "?")), error.hint
                assert len(error.hint) < MESSAGE_CHARS, error.hint
                if status == 403 and each.is_authenticated:
                    _, rule = rule_of(error)
                    assert covers(rule, path.removeprefix("/v1"))

    asyncio.run(explain_all())
    deprecated = [each for each in whole_catalog.all.values() if each.deprecation]
    assert len(notes) == len(deprecated)
    assert all(len(note) < MESSAGE_CHARS for note in notes)
    assert not [note for note in notes if "0001" in note]  # OVHcloud's way to say that there is no date
