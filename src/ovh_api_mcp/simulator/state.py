"""What the simulated account has: members of collections and what was changed in them.

Nothing is stored for what nobody touched: it is made from its place when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast
from urllib.parse import quote, unquote

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.saved import SavedState, UnderWay, parse_state

Place: TypeAlias = tuple[str, ...]
"""Where something is: the branch and the decoded segments, ("v1", "ip", "203.0.113.0/24")."""

_SEED = Path(__file__).parent / "seed.json"


class State:
    """Starts with the account of seed.json.

    Values in it that the served schemas do not know are left out of answers.
    """

    def __init__(self) -> None:
        self._members: dict[Place, dict[str, None]] = {}
        self._values: dict[Place, JsonValue] = {}
        self._created: set[Place] = set()
        self._awaited: dict[Place, dict[str, None]] = {}
        self.load(own_state())

    def load(self, saved: SavedState) -> None:
        """Have what a file says, and nothing else."""
        self._members = {parse_place(path): dict.fromkeys(each) for path, each in saved.collections.items()}
        self._values = {
            (*parse_place(path), key): cast("JsonValue", fields)
            for path, members in saved.collections.items()
            for key, fields in members.items()
        }
        self._values |= {parse_place(path): cast("JsonValue", value) for path, value in saved.objects.items()}
        self._created = set(map(parse_place, saved.created))
        self._awaited = {}
        for path, each in saved.under_way.items():
            self._await(parse_place(path), each)

    def _await(self, place: Place, each: UnderWay) -> None:
        """Have what is under way, and all it is inside of, wherever the schemas know it as a member."""
        for length in range(2, len(place)):
            collection, key = place[:length], place[length]
            self._members.get(collection, {})[key] = None
            self._awaited.setdefault(collection, {})[key] = None
        self._values[place] = {each.field: each.left[0], **self._fields(place)}

    def saved(self) -> SavedState:
        """Return what there is as a file has it."""
        of_members = {(*place, key) for place, keys in self._members.items() for key in keys}
        return SavedState(
            collections={
                path_of(place): {key: self._fields((*place, key)) for key in keys}
                for place, keys in self._members.items()
            },
            objects={
                path_of(place): value for place, value in self._values.items() if place not in of_members
            },
            created=sorted(map(path_of, self._created)),
        )

    def _fields(self, place: Place) -> JsonObject:
        value = self._values.get(place)
        return value if isinstance(value, dict) else {}

    def members(self, place: Place, make: Callable[[], Iterable[str]]) -> list[str]:
        """Return the keys of a collection, in order; those of one never seen come from `make`.

        A collection inside something that was created starts empty.
        """
        if place not in self._members:
            made = [] if self.is_inside_created(place) else make()
            self._members[place] = dict.fromkeys(made) | self._awaited.get(place, {})
        return list(self._members[place])

    def is_inside_created(self, place: Place) -> bool:
        """Tell whether the place, or something around it, was created by a request."""
        return any(place[:length] in self._created for length in range(1, len(place) + 1))

    def value(self, place: Place) -> JsonValue:
        """Return what is known of a place: for an object, the properties that were set; None for nothing."""
        return self._values.get(place)

    def add(self, collection: Place, key: str, fields: JsonObject) -> None:
        """Create a member of a collection whose members have been asked for."""
        self._members[collection][key] = None
        self._created.add((*collection, key))
        self._values[(*collection, key)] = fields

    def fill(self, collection: Place, keys: Iterable[str]) -> None:
        """Give a collection these members and no others; they are made up when they are read."""
        self._members[collection] = dict.fromkeys(keys)

    def changes(self) -> dict[str, JsonValue]:
        """Return what was created or set, by path; what is only made up when it is read does not count."""
        return {"/".join(place): value for place, value in self._values.items()}

    def change(self, place: Place, fields: JsonObject) -> None:
        """Set properties of an object, leaving the others as they are."""
        known = self._values.get(place)
        self._values[place] = {**known, **fields} if isinstance(known, dict) else fields

    def replace(self, place: Place, value: JsonValue) -> None:
        """Set the whole value of a place."""
        self._values[place] = value

    def remove(self, place: Place) -> None:
        """Remove a member, or the changes of an object, with all that is inside."""
        self._members.get(place[:-1], {}).pop(place[-1], None)
        for inside in [p for p in self._values if p[: len(place)] == place]:
            del self._values[inside]
        for inside in [p for p in self._members if p[: len(place)] == place]:
            del self._members[inside]
        self._awaited = {p: keys for p, keys in self._awaited.items() if p[: len(place)] != place}
        self._created = {p for p in self._created if p[: len(place)] != place}


@cache
def own_state() -> SavedState:
    """Return what the practice account has to begin with."""
    return parse_state(_SEED.read_bytes())


def path_of(place: Place) -> str:
    """Return a place as a path, its segments percent-encoded."""
    return "".join(f"/{quote(segment, safe='')}" for segment in place)


def parse_place(path: str) -> Place:
    """Return the place of a path such as /v1/vps/x."""
    return tuple(unquote(segment) for segment in path.strip("/").split("/"))
