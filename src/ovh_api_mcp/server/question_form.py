"""Questions as an MCP elicitation: the form that a person fills in, and what was filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import mcp_types

from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.questions import Replies, Reply

_CHOICES: Final = (Reply.NO, Reply.ONCE, Reply.ALL)
_NAMES: Final = ("No", "Yes, once", "Yes, all such calls of this script")


def form_of(questions: Sequence[Question], redactor: Redactor) -> mcp_types.ElicitRequestFormParams:
    """Return the form for some questions, a field for each."""
    one = len(questions) == 1
    head = "A script wants to call:" if one else f"A script wants to make {len(questions)} calls:"
    texts = [each.text if one else f"{number}. {each.text}" for number, each in enumerate(questions, 1)]
    return mcp_types.ElicitRequestFormParams(
        message=redactor.redact("\n".join([head, *texts])),
        requested_schema={
            "type": "object",
            "properties": {
                _field(number): {
                    "type": "string",
                    "title": redactor.redact(f"{number + 1}. {each.title}" if not one else each.title),
                    "enum": list(_CHOICES),
                    "enumNames": list(_NAMES),
                    "default": Reply.NO.value,
                }
                for number, each in enumerate(questions)
            },
            "required": [_field(number) for number in range(len(questions))],
        },
    )


def replies_of(result: mcp_types.ElicitResult, count: int) -> Replies:
    """Return what was filled in; whatever is not a clear yes is a no."""
    content: Mapping[str, object] = result.content or {}
    if result.action != "accept":
        return Replies((Reply.NO,) * count)
    return Replies(tuple(_reply(content.get(_field(number))) for number in range(count)))


def _field(number: int) -> str:
    return f"call{number + 1}"


def _reply(value: object) -> Reply:
    return next((reply for reply in (Reply.ONCE, Reply.ALL) if value == reply.value), Reply.NO)
