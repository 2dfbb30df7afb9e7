"""What an answer that is no success, or no JSON, means; no I/O.

Invariant: of a body that is not OVHcloud's own error object only a short cut ever gets into a message.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from ovh_api_mcp.errors import ApiError, NetworkError, cut_foreign
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.limits import ERROR_DETAILS_BYTES, FOREIGN_TEXT_CHARS
from ovh_api_mcp.ovh.transport import HttpResponse

_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_PEEK_BYTES: Final = 4 * 1024  # what is looked at of a page that is no JSON


def api_error(response: HttpResponse) -> ApiError:
    """Return the error that an answer with a status of 400 or more stands for.

    Source: the error objects of OVHcloud's API; every key of them but `message` may be absent.
    """
    fields = _json_object(response.body)
    status = _status_text(response.status)
    message = _text(fields, "message")
    if message:
        said = f"the API answered {status}: {cut_foreign(message)}"
    else:
        said = f"the API answered {status} with {_describe_body(response)}"
    return ApiError(
        said,
        status=response.status,
        error_code=cut_foreign(_text(fields, "errorCode")),
        error_class=cut_foreign(_text(fields, "class")),
        query_id=query_id(response),
        details=_details(fields),
    )


def authentication_unavailable(response: HttpResponse, *, asked: str) -> NetworkError:
    """Return the error of a request that was not sent, because `asked`, which it needs first, failed."""
    return NetworkError(
        f"{asked}, which is asked before the request, answered {_status_text(response.status)} "
        f"with {_describe_body(response)}; the request itself was not sent; try again later",
        code="authentication-unavailable",
        hint="try again later",
    )


def checked_json(response: HttpResponse) -> bytes:
    """Return the body of a success: valid JSON text in UTF-8, or b"" where there is none.

    Raises NetworkError `answer-not-json`.
    """
    if response.status == HTTPStatus.NO_CONTENT or not response.body.strip():
        return b""
    if is_json(response.body):
        return response.body
    raise NetworkError(
        f"the API answered {_status_text(response.status)}, but with {_describe_body(response)} "
        "instead of JSON; check that the endpoint is the right one, and try again later",
        code="answer-not-json",
        may_have_happened=True,
    )


def is_json(body: bytes) -> bool:
    """Tell whether `body` is one JSON value in UTF-8; its values are not built."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()  # the quick look leaves the octets inside strings unchecked
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def query_id(response: HttpResponse) -> str:
    """Return the name that OVHcloud's support knows the request by; "" where there is none."""
    return cut_foreign(response.headers.get("x-ovh-queryid", ""))


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
    text = response.body[:_PEEK_BYTES].decode(errors="replace").strip()
    if not text:
        return "an empty body"
    if "html" in response.headers.get("content-type", "").lower() or text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page ({cut_foreign(html.unescape(title[1]))})" if title else "an HTML page"
    kind = "JSON that is cut or broken" if text[0] in "{[" and not is_json(response.body) else "the text"
    return f"{kind} ({cut_foreign(text, FOREIGN_TEXT_CHARS // 2)})"
