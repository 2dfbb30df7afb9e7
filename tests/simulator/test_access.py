"""Who may ask: signatures, consumer keys, OAuth2."""

import base64
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ovh_api_mcp.simulator import Simulator
from ovh_api_mcp.simulator.consumer_keys import AccessRule
from ovh_api_mcp.simulator.signature import compute_signature
from tests.simulator.conftest import Caller, Reply

pytestmark = pytest.mark.anyio

TOKEN = "/auth/oauth2/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_the_published_signature_vectors_verify(shared_dir: Path) -> None:
    published = json.loads((shared_dir / "vectors" / "signature.json").read_text())

    for vector in published["vectors"]:
        computed = compute_signature(
            secret=published["application_secret"],
            consumer_key=published["consumer_key"],
            method=vector["method"],
            url=vector["url"],
            body=vector["body"].encode(),
            timestamp=str(vector["timestamp"]),
        )
        assert computed == vector["expected_signature"]


async def test_a_signed_call_is_answered_and_an_unsigned_one_is_told_to_sign_in(caller: Caller) -> None:
    assert (await caller.send("GET", "/v1/me")).status_code == 200

    unsigned = await caller.send("GET", "/v1/me", signed=False)
    assert unsigned.status_code == 403
    assert unsigned.json() == {
        "class": "Client::Forbidden",
        "message": "You must login first",
        "errorCode": "NOT_CREDENTIAL",
        "httpCode": "403 Forbidden",
    }
    assert unsigned.headers["X-OVH-QUERYID"]


async def test_what_needs_no_authentication_works_unsigned_and_signed(caller: Caller) -> None:
    for signed in (False, True):
        assert (await caller.send("GET", "/v1/auth/time", signed=signed)).status_code == 200
        assert (await caller.send("GET", "/v1/vps/datacenter", signed=signed)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"X-Ovh-Application": "other"}, 403, "INVALID_KEY"),
        ({"X-Ovh-Consumer": "other"}, 403, "NOT_CREDENTIAL"),
        ({"X-Ovh-Consumer": ""}, 403, "NOT_CREDENTIAL"),
        ({"X-Ovh-Signature": "$1$" + "0" * 40}, 400, "INVALID_SIGNATURE"),
        ({"X-Ovh-Signature": ""}, 400, "INVALID_SIGNATURE"),
        ({"X-Ovh-Timestamp": "1"}, 400, "INVALID_SIGNATURE"),
        ({"X-Ovh-Timestamp": "now"}, 400, "INVALID_SIGNATURE"),
        ({"Host": "elsewhere.example.com"}, 400, "INVALID_SIGNATURE"),
    ],
)
async def test_a_header_that_is_not_what_was_signed_is_refused(
    caller: Caller, changed: dict[str, str], status: int, code: str
) -> None:
    answer = await caller.send("GET", "/v1/me", headers=changed)

    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


async def test_the_signature_is_over_the_path_as_it_is_on_the_wire(caller: Caller) -> None:
    assert (await caller.send("GET", "/v1/ip/203.0.113.0%2F24")).status_code == 200
    assert (await caller.send("GET", "/v1/ip/203.0.113.0%2f24")).status_code == 200
    assert caller.simulator.requests[-1].target == "/v1/ip/203.0.113.0%2f24"


@pytest.mark.parametrize(("drift_s", "status"), [(-40, 400), (-20, 200), (20, 200), (40, 400)])
async def test_a_timestamp_may_be_thirty_seconds_off(caller: Caller, drift_s: int, status: int) -> None:
    simulator = caller.simulator

    class Drifting(Caller):
        def _sign(self, method: str, url: str, data: bytes) -> dict[str, str]:
            simulator.time_offset_s = drift_s
            headers = super()._sign(method, url, data)
            simulator.time_offset_s = 0
            return headers

    assert (await Drifting(simulator).send("GET", "/v1/me")).status_code == status


async def test_the_clock_of_the_simulator_can_be_off(caller: Caller) -> None:
    now = await caller.get("/v1/auth/time")
    caller.simulator.time_offset_s = 86_400
    later = await caller.get("/v1/auth/time")

    assert isinstance(now, int)
    assert isinstance(later, int)
    assert 86_300 < later - now < 86_500


async def test_a_consumer_key_is_useless_until_it_is_accepted_and_after_it_is_revoked(
    simulator: Simulator, caller: Caller
) -> None:
    wanted = {"accessRules": [{"method": "GET", "path": "/me"}, {"method": "POST", "path": "/auth/*"}]}
    application = {"X-Ovh-Application": simulator.account.application_key}
    asked = (
        await caller.send("POST", "/v1/auth/credential", wanted, signed=False, headers=application)
    ).json()
    assert asked["state"] == "pendingValidation"
    caller.consumer_key = asked["consumerKey"]

    pending = await caller.send("GET", "/v1/me")
    assert (pending.status_code, pending.json()["errorCode"]) == (403, "INVALID_CREDENTIAL")

    page = await caller.send("GET", asked["validationUrl"].removeprefix(simulator.url), signed=False)
    assert page.headers["Content-Type"].startswith("text/html")
    assert (await caller.send("GET", "/v1/me")).status_code == 200
    refused = await caller.send("GET", "/v1/me/bill")
    assert refused.json()["errorCode"] == "NOT_GRANTED_CALL"
    assert refused.json()["details"] == {"unauthorizedActionsByAuthentication": "account:apiovh:me/bill/get"}

    assert (await caller.send("POST", "/v1/auth/logout")).json() is None
    assert (await caller.send("GET", "/v1/me")).json()["errorCode"] == "INVALID_CREDENTIAL"


async def test_a_consumer_key_tells_its_rules(caller: Caller) -> None:
    current = await caller.get("/v1/auth/currentCredential")
    details = await caller.get("/v1/auth/details")

    assert isinstance(current, dict)
    assert isinstance(details, dict)
    assert current["status"] == "validated"
    assert {"method": "DELETE", "path": "/*"} in current["rules"]
    assert details["account"] == caller.simulator.account.nichandle


async def _token(caller: Caller, client_id: str, secret: str) -> Reply:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return await caller.send("POST", TOKEN, raw=urlencode(form).encode(), signed=False, headers=FORM)


async def test_a_service_account_gets_tokens_until_it_is_deleted(caller: Caller) -> None:
    clients = "/v1/me/api/oauth2/client"
    body = {"callbackUrls": [], "description": "d", "flow": "CLIENT_CREDENTIALS", "name": "n"}
    made = (await caller.send("POST", clients, body)).json()
    client_id, secret = made["clientId"], made["clientSecret"]
    shown = await caller.send("GET", f"{clients}/{client_id}")
    assert secret not in shown.text
    assert shown.json() | body == shown.json()
    given = await _token(caller, client_id, secret)
    bearer = {"Authorization": f"Bearer {given.json()['access_token']}"}
    details = (await caller.send("GET", "/v1/auth/details", signed=False, headers=bearer)).json()
    assert details["identities"] == [shown.json()["identity"]]
    assert (await _token(caller, client_id, "other")).json()["error"] == "invalid_client"
    account = caller.simulator.account
    other = (await _token(caller, account.client_id, account.client_secret)).json()["access_token"]

    assert (await caller.send("DELETE", f"{clients}/{client_id}")).status_code == 200
    assert (await _token(caller, client_id, secret)).json()["error"] == "invalid_client"
    assert (await caller.send("GET", "/v1/me", signed=False, headers=bearer)).status_code == 401
    bearer = {"Authorization": f"Bearer {other}"}
    assert (await caller.send("GET", "/v1/me", signed=False, headers=bearer)).status_code == 200


@pytest.mark.parametrize("flow", ["AUTHORIZATION_CODE", "CLIENT_CREDENTIALS"])
async def test_only_a_program_gets_a_token_by_a_secret_also_after_loading(caller: Caller, flow: str) -> None:
    body = {"callbackUrls": [], "description": "d", "flow": flow, "name": "n"}
    made = (await caller.send("POST", "/v1/me/api/oauth2/client", body)).json()
    caller.simulator.resources.load(caller.simulator.resources.saved())
    given = await _token(caller, made["clientId"], made["clientSecret"])
    assert ("access_token" in given.json()) is (flow == "CLIENT_CREDENTIALS")
    caller.simulator.reset()
    gone = await _token(caller, made["clientId"], made["clientSecret"])
    assert gone.json()["error"] == "invalid_client"


async def test_a_consumer_key_works_from_its_addresses_only(simulator: Simulator, caller: Caller) -> None:
    application = {"X-Ovh-Application": simulator.account.application_key}
    for block, status in (("127.0.0.0/8", 200), ("203.0.113.0/24", 403)):
        wanted = {"accessRules": [{"method": "GET", "path": "/*"}], "allowedIPs": [block]}
        asked = await caller.send("POST", "/v1/auth/credential", wanted, signed=False, headers=application)
        await caller.send("GET", asked.json()["validationUrl"].removeprefix(simulator.url), signed=False)
        caller.consumer_key = asked.json()["consumerKey"]
        assert (await caller.send("GET", "/v1/me")).status_code == status


async def test_a_consumer_key_needs_rules_and_a_known_application(caller: Caller) -> None:
    none = await caller.send("POST", "/v1/auth/credential", {"accessRules": []})
    assert (none.status_code, none.json()["class"]) == (400, "Client::BadRequest")

    rules = {"accessRules": [{"method": "GET", "path": "/*"}]}
    unknown = await caller.send("POST", "/v1/auth/credential", rules, signed=False)
    assert unknown.json()["errorCode"] == "NOT_CREDENTIAL"


@pytest.mark.parametrize(
    ("rule", "branch", "path", "allowed"),
    [
        ("/*", "v1", "/domain/zone", True),
        ("/*", "v2", "/iam/policy", True),
        ("/me", "v1", "/me", True),
        ("/me", "v1", "/me/bill", False),
        ("/me/*", "v1", "/me", False),
        ("/me/*", "v1", "/me/bill/1", True),
        ("/domain/zone/*/record", "v1", "/domain/zone/example.com/record", True),
        ("/v2/iam/*", "v2", "/iam/policy", True),
        ("/v2/iam/*", "v1", "/iam/policy", False),
        ("/a[b]?", "v1", "/a[b]?", True),
        ("/a[b]?", "v1", "/abc", False),
    ],
)
def test_a_star_in_a_rule_stands_for_anything(rule: str, branch: str, path: str, allowed: bool) -> None:
    assert AccessRule("GET", rule).allows("GET", branch, path) is allowed
    assert not AccessRule("POST", rule).allows("GET", branch, path)


def _basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode(), **FORM}


async def test_oauth2_is_discovered_and_gives_a_token_that_signs_in(
    simulator: Simulator, caller: Caller
) -> None:
    found = await caller.send("GET", "/auth/.well-known/openid-configuration", signed=False)
    assert found.json()["token_endpoint"] == simulator.url + TOKEN

    account = simulator.account
    for headers, form in (
        (_basic(account.client_id, account.client_secret), ""),
        (_basic(account.client_id.replace(".", "%2E"), account.client_secret.replace("-", "%2D")), ""),
        (FORM, f"&client_id={account.client_id}&client_secret={account.client_secret}"),
    ):
        raw = b"grant_type=client_credentials&scope=all" + form.encode()
        token = (await caller.send("POST", TOKEN, signed=False, headers=headers, raw=raw)).json()
        assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "all")
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        assert (await caller.send("GET", "/v1/me", signed=False, headers=bearer)).status_code == 200
    assert simulator.issued_tokens == 3


@pytest.mark.parametrize(
    ("raw", "headers", "error"),
    [
        (b"grant_type=client_credentials", _basic("EU.simulated-client-id", "wrong"), "invalid_client"),
        (b"grant_type=client_credentials", FORM, "invalid_client"),
        (b"grant_type=client_credentials", {"Authorization": "Basic !", **FORM}, "invalid_client"),
        (b"grant_type=password", FORM, "unsupported_grant_type"),
        (b"{}", {"Content-Type": "application/json"}, "invalid_request"),
    ],
)
async def test_a_wrong_token_request_is_declined_as_the_standard_says(
    caller: Caller, raw: bytes, headers: dict[str, str], error: str
) -> None:
    answer = await caller.send("POST", TOKEN, signed=False, headers=headers, raw=raw)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert caller.simulator.issued_tokens == 0


async def test_a_token_ends_when_it_expires_and_when_it_is_revoked(
    simulator: Simulator, caller: Caller
) -> None:
    account = simulator.account
    simulator.token_lifetime_s = 60

    async def sign_in() -> dict[str, str]:
        headers = _basic(account.client_id, account.client_secret)
        answer = await caller.send(
            "POST", TOKEN, signed=False, headers=headers, raw=b"grant_type=client_credentials"
        )
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def status(bearer: dict[str, str]) -> int:
        return (await caller.send("GET", "/v1/me", signed=False, headers=bearer)).status_code

    expiring = await sign_in()
    assert await status(expiring) == 200
    simulator.time_offset_s += 61
    assert await status(expiring) == 401

    revoked = await sign_in()
    simulator.revoke_tokens()
    assert await status(revoked) == 401
    answer = await caller.send("GET", "/v1/me", signed=False, headers={"Authorization": "Bearer no"})
    assert answer.json()["class"] == "Client::Unauthorized"


async def test_keys_and_tokens_are_about_different_things(simulator: Simulator, caller: Caller) -> None:
    account = simulator.account
    headers = _basic(account.client_id, account.client_secret)
    raw = b"grant_type=client_credentials"
    token = (await caller.send("POST", TOKEN, signed=False, headers=headers, raw=raw)).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}

    current = await caller.send("GET", "/v1/auth/currentCredential", signed=False, headers=bearer)
    assert (current.status_code, current.json()["errorCode"]) == (403, "FORBIDDEN")
