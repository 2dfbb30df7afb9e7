"""The pages that a login leads to."""

from urllib.parse import quote

import pytest

from ovh_api_mcp.limits import SIMULATOR_PAGE_RULES
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/createApp/", "creates an application and shows its key"),
        ("/createToken/", "a consumer key with the rights"),
        ("/createToken", "a consumer key with the rights"),
        ("/console/", "lists the operations of the API"),
    ],
)
async def test_a_page_says_what_it_is_and_which_keys_to_use(caller: Caller, path: str, words: str) -> None:
    answer = await caller.send("GET", path, signed=False)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert words in answer.text
    assert "ovh-api-mcp simulate prints at its start" in answer.text
    account = caller.simulator.account
    for secret in (account.application_secret, account.consumer_key, account.client_secret):
        assert secret not in answer.text
    assert (await caller.send("POST", path, signed=False)).status_code == 404


async def test_the_rights_that_an_address_asks_for_are_told(caller: Caller) -> None:
    answer = await caller.send("GET", "/createToken/?GET=/me&PUT=/domain/*&other=1", signed=False)
    assert "<li>GET /me</li><li>PUT /domain/*</li></ul>" in answer.text
    many = "&".join(["GET=/me"] * (SIMULATOR_PAGE_RULES + 3))
    assert "and 3 more" in (await caller.send("GET", f"/createToken/?{many}", signed=False)).text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</ul>'&"]
)
async def test_what_an_address_holds_is_text_and_no_markup(caller: Caller, hostile: str) -> None:
    for query in (f"GET={quote(hostile)}", f"{quote(hostile)}=/me", f"GET=/me&x={quote(hostile)}"):
        for page in ("createToken", "createApp", "console"):
            answer = await caller.send("GET", f"/{page}/?{query}", signed=False)
            assert answer.status_code == 200
            assert hostile not in answer.text
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_query_that_is_no_text_does_no_harm(caller: Caller) -> None:
    for query in ("GET=%ff%00", "GET", "&&&=&", "GET=%", "GET=" + "a" * 20_000):
        assert (await caller.send("GET", f"/createToken/?{query}", signed=False)).status_code == 200
