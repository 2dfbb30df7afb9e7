"""How well the risk labels agree with those that people gave, and how they are spread.

Exact is the share of operations with just the labels that were given; accepted also counts the other
sets that its reviewers would take. Missed are the grave labels that an operation should have and has not.
The rules were written with the shared corpus and its notes at hand. Ours (risk_fresh.json) was picked at
random, three of four by words that mislead, and labelled from the native schemas before anybody looked at
what the rules say. The referee's (risk_referee.json) was chosen for its traps and labelled by another hand,
who saw neither rules nor labels. Both were read once (docs/performance.md has the figures) and then opened:
by now all three show a regression, not the quality on operations that nobody looked at.
"""

import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figures import ROOT, SCHEMAS, print_table
from benchmarks.find import build_full
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.store import CatalogFile

_PUBLIC = SCHEMAS.parent / "corpora" / "risk.public.json"
_FRESH = ROOT / "benchmarks" / "risk_fresh.json"
_REFEREE = ROOT / "benchmarks" / "risk_referee.json"
_GRAVE = ("destroys", "spends", "secrets")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An operation, the labels that a person gave it, and other sets that would be accepted."""

    operation: str
    labels: frozenset[str]
    acceptable: list[frozenset[str]]

    @property
    def method(self) -> str:
        return self.operation.partition(" ")[0]


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "full.catalog"
        await build_full(path)
        with closing(CatalogFile.open(path)) as file:
            for title, path in (("shared", _PUBLIC), ("ours", _FRESH), ("the referee's", _REFEREE)):
                _print_agreement(file, title, msgspec.json.decode(path.read_bytes(), type=list[Labelled]))
            _print_spread(file)


def _labels(file: CatalogFile, operation: str) -> frozenset[str]:
    method, _, path = operation.partition(" ")
    found = file.operation(Method(method), path)
    return frozenset() if found is None else frozenset(found.labels)


def _print_agreement(file: CatalogFile, title: str, labelled: list[Labelled]) -> None:
    rows = []
    for name in ("all", *Method):
        some = [each for each in labelled if name in ("all", each.method)]
        told = {each.operation: _labels(file, each.operation) for each in some}
        exact = sum(told[each.operation] == each.labels for each in some)
        accepted = sum(told[each.operation] in (each.labels, *each.acceptable) for each in some)
        missed = [
            str(sum(label in each.labels and label not in told[each.operation] for each in some))
            for label in _GRAVE
        ]
        rows.append(
            (str(name), str(len(some)), f"{exact / len(some):.2f}", f"{accepted / len(some):.2f}", *missed)
        )
    print_table(
        f"Risk labels and those that people gave: {title}",
        ("method", "operations", "exact", "accepted", *(f"{label} missed" for label in _GRAVE)),
        rows,
    )


def _print_spread(file: CatalogFile) -> None:
    spread = Counter(
        (str(method), ", ".join(sorted(_labels(file, f"{method} {path}")))) for method, path in file.routes()
    )
    rows = [(method, labels, f"{count:,}") for (method, labels), count in sorted(spread.items())]
    print_table("Labels over all operations", ("method", "labels", "operations"), rows)
