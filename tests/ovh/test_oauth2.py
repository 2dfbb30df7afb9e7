from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.limits import TOKEN_FORCED_RENEWAL_S, TOKEN_REJECTED_S, TOKEN_REVOKED_RENEWAL_S
from ovh_api_mcp.ovh.credentials import ServiceAccountCredentials
from ovh_api_mcp.ovh.endpoints import url_endpoint
from ovh_api_mcp.ovh.oauth2 import TokenSource
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret
from tests.ovh.wire import RawRequest, WireServer, answer, wire_server

pytestmark = pytest.mark.anyio

DISCOVERY = "GET /auth/.well-known/openid-configuration"
TOKEN = "POST /auth/oauth2/token"
CREDENTIALS = ServiceAccountCredentials("EU.client:id", Secret("s3cr et+/é"))


class Accounts:
    """A server of discovery and tokens; `token_replies` are used up, the last one stays."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.redactor = Redactor()
        self.token_url = ""
        self.discovery_reply = b""
        self.token_replies: list[bytes] = []
        self.issued = 0

    async def handle(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/auth/.well-known/"):
            document = json.dumps({"issuer": "x", "token_endpoint": self.token_url}).encode()
            writer.write(self.discovery_reply or answer(200, document))
            return
        self.issued += 1
        reply = token_reply(f"token-{self.issued}")
        if self.token_replies:
            reply = self.token_replies.pop(0) if len(self.token_replies) > 1 else self.token_replies[0]
        writer.write(reply)


def token_reply(token: str, expires_in: object = 3600, status: int = 200) -> bytes:
    fields = {"access_token": token, "token_type": "Bearer", "expires_in": expires_in, "scope": "all"}
    return answer(status, json.dumps(fields).encode())


@asynccontextmanager
async def source_of(accounts: Accounts) -> AsyncIterator[tuple[TokenSource, WireServer]]:
    transport = Transport()
    async with wire_server(accounts.handle) as server:
        accounts.token_url = accounts.token_url or server.url + "/auth/oauth2/token"
        source = TokenSource(
            transport,
            url_endpoint(server.url),
            CREDENTIALS,
            redactor=accounts.redactor,
            monotonic=lambda: accounts.now,
        )
        try:
            yield source, server
        finally:
            await source.aclose()
            await transport.aclose()


async def failure(accounts: Accounts) -> tuple[NetworkError, WireServer]:
    async with source_of(accounts) as (source, server):
        with pytest.raises(NetworkError) as caught:
            await source.token()
    assert "s3cr" not in caught.value.message
    assert len(caught.value.message) <= 400
    return caught.value, server


async def test_a_token_is_asked_for_as_rfc_6749_says() -> None:
    async with source_of(Accounts()) as (source, server):
        assert (await source.token()).reveal() == "token-1"
    assert server.targets() == [DISCOVERY, TOKEN]
    seen = server.requests[1]
    assert seen.body == b"grant_type=client_credentials&scope=all"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    scheme, _, encoded = seen.headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"EU.client%3Aid:s3cr+et%2B%2F%C3%A9"
    assert "authorization" not in server.requests[0].headers


async def test_twenty_callers_share_one_renewal_and_discovery_is_asked_once() -> None:
    accounts = Accounts()
    async with source_of(accounts) as (source, server):
        for round_ in (1, 2):
            tokens = await asyncio.gather(*(source.token() for _ in range(20)))
            assert {token.reveal() for token in tokens} == {f"token-{round_}"}
            accounts.now += 3600
    assert server.targets() == [DISCOVERY, TOKEN, TOKEN]


async def test_a_token_is_renewed_before_it_expires() -> None:
    accounts = Accounts()
    async with source_of(accounts) as (source, _):
        await source.token()
        accounts.now += 3600 - 31
        assert (await source.token()).reveal() == "token-1"
        accounts.now += 2
        assert (await source.token()).reveal() == "token-2"


async def test_a_token_with_a_short_life_is_used_for_half_of_it() -> None:
    accounts = Accounts()
    accounts.token_replies = [token_reply("short", 10), token_reply("next", 10)]
    async with source_of(accounts) as (source, _):
        await source.token()
        accounts.now += 4
        assert (await source.token()).reveal() == "short"
        accounts.now += 2
        assert (await source.token()).reveal() == "next"


@pytest.mark.parametrize("expires_in", ["3600", 3600.0, None])
async def test_odd_spellings_of_the_lifetime_are_understood(expires_in: object) -> None:
    accounts = Accounts()
    accounts.token_replies = [token_reply("a", expires_in), token_reply("b", expires_in)]
    async with source_of(accounts) as (source, _):
        await source.token()
        accounts.now += 3000
        assert (await source.token()).reveal() == "a"


async def test_a_refused_token_is_renewed_once_however_many_callers_saw_it_refused() -> None:
    async with source_of(Accounts()) as (source, server):
        old = await source.token()

        renewed = await asyncio.gather(*(source.token_after(old) for _ in range(20)))
        assert set(renewed) == {Secret("token-2")}
        assert await source.token_after(old) == Secret("token-2")  # one more, late
        assert await source.token() == Secret("token-2")
    assert server.targets().count(TOKEN) == 2


async def test_a_token_that_is_refused_when_it_was_just_issued_is_not_renewed_again_and_again() -> None:
    accounts = Accounts()
    async with source_of(accounts) as (source, server):
        for _ in range(20):
            token = await source.token()
            await asyncio.gather(*(source.token_after(token) for _ in range(5)))
        assert await source.token_after(Secret("token-2")) is None
        assert server.targets().count(TOKEN) == 2
        accounts.now += TOKEN_FORCED_RENEWAL_S
        assert await source.token_after(Secret("token-2")) == Secret("token-3")
        assert await source.token_after(Secret("token-3")) is None
    assert server.targets().count(TOKEN) == 3


async def test_a_token_that_was_taken_and_then_revoked_is_renewed_soon_again() -> None:
    accounts = Accounts()
    async with source_of(accounts) as (source, server):
        token = await source.token()
        for number in (2, 3):
            source.note_taken(token)
            token = await source.token_after(token) or Secret("none")
            assert token == Secret(f"token-{number}")
            accounts.now += TOKEN_REVOKED_RENEWAL_S
        source.note_taken(token)
        assert await source.token_after(token) == Secret("token-4")
        source.note_taken(Secret("token-4"))
        assert await source.token_after(Secret("token-4")) is None  # an operation may refuse every token
    assert server.targets().count(TOKEN) == 4


async def test_a_token_past_its_time_is_renewed_whatever_was_renewed_before() -> None:
    accounts = Accounts()
    accounts.token_replies = [token_reply("a"), token_reply("b", 10), token_reply("c")]
    async with source_of(accounts) as (source, _):
        assert await source.token_after(await source.token()) == Secret("b")
        accounts.now += 6
        assert await source.token() == Secret("c")


async def test_a_cancelled_caller_does_not_cancel_the_renewal_of_the_others() -> None:
    async with source_of(Accounts()) as (source, server):
        impatient, patient = asyncio.create_task(source.token()), asyncio.create_task(source.token())
        await anyio.lowlevel.checkpoint()
        impatient.cancel()
        assert (await patient).reveal() == "token-1"
    assert server.targets() == [DISCOVERY, TOKEN]


@pytest.mark.parametrize("status", [200, 400, 401, 403])
async def test_a_refused_service_account_is_said_once_and_not_asked_for_again_and_again(status: int) -> None:
    accounts = Accounts()
    refusal = {"error": "invalid_client", "error_description": "unknown client"}
    accounts.token_replies = [answer(status, json.dumps(refusal).encode()), token_reply("later")]
    async with source_of(accounts) as (source, server):
        for _ in range(5):
            with pytest.raises(NetworkError) as caught:
                await source.token()
            assert caught.value.code == "credentials-rejected"
            assert "invalid_client: unknown client" in caught.value.message
            assert "OVH_CLIENT_SECRET" in caught.value.message
        assert server.targets().count(TOKEN) == 1
        accounts.now += TOKEN_REJECTED_S
        assert (await source.token()).reveal() == "later"


async def test_a_401_without_words_is_a_refusal_too() -> None:
    accounts = Accounts()
    accounts.token_replies = [answer(401, b"<html>no</html>")]
    assert (await failure(accounts))[0].code == "credentials-rejected"


@pytest.mark.parametrize(
    "reply",
    [
        answer(503, b"<html><title>Maintenance</title></html>", {"Content-Type": "text/html"}),
        answer(500, b""),
        answer(429, b"{}"),
        answer(503, b'{"error":"temporarily_unavailable"}'),
        answer(200, b"<html>"),
        answer(200, b""),
        answer(200, b"{}"),
        answer(200, b"[]"),
        answer(200, b'{"access_token": 5}'),
        token_reply(""),
        token_reply("two words"),
        token_reply("line\r\nX-Injected: 1"),
        token_reply("x" * 20_000),
        answer(200, b"[" * 100_000),
    ],
)
async def test_an_outage_is_no_refusal_and_is_tried_again(reply: bytes) -> None:
    accounts = Accounts()
    accounts.token_replies = [reply, token_reply("later")]
    async with source_of(accounts) as (source, _):
        with pytest.raises(NetworkError) as caught:
            await source.token()
        assert caught.value.code == "authentication-unavailable"
        assert "not sent" in caught.value.message
        assert (await source.token()).reveal() == "later"


@pytest.mark.parametrize(
    "reply",
    [answer(200, b"{}"), answer(200, b"<html>"), answer(404, b"no"), answer(200, b'{"token_endpoint":null}')],
)
async def test_discovery_that_does_not_work_is_an_outage_and_not_kept(reply: bytes) -> None:
    accounts = Accounts()
    accounts.discovery_reply = reply
    async with source_of(accounts) as (source, _):
        with pytest.raises(NetworkError) as caught:
            await source.token()
        assert caught.value.code == "authentication-unavailable"
        accounts.discovery_reply = b""
        assert (await source.token()).reveal() == "token-1"


@pytest.mark.promise("credentials.oauth2-hosts")
@pytest.mark.parametrize(
    "token_url",
    [
        "https://evil.example/auth/oauth2/token",
        "http://127.0.0.1:1/auth/oauth2/token",
        "https://127.0.0.1/auth/oauth2/token",
        "//evil.example/token",
        "/auth/oauth2/token",
        "not a url",
    ],
)
async def test_discovery_cannot_lead_the_secret_to_another_host(token_url: str) -> None:
    accounts = Accounts()
    accounts.token_url = token_url
    error, server = await failure(accounts)
    assert error.code == "credentials-rejected"
    assert "nothing was sent" in error.message
    assert server.targets() == [DISCOVERY]


@pytest.mark.promise("credentials.oauth2-hosts")
async def test_a_trick_url_on_the_right_host_cannot_lead_the_secret_away() -> None:
    accounts = Accounts()
    async with wire_server(accounts.handle) as elsewhere:
        async with source_of(accounts) as (source, server):
            accounts.token_url = f"{server.url}@127.0.0.1:{elsewhere.port}/token"
            with pytest.raises(NetworkError):
                await source.token()
        assert elsewhere.requests == []


async def test_a_token_url_that_redirects_is_not_followed() -> None:
    accounts = Accounts()
    accounts.token_replies = [answer(307, b"", {"Location": "https://evil.example/"})]
    assert (await failure(accounts))[0].code == "redirected"


async def test_tokens_and_the_spelling_of_the_secret_on_the_wire_become_unreadable() -> None:
    accounts = Accounts()
    async with source_of(accounts) as (source, server):
        await source.token()
        basic = server.requests[1].headers["authorization"]
    assert accounts.redactor.redact(f"a token-1 b {basic}") == "a *** b Basic ***"
