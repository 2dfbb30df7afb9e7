"""`ovh-api-mcp simulate` as a person starts it."""

import asyncio
import json
import re
import signal
import sys
import urllib.request
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from ovh_api_mcp.cli.simulate import simulate
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.simulator import Simulator
from ovh_api_mcp.simulator.control import ControlApi
from ovh_api_mcp.simulator.library import OWN_SCHEMAS
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio

RUN = "import sys; from ovh_api_mcp.cli.simulate import simulate; simulate(sys.argv[1:])"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_serves_until_it_is_told_to_end(ending: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        with anyio.fail_after(30):
            shown = ""
            while "OVH_CLIENT_SECRET" not in shown:
                line = await process.stdout.readline()
                assert line, shown
                shown += line.decode()
            found = re.search(r"http://127\.0\.0\.1:\d+", shown)
            assert found is not None
            url = f"{found[0]}/v1/auth/time"
            await anyio.to_thread.run_sync(lambda: urllib.request.urlopen(url, timeout=20).close())
            assert f"OVH_ENDPOINT={found[0]} OVH_APPLICATION_KEY=simulated-app-key" in shown
            process.send_signal(ending)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_state_is_written_on_demand_and_at_the_end_for_its_owner_alone(tmp_path: Path) -> None:
    file, planted = tmp_path / "account.json", tmp_path / "victim"
    planted.write_text("mine")
    (tmp_path / "account.json.new").symlink_to(planted)
    async with aclosing(await Simulator.start(state=file)) as running:
        ControlApi(running)
        caller = Caller(running)
        assert (await caller.send("PUT", "/v1/me", {"firstname": "Ada"})).status_code == 200
        assert not file.exists()
        assert (await caller.send("POST", "/_simulator/state", signed=False)).status_code == 200
    assert json.loads(file.read_bytes())["objects"]["/v1/me"]["firstname"] == "Ada"
    assert file.stat().st_mode & 0o777 == 0o600
    assert planted.read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["account.json", "account.json.new", "victim"]


@pytest.mark.parametrize("place", ["missing/account.json", "."])
async def test_a_state_that_could_not_be_written_is_told_at_the_start(tmp_path: Path, place: str) -> None:
    with pytest.raises(SettingsError) as raised:
        await Simulator.start(state=tmp_path / place)
    assert raised.value.code == "setting-invalid"


async def test_the_command_says_that_a_port_is_in_use() -> None:
    async with aclosing(await Simulator.start()) as running:
        port = running.url.rpartition(":")[2]

        def run() -> None:
            simulate.main(["--port", port], standalone_mode=False)

        with pytest.raises(SettingsError) as raised:
            await anyio.to_thread.run_sync(run)
    assert raised.value.code == "port-in-use"


async def _served(*options: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start the command; return it and the URL that it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "--port", "0", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found is not None
    return process, found[0]


def _ask(url: str, method: str = "GET", body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.promise("simulator.state")
async def test_the_command_keeps_what_the_account_has_in_a_file(tmp_path: Path) -> None:
    seed, state = tmp_path / "seed.json", tmp_path / "state.json"
    seed.write_text('{"collections": {"/v1/vps": {"mine": {"displayName": "Mine"}}}}')
    with anyio.fail_after(60):
        for start, filled in ((["--seed", str(seed)], True), ([], False)):
            process, url = await _served("--state", str(state), "--control", *start)
            try:
                saved = await anyio.to_thread.run_sync(_ask, f"{url}/_simulator/state")
                assert isinstance(saved, dict)
                assert saved["collections"]["/v1/vps"] == {"mine": {"displayName": "Mine"}}
                assert ("/v1/ip" in saved["collections"]) is not filled
                if filled:
                    full = {"path": "/v1/ip", "count": 2}
                    await anyio.to_thread.run_sync(_ask, f"{url}/_simulator/lists", "PUT", full)
            finally:
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
    assert json.loads(state.read_text())["collections"]["/v1/ip"] == {"1": {}, "2": {}}


@pytest.mark.promise("simulator.state")
async def test_a_state_of_few_schemas_is_read_again_with_them(tmp_path: Path) -> None:
    schemas, state = tmp_path / "schemas", tmp_path / "state.json"
    (schemas / "v1").mkdir(parents=True)
    (schemas / "v1" / "index.json").write_text('{"apis":[{"path":"/vps"}]}')
    (schemas / "v1" / "vps.json").write_bytes((OWN_SCHEMAS / "v1" / "vps.json").read_bytes())
    async with aclosing(await Simulator.start(schemas=schemas, state=state)) as running:
        [name, *_] = (await Caller(running).send("GET", "/v1/vps")).json()
        assert (await Caller(running).send("POST", f"/v1/vps/{name}/reboot")).status_code == 200
        running.save()
    async with aclosing(await Simulator.start(schemas=schemas, seed=state)) as running:
        assert len((await Caller(running).send("GET", f"/v1/vps/{name}/tasks")).json()) == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"{", "no state of the simulator"),
        (b'{"collections": []}', "collections"),
        (b'{"objects": {"me": {}}}', "no path below /v1"),
        (b'{"collections": {"/v1/vpss": {}}}', "The nearest is /v1/vps"),
    ],
)
def test_a_seed_that_is_none_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    seed = tmp_path / "seed.json"
    if content is not None:
        seed.write_bytes(content)
    with pytest.raises(SettingsError, match=words) as raised:
        simulate.main(["--port", "0", "--seed", str(seed)], standalone_mode=False)
    assert raised.value.code == "setting-invalid"
