"""The journal of a server: records around the sending of each write, in a thread of its own.

Invariant: what cannot be recorded is not sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.errors import ApiError, NetworkError, RefusedError, cut_foreign
from ovh_api_mcp.journal.entry import End, Outcome, Write, kept_text, masked_query
from ovh_api_mcp.journal.store import FILE_NAME, JournalError, JournalFile, Kept, can_be_written
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from ovh_api_mcp.ovh.retry import may_have_been_processed
from ovh_api_mcp.secret import Redactor

_log = logging.getLogger(__name__)
_HINT: Final = (
    "Tell the user: make the journal's directory writable (--state-dir, OVH_STATE_DIR), or start the server "
    "with --no-journal."
)
_NEXT: Final = "writes will be refused: set --state-dir, or start with --no-journal"


class Journal:
    """Records the writes of one server; opened with its first write, so that a start has no side effect."""

    def __init__(self, directory: Path, redactor: Redactor, kept: Kept) -> None:
        self._path = directory / FILE_NAME
        self._redactor = redactor
        self._kept = kept
        self._begun = 0
        self._file: JournalFile | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def write_of(
        self, request: ApiRequest, *, account: str, endpoint: str, script: str = "", client: str = ""
    ) -> Write:
        """Return a request as it is recorded: masked, and without known secrets."""
        reason = request.reason
        return Write(
            account=account,
            endpoint=endpoint,
            method=request.method.value,
            template=reason.template,
            target=self._redactor.redact(masked_query(request.target, reason.hidden)),
            body=kept_text(request.body, self._redactor, reason.hidden),
            before=kept_text(reason.before, self._redactor, reason.hidden),
            labels=reason.labels,
            decision=reason.why,
            decided_by=reason.by,
            script=script,
            client=cut_foreign(client, 120),
        )

    def tell_unresolved(self) -> None:
        """Log, in a while, how many writes of processes that are gone have no known end.

        A journal that could not be written is told, too, before the first write meets it.
        """
        self._thread.submit(self._tell_unresolved)

    async def around(
        self,
        write: Write,
        send: Callable[[], Awaitable[ApiResponse]],
        *,
        hidden: frozenset[str] = frozenset(),
    ) -> ApiResponse:
        """Record a write, send it, record its end; *Raises* RefusedError where it cannot be recorded.

        `hidden` are names of fields of the answer that are masked, beside those that say so themselves.
        """
        number = await self._begin(write)
        try:
            response = await send()
        except ApiError as error:
            self._end(number, End(Outcome.ANSWERED, error.status, error.query_id, error.attempts))
            raise
        except NetworkError as error:
            outcome = Outcome.MAYBE if may_have_been_processed(error) else Outcome.NOT_SENT
            self._end(number, End(outcome, query_id=error.query_id, attempts=error.attempts))
            raise
        except BaseException:  # given up by us, too
            self._end(number, End(Outcome.MAYBE))
            raise
        reveals = Label.SECRETS in write.labels
        answer = None if reveals else kept_text(response.body, self._redactor, hidden)
        end = End(Outcome.ANSWERED, response.status, response.query_id, response.attempts, answer)
        self._end(number, end)
        return response

    async def aclose(self) -> None:
        """Record what is still to be recorded, and close the file."""
        self._thread.submit(self._close)
        await asyncio.to_thread(self._thread.shutdown)

    async def _begin(self, write: Write) -> int:
        begun = self._thread.submit(self._record, write)
        try:
            async with asyncio.timeout(limits.JOURNAL_WAIT_S + 1):
                return await asyncio.shield(asyncio.wrap_future(begun))
        except asyncio.CancelledError:
            begun.add_done_callback(self._end_unsent)
            raise
        except (JournalError, TimeoutError) as error:
            begun.add_done_callback(self._end_unsent)
            why = cut_foreign(str(error) or f"no answer within {limits.JOURNAL_WAIT_S:g} s", 160)
            _log.error("event=journal-unusable reason=%r", why)
            raise RefusedError(
                f"{write.method} {write.template} was not sent: writes are recorded first, and the "
                f"journal cannot be written ({why}).",
                code="journal-unavailable",
                hint=_HINT,
            ) from None

    def _record(self, write: Write) -> int:
        file = self._opened()
        if self._begun % limits.JOURNAL_TRIMMED_EVERY == 0:
            file.forget(self._kept)
        self._begun += 1
        return file.begin(write)

    def _end_unsent(self, begun: Future[int]) -> None:
        """Record that a write was given up before it left, where it was recorded at all."""
        if not begun.cancelled() and begun.exception() is None:
            self._end(begun.result(), End(Outcome.NOT_SENT))

    def _end(self, number: int, end: End) -> None:
        """Record an end without waiting for it: who is cancelled has no time to."""

        def told(future: Future[None]) -> None:
            if (error := future.exception()) is not None:
                _log.error(
                    "event=journal-end-lost number=%d outcome=%s reason=%r", number, end.outcome, str(error)
                )

        try:
            self._thread.submit(lambda: self._opened().end(number, end)).add_done_callback(told)
        except RuntimeError:  # closed already
            _log.error("event=journal-end-lost number=%d end=%s reason=closed", number, end.outcome)

    def _opened(self) -> JournalFile:
        if self._file is None:
            self._file = JournalFile(self._path)
        return self._file

    def _tell_unresolved(self) -> None:
        try:
            if not can_be_written(self._path):
                _log.warning("event=journal-unwritable path=%s next=%r", self._path, _NEXT)
            elif self._path.exists() and (numbers := self._opened().unresolved()):
                _log.warning(
                    "event=writes-unresolved count=%d newest=%d next=%r",
                    *(len(numbers), numbers[-1], "see: ovh-api-mcp journal --outcome sent"),
                )
        except JournalError as error:
            _log.warning("event=journal-unusable reason=%r", str(error))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
