"""Requests that do not fit their schema, through the real server: refused whole, mended, or sent with a note."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.mistakes import all_text
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of
from tests.end_to_end.program import Server, connected, error_of, execute, http_server, says, value_of
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_ZONE = "/v1/domain/zone/example.com"
_WRONG = (
    f'ovh.post("{_ZONE}/record", {{ body: {{ type: "A", subDomain: 7, target: "203.0.113.10", ttl: "1 hour", '
    "priority: 10, weight: 1, port: 5060 } })"
)


@pytest.mark.promise("calls.validated")
async def test_a_model_is_told_every_fault_and_the_signature_and_nothing_is_sent(
    whole_api: Simulator, whole_server: Server
) -> None:
    async with connected(whole_server) as client:
        text = error_of(await execute(client, f"async () => {_WRONG}"))
    for place in ("fieldType", "type", "subDomain", "ttl", "priority", "weight", "port"):
        assert text.count(f"body.{place}: ") == 1, text
    assert says(
        text, "did you mean fieldType?", "InvalidRequest", "path: { zoneName: string } body: {", "line 1"
    )
    assert list(whole_api.requests) == []


@pytest.mark.promise("calls.validated")
async def test_a_script_can_read_the_faults_and_go_on(whole_api: Simulator, whole_server: Server) -> None:
    code = (
        f"async () => {{ try {{ await {_WRONG} }} catch (e) {{ return [e instanceof OvhError, e.code, e.class, "
        "e.faults.filter(f => f.nearest).map(f => [f.where, f.nearest[0]]), typeof e.signature] } }"
    )
    async with connected(whole_server) as client:
        value = value_of(await execute(client, code))
    assert value == [True, "invalid-request", "InvalidRequest", [["body.type", "fieldType"]], "string"]
    assert list(whole_api.requests) == []


@pytest.mark.promise("calls.validated")
async def test_a_request_is_sent_in_spite_of_its_faults_where_the_script_says_so(
    whole_api: Simulator, whole_server: Server
) -> None:
    code = (
        f'async () => [await ovh.get("{_ZONE}/record", {{ query: {{ fieldType: "NEW" }}, validate: "warn" }})'
        ".then(() => 0, e => e.status)]"
    )
    async with connected(whole_server) as client:
        text = all_text(await execute(client, code))
    assert says(text, "was sent though it does not fit its schema", "query.fieldType", '"NEW"')
    assert [request.target for request in calls_of(whole_api)] == [f"{_ZONE}/record?fieldType=NEW"]


async def test_a_server_may_send_all_requests_in_spite_of_their_faults(
    whole_api: Simulator, whole_server: Server, home: Path
) -> None:
    code = f'() => ovh.post("{_ZONE}/record", {{ body: {{ fieldType: "A" }} }}).catch(e => e.status)'
    with http_server(environment(whole_api, home), "--validation", "warn") as lenient:
        lenient.wait_catalogue()
        async with connected(lenient) as client:
            text = all_text(await execute(client, code))
    assert says(text, "400", "body.target: missing")
    [sent] = calls_of(whole_api)
    assert json.loads(sent.body) == {"fieldType": "A"}


async def test_what_was_taken_as_another_type_is_noted_with_the_result(
    whole_api: Simulator, whole_server: Server
) -> None:
    code = (
        'async () => { for (const id of ["1", "2"]) await ovh.request({ method: "GET", '
        'path: "/v1/domain/zone/{z}/record/{id}", params: { z: "example.com", id } }).catch(() => 0); return 5; }'
    )
    async with connected(whole_server) as client:
        text = all_text(await execute(client, code))
    assert text.count("path.id was a string, taken as an integer") == 1


@pytest.mark.promise("calls.read-only")
@pytest.mark.parametrize(
    ("collection", "rest"),
    [
        ("/v1/vps", ""),
        ("/v1/vps", "/serviceInfos"),
        ("/v1/dedicated/server", ""),
        ("/v1/domain", "/serviceInfos"),
    ],
)
async def test_what_was_read_is_written_back(
    whole_api: Simulator, whole_server: Server, collection: str, rest: str
) -> None:
    """The simulator makes what it answers from the native types, so it is the judge of both directions."""
    code = (
        f'async () => {{ const [id] = await ovh.get("{collection}"), path = `{collection}/${{id}}{rest}`;'
        ' await ovh.put(path, { body: await ovh.get(path) }); return "done"; }'
    )
    async with connected(whole_server) as client:
        text = all_text(await execute(client, code))
    assert text == '"done"'
    assert [(request.method, request.status) for request in calls_of(whole_api)] == [
        ("GET", 200),
        ("GET", 200),
        ("PUT", 200),
    ]
