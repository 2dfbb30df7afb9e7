"""The parts, put together: the only place where all of them meet. It constructs, it decides nothing.

Nothing slow happens before `warm_up`: a client that asks who is there gets its answer first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from ovh_api_mcp import __version__
from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.builder import BUILDER
from ovh_api_mcp.catalog.catalog import Catalog, Waits
from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.terms import load_terms
from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.gate.validation import load_validator
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.client import OvhClient
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, Credentials
from ovh_api_mcp.ovh.endpoints import Endpoint, url_endpoint
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.sandbox.advice.document import Document
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.document_keys import DocumentKeys, NoDocument
from ovh_api_mcp.server.execution import AnswerLookup, Execution, ReportProgress
from ovh_api_mcp.server.lookups import Lookups
from ovh_api_mcp.settings import Settings


class App:
    """Everything that runs scripts, for one endpoint and one set of credentials."""

    def __init__(
        self,
        settings: Settings,
        endpoint: Endpoint,
        client: OvhClient,
        redactor: Redactor,
        rights: Rights,
        waits: Waits | None = None,
    ) -> None:
        self._client = client
        self._rights = rights
        self._validation_mode = settings.validation
        self._access = settings.access
        self._gate: Gatekeeper | None = None
        self._file: CatalogFile | None = None
        self._lookups: Lookups | None = None
        self._keys: Document = NoDocument()
        self._absences = Absences()
        self._digest = ""
        self.sandbox = Sandbox()
        self.catalog = Catalog(
            endpoint_root=endpoint.root,
            services=settings.services,
            # The built-in simulator has another port, and so another root, each time: nothing to keep.
            cache_dir=None if settings.endpoint.is_simulator else settings.cache_dir,
            ttl_s=settings.cache_ttl_s,
            builder=BUILDER,
            environment=settings.child_environment,
            prepare=self._prepare_switch,
            waits=waits,
        )
        self.execution = Execution(
            wait_gate=self._wait_gate,
            lookups=self._answer_lookups,
            document=lambda: self._keys,
            absences=lambda: self._absences,
            readers=lambda service, schema: self._file.readers(service, schema) if self._file else [],
            sandbox=self.sandbox,
            redactor=redactor,
            limit_code_bytes=settings.max_code_bytes,
            limit_result_tokens=settings.max_result_tokens,
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
            endpoint, credentials = settings.endpoint, settings.credentials
            if endpoint.is_simulator:
                endpoint, credentials = await _start_simulator(settings, cleanup)
            transport = Transport(network=settings.network)
            cleanup.push_async_callback(transport.aclose)
            client = OvhClient(transport, endpoint, credentials, redactor=redactor)
            cleanup.push_async_callback(client.aclose)
            app = cls(settings, endpoint, client, redactor, _rights(endpoint, credentials), waits)
            cleanup.push_async_callback(app.catalog.aclose)
            cleanup.push_async_callback(app.sandbox.aclose)
            yield app

    def warm_up(self) -> None:
        """Begin to open or build the catalogue and to start the sandbox; returns at once."""
        self.catalog.start()

    def health(self) -> JsonObject:
        """Return what /healthz tells: no secrets, nothing of the account."""
        file = self.catalog.current
        catalogue: JsonObject = {"state": "building" if file is None else "ready"}
        if file is not None:
            catalogue["services"] = file.info.service_count
            catalogue["operations"] = file.info.operation_count
            catalogue["failedServices"] = len(file.info.failed)
        return {"status": "ok", "version": __version__, "catalogue": catalogue}

    def _prepare_switch(self, file: CatalogFile) -> Callable[[], None]:
        """Make what a new catalogue needs, in a thread: its routes alone take some 40 ms."""
        gate = Gatekeeper(
            file,
            self._client.send,
            absences=file.absences,
            mode=self._validation_mode,
            rights=self._rights,
            access=self._access,
        )
        return partial(self._switch_to, file, gate)

    def _switch_to(self, file: CatalogFile, gate: Gatekeeper) -> None:
        self._file = file
        self._gate = gate
        self._absences = file.absences
        self._lookups = Lookups(file, gate)
        self._keys = DocumentKeys(file, gate)
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, load_terms)  # 7 ms that the first search need not wait
        loop.run_in_executor(None, load_validator)
        if file.info.digest != self._digest:
            self._digest = file.info.digest
            self.sandbox.switch_document(file.folded_pieces)

    async def _wait_gate(self, report: ReportProgress) -> Gatekeeper:
        async def on_progress(progress: BuildProgress) -> None:
            await report(progress.done, progress.total, progress.step)

        await self.catalog.ready(on_progress)
        if self._gate is None:
            raise InternalError("The catalogue is ready, but no gate was made to it.")
        return self._gate

    def _answer_lookups(self) -> AnswerLookup:
        if self._lookups is None:
            raise InternalError("The catalogue is ready, but nothing was made to look things up in it.")
        return self._lookups.answer


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
    return url_endpoint(simulator.url), credentials
