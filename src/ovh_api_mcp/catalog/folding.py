"""The document as scripts are given it: what most of them never read is text until it is touched.

    {"details": [text, …], "document": {…}}

In the document, an object with the key "…", whose value is [index, name, …], has those properties
too: their JSON text, one object, stands in `details` at that index. Folded are operations (all but
what a script filters by) and the schemas of the components. The sandbox unfolds them unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from ovh_api_mcp.json_value import JsonObject, JsonValue

FOLD: Final = "…"
_READ_BY_FILTERS: Final = frozenset({"operationId", "tags", "summary", "deprecated"})


class Folding:
    """Folds objects one by one and keeps their details."""

    def __init__(self) -> None:
        self._details: list[str] = []

    def operation(self, operation: JsonObject) -> JsonObject:
        """Return the operation with only what scripts filter by."""
        return self._fold(operation, _READ_BY_FILTERS)

    def schemas(self, schemas: Iterable[tuple[str, JsonValue]]) -> JsonObject:
        """Return the named schemas, folded whole."""
        return {
            name: self._fold(schema, ()) if isinstance(schema, dict) else schema for name, schema in schemas
        }

    def text(self, document: Mapping[str, object]) -> bytes:
        """Return the folded form of a document made of what this folding gave."""
        return msgspec.json.encode({"details": self._details, "document": document})

    def _fold(self, whole: JsonObject, kept: Collection[str]) -> JsonObject:
        details = {name: value for name, value in whole.items() if name not in kept}
        if not details:
            return whole
        self._details.append(msgspec.json.encode(details).decode())
        shown: JsonObject = {name: value for name, value in whole.items() if name in kept}
        shown[FOLD] = [len(self._details) - 1, *details]
        return shown
