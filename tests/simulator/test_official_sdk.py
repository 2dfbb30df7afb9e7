"""OVH's own Python SDK, unchanged, is the proof that the simulator's checks are OVH's."""

import anyio.to_thread
import ovh
import ovh.exceptions
import pytest

from ovh_api_mcp.simulator import Simulator
from tests.simulator.conftest import Sdk

pytestmark = pytest.mark.anyio

ZONE = "/domain/zone/example.com"


@pytest.mark.promise("simulator.sdk")
async def test_the_official_sdk_signs_in_and_reads_the_account(simulator: Simulator, sdk: Sdk) -> None:
    me = await anyio.to_thread.run_sync(sdk.client().get, "/me")

    assert me["nichandle"] == simulator.account.nichandle
    assert simulator.requests[-1].target == "/1.0/me"


async def test_the_official_sdk_adds_changes_and_removes_a_record(sdk: Sdk) -> None:
    def story() -> None:
        client = sdk.client()
        made = client.post(ZONE + "/record", fieldType="A", subDomain="new", target="203.0.113.99", ttl=60)
        path = f"{ZONE}/record/{made['id']}"
        assert made["target"] == "203.0.113.99"
        client.put(path, target="203.0.113.98")
        assert client.get(path) == {**made, "target": "203.0.113.98"}
        client.delete(path)
        with pytest.raises(ovh.exceptions.ResourceNotFoundError):
            client.get(path)

    await anyio.to_thread.run_sync(story)


async def test_the_official_sdk_sends_encoded_query_values_that_verify(sdk: Sdk) -> None:
    def ask() -> object:
        return sdk.client().get(ZONE + "/record", fieldType="A", subDomain="a b&c=d/é%")

    assert await anyio.to_thread.run_sync(ask) == []


async def test_the_official_sdk_reads_v1_and_v2_by_their_own_names(sdk: Sdk) -> None:
    def ask() -> tuple[object, list[dict[str, object]]]:
        client = sdk.client()
        return client.get("/v1/domain/zone"), client.get("/v2/iam/policy")

    zones, policies = await anyio.to_thread.run_sync(ask)
    assert zones == ["example.com", "example.net", "example.org"]
    assert {"all", "read-dns"} <= {policy["name"] for policy in policies}


async def test_the_official_sdk_reads_an_address_block_through_an_encoded_slash(sdk: Sdk) -> None:
    block = await anyio.to_thread.run_sync(sdk.client().get, "/ip/203.0.113.0%2F24")

    assert block["ip"] == "203.0.113.0/24"


@pytest.mark.parametrize("offset_s", [-7200.0, 7200.0])
async def test_the_official_sdk_follows_a_server_clock_that_is_hours_off(
    simulator: Simulator, sdk: Sdk, offset_s: float
) -> None:
    simulator.time_offset_s = offset_s

    assert await anyio.to_thread.run_sync(sdk.client().get, "/domain/zone")


@pytest.mark.promise("simulator.sdk")
@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"application_key": "wrong"}, ovh.exceptions.InvalidKey, "This application key is invalid"),
        ({"application_secret": "wrong"}, ovh.exceptions.BadParametersError, "Invalid signature"),
        ({"consumer_key": "wrong"}, ovh.exceptions.NotCredential, "This credential does not exist"),
    ],
)
async def test_the_official_sdk_is_told_which_key_is_wrong(
    sdk: Sdk, keys: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        await anyio.to_thread.run_sync(sdk.client(**keys).get, "/me")

    assert raised.value.query_id  # type: ignore[attr-defined]


async def test_the_official_sdk_gets_a_consumer_key_that_a_person_accepts(sdk: Sdk) -> None:
    def story() -> None:
        client = sdk.client()
        asked = client.new_consumer_key_request()
        asked.add_recursive_rules(ovh.API_READ_ONLY, "/domain")
        granted = asked.request("https://example.com/back")
        assert granted["state"] == "pendingValidation"
        with pytest.raises(ovh.exceptions.InvalidCredential):
            client.get("/domain/zone")
        page = client._session.get(granted["validationUrl"], timeout=20).text
        assert "https://example.com/back" in page
        assert client.get("/domain/zone")
        with pytest.raises(ovh.exceptions.NotGrantedCall):
            client.get("/me")

    await anyio.to_thread.run_sync(story)


@pytest.mark.promise("simulator.sdk")
async def test_the_official_sdk_signs_in_with_oauth2(sdk: Sdk, simulator: Simulator) -> None:
    def story() -> list[str]:
        client = sdk.oauth2_client()
        client.post(ZONE + "/record", fieldType="TXT", target="é", subDomain="oauth2")
        return [client.get("/me")["nichandle"], client.get("/auth/details")["method"]]

    assert await anyio.to_thread.run_sync(story) == [
        simulator.account.nichandle,
        "oauth2_client_credentials",
    ]
    assert simulator.issued_tokens == 1


async def test_the_official_sdk_is_told_that_its_oauth2_secret_is_wrong(sdk: Sdk) -> None:
    client = sdk.oauth2_client(client_secret="wrong")

    with pytest.raises(ovh.exceptions.OAuth2FailureError, match="invalid_client"):
        await anyio.to_thread.run_sync(client.get, "/me")
