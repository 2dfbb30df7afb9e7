"""Names that a script uses and that are not there: what to use instead."""

# ruff: noqa: E501  # a pattern or a sentence of a table stands on one line

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Final

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.sandbox.advice.source import Source
from ovh_api_mcp.sandbox.advice.syntax import HTTP_REQUEST, NO_MODULES

OVH_MEMBERS: Final = frozenset(
    {"request", "get", "post", "put", "delete", "find", "describe", "list", "wait", "resolve", "account"}
)
"""What `ovh` has in a script; a test holds it against the real one."""

_CALL: Final = 'await ovh.request({ method: "GET", path: "/v1/me" })'
_NO_NETWORK: Final = (
    f"There is no network but the OVHcloud API: call it with {_CALL}, which gives the parsed answer."
)
_NO_PROCESS: Final = (
    "There is no process and no environment in the sandbox. No keys are needed: "
    "the server authenticates every ovh.request itself. Write values into the script."
)
_NO_FILES: Final = "There are no files in the sandbox: return the data instead."
_NO_TIMERS: Final = "There are no timers in the sandbox, so a script cannot sleep: await ovh.wait(task) waits for a task or a state."
_NO_BROWSER: Final = (
    "There is no browser in the sandbox, only JavaScript itself with `ovh`, `spec`, `console` and `crypto`."
)
_NO_BYTES: Final = "Not available in the sandbox: for bytes there is Uint8Array, for base64 btoa and atob."
_NO_URL: Final = (
    "Not available in the sandbox, nor needed: ovh.request({ method, path, params, query }) "
    "writes and encodes the URL; encodeURIComponent is there too."
)
_NO_LIBRARY: Final = (
    "No libraries are available in the sandbox: plain JavaScript has filter, map, reduce, Date, JSON."
)
_CLIENT: Final = f"The API client is the global `ovh`, ready to use: {_CALL}."
_TOOL: Final = "`search` and `execute` are tools, not functions of a script: call the tool instead."
_OF_OVH: Final = (
    'It belongs to `ovh`: await ovh.find("words"), await ovh.describe("GET /v1/me"), ovh.resolve(schema).'
)
_NO_INPUT: Final = (
    "A script gets no arguments but the document in `search`: write the values into the script itself."
)

_HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    _NO_NETWORK: ("fetch", "axios", "XMLHttpRequest", "got", "ky", "superagent", "needle", "http", "https",
                  "http2", "net", "dns", "$", "jQuery", "Headers", "Request", "Response", "WebSocket",
                  "EventSource", "FormData", "AbortController", "AbortSignal", "undici", "nodeFetch", "httpClient"),
    NO_MODULES: ("require", "module", "exports", "define", "importScripts", "__non_webpack_require__"),
    _NO_PROCESS: ("process", "env", "Deno", "Bun", "os", "ENV", "dotenv", "child_process", "exec", "spawn",
                  "config", "credentials", "apiKey", "API_KEY", "APP_KEY", "CONSUMER_KEY"),
    _NO_FILES: ("fs", "__dirname", "__filename", "readFile", "readFileSync", "writeFile", "writeFileSync",
                "path", "open", "File", "Blob", "FileReader"),
    _NO_TIMERS: ("setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "sleep",
                 "delay", "wait", "requestAnimationFrame", "time", "asyncio", "scheduler"),
    _NO_BROWSER: ("document", "window", "self", "localStorage", "sessionStorage", "location", "navigator",
                  "alert", "prompt", "confirm", "history", "screen", "global", "Worker", "WebAssembly",
                  "indexedDB", "caches", "postMessage", "DOMParser", "Intl", "Temporal"),
    _NO_BYTES: ("Buffer", "TextEncoder", "TextDecoder", "zlib", "ReadableStream"),
    _NO_URL: ("URL", "URLSearchParams", "querystring", "qs", "url"),
    "Not available in the sandbox: copy plain data with JSON.parse(JSON.stringify(x)).": ("structuredClone",),
    _NO_LIBRARY: ("_", "lodash", "moment", "dayjs", "luxon", "uuid", "yaml", "chalk", "R", "async", "bluebird",
                  "util", "assert", "z", "Joi", "Ajv"),
    _CLIENT: ("client", "api", "ovhClient", "ovhApi", "OVH", "Ovh", "OvhClient", "OVHClient", "OvhApi", "sdk",
              "OvhcloudClient", "apiClient", "ovhcloud", "request", "callApi", "apiCall", "call", "ovh_client",
              "cloud", "session"),
    _TOOL: ("search", "execute", "run", "tool", "tools", "mcp"),
    _OF_OVH: ("find", "describe", "resolve", "findOperations", "describeOperation", "resolveSchema"),
    _NO_INPUT: ("args", "input", "ctx", "context", "argv", "params", "arguments_", "event", "payload", "options"),
    "That is Python's None: in JavaScript null or undefined.": ("None", "nil", "NULL", "Null"),
    "That is Python's spelling: in JavaScript true and false.": ("True", "False", "TRUE", "FALSE"),
    "That is Python's print: in JavaScript console.log(…), or better: return the value.": ("print", "pprint", "echo", "puts", "printf"),
    "That is Python: in JavaScript x.length, Object.keys(x).length for an object.": ("len",),
    "That is Python: in JavaScript String(x), Number(x), [...x], Object.entries(x).": (
        "str", "int", "float", "bool", "list", "dict", "tuple", "set", "range", "enumerate", "zip", "sorted",
        "sum", "min", "max", "any", "all", "isinstance", "type", "map", "filter", "reversed", "round", "abs"),
    "That is Python: in JavaScript JSON.stringify and JSON.parse.": ("json",),
    "That is Python; in JavaScript: throw new Error(…), else if, this.": ("elif", "raise", "self_", "pass", "Exception", "ValueError"),
    f"That is Python's way. {_NO_NETWORK}": ("requests", "urllib", "aiohttp", "httpx"),
    HTTP_REQUEST: ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"),
}  # fmt: skip
_HINT_OF: Final = {name: hint for hint, names in _HINTS.items() for name in names}

GLOBALS: Final = (
    "ovh", "spec", "console", "crypto", "OvhError", "Object", "Array", "JSON", "Math", "Promise", "String",
    "Number", "Boolean", "Date", "Map", "Set", "RegExp", "Error", "TypeError", "BigInt", "Symbol", "Reflect",
    "Proxy", "undefined", "null", "parseInt", "parseFloat", "isNaN", "encodeURIComponent",
    "decodeURIComponent", "globalThis", "NaN", "Infinity", "return", "await", "function", "typeof",
)  # fmt: skip
_DECLARED: Final = re.compile(
    r"\b(?:const|let|var|function|class)\s+([A-Za-z_$][\w$]*)|\(\s*([A-Za-z_$][\w$]*)|\b([A-Za-z_$][\w$]*)\s*=>|[{,]\s*([A-Za-z_$][\w$]*)(?=\s*[,}])"
)
_DECLARATIONS: Final = 200
_NOT_DEFINED: Final = re.compile(r"(?P<name>[\w$]+) is not defined\Z")
_NOT_INITIALIZED: Final = re.compile(r"(?P<name>[\w$]+) is not initialized\Z")
_CLOSE: Final = 0.7
_VERY_CLOSE: Final = 0.8

_OTHER_MEMBERS: Final = {
    "patch": "OVHcloud has no PATCH: ovh.put takes the fields to change.",
    "head": "OVHcloud has no HEAD: ovh.get reads.",
    "requestPromised": 'here it is one object: ovh.request({ method: "GET", path: "/v1/me" }).',
    "call": 'it is ovh.request({ method: "GET", path: "/v1/me" }).',
    "search": 'operations are found with await ovh.find("words"); the document is `spec`.',
    "lookup": 'operations are found with await ovh.find("words").',
    "findOperations": 'it is await ovh.find("words").',
    "help": 'it is await ovh.describe("GET /v1/me").',
    "operation": 'it is await ovh.describe("GET /v1/me").',
    "describeOperation": 'it is await ovh.describe("GET /v1/me").',
    "schema": 'it is ovh.resolve("name").',
    "schemas": 'it is ovh.resolve("name"); all are in spec.components.schemas.',
    "dereference": "it is ovh.resolve(schema).",
    "paths": "the document is `spec`: spec.paths.",
    "spec": "the document is the global `spec`.",
    "me": 'call it by path: ovh.get("/v1/me").',
}  # fmt: skip
_SPEC_ARGUMENT: Final = re.compile(r"\A\s*(?:async\s*)?(?:function\b[^(]{0,40})?\(\s*\{[^}]{0,80}\bspec\b")
_MEMBER: Final = re.compile(r"(?<![\w$.])ovh\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)")
_OVH_CALLED: Final = re.compile(r"(?<![\w$.])(?:new\s+ovh\b|ovh\s*\()")
_OVH_ARGUMENT: Final = re.compile(
    r"\A\s*(?:export\s+default\s+)?(?:async\s*)?(?:function\b[^(]{0,40})?\(?\s*(?:\(?[\w$]+\s*,\s*|\{\s*(?:[\w$]+\s*,\s*){0,5})?ovh\b[^)=]{0,60}\)?\s*(?:=>|\{)"
)
# Methods by the names they have elsewhere.
_METHODS: Final = {
    "append": "push", "add": "push (Set has add)", "extend": "push(...list)", "contains": "includes",
    "contain": "includes", "has": "includes (Map and Set have has)", "upper": "toUpperCase",
    "lower": "toLowerCase", "strip": "trim", "startswith": "startsWith", "endswith": "endsWith",
    "items": "Object.entries(x)", "keys": "Object.keys(x)", "values": "Object.values(x)",
    "entries": "Object.entries(x)", "len": "length", "size": "length", "select": "filter", "where": "filter",
    "each": "forEach", "collect": "map", "first": "at(0)", "last": "at(-1)", "isEmpty": "length === 0",
    "empty": "length === 0", "format": "a template: `…${x}`", "toList": "[...x]", "uniq": "[...new Set(x)]",
    "unique": "[...new Set(x)]", "distinct": "[...new Set(x)]", "groupBy": "Object.groupBy(list, f)",
    "sortBy": "sort((a, b) => …)", "sum": "reduce((a, b) => a + b, 0)", "hasKey": "Object.hasOwn(x, key)",
    "capitalize": "x[0].toUpperCase() + x.slice(1)", "count": "length", "isdigit": "/^\\d+$/.test(x)",
}  # fmt: skip
_COMMON_METHODS: Final = (
    "map", "filter", "find", "findIndex", "forEach", "some", "every", "reduce", "includes", "indexOf", "join",
    "slice", "splice", "concat", "sort", "reverse", "flat", "flatMap", "push", "pop", "shift", "unshift", "at",
    "split", "trim", "replace", "replaceAll", "startsWith", "endsWith", "toUpperCase", "toLowerCase",
    "toString", "match", "matchAll", "substring", "padStart", "padEnd", "repeat", "toFixed", "toISOString",
    "getTime", "entries", "keys", "values", "fromEntries", "assign", "stringify", "parse", "isArray", "from",
    "then", "catch", "finally", "all", "allSettled", "any", "race", "resolve", "reject", "hasOwnProperty",
    "log", "info", "warn", "error", "debug", "groupBy", "floor", "round", "ceil", "random", "max", "min",
)  # fmt: skip


def missing_name_hint(source: Source, message: str) -> str:
    """Return what to use instead of a name that "is not defined", or ""."""
    if found := _NOT_INITIALIZED.match(message):
        return f"`{found['name']}` is used before the line that declares it: move the declaration up."
    if "could not load module" in message:
        return NO_MODULES
    found = _NOT_DEFINED.match(message)
    if found is None:
        return ""
    name = found["name"]
    declared = _declared(source)
    near = (
        get_close_matches(name, [each for each in (*declared, *GLOBALS) if each != name], n=1, cutoff=_CLOSE)
        if len(name) > 2
        else []
    )
    if near and near[0] in declared and near[0].lower() == name.lower():
        return f"Did you mean `{near[0]}`?"
    if name in _HINT_OF:
        return _HINT_OF[name]
    if near:
        return f"Did you mean `{near[0]}`?"
    return (
        f"Nothing is called `{cut_foreign(name, 40)}` here: declare it inside the script, in the function that uses "
        "it or around it. Each run starts afresh. Given are `ovh`, `spec`, `console` and `crypto`."
    )


def ovh_misuse_hint(source: Source) -> str:
    """Return what `ovh` really has, where the script takes it for another client; else ""."""
    for found in islice(_MEMBER.finditer(source.code), 50):
        name = found[1]
        if name in OVH_MEMBERS:
            continue
        near = get_close_matches(name, OVH_MEMBERS, n=1, cutoff=_CLOSE)
        meant = _OTHER_MEMBERS.get(name) or (
            f"did you mean ovh.{near[0]}?" if near else "call operations by their path."
        )
        return (
            f"ovh.{cut_foreign(name, 40)} does not exist: {meant} `ovh` has request({{ method, path, params, "
            "query, body }), get, post, put, delete(path, { params, query, body }), list(path, { expand }), "
            "wait(task), find(words), describe(operation), resolve(schema)."
        )
    if source.search(_OVH_CALLED):
        return f"`ovh` is an object that is ready to use, no function or class: {_CALL}."
    if source.search(_OVH_ARGUMENT):
        return '`ovh` is a global, not an argument: take it out of the parameters, as in async () => await ovh.get("/v1/me").'
    if source.search(_SPEC_ARGUMENT):
        return "The document itself is the argument, not an object around it: (spec) => …, without braces."
    return ""


def method_hint(source: Source, callee: tuple[int, int] | None) -> str:
    """Return which method may be meant by the one that "is not a function", or ""."""
    if callee is None:
        return ""
    start, end = callee
    shown = source.shown(start, end)
    name = source.code[start:end].rpartition(".")[2].strip()
    if source.code[start:end].startswith("console."):
        return (
            f"{shown} is not a function: console has log, info, warn, error, debug, table, dir and the like."
        )
    other = _METHODS.get(name)
    if other:
        return f"{shown} is not a function: in JavaScript that is {other}. If the value is an object, use Object.entries(…)."
    if name not in _COMMON_METHODS:
        near = get_close_matches(name, _COMMON_METHODS, n=1, cutoff=_VERY_CLOSE)
        if near:
            return f"{shown} is not a function: did you mean {near[0]}?"
        return f"{shown} is not a function."
    return (
        f"{shown} is not a function: the value in front is no list or text. An object is walked with Object.entries(…); "
        "the answer of a call needs await first."
    )


def _declared(source: Source) -> list[str]:
    names: dict[str, None] = {}
    for found in _DECLARED.finditer(source.code):
        names[next(filter(None, found.groups()))] = None
        if len(names) >= _DECLARATIONS:
            break
    return list(names)
