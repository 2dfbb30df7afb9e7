"""A second, independent OVH for tests, demo and practice.

Invariant: nothing here is shared with ovh/, gate/ or catalog/, so that what the two agree on is
agreed on twice.
"""

from ovh_api_mcp.simulator.account import SimulatedAccount
from ovh_api_mcp.simulator.faults import Fault, FaultBoard
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.simulator import Simulator

__all__ = ["Fault", "FaultBoard", "RecordedRequest", "SimulatedAccount", "Simulator"]
