import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.endpoints import ENDPOINT_NAMES, is_loopback, origin_of, parse_endpoint


@pytest.mark.parametrize(
    ("text", "name", "root"),
    [
        ("eu", "ovh-eu", "https://eu.api.ovh.com"),
        ("OVH-EU", "ovh-eu", "https://eu.api.ovh.com"),
        (" ca ", "ovh-ca", "https://ca.api.ovh.com"),
        ("us", "ovh-us", "https://api.us.ovhcloud.com"),
        ("kimsufi-eu", "kimsufi-eu", "https://eu.api.kimsufi.com"),
        ("kimsufi-ca", "kimsufi-ca", "https://ca.api.kimsufi.com"),
        ("soyoustart-eu", "soyoustart-eu", "https://eu.api.soyoustart.com"),
        ("soyoustart-ca", "soyoustart-ca", "https://ca.api.soyoustart.com"),
    ],
)
def test_a_name_in_any_case_is_an_endpoint(text: str, name: str, root: str) -> None:
    endpoint = parse_endpoint(text)
    assert (endpoint.name, endpoint.root) == (name, root)
    assert endpoint.create_token_url == f"{root}/createToken/"


@pytest.mark.promise("credentials.oauth2-hosts")
def test_oauth2_secrets_of_named_endpoints_go_to_known_https_hosts_only() -> None:
    origins = {name: parse_endpoint(name).oauth2_origins for name in ("eu", "ca", "us", "kimsufi-eu")}
    assert origins == {
        "eu": {"https://www.ovh.com"},
        "ca": {"https://www.ovh.ca", "https://ca.ovh.com"},
        "us": {"https://us.ovhcloud.com"},
        "kimsufi-eu": frozenset(),
    }
    assert parse_endpoint("ca").discovery_url == "https://www.ovh.ca/auth/.well-known/openid-configuration"


def test_the_simulator_has_no_root_until_it_runs() -> None:
    endpoint = parse_endpoint("Simulator")
    assert (endpoint.is_simulator, endpoint.root) == (True, "")


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("HTTPS://API.Example:443/ovh/", "https://api.example/ovh"),
        ("https://api.example:8443", "https://api.example:8443"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_url_is_an_endpoint_whose_oauth2_is_on_the_same_host(url: str, root: str) -> None:
    endpoint = parse_endpoint(url)
    assert endpoint.root == root
    assert endpoint.discovery_url == f"{root}/auth/.well-known/openid-configuration"
    assert endpoint.oauth2_origins == {origin_of(root)}


@pytest.mark.promise("settings.endpoint")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "fr",
        "eu.api.ovh.com",
        "ovh-eu ovh-ca",
        "http://api.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "https://user:canary@api.example",
        "https://api.example?key=canary",
        "https://api.example/#x",
        "https://api.example/a/../b",
        "https://api.example//b",
        "https://api.example/a b",
        "https://api.example:99999",
        "https://api.example\\@evil.example",
        "https://",
        "https://é.example",
        "ftp://api.example",
        "javascript://api.example",
    ],
)
def test_anything_else_is_an_error_that_lists_the_names(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_endpoint(text)
    assert caught.value.code == "endpoint-unknown"
    assert all(name in caught.value.message for name in ENDPOINT_NAMES)
    assert "OVH_ENDPOINT" in caught.value.message
    assert "canary" not in caught.value.message
    assert len(caught.value.message) <= 400


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://www.ovh.com/auth/oauth2/token", "https://www.ovh.com"),
        ("https://WWW.OVH.COM:443/x", "https://www.ovh.com"),
        ("https://www.ovh.com:444/x", "https://www.ovh.com:444"),
        ("http://www.ovh.com/x", "http://www.ovh.com"),
        ("https://www.ovh.com@evil.example/", None),
        ("https://www.ovh.com:x@evil.example/", None),
        ("https://www.ovh.com\\.evil.example/", None),
        ("https://www.ovh.com?evil.example/", None),
        ("https://www.ovh.com#evil.example/", None),
        ("https:/www.ovh.com/", None),
        ("//www.ovh.com/", None),
        ("", None),
    ],
)
def test_an_origin_is_read_strictly(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_a_loopback_address_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example", "127.1", "", "0x7f000001"]
)
def test_what_is_not_certainly_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)
