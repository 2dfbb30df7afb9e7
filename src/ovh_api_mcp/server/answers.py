"""What goes back: to a script whose call has ended, and to the client whose script has ended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.errors import (
    ApiError,
    CodeError,
    DeniedError,
    InternalError,
    InvalidRequestError,
    NetworkError,
    OvhMcpError,
    Remedy,
    cut_foreign,
)
from ovh_api_mcp.gate.call import describe_call
from ovh_api_mcp.json_value import JsonObject, JsonValue, is_json
from ovh_api_mcp.limits import FAULTS_FOUND, SIGNATURE_CHARS
from ovh_api_mcp.ovh.messages import ApiResponse
from ovh_api_mcp.ovh.retry import LOOK_FIRST, may_have_been_processed
from ovh_api_mcp.sandbox.outcome import CallAnswer, LogLine, Outcome, ScriptCall, ScriptFailure
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.output import SMALLEST_BUDGET_CHARS, fit_error, fit_result
from ovh_api_mcp.server.writes import Writes

_TOLD_APART: Final = frozenset({"message", "hint", "code", "faults", "signature"})
_WRITES_SHARE: Final = 3  # what was written takes a third of the budget at most


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a client gets: the result or the error first, then console output and notes, if any."""

    texts: tuple[str, ...]
    is_error: bool

    def redacted(self, redactor: Redactor) -> ToolAnswer:
        """Return it without the secrets that `redactor` knows."""
        return ToolAnswer(tuple(map(redactor.redact, self.texts)), self.is_error)


def fitted_answer(outcome: Outcome, writes: Writes, redactor: Redactor, *, budget_chars: int) -> ToolAnswer:
    """Return the answer of a script that came to an end, fitted to its budget.

    Secrets go before anything is cut: half of one would not be recognised afterwards. What was
    written is never cut away: it stands behind an error, and before the notes on a result.
    """
    room_chars = max(budget_chars, SMALLEST_BUDGET_CHARS) // _WRITES_SHARE
    logs = [LogLine(line.level, redactor.redact(line.text)) for line in outcome.logs]
    if outcome.failure is None:
        written = writes.after_success(room_chars)
        fitted = fit_result(
            _without_secrets(outcome.result or b"null", redactor),
            budget_chars=budget_chars,
            reserved_chars=len(written) + 1 if written else 0,
            logs=logs,
            logs_dropped=outcome.logs_dropped,
            notes=outcome.notes,
        )
        texts = (fitted.result, fitted.logs, _joined(written, fitted.notes))
    else:
        written = writes.after_failure(room_chars)
        fitted = fit_error(
            redactor.redact(_failure_text(outcome.failure)),
            budget_chars=budget_chars,
            reserved_chars=len(written) + 1 if written else 0,
            logs=logs,
            logs_dropped=outcome.logs_dropped,
            notes=outcome.notes,
        )
        texts = (_joined(fitted.result, written), fitted.logs, fitted.notes)
    return ToolAnswer(tuple(text for text in texts if text), is_error=outcome.failure is not None)


def _failure_text(failure: ScriptFailure) -> str:
    """Return what went wrong, what the API said of it, where in the script, and what to do next."""
    fields = dict(failure.fields or {})
    hint = failure.hint or fields.get("hint")
    told = {name: value for name, value in fields.items() if name not in _TOLD_APART}
    return _joined(
        _indented(f"{failure.name}: {failure.message}"),
        *_fault_lines(fields.get("faults"), failure.message),
        cut_foreign(str(fields.get("signature", "")), SIGNATURE_CHARS),
        msgspec.json.encode(told).decode() if told else "",
        f"at line {failure.line}, column {failure.column}" if failure.line else "",
        failure.excerpt,
        hint_beside(failure.message, str(hint or "")),
    )


def _fault_lines(faults: JsonValue, message: str) -> Iterator[str]:
    """Yield what is wrong with a request, as far as the message does not say it; a child may say anything."""
    for each in (faults if isinstance(faults, list) else [])[:FAULTS_FOUND]:
        if isinstance(each, dict):
            where, got, wanted = (cut_foreign(str(each.get(name, ""))) for name in ("where", "got", "wanted"))
            if f"{where}: {got}; wanted {wanted}" not in message:
                near = each.get("nearest")
                meant = cut_foreign(" or ".join(map(str, near))) if isinstance(near, list) else ""
                yield f"- {where}: {got}; wanted {wanted}" + (f"; did you mean {meant}?" if meant else "")


def _indented(text: str) -> str:
    """Return a script's text with its further lines set in, so that none looks like one of ours."""
    return text.replace("\n", "\n  ")


def error_answer(
    error: OvhMcpError, writes: Writes | None = None, *, budget_chars: int = SMALLEST_BUDGET_CHARS
) -> ToolAnswer:
    """Return the answer of a run that had no outcome: message, place, next step, then what was written."""
    place = (
        f" (line {error.line}, column {error.column})" if isinstance(error, CodeError) and error.line else ""
    )
    text = _joined(f"{error.message}{place}", hint_beside(error.message, error.hint))
    written = writes.after_failure(budget_chars - len(text)) if writes else ""
    return ToolAnswer((_joined(text, written),), is_error=True)


def hint_beside(message: str, hint: str) -> str:
    """Return the hint that is to stand below a message, "" where the message says it already."""
    return "" if hint.casefold().rstrip(".") in message.casefold() else hint


def _joined(*texts: str) -> str:
    """Return the texts below each other, the empty ones left out."""
    return "\n".join(text for text in texts if text)


def call_answer(response: ApiResponse, redactor: Redactor, *, origin: str) -> CallAnswer:
    """Return what a script gets for a call that succeeded; an empty answer is null.

    `origin` is the call; an object that it gave can be waited for by it.
    """
    body = _without_secrets(response.body or b"null", redactor)
    return CallAnswer(is_ok=True, json=body, origin=origin if body.lstrip()[:1] == b"{" else "")


def errand_answer(answer: bytes, redactor: Redactor) -> CallAnswer:
    """Return what a script gets for an errand that succeeded, JSON text."""
    return CallAnswer(is_ok=True, json=_without_secrets(answer, redactor))


def lookup_answer(value: JsonValue, redactor: Redactor) -> CallAnswer:
    """Return what a script gets for a lookup that succeeded."""
    return CallAnswer(is_ok=True, json=_without_secrets(msgspec.json.encode(value), redactor))


def failed_call_answer(error: OvhMcpError, call: ScriptCall, redactor: Redactor) -> CallAnswer:
    """Return the fields of the OvhError that a script gets for a call that failed."""
    text = msgspec.json.encode(_error_fields(error, call)).decode()
    return CallAnswer(is_ok=False, json=redactor.redact(text).encode())


def _error_fields(error: OvhMcpError, call: ScriptCall) -> JsonObject:
    fields: JsonObject = {"message": error.message, "code": error.code, "hint": error.hint}
    fields.update(describe_call(call.arguments))
    match error:
        case ApiError():
            fields["status"] = error.status
            fields["errorCode"] = error.error_code
            fields["class"] = error.error_class
            fields["queryId"] = error.query_id
            fields["details"] = error.details
        case InvalidRequestError():
            fields["class"] = "InvalidRequest"
            fields["faults"] = [*error.faults]
            fields["signature"] = error.signature
        case DeniedError():
            fields["class"] = "Denied"
            fields["labels"] = [*error.labels]
            fields["by"] = error.by
        case NetworkError():
            fields["queryId"] = error.query_id
        case _:
            pass
    if call.may_change_something and may_have_been_processed(error):
        fields["mayHaveHappened"] = True
        if isinstance(error, NetworkError) and not error.hint.startswith(LOOK_FIRST):
            fields["hint"] = f"{LOOK_FIRST} {error.hint}".rstrip()
    if error.attempts > 1:
        fields["attempts"] = error.attempts
    if error.retry_after_s is not None:
        fields["retryAfter"] = math.ceil(error.retry_after_s)
    fields["remedy"] = _remedy_fields(error.remedy) if error.remedy else None
    return {name: value for name, value in fields.items() if value not in ("", None)}


def _remedy_fields(remedy: Remedy) -> JsonObject:
    fields: JsonObject = {}
    if remedy.create_token:
        fields["createToken"] = remedy.create_token
    if remedy.iam_policy is not None:
        fields["iamPolicy"] = remedy.iam_policy
    return fields


def _without_secrets(body: bytes, redactor: Redactor) -> bytes:
    """Return JSON text that repeats none of our secrets."""
    text = body.decode()
    redacted = redactor.redact(text)
    if redacted == text:
        return body
    # A secret of digits alone stands for a number here; it is no echo, and *** is no number.
    masked = redacted.encode()
    return masked if is_json(masked) else body


def bug(reference: str) -> InternalError:
    """Return the error that stands for an exception nobody foresaw, whose traceback is in the log."""
    return InternalError(
        f"Internal error, reference {reference}: a fault of this server, not of your script. "
        "Its log holds the details under that reference.",
        hint="Try it another way, and tell the user the reference.",
    )
