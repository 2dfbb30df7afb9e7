"""OVH's own OpenAPI export of a service beside what the catalogue makes of the same service.

The exports are OpenAPI 3.0, the catalogue is 3.1, so both are first brought to one spelling. What the
two versions of OpenAPI spell differently is no difference: `nullable`, and `allOf` around a reference,
are `["…", "null"]` and `anyOf`; a `$ref` of 3.0 has neither text nor `readOnly` beside it; the exporter
has a component for each of OVH's own primitive types. Everything else is, and is listed by operation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
_PREFIX = "#/components/schemas/"
_PRIMITIVE_COMPONENTS = frozenset(
    {"any", "duration", "email", "ip", "ipBlock", "ipInterface", "ipv4", "ipv6"}
)
_PRIMITIVE_COMPONENTS |= {
    "ipv4Block",
    "ipv6Block",
    "macAddress",
    "phoneNumber",
    "internationalPhoneNumber",
    "time",
}
_LABELS = {
    "PRODUCTION": "Stable production version",
    "DEPRECATED": "Deprecated, will be removed",
    "BETA": "Beta version",
    "ALPHA": "Alpha version",
}
NO_OPERATION = "no operation"


@dataclass(frozen=True, order=True)
class Difference:
    """What the two say differently of one operation; `place` is a part of it, or a model with a property."""

    operation: str
    kind: str
    place: str
    export: str
    catalogue: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.kind} of {self.place or 'all'}: {self.export!r} → {self.catalogue!r}"


@dataclass(frozen=True)
class _Type:
    """A schema in the common spelling; text and read_only are None where they cannot be said."""

    form: str  # "model", "array", "map", "enum", or a type of JSON
    format: str = ""
    model: str = ""
    is_nullable: bool = False
    is_read_only: bool | None = False
    text: str | None = ""
    node: Schema = field(default_factory=dict, compare=False)


class ExportComparison:
    """Lists how one export differs from the catalogue's document."""

    def __init__(self, export: Schema, document: Schema) -> None:
        self._export, self._document = export, document
        self._branch = export["servers"][0]["url"].rpartition("/")[2].replace("1.0", "v1")
        self._found: set[Difference] = set()
        self._operation = NO_OPERATION
        self._been_in: set[tuple[str, str]] = set()
        self._reached: set[str] = set()

    def differences(self) -> list[Difference]:
        theirs = {(f"/{self._branch}{path}", *rest): each for path, *rest, each in _operations(self._export)}
        root = "/".join(next(iter(theirs))[0].split("/")[:3])
        ours = {
            (path, method): each
            for path, method, each in _operations(self._document)
            if path == root or path.startswith(f"{root}/")
        }
        for path, method in sorted(theirs.keys() | ours.keys()):
            self._begin(f"{method.upper()} {path}")
            there, here = theirs.get((path, method)), ours.get((path, method))
            self._same("operation", "", there is not None, here is not None)
            if there is not None and here is not None:
                self._compare(there, here)
        self._begin(NO_OPERATION)
        for model in self._export["components"]["schemas"].keys() - self._reached - _PRIMITIVE_COMPONENTS:
            is_here = model in self._document["components"]["schemas"]
            self._same("model", model, True, is_here)
            if is_here:
                self._models(model, model)
        return sorted(self._found)

    def _begin(self, operation: str) -> None:
        self._operation, self._been_in = operation, set()

    def _compare(self, there: Schema, here: Schema) -> None:
        for text in ("summary", "description"):
            self._same(text, "", there.get(text, ""), here.get(text, ""))
        self._same_sets("tags", "", there.get("tags", ()), here["tags"])
        self._same("security", "", bool(there.get("security")), here.get("security") != [])
        self._status(there, here)
        actions = (there.get("x-iam-actions", ()), here.get("x-ovh-iam-actions", ()))
        self._same_sets(
            "actions", "", *([(one["name"], one["required"]) for one in each] for each in actions)
        )
        self._same("list", "", there.get("x-expanded-response", ""), self._item_model(here))
        self._parameters(there, here)
        self._body(there.get("requestBody"), here.get("requestBody"))
        self._responses(there["responses"], here["responses"])

    def _status(self, there: Schema, here: Schema) -> None:
        status = here["x-ovh-status"]
        [badge] = there["x-badges"]
        self._same("status", "", badge["label"], status.get("description", _LABELS[status["value"]]))
        self._same("status", "deprecated", there.get("deprecated", False), here.get("deprecated", False))
        for theirs, ours in (
            ("x-deprecation-date", "deprecatedDate"),
            ("x-deletion-date", "deletionDate"),
            ("x-replacement-route", "replacement"),
        ):
            self._same("status", ours, there.get(theirs, ""), status.get(ours, ""))

    def _item_model(self, here: Schema) -> str:
        """Return the model that the item operation of a list answers, as the exporter writes it: VpsIp."""
        item = here.get("x-ovh-list", {}).get("item")
        if item is None:
            return ""
        answer = _content(self._document["paths"][item]["get"]["responses"]["200"])
        model = answer.get("$ref", "no model").removeprefix(_PREFIX).partition("-v")[0]
        return "".join(part[:1].upper() + part[1:] for part in re.split(r"[._]", model))

    def _parameters(self, there: Schema, here: Schema) -> None:
        theirs, ours = (
            {f"{each['in']} {each['name']}": each for each in given.get("parameters", ())}
            for given in (there, here)
        )
        for place in sorted(theirs.keys() | ours.keys()):
            self._same("parameter", place, place in theirs, place in ours)
            if place in theirs and place in ours:
                one, other = theirs[place], ours[place]
                self._same("required", place, one.get("required", False), other.get("required", False))
                self._same("text", place, one.get("description", ""), other.get("description", ""))
                self._types(place, one["schema"], other["schema"])

    def _body(self, there: Schema | None, here: Schema | None) -> None:
        self._same("body", "", there is not None, here is not None)
        if there is None or here is None:
            return
        self._same("required", "body", there.get("required", False), here.get("required", False))
        self._same("text", "body", there.get("description", ""), here.get("description", ""))
        self._same("examples", "body", _has_examples(there), _has_examples(here))
        self._types("body", _content(there), _content(here))

    def _responses(self, there: Schema, here: Schema) -> None:
        shared = self._document["components"]["responses"]
        for status in sorted(there.keys() | here.keys()):
            place = f"answer {status}"
            self._same("response", place, status in there, status in here)
            if status not in there or status not in here:
                continue
            theirs, ours = there[status], here[status]
            if "$ref" in ours:
                ours = shared[ours["$ref"].rpartition("/")[2]]
                errors = theirs["content"]["application/json"]["examples"]
                self._same_sets("errors", place, errors, ours["x-ovh-errors"])
            else:
                self._same("examples", place, _has_examples(theirs), _has_examples(ours))
            self._same("response", f"{place} content", "content" in theirs, "content" in ours)
            if "content" in theirs and "content" in ours:
                self._types(place, _content(theirs), _content(ours))

    # --- types ---------------------------------------------------------------------------------

    def _types(self, place: str, there: Schema, here: Schema) -> None:
        theirs, ours = self._export_type(there), _catalogue_type(here)
        self._same("nullable", place, theirs.is_nullable, ours.is_nullable)
        if theirs.is_read_only is not None:
            self._same("readOnly", place, theirs.is_read_only, ours.is_read_only)
        if theirs.text is not None:
            self._same("text", place, theirs.text, ours.text)
        self._same("type", place, theirs.form, ours.form)
        self._same("format", place, theirs.format, ours.format)
        if theirs.form == ours.form:
            self._parts(place, theirs, ours)

    def _parts(self, place: str, theirs: _Type, ours: _Type) -> None:
        match theirs.form:
            case "model":
                self._same("name", place, theirs.model, ours.model)
                self._models(theirs.model, ours.model)
            case "array":
                self._types(f"{place}[]", theirs.node["items"], ours.node["items"])
            case "map":
                self._same("type", f"{place} keys", "string", ours.node.get("propertyNames", "string"))
                values = (each.node["additionalProperties"] for each in (theirs, ours))
                self._types(f"{place}{{}}", *values)
            case "object":
                self._objects(place, theirs.node, ours.node)
            case "enum":
                self._same("type", place, theirs.node["type"], ours.node["type"])
                self._same_sets("enum", place, theirs.node["enum"], ours.node["enum"])

    def _models(self, theirs: str, ours: str) -> None:
        self._reached.add(theirs)
        if (theirs, ours) in self._been_in:
            return
        self._been_in.add((theirs, ours))
        there = self._export["components"]["schemas"][theirs]
        if there.get("description") == theirs:
            there = {**there, "description": ""}
        self._types(theirs, there, self._document["components"]["schemas"][ours])

    def _objects(self, place: str, there: Schema, here: Schema) -> None:
        theirs, ours = there.get("properties", {}), here.get("properties", {})
        for name in sorted(theirs.keys() | ours.keys()):
            at = f"{place}.{name}"
            self._same("property", at, name in theirs, name in ours)
            if name in theirs and name in ours:
                required = (name in each.get("required", ()) for each in (there, here))
                self._same("required", at, *required)
                self._types(at, theirs[name], ours[name])

    def _export_type(self, node: Schema) -> _Type:
        [inner] = node.get("allOf", [node])
        reference, can_say = inner.get("$ref"), "$ref" not in node
        outside = (
            node.get("nullable", False),
            node.get("readOnly", False) if can_say else None,
            node.get("description", "") if can_say else None,
        )
        if reference is not None:
            name = reference.removeprefix(_PREFIX)
            if name not in _PRIMITIVE_COMPONENTS:
                return _Type("model", "", name, *outside)
            node = self._export["components"]["schemas"][name]
        return _Type(_form(node), node.get("format", ""), "", *outside, node)

    def _same_sets(self, kind: str, place: str, export: Iterable[Any], catalogue: Iterable[Any]) -> None:
        """Compare without regard to order; a difference shows only what the other side has not."""
        theirs, ours = list(export), list(catalogue)
        self._same(kind, place, _without(theirs, ours), _without(ours, theirs), are_differences=True)

    def _same(
        self, kind: str, place: str, export: object, catalogue: object, *, are_differences: bool = False
    ) -> None:
        if (export or catalogue) if are_differences else export != catalogue:
            self._found.add(Difference(self._operation, kind, place, str(export), str(catalogue)))


def _catalogue_type(node: Schema) -> _Type:
    is_read_only, text, is_nullable = node.get("readOnly", False), node.get("description", ""), False
    if {"type": "null"} in node.get("anyOf", ()):
        node, is_nullable = node["anyOf"][0], True
    elif isinstance(node.get("type"), list):
        [kind, null] = node["type"]
        assert null == "null"
        node, is_nullable = {**node, "type": kind}, True
    if "$ref" in node:
        return _Type("model", "", node["$ref"].removeprefix(_PREFIX), is_nullable, is_read_only, text)
    form = f"pattern {node['pattern']}" if "pattern" in node else node.get("format", "")
    if "anyOf" in node:
        form = " or ".join(each["format"] for each in node["anyOf"])
    return _Type(_form(node), form, "", is_nullable, is_read_only, text, node)


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _form(node: Schema) -> str:
    if "enum" in node:
        return "enum"
    form: str = "map" if "additionalProperties" in node else node.get("type", "any")
    return form


def _content(holder: Schema) -> Schema:
    schema: Schema = holder["content"]["application/json"]["schema"]
    return schema


def _has_examples(holder: Schema) -> bool:
    return "examples" in holder.get("content", {}).get("application/json", {})


def _without(values: Collection[Any], others: Collection[Any]) -> str:
    return ", ".join(sorted(repr(each) for each in values if each not in others))
