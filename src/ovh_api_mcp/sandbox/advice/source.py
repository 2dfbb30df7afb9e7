"""A script's text as advice looks at it.

Invariant: at most limits.ADVICE_CHARS of it are looked at, around the place that matters, so that
no rule costs more than milliseconds. Nothing here parses JavaScript; it is read as a person skims it.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import cut_foreign

# Comments, strings, templates, regular expressions: what is no code. Each alternative is linear.
_NO_CODE: Final = re.compile(
    r"//[^\n]*"
    r"|/\*(?:[^*]|\*(?!/))*(?:\*/)?"
    r'|"(?:[^"\\\n]|\\.)*"?'
    r"|'(?:[^'\\\n]|\\.)*'?"
    r"|`(?:[^`\\]|\\.)*`?"
    r"|(?:(?<=[(,=:!&|?{;])|(?<=[(,=:!&|?{;] ))/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/",
    re.DOTALL,
)
_STATEMENT_END: Final = re.compile(r"[()\[\]{};]|\n(?!\s*[.?:)\]}+&|*/,=])")
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_BLANK_CHARS: Final = 32  # kept at each end of a run
_BLANKS: Final = re.compile(rf"\s{{{2 * _BLANK_CHARS},}}")
_FILLER: Final = "\0"
BLANK: Final = " \t\r\n\0"
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
_SHOWN_CHARS: Final = 80
_EXPRESSION_CHARS: Final = 400  # of one expression that are looked at


class Source:
    """`text` with lines and columns of its own; `code` is the same with strings and comments blank.

    `line` and `column` (from 1, 0 for unknown) is the place that matters.
    """

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        before = text.split("\n", line)[: max(0, line - 1)]
        offset = min(sum(map(len, before)) + len(before) + max(0, column - 1), len(text))
        first = max(0, min(offset - limits.ADVICE_CHARS // 2, len(text) - limits.ADVICE_CHARS))
        self.text = _squeezed(text[first : first + limits.ADVICE_CHARS])
        self.is_whole = len(self.text) == len(text)
        self.offset = offset - first
        """Where the place that matters is in `text`."""
        self._first = first
        self._all = text

    @cached_property
    def code(self) -> str:
        return _squeezed(_NO_CODE.sub(_blanked, self.text))

    def place(self, offset: int) -> str:
        """Return "line 3, column 5" of an offset in `text`."""
        at = offset + self._first
        line = self._all.count("\n", 0, at) + 1
        return f"line {line}, column {at - self._all.rfind(chr(10), 0, at)}"

    def has_open_quote(self) -> bool:
        """Tell whether a string is not closed on the line that matters."""
        start = self.text.rfind("\n", 0, self.offset) + 1
        end = self.text.find("\n", self.offset)
        line = self.text[start : end if end >= 0 else len(self.text)]
        return any(
            found[0][0] in "'\"" and (len(found[0]) < 2 or found[0][-1] != found[0][0])
            for found in _NO_CODE.finditer(line)
        )

    def search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return where `pattern` matches the code, the first one."""
        return pattern.search(self.code)

    def shown(self, start: int, end: int) -> str:
        """Return a piece of the text in backticks, on one line and cut."""
        return f"`{cut_foreign(self.text[start:end], _SHOWN_CHARS)}`"

    def opener_at(self, offset: int) -> str:
        """Return the bracket that `offset` is in: "(", "[", "{" or "" for none."""
        open_brackets: list[str] = []
        for found in _BRACKET.finditer(self.code, 0, offset):
            if found[0] not in _PAIRS:
                open_brackets.append(found[0])
            elif open_brackets:
                open_brackets.pop()
        return open_brackets[-1] if open_brackets else ""

    def bracket_fault(self) -> str:
        """Return which bracket is not closed, or closes nothing; "" where they fit or are not all seen."""
        if not self.is_whole:
            return ""
        open_brackets: list[re.Match[str]] = []
        for found in _BRACKET.finditer(self.code):
            if found[0] not in _PAIRS:
                open_brackets.append(found)
                continue
            if not open_brackets:
                return f"The `{found[0]}` at {self.place(found.start())} closes nothing: one too many?"
            opened = open_brackets.pop()
            if opened[0] != _PAIRS[found[0]]:
                return (
                    f"The `{opened[0]}` at {self.place(opened.start())} is not closed before the "
                    f"`{found[0]}` at {self.place(found.start())}."
                )
        if open_brackets:
            opened = open_brackets[-1]
            return f"The `{opened[0]}` at {self.place(opened.start())} is never closed."
        return ""

    def last_statement(self) -> tuple[int, int]:
        """Return where the last statement of the script's body is: that of the function, if it is one."""
        code = self.code
        end = len(code.rstrip(BLANK + ";)"))
        first = 0
        if code[end - 1 : end] == "}":
            first, end = self._opener_of(end - 1, 0) + 1, end - 1
        depth, start = 0, first
        for found in _STATEMENT_END.finditer(code, first, end):
            if found[0] in "([{":
                depth += 1
            elif found[0] in ")]}":
                depth -= 1
            elif depth == 0 and code[found.end() : end].strip(BLANK + ";"):
                start = found.end()
        text = code[start:end]
        return start + len(text) - len(text.lstrip(BLANK)), start + len(text.rstrip(BLANK + ";"))

    def receiver_start(self, end: int) -> int:
        """Return where the expression begins that ends at `end`, such as `a.b(c)["d"]`."""
        code, at, lowest = self.code, end, max(0, end - _EXPRESSION_CHARS)
        while at > lowest:
            char = code[at - 1]
            if char in _NAME_CHARS:
                while at > lowest and code[at - 1] in _NAME_CHARS:
                    at -= 1
            elif char in ")]":
                at = self._opener_of(at - 1, lowest)
                if at > lowest and (code[at - 1] in _NAME_CHARS or code[at - 1] in ")]"):
                    continue
            else:
                break
            if code[at - 1 : at] == "." and at - 1 > lowest and code[at - 3 : at] != "...":
                at -= 2 if code[at - 2 : at] == "?." else 1
                continue
            break
        return at

    def _opener_of(self, closing: int, lowest: int) -> int:
        depth = 0
        for at in range(closing, lowest - 1, -1):
            char = self.code[at]
            if char in ")]}":
                depth += 1
            elif char in "([{":
                depth -= 1
                if depth == 0:
                    return at
        return lowest


def _squeezed(text: str) -> str:
    """Return the text with the middle of long blank runs filled: patterns try each way to divide a run."""
    return _BLANKS.sub(
        lambda run: (
            run[0][:_BLANK_CHARS] + _FILLER * (len(run[0]) - 2 * _BLANK_CHARS) + run[0][-_BLANK_CHARS:]
        ),
        text,
    )


def _blanked(found: re.Match[str]) -> str:
    """Return a string or comment with its delimiters, its breaks of lines and nothing else."""
    text = found[0]
    if text[0] in "\"'`" and len(text) > 1:
        last = text[-1] if text[-1] == text[0] else " "
        return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + last
    return re.sub(r"[^\n]", " ", text)
