"""Several accounts behind one server: two simulated APIs, with other operations and other data."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from mcp import Client

from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, forget, lines_of, running_simulator
from tests.end_to_end.program import (
    connected,
    error_of,
    execute,
    http_server,
    run_once,
    says,
    search,
    value_of,
)

pytestmark = pytest.mark.anyio

_RECORDS = "/v1/domain/zone/example.com/record"
_GARDEN = {
    "apis": [
        {
            "path": "/garden",
            "description": "Plants",
            "operations": [
                {
                    "httpMethod": "GET",
                    "description": "List the plants of the garden",
                    "parameters": [],
                    "responseType": "string[]",
                    "noAuthentication": False,
                    "apiStatus": {"value": "PRODUCTION", "description": "Stable production version"},
                }
            ],
        }
    ],
    "models": {},
    "basePath": "/v1",
    "resourcePath": "/garden",
}


@pytest.fixture(scope="module")
def _north() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def _south(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    schemas = tmp_path_factory.mktemp("schemas")
    for branch, apis in (
        ("v1", [{"path": "/garden", "schema": "{path}.{format}", "format": ["json"]}]),
        ("v2", []),
    ):
        (schemas / branch).mkdir()
        (schemas / branch / "index.json").write_text(json.dumps({"apis": apis}))
    (schemas / "v1" / "garden.json").write_text(json.dumps(_GARDEN))
    with running_simulator(schemas) as simulator:
        yield simulator


@pytest.fixture
def north(_north: Simulator) -> Simulator:
    forget(_north)
    return _north


@pytest.fixture
def south(_south: Simulator) -> Simulator:
    forget(_south)
    return _south


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("accounts")


@pytest.fixture
def conf(north: Simulator, south: Simulator, home: Path) -> Path:
    """A home with three accounts, two of which are at one API."""
    blocks = [
        f"[account {name}]\nendpoint = {api.url}\napplication_key = {api.account.application_key}\n"
        f"application_secret = {api.account.application_secret}\nconsumer_key = {api.account.consumer_key}\n"
        for name, api in (("north", north), ("twin", north), ("south", south))
    ]
    (home / ".ovh.conf").write_text("\n".join(blocks))
    return home


@pytest.fixture
async def client(conf: Path) -> AsyncIterator[Client]:
    environment = {
        "HOME": str(conf),
        "OVH_CACHE_DIR": str(conf / "cache"),
        "OVH_ACCOUNT": "north, twin,south",
    }
    settings = load_settings(Flags(), environment)
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution, settings.access)) as connection,
    ):
        yield connection


@pytest.mark.promise("accounts.pick")
async def test_one_script_acts_for_several_accounts(
    client: Client, north: Simulator, south: Simulator
) -> None:
    code = f"""async () => {{
      const there = ovh.account("south");
      return [
        (await ovh.get("{_RECORDS}")).length > 0,
        Array.isArray(await there.get("/v1/garden")),
        Array.isArray(await ovh.request({{ method: "GET", path: "/v1/garden", account: "south" }})),
        Array.isArray(await ovh.get("/v1/garden", {{ account: "south" }})),
        Array.isArray(await there.list("/v1/garden")),
        Array.isArray(await ovh.list("/v1/garden", {{ account: "south" }})),
        (await there.find("plants of the garden"))[0].path,
        (await there.describe("GET /v1/garden")).split("\\n")[0],
        typeof ovh.account("twin").resolve,
      ];
    }}"""
    value = value_of(await execute(client, code))
    assert value == [*[True] * 6, "/v1/garden", "GET /v1/garden", "function"]
    assert lines_of(north) == [f"GET {_RECORDS}"]
    assert lines_of(south) == ["GET /v1/garden"] * 5


@pytest.mark.promise("accounts.pick")
async def test_each_account_has_the_operations_of_its_own_api(client: Client, north: Simulator) -> None:
    told = error_of(await execute(client, "async () => await ovh.get('/v1/garden')"))
    assert says(told, "no operation GET /v1/garden")
    told = error_of(await execute(client, f"async () => await ovh.account('south').get('{_RECORDS}')"))
    assert says(told, "no operation")
    paths = value_of(await search(client, "(spec) => Object.keys(spec.paths).includes('/v1/garden')"))
    assert paths is False
    assert calls_of(north) == []


async def test_accounts_at_one_api_share_its_catalogue(client: Client, north: Simulator) -> None:
    code = f"async () => [await ovh.get('{_RECORDS}'), await ovh.account('twin').get('{_RECORDS}')].map(e => e.length > 0)"
    assert value_of(await execute(client, code)) == [True, True]
    assert [line.raw_path for line in north.requests].count("/v1/") <= 1


@pytest.mark.promise("accounts.named")
@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ovh.account('suoth').get('/v1/garden')", ['no account "suoth"', "south, north, twin"]),
        ("ovh.get('/v1/me', { account: 'nobody' })", ['no account "nobody"', "north, twin, south"]),
        ("ovh.get('/v1/me', { account: 3 })", ["no account a number"]),
        ("ovh.list('/v1/vps', { account: 'x' })", ['no account "x"']),
        ("ovh.wait({ path: '/v1/me', account: 'x' })", ['no account "x"']),
        ("ovh.find('a vps', { account: 'x' })", ['no account "x"']),
        ("ovh.get('/v1/me', { account: null })", ["no account null", "north, twin, south"]),
        ("ovh.account('twin').get('/v1/me', { account: 'south' })", ["two accounts are named", '"twin"']),
        (
            "ovh.account('twin').list('/v1/vps', { account: 'south' })",
            ['more than one account: "twin", "south"'],
        ),
        ("ovh.account('twin').find('a vps', { account: 'south' })", ["more than one account"]),
        ("ovh.account('twin').wait({ path: '/v1/me', account: 'south' })", ["more than one account"]),
        ("ovh.account().get('/v1/me')", ["takes the name of an account"]),
        ("ovh.account('a', 'b')", ["takes the name of an account"]),
    ],
)
async def test_an_unknown_account_is_told_with_the_known(
    client: Client, north: Simulator, call: str, words: list[str]
) -> None:
    assert says(error_of(await execute(client, f"async () => await {call}")), *words)
    assert calls_of(north) == []


async def test_what_an_account_gave_is_waited_for_there(conf: Path, north: Simulator) -> None:
    code = """async () => {
      const there = ovh.account("twin"), [name] = await there.get("/v1/vps");
      const task = await there.post(`/v1/vps/${name}/reboot`);
      const ways = [() => ovh.wait(task), () => there.wait(task), () => ovh.wait(task, { account: "twin" })];
      const done = [];
      for (const wait of ways) done.push((await wait()).settled);
      const wrong = await ovh.wait(task, { account: "south" }).catch(e => e.message);
      return [...done, wrong.includes("more than one account")];
    }"""
    settings = load_settings(
        Flags(account=("south", "twin")), {"HOME": str(conf), "OVH_CACHE_DIR": str(conf / "cache")}
    )
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution)) as client,
    ):
        assert value_of(await execute(client, code)) == [True, True, True, True]
    assert len(calls_of(north)) > 2


@pytest.mark.promise("accounts.pick")
async def test_writes_name_their_account(client: Client) -> None:
    code = f"""async () => {{
      await ovh.account("twin").post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }});
      throw new Error("no more");
    }}"""
    assert says(error_of(await execute(client, code)), f"POST {_RECORDS} (account twin) → 200")


async def test_requests_of_accounts_are_slowed_apart(
    client: Client, north: Simulator, south: Simulator
) -> None:
    north.faults.add("GET", "/v1/domain/zone/example.com/record", status=429, times=1)
    code = f"async () => [(await ovh.get('{_RECORDS}')).length > 0, await ovh.account('south').get('/v1/garden')].length"
    assert value_of(await execute(client, code)) == 2
    assert len(lines_of(north)) == 2
    assert len(lines_of(south)) == 1


async def test_an_account_whose_api_is_down_is_told_when_it_is_used(conf: Path, north: Simulator) -> None:
    with (conf / ".ovh.conf").open("a") as file:
        file.write("\n[account lost]\nendpoint = http://127.0.0.1:9\naccess_token = t0ken-of-nobody\n")
    settings = load_settings(
        Flags(account=("north", "lost")), {"HOME": str(conf), "OVH_CACHE_DIR": str(conf / "cache")}
    )
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution)) as client,
    ):
        told = error_of(await execute(client, "async () => await ovh.account('lost').get('/v1/me')"))
        assert says(told, "127.0.0.1:9")
        assert "t0ken" not in told
        assert (
            value_of(await execute(client, f"async () => (await ovh.get('{_RECORDS}')).length > 0")) is True
        )


async def test_keys_of_an_account_that_are_refused_are_named_as_its_section_has_them(
    conf: Path, north: Simulator
) -> None:
    with (conf / ".ovh.conf").open("a") as file:
        keys = "application_key = simulated-app-key\nconsumer_key = simulated-consumer-key\n"
        file.write(f"\n[account wrong]\nendpoint = {north.url}\napplication_secret = another\n{keys}")
        file.write(f"\n[account gone]\nendpoint = {north.url}\nclient_id = nobody\nclient_secret = none\n")
    settings = load_settings(
        Flags(account=("wrong", "gone")), {"HOME": str(conf), "OVH_CACHE_DIR": str(conf / "cache")}
    )
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution)) as client,
    ):
        for name, key in (("wrong", "application_secret"), ("gone", "client_id and client_secret")):
            code = f"async () => await ovh.account('{name}').get('/v1/me').catch(e => e.hint)"
            told = str(value_of(await execute(client, code)))
            assert says(told, key, f".ovh.conf [account {name}]"), told
            assert "OVH_" not in told


@pytest.mark.promise("accounts.named")
async def test_a_server_tells_a_model_which_accounts_there_are(conf: Path) -> None:
    env = {"HOME": str(conf), "OVH_CACHE_DIR": str(conf / "cache")}
    with http_server(env, "--account", "south", "--account", "north") as server:
        async with connected(server) as client:
            assert says(client.instructions or "", "Accounts: south, north", 'ovh.account("north")')
            code = "async () => Array.isArray(await ovh.get('/v1/garden'))"
            assert value_of(await execute(client, code)) is True
    with http_server(env, "--account", "north") as server:
        async with connected(server) as client:
            assert "Accounts" not in (client.instructions or "")
            told = error_of(await execute(client, "async () => await ovh.account('south').get('/v1/me')"))
    assert says(told, 'no account "south"', "--account NAME")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--account", "nrth"], ["no account 'nrth'", "north, twin, south"]),
        (["--account", "north", "--endpoint", "eu"], ["--account", "Leave one of them out"]),
    ],
)
def test_what_cannot_be_chosen_ends_the_program(conf: Path, options: list[str], words: list[str]) -> None:
    done = run_once(conf, "execute", "() => 1", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, *words)


def test_a_command_acts_for_the_account_that_is_named(conf: Path) -> None:
    done = run_once(
        conf, "execute", "async () => (await ovh.get('/v1/garden')).length > 0", "--account", "south"
    )
    assert (done.returncode, done.stdout.strip()) in ((0, "true"), (0, "false"))
