"""What models write, made ready for the engine.

Accepted: an arrow function or function expression, async or not; with or without a code fence and
prose around it, an import of what is there anyway, `export default`, a trailing semicolon; or bare
statements with `return` and `await`. The engine itself decides which of these it is
(inside/guest.py); here only the wrapping comes off, and every line and column stays where the model
wrote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.errors import CodeError

# Contract: code is hostile and may have megabytes, and these run beside other clients' calls: none of
# them may look at a character more than a few times. Hence the quantifiers that give nothing back.
_FENCE_OPEN: Final = re.compile(r"\A\s*+(?P<fence>`{3,40}+|~{3,40}+)[^\n`]*+(?=\n|\Z)")
_FENCE_LINE: Final = re.compile(r"^[ \t]*+(?P<fence>`{3,40}+|~{3,40}+)[^\n`]*+$", re.MULTILINE)
_NO_PROSE: Final = re.compile(r"[`{};]|=>|\bfunction\b")
# What such a line would bring is there already, under the same name.
_IMPORT: Final = re.compile(
    r"\s*+import[ \t]+(?:\*[ \t]+as[ \t]+)?(?:ovh|\{[ \t]*(?:ovh|spec|console|crypto)[ \t]*\})[ \t]+"
    r"from[ \t]+(?:\"[^\"\n]{1,80}\"|'[^'\n]{1,80}')[ \t]*;?[ \t]*(?=\n|\Z)"
)
_EXPORT: Final = re.compile(r"\A\s*+export\s+default\b")
_NOTHING: Final = " \t\r\n\f\v;\u00a0\u2028\u2029"
_EXAMPLE: Final = "async () => await ovh.request({ method: 'GET', path: '/v1/me' })"
_LINE_BREAKS: Final = re.compile(r"[\t\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_EXCERPT_LINES: Final = 2  # before and after the line in question
_EXCERPT_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class Script:
    """Code as it was given, and as the engine gets it: same lines, same columns."""

    source: str
    code: str

    def column(self, line: int, octet: int) -> int:
        """Return the column in characters of the engine's, which counts octets of UTF-8; both from 1."""
        lines = self.code.split("\n")
        if not 1 <= line <= len(lines) or octet < 1:
            return octet
        return len(lines[line - 1].encode()[: octet - 1].decode(errors="ignore")) + 1

    def excerpt(self, line: int, column: int) -> str:
        """Return the given line (from 1) with two lines around it and a mark under the column, or ""."""
        lines = self.source.split("\n")  # the engine counts no other line breaks
        if not 1 <= line <= len(lines):
            return ""
        first, last = max(1, line - _EXCERPT_LINES), min(len(lines), line + _EXCERPT_LINES)
        width = len(str(last))
        shown: list[str] = []
        for number in range(first, last + 1):
            text = _LINE_BREAKS.sub(" ", lines[number - 1])
            shown.append(f"{'>' if number == line else ' '} {number:>{width}} | {_cut(text)}")
            if number == line and 1 <= column <= min(len(text) + 1, _EXCERPT_CHARS):
                shown.append(f"  {'':>{width}} | {'':>{column - 1}}^")
        return "\n".join(shown)


def parse_script(code: str, *, limit_bytes: int) -> Script:
    """Return the script in `code`.

    Raises:
        CodeError: `empty`, `too-long` (more than `limit_bytes` of UTF-8) or `syntax` (no Unicode text).
    """
    try:
        size_bytes = len(code.encode())
    except UnicodeEncodeError as error:
        raise CodeError(
            f"The code holds half of a surrogate pair at character {error.start + 1}; send valid Unicode.",
            code="syntax",
        ) from None
    if size_bytes > limit_bytes:
        raise CodeError(
            f"The code has {size_bytes:,} bytes; at most {limit_bytes:,} are accepted (--max-code-size). "
            "Send a shorter script; data that it needs can be fetched by it.",
            code="too-long",
        )
    nul = code.find("\0")
    if nul >= 0:
        raise CodeError(
            "The code holds a NUL character, at which the engine would stop reading; write \\0 in a string.",
            code="syntax",
            line=code.count("\n", 0, nul) + 1,
            column=nul - code.rfind("\n", 0, nul),
        )
    bare = _without_wrapping(code)
    if not bare.strip(_NOTHING):
        raise CodeError(f"The code is empty. Send a function, for example: {_EXAMPLE}", code="empty")
    return Script(source=code, code=bare)


def _without_wrapping(code: str) -> str:
    code = _without_fence(code.removeprefix("\ufeff"))
    end = 0
    while found := _IMPORT.match(code, end):
        end = found.end()
    code = _blank(code, 0, end)
    export = _EXPORT.match(code)
    if export:
        code = _blank(code, 0, export.end())
    return code


def _without_fence(code: str) -> str:
    """Return the code inside a fence, whatever text stands around it; raises CodeError for two fences."""
    opening = _FENCE_OPEN.match(code)
    if opening is None:
        opening = _FENCE_LINE.search(code)
        if opening is None or _NO_PROSE.search(code, 0, opening.start()):
            # A fence behind the code only closes one that was left out.
            return code[: opening.start()] if opening and not code[opening.end() :].strip() else code
    closing = re.compile(rf"^[ \t]*{re.escape(opening['fence'])}[ \t]*$", re.MULTILINE).search(
        code, opening.end()
    )
    if closing and (another := _FENCE_LINE.search(code, closing.end())):
        raise CodeError(
            "The code holds more than one fenced block, and which of them is meant cannot be told. "
            "Send one function alone, without markdown.",
            code="syntax",
            line=code.count("\n", 0, another.start()) + 1,
            column=1,
        )
    return _blank(code[: closing.start()] if closing else code, 0, opening.end())


def _blank(text: str, start: int, end: int) -> str:
    """Return `text` with everything but line breaks between the two places made blank."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _cut(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS] + "…"
