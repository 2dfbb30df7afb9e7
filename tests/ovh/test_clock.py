from __future__ import annotations

import asyncio

import pytest

from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.limits import CLOCK_JUMP_S, CLOCK_MAX_AGE_S
from ovh_api_mcp.ovh.clock import ServerClock
from ovh_api_mcp.ovh.transport import Transport
from tests.ovh.wire import always, answer, wire_server

pytestmark = pytest.mark.anyio

SERVER_TIME = 1_700_000_000


class Hands:
    """The hands of a local clock, moved by the test."""

    wall = float(SERVER_TIME + 400)  # the local clock is fast
    monotonic = 5.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def clock(transport: Transport, url: str, hands: Hands) -> ServerClock:
    return ServerClock(transport, url, wall=lambda: hands.wall, monotonic=lambda: hands.monotonic)


async def test_the_time_is_that_of_the_server_and_runs_on(transport: Transport) -> None:
    hands = Hands()
    async with wire_server(always(answer(200, str(SERVER_TIME).encode()))) as server:
        server_clock = clock(transport, server.url, hands)
        assert await server_clock.now() == SERVER_TIME
        hands.pass_(90.5)
        assert await server_clock.now() == SERVER_TIME + 90
        assert server.targets() == ["GET /v1/auth/time"]
        assert not {"authorization", "x-ovh-application"} & server.requests[0].headers.keys()


async def test_callers_at_the_same_time_share_one_question(transport: Transport) -> None:
    async with wire_server(always(answer(200, str(SERVER_TIME).encode()))) as server:
        server_clock = clock(transport, server.url, Hands())
        assert await asyncio.gather(*(server_clock.now() for _ in range(20))) == [SERVER_TIME] * 20
        assert len(server.requests) == 1


async def test_the_time_is_asked_again_after_a_while(transport: Transport) -> None:
    hands = Hands()
    async with wire_server(always(answer(200, str(SERVER_TIME).encode()))) as server:
        server_clock = clock(transport, server.url, hands)
        await server_clock.now()
        hands.pass_(CLOCK_MAX_AGE_S + 1)
        assert await server_clock.now() == SERVER_TIME
        assert len(server.requests) == 2


async def test_the_time_is_asked_again_when_the_machine_slept(transport: Transport) -> None:
    hands = Hands()
    async with wire_server(always(answer(200, str(SERVER_TIME).encode()))) as server:
        server_clock = clock(transport, server.url, hands)
        await server_clock.now()
        hands.wall += CLOCK_JUMP_S  # within what two clocks may differ by
        await server_clock.now()
        assert len(server.requests) == 1
        hands.wall += 3_600.0  # while the other one stood still
        assert await server_clock.now() == SERVER_TIME
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>portal</html>"),
        answer(200, b'"1700000000"'),
        answer(200, b""),
        answer(200, b"-5"),
        answer(200, b"9" * 400),
        answer(503, b"<html><title>Down</title>", {"Content-Type": "text/html"}),
    ],
)
async def test_an_answer_that_is_no_time_is_an_error_and_is_not_kept(
    transport: Transport, reply: bytes
) -> None:
    async with wire_server(always(reply)) as server:
        server_clock = clock(transport, server.url, Hands())
        for _ in range(2):
            with pytest.raises(NetworkError) as caught:
                await server_clock.now()
            assert caught.value.code == "authentication-unavailable"
        assert len(server.requests) == 2
