"""Paths, methods, bodies and queries that are not as they should be, and the record of requests."""

import pytest

from ovh_api_mcp.simulator import RecordedRequest, Simulator
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio

RECORDS = "/v1/domain/zone/example.com/record"
FIREWALL = "/v1/ip/203.0.113.0%2F24/firewall"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v3/me",
        "/v1/nothing",
        "/v1/domain/",
        "/v1//me",
        "/v1/me/bill/x/y/z",
        "/v1/%ff",
        "/me",
        "/v1/." * 90,
    ],
)
async def test_an_unknown_path_is_not_found(caller: Caller, target: str) -> None:
    answer = await caller.send("GET", target)

    assert answer.status_code == 404
    assert answer.json()["class"] == "Client::NotFound"
    assert answer.json()["message"] == "Got an invalid (or empty) URL"


@pytest.mark.parametrize(
    ("method", "target"), [("DELETE", "/v1/me"), ("PATCH", "/v1/me"), ("PUT", "/v1/domain/zone")]
)
async def test_a_method_that_a_path_does_not_have_is_refused(
    caller: Caller, method: str, target: str
) -> None:
    answer = await caller.send(method, target)

    assert (answer.status_code, answer.json()["class"]) == (405, "Client::MethodNotAllowed")
    assert answer.json()["httpCode"] == "405 Method Not Allowed"


async def test_literals_win_over_templates(caller: Caller) -> None:
    assert await caller.get("/v1/domain/zone") == ["example.com", "example.net", "example.org"]
    name = await caller.get("/v1/domain/example.com")
    assert isinstance(name, dict)
    assert name["domain"] == "example.com"
    assert isinstance(await caller.get("/v1/vps/datacenter"), list)


@pytest.mark.parametrize(
    ("raw", "headers", "named"),
    [
        (b'{"target": "x"}', {}, "fieldType"),
        (b'{"fieldType": "A", "target": null}', {}, "target"),
        (b'{"fieldType": "B", "target": "x"}', {}, "fieldType"),
        (b'{"fieldType": "A", "target": 7}', {}, "target"),
        (b'{"fieldType": "A", "target": "x", "ttl": true}', {}, "ttl"),
        (b'{"fieldType": "A", "target": "x", "ttl": 1.5}', {}, "ttl"),
        (b"[1]", {}, "body"),
        (b"{", {}, "JSON"),
        (b"[" * 100_000, {}, "JSON"),
        (b'{"ttl": NaN}', {}, "JSON"),
        (b"", {}, "body"),
        (b'{"fieldType": "A", "target": "x"}', {"Content-Type": "text/plain"}, "text/plain"),
    ],
)
async def test_a_body_that_is_not_as_declared_is_refused_by_name(
    caller: Caller, raw: bytes, headers: dict[str, str], named: str
) -> None:
    answer = await caller.send("POST", RECORDS, raw=raw, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["class"] == "Client::BadRequest"
    assert named in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "ipOnFirewall"),
        ({}, "ipOnFirewall"),
        ({"ipOnFirewall": "2001:db8::1"}, "ipOnFirewall"),
        ({"ipOnFirewall": "203.0.113.9", "stranger": 1}, "stranger"),
        ([], "object"),
    ],
)
async def test_named_fields_of_a_body_are_checked(caller: Caller, body: object, named: str) -> None:
    answer = await caller.send("POST", FIREWALL, body)

    assert answer.status_code == 400
    assert named in answer.json()["message"]


async def test_named_fields_with_generics_are_accepted(caller: Caller) -> None:
    await caller.send("POST", FIREWALL, {"ipOnFirewall": "203.0.113.9"})
    rule = {
        "action": "permit",
        "protocol": "tcp",
        "sequence": "0",
        "destinationPortRange": {"from": 1, "to": 2},
    }

    made = await caller.send("POST", FIREWALL + "/203.0.113.9/rule", rule)
    assert (made.status_code, made.json()["sequence"], made.json()["action"]) == (200, 0, "permit")
    wrong = {**rule, "sequence": "1", "destinationPortRange": {"from": "x"}}
    refused = await caller.send("POST", FIREWALL + "/203.0.113.9/rule", wrong)
    assert "destinationPortRange.from" in refused.json()["message"]


@pytest.mark.parametrize(
    "query",
    ["?stranger=1", "?fieldType=B", "?fieldType=A&stranger"],
)
async def test_a_query_that_is_not_as_declared_is_refused(caller: Caller, query: str) -> None:
    assert (await caller.send("GET", RECORDS + query)).status_code == 400


async def test_a_required_query_parameter_is_asked_for_by_name(caller: Caller) -> None:
    server = "/v1/vps/vps-1a2b3c01.vps.example.net"
    disks = await caller.get(server + "/disks")
    assert isinstance(disks, list)

    missing = await caller.send("GET", f"{server}/disks/{disks[0]}/use")
    assert (missing.status_code, missing.json()["message"]) == (400, "[type] Missing required parameter")
    assert await caller.get(f"{server}/disks/{disks[0]}/use?type=used")


async def test_text_of_any_kind_comes_back_as_it_was(caller: Caller) -> None:
    text = 'é \U0001f980 \ud800 \x00 "\\'
    body = {"fieldType": "TXT", "target": text}

    made = (await caller.send("POST", RECORDS, body)).json()
    assert made["target"] == text
    read = await caller.get(f"{RECORDS}/{made['id']}")
    assert isinstance(read, dict)
    assert read["target"] == text


async def test_requests_are_recorded_as_they_were_on_the_wire() -> None:
    done: list[RecordedRequest] = []
    simulator = await Simulator.start(on_request=done.append)
    try:
        caller = Caller(simulator)
        await caller.send("GET", "/1.0/ip/203.0.113.0%2f24?a=%C3%A9+b", headers={"X-Practice": "Yes"})
        await caller.send("PUT", "/v1/me", {"city": "Lille"})
    finally:
        await simulator.aclose()

    first, second = simulator.requests
    assert (first.method, first.target, first.status) == ("GET", "/1.0/ip/203.0.113.0%2f24?a=%C3%A9+b", 400)
    assert first.headers["x-practice"] == "Yes"
    assert (second.method, second.body, second.status) == ("PUT", b'{"city": "Lille"}', 200)
    assert done == [first, second]
    assert min(first.duration_s, second.duration_s) > 0


async def test_every_answer_names_its_request(caller: Caller) -> None:
    answers = [await caller.send("GET", target) for target in ("/v1/me", "/v1/nothing", "/v1/", "/v1/me")]

    assert len({answer.headers["X-OVH-QUERYID"] for answer in answers}) == 4
