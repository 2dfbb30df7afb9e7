"""OVH's native schema format as the simulator reads it: types, and nothing the simulator has no use for."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Parameter(msgspec.Struct, frozen=True, rename="camel"):
    """A parameter; a body without a name is the whole body, one with a name is a field of it."""

    data_type: str
    param_type: str
    name: str | None = None
    full_type: str | None = None
    required: bool = False

    @property
    def type_text(self) -> str:
        return self.full_type or self.data_type


class IamAction(msgspec.Struct, frozen=True):
    """An action of access control that an operation needs."""

    name: str


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """What is said of an operation's life; a date of deletion has a time and an offset."""

    deletion_date: str | None = None


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """A method on a path."""

    http_method: str
    response_type: str
    parameters: tuple[Parameter, ...] = ()
    no_authentication: bool = False
    iam_actions: tuple[IamAction | str, ...] = ()
    api_status: Status = Status()

    def named(self, place: str) -> dict[str, Parameter]:
        """Return the parameters of `place` (path, query, header, body) that have a name."""
        return {p.name: p for p in self.parameters if p.param_type == place and p.name}

    @property
    def whole_body(self) -> Parameter | None:
        """The body without a name, whose type is that of the whole body."""
        return next((p for p in self.parameters if p.param_type == "body" and not p.name), None)

    def is_gone(self, now_s: float) -> bool:
        """Tell whether the day has passed on which the operation was to be deleted."""
        try:
            return datetime.fromisoformat(self.api_status.deletion_date or "").timestamp() <= now_s
        except ValueError:
            return False

    @property
    def action_names(self) -> list[str]:
        return [a if isinstance(a, str) else a.name for a in self.iam_actions]


class Api(msgspec.Struct, frozen=True):
    """A path template and its operations."""

    path: str
    operations: tuple[Operation, ...] = ()


class Property(msgspec.Struct, frozen=True, rename="camel"):
    """A property of a model."""

    type: str
    full_type: str | None = None
    can_be_null: bool = False
    read_only: bool = False
    required: bool = False

    @property
    def type_text(self) -> str:
        return self.full_type or self.type


class Model(msgspec.Struct, frozen=True, rename="camel"):
    """An object with `properties`, or a closed set of values in `enum`."""

    properties: dict[str, Property] | None = None
    enum: tuple[str | int | float, ...] | None = None
    enum_type: str = "string"
    generics: tuple[str, ...] = ("T",)


class NativeSchema(msgspec.Struct, frozen=True, rename="camel"):
    """One service; `apis` is absent in services without operations."""

    apis: tuple[Api, ...] = ()
    models: dict[str, Model] = {}


class IndexEntry(msgspec.Struct, frozen=True):
    """A service of an index by its root path, such as /dedicated/server."""

    path: str


class Index(msgspec.Struct, frozen=True):
    """The services of a branch."""

    apis: tuple[IndexEntry, ...] = ()
