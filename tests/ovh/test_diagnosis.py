"""Looking for the cause of a refusal: bounded, seldom, and silent where nothing is found."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError
from ovh_api_mcp.limits import DIAGNOSIS_AGE_S, IDENTITY_AGE_S, MESSAGE_CHARS
from ovh_api_mcp.ovh import causes
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import parse_endpoint, url_endpoint
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.simulator.simulator import Simulator

pytestmark = pytest.mark.anyio

_ME = ApiRequest(Method.GET, "/v1/me", None, (), is_authenticated=True)
_UNSIGNED = ApiRequest(Method.GET, "/v1/auth/time", None, (), is_authenticated=False)
_RECORD, _DETAILS = "/v1/auth/currentCredential", "/v1/auth/details"
_KEYS = ApplicationCredentials(
    "simulated-app-key", Secret("another-secret"), Secret("simulated-consumer-key")
)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = await Simulator.start()
    yield simulator
    await simulator.aclose()


class Clock:
    """A monotonic clock that a test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@asynccontextmanager
async def client_of(
    simulator: Simulator,
    credentials: ApplicationCredentials = _KEYS,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    total_timeout_s: float = 20.0,
) -> AsyncIterator[OvhClient]:
    transport = Transport()
    client = OvhClient(
        transport,
        url_endpoint(simulator.url),
        credentials,
        monotonic=monotonic,
        total_timeout_s=total_timeout_s,
    )
    try:
        yield client
    finally:
        await client.aclose()
        await transport.aclose()


async def error_of(client: OvhClient, request: ApiRequest = _ME) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await client.send(request)
    return caught.value


def asked(simulator: Simulator, path: str) -> int:
    return sum(each.raw_path == path for each in simulator.requests)


async def test_what_was_found_is_told_for_a_while_and_then_looked_for_again(simulator: Simulator) -> None:
    clock = Clock()
    async with client_of(simulator, monotonic=clock) as client:
        first = await error_of(client)
        assert "application secret is another application's" in first.hint
        await error_of(client)
        assert asked(simulator, _RECORD) == 2  # signed and unsigned, once
        clock.ahead_s = DIAGNOSIS_AGE_S + 1
        await error_of(client)
        assert asked(simulator, _RECORD) == 4


async def test_another_refusal_or_a_success_between_is_a_reason_to_look_again(simulator: Simulator) -> None:
    async with client_of(simulator) as client:
        assert "secret is another" in (await error_of(client)).hint
        body = b'{"errorCode": "NOT_CREDENTIAL", "message": "This credential does not exist"}'
        simulator.faults.add("GET", "/v1/me", times=1, status=403, body=body)
        simulator.faults.add("GET", _RECORD, times=1, status=403, body=body)
        assert "is unknown" in (await error_of(client)).hint
        before = asked(simulator, _RECORD)
        simulator.faults.add("GET", "/v1/me", times=1, body=b"{}")
        await client.send(_ME)
        await error_of(client)
        assert asked(simulator, _RECORD) > before


async def test_a_check_that_hangs_holds_no_error_up_beyond_the_time_of_its_call(simulator: Simulator) -> None:
    simulator.faults.add("GET", _RECORD, hang=True)
    async with client_of(simulator, total_timeout_s=0.5) as client:
        error = await error_of(client)
    assert error.hint == "Application secret or consumer key is wrong, or not validated: ask the user."


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"status": 5}', b'{"status": "validated"}', b"\xff"])
async def test_a_record_that_cannot_be_read_is_no_reason_to_doubt_the_key(
    simulator: Simulator, body: bytes
) -> None:
    simulator.faults.add("GET", "/v1/me", status=400, body=b'{"message": "Invalid signature"}')
    simulator.faults.add("GET", _RECORD, body=body)
    async with client_of(simulator) as client:
        assert (await error_of(client)).hint.startswith("The credentials are in order: ")


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("INVALID_CREDENTIAL", "This credential has expired", "has expired"),
        ("INVALID_CREDENTIAL", "Pending validation", "Nobody has validated the consumer key yet"),
        ("NOT_CREDENTIAL", "This credential is not valid", "it has expired or was refused"),
        ("NOT_CREDENTIAL", "This credential does not exist", "unknown"),
        ("NOT_GRANTED_CALL", "This call has not been granted", "credentials are in order"),
        ("INVALID_KEY", "This application key is invalid", "is not known at"),
        ("QUERY_TIME_OUT", "too slow", "Application secret or consumer key is wrong"),
    ],
)
async def test_what_the_api_answers_to_the_key_itself_is_put_into_words(
    simulator: Simulator, code: str, message: str, words: str
) -> None:
    body = json.dumps({"errorCode": code, "message": message}).encode()
    simulator.faults.add("GET", _RECORD, status=403, body=body)
    async with client_of(simulator) as client:
        assert words in (await error_of(client)).hint


async def test_an_operation_that_was_not_signed_is_not_examined(simulator: Simulator) -> None:
    simulator.faults.add("GET", "/v1/auth/time", status=403, body=b'{"errorCode": "INVALID_CREDENTIAL"}')
    async with client_of(simulator) as client:
        await error_of(client, _UNSIGNED)
    assert asked(simulator, _RECORD) == 0


@pytest.mark.parametrize(
    ("identities", "urn"),
    [
        (
            ["urn:v1:eu:identity:account:ab123-ovh", "urn:v1:eu:identity:user:ab123-ovh/alice"],
            "urn:v1:eu:identity:user:ab123-ovh/alice",
        ),
        (["urn:v1:eu:identity:group:ab123-ovh/ADMIN"], ""),
        (["urn:v1:eu:identity:account:a b", "javascript:alert(1)", ""], ""),
        (None, ""),
        ("no list", ""),
    ],
)
async def test_who_asks_is_the_narrowest_identity_that_is_a_plain_urn(
    simulator: Simulator, identities: object, urn: str
) -> None:
    simulator.faults.add(
        "GET", "/v1/me", status=403, body=b'{"errorCode": "NOT_GRANTED_CALL", "message": "no"}'
    )
    simulator.faults.add("GET", _DETAILS, body=json.dumps({"identities": identities}).encode())
    account = simulator.account
    good = ApplicationCredentials(
        account.application_key, Secret(account.application_secret), Secret(account.consumer_key)
    )
    clock = Clock()
    async with client_of(simulator, good, monotonic=clock) as client:
        assert (await error_of(client)).identity == urn
        assert (await error_of(client)).identity == urn
        assert asked(simulator, _DETAILS) == 1
        clock.ahead_s = IDENTITY_AGE_S + 1
        await error_of(client)
        assert asked(simulator, _DETAILS) == 2


def test_no_cause_is_longer_than_a_hint_or_shows_a_key() -> None:
    endpoint = url_endpoint("https://" + "long-name." * 30 + "example")
    keys = ApplicationCredentials("k" * 12 + "SEEN", Secret("s" * 32), Secret("c" * 32))
    twins = ApplicationCredentials("a" * 16, Secret("s" * 32), Secret("s" * 32))
    refusals = [
        ApiError("no", status=403, error_code=code, said=said)
        for code in ("INVALID_KEY", "NOT_GRANTED_CALL", "NOT_CREDENTIAL", "INVALID_CREDENTIAL")
        for said in ("x" * 200, "expired" * 20, "pending" * 20, "does not exist" * 20)
    ]
    hints = [
        *(causes.told_by_refusal(error, keys, endpoint) for error in refusals),
        causes.told_by_record(
            json.dumps({"status": "odd" * 90, "expiration": "2026-01-01T00:00:00Z"}).encode()
        ),
        causes.wrong_secret(keys, endpoint),
        causes.foreign_key(keys, parse_endpoint("us")),
        causes.clock_off(10**9),
        causes.misplaced_keys(twins),
        causes.NOT_RENEWABLE,
        causes.never_taken(1e9),
        causes.REFUSED_FOR_ONCE,
    ]
    for hint in hints:
        assert hint.endswith(".")
        assert len(hint) <= MESSAGE_CHARS, hint
        assert not [part for part in ("k" * 5, "s" * 5, "c" * 5) if part in hint]


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ((32, 16, 32), "key and application secret are exchanged"),
        ((32, 32, 16), "key and consumer key are exchanged"),
    ],
)
def test_keys_in_each_others_place_are_known_by_their_lengths(
    lengths: tuple[int, int, int], words: str
) -> None:
    key, secret, consumer = lengths
    hint = causes.misplaced_keys(
        ApplicationCredentials("a" * key, Secret("b" * secret), Secret("c" * consumer))
    )
    assert words in hint
    assert causes.misplaced_keys(ApplicationCredentials("a" * 16, Secret("b" * 32), Secret("c" * 32))) == ""
