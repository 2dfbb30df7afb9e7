"""Every error of the program.

    OvhMcpError
    ├── InternalError        ours to blame: a bug, a process of ours that died, too much at once
    ├── SettingsError        the settings': the program does not start
    ├── CodeError            the script's text: not accepted as code
    ├── RefusedError         the gate's refusal: nothing was sent
    │   ├── InvalidRequestError   because it is not what its operation's schema says
    │   └── DeniedError           because a person does not let it through
    ├── ApiError             the API's no
    ├── NetworkError         no usable answer came
    └── CatalogError         the catalogue is not there, or not yet

Each has a stable `code`, a message (fact with values, rule, next step) and, where one is known, a
`hint`: the next step alone. No message holds a secret; text from outside in a message has been cut
to `limits.FOREIGN_TEXT_CHARS`; message and hint have at most `limits.MESSAGE_CHARS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovh_api_mcp.limits import FOREIGN_TEXT_CHARS, MESSAGE_CHARS

if TYPE_CHECKING:  # `--help` needs this module, and not the JSON library behind that one
    from ovh_api_mcp.json_value import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Remedy:
    """What gives a caller the right that a call lacked, ready to be used by the person who may.

    `create_token` is the page that makes a consumer key with the rules for the call, "" for none;
    `iam_policy` the body of POST /v2/iam/policy, None for none.
    """

    create_token: str = ""
    iam_policy: JsonObject | None = None


class OvhMcpError(Exception):
    """The root of the tree; never raised itself.

    `retry_after_s` is when the API takes such a request again, where it says so.
    """

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        # The last defence: whoever words an error sees to it that there is nothing to cut.
        self.message = _cut(message)
        super().__init__(self.message)
        self.code = code
        self.hint = _cut(hint)
        self.remedy: Remedy | None = None
        self.attempts = 1
        self.retry_after_s: float | None = None

    def note_attempts(self, attempts: int) -> None:
        """Say how often it was tried, where that is more than once."""
        self.attempts = attempts
        if attempts > 1:
            self.message = _cut(f"{self.message} It was tried {attempts} times.")
            self.args = (self.message,)

    def reword(self, words: Callable[[str], str]) -> None:
        """Put message and hint into other words."""
        self.message, self.hint = _cut(words(self.message)), _cut(words(self.hint))
        self.args = (self.message,)

    def explain(self, hint: str) -> None:
        """Put a better hint in place; "" leaves the one there is."""
        if hint:
            self.hint = _cut(hint)


InternalCode = Literal["bug", "sandbox-unavailable", "busy"]


class InternalError(OvhMcpError):
    """This program could not do its work: a bug, no sandbox, or too much to do at once."""

    def __init__(self, message: str, *, code: InternalCode = "bug", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


SettingsCode = Literal[
    "setting-invalid",
    "endpoint-unknown",
    "credentials-half",
    "credentials-both",
    "config-file-invalid",
    "config-file-unsafe",
    "config-file-unwritable",
    "login-incomplete",
    "keyring-unavailable",
    "port-in-use",
    "address-unusable",
    "token-required",
    "policy-invalid",
    "risk-rules-invalid",
    "account-unknown",
]


class SettingsError(OvhMcpError):
    """A setting that the program cannot start with; the message names the flag, variable or file."""

    def __init__(self, message: str, *, code: SettingsCode, hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


CodeCode = Literal["empty", "too-long", "syntax", "arguments"]


class CodeError(OvhMcpError):
    """What was given to a tool is not code that can be run.

    `line` and `column` count from 1 in the code as it was given; 0 where unknown.
    """

    def __init__(
        self, message: str, *, code: CodeCode, hint: str = "", line: int = 0, column: int = 0
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.line = line
        self.column = column


RefusedCode = Literal[
    "unknown-operation",
    "method-not-allowed",
    "unsafe-path",
    "invalid-call",
    "too-many-calls",
    "invalid-request",
    "denied",
    "journal-unavailable",
]


class RefusedError(OvhMcpError):
    """A call of a script that may not leave, or makes no sense; nothing was sent."""

    def __init__(self, message: str, *, code: RefusedCode, hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


class InvalidRequestError(RefusedError):
    """A request that does not fit the schema of its operation, with all that is wrong with it.

    Each fault has where, got, wanted and, where there are any, nearest; `signature` is what the
    operation takes, on one line.
    """

    def __init__(
        self, message: str, *, faults: tuple[JsonObject, ...], signature: str, hint: str = ""
    ) -> None:
        super().__init__(message, code="invalid-request", hint=hint)
        self.faults = faults
        self.signature = signature


class DeniedError(RefusedError):
    """A call that the access mode or the policy does not let through, or that nobody said yes to.

    `labels` are what the operation does, sorted; `by` is who said no: "mode", "policy", "person" or
    "nobody", where a person should have been asked and could not.
    """

    def __init__(self, message: str, *, labels: tuple[str, ...], by: str, hint: str = "") -> None:
        super().__init__(message, code="denied", hint=hint)
        self.labels = labels
        self.by = by


class ApiError(OvhMcpError):
    """The API answered with a status of 400 or more; fields as in OVH's error body, "" where absent.

    `said` is OVH's own message, `identity` the URN of who asked, once it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        error_code: str = "",
        error_class: str = "",
        query_id: str = "",
        details: JsonValue = None,
        hint: str = "",
        said: str = "",
    ) -> None:
        super().__init__(message, code="api-error", hint=hint)
        self.status = status
        self.error_code = error_code
        self.error_class = error_class
        self.query_id = query_id
        self.details = details
        self.said = said
        self.identity = ""


NetworkCode = Literal[
    "connect-failed",
    "connect-timeout",
    "read-timeout",
    "total-timeout",
    "connection-lost",
    "tls-failed",
    "answer-too-large",
    "answer-not-json",
    "redirected",
    "protocol-error",
    "credentials-missing",
    "credentials-rejected",
    "authentication-unavailable",
    "rate-limited",
]


class NetworkError(OvhMcpError):
    """No usable answer came.

    `may_have_happened` is True when the request may have been processed all the same: what the
    API did with a write is then unknown. `query_id` is "" where no answer named one.
    """

    code: NetworkCode

    def __init__(
        self,
        message: str,
        *,
        code: NetworkCode,
        hint: str,
        may_have_happened: bool = False,
        query_id: str = "",
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.may_have_happened = may_have_happened
        self.query_id = query_id


CatalogCode = Literal[
    "catalog-building",
    "catalog-unavailable",
    "schema-invalid",
    "schema-too-large",
    "service-unknown",
    "cache-unusable",
]


class CatalogError(OvhMcpError):
    """The catalogue, or a schema that should go into it, cannot be used."""

    def __init__(self, message: str, *, code: CatalogCode, hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


_TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
_TRANSIENT_NETWORK: frozenset[str] = frozenset(
    {
        "connect-failed",
        "connect-timeout",
        "read-timeout",
        "connection-lost",
        "protocol-error",
        "authentication-unavailable",
    }
)


def is_transient(error: BaseException) -> bool:
    """Tell whether asking again for something that only reads may help."""
    if isinstance(error, ApiError):
        return error.status in _TRANSIENT_STATUSES
    return isinstance(error, NetworkError) and error.code in _TRANSIENT_NETWORK


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS else text[: MESSAGE_CHARS - 1] + "…"


def cut_foreign(text: str, limit_chars: int = FOREIGN_TEXT_CHARS) -> str:
    """Return text from outside on one line, without control characters, cut to `limit_chars` and marked."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit_chars]).split())
    return flat if len(flat) <= limit_chars else flat[: limit_chars - 1] + "…"


def cut_to_end(place: str, limit_chars: int) -> str:
    """Return a place cut in front and marked: its end tells more, as in "…/.ovh.conf [ovh-eu]"."""
    return place if len(place) <= limit_chars else f"…{place[1 - limit_chars :]}"
