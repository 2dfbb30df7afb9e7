"""`ovh-api-mcp doctor` beside the sandbox: settings, API, clock, credentials, catalogue, port."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ovh_api_mcp.cli.check import Check, guarded
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.listener import bind_socket
from ovh_api_mcp.simulator.simulator import Simulator
from tests.cli.login_program import on_terminal
from tests.cli.test_main import run
from tests.end_to_end.api import running_simulator
from tests.end_to_end.program import http_server
from tests.end_to_end.test_secrets import leaks
from tests.server.real_server import environment

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


def signed(api: Simulator, **more: str) -> dict[str, str]:
    account = api.account
    return {
        "OVH_ENDPOINT": api.url,
        "OVH_APPLICATION_KEY": account.application_key,
        "OVH_APPLICATION_SECRET": account.application_secret,
        "OVH_CONSUMER_KEY": account.consumer_key,
        "PORT": "0",
        **more,
    }


def told(home: Path, *arguments: str, status: int, **variables: str) -> dict[str, Any]:
    """Run doctor and return its JSON; no secret of the simulator is in it."""
    done = run(home, "doctor", "--json", *arguments, **variables)
    assert (done.returncode, done.stderr) == (status, "")
    secrets = [variables[name] for name in variables if name.endswith(("SECRET", "_KEY"))]
    assert leaks(secrets, [done.stdout]) == []
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] is (status == 0)
    return found


def state(found: dict[str, Any], *names: str) -> list[str]:
    return [found[name]["state"] for name in names]


@pytest.mark.promise("doctor.checks")
def test_where_all_is_well_it_tells_who_signs_in_and_what_is_given_from_where(
    api: Simulator, tmp_path: Path
) -> None:
    (tmp_path / ".ovh.conf").write_text(f"[default]\nendpoint={api.url}\n")
    (tmp_path / ".ovh.conf").chmod(0o600)
    given = signed(api)
    del given["OVH_ENDPOINT"]
    assert run(tmp_path, "catalog", "refresh", **given).returncode == 0
    found = told(tmp_path, "--services", "*", status=0, **given)
    assert state(found, "settings", "files", "api", "clock", "credentials", "catalogue", "port") == ["ok"] * 7
    assert found["credentials"]["account"] == api.account.nichandle
    assert found["credentials"]["kind"] == "application keys"
    assert found["credentials"]["rules"] == ["GET /*", "POST /*", "PUT /*", "DELETE /*"]
    assert found["catalogue"]["kept"]["failed"] == {}
    rows = {row["name"]: (row["value"], row["source"]) for row in found["settings"]["rows"]}
    assert rows["endpoint"] == (api.url, f"{tmp_path}/.ovh.conf [default] endpoint")
    assert rows["consumer-key"] == ("…-key", "OVH_CONSUMER_KEY")
    assert rows["services"] == ("*", "--services")
    assert rows["port"] == ("0", "PORT")
    assert rows["transport"] == ("http", "default")


@pytest.mark.promise("doctor.checks")
def test_one_check_that_fails_hides_no_other(tmp_path: Path) -> None:
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = told(tmp_path, status=1, OVH_ENDPOINT=f"http://127.0.0.1:{port}", PORT="0")
    assert state(found, "settings", "api", "clock", "credentials", "catalogue", "port") == [
        *("ok", "failed", "skipped", "note", "note", "ok"),
    ]
    assert "cannot be reached" in found["api"]["facts"]
    assert found["credentials"]["next"] == "Get keys with ovh-api-mcp login."
    assert found["sandbox"]["script"] == "runs"


def test_half_of_the_credentials_leave_the_other_checks_to_be_made(api: Simulator, tmp_path: Path) -> None:
    given = signed(api)
    del given["OVH_CONSUMER_KEY"]
    found = told(tmp_path, status=1, **given)
    assert state(found, "settings", "api", "clock", "credentials", "port") == [
        *("failed", "ok", "ok", "skipped", "ok"),
    ]
    assert "--consumer-key or OVH_CONSUMER_KEY" in found["settings"]["facts"]
    assert "ovh-api-mcp login" in found["settings"]["next"]


def test_settings_that_cannot_be_read_at_all_leave_the_sandbox_to_be_checked(tmp_path: Path) -> None:
    found = told(tmp_path, status=1, OVH_ENDPOINT="mars")
    assert state(found, "settings", "api", "port") == ["failed", "skipped", "skipped"]
    assert "kimsufi-ca" in found["settings"]["facts"]
    assert found["sandbox"]["script"] == "runs"


@pytest.mark.promise("doctor.checks")
def test_keys_that_do_not_work_are_told_with_their_cause(api: Simulator, tmp_path: Path) -> None:
    api.consumer_keys.revoke(api.account.consumer_key)
    found = told(tmp_path, status=1, **signed(api))
    assert state(found, "api", "credentials") == ["ok", "failed"]
    assert "OVHcloud refuses the consumer key (OVH_CONSUMER_KEY)" in found["credentials"]["facts"]
    assert "ovh-api-mcp login" in found["credentials"]["next"]


@pytest.mark.promise("doctor.person")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"application_secret": "f" * 32}, "[account x] application_secret) is another application's"),
        ({"application_key": "unknown-key-1234"}, "[account x] application_key) …1234 is not known at"),
        ({"application_secret": "f" * 32, "consumer_key": "e" * 32}, "are swapped: both have 32 characters"),
        (
            {"client_id": "EU.nobody", "client_secret": "s3cret-of-nobody"},
            "Check client_id and client_secret",
        ),
        ({"access_token": "t0ken-of-nobody"}, "The access token (access_token) has expired"),
    ],
)
def test_what_is_wrong_with_an_account_names_its_section_and_speaks_to_who_reads_it(
    api: Simulator, tmp_path: Path, wrong: dict[str, str], words: str
) -> None:
    account = api.account
    keys = {
        "application_key": account.application_key,
        "application_secret": account.application_secret,
        "consumer_key": account.consumer_key,
    }
    values = {**(keys if wrong.keys() <= keys.keys() else {}), **wrong, "endpoint": api.url}
    file = tmp_path / ".ovh.conf"
    file.write_text("[account x]\n" + "".join(f"{name}={value}\n" for name, value in values.items()))
    file.chmod(0o600)
    found = told(tmp_path, "--account", "x", status=1, PORT="0", OVH_APPLICATION_KEY="does-not-count")
    check = found["accounts"]["x"]["credentials"]
    said = f"{check['facts']} {check.get('next', '')}"
    assert words in said
    assert ".ovh.conf [account x]" in said
    assert "OVH_" not in said
    assert "the user" not in said.lower()
    assert leaks([value for value in values.values() if len(value) > 20 and "://" not in value], [said]) == []


def test_a_service_account_is_told_as_one(api: Simulator, tmp_path: Path) -> None:
    account = api.account
    found = told(
        tmp_path,
        status=0,
        OVH_ENDPOINT=api.url,
        OVH_CLIENT_ID=account.client_id,
        OVH_CLIENT_SECRET=account.client_secret,
        PORT="0",
    )
    assert found["credentials"]["kind"] == "service account"
    assert found["credentials"]["account"] == account.nichandle


def test_a_key_that_ends_soon_is_noted(api: Simulator, tmp_path: Path) -> None:
    key = api.consumer_keys.find(api.account.consumer_key)
    assert key is not None
    key.expires_at_s = key.created_at_s + 3_600
    found = told(tmp_path, status=0, **signed(api))
    assert state(found, "credentials") == ["note"]
    assert "ovh-api-mcp login" in found["credentials"]["next"]


def test_a_clock_that_is_off_is_noted_though_signatures_allow_for_it(api: Simulator, tmp_path: Path) -> None:
    api.time_offset_s = 7_200.0
    found = told(tmp_path, status=0, **signed(api))
    assert state(found, "clock", "credentials") == ["note", "ok"]
    assert abs(found["clock"]["aheadS"] - 7_200) <= 2


def test_a_service_that_the_catalogue_lacks_is_named(api: Simulator, tmp_path: Path) -> None:
    api.faults.add("GET", "/v1/vps.json", status=404, times=9)
    assert run(tmp_path, "catalog", "refresh", **signed(api)).returncode == 0
    found = told(tmp_path, status=0, **signed(api))
    assert state(found, "catalogue") == ["note"]
    assert list(found["catalogue"]["kept"]["failed"]) == ["v1/vps"]


def test_a_file_that_others_can_read_is_noted(api: Simulator, tmp_path: Path) -> None:
    file = tmp_path / ".ovh.conf"
    file.write_text("[default]\nendpoint=ovh-eu\n")
    file.chmod(0o644)
    found = told(tmp_path, status=0, **signed(api))
    assert state(found, "files") == ["note"]
    assert found["files"]["next"] == f"Run chmod 600 {file}"


@pytest.mark.promise("doctor.checks")
def test_a_port_that_is_taken_is_told_with_who_has_it(api: Simulator, tmp_path: Path) -> None:
    with http_server(environment(api, tmp_path)) as server:
        found = told(tmp_path, status=0, **signed(api, PORT=str(server.port)))
    assert state(found, "port") == ["ok"]
    assert "in use by ovh-api-mcp" in found["port"]["facts"]
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        found = told(tmp_path, status=1, **signed(api, PORT=str(listener.getsockname()[1])))
    assert state(found, "port") == ["failed"]
    assert "another port with --port" in found["port"]["next"]


@pytest.mark.promise("doctor.checks")
def test_on_a_terminal_it_is_a_table_that_ends_with_what_to_do_next(api: Simulator, tmp_path: Path) -> None:
    with on_terminal(tmp_path, "doctor", NO_COLOR="1", **signed(api)) as (doctor, _):
        assert doctor.end() == 0
    said = doctor.text.rpartition("\x1b[K")[2].replace("\r\n", "\n")
    assert re.search(r"^setting +value +from$", said, re.MULTILINE)
    assert re.search(r"^credentials +ok +application keys …-key; account xx1111-ovh", said, re.MULTILINE)
    assert re.search(r"^sandbox +ok ", said, re.MULTILINE)
    assert said.splitlines()[-1].startswith("Next (catalogue): ")
    assert leaks([api.account.application_secret, api.account.consumer_key], [said]) == []


def block(name: str, api: Simulator, consumer_key: str) -> str:
    """Return the section of an account in ovh.conf."""
    return (
        f"[account {name}]\nendpoint={api.url}\napplication_key={api.account.application_key}\n"
        f"application_secret={api.account.application_secret}\nconsumer_key={consumer_key}\n"
    )


@pytest.mark.promise("doctor.accounts")
def test_each_account_that_is_chosen_is_checked_and_one_bad_one_is_enough_to_fail(
    api: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / ".ovh.conf"
    file.write_text(
        block("good", api, api.account.consumer_key)
        + block("bad", api, "consumer-key-of-nobody")
        + f"[account half]\nendpoint={api.url}\napplication_key=half-a-key\n"
        + "[account lost]\nendpoint=http://127.0.0.1:9\naccess_token=t0ken-of-nobody\n"
    )
    file.chmod(0o600)
    given = {"PORT": "0", "OVH_ENDPOINT": "mars", "OVH_CLIENT_ID": "does-not-count"}
    names = ("good", "bad", "half", "lost", "nobody")
    chosen = [word for name in names for word in ("--account", name)]
    found = told(tmp_path, *chosen, status=1, **given)
    assert state(found, "settings", "files", "port") == ["ok"] * 3
    accounts = found["accounts"]
    kinds = ("settings", "api", "clock", "credentials")
    assert {name: state(accounts[name], *kinds) for name in names} == {
        "good": ["ok", "ok", "ok", "ok"],
        "bad": ["ok", "ok", "ok", "failed"],
        "half": ["failed", "ok", "ok", "skipped"],
        "lost": ["ok", "failed", "skipped", "failed"],
        "nobody": ["failed", "skipped", "skipped", "skipped"],
    }
    assert accounts["good"]["credentials"]["account"] == api.account.nichandle
    assert accounts["good"]["catalogue"]["next"].endswith("catalog refresh --account good")
    unknown = accounts["bad"]["credentials"]["facts"]
    assert unknown.startswith("OVHcloud does not know the consumer key (")
    assert ".ovh.conf [account bad] consumer_key)" in unknown
    assert accounts["bad"]["credentials"]["next"].endswith("get a new one: ovh-api-mcp login --account bad.")
    half = f"{file} [account half] has application_key, but not application_secret, consumer_key."
    assert half in accounts["half"]["settings"]["facts"]
    assert accounts["half"]["settings"]["next"].endswith("ovh-api-mcp login --account half")
    assert "There are good, bad, half, lost." in accounts["nobody"]["settings"]["facts"]
    rows = {(row.get("account"), row["name"]): row["source"] for row in found["settings"]["rows"]}
    assert rows["bad", "consumer-key"] == f"{file} [account bad] consumer_key"
    assert ("good", "client-id") not in rows
    assert (None, "client-id") not in rows
    shown = run(tmp_path, "doctor", "--account", "good", "--account", "bad", **given)
    assert shown.returncode == 1
    assert re.search(
        r"^account bad\nsettings +ok .*\napi +ok .*\nclock .*\ncredentials +failed ", shown.stdout, re.M
    )
    assert re.search(r"^Next \(credentials of bad\): Copy it again, or get a new one: ", shown.stdout, re.M)
    assert "All is well" not in shown.stdout
    secrets = [api.account.application_secret, api.account.consumer_key, "consumer-key-of-nobody"]
    assert leaks([*secrets, "t0ken-of-nobody"], [shown.stdout, json.dumps(found)]) == []


@pytest.mark.promise("accounts.named")
def test_what_a_file_says_of_accounts_and_is_not_followed_is_told_with_its_place(
    api: Simulator, tmp_path: Path
) -> None:
    file = tmp_path / ".ovh.conf"
    keys = f"application_key={api.account.application_key}\nconsumer_key=x\n"
    file.write_text(f"[default]\nendpoint={api.url}\n[account my shop]\n{keys}[account x]\nendpoint=mars\n")
    file.chmod(0o600)
    found = told(tmp_path, status=0, PORT="0")
    assert state(found, "files") == ["note"]
    assert found["files"]["facts"] == f"Ignored: {file} [account my shop]"
    assert "letters, digits, dots" in found["files"]["next"]
    found = told(tmp_path, "--account", "x", "--account", "my shop", status=1, PORT="0")
    assert f"{file} [account x] endpoint takes one of eu" in found["accounts"]["x"]["settings"]["facts"]
    assert f"{file} [account my shop] is no account" in found["accounts"]["my shop"]["settings"]["facts"]
    searched = run(tmp_path, "execute", "() => 1", "--log-level", "warning")
    assert f"event=account-sections-ignored next='{file} [account my shop] is no account" in searched.stderr
    file.write_text(f"[default]\nendpoint={api.url}\n[account x]\naccess_token=t0ken-of-nobody\n")
    found = told(tmp_path, "--account", "x", status=1, PORT="0")
    rows = {(row.get("account"), row["name"]): row for row in found["settings"]["rows"]}
    assert rows["x", "endpoint"]["value"] == api.url
    assert rows["x", "endpoint"]["source"] == f"{file} [default] endpoint"
    file.write_text("[default]\nendpoint=%(x)s\n")
    found = told(tmp_path, status=1, PORT="0")
    assert f"{file} [default] endpoint takes one of eu" in found["settings"]["facts"]


def test_a_setting_that_no_account_has_is_told_once_with_accounts_too(tmp_path: Path) -> None:
    found = told(tmp_path, "--account", "a", "--account", "b", status=1, PORT="many")
    assert state(found, "settings", "api") == ["failed", "skipped"]
    assert "PORT is 'many'" in found["settings"]["facts"]
    assert "accounts" not in found


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (TimeoutError(), "There was no answer within 5 s."),
        (ZeroDivisionError("secret"), "The check itself broke: ZeroDivisionError."),
        (SettingsError("So it is. Do that.", code="setting-invalid", hint="Do that."), "So it is."),
    ],
)
async def test_whatever_goes_wrong_in_a_check_is_a_check_that_failed(error: Exception, facts: str) -> None:
    async def find() -> Check:
        raise error

    found = await guarded("x", find, timeout_s=5)
    assert (found.state, found.facts) == ("failed", facts)
    assert found.next_step


async def test_a_check_that_hangs_ends_with_its_time() -> None:
    async def find() -> Check:
        await asyncio.Event().wait()
        raise AssertionError

    assert (await guarded("x", find, timeout_s=0.01)).state == "failed"
