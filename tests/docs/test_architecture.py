"""What the architecture says of modules, layers and limits is so."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from ovh_api_mcp import limits
from tests.docs.documents import ARCHITECTURE, DOCUMENTS, PACKAGE, ROOT, blocks, spans, table

_MODULE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|js)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_named_in_a_document_exists(document: Path) -> None:
    named = {span for span in spans(document) if _MODULE.fullmatch(span)}
    assert (
        sorted(name for name in named if not any((base / name).is_file() for base in (ROOT, PACKAGE))) == []
    )


def test_the_layers_are_those_that_are_checked() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    checked = contracts["importlinter:contract:story"]["layers"].split("\n")
    layers = [line.strip() for line in checked if line.strip()]
    [shown] = [block for block in blocks(ARCHITECTURE, "text") if block.text.startswith("__main__")]
    assert shown.text.splitlines() == layers


@pytest.mark.parametrize(
    ("name", "value"), [tuple(row[:2]) for row in table(ARCHITECTURE, "constant", "value")]
)
def test_every_limit_of_the_table_has_its_value(name: str, value: str) -> None:
    assert value == shown_limit(name)


def shown_limit(name: str) -> str:
    """Return a constant of limits.py as people write it."""
    number: float = getattr(limits, name)
    if name.endswith("_S"):
        return f"{number:g} s"
    if "BYTES" in name.split("_"):
        return f"{number / limits.MIB:g} MiB" if number >= limits.MIB else f"{number / limits.KIB:g} KiB"
    return f"{number:,}"
