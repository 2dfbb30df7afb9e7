"""Waiting for tasks and states, through the real server and a simulated API whose tasks take their time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from mcp import Client

from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, forget, running_simulator
from tests.end_to_end.program import error_of, execute, says, value_of
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_VPS = "vps-1a2b3c01.vps.example.net"
_REBOOT = f"ovh.post('/v1/vps/{_VPS}/reboot')"


@pytest.fixture(scope="module")
def _api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def api(_api: Simulator) -> Simulator:
    """An API of its own, whose tasks a test may steer."""
    forget(_api)
    _api.resources.tasks.outcome, _api.resources.tasks.looks = "done", 2
    return _api


@pytest.fixture
async def client(api: Simulator, home: Path) -> AsyncIterator[Client]:
    settings = load_settings(Flags(), environment(api, home), config_paths=())
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution)) as connected,
    ):
        yield connected


async def waited(client: Client, call: str) -> dict[str, object]:
    value = value_of(await execute(client, f"async () => await {call}"))
    assert isinstance(value, dict)
    return value


@pytest.mark.promise("wait.task")
async def test_the_task_that_a_write_gave_is_read_where_the_catalogue_says_until_it_is_done(
    api: Simulator, client: Client
) -> None:
    found = await waited(client, f"ovh.wait(await {_REBOOT})")
    assert (found["settled"], found["status"]) == (True, "done")
    assert str(found["path"]).startswith(f"/v1/vps/{_VPS}/tasks/")
    assert [call.method for call in calls_of(api)] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("outcome", ["error", "cancelled"])
async def test_a_task_that_fails_has_settled_too_and_says_how(
    api: Simulator, client: Client, outcome: str
) -> None:
    api.resources.tasks.outcome, api.resources.tasks.looks = outcome, 1
    found = await waited(client, f"ovh.wait(await {_REBOOT}, {{ until: 'done' }})")
    assert found["settled"] is True
    assert found["status"] in (outcome, "error")


async def test_a_script_may_judge_by_itself_what_it_waits_for(api: Simulator, client: Client) -> None:
    call = f"ovh.wait(await {_REBOOT}, {{ until: async task => task.state === 'done' }})"
    assert (await waited(client, call))["settled"] is True


async def test_an_error_of_that_judgement_is_the_scripts_error(api: Simulator, client: Client) -> None:
    text = error_of(
        await execute(client, f"async () => ovh.wait(await {_REBOOT}, {{ until: t => t.no.such }})")
    )
    assert says(text, "TypeError")


@pytest.mark.promise("wait.time")
async def test_when_the_time_is_up_it_says_where_it_stands_and_what_to_call_next(
    api: Simulator, client: Client
) -> None:
    found = await waited(client, f"ovh.wait('/v1/vps/{_VPS}', {{ until: 'stopped', timeout: 1 }})")
    assert (found["settled"], found["status"]) == (False, "running")
    assert says(str(found["next"]), f'ovh.wait("/v1/vps/{_VPS}"', "stopped")


async def test_the_client_hears_what_is_waited_for_and_where_it_stands(
    api: Simulator, client: Client
) -> None:
    heard: list[tuple[float, str | None]] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    code = f"async () => await ovh.wait('/v1/vps/{_VPS}', {{ until: 'stopped', timeout: 2 }})"
    await client.call_tool("execute", {"code": code}, progress_callback=listen)
    told = [each for each in heard if str(each[1]).startswith(f"/v1/vps/{_VPS}: running, ")]
    assert len(told) >= 2
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})


@pytest.mark.promise("wait.time")
async def test_a_function_that_is_never_content_is_asked_until_its_time_is_up_and_no_longer(
    api: Simulator, client: Client
) -> None:
    until = "vps => vps.state === 'gone'"
    found = await waited(client, f"ovh.wait('/v1/vps/{_VPS}', {{ until: {until}, timeout: 2 }})")
    assert (found["settled"], found["status"]) == (False, "running")
    assert isinstance(found["value"], dict)
    assert found["value"]["state"] == "running"
    following = f'await ovh.wait("/v1/vps/{_VPS}", {{ until: {until}, timeout: 2 }})'
    assert str(found["next"]).endswith(following)
    assert says(str(found["next"]), "not settled yet (running)")
    assert len(calls_of(api)) <= 4
    method = "({ until(it) { return false } }).until"
    for hidden in (method, "(() => false).bind(null)", f"() => {{ {'//' + 'x' * 400}\n return false }}"):
        found = await waited(client, f"ovh.wait('/v1/vps/{_VPS}', {{ until: {hidden}, timeout: 0.5 }})")
        assert "until: the same function, timeout: 0.5" in str(found["next"])


@pytest.mark.parametrize(
    "options",
    [
        '{ until: {"state":"stopped"}, timeout: 1 }',
        '{ until: ["stopped","gone"], timeout: 1 }',
        '{ validate: "warn", until: "stopped", timeout: 1 }',
    ],
)
async def test_what_to_call_next_is_the_same_wait_and_can_be_run(
    api: Simulator, client: Client, options: str
) -> None:
    found = await waited(client, f"ovh.wait('/v1/vps/{_VPS}', {options})")
    following = str(found["next"]).partition("await ")[2]
    assert following == f'ovh.wait("/v1/vps/{_VPS}", {options})'
    assert (await waited(client, following))["next"] == found["next"]


@pytest.mark.promise("wait.time")
async def test_a_wait_ends_before_the_script_would(api: Simulator, client: Client) -> None:
    api.resources.tasks.looks = 1_000
    found = await waited(client, f"ovh.wait(await {_REBOOT})")
    assert found["settled"] is False
    assert says(str(found["next"]), "not settled yet", "ovh.wait(")


async def test_what_was_deleted_has_settled(api: Simulator, client: Client) -> None:
    zone = "ovh.wait('/v1/domain/zone/example.com/record/5001', { until: 'gone' })"
    await execute(client, "async () => ovh.delete('/v1/domain/zone/example.com/record/5001')")
    assert (await waited(client, zone))["settled"] is True


async def test_a_look_that_fails_for_a_moment_does_not_end_the_wait(api: Simulator, client: Client) -> None:
    api.faults.add("GET", "/v1/vps/{serviceName}/tasks/{id}", times=1, delay_s=0.0)
    api.faults.add("GET", "/v1/vps/{serviceName}/tasks/{id}", times=1, status=503)
    assert (await waited(client, f"ovh.wait(await {_REBOOT})"))["status"] == "done"


async def test_an_error_of_a_wait_names_the_call_that_failed(client: Client) -> None:
    caught = ".catch(e => [e.method, e.path])"
    for target in ("'/v1/vps/none.example'", "{ path: '/v1/vps/{name}', params: { name: 'none.example' } }"):
        answer = await execute(client, f"async () => await ovh.wait({target}, {{ until: 'x' }}){caught}")
        assert value_of(answer) == ["GET", "/v1/vps/none.example"]


async def test_a_v2_resource_is_waited_for_by_its_status(api: Simulator, client: Client) -> None:
    policy = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    page = b'{"id":"p","name":"n","resourceStatus":"CREATING"}'
    ready = page.replace(b"CREATING", b"READY")
    api.faults.add("GET", "/v2/iam/policy/{policyId}", times=2, body=page)
    api.faults.add("GET", "/v2/iam/policy/{policyId}", body=ready)
    found = await waited(client, f"ovh.wait('/v2/iam/policy/{policy}')")
    assert (found["settled"], found["status"]) == (True, "READY")


async def test_a_v2_resource_that_was_just_begun_is_waited_for(api: Simulator, client: Client) -> None:
    project = "/v2/publicCloud/project/0123456789abcdef0123456789abcdef/rancher"
    begun = f"ovh.post('{project}', {{ body: {{ targetSpec: {{ name: 'mine', plan: 'STANDARD' }} }} }})"
    found = await waited(client, f"ovh.wait(await {begun})")
    assert (found["settled"], found["status"]) == (True, "READY")
    assert str(found["path"]).startswith(f"{project}/")
    assert [call.method for call in calls_of(api)] == ["POST", "GET", "GET"]


async def test_a_wait_may_look_at_what_does_not_fit_its_schema(api: Simulator, client: Client) -> None:
    api.faults.add("GET", "/v2/iam/policy/{policyId}", body=b'{"id":"p","resourceStatus":"READY"}')
    assert says(error_of(await execute(client, "async () => await ovh.wait('/v2/iam/policy/p')")), "UUID")
    found = await waited(client, "ovh.wait('/v2/iam/policy/p', { validate: 'warn' })")
    assert found["status"] == "READY"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ovh.wait()", ["nothing", "ovh.wait({ path"]),
        ("ovh.wait({ id: 4 })", ["no call gave", "path"]),
        (f"ovh.wait('/v1/vps/{_VPS}')", ["running", "until"]),
        ("ovh.wait('/v1/domain/zone/example.com')", ["no status", "until"]),
        ("ovh.wait('/v1/nope')", ["no operation"]),
        (f"ovh.wait('/v1/vps/{_VPS}', {{ status: 'x' }})", ["until"]),
        (f"ovh.wait('/v1/vps/{_VPS}', {{ until: 3 }})", ["until is", "status"]),
        (f"ovh.wait('/v1/vps/{_VPS}', {{ until: {{ state: undefined }} }})", ["until.state is undefined"]),
        (f"ovh.wait('/v1/vps/{_VPS}', {{ until: 'x', timeout: 'long' }})", ["timeout", "seconds"]),
        ("ovh.wait('/v1/vps/none.example', { until: 'x' })", ["does not exist", "GET /v1/vps"]),
    ],
)
async def test_a_wait_that_makes_no_sense_says_what_would(
    client: Client, call: str, words: list[str]
) -> None:
    assert says(error_of(await execute(client, f"async () => await {call}")), *words)
