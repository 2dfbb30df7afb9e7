"""A dry run: nothing is sent that is no read, and what would have been is told."""

from __future__ import annotations

from pathlib import Path

import mcp_types
import pytest
from mcp import Client

from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.limits import UNKNOWN
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import lines_of
from tests.end_to_end.program import Server, connected, error_of, run_once, says, value_of
from tests.end_to_end.test_access import client_of, writes_of
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_RECORDS = "/v1/domain/zone/example.com/record"


async def dry(client: Client, code: str, **more: object) -> mcp_types.CallToolResult:
    return await client.call_tool("execute", {"code": code, "dry_run": True, **more})


def plan_of(result: mcp_types.CallToolResult) -> str:
    """Return what would have been sent."""
    last = result.content[-1]
    assert isinstance(last, mcp_types.TextContent)
    assert last.text.startswith("Dry run: ")
    return last.text


def notes_of(result: mcp_types.CallToolResult) -> str:
    return "\n".join(each.text for each in result.content[1:-1] if isinstance(each, mcp_types.TextContent))


def sent_of(api: Simulator) -> list[str]:
    return [line for line in lines_of(api) if not line.startswith("GET ")]


@pytest.mark.promise("dry-run")
async def test_reads_run_and_writes_answer_with_what_is_made_up_and_marked(
    small_api: Simulator, small_server: Server
) -> None:
    code = f"""async () => {{
      const made = await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }});
      return [made, (await ovh.get("{_RECORDS}")).length > 0];
    }}"""
    async with connected(small_server) as client:
        result = await dry(client, code)
    value = value_of(result)
    assert isinstance(value, list)
    made, has_read = value
    assert made == {
        **dict.fromkeys(("id", "zone", "subDomain", "ttl"), UNKNOWN), "fieldType": "A", "target": "203.0.113.1"
    }  # fmt: skip
    assert has_read
    assert says(plan_of(result), f"1. POST {_RECORDS}", "write", 'target: "203.0.113.1"', UNKNOWN)
    assert notes_of(result) == ""
    assert sent_of(small_api) == []


@pytest.mark.promise("dry-run")
async def test_the_plan_is_in_order_with_labels_and_what_is_there_now(
    small_api: Simulator, small_server: Server
) -> None:
    code = f"""async () => {{
      const [id] = await ovh.get("{_RECORDS}"), [name] = await ovh.get("/v1/vps");
      const made = await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }});
      await ovh.put("{_RECORDS}/" + id, {{ body: {{ ttl: 4711 }} }});
      await ovh.delete("{_RECORDS}/" + made.id);
      await ovh.post("/v1/vps/" + name + "/reboot");
      return (await ovh.get("{_RECORDS}/" + made.id)).target;
    }}"""
    async with connected(small_server) as client:
        result = await dry(client, code)
    assert value_of(result) == UNKNOWN
    plan = plan_of(result)
    lines = [line for line in plan.splitlines() if line[:1].isdigit()]
    assert [line.split()[1] for line in lines] == ["POST", "PUT", "DELETE", "POST"]
    assert says(plan, "→ 4711", f"DELETE {_RECORDS}/{UNKNOWN}", "destroys")
    assert sent_of(small_api) == []


@pytest.mark.promise("dry-run")
@pytest.mark.parametrize(
    ("decides", "names"),
    [
        ("made.ttl > 60", "ttl"),
        ("made.subDomain ? 1 : 2", "subDomain"),
        ("made.fieldType === 'A'", ""),
        ("0", ""),
    ],
)
async def test_a_script_that_looks_at_what_is_unknown_is_told_so(
    small_server: Server, decides: str, names: str
) -> None:
    code = f"""async () => {{
      const made = await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }});
      return [{decides}, made];
    }}"""
    async with connected(small_server) as client:
        notes = notes_of(await dry(client, code))
    assert (f"cannot know ({names})" in notes) is bool(names)


@pytest.mark.promise("dry-run")
async def test_what_would_be_refused_is_refused_and_what_would_be_asked_is_told(
    small_api: Simulator, home: Path
) -> None:
    wrong = f'ovh.post("{_RECORDS}", {{ body: {{ type: "A" }} }}).catch(e => e.code)'
    right = 'ovh.post("/v1/vps/" + (await ovh.get("/v1/vps"))[0] + "/reboot")'
    async with client_of(small_api, home, access="confirm") as client:
        result = await dry(client, f"async () => {{ const end = await {wrong}; await {right}; return end }}")
        assert value_of(result) == "invalid-request"
        assert says(plan_of(result), "1. POST /v1/vps/", "a person would be asked first")
    async with client_of(small_api, home, access="read-only") as client:
        result = await dry(client, f"async () => await {right}")
        assert says(error_of(result), "is denied")
        assert plan_of(result) == "Dry run: it would have sent nothing."
    assert sent_of(small_api) == []


async def test_what_was_begun_is_not_waited_for(small_server: Server) -> None:
    code = """async () => {
      const task = await ovh.post("/v1/vps/" + (await ovh.get("/v1/vps"))[0] + "/reboot");
      return (await ovh.wait(task)).settled;
    }"""
    async with connected(small_server) as client:
        assert value_of(await dry(client, code)) is False


@pytest.mark.timeout(300)
@pytest.mark.promise("dry-run")
async def test_no_write_of_the_whole_api_is_sent(
    whole_api: Simulator, whole_server: Server, full_catalog: CatalogFile
) -> None:
    calls = writes_of(full_catalog)[::4]
    ends = """async () => {
      const ends = {};
      for (const call of CALLS) {
        let end = "made up";
        try { const answer = await ovh.request({ ...call, validate: "warn" }); JSON.stringify(answer) }
        catch (e) { end = e.code ?? String(e) }
        ends[end] = (ends[end] ?? 0) + 1;
      }
      return ends;
    }"""
    told: dict[str, int] = {}
    async with connected(whole_server) as client:
        for start in range(0, len(calls), 100):
            some = f"[{', '.join(calls[start : start + 100])}]"
            value = value_of(await dry(client, ends.replace("CALLS", some)))
            assert isinstance(value, dict)
            for end, count in value.items():
                told[end] = told.get(end, 0) + count
    assert told == {"made up": len(calls)}
    assert sent_of(whole_api) == []


async def test_it_is_an_argument_of_execute_and_true_or_false(small_server: Server) -> None:
    async with connected(small_server) as client:
        wrong = await client.call_tool("execute", {"code": "() => 1", "dry_run": "yes"})
        search = await client.call_tool("search", {"code": "() => 1", "dry_run": True})
        plain = await client.call_tool("execute", {"code": "() => 1", "dry_run": False})
    assert says(error_of(wrong), "dry_run", "true or false")
    assert says(error_of(search), "dry_run", "`code` alone")
    assert len(plain.content) == 1


@pytest.mark.promise("dry-run")
def test_the_command_does_it_too_and_records_nothing(
    small_api: Simulator, home: Path, tmp_path: Path
) -> None:
    code = f'async () => (await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }})).target'
    env = environment(small_api, home, OVH_STATE_DIR=str(tmp_path / "state"))
    done = run_once(home, "execute", "--dry-run", code, **env)
    assert (done.returncode, done.stdout.strip()) == (0, '"203.0.113.1"')
    assert says(done.stderr, "nothing was sent", f"1. POST {_RECORDS}")
    assert not (tmp_path / "state").exists()
    assert sent_of(small_api) == []
