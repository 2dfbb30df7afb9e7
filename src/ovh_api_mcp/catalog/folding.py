"""The document as scripts are given it: what most of them never read is text until it is touched.

    {"paths": {…}, "details": [text, …], "document": {…}}

In the document, an object with the key "…", whose value is [index, name, …], has those properties
too: their JSON text, one object, stands in `details` at that index. Folded are operations (all but
what a script filters by) and the schemas and responses of the components. The sandbox unfolds them
unseen.

The paths stand apart, as columns, and as null in their place: what lies together in the text lies
together in memory, and a child that walks all operations copies a quarter of the pages.

    items           path → index in `methods`, where the path's methods are listed
    operations      a column for each property; the operations of an item follow those of the item before
      operationId, summary
                    text, or null where the operation has none
      tags          index in `tags`, or -1
      kind          index in `kinds`: {"same": properties shared by all of the kind, "folded": [name, …]}
      details       index in `details`, or -1
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from ovh_api_mcp.json_value import JsonObject, JsonValue

FOLD: Final = "…"
_COLUMNS: Final = ("operationId", "summary", "tags")
_READ_BY_FILTERS: Final = frozenset({*_COLUMNS, "deprecated"})


class Folding:
    """Folds objects one by one and keeps their details."""

    def __init__(self) -> None:
        self._details: list[str] = []
        self._paths = _Paths()

    def operation(self, path: str, method: str, operation: JsonObject) -> None:
        """Fold an operation; those of one path come one after the other."""
        rest, details = _split(operation, _READ_BY_FILTERS)
        self._paths.add(path, method, rest, list(details), self._keep(details) if details else -1)

    def components(self, components: Mapping[str, JsonValue]) -> JsonObject:
        """Return named schemas or responses, folded whole."""
        return {
            name: self._fold(each) if isinstance(each, dict) else each for name, each in components.items()
        }

    def text(self, document: Mapping[str, object]) -> bytes:
        """Return the folded form of a document, null in the place of its paths."""
        whole = {"paths": self._paths.columns(), "details": self._details, "document": document}
        return msgspec.json.encode(whole)

    def _fold(self, whole: JsonObject) -> JsonObject:
        return {FOLD: [self._keep(whole), *whole]} if whole else whole

    def _keep(self, details: JsonObject) -> int:
        self._details.append(msgspec.json.encode(details).decode())
        return len(self._details) - 1


def _split(whole: JsonObject, kept: Collection[str]) -> tuple[JsonObject, JsonObject]:
    return (
        {name: value for name, value in whole.items() if name in kept},
        {name: value for name, value in whole.items() if name not in kept},
    )


class _Paths:
    """The columns while they are filled."""

    def __init__(self) -> None:
        self._items: dict[str, list[JsonValue]] = {}
        self._operation_ids: list[JsonValue] = []
        self._summaries: list[JsonValue] = []
        self._tags_of: list[int] = []
        self._kind_of: list[int] = []
        self._details_of: list[int] = []
        self._tags, self._kinds = _Distinct(), _Distinct()

    def add(
        self, path: str, method: str, operation: JsonObject, folded: list[JsonValue], details: int
    ) -> None:
        """Add an operation without its details, whose names are `folded`."""
        same = {name: value for name, value in operation.items() if name not in _COLUMNS}
        self._items.setdefault(path, []).append(method)
        self._operation_ids.append(operation.get("operationId"))
        self._summaries.append(operation.get("summary"))
        self._tags_of.append(self._tags.index(operation["tags"]) if "tags" in operation else -1)
        self._kind_of.append(self._kinds.index({"same": same, "folded": folded}))
        self._details_of.append(details)

    def columns(self) -> dict[str, object]:
        """Return what is written of them."""
        methods = _Distinct()
        return {
            "items": {path: methods.index(each) for path, each in self._items.items()},
            "methods": methods.values,
            "operations": {
                "operationId": self._operation_ids,
                "summary": self._summaries,
                "tags": self._tags_of,
                "kind": self._kind_of,
                "details": self._details_of,
            },
            "tags": self._tags.values,
            "kinds": self._kinds.values,
        }


class _Distinct:
    """Values, each of them once."""

    def __init__(self) -> None:
        self.values: list[JsonValue] = []
        self._indexes: dict[bytes, int] = {}

    def index(self, value: JsonValue) -> int:
        """Return the place of a value, which is added where it is new."""
        text = msgspec.json.encode(value)
        if text not in self._indexes:
            self._indexes[text] = len(self.values)
            self.values.append(value)
        return self._indexes[text]
