"""Accounts by name, out of ovh.conf."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.conf_file import load_conf_files
from ovh_api_mcp.ovh.credentials import AccessTokenCredentials, ServiceAccountCredentials, secrets_of
from ovh_api_mcp.ovh.named_accounts import NamedAccount, find_account

_HOME = """
[default]
endpoint = ovh-eu

[ovh-eu]
application_key = key-eu
application_secret = s3cret-eu
consumer_key = consumer-eu

[account shop]
endpoint = ca
client_id = id-shop
client_secret = s3cret-shop

[account ovh-us]
endpoint = ovh-ca
access_token = t0ken

[soyoustart-eu]
"""


def find(name: str, tmp_path: Path, home: str = _HOME, etc: str = "") -> NamedAccount:
    paths = [tmp_path / "home.conf", tmp_path / "etc.conf"]
    for path, text in zip(paths, (home, etc), strict=True):
        path.write_text(text)
    return find_account(name, load_conf_files(paths))


@pytest.mark.promise("accounts.named")
def test_an_account_is_a_section_of_its_own_or_that_of_an_endpoint(tmp_path: Path) -> None:
    shop = find("shop", tmp_path)
    assert (shop.name, shop.endpoint.name, type(shop.credentials)) == (
        "shop",
        "ovh-ca",
        ServiceAccountCredentials,
    )
    europe = find("ovh-eu", tmp_path)
    assert (europe.endpoint.name, len(secrets_of(europe.credentials))) == ("ovh-eu", 2)
    named = find("ovh-us", tmp_path)  # a block wins over an endpoint of the same name
    assert (named.endpoint.name, type(named.credentials)) == ("ovh-ca", AccessTokenCredentials)


def test_all_of_an_account_comes_from_the_strongest_file_that_has_it(tmp_path: Path) -> None:
    etc = "[account shop]\nendpoint = eu\naccess_token = other\n[account back]\naccess_token = x\n"
    assert find("shop", tmp_path, etc=etc).endpoint.name == "ovh-ca"
    assert find("back", tmp_path, etc=etc).endpoint.name == "ovh-eu"
    half = "[account shop]\nclient_id = a\n"
    with pytest.raises(SettingsError, match="Half of the credentials") as caught:
        find("shop", tmp_path, home=half, etc="[account shop]\nclient_secret = b\n")
    assert caught.value.code == "credentials-half"


@pytest.mark.promise("accounts.named")
def test_an_account_without_endpoint_has_the_default_of_its_own_file(tmp_path: Path) -> None:
    block = "[account shop]\naccess_token = x\n"
    assert find("shop", tmp_path, home=f"[default]\nendpoint = ca\n{block}").endpoint.name == "ovh-ca"
    of_another = find("shop", tmp_path, home=block, etc="[default]\nendpoint = ca\n")
    assert of_another.endpoint.name == "ovh-eu"
    with pytest.raises(SettingsError, match=r"home.conf \[default\] endpoint takes one of") as caught:
        find("shop", tmp_path, home=f"[default]\nendpoint = %(x)s\n{block}")
    assert "--endpoint" not in caught.value.message


@pytest.mark.promise("accounts.named")
@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("account my shop", "my shop"),
        ('account "shop"', "shop"),
        ("account 'shop'", '"shop"'),
        ("account caf\u00e9", "caf\u00e9"),
        ("Account shop", "shop"),
        ("account  shop", "shop"),
        (" account shop", "shop"),
        ("account:shop", "shop"),
    ],
)
def test_a_section_that_is_misnamed_is_told_with_what_an_account_can_be_called(
    section: str, name: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        find(name, tmp_path, home=f"[{section}]\nendpoint = eu\naccess_token = s3cret\n")
    assert caught.value.code == "account-unknown"
    assert f"{tmp_path}/home.conf [{section}] is no account: write [account NAME]" in caught.value.message
    assert "letters, digits, dots, hyphens and underscores" in caught.value.message


@pytest.mark.promise("accounts.named")
@pytest.mark.parametrize("name", ["shpo", "", "a b", "default", "account shop", "soyoustart-ca"])
def test_an_unknown_name_lists_the_known(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        find(name, tmp_path)
    assert caught.value.code == "account-unknown"
    assert "ovh-eu, shop, ovh-us" in caught.value.message
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            "endpoint = nowhere\naccess_token = x",
            r"no endpoint 'nowhere'. /.*home.conf \[account shop\] endpoint takes one of eu, ",
        ),
        ("endpoint = eu", "has no keys"),
        ("acces_token = x", "acces_token, which no account has"),
        ("access_token = x\nclient_id = y\nclient_secret = z", "More than one kind"),
        ("endpoint = http://evil.example\naccess_token = x", "not encrypted"),
    ],
)
def test_a_block_that_makes_no_sense_is_told(block: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        find("shop", tmp_path, home=f"[account shop]\n{block}\n")


def test_without_any_account_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"No ovh.conf has any.*\[account NAME\]"):
        find("shop", tmp_path, home="")


def test_a_file_in_the_current_directory_leads_no_keys_to_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ovh.conf").write_text("[account shop]\nendpoint = https://evil.example\naccess_token = x\n")
    with pytest.raises(SettingsError, match="current directory"):
        find_account("shop", load_conf_files([Path("ovh.conf")]))
    Path("ovh.conf").write_text("[account shop]\nendpoint = eu\naccess_token = x\n")
    with caplog.at_level(logging.WARNING):
        find_account("shop", load_conf_files([Path("ovh.conf")]))
    assert "event=credentials-of-current-directory" in caplog.text
    assert "account=shop" in caplog.text
