"""What the other packages know of the API: operations and where a catalogue came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.json_value import JsonObject

ParameterPlace = Literal["path", "query", "header"]


class Method(StrEnum):
    """The methods of the OVH API; there is no PATCH."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


class Lifecycle(StrEnum):
    """`apiStatus.value` of OVH's schemas."""

    PRODUCTION = "PRODUCTION"
    BETA = "BETA"
    ALPHA = "ALPHA"
    DEPRECATED = "DEPRECATED"

    @classmethod
    def parse(cls, value: str) -> Lifecycle:
        """Return the lifecycle that a status says; one we do not know is not relied on: BETA."""
        try:
            return cls(value)
        except ValueError:
            return cls.BETA


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path, query or header parameter; `schema` is JSON Schema 2020-12."""

    name: str
    place: ParameterPlace
    required: bool
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class BodyField:
    """One field of a JSON object that an operation takes as its body."""

    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What OVH says of an operation that is to go, as written: dates and the path instead; or ""."""

    since: str
    until: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a list: the template that reads one item, "" where there is none, and its paging.

    Paging is "v1" (ids, which v1 expands on request), "cursor" (v2), or "".
    """

    item: str
    pagination: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path template, such as GET /v1/domain/zone/{zoneName}.

    `service` is branch and root path without a slash in front: "v1/domain". `body_fields` is empty
    where the body is no object with fixed fields; `iam_actions` are those that a caller must have.
    `body_schema` is that of its body, `answer_schema` that of what it answers, {} where any is taken or
    none is declared; they refer to components of the document. `labels` are what it does to the account.
    """

    method: Method
    path: str
    operation_id: str
    service: str
    summary: str
    lifecycle: Lifecycle
    is_authenticated: bool
    parameters: tuple[Parameter, ...]
    has_body: bool
    is_body_required: bool
    body_schema: JsonObject = field(default_factory=dict)
    answer_schema: JsonObject = field(default_factory=dict)
    body_fields: tuple[BodyField, ...] = ()
    iam_actions: tuple[str, ...] = ()
    deprecation: Deprecation | None = None
    listing: Listing | None = None
    labels: frozenset[Label] = frozenset()

    @property
    def sorted_labels(self) -> tuple[str, ...]:
        """The labels as texts, in one order."""
        return tuple(sorted(self.labels))

    @property
    def answer(self) -> str:
        """The name of the component schema that it answers; "" where it answers anything else."""
        reference = self.answer_schema.get("$ref")
        return reference.rpartition("/")[2] if isinstance(reference, str) else ""


@dataclass(frozen=True, slots=True)
class CatalogInfo:
    """What a catalogue was built from; times are Unix seconds.

    `failed` maps a service that could not be had ("v1/vps"), or a branch, to the reason in one
    sentence; those of `absent` have no copy that stands in. `left_out` are the services of the index
    that `services` does not select.
    """

    endpoint_root: str
    services: tuple[str, ...]
    built_at: float
    program_version: str
    service_count: int
    path_count: int
    operation_count: int
    failed: dict[str, str]
    absent: tuple[str, ...]
    left_out: tuple[str, ...]
    document_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: services `done` of `total` (0 until the index is known) and the present `step`."""

    done: int
    total: int
    step: str
