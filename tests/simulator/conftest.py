"""A running simulator, a client that signs for itself, and OVH's official SDK."""

import hashlib
import http.client
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import ovh
import ovh.client
import pytest

from ovh_api_mcp.simulator import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with aclosing(await Simulator.start()) as running:
        yield running


@dataclass(frozen=True)
class Reply:
    """An answer as it came; its headers are looked up in any case."""

    status_code: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Caller:
    """Sends requests byte for byte, in a thread; signs them with the practice keys unless told otherwise.

    The signature is written out here once more: this client shares no code with either side.
    """

    simulator: Simulator
    consumer_key: str = ""

    async def send(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        signed: bool = True,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data else {}
        if signed:
            sent |= self._sign(method, self.simulator.url + target, data)
        sent |= headers or {}

        def run() -> Reply:
            address = self.simulator.url.removeprefix("http://")
            with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
                connection.request(method, target, data or None, sent)
                answer = connection.getresponse()
                return Reply(answer.status, answer.headers, answer.read())

        return await anyio.to_thread.run_sync(run, abandon_on_cancel=True)

    async def get(self, target: str, headers: dict[str, str] | None = None) -> object:
        answer = await self.send("GET", target, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _sign(self, method: str, url: str, data: bytes) -> dict[str, str]:
        account = self.simulator.account
        consumer_key = self.consumer_key or account.consumer_key
        now = str(int(time.time() + self.simulator.time_offset_s))
        parts = [account.application_secret, consumer_key, method, url, data.decode(), now]
        return {
            "X-Ovh-Application": account.application_key,
            "X-Ovh-Consumer": consumer_key,
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": "$1$" + hashlib.sha1("+".join(parts).encode()).hexdigest(),
        }


@pytest.fixture
def caller(simulator: Simulator) -> Caller:
    return Caller(simulator)


class Sdk:
    """OVH's official SDK against a simulator: synchronous, therefore in a thread."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._clients: list[ovh.Client] = []

    def client(self, **keys: str) -> ovh.Client:
        account = self._simulator.account
        known = {
            "application_key": account.application_key,
            "application_secret": account.application_secret,
            "consumer_key": account.consumer_key,
        }
        made = ovh.Client(endpoint="simulator", timeout=20, **(known | keys))
        self._clients.append(made)
        return made

    def oauth2_client(self, client_secret: str | None = None) -> ovh.Client:
        account = self._simulator.account
        made = ovh.Client(
            endpoint="simulator",
            timeout=20,
            client_id=account.client_id,
            client_secret=client_secret or account.client_secret,
        )
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client._session.close()
            if client._oauth2 is not None and client._oauth2._session is not None:
                client._oauth2._session.close()


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    monkeypatch.setitem(ovh.client.ENDPOINTS, "simulator", simulator.url + "/1.0")
    monkeypatch.setitem(ovh.client.OAUTH2_TOKEN_URLS, "simulator", simulator.url + "/auth/oauth2/token")
    # The SDK's OAuth2 library refuses plain HTTP, which is all there is on loopback.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    made = Sdk(simulator)
    yield made
    made.close()
