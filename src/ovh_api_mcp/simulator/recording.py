"""A request as it came in: recorded for tests and the demo, bytes as they were on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class RecordedRequest:
    """One request in the order of arrival.

    `target` is the raw path and query, `headers` have lower-case names. `status` is 0 until the
    request is answered, and stays 0 when its connection was cut or dropped. `was_processed` tells whether
    the API did what it asks for, whatever was answered then. `duration_s` is the
    time from its arrival to the end of its answer, 0 until it is done with.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    duration_s: float = 0.0
    was_processed: bool = False
    client: str = field(default="", repr=False)

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def url(self) -> str:
        """The URL the client asked for, as it is signed."""
        return f"http://{self.headers.get('host', '')}{self.target}"
