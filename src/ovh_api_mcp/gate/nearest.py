"""The operations that a path without one was probably meant for.

A search over the tree of routes for the cheapest way to read the path: a segment may be misspelt,
missing or too many, the branch may be another. Where that is not sure, the templates follow that
share the most telling words with the path. Nothing is shown rather than what has nothing to do with
it. Cost: some milliseconds, bounded by the number of steps.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count
from typing import Final, NamedTuple

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.path import Segment
from ovh_api_mcp.gate.refusal import resemblance
from ovh_api_mcp.gate.routes import RouteNode, walk_routes

_STEPS: Final = 250
_READINGS: Final = 10  # that are compared
_SURE: Final = 0.6  # a value and a misspelling: what is meant is known
_TOO_SHORT: Final = 2  # a branch and one word tell too little to be sure
_MUCH_WORSE: Final = 0.7  # than the best reading: not worth showing
_SEGMENTS: Final = 16  # a template has 12 at most
_COST_LIMIT: Final = 1.5  # about one segment and one misspelling
_BRANCH: Final = 0.2  # the branch is missing, or the other one was meant
_PARAMETER: Final = 0.15  # a literal is likelier meant than a value
_SEGMENT: Final = 1.0  # a segment is missing or too many
_ALIKE: Final = 0.75  # what counts as misspelt
_MISSPELT: Final = 0.1  # beside the difference itself
_OTHER_METHOD: Final = 0.5
_BRANCHES: Final = ("v1", "v2")
_WORD_CHARS: Final = 128  # of a segment or template that are looked at
_ABBREVIATION: Final = 4  # letters at least
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class _Place(NamedTuple):
    """A place in the tree, with how much of the path was read on the way.

    `is_guess` where the place itself stands for no segment of the path. Below a guess no word is
    taken for a value: any word would then fit anywhere.
    """

    node: RouteNode
    read: int
    is_guess: bool = False


class Nearest:
    """Finds the operations nearest to a path."""

    def __init__(self, root: RouteNode) -> None:
        self._root = root

    def operations(self, method: Method, segments: Sequence[Segment], limit: int = 5) -> list[str]:
        """Return up to `limit` operations as "GET /v1/…", the likeliest first."""
        read = self._by_reading(method, segments[:_SEGMENTS])
        best = read[0][0] if read else math.inf
        nodes = [node for cost, node in read if cost <= best + _MUCH_WORSE]
        if best > _SURE or len(segments) <= _TOO_SHORT:
            nodes += self._by_words(method, segments[:_SEGMENTS], limit)
        return list(dict.fromkeys(_operation(method, node) for node in nodes))[:limit]

    def _by_reading(self, method: Method, segments: Sequence[Segment]) -> list[tuple[float, RouteNode]]:
        """Return cost and place of the cheapest ways to read the path, the cheapest first."""
        order = count()
        queue = [(0.0, next(order), _Place(self._root, 0))]
        seen: set[_Place] = set()
        found: list[tuple[float, int, RouteNode]] = []
        for _ in range(_STEPS):
            if not queue or len(found) == _READINGS:
                break
            cost, _, place = heapq.heappop(queue)
            if place in seen:
                continue
            seen.add(place)
            if place.read == len(segments) and place.node.templates:
                worse = 0.0 if method in place.node.templates else _OTHER_METHOD
                found.append((cost + worse, next(order), place.node))
            for further, reached in self._steps(place, segments):
                if cost + further <= _COST_LIMIT:
                    heapq.heappush(queue, (cost + further, next(order), reached))
        found.sort(key=lambda entry: entry[:2])
        return [(cost, node) for cost, _, node in found]

    def _steps(self, place: _Place, segments: Sequence[Segment]) -> Iterator[tuple[float, _Place]]:
        """Yield the ways on with their costs."""
        node, read, is_guess = place
        is_root = node is self._root
        missing = _BRANCH if is_root else _SEGMENT
        guesses = [(missing, _Place(child, read, is_guess=True)) for child in _children(node)]
        if read == len(segments):
            yield from guesses
            return
        segment = segments[read]
        if is_root and segment.value in (*_BRANCHES, "1.0"):
            for name, child in node.literals.items():
                yield (0.0 if name == segment.value else _BRANCH), _Place(child, read + 1)
        else:
            yield from guesses
            yield from _literals(node, segment, read)
        yield _SEGMENT, _Place(node, read + 1, is_guess)
        if node.parameter is not None and (segment.parameter or not is_guess):
            yield (0.0 if segment.parameter else _PARAMETER), _Place(node.parameter, read + 1)

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


def _literals(node: RouteNode, segment: Segment, read: int) -> Iterator[tuple[float, _Place]]:
    """Yield the literal that a segment is, or else those that it may have been meant for."""
    exact = node.literals.get(segment.value)
    if exact is not None:
        yield 0.0, _Place(exact, read + 1)
        return
    for name, child in node.literals.items():
        alike = resemblance(_singular(segment.value), _singular(name))
        if alike >= _ALIKE:
            yield _MISSPELT + 1.0 - alike, _Place(child, read + 1)


def _children(node: RouteNode) -> Iterator[RouteNode]:
    yield from node.literals.values()
    if node.parameter is not None:
        yield node.parameter


def _words(text: str) -> Iterator[str]:
    """Yield the words of a name or a template, in lower case and in the singular."""
    for word in _WORD.findall(text[:_WORD_CHARS]):
        if len(word) > 1 and word not in _BRANCHES:
            yield _singular(word.lower())


def _singular(word: str) -> str:
    if len(word) < _ABBREVIATION:
        return word  # dns, ips
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def _is_same_word(wanted: str, word: str) -> bool:
    """Tell whether two words are one, an abbreviation counted: kube and kubernetes."""
    if min(len(wanted), len(word)) < _ABBREVIATION:
        return wanted == word
    return wanted.startswith(word) or word.startswith(wanted)


def _operation(method: Method, node: RouteNode) -> str:
    chosen = method if method in node.templates else next(iter(node.templates))
    return f"{chosen} {node.templates[chosen]}"
