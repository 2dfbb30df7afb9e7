"""Flags, environment and OVHcloud's files, and what they make together."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.ovh.credentials import (
    AccessTokenCredentials,
    ApplicationCredentials,
    ServiceAccountCredentials,
)
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import (
    ALL_SERVICES,
    Flags,
    Settings,
    check_exposure,
    load_settings,
    read_environment,
)

KEYS = {
    "OVH_APPLICATION_KEY": "canary-key",
    "OVH_APPLICATION_SECRET": "canary-secret",
    "OVH_CONSUMER_KEY": "canary-consumer",
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The three files, the strongest first; the first is found by a relative path."""
    for name in ("work", "home", "etc"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return {
        "here": Path("ovh.conf"),
        "home": tmp_path / "home" / ".ovh.conf",
        "etc": tmp_path / "etc" / "ovh.conf",
    }


def load(
    flags: Flags | None = None,
    environment: Mapping[str, str] | None = None,
    places: Mapping[str, Path] | None = None,
) -> Settings:
    paths = tuple(places.values()) if places else ()
    return load_settings(flags or Flags(), environment or {}, config_paths=paths)


def error_of(
    flags: Flags | None = None,
    environment: Mapping[str, str] | None = None,
    places: Mapping[str, Path] | None = None,
) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(flags, environment, places)
    shown = "".join(traceback.format_exception(caught.value, limit=0)) + repr(caught.value)
    assert "canary" not in shown
    return caught.value


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = load(environment={"XDG_CACHE_HOME": "/caches"})
    expected = {
        "transport": "http",
        "host": "127.0.0.1",
        "port": 3104,
        "credentials": None,
        "services": ALL_SERVICES,
        "cache_dir": Path("/caches/ovh-api-mcp"),
        "cache_ttl_s": 86400,
        "max_code_bytes": 1048576,
        "max_result_tokens": 8000,
        "auth_token": None,
        "allow_anonymous": False,
        "allowed_hosts": (),
        "schemas_dir": None,
        "log_level": "info",
    }
    assert {name: getattr(settings, name) for name in expected} == expected
    assert settings.endpoint.name == "ovh-eu"


def asking(*labels: str) -> Access:
    return Access(asks_for=frozenset(labels))


# Each row: flag, its text, variable, its text, field, value by flag, value by variable.
ROWS = [
    ("transport", "stdio", "OVH_TRANSPORT", "HTTP", "transport", "stdio", "http"),
    ("port", "0", "PORT", "8080", "port", 0, 8080),
    ("services", "/me/,domain", "OVH_SERVICES", "*", "services", ("me", "domain"), ALL_SERVICES),
    ("cache_dir", "/a", "OVH_CACHE_DIR", "/b", "cache_dir", Path("/a"), Path("/b")),
    ("cache_ttl", "60", "OVH_CACHE_TTL", "70", "cache_ttl_s", 60, 70),
    ("max_code_size", "1", "OVH_MAX_CODE_SIZE", "4194304", "max_code_bytes", 1, 4194304),
    ("max_result_tokens", "300", "OVH_MAX_RESULT_TOKENS", "400", "max_result_tokens", 300, 400),
    ("auth_token", "one", "OVH_MCP_TOKEN", "two", "auth_token", Secret("one"), Secret("two")),
    ("validation", "warn", "OVH_VALIDATION", "Strict", "validation", "warn", "strict"),
    ("access", "confirm", "OVH_ACCESS", "Read-Only", "access", Access("confirm"), Access("read-only")),
    ("ask", "write", "OVH_ASK", "spends, access", "access", asking("write"), asking("spends", "access")),
    ("state_dir", "/s", "OVH_STATE_DIR", "/t", "state_dir", Path("/s"), Path("/t")),
    ("journal_days", "5", "OVH_JOURNAL_DAYS", "6", "journal_days", 5, 6),
    ("journal_size", "7", "OVH_JOURNAL_SIZE", "8", "journal_mib", 7, 8),
    ("question_timeout", "5", "OVH_QUESTION_TIMEOUT", "6", "question_timeout_s", 5, 6),
    ("log_level", "debug", "OVH_LOG_LEVEL", "Warning", "log_level", "debug", "warning"),
]


@pytest.mark.promise("settings.table", "settings.precedence")
@pytest.mark.parametrize(("flag", "text", "variable", "value", "name", "by_flag", "by_variable"), ROWS)
def test_a_flag_wins_over_the_environment_and_that_over_the_default(
    flag: str, text: str, variable: str, value: str, name: str, by_flag: object, by_variable: object
) -> None:
    environment = {variable: value}
    assert getattr(load(environment=environment), name) == by_variable
    assert getattr(load(replace(Flags(), **{flag: text}), environment), name) == by_flag  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "level"), [("", "warning"), (" ", "warning"), ("debug", "debug")])
def test_a_command_may_log_less_unless_a_level_is_given(given: str, level: str) -> None:
    settings = load_settings(Flags(), {"OVH_LOG_LEVEL": given}, config_paths=(), default_log_level="warning")
    assert settings.log_level == level


@pytest.mark.promise("settings.precedence")
@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_empty_values_count_as_absent(empty: str) -> None:
    names = [row[2] for row in ROWS] + ["OVH_ENDPOINT", "OVH_ACCESS_TOKEN", "HTTPS_PROXY", *KEYS]
    names += ["OVH_CLIENT_ID", "OVH_CLIENT_SECRET", "OVH_MCP_ALLOW_ANONYMOUS", "OVH_MCP_ALLOWED_HOSTS"]
    environment = {"XDG_CACHE_HOME": "/caches"}
    assert load(environment={**environment, **dict.fromkeys(names, empty)}) == load(environment=environment)


@pytest.mark.parametrize(
    ("flag", "text", "names"),
    [
        ("transport", "sse", ("--transport", "OVH_TRANSPORT", "http, stdio")),
        ("port", "65536", ("--port", "PORT", "0 to 65,535")),
        ("port", "-1", ("--port",)),
        ("port", "3104.5", ("--port",)),
        ("port", "٣", ("--port",)),
        ("cache_ttl", "1d", ("--cache-ttl", "OVH_CACHE_TTL")),
        ("cache_ttl", "9" * 30, ("--cache-ttl", "OVH_CACHE_TTL")),
        ("max_code_size", "0", ("--max-code-size", "OVH_MAX_CODE_SIZE")),
        ("max_result_tokens", "249", ("--max-result-tokens", "OVH_MAX_RESULT_TOKENS", "250")),
        ("log_level", "loud", ("--log-level", "OVH_LOG_LEVEL", "debug, info")),
        ("services", "domain;me", ("--services", "OVH_SERVICES", "domain;me")),
        ("services", ",", ("--services",)),
        ("services", "a//b", ("--services",)),
        ("host", "http://0.0.0.0", ("--host",)),
        ("schemas", "/no/such/directory", ("--schemas",)),
        ("endpoint", "mars", ("--endpoint", "OVH_ENDPOINT", "kimsufi-eu", "simulator")),
    ],
)
def test_a_value_out_of_its_range_names_flag_variable_and_rule(
    flag: str, text: str, names: tuple[str, ...]
) -> None:
    error = error_of(replace(Flags(), **{flag: text}))  # type: ignore[arg-type]
    assert all(name in error.message for name in names)
    assert len(error.message) <= 400


def test_a_wrong_switch_or_host_in_the_environment_is_an_error() -> None:
    assert "OVH_MCP_ALLOW_ANONYMOUS" in error_of(environment={"OVH_MCP_ALLOW_ANONYMOUS": "perhaps"}).message
    assert "--allowed-host" in error_of(environment={"OVH_MCP_ALLOWED_HOSTS": "a.example,http://b"}).message


def test_services_are_trimmed_kept_in_order_and_named_once() -> None:
    settings = load(Flags(services=" /domain/ , me,dedicated/server,domain, hosting/privateDatabase,"))
    assert settings.services == ("domain", "me", "dedicated/server", "hosting/privateDatabase")
    assert load(Flags(services="me,*")).services == ALL_SERVICES


def test_no_cache_and_a_time_of_zero_both_mean_no_cache() -> None:
    assert load(Flags(no_cache=True, cache_dir="/a")).cache_dir is None
    assert load(Flags(cache_ttl="0", cache_dir="/a")).cache_dir is None


def test_a_cache_directory_may_be_below_home() -> None:
    assert load(Flags(cache_dir="~/c"), {"HOME": "/home/me"}).cache_dir == Path("/home/me/c")


@pytest.mark.parametrize(
    ("value", "is_on"), [("1", True), ("True", True), ("on", True), ("0", False), ("no", False)]
)
def test_switches_are_read_as_people_write_them(value: str, is_on: bool) -> None:
    assert load(environment={"OVH_MCP_ALLOW_ANONYMOUS": value}).allow_anonymous is is_on


def test_allowed_hosts_come_from_flags_else_from_the_environment() -> None:
    environment = {"OVH_MCP_ALLOWED_HOSTS": "A.example, b.example:8443"}
    assert load(environment=environment).allowed_hosts == ("a.example", "b.example:8443")
    assert load(Flags(allowed_host=("[::1]:80",)), environment).allowed_hosts == ("[::1]:80",)


def test_a_directory_of_schemas_must_exist(tmp_path: Path) -> None:
    assert load(Flags(schemas=str(tmp_path))).schemas_dir == tmp_path


def test_a_token_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    assert "OVH_MCP_TOKEN" in error_of(environment={"OVH_MCP_TOKEN": "canary two"}).message


# --- credentials ---------------------------------------------------------------------------------------


def test_each_kind_of_credentials_comes_from_the_environment() -> None:
    assert load(environment=KEYS).credentials == ApplicationCredentials(
        "canary-key", Secret("canary-secret"), Secret("canary-consumer")
    )
    account = {"OVH_CLIENT_ID": "id", "OVH_CLIENT_SECRET": "canary"}
    assert load(environment=account).credentials == ServiceAccountCredentials("id", Secret("canary"))
    token = {"OVH_ACCESS_TOKEN": "canary"}
    assert load(environment=token).credentials == AccessTokenCredentials(Secret("canary"))


def test_flags_and_environment_may_each_give_a_part() -> None:
    environment = {**KEYS, "OVH_CONSUMER_KEY": "old"}
    credentials = load(Flags(consumer_key="new"), environment).credentials
    assert isinstance(credentials, ApplicationCredentials)
    assert credentials.consumer_key == Secret("new")


def test_half_of_the_credentials_names_what_is_there_and_what_is_missing() -> None:
    error = error_of(Flags(app_key="canary-key"), {"OVH_CONSUMER_KEY": "canary-consumer"})
    assert error.code == "credentials-half"
    assert "--app-key, OVH_CONSUMER_KEY is set" in error.message
    assert "--app-secret or OVH_APPLICATION_SECRET" in error.message


def test_two_kinds_name_the_sources_of_both(places: dict[str, Path]) -> None:
    places["home"].write_text("[ovh-eu]\nclient_id = canary-id\nclient_secret = canary-secret\n")
    error = error_of(Flags(app_key="canary-key"), {"OVH_CONSUMER_KEY": "canary-consumer"}, places)
    assert error.code == "credentials-both"
    for source in ("--app-key", "OVH_CONSUMER_KEY", ".ovh.conf [ovh-eu] client_id"):
        assert source in error.message


def test_the_simulator_takes_no_notice_of_keys_for_ovhcloud() -> None:
    half = {"OVH_APPLICATION_KEY": "canary-key", "OVH_CLIENT_ID": "id"}
    assert load(Flags(endpoint="simulator"), half).credentials is None


def test_oauth2_on_an_endpoint_without_it_is_an_error() -> None:
    account = {"OVH_CLIENT_ID": "id", "OVH_CLIENT_SECRET": "canary", "OVH_ENDPOINT": "kimsufi-ca"}
    assert "kimsufi-ca" in error_of(environment=account).message


def test_settings_and_flags_show_no_secret() -> None:
    flags = Flags(app_key="canary", app_secret="canary", consumer_key="canary", auth_token="canary-token")
    settings = load(flags, {"HTTPS_PROXY": "http://user:canary-pw@proxy:3128", "PATH": "canary"})
    assert "canary" in f"{settings.auth_token.reveal() if settings.auth_token else ''}"  # it would be found
    assert "canary" not in f"{settings} {settings!r} {flags!r}"
    revealed = {secret.reveal() for secret in settings.secrets()}
    assert revealed == {"canary", "canary-token", "canary-pw"}


# --- OVHcloud's files ------------------------------------------------------------------------------------


def test_the_files_merge_key_by_key_and_the_nearest_wins(places: dict[str, Path]) -> None:
    places["here"].write_text("[ovh-ca]\nconsumer_key=here\n")
    places["home"].write_text(
        "[default]\nendpoint=ovh-ca\n[ovh-ca]\nconsumer_key=home\napplication_secret=home%1\n"
    )
    places["etc"].write_text(
        "; a comment\n[default]\nendpoint=ovh-us\n"
        "[ovh-ca]\napplication_key=etc\napplication_secret=etc\nconsumer_key=etc\n"
        "[ovh-us]\napplication_key=other\n"
    )
    settings = load(places=places)
    assert settings.endpoint.name == "ovh-ca"
    assert settings.credentials == ApplicationCredentials("etc", Secret("home%1"), Secret("here"))


@pytest.mark.promise("settings.precedence")
def test_the_environment_wins_over_the_files(places: dict[str, Path]) -> None:
    places["here"].write_text("[default]\nendpoint=ovh-ca\n[ovh-us]\nconsumer_key=file\n")
    settings = load(environment={**KEYS, "OVH_ENDPOINT": "us"}, places=places)
    assert settings.endpoint.name == "ovh-us"
    assert settings.credentials == load(environment=KEYS).credentials


@pytest.mark.parametrize("section", ["ovh-eu", "eu"])
def test_a_section_may_have_the_short_name_too(places: dict[str, Path], section: str) -> None:
    places["home"].write_text(f"[{section}]\naccess_token=canary\n")
    assert load(places=places).credentials == AccessTokenCredentials(Secret("canary"))


def test_empty_keys_of_a_nearer_file_do_not_hide_those_of_another(places: dict[str, Path]) -> None:
    places["here"].write_text("[default]\nendpoint=\n[ovh-eu]\naccess_token=  \n")
    places["etc"].write_text("[ovh-eu]\naccess_token=canary\n")
    assert load(places=places).credentials == AccessTokenCredentials(Secret("canary"))


@pytest.mark.promise("settings.url-endpoint")
def test_a_url_from_a_file_in_the_current_directory_is_an_error(places: dict[str, Path]) -> None:
    places["here"].write_text("[default]\nendpoint=https://evil.example/\n")
    error = error_of(places=places)
    assert "current directory" in error.message
    assert "OVH_ENDPOINT" in error.message
    assert load(Flags(endpoint="eu"), places=places).endpoint.name == "ovh-eu"


def test_a_url_from_home_is_taken_with_its_section(places: dict[str, Path]) -> None:
    places["home"].write_text(
        "[default]\nendpoint=https://API.example/ovh/\n[https://API.example/ovh/]\naccess_token=canary\n"
    )
    settings = load(places=places)
    assert settings.endpoint.root == "https://api.example/ovh"
    assert settings.credentials == AccessTokenCredentials(Secret("canary"))


def test_a_file_in_the_current_directory_gives_no_credentials_for_a_url(places: dict[str, Path]) -> None:
    places["here"].write_text("[https://api.example]\naccess_token=canary\n")
    error = error_of(Flags(endpoint="https://api.example"), places=places)
    assert "current directory" in error.message
    assert "OVH_ACCESS_TOKEN" in error.message


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"application_key=canary\n", 1),
        (b"[ovh-eu]\napplication_key=canary\napplication_key=canary2\n", 3),
        (b"[ovh-eu]\n[ovh-eu]\n", 2),
        (b"[ovh-eu]\n\ncanary canary\n", 3),
        (b"[ovh-eu]\nkey=\xffcanary\n", 2),
        (b"canary" * 200_000, 0),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_without_its_values(
    places: dict[str, Path], content: bytes, line: int
) -> None:
    places["etc"].write_bytes(content)
    error = error_of(places=places)
    assert error.code == "config-file-invalid"
    assert str(places["etc"]) in error.message
    assert not line or f"Line {line} of" in error.message


def test_a_file_that_cannot_be_read_is_skipped_with_a_warning(
    places: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    places["etc"].mkdir()  # opening a directory fails, even for root
    with caplog.at_level(logging.WARNING):
        assert load(places=places).credentials is None
    assert "config-file-skipped" in caplog.text
    assert str(places["etc"]) in caplog.text


def test_the_usual_places_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".ovh.conf").write_text("[default]\nendpoint=ovh-ca\n")
    monkeypatch.chdir(tmp_path)
    environment = {"HOME": str(tmp_path / "home")}
    assert load_settings(Flags(), environment).endpoint.name == "ovh-ca"
    Path("ovh.conf").write_text("[default]\nendpoint=ovh-us\n")
    assert load_settings(Flags(), environment).endpoint.name == "ovh-us"


# --- network and children --------------------------------------------------------------------------------


def test_the_proxy_is_taken_from_the_usual_variables() -> None:
    environment = {
        "HTTPS_PROXY": "proxy:3128",
        "NO_PROXY": "localhost, .example,",
        "SSL_CERT_FILE": "/ca.pem",
    }
    network = load(environment=environment).network
    assert network.https_proxy == Secret("http://proxy:3128")
    assert network.no_proxy == ("localhost", ".example")
    assert network.ssl_cert_file == "/ca.pem"
    lower = {**environment, "https_proxy": "https://other", "no_proxy": "*"}
    assert load(environment=lower).network.https_proxy == Secret("https://other")
    assert load(environment={"ALL_PROXY": "http://all"}).network.https_proxy == Secret("http://all")
    assert load(environment={"HTTP_PROXY": "http://plain"}).network.https_proxy is None


@pytest.mark.parametrize(
    "value", ["socks5://canary:1", "http://", "http://canary:port", "http://a b", "http://[canary"]
)
def test_a_proxy_that_cannot_be_used_is_named_and_not_shown(value: str) -> None:
    assert "HTTPS_PROXY" in error_of(environment={"HTTPS_PROXY": value}).message


def test_the_builder_of_the_catalogue_sees_no_key() -> None:
    allowed = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "https_proxy": "http://p", "SSL_CERT_DIR": "/d"}
    environment = {
        **allowed,
        **KEYS,
        "OVH_MCP_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "s",
        "OVH_CACHE_DIR": "/c",
    }
    assert load(environment=environment).child_environment == allowed


def test_the_environment_is_read_as_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVH_ENDPOINT", "ca")
    environment = read_environment()
    assert environment["OVH_ENDPOINT"] == "ca"
    environment["OVH_ENDPOINT"] = "us"
    assert os.environ["OVH_ENDPOINT"] == "ca"


# --- exposure --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "server.example"])
def test_more_than_this_machine_is_served_only_with_a_token_or_on_purpose(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_exposure(load(Flags(host=host)))
    assert caught.value.code == "token-required"
    assert all(fix in caught.value.message for fix in ("OVH_MCP_TOKEN", "--auth-token", "--allow-anonymous"))
    assert len(caught.value.message) <= 400
    check_exposure(load(Flags(host=host, auth_token="t")))
    check_exposure(load(Flags(host=host, allow_anonymous=True)))
    check_exposure(load(Flags(host=host, transport="stdio")))


@pytest.mark.parametrize("host", [None, "localhost", "127.0.0.1", "::1", "[::1]"])
def test_this_machine_alone_is_served_without_a_token(host: str | None) -> None:
    check_exposure(load(Flags(host=host)))


@pytest.mark.promise("settings.table")
def test_every_flag_has_its_place_in_the_settings() -> None:
    assert {field.name for field in fields(Flags)} == {
        *(row[0] for row in ROWS),
        *("host", "endpoint", "schemas", "no_cache", "allow_anonymous", "allowed_host"),
        *("allow_secrets", "policy", "risk_rules", "account", "no_journal", "journal_state"),
        *("app_key", "app_secret", "consumer_key", "client_id", "client_secret"),
    }


def test_credentials_from_the_current_directory_are_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ovh.conf").write_text(
        "[ovh-eu]\napplication_key=canary-key\napplication_secret=canary-secret\nconsumer_key=canary-consumer\n"
    )
    monkeypatch.chdir(tmp_path)
    load_settings(Flags(), {}, config_paths=[Path("ovh.conf")])
    assert "event=credentials-of-current-directory" in caplog.text
    assert "application_secret" in caplog.text
    assert "canary" not in caplog.text
