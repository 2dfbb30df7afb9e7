"""What one `ovh.list` has so far: items, the errors in their places, and why it ended early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import OvhMcpError, cut_foreign
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.server.list_options import ListOptions

_SHOWN_PATH_CHARS: Final = 100

ErrorText: TypeAlias = Callable[[OvhMcpError, JsonObject], str]
"""Returns the fields of the OvhError of a request that failed, as JSON text."""


@dataclass(slots=True)
class Gathered:
    """The items so far; `scanned` counts those the filter kept back, too."""

    options: ListOptions
    error_text: ErrorText
    items: list[bytes] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    scanned: int = 0
    size_bytes: int = 0
    of: int | None = None
    incomplete: JsonObject | None = None

    @property
    def shown_path(self) -> str:
        """The path as the script wrote it, cut."""
        return cut_foreign(self.options.path, _SHOWN_PATH_CHARS)

    @property
    def is_enough(self) -> bool:
        """Tell whether there are as many as were asked for."""
        return len(self.items) >= self.options.limit

    def take(self, item: bytes) -> bool:
        """Keep an item, JSON text; returns False where no more is wanted, or the item did not fit."""
        if self.size_bytes + len(item) > limits.LIST_BYTES:
            self.end(f"its items have more than {limits.LIST_BYTES // limits.MIB} MiB", self.position)
            return False
        self.scanned += 1
        if self.options.filter.lets_through(item):
            self.items.append(item)
            self.size_bytes += len(item) + 1
        return not self.is_enough

    def take_error(self, error: OvhMcpError, call: JsonObject) -> bool:
        """Keep the error of an item in its place."""
        self.scanned += 1
        self.errors.append((len(self.items), self.error_text(error, call)))
        self.items.append(b"null")
        self.size_bytes += len(self.errors[-1][1])
        return not self.is_enough

    @property
    def position(self) -> int:
        """How many items of a v1 list are behind what was read."""
        return self.scanned + (self.options.after if isinstance(self.options.after, int) else 0)

    def end(self, reason: str, after: int | str) -> None:
        """Note that the list ends before its end, and where the next one goes on."""
        read: JsonObject = {"reason": reason, "read": self.scanned, "after": after}
        self.incomplete = read if self.of is None else {**read, "of": self.of}

    def notes(self) -> Iterator[str]:
        """Yield what the reader of the result should know."""
        path = self.shown_path
        if self.incomplete is not None:
            of = f" of {self.of:,}" if self.of is not None else ""
            after = msgspec.json.encode(self.incomplete["after"]).decode()
            yield (
                f"ovh.list {path} ended early: {self.incomplete['reason']}; {self.scanned:,}{of} items were "
                f"read. Go on in another run with the option after: {after} (incomplete.after of the array)"
            )
        if self.errors:
            first: JsonValue = msgspec.json.decode(self.errors[0][1])
            why = first.get("message") if isinstance(first, dict) else ""
            yield (
                f"ovh.list {path}: {len(self.errors):,} of {self.scanned:,} items could not be read; an "
                f"OvhError stands in the place of each. The first: {cut_foreign(str(why))}"
            )

    def progress(self) -> tuple[str, int, int]:
        """Return how far it is, in words, and as the number that are read, and of how many (0: unknown)."""
        of = f" of {self.of:,}" if self.of is not None else ""
        return f"{self.shown_path}: {self.scanned:,}{of} items", self.scanned, self.of or 0

    def as_json(self) -> bytes:
        """Return what the script's side makes an array of."""
        tail = msgspec.json.encode({"errors": self.errors, "incomplete": self.incomplete})
        return b'{"items":[' + b",".join(self.items) + b"]," + tail[1:]
