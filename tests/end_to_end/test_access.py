"""What a person lets through, from the command line to the API: the simulator itself is the oracle."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, forget, lines_of, running_simulator
from tests.end_to_end.program import connected, error_of, execute, http_server, run_once, says, value_of
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_AT_ONCE = 100  # operations that one script tries
_RECORD = "/v1/domain/zone/example.com/record"
_ADD = f'ovh.post("{_RECORD}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }})'

# Tries each call with ids that the API itself lists, and goes on whatever comes.
_TRY_ALL = """async () => {
  const lists = new Map(), ends = {};
  const first = async (path) => {
    if (!lists.has(path)) {
      let ids = [];
      try { ids = await ovh.get(path) } catch (e) { }
      const id = Array.isArray(ids) ? ids[0] : undefined;
      lists.set(path, id !== null && typeof id === "object" ? undefined : id);
    }
    return lists.get(path);
  };
  for (const call of CALLS) {
    let path = "";
    const params = { ...call.params };
    for (const part of call.path.split("/").slice(1)) {
      const name = part.startsWith("{") ? part.slice(1, -1) : "";
      if (name) params[name] = (await first(path)) ?? params[name] ?? "x";
      path += "/" + (name ? encodeURIComponent(params[name]) : part);
    }
    let end = "sent";
    try { await ovh.request({ ...call, params, validate: "warn" }) } catch (e) { end = e.code }
    ends[end] = (ends[end] ?? 0) + 1;
  }
  return ends;
}"""


@pytest.fixture(scope="module")
def _api(shared_dir: Path) -> Iterator[Simulator]:
    with running_simulator(shared_dir / "ovh-schemas") as simulator:
        yield simulator


@pytest.fixture
def api(_api: Simulator) -> Simulator:
    """The whole API, of which nobody else changes anything."""
    forget(_api)
    return _api


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@asynccontextmanager
async def client_of(api: Simulator, home: Path, **flags: object) -> AsyncIterator[Client]:
    settings = load_settings(Flags(**flags), environment(api, home), config_paths=())  # type: ignore[arg-type]
    async with (
        App.open(settings, Redactor(settings.secrets())) as app,
        Client(build_server(app.execution, settings.access)) as client,
    ):
        yield client


def writes_of(file: CatalogFile) -> list[str]:
    """Return a call of each operation that is no GET, as JavaScript, with values that its schema takes."""
    operations = [f"{method} {path}" for method, path in file.routes() if method is not Method.GET]
    texts = [describe_operation(file, operation) for operation in operations]
    return [text.rpartition("example: await ovh.request(")[2].rstrip(")") for text in texts]


async def try_all(client: Client, calls: list[str]) -> dict[str, int]:
    """Try calls, some in each script; returns how many ended how."""
    ends: dict[str, int] = {}
    for start in range(0, len(calls), _AT_ONCE):
        some = ", ".join(calls[start : start + _AT_ONCE])
        told = value_of(await execute(client, _TRY_ALL.replace("CALLS", f"[{some}]")))
        assert isinstance(told, dict)
        for end, count in told.items():
            ends[end] = ends.get(end, 0) + count
    return ends


@pytest.mark.timeout(400)
@pytest.mark.promise("access.modes")
async def test_under_read_only_no_write_of_the_whole_api_changes_anything(
    api: Simulator, cache: Path, full_catalog: CatalogFile
) -> None:
    calls = writes_of(full_catalog)
    assert len(calls) > 2_600
    before = api.resources.changes()
    async with client_of(api, cache, access="read-only", allow_secrets=True) as client:
        ends = await try_all(client, calls)
    assert api.resources.changes() == before
    assert ends == {"denied": len(calls)}
    assert {line.method for line in calls_of(api)} == {"GET"}


@pytest.mark.timeout(200)
async def test_the_same_calls_change_much_where_all_is_let_through(
    api: Simulator, cache: Path, full_catalog: CatalogFile
) -> None:
    before = api.resources.changes()
    async with client_of(api, cache) as client:
        ends = await try_all(client, writes_of(full_catalog)[::25])
    assert ends.get("sent", 0) > 50, ends
    assert api.resources.changes() != before


# --- as a user meets it ------------------------------------------------------------------------------------


@pytest.mark.promise("access.denied")
async def test_a_script_hears_of_a_denial_and_goes_on(small_api: Simulator, cache: Path) -> None:
    code = f"""async () => {{
      const told = await {_ADD}.catch(e => [e instanceof OvhError, e.code, e.class, e.labels, e.by, e.hint]);
      return [told, (await ovh.get("{_RECORD}")).length > 0];
    }}"""
    async with client_of(small_api, cache, access="read-only") as client:
        value = value_of(await execute(client, code))
        uncaught = error_of(await execute(client, f"async () => await {_ADD}"))
    assert isinstance(value, list)
    told, goes_on = value
    assert told[:5] == [True, "denied", "Denied", ["write"], "mode"]
    assert goes_on
    assert says(told[5], "--access")
    assert says(uncaught, "POST /v1/domain/zone/{zoneName}/record is denied", "read-only", "line 1")
    assert lines_of(small_api) == [f"GET {_RECORD}"]


@pytest.mark.promise("access.modes")
async def test_confirm_lets_what_is_not_risky_through_and_nothing_else_where_nobody_can_be_asked(
    small_api: Simulator, cache: Path
) -> None:
    async with client_of(small_api, cache, access="confirm") as client:
        assert value_of(await execute(client, f"async () => (await {_ADD}).fieldType")) == "A"
        told = error_of(
            await execute(client, "async () => await ovh.post('/v1/vps/vps-00000001.vps.example.net/reboot')")
        )
    assert says(told, "needs a person's yes", "destroys", "[[allow]]")
    assert lines_of(small_api) == [f"POST {_RECORD}"]


async def test_secrets_are_read_only_where_that_was_said(api: Simulator, cache: Path) -> None:
    ask = "async () => await ovh.get('/v1/domain').then(async ([name]) => await ovh.get(`/v1/domain/${name}/authInfo`))"
    async with client_of(api, cache, access="read-only") as client:
        assert says(error_of(await execute(client, ask)), "reveals secrets", "--allow-secrets")
    async with client_of(api, cache, access="read-only", allow_secrets=True) as client:
        assert isinstance(value_of(await execute(client, ask)), str)


async def test_lists_and_waits_go_through_the_same_door(
    small_api: Simulator, cache: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('default = "allow"\n[[deny]]\npath = "/v1/domain/zone/*/record/*"\n')
    small_api.resources.not_expanded.add("/v1/domain/zone/{zoneName}/record")
    async with client_of(small_api, cache, policy=str(policy)) as client:
        listed = value_of(
            await execute(
                client, f"async () => [...await ovh.list('{_RECORD}', {{ expand: true }})].map(e => e.code)"
            )
        )
        waited = error_of(
            await execute(client, f"async () => await ovh.wait('{_RECORD}/1', {{ until: 'x' }})")
        )
    small_api.resources.not_expanded.clear()
    assert isinstance(listed, list)
    assert set(listed) == {"denied"}
    assert says(waited, "is denied", "line 2 of policy.toml")
    assert set(lines_of(small_api)) <= {f"GET {_RECORD}"}


@pytest.mark.promise("access.modes")
async def test_tools_and_instructions_follow_the_mode(
    small_api: Simulator, cache: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('default = "allow"\n')
    env = environment(small_api, cache)
    with http_server(env, "--access", "read-only", "--policy", str(policy)) as server:
        async with connected(server) as client:
            [_, tool] = (await client.list_tools()).tools
            told = client.instructions or ""
    assert tool.annotations is not None
    assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (True, False)
    assert "read-only" in (tool.description or "")
    assert "read-only" in told
    assert "policy" in told


@pytest.mark.promise("access.policy")
@pytest.mark.parametrize("text", ['[[alow]]\nmethod = "GET"\n', None])
def test_with_a_policy_that_is_not_understood_the_server_does_not_start(
    small_api: Simulator, cache: Path, tmp_path: Path, text: str | None
) -> None:
    policy = tmp_path / "policy.toml"
    if text is not None:
        policy.write_text(text)
    for command in (["--transport", "stdio"], ["execute", "() => 1"]):
        done = run_once(cache, *command, "--policy", str(policy), **environment(small_api, cache))
        assert (done.returncode, done.stdout) == (2, "")
        assert says(done.stderr, "policy.toml", "does not start")


def test_labels_follow_a_users_own_rules_and_so_does_what_is_asked_for(
    small_api: Simulator, cache: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "own.rules"
    rules.write_text("[base]\nwrite POST /v1/vps/{}/reboot\n[spends]\nyes POST /v1/domain/zone/{}/record\n")
    env = environment(small_api, cache)
    calls = ["POST /v1/vps/x/reboot", "POST /v1/domain/zone/example.com/record"]
    command = ("policy", "check", "--json", "--access", "confirm")
    of_own = json.loads(run_once(cache, *command, "--risk-rules", str(rules), *calls, **env).stdout)
    of_ours = json.loads(run_once(cache, *command, *calls, **env).stdout)
    assert [each["verdict"] for each in of_own] == ["allow", "ask"]
    assert [each["verdict"] for each in of_ours] == ["ask", "allow"]
    shown = run_once(cache, "catalog", "describe", calls[1], OVH_RISK_RULES=str(rules), **env).stdout
    assert "spends" in shown
    rules.write_text("[base]\nnonsense\n")
    done = run_once(cache, "execute", "() => 1", "--risk-rules", str(rules), **env)
    assert (done.returncode, says(done.stderr, "own.rules", "line 2", "does not start")) == (2, True)


# --- the command line --------------------------------------------------------------------------------------

_POLICY = """
[[allow]]
method = "GET"
labels = ["read"]
why = "reads are fine"

[[ask]]
path = "/v1/domain/zone/*/record/**"

[[deny]]
where = { zoneName = "example.org" }

[[example]]
call = "GET /v1/vps"
verdict = "allow"

[[example]]
call = "DELETE /v1/domain/zone/EXAMPLE.org/record/1"
verdict = "deny"
"""


@pytest.mark.parametrize(
    ("calls", "status", "words"),
    [
        (["GET /v1/vps"], 0, ["allow", "line 2 of policy.toml says allow (reads are fine)", "labels read"]),
        (["POST /v1/domain/zone/a.com/record"], 3, ["ask", "line 7", "labels write"]),
        (["GET /v1/domain/zone/example.org", "GET /v1/vps"], 1, ["deny", "line 10", "allow"]),
        (
            ["POST /v1/vps/x/reboot"],
            1,
            ["no rule of policy.toml speaks of it", "default is deny", "destroys"],
        ),
        (["GET /v1/nope"], 2, ["no operation"]),
        (["nonsense"], 2, ["is no call"]),
    ],
)
def test_policy_check_says_verdict_and_rule(
    small_api: Simulator, cache: Path, tmp_path: Path, calls: list[str], status: int, words: list[str]
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(_POLICY)
    env = environment(small_api, cache)
    done = run_once(cache, "policy", "check", "--policy", str(file), *calls, **env)
    assert done.returncode == status, done.stderr
    assert says(done.stdout + done.stderr, *words)
    if status != 2:
        told = json.loads(
            run_once(cache, "policy", "check", "--json", "--policy", str(file), *calls, **env).stdout
        )
        assert [each["call"] for each in told] == calls


@pytest.mark.parametrize(
    ("old", "new", "status", "words"),
    [
        ("", "", 0, ["2 of 2 examples"]),
        ('verdict = "deny"', 'verdict = "ask"', 1, ["line 17", "is to get ask, and gets deny", "1 of 2"]),
        ("zoneName", "zonename", 1, ["line 10: no operation has a path parameter zonename"]),
        ("[[deny]]", "[[denny]]", 2, ["line 10", "did you mean deny?"]),
    ],
)
def test_policy_test_runs_the_examples(
    small_api: Simulator, cache: Path, tmp_path: Path, old: str, new: str, status: int, words: list[str]
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(_POLICY.replace(old, new) if old else _POLICY)
    done = run_once(cache, "policy", "test", str(file), **environment(small_api, cache))
    assert done.returncode == status, done.stderr
    assert says(done.stdout + done.stderr, *words)
