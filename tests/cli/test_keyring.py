"""`--keyring`: secrets in the system's keyring, where login puts them and the server reads them.

The keyring is a stand-in behind the library's interface, found on the import path: a file of its own, in which nobody reads a secret by chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovh_api_mcp.simulator.simulator import Simulator
from tests.cli.login_program import piped, visit
from tests.cli.test_main import run
from tests.end_to_end.api import running_simulator

_KEYRING = """
import json, os, pathlib
_file = pathlib.Path(os.environ["HOME"]) / "keyring.json"
def _held():
    if os.environ.get("KEYRING_LOCKED"):
        raise RuntimeError("locked: s3cret-in-an-error")
    return json.loads(_file.read_text()) if _file.exists() else {}
def get_password(service_name, username):
    held = _held().get(f"{service_name}/{username}")
    return held and bytes.fromhex(held).decode()
def set_password(service_name, username, password):
    _file.write_text(json.dumps({**_held(), f"{service_name}/{username}": password.encode().hex()}))
def delete_password(service_name, username):
    _file.write_text(json.dumps({k: v for k, v in _held().items() if k != f"{service_name}/{username}"}))
"""


@pytest.fixture
def api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def given(api: Simulator, tmp_path: Path) -> dict[str, str]:
    """Variables of a run that finds the library and knows the application."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "keyring.py").write_text(_KEYRING)
    return {
        "PYTHONPATH": str(tmp_path / "path"),
        "OVH_ENDPOINT": api.url,
        "OVH_APPLICATION_KEY": api.account.application_key,
        "OVH_APPLICATION_SECRET": api.account.application_secret,
    }


def log_in(home: Path, given: dict[str, str], *arguments: str) -> str:
    with piped(home, "login", *arguments, **given) as login:
        visit(login.link())
        assert login.end() == 0, login.text
    return login.text


def held(home: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((home / "keyring.json").read_text())
    return {name: bytes.fromhex(secret).decode() for name, secret in found.items()}


@pytest.mark.promise("login.keyring")
def test_secrets_go_to_the_keyring_and_the_server_reads_them_there(
    api: Simulator, given: dict[str, str], tmp_path: Path
) -> None:
    log_in(tmp_path, given, "--keyring")
    text = (tmp_path / ".ovh.conf").read_text()
    assert text.endswith("application_secret=keyring\nconsumer_key=keyring\n")
    secrets = held(tmp_path)
    assert sorted(secrets) == [
        f"ovh-api-mcp/{api.url} application_secret",
        f"ovh-api-mcp/{api.url} consumer_key",
    ]
    path = {"PYTHONPATH": given["PYTHONPATH"]}
    done = run(tmp_path, "execute", "async () => (await ovh.get('/v1/me')).nichandle", **path)
    assert (done.returncode, done.stdout) == (0, f'"{api.account.nichandle}"\n')
    doctor = json.loads(run(tmp_path, "doctor", "--json", "--port", "0", **path).stdout)
    rows = {row["name"]: row for row in doctor["settings"]["rows"]}
    assert rows["consumer-key"]["source"].endswith("consumer_key (keyring)")
    gone = run(tmp_path, "logout", **path)
    assert (gone.returncode, gone.stderr) == (0, "")
    key = secrets[f"ovh-api-mcp/{api.url} consumer_key"]
    found = api.consumer_keys.find(key)
    assert found is not None
    assert found.state == "expired"
    assert list(held(tmp_path)) == [f"ovh-api-mcp/{api.url} application_secret"]
    assert "consumer_key" not in (tmp_path / ".ovh.conf").read_text()


def test_a_login_without_it_takes_the_secrets_back_into_the_file(
    given: dict[str, str], tmp_path: Path
) -> None:
    log_in(tmp_path, given, "--keyring")
    log_in(tmp_path, given)
    assert "=keyring" not in (tmp_path / ".ovh.conf").read_text()
    assert held(tmp_path) == {}


@pytest.mark.promise("login.keyring")
def test_without_the_library_it_says_how_to_install_it(given: dict[str, str], tmp_path: Path) -> None:
    (Path(given["PYTHONPATH"]) / "keyring.py").write_text("raise ImportError")
    done = run(tmp_path, "login", "--keyring", **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipx install 'ovh-api-mcp[keyring]'" in done.stderr
    assert not (tmp_path / ".ovh.conf").exists()


@pytest.mark.promise("login.keyring")
def test_a_keyring_that_is_locked_stops_login_and_server_with_what_to_do(
    given: dict[str, str], tmp_path: Path
) -> None:
    log_in(tmp_path, given, "--keyring")
    for command in (["login", "--keyring"], ["execute", "() => 1"]):
        done = run(tmp_path, *command, KEYRING_LOCKED="1", **given)
        assert (done.returncode, done.stdout) == (2, "")
        assert "The system's keyring cannot be used (RuntimeError)" in done.stderr
        assert "s3cret" not in done.stderr


@pytest.mark.promise("logout")
def test_logout_takes_the_mark_of_a_locked_keyring_away_by_force_only_and_says_what_is_left_to_do(
    given: dict[str, str], tmp_path: Path
) -> None:
    log_in(tmp_path, given, "--keyring")
    kept = run(tmp_path, "logout", KEYRING_LOCKED="1", **given)
    assert (kept.returncode, kept.stdout) == (1, "")
    assert "consumer_key=keyring" in (tmp_path / ".ovh.conf").read_text()
    done = run(tmp_path, "logout", "--force", KEYRING_LOCKED="1", **given)
    assert done.returncode == 0
    assert "The system's keyring cannot be used (RuntimeError)" in done.stderr
    assert "DELETE /v1/me/api/credential/{credentialId}" in done.stderr
    assert "s3cret" not in done.stderr
    assert "consumer_key" not in (tmp_path / ".ovh.conf").read_text()


def test_a_mark_without_its_secret_is_an_error_until_one_logs_in_again(
    given: dict[str, str], tmp_path: Path
) -> None:
    log_in(tmp_path, given, "--keyring")
    (tmp_path / "keyring.json").unlink()
    alone = {"PYTHONPATH": given["PYTHONPATH"]}
    done = run(tmp_path, "execute", "() => 1", **alone)
    assert done.returncode == 2
    assert "The keyring holds no application_secret" in done.stderr
    assert "ovh-api-mcp login" in done.stderr
    log_in(tmp_path, given)
    assert run(tmp_path, "execute", "() => 1", **alone).returncode == 0
