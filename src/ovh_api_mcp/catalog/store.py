"""The catalogue file: one SQLite database that is written once, renamed into place, and only read.

Invariants: a file is never changed after it has its name, so a reader keeps the catalogue it
opened even when a newer one takes the name; a file is complete or absent. It also keeps the schemas
as OVH sent them, so that the last good copy of a service survives a build in which it is broken.

    meta        one row: CatalogInfo as JSON
    documents   the merged OpenAPI document as JSON text, in pieces; in two forms: "openapi", and
                "folded" as scripts are given it (folding.py)
    digests     sha256 of each form
    operations  method, path, service, lifecycle, the operation object as JSON
    schemas     the document's component schemas by name, as JSON
    natives     per service: OVH's schema (zlib), when it was last known to be the newest, and the
                validators with which to ask whether it still is

Beside them stand the tables that operations are found with (find_index.py).
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import threading
import time
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

import msgspec

from ovh_api_mcp import __version__
from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.cache_place import may_be_changed_by_others
from ovh_api_mcp.catalog.components import REFERENCE_PREFIX
from ovh_api_mcp.catalog.model import CatalogInfo, Method, Operation
from ovh_api_mcp.catalog.stored_operation import parse_operation
from ovh_api_mcp.catalog.validators import NO_VALIDATORS, Validators
from ovh_api_mcp.errors import CatalogError, cut_foreign
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import CATALOG_FILE_BYTES, DOCUMENT_PIECE_BYTES, OPERATIONS_CACHED, SCHEMA_BYTES

if TYPE_CHECKING:  # a server that only reads catalogues need not load what makes them
    from ovh_api_mcp.catalog.openapi import ApiDocument

FORMAT_VERSION: Final = 10  # user_version: raised whenever the tables or what is in them change
APPLICATION_ID: Final = 0x6F766863  # "ovhc"
_OPENAPI: Final = "openapi"
_FOLDED: Final = "folded"
_Row = TypeVar("_Row")
_METHODS: Final[Mapping[object, Method]] = {each.value: each for each in Method}
_NATIVES: Final = "SELECT service, fetched_at, body, etag, last_modified FROM natives"
_HEADER_BYTES: Final = 100  # of every SQLite file
_TABLES: Final = """
    CREATE TABLE meta (info BLOB NOT NULL);
    CREATE TABLE documents (
        form TEXT NOT NULL, position INTEGER NOT NULL, piece BLOB NOT NULL, PRIMARY KEY (form, position)
    ) WITHOUT ROWID;
    CREATE TABLE digests (form TEXT PRIMARY KEY, digest TEXT NOT NULL);
    CREATE TABLE operations (
        id INTEGER PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL,
        service TEXT NOT NULL, lifecycle TEXT NOT NULL, risk TEXT NOT NULL, json BLOB NOT NULL
    );
    CREATE UNIQUE INDEX operations_by_route ON operations (path, method);
    CREATE TABLE schemas (name TEXT PRIMARY KEY, json BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE natives (
        service TEXT PRIMARY KEY, fetched_at REAL NOT NULL, etag TEXT NOT NULL,
        last_modified TEXT NOT NULL, body BLOB NOT NULL
    );
"""


@dataclass(frozen=True, slots=True)
class NativeCopy:
    """OVH's schema of a service as it came, compressed; the newest at `fetched_at`, in Unix seconds."""

    fetched_at: float
    compressed: bytes
    validators: Validators = NO_VALIDATORS

    @classmethod
    def of(cls, body: bytes, fetched_at: float, validators: Validators = NO_VALIDATORS) -> NativeCopy:
        """Compress `body`; level 1, because the build's time counts and the file's size hardly does."""
        return cls(fetched_at, zlib.compress(body, 1), validators)

    def body(self) -> bytes:
        """Return the schema as it came; raises CatalogError `cache-unusable`."""
        try:
            return zlib.decompressobj().decompress(self.compressed, SCHEMA_BYTES + 1)
        except zlib.error as error:
            raise CatalogError(f"A kept schema is damaged: {error}.", code="cache-unusable") from error


def write_catalog_file(
    path: Path, info: CatalogInfo, document: ApiDocument, natives: Mapping[str, NativeCopy]
) -> None:
    """Write a catalogue file under a temporary name beside `path`, then rename it; mode 0600.

    Raises OSError and sqlite3.Error; `path` then is as it was.
    """
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        os.close(descriptor)
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            _fill(connection, info, document, natives)
        _sync(temporary, os.O_RDWR)
        temporary.replace(path)
        _sync(path.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path, *, older_than_s: float) -> None:
    """Remove what builds of `path` that were killed left behind.

    A younger file may be the one of a build that runs.
    """
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        with suppress(OSError):  # gone already, or another user's: either way no harm is done
            if time.time() - leftover.stat().st_mtime > older_than_s:
                leftover.unlink()


def read_natives(path: Path, endpoint_root: str) -> dict[str, NativeCopy]:
    """Return the kept schemas of a catalogue of the same endpoint, also one of another program version.

    Returns nothing where the file is absent or not usable.
    """
    try:
        with closing(_connect(path)) as connection, _translated(path):
            if _read_info(connection, path).endpoint_root != endpoint_root:
                return {}
            rows = connection.execute(_NATIVES).fetchall()
            return {
                service: NativeCopy(
                    fetched_at, body, Validators.of({"etag": _text(etag), "last-modified": _text(modified)})
                )
                for service, fetched_at, body, etag, modified in rows
            }
    except CatalogError:
        return {}


class CatalogFile:
    """An open catalogue: a snapshot that stays as it is; safe to use from several threads.

    Methods raise CatalogError `cache-unusable` where the file turns out to be damaged. The file is
    closed by `close`, or when nothing refers to this object any more.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, info: CatalogInfo) -> None:
        self.info = info
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()
        self._operations: OrderedDict[tuple[Method, str], Operation] = OrderedDict()
        self.absences = Absences(info)
        self._finalizer = weakref.finalize(self, connection.close)

    @classmethod
    def open(cls, path: Path) -> CatalogFile:
        """Open a catalogue file that this version of the program wrote.

        Raises CatalogError `cache-unusable`: absent, not ours, cut, of another format or program
        version, too large. The document is not read; `verify` does that.
        """
        with ExitStack() as on_failure:
            connection = on_failure.enter_context(closing(_connect(path)))
            with _translated(path):
                info = _read_info(connection, path)
            if info.program_version != __version__:
                raise _unusable(path, f"it was made by version {cut_foreign(info.program_version, 40)}")
            on_failure.pop_all()
        return cls(connection, path, info)

    def close(self) -> None:
        """Close the file; nothing can be read any more."""
        with self._lock:
            self._finalizer()

    def routes(self) -> list[tuple[Method, str]]:
        """Return method and path template of every operation, sorted by path."""
        rows = self._rows("SELECT method, path FROM operations INDEXED BY operations_by_route ORDER BY path")
        with _translated(self.path):
            return [(_method(method), _text(path)) for method, path in rows]

    def operation(self, method: Method, path: str) -> Operation | None:
        """Return the operation of a method and a path template ("/v1/vps/{serviceName}"), if there is one."""
        key = (method, path)
        with self._lock:
            cached = self._operations.get(key)
            if cached is not None:
                self._operations.move_to_end(key)
                return cached
        text = self.operation_json(method, path)
        if text is None:
            return None
        with _translated(self.path):
            operation = parse_operation(method, path, text, self.schema_json)
        with self._lock:
            self._operations[key] = operation
            if len(self._operations) > OPERATIONS_CACHED:
                self._operations.popitem(last=False)
        return operation

    def operation_json(self, method: Method, path: str) -> bytes | None:
        """Return the operation object as it stands in the document."""
        rows = self._rows("SELECT json FROM operations WHERE path = ? AND method = ?", path, method.value)
        return _blob(rows[0][0], self.path) if rows else None

    def readers(self, service: str, schema: str) -> list[str]:
        """Return the path templates of a service where GET answers a component schema, sorted."""
        rows = self._rows(
            "SELECT path FROM operations WHERE service = ? AND method = 'GET' AND instr(json, ?)"
            " ORDER BY path",
            service,
            f'"{REFERENCE_PREFIX}{schema}"'.encode(),
        )
        with _translated(self.path):
            paths = [_text(path) for (path,) in rows]
        return [path for path in paths if self._answers(path, schema)]

    def _answers(self, path: str, schema: str) -> bool:
        operation = self.operation(Method.GET, path)
        return operation is not None and operation.answer == schema

    def schema_json(self, name: str) -> bytes | None:
        """Return a component schema as it stands in the document."""
        rows = self._rows("SELECT json FROM schemas WHERE name = ?", name)
        return _blob(rows[0][0], self.path) if rows else None

    def schema(self, name: str) -> JsonObject:
        """Return the same parsed; {} where there is none."""
        text = self.schema_json(name)
        if text is None:
            return {}
        with _translated(self.path):
            return cast("JsonObject", msgspec.json.decode(text, type=dict[str, object]))

    def schema_names(self) -> list[str]:
        """Return the names of the component schemas."""
        rows = self._rows("SELECT name FROM schemas ORDER BY name")
        with _translated(self.path):
            return [_text(name) for (name,) in rows]

    def document_pieces(self) -> Iterator[bytes]:
        """Yield the OpenAPI document as JSON text in UTF-8, in pieces; its digest is checked at the end."""
        return self._pieces(_OPENAPI)

    def folded_pieces(self) -> Iterator[bytes]:
        """Yield the same document in the form that scripts are given (see folding.py)."""
        return self._pieces(_FOLDED)

    def _pieces(self, form: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        position = 0
        query = "SELECT piece FROM documents WHERE form = ? AND position = ?"
        while rows := self._rows(query, form, position):
            piece = _blob(rows[0][0], self.path)
            digest.update(piece)
            yield piece
            position += 1
        if [(digest.hexdigest(),)] != self._rows("SELECT digest FROM digests WHERE form = ?", form):
            raise _unusable(self.path, "its document is damaged")

    def document(self) -> bytes:
        """Return the whole OpenAPI document as JSON text; several megabytes."""
        return b"".join(self.document_pieces())

    def verify(self) -> None:
        """Read the file through once, 30 ms; raises CatalogError `cache-unusable` where it is damaged."""
        if self._rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise _unusable(self.path, "it is damaged")
        for _ in chain(self.document_pieces(), self.folded_pieces()):
            pass
        [(count,)] = self._rows("SELECT count(*) FROM operations")
        if count != self.info.operation_count:
            raise _unusable(self.path, f"it has {count:,} operations, not {self.info.operation_count:,}")

    def select(self, row: type[_Row], statement: str, *values: str | int) -> list[_Row]:
        """Return the rows of a query, each as a tuple of the given type; for the modules of this package."""
        rows = self._rows(statement, *values)
        with _translated(self.path):
            return [msgspec.convert(each, row) for each in rows]

    def _rows(self, statement: str, *values: str | int | bytes) -> list[tuple[object, ...]]:
        with self._lock, _translated(self.path):
            return self._connection.execute(statement, values).fetchall()


# --- reading ------------------------------------------------------------------------------------


def _connect(path: Path) -> sqlite3.Connection:
    _check_header(path)
    # The file never changes, so SQLite needs neither locks nor a look for a journal beside it.
    location = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with _translated(path):
        return sqlite3.connect(location, uri=True, check_same_thread=False, isolation_level=None)


def _check_header(path: Path) -> None:
    """Refuse a file that is not ours, or was cut, by the first bytes alone.

    Source: SQLite's database file format, section 1.3.
    """
    try:
        with path.open("rb") as file:
            if may_be_changed_by_others(os.fstat(file.fileno())):
                raise _unusable(path, "another user of this machine can change it")
            header = file.read(_HEADER_BYTES)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    if size > CATALOG_FILE_BYTES:
        raise _unusable(path, f"it has {size:,} bytes; at most {CATALOG_FILE_BYTES:,} are read")
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\x00"):
        raise _unusable(path, "it is no SQLite file")
    page_size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise _unusable(path, "it belongs to another program")
    if int.from_bytes(header[60:64]) != FORMAT_VERSION:
        raise _unusable(path, "it has another format")
    if (page_size if page_size > 1 else 65_536) * pages != size:
        raise _unusable(path, "it was cut")


def _read_info(connection: sqlite3.Connection, path: Path) -> CatalogInfo:
    rows = connection.execute("SELECT info FROM meta LIMIT 2").fetchall()
    if len(rows) != 1:
        raise _unusable(path, "it does not say what it was built from")
    return msgspec.json.decode(_blob(rows[0][0], path), type=CatalogInfo)


def _unusable(path: Path, reason: str) -> CatalogError:
    return CatalogError(f"The catalogue file {path.name} cannot be used: {reason}.", code="cache-unusable")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, msgspec.MsgspecError, ValueError) as error:
        raise _unusable(path, cut_foreign(str(error))) from error


def _method(value: object) -> Method:
    method = _METHODS.get(value)  # half the time of Method(value), 6,624 times
    if method is None:
        raise ValueError("a value that should be a method is not")
    return method


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("a value that should be text is not")


def _blob(value: object, path: Path) -> bytes:
    if isinstance(value, bytes):
        return value
    raise _unusable(path, "a value that should be bytes is not")


class _StoredComponents(msgspec.Struct, frozen=True):
    schemas: dict[str, msgspec.Raw] = {}


class _StoredDocument(msgspec.Struct, frozen=True):
    """What of the document stands in a table of its own."""

    components: _StoredComponents


# --- writing ------------------------------------------------------------------------------------


def _fill(
    connection: sqlite3.Connection,
    info: CatalogInfo,
    document: ApiDocument,
    natives: Mapping[str, NativeCopy],
) -> None:
    from ovh_api_mcp.catalog.find_index import TABLES as FIND_TABLES  # only who builds loads it
    from ovh_api_mcp.catalog.find_index import fill_find_index

    # A file that is not finished is thrown away, so nothing has to survive a crash in between.
    connection.executescript(
        f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {FORMAT_VERSION}; BEGIN; {_TABLES} {FIND_TABLES}"
    )
    connection.execute("INSERT INTO meta VALUES (?)", [msgspec.json.encode(info)])
    for form, text in ((_OPENAPI, document.text), (_FOLDED, document.folded)):
        starts = enumerate(range(0, len(text), DOCUMENT_PIECE_BYTES))
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?)",
            ((form, position, text[start : start + DOCUMENT_PIECE_BYTES]) for position, start in starts),
        )
        connection.execute("INSERT INTO digests VALUES (?, ?)", (form, hashlib.sha256(text).hexdigest()))
    connection.executemany(
        "INSERT INTO operations (method, path, service, lifecycle, risk, json) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                each.method.value,
                each.path,
                each.service,
                each.lifecycle.value,
                ",".join(each.labels),
                each.json,
            )
            for each in document.operations
        ),
    )
    schemas = msgspec.json.decode(document.text, type=_StoredDocument).components.schemas
    connection.executemany(
        "INSERT INTO schemas VALUES (?, ?)", ((name, bytes(each)) for name, each in schemas.items())
    )
    fill_find_index(connection, document)
    connection.executemany(
        "INSERT INTO natives VALUES (?, ?, ?, ?, ?)",
        (
            (service, each.fetched_at, each.validators.etag, each.validators.last_modified, each.compressed)
            for service, each in sorted(natives.items())
        ),
    )
    connection.execute("COMMIT")


def _sync(path: Path, flags: int) -> None:
    """Make what was written to a file or a directory survive a loss of power."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a directory
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
