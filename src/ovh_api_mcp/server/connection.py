"""One account at work: what sends its calls, and what was made of the catalogue of its API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.catalog.catalog import Catalog
from ovh_api_mcp.catalog.model import BuildProgress
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import InternalError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper, Send
from ovh_api_mcp.gate.remedy import Rights
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.sandbox.advice.document import Document
from ovh_api_mcp.server.accounts import Account, AnswerLookup, ReportProgress
from ovh_api_mcp.server.document_keys import DocumentKeys, NoDocument
from ovh_api_mcp.server.lookups import Lookups
from ovh_api_mcp.settings import Settings


class Connection:
    """Everything of one account; the catalogue belongs to its endpoint and comes in by `prepare`."""

    def __init__(self, name: str, endpoint: Endpoint, send: Send, rights: Rights, settings: Settings) -> None:
        self.name = name
        self.endpoint = endpoint
        self._send = send
        self._rights = rights
        self._settings = settings
        self._gate: Gatekeeper | None = None
        self._file: CatalogFile | None = None
        self._lookups: Lookups | None = None
        self._keys: Document = NoDocument()

    def prepare(self, file: CatalogFile) -> Callable[[], None]:
        """Make what a new catalogue needs, in a thread: its routes alone take some 40 ms."""
        gate = Gatekeeper(
            file,
            self._send,
            absences=file.absences,
            mode=self._settings.validation,
            rights=self._rights,
            access=self._settings.access,
            account=self.name,
            looks_first=self._settings.journal_state,
        )
        return partial(self._switch_to, file, gate)

    def _switch_to(self, file: CatalogFile, gate: Gatekeeper) -> None:
        self._file = file
        self._gate = gate
        self._lookups = Lookups(file, gate)
        self._keys = DocumentKeys(file, gate)

    def account(self, catalog: Catalog) -> Account:
        """Return it as runs know it; `catalog` is the one of its endpoint."""
        return Account(
            wait_gate=partial(self._wait_gate, catalog.ready),
            lookups=self._answer_lookups,
            document=lambda: self._keys,
            absences=lambda: self._file.absences if self._file else Absences(),
            readers=lambda service, schema: self._file.readers(service, schema) if self._file else [],
            name=self.name,
            endpoint=self.endpoint.name,
        )

    async def _wait_gate(
        self,
        ready: Callable[[Callable[[BuildProgress], Awaitable[None]]], Awaitable[CatalogFile]],
        report: ReportProgress,
    ) -> Gatekeeper:
        async def on_progress(progress: BuildProgress) -> None:
            await report(progress.done, progress.total, progress.step)

        await ready(on_progress)
        if self._gate is None:
            raise InternalError("The catalogue is ready, but no gate was made to it.")
        return self._gate

    def _answer_lookups(self) -> AnswerLookup:
        if self._lookups is None:
            raise InternalError("The catalogue is ready, but nothing was made to look things up in it.")
        return self._lookups.answer
