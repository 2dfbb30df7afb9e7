"""`ovh.wait`: look at something with growing intervals until it has settled, or the time is nearly up.

What is waited for is a path, or an object that a call gave. A v1 task is read at its own route, which
the catalogue knows: the GET that answers the same model, with one id more than the call had.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ovh_api_mcp import limits
from ovh_api_mcp.errors import ApiError, OvhMcpError, RefusedError, cut_foreign, is_transient
from ovh_api_mcp.gate.refusal import quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.server.errand import Errand, parse_options, why_not_read
from ovh_api_mcp.server.list_filter import Filter, parse_filter

_OF_EACH_LOOK: Final = ("params", "query", "validate")
_NAMES: Final = ("until", "timeout", *_OF_EACH_LOOK)
_OTHER_NAMES: Final = {
    "timeouts": "timeout", "timeoutms": "timeout", "maxwait": "timeout", "seconds": "timeout",
    "status": "until", "state": "until", "for": "until", "condition": "until", "predicate": "until",
}  # fmt: skip
_EXAMPLE: Final = 'ovh.wait({ path: "/v1/vps/{serviceName}/tasks/1" }, { until: "done" })'
_TIMEOUT_MAX_S: Final = 3_600
_STATUS_CHARS: Final = 60
_JUDGE_CHARS: Final = 300  # of a script's own function that the advice to wait on repeats
_FUNCTION: Final = re.compile(r"(?:async\s+)?(?:function\b|\(|[\w$]+\s*=>)")
_STATUS_FIELDS: Final = ("resourceStatus", "status", "state")
# Source: the enums of the task models of v1, and resourceStatus of v2; in lower case.
_ENDED: Final = frozenset(
    {
        "done", "error", "cancelled", "canceled", "ok", "customererror", "ovherror", "problem", "failed",
        "aborted", "refused", "denied", "expired", "unfixed", "success", "completed", "delivered",
        "ready", "suspended", "disabled", "removed", "waiting_user_input",
    }
)  # fmt: skip
_UNDER_WAY: Final = frozenset(
    {
        "todo", "doing", "running", "pending", "scheduled", "init", "pause", "paused", "tocreate",
        "tocancel", "fixing", "unknown", "waitingtodo", "waitingforchilds", "waitingack", "waiting",
        "blocked", "in_progress", "in progress", "checkvalidity", "validatingbycustomers", "creating",
        "updating", "deleting", "disabling", "removing", "out_of_sync",
    }
)  # fmt: skip
# What a task does, and a thing that is no task may be for years.
_STATES_OF_THINGS: Final = frozenset({"running", "paused", "pause", "unknown", "blocked", "out_of_sync"})
_GONE: Final = frozenset({"gone", "deleted"})

Readers = Callable[[str, str], list[str]]
"""Returns the templates of a service where GET answers a component schema."""


@dataclass(frozen=True, slots=True)
class _OwnLook:
    """One look of a script that judges by itself: which it is, after how long, what the one before saw, and
    the function's text.
    """

    number: int
    waited_s: float
    seen: str
    judge: str


@dataclass(slots=True)
class _Wait:
    """What is waited for: `until` are texts that the status may be, or conditions on the whole."""

    call: JsonObject
    options: JsonObject  # as they were given
    account: str
    until: frozenset[str]
    conditions: Filter
    timeout_s: float | None
    is_task: bool
    own: _OwnLook | None
    started: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return str(self.call["path"])

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started + (self.own.waited_s if self.own else 0.0)


async def wait(arguments: JsonObject, errand: Errand, readers: Readers, *, account: str = "") -> bytes:
    """Return {"settled", "status", "value", "next"} as JSON text; `next` only where the time was up.

    `account` is whose it is, where there are several. *Raises* RefusedError where it cannot be told
    what to wait for, and what the first look raises.
    """
    wanted = _parse_wait(arguments, errand, readers, account)
    number, failures = wanted.own.number if wanted.own else 0, 0
    value, status = b"null", wanted.own.seen if wanted.own else ""
    while True:
        if number and not await _pause(wanted, errand, number):
            return _still(wanted, status, value)
        try:
            value = (await errand.get(wanted.call)).body or b"null"
            failures = 0
        except OvhMcpError as error:
            if why_not_read(error):
                return _still(wanted, status, value)
            if number and isinstance(error, ApiError) and error.status == 404:
                return _answer(wanted, b"null", "gone", settled=True)
            failures += 1
            if wanted.until & _GONE and isinstance(error, ApiError) and error.status == 404:
                return _answer(wanted, b"null", "gone", settled=True)
            if not (number and is_transient(error) and failures < limits.WAIT_FAILURES):
                raise
            number += 1
            continue
        status = _status_of(value)
        if wanted.own is not None:
            return _answer(wanted, value, status, settled=False)
        if _has_settled(wanted, value, status):
            return _answer(wanted, value, status, settled=True)
        await errand.report(
            f"{cut_foreign(wanted.path, 100)}: {status or 'not there yet'}, {wanted.elapsed_s:.0f} s", 0, 0
        )
        number += 1


async def _pause(wanted: _Wait, errand: Errand, number: int) -> bool:
    """Let the interval before a look pass; returns False where there is no time for it."""
    interval_s = min(
        limits.WAIT_INTERVAL_S * limits.WAIT_GROWTH ** (min(number, 20) - 1), limits.WAIT_INTERVAL_MAX_S
    )
    left_s = errand.room.time_left_s() - limits.LIST_MARGIN_S
    if wanted.timeout_s is not None:
        left_s = min(left_s, wanted.timeout_s - wanted.elapsed_s)
    if left_s <= 0 or errand.why_no_more():
        return False
    await errand.room.pause(min(interval_s, left_s))
    return True


def _has_settled(wanted: _Wait, value: bytes, status: str) -> bool:
    if wanted.conditions.conditions:
        return wanted.conditions.lets_through(value) if value.startswith(b"{") else False
    if status.casefold() in wanted.until:
        return True
    if wanted.until:  # it will not get there any more
        return status.casefold() in _ENDED
    if status.casefold() in _ENDED:
        return True
    if status.casefold() in _UNDER_WAY and (wanted.is_task or status.casefold() not in _STATES_OF_THINGS):
        return False
    fact = f"Its status is {quoted(status)}" if status else "What is there has no status"
    raise refusal(
        "invalid-call",
        f"{fact}, and that does not tell whether it has settled. Say what to wait for: until: "
        '"active", an array of such, { field: value }, or a function of the object.',
        hint='Give until, as in { until: "active" }.',
    )


def _still(wanted: _Wait, status: str, value: bytes) -> bytes:
    """Return where it stands, and the call that waits on: the path is whole, so nothing else is needed."""
    options: dict[str, str] = {}
    if wanted.own is not None:
        options["until"] = wanted.own.judge or "the same function"
    known: JsonObject = {**wanted.options, "account": wanted.account}
    options |= {name: msgspec.json.encode(each).decode() for name, each in known.items() if each}
    text = ", ".join(f"{name}: {each}" for name, each in options.items())
    path = msgspec.json.encode(wanted.path).decode()
    following = (
        f"It has not settled yet ({status or 'no status'}). Wait on in another run: "
        f"await ovh.wait({path}{f', {{ {text} }}' if text else ''})"
    )
    return _answer(wanted, value, status, settled=False, following=following)


def _answer(wanted: _Wait, value: bytes, status: str, *, settled: bool, following: str = "") -> bytes:
    head: JsonObject = {"settled": settled, "status": status or None, "path": wanted.path}
    if following:
        head["next"] = following
    return msgspec.json.encode(head)[:-1] + b',"value":' + value + b"}"


def _status_of(value: bytes) -> str:
    fields: JsonValue = msgspec.json.decode(value)
    if isinstance(fields, dict):
        for name in _STATUS_FIELDS:
            status = fields.get(name)
            if isinstance(status, str):
                return cut_foreign(status, _STATUS_CHARS)
    return ""


# --- what a script gave


def _parse_wait(arguments: JsonObject, errand: Errand, readers: Readers, account: str) -> _Wait:
    given = parse_options("ovh.wait", arguments.get("options"), _NAMES, _OTHER_NAMES, _EXAMPLE)
    until, conditions = _parse_until(given.get("until"))
    call = _parse_target(arguments, given, errand, readers)
    operation = errand.gate.asked({"method": "GET", **call}).operation
    return _Wait(
        call=call,
        options={**_without(call, "path"), **_without(given, "params")},
        account=account,
        is_task="task" in (operation.path + operation.answer).lower(),
        until=until,
        conditions=conditions,
        timeout_s=_parse_timeout(given.get("timeout")),
        own=_parse_own_look(arguments),
    )


def _parse_own_look(arguments: JsonObject) -> _OwnLook | None:
    """Return the look of a script that judges by itself; a hostile child can only wait less long by it."""
    number, waited_s = arguments.get("look"), arguments.get("waited")
    seen, judge = arguments.get("seen"), arguments.get("judge")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        return None
    is_told = isinstance(judge, str) and len(judge) <= _JUDGE_CHARS and judge.isprintable()
    # A bound function hides its text, and that of a method stands for nothing by itself.
    is_told = is_told and "[native code]" not in str(judge) and _FUNCTION.match(str(judge)) is not None
    return _OwnLook(
        number=number,
        waited_s=min(max(waited_s, 0.0), _TIMEOUT_MAX_S) if isinstance(waited_s, int | float) else 0.0,
        seen=cut_foreign(seen, _STATUS_CHARS) if isinstance(seen, str) else "",
        judge=str(judge) if is_told else "",
    )


def _parse_target(
    arguments: JsonObject, given: Mapping[str, JsonValue], errand: Errand, readers: Readers
) -> JsonObject:
    """Return the GET that looks at what is waited for."""
    target, origin = arguments.get("target"), arguments.get("origin")
    more = {name: given[name] for name in _OF_EACH_LOOK if given.get(name) is not None}
    match target:
        case str():
            return {"path": _wire(errand, {"path": target, **more}), **_without(more, "params")}
        case {"path": str() as path} if not isinstance(origin, str) and isinstance(target, dict):
            own = {name: target[name] for name in _OF_EACH_LOOK if target.get(name) is not None}
            call: JsonObject = {"path": path, **own, **more}
            return {"path": _wire(errand, call), **_without({**own, **more}, "params")}
        case dict() if isinstance(origin, str):
            return {"path": _reader(target, origin, errand, readers), **_without(more, "params")}
    fact = "was given nothing" if target is None else f"was given {kind_of(target)}"
    if isinstance(target, dict):
        fact = "was given an object that no call gave as it is"
    raise _wrong(f"ovh.wait {fact}; it takes a path, {{ path, params }}, or the object that a call gave")


def _wire(errand: Errand, call: JsonObject) -> str:
    return errand.gate.asked({"method": "GET", **call}).route.wire


def _without(values: Mapping[str, JsonValue], name: str) -> JsonObject:
    return {key: value for key, value in values.items() if key != name}


def _reader(value: JsonObject, origin: str, errand: Errand, readers: Readers) -> str:
    """Return the path where an object that the call `origin` gave is read again.

    `origin` comes from a hostile child, too: it is routed like any other call.
    """
    method, _, path = origin.partition(" ")
    asked = errand.gate.asked({"method": method, "path": path})
    if method == "GET":
        return asked.route.wire
    templates = readers(asked.operation.service, asked.operation.answer) if asked.operation.answer else []
    known = {asked.name(place): asked.segments[place] for place in asked.values}
    likely = sorted(templates, key=lambda template: (-_shared(template, asked.route.template), len(template)))
    for template in likely:
        found = _filled(template, known, value)
        if found is not None and _is_get(errand, found):
            return found
    raise _wrong(
        f"It cannot be told where what {origin[:80]} gave is read"
        + (f" ({', '.join(likely[:2])})" if likely else "")
        + ": give its path"
    )


def _filled(template: str, known: Mapping[str, str], value: JsonObject) -> str | None:
    """Return a template filled with what the call had, and with one id of the object; None where not so."""
    segments: list[str] = []
    own = 0
    for part in template[1:].split("/"):
        name = part[1:-1] if part.startswith("{") else ""
        if not name:
            segments.append(part)
        elif name in known:
            segments.append(known[name])
        else:
            own += 1
            text = scalar_text(_id_of(value, name))
            if own > 1 or not text or "/" in text:
                return None
            segments.append(text)
    return "/" + "/".join(segments)


def _id_of(value: JsonObject, name: str) -> JsonValue:
    """Return the property that an id parameter stands for: of its name, else "id" or "taskId"."""
    return next((value[key] for key in (name, "id", "taskId") if value.get(key) is not None), None)


def _is_get(errand: Errand, path: str) -> bool:
    try:
        errand.gate.asked({"method": "GET", "path": path})
    except RefusedError:
        return False
    return True


def _shared(template: str, other: str) -> int:
    """Return how many parts two templates begin with alike; one about tasks counts half a part more."""
    pairs = zip(template.split("/"), other.split("/"), strict=False)
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return 2 * count + ("task" in template.lower())


def _parse_until(value: JsonValue) -> tuple[frozenset[str], Filter]:
    match value:
        case None:
            return frozenset(), Filter()
        case str() as status if status:
            return frozenset({status.casefold()}), Filter()
        case list() if (
            value and len(value) <= limits.FILTER_FIELDS and all(isinstance(v, str) for v in value)
        ):
            return frozenset(str(each).casefold() for each in value), Filter()
        case dict():
            return frozenset(), parse_filter(value)
    raise _wrong(
        f'until is {kind_of(value)}; it must be a status ("done"), an array of them, {{ field: value }}, '
        "or a function of the object"
    )


def _parse_timeout(value: JsonValue) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _TIMEOUT_MAX_S:
        return float(value)
    raise _wrong(f"timeout must be a number of seconds from 1 to {_TIMEOUT_MAX_S}")


def _wrong(fact: str) -> RefusedError:
    return refusal("invalid-call", f"{fact}: {_EXAMPLE}.", hint=f"Give it as in {_EXAMPLE}.")
