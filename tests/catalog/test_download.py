"""Downloads from a site that misbehaves: what fails is named, the rest is there, the last copy is kept."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.download import Timeouts
from ovh_api_mcp.catalog.model import BuildProgress, CatalogInfo, Method
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.validators import Fetched, Validators
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.limits import BUILD_TIMEOUT_S, FETCH_ATTEMPTS, FETCH_CONCURRENCY, MESSAGE_CHARS, MIB
from tests.catalog.schema_site import Answer, SchemaSite, index, operation, service, small_services

pytestmark = pytest.mark.anyio
NOW = 1_700_000_000.0


async def build(site: SchemaSite, out: Path, *services: str, **more: Any) -> CatalogInfo:
    fetch, now = more.pop("fetch", site.fetch), more.pop("now", NOW)
    return await build_catalog(
        fetch, endpoint_root=site.root, services=services or ["*"], out=out, clock=lambda: now, **more
    )


def paths_of(out: Path) -> list[str]:
    file = CatalogFile.open(out)
    try:
        return sorted({path for _, path in file.routes()})
    finally:
        file.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "api.catalog"


@pytest.fixture
def memory_site() -> SchemaSite:
    return SchemaSite.of(small_services())


async def test_everything_is_downloaded_and_counted(memory_site: SchemaSite, out: Path) -> None:
    seen: list[BuildProgress] = []
    info = await build(memory_site, out, on_progress=seen.append)
    assert (info.service_count, info.path_count, info.operation_count) == (4, 5, 6)
    assert (info.endpoint_root, info.services, info.built_at) == (memory_site.root, ("*",), NOW)
    assert seen[0] == BuildProgress(0, 0, "reading the index")
    assert [each.done for each in seen if each.step == "loading services"] == [0, 1, 2, 3, 4]
    assert seen[-1] == BuildProgress(4, 4, "writing the catalogue")


@pytest.mark.promise("catalog.services")
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (["pot"], ["/v1/pot", "/v1/pot/{id}", "/v2/pot/task"]),
        (["/shed/door/"], ["/v1/shed/door"]),
        (["shed"], ["/v1/shed/door", "/v1/shed/roof"]),
        (["v2/pot", "shed/roof"], ["/v1/shed/roof", "/v2/pot/task"]),
        (["shed", "*"], ["/v1/pot", "/v1/pot/{id}", "/v1/shed/door", "/v1/shed/roof", "/v2/pot/task"]),
    ],
)
async def test_a_selection_loads_its_roots_and_what_lies_below_them(
    memory_site: SchemaSite, out: Path, selection: list[str], expected: list[str]
) -> None:
    await build(memory_site, out, *selection)
    assert paths_of(out) == expected


async def test_an_unknown_root_is_an_error_that_names_the_nearest(memory_site: SchemaSite, out: Path) -> None:
    with pytest.raises(CatalogError, match=r"no service Shed/dor\. The nearest it has: shed/door") as caught:
        await build(memory_site, out, "pot", "Shed/dor")
    assert caught.value.code == "service-unknown"
    assert not out.exists()


@pytest.mark.promise("catalog.partial")
async def test_many_unknown_roots_leave_room_for_what_to_do(memory_site: SchemaSite, out: Path) -> None:
    memory_site.put("/v1/", index(*(f"/shed-{'x' * 80}-{number}" for number in range(9))))
    with pytest.raises(CatalogError) as caught:
        await build(memory_site, out, *(f"shed-{'x' * 80}/{number}" for number in range(9)))
    assert len(caught.value.message) <= MESSAGE_CHARS
    assert caught.value.message.endswith("or to roots that exist.")


@pytest.mark.parametrize(
    ("answer", "requests", "reason"),
    [
        (Answer(b"<html>busy</html>"), 1, "not JSON"),
        (Answer(b'{"apis":[{"path":"/shed'), 1, "not JSON"),
        (Answer(b"{}" + b" " * 50 * MIB), 1, "too large"),
        (Answer(status=404), 1, "404"),
        (Answer(status=403), 1, "403"),
        (Answer(status=302, location="http://elsewhere.example/"), 1, "redirect"),
        (Answer(status=503), FETCH_ATTEMPTS, "503"),
        (Answer(declared=99), FETCH_ATTEMPTS, "cut"),
    ],
    ids=lambda each: str(each)[:40],
)
async def test_a_service_that_fails_is_named_and_leaves_the_rest(
    memory_site: SchemaSite, out: Path, answer: Answer, requests: int, reason: str
) -> None:
    memory_site.put("/v1/shed/door.json", answer)
    info = await build(memory_site, out)
    assert list(info.failed) == ["v1/shed/door"]
    assert reason in info.failed["v1/shed/door"]
    assert memory_site.requests["/v1/shed/door.json"] == requests
    assert "/v1/shed/roof" in paths_of(out)
    assert "/v1/shed/door" not in paths_of(out)


async def test_a_failure_that_passes_is_asked_again(memory_site: SchemaSite, out: Path) -> None:
    good = memory_site.answers["/v1/pot.json"][0]
    memory_site.put("/v1/pot.json", Answer(status=500), Answer(status=502), good)
    assert (await build(memory_site, out)).failed == {}
    assert memory_site.requests["/v1/pot.json"] == 3


async def test_a_service_that_never_comes_is_given_up(memory_site: SchemaSite, out: Path) -> None:
    async def fetch(url: str, **more: Any) -> Fetched:
        if url.endswith("/v1/pot.json"):
            await asyncio.Event().wait()
        return await memory_site.fetch(url, **more)

    info = await build(memory_site, out, fetch=fetch, timeouts=Timeouts(schema_s=0.05))
    assert "did not come within" in info.failed["v1/pot"]
    assert info.service_count == 3


async def test_the_whole_download_has_a_bound(memory_site: SchemaSite, out: Path) -> None:
    roots = [f"/s{number}" for number in range(3 * FETCH_CONCURRENCY)]
    memory_site.put("/v1/", index("/pot", *roots))

    async def fetch(url: str, **more: Any) -> Fetched:
        if "/v1/s" in url and not url.endswith("/v1/"):
            await asyncio.Event().wait()
        return await memory_site.fetch(url, **more)

    info = await build(memory_site, out, fetch=fetch, timeouts=Timeouts(schema_s=60, total_s=0.2))
    assert len(info.failed) == len(roots)


async def test_no_more_than_sixteen_are_fetched_at_a_time(memory_site: SchemaSite, out: Path) -> None:
    memory_site.put("/v1/", index("/pot", *(f"/s{number}" for number in range(60))))
    running, most = 0, 0

    async def fetch(url: str, **more: Any) -> Fetched:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return await memory_site.fetch(url, **more)

    await build(memory_site, out, fetch=fetch)
    assert most == FETCH_CONCURRENCY


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/pot/../me",
        "/./pot",
        "//evil.example/pot",
        "http://evil.example/pot",
        "/pot?x=1",
        "/pot#x",
        "/%2e%2e/x",
        "/pot\\x",
        "/pot@evil.example",
        "",
        "/",
        "/a" * 50,
        "/pot\nx",
    ],
)
async def test_an_index_with_a_hostile_path_loses_that_service_alone(
    memory_site: SchemaSite, out: Path, path: str
) -> None:
    memory_site.put("/v1/", index("/pot", path))
    info = await build(memory_site, out)
    assert len(info.failed) == 1
    assert "no plain path" in next(iter(info.failed.values()))
    assert set(memory_site.requests) == {"/v1/", "/v2/", "/v1/pot.json", "/v2/pot.json"}


async def test_an_index_that_leads_elsewhere_is_not_followed(memory_site: SchemaSite, out: Path) -> None:
    hostile = index("/pot")
    hostile["apis"][0]["schema"] = "http://evil.example{path}.{format}"
    memory_site.put("/v1/", hostile)
    info = await build(memory_site, out)
    assert list(info.failed) == ["v1/pot"]


async def test_an_index_that_fails_leaves_the_other_branch(memory_site: SchemaSite, out: Path) -> None:
    memory_site.put("/v1/", Answer(b"<html>"))
    info = await build(memory_site, out)
    assert list(info.failed) == ["v1"]
    assert paths_of(out) == ["/v2/pot/task"]


async def test_a_root_of_a_branch_that_is_lost_is_not_called_unknown(
    memory_site: SchemaSite, out: Path
) -> None:
    memory_site.put("/v1/", Answer(status=404))
    info = await build(memory_site, out, "shed", "pot")
    assert set(info.failed) == {"v1", "shed"}


async def test_when_nothing_can_be_had_the_first_reason_is_told(memory_site: SchemaSite, out: Path) -> None:
    memory_site.put("/v1/", Answer(status=404))
    memory_site.put("/v2/", Answer(b"no"))
    with pytest.raises(CatalogError, match="status 404") as caught:
        await build(memory_site, out)
    assert caught.value.code == "catalog-unavailable"
    assert not out.exists()


async def test_the_last_good_copy_of_a_broken_service_is_kept_through_several_builds(
    memory_site: SchemaSite, out: Path
) -> None:
    await build(memory_site, out)
    before = paths_of(out)
    memory_site.put("/v1/shed/door.json", Answer(b"<html>"))
    memory_site.put("/v2/", Answer(status=404))
    for _ in range(2):
        info = await build(memory_site, out, previous=out, now=NOW + 86_400)
        assert set(info.failed) == {"v1/shed/door", "v2"}
        assert "The copy of 2023-11-14 22:13 UTC is used." in info.failed["v1/shed/door"]
        assert "last good copies" in info.failed["v2"]
        assert paths_of(out) == before


async def test_a_host_that_says_unchanged_without_being_asked_is_not_believed(
    memory_site: SchemaSite, out: Path
) -> None:
    async def fetch(url: str, **more: Any) -> Fetched:
        return Fetched(None) if url.endswith("/v1/pot.json") else await memory_site.fetch(url, **more)

    info = await build(memory_site, out, fetch=fetch)
    assert info.failed == {"v1/pot": "A server says that nothing has changed, but was not asked that."}


@pytest.mark.parametrize("etag", ["1", '"1', '"1"\r\nX: y', '"é"', f'"{"x" * 1_000}"', "W/", '"a"b"'])
def test_validators_that_could_not_be_sent_back_are_not_kept(etag: str) -> None:
    assert not Validators.of({"etag": etag, "last-modified": etag})
    assert Validators.of({"etag": 'W/"1-a"'}).conditions() == (("If-None-Match", 'W/"1-a"'),)


async def test_a_service_that_left_the_index_is_not_kept(memory_site: SchemaSite, out: Path) -> None:
    await build(memory_site, out)
    memory_site.put("/v1/", index("/pot"))
    await build(memory_site, out, previous=out)
    assert paths_of(out) == ["/v1/pot", "/v1/pot/{id}", "/v2/pot/task"]


async def test_copies_of_another_endpoint_are_not_used(memory_site: SchemaSite, out: Path) -> None:
    await build(memory_site, out)
    other = SchemaSite.of(small_services())
    other.root = "https://other.example"
    other.put("/v1/pot.json", Answer(status=404))
    info = await build(other, out, previous=out)
    assert info.failed == {"v1/pot": "answered with status 404"}


async def test_two_services_that_claim_one_operation_do_not_break_the_catalogue(
    memory_site: SchemaSite, out: Path
) -> None:
    memory_site.put("/v1/", index("/shed", "/shed/door"))
    memory_site.put("/v1/shed.json", service({"/shed/door": [operation(response="string")]}))
    await build(memory_site, out)
    file = CatalogFile.open(out)
    found = file.operation(Method.GET, "/v1/shed/door")
    file.close()
    assert found is not None
    assert found.service == "v1/shed"


async def test_a_directory_that_cannot_be_written_is_an_error(memory_site: SchemaSite, out: Path) -> None:
    with pytest.raises(CatalogError) as caught:
        await build(memory_site, out.parent / "absent" / "api.catalog")
    assert caught.value.code == "cache-unusable"


async def test_what_a_killed_build_left_behind_is_removed_and_nothing_of_a_running_one(
    memory_site: SchemaSite, out: Path
) -> None:
    long_ago = time.time() - BUILD_TIMEOUT_S - 1
    of_a_killed_build, of_another_file = out.parent / f"{out.name}.a.tmp", out.parent / "other.catalog.a.tmp"
    of_a_running_build = out.parent / f"{out.name}.b.tmp"
    for path in (of_a_killed_build, of_another_file, of_a_running_build):
        path.write_bytes(b"half")
        if path != of_a_running_build:
            os.utime(path, (long_ago, long_ago))
    await build(memory_site, out)
    assert set(out.parent.iterdir()) == {out, of_another_file, of_a_running_build}
