"""What the document on security says of walls, system calls and verdicts is so."""

from __future__ import annotations

import re
from typing import get_args

from ovh_api_mcp.sandbox.inside.confine import PUT_UP
from ovh_api_mcp.sandbox.inside.syscall_filter import ALLOWED
from ovh_api_mcp.sandbox.walls import ONLY_LINUX, Verdict, Wall
from tests.docs.documents import ROOT, prose, table

_SECURITY = ROOT / "docs" / "security.md"


def test_the_table_of_walls_is_the_list_of_walls() -> None:
    rows = table(_SECURITY, "wall", "what it stops")
    assert [row[0] for row in rows] == [wall.value for wall in Wall]
    assert {Wall(row[0]) for row in rows if row[4] != "all"} == set(ONLY_LINUX)
    assert {Wall(row[0]) for row in rows if "confine_child" in row[2]} <= set(PUT_UP)


def test_the_table_of_system_calls_is_the_list_of_the_filter() -> None:
    named = [name for row in table(_SECURITY, "calls", "only") for name in row[0].split(", ")]
    assert sorted(named) == sorted({name for name, _ in ALLOWED})
    assert re.search(rf"Behind the filter, {len(named)} calls", prose(_SECURITY))


def test_every_verdict_is_explained() -> None:
    assert len(table(_SECURITY, "verdict", "means")) == len(get_args(Verdict))
