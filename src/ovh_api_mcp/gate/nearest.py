"""The operations that a path without one was probably meant for.

A search over the tree of routes for the cheapest way to read the path: a segment may be misspelt,
missing or too many, the branch may be another. What room is left goes to the templates that share
the most telling words with the path. Cost: some milliseconds, bounded by the number of steps.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count
from typing import Final

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.path import Segment
from ovh_api_mcp.gate.refusal import resemblance
from ovh_api_mcp.gate.routes import RouteNode, walk_routes

_STEPS: Final = 250
_SEGMENTS: Final = 16  # a template has 12 at most
_COST_LIMIT: Final = 1.5  # about one segment and one misspelling
_BRANCH: Final = 0.2  # the branch is missing, or the other one was meant
_PARAMETER: Final = 0.3  # a literal is likelier meant than a value
_SEGMENT: Final = 1.0  # a segment is missing or too many
_ALIKE: Final = 0.7  # what counts as misspelt
_MISSPELT: Final = 0.1  # beside the difference itself
_OTHER_METHOD: Final = 0.5
_BRANCHES: Final = ("v1", "v2")
_WORD_CHARS: Final = 128  # of a segment or template that are looked at
_ABBREVIATION: Final = 4  # letters at least
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_Reading = tuple[float, RouteNode, int]  # cost so far, place in the tree, segments read


class Nearest:
    """Finds the operations nearest to a path."""

    def __init__(self, root: RouteNode) -> None:
        self._root = root

    def operations(self, method: Method, segments: Sequence[Segment], limit: int = 5) -> list[str]:
        """Return up to `limit` operations as "GET /v1/…", the likeliest first."""
        nodes = list(self._by_reading(method, segments[:_SEGMENTS], limit))
        if len(nodes) < limit:
            nodes += self._by_words(method, segments[:_SEGMENTS], limit)
        return list(dict.fromkeys(_operation(method, node) for node in nodes))[:limit]

    def _by_reading(self, method: Method, segments: Sequence[Segment], limit: int) -> Iterator[RouteNode]:
        order = count()
        queue = [(0.0, next(order), self._root, 0)]
        seen: set[tuple[int, int]] = set()
        found: list[tuple[float, int, RouteNode]] = []
        for _ in range(_STEPS):
            if not queue:
                break
            cost, _, node, read = heapq.heappop(queue)
            if (id(node), read) in seen:
                continue
            seen.add((id(node), read))
            if read == len(segments) and node.templates:
                worse = 0.0 if method in node.templates else _OTHER_METHOD
                found.append((cost + worse, next(order), node))
                if len(found) >= 2 * limit:
                    break
            for further, child, read_then in self._steps(node, segments, read):
                if cost + further <= _COST_LIMIT:
                    heapq.heappush(queue, (cost + further, next(order), child, read_then))
        found.sort(key=lambda entry: entry[:2])
        for _, _, node in found[:limit]:
            yield node

    def _steps(self, node: RouteNode, segments: Sequence[Segment], read: int) -> Iterator[_Reading]:
        is_root = node is self._root
        missing = _BRANCH if is_root else _SEGMENT
        if read == len(segments):
            yield from ((missing, child, read) for child in _children(node))
            return
        segment = segments[read]
        is_version = is_root and segment.value in (*_BRANCHES, "1.0")
        if not is_version:
            yield from ((missing, child, read) for child in _children(node))
        yield _SEGMENT, node, read + 1
        if node.parameter is not None:
            yield (0.0 if segment.parameter else _PARAMETER), node.parameter, read + 1
        for name, child in node.literals.items():
            if is_version:
                yield (0.0 if name == segment.value else _BRANCH), child, read + 1
            elif name == segment.value:
                yield 0.0, child, read + 1
            elif (alike := resemblance(segment.value, name)) >= _ALIKE:
                yield _MISSPELT + 1.0 - alike, child, read + 1

    def _by_words(self, method: Method, segments: Sequence[Segment], limit: int) -> list[RouteNode]:
        """Return the places whose templates share words with the path; a rare word tells more."""
        scores: dict[int, float] = {}
        for wanted in {word for segment in segments for word in _words(segment.value)}:
            for word in self._index:
                if _is_same_word(wanted, word):
                    for number in self._index[word]:
                        scores[number] = scores.get(number, 0.0) + 1.0 / math.log(2 + len(self._index[word]))
        best = heapq.nsmallest(limit, scores, key=lambda number: self._rank(number, scores[number], method))
        return [self._nodes[number] for number in best]

    def _rank(self, number: int, score: float, method: Method) -> tuple[float, int, str]:
        node = self._nodes[number]
        template = node.template()
        wrong_method = 0.0 if method in node.templates else _OTHER_METHOD
        return wrong_method - score, template.count("/"), template

    @cached_property
    def _nodes(self) -> list[RouteNode]:
        return list(walk_routes(self._root))

    @cached_property
    def _index(self) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        for number, node in enumerate(self._nodes):
            for word in set(_words(node.template())):
                index.setdefault(word, []).append(number)
        return index


def _children(node: RouteNode) -> Iterator[RouteNode]:
    yield from node.literals.values()
    if node.parameter is not None:
        yield node.parameter


def _words(text: str) -> Iterator[str]:
    """Yield the words of a name or a template, in lower case and in the singular."""
    for word in _WORD.findall(text[:_WORD_CHARS]):
        if len(word) > 1 and word not in _BRANCHES:
            yield word.lower().removesuffix("s")


def _is_same_word(wanted: str, word: str) -> bool:
    """Tell whether two words are one, an abbreviation counted: kube and kubernetes."""
    if min(len(wanted), len(word)) < _ABBREVIATION:
        return wanted == word
    return wanted.startswith(word) or word.startswith(wanted)


def _operation(method: Method, node: RouteNode) -> str:
    chosen = method if method in node.templates else next(iter(node.templates))
    return f"{chosen} {node.templates[chosen]}"
