"""What an answer that is no success, or no JSON, means; no I/O.

Invariant: of a body that is not OVHcloud's own error object only a short cut ever gets into a message.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from ovh_api_mcp.errors import ApiError, NetworkError, cut_foreign
from ovh_api_mcp.json_value import JsonValue, is_json
from ovh_api_mcp.limits import ERROR_DETAILS_BYTES, ERROR_PAGE_BYTES, FOREIGN_TEXT_CHARS
from ovh_api_mcp.ovh.retry import parse_retry_after
from ovh_api_mcp.ovh.transport import HttpResponse

_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TRY_LATER: Final = "Try again later."
CHECK_ENDPOINT_LATER: Final = "Check that the endpoint is the right one, and try again later."
_NOT_SENT: Final = "The request itself was not sent."
_NEVER_SENT: Final = frozenset({"credentials-missing", "credentials-rejected", "rate-limited"})
_CUT_OFF: Final = frozenset({"connection-lost", "protocol-error"})
# Source: the error codes of OVHcloud's API, and what its issue trackers report behind them.
_HINTS_BY_CODE: Final[Mapping[str, str]] = {
    "NOT_GRANTED_CALL": "The key's rules, or an IAM policy, lack this call: ask the user to allow it.",
    "NOT_CREDENTIAL": "The consumer key is not validated, or another endpoint's: ask the user to check it.",
    "INVALID_SIGNATURE": "Application secret or consumer key is wrong, or not validated: ask the user.",
    "INVALID_KEY": "The application key is not this endpoint's: ask the user to check OVH_ENDPOINT.",
    "INVALID_CREDENTIAL": "The consumer key is unknown, expired or not validated: ask for another one.",
    "QUERY_TIME_OUT": "Ask for less; look whether a write was made before you repeat it.",
}
_HINTS_BY_STATUS: Final[Mapping[int, str]] = {
    400: "Compare parameters and body with what `ovh.describe` says of the operation.",
    401: "The credentials were not accepted: ask the user to check them, and OVH_ENDPOINT.",
    402: "Something has to be paid first, or a means of payment is missing: tell the user what is said.",
    403: "The credentials do not allow this call: ask the user for a key or an IAM policy that does.",
    404: "Take names and ids from the list operation above this path: there is none such in this account.",
    405: "The route is there, but not for this method: look in `spec` for the methods it has.",
    408: "The API gave up in the middle: ask for less; look whether a write was made before you repeat it.",
    409: "Read the object: its state, or a task that still runs, is in the way. Wait, then try again.",
    413: "The body is too large for the API: send less in one call.",
    429: "Wait, then make fewer calls at a time; for long the API takes about 60 a minute.",
    460: "The object or its subscription has expired: the user has to renew it first.",
}
_UNUSUAL: Final = (
    "The message says why. Read the object, and `ovh.describe` the operation, before a next try."
)
_SERVER_FAULT: Final = (
    "Try again later; look whether a write was made before you repeat it. "
    "It is a fault at OVHcloud, whose support finds it by its queryId."
)


def api_error(response: HttpResponse) -> ApiError:
    """Return the error that an answer with a status of 400 or more stands for.

    Source: the error objects of OVHcloud's API; every key of them but `message` may be absent.
    """
    fields = _json_object(response.body)
    status = _status_text(response.status)
    message = _text(fields, "message")
    if message:
        said = f"The API answered {status}: {_sentence(cut_foreign(message))}"
    else:
        said = f"The API answered {status} with {_describe_body(response)}."
    error = ApiError(
        said,
        status=response.status,
        error_code=cut_foreign(_text(fields, "errorCode")),
        error_class=cut_foreign(_text(fields, "class")),
        query_id=query_id(response),
        details=_details(fields),
        said=cut_foreign(message),
    )
    error.retry_after_s = parse_retry_after(response.headers.get("retry-after", ""))
    error.explain(_hint(error))
    return error


def is_clock_doubted(error: ApiError) -> bool:
    """Tell whether a refusal may be for the time of a request: its signature covers that, too."""
    by_words = error.status < 500 and error.said.lower().startswith("invalid timestamp")
    return by_words or is_signature_refused(error)


def is_signature_refused(error: ApiError) -> bool:
    """Tell whether OVH says that a signature is wrong, which also comes without its code."""
    by_words = error.status < 500 and error.said.lower().startswith("invalid signature")
    return error.error_code == "INVALID_SIGNATURE" or by_words


def authentication_unavailable(response: HttpResponse, *, asked: str) -> NetworkError:
    """Return the error of a request that was not sent, because `asked`, which it needs first, failed."""
    status, message = _status_text(response.status), _text(_json_object(response.body), "message")
    said = f": {_sentence(cut_foreign(message))}" if message else f" with {_describe_body(response)}."
    error = NetworkError(
        f"{asked}, which is asked before the request, answered {status}{said} {_NOT_SENT} {_TRY_LATER}",
        code="authentication-unavailable",
        hint=_TRY_LATER,
    )
    error.retry_after_s = parse_retry_after(response.headers.get("retry-after", ""))
    return error


def before_sending(error: NetworkError) -> NetworkError:
    """Return what it means for a request that one which is needed before it ended with `error`.

    Whatever became of that one, the request itself was not sent; a connection that was lost or cut then
    is no reason not to try it again. Another error each time: many requests may have waited for one.
    """
    is_said = _NOT_SENT[1:-1] in error.message or error.code in _NEVER_SENT
    told = NetworkError(
        error.message if is_said else f"{error.message} {_NOT_SENT}",
        code="authentication-unavailable" if error.code in _CUT_OFF else error.code,
        hint=error.hint or _TRY_LATER,
        query_id=error.query_id,
    )
    told.retry_after_s = error.retry_after_s
    return told


def checked_json(response: HttpResponse) -> bytes:
    """Return the body of a success: valid JSON text in UTF-8, or b"" where there is none.

    Raises NetworkError `answer-not-json`.
    """
    if response.status == HTTPStatus.NO_CONTENT or not response.body.strip():
        return b""
    if is_json(response.body):
        return response.body
    raise NetworkError(
        f"The API answered {_status_text(response.status)}, but with {_describe_body(response)} "
        f"instead of JSON. {CHECK_ENDPOINT_LATER}",
        code="answer-not-json",
        hint=CHECK_ENDPOINT_LATER,
        may_have_happened=True,
        query_id=query_id(response),
    )


def query_id(response: HttpResponse) -> str:
    """Return the name that OVHcloud's support knows the request by; "" where there is none."""
    return cut_foreign(response.headers.get("x-ovh-queryid", ""))


def _hint(error: ApiError) -> str:
    if error.error_code in _HINTS_BY_CODE:
        return _HINTS_BY_CODE[error.error_code]
    if is_signature_refused(error):
        return _HINTS_BY_CODE["INVALID_SIGNATURE"]
    if error.status == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after_s is not None:
        return (
            f"The API takes calls again in {math.ceil(error.retry_after_s):,} s (Retry-After): wait so long, "
            "then make fewer calls at a time."
        )
    return _SERVER_FAULT if error.status >= 500 else _HINTS_BY_STATUS.get(error.status, _UNUSUAL)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _json_object(body: bytes) -> Mapping[str, JsonValue]:
    try:
        value: JsonValue = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, JsonValue], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _details(fields: Mapping[str, JsonValue]) -> JsonValue:
    details = fields.get("details")
    return details if len(msgspec.json.encode(details)) <= ERROR_DETAILS_BYTES else None


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _describe_body(response: HttpResponse) -> str:
    """Return what a body is in a few words: its kind, and of HTML the title, of other text the beginning."""
    text = response.body[:ERROR_PAGE_BYTES].decode(errors="replace").strip()
    if not text:
        return "an empty body"
    if "html" in response.headers.get("content-type", "").lower() or text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page ({cut_foreign(html.unescape(title[1]))})" if title else "an HTML page"
    kind = "JSON that is cut or broken" if text[0] in "{[" and not is_json(response.body) else "the text"
    return f"{kind} ({cut_foreign(text, FOREIGN_TEXT_CHARS // 2)})"
