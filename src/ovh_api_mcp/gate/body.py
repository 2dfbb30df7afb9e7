"""The body of a call as the bytes that are signed and sent."""

from __future__ import annotations

from typing import Final

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.call import Call
from ovh_api_mcp.gate.refusal import listed, refusal
from ovh_api_mcp.limits import CALL_BYTES

_NULL: Final = b"null"


def body_bytes(operation: Operation, call: Call, *, may_be_undeclared: bool = False) -> bytes | None:
    """Return JSON in UTF-8, or None for no body; *Raises* RefusedError (invalid-call).

    On an operation that declares a body every JSON value is sent as it is, null too. Elsewhere
    null is taken for no body, since scripts write it for "none"; on POST and PUT another one is
    sent where it `may_be_undeclared`.
    """
    if call.body is None or (call.body == _NULL and not operation.has_body):
        return None
    is_write = operation.method in (Method.POST, Method.PUT)
    if not operation.has_body and not (may_be_undeclared and is_write):
        raise _no_body_here(operation)
    if len(call.body) > CALL_BYTES:
        raise refusal(
            "invalid-call",
            f"The body has {len(call.body)} bytes, more than {CALL_BYTES}. Send less in one call.",
        )
    return call.body


def _no_body_here(operation: Operation) -> RefusedError:
    if operation.method not in (Method.GET, Method.DELETE):
        rule = "The operation declares none; leave body out."
    else:
        names = [p.name for p in operation.parameters if p.place == "query"]
        takes = f"; its query takes {listed(names, 120)}" if names else ""
        rule = f"{operation.method} takes none{takes}."
    return refusal("invalid-call", f"{operation.method} {operation.path} was given a body. {rule}", hint=rule)
