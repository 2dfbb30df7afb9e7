"""A call that was let through, with all that is needed to explain how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from ovh_api_mcp.catalog.model import Operation
from ovh_api_mcp.gate.call import Call
from ovh_api_mcp.gate.match import Route
from ovh_api_mcp.gate.routes import is_parameter


@dataclass(frozen=True, slots=True)
class Asked:
    """The call as the script made it, and the operation and route that the gate found for it."""

    call: Call
    operation: Operation
    route: Route

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the template, the branch first."""
        return tuple(self.route.template[1:].split("/"))

    @property
    def segments(self) -> tuple[str, ...]:
        """The same parts as they go over the wire."""
        return tuple(self.route.wire[1:].split("/"))

    @property
    def values(self) -> tuple[int, ...]:
        """The places of the parts that are parameters."""
        return tuple(place for place, part in enumerate(self.parts) if is_parameter(part))

    def name(self, place: int) -> str:
        """Return the parameter's name at a place."""
        return self.parts[place][1:-1]
