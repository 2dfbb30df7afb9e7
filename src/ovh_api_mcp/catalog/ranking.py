"""Ranks operations by what bm25 cannot know.

A score has these parts, each between 0 and about 1:

- how much of the question the operation answers: for each group of stems the best place where one
  stands, weighted by how rare the stem is;
- how much of the path the question explains: a segment nobody asked for leads elsewhere;
- bm25, a little, between operations that are alike in the rest;
- times what the verb asks for, the operation's prior, and a little less for each step down.

Pure: no I/O, the same result for the same arguments. Cost: some microseconds a candidate.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, NamedTuple

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.question import Question
from ovh_api_mcp.catalog.terms import Intent

# What a stem is worth by the place where it stands.
_TAIL: Final = 1.0
_TAIL_NAME: Final = 0.9
_PATH: Final = 0.75
_PATH_NAME: Final = 0.66
_ABOUT: Final = 0.6
_FIELD: Final = 0.3
_FIELD_TO_SET: Final = 0.5  # of a PUT: whoever wants to change a thing names what is to change
_RAREST: Final = 5.0  # a stem that one operation has is not worth more than one that fifty have

# What a segment counts when it is asked how much of the path is explained.
_LAST_SEGMENT: Final = 2.0
_ROOT_SEGMENT: Final = 0.35  # of the service: people leave it out
_BY_NAME: Final = 0.75  # a segment that only its plain name explains

_EXPLAINED: Final = 0.5  # share of the score that depends on it
_BM25: Final = 0.1
_DEEPER: Final = 0.97  # per literal segment below the service
_OTHER_NUMBER: Final = 0.85  # GET of an item where a list is asked for, of a list where an item is

_METHODS: Final[Mapping[Intent | None, Mapping[str, float]]] = {
    None: {Method.GET: 1.0, Method.POST: 0.85, Method.PUT: 0.75, Method.DELETE: 0.6},
    "read": {Method.GET: 1.0, Method.POST: 0.6, Method.PUT: 0.5, Method.DELETE: 0.4},
    "create": {Method.GET: 0.6, Method.POST: 1.0, Method.PUT: 0.75, Method.DELETE: 0.4},
    "change": {Method.GET: 0.6, Method.POST: 0.88, Method.PUT: 1.0, Method.DELETE: 0.4},
    "delete": {Method.GET: 0.5, Method.POST: 0.7, Method.PUT: 0.5, Method.DELETE: 1.0},
    "undo": {Method.GET: 0.5, Method.POST: 0.85, Method.PUT: 0.9, Method.DELETE: 1.0},
    "act": {Method.GET: 0.65, Method.POST: 1.0, Method.PUT: 0.9, Method.DELETE: 0.6},
}


class Candidate(NamedTuple):
    """What the index knows of an operation (find_index.py), and its bm25 for a question."""

    number: int
    prior: float
    method: str
    roots: int
    steps: int
    is_item: int
    is_list: int
    tail: str
    tail_names: str
    path: str
    path_names: str
    about: str
    fields: str
    bm25: float


class Ranked(NamedTuple):
    """A score and the number of the operation that has it."""

    score: float
    number: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A group of the question: its weight, and its stems as they stand in a text, with their worth."""

    weight: float
    stems: tuple[tuple[str, float], ...]


def rank(
    question: Question, candidates: Sequence[Candidate], operation_count: int, limit: int
) -> list[Ranked]:
    """Return the `limit` best with their scores, the best first; equal ones in the catalogue's order.

    How much of its path is explained costs the most, so it is asked only of candidates that could still
    be among the best if all of it were.
    """
    best: list[float] = []  # a heap of the `limit` highest scores
    ranked = []
    share_of = lru_cache(None)(partial(_share, {each for group in question.groups for each in group.stems}))
    for ceiling, answered, rest, each in _by_ceiling(question, candidates, operation_count):
        if len(best) == limit and ceiling < (best[0] if best else math.inf):
            break
        score = answered * (1.0 - _EXPLAINED * (1.0 - _explained(each, share_of))) + rest
        score *= _factor(each, question)
        heapq.heappush(best, score)
        if len(best) > limit:
            heapq.heappop(best)
        ranked.append(Ranked(score, each.number))
    ranked.sort(key=lambda each: (-each.score, each.number))
    return ranked[:limit]


def _by_ceiling(
    question: Question, candidates: Sequence[Candidate], operation_count: int
) -> list[tuple[float, float, float, Candidate]]:
    """Return candidates by the score that each has at most, with how far they answer, and bm25's share."""
    wanted = list(_wanted(question, operation_count))
    whole = sum(group.weight for group in wanted)
    best_bm25 = max((each.bm25 for each in candidates), default=0.0) or 1.0
    rough = []
    for each in candidates:
        answered = _answered(each, wanted) / whole if whole else 1.0
        rest = _BM25 * each.bm25 / best_bm25
        rough.append(((answered + rest) * _factor(each, question), answered, rest, each))
    rough.sort(key=lambda each: -each[0])
    return rough


def _factor(candidate: Candidate, question: Question) -> float:
    """Return what the score is multiplied with: by the method, the service, the depth, one or many."""
    factor = _METHODS[question.intent][candidate.method] * candidate.prior * _DEEPER**candidate.steps
    is_other = candidate.is_list if question.is_of_item else candidate.is_item
    return factor * _OTHER_NUMBER if is_other and candidate.method == Method.GET else factor


def _wanted(question: Question, operation_count: int) -> Iterator[_Wanted]:
    for group in question.groups:
        rarest = min(question.operations[each] for each in group.stems)
        rarity = min(_RAREST, math.log(1 + operation_count / rarest))
        stems = tuple((f" {each} ", worth) for each, worth in group.stems.items())
        yield _Wanted(group.weight * rarity, stems)


def _answered(candidate: Candidate, wanted: Iterable[_Wanted]) -> float:
    places = (
        (candidate.tail, _TAIL),
        (candidate.tail_names, _TAIL_NAME),
        (candidate.path, _PATH),
        (candidate.path_names, _PATH_NAME),
        (candidate.about, _ABOUT),
        (candidate.fields, _FIELD_TO_SET if candidate.method == Method.PUT else _FIELD),
    )
    anywhere = "".join(text for text, _ in places)
    answered = 0.0
    for group in wanted:
        best = 0.0
        for stem, worth in group.stems:
            if stem not in anywhere:
                continue
            for text, value in places:
                if value * worth <= best:
                    break
                if stem in text:
                    best = value * worth
                    break
        answered += group.weight * best
    return answered


def _explained(candidate: Candidate, share_of: Callable[[str, str], float]) -> float:
    segments = [(candidate.tail, candidate.tail_names)]
    if candidate.path:
        path = zip(candidate.path.split("/"), candidate.path_names.split("/"), strict=True)
        segments = [*path, *segments]
    explained = weights = 0.0
    for place, (text, names) in enumerate(segments, start=1):
        is_root = place <= candidate.roots
        weight = _LAST_SEGMENT if place == len(segments) else _ROOT_SEGMENT if is_root else 1.0
        explained += weight * share_of(text, names)
        weights += weight
    return explained / weights


def _share(asked: set[str], text: str, names: str) -> float:
    """Return how much of a segment is asked for."""
    words = text.split()
    share = len(asked.intersection(words)) / max(1, len(words))
    return _BY_NAME if share < _BY_NAME and not asked.isdisjoint(names.split()) else share
