"""The words the model reads before it calls anything.

Every character is paid for in every conversation: both tool definitions and the instructions
together stay within DESCRIPTION_TOKENS, the instructions within limits.INSTRUCTIONS_CHARS, the
important first, because clients cut them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ovh_api_mcp.gate.policy import Access, AccessMode

DESCRIPTION_TOKENS: Final = 1_200  # both definitions and the instructions, limits.CHARS_PER_TOKEN each

_INSTRUCTIONS: Final = """\
The whole OVHcloud API (domains, DNS, email, public cloud, VPS, dedicated servers, network, IAM, \
billing) through two tools that run JavaScript you write. Requests are authenticated for you: \
never ask for keys.

1. `search`: ovh.find("words") for the operation, ovh.describe(it) for what it takes and answers. \
Never guess a path.
2. `execute` a script that calls it. One script may make many calls: chain, join and filter there, \
and return only the fields you need, because long results are cut.

- Paths begin with /v1 or /v2, as in the document. Most v1 lists answer only ids; \
ovh.list gives the objects.
%s
- An error says what was wrong and what to do next: correct the script and run it again. If the call \
may have been processed, look before you repeat it."""

_OF_WRITES: Final[Mapping[AccessMode, str]] = {
    "full": """\
- POST, PUT and DELETE act on a real account, and some cost money: GET what is there first, and make \
sure that the user wants the change.""",
    "confirm": """\
- POST, PUT and DELETE act on a real account: GET what is there first, and make sure that the user wants \
the change. A person is asked before what is risky; a no is an OvhError of class Denied, to be respected.""",
    "read-only": """\
- Access is read-only: what changes anything is refused, an OvhError of class Denied. Tell the user what \
you would have done.""",
}
_OF_ACCOUNTS: Final = """
- Accounts: {names}; the first unless you choose: ovh.account("{other}").get(…), or account: "{other}" \
in a call. `spec` is the first one's API."""
_OF_POLICY: Final = """
- A policy of whoever runs the server refuses some calls, as Denied: look for no way around it."""


def instructions(access: Access, accounts: Sequence[str] = ()) -> str:
    """Return what a model is told of the server as a whole; `accounts` are those to choose from."""
    text = _INSTRUCTIONS % _OF_WRITES[access.mode] + (_OF_POLICY if access.policy else "")
    return text + (_OF_ACCOUNTS.format(names=", ".join(accounts), other=accounts[-1]) if accounts else "")


def execute_description(access: Access) -> str:
    """Return what a model is told of `execute`."""
    if access.mode != "read-only":
        return EXECUTE_DESCRIPTION
    return f"{EXECUTE_DESCRIPTION}\nAccess is read-only: only GETs are let through."


SEARCH_DESCRIPTION: Final = """\
Find OVHcloud API operations and read what they take. Runs a JavaScript function, async or not; \
what it returns comes back as JSON. Nothing is called. Begin with
- await ovh.find("reboot a vps", { limit, service, method, status }) gives the likeliest \
[{ method, path, summary, status, service, risk }], also for French words or a path.
- await ovh.describe("POST /v1/vps/{serviceName}/reboot") gives its signature, types and an example call; \
what ovh.find gave will do, and arrays.

For all else, its argument `spec` is the merged OpenAPI 3.1 document, thousands of paths:
spec.paths["/v1/domain/zone/{zoneName}"].get = { summary, description, tags, deprecated, \
parameters: [{ name, in, required, schema }], requestBody, responses, \
"x-ovh-status": { value: "PRODUCTION" }, "x-ovh-risk": ["read"] }
spec.components.schemas[name]; ovh.resolve(schema or its name, depth = 3), not async, inlines "$ref"s.

Prefer PRODUCTION to BETA, ALPHA and DEPRECATED. Limits: 10 s, 64 MiB."""

SEARCH_CODE: Final = (
    'A function, e.g. async () => await ovh.describe(await ovh.find("add a DNS record", { limit: 2 })); or '
    '(spec) => Object.keys(spec.paths).filter(p => p.includes("/domain/zone"))'
)

EXECUTE_DESCRIPTION: Final = """\
Call the OVHcloud API. Runs JavaScript `async () => result`; what it returns comes back as JSON, \
console output beside it.

await ovh.request({ method, path, params, query, body }) gives the parsed answer.
- path: from the document, filled in, or as it stands with `params`, which encode every value; \
needed for values with "/": { method: "GET", path: "/v1/ip/{ip}", params: { ip: "203.0.113.0/24" } }
- query: an object; body: JSON, on POST and PUT only.
- A failed call throws an OvhError { message, status, errorCode, details, hint, remedy } that you can catch \
to go on.
- ovh.get, post, put and delete(path, { params, query, body }) are the same, shorter.
- await ovh.list(path, { params, query, expand, limit, filter }) gives a whole list, all pages. expand: true \
gives a v1 list's objects instead of its ids, filter: { fieldType: "A", ttl: { gt: 60 } } some of them; \
for lists it is far faster than calls of your own.
- await ovh.wait(task or { path }, { until: "status" }) looks until a task or a state has settled: \
{ settled, status, value, next }.
- For other ids, in parallel: await Promise.all(ids.map(id => ovh.get("/v1/vps/{serviceName}", \
{ params: { serviceName: id } }))); 10 calls go out at a time.
- ovh.find, describe and resolve are here, too.
- Integers beyond 2^53 are BigInt. There is no fetch, require or setTimeout.
Unknown operations, wrong methods and requests that do not fit the schema are refused before anything \
is sent, all faults at once; validate: "warn" beside body sends such a request anyway. \
Limits: 30 s, 64 MiB, 1,000 calls."""

DRY_RUN: Final = "true: send no POST, PUT or DELETE, and list what would have been sent"

EXECUTE_CODE: Final = (
    'A function, e.g. async () => await ovh.request({ method: "GET", path: "/v1/domain/zone" })'
)
