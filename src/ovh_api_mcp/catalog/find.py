"""Finds the operations that words mean, the likeliest first.

The story: the words become groups of stems (question.py), slips of the keyboard corrected by the
index's own vocabulary (spelling.py); SQLite's full-text index gives the operations that have most
of them by bm25; ranking.py puts those in order. A path or an operationId finds itself first.

Contract: words come from scripts. They are cut to FIND_CHARS before they are read; what reaches a
MATCH is made of stems that stand in the index, or of trigrams of letters, in quotes; everything
else is a bound value. One search takes a bounded number of queries.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from ovh_api_mcp.catalog.model import Lifecycle, Method
from ovh_api_mcp.catalog.question import Question, read_question
from ovh_api_mcp.catalog.ranking import Candidate, Ranked, rank
from ovh_api_mcp.catalog.selection import is_selected
from ovh_api_mcp.catalog.spelling import nearest_word
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.terms import load_terms
from ovh_api_mcp.catalog.words import split_words, stem
from ovh_api_mcp.errors import RefusedError, cut_foreign
from ovh_api_mcp.limits import (
    FIND_CANDIDATES,
    FIND_CHARS,
    FIND_FOUND,
    FIND_ROWS,
    FIND_SLIPS,
    FIND_SPELLINGS,
    FIND_WORDS,
)

_PATH: Final = re.compile(r"(?:(get|post|put|delete)\s+)?(/\S*)", re.IGNORECASE)
_BRANCH: Final = re.compile(r"\A/v\d+(?=/|\Z)")
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_NAMES_SHOWN: Final = 4  # services that an error names
_TRIGRAM: Final = 3

_KNOWN_STEMS: Final = "SELECT stem, operations FROM stems WHERE stem IN (SELECT value FROM json_each(?))"
_SPELLINGS: Final = "SELECT trim(word) FROM spellings WHERE spellings MATCH ? ORDER BY rank, rowid LIMIT ?"
_SERVICES: Final = "SELECT DISTINCT service FROM findable"
# Weights of the columns: tail, path, about, fields.
_CANDIDATES: Final = """
    SELECT id, prior, method, roots, steps, is_item, is_list,
           tail, tail_names, path, path_names, about, fields, score FROM (
        SELECT rowid AS number, -bm25(finding, 6.0, 3.0, 2.0, 0.7) AS score
        FROM finding WHERE finding MATCH ? ORDER BY score DESC, rowid LIMIT ?
    ) JOIN findable ON findable.id = number"""
_FILTERED: Final = """
    SELECT id, prior, method, roots, steps, is_item, is_list,
           tail, tail_names, path, path_names, about, fields, score FROM (
        SELECT rowid AS number, -bm25(finding, 6.0, 3.0, 2.0, 0.7) AS score
        FROM finding WHERE finding MATCH ? AND rowid IN (
            SELECT id FROM findable WHERE method IN (SELECT value FROM json_each(?))
            AND lifecycle IN (SELECT value FROM json_each(?)) AND service IN (SELECT value FROM json_each(?))
        ) ORDER BY score DESC, rowid LIMIT ?
    ) JOIN findable ON findable.id = number"""
_ADMITTED: Final = """
    SELECT id, prior, method, roots, steps, is_item, is_list,
           tail, tail_names, path, path_names, about, fields, 0.0
    FROM findable WHERE method IN (SELECT value FROM json_each(?))
    AND lifecycle IN (SELECT value FROM json_each(?)) AND service IN (SELECT value FROM json_each(?))
    ORDER BY length(path), id LIMIT ?"""
_SHOWN: Final = """
    SELECT id, operations.method, operations.path, summary, operations.lifecycle, operations.service,
           operations.risk
    FROM operations JOIN summaries USING (id) WHERE id IN (SELECT value FROM json_each(?))"""
_BY_PATH: Final = "SELECT id FROM operations WHERE path IN (?, ?, ?) AND (method = ? OR ? = '') ORDER BY id"
_BY_OPERATION_ID: Final = "SELECT id FROM summaries WHERE lower(operation_id) = ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class Found:
    """An operation that was found; `score` compares the operations of one search, nothing else."""

    method: Method
    path: str
    summary: str
    status: Lifecycle
    service: str
    labels: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class _Filter:
    """What may be found: an operation with one of each."""

    methods: tuple[Method, ...]
    lifecycles: tuple[Lifecycle, ...]
    services: tuple[str, ...] | None

    def admits(self, shown: _Shown) -> bool:
        is_of_service = self.services is None or shown.service in self.services
        return is_of_service and shown.method in self.methods and shown.lifecycle in self.lifecycles


class _Shown(NamedTuple):
    number: int
    method: Method
    path: str
    summary: str
    lifecycle: Lifecycle
    service: str
    risk: str


def find_operations(
    file: CatalogFile,
    words: str,
    *,
    limit: int = 10,
    service: str | None = None,
    method: str | None = None,
    status: str | None = None,
) -> list[Found]:
    """Return at most `limit` operations for `words`, the likeliest first.

    Words that say nothing find nothing; with a filter, what it admits. `limit` is brought between 0
    and FIND_FOUND. `service` is a root ("domain", "v1/domain"; a parent root means what lies below
    it), `method` and `status` are as OVH writes them, in any case.

    Raises RefusedError `invalid-call` for a service, method or status that does not exist.
    Cost: 1 to 3 ms on the complete catalogue.
    """
    admitted = _Filter(_methods(method), _lifecycles(status), _services(file, service))
    wanted = max(0, min(limit, FIND_FOUND))
    words = _cut(words)
    named = _named(file, words)
    question = read_question(words, lambda stems: _known_stems(file, stems), lambda word: _near(file, word))
    candidates = _candidates(file, question, admitted)
    ranked = rank(question, candidates, file.info.operation_count, wanted + len(named))
    best = ranked[0].score if ranked else 0.0
    first = [Ranked(best + 1.0, number) for number in named]
    others = [each for each in ranked if each.number not in named]
    return _shown(file, [*first, *others[:wanted]], admitted)[:wanted]


def nearest_operations(file: CatalogFile, path: str, method: str = "", limit: int = 3) -> list[Found]:
    """Return the operations that a path without one was probably meant for; none where it tells too little.

    Of its words, more than half have to be known: one that happens to be is no reason to name what has
    it. The branch is no word. Those with the method of the call come first.
    """
    words = split_words(_PARAMETER.sub(" ", _BRANCH.sub("", path[:FIND_CHARS])))[:FIND_WORDS]
    stems = {word: stem(word) for word in words}
    known = {*_known_stems(file, set(stems.values())), *load_terms().words}
    strange = [word for word, its in stems.items() if its not in known]
    long = [word for word in strange[:FIND_SLIPS] if len(word) > _TRIGRAM]
    lost = len(strange) - sum(_near(file, word) != "" for word in long)
    if 2 * lost >= len(stems):
        return []
    found = find_operations(file, " ".join(words), limit=limit)
    return sorted(found, key=lambda each: each.method != method.upper())


# --- what is asked for ------------------------------------------------------------------------


def _known_stems(file: CatalogFile, stems: Collection[str]) -> Mapping[str, int]:
    return dict(file.select(tuple[str, int], _KNOWN_STEMS, _json(stems)))


def _near(file: CatalogFile, word: str) -> str:
    around = f" {word} "
    trigrams = {around[start : start + _TRIGRAM] for start in range(len(around) - _TRIGRAM + 1)}
    match = " OR ".join(f'"{each}"' for each in sorted(trigrams))
    rows = file.select(tuple[str], _SPELLINGS, match, FIND_SPELLINGS)
    return nearest_word(word, [spelling for (spelling,) in rows])


def _candidates(file: CatalogFile, question: Question, admitted: _Filter) -> list[Candidate]:
    match = _match(question)
    if admitted == _EVERYTHING:
        return file.select(Candidate, _CANDIDATES, match, FIND_CANDIDATES) if match else []
    services = admitted.services
    if services is None:
        services = tuple(each for (each,) in file.select(tuple[str], _SERVICES))
    kinds = _json(admitted.methods), _json(admitted.lifecycles), _json(services), FIND_CANDIDATES
    if match:
        return file.select(Candidate, _FILTERED, match, *kinds)
    return file.select(Candidate, _ADMITTED, *kinds)


def _match(question: Question) -> str:
    """Return the query for the full text: the rarest stems, as long as they do not match too much.

    Each row costs, and a common stem tells little but where it ends a path.
    """
    stems = {each for group in question.groups for each in group.stems}
    rare: list[str] = []
    common: list[str] = []
    rows = 0
    for each in sorted(stems, key=lambda stem: (question.operations[stem], stem)):
        rows += question.operations[each]
        if rows <= FIND_ROWS:
            rare.append(f'"{each}"')
        else:
            common.append(f'"{each}"')
    parts = [" OR ".join(rare)] if rare else []
    if common:
        parts.append(f"tail : ({' OR '.join(common)})")
    return " OR ".join(parts)


def _named(file: CatalogFile, words: str) -> list[int]:
    """Return the operations whose path, or "METHOD path", or operationId the words are."""
    match = _PATH.fullmatch(words)
    if match is None:
        return _numbers(file, _BY_OPERATION_ID, words.lower())
    method = (match.group(1) or "").upper()
    path = match.group(2)
    return _numbers(file, _BY_PATH, path, f"/v1{path}", f"/v2{path}", method, method)


def _numbers(file: CatalogFile, statement: str, *values: str) -> list[int]:
    return [number for (number,) in file.select(tuple[int], statement, *values)]


def _shown(file: CatalogFile, ranked: Sequence[Ranked], admitted: _Filter) -> list[Found]:
    rows = file.select(_Shown, _SHOWN, _json([each.number for each in ranked]))
    shown = {each.number: each for each in rows if admitted.admits(each)}
    return [
        Found(
            row.method,
            row.path,
            row.summary,
            row.lifecycle,
            row.service,
            tuple(row.risk.split(",")),
            round(each.score, 3),
        )
        for each in ranked
        if (row := shown.get(each.number)) is not None
    ]


def _cut(text: str) -> str:
    """Return the part of a script's text that is read; half a surrogate pair becomes a question mark."""
    return text[:FIND_CHARS].encode("utf-8", "replace").decode().strip()


def _json(values: Iterable[str | int]) -> str:
    return msgspec.json.encode(list(values)).decode()


# --- what may be found --------------------------------------------------------------------------


_EVERYTHING: Final = _Filter(tuple(Method), tuple(Lifecycle), None)


def _methods(method: str | None) -> tuple[Method, ...]:
    if method is None:
        return tuple(Method)
    try:
        return (Method(method.upper()),)
    except ValueError:
        raise _refused("method", method, ", ".join(Method)) from None


def _lifecycles(status: str | None) -> tuple[Lifecycle, ...]:
    if status is None:
        return tuple(Lifecycle)
    try:
        return (Lifecycle(status.upper()),)
    except ValueError:
        raise _refused("status", status, ", ".join(Lifecycle)) from None


def _services(file: CatalogFile, service: str | None) -> tuple[str, ...] | None:
    if service is None:
        return None
    known = sorted(each for (each,) in file.select(tuple[str], _SERVICES))
    root = _cut(service).strip("/")
    chosen = tuple(each for each in known if is_selected(each, root))
    if not chosen:
        if absence := file.absences.of_service(root):
            raise RefusedError(str(absence), code="invalid-call", hint=absence.hint)
        raise _refused("service", service, _nearest(root, known))
    return chosen


def _nearest(root: str, known: Sequence[str]) -> str:
    roots = {name: each for each in known for name in (each, each.partition("/")[2])}
    near = difflib.get_close_matches(root.lower(), {name.lower() for name in roots}, n=8, cutoff=0.4)
    folded = {name.lower(): each for name, each in roots.items()}
    names = list(dict.fromkeys(folded[name] for name in near)) or list(known)
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN or not near else "")


def _refused(what: str, value: str, right: str) -> RefusedError:
    hint = f"Give one of: {right}; or leave it out."
    return RefusedError(
        f"There is no {what} {cut_foreign(value, 60)!r}. {hint}", code="invalid-call", hint=hint
    )
