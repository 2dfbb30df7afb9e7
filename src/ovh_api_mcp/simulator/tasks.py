"""Things that take their time: v1 tasks, and v2 resources with a resourceStatus.

One moves on a step each time it is looked at by itself, so that tests and people see every state
without waiting. What no write has begun stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.simulator.routing import Route, Router, parameter_name
from ovh_api_mcp.simulator.state import Place
from ovh_api_mcp.simulator.types import Choice, Record, Types

_STATUS_FIELDS = ("resourceStatus", "status", "state")
# In the order in which one goes through them; each schema has its own spelling.
_BEGINNINGS = ("todo", "init", "pending", "scheduled", "creating")
_MIDDLES = ("doing", "running", "in_progress", "updating")
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
        self._left: dict[Place, list[tuple[str, JsonValue]]] = {}

    def begin(self, place: Place, types: Types, record: Record) -> dict[str, JsonValue]:
        """Begin one and return the fields of its first state; {} where the model has no such states."""
        for name in _STATUS_FIELDS:
            kind = types.resolve(record.fields[name].type_text) if name in record.fields else None
            if isinstance(kind, Choice):
                states = _states(kind.values, self.outcome)
                if states is None:
                    continue
                first, middle, last = states
                self._left[place] = [*([(name, middle)] * max(0, self.looks - 1)), (name, last)]
                return {name: first}
        return {}

    def forget(self) -> None:
        """Leave all that are under way as they are."""
        self._left.clear()

    def look(self, place: Place) -> dict[str, JsonValue]:
        """Return the fields that change because somebody looks at a place."""
        left = self._left.get(place)
        if not left:
            return {}
        name, value = left.pop(0)
        if not left:
            del self._left[place]
        return {name: value}


def _states(values: Sequence[JsonValue], outcome: str) -> tuple[JsonValue, JsonValue, JsonValue] | None:
    by_word = {str(value).lower(): value for value in values}

    def first_of(words: tuple[str, ...]) -> JsonValue:
        return next((by_word[word] for word in words if word in by_word), None)

    last, middle = first_of(_ENDS[outcome]) or first_of(_ENDS["error"]), first_of(_MIDDLES)
    first = first_of(_BEGINNINGS) or middle
    return None if last is None or first is None else (first, middle or first, last)


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
