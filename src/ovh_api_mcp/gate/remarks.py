"""What one run's calls leave to be told beside its result, and what it has read so far."""

from __future__ import annotations

from ovh_api_mcp.limits import READ_KEPT_BYTES, READS_KEPT, REMARKS_TOLD


class Remarks:
    """Collects the notes of one run, each once, and keeps small answers to compare with what is sent.

    Not locked: the calls of a run are checked one after another or in threads that are awaited.
    """

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._left_out = 0
        self._reads: dict[str, bytes] = {}

    def add(self, note: str) -> None:
        """Keep a note to be told with the result."""
        if note in self._notes:
            return
        if len(self._notes) < REMARKS_TOLD:
            self._notes[note] = None
        else:
            self._left_out += 1

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes in their order, and how many more there were."""
        more = (f"{self._left_out} more notes on calls.",) if self._left_out else ()
        return (*self._notes, *more)

    def keep_read(self, path: str, answer: bytes) -> None:
        """Remember what a GET of `path` answered last."""
        self._reads.pop(path, None)
        if len(answer) <= READ_KEPT_BYTES:
            self._reads[path] = answer
            if len(self._reads) > READS_KEPT:
                del self._reads[next(iter(self._reads))]

    def forget_read(self, path: str) -> None:
        """Forget it: what is there may have changed."""
        self._reads.pop(path, None)

    def read(self, path: str) -> bytes | None:
        """Return it; None where the run has not read that path, or it was long."""
        return self._reads.get(path)
