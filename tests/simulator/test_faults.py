"""What goes wrong on demand."""

import asyncio
import http.client
from contextlib import aclosing

import anyio
import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.simulator import Simulator
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio

ME = "/v1/me"


async def test_a_fault_happens_as_often_as_it_is_told_to(caller: Caller) -> None:
    fault = caller.simulator.faults.add("GET", ME, times=2, status=503)

    assert [(await caller.send("GET", ME)).status_code for _ in range(3)] == [503, 503, 200]
    assert fault.hits == 2


async def test_faults_happen_in_the_order_they_were_set_and_can_be_taken_away(caller: Caller) -> None:
    faults = caller.simulator.faults
    faults.add("GET", ME, times=1, status=429, headers={"Retry-After": "7"})
    faults.add("*", "/v1/", status=500)

    limited = await caller.send("GET", ME)
    broken = await caller.send("PUT", ME, {})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert (broken.status_code, broken.json()["class"]) == (500, "Server::InternalServerError")
    assert broken.headers["X-OVH-QUERYID"]
    faults.clear()
    assert (await caller.send("GET", ME)).status_code == 200


async def test_a_fault_can_be_on_a_template_and_counts_for_both_spellings_of_v1(caller: Caller) -> None:
    caller.simulator.faults.add("GET", "/v1/domain/zone/{zoneName}", status=460)

    assert (await caller.send("GET", "/v1/domain/zone/example.com")).status_code == 460
    assert (await caller.send("GET", "/1.0/domain/zone/example.com")).status_code == 460
    assert (await caller.send("GET", "/v1/domain/zone/example.com/record")).status_code == 200
    assert (await caller.send("GET", "/v1/domain/zone")).status_code == 200


async def test_a_fault_can_answer_anything(caller: Caller) -> None:
    faults = caller.simulator.faults
    faults.add("GET", ME, times=1, status=502, body=b"<html>", content_type="text/html")
    faults.add("GET", ME, times=1, body=b'{"cut": ')
    faults.add("GET", ME, times=1, status=204)
    faults.add("GET", ME, times=1, status=302, headers={"Location": "https://example.com/"})

    html, cut, empty, moved = [await caller.send("GET", ME) for _ in range(4)]
    assert (html.status_code, html.headers["Content-Type"], html.content) == (
        502,
        "text/html; charset=utf-8",
        b"<html>",
    )
    assert (cut.status_code, cut.content) == (200, b'{"cut": ')
    assert (empty.status_code, empty.content, "Content-Type" in empty.headers) == (204, b"", False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "https://example.com/")


async def test_a_huge_answer_is_streamed(caller: Caller) -> None:
    caller.simulator.faults.add("GET", ME, stream_bytes=3_000_001)

    answer = await caller.send("GET", ME)
    assert len(answer.content) == 3_000_003
    assert len(answer.json()) == 3_000_001
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("kind", ["cut", "drop"])
async def test_a_connection_can_end_too_early(caller: Caller, kind: str) -> None:
    caller.simulator.faults.add("GET", ME, times=1, cut=kind == "cut", drop=kind == "drop")

    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        await caller.send("GET", ME)
    assert caller.simulator.requests[-1].status == 0
    assert (await caller.send("GET", ME)).status_code == 200


async def test_a_late_answer_is_the_right_answer(caller: Caller) -> None:
    fault = caller.simulator.faults.add("GET", ME, times=1, delay_s=0.01)
    caller.simulator.latency_s = 0.01

    assert (await caller.send("GET", ME)).json()["nichandle"] == caller.simulator.account.nichandle
    assert fault.hits == 1


async def test_closing_ends_what_hangs_and_what_is_late(caller: Caller) -> None:
    simulator = caller.simulator
    simulator.faults.add("GET", ME, times=1, hang=True)
    simulator.faults.add("GET", ME, delay_s=3600)
    failures: list[Exception] = []

    async def wait_for_ever() -> None:
        try:
            await Caller(simulator).send("GET", ME)
        except ConnectionError as error:
            failures.append(error)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(wait_for_ever)
            while len(simulator.requests) < 3:
                await anyio.lowlevel.checkpoint()
            await simulator.aclose()
    assert len(failures) == 3
    await simulator.aclose()


async def test_a_client_that_goes_away_does_not_disturb_the_others(caller: Caller) -> None:
    simulator = caller.simulator
    simulator.faults.add("GET", ME, times=1, hang=True)
    host, port = simulator.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n")
    with anyio.fail_after(20):
        while not simulator.requests:
            await anyio.lowlevel.checkpoint()
    writer.close()
    await writer.wait_closed()

    assert (await caller.send("GET", ME)).status_code == 200


async def test_a_port_in_use_is_said_to_be(simulator: Simulator) -> None:
    port = int(simulator.url.rpartition(":")[2])

    with pytest.raises(SettingsError) as raised:
        await Simulator.start(port=port)
    assert raised.value.code == "port-in-use"
    assert str(port) in raised.value.message


async def test_an_address_that_is_not_here_is_said_to_be_unusable() -> None:
    with pytest.raises(SettingsError) as raised:
        await Simulator.start(host="203.0.113.1")

    assert raised.value.code == "address-unusable"


async def test_a_port_is_free_again_after_closing() -> None:
    first = await Simulator.start()
    await first.aclose()

    async with aclosing(await Simulator.start(port=int(first.url.rpartition(":")[2]))) as second:
        assert second.url == first.url


async def test_a_body_without_end_is_refused(caller: Caller) -> None:
    answer = await caller.send("PUT", ME, raw=b" " * (16 * 1024 * 1024 + 1))

    assert answer.status_code == 413
