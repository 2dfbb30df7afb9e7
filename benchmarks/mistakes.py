"""How often a wrong script is answered with what its writer needs: the shared corpus of mistakes, by kind."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mcp_types
from mcp import Client

from benchmarks.figures import SCHEMAS, full_simulator, print_table, server_command
from ovh_api_mcp.simulator.faults import FaultBoard

CORPUS = SCHEMAS.parent / "corpora" / "mistakes.public.json"
_BAD_REQUEST = {"class": "Client::BadRequest", "message": "Bad request"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong script, and the pattern of what the answer must say.

    `mock` maps "METHOD path" to what the API answers.
    """

    name: str
    tool: str
    code: str
    kind: str
    hint: str
    mock: dict[str, object]

    def is_answered_by(self, text: str) -> bool:
        """Tell whether `text`, all that the tool returned, holds what is needed."""
        return re.search(self.hint, text, re.IGNORECASE) is not None

    def prepare(self, faults: FaultBoard) -> None:
        """Have the simulator answer what the mock says, and 400 to all else."""
        faults.clear()
        faults.add("GET", "/v1/auth/time")  # as it is: requests are signed with the API's time
        for request in sorted(self.mock, key=len, reverse=True):
            method, path = request.split(" ")
            answer, status = self.mock[request], 200
            if isinstance(answer, dict) and "$status" in answer:
                answer, status = answer["$body"], int(answer["$status"])
            faults.add(method, path, status=status, body=json.dumps(answer).encode())
        faults.add("*", "/", status=400, body=json.dumps(_BAD_REQUEST).encode())


def load_mistakes(path: Path = CORPUS) -> Sequence[Mistake]:
    """Return the cases of a corpus; all that its README explains but `$expect` and `$pages`."""
    return [
        Mistake(each["name"], each["tool"], each["code"], each["kind"], each["hint"], each.get("mock", {}))
        for each in json.loads(path.read_text())
    ]


def all_text(result: mcp_types.CallToolResult) -> str:
    """Return everything that a tool returned."""
    return "\n".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


async def main() -> None:
    total: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as cache:
        async with (
            full_simulator() as simulator,
            Client(server_command(simulator.url, Path(cache)), mode="legacy") as client,
        ):
            await client.call_tool("search", {"code": "() => 1"})
            for mistake in load_mistakes():
                mistake.prepare(simulator.faults)
                text = all_text(await client.call_tool(mistake.tool, {"code": mistake.code}))
                total[mistake.kind] += 1
                hit[mistake.kind] += mistake.is_answered_by(text)
    rows = [(kind, f"{hit[kind]} of {total[kind]}") for kind in sorted(total)]
    print_table(
        "Wrong scripts whose answer says what is needed",
        ("kind", "answered"),
        [*rows, ("all", f"{hit.total()} of {total.total()}")],
    )
