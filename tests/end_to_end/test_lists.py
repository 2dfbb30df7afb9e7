"""Whole lists, through the real server: pages, expansion, items one by one, and what ends a list early."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import mcp_types
import pytest
from mcp import Client

from ovh_api_mcp import limits
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.lists import Lists
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, forget, running_simulator
from tests.end_to_end.program import error_of, execute, says, value_of
from tests.server.real_server import environment, text_of

pytestmark = pytest.mark.anyio

_ZONE = "/v1/domain/zone/example.com/record"
_TEMPLATE = "/v1/domain/zone/{zoneName}/record"
_V2 = "/v2/iam/policy"


@pytest.fixture(scope="module")
def _api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def api(_api: Simulator) -> Simulator:
    """An API of its own, whose lists a test may change."""
    forget(_api)
    _api.resources.not_expanded.clear()
    return _api


@pytest.fixture
async def client(api: Simulator, home: Path) -> AsyncIterator[Client]:
    settings = load_settings(Flags(), environment(api, home), config_paths=())
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution)) as connected,
    ):
        yield connected


def listed(path: str, options: str = "{}", then: str = "items") -> str:
    """Return a script that lists and returns something about the items."""
    return f"async () => {{ const items = await ovh.list('{path}', {options}); return {then} }}"


def notes_of(result: mcp_types.CallToolResult) -> str:
    return "\n".join(block.text for block in result.content[1:] if isinstance(block, mcp_types.TextContent))


@pytest.mark.promise("lists.expansion")
async def test_five_hundred_records_come_as_objects_in_one_request(api: Simulator, client: Client) -> None:
    api.resources.fill(_ZONE, 500)
    script = listed(_ZONE, "{ expand: true }", "[items.length, items[0].id, items[499].id]")
    assert value_of(await execute(client, script)) == [500, 1, 500]
    assert len(calls_of(api)) == 1


async def test_further_pages_of_an_expanded_list_are_read_once_each_and_in_order(
    api: Simulator, client: Client
) -> None:
    api.resources.fill(_ZONE, 2_201)
    script = listed(_ZONE, "{ expand: true }", "items.map(item => item.id)")
    answer = await execute(client, f"async () => (await ({script})()).every((id, i) => id === i + 1)")
    assert value_of(answer) is True
    pages = Counter(call.headers["x-pagination-number"] for call in calls_of(api))
    assert pages == Counter("12345")


@pytest.mark.promise("lists.one-by-one")
async def test_what_is_not_expanded_is_read_item_by_item_in_order_and_remembered(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 35)
    script = listed(_ZONE, "{ expand: true }", "items.map(item => item.id)")
    assert value_of(await execute(client, script)) == list(range(1, 36))
    assert len(calls_of(api)) == 36
    assert value_of(await execute(client, script)) == list(range(1, 36))
    assert sum("x-pagination-mode" in call.headers for call in calls_of(api)) == 1


async def test_an_api_that_refuses_the_expansion_is_asked_for_the_plain_list(
    api: Simulator, client: Client
) -> None:
    api.resources.fill(_ZONE, 3)
    api.faults.add("GET", _TEMPLATE, times=1, status=400)
    script = listed(_ZONE, "{ expand: true }", "items.map(item => item.id)")
    assert value_of(await execute(client, script)) == [1, 2, 3]


@pytest.mark.promise("lists.item-errors")
async def test_an_item_that_cannot_be_read_leaves_its_error_in_its_place(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 12)
    api.faults.add("GET", f"{_ZONE}/7", status=403)
    then = "items.map(item => item instanceof OvhError ? [item.status, item.method, item.path].join(' ') : item.id)"
    answer = await execute(client, listed(_ZONE, "{ expand: true }", then))
    shown = value_of(answer)
    assert isinstance(shown, list)
    assert shown[:6] + shown[7:] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]
    assert shown[6] == f"403 GET {_ZONE}/7"
    assert "1 of 12 items could not be read" in notes_of(answer)


async def test_the_client_hears_how_far_a_long_list_is_and_of_how_many(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 60)
    api.faults.add("GET", f"{_TEMPLATE}/{{id}}", delay_s=0.4)
    heard: list[tuple[float, float | None, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    code = listed(_ZONE, "{ expand: true }", "items.length")
    answer = await client.call_tool("execute", {"code": code}, progress_callback=listen)
    assert value_of(answer) == 60
    told = [each for each in heard if "of 60 items" in str(each[2])]
    assert told
    for progress, total, message in told:
        assert message == f"{_ZONE}: {progress - (total or 0) + 60:.0f} of 60 items"
        assert 0 < progress <= (total or 0)


@pytest.mark.promise("lists.calls-run-out")
async def test_a_list_longer_than_the_calls_of_a_script_ends_with_what_was_read_and_how_to_go_on(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 1_200)
    first = await execute(
        client, listed(_ZONE, "{ expand: true }", "[items.length, items.at(-1).id, items.incomplete]")
    )
    shown = value_of(first)
    assert isinstance(shown, list)
    assert shown[:2] == [999, 999]  # the list itself was the first call
    assert shown[2]["after"] == 999
    assert shown[2]["of"] == 1_200
    assert "999 of 1,200 items were read" in notes_of(first)
    rest = await execute(
        client, listed(_ZONE, "{ expand: true, after: 999 }", "[items.length, items[0].id, items.incomplete]")
    )
    assert value_of(rest) == [201, 1_000, None]


async def test_after_the_calls_have_run_out_a_call_of_the_script_says_so(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 1_200)
    script = (
        f"async () => {{ await ovh.list('{_ZONE}', {{ expand: true }}); return await ovh.get('/v1/me') }}"
    )
    answer = await execute(client, script)
    assert answer.is_error
    assert "1,000 API calls, which is the limit" in text_of(answer)


async def test_a_plain_list_gives_the_ids_and_stops_at_its_limit(api: Simulator, client: Client) -> None:
    api.resources.fill(_ZONE, 30)
    assert value_of(await execute(client, listed(_ZONE))) == list(range(1, 31))
    assert value_of(await execute(client, listed(_ZONE, "{ limit: 4 }"))) == [1, 2, 3, 4]
    assert value_of(await execute(client, listed(_ZONE, "{ limit: 4, after: 28 }"))) == [29, 30]


async def test_an_api_that_fails_at_the_expansion_for_a_moment_is_asked_for_it_again_later(
    api: Simulator,
) -> None:
    now = [1_000.0]
    lists = Lists(lambda: now[0])
    lists.note_not_expanded("/v1/x", limits.LIST_EXPANSION_DOUBTED_S)
    lists.note_not_expanded("/v1/y")
    assert not lists.can_expand("/v1/x")
    now[0] += limits.LIST_EXPANSION_DOUBTED_S
    assert lists.can_expand("/v1/x")
    assert not lists.can_expand("/v1/y")


async def test_a_filter_that_the_api_does_not_take_does_not_keep_the_list_from_being_expanded(
    api: Simulator, client: Client
) -> None:
    api.resources.fill(_ZONE, 30)
    api.faults.add("GET", _TEMPLATE, times=1, status=400)
    script = listed(_ZONE, "{ filter: { id: [3, 4] } }", "items.map(item => item.id)")
    assert value_of(await execute(client, script)) == [3, 4]
    assert ["x-pagination-filter" in call.headers for call in calls_of(api)] == [True, False]
    assert value_of(await execute(client, script)) == [3, 4]
    assert len(calls_of(api)) == 3


async def test_a_condition_on_a_field_that_no_item_has_is_refused_with_the_one_that_was_meant(
    api: Simulator, client: Client
) -> None:
    api.resources.fill(_ZONE, 3)
    told = error_of(await execute(client, listed(_ZONE, "{ filter: { fieldtype: 'A' } }")))
    assert says(told, "filter.fieldtype", 'Did you mean "fieldType"', "Fields: ", 'validate: "warn"')
    assert calls_of(api) == []
    options = "{ filter: { fieldtype: 'A' }, validate: 'warn' }"
    assert value_of(await execute(client, listed(_ZONE, options))) == []


async def test_values_that_nothing_reads_one_by_one_cannot_be_filtered_and_are_not_expanded(
    api: Simulator, client: Client
) -> None:
    path = "/v1/vps/vps-1a2b3c01.vps.example.net/activeOptions"
    api.faults.add("GET", path, body=b'["a","b"]')
    told = error_of(await execute(client, listed(path, "{ filter: { name: 'a' }, validate: 'warn' }")))
    assert says(told, "plain values", "in the script")
    answer = await execute(client, listed(path, "{ expand: true }"))
    assert value_of(answer) == ["a", "b"]
    assert says(notes_of(answer), "expand has no effect")


async def test_an_error_of_a_list_names_the_call_that_failed(client: Client) -> None:
    template = "/v1/domain/zone/{zoneName}/record"
    options = "{ params: { zoneName: 'no.example' } }"
    for call in (f"ovh.list('{template}', {options})", f"ovh.get('{template}', {options})"):
        answer = await execute(client, f"async () => await {call}.catch(e => [e.method, e.path])")
        assert value_of(answer) == ["GET", "/v1/domain/zone/no.example/record"]


async def test_a_limit_asks_for_no_more_objects_than_that(api: Simulator, client: Client) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.resources.fill(_ZONE, 300)
    script = listed(_ZONE, "{ expand: true, limit: 5 }", "items.length")
    assert value_of(await execute(client, script)) == 5
    assert len(calls_of(api)) <= 6


@pytest.mark.promise("lists.filter")
@pytest.mark.parametrize("is_expanded", [True, False])
async def test_a_filter_means_the_same_whether_the_api_expands_the_list_or_not(
    api: Simulator, client: Client, is_expanded: bool
) -> None:
    api.resources.fill(_ZONE, 60)
    if not is_expanded:
        api.resources.not_expanded.add(_TEMPLATE)
    everything = value_of(await execute(client, listed(_ZONE, "{ expand: true }")))
    assert isinstance(everything, list)
    kinds = Counter(item["fieldType"] for item in everything)
    kind, count = kinds.most_common(1)[0]
    for condition, expected in [
        (f"fieldType: '{kind}'", count),
        (f"fieldType: {{ ne: '{kind}' }}", 60 - count),
        ("id: { gt: 50 }", 10),
        ("id: [3, 4, 99]", 2),
        ("id: { gt: 10, lt: 13 }", 2),
        (f"fieldType: {{ like: '{kind[:1].lower()}' }}", sum(kind[:1] in name for name in kinds.elements())),
        (f"fieldType: {{ like: '%{kind[1:].lower()}' }}", sum(n[1:] == kind[1:] for n in kinds.elements())),
        ("id: { gt: '50' }", 10),
        ("subDomain: { like: 'none-of-them%' }", 0),
    ]:
        answer = await execute(client, listed(_ZONE, f"{{ filter: {{ {condition} }} }}", "items.length"))
        assert value_of(answer) == expected, condition


async def test_pages_of_v2_are_followed_to_the_end(api: Simulator, client: Client) -> None:
    api.resources.fill(_V2, 1_050)
    script = listed(_V2, "{}", "[items.length, new Set(items.map(item => item.id)).size]")
    assert value_of(await execute(client, script)) == [1_050, 1_050]
    assert len(calls_of(api)) == 3


async def test_a_page_of_v2_that_fails_ends_the_list_where_it_can_go_on(
    api: Simulator, client: Client
) -> None:
    api.resources.fill(_V2, 1_050)
    api.faults.add("GET", _V2, times=1, delay_s=0.0)  # the first page is right
    api.faults.add("GET", _V2, times=1, status=403)
    first = await execute(client, listed(_V2, "{}", "[items.length, items.incomplete]"))
    shown = value_of(first)
    assert isinstance(shown, list)
    assert shown[0] == 500
    after = shown[1]["after"]
    rest = await execute(client, listed(_V2, f"{{ after: {after!r} }}", "items.length"))
    assert value_of(rest) == 550


async def test_a_list_of_more_than_a_script_can_take_ends_early(api: Simulator, client: Client) -> None:
    page = json.dumps([{"id": n, "text": "x" * 10_000} for n in range(500)]).encode()
    headers = {"X-Pagination-Elements": "2000"}
    api.faults.add("GET", _TEMPLATE, body=page, headers=headers)
    answer = await execute(client, listed(_ZONE, "{ expand: true }", "[items.length, items.incomplete]"))
    shown = value_of(answer)
    assert isinstance(shown, list)
    assert 700 < shown[0] < 740
    assert shown[1]["after"] == shown[0]
    assert "MiB" in shown[1]["reason"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ovh.list()", ["no path", "ovh.list("]),
        ("ovh.list('/v1/me')", ["no array", "ovh.get"]),
        ("ovh.list('/v1/vpss')", ["no operation", "/v1/vps"]),
        ("ovh.list('/v1/vps', { lmit: 3 })", ["lmit", "limit"]),
        ("ovh.list('/v1/vps', { offset: 3 })", ["after"]),
        ("ovh.list('/v1/vps', { limit: 0 })", ["limit is 0", "1 to 100,000"]),
        ("ovh.list('/v1/vps', { filter: 'A' })", ["filter", "object"]),
        ("ovh.list('/v1/vps', { filter: vps => vps.state })", ["filter is a function", "give values"]),
        ("ovh.list('/v1/vps', { filter: { name: undefined } })", ["filter.name is undefined"]),
        ("ovh.list('/v1/vps', { filter: { name: /a/ } })", ["filter.name is a RegExp", "like"]),
        ("ovh.list('/v1/vps', { filter: { name: { in: [undefined] } } })", ["filter.name.in.0 is undefined"]),
        ("ovh.list({ path: '/v1/vps', filter: () => true })", ["filter is a function"]),
        ("ovh.list('/v1/vps', { filter: { name: { is: 3 } } })", ["operator", "eq, ne, gt"]),
        ("ovh.list('/v1/vps', {}, 3)", ["one object"]),
    ],
)
async def test_a_list_that_makes_no_sense_says_what_would(
    client: Client, call: str, words: list[str]
) -> None:
    assert says(error_of(await execute(client, f"async () => await {call}")), *words)


async def test_a_list_hears_of_its_errors_like_any_call(api: Simulator, client: Client) -> None:
    script = (
        "async () => { try { await ovh.list('/v1/domain/zone/no.example/record') } "
        "catch (e) { return [e instanceof OvhError, e.status] } }"
    )
    assert value_of(await execute(client, script)) == [True, 404]


async def test_a_list_may_ask_for_what_does_not_fit_its_schema_and_ids_need_not_fit_it(
    api: Simulator, client: Client
) -> None:
    api.resources.not_expanded.add(_TEMPLATE)
    api.faults.add("GET", _TEMPLATE, body=b'["x"]')
    api.faults.add("GET", f"{_TEMPLATE}/{{id}}", body=b'{"id": "x"}')
    told = error_of(await execute(client, listed(_ZONE, "{ query: { fieldType: 'NEW' } }")))
    assert says(told, "query.fieldType", 'validate: "warn"')
    options = "{ query: { fieldType: 'NEW' }, expand: true, validate: 'warn' }"
    answer = await execute(client, listed(_ZONE, options))
    assert value_of(answer) == [{"id": "x"}]
    assert says(notes_of(answer), "query.fieldType")


async def test_search_scripts_may_not_list(client: Client) -> None:
    answer = await client.call_tool("search", {"code": "async () => await ovh.list('/v1/vps')"})
    assert answer.is_error
    assert "execute" in text_of(answer)
