"""Binding a socket, and what is said when that fails."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.listener import bind_socket, http_url


def test_a_port_in_use_is_named_with_the_ways_out() -> None:
    with closing(bind_socket("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            bind_socket("127.0.0.1", port)
    assert caught.value.code == "port-in-use"
    assert str(port) in caught.value.message
    assert "--port" in caught.value.hint


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 300, "bad host"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        bind_socket(host, 0)
    assert caught.value.code == "address-unusable"
    assert host[:100] in caught.value.message
    assert "--host" in caught.value.hint


def test_a_name_with_both_kinds_of_addresses_is_bound_on_ipv4() -> None:
    with closing(bind_socket("localhost", 0)) as listener:
        assert listener.family == socket.AF_INET


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_the_url_holds_the_port_that_was_found(host: str, shown: str) -> None:
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        assert http_url(host, listener) == f"http://{shown}:{listener.getsockname()[1]}"
