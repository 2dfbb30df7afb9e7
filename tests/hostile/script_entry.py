"""One hostile script: what it tries, where the idea comes from, what must come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import FailureKind, ScriptLimits

FORGED: Final = "FORGED"  # what a script tries to smuggle into something that is not its to write
API_FAILURE: Final[JsonObject] = {  # what the API says of a call to /v1/fails
    "message": "This call does not succeed.",
    "code": "refused",
    "status": 403,
    "details": {"why": "because"},
}
_PATIENT: Final = ScriptLimits(timeout_s=20.0)  # the script has to meet another limit, or to end, before
ONCE: Final = ScriptLimits(timeout_s=0.4)  # the script does not end: its time is its only limit


@dataclass(frozen=True, slots=True)
class Gives:
    """The script succeeds with this value, exactly."""

    value: JsonValue


@dataclass(frozen=True, slots=True, init=False)
class Fails:
    """The script fails in one of these ways, and the message has this text, or is this one exactly.

    `fields` is what the server may show as the words of an uncaught failure of the API.
    """

    kinds: frozenset[FailureKind]
    says: str = ""
    message: str | None = None
    fields: JsonObject | None = None

    def __init__(
        self,
        *kinds: FailureKind,
        says: str = "",
        message: str | None = None,
        fields: JsonObject | None = None,
    ) -> None:
        object.__setattr__(self, "kinds", frozenset(kinds))
        object.__setattr__(self, "says", says)
        object.__setattr__(self, "message", message)
        object.__setattr__(self, "fields", fields)


@dataclass(frozen=True, slots=True)
class Refused:
    """The code never gets to a child: `parse_script` refuses it with this code."""

    code: str


MustComeOut: TypeAlias = Gives | Fails | Refused

OUT_OF_TIME: Final = Fails("timeout", says="0.4 s")
OUT_OF_MEMORY: Final = Fails("memory", says="64 MiB")
OUT_OF_STACK: Final = Fails("stack")


@dataclass(frozen=True, slots=True)
class HostileScript:
    """An entry of the corpus.

    `source` cites a CVE, an advisory or an issue (owner/repository#number on GitHub), or names the
    class of attack ("class: …").
    `logs` is what the console must have kept, in order, where that matters; `calls` the arguments
    that must have reached the API or the catalogue, in order, where they matter. Call or lookup n is answered
    with {"answer": n, "asked": arguments}, a call to /v1/fails with an error, a call to /v1/never never.
    """

    name: str
    source: str
    code: str
    out: MustComeOut
    limits: ScriptLimits = _PATIENT
    logs: tuple[str, ...] | None = None
    calls: tuple[JsonObject, ...] | None = None
