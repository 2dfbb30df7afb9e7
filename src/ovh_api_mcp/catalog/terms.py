"""The tables of find_terms.txt, parsed: words as stems, phrases as tuples of stems.

What questions are read with is parsed when it is first asked for, in about 5 ms; what only the
index is made with, when the first operation is indexed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal, TypeAlias, cast

from ovh_api_mcp.catalog.model import Lifecycle
from ovh_api_mcp.catalog.words import split_words, stem, stems_of

Intent: TypeAlias = Literal["read", "create", "change", "delete", "act", "undo"]
Phrase: TypeAlias = tuple[str, ...]
# What a phrase stands for: groups that all count, of alternatives one of which is enough.
Meaning: TypeAlias = tuple[tuple[str, ...], ...]

_PARTICLES: Final = frozenset({"up", "on", "off", "back", "down", "out", "in", "into"})
_PRIOR: Final = 0.9  # of an operation of a service that [priors] does not name
_LIFECYCLES: Final = {
    Lifecycle.PRODUCTION: 1.0,
    Lifecycle.BETA: 0.97,
    Lifecycle.ALPHA: 0.9,
    Lifecycle.DEPRECATED: 0.35,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """The tables that questions are read with."""

    meanings: dict[Phrase, Meaning]
    verbs: dict[Phrase, Intent]
    actions: dict[Phrase, Meaning]
    nouns_too: frozenset[Phrase]
    nouns_mostly: frozenset[Phrase]
    articles: frozenset[str]
    genitives: frozenset[str]
    prepositions: frozenset[str]
    asides: frozenset[str]
    subjects: frozenset[str]
    ways: frozenset[str]
    items: frozenset[str]
    collections: frozenset[str]
    false_friends: frozenset[str]
    ignored: frozenset[str]
    words: frozenset[str]  # that stand in any of them
    particles: dict[str, frozenset[str]]  # of verbs that can be parted: roll … back
    longest: int  # phrase, in words


@cache
def load_terms() -> Terms:
    """Return the tables that questions are read with."""
    sections = load_sections()
    meanings = dict(_meanings(sections["synonyms"], _phrases_of))
    actions = dict(_meanings(sections["actions"], _with_imperatives))
    verbs: dict[Phrase, Intent] = dict.fromkeys(actions, "act")
    verbs.update(_verbs(sections["verbs"]))
    ignored = _stems(sections["ignored"])
    phrases = (*meanings, *verbs)
    return Terms(
        meanings,
        verbs,
        actions,
        frozenset((each,) for each in _stems(sections["nouns too"])),
        frozenset((each,) for each in _stems(sections["nouns mostly"])),
        _stems(sections["articles"]),
        _stems(sections["genitives"]),
        _stems(sections["prepositions"]),
        _stems(sections["asides"]),
        _stems(sections["subjects"]),
        _stems(sections["ways"]),
        _stems(sections["items"]),
        _stems(sections["collections"]),
        _stems(sections["false friends"]),
        ignored,
        frozenset(each for phrase in phrases for each in phrase) | ignored,
        _particles(verbs),
        max(map(len, phrases)),
    )


@cache
def plain_names(root: str, segment: str) -> tuple[str, ...]:
    """Return the stems of what a segment is called in the service of a root ("dedicated/server")."""
    names = _plain_names()
    return (*names.get((root, segment), ()), *names.get(("*", segment), ()))


def prior_of(service: str, segments: Iterable[str], lifecycle: Lifecycle) -> float:
    """Return how likely an operation of `service` ("v1/domain") is meant, between 0 and about 1."""
    priors = _priors()
    prior = priors.get(service) or priors.get(service.rpartition("/")[0]) or _PRIOR
    for segment in segments:
        prior *= priors.get(f"{service} {segment}", 1.0)
    return prior * _LIFECYCLES[lifecycle]


def known_spellings() -> set[str]:
    """Return the words that people write, of all tables, without accents."""
    return {
        word
        for name, lines in load_sections().items()
        if name != "priors"
        for line in lines
        for word in split_words(line)
    }


def load_sections() -> dict[str, list[str]]:
    """Return the lines of find_terms.txt by section, without comments and what is empty."""
    text = resources.files(__package__).joinpath("find_terms.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            lines = sections[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return sections


@cache
def _plain_names() -> dict[tuple[str, str], tuple[str, ...]]:
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    root = ""
    for line in load_sections()["plain names"]:
        if line.startswith("("):
            root = line.strip("()")
            continue
        segment, _, words = line.partition(" = ")
        names[root, segment] = tuple(dict.fromkeys(stems_of(words)))
    return names


@cache
def _priors() -> dict[str, float]:
    pairs = (line.partition(" = ") for line in load_sections()["priors"])
    return {name: float(value) for name, _, value in pairs}


def _meanings(
    lines: Iterable[str], split: Callable[[str], Iterable[str]]
) -> Iterator[tuple[Phrase, Meaning]]:
    for line in lines:
        phrases, _, meaning = line.partition(" = ")
        groups = tuple(tuple(map(stem, group.split("|"))) for group in meaning.split())
        for phrase in split(phrases):
            yield tuple(stems_of(phrase)), groups


def _verbs(lines: Iterable[str]) -> Iterator[tuple[Phrase, Intent]]:
    for line in lines:
        intent, _, phrases = line.partition(": ")
        for phrase in _with_imperatives(phrases):
            yield tuple(stems_of(phrase)), cast("Intent", intent)


def _phrases_of(phrases: str) -> list[str]:
    return phrases.split(", ")


def _with_imperatives(phrases: str) -> Iterator[str]:
    """Yield phrases, and the imperatives of French verbs in -er; of an English word, none is one."""
    for phrase in _phrases_of(phrases):
        yield phrase
        if phrase.endswith("er") and " " not in phrase:
            yield f"{phrase[:-2]}e"
            yield f"{phrase[:-2]}ez"


def _stems(lines: Iterable[str]) -> frozenset[str]:
    return frozenset(each for line in lines for each in stems_of(line))


def _particles(verbs: Iterable[Phrase]) -> dict[str, frozenset[str]]:
    particles: dict[str, frozenset[str]] = {}
    for phrase in verbs:
        if phrase[1:] and phrase[1] in _PARTICLES:
            particles[phrase[0]] = particles.get(phrase[0], frozenset()) | {phrase[1]}
    return particles
