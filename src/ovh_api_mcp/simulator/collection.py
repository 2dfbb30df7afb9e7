"""Which routes are collections: a list at /x whose items are at /x/{id}, derived from the schemas alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator.library import Service
from ovh_api_mcp.simulator.routing import PARAMETER, Route, parameter_name
from ovh_api_mcp.simulator.types import INTEGER, Choice, ListOf, Record, Scalar

_SEEDED_MEMBERS = 3


@dataclass(frozen=True, slots=True)
class Collection:
    """A list and its items.

    `element_type` is what the list holds, ids or objects; `item_type` what the item route answers,
    None where it has no GET. `key_name` is the item route's parameter, `stem` what it is about:
    `instance` of `instanceId`.
    """

    element_type: str
    holds_objects: bool
    item_type: str | None
    key_name: str
    key_type: str
    stem: str


def find_collection(service: Service, route: Route) -> Collection | None:
    """Return the collection that `route` lists, None where it lists none."""
    listing = route.operations.get("GET")
    item = service.router.at((*route.segments, PARAMETER))
    if listing is None or item is None:
        return None
    found = service.types.resolve(listing.response_type)
    key_name = parameter_name(item.segments[-1])
    if not isinstance(found, ListOf) or key_name is None:
        return None
    get = item.operations.get("GET")
    declared = [op.named("path").get(key_name) for op in item.operations.values()]
    key_type = next((p.type_text for p in declared if p), "string")
    if isinstance(service.types.resolve(found.item), Scalar | Choice):
        key_type = found.item
    item_type = get.response_type if get and service.types.record(get.response_type) else None
    holds_objects = service.types.record(found.item) is not None
    return Collection(found.item, holds_objects, item_type, key_name, key_type, _stem(key_name))


def make_keys(service: Service, collection: Collection, seed: str) -> list[str]:
    """Return the keys of the members that an untouched collection has."""
    found = service.types.resolve(collection.key_type)
    if isinstance(found, Choice):
        return [str(value) for value in found.values[:_SEEDED_MEMBERS]]
    return [make_key(service, collection, f"{seed}/#{i}") for i in range(_SEEDED_MEMBERS)]


def make_key(service: Service, collection: Collection, seed: str) -> str:
    return str(service.values.make(collection.key_type, seed, collection.key_name))


def next_key(service: Service, collection: Collection, seed: str, keys: list[str]) -> str:
    """Return a key that the collection does not have: the next number, or a name made from the count."""
    if _is_integer(service, collection.key_type):
        return str(max((int(key) for key in keys if key.isdecimal()), default=1000) + 1)
    count = len(keys)
    while (key := make_key(service, collection, f"{seed}/+{count}")) in keys:
        count += 1
    return key


def key_as_json(service: Service, collection: Collection, key: str) -> JsonValue:
    """Return a key as the list shows it and as its property holds it."""
    return int(key) if _is_integer(service, collection.key_type) and key.isdecimal() else key


def key_property(record: Record, collection: Collection) -> str | None:
    """Return the property of an item that holds its key: `policyId` is in `id`, `zoneName` in `name`."""
    name = collection.key_name.lower()
    exact = [p for p in record.fields if p.lower() == name]
    endings = sorted((p for p in record.fields if name.endswith(p.lower())), key=len, reverse=True)
    fallback = [p for p in record.fields if p == "id" and collection.holds_objects]
    return next(iter(exact + endings + fallback), None)


def property_for(record: Record, name: str, stem: str) -> str | None:
    """Return the property that a field or filter `name` is about: `instanceName` is an instance's `name`."""
    if name in record.fields:
        return name
    short = name.removeprefix(stem).lower() if stem and name.startswith(stem) else ""
    return next((p for p in record.fields if p.lower() == short), None)


def inherited(record: Record, params: dict[str, str]) -> JsonObject:
    """Return the properties of an item that repeat where it is: `zone` of /domain/zone/{zoneName}/record."""
    found = {(name if name in record.fields else _stem(name)): value for name, value in params.items()}
    return {name: value for name, value in found.items() if name in record.fields}


def _stem(name: str) -> str:
    return re.sub(r"(Id|Name|URN)$", "", name)


def _is_integer(service: Service, type_text: str) -> bool:
    found = service.types.resolve(type_text)
    if isinstance(found, Choice):
        return all(isinstance(value, int) for value in found.values)
    return found == Scalar(INTEGER)
