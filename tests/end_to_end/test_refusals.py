"""What the gate refuses, asked through `execute` on the whole API; the API's own record is the witness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ovh_api_mcp.limits import PATH_CHARS
from ovh_api_mcp.simulator.simulator import Simulator
from tests.end_to_end.api import calls_of, lines_of
from tests.end_to_end.program import Server, attempts, connected, error_of, execute, says, value_of

pytestmark = pytest.mark.anyio

_DOTS = [".", "..", "%2e", "%2E", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e"]
_DOTS += ["..;", "..;a=b", "..%3Ba", "%2e%2e%3b", "..%20", "%20..", "．．", "‥", "%EF%BC%8E.", "%c0%ae%c0%ae"]
_INNER_DOTS = [
    "..%2Fme",
    "a%2F..",
    "a%2F..%2Fb",
    "a%2f.%2fb",
    "%2e%2e%2f",
    "a%252F..%252Fb",
    "a%2F%2e%2e%2Fb",
]
_SIGNS = ["a?b", "a%3Fb", "a%253fb", "a#b", "a%23b", "a\\b", "a%5Cb", "a%5cb", "a%255Cb", "..\\", "..%5C"]
_CONTROLS = [
    "a\x00b",
    "a%00b",
    "a%2500b",
    "a\nb",
    "a%0ab",
    "a%0D%0Ab",
    "a\x7fb",
    "a%7F",
    "a\x85b",
    "a\u2028b",
]
_CONTROLS += ["a\tb", "a\x1bb", "a%C2%85b"]
_SLASHES = ["", "a//b", "a/", "a%2F%2Fb", "%2Fa", "a%2F", "%2F", "a%252F%252Fb"]
_ESCAPES = ["%", "a%", "a%2", "%zz", "%2g", "%ff", "%E9", "%" + "25" * 40 + "2e", "${zone}", "a" * PATH_CHARS]
_SEGMENTS = [*_DOTS, *_INNER_DOTS, *_SIGNS, *_CONTROLS, *_SLASHES, *_ESCAPES]
_PLACES = ["/v1/domain/zone/{}/record", "/v1/vps/{}", "/v1/ip/{}", "/v2/iam/policy/{}"]
_WHOLE = [
    "",
    "/",
    "me",
    "v1/me",
    " /v1/me",
    "/v1/me/",
    "/v1/",
    "//v1/me",
    "/v1//me",
    "\\v1\\me",
    "/v1/me?a=b",
]
_WHOLE += ["/v1/me#a", "/v1/../v1/me", "/v1/%2e%2e/v1/me", "/../v1/me", "/v1/me/..", "/./v1/me", "GET /v1/me"]
_WHOLE += [
    "https://eu.api.ovh.com/v1/me",
    "HTTP://eu.api.ovh.com/v1/me",
    "http:/v1/me",
    "https:\\\\a\\v1\\me",
]
_WHOLE += ["//eu.api.ovh.com/v1/me", "eu.api.ovh.com/v1/me", "file:///etc/passwd", "javascript:alert(1)//"]
_VALUES = [
    ".",
    "..",
    "%2e%2e",
    "%252e",
    "../me",
    "a/../b",
    "a/./b",
    "..\\",
    "a\\b",
    "a%5Cb",
    "a\x00",
    "a%00",
    "\r\n",
]
_VALUES += ["", "/", "/a", "a/", "a//b", "a%2F%2Fb", "..;x", "．．", " ", ";", "a" * (PATH_CHARS + 1)]


def unsafe_calls() -> Iterator[dict[str, object]]:
    """Yield a call for every spelling of every path that the specification forbids."""
    for place in _PLACES:
        for segment in _SEGMENTS:
            yield {"method": "GET", "path": place.format(segment)}
    for path in _WHOLE:
        yield {"method": "GET", "path": path}
    for value in _VALUES:
        yield {"method": "GET", "path": "/v1/ip/{ip}", "params": {"ip": value}}


async def ends_of(server: Server, calls: list[dict[str, object]]) -> list[object]:
    """Return how each call ended: the code of its refusal, or "sent"."""
    async with connected(server) as client:
        ends = value_of(await execute(client, attempts(calls)))
    assert isinstance(ends, list)
    return ends


@pytest.mark.promise("calls.unsafe-path")
async def test_an_unsafe_path_is_refused_in_every_spelling_and_nothing_is_sent(
    whole_api: Simulator, whole_server: Server
) -> None:
    calls = list(unsafe_calls())
    passed = [
        call
        for call, end in zip(calls, await ends_of(whole_server, calls), strict=True)
        if end != "unsafe-path"
    ]
    assert passed == []
    assert list(whole_api.requests) == []


@pytest.mark.promise("calls.unknown", "calls.prefix")
@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"method": "GET", "path": "/v1/nope"}, "unknown-operation"),
        ({"method": "GET", "path": "/v1/domain/zone/example.com/recrod"}, "unknown-operation"),
        ({"method": "GET", "path": "/domain/zone"}, "unsafe-path unknown-operation"),
        ({"method": "GET", "path": "/1.0/me"}, "unknown-operation"),
        ({"method": "GET", "path": "/v3/me"}, "unknown-operation"),
        ({"method": "GET", "path": "/V1/me"}, "unknown-operation"),
        ({"method": "GET", "path": "/v1/Me"}, "unknown-operation"),
        ({"method": "GET", "path": "/v1%2Fme"}, "unknown-operation"),
        ({"method": "GET", "path": "/v1"}, "unknown-operation"),
        ({"method": "GET", "path": "/auth/oauth2/token"}, "unknown-operation"),
        ({"method": "GET", "path": "/v1/domain.json"}, "unknown-operation"),
        ({"method": "PUT", "path": "/v1/domain/zone"}, "method-not-allowed"),
        ({"method": "DELETE", "path": "/v1/me"}, "method-not-allowed"),
        ({"method": "POST", "path": "/v1/auth/time"}, "method-not-allowed"),
        ({"method": "PATCH", "path": "/v1/me"}, "invalid-call"),
        ({"method": "HEAD", "path": "/v1/me"}, "invalid-call"),
        ({"method": "GET\r\nX: y", "path": "/v1/me"}, "invalid-call"),
        ({"method": "", "path": "/v1/me"}, "invalid-call"),
        ({"path": "/v1/me"}, "invalid-call"),
        ({"method": "GET"}, "invalid-call"),
        ({"method": "GET", "path": ["/v1/me"]}, "invalid-call"),
        ({"method": "GET", "path": "/v1/me", "url": "http://evil.example/"}, "invalid-call"),
        ({"method": "GET", "path": "/v1/me", "endpoint": "ovh-us"}, "invalid-call"),
        ({"method": "GET", "path": "/v1/me", "body": {"a": 1}}, "invalid-call"),
        ({"method": "DELETE", "path": "/v1/me/accessRestriction/ip/1", "body": {}}, "invalid-call"),
        ({"method": "GET", "path": "/v1/me", "query": {"nope": 1}}, "invalid-request"),
        ({"method": "GET", "path": "/v1/ip/{ip}", "params": {"ip": None}}, "invalid-call"),
        ({"method": "GET", "path": "/v1/ip/{ip}", "params": {"address": "192.0.2.1"}}, "invalid-call"),
        ({"method": "GET", "path": "/v1/ip/{ip}"}, "invalid-call"),
        ({"method": "GET", "path": "/v1/domain/{name}", "params": {"name": "zone"}}, "invalid-call"),
    ],
)
async def test_what_is_no_operation_is_refused_and_nothing_is_sent(
    whole_api: Simulator, whole_server: Server, call: dict[str, object], code: str
) -> None:
    [end] = await ends_of(whole_server, [call])
    assert end in code.split()
    assert list(whole_api.requests) == []


@pytest.mark.promise("calls.headers")
async def test_headers_that_the_operation_does_not_declare_are_refused_and_nothing_is_sent(
    whole_api: Simulator, whole_server: Server
) -> None:
    names = ["Authorization", "Cookie", "Host", "X-Ovh-Application", "X-OVH-Consumer", "x-ovh-signature"]
    names += [
        "X-Ovh-Timestamp",
        "X-Ovh-Batch",
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
    ]
    names += ["X-Forwarded-For", "User-Agent", "Accept", "", "X Y", "X-Pagination-Size\r\nX", ":path"]
    headers: list[dict[str, object]] = [{name: "1"} for name in names]
    headers += [
        {"Pragma": "a\r\nX-Evil: b"},
        {"Pragma": "a\x00"},
        {"pragma": "a", "Pragma": "b"},
        {"Pragma": ["a"]},
    ]
    ends = await ends_of(
        whole_server, [{"method": "GET", "path": "/v1/me", "headers": each} for each in headers]
    )
    assert ends == ["invalid-call"] * len(headers)
    assert list(whole_api.requests) == []


@pytest.mark.promise("calls.headers")
async def test_the_headers_that_the_specification_names_go_over_the_wire(
    whole_api: Simulator, whole_server: Server
) -> None:
    given = {
        "X-Pagination-Mode": "x",
        "X-Pagination-Size": "5",
        "X-Schemas-Version": "2",
        "Pragma": "no-cache",
    }
    await ends_of(whole_server, [{"method": "GET", "path": "/v1/me", "headers": given}])
    [request] = calls_of(whole_api)
    assert request.headers.items() >= {name.lower(): value for name, value in given.items()}.items()


@pytest.mark.promise("calls.encoded-slash", "calls.params", "calls.method-case", "calls.literals-win")
async def test_odd_but_honest_calls_leave_in_one_spelling(whole_api: Simulator, whole_server: Server) -> None:
    block: dict[str, object] = {"method": "GET", "path": "/v1/ip/203.0.113.0%2F24"}
    calls: list[dict[str, object]] = [
        block,
        {**block, "path": "/v1/ip/203.0.113.0%2f24"},
        {**block, "path": "/v1/ip/{ip}", "params": {"ip": "203.0.113.0/24"}},
        {**block, "path": "/v1/ip/{anything}", "params": {"anything": "2001:db8::/64"}},
        {"method": "get", "path": "/v1/domain/zone"},
        {"method": "pOsT", "path": "/v1/domain/zone/{z}/refresh", "params": {"z": "example.com"}},
        {"method": "GET", "path": "/v1/ip", "query": {"type": "vps", "ip": "203.0.113.0/24"}},
    ]
    assert set(await ends_of(whole_server, calls)) <= {"sent", "api-error"}
    assert lines_of(whole_api) == [
        "GET /v1/ip/203.0.113.0%2F24",
        "GET /v1/ip/203.0.113.0%2f24",
        "GET /v1/ip/203.0.113.0%2F24",
        "GET /v1/ip/2001:db8::%2F64",
        "GET /v1/domain/zone",
        "POST /v1/domain/zone/example.com/refresh",
        "GET /v1/ip?type=vps&ip=203.0.113.0%2F24",
    ]
    assert {request.status for request in calls_of(whole_api)} <= {200, 404}  # signed as they were sent


@pytest.mark.promise("tools.errors")
async def test_a_refusal_that_nobody_caught_names_the_fault_and_what_would_be_right(
    whole_server: Server,
) -> None:
    async with connected(whole_server) as client:
        told = error_of(
            await execute(client, "async () => {\n  return await ovh.get('/v1/domain/zone/a.eu/recrod') }")
        )
    assert says(told, "no operation GET /v1/domain/zone/a.eu/recrod", "line 2")
    assert "/v1/domain/zone/{zoneName}/record" in told


async def test_a_search_script_has_no_way_to_call(whole_api: Simulator, whole_server: Server) -> None:
    async with connected(whole_server) as client:
        result = await client.call_tool("search", {"code": "async () => await ovh.get('/v1/me')"})
        assert "execute" in error_of(result)
    assert list(whole_api.requests) == []
