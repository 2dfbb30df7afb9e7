"""What a catalogue lacks is told to who looks for it, and to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.find import find_operations
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.limits import MESSAGE_CHARS
from tests.catalog.schema_site import Answer, SchemaSite, small_services
from tests.gate.operations import Recorder

Build = Callable[..., CatalogFile]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Build a catalogue of the small API, of which some answers are broken."""
    with ExitStack() as files:

        def build(
            *broken: str, services: tuple[str, ...] = ("*",), previous: Path | None = None
        ) -> CatalogFile:
            site = SchemaSite.of(small_services())
            for path in broken:
                site.put(path, Answer(b"<html>"))
            out = tmp_path / "x.catalog"
            asyncio.run(
                build_catalog(
                    site.fetch, endpoint_root=site.root, services=services, out=out, previous=previous
                )
            )
            return files.enter_context(closing(CatalogFile.open(out)))

        yield build


def refusal(file: CatalogFile, path: str) -> str:
    gate = Gatekeeper(file, Recorder().send, absences=file.absences)
    with pytest.raises(RefusedError) as caught:
        gate.check({"method": "GET", "path": path})
    assert caught.value.code == "unknown-operation"
    assert len(caught.value.message) < MESSAGE_CHARS
    return caught.value.message


def test_a_call_to_a_service_that_could_not_be_loaded_is_refused_with_the_reason(build: Build) -> None:
    file = build("/v1/pot.json")
    told = "Service v1/pot could not be loaded: The schema of v1/pot is not JSON"
    assert told in refusal(file, "/v1/pot/7")
    assert "try later" in refusal(file, "/v1/pot")
    assert "could not be loaded" not in refusal(file, "/v2/pot/nothing")
    assert "could not be loaded" not in refusal(file, "/v1/shed/window")


def test_a_call_to_a_service_that_is_left_out_is_refused_with_what_leaves_it_out(build: Build) -> None:
    file = build(services=("shed/door",))
    told = refusal(file, "/v1/shed/roof")
    assert "Service v1/shed/roof is not loaded, because the server runs with --services shed/door." in told
    assert "Tell the user to add shed/roof to --services" in told
    assert "Service v1/pot is not loaded" in refusal(file, "/pot/7")
    assert "--services" not in refusal(file, "/v1/greenhouse")


def test_a_call_to_a_branch_whose_index_is_lost_is_refused_with_the_reason(build: Build) -> None:
    file = build("/v2/")
    assert "The index of v2 could not be loaded" in refusal(file, "/v2/pot/task")
    assert "index" not in refusal(file, "/v1/pot/7/task")


def test_a_service_that_has_a_copy_is_not_absent(build: Build) -> None:
    whole = build()
    file = build("/v1/pot.json", "/v2/", previous=whole.path)
    assert set(file.info.failed) == {"v1/pot", "v2"}
    assert file.info.absent == ()
    assert "could not" not in refusal(file, "/v1/pot/7/colour")


def test_describing_and_finding_in_an_absent_service_tell_why(build: Build) -> None:
    file = build("/v1/pot.json", services=("pot",))
    with pytest.raises(RefusedError, match="Service v1/pot could not be loaded"):
        describe_operation(file, "GET /v1/pot/{id}")
    with pytest.raises(
        RefusedError, match="Service v1/shed/door is not loaded, because the server runs with"
    ):
        find_operations(file, "bell", service="shed")
    assert find_operations(file, "task", service="pot")
    with pytest.raises(RefusedError, match="There is no service"):
        find_operations(file, "task", service="greenhouse")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('(spec) => spec.paths["/v1/pot/{id}"]', ["v1/pot"]),
        ("(spec) => Object.keys(spec.paths).filter(p => /\\/pot/.test(p))", ["v1/pot"]),
        ("() => ovh.find(`water the POT`)", ["v1/pot"]),
        ("(spec) => Object.keys(spec.paths).filter(p => p.includes('pot'))", ["v1/pot"]),
        ("(spec) => { const pot = 1; return spec.info }", []),
        (
            "(spec) => Object.keys(spec.paths).filter(p => p.includes('depot') || p.includes('pot-au-feu'))",
            [],
        ),
        ("p => p.startsWith('/v1/shed')", ["v1/shed/roof"]),
        ("p => p.startsWith('/v1/shed/door')", []),
        ("p => /^\\/v1\\/shed\\/roof/.test(p)", ["v1/shed/roof"]),
        ("(spec) => spec.info", []),
    ],
)
def test_a_script_names_an_absent_service_in_a_string_or_a_path(
    build: Build, code: str, named: list[str]
) -> None:
    file = build("/v1/pot.json", "/v1/shed/roof.json")
    assert [each.service for each in file.absences.named_in(code)] == named


def test_a_whole_catalogue_lacks_nothing(build: Build) -> None:
    absences = build().absences
    assert absences.of_path("/v1/greenhouse") is None
    assert absences.of_service("pot") is None
    assert absences.named_in("'/v1/pot'") == []
    assert Absences().failed == []
