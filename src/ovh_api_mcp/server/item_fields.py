"""Which fields the items of a list are documented to have, so that a condition on another one is refused."""

from __future__ import annotations

from typing import Final

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.refusal import listed, nearest_names, quoted, refusal
from ovh_api_mcp.gate.request_schema import properties_of, resolved
from ovh_api_mcp.server.list_filter import Filter

_SHOWN_CHARS: Final = 160


def check_fields(conditions: Filter, asked: Asked, gate: Gatekeeper) -> None:
    """*Raises* RefusedError for a condition on a field that no item has, as far as the schema tells."""
    if not conditions.conditions or not gate.is_strict(asked.call):
        return
    fields = _item_fields(asked.operation, gate)
    for each in conditions.conditions:
        name = each.field.partition(".")[0]
        if fields and each.field not in fields and name not in fields:
            raise _unknown(name, asked.route.template, fields)


def _item_fields(operation: Operation, gate: Gatekeeper) -> dict[str, None]:
    """Return the documented fields in their order; {} where the schema does not tell."""
    schemas = [resolved(operation.answer_schema, gate.schema).get("items")]
    reader = gate.operation(Method.GET, operation.listing.item) if operation.listing else None
    if reader is not None:
        schemas.append(reader.answer_schema)
    return {name: None for schema in schemas for name in properties_of(resolved(schema, gate.schema))}


def _unknown(name: str, template: str, fields: dict[str, None]) -> RefusedError:
    near = nearest_names(name, fields, 1)
    meant = f" Did you mean {quoted(near[0])}?" if near else ""
    hint = f"Fields: {listed(fields, _SHOWN_CHARS)}."
    return refusal(
        "invalid-call",
        f"filter.{name[:60]}: the items of GET {template} have no such field.{meant} {hint} "
        'With validate: "warn" it is compared all the same.',
        hint=f"{meant.strip()} {hint}".strip(),
    )
