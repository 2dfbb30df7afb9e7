"""The parts, put together: the only place where all of them meet. It constructs, it decides nothing.

Nothing slow happens before `warm_up`: a client that asks who is there gets its answer first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from ovh_api_mcp import __version__, limits
from ovh_api_mcp.catalog.builder import BUILDER
from ovh_api_mcp.catalog.catalog import Catalog, Waits
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.terms import load_terms
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.gate.validation import load_validator
from ovh_api_mcp.journal.journal import Journal
from ovh_api_mcp.journal.store import Kept
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, Credentials
from ovh_api_mcp.ovh.endpoints import Endpoint, url_endpoint
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.accounts import Accounts
from ovh_api_mcp.server.connection import Connection
from ovh_api_mcp.server.execution import Execution
from ovh_api_mcp.server.parking import Parking
from ovh_api_mcp.settings import Settings


class App:
    """Everything that runs scripts, for one account or several."""

    def __init__(
        self,
        settings: Settings,
        connections: Sequence[Connection],
        redactor: Redactor,
        waits: Waits | None = None,
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._waits = waits
        self._digest = ""
        self.sandbox = Sandbox()
        # Accounts of one API share its catalogue; the first one's document is what scripts read.
        self._catalogs = {each.endpoint.root: self._catalog_of(each.endpoint) for each in connections}
        self.catalog = self._catalogs[connections[0].endpoint.root]
        self._journal = _journal_of(settings, redactor)
        self.parking = Parking(redactor)
        self.accounts = Accounts(*(each.account(self._catalogs[each.endpoint.root]) for each in connections))
        self.execution = Execution(
            accounts=self.accounts,
            sandbox=self.sandbox,
            redactor=redactor,
            limit_code_bytes=settings.max_code_bytes,
            limit_result_tokens=settings.max_result_tokens,
            journal=self._journal,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, redactor: Redactor, *, waits: Waits | None = None
    ) -> AsyncIterator[App]:
        """Yield the app; afterwards nothing that it started is left.

        `waits` is for who has more patience with a first build than an MCP client.
        """
        async with AsyncExitStack() as cleanup:
            transport = Transport(network=settings.network)
            cleanup.push_async_callback(transport.aclose)
            connections = []
            for account in settings.accounts:
                endpoint, credentials = account.endpoint, account.credentials
                if endpoint.is_simulator:
                    endpoint, credentials = await _start_simulator(settings, cleanup)
                client = OvhClient(transport, endpoint, credentials, redactor=redactor, place=account.place)
                cleanup.push_async_callback(client.aclose)
                rights = _rights(endpoint, credentials)
                connections.append(Connection(account.name, endpoint, client.send, rights, settings))
            app = cls(settings, connections, redactor, waits)
            if app._journal is not None:  # closed last: the others may still end writes
                cleanup.push_async_callback(app._journal.aclose)
                app._journal.tell_unresolved()
            for catalog in app._catalogs.values():
                cleanup.push_async_callback(catalog.aclose)
            cleanup.push_async_callback(app.sandbox.aclose)
            cleanup.push_async_callback(app.parking.aclose)
            yield app

    def warm_up(self) -> None:
        """Begin to open or build the catalogues and to start the sandbox; returns at once."""
        for catalog in self._catalogs.values():
            catalog.start()

    def health(self) -> JsonObject:
        """Return what /healthz tells: no secrets, nothing of an account."""
        file = self.catalog.current
        catalogue: JsonObject = {"state": "building" if file is None else "ready"}
        if file is not None:
            catalogue["services"] = file.info.service_count
            catalogue["operations"] = file.info.operation_count
            catalogue["failedServices"] = len(file.info.failed)
        return {"status": "ok", "version": __version__, "catalogue": catalogue}

    def _catalog_of(self, endpoint: Endpoint) -> Catalog:
        settings = self._settings
        return Catalog(
            endpoint_root=endpoint.root,
            services=settings.services,
            # The built-in simulator has another port, and so another root, each time: nothing to keep.
            cache_dir=None if endpoint.is_simulator else settings.cache_dir,
            ttl_s=settings.cache_ttl_s,
            builder=BUILDER,
            environment=settings.child_environment,
            prepare=partial(self._prepare_switch, endpoint.root),
            waits=self._waits,
            risk_rules=settings.risk_rules,
        )

    def _prepare_switch(self, root: str, file: CatalogFile) -> Callable[[], None]:
        """Make what the accounts of an API need of its new catalogue, in a thread."""
        switches = [each.prepare(file) for each in self._connections if each.endpoint.root == root]
        return partial(self._switch_to, file, switches, is_read=root == self._connections[0].endpoint.root)

    def _switch_to(self, file: CatalogFile, switches: Sequence[Callable[[], None]], *, is_read: bool) -> None:
        for switch in switches:
            switch()
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, load_terms)  # 7 ms that the first search need not wait
        loop.run_in_executor(None, load_validator)
        if is_read and file.info.digest != self._digest:
            self._digest = file.info.digest
            self.sandbox.switch_document(file.folded_pieces)


def _journal_of(settings: Settings, redactor: Redactor) -> Journal | None:
    if settings.state_dir is None:
        return None
    kept = Kept(settings.journal_days * 86_400, octets=settings.journal_mib * limits.MIB)
    return Journal(settings.state_dir, redactor, kept)


def _rights(endpoint: Endpoint, credentials: Credentials) -> Rights:
    """Return where rights come from: keys with rules are for who signs with keys, or has nothing yet."""
    uses_keys = credentials is None or isinstance(credentials, ApplicationCredentials)
    return Rights(endpoint.create_token_url if uses_keys else "", endpoint.region)


async def _start_simulator(settings: Settings, cleanup: AsyncExitStack) -> tuple[Endpoint, Credentials]:
    from ovh_api_mcp.simulator.simulator import Simulator  # late: nobody else needs a simulated API

    simulator = await Simulator.start(schemas=settings.schemas_dir)
    cleanup.push_async_callback(simulator.aclose)
    account = simulator.account
    credentials = ApplicationCredentials(
        account.application_key, Secret(account.application_secret), Secret(account.consumer_key)
    )
    return replace(url_endpoint(simulator.url), is_simulator=True), credentials
