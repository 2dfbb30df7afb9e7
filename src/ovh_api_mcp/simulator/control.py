"""What makes things go wrong from outside: a small HTTP API of the simulator about itself.

    POST /_simulator/faults   {"method": "GET", "path": "/v1/vps", "status": 503, "times": 2}

Off unless it is asked for, for this machine alone, and no page of a browser may use it. Requests are
parsed strictly; each no says what is right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

import msgspec

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import SIMULATOR_FAULTS
from ovh_api_mcp.simulator.answers import Answer, No, not_found, to_json
from ovh_api_mcp.simulator.consumer_keys import AccessRule, ConsumerKey
from ovh_api_mcp.simulator.control_bodies import (
    ActionsSpec,
    ClockSpec,
    DeletedSpec,
    FaultSpec,
    KeySpec,
    LatencySpec,
    ListSpec,
    RateSpec,
    TasksSpec,
    TokensSpec,
    parsed,
)
from ovh_api_mcp.simulator.faults import Fault
from ovh_api_mcp.simulator.rate import RateLimit
from ovh_api_mcp.simulator.recording import RecordedRequest
from ovh_api_mcp.simulator.saved import parse_state
from ovh_api_mcp.simulator.simulator import Simulator
from ovh_api_mcp.simulator.state import parse_place
from ovh_api_mcp.simulator.wire import CONTROL_PATH

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_OWN_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SHOWN_REQUESTS: Final = 100
_BODILESS: Final = frozenset({b"", b"{}", b"null"})


_T = TypeVar("_T")
_Action: TypeAlias = Callable[[RecordedRequest], Awaitable[JsonValue]]
_ActionOfOne: TypeAlias = Callable[[int, RecordedRequest], Awaitable[JsonValue]]


class ControlApi:
    """Answers requests to /_simulator/…, from where it is made on."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._actions: dict[str, dict[str, _Action]] = {
            "faults": {"GET": self._faults, "POST": self._add_fault, "DELETE": self._clear_faults},
            "requests": {"GET": self._requests, "DELETE": self._clear_requests},
            "clock": {"PUT": self._set_clock},
            "latency": {"PUT": self._set_latency},
            "keys": {"GET": self._keys},
            "tokens": {"PUT": self._set_tokens},
            "actions": {"PUT": self._set_actions},
            "tasks": {"PUT": self._set_tasks},
            "rate": {"PUT": self._set_rate, "DELETE": self._clear_rate},
            "lists": {"PUT": self._set_list},
            "deleted": {"PUT": self._set_deleted},
            "state": {"GET": self._state, "PUT": self._load, "POST": self._save, "DELETE": self._reset},
        }
        self._of_one: dict[str, dict[str, _ActionOfOne]] = {
            "faults/{number}": {"DELETE": self._remove_fault},
            "keys/{credentialId}": {"PUT": self._change_key, "DELETE": self._remove_key},
        }
        simulator.control(self)

    async def answer(self, request: RecordedRequest) -> Answer:
        """Answer a request; every no is in OVHcloud's shape."""
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if request.client not in _LOOPBACK or "origin" in request.headers or host not in _OWN_NAMES:
            message = (
                "The simulator is controlled from its own machine, as 127.0.0.1 or localhost, and by no page "
                "of a browser"
            )
            return No(403, message, kind="Client::Forbidden").to_answer()
        try:
            return to_json(await self._answer(request))
        except No as no:
            return no.to_answer()

    async def _answer(self, request: RecordedRequest) -> JsonValue:
        name, _, number = request.raw_path.removeprefix(CONTROL_PATH).removeprefix("/").partition("/")
        if "?" in request.target:
            raise No(400, "The control API takes no query: what is meant stands in the path or the body")
        takes_none = request.method in ("GET", "DELETE") or (request.method, name) == ("POST", "state")
        if takes_none and request.body.strip() not in _BODILESS:
            message = "takes no body: what is meant stands in the path, such as DELETE /_simulator/faults/3"
            raise No(400, f"{request.method} {message}")
        known = self._actions | self._of_one
        if (name, number, request.method) == ("", "", "GET"):
            return {each: list(methods) for each, methods in known.items()}
        one = next((each for each in self._of_one if each.startswith(f"{name}/")), "")
        if one and number and "/" not in number:
            return await _of(self._of_one[one], request.method)(_number(number), request)
        actions = self._actions.get("" if number else name)
        if actions is None:
            raise not_found(f"There is no such control; there are {', '.join(known)}")
        return await _of(actions, request.method)(request)

    # --- faults and requests

    async def _faults(self, _: RecordedRequest) -> JsonValue:
        return [_shown_fault(fault) for fault in self._simulator.faults.all()]

    async def _add_fault(self, request: RecordedRequest) -> JsonValue:
        spec = parsed(request, FaultSpec)
        if len(self._simulator.faults.all()) >= SIMULATOR_FAULTS:
            raise No(403, f"There are {SIMULATOR_FAULTS:,} faults already: DELETE /_simulator/faults")
        path = await self._simulator.known.fault_path(spec.method, spec.path)
        given = spec.text.encode() if spec.text is not None else bytes(spec.body) or None
        fault = self._simulator.faults.add(
            spec.method,
            path,
            times=spec.times,
            status=spec.status,
            body=given,
            content_type=spec.content_type,
            headers=spec.headers or None,
            delay_s=spec.delay_seconds,
            stream_bytes=spec.stream_bytes,
            cut=spec.cut,
            drop=spec.drop,
            hang=spec.hang,
            late=spec.late,
            spread_s=spec.spread_seconds,
        )
        return _shown_fault(fault)

    async def _clear_faults(self, _: RecordedRequest) -> JsonValue:
        self._simulator.faults.clear()
        return None

    async def _remove_fault(self, number: int, _: RecordedRequest) -> JsonValue:
        if not self._simulator.faults.remove(number):
            raise not_found("There is no such fault; GET /_simulator/faults lists them by their number")
        return None

    async def _requests(self, _: RecordedRequest) -> JsonValue:
        newest = list(self._simulator.requests)[-_SHOWN_REQUESTS:]
        return [
            {
                "method": each.method,
                "target": each.target,
                "status": each.status or None,
                "wasProcessed": each.was_processed,
                "seconds": round(each.duration_s, 4),
            }
            for each in newest
        ]

    async def _clear_requests(self, _: RecordedRequest) -> JsonValue:
        self._simulator.requests.clear()
        return None

    # --- clock, keys, rate

    async def _set_clock(self, request: RecordedRequest) -> JsonValue:
        self._simulator.time_offset_s = parsed(request, ClockSpec).offset_seconds
        return None

    async def _set_latency(self, request: RecordedRequest) -> JsonValue:
        self._simulator.latency_s = parsed(request, LatencySpec).seconds
        return None

    async def _keys(self, _: RecordedRequest) -> JsonValue:
        return [key.to_json() for key in self._simulator.consumer_keys.all()]

    async def _remove_key(self, number: int, _: RecordedRequest) -> JsonValue:
        self._simulator.consumer_keys.remove(self._key(number).number)
        return None

    async def _change_key(self, number: int, request: RecordedRequest) -> JsonValue:
        key = self._key(number)
        spec = parsed(request, KeySpec)
        if spec.state is not None:
            key.state = spec.state
        if spec.rules is not None:
            key.rules = tuple(AccessRule(rule.method, rule.path) for rule in spec.rules)
        return key.to_json()

    def _key(self, number: int) -> ConsumerKey:
        key = self._simulator.consumer_keys.numbered(number)
        if key is None:
            raise not_found("There is no such key; GET /_simulator/keys lists them by their credentialId")
        return key

    async def _set_tokens(self, request: RecordedRequest) -> JsonValue:
        spec = parsed(request, TokensSpec)
        if spec.lifetime_seconds is not None:
            self._simulator.token_lifetime_s = spec.lifetime_seconds
        if spec.revoke:
            self._simulator.revoke_tokens()
        return None

    async def _set_actions(self, request: RecordedRequest) -> JsonValue:
        wanted = parsed(request, ActionsSpec).missing
        await self._simulator.known.check_actions(wanted)
        self._simulator.missing_actions.clear()
        self._simulator.missing_actions.update(wanted)
        return None

    async def _set_rate(self, request: RecordedRequest) -> JsonValue:
        spec = parsed(request, RateSpec)
        self._simulator.rate = RateLimit(spec.requests, spec.seconds, says_when=spec.retry_after)
        return None

    async def _clear_rate(self, _: RecordedRequest) -> JsonValue:
        self._simulator.rate = None
        return None

    # --- what the account has

    async def _set_tasks(self, request: RecordedRequest) -> JsonValue:
        spec = parsed(request, TasksSpec)
        resources = self._simulator.resources
        if spec.under_way:
            return {"ended": resources.end_tasks(spec.outcome or "done")}
        tasks = resources.tasks
        tasks.outcome = spec.outcome or tasks.outcome
        tasks.looks = spec.looks or tasks.looks
        return None

    async def _set_list(self, request: RecordedRequest) -> JsonValue:
        spec = parsed(request, ListSpec)
        resources = self._simulator.resources
        service, route, found = await self._simulator.known.collection(spec.path)
        if "{" not in spec.path:
            resources.check_place(service, route, parse_place(spec.path))
        template = "/".join(("/v1", *route.segments))
        if spec.is_expanded is not None:
            if found.item_type is None:
                raise No(400, f"{template} is never expanded: no operation shows one of its items")
            (resources.not_expanded.discard if spec.is_expanded else resources.not_expanded.add)(template)
        if spec.count is not None:
            resources.fill(spec.path, spec.count)
        return {"template": template, "isExpanded": template not in resources.not_expanded}

    async def _set_deleted(self, request: RecordedRequest) -> JsonValue:
        self._simulator.has_deleted = parsed(request, DeletedSpec).are_gone
        return None

    async def _state(self, _: RecordedRequest) -> JsonValue:
        saved: JsonObject = msgspec.to_builtins(self._simulator.resources.saved())
        return saved

    async def _load(self, request: RecordedRequest) -> JsonValue:
        try:
            state = parse_state(request.body)
        except ValueError as error:
            raise No(400, f"This is no state of the simulator: {error}") from None
        await self._simulator.known.check_state(state)
        self._simulator.resources.load(state)
        return None

    async def _save(self, _: RecordedRequest) -> JsonValue:
        if self._simulator.state_file is None:
            raise No(400, "There is no file to save to: start it with ovh-api-mcp simulate --state FILE")
        try:
            self._simulator.save()
        except SettingsError as error:
            raise No(500, error.message, kind="Server::InternalServerError") from None
        return None

    async def _reset(self, _: RecordedRequest) -> JsonValue:
        self._simulator.reset()
        return None


def _of(actions: dict[str, _T], method: str) -> _T:
    if method not in actions:
        message = f"Method not allowed, known are: {', '.join(actions)}"
        raise No(405, message, kind="Client::MethodNotAllowed")
    return actions[method]


def _number(text: str) -> int:
    """Return a number of at most 9 digits, 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _shown_fault(fault: Fault) -> JsonObject:
    return {
        "number": fault.number,
        "method": fault.method,
        "path": fault.path,
        "times": fault.times,
        "hits": fault.hits,
        "status": fault.status,
        "delaySeconds": fault.delay_s,
        "streamBytes": fault.stream_bytes,
        "spreadSeconds": fault.spread_s,
        **{name: True for name in ("cut", "drop", "hang", "late") if getattr(fault, name)},
    }
