"""Whose account a call of a script is for: one of those that the server was started with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ovh_api_mcp.catalog.absences import Absences
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.refusal import listed, nearest_names, quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.advice.document import Document
from ovh_api_mcp.sandbox.outcome import ScriptCall
from ovh_api_mcp.server.document_keys import NoDocument
from ovh_api_mcp.server.lists import Lists
from ovh_api_mcp.server.waiting import Readers

ReportProgress = Callable[[float, float, str], Awaitable[None]]
"""Told how much is done, of how much (0: unknown), and what is going on."""

AnswerLookup = Callable[[ScriptCall], JsonValue]
"""Returns what a lookup gives, in some milliseconds, in any thread; *Raises* OvhMcpError."""

_NAMES_CHARS: Final = 160


def _no_readers(service: str, schema: str) -> list[str]:
    return []


class Account:
    """What a run knows of one account.

    `wait_gate` waits for the catalogue of its API and returns the gate to it. `lookups` then answers
    what scripts ask of that one, `document` returns what advice may know of it, `absences` what it
    lacks, `readers` where it reads a schema.
    """

    def __init__(
        self,
        *,
        wait_gate: Callable[[ReportProgress], Awaitable[Gatekeeper]],
        lookups: Callable[[], AnswerLookup],
        document: Callable[[], Document] = NoDocument,
        absences: Callable[[], Absences] = Absences,
        readers: Readers = _no_readers,
        name: str = "default",
        endpoint: str = "",
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.wait_gate = wait_gate
        self.lookups = lookups
        self.document = document
        self.absences = absences
        self.readers = readers
        self.lists = Lists()


class Picked(NamedTuple):
    """An account, and the call for it without the account's name."""

    account: Account
    call: ScriptCall


class Accounts:
    """The accounts that scripts may act for; the first is theirs where they name none."""

    def __init__(self, first: Account, *others: Account) -> None:
        self.default = first
        self._by_name = {account.name: account for account in (first, *others)}

    @property
    def are_several(self) -> bool:
        """Whether there is a choice."""
        return len(self._by_name) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names to choose from, the default's first; () where there is no choice."""
        return tuple(self._by_name) if self.are_several else ()

    def named(self, name: str) -> Account:
        """Return the account of a name; *Raises* RefusedError."""
        return self._named(name)

    def pick(self, call: ScriptCall) -> Picked:
        """Return the account that a call is for; *Raises* RefusedError for one that nobody knows."""
        arguments, names = _without_accounts(call.arguments)
        if call.kind == "wait":
            arguments, giver = _without_giver(arguments, self.default.name)
            names += giver
        if not names:
            return Picked(self.default, call)
        if any(name != names[0] for name in names[1:]):
            raise _two_accounts(names)
        return Picked(self._named(names[0]), replace(call, arguments=arguments))

    def origin(self, account: Account, origin: str) -> str:
        """Return the call that gave an object, so that what waits for it finds the account, too."""
        return origin if account is self.default else f"{origin} {account.name}"

    def _named(self, name: JsonValue) -> Account:
        if isinstance(name, str) and (account := self._by_name.get(name)):
            return account
        given = _shown(name)
        if not self.are_several:
            raise refusal(
                "invalid-call",
                f"There is no account {given}: the server acts for one account, and a script names none. "
                "Whoever runs it can start it with --account NAME for each.",
                hint="Leave account out.",
            )
        known = list(self._by_name)
        near = nearest_names(name, known) if isinstance(name, str) else ()
        names = listed([*near, *(each for each in known if each not in near)], _NAMES_CHARS)
        hint = f"Accounts, the likeliest first: {names}." if near else f"Accounts: {names}."
        raise refusal("invalid-call", f"There is no account {given}. {hint}", hint=hint)


def _without_accounts(arguments: JsonObject) -> tuple[JsonObject, list[JsonValue]]:
    """Return arguments without names of accounts, wherever a script may write them, and the names."""
    names: list[JsonValue] = []
    rest = {key: value for key, value in arguments.items() if key != "account"}
    if "account" in arguments:
        names.append(arguments["account"])
    for place in ("options", "path", "target"):
        inner = arguments.get(place)
        if isinstance(inner, dict) and "account" in inner and _is_of_script(place, inner, arguments):
            names.append(inner["account"])
            rest[place] = {key: value for key, value in inner.items() if key != "account"}
    return rest, names


def _shown(name: JsonValue) -> str:
    return quoted(name) if isinstance(name, str) else kind_of(name)


def _two_accounts(names: Sequence[JsonValue]) -> RefusedError:
    shown = listed(dict.fromkeys(map(_shown, names)), _NAMES_CHARS)
    hint = "Name one account, and wait for what an account gave with that account."
    return refusal("invalid-call", f"The call names more than one account: {shown}. {hint}", hint=hint)


def _is_of_script(place: str, value: JsonObject, arguments: JsonObject) -> bool:
    """Tell whether the script wrote a value itself; what a call gave may have a field `account`, too."""
    return place == "options" or ("path" in value and "origin" not in arguments)


def _without_giver(arguments: JsonObject, default: str) -> tuple[JsonObject, list[JsonValue]]:
    """Return what waits for an object, as its own account knows it, and the name of that account."""
    origin = arguments.get("origin")
    if not isinstance(origin, str):
        return arguments, []
    method, _, rest = origin.partition(" ")
    path, _, name = rest.partition(" ")
    return {**arguments, "origin": f"{method} {path}"}, [name or default]
