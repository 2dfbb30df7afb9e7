"""Errors of the API that say what to do: through the real server, each cause brought about at the API."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from mcp import Client

from ovh_api_mcp.limits import DIAGNOSIS_AGE_S
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.app import App
from ovh_api_mcp.server.protocol import build_server
from ovh_api_mcp.settings import Flags, load_settings
from ovh_api_mcp.simulator.consumer_keys import AccessRule, ConsumerKey
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, lines_of
from tests.end_to_end.program import Server, connected, error_of, execute, says, value_of
from tests.server.real_server import client_of, environment, text_of

pytestmark = pytest.mark.anyio

_QUERY_ID = "EU.ext-3.65f0.42"
_FIELDS = (
    "({ hint: e.hint, remedy: e.remedy ?? null, queryId: e.queryId, status: e.status, message: e.message })"
)
_ME = "async () => (await ovh.get('/v1/me')).nichandle"
_RECORDS = "ovh.get('/v1/domain/zone/example.com/record')"
_RECORD = "ovh.get('/v1/domain/zone/example.com/record/123')"


def caught(call: str) -> str:
    """Return a script that makes a call and returns the fields of its error."""
    return f"async () => {{ try {{ return await {call} }} catch (e) {{ return {_FIELDS} }} }}"


def no(message: str, code: str = "", *, kind: str = "Client::Forbidden", **details: str) -> bytes:
    """Return an error object as OVHcloud writes it."""
    body: dict[str, object] = {"class": kind, "message": message}
    if code:
        body["errorCode"] = code
    if details:
        body["details"] = details
    return json.dumps(body).encode()


async def fields_of(client: Client, call: str) -> dict[str, object]:
    fields = value_of(await execute(client, caught(call)))
    assert isinstance(fields, dict)
    return fields


def text(fields: dict[str, object], name: str = "hint") -> str:
    value = fields[name]
    assert isinstance(value, str)
    return value


def remedy(fields: dict[str, object]) -> dict[str, object]:
    value = fields["remedy"]
    assert isinstance(value, dict)
    return value


def rules_of(link: object) -> list[tuple[str, str]]:
    """Return the rules that a link to createToken fills in."""
    assert isinstance(link, str)
    return parse_qsl(urlsplit(link).query, strict_parsing=True)


def key_with(api: Simulator, rules: Sequence[tuple[str, str]]) -> ConsumerKey:
    """Return a consumer key with these rules, which its owner has validated."""
    key = api.consumer_keys.request([AccessRule(method, path) for method, path in rules], time.time())
    validated = api.consumer_keys.validate(key.token)
    assert validated is not None
    return validated


@asynccontextmanager
async def server_with(api: Simulator, home: Path, **keys: str) -> AsyncIterator[Client]:
    """Start a server with other keys than the account's."""
    async with client_of("stdio", "auto", environment(api, home, **keys)) as client:
        yield client


# --- rights ------------------------------------------------------------------------------------------------


@pytest.mark.promise("errors.rights")
async def test_the_link_of_a_missing_rule_makes_a_key_that_may_do_just_the_call_that_failed(
    small_api: Simulator, home: Path
) -> None:
    narrow = key_with(small_api, [("GET", "/me")])
    async with server_with(small_api, home, OVH_CONSUMER_KEY=narrow.key) as client:
        fields = await fields_of(client, _RECORDS)
    assert says(
        text(fields), "consumer key's rules lack GET /domain/zone/example.com/record", "remedy.createToken"
    )
    link = remedy(fields)["createToken"]
    assert isinstance(link, str)
    assert link.startswith(f"{small_api.url}/createToken/?GET=/domain/zone/")
    rules = rules_of(link)
    assert rules == [("GET", "/domain/zone/example.com/record")]
    async with server_with(small_api, home, OVH_CONSUMER_KEY=key_with(small_api, rules).key) as client:
        assert isinstance(value_of(await execute(client, f"async () => await {_RECORDS}")), list)
        assert text(await fields_of(client, "ovh.get('/v1/domain/zone/example.net/record')")) != ""


@pytest.mark.promise("errors.rights")
async def test_the_policy_of_a_missing_action_is_one_that_the_api_takes(
    small_api: Simulator, small_server: Server
) -> None:
    refusal = no(
        "This call has not been granted", "NOT_GRANTED_CALL", unauthorizedActionsByIAM="vps:apiovh:reboot"
    )
    small_api.faults.add("POST", "/v1/vps/", status=403, body=refusal)
    script = f"""async () => {{
      try {{ return await ovh.post("/v1/vps/vps-1.vps.ovh.net/reboot") }} catch (e) {{
        return {{ ...{_FIELDS}, made: await ovh.post("/v2/iam/policy", {{ body: e.remedy.iamPolicy }}) }};
      }}
    }}"""
    async with connected(small_server) as client:
        fields = value_of(await execute(client, script))
    assert isinstance(fields, dict)
    assert says(
        fields["hint"], "no IAM policy allows vps:apiovh:reboot", "remedy.iamPolicy", "POST /v2/iam/policy"
    )
    assert remedy(fields) == {
        "iamPolicy": {
            "name": "ovh-api-mcp-vps-reboot",
            "description": "POST /v1/vps/{serviceName}/reboot",
            "identities": [f"urn:v1:eu:identity:account:{small_api.account.nichandle}"],
            "resources": [{"urn": "urn:v1:eu:resource:vps:vps-1.vps.ovh.net"}],
            "permissions": {"allow": [{"action": "vps:apiovh:reboot"}]},
        }
    }
    made = fields["made"]
    assert isinstance(made, dict)
    assert made["name"] == "ovh-api-mcp-vps-reboot"


@pytest.mark.promise("errors.rights")
async def test_who_asks_is_asked_once_for_many_refusals(small_api: Simulator, home: Path) -> None:
    refusal = no(
        "This call has not been granted", "NOT_GRANTED_CALL", unauthorizedActionsByIAM="account:apiovh:me/get"
    )
    small_api.faults.add("GET", "/v1/me", status=403, body=refusal)
    script = """async () => {
      const refused = await Promise.all(Array.from({ length: 20 }, () => ovh.get("/v1/me").catch(e => e)));
      return refused.map(e => e.remedy.iamPolicy.resources[0].urn);
    }"""
    async with server_with(small_api, home) as client:
        urns = value_of(await execute(client, script))
    assert urns == [f"urn:v1:eu:resource:account:{small_api.account.nichandle}"] * 20
    assert lines_of(small_api).count("GET /v1/auth/details") == 1


async def test_where_the_api_does_not_say_what_is_missing_both_remedies_are_given(
    small_api: Simulator, small_server: Server
) -> None:
    small_api.faults.add("GET", "/v1/domain/", status=403, body=no("You are not allowed to do this"))
    async with connected(small_server) as client:
        fields = await fields_of(client, _RECORD)
    assert says(text(fields), "remedy.createToken) or no IAM policy allows dnsZone:apiovh:record/get")
    assert rules_of(remedy(fields)["createToken"]) == [("GET", "/domain/zone/example.com/record/*")]
    assert "iamPolicy" in remedy(fields)


async def test_a_403_that_is_about_no_right_promises_none(small_api: Simulator, small_server: Server) -> None:
    small_api.faults.add("GET", "/v1/domain/", status=403, body=no("Quota of 5 objects reached"))
    async with connected(small_server) as client:
        fields = await fields_of(client, _RECORD)
    assert fields["remedy"] is None
    assert says(text(fields), "reason in its message", "quota")


async def test_a_service_account_is_given_a_policy_and_no_page_for_keys(
    small_api: Simulator, home: Path
) -> None:
    account = small_api.account
    small_api.faults.add(
        "GET", "/v1/domain/", status=403, body=no("This call has not been granted", "NOT_GRANTED_CALL")
    )
    env = environment(
        None,
        home,
        OVH_ENDPOINT=small_api.url,
        OVH_CLIENT_ID=account.client_id,
        OVH_CLIENT_SECRET=account.client_secret,
    )
    async with client_of("stdio", "auto", env) as client:
        fields = await fields_of(client, _RECORDS)
    assert list(remedy(fields)) == ["iamPolicy"]
    assert says(text(fields), "no IAM policy allows dnsZone:apiovh:record/get")


@pytest.mark.promise("errors.rights", "errors.query-id")
async def test_an_error_that_no_script_caught_shows_remedy_hint_and_query_id(
    small_api: Simulator, small_server: Server
) -> None:
    refusal = no(
        "This call has not been granted", "NOT_GRANTED_CALL", unauthorizedActionsByAuthentication="x:apiovh:y"
    )
    headers = {"X-OVH-QUERYID": _QUERY_ID}
    small_api.faults.add("GET", "/v1/domain/", status=403, body=refusal, headers=headers)
    async with connected(small_server) as client:
        told = error_of(await execute(client, f"async () => await {_RECORDS}"))
    assert f'"createToken":"{small_api.url}/createToken/?GET=/domain/zone/example.com/record"' in told
    assert f'"queryId":"{_QUERY_ID}"' in told
    assert says(told, "the consumer key's rules lack GET")


async def test_without_credentials_the_link_holds_the_rule_of_the_call(
    small_api: Simulator, home: Path
) -> None:
    env = environment(None, home, OVH_ENDPOINT=small_api.url)
    async with client_of("stdio", "auto", env) as client:
        fields = value_of(
            await execute(client, caught("ovh.get('/v2/iam/policy')").replace("queryId: e.queryId, ", ""))
        )
    assert isinstance(fields, dict)
    assert rules_of(remedy(fields)["createToken"]) == [("GET", "/v2/iam/policy")]


# --- credentials -------------------------------------------------------------------------------------------


@pytest.mark.promise("errors.cause")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"OVH_APPLICATION_SECRET": "not-the-secret-of-it"},
            [
                "clock is right",
                "application key …-key is known",
                "application secret is another application's",
            ],
        ),
        (
            {"OVH_APPLICATION_KEY": "of-elsewhere-1234"},
            ["application key …1234 is not known at", "OVH_ENDPOINT"],
        ),
        ({"OVH_CONSUMER_KEY": "never-seen-before"}, ["consumer key is unknown", "another application"]),
        (
            {"OVH_CONSUMER_KEY": "simulated-app-secret"},
            ["secret and consumer key are one and the same value"],
        ),
        ({"OVH_APPLICATION_KEY": "simulated-app-secret"}, ["application key also stands where"]),
    ],
)
async def test_keys_that_are_refused_are_told_apart(
    small_api: Simulator, home: Path, wrong: dict[str, str], words: list[str]
) -> None:
    async with server_with(small_api, home, **wrong) as client:
        fields = await fields_of(client, "ovh.get('/v1/me')")
        told = error_of(await execute(client, _ME))
    assert says(text(fields), *words)
    assert says(told, *words)
    for value in (*wrong.values(), small_api.account.application_key, small_api.account.application_secret):
        assert value not in told
        assert value not in json.dumps(fields)


@pytest.mark.promise("errors.cause")
async def test_a_key_that_nobody_validated_and_one_that_is_over_are_told(
    small_api: Simulator, home: Path
) -> None:
    pending = small_api.consumer_keys.request([AccessRule("GET", "/*")], time.time())
    over = key_with(small_api, [("GET", "/*")])
    small_api.consumer_keys.revoke(over.key)
    for key, words in ((pending, "validate"), (over, "expired")):
        async with server_with(small_api, home, OVH_CONSUMER_KEY=key.key) as client:
            fields = await fields_of(client, "ovh.get('/v1/me')")
        assert says(text(fields), "consumer key", words)
        assert rules_of(remedy(fields)["createToken"]) == [("GET", "/me")]
        assert key.key not in json.dumps(fields)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            {"status": "pendingValidation", "expiration": None},
            ["calls the consumer key pendingValidation", "validate it"],
        ),
        (
            {"status": "expired", "expiration": "2026-01-02T03:04:05+01:00"},
            ["calls the consumer key expired until 2026-01-02T03:04:05+01:00"],
        ),
        (
            {"status": "validated", "expiration": "2031-01-01T00:00:00Z"},
            ["credentials are in order until 2031-01-01"],
        ),
        (["no record"], ["credentials are in order:"]),
    ],
)
async def test_an_invalid_signature_without_its_code_is_explained_by_the_record_of_the_key(
    small_api: Simulator, home: Path, record: object, words: list[str]
) -> None:
    small_api.faults.add("GET", "/v1/me", status=400, body=no("Invalid signature", kind="Client::BadRequest"))
    small_api.faults.add("GET", "/v1/auth/currentCredential", status=200, body=json.dumps(record).encode())
    async with server_with(small_api, home) as client:
        fields = await fields_of(client, "ovh.get('/v1/me')")
    assert says(text(fields), *words)
    assert fields["remedy"] is None


@pytest.mark.promise("errors.cause")
async def test_the_cause_is_looked_for_once_for_many_scripts(small_api: Simulator, home: Path) -> None:
    twenty = "Promise.all(Array.from({ length: 20 }, () => ovh.get('/v1/me').catch(e => e.hint)))"
    async with server_with(small_api, home, OVH_APPLICATION_SECRET="not-the-secret-of-it") as client:
        first = value_of(await execute(client, f"async () => await {twenty}"))
        second = value_of(await execute(client, f"async () => await {twenty}"))
    assert isinstance(first, list)
    assert {*first} == {*second} if isinstance(second, list) else False
    assert says(first[0], "application secret")
    examinations = [each for each in small_api.requests if each.raw_path == "/v1/auth/currentCredential"]
    assert len(examinations) == 2  # signed, and unsigned; DIAGNOSIS_AGE_S have not passed
    assert DIAGNOSIS_AGE_S > 10


async def test_an_examination_that_gets_no_answer_leaves_the_first_hint(
    small_api: Simulator, home: Path
) -> None:
    small_api.faults.add("GET", "/v1/auth/currentCredential", drop=True)
    async with server_with(small_api, home, OVH_APPLICATION_SECRET="not-the-secret-of-it") as client:
        fields = await fields_of(client, "ovh.get('/v1/me')")
    assert says(text(fields), "Application secret or consumer key is wrong")


async def test_a_clock_that_runs_away_is_told_from_a_wrong_secret(tmp_path: Path) -> None:
    def run_away(request: RecordedRequest) -> None:
        if request.raw_path in ("/v1/auth/time", "/v1/me"):
            simulator.time_offset_s += 1_000

    async with aclosing(await Simulator.start(on_request=run_away)) as simulator:
        settings = load_settings(Flags(), environment(simulator, tmp_path), config_paths=())
        async with (
            App.open(settings, Redactor(settings.secrets())) as app,
            Client(build_server(app.execution)) as client,
        ):
            told = text_of(await client.call_tool("execute", {"code": _ME}))
    assert says(told, "Invalid signature", "clock of this machine jumps", "s off the API's own", "NTP")


async def test_a_ready_token_that_is_refused_says_that_it_cannot_be_renewed(
    small_api: Simulator, home: Path
) -> None:
    env = environment(None, home, OVH_ENDPOINT=small_api.url, OVH_ACCESS_TOKEN="a-token-of-last-year")
    async with client_of("stdio", "auto", env) as client:
        fields = await fields_of(client, "ovh.get('/v1/me')")
    assert says(text(fields), "OVH_ACCESS_TOKEN", "cannot be renewed")
    assert fields["remedy"] is None


# --- what is not there -------------------------------------------------------------------------------------


@pytest.mark.promise("errors.not-found")
@pytest.mark.parametrize(
    ("call", "said", "words"),
    [
        (
            _RECORD,
            "The requested object (id = 123) does not exist",
            ['{id} "123"', "GET /v1/domain/zone/example.com/record."],
        ),
        (
            _RECORD,
            "The requested object (zoneName = example.com) does not exist",
            ["{zoneName}", "Look in GET /v1/domain/zone."],
        ),
        (
            _RECORD,
            "This service does not exist",
            ["Look in GET /v1/domain/zone/example.com/record.", "in GET /v1/domain/zone."],
        ),
        (
            "ovh.post('/v1/vps/gone/reboot')",
            "This service does not exist",
            ['{serviceName} "gone"', "Look in GET /v1/vps."],
        ),
        ("ovh.get('/v1/domain/zones')", "This service does not exist", ["Did you mean GET /v1/domain/zone?"]),
        (_RECORD, "Got an invalid (or empty) URL", ["route itself is missing", "ovh.find"]),
        (
            "ovh.get('/v1/vps/a/activeOptions')",
            "Got an invalid (or empty) URL",
            ["route itself is missing", "Use GET /v1/vps/{serviceName}/option instead"],
        ),
        ("ovh.get('/v1/me/contact')", "Nothing found", ["nothing there (yet)", "GET /v1/me "]),
    ],
)
async def test_a_404_says_whether_route_or_object_is_missing_and_where_to_look(
    small_api: Simulator, small_server: Server, call: str, said: str, words: list[str]
) -> None:
    for method in ("GET", "POST"):
        small_api.faults.add(method, "/v1/", status=404, body=no(said, kind="Client::NotFound"))
    async with connected(small_server) as client:
        assert says(text(await fields_of(client, call)), *words)


async def test_a_real_object_that_is_missing_is_looked_for_in_its_list(
    small_api: Simulator, small_server: Server
) -> None:
    async with connected(small_server) as client:
        fields = await fields_of(client, "ovh.get('/v1/domain/zone/example.com/record/4')")
        told = text(await fields_of(client, "ovh.get('/v1/domain/zone/nowhere.example/record')"))
    assert says(text(fields), "Look in GET /v1/domain/zone/example.com/record.")
    assert "Look in GET /v1/domain/zone." in told


async def test_a_page_of_a_proxy_is_no_word_of_the_api(small_api: Simulator, small_server: Server) -> None:
    small_api.faults.add("GET", "/v1/domain/", status=404, body=b"<html><title>Nope</title>")
    async with connected(small_server) as client:
        assert says(
            text(await fields_of(client, _RECORD)), "no answer of OVHcloud's API", "check the endpoint"
        )


# --- wrong fields ------------------------------------------------------------------------------------------


@pytest.mark.promise("errors.fields")
@pytest.mark.parametrize(
    ("body", "said", "words"),
    [
        (
            {"type": "A", "target": "203.0.113.1"},
            "Bad request",
            ['Did you mean "fieldType"?', "fieldType, target, ttl"],
        ),
        ({"fieldType": "A"}, "Bad request", ["target is missing"]),
        ({}, "[fieldType] Missing required parameter", ["fieldType, target are missing"]),
        (
            {"fieldType": "A", "target": "x", "ttl": "h"},
            "[ttl] Given data is not valid for type long",
            ['"ttl"', "ovh.describe"],
        ),
        (
            {"fieldType": "A", "target": "x"},
            "Received not described parameters: (subdomain)",
            ['Did you mean "subDomain"?'],
        ),
    ],
)
async def test_a_400_names_the_field_and_the_right_one(
    small_api: Simulator, small_server: Server, body: object, said: str, words: list[str]
) -> None:
    small_api.faults.add("POST", "/v1/domain/", status=400, body=no(said, kind="Client::BadRequest"))
    call = f"ovh.post('/v1/domain/zone/example.com/record', {{ validate: 'warn', body: {json.dumps(body)} }})"
    async with connected(small_server) as client:
        assert says(text(await fields_of(client, call)), *words)


# --- plain words, and the query id -------------------------------------------------------------------------


@pytest.mark.promise("errors.query-id")
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 409}, "a task that still runs"),
        ({"status": 460}, "has to renew it"),
        ({"status": 500}, "support finds the request by its queryId"),
        ({"status": 503, "body": b"<html>"}, "try again later"),
    ],
)
async def test_a_status_is_told_in_plain_words_with_the_query_id(
    small_api: Simulator, small_server: Server, fault: dict[str, object], words: str
) -> None:
    headers = {"X-OVH-QUERYID": _QUERY_ID}
    small_api.faults.add("GET", "/v1/me", headers=headers, **fault)  # type: ignore[arg-type]  # fields of a fault
    async with connected(small_server) as client:
        fields = await fields_of(client, "ovh.get('/v1/me')")
        told = error_of(await execute(client, _ME))
    assert says(text(fields), words)
    assert fields["queryId"] == _QUERY_ID
    assert f'"queryId":"{_QUERY_ID}"' in told


@pytest.mark.promise("errors.query-id")
@pytest.mark.parametrize("fault", [{"body": b"OK, fine"}, {"status": 302}])
async def test_an_answer_that_cannot_be_used_has_its_query_id_too(
    small_api: Simulator, small_server: Server, fault: dict[str, object]
) -> None:
    headers = {"X-OVH-QUERYID": _QUERY_ID}
    small_api.faults.add("GET", "/v1/me", headers=headers, **fault)  # type: ignore[arg-type]  # fields of a fault
    async with connected(small_server) as client:
        told = error_of(await execute(client, _ME))
    assert f'"queryId":"{_QUERY_ID}"' in told
    assert len(calls_of(small_api)) == 1


# --- operations that are to go -----------------------------------------------------------------------------


@pytest.mark.promise("errors.deprecated")
async def test_a_deprecated_operation_is_noted_once_with_its_end_and_what_to_use(
    small_api: Simulator, small_server: Server
) -> None:
    script = """async () => {
      const [name] = await ovh.get("/v1/vps");
      for (let i = 0; i < 3; i++) await ovh.get("/v1/vps/{serviceName}/activeOptions", { params: { serviceName: name } });
      return (await ovh.get("/v1/me/sshKey")).length;
    }"""
    async with connected(small_server) as client:
        result = await execute(client, script)
        again = await execute(client, script)
    assert isinstance(value_of(result), int)
    notes = text_of(result, 1)
    assert notes == text_of(again, 1)
    assert notes.count("GET /v1/vps/{serviceName}/activeOptions is DEPRECATED since ") == 1
    assert "its end is set for " in notes
    assert "Use GET /v1/vps/{serviceName}/option instead." in notes
    assert "GET /v1/me/sshKey is DEPRECATED" in notes


@pytest.mark.promise("errors.deprecated")
async def test_a_script_that_fails_is_told_of_deprecated_operations_as_well(
    small_api: Simulator, small_server: Server
) -> None:
    async with connected(small_server) as client:
        result = await execute(
            client, "async () => { await ovh.get('/v1/me/sshKey'); throw new Error('later') }"
        )
    assert result.is_error
    assert says(text_of(result, 1), "GET /v1/me/sshKey is DEPRECATED")
