"""The journal: what is recorded when, by real processes that are killed, and by two at a time."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ovh_api_mcp import limits
from ovh_api_mcp.journal.entry import End, Outcome, Write, kept_text, masked_query
from ovh_api_mcp.journal.store import FILE_NAME, JournalError, JournalFile, Kept
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.simulator.simulator import Simulator
from ovh_api_mcp.simulator.testing import running_simulator
from tests.end_to_end.program import WAIT_S, run_once, says, wait_until
from tests.server.real_server import environment

_RECORDS = "/v1/domain/zone/example.com/record"
_ADD = f'async () => await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1" }} }})'


@pytest.fixture(scope="module")
def _api() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def api(_api: Simulator) -> Simulator:
    _api.reset()
    return _api


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def env_of(api: Simulator, home: Path, cache: Path, **more: str) -> dict[str, str]:
    return environment(api, home, OVH_CACHE_DIR=str(cache), OVH_STATE_DIR=str(home / "state"), **more)


def run(
    api: Simulator, home: Path, cache: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return run_once(home, *arguments, **env_of(api, home, cache, **more))


def entries(home: Path) -> list[dict[str, object]]:
    """Return what the journal holds, the oldest first."""
    path = home / "state" / FILE_NAME
    if not path.exists():
        return []
    with closing(JournalFile(path)) as file:
        return [dict(each.as_json()) for each in reversed(list(file.entries(limit=10_000)))]


def writes_of(api: Simulator) -> list[str]:
    return [f"{each.method} {each.target}" for each in list(api.requests) if each.method != "GET"]


# --- what is recorded --------------------------------------------------------------------------------------


@pytest.mark.promise("journal.recorded")
def test_a_write_is_recorded_with_all_that_is_known_of_it(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    done = run(api, tmp_path, cache, "execute", _ADD)
    assert done.returncode == 0, done.stderr
    [entry] = entries(tmp_path)
    assert {**entry, "time": "", "script": "", "answer": None, "queryId": None} == {
        "number": 1,
        "time": "",
        "account": "default",
        "endpoint": api.url,
        "method": "POST",
        "operation": "POST /v1/domain/zone/{zoneName}/record",
        "path": _RECORDS,
        "body": {"fieldType": "A", "target": "203.0.113.1"},
        "before": None,
        "labels": ["write"],
        "decision": "the access mode is full",
        "decidedBy": "mode",
        "script": "",
        "client": "",
        "outcome": "answered",
        "status": 200,
        "queryId": None,
        "attempts": 1,
        "answer": None,
    }
    assert str(entry["queryId"]).startswith("SIM.")
    assert len(str(entry["script"])) == 64
    state = tmp_path / "state"
    assert (state.stat().st_mode & 0o777, (state / FILE_NAME).stat().st_mode & 0o777) == (0o700, 0o600)


def test_reads_are_not_recorded_and_leave_no_file(api: Simulator, tmp_path: Path, cache: Path) -> None:
    assert (
        run(api, tmp_path, cache, "execute", f'async () => (await ovh.get("{_RECORDS}")).length').returncode
        == 0
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.promise("journal.recorded")
@pytest.mark.parametrize(
    ("fault", "outcome", "status"),
    [
        ({"status": 409}, "answered", 409),
        ({"status": 500}, "answered", 500),
        ({"drop": True}, "maybe", None),
        ({"drop": True, "late": True}, "maybe", None),
    ],
)
def test_each_end_is_recorded(
    api: Simulator, tmp_path: Path, cache: Path, fault: dict[str, object], outcome: str, status: int | None
) -> None:
    api.faults.add("POST", _RECORDS, **fault)  # type: ignore[arg-type]  # the fields of a fault
    assert run(api, tmp_path, cache, "execute", _ADD).returncode == 1
    [entry] = entries(tmp_path)
    assert (entry["outcome"], entry["status"]) == (outcome, status)


def test_a_write_that_is_sent_again_is_one_write(tmp_path: Path, cache: Path, api: Simulator) -> None:
    api.faults.add("POST", _RECORDS, status=429)
    done = run(api, tmp_path, cache, "execute", _ADD)
    assert done.returncode == 1
    [entry] = entries(tmp_path)
    assert (entry["outcome"], entry["status"]) == ("answered", 429)
    assert int(str(entry["attempts"])) > 1
    api.faults.clear()
    api.faults.add("POST", _RECORDS, status=429, times=1)
    assert run(api, tmp_path, cache, "execute", _ADD).returncode == 0
    assert (entries(tmp_path)[-1]["status"], entries(tmp_path)[-1]["attempts"]) == (200, 2)


@pytest.mark.promise("journal.recorded")
def test_what_was_there_is_recorded_where_the_script_has_read_it_or_it_is_looked_for(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    [first, second, *_] = [f"{_RECORDS}/{number}" for number in _ids(api, tmp_path, cache)]
    change = f"""async () => {{
      await ovh.get("{first}");
      await ovh.put("{first}", {{ body: {{ ttl: 77 }} }});
      await ovh.put("{second}", {{ body: {{ ttl: 78 }} }});
    }}"""
    run(api, tmp_path, cache, "execute", change)
    known, unknown = entries(tmp_path)
    assert isinstance(known["before"], dict)
    assert (known["before"]["id"], unknown["before"]) == (int(first.rpartition("/")[2]), None)
    api.requests.clear()
    run(api, tmp_path, cache, "execute", f'async () => await ovh.delete("{second}")', "--journal-state")
    assert isinstance(entries(tmp_path)[-1]["before"], dict)
    assert [each.method for each in api.requests if each.target == second] == ["GET", "DELETE"]


def _ids(api: Simulator, home: Path, cache: Path) -> list[int]:
    done = run(api, home, cache, "execute", f'async () => await ovh.get("{_RECORDS}")')
    ids: list[int] = json.loads(done.stdout)
    return ids


@pytest.mark.promise("secrets.never")
def test_secrets_are_masked(api: Simulator) -> None:
    redactor = Redactor([Secret("known-secret")])
    body = {
        "name": "x known-secret",
        "password": "p",
        "nested": [{"apiKey": "k", "clientSecret": "s", "keyName": "n"}],
    }
    kept = kept_text(json.dumps(body).encode(), redactor)
    assert kept is not None
    assert json.loads(kept) == {
        "name": "x ***",
        "password": "***",
        "nested": [{"apiKey": "***", "clientSecret": "***", "keyName": "n"}],
    }
    assert kept_text(b"", redactor) is None
    assert says(str(kept_text(b'"' + b"x" * limits.JOURNAL_BODY_BYTES + b'"', redactor)), "more than is kept")


def test_fields_that_the_schema_calls_a_password_are_masked_whatever_their_name() -> None:
    kept = kept_text(
        b'{"code": "1", "deep": [{"code": "2", "zone": "z"}]}', Redactor(()), frozenset({"code"})
    )
    assert json.loads(str(kept)) == {"code": "***", "deep": [{"code": "***", "zone": "z"}]}
    assert masked_query("/v1/a?code=1&zone=z", frozenset({"code"})) == "/v1/a?code=***&zone=z"


@pytest.mark.promise("secrets.never")
def test_what_reveals_secrets_is_not_kept_and_neither_are_those_in_a_query(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    code = """async () => {
      const project = (await ovh.get("/v1/cloud/project"))[0];
      const clusters = `/v1/cloud/project/${project}/kube`;
      return await ovh.post(`${clusters}/${(await ovh.get(clusters))[0]}/kubeconfig`);
    }"""
    ran = run(api, tmp_path, cache, "execute", code)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["content"]
    [entry] = entries(tmp_path)
    assert "secrets" in entry["labels"]  # type: ignore[operator]  # a list
    assert entry["answer"] is None
    assert masked_query("/v1/a?token=t&name=n&flag") == "/v1/a?token=***&name=n&flag"
    assert masked_query("/v1/a") == "/v1/a"


def test_what_was_read_before_another_change_is_no_longer_what_was_there(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    code = f"""async () => {{
      const [id] = await ovh.get("{_RECORDS}"), path = "{_RECORDS}/" + id;
      await ovh.get(path);
      await ovh.put(path, {{ body: {{ ttl: 77 }} }});
      await ovh.put(path, {{ body: {{ ttl: 78 }} }});
    }}"""
    assert run(api, tmp_path, cache, "execute", code).returncode == 0
    first, second = entries(tmp_path)
    assert isinstance(first["before"], dict)
    assert second["before"] is None


@pytest.mark.promise("journal.recorded")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_is_told_to_stop_records_how_its_writes_ended(
    api: Simulator, tmp_path: Path, cache: Path, ending: signal.Signals
) -> None:
    run(api, tmp_path, cache, "execute", "() => 1")
    api.faults.add("POST", _RECORDS, hang=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "ovh_api_mcp", "execute", _ADD],
        env=env_of(api, tmp_path, cache),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(writes_of(api)) == 1)
    process.send_signal(ending)
    _, told = process.communicate(timeout=WAIT_S)
    [entry] = entries(tmp_path)
    assert "RuntimeError" not in told
    if ending is signal.SIGINT:
        assert entry["outcome"] == "maybe"


def test_a_directory_that_cannot_be_written_is_told_before_the_first_write(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "state").write_text("no directory")
    done = run(api, tmp_path, cache, "execute", "async () => (await ovh.get('/v1/me')).nichandle")
    assert (done.returncode, "event=journal-unwritable" in done.stderr) == (0, True)


# --- what cannot be recorded is not sent -------------------------------------------------------------------


@pytest.mark.promise("journal.first")
@pytest.mark.parametrize("how", ["file", "directory", "other version", "damaged"])
def test_what_cannot_be_recorded_is_not_sent(api: Simulator, tmp_path: Path, cache: Path, how: str) -> None:
    state = tmp_path / "state"
    if how == "file":
        state.write_text("no directory")
    else:
        state.mkdir()
        path = state / FILE_NAME
        if how == "directory":
            path.mkdir()
        elif how == "other version":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA user_version = 99")
        else:
            path.write_bytes(b"x" * 8192)
    done = run(api, tmp_path, cache, "execute", _ADD)
    assert done.returncode == 1
    assert says(done.stderr, "was not sent", "recorded first", "--no-journal")
    assert writes_of(api) == []
    assert (
        run(api, tmp_path, cache, "execute", f'async () => (await ovh.get("{_RECORDS}")).length').returncode
        == 0
    )
    assert run(api, tmp_path, cache, "execute", _ADD, "--no-journal").returncode == 0
    assert len(writes_of(api)) == 1


@pytest.mark.promise("journal.first")
def test_a_full_disk_stops_writes(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with closing(JournalFile(path)) as file:
        with closing(sqlite3.connect(path)) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        file._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = Write("default", "e", "POST", "/v1/a", "/v1/a", body=json.dumps("x" * 50_000))
        with pytest.raises(JournalError, match="full"):
            file.begin(big)


# --- killed at each step -----------------------------------------------------------------------------------


@pytest.mark.promise("journal.first")
@pytest.mark.parametrize("fault", [{"hang": True}, {"hang": True, "late": True}])
def test_a_server_that_is_killed_while_it_waits_leaves_a_write_of_unknown_outcome(
    api: Simulator, tmp_path: Path, cache: Path, fault: dict[str, object]
) -> None:
    run(api, tmp_path, cache, "execute", "() => 1")  # builds the catalogue
    api.faults.add("POST", _RECORDS, **fault)  # type: ignore[arg-type]  # the fields of a fault
    env = env_of(api, tmp_path, cache)
    process = subprocess.Popen(
        [sys.executable, "-m", "ovh_api_mcp", "execute", _ADD],
        env=env,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: len(writes_of(api)) == 1)
    [entry] = entries(tmp_path)  # recorded before it was seen to arrive
    assert entry["outcome"] == "sent"
    process.send_signal(signal.SIGKILL)
    process.wait(WAIT_S)
    [entry] = entries(tmp_path)
    assert (entry["outcome"], entry["status"]) == ("sent", None)
    listed = run(api, tmp_path, cache, "journal")
    assert says(listed.stdout, "sent", "look before you repeat it")
    later = run(api, tmp_path, cache, "execute", "async () => (await ovh.get('/v1/me')).nichandle")
    assert says(later.stderr, "event=writes-unresolved count=1 newest=1")


_DIES = """
import os, signal, sys
from ovh_api_mcp.cli.main import main
from ovh_api_mcp.journal.store import JournalFile
from ovh_api_mcp.ovh.transport import Transport

step = sys.argv.pop(1)
begin, end, send = JournalFile.begin, JournalFile.end, Transport.send

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def reached(name):
    if name == step:
        die()

def inside(file, name):
    if name == step:
        file._connection.set_progress_handler(die, 1)  # in the middle of the statement

def begin_or_die(self, write):
    reached("before it is recorded")
    inside(self, "while it is recorded")
    number = begin(self, write)
    reached("recorded")
    return number

def end_or_die(self, number, how):
    reached("answered")
    inside(self, "while its end is recorded")
    end(self, number, how)
    reached("end recorded")

async def send_or_die(self, request, **more):
    if request.method != "POST":
        return await send(self, request, **more)
    reached("about to be sent")
    response = await send(self, request, **more)
    reached("heard of")
    return response

JournalFile.begin, JournalFile.end, Transport.send = begin_or_die, end_or_die, send_or_die
main()
"""


@pytest.mark.promise("journal.first")
@pytest.mark.parametrize(
    ("step", "recorded", "sent"),
    [
        ("before it is recorded", [], 0),
        ("while it is recorded", [], 0),
        ("recorded", ["sent"], 0),
        ("about to be sent", ["sent"], 0),
        ("heard of", ["sent"], 1),
        ("answered", ["sent"], 1),
        ("while its end is recorded", ["sent"], 1),
        ("end recorded", ["answered"], 1),
        ("never", ["answered"], 1),
    ],
)
def test_killed_at_each_step_of_a_write_the_journal_tells_what_may_have_happened(
    api: Simulator, tmp_path: Path, cache: Path, step: str, recorded: list[str], sent: int
) -> None:
    run(api, tmp_path, cache, "execute", "() => 1")  # builds the catalogue
    done = subprocess.run(
        [sys.executable, "-c", _DIES, step, "execute", _ADD],
        env=env_of(api, tmp_path, cache),
        cwd=tmp_path,
        timeout=WAIT_S,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == (0 if step == "never" else -signal.SIGKILL), done.stderr
    assert [each["outcome"] for each in entries(tmp_path)] == recorded
    assert len(writes_of(api)) == sent
    later = run(api, tmp_path, cache, "execute", "async () => (await ovh.get('/v1/me')).nichandle")
    assert ("event=writes-unresolved count=1" in later.stderr) == (recorded == ["sent"])
    if recorded == ["sent"]:
        assert says(run(api, tmp_path, cache, "journal").stdout, "sent", "look before you repeat it")


@pytest.mark.promise("journal.first")
def test_killed_at_any_moment_nothing_is_sent_that_is_not_recorded_and_nothing_recorded_that_was_not_answered(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    run(api, tmp_path, cache, "execute", "() => 1")
    code = f"""async () => {{
      for (let i = 0; i < 500; i++) await ovh.post("{_RECORDS}", {{
        body: {{ fieldType: "A", target: "203.0.113.1", subDomain: "n" + i }} }});
    }}"""
    for answered in (1, 7, 20):
        api.requests.clear()
        process = subprocess.Popen(
            [sys.executable, "-m", "ovh_api_mcp", "execute", code],
            env=env_of(api, tmp_path, cache),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda wanted=answered: len(writes_of(api)) >= wanted)  # type: ignore[misc]  # bound now
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
        wait_until(lambda: all(each.duration_s for each in list(api.requests)))
        recorded = entries(tmp_path)
        sent = writes_of(api)
        mine = recorded[-len(sent) :] if sent else []
        assert len(recorded) >= len(sent)
        done = [each for each in mine if each["outcome"] == "answered"]
        processed = sum(each.was_processed for each in list(api.requests) if each.method == "POST")
        assert len(done) <= processed
        assert [each["outcome"] for each in mine[:-2]] == ["answered"] * len(mine[:-2])
        (tmp_path / "state" / FILE_NAME).unlink()


@pytest.mark.promise("journal.first")
def test_two_processes_write_into_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "state" / FILE_NAME
    code = (
        "import sys; from pathlib import Path; from ovh_api_mcp.journal.entry import *; "
        "from ovh_api_mcp.journal.store import JournalFile; file = JournalFile(Path(sys.argv[1]))\n"
        "for i in range(50):\n"
        "    number = file.begin(Write(sys.argv[2], 'e', 'POST', '/v1/a', f'/v1/a/{i}'))\n"
        "    file.end(number, End(Outcome.ANSWERED, 200))\n"
    )
    with ThreadPoolExecutor(2) as threads:
        ends = list(
            threads.map(
                lambda name: subprocess.run(
                    [sys.executable, "-c", code, str(path), name],
                    timeout=WAIT_S,
                    check=False,
                    capture_output=True,
                ),
                ("one", "two"),
            )
        )
    assert [end.returncode for end in ends] == [0, 0], ends
    told = entries(tmp_path)
    assert len(told) == 100
    assert {each["outcome"] for each in told} == {"answered"}
    for name in ("one", "two"):
        assert [each["path"] for each in told if each["account"] == name] == [f"/v1/a/{i}" for i in range(50)]


def test_old_writes_and_those_beyond_a_count_are_forgotten_but_for_young_ones_without_an_end(
    tmp_path: Path,
) -> None:
    with closing(JournalFile(tmp_path / FILE_NAME)) as file:
        for number in range(10):
            file.begin(Write("default", "e", "POST", "/v1/a", f"/v1/a/{number}"))
            if number != 4:
                file.end(number + 1, End(Outcome.ANSWERED, 200))
        file._connection.execute("UPDATE writes SET at = 0 WHERE number <= 3")
        assert file.forget(Kept(1_000_000, entries=4)) == 5
        assert [each.number for each in file.entries()] == [10, 9, 8, 7, 5]


def test_the_oldest_writes_go_where_the_file_is_too_large_but_for_those_without_an_end(
    tmp_path: Path,
) -> None:
    body = json.dumps("x" * 20_000)
    with closing(JournalFile(tmp_path / FILE_NAME)) as file:
        for number in range(1, 301):
            file.begin(Write("default", "e", "POST", "/v1/a", f"/v1/a/{number}", body=body))
            if number != 2:
                file.end(number, End(Outcome.ANSWERED, 200))
        large = _size(file)
        assert file.forget(Kept(1_000_000, octets=3 * limits.MIB)) == 200
        left = [each.number for each in file.entries(limit=1_000)]
        assert left == [*range(300, 201, -1), 2]
        assert _size(file) < large / 2
        assert file.forget(Kept(1_000_000, octets=1)) == 99
        assert [each.number for each in file.entries()] == [2]


def _size(file: JournalFile) -> int:
    file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return file.path.stat().st_size


def test_a_write_of_a_process_that_runs_is_not_unresolved(tmp_path: Path) -> None:
    with closing(JournalFile(tmp_path / FILE_NAME)) as file:
        file.begin(Write("default", "e", "POST", "/v1/a", "/v1/a"))
        assert file.unresolved() == []
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait(WAIT_S)
        for process in (f"{gone.pid} ", f"{gone.pid} x", f"{os.getpid()} another-start"):
            file._connection.execute("UPDATE writes SET process = ?", (process,))
            assert file.unresolved() == [1]
        file.end(1, End(Outcome.ANSWERED, 200))
        assert file.unresolved() == []


# --- the command line --------------------------------------------------------------------------------------


@pytest.fixture
def story(api: Simulator, tmp_path: Path, cache: Path) -> tuple[Path, int]:
    """A journal with an addition, a change and a deletion; the id of the record that was added."""
    code = f"""async () => {{
      const {{ id }} = await ovh.post("{_RECORDS}", {{ body: {{ fieldType: "A", target: "203.0.113.1", ttl: 60 }} }});
      const [other] = await ovh.get("{_RECORDS}");
      const before = await ovh.get("{_RECORDS}/" + other);
      await ovh.put("{_RECORDS}/" + other, {{ body: {{ ttl: 4242 }} }});
      await ovh.get("{_RECORDS}/" + other);
      await ovh.delete("{_RECORDS}/" + other);
      return [id, other, before.ttl];
    }}"""
    done = run(api, tmp_path, cache, "execute", code)
    assert done.returncode == 0, done.stderr
    return tmp_path, json.loads(done.stdout)[0]


@pytest.mark.promise("journal.shown")
def test_the_command_lists_filters_shows_and_exports(
    api: Simulator, cache: Path, story: tuple[Path, int]
) -> None:
    home, _ = story
    listed = run(api, home, cache, "journal").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["no.", "3", "2", "1"]
    assert says(listed[1], "answered 200", "DELETE", "default")
    told = json.loads(run(api, home, cache, "journal", "--json", "--method", "put").stdout)
    assert [each["number"] for each in told] == [2]
    for filters, numbers in (
        (["--path", "*/record"], [1]),
        (["--outcome", "maybe"], []),
        (["--since", "1h", "--limit", "2"], [3, 2]),
        (["--since", "2999-01-01"], []),
        (["--of-account", "default"], [3, 2, 1]),
    ):
        told = json.loads(run(api, home, cache, "journal", "--json", *filters).stdout or "[]")
        assert [each["number"] for each in told] == numbers, filters
    shown = run(api, home, cache, "journal", "show", "2").stdout
    assert says(shown, "PUT", "+ ttl: 4242", "- ttl:", "mode, because the access mode is full", "query id")
    assert says(run(api, home, cache, "journal", "show", "3").stdout, "DELETE", "- ttl: 4242")
    assert [
        each["number"]
        for each in json.loads(run(api, home, cache, "journal", "--json", "--status", "200").stdout)
    ] == [3, 2, 1]
    with closing(JournalFile(home / "state" / FILE_NAME)) as file:
        for number in range(1_200):
            file.begin(Write("many", "e", "POST", "/v1/a", f"/v1/a/{number}"))
    assert len(run(api, home, cache, "journal", "export").stdout.splitlines()) == 1_203
    lines = run(api, home, cache, "journal", "export", "--of-account", "default").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [3, 2, 1]
    missing = run(api, home, cache, "journal", "show", "99999")
    assert (missing.returncode, "no write 99999" in missing.stderr) == (2, True)
    assert "takes a date" in run(api, home, cache, "journal", "--since", "soon").stderr
    assert "no journal" in run(api, home, cache, "journal", "--no-journal").stderr


def test_without_a_journal_the_command_says_so(api: Simulator, tmp_path: Path, cache: Path) -> None:
    done = run(api, tmp_path, cache, "journal")
    assert (done.returncode, "Nothing is recorded yet" in done.stderr) == (0, True)
    assert not (tmp_path / "state").exists()


@pytest.mark.promise("journal.revert")
def test_a_write_is_taken_back_after_a_yes_and_that_is_recorded_too(
    api: Simulator, cache: Path, story: tuple[Path, int]
) -> None:
    home, added = story
    api.requests.clear()
    tried = run(api, home, cache, "journal", "revert", "1")
    assert says(tried.stdout, f"DELETE {_RECORDS}/{{id}}", str(added))
    assert says(tried.stderr, "Nothing was sent", "--yes")
    assert writes_of(api) == []
    assert run(api, home, cache, "journal", "revert", "1", "--yes").returncode == 0
    assert run(api, home, cache, "journal", "revert", "3", "--yes").returncode == 0
    assert [line.split()[0] for line in writes_of(api)] == ["DELETE", "POST"]
    told = entries(home)
    assert [each["method"] for each in told] == ["POST", "PUT", "DELETE", "DELETE", "POST"]
    assert told[-1]["client"] == "journal revert 3"
    again = run(api, home, cache, "journal", "revert", "3", "--yes")
    assert (again.returncode, "taken back already, by 5" in again.stderr) == (2, True)
    body = told[-1]["body"]
    assert isinstance(body, dict)
    assert body["ttl"] == 4242


@pytest.mark.promise("journal.revert")
def test_a_write_of_unknown_outcome_or_of_another_api_is_not_taken_back(
    api: Simulator, tmp_path: Path, cache: Path
) -> None:
    [record, *_] = _ids(api, tmp_path, cache)
    path = f"{_RECORDS}/{record}"
    api.faults.add("DELETE", path, drop=True)
    code = f'async () => {{ await ovh.get("{path}"); await ovh.delete("{path}") }}'
    run(api, tmp_path, cache, "execute", code)
    done = run(api, tmp_path, cache, "journal", "revert", "1", "--yes")
    assert (done.returncode, "is not known" in done.stdout) == (1, True)
    run(api, tmp_path, cache, "execute", _ADD)
    with running_simulator() as other:
        done = run(other, tmp_path, cache, "journal", "revert", "2", "--yes")
        assert writes_of(other) == []
    assert done.returncode == 2
    assert says(done.stderr, api.url, "Name the right --endpoint")


@pytest.mark.promise("journal.revert")
def test_a_change_is_set_to_what_it_was(api: Simulator, tmp_path: Path, cache: Path) -> None:
    code = f"""async () => {{
      const [id] = await ovh.get("{_RECORDS}");
      const {{ ttl }} = await ovh.get("{_RECORDS}/" + id);
      await ovh.put("{_RECORDS}/" + id, {{ body: {{ ttl: 4343 }} }});
      return [id, ttl];
    }}"""
    [record, ttl] = json.loads(run(api, tmp_path, cache, "execute", code).stdout)
    assert run(api, tmp_path, cache, "journal", "revert", "1", "--yes").returncode == 0
    now = run(
        api, tmp_path, cache, "execute", f'async () => (await ovh.get("{_RECORDS}/{record}")).ttl'
    ).stdout
    assert json.loads(now) == ttl


@pytest.mark.promise("journal.revert")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "ovh.post('/v1/vps/' + (await ovh.get('/v1/vps'))[0] + '/reboot')",
            "created nothing that can be deleted",
        ),
        (
            f"ovh.put('{_RECORDS}/' + (await ovh.get('{_RECORDS}'))[0], {{ body: {{ ttl: 1 }} }})",
            "is not recorded",
        ),
        (
            f"ovh.post('{_RECORDS}', {{ validate: 'warn', body: {{ fieldType: 'NO' }} }}).catch(() => 0)",
            "changed nothing",
        ),
    ],
)
def test_what_nothing_takes_back_is_told_with_the_reason(
    api: Simulator, tmp_path: Path, cache: Path, code: str, words: str
) -> None:
    run(api, tmp_path, cache, "execute", f"async () => await {code}")
    done = run(api, tmp_path, cache, "journal", "revert", "1", "--yes")
    assert (done.returncode, words in done.stdout) == (1, True), done.stdout + done.stderr
    told = json.loads(run(api, tmp_path, cache, "journal", "revert", "1", "--json").stdout)
    assert told["call"] is None
