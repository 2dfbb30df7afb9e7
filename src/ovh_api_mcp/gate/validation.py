"""Whether a request is what the schema of its operation says, before anything is sent.

A compiled validator answers yes in microseconds. Only a no is looked at more closely: each fault
with its place, what came, what is wanted by the document, and the nearest right name or value.
Validators are compiled once per operation, from the components that it leads to, and the most
recently used ones are kept. Safe to use from several threads.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.catalog.signature import Detail, Signature
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.gate.fault import Fault, fault, place, shown, shown_safely
from ovh_api_mcp.gate.formats import OWN_FORMATS, wanted_format, wanted_pattern
from ovh_api_mcp.gate.refusal import listed, nearest_names
from ovh_api_mcp.gate.request_schema import (
    PLACES,
    Components,
    is_read_only,
    place_of,
    properties_of,
    request_schema,
    resolved,
    writable_names,
)
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import (
    ALL_FAULTS_BYTES,
    FAULTS_FOUND,
    READ_ONLY_FOUND,
    THIN_ELEMENTS,
    THIN_VALUES,
    VALIDATORS_KEPT,
)

if TYPE_CHECKING:  # a server that has no call to check need not load 15 MB of it
    from jsonschema_rs import Draft202012Validator, ValidationError

_log = logging.getLogger(__name__)
_WANTED: Final = Detail(levels=1, enum_values=12, fields=12, note_chars=0)
_NAMES_CHARS: Final = 120
_NEAREST: Final = 2
_UNKNOWN_SHOWN: Final = 5  # unknown fields of one object; who misspells more has another object in mind
_TOP_LEVEL: Final = "its fields directly, without a wrapper around them"


@dataclass(frozen=True, slots=True)
class _Compiled:
    validator: Draft202012Validator
    has_read_only: bool
    answered: frozenset[str]


class Validation:
    """Compares requests with the schemas of their operations.

    `components` are those of the document; `answers` returns what a GET of a path template answers.
    """

    def __init__(self, components: Components, answers: Callable[[str], JsonObject]) -> None:
        self._components = components
        self._answers = answers
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Method, str], _Compiled] = OrderedDict()

    def faults(self, operation: Operation, request: JsonObject, body_bytes: int = 0) -> tuple[Fault, ...]:
        """Return what is wrong with a request, {"path": {…}, "query": {…}, "header": {…}, "body": …}.

        Of one with more than ALL_FAULTS_BYTES in its body they are looked for in the beginnings of its
        lists, else the first is told: the validator finds all or one, and a large body may hold a million.
        """
        validator = self._compiled(operation).validator
        if validator.is_valid(request):
            return ()
        errors = validator.iter_errors(request) if body_bytes <= ALL_FAULTS_BYTES else iter(())
        if body_bytes > ALL_FAULTS_BYTES:
            thin = _thinned(request)
            is_enough = thin is not None and not validator.is_valid(thin)
            errors = validator.iter_errors(thin) if is_enough else _first(validator, request)
        explained = _Explanation(operation, self._components, request)
        found: dict[str, Fault] = {}
        for error in errors:
            for each in explained.faults(error):
                found.setdefault(each.where, each)
            if len(found) >= FAULTS_FOUND:
                break
        return tuple(found.values())

    def read_only_fields(self, operation: Operation, body: JsonValue) -> list[tuple[str | int, ...]]:
        """Return the places of a body's fields that the API only answers."""
        compiled = self._compiled(operation)
        if not compiled.has_read_only:
            return []
        beyond = [(name,) for name in body if name in compiled.answered] if isinstance(body, dict) else []
        places = _read_only(operation.body_schema, body, self._components, ())
        return [*beyond, *islice(places, READ_ONLY_FOUND)]

    def _compiled(self, operation: Operation) -> _Compiled:
        key = (operation.method, operation.path)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        compiled = self._compile(operation)
        with self._lock:
            self._kept[key] = compiled
            if len(self._kept) > VALIDATORS_KEPT:
                self._kept.popitem(last=False)
        return compiled

    def _compile(self, operation: Operation) -> _Compiled:
        is_put = operation.method is Method.PUT
        answered = self._answers(operation.path) if is_put else None
        wanted = request_schema(operation, self._components, answered)
        return _Compiled(_usable(operation, wanted.schema), wanted.has_read_only, wanted.answered)


def load_validator() -> None:
    """Load the library of validators, which takes 40 ms that the first call need not wait."""
    import jsonschema_rs  # noqa: F401  # late: see TYPE_CHECKING above


def compile_schema(schema: JsonObject) -> Draft202012Validator:
    """Return a validator that asserts formats and fetches nothing."""
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(schema, formats={**OWN_FORMATS}, validate_formats=True, offline=True)


def _usable(operation: Operation, schema: JsonObject) -> Draft202012Validator:
    """Return the validator of a schema; where OVHcloud's makes no valid one, one that takes everything."""
    from jsonschema_rs import ReferencingError, ValidationError

    try:
        return compile_schema(schema)
    except (ValidationError, ReferencingError) as error:
        name, reason = f"{operation.method} {operation.path}", cut_foreign(error.message)
        _log.warning("event=schema-unusable operation=%r reason=%r", name, reason)
        return compile_schema({})


def _thinned(request: JsonObject) -> JsonValue:
    """Return a copy with the first elements of each list, None where that is still too much.

    No schema of ours wants a list to be long, so the copy has no fault that the request has not.
    """
    left = THIN_VALUES

    def copy(value: JsonValue) -> JsonValue:
        nonlocal left
        left -= len(value) if isinstance(value, dict) else 1
        if left < 0:
            raise _TooMuch
        if isinstance(value, list):
            return [copy(each) for each in value[:THIN_ELEMENTS]]
        return {name: copy(each) for name, each in value.items()} if isinstance(value, dict) else value

    try:
        return copy(request)
    except (_TooMuch, RecursionError):
        return None


class _TooMuch(Exception):
    """A copy has become large."""


def _first(validator: Draft202012Validator, request: JsonObject) -> Iterator[ValidationError]:
    from jsonschema_rs import ValidationError

    try:
        validator.validate(request)
    except ValidationError as error:
        yield error


class _Explanation:
    """Says of the validator's errors what the document wants in their places."""

    def __init__(self, operation: Operation, components: Components, request: JsonObject) -> None:
        self._operation = operation
        self._components = components
        self._request = request
        self._signature = Signature(components, _WANTED, is_request=True)

    def faults(self, error: ValidationError) -> Iterable[Fault]:
        """Return what is wrong in the place of one error; more than one where several names are unknown."""
        path, kind = _real_path(self._request, error.instance_path), error.kind.as_dict()
        match error.kind.name:
            case "required":
                return [self._missing(path, str(kind["property"]))]
            case "additionalProperties":
                return self._unknown(path, [str(name) for name in kind["unexpected"]])
            case "propertyNames":
                return [self._wrong_key(path, kind["error"].instance)]
            case "format":
                return [self._wrong(path, wanted_format(str(kind["format"])))]
            case "pattern":
                return [self._wrong(path, wanted_pattern(str(kind["pattern"])))]
            case "enum":
                return [self._no_choice(path)]
            case _:
                return [self._wrong(path, self._type(self._schema(path)))]

    def _missing(self, path: tuple[str | int, ...], name: str) -> Fault:
        where = (*path, name)
        return fault(place(where), "missing", self._type(self._schema(where)))

    def _unknown(self, path: tuple[str | int, ...], names: Sequence[str]) -> Iterator[Fault]:
        known = [*self._fields(path)]
        takes = f"one of {listed(known, _NAMES_CHARS)}" if known else "no such, it takes none"
        what = "field" if path[:1] == ("body",) or len(path) > 1 else f"{path[0]} parameter"
        for number, name in enumerate(names[:_UNKNOWN_SHOWN]):
            wanted = "one of the same" if number else takes
            if len(names) == 1 and self._is_wrapper(path, name, known):
                wanted = _TOP_LEVEL
            got = f"unknown {what}" if name else f"unknown {what} with an empty name"
            yield fault(place((*path, name)), got, wanted, nearest_names(name, known, _NEAREST))
        if len(names) > _UNKNOWN_SHOWN:
            yield fault(place(path), f"{len(names) - _UNKNOWN_SHOWN} more unknown fields", takes)

    def _is_wrapper(self, path: tuple[str | int, ...], name: str, known: Sequence[str]) -> bool:
        """Tell whether an unknown field holds the fields that belong beside it."""
        inner = _at(self._request, (*path, name))
        return path == ("body",) and isinstance(inner, dict) and not inner.keys().isdisjoint(known)

    def _wrong_key(self, path: tuple[str | int, ...], key: JsonValue) -> Fault:
        names = resolved(self._schema(path), self._components).get("propertyNames")
        near = self._nearest(key, resolved(names, self._components).get("enum"))
        return fault(place((*path, str(key))), "unknown key", f"keys {self._type(names)}", near)

    def _no_choice(self, path: tuple[str | int, ...]) -> Fault:
        schema = self._schema(path)
        near = self._nearest(_at(self._request, path), resolved(schema, self._components).get("enum"))
        return self._wrong(path, self._type(schema), near)

    def _wrong(self, path: tuple[str | int, ...], wanted: str, near: Sequence[str] = ()) -> Fault:
        declared = resolved(self._schema(path), self._components)
        value = _at(self._request, path)
        got = shown_safely(value, path, is_password=declared.get("format") == "password")
        if value is None and self._is_optional(path):
            wanted += ", or leave it out"
        return fault(place(path), got, wanted, near)

    def _is_optional(self, path: tuple[str | int, ...]) -> bool:
        if path == ("body",):
            return not self._operation.is_body_required
        required = resolved(self._schema(path[:-1]), self._components).get("required")
        return isinstance(path[-1], str) and path[-1] not in (required if isinstance(required, list) else ())

    def _nearest(self, value: JsonValue, values: JsonValue) -> list[str]:
        if not isinstance(value, str) or not isinstance(values, list):
            return []
        names = [each for each in values if isinstance(each, str)]
        return [shown(each) for each in nearest_names(value, names, _NEAREST)]

    def _type(self, schema: JsonValue) -> str:
        declared = resolved(schema, self._components)
        if isinstance(declared.get("anyOf"), list):
            return wanted_format("ip")
        if isinstance(declared.get("pattern"), str):
            return wanted_pattern(str(declared["pattern"]))
        if properties_of(declared):
            return f"an object with {listed(_names(declared), _NAMES_CHARS)}"
        return on_one_line(self._signature.type_text(schema))

    def _fields(self, path: tuple[str | int, ...]) -> Iterable[str]:
        if len(path) == 1 and path[0] in PLACES:
            return (each.name for each in self._operation.parameters if each.place == path[0])
        return writable_names(resolved(self._schema(path), self._components))

    def _schema(self, path: tuple[str | int, ...]) -> JsonValue:
        """Return what the document says of a place of the request."""
        if path[:1] == ("body",):
            schema: JsonValue = self._operation.body_schema
            for step in path[1:]:
                schema = _inside(resolved(schema, self._components), step)
            return schema
        schema = next((one.schema for one in self._operation.parameters if path[:2] == place_of(one)), {})
        for step in path[2:]:
            schema = _inside(resolved(schema, self._components), step)
        return schema


def on_one_line(type_text: str) -> str:
    """Return a type of several lines on one."""
    lines = [line.strip() for line in type_text.split("\n")]
    text = lines[0]
    for before, line in pairwise(lines):
        text += f" {line}" if before.endswith("{") or line.startswith("}") else f", {line}"
    return text


def _names(schema: JsonObject) -> Iterator[str]:
    """Yield the fields that an object takes: the required ones, then name? of the others."""
    required = schema.get("required")
    needed = [str(name) for name in required] if isinstance(required, list) else []
    yield from needed
    yield from (f"{name}?" for name in writable_names(schema) if name not in needed)


def _real_path(value: JsonValue, steps: Sequence[str | int]) -> tuple[str | int, ...]:
    """Return the place that an error of the validator names: keys that look like numbers are keys.

    The library gives "012" as 12 and leaves "" out (seen in 0.61); of an error at "" itself, the place is
    the object around it.
    """
    path: list[str | int] = []
    for step in steps:
        if isinstance(value, dict) and _key(value, step) is None and isinstance(value.get(""), dict | list):
            path.append("")
            value = value[""]
        key = _key(value, step) if isinstance(value, dict) else step
        path.append(step if key is None else key)
        value = _at(value, path[-1:])
    return tuple(path)


def _key(value: JsonObject, step: str | int) -> str | None:
    """Return the key of an object that a step stands for."""
    if str(step) in value:
        return str(step)
    return next((key for key in value if key.isdecimal() and int(key) == step), None)


def _inside(schema: JsonObject, step: str | int) -> JsonValue:
    if isinstance(step, int):
        return schema.get("items")
    properties = properties_of(schema)
    return properties[step] if step in properties else schema.get("additionalProperties")


def _at(value: JsonValue, path: Sequence[str | int]) -> JsonValue:
    """Return what stands in a place; None where nothing does."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _read_only(
    schema: JsonValue, value: JsonValue, components: Components, path: tuple[str | int, ...]
) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of read-only fields, unless all fields of their object are said to be that."""
    declared = resolved(schema, components)
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _read_only(declared.get("items"), each, components, (*path, number))
    elif isinstance(value, dict):
        fields = properties_of(declared)
        is_mixed = not all(map(is_read_only, fields.values()))
        for name, each in value.items():
            if is_mixed and is_read_only(fields.get(name)):
                yield (*path, name)
            elif not is_read_only(fields.get(name)):
                inner = fields[name] if name in fields else declared.get("additionalProperties")
                yield from _read_only(inner, each, components, (*path, name))
