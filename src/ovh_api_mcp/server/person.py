"""The person behind a client, who can be asked while a request of the client is open (older revisions)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeAlias

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError

from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.question_form import form_of, replies_of
from ovh_api_mcp.server.questions import AskPerson, Replies

_log = logging.getLogger(__name__)
_Context: TypeAlias = ServerRequestContext[None, object]


def can_show_forms(ctx: _Context) -> bool:
    """Tell whether the client says that it can show a form to a person."""
    capabilities = ctx.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False
    return (
        elicitation.form is not None or elicitation.url is None
    )  # {} means forms, as older revisions have it


def is_stateless(ctx: _Context) -> bool:
    """Tell whether a question is an answer to the request, which the client then repeats (2026-07-28)."""
    return ctx.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS


def person_of(ctx: _Context, redactor: Redactor, timeout_s: float) -> AskPerson | None:
    """Return who asks the person behind a request while that is open; None where nobody can be asked."""
    if not can_show_forms(ctx) or not ctx.session.can_send_request:
        return None

    async def ask(questions: Sequence[Question]) -> Replies:
        form = form_of(questions, redactor)
        try:
            with anyio.fail_after(timeout_s):
                result = await ctx.session.elicit_form(
                    form.message, form.requested_schema, related_request_id=ctx.request_id
                )
        except TimeoutError:
            return Replies.of_nobody(len(questions), f"nobody answered within {timeout_s:g} s")
        except (MCPError, ValidationError) as error:
            _log.warning("event=question-failed reason=%r", type(error).__name__)
            return Replies.of_nobody(len(questions), "the client could not ask")
        return replies_of(result, len(questions))

    return ask
