"""What is sent to the control API: the fields of each body, within bounds; what is not known is refused."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.limits import MIB, SIMULATOR_KEPT
from ovh_api_mcp.simulator.answers import No
from ovh_api_mcp.simulator.consumer_keys import KeyState
from ovh_api_mcp.simulator.recording import RecordedRequest

_Seconds = Annotated[float, Meta(ge=0, le=600)]
_Drift = Annotated[float, Meta(ge=-1e9, le=1e9)]
_Count = Annotated[int, Meta(ge=1, le=SIMULATOR_KEPT)]
_HeaderName = Annotated[str, Meta(pattern="^[A-Za-z0-9-]+$")]
_HeaderValue = Annotated[str, Meta(pattern="^[ -~]*$")]
_Method = Literal["*", "GET", "POST", "PUT", "DELETE"]


class Spec(msgspec.Struct, forbid_unknown_fields=True, rename="camel", frozen=True):
    """What is sent to the control API."""


class FaultSpec(Spec, frozen=True):
    path: Annotated[str, Meta(pattern="^/(v1|v2|auth)(/|$)", max_length=2_000)]
    method: _Method = "*"
    times: _Count | None = None
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    body: msgspec.Raw = msgspec.Raw()  # JSON, sent as it stands
    text: str | None = None  # or text, such as a page of HTML
    content_type: Annotated[str, Meta(pattern="^[!-~ ]+$")] = "application/json; charset=utf-8"
    headers: dict[_HeaderName, _HeaderValue] = {}
    delay_seconds: _Seconds = 0.0
    spread_seconds: _Seconds = 0.0
    stream_bytes: Annotated[int, Meta(ge=0, le=64 * MIB)] = 0
    cut: bool = False
    drop: bool = False
    hang: bool = False
    late: bool = False

    def __post_init__(self) -> None:
        if bytes(self.body) and self.text is not None:
            raise ValueError("A fault has body, which is JSON, or text, not both")
        is_instead = self.status or bytes(self.body) or self.text is not None or self.headers
        if self.late and not (is_instead or self.stream_bytes or self.drop):
            raise ValueError("late goes with what is answered instead, such as status or drop")
        is_wrong = self.stream_bytes or self.delay_seconds or self.spread_seconds
        if not (is_instead or is_wrong or self.cut or self.drop or self.hang):
            raise ValueError("This fault does nothing: say what goes wrong, such as status or drop")


class ClockSpec(Spec, frozen=True):
    offset_seconds: _Drift


class LatencySpec(Spec, frozen=True):
    seconds: _Seconds


class RuleSpec(Spec, frozen=True):
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: Annotated[str, Meta(pattern="^/", max_length=2_000)]


class KeySpec(Spec, frozen=True):
    state: KeyState | None = None
    rules: list[RuleSpec] | None = None

    def __post_init__(self) -> None:
        if self.state is None and self.rules is None:
            raise ValueError("This changes nothing: say state or rules")


class TokensSpec(Spec, frozen=True):
    lifetime_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    revoke: bool = False

    def __post_init__(self) -> None:
        if self.lifetime_seconds is None and not self.revoke:
            raise ValueError("This changes nothing: say lifetimeSeconds, or revoke: true")


class TasksSpec(Spec, frozen=True):
    outcome: Literal["done", "error", "cancelled"] | None = None
    looks: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    under_way: bool = False

    def __post_init__(self) -> None:
        if self.under_way and self.looks is not None:
            raise ValueError("looks is for tasks that begin from now on; with underWay all end at once")
        if self.outcome is None and self.looks is None and not self.under_way:
            raise ValueError("This changes nothing: say outcome, looks, or underWay: true")


class RateSpec(Spec, frozen=True):
    requests: _Count
    seconds: Annotated[float, Meta(gt=0, le=3_600)]
    retry_after: bool = True


class ActionsSpec(Spec, frozen=True):
    missing: list[str]


class ListSpec(Spec, frozen=True):
    path: Annotated[str, Meta(pattern="^/", max_length=2_000)]
    count: Annotated[int, Meta(ge=0, le=SIMULATOR_KEPT)] | None = None
    is_expanded: bool | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/v1/"):
            raise ValueError("path is that of a list of v1, such as /v1/vps")
        if self.count is None and self.is_expanded is None:
            raise ValueError("This changes nothing: say count or isExpanded")
        if self.count is not None and "{" in self.path:
            raise ValueError(
                "count is of one list: path has no {…} then, such as /v1/domain/zone/example.com/record"
            )


class DeletedSpec(Spec, frozen=True):
    are_gone: bool


SpecT = TypeVar("SpecT", bound=Spec)


def parsed(request: RecordedRequest, kind: type[SpecT]) -> SpecT:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fields = ", ".join(kind.__struct_encode_fields__)
        raise No(400, f"{cut_foreign(str(error), 200)}. It takes {fields}") from None
