"""The index that operations are found with: its tables in the catalogue file, and what goes into them.

    findable   per operation: what the ranking looks at, as stems between spaces, segments between "/"
    finding    the same as full text (FTS5, without the text itself)
    stems      how many operations have a stem
    spellings  the words that slips of the keyboard are corrected to, by their trigrams

All of it is made of the document and of find_terms.txt, in the order of the operations.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from ovh_api_mcp.catalog.terms import known_spellings, plain_names, prior_of
from ovh_api_mcp.catalog.words import split_words, stem, stems_of
from ovh_api_mcp.limits import FIND_ABOUT_CHARS, FIND_FIELDS, STEMS_CACHED

if TYPE_CHECKING:
    from ovh_api_mcp.catalog.openapi import ApiDocument, DocumentedOperation

TABLES: Final = """
    CREATE TABLE findable (
        id INTEGER PRIMARY KEY, service TEXT NOT NULL, lifecycle TEXT NOT NULL, prior REAL NOT NULL,
        method TEXT NOT NULL, roots INTEGER NOT NULL, steps INTEGER NOT NULL,
        is_item INTEGER NOT NULL, is_list INTEGER NOT NULL,
        tail TEXT NOT NULL, tail_names TEXT NOT NULL, path TEXT NOT NULL, path_names TEXT NOT NULL,
        about TEXT NOT NULL, fields TEXT NOT NULL
    );
    CREATE INDEX findable_by_kind ON findable (service, method, lifecycle);
    CREATE TABLE summaries (id INTEGER PRIMARY KEY, operation_id TEXT NOT NULL, summary TEXT NOT NULL);
    CREATE INDEX summaries_by_operation_id ON summaries (lower(operation_id));
    CREATE VIRTUAL TABLE finding USING fts5 (tail, path, about, fields, content='', tokenize='ascii');
    CREATE TABLE stems (stem TEXT PRIMARY KEY, operations INTEGER NOT NULL) WITHOUT ROWID;
    CREATE VIRTUAL TABLE spellings USING fts5 (word, tokenize='trigram');
"""
_SPELLING: Final = re.compile(r"[a-z]{4,}")
_TAKEN_FOR_GRANTED: Final = frozenset(
    stems_of("service name id v1 v2 get list object property properties this")
)
_SCHEMA_DEPTH: Final = 3
_REFERENCE: Final = "#/components/schemas/"


class _Parameter(msgspec.Struct, gc=False):
    name: str


class _Schema(msgspec.Struct, gc=False):
    """What of a schema has names: a reference, properties, and the schemas in it."""

    reference: str = msgspec.field(name="$ref", default="")
    properties: dict[str, msgspec.Raw] = {}
    items: _Schema | bool | None = None
    any_of: list[_Schema | bool] = msgspec.field(name="anyOf", default=[])
    one_of: list[_Schema | bool] = msgspec.field(name="oneOf", default=[])
    all_of: list[_Schema | bool] = msgspec.field(name="allOf", default=[])


_AnySchema: TypeAlias = _Schema | bool


class _Media(msgspec.Struct, gc=False):
    schema: _AnySchema | None = None


class _Content(msgspec.Struct, gc=False):
    content: dict[str, _Media] = {}


class _Operation(msgspec.Struct, gc=False):
    operation_id: str = msgspec.field(name="operationId")
    summary: str = ""
    description: str = ""
    parameters: list[_Parameter] = []
    body: _Content | None = msgspec.field(name="requestBody", default=None)
    responses: dict[str, _Content] = {}


class _Components(msgspec.Struct):
    schemas: dict[str, _AnySchema] = {}


class _Document(msgspec.Struct):
    components: _Components


class _Findable(NamedTuple):
    """A row of findable, without its number.

    `roots` counts the segments of the service's root, `steps` the literal ones below it; `is_item`
    where the path ends in a parameter, `is_list` where another path goes on with just that.
    """

    service: str
    lifecycle: str
    prior: float
    method: str
    roots: int
    steps: int
    is_item: bool
    is_list: bool
    tail: str
    tail_names: str
    path: str
    path_names: str
    about: str
    fields: str


def fill_find_index(connection: sqlite3.Connection, document: ApiDocument) -> None:
    """Index the operations of `document`, numbered from 1 in their order."""
    operations = [msgspec.json.decode(each.json, type=_Operation) for each in document.operations]
    schemas = msgspec.json.decode(document.text, type=_Document).components.schemas
    lists = {
        path for each in document.operations for path, _, end in [each.path.rpartition("/")] if end[:1] == "{"
    }
    rows = [
        _findable(*each, schemas, is_list=each[0].path in lists)
        for each in zip(document.operations, operations, strict=True)
    ]
    connection.executemany(
        "INSERT INTO findable VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((number, *row) for number, row in enumerate(rows, start=1)),
    )
    connection.executemany(
        "INSERT INTO summaries VALUES (?, ?, ?)",
        (
            (number, each.operation_id, each.summary[:FIND_ABOUT_CHARS])
            for number, each in enumerate(operations, start=1)
        ),
    )
    texts = [(row.tail + row.tail_names, row.path + row.path_names, row.about, row.fields) for row in rows]
    connection.executemany(
        "INSERT INTO finding (rowid, tail, path, about, fields) VALUES (?, ?, ?, ?, ?)",
        ((number, *text) for number, text in enumerate(texts, start=1)),
    )
    counts = Counter(each for text in texts for each in {*"".join(text).split()} - {"/"})
    connection.executemany("INSERT INTO stems VALUES (?, ?)", sorted(counts.items()))
    connection.executemany(
        "INSERT INTO spellings (word) VALUES (?)",
        ((f" {word} ",) for word in _spellings(document, operations)),
    )
    for table in ("finding", "spellings"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608  # ours


def _findable(
    documented: DocumentedOperation,
    operation: _Operation,
    schemas: dict[str, _AnySchema],
    *,
    is_list: bool,
) -> _Findable:
    root = documented.service.partition("/")[2]
    segments = [each for each in documented.path.split("/")[2:] if not each.startswith("{")] or [""]
    *path, tail = (_segment(root, each) for each in segments)
    return _Findable(
        documented.service,
        documented.lifecycle.value,
        prior_of(documented.service, segments, documented.lifecycle),
        documented.method.value,
        root.count("/") + 1,
        max(0, len(segments) - root.count("/") - 1),
        documented.path.endswith("}"),
        is_list,
        *tail,
        "/".join(words for words, _ in path),
        "/".join(names for _, names in path),
        _padded(_stems(f"{operation.summary} {operation.description}"[:FIND_ABOUT_CHARS])),
        _padded(_fields(operation, schemas)),
    )


@lru_cache(STEMS_CACHED)
def _segment(root: str, segment: str) -> tuple[str, str]:
    """Return the words of a segment, and what else it is called: its words as one, and its plain names."""
    words = _stems(segment)
    joined = [stem("".join(split_words(segment)))] if len(words) > 1 else []
    names = dict.fromkeys([*joined, *plain_names(root, segment)])
    return _padded(words), _padded(each for each in names if each not in words)


@lru_cache(STEMS_CACHED)
def _stems(text: str) -> tuple[str, ...]:
    """Return the stems of a text, each once; names and summaries come again and again."""
    return tuple(dict.fromkeys(stems_of(text)))


def _padded(stems: Iterable[str]) -> str:
    return f" {' '.join(stems)} "


def _fields(operation: _Operation, schemas: dict[str, _AnySchema]) -> list[str]:
    """Return the stems of the names of parameters, of the body's and the answer's fields and models."""
    names = [each.name for each in operation.parameters]
    contents = [operation.body, *(each for code, each in operation.responses.items() if code < "3")]
    for content in contents:
        for media in content.content.values() if content is not None else ():
            names += _names(media.schema, schemas)
    stems = dict.fromkeys(each for name in names for each in _stems(name))
    return [each for each in stems if each not in _TAKEN_FOR_GRANTED][:FIND_FIELDS]


def _names(
    schema: _AnySchema | None, schemas: dict[str, _AnySchema], depth: int = _SCHEMA_DEPTH
) -> Iterator[str]:
    """Yield the names of models and their fields; an array of references to objects is looked into."""
    if not isinstance(schema, _Schema) or depth == 0:
        return
    yield from schema.properties
    if schema.reference:
        model = schema.reference.removeprefix(_REFERENCE)
        yield model.rpartition(".")[2]
        yield from _names(schemas.get(model), schemas, depth - 1)
    for inner in (schema.items, *schema.any_of, *schema.one_of, *schema.all_of):
        yield from _names(inner, schemas, depth - 1)


def _spellings(document: ApiDocument, operations: Iterable[_Operation]) -> list[str]:
    """Return the words of paths and summaries, as they are written, and those of find_terms.txt."""
    texts = {each.path for each in document.operations} | {each.summary for each in operations}
    words = {word for text in texts for word in split_words(text)}
    return sorted(word for word in words | known_spellings() if _SPELLING.fullmatch(word))
