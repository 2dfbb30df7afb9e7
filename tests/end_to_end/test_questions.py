"""A person is asked, in both protocol eras, with the SDK's client: what is shown, and what an answer does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from mcp import Client

from ovh_api_mcp import limits
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, lines_of
from tests.end_to_end.program import WAIT_S, connected, error_of, execute, http_server, says, value_of
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio

_RECORDS = "/v1/domain/zone/example.com/record"
_ERAS = ["legacy", "auto"]
Answer = Callable[
    [mcp_types.ElicitRequestFormParams], Awaitable[mcp_types.ElicitResult] | mcp_types.ElicitResult
]


class Person:
    """Sits in front of a client: keeps what was shown, and answers by a function."""

    def __init__(self, answer: str | Answer = "once") -> None:
        self.shown: list[mcp_types.ElicitRequestFormParams] = []
        self._answer = answer

    async def __call__(self, context: Any, params: Any) -> mcp_types.ElicitResult:
        assert isinstance(params, mcp_types.ElicitRequestFormParams)
        self.shown.append(params)
        if isinstance(self._answer, str):
            return filled(params, self._answer)
        answer = self._answer(params)
        return answer if isinstance(answer, mcp_types.ElicitResult) else await answer


def filled(params: mcp_types.ElicitRequestFormParams, answer: str) -> mcp_types.ElicitResult:
    """Fill in the same answer everywhere."""
    fields = params.requested_schema["properties"]
    return mcp_types.ElicitResult(action="accept", content=dict.fromkeys(fields, answer))


@asynccontextmanager
async def client_of(
    api: Simulator, home: Path, mode: str, person: Person | None, **flags: object
) -> AsyncIterator[Client]:
    flags = {"access": "confirm", "ask": "write,destroys,spends,secrets,access", **flags}
    settings = load_settings(Flags(**flags), environment(api, home), config_paths=())  # type: ignore[arg-type]
    async with App.open(settings, Redactor(settings.secrets())) as app:
        server = build_server(app.execution, settings.access, app.parking, settings.question_timeout_s)
        async with Client(server, mode=mode, elicitation_callback=person) as client:
            yield client


def add(name: str) -> str:
    return f'ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1", subDomain: "{name}" }} }})'


def writes_of(api: Simulator) -> list[str]:
    return [line for line in lines_of(api) if not line.startswith("GET")]


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_a_yes_lets_one_call_through_and_the_script_goes_on_where_it_stood(
    small_api: Simulator, home: Path, mode: str
) -> None:
    person = Person()
    code = f"""async () => {{
      const before = (await ovh.get("{_RECORDS}")).length;
      const made = await {add("asked")};
      return [made.subDomain, (await ovh.get("{_RECORDS}")).length - before];
    }}"""
    async with client_of(small_api, home, mode, person) as client:
        assert value_of(await execute(client, code)) == ["asked", 1]
    assert lines_of(small_api) == [f"GET {_RECORDS}", f"POST {_RECORDS}", f"GET {_RECORDS}"]  # nothing twice
    [form] = person.shown
    assert says(
        form.message, f"POST {_RECORDS}", "write", "confirm", 'subDomain: "asked"', 'target: "203.0.113.1"'
    )
    [field] = form.requested_schema["properties"].values()
    assert (field["enum"], field["default"]) == (["no", "once", "all"], "no")


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
@pytest.mark.parametrize("action", ["no", "decline", "cancel", "nonsense", "empty"])
async def test_anything_but_a_yes_is_a_no_that_a_script_may_catch(
    small_api: Simulator, home: Path, mode: str, action: str
) -> None:
    def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        if action == "decline":
            return mcp_types.ElicitResult(action="decline")
        if action == "cancel":
            return mcp_types.ElicitResult(action="cancel")
        if action == "empty":
            return mcp_types.ElicitResult(action="accept", content={})
        return filled(params, action)

    code = f"async () => await {add('x')}.catch(e => [e.class, e.code, e.by, e.labels])"
    async with client_of(small_api, home, mode, Person(answer)) as client:
        assert value_of(await execute(client, code)) == ["Denied", "denied", "person", ["write"]]
        told = error_of(await execute(client, f"async () => await {add('x')}"))
    assert says(told, "said no", "Respect that")
    assert writes_of(small_api) == []


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_calls_that_are_made_together_are_asked_together(
    small_api: Simulator, home: Path, mode: str
) -> None:
    def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        return mcp_types.ElicitResult(
            action="accept", content={"call1": "once", "call2": "no", "call3": "once"}
        )

    person = Person(answer)
    calls = ", ".join(f"{add(name)}.then(r => r.subDomain, e => e.by)" for name in ("a", "b", "c"))
    async with client_of(small_api, home, mode, person) as client:
        assert value_of(await execute(client, f"async () => await Promise.all([{calls}])")) == [
            "a",
            "person",
            "c",
        ]
    [form] = person.shown
    assert says(form.message, "3 calls", "1. POST", "2. POST", "3. POST")
    assert len(writes_of(small_api)) == 2


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_all_is_for_this_operation_in_this_script(small_api: Simulator, home: Path, mode: str) -> None:
    person = Person("all")
    code = f"""async () => {{
      const made = [];
      for (const name of ["a", "b", "c"]) made.push(await ovh.post("{_RECORDS}", {{
        body: {{ fieldType: "A", target: "203.0.113.1", subDomain: name }} }}));
      await ovh.put("{_RECORDS}/" + made[0].id, {{ body: {{ ttl: 60 }} }});
      return made.length;
    }}"""
    async with client_of(small_api, home, mode, person) as client:
        assert value_of(await execute(client, code)) == 3
        assert len(person.shown) == 2
        assert value_of(await execute(client, f"async () => (await {add('d')}).subDomain")) == "d"
    assert len(person.shown) == 3


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_a_change_and_a_deletion_show_what_is_there_now(
    small_api: Simulator, home: Path, mode: str
) -> None:
    person = Person()
    code = f"""async () => {{
      const {{ id }} = await {add("seen")};
      await ovh.put("{_RECORDS}/" + id, {{ body: {{ ttl: 77 }} }});
      await ovh.delete("{_RECORDS}/" + id);
    }}"""
    async with client_of(small_api, home, mode, person) as client:
        assert value_of(await execute(client, code)) is None
    _, change, deletion = (each.message for each in person.shown)
    assert "ttl: " in change
    assert "→ 77" in change
    assert says(deletion, "DELETE", "there now:", 'subDomain "seen"')


@pytest.mark.parametrize("mode", _ERAS)
async def test_secrets_are_not_shown_to_whoever_is_asked(small_api: Simulator, home: Path, mode: str) -> None:
    person = Person("no")
    secret = small_api.account.application_secret
    code = f"""async () => await ovh.post("/v1/me/sshKey", {{
      validate: "warn", body: {{ keyName: "{secret}", key: "x", apiKey: "hidden-1", nested: {{ password: "hidden-2" }} }}
    }}).catch(e => e.by)"""
    async with client_of(small_api, home, mode, person) as client:
        assert value_of(await execute(client, code)) == "person"
    shown = person.shown[0].model_dump_json()
    assert "keyName" in shown
    assert "hidden" not in shown
    assert secret not in shown


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_the_scripts_clock_stands_still_while_a_person_thinks(
    small_api: Simulator, home: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STANDSTILL_S", 0.0)
    monkeypatch.setattr(limits, "EXECUTE_TIMEOUT_S", 1.0)
    monkeypatch.setattr("ovh_api_mcp.server.execution._BOUNDS", _short_bounds())

    async def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        await asyncio.sleep(2.5)
        return filled(params, "once")

    async with client_of(small_api, home, mode, Person(answer)) as client:
        assert value_of(await execute(client, f"async () => (await {add('slow')}).subDomain")) == "slow"


def _short_bounds() -> object:
    from ovh_api_mcp.sandbox.outcome import ScriptLimits
    from ovh_api_mcp.server.execution import Tool

    return {
        Tool.SEARCH: ScriptLimits(timeout_s=1.0, may_call=False),
        Tool.EXECUTE: ScriptLimits(timeout_s=1.0),
    }


# --- nobody answers ----------------------------------------------------------------------------------------


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_a_client_that_cannot_ask_is_told_how_it_can_be_allowed(
    small_api: Simulator, home: Path, mode: str
) -> None:
    async with client_of(small_api, home, mode, None) as client:
        told = error_of(await execute(client, f"async () => await {add('x')}"))
    assert says(told, "needs a person's yes", "cannot ask anybody", "[[allow]]", "elicitation")
    assert writes_of(small_api) == []


async def test_a_question_that_nobody_answers_in_time_is_a_no(small_api: Simulator, home: Path) -> None:
    async def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        await asyncio.sleep(WAIT_S)
        return filled(params, "once")

    code = f"async () => await {add('x')}.catch(e => [e.by, e.message])"
    async with client_of(small_api, home, "legacy", Person(answer), question_timeout="1") as client:
        value = value_of(await execute(client, code))
    assert isinstance(value, list)
    assert value[0] == "nobody"
    assert says(value[1], "within 1 s", "Nothing was sent")
    assert writes_of(small_api) == []


async def test_a_script_that_is_abandoned_gets_a_no_and_a_late_client_what_came_of_it(
    small_api: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PARKED_S", 0.3)

    async def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        await asyncio.sleep(0.45)
        return filled(params, "once")

    code = f"async () => await {add('x')}.catch(e => [e.by, e.code])"
    async with client_of(small_api, home, "auto", Person(answer)) as client:
        assert value_of(await execute(client, code)) == ["nobody", "denied"]
    assert writes_of(small_api) == []


async def test_a_script_that_is_no_longer_there_is_told(
    small_api: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PARKED_S", 0.1)

    async def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        await asyncio.sleep(0.6)
        return filled(params, "once")

    async with client_of(small_api, home, "auto", Person(answer)) as client:
        told = error_of(await execute(client, f"async () => await {add('x')}"))
    assert says(told, "no longer there", "was not sent", "Look at what is there now")
    assert writes_of(small_api) == []


async def test_a_script_may_not_ask_for_ever(
    small_api: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "QUESTION_ROUNDS", 3)
    code = f"""async () => {{
      const ends = [];
      for (let i = 0; i < 5; i++) ends.push(await {add("x")}.then(() => "sent", e => e.by));
      return ends;
    }}"""
    person = Person()
    async with client_of(small_api, home, "auto", person) as client:
        assert value_of(await execute(client, code)) == ["sent"] * 3 + ["nobody"] * 2
    assert len(person.shown) == 3


async def test_no_more_scripts_wait_than_there_is_room_for(
    small_api: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PARKED_SCRIPTS", 1)
    first_waits, second_is_done = asyncio.Event(), asyncio.Event()

    async def answer(params: mcp_types.ElicitRequestFormParams) -> mcp_types.ElicitResult:
        first_waits.set()
        await asyncio.wait_for(second_is_done.wait(), WAIT_S)
        return filled(params, "once")

    person = Person(answer)
    code = f"async () => await {add('x')}.then(() => 'sent', e => e.message)"
    async with client_of(small_api, home, "auto", person) as client:
        first = asyncio.create_task(execute(client, code))
        await asyncio.wait_for(first_waits.wait(), WAIT_S)
        assert says(str(value_of(await execute(client, code))), "scripts wait for a person already")
        second_is_done.set()
        assert value_of(await first) == "sent"


# --- state that is not ours --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["nonsense", "v1.AAAA", ""])
async def test_a_state_that_was_not_sealed_here_leads_to_no_script(
    small_api: Simulator, home: Path, state: str
) -> None:
    async with client_of(small_api, home, "auto", Person()) as client:
        with pytest.raises(Exception, match=r"requestState|Invalid"):
            await client.session.call_tool(
                "execute",
                {"code": f"async () => await {add('x')}"},
                request_state=state,
                input_responses={"calls": mcp_types.ElicitResult(action="accept", content={"call1": "once"})},
            )
    assert calls_of(small_api) == []


# --- as processes ------------------------------------------------------------------------------------------


@pytest.mark.promise("access.asked")
@pytest.mark.parametrize("mode", _ERAS)
async def test_a_person_is_asked_over_http(small_api: Simulator, home: Path, mode: str) -> None:
    person = Person()
    env = environment(small_api, home)
    with http_server(env, "--access", "confirm", "--ask", "write") as server:
        server.wait_catalogue()
        async with Client(server.url, mode=mode, elicitation_callback=person) as client:
            assert value_of(await execute(client, f"async () => (await {add('far')}).subDomain")) == "far"
        async with connected(server, mode) as client:
            assert "needs a person's yes" in error_of(
                await execute(client, f"async () => await {add('far')}")
            )
    assert len(person.shown) == 1
    assert len(writes_of(small_api)) == 1
