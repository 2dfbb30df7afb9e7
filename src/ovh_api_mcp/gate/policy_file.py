"""A policy as a person writes it, in TOML, parsed strictly; every fault is told with its line.

    default = "deny"                       # allow, ask or deny; deny where it is not written

    [[allow]]
    method = "GET"
    path = "/v1/domain/**"
    labels = ["read"]

    [[deny]]
    where = { zoneName = "example.com" }
    why = "sold"

    [[example]]                            # what `policy test` runs
    call = "GET /v1/domain/zone"
    verdict = "allow"

Contract: a file with anything in it that is not understood is no policy at all.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.gate.policy import (
    ACCESS_MODES,
    AccessMode,
    PathPattern,
    Policy,
    Rule,
    TextPattern,
    Verdict,
)
from ovh_api_mcp.gate.refusal import nearest_names, quoted

_TOP_KEYS: Final = ("default", "allow", "ask", "deny", "example")
_RULE_KEYS: Final = ("method", "path", "labels", "service", "account", "where", "why")
_EXAMPLE_KEYS: Final = ("call", "verdict", "access", "account")
_WORD: Final = re.compile(r"[A-Za-z0-9._/@-]+")
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_POSITION: Final = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")

# What tomllib makes of a file: tables, arrays, texts and other scalars.
_Toml: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Example:
    """A call and the verdict that its author expects of the policy."""

    line: int
    call: str
    verdict: Verdict
    access: AccessMode
    account: str


def load_policy(path: Path) -> tuple[Policy, tuple[Example, ...]]:
    """Return the policy in a file and its examples; *Raises* SettingsError `policy-invalid`."""
    shown = cut_foreign(str(path), 120)
    try:
        with path.open("rb") as file:
            content = file.read(limits.POLICY_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"The policy {shown} cannot be read: {error.strerror}. Without it nothing is let through, so the "
            "server does not start. Correct --policy or OVH_POLICY.",
            code="policy-invalid",
        ) from None
    return _File(shown, path.name, content).parse()


class _File:
    """One file while it is parsed."""

    def __init__(self, place: str, name: str, content: bytes) -> None:
        self._place = place
        self._name = cut_foreign(name, 40)
        if len(content) > limits.POLICY_BYTES:
            raise self._fault(0, f"it has more than {limits.POLICY_BYTES:,} bytes")
        try:
            self._text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._fault(content.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None
        self._lines = self._text.splitlines()

    def parse(self) -> tuple[Policy, tuple[Example, ...]]:
        tables = self._tables()
        self._known(tables, _TOP_KEYS, 1)
        default = Verdict.DENY
        if "default" in tables:
            default = self._verdict(tables["default"], self._line_of("default", 1))
        rules = [
            self._rule(verdict, table, line)
            for verdict in Verdict
            for table, line in self._each(tables, verdict)
        ]
        if len(rules) > limits.POLICY_RULES:
            raise self._fault(0, f"it has {len(rules):,} rules, more than {limits.POLICY_RULES:,}")
        examples = [self._example(table, line) for table, line in self._each(tables, "example")]
        return Policy(tuple(rules), default, self._name), tuple(examples)

    def _tables(self) -> Mapping[str, _Toml]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            said = str(error)
            found = _POSITION.search(said)
            line = int(found[1]) if found and found[1] else len(self._lines)
            raise self._fault(
                line, f"it is no TOML: {cut_foreign(_POSITION.sub('', said).strip(), 100)}"
            ) from None
        except RecursionError:
            raise self._fault(0, "its values are nested too deeply") from None

    # --- one rule, one example

    def _rule(self, verdict: Verdict, table: Mapping[str, _Toml], line: int) -> Rule:
        self._known(table, _RULE_KEYS, line)
        texts = {key: self._texts(key, table[key], line) for key in table if key not in ("where", "why")}
        return Rule(
            verdict=verdict,
            line=line,
            methods=frozenset(
                Method(self._one_of(each.upper(), Method, "method", line)) for each in texts.get("method", ())
            ),
            paths=tuple(self._path(each, line) for each in texts.get("path", ())),
            labels=frozenset(
                Label(self._one_of(each, Label, "labels", line)) for each in texts.get("labels", ())
            ),
            services=frozenset(self._word("service", each, line) for each in texts.get("service", ())),
            accounts=frozenset(self._word("account", each, line) for each in texts.get("account", ())),
            where=self._where(table["where"], line) if "where" in table else (),
            why=cut_foreign(self._text_of("why", table["why"], line)) if "why" in table else "",
        )

    def _where(self, value: _Toml, line: int) -> tuple[tuple[str, tuple[TextPattern, ...]], ...]:
        line = self._line_of("where", line)
        if not isinstance(value, dict) or not value:
            raise self._fault(line, 'where takes path parameters, such as { zoneName = "example.com" }')
        wrong = next((name for name in value if not _PARAMETER.fullmatch(name)), None)
        if wrong is not None:
            raise self._fault(line, f"{quoted(wrong)} in where is no name of a path parameter")
        return tuple(
            (name, tuple(self._texts(f"where.{name}", given, line))) for name, given in value.items()
        )

    def _path(self, text: str, line: int) -> PathPattern:
        line = self._line_of("path", line)
        segments = tuple(text[1:].split("/"))
        if not text.startswith("/") or "" in segments or segments[0] not in ("v1", "v2", "*", "**"):
            rule = "is a path from /v1 or /v2 on, such as /v1/domain/** or /*/vps/*"
            raise self._fault(line, f"path {quoted(text)} {rule}")
        odd = next((each for each in segments if "**" in each and each != "**"), None)
        if odd is not None:
            raise self._fault(line, f"{quoted(odd)} in path: ** stands for whole segments and stands alone")
        if "?" in text or "%" in text:
            raise self._fault(line, f"path {quoted(text)} holds ? or %: write it without query and unencoded")
        return segments

    def _example(self, table: Mapping[str, _Toml], line: int) -> Example:
        self._known(table, _EXAMPLE_KEYS, line)
        for key in ("call", "verdict"):
            if key not in table:
                raise self._fault(line, f'an example needs {key}, such as call = "DELETE /v1/vps/x"')
        access = self._text_of("access", table.get("access", "full"), line)
        return Example(
            line=line,
            call=self._text_of("call", table["call"], line),
            verdict=self._verdict(table["verdict"], self._line_of("verdict", line)),
            access=next(
                mode for mode in ACCESS_MODES if mode == self._one_of(access, ACCESS_MODES, "access", line)
            ),
            account=self._text_of("account", table.get("account", "default"), line),
        )

    # --- values

    def _known(self, table: Mapping[str, _Toml], keys: tuple[str, ...], line: int) -> None:
        for key in table:
            if key not in keys:
                meant = nearest_names(key, keys, 1)
                better = f"; did you mean {meant[0]}?" if meant else ""
                raise self._fault(
                    self._line_of(key, line), f"unknown key {quoted(key)}{better} It takes {', '.join(keys)}"
                )

    def _texts(self, key: str, value: _Toml, line: int) -> list[str]:
        """Return the texts of a key that takes one or several; none at all would mean nothing."""
        line = self._line_of(key, line)
        given = value if isinstance(value, list) else [value]
        texts = [self._text_of(key, each, line) for each in given]
        if not texts:
            raise self._fault(line, f"{key} is empty: leave it out where it may be anything")
        return texts

    def _text_of(self, key: str, value: _Toml, line: int) -> str:
        line = self._line_of(key, line)
        if not isinstance(value, str):
            raise self._fault(line, f"{key} takes text in quotes")
        if not value.strip() or len(value) > limits.POLICY_TEXT_CHARS:
            raise self._fault(line, f"{key} takes a text of 1 to {limits.POLICY_TEXT_CHARS} characters")
        return value

    def _verdict(self, value: _Toml, line: int) -> Verdict:
        return Verdict(self._one_of(self._text_of("default", value, line), Verdict, "a verdict", line))

    def _word(self, key: str, text: str, line: int) -> str:
        bare = text.strip("/")
        if not _WORD.fullmatch(bare):
            raise self._fault(
                self._line_of(key, line), f"{key} {quoted(text)} is no name; patterns stand in path"
            )
        return bare

    def _one_of(self, text: str, words: Iterable[str], key: str, line: int) -> str:
        known = [str(word) for word in words]
        if text in known:
            return text
        raise self._fault(self._line_of(key, line), f"{key} is {quoted(text)}; it takes {', '.join(known)}")

    # --- where things stand

    def _each(self, tables: Mapping[str, _Toml], name: str) -> Iterator[tuple[Mapping[str, _Toml], int]]:
        given = tables.get(name, [])
        line = self._line_of(name, 1)
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise self._fault(line, f"{name} is a list of tables: write [[{name}]] above each of them")
        lines = self._headers(name, len(given))
        for number, table in enumerate(given):
            yield table, lines[number] if len(lines) == len(given) else line

    def _headers(self, name: str, count: int) -> list[int]:
        """Return the lines of [[name]]; above one that only looks so, in a text, the file is no TOML yet."""
        header = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
        candidates = [number for number, line in enumerate(self._lines, 1) if header.match(line)]
        if len(candidates) == count:
            return candidates
        return [number for number in candidates if self._is_whole(number - 1)]

    def _is_whole(self, line_count: int) -> bool:
        try:
            tomllib.loads("\n".join(self._lines[:line_count]))
        except tomllib.TOMLDecodeError:
            return False
        return True

    def _line_of(self, key: str, line: int) -> int:
        """Return the line of a key in the table that begins at a line, else that line itself."""
        bare = re.escape(key.partition(".")[0])
        name = rf"""(?:{bare}|"{bare}"|'{bare}')"""
        if line == 1 and (found := self._first(rf"\s*\[\[?\s*{name}\s*\]")):
            return found
        assignment = re.compile(rf"\s*{name}\s*[=.]")
        for number in range(line, len(self._lines) + 1):
            text = self._lines[number - 1]
            if assignment.match(text):
                return number
            if number > line and text.lstrip().startswith("["):
                break
        return line

    def _first(self, pattern: str) -> int:
        """Return the number of the first line that begins so, 0 for none."""
        compiled = re.compile(pattern)
        return next((number for number, text in enumerate(self._lines, 1) if compiled.match(text)), 0)

    def _fault(self, line: int, fault: str) -> SettingsError:
        where = f", line {line}" if line else ""
        return SettingsError(
            f"The policy {self._place}{where}: {fault.rstrip('.')}. A policy that is not understood lets "
            "nothing through, so the server does not start.",
            code="policy-invalid",
        )
