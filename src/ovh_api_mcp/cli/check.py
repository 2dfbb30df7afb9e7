"""One check of doctor: what came out, and how it is kept from holding up or hiding the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from ovh_api_mcp.errors import OvhMcpError
from ovh_api_mcp.json_value import JsonObject

State = Literal["ok", "note", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found; `next_step` is for the user, "" where there is nothing to do."""

    name: str
    state: State
    facts: str
    next_step: str = ""
    details: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        told: JsonObject = {"state": self.state, "facts": self.facts, **self.details}
        return {**told, "next": self.next_step} if self.next_step else told


async def guarded(name: str, find: Callable[[], Awaitable[Check]], *, timeout_s: float) -> Check:
    """Return what `find` finds within its time; whatever goes wrong is a check that failed."""
    try:
        async with asyncio.timeout(timeout_s):
            return await find()
    except OvhMcpError as error:
        # The hint is told as the next step, so it need not be said twice.
        facts = error.message.replace(error.hint, "").strip() if error.hint else error.message
        return Check(name, "failed", facts or error.message, error.hint, {"code": error.code})
    except TimeoutError:
        return Check(name, "failed", f"There was no answer within {timeout_s:g} s.", "Try again later.")
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide what the others found
        return Check(name, "failed", f"The check itself broke: {type(error).__name__}.", "Report it.")
