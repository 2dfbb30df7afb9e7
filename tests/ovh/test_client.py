"""A request from end to end: authentication, the wire, the judgement of the answer."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, InternalError, NetworkError, OvhMcpError, is_transient
from ovh_api_mcp.limits import ANSWER_BYTES, TOTAL_TIMEOUT_S
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    Credentials,
    ServiceAccountCredentials,
    secrets_of,
)
from ovh_api_mcp.ovh.endpoints import parse_endpoint, url_endpoint
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret
from tests.ovh.wire import Handler, RawRequest, WireServer, always, answer, cut_after, never, wire_server

pytestmark = pytest.mark.anyio

SIGNED = ApplicationCredentials("app-key", Secret("canary-app-secret"), Secret("canary-consumer"))
ACCOUNT = ServiceAccountCredentials("EU.client", Secret("canary-client-secret"))
READY_TOKEN = AccessTokenCredentials(Secret("canary-ready-token"))
SERVER_TIME = 1_700_000_000
AUTHENTICATION = {
    "authorization",
    "x-ovh-application",
    "x-ovh-consumer",
    "x-ovh-timestamp",
    "x-ovh-signature",
}


def request(
    method: Method = Method.GET,
    target: str = "/v1/me",
    *,
    body: bytes | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    is_authenticated: bool = True,
) -> ApiRequest:
    return ApiRequest(method, target, body, headers, is_authenticated)


class Ovh:
    """Time, discovery and tokens as OVHcloud has them; everything else goes to `api`."""

    def __init__(self, api: Handler) -> None:
        self.api = api
        self.time_reply = answer(200, str(SERVER_TIME).encode())
        self.token_reply = b""
        self.tokens_issued = 0
        self.url = ""
        self.calls: list[RawRequest] = []

    async def handle(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        if request.target == "/v1/auth/time":
            writer.write(self.time_reply)
        elif request.target.startswith("/auth/.well-known/"):
            writer.write(answer(200, json.dumps({"token_endpoint": f"{self.url}/token"}).encode()))
        elif request.target == "/token":
            self.tokens_issued += 1
            body = {"access_token": f"canary-token-{self.tokens_issued}", "expires_in": 3600}
            writer.write(self.token_reply or answer(200, json.dumps(body).encode()))
        else:
            self.calls.append(request)
            await self.api(request, writer)


@asynccontextmanager
async def client_of(
    ovh: Ovh,
    credentials: Credentials,
    *,
    redactor: Redactor | None = None,
    limit_bytes: int = ANSWER_BYTES,
    read_timeout_s: float = 10.0,
    total_timeout_s: float = TOTAL_TIMEOUT_S,
    handler: Handler | None = None,
) -> AsyncIterator[tuple[OvhClient, WireServer]]:
    transport = Transport(read_timeout_s=read_timeout_s)
    async with wire_server(handler or ovh.handle) as server:
        ovh.url = server.url
        client = OvhClient(
            transport,
            url_endpoint(server.url),
            credentials,
            redactor=redactor,
            limit_bytes=limit_bytes,
            total_timeout_s=total_timeout_s,
            wall=lambda: SERVER_TIME + 4000.0,
        )
        try:
            yield client, server
        finally:
            await client.aclose()
            await transport.aclose()


async def send(api: Handler, credentials: Credentials, sent: ApiRequest) -> tuple[ApiResponse, Ovh]:
    ovh = Ovh(api)
    async with client_of(ovh, credentials) as (client, _):
        return await client.send(sent), ovh


async def test_a_signed_request_is_signed_over_what_is_on_the_wire_with_the_time_of_the_server() -> None:
    ovh = Ovh(always(answer(200, b'{"id":1}', {"X-Ovh-QueryId": "EU.9"})))
    body = '{"target":"é","n":9007199254740993}'.encode()
    sent = request(Method.PUT, "/v1/ip/203.0.113.0%2F24?a=%2f+:~", body=body)
    async with client_of(ovh, SIGNED) as (client, server):
        response = await client.send(sent)
    assert response == ApiResponse(200, response.headers, b'{"id":1}', "EU.9")
    [seen] = ovh.calls
    assert (seen.method, seen.target, seen.body) == ("PUT", sent.target, body)
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept"] == "application/json"
    assert seen.headers["x-ovh-timestamp"] == str(SERVER_TIME)
    signed = f"canary-app-secret+canary-consumer+PUT+{server.url}{sent.target}+".encode() + body
    digest = hashlib.sha1(signed + f"+{SERVER_TIME}".encode()).hexdigest()
    assert seen.headers["x-ovh-signature"] == f"$1${digest}"
    assert (seen.headers["x-ovh-application"], seen.headers["x-ovh-consumer"]) == (
        "app-key",
        "canary-consumer",
    )


async def test_the_time_is_asked_once_for_many_requests() -> None:
    ovh = Ovh(always(answer()))
    async with client_of(ovh, SIGNED) as (client, server):
        await asyncio.gather(*(client.send(request()) for _ in range(20)))
        await client.send(request())
    assert server.targets().count("GET /v1/auth/time") == 1
    assert len(ovh.calls) == 21


@pytest.mark.parametrize("body", [b"0", b"false", b'""', b"null", b"[]", b"{}"])
@pytest.mark.parametrize("method", [Method.POST, Method.PUT])
async def test_any_json_value_is_a_body_and_is_sent_as_it_is(method: Method, body: bytes) -> None:
    _, ovh = await send(always(answer()), SIGNED, request(method, body=body))
    assert ovh.calls[0].body == body
    assert ovh.calls[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", list(Method))
async def test_without_a_body_there_is_no_content_type(method: Method) -> None:
    _, ovh = await send(always(answer()), SIGNED, request(method))
    assert "content-type" not in ovh.calls[0].headers
    assert ovh.calls[0].body == b""


@pytest.mark.parametrize("method", [Method.GET, Method.DELETE])
async def test_a_body_where_there_can_be_none_is_a_bug_and_nothing_is_sent(method: Method) -> None:
    ovh = Ovh(always(answer()))
    async with client_of(ovh, SIGNED) as (client, server):
        with pytest.raises(InternalError):
            await client.send(request(method, body=b"{}"))
    assert server.requests == []


async def test_headers_of_the_request_go_with_it() -> None:
    headers = (("x-pagination-size", "50"), ("pragma", "no-cache"))
    _, ovh = await send(always(answer()), SIGNED, request(headers=headers))
    assert (ovh.calls[0].headers["x-pagination-size"], ovh.calls[0].headers["pragma"]) == ("50", "no-cache")


@pytest.mark.parametrize("name", ["Authorization", "x-ovh-consumer", "Host", "content-length", "Cookie"])
async def test_a_header_that_only_the_client_sets_is_a_bug_and_nothing_is_sent(name: str) -> None:
    ovh = Ovh(always(answer()))
    async with client_of(ovh, SIGNED) as (client, server):
        with pytest.raises(InternalError):
            await client.send(request(headers=((name, "x"),)))
    assert server.requests == []


@pytest.mark.parametrize("credentials", [None, SIGNED, ACCOUNT, READY_TOKEN])
async def test_an_operation_without_authentication_is_sent_without_credentials(
    credentials: Credentials,
) -> None:
    ovh = Ovh(always(answer()))
    async with client_of(ovh, credentials) as (client, server):
        await client.send(request(is_authenticated=False))
    assert server.targets() == ["GET /v1/me"]
    assert not AUTHENTICATION & ovh.calls[0].headers.keys()


async def test_without_credentials_the_error_says_where_to_get_them_and_nothing_is_sent() -> None:
    ovh = Ovh(always(answer()))
    async with client_of(ovh, None) as (client, server):
        with pytest.raises(NetworkError) as caught:
            await client.send(request(Method.POST, body=b"{}"))
    assert server.requests == []
    assert (caught.value.code, caught.value.may_have_happened) == ("credentials-missing", False)
    assert f"{server.url}/createToken/" in caught.value.message
    assert "OVH_CONSUMER_KEY" in caught.value.hint


async def test_missing_credentials_are_explained_in_few_words_for_a_long_url(transport: Transport) -> None:
    client = OvhClient(transport, url_endpoint("https://api.example/" + "long/" * 50), None)
    with pytest.raises(NetworkError) as caught:
        await client.send(request(Method.DELETE, "/v1/" + "long/" * 500))
    assert len(caught.value.message) <= 400
    assert caught.value.message.endswith("OVH_CLIENT_ID and OVH_CLIENT_SECRET.")


@pytest.mark.parametrize(("name", "has_oauth2"), [("ca", True), ("kimsufi-eu", False)])
async def test_missing_credentials_are_explained_for_the_endpoint(
    transport: Transport, name: str, has_oauth2: bool
) -> None:
    client = OvhClient(transport, parse_endpoint(name), None)
    with pytest.raises(NetworkError) as caught:
        await client.send(request(target="/v1/" + "long/" * 500))
    assert parse_endpoint(name).create_token_url in caught.value.message
    assert ("OVH_CLIENT_ID" in caught.value.message) is has_oauth2
    assert len(caught.value.message) <= 400


# --- OAuth2 ------------------------------------------------------------------------------------------


async def test_a_service_account_sends_its_token() -> None:
    _, ovh = await send(always(answer()), ACCOUNT, request())
    assert ovh.calls[0].headers["authorization"] == "Bearer canary-token-1"
    assert not AUTHENTICATION - {"authorization"} & ovh.calls[0].headers.keys()


async def test_a_ready_access_token_is_sent_as_it_is() -> None:
    _, ovh = await send(always(answer()), READY_TOKEN, request())
    assert ovh.calls[0].headers["authorization"] == "Bearer canary-ready-token"
    assert ovh.tokens_issued == 0


def only(token: str) -> Handler:
    async def handle(seen: RawRequest, writer: asyncio.StreamWriter) -> None:
        is_right = seen.headers.get("authorization") == f"Bearer {token}"
        writer.write(answer(200) if is_right else answer(401, b'{"message":"expired"}'))

    return handle


@pytest.mark.parametrize("method", list(Method))
async def test_a_refused_token_is_renewed_and_the_request_repeated_once(method: Method) -> None:
    body = b"{}" if method in (Method.POST, Method.PUT) else None
    response, ovh = await send(only("canary-token-2"), ACCOUNT, request(method, body=body))
    assert response.status == 200
    assert [seen.headers["authorization"] for seen in ovh.calls] == [
        "Bearer canary-token-1",
        "Bearer canary-token-2",
    ]
    assert {seen.body for seen in ovh.calls} == {body or b""}


async def test_a_service_account_that_is_refused_every_time_gets_no_token_for_each_call() -> None:
    ovh = Ovh(only("nobody has it"))
    async with client_of(ovh, ACCOUNT) as (client, _):
        for _ in range(20):
            with pytest.raises(ApiError):
                await client.send(request())
    assert (ovh.tokens_issued, len(ovh.calls)) == (2, 21)


async def test_twenty_requests_with_a_refused_token_share_one_renewal() -> None:
    ovh = Ovh(only("canary-token-2"))
    async with client_of(ovh, ACCOUNT) as (client, _):
        responses = await asyncio.gather(*(client.send(request()) for _ in range(20)))
    assert {response.status for response in responses} == {200}
    assert ovh.tokens_issued == 2


async def test_a_request_that_stays_refused_is_not_repeated_again() -> None:
    ovh = Ovh(only("nobody has it"))
    async with client_of(ovh, ACCOUNT) as (client, _):
        with pytest.raises(ApiError) as caught:
            await client.send(request())
    assert (caught.value.status, len(ovh.calls), ovh.tokens_issued) == (401, 2, 2)


@pytest.mark.parametrize("credentials", [SIGNED, READY_TOKEN])
async def test_a_refusal_without_anything_to_renew_is_final(credentials: Credentials) -> None:
    ovh = Ovh(only("nobody has it"))
    async with client_of(ovh, credentials) as (client, _):
        with pytest.raises(ApiError):
            await client.send(request())
    asked_on = "/v1/auth/currentCredential"  # why keys are refused
    assert len([seen for seen in ovh.calls if seen.target != asked_on]) == 1


# --- failures ------------------------------------------------------------------------------------------


async def error_of(
    ovh: Ovh, credentials: Credentials = SIGNED, *, method: Method = Method.POST, read_timeout_s: float = 10.0
) -> OvhMcpError:
    async with client_of(ovh, credentials, limit_bytes=10_000, read_timeout_s=read_timeout_s) as (client, _):
        with pytest.raises(OvhMcpError) as caught:
            await client.send(request(method))
    return caught.value


async def test_an_error_of_the_api_carries_its_fields() -> None:
    body = b'{"class":"Client::NotFound","message":"no such zone","errorCode":"NOPE","details":{"a":"b"}}'
    error = await error_of(Ovh(always(answer(404, body, {"X-OVH-QUERYID": "EU.7"}))))
    assert isinstance(error, ApiError)
    assert (error.status, error.error_class, error.error_code) == (404, "Client::NotFound", "NOPE")
    assert (error.query_id, error.details) == ("EU.7", {"a": "b"})
    assert "no such zone" in error.message


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer(200, b"<html>portal</html>", {"Content-Type": "text/html"}), "answer-not-json"),
        (answer(200, b'{"a":'), "answer-not-json"),
        (answer(200, b"x" * 10_001), "answer-too-large"),
        (answer(200, gzip.compress(bytes(20_000_000)), {"Content-Encoding": "gzip"}), "answer-too-large"),
        (answer(302, b"", {"Location": "https://www.ovh.com/"}), "redirected"),
        (answer(304, b""), "redirected"),
    ],
)
async def test_an_answer_that_cannot_be_used_may_have_done_its_work(reply: bytes, code: str) -> None:
    error = await error_of(Ovh(always(reply)))
    assert isinstance(error, NetworkError)
    assert (error.code, error.may_have_happened) == (code, True)


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_an_empty_answer_is_a_success_without_a_body(status: int) -> None:
    reply = b"HTTP/1.1 204 No Content\r\n\r\n" if status == 204 else answer(status, b"")
    response, _ = await send(always(reply), SIGNED, request(Method.DELETE))
    assert (response.status, response.body) == (status, b"")


async def test_big_integers_keep_their_digits() -> None:
    body = b'{"id": 123456789012345678901234567890}'
    assert (await send(always(answer(200, body)), SIGNED, request()))[0].body == body


async def test_a_cut_connection_and_a_silent_server_are_told_apart() -> None:
    cut = await error_of(Ovh(cut_after(b"HTTP/1.1 200")))
    silent = await error_of(Ovh(never), read_timeout_s=0.1)
    assert (cut.code, silent.code) == ("connection-lost", "read-timeout")


@pytest.mark.parametrize(("credentials", "broken"), [(SIGNED, "time_reply"), (ACCOUNT, "token_reply")])
@pytest.mark.parametrize(
    "reply", [answer(503, b"<html>"), answer(302, b"", {"Location": "https://x.example/"})]
)
async def test_when_what_is_asked_first_fails_the_request_has_not_happened(
    credentials: Credentials, broken: str, reply: bytes
) -> None:
    ovh = Ovh(always(answer()))
    setattr(ovh, broken, reply)
    error = await error_of(ovh, credentials)
    assert isinstance(error, NetworkError)
    assert error.may_have_happened is False
    assert ovh.calls == []


async def test_an_outage_of_what_is_asked_first_is_worth_another_try() -> None:
    ovh = Ovh(always(answer()))
    ovh.time_reply = answer(503, b"")
    assert is_transient(await error_of(ovh))


@pytest.mark.parametrize(
    ("credentials", "hanging", "may_have_happened"),
    [
        (SIGNED, ["/v1/auth/time"], False),
        (SIGNED, ["", "/v1/me"], True),
        (READY_TOKEN, ["/v1/me"], True),
        (ACCOUNT, ["/auth/.well-known/openid-configuration"], False),
        (ACCOUNT, ["", "/token"], False),
        (ACCOUNT, ["", "", "/v1/me"], True),
        (ACCOUNT, ["", "", "", "/token"], False),  # the first token was refused
        (ACCOUNT, ["", "", "", "", "/v1/me"], True),  # and the second is used
    ],
)
async def test_one_deadline_covers_all_that_a_call_takes(
    credentials: Credentials, hanging: list[str], may_have_happened: bool
) -> None:
    ovh = Ovh(only("nobody has it"))

    async def handle(seen: RawRequest, writer: asyncio.StreamWriter) -> None:
        number = len(server.requests) - 1
        await (never if number < len(hanging) and seen.target == hanging[number] else ovh.handle)(
            seen, writer
        )

    async with client_of(ovh, credentials, handler=handle, total_timeout_s=0.5) as (client, server):
        with pytest.raises(NetworkError) as caught:
            await client.send(request(Method.POST, body=b"{}"))
    assert (caught.value.code, caught.value.may_have_happened) == ("total-timeout", may_have_happened)
    assert server.requests[-1].target == hanging[-1]


async def test_a_cancelled_request_leaves_the_client_usable() -> None:
    ovh = Ovh(never)
    async with client_of(ovh, ACCOUNT) as (client, _):
        with anyio.move_on_after(0.05):
            await client.send(request())
        ovh.api = always(answer())
        assert (await client.send(request())).status == 200


# --- secrets -------------------------------------------------------------------------------------------


def leaks(text: str) -> bool:
    """Tell whether a text holds any of the secrets of this file, all of which are called canary."""
    return "canary" in text


def test_the_search_for_leaks_finds_a_planted_one() -> None:
    assert leaks(f"the header was {SIGNED.consumer_key.reveal()}")
    assert not leaks(f"{SIGNED!r} {ACCOUNT} {READY_TOKEN}")


@pytest.mark.promise("secrets.never")
@pytest.mark.parametrize("credentials", [SIGNED, ACCOUNT, READY_TOKEN])
@pytest.mark.parametrize(
    "reply",
    [
        answer(),
        answer(401, b"{}"),
        answer(500, b"<html>"),
        answer(200, b"<html>"),
        answer(302, b""),
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{",
    ],
)
async def test_no_error_and_no_log_shows_a_secret(
    credentials: Credentials, reply: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    async with client_of(Ovh(cut_after(reply)), credentials) as (client, _):
        try:
            texts.append(repr(await client.send(request(Method.POST, body=b'"x"'))))
        except OvhMcpError as error:
            texts += [repr(error), error.hint, *traceback.format_exception(error)]
        texts += [repr(client), repr(vars(client))]
    texts += [record.getMessage() for record in caplog.records]
    assert texts
    assert not any(leaks(text) for text in texts)


async def test_the_redactor_learns_every_secret_that_comes_up() -> None:
    redactor = Redactor()
    async with client_of(Ovh(always(answer())), ACCOUNT, redactor=redactor) as (client, _):
        await client.send(request())
    for secret in (*secrets_of(ACCOUNT), Secret("canary-token-1")):
        assert redactor.redact(f"<{secret.reveal()}>") == "<***>"
