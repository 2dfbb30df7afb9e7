"""What an operation can do to an account, told by rules over what is known of it.

The rules stand in risk_rules.txt; those that a user gives speak before them. OVHcloud's schemas say
nothing of risk, so this is judgement: it errs on the careful side. A write that no rule speaks of counts
as one that destroys.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import Final, Literal

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import RISK_RULES_BYTES


class Label(StrEnum):
    """One thing that an operation does.

    Each has one of the first three: `read` changes nothing; `write` can be changed back without loss;
    `destroys` loses data, what the API cannot rebuild, or a service, or interrupts one that runs. Beside
    it, `spends` orders, commits or changes what is billed; the answer of `secrets` reveals or mints
    credentials; `access` changes who can get in.
    """

    READ = "read"
    WRITE = "write"
    DESTROYS = "destroys"
    SPENDS = "spends"
    SECRETS = "secrets"
    ACCESS = "access"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at; names and texts in lower case.

    `body` are the names of a body's fields, two levels deep; `fields` those of the answer, three levels
    deep, and again with ":password" behind those of that type, "*:password" where there is any;
    `answer` names its model or simple type, "void" for none; `is_collection` where there is a path of
    one item below.
    """

    method: str
    path: str
    text: str
    body: frozenset[str]
    fields: frozenset[str]
    answer: str
    is_collection: bool


_Section = Literal["base", "spends", "secrets", "access"]
_WORDS: Final[dict[_Section, tuple[str, ...]]] = {
    "base": (Label.READ, Label.WRITE, Label.DESTROYS),
    "spends": ("yes", "no"),
    "secrets": ("yes", "no"),
    "access": ("yes", "no"),
}
_ON_WRITES: Final[tuple[tuple[Label, _Section], ...]] = ((Label.SPENDS, "spends"), (Label.ACCESS, "access"))
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
_KINDS: Final = ("body", "field", "answer", "says", "on")


class _Patterns:
    """Some names, in which `*` stands for anything."""

    def __init__(self, names: Iterable[str]) -> None:
        texts = frozenset(names)
        self._plain = frozenset(text for text in texts if "*" not in text or text == "*:password")
        globs = "|".join(sorted(map(_glob, texts - self._plain)))
        self._globs = re.compile(globs) if globs else None

    def fit_one_of(self, names: frozenset[str]) -> bool:
        """Tell whether one of `names` is meant."""
        return not self._plain.isdisjoint(names) or (
            self._globs is not None and any(map(self._globs.fullmatch, names))
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the rules: all that it names must hold, any one pattern of a kind is enough."""

    number: int
    word: str
    body: _Patterns | None
    fields: _Patterns | None
    answer: _Patterns | None
    says: re.Pattern[str] | None
    is_of_collections: bool

    def fits(self, facts: Facts) -> bool:
        """Tell whether it speaks of an operation whose method and path fit."""
        return (
            (self.body is None or self.body.fit_one_of(facts.body))
            and (self.fields is None or self.fields.fit_one_of(facts.fields))
            and (self.answer is None or self.answer.fit_one_of(frozenset((facts.answer,))))
            and (self.says is None or self.says.search(facts.text) is not None)
            and (facts.is_collection or not self.is_of_collections)
        )


_Place = tuple[int, re.Pattern[str] | None]
"""A line's number in its section, and one of the paths that it is for; None for any path."""


@dataclass(slots=True)
class _Rules:
    """The lines of one section in their order, by method and by a part that a path must have, "" for none."""

    lines: list[_Line] = field(default_factory=list)
    places: defaultdict[tuple[str, str], list[_Place]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: _Line, methods: frozenset[str], paths: Iterable[str]) -> None:
        """Put a line behind the others."""
        keyed: list[tuple[str, re.Pattern[str] | None]] = [
            (_key(path), re.compile(_path_pattern(path))) for path in paths
        ]
        for method in methods:
            for key, pattern in keyed or [("", None)]:
                self.places[method, key].append((len(self.lines), pattern))
        self.lines.append(line)

    def first(self, facts: Facts) -> _Line | None:
        """Return the first line that fits."""
        found: list[_Place] = []
        for part in {"", *facts.path.split("/")}:
            found += self.places.get((facts.method, part), ())
        found.sort(key=itemgetter(0))
        for number, pattern in found:
            if pattern is None or pattern.fullmatch(facts.path):
                line = self.lines[number]
                if line.fits(facts):
                    return line
        return None


class Labeller:
    """Gives operations their labels by the rules in texts, of which the first speaks first.

    *Raises* ValueError that names the line.
    """

    def __init__(self, *texts: str) -> None:
        self._sections: dict[_Section, _Rules] = {name: _Rules() for name in _WORDS}
        for text in texts:
            self._read(text)

    def _read(self, text: str) -> None:
        section: _Section | None = None
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.partition("#")[0].strip()
            if not bare:
                continue
            try:
                if section is None or bare.startswith("["):
                    section = _section(bare)
                else:
                    _add(self._sections[section], number, bare, _WORDS[section])
            except ValueError as error:
                raise ValueError(f"line {number} of the risk rules: {error}") from None

    def labels(self, facts: Facts) -> frozenset[Label]:
        """Return the labels of an operation."""
        found = {self._base(facts)}
        if Label.READ not in found:  # what changes nothing neither spends nor lets anybody in
            found |= {label for label, name in _ON_WRITES if self._is_so(name, facts)}
        if self._is_so("secrets", facts):
            found.add(Label.SECRETS)
        return frozenset(found)

    @property
    def lines(self) -> set[int]:
        """The numbers of the lines that say something, each in its text."""
        return {line.number for rules in self._sections.values() for line in rules.lines}

    def why(self, facts: Facts) -> dict[str, int]:
        """Return the line that speaks first in each section, for those that have one."""
        lines = {name: rules.first(facts) for name, rules in self._sections.items()}
        return {name: line.number for name, line in lines.items() if line is not None}

    def _base(self, facts: Facts) -> Label:
        line = self._sections["base"].first(facts)
        if line is not None:
            return Label(line.word)
        return Label.READ if facts.method == "GET" else Label.DESTROYS

    def _is_so(self, section: _Section, facts: Facts) -> bool:
        line = self._sections[section].first(facts)
        return line is not None and line.word == "yes"


@cache
def load_labeller(own: str = "") -> Labeller:
    """Return the labeller with the rules of this package, and before them a user's `own`."""
    return Labeller(own, files("ovh_api_mcp.catalog").joinpath("risk_rules.txt").read_text("utf-8"))


def load_own_rules(path: Path) -> str:
    """Return a user's own rules, which are known to be understood; *Raises* SettingsError."""
    try:
        with path.open("rb") as file:
            content = file.read(RISK_RULES_BYTES + 1)
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    if len(content) > RISK_RULES_BYTES:
        raise _unusable(path, f"has more than {RISK_RULES_BYTES:,} bytes")
    if b"\0" in content:
        raise _unusable(path, "is no text")
    try:
        text = content.decode("utf-8-sig")
        Labeller(text)
    except ValueError as error:
        raise _unusable(path, f"is not understood: {cut_foreign(str(error), 200)}") from None
    return text


def _unusable(path: Path, reason: str) -> SettingsError:
    return SettingsError(
        f"The file of risk rules {cut_foreign(str(path), 120)} {reason}. Labels would not be what you want, "
        "so the program does not start. Correct --risk-rules or OVH_RISK_RULES.",
        code="risk-rules-invalid",
    )


# --- rules -------------------------------------------------------------------------------------------------


def _section(bare: str) -> _Section:
    for name in _WORDS:
        if bare == f"[{name}]":
            return name
    raise ValueError(f"{bare} is no section; there are {', '.join(_WORDS)}")


def _add(rules: _Rules, number: int, bare: str, words: Iterable[str]) -> None:
    word, methods, *terms = shlex.split(bare)
    if word not in words:
        raise ValueError(f"{word} is none of {', '.join(words)}")
    paths = [term.lower() for term in terms if term.startswith("/")]
    others: defaultdict[str, list[str]] = defaultdict(list)
    for term in terms:
        kind, _, patterns = term.partition(":")
        if not term.startswith("/"):
            if kind not in _KINDS or not patterns:
                raise ValueError(f"{term} is neither a path nor one of {', '.join(_KINDS)}")
            others[kind] += patterns.lower().split("|")
    line = _Line(
        number=number,
        word=word,
        body=_Patterns(others["body"]) if "body" in others else None,
        fields=_Patterns(others["field"]) if "field" in others else None,
        answer=_Patterns(others["answer"]) if "answer" in others else None,
        says=_saying(others["says"]) if "says" in others else None,
        is_of_collections="on" in others,
    )
    rules.add(line, _methods(methods), paths)


def _saying(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return what finds one of the phrases in a text; with ^ in front, at its beginning."""
    return re.compile("|".join("^" * each.startswith("^") + re.escape(each.lstrip("^")) for each in phrases))


def _methods(text: str) -> frozenset[str]:
    methods = _METHODS if text == "*" else frozenset(text.split("|"))
    if not methods <= _METHODS:
        raise ValueError(f"{text} is not *, or some of GET, POST, PUT, DELETE between |")
    return methods


def _key(path: str) -> str:
    """Return the last part of a path pattern that is a plain word, "" where none is."""
    return next((part for part in reversed(path.split("/")) if part and not set("*{}") & set(part)), "")


def _path_pattern(path: str) -> str:
    parts = []
    for part in path[1:].split("/"):
        if part == "**":
            parts.append("(?:/[^/]+)*")
        else:
            parts.append("/" + (r"\{[^/]*\}" if part == "{}" else _glob(part, "[^/]*")))
    return "".join(parts)


def _glob(text: str, star: str = ".*") -> str:
    return star.join(map(re.escape, text.split("*")))
