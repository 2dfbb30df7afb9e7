"""Changes single values in the text of an ovh.conf; everything else stays as it is, byte for byte. No I/O.

Lines are told apart as configparser does it, which reads these files: a deeper line continues a value,
a comment or a blank line ends none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

_HEADER: Final = re.compile(r"\[(.+)\]")
_VALUE: Final = re.compile(r"(?P<head>\s*(?P<key>[^=:]*?)\s*[=:][^\S\r\n]*)[^\r\n]*")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line with its end; `key` is that of its value, in lower case as configparser has it."""

    text: str
    role: Literal["header", "value", "more", "aside"]
    section: str
    key: str = ""

    @property
    def ending(self) -> str:
        return self.text[len(self.text.rstrip("\r\n")) :]


def with_values(text: str, section: str, values: Mapping[str, str]) -> str:
    """Return `text` with `values` in `section`: in the place of older ones, new keys behind its last."""
    lines = _parse_lines(text)
    ending = next((line.ending for line in lines if line.ending), "\n")
    kept: list[str] = []
    missing = dict(values)
    end = 0  # behind the last value of the section, in `kept`
    for line in lines:
        is_replaced = line.section == section and line.key in values
        if is_replaced and line.role == "value":
            del missing[line.key]
            kept.append(_replaced(line, values[line.key]))
        elif not (is_replaced and line.role == "more"):
            kept.append(line.text)
        if line.section == section and line.role != "aside":
            end = len(kept)
    added = [f"{key}={value}{ending}" for key, value in missing.items()]
    if not end and missing:
        blank = [ending] if "".join(kept).strip("\ufeff \t\r\n") else []
        added = [*blank, f"[{section}]{ending}", *added]
        end = len(kept)
    if added and end and not kept[end - 1].endswith("\n") and kept[end - 1].strip("\ufeff"):
        kept[end - 1] += ending
    return "".join((*kept[:end], *added, *kept[end:]))


def without_keys(text: str, section: str, keys: Collection[str]) -> str:
    """Return `text` without the values of `keys` in `section`."""
    lines = _parse_lines(text)
    return "".join(line.text for line in lines if not (line.section == section and line.key in keys))


def _parse_lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    section = key = ""
    depth = 0
    for text_line in io.StringIO(text, newline="\n"):
        content = text_line.strip("\ufeff").strip()
        indent = len(text_line) - len(text_line.lstrip())
        if not content or content[0] in "#;":
            lines.append(_Line(text_line, "aside", section))
        elif key and indent > depth:
            lines.append(_Line(text_line, "more", section, key))
        elif header := _HEADER.match(content):
            section, key, depth = header[1], "", indent
            lines.append(_Line(text_line, "header", section))
        else:
            found = _VALUE.match(text_line)
            key, depth = (found["key"] if found else content).lower(), indent
            lines.append(_Line(text_line, "value", section, key))
    return lines


def _replaced(line: _Line, value: str) -> str:
    found = _VALUE.match(line.text)
    head = found["head"] if found else f"{line.key}="
    return f"{head}{value}{line.ending}"
