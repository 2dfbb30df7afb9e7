"""What a person is asked about one call: what it is, why it is asked for, and what is there now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.gate.masking import is_secret_name, masked
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import QUESTION_BODY_BYTES, QUESTION_CHARS, QUESTION_FIELDS
from ovh_api_mcp.secret import MASK

_VALUE_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Question:
    """One call that waits for a person's yes; `before` is what a GET of its path answered, None for unknown.

    `labels` are sorted, `why` follows "because"; `hidden` are names of fields that are not to be shown,
    beside those that say so themselves.
    """

    method: Method
    template: str
    target: str
    account: str
    labels: tuple[str, ...]
    why: str
    body: bytes | None = None
    before: bytes | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """Method and target on one line."""
        return cut_foreign(f"{self.method} {self.target}", 200)

    @property
    def text(self) -> str:
        """What a person needs to decide, on a few lines of at most QUESTION_CHARS characters."""
        account = f" of account {self.account}" if self.account != "default" else ""
        lines = [f"{self.title}{account}", f"  {', '.join(self.labels)}: {cut_foreign(self.why, 200)}"]
        if self.method is Method.DELETE:
            lines += [f"  there now: {line}" for line in _shown(self.before, self.hidden)]
        else:
            lines += [f"  {line}" for line in _changes(self.body, self.before, self.hidden)]
        text = "\n".join(lines)
        return text if len(text) <= QUESTION_CHARS else f"{text[: QUESTION_CHARS - 1]}…"


Ask = Callable[[Question], Awaitable[None]]
"""Returns when a person says yes; *Raises* DeniedError."""


def _fields(text: bytes | None) -> JsonValue:
    if text is None or len(text) > QUESTION_BODY_BYTES:
        return None
    try:
        value: JsonValue = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return value


def _shown(text: bytes | None, hidden: frozenset[str]) -> list[str]:
    """Return the values of an object, those that say most at first."""
    value = _fields(text)
    if not isinstance(value, dict):
        return []
    plain = [name for name, each in value.items() if isinstance(each, str | int | float) and each != ""]
    return (
        [", ".join(f"{name} {_text(name, value[name], hidden)}" for name in plain[:QUESTION_FIELDS])]
        if plain
        else []
    )


def _changes(body: bytes | None, before: bytes | None, hidden: frozenset[str]) -> list[str]:
    """Return what is sent, each field with what is there now where it is known and differs."""
    if body is None:
        return []
    sent, there = _fields(body), _fields(before)
    if not isinstance(sent, dict):
        return ["sends a body that is too large, or no object, to be shown"]
    known: JsonObject = there if isinstance(there, dict) else {}
    changed = [name for name in sent if name not in known or known[name] != sent[name]]
    if not changed:
        return ["changes nothing of what is there now"] if known else ["sends an empty object"]
    lines = []
    for name in changed[:QUESTION_FIELDS]:
        there_now = f"{_text(name, known[name], hidden)} → " if name in known else ""
        lines.append(f"{cut_foreign(name, 60)}: {there_now}{_text(name, sent[name], hidden)}")
    if len(changed) > QUESTION_FIELDS:
        lines.append(f"… {len(changed) - QUESTION_FIELDS} fields more")
    return lines


def _text(name: str, value: JsonValue, hidden: frozenset[str]) -> str:
    if is_secret_name(name, hidden):
        return MASK
    return cut_foreign(msgspec.json.encode(masked(value, hidden)).decode(), _VALUE_CHARS)
