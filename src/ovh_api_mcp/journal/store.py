"""The journal's file: SQLite with a write-ahead log, which several processes may use at a time.

Contract: `begin` returns when the entry would survive the end of this process, and of the machine. A file
that cannot be used is a JournalError; nothing of SQLite gets out.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.journal.entry import End, Entry, Outcome, Write

FILE_NAME: Final = "journal.sqlite"
_VERSION: Final = 1
REVERT: Final = "journal revert"
"""What the client of a write is called that takes another one back, before that one's number."""
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS writes (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, process TEXT NOT NULL,
        account TEXT NOT NULL, endpoint TEXT NOT NULL, method TEXT NOT NULL, template TEXT NOT NULL,
        target TEXT NOT NULL, body TEXT, before TEXT, labels TEXT NOT NULL, decision TEXT NOT NULL,
        decided_by TEXT NOT NULL, script TEXT NOT NULL, client TEXT NOT NULL,
        outcome TEXT NOT NULL, status INTEGER NOT NULL DEFAULT 0, query_id TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 1, answer TEXT
    );
    CREATE INDEX IF NOT EXISTS writes_by_time ON writes (at);
"""
_WRITE: Final = (
    "account, endpoint, method, template, target, body, before, labels, decision, decided_by, script, client"
)
_TRIMMED_AT_ONCE: Final = 100
_END: Final = "outcome, status, query_id, attempts, answer"


class JournalError(Exception):
    """The journal cannot be used; the message says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a journal keeps: writes no older than `seconds`, at most `entries`, in at most `octets`."""

    seconds: float
    entries: int = limits.JOURNAL_ENTRIES
    octets: int = limits.JOURNAL_MIB_DEFAULT * limits.MIB


class JournalFile:
    """One open journal; to be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _translated(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.fchmod(descriptor, 0o600)
            finally:
                os.close(descriptor)
            self._connection = sqlite3.connect(
                path, timeout=limits.JOURNAL_WAIT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file only
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            [version] = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise JournalError(f"it is of another version ({version})")
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;"
            )

    def begin(self, write: Write) -> int:
        """Record a write that is about to be sent and return its number; *Raises* JournalError."""
        values = (
            *(
                write.account,
                write.endpoint,
                write.method,
                write.template,
                write.target,
                write.body,
                write.before,
            ),
            *(",".join(write.labels), write.decision, write.decided_by, write.script, write.client),
        )
        with _translated(self.path):
            marks = ", ".join("?" * (len(values) + 3))
            cursor = self._connection.execute(
                f"INSERT INTO writes (at, process, outcome, {_WRITE}) VALUES ({marks})",  # noqa: S608 - names of ours
                (time.time(), _this_process(), Outcome.SENT.value, *values),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def end(self, number: int, end: End) -> None:
        """Record how a write ended; *Raises* JournalError."""
        with _translated(self.path):
            self._connection.execute(
                "UPDATE writes SET outcome = ?, status = ?, query_id = ?, attempts = ?, answer = ? "
                "WHERE number = ?",
                (end.outcome.value, end.status, end.query_id, end.attempts, end.answer, number),
            )

    def entry(self, number: int) -> Entry | None:
        """Return one write; None where there is none of the number."""
        return next(iter(self._entries("WHERE number = ?", (number,))), None)

    def entries(
        self,
        *,
        since: float = 0.0,
        method: str = "",
        path: str = "*",
        account: str = "",
        outcome: str = "",
        status: int = 0,
        before: int = 1 << 62,
        limit: int = limits.JOURNAL_SHOWN,
    ) -> Iterator[Entry]:
        """Yield the writes that fit, the newest first; `path` may hold `*`, `before` is a number."""
        where = (
            "WHERE at >= ? AND (? = '' OR method = ?) AND (? = '' OR account = ?) AND (? = '' OR outcome = ?)"
        )
        more = "AND (? = 0 OR status = ?) AND number < ? AND target GLOB ? ORDER BY number DESC LIMIT ?"
        values = (since, method, method, account, account, outcome, outcome)
        yield from self._entries(f"{where} {more}", (*values, status, status, before, _glob(path), limit))

    def taken_back_by(self, number: int) -> int:
        """Return the write that took one back, 0 where none did."""
        same = (f"{REVERT} {number}", Outcome.ANSWERED.value)
        with _translated(self.path):
            row = self._connection.execute(
                "SELECT number FROM writes WHERE client = ? AND outcome = ? AND status < 400 LIMIT 1", same
            ).fetchone()
        return 0 if row is None else int(row[0])

    def unresolved(self) -> list[int]:
        """Return the writes whose end nobody will record any more: their process is gone."""
        with _translated(self.path):
            rows = self._connection.execute(
                "SELECT number, process FROM writes WHERE outcome = ?", (Outcome.SENT.value,)
            ).fetchall()
        return [number for number, process in rows if not _is_running(process)]

    def forget(self, kept: Kept) -> int:
        """Remove the oldest writes beyond `kept`; return how many.

        A write without an end stays until it is too old, however many or large the others are.
        """
        with _translated(self.path):
            rule = "DELETE FROM writes WHERE at < ? OR (outcome <> ? AND number <= ?)"
            newest = self._number("SELECT coalesce(max(number), 0) FROM writes")
            values = (time.time() - kept.seconds, Outcome.SENT.value)
            gone = self._connection.execute(rule, (*values, newest - kept.entries)).rowcount
            while self._used_bytes() > kept.octets:
                batch = self._connection.execute(
                    "DELETE FROM writes WHERE number IN "
                    "(SELECT number FROM writes WHERE outcome <> ? ORDER BY number LIMIT ?)",
                    (Outcome.SENT.value, _TRIMMED_AT_ONCE),
                ).rowcount
                if batch == 0:
                    break
                gone += batch
            if gone:
                self._connection.executescript("PRAGMA incremental_vacuum")  # steps to its end
            return gone

    def _used_bytes(self) -> int:
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return pages * self._number("PRAGMA page_size")

    def _number(self, query: str) -> int:
        [number] = self._connection.execute(query).fetchone()
        return int(number)

    def close(self) -> None:
        """Close it; what was recorded stays."""
        self._connection.close()

    def _entries(self, condition: str, values: Sequence[object]) -> Iterator[Entry]:
        with _translated(self.path), closing(self._connection.cursor()) as cursor:
            cursor.execute(f"SELECT number, at, {_WRITE}, {_END} FROM writes {condition}", values)  # noqa: S608 - as above
            rows = cursor.fetchall()
        for number, at, *row in rows:
            write = dict(zip(_WRITE.split(", "), row, strict=False))
            write["labels"] = tuple(write["labels"].split(",")) if write["labels"] else ()
            outcome, *end = row[len(write) :]
            yield Entry(number, at, Write(**write), End(Outcome(outcome), *end))


def _glob(path: str) -> str:
    return path.replace("[", "[[]").replace("?", "[?]")


def can_be_written(path: Path) -> bool:
    """Tell whether a journal could be written there, without making anything."""
    place = path if path.exists() else next(each for each in path.parents if each.exists())
    return os.access(place, os.W_OK) and (place == path or place.is_dir())


def _this_process() -> str:
    return f"{os.getpid()} {_start_of(os.getpid())}"


def _is_running(process: str) -> bool:
    number, _, start = process.partition(" ")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return _start_of(int(number)) == start


def _start_of(number: int) -> str:
    """Return when a process began, in words that no other of its number has; "" where nothing tells."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path(f'/proc/{number}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return ""


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from error
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error
