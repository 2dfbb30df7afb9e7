"""Things go wrong on demand, from outside: the control API, over the wire."""

from __future__ import annotations

import json
import time
from contextlib import aclosing
from typing import Any

import pytest

from ovh_api_mcp.limits import SIMULATOR_BODY_BYTES, SIMULATOR_FAULTS
from ovh_api_mcp.simulator import Simulator
from ovh_api_mcp.simulator.control import ControlApi
from tests.simulator.conftest import Caller, Reply

pytestmark = pytest.mark.anyio

_ZONE = "/v1/domain/zone/example.com"
_RECORDS = f"{_ZONE}/record"


@pytest.fixture(autouse=True)
def _controlled(simulator: Simulator) -> None:
    ControlApi(simulator)


async def tell(caller: Caller, method: str, what: str, value: object = None) -> Any:
    """Send a request to the control API and return what it answers."""
    raw = None if value is None else json.dumps(value).encode()
    answer = await caller.send(method, f"/_simulator/{what}", raw=raw, signed=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(caller: Caller, method: str, what: str, raw: bytes = b"", **headers: str) -> Reply:
    answer = await caller.send(method, f"/_simulator{what}", raw=raw, signed=False, headers=headers)
    assert answer.status_code >= 400
    assert answer.json()["class"].startswith("Client::")
    return answer


@pytest.mark.promise("simulator.control")
async def test_a_fault_befalls_its_route_as_often_as_it_says(caller: Caller, simulator: Simulator) -> None:
    fault = {"method": "GET", "path": "/v1/me", "status": 503, "times": 2, "body": {"message": "later"}}
    made = await tell(caller, "POST", "faults", fault)
    assert (made["path"], made["times"], made["hits"]) == ("/v1/me", 2, 0)
    answers = [await caller.send("GET", "/v1/me") for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 200]
    assert answers[0].json() == {"message": "later"}
    [told] = await tell(caller, "GET", "faults")
    assert (told["times"], told["hits"]) == (0, 2)
    recorded = await tell(caller, "GET", "requests")
    assert [(each["target"], each["status"]) for each in recorded] == [("/v1/me", s) for s in (503, 503, 200)]
    await tell(caller, "DELETE", "faults")
    await tell(caller, "DELETE", "requests")
    assert (await tell(caller, "GET", "faults"), await tell(caller, "GET", "requests")) == ([], [])


async def test_a_page_of_html_comes_instead_of_json(caller: Caller) -> None:
    page = {"path": "/v1/me", "status": 502, "text": "<html>", "contentType": "text/html", "times": 1}
    await tell(caller, "POST", "faults", page)
    answer = await caller.send("GET", "/v1/me")
    assert (answer.text, answer.headers["Content-Type"]) == ("<html>", "text/html; charset=utf-8")


@pytest.mark.promise("simulator.control")
@pytest.mark.parametrize(
    ("state", "code", "message"),
    [
        ("pendingValidation", "INVALID_CREDENTIAL", "not valid"),
        ("expired", "INVALID_CREDENTIAL", "not valid"),
        ("refused", "INVALID_CREDENTIAL", "not valid"),
    ],
)
async def test_a_key_is_only_good_while_it_is_validated(
    caller: Caller, state: str, code: str, message: str
) -> None:
    [key] = await tell(caller, "GET", "keys")
    assert "simulated-consumer-key" not in json.dumps(key)
    changed = await tell(caller, "PUT", f"keys/{key['credentialId']}", {"state": state})
    assert changed["status"] == state
    answer = await caller.send("GET", "/v1/me")
    assert (answer.status_code, answer.json()["errorCode"]) == (403, code)
    assert message in answer.json()["message"]
    await tell(caller, "PUT", "keys/1", {"state": "validated", "rules": [{"method": "GET", "path": "/me"}]})
    assert (await caller.send("GET", "/v1/me")).status_code == 200
    answer = await caller.send("PUT", "/v1/me", {"firstname": "x"})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "NOT_GRANTED_CALL")


@pytest.mark.promise("simulator.control")
async def test_an_action_that_is_missing_is_named_as_ovh_names_it(caller: Caller) -> None:
    await tell(caller, "PUT", "actions", {"missing": ["dnsZone:apiovh:record/create"]})
    body = {"fieldType": "A", "target": "203.0.113.1"}
    answer = await caller.send("POST", _RECORDS, body)
    assert answer.status_code == 403
    assert answer.json() == {
        "class": "Client::Forbidden",
        "message": "User not granted for this request",
        "errorCode": "NOT_GRANTED_CALL",
        "httpCode": "403 Forbidden",
        "details": {"unauthorizedActionsByIAM": "dnsZone:apiovh:record/create"},
    }
    assert answer.headers["X-OVH-QUERYID"]
    await tell(caller, "PUT", "actions", {"missing": []})
    assert (await caller.send("POST", _RECORDS, body)).status_code == 200


async def test_clock_and_latency_are_set(caller: Caller, simulator: Simulator) -> None:
    await tell(caller, "PUT", "clock", {"offsetSeconds": 3600})
    ahead_s = (await caller.send("GET", "/v1/auth/time", signed=False)).json() - time.time()
    assert 3500 < ahead_s < 3700
    await tell(caller, "PUT", "clock", {"offsetSeconds": 0})
    await tell(caller, "PUT", "latency", {"seconds": 0.01})
    assert (await caller.send("GET", "/v1/me")).status_code == 200
    assert simulator.requests[-1].duration_s >= 0.01


@pytest.mark.parametrize("says_when", [True, False])
async def test_one_request_too_many_is_refused(caller: Caller, says_when: bool) -> None:
    await tell(caller, "PUT", "rate", {"requests": 2, "seconds": 3600, "retryAfter": says_when})
    answers = [await caller.send("GET", "/v1/me") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert ("Retry-After" in answers[2].headers) is says_when
    assert (await caller.send("GET", "/v1/auth/time", signed=False)).status_code == 200
    await tell(caller, "DELETE", "rate")
    assert (await caller.send("GET", "/v1/me")).status_code == 200


async def test_tokens_are_revoked_and_tasks_fail_on_demand(caller: Caller, simulator: Simulator) -> None:
    await tell(caller, "PUT", "tokens", {"lifetimeSeconds": 7, "revoke": True})
    assert simulator.token_lifetime_s == 7
    await tell(caller, "PUT", "tasks", {"outcome": "error", "looks": 1})
    [name, *_] = (await caller.send("GET", "/v1/vps")).json()
    task = (await caller.send("POST", f"/v1/vps/{name}/reboot")).json()
    looked = (await caller.send("GET", f"/v1/vps/{name}/tasks/{task['id']}")).json()
    assert (task["state"], looked["state"]) == ("todo", "error")


async def test_a_deprecated_operation_is_gone_after_its_day(caller: Caller, simulator: Simulator) -> None:
    [name, *_] = (await caller.send("GET", "/v1/vps")).json()
    path = f"/v1/vps/{name}/option"
    await tell(caller, "PUT", "deleted", {"areGone": True})
    assert (await caller.send("GET", "/v1/me/sshKey")).status_code == 200  # its day has not come
    simulator.time_offset_s = 10 * 365 * 86_400
    answer = await caller.send("GET", "/v1/me/sshKey")
    assert (answer.status_code, answer.json()["message"]) == (404, "Got an invalid (or empty) URL")
    await tell(caller, "PUT", "deleted", {"areGone": False})
    assert (await caller.send("GET", path)).status_code != 404


async def test_lists_have_any_length_and_are_expanded_or_not(caller: Caller, simulator: Simulator) -> None:
    await tell(caller, "PUT", "lists", {"path": _RECORDS, "count": 700})
    assert len((await caller.send("GET", _RECORDS)).json()) == 700
    template = "/v1/domain/zone/{zoneName}/record"
    await tell(caller, "PUT", "lists", {"path": template, "isExpanded": False})
    assert simulator.resources.not_expanded == {template}
    told = await tell(caller, "PUT", "lists", {"path": _RECORDS, "isExpanded": True, "count": 2})
    assert told == {"template": template, "isExpanded": True}
    assert simulator.resources.not_expanded == set()
    await tell(caller, "PUT", "lists", {"path": _RECORDS, "isExpanded": False})
    pages = {"X-Pagination-Mode": "CachedObjectList-Pages"}
    assert (await caller.send("GET", _RECORDS, headers=pages)).json() == [1, 2]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v1/auth/time", "/v1/auth/time"),
        ("/auth/time", "/v1/auth/time"),
        ("/auth/credential", "/v1/auth/credential"),
        ("/auth/*", "/auth/oauth2/token"),
        ("/auth/", "/auth/.well-known/openid-configuration"),
        ("/auth/oauth2/token", "/auth/oauth2/token"),
        ("/auth/.well-known/openid-configuration", "/auth/.well-known/openid-configuration"),
        ("/v1", "/v1/me"),
        ("/v1/", "/v1/"),
        ("/v1/*", "/v1/me"),
        ("/v1/me.json", "/v1/me.json"),
        ("/v1/vp", "/v1/vps/nobody"),
        ("/v1/vps/*", "/v1/vps/nobody/tasks/1"),
        ("/v1/ip/203.0.113.0%2F24", "/v1/ip/203.0.113.0%2F24/reverse"),
        ("/v1/domain/zone/example.com/record/{any}", "/v1/domain/zone/example.com/record/5"),
        ("/v2/iam/policy/{policyId}", "/v2/iam/policy/x"),
    ],
)
async def test_a_fault_can_be_on_all_that_there_is(caller: Caller, path: str, target: str) -> None:
    await tell(caller, "POST", "faults", {"path": path, "status": 418})
    assert (await caller.send("GET", target)).status_code == 418


async def test_a_write_that_is_late_is_done_once(caller: Caller) -> None:
    before = len((await caller.send("GET", _RECORDS)).json())
    caller.simulator.faults.add("POST", _RECORDS, late=True, times=1)
    assert (
        await caller.send("POST", _RECORDS, {"fieldType": "A", "target": "203.0.113.9"})
    ).status_code == 200
    assert len((await caller.send("GET", _RECORDS)).json()) == before + 1


@pytest.mark.promise("simulator.state")
async def test_what_the_account_has_is_saved_loaded_and_reset(caller: Caller) -> None:
    first = await tell(caller, "GET", "state")
    made = (await caller.send("POST", _RECORDS, {"fieldType": "A", "target": "203.0.113.9"})).json()
    path = f"{_RECORDS}/{made['id']}"
    saved = await tell(caller, "GET", "state")
    assert path in saved["created"]
    await caller.send("DELETE", path)
    await tell(caller, "PUT", "state", saved)
    assert (await caller.send("GET", path)).json() == made
    await tell(caller, "DELETE", "state")
    assert (await caller.send("GET", path)).status_code == 404
    again = await tell(caller, "GET", "state")
    assert again["collections"].keys() >= first["collections"].keys()
    await tell(caller, "PUT", "state", {"collections": {"/v1/vps": {"mine": {"displayName": "Mine"}}}})
    assert (await caller.send("GET", "/v1/vps")).json() == ["mine"]
    assert (await caller.send("GET", "/v1/vps/mine")).json()["displayName"] == "Mine"


@pytest.mark.parametrize(
    ("method", "what", "raw", "status", "words"),
    [
        ("GET", "/nothing", b"", 404, "there are faults"),
        ("GET", "/keys/1/2", b"", 404, "there are faults"),
        ("PUT", "/keys/9", b"{}", 404, "GET /_simulator/keys"),
        ("PUT", "/keys/" + "9" * 50, b"{}", 404, "GET /_simulator/keys"),
        ("PUT", "/keys/1", b'{"state": "lost"}', 400, "lost"),
        ("PUT", "/keys/1", b'{"rules": [{"method": "GET", "path": "me"}]}', 400, "path"),
        ("DELETE", "/clock", b"", 405, "known are: PUT"),
        ("GET", "/keys/1", b"", 405, "known are: PUT, DELETE"),
        ("GET", "/clock/1", b"", 404, "there are faults"),
        ("GET", "//faults", b"", 404, "there are faults"),
        ("PUT", "", b"", 404, "there are faults"),
        ("PUT", "/clock", b"", 400, "It takes offsetSeconds"),
        ("PUT", "/clock", b'{"offsetSeconds": 1e400}', 400, "offsetSeconds"),
        ("PUT", "/clock", b'{"offset": 3}', 400, "offset"),
        ("PUT", "/latency", b'{"seconds": -1}', 400, "seconds"),
        ("POST", "/faults", b'{"path": "/v1/me", "statsu": 3}', 400, "statsu"),
        ("POST", "/faults", b'{"path": "/_simulator"}', 400, "path"),
        ("POST", "/faults", b'{"path": "/v1/me", "body": 1, "text": "x"}', 400, "not both"),
        ("POST", "/faults", b'{"path": "/v1/me", "headers": {"a": "b\\r\\nc: d"}}', 400, "headers"),
        ("POST", "/faults", b'{"path": "/v1/me", "times": 0}', 400, "times"),
        ("POST", "/faults", b"\xff", 400, "It takes"),
        ("POST", "/faults", b"[" * 100_000, 400, "It takes"),
        ("PUT", "/lists", b'{"path": "/v1/vps", "count": 1000000}', 400, "count"),
        ("PUT", "/state", b'{"collections": {"/vps": {}}}', 400, "no path below /v1"),
        ("PUT", "/state", b'{"collections": {"/v1/vps": {"x": 3}}}', 400, "is no object"),
        ("PUT", "/state", b'{"things": {}}', 400, "things"),
        ("PUT", "/state", b'{"collections": {"/v1/vps": {"": {}}}}', 400, "empty id"),
        ("PUT", "/state", b'{"collections": {"/v1/%ff": {}}}', 400, "percent-encoded"),
        ("PUT", "/state", b'{"collections": {"/v1/vps": {}}, "objects": {"/v1/vps": {}}}', 400, "both"),
        (
            "PUT",
            "/state",
            b'{"underWay": {"/v1/vps/x/tasks/1": {"field": "state", "left": []}}}',
            400,
            "left",
        ),
        ("POST", "/state", b"", 400, "--state FILE"),
        ("DELETE", "/faults?path=/v1/me", b"", 400, "takes no query"),
        ("DELETE", "/faults/9", b"", 404, "GET /_simulator/faults"),
        ("DELETE", "/keys/9", b"", 404, "GET /_simulator/keys"),
        ("PUT", "/clock", b'{"offsetSeconds": 3}' + b" " * SIMULATOR_BODY_BYTES + b"x", 413, "16,777,216"),
        ("PUT", "/state", b"no", 400, "no state of the simulator"),
        ("POST", "/faults", b'{"path": "/v1/me"}', 400, "does nothing"),
        ("POST", "/faults", b'{"path": "/v1/me", "delaySeconds": 0, "cut": false}', 400, "does nothing"),
        ("POST", "/faults", b'{"path": "/v1/me", "late": true, "cut": true}', 400, "late goes with"),
        ("POST", "/faults", b'{"path": "/v1/vpss", "status": 500}', 404, "The nearest is /v1/vps"),
        ("POST", "/faults", b'{"path": "/v1/me?x=1", "status": 500}', 404, "No operation is at"),
        ("POST", "/faults", b'{"path": "/v1//me", "status": 500}', 404, "No operation is at"),
        ("POST", "/faults", b'{"path": "/auth/tyme", "status": 500}', 404, "nearest is /v1/auth/time"),
        ("POST", "/faults", b'{"path": "/v1/me/{x}", "status": 500}', 404, "it is a whole path"),
        (
            "POST",
            "/faults",
            b'{"path": "/v1/domain/zone/{zoneName}/records", "status": 500}',
            404,
            "The nearest is /v1/domain/zone/{zoneName}/record",
        ),
        (
            "POST",
            "/faults",
            b'{"path": "/v1/vps/{serviceName}/tasks", "method": "PUT", "status": 500}',
            400,
            "No operation is PUT /v1/vps/{serviceName}/tasks; there is GET",
        ),
        ("PUT", "/lists", b'{"path": "/v1/vps"}', 400, "say count or isExpanded"),
        ("PUT", "/lists", b'{"path": "/v2/iam/policy", "count": 3}', 400, "a list of v1"),
        ("PUT", "/lists", b'{"path": "/v1/vpss", "count": 3}', 404, "The nearest is /v1/vps"),
        ("PUT", "/lists", b'{"path": "/v1/me", "count": 3}', 400, "no list"),
        ("PUT", "/lists", b'{"path": "/v1/vps/{serviceName}/tasks", "count": 3}', 400, "has no {"),
        ("PUT", "/lists", b'{"path": "/v1/vps/none.example/tasks", "count": 3}', 404, "none.example"),
        ("PUT", "/lists", b'{"path": "/v1/vps/{x}/taskz", "isExpanded": false}', 404, "/v1/vps/{x}/tasks"),
        ("PUT", "/actions", b'{"missing": ["dnsZone:apiovh:record/creat"]}', 400, "record/create"),
        ("PUT", "/actions", b'{"missing": ["vps:apiovh:*"]}', 400, "named whole"),
        ("PUT", "/actions", b'{"missing": ["' + b"x" * 1_000_000 + b'"]}', 400, "No operation needs"),
        ("PUT", "/state", b'{"objects": {"/v1/' + b"x" * 1_000_000 + b'": {}}}', 404, "have no"),
        ("PUT", "/state", b'{"objects": {"/v1' + b"/me" * 100_000 + b'": {}}}', 404, "have no"),
        ("PUT", "/keys/1", b"{}", 400, "say state or rules"),
        ("PUT", "/tokens", b'{"revoke": false}', 400, "lifetimeSeconds"),
        ("PUT", "/tasks", b"{}", 400, "say outcome"),
        ("PUT", "/tasks", b'{"underWay": true, "looks": 3}', 400, "looks is for tasks that begin"),
        ("DELETE", "/faults", b'{"path": "/v1/me"}', 400, "takes no body"),
        ("PUT", "/state", b'{"collections": {"/v1/vpss": {}}}', 404, "The nearest is /v1/vps"),
        ("PUT", "/state", b'{"collections": {"/v1/me": {}}}', 400, "no list"),
        ("PUT", "/state", b'{"objects": {"/v1/mee": {}}}', 404, "The nearest is /v1/me"),
        ("PUT", "/state", b'{"created": ["/v1/vpss/x"]}', 404, "The nearest is /v1/vps/x"),
        (
            "PUT",
            "/state",
            b'{"underWay": {"/v1/vps/x/tasks/1": {"field": "stat", "left": ["done"]}}}',
            400,
            "The nearest is state",
        ),
        (
            "PUT",
            "/state",
            b'{"underWay": {"/v1/vps/x/tasks/1": {"field": "state", "left": ["dun"]}}}',
            400,
            "it is one of",
        ),
        (
            "PUT",
            "/state",
            b'{"underWay": {"/v1/vps": {"field": "state", "left": ["done"]}}}',
            400,
            "no object",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_would(
    caller: Caller, method: str, what: str, raw: bytes, status: int, words: str
) -> None:
    answer = await refused(caller, method, what, raw)
    assert answer.status_code == status
    assert words in answer.json()["message"]


async def test_a_page_of_a_browser_controls_nothing(caller: Caller, simulator: Simulator) -> None:
    answer = await refused(
        caller, "POST", "/faults", b'{"path": "/v1/me", "cut": true}', Origin="http://evil.example"
    )
    assert answer.status_code == 403
    assert simulator.faults.all() == []


async def test_only_names_of_its_own_control_it(caller: Caller) -> None:
    for host in ("evil.example", "evil.example:80", ""):
        answer = await refused(caller, "GET", "/requests", Host=host)
        assert answer.status_code == 403
    for host in ("localhost", "localhost:3105", "127.0.0.1:1"):
        answer = await caller.send("GET", "/_simulator/requests", signed=False, headers={"Host": host})
        assert answer.status_code == 200
    answer = await caller.send("GET", "/_simulatorx/requests", signed=False)
    assert answer.status_code == 404
    assert "known are" not in answer.text


async def test_one_fault_is_taken_away_and_there_are_not_too_many(caller: Caller) -> None:
    [first, second] = [
        await tell(caller, "POST", "faults", {"path": path, "status": 500}) for path in ("/v1/me", "/v1/vps")
    ]
    await tell(caller, "DELETE", f"faults/{first['number']}")
    assert [each["number"] for each in await tell(caller, "GET", "faults")] == [second["number"]]
    assert (await caller.send("GET", "/v1/me")).status_code == 200
    for _ in range(SIMULATOR_FAULTS - 1):
        caller.simulator.faults.add("GET", "/v1/x", status=500)
    answer = await refused(caller, "POST", "/faults", b'{"path": "/v1/me", "cut": true}')
    assert "DELETE /_simulator/faults" in answer.json()["message"]


async def test_a_body_comes_slowly_and_whole(caller: Caller) -> None:
    began = time.monotonic()
    whole = (await caller.send("GET", "/v1/me")).json()
    await tell(caller, "POST", "faults", {"path": "/v1/me", "spreadSeconds": 0.5, "times": 1})
    assert (await caller.send("GET", "/v1/me")).json() == whole
    assert time.monotonic() - began >= 0.5


async def test_a_key_that_is_taken_away_is_unknown_and_its_number_is_not_given_again(caller: Caller) -> None:
    rules = {"accessRules": [{"method": "GET", "path": "/*"}]}
    headers = {"X-Ovh-Application": caller.simulator.account.application_key}

    async def made() -> str:
        answer = await caller.send("POST", "/v1/auth/credential", rules, signed=False, headers=headers)
        key: str = answer.json()["consumerKey"]
        return key

    first = await made()
    await tell(caller, "PUT", "keys/2", {"state": "validated"})
    holder = Caller(caller.simulator, first)
    assert (await holder.send("GET", "/v1/me")).status_code == 200
    await tell(caller, "DELETE", "keys/2")
    refusal = await holder.send("GET", "/v1/me")
    assert (refusal.status_code, refusal.json()["errorCode"]) == (403, "NOT_CREDENTIAL")
    await made()
    assert [each["credentialId"] for each in await tell(caller, "GET", "keys")] == [1, 3]


async def test_tasks_under_way_go_on_after_loading_and_end_on_demand(caller: Caller) -> None:
    async def begin() -> str:
        task = (await caller.send("POST", "/v1/vps/vps-1.example/reboot")).json()
        return f"/v1/vps/vps-1.example/tasks/{task['id']}"

    await tell(caller, "PUT", "state", {"collections": {"/v1/vps": {"vps-1.example": {}}}})
    path = await begin()
    seen = [(await caller.send("GET", path)).json()["state"]]
    await tell(caller, "PUT", "state", await tell(caller, "GET", "state"))
    while seen[-1] != "done":
        assert len(seen) < 5
        seen.append((await caller.send("GET", path)).json()["state"])
    other = await begin()
    assert await tell(caller, "PUT", "tasks", {"outcome": "error", "underWay": True}) == {"ended": 1}
    assert (await caller.send("GET", other)).json()["state"] == "error"
    another = await begin()
    batch = [await caller.send("GET", another, headers={"X-Ovh-Batch": ","}) for _ in range(3)]
    assert [each.json()[0]["value"]["state"] for each in batch][-1] == "done"


@pytest.mark.promise("simulator.state")
@pytest.mark.parametrize("known", [{}, {"/v1/vps": {"a.example": {}}, "/v1/vps/a.example/tasks": {"1": {}}}])
async def test_a_task_under_way_is_there_though_no_collection_names_it(
    caller: Caller, known: dict[str, object]
) -> None:
    tasks = "/v1/vps/a.example/tasks"
    under_way = {f"{tasks}/7": {"field": "state", "left": ["doing", "done"], "states": ["doing", "done"]}}
    await tell(caller, "PUT", "state", {"collections": known, "underWay": under_way})
    await tell(caller, "PUT", "state", await tell(caller, "GET", "state"))
    assert 7 in (await caller.send("GET", tasks)).json()
    seen = [(await caller.send("GET", f"{tasks}/7")).json()["state"] for _ in range(3)]
    assert seen == ["doing", "done", "done"]


async def test_what_is_removed_is_not_under_way_any_more(caller: Caller) -> None:
    reverses = "/v1/ip/203.0.113.0%2F24/reverse"
    under_way = {f"{reverses}/203.0.113.10": {"field": "reverse", "left": ["x.example."]}}
    await tell(caller, "PUT", "state", {"underWay": under_way})
    assert (await caller.send("DELETE", f"{reverses}/203.0.113.10")).status_code == 200
    assert (await caller.send("GET", f"{reverses}/203.0.113.10")).status_code == 404
    assert "underWay" not in await tell(caller, "GET", "state")


async def test_several_ids_in_a_request_are_no_way_past_what_does_not_exist(caller: Caller) -> None:
    batch = {"X-Ovh-Batch": ","}
    missing = "/v1/domain/zone/nowhere.example/record"
    for method, path, body in (
        ("GET", missing, None),
        ("DELETE", f"{missing}/5", None),
        ("POST", missing, {"fieldType": "A", "target": "203.0.113.9"}),
        ("PUT", f"{missing}/5", {"ttl": 60}),
    ):
        assert (await caller.send(method, path, body, headers=batch)).status_code == 404, method
    [row] = (await caller.send("GET", f"{missing}/5", headers=batch)).json()
    assert row["error"]["class"] == "Client::NotFound"


async def test_it_tells_what_there_is_and_is_recorded_nowhere(caller: Caller, simulator: Simulator) -> None:
    answer = await caller.send("GET", "/_simulator", signed=False)
    assert answer.json()["state"] == ["GET", "PUT", "POST", "DELETE"]
    assert answer.json()["keys/{credentialId}"] == ["PUT", "DELETE"]
    assert (await caller.send("GET", "/_simulator/", signed=False)).json() == answer.json()
    assert list(simulator.requests) == []


async def test_without_being_asked_for_there_is_no_control() -> None:
    async with aclosing(await Simulator.start()) as other:
        answer = await Caller(other).send("GET", "/_simulator", signed=False)
    assert answer.status_code == 404


async def test_several_ids_are_read_in_one_request(caller: Caller) -> None:
    ids = (await caller.send("GET", _RECORDS)).json()[:2]
    target = f"{_RECORDS}/{ids[0]},{ids[1]},99999999"
    answer = await caller.send("GET", target, headers={"X-Ovh-Batch": ","})
    first, second, third = answer.json()
    assert (first["key"], first["value"]["id"], first["error"]) == (str(ids[0]), ids[0], None)
    assert second["value"]["id"] == ids[1]
    assert (third["value"], third["error"]["class"]) == (None, "Client::NotFound")
    many = ",".join(map(str, range(51)))
    answer = await caller.send("GET", f"{_RECORDS}/{many}", headers={"X-Ovh-Batch": ","})
    assert answer.status_code == 400
