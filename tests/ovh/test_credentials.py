from typing import get_args

import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.limits import MESSAGE_CHARS
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    CredentialName,
    Credentials,
    GivenValue,
    ServiceAccountCredentials,
    parse_credentials,
    secrets_of,
)
from ovh_api_mcp.ovh.endpoints import parse_endpoint
from ovh_api_mcp.secret import Secret

SIGNED: tuple[CredentialName, ...] = ("application_key", "application_secret", "consumer_key")


def parse(*names: CredentialName, endpoint: str = "eu", value: str = "canary-7d1e") -> Credentials:
    given = {name: GivenValue(Secret(f"{value}-{name}"), f"source of {name}") for name in names}
    return parse_credentials(given, parse_endpoint(endpoint))


def error_of(*names: CredentialName, endpoint: str = "eu", value: str = "canary-7d1e") -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse(*names, endpoint=endpoint, value=value)
    assert "canary" not in caught.value.message
    return caught.value


def test_each_kind_is_seen_by_its_values() -> None:
    assert isinstance(parse(*SIGNED), ApplicationCredentials)
    assert isinstance(parse("client_id", "client_secret"), ServiceAccountCredentials)
    assert isinstance(parse("access_token"), AccessTokenCredentials)
    assert parse() is None


@pytest.mark.parametrize("missing", SIGNED)
def test_a_missing_third_is_named_with_flag_and_variable(missing: CredentialName) -> None:
    error = error_of(*(name for name in SIGNED if name != missing))
    variable = f"OVH_{missing.upper()}"
    assert error.code == "credentials-half"
    assert f"not --{missing.replace('application', 'app').replace('_', '-')} or {variable}." in error.message


@pytest.mark.parametrize(
    ("given", "missing"), [("client_id", "--client-secret"), ("client_secret", "--client-id")]
)
def test_half_a_service_account_is_named(given: CredentialName, missing: str) -> None:
    error = error_of(given)
    assert error.code == "credentials-half"
    assert f"source of {given} is set" in error.message
    assert f"not {missing} or" in error.message


@pytest.mark.parametrize(
    "names",
    [
        (*SIGNED, "client_id", "client_secret"),
        ("application_key", "client_id"),
        ("access_token", "client_id", "client_secret"),
        (*SIGNED, "access_token"),
    ],
)
def test_two_kinds_at_once_name_the_source_of_each(names: tuple[CredentialName, ...]) -> None:
    error = error_of(*names)
    assert error.code == "credentials-both"
    assert all(f"source of {name}" in error.message for name in names)


def test_six_long_places_leave_room_for_what_to_do() -> None:
    names = get_args(CredentialName)
    where = "/home/somebody/" + "deep/" * 50 + ".ovh.conf [ovh-eu]"
    given = {name: GivenValue(Secret("canary"), f"{where} {name}") for name in names}
    for some in (names, ("application_key", "consumer_key"), ("client_id",)):
        with pytest.raises(SettingsError) as caught:
            parse_credentials({name: given[name] for name in some}, parse_endpoint("eu"))
        assert len(caught.value.message) <= MESSAGE_CHARS
        assert f".ovh.conf [ovh-eu] {', '.join(some)}" in caught.value.message
        assert not caught.value.message.endswith("…")
        assert caught.value.message.endswith(("or an access token.", "or unset the rest."))


@pytest.mark.parametrize("names", [("client_id", "client_secret"), ("access_token",)])
def test_oauth2_where_there_is_none_says_what_to_use(names: tuple[CredentialName, ...]) -> None:
    error = error_of(*names, endpoint="soyoustart-ca")
    assert "https://ca.api.soyoustart.com/createToken/" in error.message


@pytest.mark.parametrize(
    "value", ["canary a", "canary\r\nX-Injected: 1", "canary\0", "canary é", "canary" * 1000]
)
def test_a_value_that_no_header_can_hold_is_named_and_not_shown(value: str) -> None:
    error = error_of(*SIGNED, value=value)
    assert error.code == "setting-invalid"
    assert "source of application_key" in error.message


@pytest.mark.parametrize("names", [SIGNED, ("client_id", "client_secret"), ("access_token",)])
def test_credentials_show_no_secret(names: tuple[CredentialName, ...]) -> None:
    credentials = parse(*names)
    secrets = secrets_of(credentials)
    assert secrets
    for secret in secrets:
        assert secret.reveal() not in f"{credentials!r} {credentials}"
