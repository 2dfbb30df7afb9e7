"""One write as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from ovh_api_mcp.gate.masking import is_secret_name, masked
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import JOURNAL_BODY_BYTES
from ovh_api_mcp.secret import MASK, Redactor


class Outcome(StrEnum):
    """How a write ended; `SENT` where nobody has said so yet, or ever will."""

    SENT = "sent"
    ANSWERED = "answered"
    NOT_SENT = "not-sent"
    MAYBE = "maybe"

    @property
    def words(self) -> str:
        """The outcome for people."""
        return {
            Outcome.SENT: "sent, outcome unknown: may have been processed",
            Outcome.ANSWERED: "answered",
            Outcome.NOT_SENT: "not sent",
            Outcome.MAYBE: "no answer: may have been processed",
        }[self]


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is about to be sent. `body` and `before` are JSON text, masked, None where there is none.

    `labels` are sorted; `decided_by` is "mode", "policy" or "person", `decision` the reason in words;
    `script` is the SHA-256 of the code; `client` names who runs it.
    """

    account: str
    endpoint: str
    method: str
    template: str
    target: str
    body: str | None = None
    before: str | None = None
    labels: tuple[str, ...] = ()
    decision: str = ""
    decided_by: str = ""
    script: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a write ended: `status` is 0 without an answer, `answer` is what it gave, masked."""

    outcome: Outcome
    status: int = 0
    query_id: str = ""
    attempts: int = 1
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A write with its number, when it was recorded (Unix seconds, UTC), and how it ended."""

    number: int
    at: float
    write: Write
    end: End = field(default_factory=lambda: End(Outcome.SENT))

    @property
    def time(self) -> str:
        """When it was recorded, to the millisecond, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def as_json(self) -> JsonObject:
        """Return all that is known of it."""
        write, end = self.write, self.end
        return {
            "number": self.number,
            "time": self.time,
            "account": write.account,
            "endpoint": write.endpoint,
            "method": write.method,
            "operation": f"{write.method} {write.template}",
            "path": write.target,
            "body": _value(write.body),
            "before": _value(write.before),
            "labels": list(write.labels),
            "decision": write.decision,
            "decidedBy": write.decided_by,
            "script": write.script,
            "client": write.client,
            "outcome": end.outcome.value,
            "status": end.status or None,
            "queryId": end.query_id or None,
            "attempts": end.attempts,
            "answer": _value(end.answer),
        }


def kept_text(body: bytes | None, redactor: Redactor, hidden: frozenset[str] = frozenset()) -> str | None:
    """Return JSON text as the journal keeps it: masked, without known secrets, counted where it is long."""
    if body is None or not body.strip():
        return None
    if len(body) > JOURNAL_BODY_BYTES:
        return msgspec.json.encode(f"{len(body):,} bytes, which is more than is kept").decode()
    try:
        value: JsonValue = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.encode(f"{len(body):,} bytes that are no JSON").decode()
    return redactor.redact(msgspec.json.encode(masked(value, hidden)).decode())


def masked_query(target: str, hidden: frozenset[str] = frozenset()) -> str:
    """Return path and query in which the values of secrets, by their names, are masked."""
    path, mark, query = target.partition("?")
    if not mark:
        return target
    pairs = (part.partition("=") for part in query.split("&"))
    shown = (f"{name}{sign}{MASK if is_secret_name(name, hidden) else value}" for name, sign, value in pairs)
    return f"{path}?{'&'.join(shown)}"


def _value(text: str | None) -> JsonValue:
    if text is None:
        return None
    value: JsonValue = msgspec.json.decode(text)
    return value
