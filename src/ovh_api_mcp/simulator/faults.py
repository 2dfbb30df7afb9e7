"""Faults on demand: what a test, or a person who practises, wants to go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ovh_api_mcp.simulator.answers import Answer, No
from ovh_api_mcp.simulator.routing import parameter_name

ANY = "*"


@dataclass(eq=False, slots=True)
class Fault:
    """Something that goes wrong with requests of a method ("*" for any) at a path.

    The path begins with /v1, /v2 or /auth and is compared as it is on the wire (/1.0 counts as
    /v1): one with `{…}` is a template of the whole path, another the beginning of it.

    - `delay_s`: the answer comes later, and is the right one unless another field says otherwise.
    - `status`, `body`, `content_type`, `headers`: the answer instead of the right one.
    - `spread_s`: the body comes in pieces over so long, whichever it is.
    - `stream_bytes`: a JSON string of about this size, sent in pieces, without a declared length.
    - `late`: the request is processed first, and then answered as the other fields say.
    - `cut`: the connection ends in the middle of the answer, whichever it is.
    - `drop`: the connection ends without an answer.
    - `hang`: no answer comes until the client gives up or the simulator is closed.

    `times` counts down with each request it befalls; None for always. `hits` counts up; `number` is
    its own on its board.
    """

    method: str
    path: str
    times: int | None = None
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] | None = None
    delay_s: float = 0.0
    stream_bytes: int = 0
    cut: bool = False
    drop: bool = False
    hang: bool = False
    late: bool = False
    spread_s: float = 0.0
    hits: int = 0
    number: int = 0

    def befalls(self, method: str, raw_path: str) -> bool:
        """Tell whether a request meets this fault."""
        if self.times == 0 or self.method not in (ANY, method):
            return False
        if "{" not in self.path:
            return raw_path.startswith(self.path)
        template, segments = self.path.split("/"), raw_path.split("/")
        pairs = zip(template, segments, strict=False)
        return len(template) == len(segments) and all(parameter_name(t) or t == s for t, s in pairs)

    def answer(self) -> Answer | None:
        """Return the answer that replaces the right one; None where the right one is given."""
        if self.status is None and self.body is None and not self.stream_bytes and self.headers is None:
            return None
        status = self.status or 200
        body = self.body
        if body is None:
            body = _error_body(status) if status >= 400 else b""
        return Answer(status, body, dict(self.headers or {}), self.content_type)


class FaultBoard:
    """The faults that are set, the first that fits counts."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1

    def add(
        self,
        method: str,
        path: str,
        *,
        times: int | None = None,
        status: int | None = None,
        body: bytes | None = None,
        content_type: str = "application/json; charset=utf-8",
        headers: Mapping[str, str] | None = None,
        delay_s: float = 0.0,
        stream_bytes: int = 0,
        cut: bool = False,
        drop: bool = False,
        hang: bool = False,
        late: bool = False,
        spread_s: float = 0.0,
    ) -> Fault:
        """Set a fault behind those already set; see `Fault` for what each field does."""
        fault = Fault(
            method,
            path,
            times=times,
            status=status,
            body=body,
            content_type=content_type,
            headers=headers,
            delay_s=delay_s,
            stream_bytes=stream_bytes,
            cut=cut,
            drop=drop,
            hang=hang,
            late=late,
            spread_s=spread_s,
            number=self._next,
        )
        self._next += 1
        self._faults.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """Return the faults in their order, those that are used up included."""
        return list(self._faults)

    def clear(self) -> None:
        """Take every fault away; requests that hang go on hanging."""
        self._faults.clear()

    def remove(self, number: int) -> bool:
        """Take one fault away; tell whether it was there."""
        left = [fault for fault in self._faults if fault.number != number]
        is_found = len(left) < len(self._faults)
        self._faults = left
        return is_found

    def take(self, method: str, raw_path: str) -> Fault | None:
        """Return the fault that befalls a request, and count it."""
        path = "/v1" + raw_path.removeprefix("/1.0") if raw_path.startswith("/1.0/") else raw_path
        fault = next((f for f in self._faults if f.befalls(method, path)), None)
        if fault is not None:
            fault.hits += 1
            fault.times = None if fault.times is None else fault.times - 1
        return fault


def _error_body(status: int) -> bytes:
    kind = "Server::InternalServerError" if status >= 500 else "Client::BadRequest"
    return No(status, "Simulated fault", kind=kind).to_answer().body
