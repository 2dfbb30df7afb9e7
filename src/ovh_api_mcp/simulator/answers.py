"""What the simulator answers: bytes with a status, and OVH's way to say no."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus

from ovh_api_mcp.json_value import JsonObject, JsonValue

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; headers beside the content type."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE


class No(Exception):
    """A request the simulated API declines.

    Source: error bodies of the OVH API: class, message, errorCode, httpCode, details.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "Client::BadRequest",
        error_code: str = "",
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: JsonObject = {"class": kind, "message": message}
        if error_code:
            self.body["errorCode"] = error_code
        self.body["httpCode"] = f"{status} {_phrase(status)}"
        if details:
            self.body["details"] = details

    def to_answer(self) -> Answer:
        return to_json(self.body, status=self.status)


def to_json(value: JsonValue, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with a JSON value; integers keep their digits."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate has no UTF-8; written as \ud800 it is valid JSON.
    return Answer(status, text.encode("utf-8", "backslashreplace"), headers or {})


def not_found(message: str) -> No:
    return No(404, message, kind="Client::NotFound")


def forbidden(message: str, error_code: str, details: JsonObject | None = None) -> No:
    return No(403, message, kind="Client::Forbidden", error_code=error_code, details=details)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
