"""Answers an operation from the state of the account: what GET, POST, PUT and DELETE do to what is there."""

from __future__ import annotations

from dataclasses import dataclass

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.simulator import collection as shape
from ovh_api_mcp.simulator import lists
from ovh_api_mcp.simulator.answers import Answer, No, not_found, to_json
from ovh_api_mcp.simulator.bodies import writable
from ovh_api_mcp.simulator.collection import Collection
from ovh_api_mcp.simulator.library import Service
from ovh_api_mcp.simulator.native import Operation
from ovh_api_mcp.simulator.routing import Route, parameter_name
from ovh_api_mcp.simulator.state import MEMBERS, Place, State
from ovh_api_mcp.simulator.types import ListOf


@dataclass(frozen=True, slots=True)
class Call:
    """An operation that was routed, allowed and checked; `place` begins with the branch."""

    service: Service
    route: Route
    operation: Operation
    place: Place
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: JsonValue

    @property
    def params(self) -> dict[str, str]:
        """The values of the path's parameters, decoded."""
        names = [parameter_name(segment) for segment in self.route.segments]
        return {name: value for name, value in zip(names, self.place[1:], strict=True) if name}


class Resources:
    """The account's things."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, call: Call) -> Answer:
        """Do what the call asks for; raises `No` where something on its path does not exist."""
        self._check_path(call)
        match call.operation.http_method:
            case "GET":
                return self._get(call)
            case "POST":
                return to_json(self._post(call))
            case "PUT":
                return to_json(self._put(call))
            case "DELETE":
                return to_json(self._delete(call))
            case method:
                raise No(405, f"Method {method} is not simulated", kind="Client::MethodNotAllowed")

    # --- GET -------------------------------------------------------------------------------------

    def _get(self, call: Call) -> Answer:
        found = shape.find_collection(call.service, call.route)
        if found is not None:
            return self._list(call, found)
        value = self._view(call, call.operation.response_type, call.place, call.route)
        if isinstance(value, list) and _is_paged(call):
            value, headers = lists.cut_page([(str(i), row) for i, row in enumerate(value)], call.headers)
            return to_json(value, headers=headers)
        return to_json(value)

    def _list(self, call: Call, found: Collection) -> Answer:
        keys = self._filter(call, found, self._keys(call.service, found, call.place))
        if lists.is_expanded(call.headers) and found.item_type and not _is_paged(call):
            items = [self._item(call, found, key, found.item_type) for key in keys]
            page, headers = lists.expand(items, call.headers)
            return to_json([*page], headers=headers)
        rows = [(key, self._row(call, found, key)) for key in keys]
        if not _is_paged(call):
            return to_json([row for _, row in rows])
        shown, headers = lists.cut_page(rows, call.headers)
        return to_json(shown, headers=headers)

    def _row(self, call: Call, found: Collection, key: str) -> JsonValue:
        """Return a member as its list shows it: the id, or the object."""
        if found.holds_objects:
            return self._item(call, found, key, found.element_type)
        return shape.key_as_json(call.service, found, key)

    def _filter(self, call: Call, found: Collection, keys: list[str]) -> list[str]:
        """Keep the members whose property has the value of a query parameter about it."""
        record = call.service.types.record(found.item_type or found.element_type)
        if record is None:
            return keys
        about = {name: shape.property_for(record, name, found.stem) for name in call.query}
        wanted = [(p, call.query[name]) for name, p in about.items() if p and call.query[name] != ["null"]]
        if not wanted:
            return keys
        type_text = found.item_type or found.element_type
        items = {key: self._item(call, found, key, type_text) for key in keys}
        return [k for k, item in items.items() if all(lists.matches(item, p, v) for p, v in wanted)]

    # --- POST, PUT, DELETE -------------------------------------------------------------------------

    def _post(self, call: Call) -> JsonValue:
        found = shape.find_collection(call.service, call.route)
        if found is not None:
            return self._add(call, found)
        if "GET" in call.route.operations:
            return self._put(call)
        return self._act(call)

    def _add(self, call: Call, found: Collection) -> JsonValue:
        keys = self._keys(call.service, found, call.place)
        if len(keys) >= MEMBERS:
            raise No(403, f"Quota of {MEMBERS} objects reached", kind="Client::Forbidden")
        fields = writable(call.service.types, call.operation, call.body)
        named = fields.get(found.key_name)
        if named is None or named == "":
            named = shape.next_key(call.service, found, "/".join(call.place), keys)
        key = str(named)
        if key in keys:
            raise No(409, f"The object {key[:100]} already exists", kind="Client::Conflict")
        self._state.add(call.place, key, fields)
        answer_type = call.operation.response_type
        if self._shows_item(call.service, found, answer_type):
            return self._item(call, found, key, answer_type)
        return self._made(call)

    def _shows_item(self, service: Service, found: Collection, type_text: str) -> bool:
        """Tell whether an answer is the member itself, and not the task that makes it."""
        if type_text in (found.item_type, found.element_type):
            return True
        record = service.types.record(type_text)
        return record is not None and found.key_name in record.fields and not type_text.endswith("Task")

    def _act(self, call: Call) -> JsonValue:
        """Answer an action: of an item, it may change and show the item (POST …/{volumeId}/upsize)."""
        parent = call.service.router.at(call.route.segments[:-1])
        get = parent.operations.get("GET") if parent else None
        if parent is None or get is None or get.response_type != call.operation.response_type:
            return self._made(call)
        place = call.place[:-1]
        self._state.change(place, writable(call.service.types, call.operation, call.body))
        return self._view(call, get.response_type, place, parent)

    def _put(self, call: Call) -> JsonValue:
        types = call.service.types
        whole = call.operation.whole_body
        if whole is not None and types.record(whole.type_text) is None:
            self._state.replace(call.place, call.body)
        else:
            self._state.change(call.place, self._renamed(call, writable(types, call.operation, call.body)))
        get = call.route.operations.get("GET")
        if get is not None and get.response_type == call.operation.response_type:
            return self._view(call, get.response_type, call.place, call.route)
        return self._made(call)

    def _renamed(self, call: Call, fields: JsonObject) -> JsonObject:
        """Return fields under the names of the object they are for: instanceName is name."""
        get = call.route.operations.get("GET")
        record = call.service.types.record(get.response_type) if get else None
        found = self._around(call.service, call.route)
        if record is None or found is None:
            return fields
        return {shape.property_for(record, name, found.stem) or name: v for name, v in fields.items()}

    def _delete(self, call: Call) -> JsonValue:
        get = call.route.operations.get("GET")
        if get is not None and get.response_type == call.operation.response_type:
            last = self._view(call, get.response_type, call.place, call.route)
        else:
            last = self._made(call)
        self._state.remove(call.place)
        return last

    # --- what is there -----------------------------------------------------------------------------

    def _check_path(self, call: Call) -> None:
        """Refuse a path on which something does not exist, from the outermost collection inwards."""
        segments = call.route.segments
        for length in range(2, len(segments) + 1):
            if parameter_name(segments[length - 1]) is None:
                continue
            listing = call.service.router.at(segments[: length - 1])
            found = shape.find_collection(call.service, listing) if listing else None
            place = call.place[: length + 1]
            if found and place[-1] not in self._keys(call.service, found, place[:-1]):
                raise not_found(f"The requested object ({found.key_name} = {place[-1][:100]}) does not exist")

    def _around(self, service: Service, route: Route) -> Collection | None:
        """Return the collection that the route's items are in."""
        listing = service.router.at(route.segments[:-1])
        return shape.find_collection(service, listing) if listing else None

    def _keys(self, service: Service, found: Collection, place: Place) -> list[str]:
        seed = "/".join(place)
        return self._state.members(place, lambda: shape.make_keys(service, found, seed))

    def _made(self, call: Call) -> JsonValue:
        """Return a value of the answer's type that belongs to nothing in the account."""
        seed = "/".join((*call.place, call.operation.http_method))
        return call.service.values.make(call.operation.response_type, seed)

    def _view(self, call: Call, type_text: str, place: Place, route: Route) -> JsonValue:
        """Return what is at a place: an item with its key, or an object that stands alone."""
        found = self._around(call.service, route) if parameter_name(route.segments[-1]) else None
        if found is not None and call.service.types.record(type_text) is not None:
            return self._item(call, found, place[-1], type_text, collection=place[:-1])
        known = self._state.value(place)
        seed = "/".join(place)
        if known is None:
            return call.service.values.make(type_text, seed)
        return call.service.values.complete(type_text, known, seed, is_made_up=True)

    def _item(
        self, call: Call, found: Collection, key: str, type_text: str, *, collection: Place | None = None
    ) -> JsonObject:
        """Return a member as an object of `type_text`; what was set in it wins over what is made up."""
        place = (*(call.place if collection is None else collection), key)
        record = call.service.types.record(type_text)
        if record is None:
            return {}
        known = self._state.value(place)
        around = {name: v for name, v in call.params.items() if name != found.key_name}
        given: JsonObject = {**shape.inherited(record, around), **(known if isinstance(known, dict) else {})}
        if holder := shape.key_property(record, found):
            given[holder] = shape.key_as_json(call.service, found, key)
        is_own = self._state.is_inside_created(place)
        item = call.service.values.complete(type_text, given, "/".join(place), is_made_up=not is_own)
        return item if isinstance(item, dict) else {}


def _is_paged(call: Call) -> bool:
    """Tell whether the operation has pages of v2."""
    is_list = isinstance(call.service.types.resolve(call.operation.response_type), ListOf)
    return is_list and "X-Pagination-Size" in call.operation.named("header")
