"""The catalogue of a running server, with real build processes, files and a schema host that misbehaves."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from ovh_api_mcp.catalog.catalog import Catalog, Waits
from ovh_api_mcp.catalog.model import BuildProgress, Method
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import CatalogError
from tests.catalog.schema_site import Answer, SchemaSite, operation, service, serving, small_services

pytestmark = pytest.mark.anyio
BUILDER = (sys.executable, "-m", "ovh_api_mcp.cli.build_catalog")
ENVIRONMENT = {"PATH": os.environ["PATH"]}
WAITS = Waits(first_build_s=30.0, retry_s=0.0, retry_failed_services_s=300.0)
PATIENCE_S = 30.0
DAY_S = 86_400.0


@dataclass
class Clock:
    """Wall time that a test moves."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        import time

        return time.time() + self.ahead_s


@asynccontextmanager
async def running(site: SchemaSite, cache_dir: Path | None, **more: Any) -> AsyncIterator[Catalog]:
    catalog = Catalog(
        **{
            "endpoint_root": site.root,
            "services": ["*"],
            "cache_dir": cache_dir,
            "ttl_s": DAY_S,
            "builder": BUILDER,
            "environment": ENVIRONMENT,
            "waits": WAITS,
            **more,
        }
    )
    catalog.start()
    try:
        async with asyncio.timeout(PATIENCE_S * 2):
            yield catalog
    finally:
        await catalog.aclose()


def announcing(files: list[CatalogFile]) -> Callable[[CatalogFile], Callable[[], None]]:
    """Return what keeps each new catalogue in a list, in the event loop."""
    return lambda file: lambda: files.append(file)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


def builders() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        try:
            if any("build_catalog" in part for part in child.cmdline()):
                found.append(child)
        except psutil.Error:  # it ended while it was looked at
            continue
    return found


def catalog_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.sqlite"))


async def fill(site: SchemaSite, cache_dir: Path) -> Path:
    """Build the cache once and forget the requests it took."""
    async with running(site, cache_dir) as catalog:
        await catalog.ready()
    site.requests.clear()
    (path,) = catalog_files(cache_dir)
    return path


async def refresh(site: SchemaSite, cache_dir: Path, ahead_s: float) -> list[tuple[Method, str]]:
    """Let the catalogue expire, and return what there is when a new one has been built."""
    announced: list[CatalogFile] = []
    async with running(site, cache_dir, clock=Clock(ahead_s), prepare=announcing(announced)) as catalog:
        await until(lambda: len(announced) == 2)
        file = await catalog.ready()
        assert file.info.failed == {}
        return file.routes()


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "ovh-api-mcp"


async def test_the_first_call_waits_for_the_build_and_hears_of_its_steps(
    site: SchemaSite, cache_dir: Path
) -> None:
    heard: list[BuildProgress] = []
    announced: list[CatalogFile] = []

    async def hear(progress: BuildProgress) -> None:
        heard.append(progress)

    async with running(site, cache_dir, prepare=announcing(announced)) as catalog:
        file = await catalog.ready(hear)
        assert len(file.routes()) == 6
        assert file.operation(Method.GET, "/v1/pot/{id}") is not None
        assert announced == [file]
        assert catalog.current is file
        assert await catalog.ready() is file
    assert heard[0].step == "starting"
    assert stat.S_IMODE(cache_dir.stat().st_mode) == 0o700
    assert not list(cache_dir.glob("*.tmp"))


async def test_a_fresh_file_is_used_without_asking_anybody(site: SchemaSite, cache_dir: Path) -> None:
    await fill(site, cache_dir)
    async with running(site, cache_dir) as catalog:
        await catalog.ready()
    assert not site.requests


@pytest.mark.promise("catalog.stale")
async def test_an_expired_file_is_used_while_a_new_one_is_built(site: SchemaSite, cache_dir: Path) -> None:
    await fill(site, cache_dir)
    site.put("/v1/shed/door.json", service({"/shed/door/bell": [operation()]}))
    announced: list[CatalogFile] = []
    async with running(site, cache_dir, clock=Clock(2 * DAY_S), prepare=announcing(announced)) as catalog:
        old = await catalog.ready()
        assert old.operation(Method.GET, "/v1/shed/door") is not None
        await until(lambda: len(announced) == 2)
        new = await catalog.ready()
        assert new.operation(Method.GET, "/v1/shed/door/bell") is not None
        assert old.operation(Method.GET, "/v1/shed/door/bell") is None, "its reader's snapshot stays"
        old.verify()


@pytest.mark.promise("catalog.last-good")
@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>"),
        Answer(b'{"apis": []'),
        Answer(status=404),
        Answer(b"{}", declared=99),
        Answer(status=304),
    ],
    ids=["html", "cut", "missing", "lost", "unchanged without being asked"],
)
async def test_the_last_good_copy_of_a_service_stands_in_for_a_new_one_that_is_broken(
    site: SchemaSite, cache_dir: Path, answer: Answer
) -> None:
    await fill(site, cache_dir)
    site.put("/v1/pot.json", answer)
    site.put("/v1/shed/door.json", service({"/shed/door/bell": [operation()]}))
    announced: list[CatalogFile] = []
    async with running(site, cache_dir, clock=Clock(2 * DAY_S), prepare=announcing(announced)) as catalog:
        await until(lambda: len(announced) == 2)
        new = await catalog.ready()
        assert (list(new.info.failed), new.info.absent) == (["v1/pot"], ())
        assert "The copy of " in new.info.failed["v1/pot"]
        assert new.operation(Method.GET, "/v1/pot/{id}") is not None
        assert new.operation(Method.GET, "/v1/shed/door/bell") is not None


@pytest.mark.promise("catalog.conditional")
@pytest.mark.parametrize("validator", ["etag", "last_modified"])
async def test_a_refresh_fetches_only_the_schemas_that_have_changed(
    site: SchemaSite, cache_dir: Path, validator: str
) -> None:
    first, second = {
        "etag": ('"1"', 'W/"2"'),
        "last_modified": ("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT"),
    }[validator]
    schemas = [path for path in site.answers if path.endswith(".json")]
    for path in schemas:
        site.put(path, replace(site.answers[path][0], **{validator: first}))  # type: ignore[arg-type]
    await fill(site, cache_dir)
    changed = service({"/shed/door/bell": [operation()]})
    body = json.dumps(changed).encode()
    site.put("/v1/shed/door.json", Answer(body, **{validator: second}))  # type: ignore[arg-type]
    for ahead_s, unchanged in ((2 * DAY_S, 3), (4 * DAY_S, 4)):
        site.unchanged.clear()
        routes = await refresh(site, cache_dir, ahead_s)
        assert len(routes) == 6
        assert (Method.GET, "/v1/shed/door/bell") in routes
        assert (site.unchanged.total(), site.unchanged["/v1/pot.json"]) == (unchanged, 1)


async def test_a_copy_that_is_damaged_is_fetched_anew_though_nothing_has_changed(
    site: SchemaSite, cache_dir: Path
) -> None:
    site.put("/v1/pot.json", replace(site.answers["/v1/pot.json"][0], etag='"1"'))
    path = await fill(site, cache_dir)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE natives SET body = x'00' WHERE service = 'v1/pot'")
        connection.execute("UPDATE meta SET info = CAST(replace(info, '\"0.', '\"99.0.') AS BLOB)")
        connection.commit()
    async with running(site, cache_dir) as catalog:
        file = await catalog.ready()
        assert (len(file.routes()), file.info.failed) == (6, {})
    assert (site.requests["/v1/pot.json"], site.unchanged["/v1/pot.json"]) == (2, 1)


async def test_an_expired_file_is_used_while_the_host_hangs(site: SchemaSite, cache_dir: Path) -> None:
    await fill(site, cache_dir)
    site.put("/v1/", Answer(hangs=True))
    async with running(site, cache_dir, clock=Clock(2 * DAY_S)) as catalog:
        assert len((await catalog.ready()).routes()) == 6
        await until(lambda: site.requests["/v1/"])
        assert len((await catalog.ready()).routes()) == 6
    assert builders() == []


@pytest.mark.promise("catalog.cache")
@pytest.mark.parametrize("host_is_there", [True, False])
async def test_a_file_of_another_version_is_rebuilt_also_from_its_own_copies(
    site: SchemaSite, cache_dir: Path, host_is_there: bool
) -> None:
    path = await fill(site, cache_dir)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("""UPDATE meta SET info = CAST(replace(info, '"0.', '"99.0.') AS BLOB)""")
        connection.commit()
    if not host_is_there:
        site.put("/v1/", Answer(status=404))
        site.put("/v2/", Answer(status=404))
    async with running(site, cache_dir) as catalog:
        file = await catalog.ready()
        assert len(file.routes()) == 6
        assert bool(file.info.failed) != host_is_there


@pytest.mark.promise("catalog.cache")
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not a catalogue"),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"garden", b"gorden")),
    ],
    ids=["nonsense", "cut", "changed"],
)
async def test_a_corrupt_file_is_rebuilt_without_a_word(
    site: SchemaSite, cache_dir: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    damage(await fill(site, cache_dir))
    async with running(site, cache_dir) as catalog:
        assert len((await catalog.ready()).routes()) == 6
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_endpoints_and_selections_have_files_of_their_own(site: SchemaSite, cache_dir: Path) -> None:
    await fill(site, cache_dir)
    async with running(site, cache_dir, services=["shed"]) as catalog:
        assert len((await catalog.ready()).routes()) == 2
    with serving(SchemaSite.of({"v1/pot": small_services()["v1/pot"]})) as other:
        async with running(other, cache_dir) as catalog:
            assert len((await catalog.ready()).routes()) == 3
    assert len(catalog_files(cache_dir)) == 3
    site.requests.clear()
    for services, count in ((["*"], 6), (["/shed/"], 2)):
        async with running(site, cache_dir, services=services) as catalog:
            assert len((await catalog.ready()).routes()) == count
    assert not site.requests


async def test_a_directory_that_cannot_be_written_is_said_once_and_done_without(
    site: SchemaSite,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    async with running(site, blocker / "cache") as catalog:
        assert len((await catalog.ready()).routes()) == 6
        (private,) = scratch.iterdir()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert list(scratch.iterdir()) == []
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warning.startswith("event=cache-unusable reason=")
    assert f"The cache directory {blocker / 'cache'} is not used: " in warning
    assert warning.endswith("next='working without a cache'")


async def test_a_directory_that_others_can_write_is_not_believed(
    site: SchemaSite, cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(site, cache_dir)
    cache_dir.chmod(0o1777)
    async with running(site, cache_dir) as catalog:
        file = await catalog.ready()
        assert file.path.parent != cache_dir
    assert "other users" in caplog.text


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
async def test_a_file_of_another_user_is_not_believed(site: SchemaSite, cache_dir: Path) -> None:
    path = await fill(site, cache_dir)
    os.chown(path, 65534, 65534)
    async with running(site, cache_dir) as catalog:
        await catalog.ready()
    assert path.stat().st_uid == 0


@pytest.mark.parametrize("more", [{"cache_dir": None}, {"ttl_s": 0}])
async def test_without_a_cache_nothing_is_read_or_left(
    site: SchemaSite, cache_dir: Path, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await fill(site, cache_dir)
    before = sorted(cache_dir.iterdir())
    async with running(site, **{"cache_dir": cache_dir, **more}) as catalog:
        await catalog.ready()
        file = await catalog.ready()
        assert not file.path.is_relative_to(cache_dir)
    assert site.requests["/v1/"] == 1
    assert not file.path.parent.exists()
    assert sorted(cache_dir.iterdir()) == before
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_two_servers_that_share_a_directory_build_once(site: SchemaSite, cache_dir: Path) -> None:
    async with running(site, cache_dir) as one, running(site, cache_dir) as other:
        first, second = await asyncio.gather(one.ready(), other.ready())
        assert first.info == second.info
    assert site.requests["/v1/"] == 1


async def test_a_build_that_takes_long_is_told_with_how_far_it_is(site: SchemaSite, cache_dir: Path) -> None:
    good = site.answers["/v1/pot.json"][0]
    site.put("/v1/pot.json", Answer(hangs=True), good)
    async with running(site, cache_dir, waits=replace(WAITS, first_build_s=0.05)) as catalog:

        async def is_at_three() -> bool:
            with pytest.raises(CatalogError) as caught:
                await catalog.ready()
            assert caught.value.code == "catalog-building"
            return "3 of 4 services" in caught.value.message

        async with asyncio.timeout(PATIENCE_S):
            while not await is_at_three():
                pass
        site.released.set()  # the host drops the connection, and the builder asks again
        await until(lambda: catalog.current)
        assert len((await catalog.ready()).routes()) == 6


async def test_a_call_that_is_cancelled_leaves_the_build_alone(site: SchemaSite, cache_dir: Path) -> None:
    async with running(site, cache_dir) as catalog:
        call = asyncio.create_task(catalog.ready())
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await catalog.ready()
    assert site.requests["/v1/"] == 1


async def test_a_builder_that_is_killed_is_an_error_and_the_next_call_builds(
    site: SchemaSite, cache_dir: Path
) -> None:
    good = site.answers["/v1/pot.json"][0]
    site.put("/v1/pot.json", Answer(hangs=True), good)
    async with running(site, cache_dir) as catalog:
        call = asyncio.create_task(catalog.ready())
        await until(lambda: site.requests["/v1/pot.json"])
        (builder,) = builders()
        builder.kill()
        with pytest.raises(CatalogError, match="SIGKILL") as caught:
            await call
        assert caught.value.code == "catalog-unavailable"
        assert len((await catalog.ready()).routes()) == 6
    assert not list(cache_dir.glob("*.tmp"))


async def test_a_server_that_stops_ends_its_builder_and_its_calls(site: SchemaSite, cache_dir: Path) -> None:
    site.put("/v1/pot.json", Answer(hangs=True))
    async with running(site, cache_dir) as catalog:
        call = asyncio.create_task(catalog.ready())
        await until(lambda: site.requests["/v1/pot.json"])
        (builder,) = builders()
    with pytest.raises(CatalogError, match="stopping"):
        await call
    assert not psutil.pid_exists(builder.pid)
    assert catalog_files(cache_dir) == []


async def test_ctrl_c_in_the_terminal_of_the_server_does_not_reach_the_builder(
    site: SchemaSite, cache_dir: Path
) -> None:
    site.put("/v1/pot.json", Answer(hangs=True))
    async with running(site, cache_dir):
        await until(lambda: site.requests["/v1/pot.json"])
        (builder,) = builders()
        assert os.getpgid(builder.pid) != os.getpgid(0)
        assert os.getsid(builder.pid) != os.getsid(0)


async def test_a_builder_ends_when_its_server_is_killed(site: SchemaSite, cache_dir: Path) -> None:
    site.put("/v1/pot.json", Answer(hangs=True))
    cache_dir.mkdir(parents=True)
    serve = (
        "import asyncio; from ovh_api_mcp.catalog.builder import run_builder\n"
        f"command = {[*BUILDER, '--endpoint-root', site.root, '--out', str(cache_dir / 'x')]!r}\n"
        f"asyncio.run(run_builder(command, environment={ENVIRONMENT!r}, on_progress=print, timeout_s=60))"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", serve)
    try:
        await until(lambda: site.requests["/v1/pot.json"])
        (builder,) = psutil.Process(server.pid).children()
    finally:
        server.kill()
        await server.wait()
    await until(lambda: not builder.is_running() or builder.status() == psutil.STATUS_ZOMBIE)
    assert not list(cache_dir.iterdir())


async def test_a_host_that_is_down_is_told_with_the_reason_and_not_hammered(
    site: SchemaSite, cache_dir: Path
) -> None:
    good = {path: list(answers) for path, answers in site.answers.items()}
    site.put("/v1/", Answer(status=404))
    site.put("/v2/", Answer(status=404))
    waits = replace(WAITS, retry_s=3_600.0)
    async with running(site, cache_dir, waits=waits) as catalog:
        for _ in range(3):
            with pytest.raises(CatalogError, match=r"status 404\. Try again after 3600 s\.") as caught:
                await catalog.ready()
            assert caught.value.code == "catalog-unavailable"
            assert len(caught.value.message) <= 400
        assert site.requests["/v1/"] == 1
    site.answers.update(good)
    async with running(site, cache_dir) as catalog:
        await catalog.ready()


async def test_an_unknown_service_is_told_to_every_call(site: SchemaSite, cache_dir: Path) -> None:
    async with running(site, cache_dir, services=["pots"], waits=replace(WAITS, retry_s=60.0)) as catalog:
        for _ in range(2):
            with pytest.raises(CatalogError, match=r"no service pots\. The nearest it has: pot\.") as caught:
                await catalog.ready()
            assert caught.value.code == "service-unknown"
            assert "--services" in caught.value.hint


async def test_a_catalogue_with_a_missing_service_is_tried_again_sooner(
    site: SchemaSite, cache_dir: Path
) -> None:
    good = site.answers["/v1/pot.json"][0]
    site.put("/v1/pot.json", Answer(b"<html>"), good)
    clock = Clock()
    async with running(site, cache_dir, clock=clock) as catalog:
        assert list((await catalog.ready()).info.failed) == ["v1/pot"]
        await catalog.ready()
        assert site.requests["/v1/"] == 1
        clock.ahead_s = WAITS.retry_failed_services_s
        assert (await catalog.ready()).info.failed
        await until(lambda: catalog.current and not catalog.current.info.failed)
    assert site.requests["/v1/"] == 2


@pytest.mark.parametrize(
    ("builder", "reason"),
    [
        (["/no/such/program"], "cannot be started"),
        ([sys.executable, "-c", "raise SystemExit(7)"], "ended with status 7"),
        ([sys.executable, "-c", "print('hello')"], "no report"),
        ([sys.executable, "-c", "print('{' * 100_000)"], "no report"),
        ([sys.executable, "-c", "pass"], "No such file"),
    ],
)
async def test_a_builder_that_does_not_build_is_an_error(
    site: SchemaSite, cache_dir: Path, builder: list[str], reason: str
) -> None:
    async with running(site, cache_dir, builder=builder) as catalog:
        with pytest.raises(CatalogError, match=reason) as caught:
            await catalog.ready()
    assert caught.value.code == "catalog-unavailable"


async def test_a_builder_that_never_ends_is_killed(site: SchemaSite, cache_dir: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(600)"
    waits = replace(WAITS, build_s=1.0)
    before = set(psutil.Process().children())
    async with running(site, cache_dir, builder=[sys.executable, "-c", deaf], waits=waits) as catalog:
        with pytest.raises(CatalogError, match="more than 1 s"):
            await catalog.ready()
    assert set(psutil.Process().children()) <= before


async def test_the_builder_sees_the_given_environment_and_nothing_else(
    site: SchemaSite, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVH_APPLICATION_SECRET", "canary")
    seen = tmp_path / "environment.json"
    tell = f"import json, os; open({str(seen)!r}, 'w').write(json.dumps(dict(os.environ)))"
    given = {**ENVIRONMENT, "HTTPS_PROXY": "http://proxy.example:3128"}
    builder = [sys.executable, "-c", tell]
    async with running(site, cache_dir, builder=builder, environment=given) as catalog:
        with pytest.raises(CatalogError):
            await catalog.ready()
    environment = json.loads(seen.read_text())
    assert "canary" not in environment.values()
    assert environment.items() >= given.items()


@pytest.mark.promise("catalog.refresh")
async def test_an_expired_catalogue_is_renewed_though_nobody_asks(site: SchemaSite, cache_dir: Path) -> None:
    announced: list[CatalogFile] = []
    async with running(site, cache_dir, ttl_s=1, prepare=announcing(announced)):
        await until(lambda: len(announced) >= 3)
    assert len({each.info.built_at for each in announced}) == len(announced)


async def test_a_renewal_that_fails_is_tried_again_later_and_not_at_once(
    site: SchemaSite, cache_dir: Path
) -> None:
    await fill(site, cache_dir)
    missing = [sys.executable, "-c", "raise SystemExit(1)"]
    announced: list[CatalogFile] = []
    async with running(
        site, cache_dir, ttl_s=1, builder=missing, clock=Clock(DAY_S), prepare=announcing(announced)
    ) as catalog:
        await until(lambda: catalog._failure is not None)  # nothing else tells of it
        assert catalog.current is announced[0]
        assert not catalog._may_build()


async def test_a_newer_file_is_taken_up_at_once_even_after_a_renewal_that_failed(
    site: SchemaSite, cache_dir: Path
) -> None:
    path = await fill(site, cache_dir)
    kept = path.read_bytes()
    missing = [sys.executable, "-c", "raise SystemExit(1)"]
    announced: list[CatalogFile] = []
    async with running(
        site, cache_dir, builder=missing, clock=Clock(2 * DAY_S), prepare=announcing(announced)
    ) as catalog:
        await until(lambda: catalog._failure is not None)  # nothing else tells of it
        async with running(site, cache_dir, clock=Clock(2 * DAY_S)) as other:
            await until(lambda: other.current is not None and path.read_bytes() != kept)
        await catalog.ready()
        await until(lambda: len(announced) == 2)
        assert catalog.current is announced[1]


async def test_a_cache_that_vanishes_is_done_without(site: SchemaSite, cache_dir: Path) -> None:
    clock = Clock()
    announced: list[CatalogFile] = []
    async with running(site, cache_dir, clock=clock, prepare=announcing(announced)) as catalog:
        await catalog.ready()
        for each in cache_dir.iterdir():
            each.unlink()
        cache_dir.rmdir()
        clock.ahead_s = 2 * DAY_S
        assert len((await catalog.ready()).routes()) == 6
        await until(lambda: len(announced) == 2)
        assert not announced[1].path.is_relative_to(cache_dir)
