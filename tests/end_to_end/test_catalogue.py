"""The catalogue of a running program: complete, there at once, and calm about whatever the schema host does."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest

from ovh_api_mcp.limits import MIB
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import forget, lines_of, running_simulator
from tests.end_to_end.program import (
    Server,
    connected,
    execute,
    http_server,
    run_once,
    says,
    search,
    value_of,
    wait_until,
)
from tests.end_to_end.read_only import READ_ONLY, can_mount_read_only
from tests.end_to_end.readme import LIST_ZONES
from tests.server.real_server import client_of, environment, text_of

pytestmark = pytest.mark.anyio

_COUNTS = """(spec) => ({ paths: Object.keys(spec.paths).length,
  operations: Object.values(spec.paths).flatMap(Object.keys).length })"""
_WHOLE = {"paths": 4_841, "operations": 6_624}
_ROOTS = "(spec) => [...new Set(Object.keys(spec.paths).map(path => path.split('/')[2]))].sort()"


@pytest.fixture
def own_home(whole_server: Server, home: Path, tmp_path: Path) -> Path:
    """A home of its own with a copy of the whole catalogue in its cache."""
    shutil.copytree(home / "cache", tmp_path / "cache")
    return tmp_path


@pytest.mark.promise("catalog.complete", "tools.search")
async def test_all_84_services_are_there(whole_server: Server) -> None:
    assert whole_server.health()["catalogue"] == {
        "state": "ready",
        "services": 84,
        "operations": 6_624,
        "failedServices": 0,
    }
    async with connected(whole_server) as client:
        assert value_of(await search(client, _COUNTS)) == _WHOLE


async def test_the_first_search_is_right_while_every_answer_takes_200_ms(
    whole_api: Simulator, tmp_path: Path
) -> None:
    whole_api.latency_s = 0.2
    async with client_of("stdio", "auto", environment(whole_api, tmp_path)) as client:
        assert value_of(await search(client, _COUNTS)) == _WHOLE


@pytest.mark.promise("catalog.stale")
async def test_the_first_search_is_right_while_the_host_hangs_and_a_stale_cache_exists(
    whole_api: Simulator, own_home: Path
) -> None:
    age(own_home / "cache")
    hold = whole_api.faults.add("*", "/v", hang=True)
    async with client_of("stdio", "auto", environment(whole_api, own_home)) as client:
        assert value_of(await search(client, _COUNTS)) == _WHOLE
        wait_until(lambda: hold.hits > 0)
        assert value_of(await search(client, _COUNTS)) == _WHOLE


@pytest.mark.promise("catalog.stale", "catalog.cache")
async def test_execute_works_while_an_expired_catalogue_is_replaced_and_afterwards(
    whole_api: Simulator, own_home: Path
) -> None:
    age(own_home / "cache")
    with http_server(environment(whole_api, own_home)) as server:
        builder = wait_builder(server)
        builder.suspend()
        async with connected(server) as client:
            for _ in range(2):
                assert "example.com" in text_of(await execute(client, LIST_ZONES))
            assert opened(server) == 1
            builder.resume()
            wait_until(lambda: opened(server) == 2)
            assert "example.com" in text_of(await execute(client, LIST_ZONES))
            assert value_of(await search(client, _COUNTS)) == _WHOLE
    assert lines_of(whole_api) == ["GET /v1/domain/zone"] * 3


@pytest.mark.promise("catalog.cache")
async def test_a_fresh_cache_is_used_without_asking_anybody(whole_api: Simulator, own_home: Path) -> None:
    async with client_of("stdio", "auto", environment(whole_api, own_home)) as client:
        assert value_of(await search(client, _COUNTS)) == _WHOLE
    assert list(whole_api.requests) == []


# --- what a schema host may answer -----------------------------------------------------------------


@pytest.mark.promise("catalog.partial")
def test_services_that_fail_are_reported_and_leave_the_rest_usable(
    small_api: Simulator, tmp_path: Path
) -> None:
    faults: dict[str, tuple[dict[str, object], str]] = {
        "v1/cloud": ({"status": 404}, "status 404"),
        "v1/domain": ({"body": b"<html>busy</html>", "content_type": "text/html"}, "not JSON"),
        "v1/ip": ({"body": b'{"apis": [{"path": "/ip'}, "not JSON"),
        "v1/me": ({"stream_bytes": 50 * MIB}, "more than 33,554,432 bytes"),
        "v1/vps": ({"cut": True}, "closed the connection"),
        "v2/iam": ({"status": 301, "headers": {"Location": "https://elsewhere.example/"}}, "redirect"),
    }
    for name, (fault, _) in faults.items():
        small_api.faults.add("GET", f"/{name}.json", **fault)  # type: ignore[arg-type]  # fields of a fault
    done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=small_api.url)
    assert json.loads(done.stdout) == ["auth", "publicCloud"]
    told = done.stderr.splitlines()
    assert len(told) == len(faults)
    for line, (name, (_, reason)) in zip(told, faults.items(), strict=True):
        assert says(line, f"event=service-failed service={name} ", reason)


@pytest.mark.promise("catalog.partial")
@pytest.mark.parametrize("body", [b"[]", b'{"apis": {}, "models": []}', b'{"apis": [{"path": "/../me"}]}'])
def test_a_schema_of_another_form_is_reported_and_leaves_the_rest_usable(
    small_api: Simulator, tmp_path: Path, body: bytes
) -> None:
    small_api.faults.add("GET", "/v1/vps.json", body=body)
    done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=small_api.url)
    assert json.loads(done.stdout) == ["auth", "cloud", "domain", "iam", "ip", "me", "publicCloud"]
    assert says(done.stderr, "event=service-failed service=v1/vps ")


@pytest.mark.promise("catalog.partial")
def test_an_index_that_is_html_leaves_the_other_branch(small_api: Simulator, tmp_path: Path) -> None:
    small_api.faults.add("GET", "/v1/", body=b"<html><title>Maintenance</title>", content_type="text/html")
    done = run_once(tmp_path, "search", "(spec) => Object.keys(spec.paths)", OVH_ENDPOINT=small_api.url)
    assert all(path.startswith("/v2/") for path in json.loads(done.stdout))
    assert "service=v1" in done.stderr


def test_a_host_without_any_service_is_told_with_the_reason(small_api: Simulator, tmp_path: Path) -> None:
    small_api.faults.add("GET", "/v", body=b"<html>", content_type="text/html")
    done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=small_api.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert says(done.stderr, "no service of", "not JSON")


@pytest.mark.promise("catalog.start", "catalog.partial")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_over_http_is_answered_at_once_and_health_tells_of_the_build(
    small_api: Simulator, tmp_path: Path, mode: str
) -> None:
    small_api.faults.add("GET", "/v1/vps.json", status=404)
    with http_server(environment(small_api, tmp_path)) as server:
        builder = wait_builder(server)
        builder.suspend()
        async with connected(server, mode) as client:
            assert len((await client.list_tools()).tools) == 2
        assert server.health()["catalogue"] == {"state": "building"}
        builder.resume()
        assert server.wait_catalogue()["failedServices"] == 1


@pytest.mark.promise("catalog.partial")
async def test_a_model_is_told_of_a_service_that_is_missing_when_it_looks_for_it_and_else_not(
    small_api: Simulator, tmp_path: Path
) -> None:
    small_api.faults.add("GET", "/v1/vps.json", status=404)
    told = "Service v1/vps could not be loaded: "
    async with client_of("stdio", "auto", environment(small_api, tmp_path)) as client:

        async def notes(code: str) -> str:
            result = await search(client, code)
            return "\n".join(text_of(result, part) for part in range(1, len(result.content)))

        assert told in await notes("(spec) => Object.keys(spec.paths).filter(p => p.includes('/vps'))")
        assert told in await notes("(spec) => spec.paths['/v1/vps/{serviceName}'].get.summary")
        nothing = await notes("(spec) => Object.keys(spec.paths).filter(p => p.includes('teapot'))")
        assert nothing == "Nothing was found, but the document is incomplete: v1/vps could not be loaded."
        assert await notes("(spec) => Object.keys(spec.paths).filter(p => p.includes('/me'))") == ""
        refused = await execute(client, "async () => await ovh.get('/v1/vps/vps-1')")
        assert told in text_of(refused)
        assert text_of(refused).count("try later") == 1
        assert [part for part in refused.content if told in getattr(part, "text", "")] == refused.content[:1]


@pytest.mark.promise("catalog.services")
async def test_a_model_is_told_of_a_service_that_is_left_out_when_it_looks_for_it(
    small_api: Simulator, tmp_path: Path
) -> None:
    env = environment(small_api, tmp_path, OVH_SERVICES="me,domain")
    told = "Service v1/vps is not loaded, because the server runs with --services domain,me."
    async with client_of("stdio", "auto", env) as client:
        paths = "(spec) => Object.keys(spec.paths).filter(p => p.includes(WORD))"
        found = await search(client, paths.replace("WORD", "'/vps'"))
        assert text_of(found, 1).startswith(told)
        nothing = await search(client, paths.replace("WORD", "'teapot'"))
        assert text_of(nothing, 1).endswith("holds only the services domain, me (--services).")
        assert len((await search(client, paths.replace("WORD", "'/me'"))).content) == 1
        assert told in text_of(await execute(client, "async () => await ovh.get('/v1/vps')"))


# --- several servers, and their ends ------------------------------------------------------------------


@pytest.mark.promise("catalog.refresh")
async def test_a_file_that_another_server_built_is_taken_up_without_disturbing_a_running_script(
    small_api: Simulator, tmp_path: Path
) -> None:
    small_api.faults.add("GET", "/v1/vps.json", status=404)
    until_told = """async () => { for (let calls = 1; ; calls++)
      if ((await ovh.get("/v1/me")).nichandle) return calls; }"""
    with http_server(environment(small_api, tmp_path)) as server:
        server.wait_catalogue()
        forget(small_api)
        small_api.faults.add("GET", "/v1/me", body=b"{}", delay_s=0.05)
        async with connected(server) as client, anyio.create_task_group() as tasks:
            ends: list[object] = []

            async def run() -> None:
                ends.append(value_of(await execute(client, until_told)))

            tasks.start_soon(run)
            await anyio.to_thread.run_sync(wait_until, lambda: len(lines_of(small_api)) > 0)
            age(tmp_path / "cache")
            with http_server(environment(small_api, tmp_path)) as other:
                await anyio.to_thread.run_sync(wait_until, lambda: opened(other) == 2)
            assert "/v1/vps" not in text_of(await search(client, "(spec) => Object.keys(spec.paths)"))
            await anyio.to_thread.run_sync(wait_until, lambda: opened(server) == 2)
            assert "summary" in text_of(await search(client, "(spec) => spec.paths['/v1/vps'].get"))
            assert ends == []
            small_api.faults.clear()
        assert isinstance(ends[0], int)
        assert ends[0] > 1


@pytest.mark.promise("catalog.once")
def test_two_servers_that_start_together_build_once(small_api: Simulator, tmp_path: Path) -> None:
    env = environment(small_api, tmp_path)
    with http_server(env) as first:
        builder = wait_builder(first)
        builder.suspend()
        with http_server(env) as second:
            wait_until(lambda: has_lock_open(second))
            assert second.health()["catalogue"] == {"state": "building"}
            builder.resume()
            for server in (first, second):
                assert server.wait_catalogue()["failedServices"] == 0
    assert [each.target for each in small_api.requests if each.target == "/v1/"] == ["/v1/"]


@pytest.mark.promise("catalog.killed")
@pytest.mark.parametrize("who", ["server", "builder"])
async def test_who_is_killed_in_the_middle_of_a_build_leaves_the_old_file(
    small_api: Simulator, tmp_path: Path, who: str
) -> None:
    env = environment(small_api, tmp_path)
    with http_server(env) as server:
        server.wait_catalogue()
    age(tmp_path / "cache")
    [path] = (tmp_path / "cache").glob("*.sqlite")
    before = path.read_bytes()
    hold = small_api.faults.add("GET", "/v1/vps.json", hang=True)
    with http_server(env) as server:
        builder = await anyio.to_thread.run_sync(wait_builder, server)
        await anyio.to_thread.run_sync(wait_until, lambda: hold.hits > 0)
        if who == "server":
            server.process.kill()
            server.process.wait(30)
            psutil.wait_procs([builder], timeout=30)
        else:
            builder.kill()
            wait_until(lambda: any("SIGKILL" in line for line in server.log))
            async with connected(server) as client:
                assert "me" in text_of(await search(client, _ROOTS))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if each.suffix == ".tmp"] == []
    small_api.faults.clear()
    with http_server(env) as server:
        wait_until(lambda: opened(server) == 2)  # the old one, and then a new one
        assert server.wait_catalogue()["failedServices"] == 0


@pytest.mark.promise("catalog.read-only")
@pytest.mark.skipif(not can_mount_read_only(), reason="this machine lets nobody make a mount namespace")
@pytest.mark.parametrize("is_filled", [False, True])
def test_where_everything_is_read_only_the_program_works_from_memory(
    small_api: Simulator, tmp_path: Path, is_filled: bool
) -> None:
    if is_filled:
        run_once(tmp_path, "search", "() => 1", OVH_ENDPOINT=small_api.url)
        forget(small_api)
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "ovh_api_mcp", "search", _ROOTS]
    done = subprocess.run(
        [*READ_ONLY, *command],
        env={"HOME": str(tmp_path), "OVH_CACHE_DIR": str(tmp_path / "cache"), "OVH_ENDPOINT": small_api.url},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "me" in json.loads(done.stdout)
    assert says(done.stderr, "Read-only file system", "without a cache")
    assert sorted(tmp_path.rglob("*")) == before
    assert bool(small_api.requests) != is_filled  # what lies there may be read all the same


# --- what a cache may hold ---------------------------------------------------------------------------


@pytest.mark.promise("catalog.cache")
def test_a_cache_that_cannot_be_used_is_replaced_without_a_word(tmp_path: Path) -> None:
    damages: list[Callable[[Path], object]] = [
        lambda path: path.write_bytes(b"not a catalogue"),
        lambda path: path.write_bytes(path.read_bytes()[:-5000]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"nichandle", b"nicehandl")),
        lambda path: rewrite_info(path, program_version="99.0"),
        lambda path: rewrite_info(path, built_at=4e9),
        lambda path: rewrite_info(path, endpoint_root="http://127.0.0.1:1"),
        lambda path: rewrite_info(path, services=["me"]),
    ]
    with running_simulator() as api:

        def found() -> list[str]:
            done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=api.url)
            assert (done.returncode, done.stderr) == (0, "")
            roots: list[str] = json.loads(done.stdout)
            return roots

        roots = found()
        for damage in damages:
            [path] = (tmp_path / "cache").glob("*.sqlite")
            damage(path)
            assert found() == roots
        forget(api)
        assert found() == roots
        assert list(api.requests) == []  # the last one has healed the cache


@pytest.mark.promise("catalog.cache", "catalog.services")
def test_endpoints_and_selections_do_not_get_in_each_others_way(small_api: Simulator, tmp_path: Path) -> None:
    with running_simulator() as other:
        for url in (small_api.url, other.url):
            for services, roots in (("me", ["me"]), ("domain, /iam/", ["domain", "iam"]), ("me", ["me"])):
                done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=url, OVH_SERVICES=services)
                assert (done.returncode, done.stderr) == (0, "")
                assert json.loads(done.stdout) == roots
        assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 4


def test_a_service_that_no_index_knows_is_an_error_that_names_the_nearest(
    small_api: Simulator, tmp_path: Path
) -> None:
    done = run_once(tmp_path, "--services", "domian", "search", _ROOTS, OVH_ENDPOINT=small_api.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert says(done.stderr, "no service domian", "domain")


def test_a_cache_directory_that_cannot_be_written_is_said_and_done_without(
    small_api: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = tmp_path / "file" / "cache"
    done = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=small_api.url, OVH_CACHE_DIR=str(cache))
    assert done.returncode == 0
    assert "me" in json.loads(done.stdout)
    assert says(done.stderr, str(cache), "is not used", "without a cache")


def test_a_host_that_is_down_is_done_without_as_long_as_there_is_a_cache(tmp_path: Path) -> None:
    with running_simulator() as api:
        before = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=api.url)
    age(tmp_path / "cache")
    after = run_once(tmp_path, "search", _ROOTS, OVH_ENDPOINT=api.url)
    assert (after.returncode, after.stdout) == (0, before.stdout)


@pytest.mark.promise("simulator.endpoint")
def test_the_built_in_simulator_leaves_no_catalogue_behind(tmp_path: Path) -> None:
    for _ in range(2):  # its port is another one each time, so nothing could be used again
        done = run_once(tmp_path, "search", "() => 1", OVH_ENDPOINT="simulator")
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert not list(tmp_path.rglob("*.sqlite"))


def rewrite_info(path: Path, **fields: object) -> None:
    """Change what a catalogue file says about itself."""
    with closing(sqlite3.connect(path)) as connection, connection:
        [(info,)] = connection.execute("SELECT info FROM meta")
        connection.execute("UPDATE meta SET info = ?", (json.dumps(json.loads(info) | fields).encode(),))


def age(cache: Path) -> None:
    """Make every catalogue in a cache two days old."""
    for path in cache.glob("*.sqlite"):
        rewrite_info(path, built_at=time.time() - 2 * 86_400)


def opened(server: Server) -> int:
    """Return how many catalogues a server has opened so far."""
    return sum("event=catalog-open" in line for line in server.log)


def has_lock_open(server: Server) -> bool:
    """Tell whether a server is at the lock file of builds."""
    files = psutil.Process(server.process.pid).open_files()
    return any(each.path.endswith(".lock") for each in files)


def wait_builder(server: Server) -> psutil.Process:
    """Wait for the process that builds a catalogue."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        children = psutil.Process(server.process.pid).children()
        found[:] = [each for each in children if any("build_catalog" in part for part in each.cmdline())]
        return bool(found)

    wait_until(is_there)
    return found[0]
