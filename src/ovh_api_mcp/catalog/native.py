"""OVH's own schema format, typed: the index of a branch and the schema of one service.

Everything here comes from outside. A schema is parsed whole or refused whole, with a CatalogError
that names the service and the place; fields that are not read may hold anything. What must be
right for a call to be right (method, place of a parameter, types as text) is strict; what is only
told to people (texts, actions, dates) may be absent or null.

Source: the schemas at {root}/v1/ and {root}/v2/, as counted over the whole catalogue.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import CatalogError, cut_foreign
from ovh_api_mcp.limits import INDEX_BYTES, PATH_CHARS, SCHEMA_BYTES, SERVICES

Branch = Literal["v1", "v2"]
BRANCHES: Final[tuple[Branch, ...]] = ("v1", "v2")

EnumValue: TypeAlias = str | int | float | bool | None
_Text: TypeAlias = str | None
_Flag: TypeAlias = bool | None


class NativeParameter(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A parameter; a body parameter without a name is the whole body."""

    data_type: str
    param_type: Literal["path", "query", "header", "body"]
    name: _Text = None
    full_type: _Text = None
    required: _Flag = None
    description: _Text = None


class NativeStatus(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """`apiStatus`; the dates and the replacement belong to deprecated operations."""

    value: str = "PRODUCTION"
    description: _Text = None
    deprecated_date: _Text = None
    deletion_date: _Text = None
    replacement: _Text = None


class NativeIamAction(msgspec.Struct, frozen=True, gc=False):
    """An action that the caller needs; older exports give the name alone."""

    name: str
    required: _Flag = None
    description: _Text = None


class NativeOperation(msgspec.Struct, frozen=True, rename="camel"):
    """One method on a path."""

    http_method: Method
    parameters: list[NativeParameter] | None = None
    response_type: _Text = None
    response_types: dict[str, str] | None = None
    no_authentication: _Flag = None
    api_status: NativeStatus | None = None
    description: _Text = None
    long_description: _Text = None
    iam_actions: list[NativeIamAction | str] | None = None
    errors: list[str] | None = None
    operation_id: _Text = None


class NativePath(msgspec.Struct, frozen=True):
    """A path template with its operations."""

    path: str
    operations: list[NativeOperation] | None = None


class NativeProperty(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A property of a model."""

    type: str
    full_type: _Text = None
    can_be_null: _Flag = None
    read_only: _Flag = None
    required: _Flag = None
    description: _Text = None


class NativeModel(msgspec.Struct, frozen=True, rename="camel"):
    """An object with `properties`, or a list of values with `enum`; `generics` names type variables."""

    description: _Text = None
    properties: dict[str, NativeProperty] | None = None
    enum: list[EnumValue] | None = None
    enum_type: _Text = None
    generics: list[str] | None = None


class NativeService(msgspec.Struct, frozen=True, rename="camel"):
    """The schema of one service."""

    apis: list[NativePath] | None = None
    models: dict[str, NativeModel] | None = None
    subsections: dict[str, _Text] | None = None


class IndexEntry(msgspec.Struct, frozen=True, gc=False):
    """A service in the index of its branch: its root `path` and how the URL of its schema is made."""

    path: str
    schema: str = "{path}.{format}"


class _Index(msgspec.Struct, frozen=True):
    apis: list[IndexEntry]


_Document = TypeVar("_Document")
# Contract: what a schema names becomes part of URLs and of the routes that calls are checked
# against, so a segment is a literal without dots alone, or a whole parameter; else it is refused.
_PATH: Final = re.compile(r"(?:/(?:\{[A-Za-z0-9._-]+\}|(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+))+")


def parse_index(body: bytes, branch: Branch) -> list[IndexEntry]:
    """Return the services that the index of a branch names, in its order.

    Raises CatalogError `schema-invalid` or `schema-too-large`. Paths are not checked here.
    """
    name = f"The index of {branch}"
    _refuse_too_large(body, name, INDEX_BYTES)
    entries = _decode(body, _Index, name).apis
    if len(entries) > SERVICES:
        raise CatalogError(
            f"{name} lists {len(entries):,} services. At most {SERVICES:,} are read.", code="schema-invalid"
        )
    return entries


def parse_service(body: bytes, service: str) -> NativeService:
    """Return the schema of `service` ("v1/domain"), all of its paths checked to lie below its root.

    Raises CatalogError `schema-invalid` or `schema-too-large`.
    """
    name = f"The schema of {service}"
    _refuse_too_large(body, name, SCHEMA_BYTES)
    schema = _decode(body, NativeService, name)
    root = service[service.index("/") :]
    for api in schema.apis or ():
        if len(api.path) > PATH_CHARS or _PATH.fullmatch(api.path) is None:
            raise CatalogError(
                f"{name} has the path {cut_foreign(api.path)!r}. Segments are /literal or /{{parameter}}.",
                code="schema-invalid",
            )
        if api.path != root and not api.path.startswith(f"{root}/"):
            raise CatalogError(
                f"{name} has the path {cut_foreign(api.path)!r}, which is not below {root}.",
                code="schema-invalid",
            )
    return schema


def _refuse_too_large(body: bytes, name: str, limit_bytes: int) -> None:
    if len(body) > limit_bytes:
        raise CatalogError(
            f"{name} has {len(body):,} bytes. At most {limit_bytes:,} are read.", code="schema-too-large"
        )


def _decode(body: bytes, kind: type[_Document], name: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise CatalogError(
            f"{name} is not in OVH's format: {cut_foreign(str(error))}.", code="schema-invalid"
        ) from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        start = cut_foreign(body[:80].decode("utf-8", "replace"), 40)
        raise CatalogError(
            f"{name} is not JSON: {cut_foreign(str(error))}. It begins with {start!r}.", code="schema-invalid"
        ) from error
