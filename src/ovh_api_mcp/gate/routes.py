"""The templates of a catalogue as a tree of segments, where literals win over parameters.

Invariant: a tree is built once and never changed after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.path import Segment


class RouteNode:
    """One place in the tree: what may follow, and the template of each method that ends here."""

    __slots__ = ("literals", "parameter", "templates")

    def __init__(self) -> None:
        self.literals: dict[str, RouteNode] = {}
        self.parameter: RouteNode | None = None
        self.templates: dict[Method, str] = {}

    def template(self) -> str:
        """Return the template that ends here, as the first of its methods spells it."""
        return next(iter(self.templates.values()))


def build_routes(routes: Iterable[tuple[Method, str]]) -> RouteNode:
    """Return the root of the tree of methods and path templates.

    A template that begins like the one before it starts from there: sorted ones take half the time.
    """
    root = RouteNode()
    before, parts_before = "", list[str]()
    nodes = [root]  # where each part of `before` begins; the last one is where it ends
    for method, template in routes:
        if template != before:
            parts = template[1:].split("/")
            shared = _shared(parts_before, parts)
            del nodes[shared + 1 :]
            for part in parts[shared:]:
                nodes.append(_child(nodes[-1], part))
            before, parts_before = template, parts
        nodes[-1].templates[method] = template
    return root


def find_route(node: RouteNode, segments: tuple[Segment, ...], *, by_value: bool = False) -> RouteNode | None:
    """Return the place where a path ends, or None where no template fits.

    A segment that came through `params` fits a parameter only, unless `by_value`: then it is taken
    for what the API sees. Text is compared percent-decoded, as the API's router does it. At most
    two ways lead on from each of the 12 segments a template has.
    """
    if not segments:
        return node if node.templates else None
    segment, rest = segments[0], segments[1:]
    literal = None if segment.parameter and not by_value else node.literals.get(segment.value)
    for child in (literal, node.parameter):
        if child is not None and (found := find_route(child, rest, by_value=by_value)) is not None:
            return found
    return None


def node_at(root: RouteNode, parts: Iterable[str]) -> RouteNode | None:
    """Return the place of the parts of a template, whatever its parameters are called."""
    node: RouteNode | None = root
    for part in parts:
        if node is None:
            return None
        node = node.parameter if is_parameter(part) else node.literals.get(part)
    return node


def walk_routes(node: RouteNode) -> Iterator[RouteNode]:
    """Yield every place of the tree where a template ends."""
    pending = [node]
    while pending:
        node = pending.pop()
        if node.templates:
            yield node
        pending.extend(node.literals.values())
        if node.parameter is not None:
            pending.append(node.parameter)


def is_parameter(part: str) -> bool:
    """Tell whether a part of a template is `{name}`."""
    return part.startswith("{") and part.endswith("}")


def _shared(before: list[str], parts: list[str]) -> int:
    """Return how many parts at the beginning are the same."""
    for number, (one, other) in enumerate(zip(before, parts, strict=False)):
        if one != other:
            return number
    return min(len(before), len(parts))


def _child(node: RouteNode, part: str) -> RouteNode:
    if is_parameter(part):
        if node.parameter is None:
            node.parameter = RouteNode()
        return node.parameter
    child = node.literals.get(part)
    if child is None:
        child = node.literals[part] = RouteNode()
    return child
