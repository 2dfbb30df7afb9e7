"""Answers an operation from the state of the account: what GET, POST, PUT and DELETE do to what is there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import SIMULATOR_BATCH, SIMULATOR_KEPT
from ovh_api_mcp.simulator import collection as shape
from ovh_api_mcp.simulator import lists
from ovh_api_mcp.simulator.answers import Answer, No, not_found, to_json
from ovh_api_mcp.simulator.bodies import writable
from ovh_api_mcp.simulator.collection import Collection
from ovh_api_mcp.simulator.library import Service
from ovh_api_mcp.simulator.native import Operation
from ovh_api_mcp.simulator.routing import Route, parameter_name
from ovh_api_mcp.simulator.saved import SavedState
from ovh_api_mcp.simulator.state import Place, State, parse_place, path_of
from ovh_api_mcp.simulator.tasks import Tasks, find_task_list, is_ready
from ovh_api_mcp.simulator.types import ListOf, Record


@dataclass(frozen=True, slots=True)
class CheckedRequest:
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
        self.tasks = Tasks()
        self.not_expanded: set[str] = set()

    def fill(self, path: str, count: int) -> None:
        """Give a v1 list of ids, "/v1/domain/zone/example.com/record", as many members, numbered from 1."""
        self._state.fill(parse_place(path), map(str, range(1, min(count, SIMULATOR_KEPT) + 1)))

    def load(self, saved: SavedState) -> None:
        """Have what a file says, and nothing else."""
        self._state.load(saved)
        self.tasks.load({parse_place(path): each for path, each in saved.under_way.items()})

    def saved(self) -> SavedState:
        """Return what there is as a file has it."""
        under_way = {path_of(place): each for place, each in self.tasks.under_way.items()}
        return msgspec.structs.replace(self._state.saved(), under_way=under_way)

    def end_tasks(self, outcome: str) -> int:
        """End what is under way as `outcome` says, where its model has such a state; return how many."""
        ended = self.tasks.end_all(outcome)
        for place, changed in ended.items():
            self._move_on(place, changed)
        return len(ended)

    def changes(self) -> dict[str, JsonValue]:
        """Return what the account was given to begin with, and what requests have created or set."""
        return self._state.changes()

    def known(self, place: Place) -> JsonValue:
        """Return what was set at a place, whether a schema knows it or not; None where nothing was."""
        return self._state.value(place)

    def add(self, request: CheckedRequest, key: str, fields: JsonObject) -> None:
        """Make the member that a request asks for, with such a key and with `fields` beside its own.

        Raises `No` where there is no such collection, or no room in it.
        """
        self.check_place(request.service, request.route, request.place)
        found = shape.find_collection(request.service, request.route)
        if found is None:
            raise not_found("Got an invalid (or empty) URL")
        self._check_room(request, found)
        asked = writable(request.service.types, request.operation, request.body)
        self._state.add(request.place, key, {**asked, **fields})

    def answer(self, request: CheckedRequest) -> Answer:
        """Do what the request asks for; raises `No` where something on its path does not exist."""
        if not _is_batch(request):
            self.check_place(request.service, request.route, request.place)
        match request.operation.http_method:
            case "GET":
                return self._get(request)
            case "POST":
                return to_json(self._post(request))
            case "PUT":
                return to_json(self._put(request))
            case "DELETE":
                return to_json(self._delete(request))
            case method:
                raise No(405, f"Method {method} is not simulated", kind="Client::MethodNotAllowed")

    # --- GET -------------------------------------------------------------------------------------

    def _get(self, request: CheckedRequest) -> Answer:
        found = shape.find_collection(request.service, request.route)
        if found is not None:
            return self._list(request, found)
        if _is_batch(request):
            return self._batch(request, request.headers["x-ovh-batch"])
        value = self._looked_at(request)
        if isinstance(value, list) and _is_paged(request):
            value, headers = lists.cut_page([(str(i), row) for i, row in enumerate(value)], request.headers)
            return to_json(value, headers=headers)
        return to_json(value)

    def _list(self, request: CheckedRequest, found: Collection) -> Answer:
        keys = self._filter(request, found, self._keys(request.service, found, request.place))
        if self._is_expanded(request, found) and found.item_type:
            items = [self._item(request, found, key, found.item_type) for key in keys]
            page, headers = lists.expand(items, request.headers)
            return to_json([*page], headers=headers)
        rows = [(key, self._row(request, found, key)) for key in keys]
        if not _is_paged(request):
            return to_json([row for _, row in rows])
        shown, headers = lists.cut_page(rows, request.headers)
        return to_json(shown, headers=headers)

    def _batch(self, request: CheckedRequest, separator: str) -> Answer:
        """Answer for each of some ids in the last segment: {"key", "value", "error"}."""
        keys = request.place[-1].split(separator)
        if len(keys) > SIMULATOR_BATCH:
            raise No(400, f"A batch takes {SIMULATOR_BATCH} ids at most, in the last segment")
        rows: list[JsonValue] = []
        for key in keys:
            one = replace(request, place=(*request.place[:-1], key))
            try:
                self.check_place(one.service, one.route, one.place)
                rows.append({"key": key, "value": self._looked_at(one), "error": None})
            except No as no:
                rows.append({"key": key, "value": None, "error": no.body})
        return to_json(rows)

    def _looked_at(self, request: CheckedRequest) -> JsonValue:
        """Return what is at the place of a request; what is under way there moves on."""
        if changed := self.tasks.look(request.place):
            self._move_on(request.place, changed)
        return self._view(request, request.operation.response_type, request.place, request.route)

    def _move_on(self, place: Place, changed: JsonObject) -> None:
        """Set the fields of a next state; a resource of v2 that is ready is what it was to be."""
        self._state.change(place, changed)
        known = self._state.value(place)
        if is_ready(changed) and isinstance(known, dict):
            self._state.change(place, _as_wanted(known))

    def _is_expanded(self, request: CheckedRequest, found: Collection) -> bool:
        """Tell whether a list is asked for as objects, and can give them."""
        if not lists.is_expanded(request.headers) or found.item_type is None or _is_paged(request):
            return False
        return "/" + "/".join((request.place[0], *request.route.segments)) not in self.not_expanded

    def _row(self, request: CheckedRequest, found: Collection, key: str) -> JsonValue:
        """Return a member as its list shows it: the id, or the object."""
        if found.holds_objects:
            return self._item(request, found, key, found.element_type)
        return shape.key_as_json(request.service, found, key)

    def _filter(self, request: CheckedRequest, found: Collection, keys: list[str]) -> list[str]:
        """Keep the members whose property has the value of a query parameter about it."""
        record = request.service.types.record(found.item_type or found.element_type)
        if record is None:
            return keys
        about = {name: shape.property_for(record, name, found.stem) for name in request.query}
        wanted = [
            (p, request.query[name]) for name, p in about.items() if p and request.query[name] != ["null"]
        ]
        if not wanted:
            return keys
        type_text = found.item_type or found.element_type
        items = {key: self._item(request, found, key, type_text) for key in keys}
        return [k for k, item in items.items() if all(lists.matches(item, p, v) for p, v in wanted)]

    # --- POST, PUT, DELETE -------------------------------------------------------------------------

    def _post(self, request: CheckedRequest) -> JsonValue:
        found = shape.find_collection(request.service, request.route)
        if found is not None:
            return self._add(request, found)
        if "GET" in request.route.operations:
            return self._put(request)
        return self._act(request)

    def _add(self, request: CheckedRequest, found: Collection) -> JsonValue:
        keys = self._check_room(request, found)
        fields = writable(request.service.types, request.operation, request.body)
        named = fields.get(found.key_name)
        if named is None or named == "":
            named = shape.next_key(request.service, found, "/".join(request.place), keys)
        key = str(named)
        if key in keys:
            raise No(409, f"The object {key[:100]} already exists", kind="Client::Conflict")
        self._state.add(request.place, key, fields)
        if found.item_type and (record := request.service.types.record(found.item_type)):
            place = (*request.place, key)
            begun = self.tasks.begin(place, request.service.types, record)
            self._state.change(place, {**_as_wanted(fields), **begun})
        answer_type = request.operation.response_type
        if self._shows_item(request.service, found, answer_type):
            return self._item(request, found, key, answer_type)
        return self._made(request)

    def _check_room(self, request: CheckedRequest, found: Collection) -> list[str]:
        """Return the keys of a collection that has room for one more."""
        keys = self._keys(request.service, found, request.place)
        if len(keys) >= SIMULATOR_KEPT:
            raise No(403, f"Quota of {SIMULATOR_KEPT} objects reached", kind="Client::Forbidden")
        return keys

    def _shows_item(self, service: Service, found: Collection, type_text: str) -> bool:
        """Tell whether an answer is the member itself, and not the task that makes it."""
        if type_text in (found.item_type, found.element_type):
            return True
        record = service.types.record(type_text)
        return record is not None and found.key_name in record.fields and not type_text.endswith("Task")

    def _act(self, request: CheckedRequest) -> JsonValue:
        """Answer an action: of an item, it may change and show the item (POST …/{volumeId}/upsize)."""
        parent = request.service.router.at(request.route.segments[:-1])
        get = parent.operations.get("GET") if parent else None
        if parent is None or get is None or get.response_type != request.operation.response_type:
            return self._made(request)
        place = request.place[:-1]
        self._state.change(place, writable(request.service.types, request.operation, request.body))
        return self._view(request, get.response_type, place, parent)

    def _put(self, request: CheckedRequest) -> JsonValue:
        types = request.service.types
        whole = request.operation.whole_body
        if whole is not None and types.record(whole.type_text) is None:
            self._state.replace(request.place, request.body)
        else:
            self._state.change(
                request.place, self._renamed(request, writable(types, request.operation, request.body))
            )
        get = request.route.operations.get("GET")
        if get is not None and (record := types.record(get.response_type)):
            self._begin_update(request, record)
        if get is not None and _is_of(get.response_type, request.operation.response_type):
            return self._view(request, request.operation.response_type, request.place, request.route)
        return self._made(request)

    def _begin_update(self, request: CheckedRequest, record: Record) -> None:
        if begun := self.tasks.begin_update(request.place, request.service.types, record):
            self._state.change(request.place, begun)

    def _renamed(self, request: CheckedRequest, fields: JsonObject) -> JsonObject:
        """Return fields under the names of the object they are for: instanceName is name."""
        get = request.route.operations.get("GET")
        record = request.service.types.record(get.response_type) if get else None
        found = self._around(request.service, request.route)
        if record is None or found is None:
            return fields
        return {shape.property_for(record, name, found.stem) or name: v for name, v in fields.items()}

    def _delete(self, request: CheckedRequest) -> JsonValue:
        get = request.route.operations.get("GET")
        if get is not None and get.response_type == request.operation.response_type:
            last = self._view(request, get.response_type, request.place, request.route)
        else:
            last = self._made(request)
        self._state.remove(request.place)
        self.tasks.forget(request.place)
        return last

    # --- what is there -----------------------------------------------------------------------------

    def check_place(self, service: Service, route: Route, place: Place) -> None:
        """Refuse a place on whose way something does not exist, from the outermost collection inwards.

        Raises `No` with status 404.
        """
        segments = route.segments
        for length in range(2, len(segments) + 1):
            if parameter_name(segments[length - 1]) is None:
                continue
            listing = service.router.at(segments[: length - 1])
            found = shape.find_collection(service, listing) if listing else None
            *around, key = place[: length + 1]
            if found and key not in self._keys(service, found, tuple(around)):
                raise not_found(f"The requested object ({found.key_name} = {key[:100]}) does not exist")

    def _around(self, service: Service, route: Route) -> Collection | None:
        """Return the collection that the route's items are in."""
        listing = service.router.at(route.segments[:-1])
        return shape.find_collection(service, listing) if listing else None

    def _keys(self, service: Service, found: Collection, place: Place) -> list[str]:
        seed = "/".join(place)
        return self._state.members(place, lambda: shape.make_keys(service, found, seed))

    def _made(self, request: CheckedRequest) -> JsonValue:
        """Return the task that a write begins, or a value that belongs to nothing in the account."""
        return self._begun(request) or self._new_value(request)

    def _begun(self, request: CheckedRequest) -> JsonValue:
        """Begin a task where the answer is one that can be read again; None elsewhere."""
        service, type_text = request.service, request.operation.response_type
        record = service.types.record(type_text)
        if record is None or not type_text.endswith("Task"):
            return None
        listing = find_task_list(service.router, request.route, type_text)
        found = shape.find_collection(service, listing) if listing else None
        if listing is None or found is None:
            return None
        params = request.params
        names = [parameter_name(segment) for segment in listing.segments]
        filled = [params[n] if n else part for n, part in zip(names, listing.segments, strict=True)]
        place: Place = (request.place[0], *filled)
        key = shape.next_key(service, found, "/".join(place), self._keys(service, found, place))
        self._state.add(place, key, self.tasks.begin((*place, key), service.types, record))
        return self._item(request, found, key, type_text, collection=place)

    def _new_value(self, request: CheckedRequest) -> JsonValue:
        seed = "/".join((*request.place, request.operation.http_method))
        return request.service.values.make(request.operation.response_type, seed)

    def _view(self, request: CheckedRequest, type_text: str, place: Place, route: Route) -> JsonValue:
        """Return what is at a place: an item with its key, or an object that stands alone."""
        found = self._around(request.service, route) if parameter_name(route.segments[-1]) else None
        if found is not None and request.service.types.record(type_text) is not None:
            return self._item(request, found, place[-1], type_text, collection=place[:-1])
        known = self._state.value(place)
        seed = "/".join(place)
        if known is None:
            return request.service.values.make(type_text, seed)
        return request.service.values.complete(type_text, known, seed, is_made_up=True)

    def _item(
        self,
        request: CheckedRequest,
        found: Collection,
        key: str,
        type_text: str,
        *,
        collection: Place | None = None,
    ) -> JsonObject:
        """Return a member as an object of `type_text`; what was set in it wins over what is made up."""
        place = (*(request.place if collection is None else collection), key)
        record = request.service.types.record(type_text)
        if record is None:
            return {}
        known = self._state.value(place)
        around = {name: v for name, v in request.params.items() if name != found.key_name}
        given: JsonObject = {**shape.inherited(record, around), **(known if isinstance(known, dict) else {})}
        if holder := shape.key_property(record, found):
            given[holder] = shape.key_as_json(request.service, found, key)
        is_own = self._state.is_inside_created(place)
        item = request.service.values.complete(type_text, given, "/".join(place), is_made_up=not is_own)
        return item if isinstance(item, dict) else {}


def _as_wanted(fields: JsonObject) -> JsonObject:
    """Return the state of a resource of v2 that is what its `targetSpec` says; {} for anything else."""
    wanted, current = fields.get("targetSpec"), fields.get("currentState")
    if not isinstance(wanted, dict):
        return {}
    return {"currentState": {**(current if isinstance(current, dict) else {}), **wanted}}


def _is_of(shown: str, type_text: str) -> bool:
    """Tell whether an answer's type is that of the object itself, whose GET may add what IAM knows."""
    return shown in (type_text, f"{type_text}WithIAM")


def _is_batch(request: CheckedRequest) -> bool:
    """Tell whether items are asked for by several ids in the last segment."""
    is_asked = request.operation.http_method == "GET" and bool(request.headers.get("x-ovh-batch"))
    return is_asked and parameter_name(request.route.segments[-1]) is not None


def _is_paged(request: CheckedRequest) -> bool:
    """Tell whether the operation has pages of v2."""
    is_list = isinstance(request.service.types.resolve(request.operation.response_type), ListOf)
    return is_list and "X-Pagination-Size" in request.operation.named("header")
