from __future__ import annotations

import json

import pytest

from ovh_api_mcp.errors import NetworkError
from ovh_api_mcp.ovh.failures import api_error, authentication_unavailable, before_sending, checked_json
from ovh_api_mcp.ovh.transport import HttpResponse


def response(body: bytes | object, status: int = 500, **headers: str) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def test_every_field_of_an_error_object_is_taken() -> None:
    details = {"unauthorizedActionsByIAM": "account:apiovh:me/get"}
    body = {
        "class": "Client::Forbidden",
        "message": "This call has not been granted",
        "errorCode": "NOT_GRANTED_CALL",
        "httpCode": "403 Forbidden",
        "details": details,
    }
    error = api_error(response(body, 403, x_ovh_queryid="EU.ext-3.65"))
    assert error.message == "The API answered 403 Forbidden: This call has not been granted."
    assert (error.status, error.error_code, error.error_class, error.query_id, error.details) == (
        403,
        "NOT_GRANTED_CALL",
        "Client::Forbidden",
        "EU.ext-3.65",
        details,
    )


@pytest.mark.parametrize("body", [{"message": "gone"}, {"message": "gone", "errorCode": 5, "class": None}])
def test_fields_that_are_absent_or_odd_are_empty(body: object) -> None:
    error = api_error(response(body, 460))
    assert error.message == "The API answered 460: gone."
    assert (error.error_code, error.error_class, error.query_id, error.details) == ("", "", "", None)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", "", "with an empty body"),
        (b"  ", "", "with an empty body"),
        (
            b"<html><head><TITLE>Bad &amp; gone\n</TITLE></head>" + b"x" * 9999,
            "",
            "an HTML page (Bad & gone)",
        ),
        (b"<h1>no", "", "with an HTML page"),
        (b"page", "text/html; charset=utf-8", "with an HTML page"),
        (b'{"message": "cu', "application/json", 'with JSON that is cut or broken ({"message": "cu)'),
        (b"upstream\x1b[31m went\xff away", "text/plain", "with the text (upstream [31m went"),
        (b'["a"]', "", 'with the text (["a"])'),
        (b"[" * 100_000, "", "with JSON that is cut or broken ([[["),
        (b'{"message": 5}', "", 'with the text ({"message": 5})'),
    ],
)
def test_a_body_that_is_no_error_object_is_described_and_cut(body: bytes, kind: str, words: str) -> None:
    error = api_error(response(body, 503, content_type=kind))
    assert error.message.startswith("The API answered 503 Service Unavailable with ")
    assert words in error.message
    assert len(error.message) < 300
    assert error.message.isprintable()


def test_a_long_message_is_cut_and_long_details_are_left_out() -> None:
    error = api_error(
        response({"message": "m" * 5000, "errorCode": "E" * 5000, "details": {"a": "d" * 5000}})
    )
    assert len(error.message) < 300
    assert error.message.endswith("…")
    assert len(error.error_code) <= 200
    assert error.details is None


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "NOT_GRANTED_CALL", "rules, or an IAM policy"),
        (403, "NOT_CREDENTIAL", "not validated"),
        (403, "INVALID_CREDENTIAL", "expired or not validated"),
        (400, "INVALID_SIGNATURE", "Application secret or consumer key"),
        (403, "INVALID_KEY", "OVH_ENDPOINT"),
        (408, "QUERY_TIME_OUT", "Ask for less"),
        (400, "", "`ovh.describe`"),
        (401, "", "credentials were not accepted"),
        (403, "", "IAM policy"),
        (403, "FORBIDDEN", "IAM policy"),
        (404, "NOT_KNOWN_TO_US", "list operation"),
        (409, "", "task"),
        (429, "", "fewer calls"),
        (460, "", "renew"),
        (500, "", "before you repeat it"),
        (503, "", "Try again later"),
    ],
)
def test_an_error_of_the_api_says_what_to_do_next(status: int, code: str, words: str) -> None:
    hint = api_error(response({"message": "no", "errorCode": code}, status)).hint
    assert words in hint
    assert "\n" not in hint
    assert hint.endswith(".")


def test_an_invalid_signature_is_known_by_its_words_too() -> None:
    assert "consumer key" in api_error(response({"message": "Invalid signature"}, 400)).hint
    assert "message says why" in api_error(response({"message": "I do not know"}, 418)).hint


def test_what_is_asked_first_fails_with_the_word_that_nothing_was_sent() -> None:
    error = authentication_unavailable(response(b"<html>", 503), asked="The token URL")
    assert (error.code, error.may_have_happened) == ("authentication-unavailable", False)
    assert "not sent" in error.message


@pytest.mark.parametrize(
    "body", [b"0", b"false", b'""', b"null", b"[]", b"{}", b" [1]\n", b"12345678901234567890123"]
)
def test_any_json_value_is_a_success_and_keeps_its_bytes(body: bytes) -> None:
    assert checked_json(response(body, 200)) == body


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b" \r\n", 200), (b"", 204), (b"stray", 204)])
def test_no_content_is_no_bytes(body: bytes, status: int) -> None:
    assert checked_json(response(body, status)) == b""


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"a":', b"{} {}", b'"\xff"', b"\xef\xbb\xbf{}", b"NaN", b"[" * 100_000, b"\0"]
)
def test_what_is_no_json_is_an_error_that_says_what_it_is(body: bytes) -> None:
    with pytest.raises(NetworkError) as caught:
        checked_json(response(body, 200))
    assert (caught.value.code, caught.value.may_have_happened) == ("answer-not-json", True)
    assert len(caught.value.message) < 400


def test_that_a_request_was_not_sent_is_said_once() -> None:
    told = NetworkError(
        "It failed, so the request itself was not sent.", code="connection-lost", hint="Look."
    )
    assert before_sending(told).message == told.message
    lost = NetworkError("It was lost.", code="connection-lost", hint="Look.", may_have_happened=True)
    before = before_sending(lost)
    assert before.message == "It was lost. The request itself was not sent."
    assert (before.code, before.may_have_happened) == ("authentication-unavailable", False)
