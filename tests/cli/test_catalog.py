"""`ovh-api-mcp catalog`: each command as a process, on the simulator."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.cli.yaml_text import yaml_lines
from ovh_api_mcp.simulator.library import OWN_SCHEMAS
from ovh_api_mcp.simulator.simulator import Simulator
from tests.cli.test_main import run
from tests.end_to_end.api import running_simulator

pytestmark = pytest.mark.promise("cli.catalog")


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of the simulator's own schemas, to be changed."""
    shutil.copytree(OWN_SCHEMAS, tmp_path / "schemas")
    return tmp_path / "schemas"


@pytest.fixture
def api(schemas: Path) -> Iterator[Simulator]:
    with running_simulator(schemas) as simulator:
        yield simulator


@pytest.fixture
def catalog(api: Simulator, tmp_path: Path) -> Any:
    """Run a command of `catalog` on the simulated API, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()

    def catalog(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = run(home, "catalog", *arguments, OVH_ENDPOINT=api.url)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return catalog


def age(tmp_path: Path) -> None:
    [path] = (tmp_path / "home" / "cache").glob("*.sqlite")
    with closing(sqlite3.connect(path)) as connection, connection:
        [(info,)] = connection.execute("SELECT info FROM meta")
        old = json.loads(info) | {"built_at": time.time() - 2 * 86_400}
        connection.execute("UPDATE meta SET info = ?", [json.dumps(old).encode()])


def test_status_tells_what_there_is(catalog: Any, api: Simulator, tmp_path: Path) -> None:
    absent = catalog("status", status=1)
    assert "absent" in absent.stdout
    assert "ovh-api-mcp catalog refresh" in absent.stderr
    assert json.loads(catalog("--json", status=1).stdout)["state"] == "absent"
    assert list(api.requests) == [], "it only looks"
    catalog("refresh")
    told = json.loads(catalog("status", "--json").stdout)
    assert told == json.loads(catalog("--json").stdout)
    assert (told["state"], told["services"], told["failed"]) == ("fresh", 8, {})
    assert told["endpoint"] == api.url
    assert Path(told["file"]).stat().st_size == told["bytes"]
    assert told["builtAt"] < told["freshUntil"]
    shown = catalog().stdout
    for word in ("fresh", "8 (*)", f"{told['operations']:,} on {told['paths']:,} paths", told["file"]):
        assert word in shown
    age(tmp_path)
    assert re.search(r"catalogue +expired", catalog().stdout)
    assert "2 days ago" in catalog().stdout


def test_status_names_the_services_that_failed(catalog: Any, api: Simulator) -> None:
    api.faults.add("GET", "/v1/vps.json", status=404)
    done = catalog("refresh")
    assert "v1/vps could not be loaded: " in done.stderr
    assert "7 (*), 1 failed" in done.stdout
    assert json.loads(catalog("--json").stdout)["absent"] == ["v1/vps"]


def test_refresh_builds_anew_and_fetches_only_what_has_changed(
    catalog: Any, api: Simulator, schemas: Path
) -> None:
    first = json.loads(catalog("refresh", "--json").stdout)
    path = schemas / "v1" / "vps.json"
    path.write_text(path.read_text().replace("Restart a server", "Turn a server off and on"))
    api.requests.clear()
    second = json.loads(catalog("refresh", "--json").stdout)
    statuses = {each.target: each.status for each in api.requests if each.target.endswith(".json")}
    assert [target for target, status in statuses.items() if status == 200] == ["/v1/vps.json"]
    assert len(statuses) == 8
    assert second["operations"] == first["operations"]
    assert "Turn a server off and on" in catalog("find", "/v1/vps/{serviceName}/reboot").stdout


def test_a_refresh_that_gets_nothing_leaves_what_there_was(catalog: Any, api: Simulator) -> None:
    catalog("refresh")
    before = catalog("find", "reboot").stdout
    api.faults.add("GET", "/v", status=404)
    assert catalog("find", "reboot").stdout == before
    told = catalog("refresh", status=1).stderr
    assert "copies of its services are used" in told
    assert "Nothing could be loaded" in told
    assert catalog("find", "reboot").stdout == before


def test_diff_tells_what_was_added_removed_changed_and_deprecated(
    catalog: Any, schemas: Path, tmp_path: Path
) -> None:
    catalog("refresh")
    assert catalog("diff").stdout == "Nothing has changed.\n"
    path = schemas / "v1" / "vps.json"
    schema = json.loads(path.read_text())
    operations = {
        (each["httpMethod"], api["path"]): each for api in schema["apis"] for each in api["operations"]
    }
    operations["POST", "/vps/{serviceName}/reboot"]["description"] = "Turn it off and on"
    operations["POST", "/vps/{serviceName}/stop"]["apiStatus"] = {"value": "DEPRECATED"}
    start = next(each for each in schema["apis"] if each["path"] == "/vps/{serviceName}/start")
    start["path"] = "/vps/{serviceName}/begin"
    model = schema["models"][operations["GET", "/vps/{serviceName}"]["responseType"]]
    model["properties"]["colour"] = {"type": "string", "canBeNull": True, "required": False}
    path.write_text(json.dumps(schema))

    found = json.loads(catalog("diff", "--json").stdout)
    assert found["added"] == ["POST /v1/vps/{serviceName}/begin"]
    assert found["removed"] == ["POST /v1/vps/{serviceName}/start"]
    assert found["newlyDeprecated"] == ["POST /v1/vps/{serviceName}/stop"]
    changed = {each["operation"]: each["parts"] for each in found["changed"]}
    assert changed["POST /v1/vps/{serviceName}/reboot"] == ["summary"]
    assert changed["GET /v1/vps/{serviceName}"] == ["schemas"]
    assert "GET /v1/vps" not in changed
    assert found["failed"] == {}

    shown = catalog("diff", "--keep").stdout
    for word in ("added: 1", "removed: 1", "newly deprecated: 1", "/v1/vps/{serviceName}/begin"):
        assert word in shown
    assert catalog("diff").stdout == "Nothing has changed.\n"
    assert not list((tmp_path / "home" / "cache").glob("*.tmp"))


def test_diff_without_a_catalogue_says_how_to_get_one(catalog: Any) -> None:
    done = catalog("diff", status=1)
    assert done.stdout == ""
    assert "ovh-api-mcp catalog refresh" in done.stderr


def test_find_gives_a_table_or_json(catalog: Any, api: Simulator) -> None:
    table = catalog("find", "reboot", "a", "vps").stdout.splitlines()
    assert table[0].split() == ["method", "path", "status", "risk", "summary"]
    assert table[1].split(maxsplit=2)[:2] == ["POST", "/v1/vps/{serviceName}/reboot"]
    [found] = json.loads(catalog("find", "reboot", "--limit", "1", "--method", "post", "--json").stdout)
    assert found.keys() == {"method", "path", "summary", "status", "service", "risk", "score"}
    assert found["method"] == "POST"
    rows = json.loads(catalog("--json", "find", "server", "--service", "vps").stdout)
    assert {each["service"] for each in rows} == {"v1/vps"}
    assert "Nothing was found" in catalog("find", "qqqqzzzz").stderr
    assert "vps" in catalog("find", "reboot", "--service", "vsp", status=1).stderr
    catalog("find", "reboot", "--limit", "0", status=2)
    assert [each.target for each in api.requests].count("/v1/") == 1, "built once, then from the cache"


def test_describe_tells_of_several_operations(catalog: Any) -> None:
    done = catalog("describe", "GET", "/v1/me", "POST /v1/vps/{serviceName}/reboot", "POST", "/v1/vps/x/stop")
    first, second, third = done.stdout.rstrip("\n").split("\n\n")
    assert first.startswith("GET /v1/me\n")
    assert second.startswith("POST /v1/vps/{serviceName}/reboot\n")
    assert third.startswith("POST /v1/vps/{serviceName}/stop\n")
    [told] = json.loads(catalog("describe", "--json", "get", "/v1/me").stdout)
    assert told == {"operation": "GET /v1/me", "description": first}
    refused = catalog("describe", "GET", "/v1/greenhouse", status=1)
    assert (refused.stdout, "no operation GET /v1/greenhouse" in refused.stderr) == ("", True)


def test_export_writes_the_document_as_json_and_as_yaml(catalog: Any, tmp_path: Path) -> None:
    document = json.loads(catalog("export").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v1/me" in document["paths"]
    assert yaml.safe_load(catalog("export", "--format", "yaml").stdout) == document
    for name in ("api.yml", "api.json"):
        out = tmp_path / name
        assert catalog("export", "-o", str(out)).stdout == ""
        assert (yaml.safe_load if name.endswith("yml") else json.loads)(out.read_text()) == document
    done = catalog("export", "-o", str(tmp_path / "absent" / "api.json"), status=1)
    assert "cannot be written: No such file or directory" in done.stderr


def test_settings_that_make_no_sense_are_status_2(catalog: Any) -> None:
    assert "--cache-ttl" in catalog("status", "--cache-ttl", "often", status=2).stderr
    catalog("prune", status=2)


_CHOICE = [
    *("--endpoint", "--account", "--services", "--risk-rules"),
    *("--cache-dir", "--cache-ttl", "--log-level", "--help"),
]


@pytest.mark.parametrize(
    ("command", "own"),
    [
        ("status", ["--json"]),
        ("refresh", ["--json"]),
        ("diff", ["--keep", "--json"]),
        ("find", ["--limit", "--service", "--method", "--status", "--json", "--no-cache", "--schemas"]),
        ("describe", ["--json", "--no-cache", "--schemas"]),
        ("export", ["--format", "--output", "--no-cache", "--schemas"]),
    ],
)
def test_help_shows_what_has_an_effect_and_nothing_else(catalog: Any, command: str, own: list[str]) -> None:
    shown = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", catalog(command, "--help").stdout, re.MULTILINE)
    assert {*shown} == {*own, *_CHOICE}


def test_what_concerns_calls_is_no_option_of_the_catalogue(catalog: Any) -> None:
    assert "No such option" in catalog("find", "--app-key", "k", "vps", status=2).stderr


def test_describe_names_nothing_where_nothing_is_near(catalog: Any) -> None:
    done = catalog("describe", "/v1/nope", status=1)
    assert "The API has no operation /v1/nope. Nothing near it is known" in done.stderr
    assert "The nearest" not in done.stderr


@pytest.mark.parametrize("command", ["refresh", "diff"])
def test_what_needs_a_cache_says_so_where_there_is_none(catalog: Any, command: str) -> None:
    assert "No catalogue is kept here: --no-cache" in catalog(command, "--no-cache", status=1).stderr
    assert "simulator" in catalog(command, "--endpoint", "simulator", status=1).stderr


def test_an_unknown_service_is_told_with_the_nearest(catalog: Any) -> None:
    done = catalog("refresh", "--services", "domian", status=1)
    assert "no service domian. The nearest it has: domain" in done.stderr


def test_an_api_that_is_not_there_is_told(catalog: Any) -> None:
    done = catalog("find", "vps", "--endpoint", "http://127.0.0.1:1", status=1)
    assert "no service of" in done.stderr


def test_a_terminal_sees_how_far_a_build_is(api: Simulator, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "ovh_api_mcp", "catalog", "refresh"],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "OVH_ENDPOINT": api.url, "TERM": "xterm"},
        )
        os.close(slave)
        seen = b""
        try:
            while piece := screen.read(4096):
                seen += piece
        except OSError:  # Linux's word for the end of a terminal
            pass
        assert process.wait(60) == 0
    shown = seen.decode()
    assert "loading services" in shown
    assert "█" in shown
    assert "\x1b[1mcatalogue" in shown


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_value_reads_the_same_as_yaml(value: Any) -> None:
    assert yaml.safe_load("\n".join(yaml_lines(value))) == value


@pytest.mark.parametrize(
    "name", ["on", "NO", "y", "null", "1", "1e3", "~", "-", "a: b", "# c", "", "2026-01-01"]
)
def test_names_that_yaml_takes_for_something_else_are_quoted(name: str) -> None:
    assert yaml.safe_load("\n".join(yaml_lines({name: name, "x-y": [name]}))) == {name: name, "x-y": [name]}
