"""What users rely on, each with an id; a test that proves one names it with `pytest.mark.promise`.

tests/test_requirements.py checks that every promise has a test and every named id is here.
"""

from typing import Final

PROMISES: Final[dict[str, str]] = {
    # tools
    "tools.two": "There are two tools, search and execute, in this order, whose cost in context is constant.",
    "tools.search": "search runs (spec) => … over the merged OpenAPI 3.1 document.",
    "tools.execute": "execute calls any operation with ovh.request; authentication is handled.",
    "tools.readme-scripts": "The three scripts of the README work as they stand.",
    "tools.async-or-not": "A function may be async or not in both tools.",
    "tools.errors": "What goes wrong is a tool error (isError) that a model can act on.",
    "tools.forms": "Arrow functions, function expressions, fences, export default and bare statements are accepted.",
    "tools.lookups": "ovh.find, ovh.describe and ovh.resolve are in both tools, and call nothing.",
    "limits.memory": "A script has 64 MiB of memory and 1 MiB of stack.",
    "limits.time": "A script has 10 s in search and 30 s in execute; one that never ends is ended.",
    "limits.clock": "A script's time stands still while its calls only wait for their turn.",
    "limits.walls": "A script gets at nothing outside its process; on Linux a filter of system calls sees to it.",
    "sharing.clients": "A client that floods is slowed alone; more scripts than may wait are told that the server is busy.",
    "sharing.cancel": "A call that is cancelled, or whose client has gone, is killed; a write that was sent is awaited.",
    "limits.code-size": "Code longer than --max-code-size is refused.",
    "limits.result": "A result is bounded, and a cut one is still valid JSON that says what was cut.",
    "limits.answer": "An answer of more than 8 MiB is a clear error.",
    # calls
    "calls.prefix": "Paths begin with /v1 or /v2.",
    "calls.unknown": "Unknown operations and wrong methods are refused before anything is sent.",
    "calls.unsafe-path": "Unsafe paths are refused in every spelling, and nothing is sent.",
    "calls.encoded-slash": "An encoded %2F is content of its segment and goes over the wire unchanged.",
    "calls.params": "Values with a slash go through params.",
    "calls.method-case": "The method may come in any case.",
    "calls.literals-win": "Literals win over templates.",
    "calls.body": "A body may be any JSON value that the schema takes, on POST and PUT; GET and DELETE take none.",
    "calls.validated": "A request that does not fit its schema is refused with all its faults, unless validate is warn.",
    "calls.read-only": "What was read can be changed and written back: read-only fields pass.",
    "calls.headers": "Headers: what the operation declares, X-Pagination-*, X-Schemas-Version and Pragma.",
    "calls.big-integers": "Integers beyond 2^53 reach a script as BigInt and leave it as the same digits.",
    "calls.no-redirects": "HTTP redirects are never followed.",
    # accounts
    "accounts.named": "Accounts are chosen by name from ovh.conf; an unknown name lists the known.",
    "accounts.pick": "A script picks an account for a call; each has its own API, catalogue and limits; the first is the default.",
    # access
    "access.labels": "Each operation has labels of what it does, in the document, in ovh.find and in ovh.describe.",
    "access.modes": "full lets all through, confirm asks a person before what is risky, read-only lets only reads through.",
    "access.policy": "A policy denies, asks and allows by rules; any deny beats any ask beats any allow; in doubt it denies.",
    "access.denied": "What is denied is not sent; the script sees Denied and can go on.",
    # errors
    "errors.rights": "A 403 names the missing rule or IAM action, with a link and a policy that give just that.",
    "errors.cause": "Refused credentials are told by their cause, found by a few checks, seldom.",
    "errors.not-found": "A 404 says whether route or object is missing, and where to look.",
    "errors.fields": "A 400 names the field, and the right one.",
    "errors.query-id": "Every error of an answer carries the query id of OVHcloud's support.",
    "errors.deprecated": "A deprecated operation is noted once a script, with its end and its replacement.",
    # secrets
    "secrets.never": "Secrets never reach the script, a result, an error or a log.",
    # transports
    "stdio.only-mcp": "On stdio, stdout carries MCP and nothing else.",
    "http.mcp": "Streamable HTTP is served at /mcp.",
    "http.host-origin": "Foreign Host and Origin headers are refused on whatever address.",
    "http.token": "--auth-token asks for that bearer token; without one any Authorization header passes.",
    "http.exposure": "An address that is not loopback wants a token or --allow-anonymous.",
    "http.well-known": "/.well-known/oauth-* answers a plain 404.",
    "eras": "Both protocol eras are served on both transports.",
    "stop": "SIGINT, SIGTERM and, on stdio, the end of input stop the server in order; nothing is left behind.",
    # settings
    "settings.table": "Every row of the table of options works as flag and environment variable.",
    "settings.precedence": "Flags win over the environment, the environment over ovh.conf; empty values are absent.",
    "settings.endpoint": "An unknown endpoint is an error that lists the names.",
    "settings.url-endpoint": "A URL as endpoint comes from a flag or the environment only; http only on loopback.",
    "credentials.kinds": "Keys or a service account; the server sees by itself which.",
    "credentials.conflict": "Both kinds at once, or half of one, is an error at start without values.",
    "credentials.none": "Without credentials the server starts, search works, and a call says how to get them.",
    "credentials.unsigned": "Operations without authentication are sent unsigned.",
    "credentials.oauth2-hosts": "OAuth2 secrets go only to the endpoint's known hosts.",
    # catalogue
    "catalog.complete": "All 84 services load: 4,841 paths, 6,624 operations.",
    "catalog.faithful": "The document says of every operation what OVHcloud's own schemas say, and nothing else.",
    "catalog.start": "initialize and tools/list are answered at once even if the schema host never answers.",
    "catalog.partial": "A service that fails is reported and leaves the rest usable.",
    "catalog.cache": "A cache that is expired, corrupt, of another endpoint, selection or version is handled silently.",
    "catalog.stale": "A stale cache is used while a refresh runs.",
    "catalog.conditional": "A refresh fetches only what has changed, where the schema host can tell.",
    "catalog.refresh": "A new catalogue is taken up without a restart and without disturbing running scripts.",
    "catalog.once": "Two servers that start together build the catalogue once.",
    "catalog.killed": "Who is killed in the middle of a build leaves the old file.",
    "catalog.read-only": "Where nothing can be written, the program works from memory.",
    "catalog.last-good": "The last good copy of a service is kept when its new one is broken or missing.",
    "catalog.services": "--services loads just those roots.",
    # simulator
    "simulator.control": "What goes wrong in the simulator can be set from outside while it runs, on its own machine alone.",
    "simulator.state": "What the simulated account has can be saved, loaded and seeded from a file.",
    "simulator.sdk": "OVH's own Python SDK works against the simulator unchanged.",
    "simulator.endpoint": "--endpoint simulator brings its own account and needs no credentials.",
    # retries
    "retries.table": "Reads are tried again after passing faults; writes only where they were certainly not processed.",
    "retries.truth": "An acknowledged write exists once; an error says whether a write may have happened.",
    # lists and waiting
    "lists.expansion": "ovh.list gives the objects of a v1 list in a few requests where the API expands it.",
    "lists.one-by-one": "Where it does not, items are read in parallel, in order, and that is remembered.",
    "lists.item-errors": "An item of a list that cannot be read leaves its error in its place.",
    "lists.calls-run-out": "A list that outlasts a script's calls ends with what was read and how to go on.",
    "lists.filter": "A filter of ovh.list means the same however the list is read.",
    "wait.task": "ovh.wait reads the task that a write gave until it has settled.",
    "wait.time": "When the time is nearly up, ovh.wait says where it stands and what to call next.",
    # command line
    "cli.one-shot": "search and execute run once from the command line; exit status 1 on a tool error.",
    "cli.catalog": "catalog tells the status, refreshes, compares, finds, describes and exports; --json for programs.",
    "cli.doctor": "doctor --sandbox tries to break each wall and says which stands; exit status 1 where one is missing.",
    "cli.demo": "The demo shows the main job without network or keys.",
}
