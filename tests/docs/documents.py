"""The documents of the project, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "ovh_api_mcp"
README: Final = ROOT / "README.md"
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
DOCUMENTS: Final = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))

_FENCED: Final = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `result` is the text of the JSON block right behind a script, "" for none."""

    path: Path
    line: int
    language: str
    text: str
    result: str = ""

    @property
    def place(self) -> str:
        """Where it stands: "README.md:12"."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(path: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a document, of all languages where none is named."""
    text = path.read_text(encoding="utf-8")
    found = list(_FENCED.finditer(text))
    every = [
        Block(path, text.count("\n", 0, match.start()) + 1, match["language"], match["text"], result)
        for match, result in zip(found, _results(text, found), strict=True)
    ]
    return [block for block in every if not languages or block.language in languages]


def _results(text: str, found: list[re.Match[str]]) -> Iterator[str]:
    """Yield what stands behind each block as its result."""
    for number, here in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        is_next = after is not None and not text[here.end() : after.start()].strip()
        is_result = here["language"] == "js" and after is not None and after["language"] == "json"
        yield after["text"] if after is not None and is_next and is_result else ""


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


def spans(path: Path) -> list[str]:
    """Return what stands in backticks in the prose of a document."""
    return [match[2].strip() for match in _SPAN.finditer(prose(path))]


def table(path: Path, *heads: str) -> list[list[str]]:
    """Return the rows of the table whose first columns are called `heads`, without backticks."""
    begin = "| " + " | ".join(heads)
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(begin))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as the usual renderers make them."""
    headings = (match[1].lower().replace("`", "") for match in _HEADING.finditer(prose(path)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
