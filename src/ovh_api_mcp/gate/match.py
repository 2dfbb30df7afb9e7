"""From method and path to the operation they name, or a refusal that teaches.

The API routes by the path first: a literal wins over a parameter at every segment, and only then
does it look at the method. So does this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Final
from urllib.parse import quote, unquote

from ovh_api_mcp.catalog.absences import Absence, Absences
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import RefusedError, cut_foreign
from ovh_api_mcp.gate.nearest import Nearest
from ovh_api_mcp.gate.path import CallPath, Segment
from ovh_api_mcp.gate.refusal import listed, nearest_names, quoted, refusal, resemblance
from ovh_api_mcp.gate.routes import RouteNode, build_routes, find_route, is_parameter, node_at
from ovh_api_mcp.limits import MESSAGE_CHARS, PATH_CHARS, PATH_DECODINGS, READINGS

_PLACEHOLDER: Final = re.compile(
    r".*\{.*|.*\}.*"  # {zoneName}
    r"|<.*>"  # <zoneName>
    r"|:[A-Za-z_]\w*"  # :zoneName
    r"|\.{3}|…|[xX]{3,}"
    r"|(?:YOUR|MY)[_-][A-Z0-9_-]+|[A-Z]+(?:[_-][A-Z]+)*[_-](?:ID|NAME)"  # YOUR_PROJECT_ID
)
_VERSION: Final = re.compile(r"v\d{1,2}|\d{1,2}\.\d{1,2}")
_SHOWN_CHARS: Final = 100
_MERGED_SEGMENTS: Final = 16
_SLIP: Final = 0.75  # as much alike at least: a name that was meant
_FIND: Final = 'Look operations up with ovh.find("words").'


@dataclass(frozen=True, slots=True)
class Route:
    """The operation that a path names: its template, and the path as it goes over the wire."""

    method: Method
    template: str
    wire: str


class Router:
    """Routes calls over the operations of one catalogue."""

    def __init__(self, routes: Iterable[tuple[Method, str]], absences: Absences | None = None) -> None:
        self._absences = absences or Absences()
        self._root = build_routes(routes)
        self._nearest = Nearest(self._root)

    def route(self, method: Method, path: CallPath) -> Route:
        """Return the one operation that method and path name.

        *Raises* RefusedError: unknown-operation, method-not-allowed, or invalid-call for a value
        that is a placeholder or would lead to another operation.
        """
        node = find_route(self._root, path.segments)
        if node is None:
            raise self._unknown(method, path)
        if find_route(self._root, path.segments, by_value=True) is not node:
            raise self._leads_elsewhere(node, path)
        template = node.templates.get(method)
        if template is None:
            raise _other_methods(method, node)
        if not path.is_template:
            self._refuse_placeholder(template, path)
        return _route(method, template, path)

    def readings(self, method: Method, path: CallPath) -> list[Route] | None:
        """Return the other operations that a path is read as by who decodes %2F early.

        Most paths have none. None where there are too many ways to read it.
        """
        found: dict[str, Route] = {}
        for ways, segments in enumerate(_split_readings(path.segments), 1):
            if ways > READINGS:
                return None
            node = find_route(self._root, segments, by_value=True)
            if node is not None and method in node.templates:
                template = node.templates[method]
                found[template] = _route(method, template, CallPath(segments, path.is_template))
        return list(found.values())

    def has(self, method: Method, template: str) -> bool:
        """Tell whether there is an operation on a template, the names in whose braces do not matter."""
        node = find_route(self._root, _segments(template))
        return node is not None and method in node.templates

    def nearest(self, path: str) -> list[str]:
        """Return the path templates that a text which is none was probably meant for, the likeliest first."""
        found = self._nearest.operations(Method.GET, _segments(path))
        return list(dict.fromkeys(operation.partition(" ")[2] for operation in found))

    def methods(self, template: str) -> list[Method]:
        """Return the methods of a path template, whatever its parameters are called."""
        node = node_at(self._root, template[1:].split("/"))
        return [] if node is None else list(node.templates)

    def get_above(self, parts: Sequence[str], place: int) -> int:
        """Return the length of the longest template with a GET among the first `place` parts; 0 for none."""
        for length in range(place, 0, -1):
            node = node_at(self._root, parts[:length])
            if node is not None and Method.GET in node.templates:
                return length
        return 0

    def fixed_part_near(self, method: Method, parts: Sequence[str], place: int, value: str) -> str:
        """Return the fixed part that `value`, at a parameter's `place`, is a slip of; "" for none.

        With it in its place the template must still be one, with this method.
        """
        node = node_at(self._root, parts[:place])
        for near in nearest_names(value, node.literals if node else ()):
            other = node_at(self._root, [*parts[:place], near, *parts[place + 1 :]])
            if resemblance(value, near) >= _SLIP and other is not None and method in other.templates:
                return near
        return ""

    def no_operation(self, method: Method, path: str) -> RefusedError:
        """Return the refusal of a path, literal or template, that names no operation."""
        segments = _segments(path)
        return self._unknown(method, CallPath(segments or (Segment("", ""),), is_template=False))

    def _unknown(self, method: Method, path: CallPath) -> RefusedError:
        fact = f"There is no operation {method} {cut_foreign(path.wire, _SHOWN_CHARS)}."
        if absence := self._absence(path):
            fact = f"{method} {cut_foreign(path.wire, _SHOWN_CHARS)} is not known."
            return refusal("unknown-operation", f"{fact} {absence}", hint=absence.hint)
        if hint := self._branch_hint(path):
            return refusal("unknown-operation", f"{fact} {hint}", hint=hint)
        nearest = self._nearest.operations(method, path.segments)
        hint = self._slash_hint(method, path.segments, nearest)
        room_chars = MESSAGE_CHARS - len(f"{fact} {hint} Nearest: , ….")
        near = f"Nearest: {listed(nearest, room_chars)}." if nearest else _FIND
        return refusal("unknown-operation", " ".join(filter(None, (fact, hint, near))), hint=hint or near)

    def _absence(self, path: CallPath) -> Absence | None:
        """Return the service that the path belongs to, where the catalogue lacks that."""
        first = path.segments[0].value
        if any(first in branch.literals for branch in self._root.literals.values()):
            return None  # the branch is missing in front of it, and one has it
        return self._absences.of_path("/".join(segment.value for segment in path.segments))

    def _branch_hint(self, path: CallPath) -> str:
        """Return the advice for a path that is right but for its branch, or ""."""
        first, rest = path.segments[0], path.segments
        if _VERSION.fullmatch(first.value):
            rest = path.segments[1:]
        for branch in ("v1", "v2"):
            segments = (Segment(branch, branch), *rest)
            node = find_route(self._root, segments)
            if node is not None:
                right = cut_foreign(CallPath(segments, path.is_template).wire, _SHOWN_CHARS)
                methods = ", ".join(node.templates)
                return f"Paths begin with /v1 or /v2, and this one is {right} ({methods})."
        return ""

    def _slash_hint(self, method: Method, segments: tuple[Segment, ...], nearest: list[str]) -> str:
        """Return the advice for a value whose slash made two segments of it, or ""."""
        if len(segments) > _MERGED_SEGMENTS or _is_one_word_off(segments, nearest):
            return ""
        for length in range(2, len(segments)):
            for start in range(1, len(segments) - length + 1):
                end = start + length
                value = "/".join(segment.value for segment in segments[start:end])
                merged = Segment(value, quote(value, safe=""))
                node = find_route(self._root, (*segments[:start], merged, *segments[end:]))
                if node is not None and method in node.templates:
                    name = node.templates[method].split("/")[start + 1].strip("{}")
                    return (
                        f"If a value holds a slash, encode it (%2F) or give the value through params: "
                        f'{{{name}}} in the path and params: {{ {name}: "{cut_foreign(value, 60)}" }}.'
                    )
        return ""

    def _leads_elsewhere(self, node: RouteNode, path: CallPath) -> RefusedError:
        given = [(segment.parameter, segment.value) for segment in path.segments if segment.parameter]
        other = find_route(self._root, path.segments, by_value=True)
        where = other.template() if other is not None else "another path"
        named = listed((f"{name}: {quoted(value)}" for name, value in given), 120)
        return refusal(
            "invalid-call",
            f"With params {named} the path {node.template()} becomes {where}, which is another operation. "
            "A fixed segment wins over a parameter. To call that one, give its path.",
        )

    def _refuse_placeholder(self, template: str, path: CallPath) -> None:
        for number, part in enumerate(template[1:].split("/")):
            value = path.segments[number].value
            if is_parameter(part) and _PLACEHOLDER.fullmatch(value):
                lister = find_route(self._root, path.segments[:number])
                source = (
                    f" {lister.template()} (GET) lists them."
                    if lister is not None and Method.GET in lister.templates
                    else ""
                )
                raise refusal(
                    "invalid-call",
                    f"{quoted(value)} in the path is a placeholder: put the real value of {part} there, or "
                    f"keep {part} in the path and give params: {{ {part.strip('{}')}: … }}.{source}",
                    hint=f"Give the real value of {part}.{source}",
                )


def _segments(path: str) -> tuple[Segment, ...]:
    """Return the segments of a text that need not be a path; a template's parameters fit parameters only."""
    parts = path[:PATH_CHARS].strip("/").split("/")
    return tuple(Segment(part, part, part[1:-1] if is_parameter(part) else "") for part in parts if part)


def _split_readings(segments: tuple[Segment, ...]) -> Iterator[tuple[Segment, ...]]:
    """Yield what a path becomes where some of the slashes in its values separate segments."""
    choices = [
        ((segment,), tuple(Segment(part, quote(part, safe="")) for part in decoded.split("/")))
        if "/" in (decoded := _decoded(segment.value))
        else ((segment,),)
        for segment in segments
    ]
    readings = product(*choices)
    next(readings)  # none of them: the path as it was given
    for reading in readings:
        yield tuple(chain.from_iterable(reading))


def _decoded(value: str) -> str:
    """Return a value as whoever decodes it again and again reads it."""
    for _ in range(PATH_DECODINGS):
        value = unquote(value)
    return value


def _route(method: Method, template: str, path: CallPath) -> Route:
    pairs = zip(template[1:].split("/"), path.segments, strict=True)
    wire = "".join(f"/{segment.wire if is_parameter(part) else part}" for part, segment in pairs)
    return Route(method, template, wire)


def _other_methods(method: Method, node: RouteNode) -> RefusedError:
    methods = " and ".join(node.templates)
    hint = f"This path has {methods}."
    if node.parameter is not None and method in node.parameter.templates:
        hint += f" There is {method} {node.parameter.templates[method]}."
    return refusal("method-not-allowed", f"There is no {method} on {node.template()}. {hint}", hint=hint)


def _is_one_word_off(segments: tuple[Segment, ...], nearest: list[str]) -> bool:
    """Tell whether the first suggestion has as many segments: then a word is wrong, not a slash too many."""
    return bool(nearest) and nearest[0].count("/") == len(segments)
