"""What all errors have in common: bounded words, and codes from closed lists."""

from __future__ import annotations

import pytest

from ovh_api_mcp.errors import (
    ApiError,
    CatalogError,
    CodeError,
    InternalError,
    NetworkError,
    OvhMcpError,
    RefusedError,
    SettingsError,
    cut_foreign,
)
from ovh_api_mcp.gate.refusal import refusal
from ovh_api_mcp.limits import MESSAGE_CHARS
from ovh_api_mcp.ovh.failures import api_error
from ovh_api_mcp.ovh.transport import HttpResponse

LONG = "word " * 200


@pytest.mark.parametrize(
    "error",
    [
        InternalError(LONG, hint=LONG),
        SettingsError(LONG, code="setting-invalid", hint=LONG),
        CodeError(LONG, code="empty", hint=LONG),
        RefusedError(LONG, code="invalid-call", hint=LONG),
        ApiError(LONG, status=500, hint=LONG),
        NetworkError(LONG, code="read-timeout", hint=LONG),
        CatalogError(LONG, code="schema-invalid", hint=LONG),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_is_longer_than_a_model_is_given_to_read_and_a_cut_one_is_marked(error: OvhMcpError) -> None:
    for text in (error.message, str(error), error.hint):
        assert len(text) == MESSAGE_CHARS
        assert text.endswith("…")


def test_every_refusal_and_every_answer_that_is_an_error_says_what_to_do_next() -> None:
    assert refusal("invalid-call", "A fact. A rule. Do this.").hint == "Do this."
    for status in range(400, 600):
        assert api_error(HttpResponse(status, {}, b"")).hint, status


def test_an_error_that_is_short_enough_keeps_its_words() -> None:
    words = "x" * MESSAGE_CHARS
    assert SettingsError(words, code="setting-invalid").message == words


def test_text_from_outside_is_put_on_one_line_cut_and_marked() -> None:
    assert cut_foreign(" a\r\n\x1b[31mb\u202e\tc ") == "a [31mb c"
    assert cut_foreign("x" * 1_000, 10) == "x" * 9 + "…"
