"""What a client written in JavaScript says it has seen of the server (conversation.mjs)."""

from __future__ import annotations

import msgspec


class ToolSeen(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A tool of tools/list."""

    name: str
    required: tuple[str, ...]
    is_read_only: bool


class ResultSeen(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The first text of a tool's result."""

    text: str
    is_error: bool


class FailureSeen(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An error that the SDK raised."""

    code: str
    message: str


class AskedSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person was shown, and what the script came to."""

    asked: tuple[str, ...]
    execute: ResultSeen


class Report(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A whole conversation; `pid` is the server's on stdio and 0 over HTTP."""

    server: str
    instructions: str
    revision: str
    pid: int
    tools: tuple[ToolSeen, ...]
    search: ResultSeen
    execute: ResultSeen
    refused: ResultSeen
    unknown_tool: FailureSeen
    given_up: FailureSeen
    afterwards: ResultSeen
