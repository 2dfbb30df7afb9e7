"""What is there, and what changes it."""

import json
from typing import Any

import pytest

from ovh_api_mcp.simulator import Simulator
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio

ZONE = "/v1/domain/zone/example.com"
RECORDS = ZONE + "/record"
PROJECT = "/v1/cloud/project/0123456789abcdef0123456789abcdef"
BIG = 9007199254740993


async def _list(caller: Caller, target: str, headers: dict[str, str] | None = None) -> list[Any]:
    answer = await caller.get(target, headers)
    assert isinstance(answer, list)
    return answer


async def test_the_practice_account_has_zones_servers_a_project_and_blocks(caller: Caller) -> None:
    assert await caller.get("/v1/domain") == ["example.com", "example.net", "example.org"]
    assert len(await _list(caller, RECORDS)) > 12
    assert len(await _list(caller, "/v1/domain/zone/example.org/record")) == 12
    assert len(await _list(caller, "/v1/vps")) == 2
    assert len(await _list(caller, PROJECT + "/instance")) == 3
    assert "203.0.113.0/24" in await _list(caller, "/v1/ip")


async def test_a_record_that_is_added_is_listed_shown_changed_and_removed(caller: Caller) -> None:
    body = {"fieldType": "A", "subDomain": "new", "target": "203.0.113.99", "zone": "ignored", "id": 1}
    made = (await caller.send("POST", RECORDS, body)).json()
    assert made == {**body, "zone": "example.com", "id": made["id"], "ttl": None}
    assert made["id"] in await _list(caller, RECORDS)
    item = f"{RECORDS}/{made['id']}"
    assert await caller.get(item) == made

    assert (await caller.send("PUT", item, {"target": "203.0.113.98", "id": 7})).json() is None
    assert await caller.get(item) == {**made, "target": "203.0.113.98"}

    assert (await caller.send("DELETE", item)).json() is None
    assert made["id"] not in await _list(caller, RECORDS)
    for method, body_of in (("GET", None), ("PUT", {"target": "x"}), ("DELETE", None)):
        gone = await caller.send(method, item, body_of)
        assert (gone.status_code, gone.json()["class"]) == (404, "Client::NotFound")


async def test_numbers_beyond_two_to_the_53_keep_their_digits(caller: Caller) -> None:
    listed = await caller.send("GET", RECORDS)
    assert str(BIG) in listed.text
    assert (await caller.send("GET", f"{RECORDS}/{BIG}")).json()["id"] == BIG

    body = {"fieldType": "TXT", "target": "x", "ttl": BIG}
    made = await caller.send("POST", RECORDS, body)
    assert (made.json()["id"], made.json()["ttl"]) == (BIG + 1, BIG)


async def test_each_zone_has_its_own_records(caller: Caller) -> None:
    made = (await caller.send("POST", RECORDS, {"fieldType": "A", "target": "203.0.113.1"})).json()

    other = await caller.send("GET", f"/v1/domain/zone/example.net/record/{made['id']}")
    assert other.status_code == 404


async def test_nothing_is_inside_what_does_not_exist(caller: Caller) -> None:
    for target in ("/v1/domain/zone/nowhere.example/record", "/v1/domain/zone/nowhere.example/soa"):
        assert (await caller.send("GET", target)).status_code == 404


async def test_what_was_created_starts_empty_and_takes_its_contents_with_it(caller: Caller) -> None:
    wanted = {"region": "GRA11", "name": "practice", "version": "1.34"}
    cluster = (await caller.send("POST", PROJECT + "/kube", wanted)).json()
    assert (cluster["name"], cluster["version"], cluster["region"]) == ("practice", "1.34", "GRA11")
    pools = f"{PROJECT}/kube/{cluster['id']}/nodepool"
    assert await caller.get(pools) == []

    pool = (await caller.send("POST", pools, {"flavorName": "b3-8", "desiredNodes": 2})).json()
    assert [p["id"] for p in await _list(caller, pools)] == [pool["id"]]
    await caller.send("DELETE", f"{PROJECT}/kube/{cluster['id']}")
    assert (await caller.send("GET", pools)).status_code == 404


async def test_a_field_is_known_by_the_name_of_its_object(caller: Caller) -> None:
    first = (await _list(caller, PROJECT + "/instance"))[0]
    item = f"{PROJECT}/instance/{first['id']}"

    await caller.send("PUT", item, {"instanceName": "renamed"})
    changed = await caller.get(item)
    assert isinstance(changed, dict)
    assert (changed["name"], changed["id"]) == ("renamed", first["id"])


async def test_an_action_that_answers_its_object_changes_it(caller: Caller) -> None:
    volume = (await _list(caller, PROJECT + "/volume"))[0]
    item = f"{PROJECT}/volume/{volume['id']}"

    larger = (await caller.send("POST", item + "/upsize", {"size": 99})).json()
    assert larger == {**volume, "size": 99}
    assert await caller.get(item) == larger


async def test_an_object_that_stands_alone_can_change(caller: Caller) -> None:
    before = await caller.get(ZONE + "/soa")
    assert isinstance(before, dict)

    assert (await caller.send("PUT", ZONE + "/soa", {"ttl": 123})).json() is None
    assert await caller.get(ZONE + "/soa") == {**before, "ttl": 123}


async def test_a_map_is_replaced_as_a_whole(caller: Caller) -> None:
    cluster = (await _list(caller, PROJECT + "/database/postgresql"))[0]
    item = f"{PROJECT}/database/postgresql/{cluster}/advancedConfiguration"

    assert (await caller.send("PUT", item, {"timezone": "UTC"})).json() == {"timezone": "UTC"}
    assert await caller.get(item) == {"timezone": "UTC"}


async def test_a_key_that_the_body_names_is_the_key(caller: Caller) -> None:
    body = {"keyName": "laptop", "key": "ssh-ed25519 practice"}
    assert (await caller.send("POST", "/v1/me/sshKey", body)).json() is None
    assert await caller.get("/v1/me/sshKey/laptop") == body

    again = await caller.send("POST", "/v1/me/sshKey", body)
    assert (again.status_code, again.json()["class"]) == (409, "Client::Conflict")


async def test_a_block_with_a_slash_holds_its_own_things(caller: Caller) -> None:
    block = "/v1/ip/203.0.113.0%2F24"
    assert await caller.get(block + "/reverse") == ["203.0.113.10", "203.0.113.25"]

    made = await caller.send(
        "POST", block + "/reverse", {"ipReverse": "203.0.113.7", "reverse": "seven.example.com."}
    )
    assert made.json() == {"ipReverse": "203.0.113.7", "reverse": "seven.example.com."}
    assert await caller.get(block + "/reverse/203.0.113.7") == made.json()
    assert (await caller.send("GET", "/v1/ip/203.0.113.0%252F24")).status_code == 404
    assert (await caller.send("GET", "/v1/ip/203.0.113.0/24")).status_code == 404


async def test_filters_keep_the_items_whose_property_fits(caller: Caller) -> None:
    async def kinds(query: str) -> set[tuple[str, str]]:
        items = [await caller.get(f"{RECORDS}/{i}") for i in await _list(caller, RECORDS + query)]
        return {(item["fieldType"], item["subDomain"]) for item in items if isinstance(item, dict)}

    assert await kinds("?fieldType=AAAA") == {("AAAA", "mail"), ("AAAA", "api"), ("AAAA", "shop")}
    assert await kinds("?fieldType=A&subDomain=WWW") == set()
    assert await kinds("?subDomain=www") == {("CNAME", "www")}
    assert len(await _list(caller, PROJECT + "/instance?region=GRA11")) == 2
    assert await _list(caller, "/v1/ip?version=6") == ["2001:db8:1::/48"]
    assert len(await _list(caller, "/v2/iam/resource?resourceType=vps&resourceType=ip")) == 3


async def test_v2_lists_come_in_pages_that_a_cursor_joins(caller: Caller) -> None:
    seen: list[str] = []
    headers = {"X-Pagination-Size": "2"}
    for _ in range(10):
        answer = await caller.send("GET", "/v2/iam/policy", headers=headers)
        seen += [policy["name"] for policy in answer.json()]
        cursor = answer.headers.get("X-Pagination-Cursor-Next")
        if cursor is None:
            break
        assert len(answer.json()) == 2
        headers["X-Pagination-Cursor"] = cursor
    assert seen == ["all", "read-dns", "restart", "bills", "cloud"]

    types = await caller.send("GET", "/v2/iam/reference/resource/type", headers={"X-Pagination-Size": "1"})
    assert (len(types.json()), "X-Pagination-Cursor-Next" in types.headers) == (1, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Pagination-Cursor": "nonsense"},
        {"X-Pagination-Cursor": "é".encode().decode("latin-1")},
        {"X-Pagination-Size": "0"},
        {"X-Pagination-Size": "many"},
    ],
)
async def test_a_page_that_makes_no_sense_is_refused(caller: Caller, headers: dict[str, str]) -> None:
    assert (await caller.send("GET", "/v2/iam/policy", headers=headers)).status_code == 400


async def test_v1_lists_expand_to_objects_in_pages(caller: Caller) -> None:
    total = len(await _list(caller, RECORDS))
    expand = {"X-Pagination-Mode": "CachedObjectList-Pages", "X-Pagination-Size": "10"}

    first = await caller.send("GET", RECORDS, headers=expand)
    last = await caller.send("GET", RECORDS, headers={**expand, "X-Pagination-Number": "3"})
    beyond = await caller.send("GET", RECORDS, headers={**expand, "X-Pagination-Number": "4"})
    assert (len(first.json()), len(last.json()), beyond.json()) == (10, total - 20, [])
    assert first.headers["X-Pagination-Elements"] == str(total)
    assert last.json()[-1]["id"] == BIG


async def test_v1_expansion_sorts_and_filters(caller: Caller) -> None:
    mode = {"X-Pagination-Mode": "CachedObjectList-Pages"}

    async def ids(**headers: str) -> list[int]:
        sent = {f"X-Pagination-{name.replace('_', '-')}": value for name, value in headers.items()}
        return [item["id"] for item in await _list(caller, RECORDS, {**mode, **sent})]

    assert (await ids(Sort="id", Sort_Order="DESC"))[0] == BIG
    assert await ids(Filter="fieldType:eq=AAAA&subDomain:like=pi") == [5012]
    assert await ids(Filter="id:lt=5003") == [5001, 5002]
    assert await ids(Filter="id:in=5001,5009") == [5001, 5009]
    assert (
        await caller.send("GET", RECORDS, headers={**mode, "X-Pagination-Filter": "x"})
    ).status_code == 400


RANCHERS = "/v2/publicCloud/project/0123456789abcdef0123456789abcdef/rancher"


async def _states(caller: Caller, item: str) -> list[tuple[str, str]]:
    """Look at a resource until nothing is under way any more; what it is, and what it is called."""
    seen: list[tuple[str, str]] = []
    while not seen or seen[-1][0] in ("CREATING", "UPDATING"):
        assert len(seen) < 9
        answer = (await caller.send("GET", item)).json()
        seen.append((answer["resourceStatus"], answer["currentState"]["name"]))
    return seen


async def test_a_resource_of_v2_is_what_it_is_to_be_after_a_time(caller: Caller) -> None:
    spec = {"name": "mine", "plan": "STANDARD"}
    made = (await caller.send("POST", RANCHERS, {"targetSpec": spec})).json()
    assert (made["resourceStatus"], made["targetSpec"]["name"]) == ("CREATING", "mine")
    item = f"{RANCHERS}/{made['id']}"
    assert await _states(caller, item) == [("CREATING", "mine")] * 2 + [("READY", "mine")]

    spec = {**spec, "name": "ours", "version": made["targetSpec"]["version"]}
    changed = (await caller.send("PUT", item, {"targetSpec": spec})).json()
    assert (changed["resourceStatus"], changed["targetSpec"]["name"]) == ("UPDATING", "ours")
    assert changed["currentState"]["name"] == "mine"
    assert await _states(caller, item) == [("UPDATING", "mine")] * 2 + [("READY", "ours")]

    assert (await caller.send("DELETE", item)).status_code == 200
    assert (await caller.send("GET", item)).status_code == 404


async def test_a_resource_of_v2_whose_change_fails_stays_what_it_was(caller: Caller) -> None:
    caller.simulator.resources.tasks.outcome, caller.simulator.resources.tasks.looks = "error", 1
    [rancher] = await _list(caller, RANCHERS)
    spec = {**rancher["targetSpec"], "name": "ours"}
    item = f"{RANCHERS}/{rancher['id']}"
    assert (await caller.send("PUT", item, {"targetSpec": spec})).json()["resourceStatus"] == "UPDATING"
    assert await _states(caller, item) == [("ERROR", rancher["currentState"]["name"])]
    assert (await caller.get(item)) == {**rancher, "targetSpec": spec, "resourceStatus": "ERROR"}


async def test_two_simulators_share_nothing(caller: Caller) -> None:
    await caller.send("DELETE", f"{RECORDS}/5001")
    other = await Simulator.start()
    try:
        assert json.dumps(await Caller(other).get(f"{RECORDS}/5001"))
    finally:
        await other.aclose()
