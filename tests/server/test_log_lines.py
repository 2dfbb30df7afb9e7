"""Log lines: one event a line, key=value, without secrets."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest

from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.log_lines import configure_logging

_CANARY = "c4nary-of-the-log"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Configure logging at info into a text, and put things back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("info", Redactor([Secret(_CANARY)]), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("ovh_api_mcp").setLevel(logging.NOTSET)


def test_an_event_is_one_line_of_key_and_value(lines: io.StringIO) -> None:
    logging.getLogger("ovh_api_mcp.server.x").info("event=listening url=%s", "http://127.0.0.1:1/mcp")
    pattern = r"time=\S+Z level=info logger=server\.x event=listening url=http://127\.0\.0\.1:1/mcp\n"
    assert re.fullmatch(pattern, lines.getvalue())


def test_a_value_cannot_forge_a_second_line(lines: io.StringIO) -> None:
    logging.getLogger("ovh_api_mcp").info("event=x value=%s", "a\nlevel=error event=forged\r\x1b[2J\x85")
    assert lines.getvalue().count("\n") == 1
    assert "\x1b" not in lines.getvalue()
    assert r"value=a\nlevel=error" in lines.getvalue()


def test_the_message_of_a_library_becomes_a_value(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning('said "something"')
    assert 'logger=uvicorn.error event="said \\"something\\""\n' in lines.getvalue()


def test_secrets_are_masked_in_events_and_in_tracebacks(lines: io.StringIO) -> None:
    log = logging.getLogger("ovh_api_mcp")
    log.info("event=x value=%s", _CANARY)
    try:
        int(_CANARY)
    except ValueError:
        log.exception("event=bug")
    assert "Traceback" in lines.getvalue()
    assert "invalid literal for int() with base 10: '***'" in lines.getvalue()
    assert _CANARY not in lines.getvalue()


def test_libraries_do_not_tell_of_every_request(lines: io.StringIO) -> None:
    for name in ("httpx2", "mcp.server", "uvicorn.access", "asyncio"):
        logging.getLogger(name).info("GET /v1/me")
    assert not lines.getvalue()
