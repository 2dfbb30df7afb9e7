"""What has changed between two catalogues, by operation.

An operation has changed where its own text differs, or that of a schema which it leads to, over
however many others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Lifecycle
from ovh_api_mcp.catalog.store import CatalogFile

_OPERATIONS: Final = "SELECT method || ' ' || path, lifecycle, json FROM operations ORDER BY path, method"
_SCHEMAS: Final = "SELECT name, json FROM schemas"
_REFERENCE: Final = re.compile(rb'"#/components/schemas/([^"]+)"')
# What the parts of an operation are called; the others under their own names.
_PARTS: Final = {"requestBody": "body", "responses": "answer", "x-ovh-status": "status"}
_SCHEMA: Final = "schemas"


@dataclass(frozen=True, slots=True)
class Change:
    """An operation ("GET /v1/me") and the names of what differs: "parameters", "body", "schemas", …."""

    operation: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The operations that differ, each in one of the lists; sorted by path.

    Those that are `deprecated` now and were not before are not among the `changed`.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Change, ...]
    deprecated: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.deprecated)


def compare_catalogs(old: CatalogFile, new: CatalogFile) -> Difference:
    """Return what `new` has that `old` has not, and the other way round; a second at most."""
    before, after = _operations(old), _operations(new)
    both = [name for name in after if name in before]
    deprecated = {
        name
        for name in both
        if (before[name].lifecycle, after[name].lifecycle).count(Lifecycle.DEPRECATED) == 1
        and after[name].lifecycle == Lifecycle.DEPRECATED
    }
    touched = _touched_schemas(old, new)
    changes = ((name, tuple(_parts(before[name].text, after[name].text, touched))) for name in both)
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(Change(name, parts) for name, parts in changes if parts and name not in deprecated),
        deprecated=tuple(name for name in both if name in deprecated),
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    lifecycle: str
    text: bytes


def _operations(file: CatalogFile) -> dict[str, _Stored]:
    rows = file.select(tuple[str, str, bytes], _OPERATIONS)
    return {name: _Stored(lifecycle, text) for name, lifecycle, text in rows}


def _touched_schemas(old: CatalogFile, new: CatalogFile) -> set[bytes]:
    """Return the schemas that differ, and those of both catalogues that lead to one."""
    before = dict(old.select(tuple[str, bytes], _SCHEMAS))
    after = dict(new.select(tuple[str, bytes], _SCHEMAS))
    touched = {name.encode() for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if not touched:
        return touched
    users: dict[bytes, set[bytes]] = {}
    for schemas in (before, after):
        for name, text in schemas.items():
            for used in _REFERENCE.findall(text):
                users.setdefault(used, set()).add(name.encode())
    pending = list(touched)
    while pending:
        for user in users.get(pending.pop(), ()):
            if user not in touched:
                touched.add(user)
                pending.append(user)
    return touched


def _parts(before: bytes, after: bytes, touched: set[bytes]) -> Iterator[str]:
    """Yield the names of the parts that differ."""
    if before != after:
        old, new = _decoded(before), _decoded(after)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield _PARTS.get(key, key)
    if touched and not touched.isdisjoint(_REFERENCE.findall(after)):
        yield _SCHEMA


def _decoded(text: bytes) -> Mapping[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
