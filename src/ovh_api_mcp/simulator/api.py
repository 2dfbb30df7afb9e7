"""The simulated API: what one request is answered, told from top to bottom; no I/O but schema files."""

from __future__ import annotations

from ovh_api_mcp.errors import CatalogError
from ovh_api_mcp.simulator.access import Access
from ovh_api_mcp.simulator.answers import Answer, No, not_found
from ovh_api_mcp.simulator.auth_operations import VALIDATION_PATH, AuthOperations
from ovh_api_mcp.simulator.bodies import parse_body, parse_query
from ovh_api_mcp.simulator.conditions import answer_schema
from ovh_api_mcp.simulator.library import Library, Service
from ovh_api_mcp.simulator.native import Operation
from ovh_api_mcp.simulator.oauth2 import DISCOVERY_PATH, TOKEN_PATH, answer_token, describe
from ovh_api_mcp.simulator.pages import answer_page
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.resources import CheckedRequest, Resources
from ovh_api_mcp.simulator.routing import Route, split_path
from ovh_api_mcp.simulator.service_accounts import ServiceAccounts
from ovh_api_mcp.simulator.state import State

_BRANCHES = {"v1": "v1", "1.0": "v1", "v2": "v2"}


class SimulatedApi:
    """Answers requests to the API root `url` from schemas, keys and the state of one account.

    `has_deleted`: operations whose day of deletion has passed are there no more.
    """

    def __init__(self, library: Library, access: Access, url: str) -> None:
        self._library = library
        self._access = access
        self._url = url
        self._auth_operations = AuthOperations(access, url)
        self.resources = Resources(State())
        self._service_accounts = ServiceAccounts(access, self.resources)
        self.has_deleted = False

    async def answer(self, request: RecordedRequest) -> Answer:
        """Answer a request; every no is in OVH's shape."""
        try:
            return await self._answer(request)
        except No as no:
            return no.to_answer()
        except (CatalogError, TimeoutError) as error:
            return No(500, str(error), kind="Server::InternalServerError").to_answer()

    async def _answer(self, request: RecordedRequest) -> Answer:
        match request.raw_path:
            case path if path == DISCOVERY_PATH:
                return describe(self._url)
            case path if path == TOKEN_PATH:
                return answer_token(request, self._service_accounts.secret, self._access.tokens)
            case path if path == VALIDATION_PATH:
                return self._auth_operations.validate(request)
        if (page := answer_page(request)) is not None:
            return page
        first, _, rest = request.raw_path.removeprefix("/").partition("/")
        branch = _BRANCHES.get(first)
        if branch is None:
            raise _no_such_url()
        if request.method == "GET" and (answer := await self._schema(branch, rest, request)) is not None:
            return answer
        return await self._operate(branch, rest, request)

    async def _schema(self, branch: str, rest: str, request: RecordedRequest) -> Answer | None:
        """Answer with the index of a branch, or the schema of a service; None for another path."""
        if not rest:
            index = await self._library.read_index(branch)
            return None if index is None else Answer(200, index)
        if rest.endswith(".json"):
            schema = await self._library.read_schema(branch, "/" + rest.removesuffix(".json"))
            return None if schema is None else answer_schema(schema.text, schema.modified_s, request.headers)
        return None

    async def _operate(self, branch: str, rest: str, request: RecordedRequest) -> Answer:
        """Route, authenticate, check, then do: in OVH's order."""
        segments = split_path(rest)
        found = await self._library.find(branch, segments) if segments else None
        if segments is None or found is None:
            raise _no_such_url()
        service, route = found
        operation = route.operations.get(request.method)
        if operation is not None and self.has_deleted and operation.is_gone(self._access.now_s()):
            raise _no_such_url()
        if operation is None:
            methods = ", ".join(sorted(route.operations))
            raise No(405, f"Method not allowed, known are: {methods}", kind="Client::MethodNotAllowed")
        needs_caller = not operation.no_authentication
        caller = self._access.authenticate(request, operation, branch) if needs_caller else None
        checked = _check(request, service, route, operation, (branch, *segments))
        about_keys = (request.method, "/" + "/".join(segments)) if branch == "v1" else ("", "")
        answer = self._auth_operations.answer(about_keys, request, caller, checked.body)
        return answer or self._service_accounts.answer(checked) or self.resources.answer(checked)


def _check(
    request: RecordedRequest, service: Service, route: Route, operation: Operation, place: tuple[str, ...]
) -> CheckedRequest:
    """Return the request with query and body parsed; raises `No` where they are not as declared."""
    query = parse_query(request, operation, service.types)
    takes_body = request.method in ("POST", "PUT")
    body = parse_body(request, operation, service.types) if takes_body else None
    return CheckedRequest(service, route, operation, place, query, request.headers, body)


def _no_such_url() -> No:
    return not_found("Got an invalid (or empty) URL")
