"""The client against the simulator, which checks signatures and tokens with code of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, Credentials, ServiceAccountCredentials
from ovh_api_mcp.ovh.endpoints import url_endpoint
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.simulator.simulator import Simulator

pytestmark = pytest.mark.anyio

ME = ApiRequest(Method.GET, "/v1/me", None, (), is_authenticated=True)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = await Simulator.start(time_offset_s=-86_400.0)  # a day behind: a client must ask
    yield simulator
    await simulator.aclose()


def keys(simulator: Simulator) -> ApplicationCredentials:
    account = simulator.account
    return ApplicationCredentials(
        account.application_key, Secret(account.application_secret), Secret(account.consumer_key)
    )


def service_account(simulator: Simulator) -> ServiceAccountCredentials:
    return ServiceAccountCredentials(simulator.account.client_id, Secret(simulator.account.client_secret))


@asynccontextmanager
async def client_of(simulator: Simulator, credentials: Credentials) -> AsyncIterator[OvhClient]:
    transport = Transport()
    client = OvhClient(transport, url_endpoint(simulator.url), credentials)
    try:
        yield client
    finally:
        await client.aclose()
        await transport.aclose()


async def test_signed_requests_are_accepted_whatever_the_local_clock_says(simulator: Simulator) -> None:
    async with client_of(simulator, keys(simulator)) as client:
        response = await client.send(ME)
    assert json.loads(response.body)["nichandle"] == simulator.account.nichandle


async def test_a_body_beyond_ascii_and_an_encoded_path_are_signed_as_they_are_sent(
    simulator: Simulator,
) -> None:
    async with client_of(simulator, keys(simulator)) as client:
        zones = json.loads((await client.send(replace(ME, target="/v1/domain/zone"))).body)
        path = f"/v1/domain/zone/{zones[0]}/record"
        body = '{"fieldType":"TXT","subDomain":"é","target":"naïve + ☃"}'.encode()
        created = json.loads((await client.send(ApiRequest(Method.POST, path, body, (), True))).body)
        assert created["target"] == "naïve + ☃"
        removed = await client.send(ApiRequest(Method.DELETE, f"{path}/{created['id']}", None, (), True))
        assert removed.body in (b"", b"null")
        with pytest.raises(ApiError) as caught:
            await client.send(replace(ME, target="/v1/ip/203.0.113.0%2F24?x=%2f+:~%C3%A9"))
        assert caught.value.error_code != "INVALID_SIGNATURE"


@pytest.mark.parametrize("part", ["application_secret", "consumer_key"])
async def test_a_wrong_key_is_an_error_of_the_api(simulator: Simulator, part: str) -> None:
    wrong = replace(keys(simulator), **{part: Secret("wrong-value-0000")})  # type: ignore[arg-type]  # by name
    async with client_of(simulator, wrong) as client:
        with pytest.raises(ApiError) as caught:
            await client.send(ME)
    assert 400 <= caught.value.status < 404
    assert caught.value.query_id


async def test_twenty_requests_of_a_service_account_share_one_token_and_one_renewal(
    simulator: Simulator,
) -> None:
    async with client_of(simulator, service_account(simulator)) as client:
        await asyncio.gather(*(client.send(ME) for _ in range(20)))
        assert simulator.issued_tokens == 1
        simulator.revoke_tokens()
        await asyncio.gather(*(client.send(ME) for _ in range(20)))
        assert simulator.issued_tokens == 2


async def test_a_wrong_service_account_is_refused_once(simulator: Simulator) -> None:
    wrong = replace(service_account(simulator), client_secret=Secret("wrong-value-0000"))
    async with client_of(simulator, wrong) as client:
        for _ in range(3):
            with pytest.raises(NetworkError) as caught:
                await client.send(ME)
            assert caught.value.code == "credentials-rejected"
    token_requests = [seen for seen in simulator.requests if seen.method == "POST"]
    assert len(token_requests) == 1


async def test_what_needs_no_authentication_works_without_credentials(simulator: Simulator) -> None:
    async with client_of(simulator, None) as client:
        time = await client.send(replace(ME, target="/v1/auth/time", is_authenticated=False))
        assert json.loads(time.body) > 0
        with pytest.raises(NetworkError) as caught:
            await client.send(ME)
    assert caught.value.code == "credentials-missing"
