"""Finds the route of a path: literals win over templates, values are percent-decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from ovh_api_mcp.simulator.native import Api, Operation

PARAMETER = "{_}"  # any parameter, in a template that is looked up
_SEGMENTS = 64  # of a path; real templates have at most 12


@dataclass(frozen=True, slots=True)
class Route:
    """A path template, cut at its slashes, with its operations by method."""

    segments: tuple[str, ...]
    operations: dict[str, Operation]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    template: _Node | None = None
    route: Route | None = None


class Router:
    """The routes of one service."""

    def __init__(self, apis: tuple[Api, ...]) -> None:
        self._root = _Node()
        for api in apis:
            self._add(api)

    def find(self, segments: tuple[str, ...]) -> Route | None:
        """Return the route of a decoded path."""
        return _walk(self._root, segments)

    def at(self, template: tuple[str, ...]) -> Route | None:
        """Return the route of a template; the names in its braces do not matter."""
        node: _Node | None = self._root
        for segment in template:
            if node is not None:
                node = node.template if parameter_name(segment) else node.literals.get(segment)
        return None if node is None else node.route

    def routes(self) -> Iterator[Route]:
        """Yield every route."""
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            if node.route is not None:
                yield node.route
            nodes += [*node.literals.values(), *([node.template] if node.template else [])]

    def _add(self, api: Api) -> None:
        segments = tuple(api.path.strip("/").split("/"))
        node = self._root
        for segment in segments:
            if parameter_name(segment):
                node.template = node.template or _Node()
                node = node.template
            else:
                node = node.literals.setdefault(segment, _Node())
        if node.route is None:
            node.route = Route(segments, {})
        node.route.operations.update({op.http_method: op for op in api.operations})


def split_path(raw_path: str) -> tuple[str, ...] | None:
    """Cut a path without its first slash at the others and decode each segment once.

    None for what no route can match.
    """
    segments = raw_path.split("/", _SEGMENTS)
    if len(segments) > _SEGMENTS:
        return None
    try:
        decoded = tuple(unquote(segment, errors="strict") for segment in segments)
    except UnicodeDecodeError:
        return None
    return decoded if all(decoded) else None


def parameter_name(segment: str) -> str | None:
    """Return the name inside `{name}`, None for a literal segment."""
    return segment[1:-1] if segment.startswith("{") and segment.endswith("}") else None


def _walk(node: _Node, segments: tuple[str, ...]) -> Route | None:
    if not segments:
        return node.route
    literal = node.literals.get(segments[0])
    found = _walk(literal, segments[1:]) if literal else None
    if found is None and node.template is not None:
        found = _walk(node.template, segments[1:])
    return found
