"""What a script gives to ovh.request, and the request that comes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import InternalError, RefusedError
from ovh_api_mcp.gate.call import describe_call
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import CALL_BYTES, HEADER_CHARS, MESSAGE_CHARS, QUERY_CHARS
from ovh_api_mcp.ovh.messages import ApiRequest
from tests.gate.operations import Operations, Recorder, check, few_operations

RECORDS = "/v1/domain/zone/example.com/record"
RESOURCE = "/v2/iam/resource"
FOREIGN_HEADERS = [
    "Authorization",
    "X-Ovh-Application",
    "X-Ovh-Batch",
    "Host",
    "Cookie",
    "X-Other",
    "X-Pragma",
]
FOREIGN_HEADERS += [
    "",
    "X-Pagination-",
    "X-Pagination-A\r\nX-Evil",
    "X-Pagination-Size ",
    "X-Schemas-Version:",
]


def refused(gate: Gatekeeper, call: JsonObject) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        check(gate, call)
    assert len(caught.value.message) <= MESSAGE_CHARS
    return caught.value


@pytest.mark.anyio
async def test_a_call_that_may_leave_is_sent_and_its_answer_returned(
    gate: Gatekeeper, recorder: Recorder
) -> None:
    answer = await gate.request(
        {
            "method": "get",
            "path": "/v1/domain/zone/{zone}/record",
            "params": {"zone": "example.com"},
            "query": {"fieldType": "A"},
            "headers": {"X-Pagination-Size": 100},
        },
        None,
    )
    assert answer.body == b"null"
    assert recorder.sent == [
        ApiRequest(
            method=Method.GET,
            target=f"{RECORDS}?fieldType=A",
            body=None,
            headers=(("x-pagination-size", "100"),),
            is_authenticated=True,
        )
    ]


def test_an_operation_without_authentication_is_marked(gate: Gatekeeper) -> None:
    assert not gate.check({"method": "GET", "path": "/v1/auth/time"}).is_authenticated


@pytest.mark.promise("calls.method-case")
@pytest.mark.parametrize("method", ["GET", "get", "Get", " get "])
def test_the_method_may_come_in_any_case(gate: Gatekeeper, method: str) -> None:
    assert gate.check({"method": method, "path": "/v1/me"}).method is Method.GET


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"path": "/v1/me"}, ["method is missing", 'method: "GET"']),
        ({"method": None, "path": "/v1/me"}, ["method is missing"]),
        ({"method": 1, "path": "/v1/me"}, ["method is a number"]),
        ({"method": "PATCH", "path": "/v1/me"}, ["no PATCH", "PUT"]),
        ({"method": "HEAD", "path": "/v1/me"}, ["no HEAD", "GET"]),
        ({"method": "TRACE\r\n", "path": "/v1/me"}, ["GET, POST, PUT and DELETE"]),
        ({"method": "GET"}, ["path is missing", 'path: "/v1/']),
        ({"method": "GET", "path": ["/v1/me"]}, ["path is an array"]),
        (
            {"method": "GET", "path": "/v1/me", "query": "a=b"},
            ["query is a string", 'query: { fieldType: "A" }'],
        ),
        ({"method": "GET", "path": "/v1/me", "params": []}, ["params is an array"]),
        ({"method": "GET", "path": "/v1/me", "headers": True}, ["headers is a boolean"]),
        ({"method": "GET", "path": "/v1/me", "validate": False}, ["validate is a boolean", '"warn"']),
        ({"method": "GET", "path": "/v1/me", "validate": "off"}, ['validate is "off"', '"strict"']),
        ({"method": "POST", "path": "/v1/me", "payload": {}}, ["body"]),
        ({"method": "POST", "path": "/v1/me", "data": {}}, ["body"]),
        ({"method": "GET", "url": "/v1/me"}, ["path"]),
        ({"method": "GET", "path": "/v1/me", "parameters": {}}, ["called params"]),
        ({"method": "GET", "path": "/v1/me", "boddy": {}}, ["called body"]),
        (
            {"method": "GET", "path": "/v1/me", "endpoint": "ovh-ca"},
            ["OVH_ENDPOINT", "Options: method, path"],
        ),
        ({"method": "GET", "path": "/v1/me", "auth": {}}, ["authenticates"]),
        ({"method": "GET", "path": "/v1/me", "timeout": 5}, ['Unknown option "timeout"', "no such option"]),
        ({"method": "GET", "path": "/v1/me", "\ud800\n" * 400: 5}, ["Unknown option"]),
    ],
)
def test_a_call_of_the_wrong_form_is_refused_with_the_right_one(
    gate: Gatekeeper, call: JsonObject, words: list[str]
) -> None:
    error = refused(gate, call)
    assert error.code == "invalid-call"
    assert all(word in error.message for word in words), error.message
    error.message.encode()


# --- query ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, ""),
        ({"resourceType": "vps"}, "?resourceType=vps"),
        ({"tags": 1, "resourceType": "b"}, "?tags=1&resourceType=b"),
        ({"resourceType": None, "tags": "x"}, "?tags=x"),
        ({"resourceType": True}, "?resourceType=true"),
        ({"resourceType": 0}, "?resourceType=0"),
        ({"resourceType": ""}, "?resourceType="),
        ({"resourceType": 2**70}, f"?resourceType={2**70}"),
        ({"resourceType": ["a", None, "b c", 3]}, "?resourceType=a&resourceType=b%20c&resourceType=3"),
        ({"resourceType": []}, ""),
        ({"resourceType": "a&b=c+d/é~"}, "?resourceType=a%26b%3Dc%2Bd%2F%C3%A9~"),
        ({"tags": {"a": [{"value": 2**60}]}}, f"?tags=%7B%22a%22%3A%5B%7B%22value%22%3A{2**60}%7D%5D%7D"),
        (
            {"creationDate.from": "2026-01-01T00:00:00+01:00"},
            "?creationDate.from=2026-01-01T00%3A00%3A00%2B01%3A00",
        ),
    ],
)
def test_a_query_has_one_spelling(gate: Gatekeeper, query: JsonObject, text: str) -> None:
    assert gate.check({"method": "GET", "path": RESOURCE, "query": query}).target == RESOURCE + text


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        (RESOURCE, {"type": "vps"}, ["query.type", "mean resourceType?", "creationDate.from"]),
        (RECORDS, {"fieldtype": "A"}, ["mean fieldType?"]),
        (RESOURCE, {"page": 1}, ["come in pages", "X-Pagination-Size"]),
        ("/v1/me", {"a": 1}, ["query.a", "it takes none"]),
    ],
)
def test_a_query_parameter_that_does_not_exist_is_refused(
    gate: Gatekeeper, path: str, query: JsonObject, words: list[str]
) -> None:
    error = refused(gate, {"method": "GET", "path": path, "query": query})
    assert error.code == "invalid-request"
    assert all(word in error.message for word in words), error.message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"resourceType": "\ud800"}, ["resourceType"]),
        ({"\ud800": "a"}, ["no URL"]),
        ({"tags": {"a": float("nan")}}, ["tags"]),
        ({"tags": 10**5000}, ["tags"]),
        ({"tags": "x" * (QUERY_CHARS + 1)}, [str(QUERY_CHARS)]),
    ],
)
def test_a_query_that_cannot_be_written_is_refused(
    gate: Gatekeeper, query: JsonObject, words: list[str]
) -> None:
    error = refused(gate, {"method": "GET", "path": RESOURCE, "query": query})
    assert error.code == "invalid-call"
    assert all(word in error.message for word in words), error.message


# --- headers --------------------------------------------------------------------------------------------


def test_the_allowed_headers_pass_in_any_case(gate: Gatekeeper) -> None:
    given: JsonObject = {
        "x-PAGINATION-mode": "CachedObjectList-Pages",
        "X-Pagination-Sort-Order": " ASC ",
        "X-Schemas-Version": 1.0,
        "PRAGMA": "no-cache",
        "x-other": "é",
        "X-Pagination-Filter": None,
    }
    request = gate.check({"method": "GET", "path": RESOURCE, "headers": given})
    assert request.headers == (
        ("x-pagination-mode", "CachedObjectList-Pages"),
        ("x-pagination-sort-order", "ASC"),
        ("x-schemas-version", "1.0"),
        ("pragma", "no-cache"),
        ("x-other", "é"),
    )


@pytest.mark.promise("calls.headers")
@pytest.mark.parametrize("name", FOREIGN_HEADERS)
def test_no_other_header_is_allowed(gate: Gatekeeper, name: str) -> None:
    assert refused(gate, {"method": "GET", "path": "/v1/me", "headers": {name: "a"}}).code == "invalid-call"


def test_a_header_that_authenticates_is_refused_with_the_reason(gate: Gatekeeper) -> None:
    error = refused(gate, {"method": "GET", "path": "/v1/me", "headers": {"X-Ovh-Consumer": "secret-value"}})
    assert "authenticates and signs" in error.message
    assert "secret-value" not in error.message


@pytest.mark.parametrize(
    "value", ["a\r\nb", "a\n", "\x00", "€", [], {}, "x" * (HEADER_CHARS + 1), float("inf")]
)
def test_a_header_value_that_is_not_plain_text_is_refused(gate: Gatekeeper, value: JsonValue) -> None:
    call: JsonObject = {"method": "GET", "path": "/v1/me", "headers": {"Pragma": value}}
    assert refused(gate, call).code == "invalid-call"


def test_a_header_given_in_two_spellings_is_refused(gate: Gatekeeper) -> None:
    call: JsonObject = {"method": "GET", "path": "/v1/me", "headers": {"Pragma": "a", "pragma": "b"}}
    assert "twice" in refused(gate, call).message


# --- body -----------------------------------------------------------------------------------------------


@pytest.mark.promise("calls.body")
@pytest.mark.parametrize(
    "body",
    [
        b"0",
        b"false",
        b'""',
        b"null",
        b"[]",
        b"{}",
        '{"a":[1,2.5,"é"],"2016v1":null}'.encode(),
        b"9007199254740993",
        b'{ "spaces": "are kept", "twice": 1, "twice": 2 }',
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", RECORDS), ("PUT", "/v1/me")])
def test_any_json_is_a_body_and_sent_as_it_is(gate: Gatekeeper, method: str, path: str, body: bytes) -> None:
    assert gate.check({"method": method, "path": path}, body).body == body


def test_a_body_that_is_not_given_is_not_sent(gate: Gatekeeper) -> None:
    assert gate.check({"method": "POST", "path": RECORDS}).body is None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", RECORDS), ("DELETE", f"{RECORDS}/1"), ("POST", "/v1/auth/logout")],
)
def test_where_no_body_is_declared_only_null_passes_and_means_none(
    gate: Gatekeeper, method: str, path: str
) -> None:
    assert gate.check({"method": method, "path": path}, b"null").body is None
    bodies: list[JsonValue] = [0, False, "", [], {}, {"a": 1}]
    for body in bodies:
        call: JsonObject = {"method": method, "path": path, "body": body}
        assert "none" in refused(gate, call).message


def test_a_get_with_a_body_is_pointed_to_the_query(gate: Gatekeeper) -> None:
    message = refused(gate, {"method": "GET", "path": RECORDS, "body": {"fieldType": "A"}}).message
    assert "its query takes fieldType, subDomain" in message


def test_a_body_beyond_the_limit_is_refused(gate: Gatekeeper) -> None:
    call: JsonObject = {"method": "POST", "path": RECORDS, "body": "x" * CALL_BYTES}
    assert refused(gate, call).code == "invalid-call"


# --- any call -------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
OPTIONS = st.sampled_from(["method", "path", "params", "query", "body", "headers", "url", "validate"])
LIKELY = {
    "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    "path": st.sampled_from(["/v1/me", RECORDS, RESOURCE, "/v1/ip/{ip}"]),
}


@settings(deadline=None)
@given(st.fixed_dictionaries(LIKELY), st.dictionaries(OPTIONS, JSON, max_size=4))
def test_any_json_makes_a_request_or_a_refusal(likely: JsonObject, arguments: JsonObject) -> None:
    gate = Gatekeeper(few_operations(), Recorder().send)
    for call in (arguments, {**arguments, **likely}):
        assert set(describe_call(call)) <= {"method", "path"}
        try:
            request = check(gate, call)
        except RefusedError as error:
            assert len(error.message) <= MESSAGE_CHARS
            error.message.encode()
        else:
            assert request.target.isascii()
            if request.body is not None:
                json.loads(request.body)


def test_a_catalogue_that_lost_an_operation_is_our_fault() -> None:
    class Hollow(Operations):
        def operation(self, method: Method, path: str) -> None:
            return None

    gate = Gatekeeper(Hollow(few_operations().all.values()), Recorder().send)
    with pytest.raises(InternalError):
        gate.check({"method": "GET", "path": "/v1/me"})
