"""The catalogue file: what it refuses, and that a reader's snapshot stays as it is."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ovh_api_mcp.catalog import store
from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.store import CatalogFile, read_natives
from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.limits import CATALOG_FILE_BYTES
from tests.catalog.schema_site import SchemaSite, small_services

ROOT = "http://schemas.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    out = tmp_path / "odd name? #1.catalog"
    _build(out)
    return out


def _build(out: Path, *services: str) -> None:
    site = SchemaSite.of(small_services())
    asyncio.run(build_catalog(site.fetch, endpoint_root=ROOT, services=services or ["*"], out=out))


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def _patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(b""), "no SQLite file"),
        (lambda path: path.write_bytes(b"<html>" * 1_000), "no SQLite file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "cut"),
        (lambda path: path.write_bytes(path.read_bytes()[:4096]), "cut"),
        (lambda path: _patch(path, 60, b"\x00\x00\x00\x63"), "another format"),
        (lambda path: _patch(path, 68, b"\x00\x00\x00\x63"), "another program"),
        (lambda path: _patch(path, 4096, bytes(4096)), "malformed"),
        (lambda path: _change(path, "DELETE FROM meta"), "built from"),
        (lambda path: _change(path, "UPDATE meta SET info = x'7b7d'"), "missing required field"),
        (lambda path: _change(path, "UPDATE meta SET info = 'text'"), "should be bytes"),
        (lambda path: _change(path, "DROP TABLE meta"), "no such table"),
        (
            lambda path: _change(
                path, """UPDATE meta SET info = CAST(replace(info, '"0.', '"99.0.') AS BLOB)"""
            ),
            "version 99.0",
        ),
    ],
)
def test_a_file_that_is_not_ours_or_not_whole_is_refused(
    path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(path)
    with pytest.raises(CatalogError, match=reason) as caught:
        CatalogFile.open(path)
    assert caught.value.code == "cache-unusable"


def test_a_file_that_is_too_large_is_refused(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(CATALOG_FILE_BYTES + 1)
    with pytest.raises(CatalogError, match="bytes"):
        CatalogFile.open(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET piece = CAST(replace(piece, 'pot', 'pat') AS BLOB)",
        "DELETE FROM documents",
        "DELETE FROM operations WHERE id = 1",
        "DROP TABLE operations",
    ],
)
def test_damage_inside_a_file_is_found_when_it_is_verified(path: Path, statement: str) -> None:
    _change(path, statement)
    file = CatalogFile.open(path)
    with pytest.raises(CatalogError) as caught:
        file.verify()
    file.close()
    assert caught.value.code == "cache-unusable"


def test_an_operation_that_is_damaged_is_an_error_of_the_file(path: Path) -> None:
    _change(path, "UPDATE operations SET json = x'7b7d'")
    file = CatalogFile.open(path)
    with pytest.raises(CatalogError) as caught:
        file.operation(Method.GET, "/v1/pot")
    file.close()
    assert caught.value.code == "cache-unusable"


def test_a_reader_keeps_its_snapshot_when_a_new_file_takes_the_name(path: Path) -> None:
    old = CatalogFile.open(path)
    _build(path, "shed")
    new = CatalogFile.open(path)
    assert old.operation(Method.GET, "/v1/pot") is not None
    assert new.operation(Method.GET, "/v1/pot") is None
    old.verify()
    old.close()
    new.close()


def test_a_long_document_comes_in_pieces_that_make_the_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DOCUMENT_PIECE_BYTES", 100)
    _build(path)
    file = CatalogFile.open(path)
    pieces = list(file.document_pieces())
    file.close()
    assert len(pieces) > 10
    assert sum(map(len, pieces)) == file.info.document_bytes


def test_the_cache_of_decoded_operations_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "OPERATIONS_CACHED", 2)
    file = CatalogFile.open(path)
    for _ in range(2):
        assert [file.operation(*route) for route in file.routes()].count(None) == 0
    assert len(file._operations) == 2
    file.close()


def test_a_closed_file_is_closed_for_good_and_may_be_closed_again(path: Path) -> None:
    file = CatalogFile.open(path)
    file.close()
    file.close()
    with pytest.raises(CatalogError):
        file.routes()


def test_schemas_of_an_older_program_version_may_stand_in(path: Path) -> None:
    _change(path, """UPDATE meta SET info = CAST(replace(info, '"0.', '"99.0.') AS BLOB)""")
    assert set(read_natives(path, ROOT)) == set(small_services())
    assert read_natives(path, "https://other.example") == {}
    assert read_natives(path.with_name("absent"), ROOT) == {}
