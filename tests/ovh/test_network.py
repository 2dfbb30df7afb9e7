import pytest

from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.secret import Secret


def proxied(host: str, *no_proxy: str, port: int = 443) -> bool:
    return NetworkOptions(Secret("http://proxy:3128"), no_proxy).is_proxied(host, port)


def test_without_a_proxy_nothing_is_proxied() -> None:
    assert not NetworkOptions().is_proxied("eu.api.ovh.com", 443)


def test_without_exceptions_everything_is_proxied() -> None:
    assert proxied("eu.api.ovh.com")
    assert proxied("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("eu.api.ovh.com", "*"),
        ("eu.api.ovh.com", "eu.api.ovh.com"),
        ("EU.api.ovh.com.", "eu.API.ovh.com"),
        ("eu.api.ovh.com", "ovh.com"),
        ("eu.api.ovh.com", ".ovh.com"),
        ("ovh.com", ".ovh.com"),
        ("eu.api.ovh.com", "ovh.com:443"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3:443"),
        ("::1", "::1"),
        ("::1", "[::1]:443"),
        ("fd00::5", "fd00::/8"),
    ],
)
def test_a_host_that_no_proxy_names_is_reached_directly(host: str, entry: str) -> None:
    assert not proxied(host, "other.example", entry)


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("notovh.com", "ovh.com"),
        ("ovh.com.evil.example", "ovh.com"),
        ("eu.api.ovh.com", "ovh.com:8443"),
        ("eu.api.ovh.com", "10.0.0.0/8"),
        ("11.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "2.3"),
        ("10.1.2.3", "300.0.0.0/8"),
        ("::1", "[::1]:80"),
        ("eu.api.ovh.com", "."),
    ],
)
def test_a_host_that_no_proxy_does_not_name_is_proxied(host: str, entry: str) -> None:
    assert proxied(host, entry)


def test_a_proxy_with_a_password_is_not_shown() -> None:
    assert "canary" not in repr(NetworkOptions(Secret("http://user:canary@proxy:3128")))
