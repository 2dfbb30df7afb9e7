"""The shared corpus of wrong scripts, each through the real server on the whole API."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mistakes import CORPUS, all_text, load_mistakes
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.program import Server, connected

pytestmark = pytest.mark.anyio

# The cases whose answer does not say what is needed, each with the reason.
KNOWN_GAPS: dict[str, str] = {}
_CASES = {mistake.name: mistake for mistake in load_mistakes()} if CORPUS.is_file() else {}


@pytest.mark.parametrize("name", _CASES)
async def test_a_wrong_script_is_answered_with_what_its_writer_needs(
    whole_api: Simulator, whole_server: Server, name: str
) -> None:
    mistake = _CASES[name]
    mistake.prepare(whole_api.faults)
    async with connected(whole_server) as client:
        text = all_text(await client.call_tool(mistake.tool, {"code": mistake.code}))
    assert mistake.is_answered_by(text) == (name not in KNOWN_GAPS), text


def test_each_known_gap_is_a_case_of_the_corpus(shared_dir: Path) -> None:
    assert _CASES.keys() >= KNOWN_GAPS.keys()
