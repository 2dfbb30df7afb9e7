"""What takes a recorded write back, where anything does; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.gate.scalar import scalar_text
from ovh_api_mcp.journal.entry import Entry, Outcome
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.secret import MASK

Find = Callable[[Method, str], Operation | None]
"""Returns the operation on a path template of the catalogue, None where there is none."""

_LOST: Final = "fields that are masked in the journal would have to be known"


@dataclass(frozen=True, slots=True)
class Inverse:
    """The call that takes a write back, as `ovh.request` takes it, or why there is none."""

    call: JsonObject | None
    why_not: str = ""


def inverse_of(entry: Entry, find: Find) -> Inverse:
    """Return what takes a write back."""
    if entry.end.outcome in (Outcome.SENT, Outcome.MAYBE):
        return Inverse(None, "how it ended is not known: look at what is there now, and change that")
    if entry.end.outcome is Outcome.NOT_SENT or entry.end.status >= 400:
        return Inverse(None, "it changed nothing")
    match entry.write.method:
        case "PUT":
            return _of_put(entry, find)
        case "DELETE":
            return _of_delete(entry, find)
        case _:
            return _of_post(entry, find)


def _of_put(entry: Entry, find: Find) -> Inverse:
    """Set the fields that were sent to what they were before."""
    before, sent = _object(entry.write.before), _object(entry.write.body)
    if before is None:
        return Inverse(
            None, "what was there before is not recorded: the script had not read it, and nobody was asked"
        )
    operation = find(Method.PUT, entry.write.template)
    if operation is None or sent is None:
        return Inverse(None, "the catalogue has no such operation any more, or its body was no object")
    body: JsonObject = {name: before[name] for name in sent if name in before}
    if len(body) < len(sent):
        return Inverse(None, f"what was there before has no {', '.join(sorted(set(sent) - set(body)))[:80]}")
    return _with_body(Method.PUT, entry.write.target, body)


def _of_delete(entry: Entry, find: Find) -> Inverse:
    """Create the object again, with another id."""
    before = _object(entry.write.before)
    if before is None:
        return Inverse(
            None, "what was deleted is not recorded: the script had not read it, and nobody was asked"
        )
    template, _, last = entry.write.template.rpartition("/")
    operation = find(Method.POST, template) if last.startswith("{") else None
    if operation is None:
        return Inverse(
            None, f"nothing creates such an object: there is no POST on {template or entry.write.template}"
        )
    taken = {each.name for each in operation.body_fields}
    missing = [each.name for each in operation.body_fields if each.required and each.name not in before]
    if missing:
        return Inverse(None, f"what is recorded of it lacks {', '.join(missing)[:80]}")
    body: JsonObject = {name: value for name, value in before.items() if name in taken and value is not None}
    return _with_body(Method.POST, _without_query(entry.write.target).rpartition("/")[0], body)


def _of_post(entry: Entry, find: Find) -> Inverse:
    """Delete what was created."""
    answer = _object(entry.end.answer)
    items = _items(entry.write.template, find)
    if answer is None or not items:
        return Inverse(
            None, "it created nothing that can be deleted: no answer with an id, or no DELETE below its path"
        )
    template = items[0]
    name = template.rpartition("/")[2][1:-1]
    key = next((answer[each] for each in (name, "id", "name") if each in answer), None)
    text = None if key is None else scalar_text(key)
    if text is None:
        return Inverse(None, f"its answer has no {name}")
    path = f"{_without_query(entry.write.target)}/{{{name}}}"
    return Inverse({"method": Method.DELETE.value, "path": path, "params": {name: text}})


def _items(template: str, find: Find) -> list[str]:
    """Return the templates of items below a list that can be deleted; their parameter has any name."""
    operation = find(Method.GET, template)
    item = operation.listing.item if operation is not None and operation.listing is not None else ""
    return [item] if item and find(Method.DELETE, item) is not None else []


def _with_body(method: Method, target: str, body: JsonObject) -> Inverse:
    if _holds_mask(body):
        return Inverse(None, _LOST)
    return Inverse({"method": method.value, "path": _without_query(target), "body": body})


def _holds_mask(value: JsonValue) -> bool:
    match value:
        case dict():
            return any(map(_holds_mask, value.values()))
        case list():
            return any(map(_holds_mask, value))
        case str():
            return MASK in value
    return False


def _object(text: str | None) -> JsonObject | None:
    value: JsonValue = msgspec.json.decode(text) if text is not None else None
    return value if isinstance(value, dict) else None


def _without_query(target: str) -> str:
    return target.partition("?")[0]
