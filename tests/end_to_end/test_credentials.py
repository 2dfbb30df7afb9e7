"""Who the server signs in as: keys, a service account, a ready token, nobody; and what it refuses to guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of
from tests.end_to_end.program import error_of, execute, run_once, says, search, value_of
from tests.server.real_server import client_of, environment

pytestmark = pytest.mark.anyio

_ME = "async () => (await ovh.get('/v1/me')).nichandle"
_TIME = "async () => await ovh.get('/v1/auth/time')"
_COUNT = "(spec) => Object.keys(spec.paths).length"
_SECRET = "s3cret-of-somebody-else"


def service_account(api: Simulator, home: Path) -> dict[str, str]:
    """Return the environment of a server that signs in as the simulator's service account."""
    account = api.account
    return environment(
        None,
        home,
        OVH_ENDPOINT=api.url,
        OVH_CLIENT_ID=account.client_id,
        OVH_CLIENT_SECRET=account.client_secret,
    )


@pytest.mark.promise("credentials.kinds", "credentials.unsigned", "tools.execute")
async def test_keys_sign_every_call_but_those_that_need_no_authentication(
    small_api: Simulator, home: Path
) -> None:
    async with client_of("stdio", "auto", environment(small_api, home)) as client:
        assert value_of(await execute(client, _ME)) == small_api.account.nichandle
        assert isinstance(value_of(await execute(client, _TIME)), int)
    signed, unsigned = [each for each in small_api.requests if each.raw_path in ("/v1/me", "/v1/auth/time")][
        -2:
    ]
    assert (signed.raw_path, unsigned.raw_path) == ("/v1/me", "/v1/auth/time")
    assert signed.headers["x-ovh-signature"].startswith("$1$")
    assert not [name for name in unsigned.headers if name.startswith("x-ovh-") or name == "authorization"]


@pytest.mark.promise("credentials.kinds")
async def test_a_service_account_gets_a_token_and_renews_it_once_it_is_refused(
    small_api: Simulator, home: Path
) -> None:
    before = small_api.issued_tokens
    ten = "async () => (await Promise.all(Array.from({ length: 10 }, () => ovh.get('/v1/me')))).length"
    async with client_of("stdio", "legacy", service_account(small_api, home)) as client:
        assert value_of(await execute(client, _ME)) == small_api.account.nichandle
        assert small_api.issued_tokens == before + 1
        small_api.revoke_tokens()
        assert value_of(await execute(client, ten)) == 10
        assert small_api.issued_tokens == before + 2
    assert calls_of(small_api)[0].headers["authorization"].startswith("Bearer simulated-token-")


@pytest.mark.promise("credentials.kinds")
async def test_a_ready_access_token_is_sent_as_it_is(small_api: Simulator, home: Path) -> None:
    env = environment(None, home, OVH_ENDPOINT=small_api.url, OVH_ACCESS_TOKEN=_SECRET)
    async with client_of("stdio", "auto", env) as client:
        error_of(await execute(client, _ME))
    assert [each.headers["authorization"] for each in calls_of(small_api)] == [f"Bearer {_SECRET}"]


@pytest.mark.promise("credentials.none", "credentials.unsigned", "catalog.services")
async def test_without_credentials_the_server_works_as_far_as_it_can(
    small_api: Simulator, home: Path
) -> None:
    env = environment(None, home, OVH_ENDPOINT=small_api.url, OVH_APPLICATION_KEY="", OVH_CLIENT_ID=" ")
    async with client_of("stdio", "auto", env) as client:
        assert value_of(await search(client, _COUNT)) == value_of(await search(client, _COUNT))
        assert isinstance(value_of(await execute(client, _TIME)), int)
        told = error_of(await execute(client, _ME))
    assert says(told, "GET /v1/me needs credentials", "nothing was sent", f"{small_api.url}/createToken/")
    assert says(told, "OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY")
    assert calls_of(small_api) == []


@pytest.mark.promise("credentials.conflict")
@pytest.mark.parametrize(
    ("given", "named"),
    [
        (
            ["OVH_APPLICATION_KEY", "OVH_CLIENT_ID"],
            ["OVH_APPLICATION_KEY", "OVH_CLIENT_ID", "more than one kind"],
        ),
        (["OVH_CLIENT_SECRET", "OVH_ACCESS_TOKEN"], ["OVH_CLIENT_SECRET", "OVH_ACCESS_TOKEN"]),
        (["OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET"], ["not --consumer-key or OVH_CONSUMER_KEY"]),
        (["OVH_CONSUMER_KEY"], ["OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "half"]),
        (["OVH_CLIENT_ID"], ["not --client-secret or OVH_CLIENT_SECRET"]),
        (["--client-secret", "--app-secret"], ["--app-secret", "--client-secret", "more than one kind"]),
    ],
)
def test_both_kinds_or_half_of_one_end_the_program_with_what_is_missing_and_no_values(
    tmp_path: Path, given: list[str], named: list[str]
) -> None:
    flags = [part for name in given if name.startswith("-") for part in (name, _SECRET)]
    variables = {name: _SECRET for name in given if not name.startswith("-")}
    done = run_once(tmp_path, *flags, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, *named)
    assert _SECRET not in done.stderr


@pytest.mark.promise("credentials.conflict")
@pytest.mark.parametrize("command", [["--transport", "stdio"], ["serve"], ["search", "() => 1"]])
def test_every_command_that_needs_credentials_refuses_to_guess_which(
    tmp_path: Path, command: list[str]
) -> None:
    done = run_once(tmp_path, *command, OVH_CLIENT_ID=_SECRET)
    assert (done.returncode, done.stdout) == (2, "")
    assert says(done.stderr, "OVH_CLIENT_SECRET")
    assert _SECRET not in done.stderr


async def test_a_wrong_key_and_a_wrong_service_account_are_told_apart(
    small_api: Simulator, home: Path
) -> None:
    wrong_key = environment(small_api, home) | {"OVH_APPLICATION_SECRET": _SECRET}
    wrong_account = service_account(small_api, home) | {"OVH_CLIENT_SECRET": _SECRET}
    for env, words in (
        (wrong_key, "INVALID_SIGNATURE"),
        (wrong_account, "OVH_CLIENT_ID and OVH_CLIENT_SECRET"),
    ):
        async with client_of("stdio", "auto", env) as client:
            told = error_of(await execute(client, _ME))
        assert says(told, words)
        assert _SECRET not in told
