"""`ovh-api-mcp login --service-account`: guided to, created after a yes, kept instead of keys."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovh_api_mcp.simulator.simulator import Simulator
from tests.cli.login_program import on_terminal
from tests.cli.test_main import run
from tests.end_to_end.api import running_simulator
from tests.end_to_end.program import wait_until
from tests.end_to_end.test_secrets import leaks

_CLIENT = "/v1/me/api/oauth2/client"


@pytest.fixture
def api() -> Iterator[Simulator]:
    """The practice account, which creates its one service account when it is asked to."""
    with running_simulator() as simulator:
        account = simulator.account
        identity = f"urn:v1:eu:identity:credential:{account.nichandle}/oauth2-{account.client_id}"
        made = {"clientId": account.client_id, "clientSecret": account.client_secret}
        shown = {"clientId": account.client_id, "identity": identity}
        simulator.faults.add("POST", _CLIENT, status=200, body=json.dumps(made).encode())
        simulator.faults.add(
            "GET", f"{_CLIENT}/{account.client_id}", status=200, body=json.dumps(shown).encode()
        )
        yield simulator


@pytest.fixture
def home(tmp_path: Path, api: Simulator) -> Path:
    """A home whose ovh.conf holds keys."""
    account = api.account
    file = tmp_path / ".ovh.conf"
    file.write_text(
        f"# mine\n[default]\nendpoint={api.url}\n[{api.url}]\napplication_key={account.application_key}\n"
        f"application_secret={account.application_secret}\nconsumer_key={account.consumer_key}\n"
    )
    file.chmod(0o600)
    return tmp_path


def test_a_service_account_can_be_that_of_a_named_account(api: Simulator, home: Path) -> None:
    account = api.account
    keys = {
        "OVH_APPLICATION_KEY": account.application_key,
        "OVH_APPLICATION_SECRET": account.application_secret,
        "OVH_CONSUMER_KEY": account.consumer_key,
    }
    before = (home / ".ovh.conf").read_text()
    done = run(home, "login", "--service-account", "--yes", "--account", "shop", **keys)
    assert done.returncode == 0, done.stderr
    assert (home / ".ovh.conf").read_text() == (
        f"{before}\n[account shop]\nendpoint={api.url}\n"
        f"client_id={account.client_id}\nclient_secret={account.client_secret}\n"
    )
    assert "ovh-api-mcp logout --account shop forgets it" in done.stdout


def bodies_of(api: Simulator, path: str) -> list[dict[str, object]]:
    return [json.loads(r.body) for r in api.requests if r.method == "POST" and r.raw_path == path]


@pytest.mark.promise("login.service-account")
def test_after_a_yes_both_calls_are_made_and_the_account_is_kept_instead_of_the_keys(
    api: Simulator, home: Path
) -> None:
    account = api.account
    with on_terminal(home, "login", "--service-account", "--action", "dnsZone:apiovh:*") as (login, keyboard):
        login.wait_for(r"Make both calls now.*\[y/N\]: ")
        assert bodies_of(api, _CLIENT) == []
        os.write(keyboard, b"y\n")
        assert login.end() == 0
    [client] = bodies_of(api, _CLIENT)
    assert client["flow"] == "CLIENT_CREDENTIALS"
    [policy] = bodies_of(api, "/v2/iam/policy")
    assert policy["identities"] == [
        f"urn:v1:eu:identity:credential:{account.nichandle}/oauth2-{account.client_id}"
    ]
    assert policy["permissions"] == {"allow": [{"action": "dnsZone:apiovh:*"}]}
    assert policy["resources"] == [{"urn": "urn:v1:eu:resource:dnsZone:*"}]
    file = home / ".ovh.conf"
    assert file.read_text() == (
        f"# mine\n[default]\nendpoint={api.url}\n[{api.url}]\n"
        f"client_id={account.client_id}\nclient_secret={account.client_secret}\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "The consumer key …-key that stood there before is still valid" in login.text
    assert (
        leaks([account.client_secret, account.application_secret, account.consumer_key], [login.text]) == []
    )
    shown = run(home, "execute", "async () => (await ovh.get('/v1/auth/details')).method")
    assert shown.stdout == '"oauth2_client_credentials"\n'


def test_without_a_yes_nothing_is_created_and_the_account_is_asked_for(api: Simulator, home: Path) -> None:
    account = api.account
    with on_terminal(home, "login", "--service-account") as (login, keyboard):
        login.wait_for(r"\[y/N\]: ")
        os.write(keyboard, b"n\n")
        login.wait_for("Client id: ")
        os.write(keyboard, account.client_id.encode() + b"\n")
        login.wait_for("Client secret: ")
        os.write(keyboard, account.client_secret.encode() + b"\n")
        assert login.end() == 0
    assert bodies_of(api, _CLIENT) == []
    assert "client_secret=" in (home / ".ovh.conf").read_text()
    assert account.client_secret not in login.text


@pytest.mark.promise("login.service-account")
def test_without_keys_and_terminal_it_says_which_two_calls_to_make(api: Simulator, tmp_path: Path) -> None:
    done = run(tmp_path, "login", "--service-account", OVH_ENDPOINT=api.url)
    assert done.returncode == 2
    assert f"POST {_CLIENT}" in done.stdout
    assert "POST /v2/iam/policy" in done.stdout
    assert "OVH_CLIENT_ID and OVH_CLIENT_SECRET" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_account_that_is_given_is_tried_before_it_is_kept(api: Simulator, tmp_path: Path) -> None:
    account = api.account
    given = {"OVH_ENDPOINT": api.url, "OVH_CLIENT_ID": account.client_id}
    done = run(tmp_path, "login", "--service-account", OVH_CLIENT_SECRET="wrong-secret-value", **given)
    assert done.returncode == 1
    assert "wrong-secret-value" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    done = run(tmp_path, "login", "--service-account", OVH_CLIENT_SECRET=account.client_secret, **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Account: {account.nichandle}." in done.stdout
    again = run(tmp_path, "login", "--service-account", OVH_CLIENT_SECRET=account.client_secret, **given)
    assert again.returncode == 2
    assert "ovh-api-mcp logout" in again.stderr
    gone = run(tmp_path, "logout", OVH_ENDPOINT=api.url)
    assert gone.returncode == 0
    assert f"DELETE {_CLIENT}/{account.client_id}" in gone.stdout
    assert "client_" not in (tmp_path / ".ovh.conf").read_text()


def test_a_policy_that_may_not_be_made_is_printed_for_somebody_who_may(api: Simulator, home: Path) -> None:
    api.faults.add(
        "POST", "/v2/iam/policy", status=403, body=b'{"message": "This call has not been granted"}'
    )
    done = run(home, "login", "--service-account", "--yes")
    assert done.returncode == 0
    assert "It has no rights until somebody sends POST /v2/iam/policy with" in done.stdout
    assert '"resources": [{"urn": "urn:v1:eu:resource:*"}]' in done.stdout
    assert "client_secret=" in (home / ".ovh.conf").read_text()


def test_a_new_account_that_does_not_work_yet_is_kept_all_the_same(api: Simulator, home: Path) -> None:
    api.faults.add("POST", "/auth/oauth2/token", status=400, body=b'{"error": "invalid_client"}')
    done = run(home, "login", "--service-account", "--yes")
    assert done.returncode == 0
    assert "A new one may take a minute" in done.stdout
    assert "client_secret=" in (home / ".ovh.conf").read_text()


def test_keys_that_may_not_create_one_leave_everything_as_it_was(api: Simulator, home: Path) -> None:
    before = (home / ".ovh.conf").read_bytes()
    api.faults.clear()
    api.missing_actions.add("account:apiovh:me/api/oauth2/client/create")
    done = run(home, "login", "--service-account", "--yes")
    assert done.returncode == 1
    assert (home / ".ovh.conf").read_bytes() == before


@pytest.mark.promise("login.service-account")
@pytest.mark.parametrize("is_whole", [False, True])
def test_a_service_account_of_the_simulator_is_made_works_and_is_removed(
    home: Path, request: pytest.FixtureRequest, is_whole: bool
) -> None:
    schemas: Path | None = request.getfixturevalue("shared_dir") / "ovh-schemas" if is_whole else None
    with running_simulator(schemas) as simulator:
        keys_file = home / ".ovh.conf"
        url = keys_file.read_text().partition("endpoint=")[2].partition("\n")[0]
        keys_file.write_text(keys_file.read_text().replace(url, simulator.url))
        done = run(home, "login", "--service-account", "--yes", "--action", "vps:apiovh:*")
        assert (done.returncode, done.stderr) == (0, "")
        assert "It could not be tried" not in done.stdout
        assert f"Account: {simulator.account.nichandle}." in done.stdout
        kept = dict(re.findall(r"(client_\w+)=(.*)", keys_file.read_text()))
        assert kept["client_id"] != simulator.account.client_id
        assert kept["client_secret"] not in done.stdout
        script = f"""async () => {{
            const client = await ovh.get('{_CLIENT}/{kept["client_id"]}')
            const held = (await ovh.list('/v2/iam/policy')).map(each => each.identities).flat()
            const mine = (await ovh.get('/v1/auth/details')).identities
            await ovh.delete('{_CLIENT}/{kept["client_id"]}')
            return [client.flow, held.includes(client.identity), mine.includes(client.identity)]
        }}"""
        shown = run(home, "execute", script)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout) == ["CLIENT_CREDENTIALS", True, True]
        gone = run(home, "execute", "async () => ovh.get('/v1/auth/details')")
        assert gone.returncode == 1
        assert "invalid_client" in gone.stderr + gone.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--service-account", "--read-only"], "name them with --action"),
        (["--service-account", "--action", "GET /me"], "dnsZone:apiovh:*"),
        (["--yes"], "go with --service-account"),
        (["--service-account", "--endpoint", "kimsufi-eu"], "has no OAuth2"),
    ],
)
def test_a_service_account_that_makes_no_sense_is_refused_with_status_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(tmp_path, "login", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.promise("login.interrupted")
def test_who_interrupts_the_creation_is_told_where_to_look(api: Simulator, home: Path) -> None:
    api.faults.clear()
    api.faults.add("POST", _CLIENT, hang=True)
    before = (home / ".ovh.conf").read_bytes()
    with on_terminal(home, "login", "--service-account", "--yes") as (login, keyboard):
        wait_until(lambda: any(request.raw_path == _CLIENT for request in list(api.requests)))
        os.write(keyboard, b"\x03")
        assert login.end() == 130
    assert "Interrupted. Nothing was stored." in login.text
    assert f"look with GET {_CLIENT}" in login.text
    assert (home / ".ovh.conf").read_bytes() == before
