"""What people see on a terminal, and what a pipe gets."""

from __future__ import annotations

import io
import json

import click
import msgspec
import pytest

from ovh_api_mcp.cli.terminal import ProgressBar, Terminal
from ovh_api_mcp.errors import SettingsError

pytestmark = pytest.mark.anyio


class _Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_gets_laid_out_json_without_colours() -> None:
    terminal = Terminal(io.StringIO())
    assert terminal.json('{"id":123456789012345678901,"ratio":1.50}') == (
        '{\n  "id": 123456789012345678901,\n  "ratio": 1.50\n}'
    )


def test_a_terminal_gets_keys_in_colour_and_values_that_look_like_keys_not() -> None:
    shown = Terminal(_Screen()).json('{"a":"b: c","d":["e"]}')
    assert shown.count("\x1b[36m") == 2


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert "\x1b" not in Terminal(_Screen()).json('{"a":1}')


_HOSTILE = "a\x1b]0;title\x07\x9b31m\r\x08\x7f\u202e\tb\nc é"
_SHOWN = "a\\u001b]0;title\\u0007\\u009b31m\\u000d\\u0008\\u007f\\u202e\tb\nc é"


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_gets_no_control_character_of_a_result_or_a_log(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    screen = _Screen()
    terminal = Terminal(screen)
    for shown in (terminal.json(_HOSTILE), terminal.faint(_HOSTILE), terminal.coloured(_HOSTILE, "red")):
        assert _SHOWN in shown
    laid_out = terminal.json(msgspec.json.encode({"key\x9b": "\x9bvalue"}).decode())
    assert json.loads(click.unstyle(laid_out)) == {"key\x9b": "\x9bvalue"}
    assert "\x9b" not in laid_out
    terminal.complain(SettingsError(_HOSTILE, code="setting-invalid"))
    assert "\x9b" not in screen.getvalue()


def test_a_pipe_gets_the_characters_of_a_result_as_they_are() -> None:
    assert Terminal(io.StringIO()).json('"\x9b"') == '"\x9b"'


def test_text_that_is_no_json_is_shown_as_it_is() -> None:
    assert Terminal(io.StringIO()).json("no json") == "no json"


def test_an_error_is_shown_with_its_next_step_once() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.complain(SettingsError("It is so.", code="setting-invalid", hint="Do that."))
    terminal.complain(SettingsError("It is so. Do that.", code="setting-invalid", hint="Do that."))
    assert stream.getvalue() == "ovh-api-mcp: It is so.\n  Do that.\novh-api-mcp: It is so. Do that.\n"


async def test_progress_is_drawn_on_a_terminal_and_taken_away_again() -> None:
    screen = _Screen()
    progress = ProgressBar(screen)
    await progress.report(42, 84, "half")
    await progress.report(1, 0, "unknown")
    progress.clear()
    assert "█" * 15 + "░" * 15 + " half" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")


async def test_progress_leaves_a_pipe_alone() -> None:
    stream = io.StringIO()
    progress = ProgressBar(stream)
    await progress.report(1, 2, "half")
    progress.clear()
    assert not stream.getvalue()
