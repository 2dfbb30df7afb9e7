"""One call, followed through every package: the story of the program, read from top to bottom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from mcp import Client

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, Settings, load_settings
from ovh_api_mcp.simulator.simulator import Simulator
from tests.server.real_server import environment, text_of

pytestmark = pytest.mark.anyio

SCRIPT = """async () => {
  const path = "/v1/domain/zone/{zone}/record";
  const made = await ovh.request({
    method: "post", path, params: { zone: "example.com" },
    body: { fieldType: "TXT", subDomain: "story", target: "once upon a time", ttl: 9007199254740993n },
  });
  console.log("made", made.id);
  const error = await ovh.get("/v1/domain/zone/example.com/story").catch(e => e);
  return { target: made.target, ttl: made.ttl, refused: error.code };
}"""


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with aclosing(await Simulator.start()) as simulator:
        yield simulator


@pytest.fixture
def settings(simulator: Simulator, tmp_path: Path) -> Settings:
    return load_settings(Flags(), environment(simulator, tmp_path), config_paths=())


@pytest.mark.promise("tools.two", "tools.execute", "calls.body", "calls.method-case", "calls.params")
async def test_one_call_goes_its_way_through_every_package_and_back(
    settings: Settings, simulator: Simulator
) -> None:
    redactor = Redactor(settings.secrets())
    async with App.open(settings, redactor) as app, Client(build_server(app.execution)) as client:
        # server: a client sees two tools, and knows from the instructions how they are used
        assert [tool.name for tool in (await client.list_tools()).tools] == ["search", "execute"]
        assert "`search`" in (client.instructions or "")

        # catalog: nobody has asked for it yet; the first call has it built from the API's own schemas
        assert app.health()["catalogue"] == {"state": "building"}
        steps: list[str | None] = []

        async def listen(progress: float, total: float | None, message: str | None) -> None:
            steps.append(message)

        result = await client.call_tool("execute", {"code": SCRIPT}, progress_callback=listen)
        assert "loading services" in steps
        catalogue = app.catalog.current
        assert catalogue is not None
        operation = catalogue.operation(Method.POST, "/v1/domain/zone/{zoneName}/record")
        assert operation is not None
        assert operation.is_authenticated
        assert operation.has_body

    # sandbox: the script ran to its end in a child, which is gone; what it printed came along
    assert not result.is_error
    assert text_of(result, 1).startswith("[log] made ")

    # gate: the call that is no operation was refused and never left; the other left once, in one spelling
    schemas = [each for each in simulator.requests if each.raw_path.endswith((".json", "/v1/", "/v2/"))]
    clock, call = [each for each in simulator.requests if each not in schemas]
    assert clock.raw_path == "/v1/auth/time"
    assert (call.method, call.target) == ("POST", "/v1/domain/zone/example.com/record")
    assert json.loads(call.body)["ttl"] == 9_007_199_254_740_993

    # ovh: it was signed with the secret over what went over the wire, and the API took the signature
    account = simulator.account
    signed = "+".join(
        (
            account.application_secret,
            account.consumer_key,
            "POST",
            f"{simulator.url}{call.target}",
            call.body.decode(),
            call.headers["x-ovh-timestamp"],
        )
    )
    assert call.headers["x-ovh-signature"] == "$1$" + hashlib.sha1(signed.encode()).hexdigest()
    assert call.status == 200

    # and back: the API's answer became a value of the script, its result the text that a model reads
    assert text_of(result) == (
        '{"target":"once upon a time","ttl":9007199254740993,"refused":"unknown-operation"}'
    )
    assert account.application_secret not in result.model_dump_json()
