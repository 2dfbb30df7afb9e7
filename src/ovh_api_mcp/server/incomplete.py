"""What a model is told of services that the catalogue lacks: where its script may have looked for them.

A script that names such a service, or one that found nothing, may owe it to them; any other result is
what it would be with the whole catalogue, and a note on it would be noise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.sandbox.outcome import Outcome

_NAMED: Final = 3  # of one kind
_LIST_CHARS: Final = 120
# null, 0, false, and what holds nothing but empty strings, arrays and objects.
_NOTHING: Final = re.compile(rb'null|0|false|[\s\[\]{},"]*')


def with_notes_on_absences(outcome: Outcome, code: str, absences: Absences) -> Outcome:
    """Return the outcome of a search with notes on the services that it may lack."""
    notes = tuple(_notes(outcome, code, absences))
    return replace(outcome, notes=(*outcome.notes, *notes)) if notes else outcome


def _notes(outcome: Outcome, code: str, absences: Absences) -> Iterator[str]:
    named = absences.named_in(code)
    yield from (str(each) for each in named[:_NAMED])
    if len(named) > _NAMED:
        yield f"{len(named) - _NAMED} more services that it names are not loaded either."
    if not named and outcome.result is not None and _NOTHING.fullmatch(outcome.result):
        yield from _on_nothing(absences)


def _on_nothing(absences: Absences) -> Iterator[str]:
    failed = absences.failed
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        names = cut_foreign(", ".join(failed[:_NAMED]), _LIST_CHARS)
        yield f"Nothing was found, but the document is incomplete: {names}{more} could not be loaded."
    if absences.selection:
        roots = cut_foreign(", ".join(absences.selection), _LIST_CHARS)
        yield f"Nothing was found, but the document holds only the services {roots} (--services)."
