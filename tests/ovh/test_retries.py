"""What is sent again after a fault and what is not, against the simulated API, which knows what it did."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError, OvhMcpError
from ovh_api_mcp.limits import RETRY_ATTEMPTS, RETRY_ATTEMPTS_PACED
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import url_endpoint
from ovh_api_mcp.ovh.messages import ApiRequest, Sender
from ovh_api_mcp.ovh.retry import RULES, may_have_been_processed
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator

pytestmark = pytest.mark.anyio

_ZONE = "/v1/domain/zone/example.com/record"
_BODY = b'{"fieldType":"A","subDomain":"retry","target":"203.0.113.77"}'
_ALL, _PACED = RETRY_ATTEMPTS, RETRY_ATTEMPTS_PACED
_TIME = "/v1/auth/time"
_REQUESTS = {
    Method.GET: ApiRequest(Method.GET, _ZONE, None, (), True),
    Method.POST: ApiRequest(Method.POST, _ZONE, _BODY, (), True),
    Method.PUT: ApiRequest(Method.PUT, f"{_ZONE}/5002", b'{"target":"x.example.com."}', (), True),
    Method.DELETE: ApiRequest(Method.DELETE, f"{_ZONE}/5003", None, (), True),
}


@dataclass
class Clock:
    """Lets no time pass, and remembers what was waited for."""

    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def client_to(url: str, simulator: Simulator, clock: Clock) -> AsyncIterator[OvhClient]:
    account = simulator.account
    credentials = ApplicationCredentials(
        account.application_key, Secret(account.application_secret), Secret(account.consumer_key)
    )
    transport = Transport()
    client = OvhClient(transport, url_endpoint(url), credentials, sleep=clock.sleep)
    try:
        yield client
    finally:
        await client.aclose()
        await transport.aclose()


def seen(simulator: Simulator, method: Method) -> list[RecordedRequest]:
    return [each for each in simulator.requests if each.method == method and _ZONE in each.raw_path]


# What the API does to every attempt: how often GET and the writes are tried, whether the API processes a
# write, and whether the error of one says that it may have been processed.
TABLE: dict[str, tuple[dict[str, object], int, int, int, bool]] = {
    "dropped unprocessed": ({"drop": True}, _ALL, 1, 0, True),
    "processed, answer lost": ({"drop": True, "late": True}, _ALL, 1, 1, True),
    "processed, answer cut": ({"cut": True}, _ALL, 1, 1, True),
    "429": ({"status": 429}, _PACED, _PACED, 0, False),
    "429 with Retry-After": ({"status": 429, "headers": {"Retry-After": "2"}}, _PACED, _PACED, 0, False),
    "500 unprocessed": ({"status": 500}, _ALL, 1, 0, True),
    "500 after processing": ({"status": 500, "late": True}, _ALL, 1, 1, True),
    "502 in HTML": (
        {"status": 502, "body": b"<html><title>Bad Gateway</title>", "content_type": "text/html"},
        _ALL,
        1,
        0,
        True,
    ),
    "503": ({"status": 503}, _ALL, 1, 0, True),
    "504 after processing": ({"status": 504, "late": True}, _ALL, 1, 1, True),
    "nonsense instead of JSON": ({"body": b"<html>", "late": True}, 1, 1, 1, True),
    "400": ({"status": 400}, 1, 1, 0, False),
    "403": ({"status": 403}, 1, 1, 0, False),
    "404": ({"status": 404}, 1, 1, 0, False),
    "409": ({"status": 409}, 1, 1, 0, False),
    "460": ({"status": 460}, 1, 1, 0, False),
    "redirect": ({"status": 302, "headers": {"Location": "https://x.example/"}}, 1, 1, 0, True),
}


@pytest.mark.promise("retries.table")
@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("name", TABLE)
async def test_each_fault_is_retried_as_the_table_says_and_told_truly(name: str, method: Method) -> None:
    fault, reads, writes, processed, may_have_happened = TABLE[name]
    clock = Clock()
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add(method, _ZONE, **fault)  # type: ignore[arg-type]  # names of its own arguments
        with pytest.raises((ApiError, NetworkError)) as caught:
            await client.send(_REQUESTS[method])
        attempts = seen(simulator, method)
    assert len(attempts) == (reads if method is Method.GET else writes)
    assert caught.value.attempts == len(attempts)
    assert len(clock.slept) >= len(attempts) - 1
    if len(attempts) > 1:
        assert f"tried {len(attempts)} times" in caught.value.message
    if method is not Method.GET:
        assert sum(each.was_processed for each in attempts) == processed
        assert may_have_been_processed(caught.value) is may_have_happened


@pytest.mark.promise("retries.table")
@pytest.mark.parametrize("method", list(Method))
async def test_where_nobody_listens_every_method_is_tried_again_because_nothing_was_sent(
    method: Method,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    clock = Clock()
    request = _REQUESTS[method]
    unsigned = ApiRequest(request.method, request.target, request.body, (), is_authenticated=False)
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(f"http://127.0.0.1:{port}", simulator, clock) as client,
    ):
        with pytest.raises(NetworkError) as caught:
            await client.send(unsigned)
    assert caught.value.code == "connect-failed"
    assert caught.value.attempts == RETRY_ATTEMPTS
    assert not may_have_been_processed(caught.value)


@pytest.mark.parametrize("method", list(Method))
async def test_a_refusal_for_too_many_requests_that_passes_is_not_seen_by_the_caller(method: Method) -> None:
    clock = Clock()
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add(method, _ZONE, times=2, status=429, headers={"Retry-After": "3"})
        response = await client.send(_REQUESTS[method])
        assert response.status == 200
        assert sum(each.was_processed for each in seen(simulator, method)) == 1
    assert sum(3 <= pause <= 4 for pause in clock.slept) >= 2


async def test_a_pause_that_outlasts_the_script_is_told_and_not_waited_for() -> None:
    clock = Clock()
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add("GET", _ZONE, status=429, headers={"Retry-After": "120"})
        with pytest.raises(ApiError):
            await client.send(_REQUESTS[Method.GET])
        assert len(seen(simulator, Method.GET)) == 1
        with pytest.raises(NetworkError, match="not sent") as caught:
            await client.send(_REQUESTS[Method.GET])
        assert len(seen(simulator, Method.GET)) == 1
    assert caught.value.code == "rate-limited"
    assert clock.slept == []


async def test_when_the_api_takes_calls_again_is_told_and_does_not_hold_up_what_needs_no_key() -> None:
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, Clock()) as client,
    ):
        simulator.faults.add("GET", _ZONE, status=429, headers={"Retry-After": "120"})
        with pytest.raises(ApiError) as refused:
            await client.send(_REQUESTS[Method.GET])
        with pytest.raises(NetworkError) as held:
            await client.send(_REQUESTS[Method.POST])
        answer = await client.send(ApiRequest(Method.GET, _TIME, None, (), is_authenticated=False))
    assert "again in 120 s" in refused.value.hint
    assert refused.value.retry_after_s == 120
    assert 100 < (held.value.retry_after_s or 0) <= 121
    assert answer.status == 200


@pytest.mark.promise("retries.table")
@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("fault", [{"drop": True}, {"cut": True}, {"status": 503}])
async def test_a_fault_of_what_is_asked_before_a_request_does_not_keep_it_from_being_sent_once(
    fault: dict[str, object], method: Method
) -> None:
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, Clock()) as client,
    ):
        simulator.faults.add("GET", _TIME, times=2, **fault)  # type: ignore[arg-type]  # as above
        assert (await client.send(_REQUESTS[method])).status == 200
        assert [each.was_processed for each in seen(simulator, method)] == [True]


@pytest.mark.parametrize("fault", [{"drop": True}, {"cut": True}])
async def test_a_connection_that_is_lost_before_a_write_says_that_the_write_was_not_sent(
    fault: dict[str, object],
) -> None:
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, Clock()) as client,
    ):
        simulator.faults.add("GET", _TIME, **fault)  # type: ignore[arg-type]  # as above
        with pytest.raises(NetworkError) as caught:
            await client.send(_REQUESTS[Method.POST])
        assert seen(simulator, Method.POST) == []
    assert "The request itself was not sent." in caught.value.message
    assert (caught.value.code, caught.value.may_have_happened) == ("authentication-unavailable", False)
    assert caught.value.hint


async def test_a_script_whose_time_is_nearly_up_does_not_try_again() -> None:
    clock = Clock()
    sender = Sender("script", lambda: 0.6)
    request = ApiRequest(Method.GET, _ZONE, None, (), True, sender)
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add("GET", _ZONE, status=503)
        with pytest.raises((ApiError, NetworkError)):
            await client.send(request)
        assert len(seen(simulator, Method.GET)) <= 1


async def test_a_clock_that_changed_is_measured_once_more_and_the_write_is_made_once() -> None:
    clock = Clock()
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        await client.send(_REQUESTS[Method.GET])
        simulator.time_offset_s = 5_000.0
        answers = await asyncio.gather(*(client.send(_REQUESTS[Method.POST]) for _ in range(5)))
        assert [each.status for each in answers] == [200] * 5
        assert sum(each.was_processed for each in seen(simulator, Method.POST)) == 5
        asked = [each for each in simulator.requests if each.raw_path == "/v1/auth/time"]
    assert len(asked) == 2


async def test_a_clock_that_changes_again_and_again_is_measured_each_time() -> None:
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, Clock()) as client,
    ):
        for offset_s in (0.0, 5_000.0, -5_000.0, 0.0):
            simulator.time_offset_s = offset_s
            assert (await client.send(_REQUESTS[Method.GET])).status == 200


async def test_a_pause_that_is_asked_for_before_a_request_is_kept_and_told() -> None:
    clock = Clock()
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add("GET", _TIME, times=1, status=429, headers={"Retry-After": "3"})
        assert (await client.send(_REQUESTS[Method.POST])).status == 200
        assert any(3 <= pause <= 4 for pause in clock.slept)
    async with (
        aclosing(await Simulator.start()) as simulator,
        client_to(simulator.url, simulator, clock) as client,
    ):
        simulator.faults.add("GET", _TIME, status=429, headers={"Retry-After": "100"})
        with pytest.raises(NetworkError) as caught:
            await client.send(_REQUESTS[Method.POST])
        assert (caught.value.retry_after_s, caught.value.attempts) == (100, 1)


async def test_a_wrong_secret_is_not_tried_again() -> None:
    clock = Clock()
    async with aclosing(await Simulator.start()) as simulator:
        account = simulator.account
        transport = Transport()
        wrong = ApplicationCredentials(
            account.application_key, Secret("wrong" * 6), Secret(account.consumer_key)
        )
        client = OvhClient(transport, url_endpoint(simulator.url), wrong, sleep=clock.sleep)
        with pytest.raises(ApiError):
            await client.send(_REQUESTS[Method.POST])
        assert len(seen(simulator, Method.POST)) == 1
        await client.aclose()
        await transport.aclose()


# --- random schedules ---------------------------------------------------------------------------------------

_FAULTS: dict[str, dict[str, object]] = {
    "drop": {"drop": True},
    "late drop": {"drop": True, "late": True},
    "cut": {"cut": True},
    "429": {"status": 429},
    "pause": {"status": 429, "headers": {"Retry-After": "1"}},
    "500": {"status": 500},
    "late 500": {"status": 500, "late": True},
    "503": {"status": 503},
    "late 504": {"status": 504, "late": True},
    "403": {"status": 403},
    "nonsense": {"body": b"<html>", "late": True},
}
_schedules = st.lists(
    st.tuples(
        st.sampled_from([Method.POST, Method.PUT, Method.GET]),
        st.lists(st.sampled_from(sorted(_FAULTS)), max_size=5),
    ),
    min_size=1,
    max_size=3,
)


@contextmanager
def running() -> Iterator[tuple[BlockingPortal, Simulator, OvhClient]]:
    with start_blocking_portal() as portal:
        simulator = portal.call(Simulator.start)
        manager = portal.wrap_async_context_manager(client_to(simulator.url, simulator, Clock()))
        with manager as client:
            yield portal, simulator, client
        portal.call(simulator.aclose)


@pytest.mark.promise("retries.truth")
def test_over_random_faults_each_acknowledged_write_exists_once_and_each_error_is_true() -> None:
    with running() as (portal, simulator, client):

        @settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
        @given(_schedules)
        def holds(schedule: list[tuple[Method, list[str]]]) -> None:
            for method, faults in schedule:
                portal.call(_check_one, simulator, client, method, faults)

        holds()


async def _check_one(simulator: Simulator, client: OvhClient, method: Method, faults: list[str]) -> None:
    simulator.requests.clear()
    simulator.faults.clear()
    for name in faults:
        simulator.faults.add(method, _ZONE, times=1, **_FAULTS[name])  # type: ignore[arg-type]
    error: OvhMcpError | None = None
    try:
        await client.send(_REQUESTS[method])
    except (ApiError, NetworkError) as caught:
        error = caught
    processed = sum(each.was_processed for each in seen(simulator, method))
    if error is None:
        assert processed >= 1
    if method is Method.GET:
        return
    assert processed <= 1
    if error is None:
        assert processed == 1
    elif not may_have_been_processed(error):
        assert processed == 0


def test_no_rule_lets_a_write_be_repeated_that_the_api_may_have_seen() -> None:
    unseen = {"connect-failed", "connect-timeout", "authentication-unavailable", 429}
    assert {key for key, rule in RULES.items() if rule.writes} == unseen
