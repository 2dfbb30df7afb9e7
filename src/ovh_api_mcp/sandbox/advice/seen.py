"""The answers of the API that a script has seen, as far as advice needs them: their shapes.

Bounds: limits.ANSWERS_SEEN answers, of which only short ones are parsed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall

_SHOWN_PATH_CHARS: Final = 100
_ITEMS: Final = 20  # of an array that are looked at


@dataclass(slots=True)
class AnswersSeen:
    """`lists` names each call that gave a list of plain values, with what they are.

    `keys` holds the names of all fields, unless an answer was too long to look at: `is_complete`.
    """

    lists: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    count: int = 0
    objects: int = 0
    is_complete: bool = True

    def note(self, call: ScriptCall, answer: CallAnswer) -> None:
        """Remember the shape of the answer to a call that succeeded."""
        if not answer.is_ok:
            return
        self.count += 1
        if self.count > limits.ANSWERS_SEEN or len(answer.json) > limits.ANSWER_SEEN_BYTES:
            self.is_complete = False
            return
        value: JsonValue = msgspec.json.decode(answer.json)
        items = value[:_ITEMS] if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, dict):
                self.objects += 1
                self.keys.update(item)
        if isinstance(value, list) and value and isinstance(value[0], str | int | float):
            what = "strings" if isinstance(value[0], str) else "numbers"
            path = call.arguments.get("path")
            shown = cut_foreign(path, _SHOWN_PATH_CHARS) if isinstance(path, str) else "a call"
            self.lists.append(f"{shown} gives an array of {what}")
