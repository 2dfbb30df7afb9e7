"""`ovh-api-mcp login` and `logout` against a simulated API, from the first prompt to the last key."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ovh
import ovh.config
import pytest

from ovh_api_mcp.simulator.consumer_keys import KeyState
from ovh_api_mcp.simulator.simulator import Simulator
from tests.cli.login_program import on_terminal, piped, visit
from tests.cli.test_main import run
from tests.end_to_end.api import running_simulator
from tests.end_to_end.program import wait_until
from tests.end_to_end.test_secrets import leaks, texts_below

_KEY = re.compile(r"consumer_key\s*=\s*(\S+)")
_WHO = "async () => (await ovh.account('lab').get('/v1/me')).nichandle"


@pytest.fixture
def api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def application(api: Simulator) -> dict[str, str]:
    """Return the application's keys as variables."""
    return {
        "OVH_ENDPOINT": api.url,
        "OVH_APPLICATION_KEY": api.account.application_key,
        "OVH_APPLICATION_SECRET": api.account.application_secret,
    }


def log_in(api: Simulator, home: Path, *arguments: str, **more: str) -> str:
    """Log in without a terminal, and return what was said."""
    with piped(home, "login", *arguments, **application(api), **more) as login:
        visit(login.link())
        assert login.end() == 0
    return login.text


def key_in(file: Path) -> str:
    found = _KEY.search(file.read_text())
    assert found is not None
    return found[1]


def rules_of(api: Simulator, key: str) -> set[str]:
    found = api.consumer_keys.find(key)
    assert found is not None
    return {f"{rule.method} {rule.path}" for rule in found.rules}


@pytest.mark.promise("login")
def test_login_asks_on_a_terminal_without_echo_and_keeps_a_key_that_works(api: Simulator, home: Path) -> None:
    api.consumer_keys.lifetime_s = 86_400.0
    with on_terminal(home, "login", "--endpoint", api.url) as (login, keyboard):
        login.wait_for("Application key: ")
        assert f"{api.url}/createApp/" in login.text
        assert f"{api.url}/createToken/?GET=/*&POST=/*&PUT=/*&DELETE=/*" in login.text
        os.write(keyboard, api.account.application_key.encode() + b"\n")
        login.wait_for("Application secret: ")
        os.write(keyboard, api.account.application_secret.encode() + b"\n")
        login.wait_for(r"Consumer key \(Enter to get one now\): ")
        os.write(keyboard, b"\n")
        link = login.link()
        login.wait_for("waiting for you to validate, 9:")
        visit(link)
        assert login.end() == 0
    assert f"Account: \x1b[1m{api.account.nichandle}" in login.text
    assert re.search(r"Valid until \d{4}-\d\d-\d\dT", login.text)
    file = home / ".ovh.conf"
    key = key_in(file)
    assert file.read_text() == (
        f"[default]\nendpoint={api.url}\n\n[{api.url}]\n"
        f"application_key={api.account.application_key}\n"
        f"application_secret={api.account.application_secret}\nconsumer_key={key}\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for secret in (api.account.application_secret, api.account.application_key, key):
        assert secret not in login.text
    shown = run(home, "execute", "async () => (await ovh.get('/v1/me')).nichandle")
    assert (shown.returncode, shown.stdout) == (0, f'"{api.account.nichandle}"\n')


@pytest.mark.promise("login.conf")
def test_the_official_sdk_signs_in_with_the_file_that_login_wrote(
    api: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(api, home)
    monkeypatch.setitem(ovh.client.ENDPOINTS, api.url, f"{api.url}/1.0")
    monkeypatch.setattr(ovh.config, "CONFIG_PATH", [str(home / ".ovh.conf")])
    client = ovh.Client(timeout=20)
    try:
        assert client.get("/me")["nichandle"] == api.account.nichandle
        assert client._consumer_key == key_in(home / ".ovh.conf")
    finally:
        client._session.close()


@pytest.mark.promise("login.rules")
@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ([], {"GET /*", "POST /*", "PUT /*", "DELETE /*"}),
        (["--read-only"], {"GET /*", "POST /auth/logout"}),
        (
            ["--rules", "GET /v1/domain/*", "--rules", "put /domain/zone/*"],
            {
                "GET /domain/*",
                "PUT /domain/zone/*",
                "GET /auth/currentCredential",
                "GET /auth/details",
                "POST /auth/logout",
            },
        ),
    ],
)
def test_the_key_has_the_rules_that_were_asked_for_and_may_tell_of_itself(
    api: Simulator, home: Path, arguments: list[str], rules: set[str]
) -> None:
    said = log_in(api, home, *arguments)
    assert rules_of(api, key_in(home / ".ovh.conf")) == rules
    own = sorted(rule for rule in rules if "/auth/" in rule)
    assert (f"to show and revoke it: {', '.join(own)}\n" in said) is bool(own)
    assert f"Account: {api.account.nichandle}" in said


@pytest.mark.promise("login.conf")
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_login_and_logout_leave_the_rest_of_the_file_byte_for_byte(
    api: Simulator, home: Path, ending: str
) -> None:
    before = (
        "; mine\n[default]\n# which\nendpoint = ovh-ca\n\n\n[ovh-ca]\nApplication_Key : other\n  \n"
        f"application_secret=caf\u00e9\n[{api.url}] \n; ours\nconsumer_key =  old-consumer-key\n"
        "\n# the end\n\n[ovh-us]\nclient_id=x"
    ).replace("\n", ending)
    file = home / "mine" / "ovh.conf"
    file.parent.mkdir()
    file.write_bytes(before.encode())
    file.chmod(0o600)
    log_in(api, home, "--config", str(file))
    key = key_in(file)
    after = file.read_bytes().decode()
    added = ending.join(
        [
            f"application_key={api.account.application_key}",
            f"application_secret={api.account.application_secret}",
            "",
        ]
    )
    assert after.replace(added, "").replace(key, "old-consumer-key") == before
    done = run(home, "logout", "--all", "--config", "mine/ovh.conf", OVH_ENDPOINT=api.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_bytes().decode() == before.replace(f"consumer_key =  old-consumer-key{ending}", "")


@pytest.mark.promise("login.conf")
def test_login_follows_a_link_to_the_file_and_keeps_the_link(api: Simulator, home: Path) -> None:
    (home / "dotfiles").mkdir()
    real = home / "dotfiles" / "ovh.conf"
    real.write_text("[default]\nendpoint=ovh-us\n")
    real.chmod(0o600)
    (home / ".ovh.conf").symlink_to(real)
    said = log_in(api, home)
    assert (home / ".ovh.conf").is_symlink()
    assert real.read_text().startswith("[default]\nendpoint=ovh-us\n\n[http")
    assert sorted(path.name for path in real.parent.iterdir()) == ["ovh.conf"]
    assert f"start it with --endpoint {api.url}" not in said  # the variable of this run names it


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused_before_anything_is_asked(
    api: Simulator, home: Path, mode: int
) -> None:
    file = home / ".ovh.conf"
    file.write_text("[default]\n")
    file.chmod(mode)
    done = run(home, "login", **application(api))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"chmod 600 {file}" in done.stderr
    assert list(api.requests) == []
    assert file.read_text() == "[default]\n"


@pytest.mark.parametrize(
    ("given", "missing", "words"),
    [
        ((), ("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "/createApp/"), "an application key and its"),
        (("OVH_APPLICATION_KEY",), ("OVH_APPLICATION_SECRET",), "The application secret is missing"),
        (("OVH_APPLICATION_SECRET",), ("OVH_APPLICATION_KEY",), "The application key is missing"),
    ],
)
def test_without_a_terminal_what_is_missing_is_an_error_that_says_what_to_give(
    api: Simulator, home: Path, given: tuple[str, ...], missing: tuple[str, ...], words: str
) -> None:
    variables = {name: application(api)[name] for name in given}
    done = run(home, "login", "--endpoint", api.url, **variables)
    assert (done.returncode, done.stdout.count(f"API     {api.url}\n")) == (2, 1)
    assert words in done.stderr
    _, _, advice = done.stderr.partition("Nothing was stored.")
    assert all(name in advice for name in missing)
    assert not any(name in advice for name in given)
    assert leaks(list(variables.values()), [done.stdout, done.stderr]) == []
    assert list(home.iterdir()) == []


def test_the_variable_that_login_replaces_is_not_offered_as_one_that_counts(home: Path) -> None:
    said = " ".join(run(home, "login", "--help").stdout.split())
    assert "[env: OVH_APPLICATION_SECRET]" in said
    assert "[env: OVH_CONSUMER_KEY]" not in said
    assert "One in OVH_CONSUMER_KEY or a file does not count" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rules", "PATCH /me"], "GET /domain/*"),
        (["--rules", "/me"], "--rules is '/me'"),
        (["--rules", "GET /me?x=1"], "--rules is"),
        (["--read-only", "--rules", "GET /me"], "exclude each other"),
        (["--endpoint", "simulator"], "ovh-api-mcp simulate"),
        (["--client-id", "x"], "Credentials of another kind are set: --client-id"),
    ],
)
def test_a_login_that_makes_no_sense_is_refused_with_status_2(
    home: Path, arguments: list[str], words: str
) -> None:
    done = run(home, "login", *arguments, OVH_APPLICATION_KEY="k" * 16, OVH_APPLICATION_SECRET="s" * 32)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_keys_are_not_put_beside_a_service_account(api: Simulator, home: Path) -> None:
    done = run(home, "login", OVH_CLIENT_ID="EU.0123456789abcdef", **application(api))
    assert (done.returncode, done.stdout) == (2, "")
    assert "OVH_CLIENT_ID" in done.stderr
    assert "ovh-api-mcp logout" in done.stderr


@pytest.mark.promise("login")
def test_nobody_validates_and_nothing_is_stored(api: Simulator, home: Path) -> None:
    done = run(home, "login", "--timeout", "1", **application(api))
    assert done.returncode == 1
    assert "Nobody has validated the key within 1 s" in done.stderr
    assert list(home.iterdir()) == []


@pytest.mark.promise("login.causes")
@pytest.mark.parametrize("is_in_a_hurry", [True, False])
def test_a_wrong_secret_is_told_as_soon_as_the_key_is_validated(
    api: Simulator, home: Path, *, is_in_a_hurry: bool
) -> None:
    given = application(api) | {"OVH_APPLICATION_SECRET": "0123456789abcdef0123456789abcdef"}
    with piped(home, "login", **given) as login:
        link = login.link()
        looks = 1 if is_in_a_hurry else 2
        wait_until(lambda: login.process.poll() is not None or looks_at_keys(api) >= looks)
        visit(link)
        assert login.end() == 1
    assert "the application secret (OVH_APPLICATION_SECRET) is another application's" in login.text
    assert "Nothing was stored." in login.text
    assert "0123456789abcdef" not in login.text
    assert list(home.iterdir()) == []


def looks_at_keys(api: Simulator) -> int:
    return sum(request.raw_path == "/v1/auth/currentCredential" for request in list(api.requests))


@pytest.mark.promise("login.causes")
def test_a_key_that_is_gone_after_it_was_pending_ends_the_wait(api: Simulator, home: Path) -> None:
    gone = b'{"errorCode": "NOT_CREDENTIAL", "message": "This credential does not exist"}'
    with piped(home, "login", **application(api)) as login:
        login.link()
        api.faults.add("GET", "/v1/auth/currentCredential", status=403, body=gone)
        assert login.end() == 1
    assert 'OVHcloud does not know the consumer key (OVHcloud says "This credential does not' in login.text
    assert list(home.iterdir()) == []


@pytest.mark.promise("login.causes")
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("", "", "consumer-key-of-nobody"), "does not know the consumer key (--consumer-key)"),
        (("", "", "consumer-key-of-nobody"), "a new one: ovh-api-mcp login without --consumer-key."),
        (("", "f" * 32, ""), "the application secret (--app-secret) is another application's"),
        (("", "f" * 32, "e" * 32), "secret and consumer key are swapped: both have 32 characters"),
        (("", "same-value-twice", "same-value-twice"), "are one and the same value"),
        (("not-known-here-1234", "", ""), "The application key (--app-key) …1234 is not known at"),
        (("a" * 32, "b" * 16, ""), "application key and application secret are swapped"),
    ],
)
def test_what_is_wrong_with_keys_that_are_given_is_said_at_once(
    api: Simulator, home: Path, keys: tuple[str, str, str], words: str
) -> None:
    account = api.account
    own = (account.application_key, account.application_secret, account.consumer_key)
    names = ("--app-key", "--app-secret", "--consumer-key")
    given = [word for name, key, good in zip(names, keys, own, strict=True) for word in (name, key or good)]
    done = run(home, "login", "--endpoint", api.url, *given)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Nothing was stored." in done.stderr
    assert "Nobody has validated the key within" not in done.stderr
    assert leaks([key for key in (*keys, *own) if key], [done.stdout, done.stderr]) == []
    assert list(home.iterdir()) == []


@pytest.mark.promise("login.causes")
def test_a_key_that_is_given_and_not_validated_yet_is_called_so(api: Simulator, home: Path) -> None:
    key = api.consumer_keys.find(api.account.consumer_key)
    assert key is not None
    key.state = KeyState.PENDING
    done = run(home, "login", "--consumer-key", key.key, **application(api))
    assert done.returncode == 1
    assert "or nobody has validated it yet" in done.stderr
    assert "Its link is told once" in done.stderr


def test_passing_faults_do_not_keep_a_key_that_is_given_from_being_kept(api: Simulator, home: Path) -> None:
    api.faults.add("GET", "/v1/auth/currentCredential", status=500, times=2)
    done = run(home, "login", "--consumer-key", api.account.consumer_key, **application(api))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Rights  those of the consumer key that is given\n" in done.stdout
    assert key_in(home / ".ovh.conf") == api.account.consumer_key


def test_an_application_key_of_another_endpoint_is_named_by_its_end_only(api: Simulator, home: Path) -> None:
    done = run(home, "login", **application(api) | {"OVH_APPLICATION_KEY": "not-known-here-1234"})
    assert done.returncode == 1
    assert "…1234 is not known at" in done.stderr
    assert "not-known-here" not in done.stderr


@pytest.mark.parametrize("status", ["refused", "expired"])
def test_a_key_that_was_refused_ends_the_wait(api: Simulator, home: Path, status: str) -> None:
    body = f'{{"status": "{status}", "rules": []}}'.encode()
    api.faults.add("GET", "/v1/auth/currentCredential", status=200, body=body)
    done = run(home, "login", **application(api))
    assert done.returncode == 1
    assert f'The consumer key has ended (OVHcloud says "{status}"). Nothing was stored.' in done.stderr
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"consumerKey": "0123456789abcdef", "validationUrl": "javascript:alert(1)"}',
        b'{"consumerKey": "0123456789abcdef", "validationUrl": "https://x.example/\\u001b[31m"}',
        b'{"consumerKey": "0123456789\\nendpoint=x", "validationUrl": "https://x.example/"}',
        b'{"consumerKey": 7}',
        b"<html>",
    ],
)
def test_what_is_no_key_or_no_link_is_neither_shown_nor_kept(api: Simulator, home: Path, body: bytes) -> None:
    api.faults.add("POST", "/v1/auth/credential", status=200, body=body)
    done = run(home, "login", **application(api))
    assert done.returncode == 1
    assert "without a consumer key" in done.stderr
    assert "0123456789" not in done.stdout + done.stderr
    assert list(home.iterdir()) == []


def test_passing_faults_and_a_clock_that_is_off_do_not_end_the_wait(api: Simulator, home: Path) -> None:
    api.time_offset_s = 7_200.0
    for fault in ({"status": 500}, {"status": 429}, {"drop": True}):
        api.faults.add("GET", "/v1/auth/currentCredential", times=1, **fault)
    said = log_in(api, home)
    assert f"Account: {api.account.nichandle}" in said


@pytest.mark.promise("login.interrupted")
def test_an_interrupted_login_stores_nothing_and_says_what_becomes_of_the_key(
    api: Simulator, home: Path
) -> None:
    with on_terminal(home, "login", **application(api)) as (login, keyboard):
        login.wait_for("waiting for you to validate")
        os.write(keyboard, b"\x03")
        assert login.end() == 130
    assert "Interrupted. Nothing was stored." in login.text
    assert "The key that was requested cannot be used, and ends by itself" in login.text
    assert "Traceback" not in login.text
    assert "Aborted!" not in login.text
    assert list(home.iterdir()) == []


@pytest.mark.promise("login.interrupted")
def test_a_key_that_was_validated_when_login_is_interrupted_is_revoked(api: Simulator, home: Path) -> None:
    api.faults.add("GET", "/v1/auth/currentCredential", status=503, times=99)
    with on_terminal(home, "login", **application(api)) as (login, keyboard):
        visit(login.link())
        login.wait_for("waiting for you to validate")
        os.write(keyboard, b"\x03")
        assert login.end() == 130
    assert "The key that was requested is revoked." in login.text
    *_, last = api.requests
    assert last.raw_path == "/v1/auth/logout"
    assert list(home.iterdir()) == []


@pytest.mark.promise("login.interrupted")
def test_who_is_interrupted_at_a_question_has_requested_nothing(api: Simulator, home: Path) -> None:
    with on_terminal(home, "login", "--endpoint", api.url) as (login, keyboard):
        login.wait_for("Application key: ")
        os.write(keyboard, b"\x03")
        assert login.end() == 130
    assert "Interrupted. Nothing was stored." in login.text
    assert "requested" not in login.text
    assert list(home.iterdir()) == []


def test_a_key_that_is_typed_is_kept_as_it_is(api: Simulator, home: Path) -> None:
    with on_terminal(home, "login", "--endpoint", api.url) as (login, keyboard):
        for name, text in (
            ("Application key: ", api.account.application_key),
            ("Application secret: ", "with a space"),
            ("(?s)Application secret: .*Application secret: ", api.account.application_secret),
            ("Consumer key .*: ", api.account.consumer_key),
        ):
            login.wait_for(name)
            os.write(keyboard, text.encode() + b"\n")
            if " " in text:
                login.wait_for("Error: ")
        assert login.end() == 0
    assert "with a space" not in login.text
    assert key_in(home / ".ovh.conf") == api.account.consumer_key
    assert not any(request.raw_path == "/v1/auth/credential" for request in api.requests)


@pytest.mark.promise("login.causes")
def test_a_wrong_key_that_is_pasted_is_told_and_not_waited_for(api: Simulator, home: Path) -> None:
    with on_terminal(home, "login", "--endpoint", api.url) as (login, keyboard):
        for name, text in (
            ("Application key: ", api.account.application_key),
            ("Application secret: ", api.account.application_secret),
            ("Consumer key .*: ", "consumer-key-of-nobody"),
        ):
            login.wait_for(name)
            os.write(keyboard, text.encode() + b"\n")
        assert login.end() == 1
    said = " ".join(login.text.split())
    assert 'does not know the consumer key (OVHcloud says "This credential does not exist")' in said
    assert "get a new one: ovh-api-mcp login." in said
    assert "consumer-key-of-nobody" not in said
    assert "Nobody has validated" not in said
    assert list(home.iterdir()) == []


def test_a_file_that_others_could_read_is_closed_to_them(api: Simulator, home: Path) -> None:
    file = home / ".ovh.conf"
    file.write_text("[default]\n")
    file.chmod(0o644)
    log_in(api, home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_kept_is_revoked(api: Simulator, home: Path) -> None:
    with piped(home, "login", **application(api)) as login:
        link = login.link()
        (home / ".ovh.conf").mkdir()
        visit(link)
        assert login.end() == 2
    assert [request.raw_path for request in api.requests][-1] == "/v1/auth/logout"


@pytest.mark.promise("logout")
def test_logout_revokes_the_key_and_takes_it_out(api: Simulator, home: Path) -> None:
    log_in(api, home)
    key = key_in(home / ".ovh.conf")
    done = run(home, "logout")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"The consumer key …{key[-4:]} is revoked." in done.stdout
    assert key not in done.stdout
    found = api.consumer_keys.find(key)
    assert found is not None
    assert found.state == "expired"
    assert "application_secret=" in (home / ".ovh.conf").read_text()
    assert "consumer_key" not in (home / ".ovh.conf").read_text()
    again = run(home, "logout")
    assert (again.returncode, again.stdout.startswith("Nobody is logged in")) == (0, True)


@pytest.mark.promise("logout")
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503, "body": b"<html>"},
        {"drop": True},
        {"status": 403, "body": b'{"errorCode": "NOT_GRANTED_CALL", "message": "not granted"}'},
    ],
)
def test_logout_keeps_a_key_that_it_could_not_revoke(
    api: Simulator, home: Path, fault: dict[str, Any]
) -> None:
    log_in(api, home)
    file = home / ".ovh.conf"
    before = file.read_bytes()
    api.faults.add("POST", "/v1/auth/logout", times=9, **fault)
    done = run(home, "logout")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Nothing was taken out of {file} [{api.url}], and the key may still be valid." in done.stderr
    assert "--force" in done.stderr
    assert file.read_bytes() == before
    api.faults.clear()
    assert run(home, "logout").returncode == 0
    assert "consumer_key" not in file.read_text()


@pytest.mark.promise("logout")
def test_logout_by_force_takes_the_key_out_and_says_what_to_do_by_hand(api: Simulator, home: Path) -> None:
    log_in(api, home)
    api.faults.add("POST", "/v1/auth/logout", status=500, times=9)
    done = run(home, "logout", "--force")
    assert done.returncode == 0
    assert "It may still be valid." in done.stderr
    assert "DELETE /v1/me/api/credential/{credentialId}" in done.stderr
    assert "is revoked" not in done.stdout
    assert "consumer_key" not in (home / ".ovh.conf").read_text()


@pytest.mark.promise("logout")
def test_logout_takes_out_a_key_that_is_of_no_use_any_more(api: Simulator, home: Path) -> None:
    log_in(api, home)
    api.consumer_keys.revoke(key_in(home / ".ovh.conf"))
    done = run(home, "logout")
    assert (done.returncode, done.stderr) == (0, "")
    assert "consumer_key" not in (home / ".ovh.conf").read_text()


@pytest.mark.promise("login.account")
def test_accounts_are_logged_in_to_and_out_of_by_name_beside_each_other(api: Simulator, home: Path) -> None:
    file = home / ".ovh.conf"
    file.write_text("# mine\n[ovh-ca]\napplication_key=another\n")
    said = log_in(api, home, "--account", "shop")
    assert "Now connect a client with --account shop" in said
    shops = key_in(file)
    log_in(api, home, "--account", "lab", "--read-only")
    *_, labs = _KEY.findall(file.read_text())
    keys = (api.account.application_key, api.account.application_secret)
    application_lines = "application_key={}\napplication_secret={}\n".format(*keys)
    assert file.read_text() == (
        "# mine\n[ovh-ca]\napplication_key=another\n"
        f"\n[account shop]\nendpoint={api.url}\n{application_lines}consumer_key={shops}\n"
        f"\n[account lab]\nendpoint={api.url}\n{application_lines}consumer_key={labs}\n"
    )
    both = run(home, "--account", "shop", "--account", "lab", "execute", _WHO)
    assert (both.returncode, both.stdout) == (0, f'"{api.account.nichandle}"\n')

    done = run(home, "logout", "--account", "lab")
    assert f"The consumer key …{labs[-4:]} is revoked." in done.stdout
    assert "ovh-api-mcp login --account lab" in done.stdout
    assert _KEY.findall(file.read_text()) == [shops]
    again = run(home, "logout", "--account", "lab")
    assert again.stdout.startswith(f"Nobody is logged in: {file} [account lab]")


def test_an_account_that_was_logged_in_to_needs_no_endpoint_again(api: Simulator, home: Path) -> None:
    log_in(api, home, "--account", "shop")
    old = key_in(home / ".ovh.conf")
    keys = {name: value for name, value in application(api).items() if name != "OVH_ENDPOINT"}
    with piped(home, "login", "--account", "shop", **keys) as login:
        visit(login.link())
        assert login.end() == 0
    assert key_in(home / ".ovh.conf") != old
    assert f"The consumer key …{old[-4:]} that stood there before is still valid" in login.text


def test_variables_that_do_not_count_for_an_account_neither_stop_its_login_nor_are_blamed(
    api: Simulator, home: Path
) -> None:
    said = log_in(api, home, "--account", "shop", OVH_CLIENT_ID="EU.another", OVH_ACCESS_TOKEN="another")
    assert "Now connect a client with --account shop" in said
    (home / "ovh.conf").write_text("[account shop]\nendpoint=eu\naccess_token=somebody-elses\n")
    said = log_in(api, home, "--account", "shop")
    assert "it takes the account from the first file that has its section" in said
    assert "OVH_CONSUMER_KEY" not in said


def test_an_account_without_endpoint_is_logged_in_to_where_the_server_would_go(
    api: Simulator, home: Path
) -> None:
    file = home / ".ovh.conf"
    file.write_text(f"[default]\nendpoint={api.url}\n[account shop]\naccess_token=\napplication_key=old\n")
    given = application(api) | {"OVH_ENDPOINT": "ca"}
    with piped(home, "login", "--account", "shop", **given) as login:
        visit(login.link())
        assert login.end() == 0
    assert file.read_text().count(f"endpoint={api.url}") == 2
    assert "Now connect a client with --account shop" in login.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--account", "shop", "--account", "lab"), "It takes one account here."),
        (("--account", "../shop"), "'../shop' is no name of an account"),
        (("--account", "ovh-ca", "--endpoint", "eu"), "It does not go with the account ovh-ca."),
    ],
)
def test_what_can_be_no_account_to_log_in_to_is_refused(
    home: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(home, "login", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert list(home.glob(".ovh.conf")) == []


def test_login_says_that_a_variable_wins_over_the_file(api: Simulator, home: Path) -> None:
    said = log_in(api, home, OVH_CONSUMER_KEY=api.account.consumer_key)
    assert "would not use these keys: it looks at variables (OVH_CONSUMER_KEY" in said


def test_login_never_touches_a_file_of_the_current_directory(api: Simulator, home: Path) -> None:
    here = home / "ovh.conf"
    here.write_text(f"[{api.url}]\nconsumer_key=somebody-elses\n")
    said = log_in(api, home)
    assert here.read_text() == f"[{api.url}]\nconsumer_key=somebody-elses\n"
    assert "would refuse: " in said or "would not use these keys" in said


@pytest.mark.promise("login.browser")
def test_a_browser_is_opened_where_there_is_a_desktop_only(api: Simulator, home: Path) -> None:
    opened = home / "opened"
    script = home / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    script.chmod(0o700)
    browser = f"{script} %s &"
    log_in(api, home, BROWSER=browser)
    log_in(api, home, "--no-browser", BROWSER=browser, DISPLAY=":9")
    log_in(api, home, BROWSER=browser, DISPLAY=":9", SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert not opened.exists()
    said = log_in(api, home, BROWSER=browser, DISPLAY=":9")
    assert "Your browser opens it, too." in said
    wait_until(lambda: opened.exists() and opened.read_text().endswith("\n"))
    assert opened.read_text().strip() in said


@pytest.mark.promise("secrets.never")
def test_no_secret_is_shown_or_logged_by_login_and_logout(api: Simulator, home: Path) -> None:
    shown = [log_in(api, home, "--log-level", "debug")]
    keys = [key_in(home / ".ovh.conf")]
    secrets = [api.account.application_secret, *keys]
    echo = str(secrets).replace("'", '"').encode()
    for status in (400, 403, 500):
        api.faults.add("POST", "/v1/auth/credential", status=status, body=b'{"message": ' + echo[1:70] + b"}")
        shown.append(str(run(home, "login", "--log-level", "debug", **application(api))))
    api.faults.add(
        "GET", "/v1/auth/currentCredential", status=200, body=b'{"status": "refused' + echo[2:40] + b'"}'
    )
    shown.append(str(run(home, "login", "--log-level", "debug", **application(api))))
    api.faults.add("POST", "/v1/auth/logout", status=403, body=b'{"message": ' + echo[1:70] + b"}")
    shown.append(str(run(home, "logout", "--log-level", "debug")))
    assert "level=debug" in "".join(shown)
    assert leaks(secrets, shown) == []
    (home / ".ovh.conf").unlink()
    assert leaks(secrets, texts_below(home)) == []
