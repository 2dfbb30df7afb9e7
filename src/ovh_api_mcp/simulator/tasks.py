"""Things that take their time: v1 tasks, and v2 resources with a resourceStatus.

One moves on a step each time it is looked at by itself, so that tests and people see every state
without waiting. What no write has begun stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.routing import Route, Router, parameter_name
from ovh_api_mcp.simulator.saved import EnumValue, UnderWay
from ovh_api_mcp.simulator.state import Place
from ovh_api_mcp.simulator.types import Choice, Record, Types

RESOURCE_STATUS = "resourceStatus"
_STATUS_FIELDS = (RESOURCE_STATUS, "status", "state")
# In the order in which one goes through them; each schema has its own spelling.
_BEGINNINGS = ("todo", "init", "pending", "scheduled", "creating")
_MIDDLES = ("doing", "running", "in_progress", "updating")
_UPDATES = ("updating",)
_ENDS = {
    "done": ("done", "ok", "success", "completed", "ready"),
    "error": ("error", "problem", "failed", "ovherror"),
    "cancelled": ("cancelled", "canceled", "aborted"),
}


class Tasks:
    """Those that are under way. `outcome` ("done", "error", "cancelled") and `looks`, after how many
    of them one has ended, hold for those that begin from now on."""

    def __init__(self) -> None:
        self.outcome = "done"
        self.looks = 3
        self.under_way: dict[Place, UnderWay] = {}

    def load(self, under_way: Mapping[Place, UnderWay]) -> None:
        """Have these under way and no others."""
        self.under_way = dict(under_way)

    def begin(self, place: Place, types: Types, record: Record) -> dict[str, JsonValue]:
        """Begin one and return the fields of its first state; {} where the model has no such states."""
        for name in _STATUS_FIELDS:
            values = _values(types, record, name)
            first = _first(values, _BEGINNINGS)
            # A resource of v2 is created or updated, not the one after the other.
            middle = first if name == RESOURCE_STATUS and first is not None else _first(values, _MIDDLES)
            if begun := self._begin(place, name, values, first or middle, middle or first):
                return begun
        return {}

    def begin_update(self, place: Place, types: Types, record: Record) -> dict[str, JsonValue]:
        """Begin the change of a resource of v2; {} for anything else, which changes at once."""
        values = _values(types, record, RESOURCE_STATUS)
        updating = _first(values, _UPDATES)
        return self._begin(place, RESOURCE_STATUS, values, updating, updating)

    def _begin(
        self, place: Place, name: str, values: Sequence[JsonValue], first: JsonValue, middle: JsonValue
    ) -> dict[str, JsonValue]:
        last = _end(values, self.outcome) or _end(values, "error")
        if first is None or last is None:
            return {}
        steps = (*([middle] * max(0, self.looks - 1)), last)
        self.under_way[place] = UnderWay(name, _plain(steps), _plain(values))
        return {name: first}

    def look(self, place: Place) -> dict[str, JsonValue]:
        """Return the fields that change because somebody looks at a place."""
        known = self.under_way.get(place)
        if known is None:
            return {}
        value, *left = known.left
        if left:
            self.under_way[place] = msgspec.structs.replace(known, left=tuple(left))
        else:
            del self.under_way[place]
        return {known.field: value}

    def forget(self, place: Place) -> None:
        """Let nothing be under way at a place that is removed, or inside it."""
        self.under_way = {p: each for p, each in self.under_way.items() if p[: len(place)] != place}

    def end_all(self, outcome: str) -> dict[Place, dict[str, JsonValue]]:
        """End those that have such an outcome; return the fields that change, by place."""
        ends = {place: (each.field, _end(each.states, outcome)) for place, each in self.under_way.items()}
        changed: dict[Place, dict[str, JsonValue]] = {
            place: {field: value} for place, (field, value) in ends.items() if value is not None
        }
        self.under_way = {place: each for place, each in self.under_way.items() if place not in changed}
        return changed


def is_ready(changed: Mapping[str, JsonValue]) -> bool:
    """Tell whether fields that change make a resource of v2 what it was to be."""
    return str(changed.get(RESOURCE_STATUS, "")).lower() in _ENDS["done"]


def _plain(values: Sequence[JsonValue]) -> tuple[EnumValue, ...]:
    """Return the values of an enum that are texts or numbers; OVHcloud has no others."""
    return tuple(value for value in values if isinstance(value, str | int))


def _end(values: Sequence[JsonValue], outcome: str) -> JsonValue:
    return _first(values, _ENDS[outcome])


def _first(values: Sequence[JsonValue], words: Sequence[str]) -> JsonValue:
    by_word = {str(value).lower(): value for value in values}
    return next((by_word[word] for word in words if word in by_word), None)


def _values(types: Types, record: Record, name: str) -> tuple[JsonValue, ...]:
    """Return the values that a field can have; none where it is not there, or is no enum."""
    kind = types.resolve(record.fields[name].type_text) if name in record.fields else None
    return kind.values if isinstance(kind, Choice) else ()


def find_task_list(router: Router, route: Route, response_type: str) -> Route | None:
    """Return the list whose items are what a write on `route` answers, the nearest to it.

    Of its parameters all must be the route's own: /vps/{serviceName}/tasks of /vps/{serviceName}/reboot.
    """
    known = {name for segment in route.segments if (name := parameter_name(segment))}
    found: list[tuple[int, Route]] = []
    for item in router.routes():
        get = item.operations.get("GET")
        *outside, last = item.segments
        if get is None or get.response_type != response_type or parameter_name(last) is None:
            continue
        listing = router.at(tuple(outside))
        if listing is None or "GET" not in listing.operations:
            continue
        if all(parameter_name(segment) in (None, *known) for segment in outside):
            found.append((_shared(outside, route.segments), listing))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
