"""A small API's schemas, served from memory: as a Fetch, or over HTTP with whatever faults a test wants."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ovh_api_mcp.catalog.validators import Fetched, Validators
from ovh_api_mcp.errors import ApiError, NetworkError


@dataclass(frozen=True)
class Answer:
    """One answer; `declared` is a Content-Length that is larger than the body, to cut the connection.

    With an `etag` or a `last_modified`, who knows that version already gets 304 without a body.
    """

    body: bytes = b""
    status: int = 200
    location: str = ""
    hangs: bool = False
    declared: int = 0
    etag: str = ""
    last_modified: str = ""

    def is_known(self, etag: str | None, last_modified: str | None) -> bool:
        """Tell whether the version that a request's conditions name is this one."""
        if etag is not None:
            return bool(self.etag) and etag == self.etag
        return bool(self.last_modified) and last_modified == self.last_modified


def parameter(
    name: str | None, place: str, data_type: str = "string", *, required: bool = True
) -> dict[str, Any]:
    given = {"dataType": data_type, "paramType": place, "required": required, "fullType": data_type}
    return given if name is None else {**given, "name": name}


def operation(method: str = "GET", response: str = "void", **more: Any) -> dict[str, Any]:
    base = {"httpMethod": method, "parameters": [], "responseType": response, "description": "Does it"}
    return {**base, "apiStatus": {"value": "PRODUCTION"}, "noAuthentication": False, **more}


def service(
    paths: dict[str, list[dict[str, Any]]], models: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    apis = [{"path": path, "operations": operations, "description": ""} for path, operations in paths.items()]
    return {"apiVersion": "1.0", "apis": apis, "models": models or {}}


def index(*roots: str) -> dict[str, Any]:
    entries = [{"path": root, "schema": "{path}.{format}", "format": ["json"]} for root in roots]
    return {"apis": entries, "basePath": "https://api.example"}


def small_services() -> dict[str, dict[str, Any]]:
    """Three roots in v1, one of them in v2 too; five operations."""
    pot = {"properties": {"id": {"type": "long", "required": True}, "name": {"type": "string"}}}
    return {
        "v1/pot": service(
            {
                "/pot": [operation(response="long[]")],
                "/pot/{id}": [
                    operation(response="garden.Pot", parameters=[parameter("id", "path", "long")]),
                    operation("DELETE", parameters=[parameter("id", "path", "long")]),
                ],
            },
            {"garden.Pot": pot},
        ),
        "v1/shed/door": service({"/shed/door": [operation(response="boolean")]}),
        "v1/shed/roof": service({"/shed/roof": [operation(response="string", noAuthentication=True)]}),
        "v2/pot": service({"/pot/task": [operation(response="string[]")]}),
    }


@dataclass
class SchemaSite:
    """Answers by path; a list is used up from the front, its last answer stays."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    root: str = "http://schemas.example"
    released: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, services: dict[str, dict[str, Any]]) -> SchemaSite:
        site = cls()
        for branch in ("v1", "v2"):
            roots = [name.removeprefix(branch) for name in services if name.startswith(f"{branch}/")]
            site.put(f"/{branch}/", index(*roots))
        for name, schema in services.items():
            site.put(f"/{name}.json", schema)
        return site

    def put(self, path: str, *answers: object) -> None:
        self.answers[path] = [
            each if isinstance(each, Answer) else Answer(json.dumps(each).encode()) for each in answers
        ]

    def answer(self, path: str) -> Answer:
        self.requests[path] += 1
        left = self.answers.get(path, [Answer(b"{}", status=404)])
        return left.pop(0) if len(left) > 1 else left[0]

    async def fetch(self, url: str, *, limit_bytes: int, known: Validators) -> Fetched:
        """Answer as the real transport and its fetch function would."""
        answer = self.answer(url.removeprefix(self.root))
        if answer.location:
            raise NetworkError("a redirect", code="redirected", hint="x")
        if answer.declared:
            raise NetworkError("the connection was cut", code="connection-lost", hint="x")
        if answer.status >= 400:
            raise ApiError(f"answered with status {answer.status}", status=answer.status)
        if len(answer.body) > limit_bytes:
            raise NetworkError("the answer is too large", code="answer-too-large", hint="x")
        if answer.is_known(known.etag or None, known.last_modified or None):
            return Fetched(None)
        return Fetched(answer.body, Validators(answer.etag, answer.last_modified))


@contextmanager
def serving(site: SchemaSite) -> Iterator[SchemaSite]:
    """Serve a site on loopback; `site.root` is its URL meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = site.answer(self.path)
            if answer.hangs:
                site.released.wait(60)
                self.close_connection = True
                return
            is_known = answer.is_known(self.headers["If-None-Match"], self.headers["If-Modified-Since"])
            site.unchanged[self.path] += is_known
            self.send_response(304 if is_known else answer.status)
            for name, value in (
                ("Location", answer.location),
                ("ETag", answer.etag),
                ("Last-Modified", answer.last_modified),
            ):
                if value:
                    self.send_header(name, value)
            if not is_known:
                self.send_header("Content-Length", str(answer.declared or len(answer.body)))
            self.end_headers()
            self.wfile.write(b"" if is_known else answer.body)
            self.close_connection = bool(answer.declared)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.root = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
