"""The end of a server over stdio: by the end of input and by signals, idle and during a call."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from ovh_api_mcp import limits

_PROGRAM = Path(__file__).with_name("tiny_stdio_server.py")
_WAIT_S = 20.0
_STRAY = "this must not reach the client"


class Client:
    """The other end of the pipes, written by hand."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._last_id = 0
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin: IO[str] = process.stdin
        self.stdout: IO[str] = process.stdout
        self.stderr: IO[str] = process.stderr

    def ask(self, method: str, **params: object) -> int:
        """Send a request and return its id."""
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def call(self, name: str, **arguments: object) -> int:
        """Call a tool, wait until it runs, and return the request's id."""
        request_id = self.ask("tools/call", name=name, arguments=arguments)
        self.wait_told("called")
        return request_id

    def give_up(self, request_id: int) -> None:
        """Tell the server that the answer is no longer wanted."""
        params = {"requestId": request_id}
        self._send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def answer(self) -> dict[str, object]:
        """Return the next message of the server."""
        message: dict[str, object] = json.loads(self.stdout.readline())
        return message

    def wait_told(self, word: str) -> None:
        """Read standard error up to `word`."""
        for line in self.stderr:
            if line.strip() == word:
                return
        pytest.fail(f"the server ended without having said {word}")

    def initialize(self) -> None:
        """Shake hands."""
        info = {"name": "by-hand", "version": "1"}
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
        self.answer()
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def wait_end(self) -> tuple[int, list[str], list[str]]:
        """Return exit status, the rest of what came to the client, and what the server has told since."""
        out, err = self.stdout.read(), self.stderr.read()
        told = [line for line in err.splitlines() if line != _STRAY]
        return self.process.wait(_WAIT_S), out.splitlines(), told

    def _send(self, message: dict[str, object]) -> None:
        self.stdin.write(json.dumps(message) + "\n")
        self.stdin.flush()


@pytest.fixture
def grace_s() -> float:
    return limits.GRACE_S


@pytest.fixture
def client(grace_s: float) -> Iterator[Client]:
    """Return a client whose server is ready."""
    pipe = subprocess.PIPE
    command = [sys.executable, str(_PROGRAM), str(grace_s)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        client = Client(process)
        client.initialize()
        yield client
        process.kill()


@pytest.mark.promise("stop")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None])
def test_an_idle_server_ends_in_order(client: Client, ending: signal.Signals | None) -> None:
    _end(client, ending)
    status, out, err = client.wait_end()
    assert (status, out) == (0, [])
    assert err[-2:] == ["ended", "cleaned"]


@pytest.mark.parametrize("grace_s", [0.2])
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None])
def test_a_call_that_takes_too_long_is_cancelled_and_told_so(
    client: Client, ending: signal.Signals | None
) -> None:
    request_id = client.call("wait")
    _end(client, ending)
    status, out, err = client.wait_end()
    assert status == 0
    assert err == ["cancelled", "ended", "cleaned"]
    assert [json.loads(line)["id"] for line in out] == [request_id]
    assert "error" in json.loads(out[0])


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None])
def test_a_call_that_ends_within_the_grace_is_answered(
    client: Client, ending: signal.Signals | None, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    request_id = client.call("until", file=str(go))
    _end(client, ending)
    go.touch()
    status, out, err = client.wait_end()
    assert (status, err) == (0, ["ended", "cleaned"])
    [answer] = map(json.loads, out)
    assert answer["id"] == request_id
    assert len(answer["result"]["content"][0]["text"]) == 300_000


def test_a_call_that_was_given_up_is_not_waited_for(client: Client) -> None:
    request_id = client.call("wait")
    client.give_up(request_id)
    client.wait_told("cancelled")
    client.process.send_signal(signal.SIGTERM)
    assert client.wait_end() == (0, [], ["ended", "cleaned"])


@pytest.mark.parametrize("grace_s", [60.0])
def test_a_second_signal_cuts_the_grace_short(client: Client) -> None:
    client.call("wait")
    for ending in (signal.SIGINT, signal.SIGTERM):  # two of a kind may arrive as one
        client.process.send_signal(ending)
    status, _, err = client.wait_end()
    assert (status, err) == (0, ["cancelled", "ended", "cleaned"])


def test_a_client_that_is_killed_during_a_call_ends_the_server_in_order(
    client: Client, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    client.call("until", file=str(go))
    client.stdout.close()
    client.stdin.close()
    go.touch()
    client.wait_told("ended")
    client.wait_told("cleaned")
    assert client.process.wait(_WAIT_S) == 0


@pytest.mark.parametrize("grace_s", [0.2])
def test_a_client_that_never_reads_cannot_keep_the_server_from_ending(client: Client, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.touch()
    client.call("until", file=str(go))
    client.process.send_signal(signal.SIGTERM)
    assert client.process.wait(_WAIT_S) == 1


@pytest.mark.promise("stdio.only-mcp")
def test_what_strays_onto_stdout_ends_up_on_stderr(client: Client) -> None:
    client.give_up(client.call("wait"))
    client.stdin.close()
    assert _STRAY in client.stderr.read()
    assert not client.stdout.read()


def test_what_is_no_message_is_passed_over(client: Client) -> None:
    client.stdin.write("no json\n\n{}\n\xff\n")
    client.stdin.flush()
    client.ask("ping")
    assert "result" in client.answer()


def _end(client: Client, ending: signal.Signals | None) -> None:
    if ending is None:
        client.stdin.close()
    else:
        client.process.send_signal(ending)
