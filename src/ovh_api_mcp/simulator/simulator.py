"""Starts and ends a simulated OVH on loopback."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.listener import bind_socket, http_url
from ovh_api_mcp.simulator.access import Access
from ovh_api_mcp.simulator.account import SimulatedAccount
from ovh_api_mcp.simulator.answers import No
from ovh_api_mcp.simulator.api import SimulatedApi
from ovh_api_mcp.simulator.consumer_keys import ConsumerKeys
from ovh_api_mcp.simulator.faults import FaultBoard
from ovh_api_mcp.simulator.known import Known
from ovh_api_mcp.simulator.library import OWN_SCHEMAS, Library
from ovh_api_mcp.simulator.loopback import LoopbackServer
from ovh_api_mcp.simulator.rate import RateLimit
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.saved import SavedState, check_writable, read_state, write_state
from ovh_api_mcp.simulator.state import own_state
from ovh_api_mcp.simulator.wire import Control, Wire


class Simulator:
    """A running simulated OVH: made with `start`, ended with `aclose`.

    `url` is the API root without a slash at its end, `account` its only account. `time_offset_s` is
    how far its clock is ahead of the local one; it may be changed while it runs, as may
    `token_lifetime_s` and `latency_s`. `resources` has the account's things: how long its tasks take, how
    they end, how many members its lists have, and which lists (by their templates) v1 does not expand.
    """

    def __init__(self, library: Library, url: str) -> None:
        self.url = url
        self.account = SimulatedAccount()
        self.faults = FaultBoard()
        self.time_offset_s = 0.0
        self._access = Access(self.account, lambda: time.time() + self.time_offset_s)
        api = SimulatedApi(library, self._access, self.url)
        self.resources = api.resources
        self._api = api
        self.known = Known(library)
        self._seed = own_state()
        self.state_file: Path | None = None
        self._wire = Wire(api, self.faults)
        self._server: LoopbackServer | None = None

    @classmethod
    async def start(
        cls,
        *,
        schemas: Path | None = None,
        seed: Path | None = None,
        state: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        time_offset_s: float = 0.0,
        latency_s: float = 0.0,
        on_request: Callable[[RecordedRequest], None] | None = None,
    ) -> Simulator:
        """Serve from now on, in the running event loop.

        `schemas` is a directory of native schemas, None for the simulator's own small set; `seed` a
        file of what the account has (see saved.py), and `state` one that `save` writes. Every
        answer takes `latency_s` longer.
        `on_request` is called when a request is done with.

        Raises SettingsError: `port-in-use`, `address-unusable`, `setting-invalid` for files.
        """
        library = Library(schemas or OWN_SCHEMAS)
        if state is not None:
            check_writable(state)
        begun = await _read_seed(seed, library) if seed is not None else None
        listener = bind_socket(host, port)
        simulator = cls(library, http_url(host, listener))
        simulator.time_offset_s = time_offset_s
        simulator.latency_s = latency_s
        simulator._wire.on_request = on_request
        simulator.state_file = state
        if begun is not None:
            simulator._seed = begun
            simulator.resources.load(begun)
        simulator._server = LoopbackServer(simulator._wire, listener)
        await simulator._server.begin()
        return simulator

    async def aclose(self) -> None:
        """Cut every connection and stop; returns within seconds, whatever hangs."""
        if self._server is not None:
            await self._server.end()

    def save(self) -> None:
        """Write what the account has into its file, if any, whole or not at all; *Raises* SettingsError."""
        if self.state_file is not None:
            write_state(self.state_file, self.resources.saved())

    def control(self, control: Control) -> None:
        """Let requests to /_simulator be answered by `control` (see control.py)."""
        self._wire.control = control

    def reset(self) -> None:
        """Be as at the start: its seed, no faults, no latency, the practice account's one key."""
        self.resources.load(self._seed)
        self.resources.not_expanded.clear()
        self.resources.tasks.outcome, self.resources.tasks.looks = "done", 3
        self.faults.clear()
        self.requests.clear()
        self.rate = None
        self.latency_s = self.time_offset_s = 0.0
        self.has_deleted = False
        self._access.reset()

    @property
    def rate(self) -> RateLimit | None:
        """How many requests it takes of one key; None for any number."""
        return self._wire.rate

    @rate.setter
    def rate(self, value: RateLimit | None) -> None:
        self._wire.rate = value

    @property
    def missing_actions(self) -> set[str]:
        """The names of IAM actions that nobody has."""
        return self._access.missing_actions

    @property
    def has_deleted(self) -> bool:
        """Whether operations are gone whose day of deletion has passed."""
        return self._api.has_deleted

    @has_deleted.setter
    def has_deleted(self, value: bool) -> None:
        self._api.has_deleted = value

    @property
    def requests(self) -> deque[RecordedRequest]:
        """The requests in the order of arrival, schemas and sign-ins included; the newest 10,000."""
        return self._wire.requests

    @property
    def consumer_keys(self) -> ConsumerKeys:
        return self._access.consumer_keys

    @property
    def latency_s(self) -> float:
        """What every answer takes longer."""
        return self._wire.latency_s

    @latency_s.setter
    def latency_s(self, value: float) -> None:
        self._wire.latency_s = value

    @property
    def token_lifetime_s(self) -> int:
        """How long an OAuth2 token given out from now on is good."""
        return self._access.tokens.lifetime_s

    @token_lifetime_s.setter
    def token_lifetime_s(self, value: int) -> None:
        self._access.tokens.lifetime_s = value

    @property
    def issued_tokens(self) -> int:
        """How many OAuth2 tokens were ever given out."""
        return self._access.tokens.issued

    def revoke_tokens(self) -> None:
        """Make every OAuth2 token useless that was given out so far."""
        self._access.tokens.revoke_all()


async def _read_seed(seed: Path, library: Library) -> SavedState:
    state = read_state(seed)
    try:
        await Known(library).check_state(state)
    except No as no:
        shown = cut_foreign(str(seed), 120)
        raise SettingsError(f"{shown} is no state for these schemas: {no}.", code="setting-invalid") from None
    return state
