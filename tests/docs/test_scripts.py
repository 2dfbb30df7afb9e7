"""Every script of the documents runs as it stands, in the real server on the simulator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import anyio
import mcp_types
import pytest
from mcp import Client

from ovh_api_mcp.json_value import JsonValue
from tests.docs.documents import DOCUMENTS, README, Block, blocks

pytestmark = pytest.mark.anyio

_TIMEOUT_S = 40.0
_SCRIPTS = [block for path in DOCUMENTS for block in blocks(path, "js")]
_FIND_ZONES, _LIST_ZONES, _READ_RECORDS = blocks(README, "js")[:3]


async def run(url: str, block: Block) -> JsonValue:
    """Return what a script comes to: `search` runs it when it takes (spec), else `execute`."""
    tool = "search" if block.text.startswith("(spec)") else "execute"
    with anyio.fail_after(_TIMEOUT_S):
        async with Client(url) as client:
            answer = await client.call_tool(tool, {"code": block.text})
    texts = [part.text for part in answer.content if isinstance(part, mcp_types.TextContent)]
    assert not answer.is_error, texts
    assert texts[1:] == [], "a script of the documents needs no notes"
    result: JsonValue = json.loads(texts[0])
    return result


@pytest.mark.parametrize("block", _SCRIPTS, ids=lambda block: block.place)
async def test_a_script_runs_and_comes_to_what_the_document_says(server_url: str, block: Block) -> None:
    result = await run(server_url, block)
    if block.result:
        assert result == json.loads(block.result)


@pytest.mark.promise("tools.readme-scripts", "tools.search", "tools.execute")
async def test_the_three_scripts_of_the_readme_give_the_right_answers(server_url: str) -> None:
    found = await run(server_url, _FIND_ZONES)
    assert isinstance(found, list)
    assert {"method": "GET", "path": "/v1/domain/zone", "summary": "List the DNS zones"} in found
    assert all(isinstance(each, dict) and "/domain/zone" in str(each["path"]) for each in found)

    assert await run(server_url, _LIST_ZONES) == ["example.com", "example.net", "example.org"]

    records = await run(server_url, _READ_RECORDS)
    assert isinstance(records, list)
    assert [each["id"] for each in records if isinstance(each, dict)] == list(range(5001, 5011))


@pytest.mark.promise("tools.readme-scripts")
def test_the_three_scripts_are_those_that_were_promised_word_for_word(shared_dir: Path) -> None:
    promised = re.findall(
        r"^```js\n(.*?)^```$", (shared_dir / "SPEC.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert [block.text for block in blocks(README, "js")][: len(promised)] == promised
