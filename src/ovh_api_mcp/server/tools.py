"""The two tools as clients see them: names, schemas, annotations, and the check of what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import mcp_types

from ovh_api_mcp.errors import CodeError, cut_foreign
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.server import descriptions
from ovh_api_mcp.server.execution import Tool


def _input_schema(code_description: str, **more: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {"code": {"type": "string", "description": code_description}, **more},
        "required": ["code"],
        "additionalProperties": False,
    }


def tools_for(access: Access) -> Mapping[Tool, mcp_types.Tool]:
    """Return the tools as they are where a person has set what scripts may do."""
    execute = TOOLS[Tool.EXECUTE]
    changes: dict[str, object] = {"description": descriptions.execute_description(access)}
    if access.mode == "read-only":
        changes["annotations"] = mcp_types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        )
    return {**TOOLS, Tool.EXECUTE: execute.model_copy(update=changes)}


TOOLS: Final[Mapping[Tool, mcp_types.Tool]] = {
    Tool.SEARCH: mcp_types.Tool(
        name=Tool.SEARCH.value,
        title="Search the OVHcloud API",
        description=descriptions.SEARCH_DESCRIPTION,
        input_schema=_input_schema(descriptions.SEARCH_CODE),
        annotations=mcp_types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    ),
    Tool.EXECUTE: mcp_types.Tool(
        name=Tool.EXECUTE.value,
        title="Call the OVHcloud API",
        description=descriptions.EXECUTE_DESCRIPTION,
        input_schema=_input_schema(
            descriptions.EXECUTE_CODE, dry_run={"type": "boolean", "description": descriptions.DRY_RUN}
        ),
        annotations=mcp_types.ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
        ),
    ),
}


def input_schema(name: str) -> Mapping[str, object] | None:
    """Return a tool's input schema, None for a name that is no tool."""
    return TOOLS[Tool(name)].input_schema if name in TOOLS else None


class Given(NamedTuple):
    """What a client gave to a tool."""

    code: str
    is_dry: bool = False


def parse_arguments(tool: Tool, arguments: Mapping[str, object] | None) -> Given:
    """Return what a client gave to `tool`; the SDK checks nothing by itself.

    Raises:
        CodeError: code is missing or no string, or there is more than code.
    """
    given = dict(arguments or {})
    code = given.pop("code", None)
    if not isinstance(code, str):
        fact = "without" if code is None else f"with {kind_of(code)} as"
        raise CodeError(
            f"{tool} was called {fact} `code`; it takes one argument, `code`, a string of JavaScript.",
            code="arguments",
            hint=f"Call {tool} with {{code: {example(tool)!r}}}.",
        )
    is_dry = given.pop("dry_run", False) if tool is Tool.EXECUTE else False
    if not isinstance(is_dry, bool):
        raise CodeError(
            f"execute was called with {kind_of(is_dry)} as `dry_run`; it is true or false.",
            code="arguments",
            hint="Leave dry_run out, or give true.",
        )
    if given:
        names = ", ".join(cut_foreign(name, 40) for name in sorted(given)[:5])
        raise CodeError(
            f"{tool} does not know the argument {names}; it takes {_takes(tool)}.",
            code="arguments",
            hint="Put what the script needs into the script itself.",
        )
    return Given(code, is_dry)


def _takes(tool: Tool) -> str:
    return "`code` and `dry_run`" if tool is Tool.EXECUTE else "`code` alone"


def example(tool: Tool) -> str:
    """Return a script that `tool` accepts."""
    if tool is Tool.SEARCH:
        return '(spec) => Object.keys(spec.paths).filter(p => p.includes("/domain"))'
    return 'async () => await ovh.request({ method: "GET", path: "/v1/me" })'
