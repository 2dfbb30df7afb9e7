"""What is wrong with a request, one place at a time, in words for who wrote it.

Contract: a fault shows no value that may be a secret: none of a password, none under a name that
speaks of one, none under a name that nobody knows, none inside an array or object. Failure means
that a secret which a script was given stands in an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonObject, JsonValue

_SECRET_NAME: Final = re.compile(
    r"(?i)passw|pwd|secret|token|credential|private_?key|api_?key|passphrase|^pin(code)?$|^key$"
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$.-]*", re.ASCII)
_SHOWN_CHARS: Final = 60
_KEY_CHARS: Final = 64
_WHERE_CHARS: Final = 160
_WANTED_CHARS: Final = 160
_STEPS: Final = 24  # of a place, from its beginning; deeper ones are cut


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of a request that does not fit, such as body.a.b[3].c.

    `nearest` are the names or values that were probably meant, the likeliest first.
    """

    where: str
    got: str
    wanted: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return f"{self.where}: {self.got}; wanted {self.wanted}{near}"

    def fields(self) -> JsonObject:
        """Return it as a script gets it."""
        found: JsonObject = {"where": self.where, "got": self.got, "wanted": self.wanted}
        if self.nearest:
            found["nearest"] = [*self.nearest]
        return found


def fault(where: str, got: str, wanted: str, nearest: Sequence[str] = ()) -> Fault:
    """Return a fault whose words are cut to what fits into a message."""
    return Fault(where, got, cut_foreign(wanted, _WANTED_CHARS), tuple(nearest))


def place(path: Sequence[str | int]) -> str:
    """Return a place as it would be written: body.a.b[3].c, body["odd key"]."""
    steps = []
    for number, step in enumerate(path[:_STEPS]):
        if isinstance(step, int):
            steps.append(f"[{step}]")
        elif _IDENTIFIER.fullmatch(step):
            steps.append(f".{cut_foreign(step, _KEY_CHARS)}" if number else step)
        else:
            steps.append(f"[{shown(step, _KEY_CHARS)}]")
    return cut_foreign("".join(steps), _WHERE_CHARS)


def shown(value: JsonValue, limit_chars: int = _SHOWN_CHARS) -> str:
    """Return a scalar as JSON, cut; what holds others by its kind alone."""
    if isinstance(value, str):
        text = msgspec.json.encode(cut_foreign(value, limit_chars)).decode()
        return text if value.strip() or not value else f"{text} of spaces"
    if isinstance(value, list | dict):
        return kind_of(value)
    return "null" if value is None else cut_foreign(scalar_text(value) or kind_of(value), limit_chars)


def shown_safely(value: JsonValue, path: Sequence[str | int], *, is_password: bool) -> str:
    """Return the same with its kind, and the kind alone where the place speaks of a secret."""
    kind = kind_of(value)
    if value is None or isinstance(value, list | dict):
        return kind
    names = [step for step in path if isinstance(step, str)]
    if is_password or any(map(_SECRET_NAME.search, names)):
        return f"{kind} (not shown)"
    return f"{shown(value)} ({kind})"
