"""What an account has, as a file: what is written when it is saved, and what one may be seeded from.

    {
      "collections": { "/v1/domain": { "example.com": { "state": "ok" }, "example.net": {} } },
      "objects": { "/v1/me": { "firstname": "Ada" } },
      "created": ["/v1/domain/zone/example.com/record/7"],
      "underWay": { "/v1/vps/vps-1/tasks/3": { "field": "state", "left": ["doing", "done"] } }
    }

A collection holds its members, each with the fields that are set; the rest is made up. `created` are
members that were made by a request: what is inside them starts empty. `underWay` are tasks, and the
states that are ahead of them; they are there, and all that they are inside of, though no collection
names them. Segments are percent-encoded.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import SIMULATOR_KEPT, SIMULATOR_STATE_BYTES

# As msgspec parses it: any JSON value.
_Json = object
EnumValue: TypeAlias = str | int
_FORM: Final = 'It is an object of "collections", "objects", "created" and "underWay"; see docs/simulator.md.'


class UnderWay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that takes its time: the field that tells how far it is, and the values still to come.

    `states` are all that the field can have.
    """

    field: str
    left: Annotated[tuple[EnumValue, ...], Meta(min_length=1, max_length=1_000)]
    states: Annotated[tuple[EnumValue, ...], Meta(max_length=100)] = ()


class SavedState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """The content of such a file."""

    collections: dict[str, dict[str, _Json]] = {}
    objects: dict[str, _Json] = {}
    created: list[str] = []
    under_way: dict[str, UnderWay] = {}


def parse_state(content: bytes) -> SavedState:
    """Return the state in JSON text; *Raises* ValueError that says what is wrong."""
    if len(content) > SIMULATOR_STATE_BYTES:
        raise ValueError(f"it has more than {SIMULATOR_STATE_BYTES:,} bytes")
    try:
        state = msgspec.json.decode(content, type=SavedState)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(cut_foreign(str(error), 200)) from None
    for path in (*state.collections, *state.objects, *state.created, *state.under_way):
        if not path.startswith(("/v1/", "/v2/")) or "//" in path or path.endswith("/"):
            raise ValueError(f"{cut_foreign(path, 80)!r} is no path below /v1 or /v2")
        if not _is_encoded(path):
            raise ValueError(f"{cut_foreign(path, 80)!r} is not percent-encoded UTF-8")
    for path, members in state.collections.items():
        shown = cut_foreign(path, 80)
        if path in state.objects:
            raise ValueError(f"{shown} is both a collection and an object")
        if len(members) > SIMULATOR_KEPT:
            raise ValueError(f"{shown} has more than {SIMULATOR_KEPT:,} members")
        for key, fields in members.items():
            if not key:
                raise ValueError(f"a member of {shown} has an empty id")
            if not isinstance(fields, dict):
                raise ValueError(f"the member {cut_foreign(key, 60)!r} of {shown} is no object")  # noqa: TRY004  # all faults of a file are one kind
    return state


def _is_encoded(path: str) -> bool:
    try:
        unquote(path, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def read_state(path: Path) -> SavedState:
    """Return the state in a file; *Raises* SettingsError `setting-invalid`."""
    shown = cut_foreign(str(path), 120)
    try:
        with path.open("rb") as file:
            content = file.read(SIMULATOR_STATE_BYTES + 1)
        return parse_state(content)
    except OSError as error:
        raise SettingsError(f"{shown} cannot be read: {error.strerror}.", code="setting-invalid") from None
    except ValueError as error:
        raise SettingsError(
            f"{shown} is no state of the simulator: {error}. {_FORM}", code="setting-invalid"
        ) from None


def write_state(path: Path, state: SavedState) -> None:
    """Write a state whole or not at all; *Raises* SettingsError `setting-invalid`."""
    content = msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n"
    try:
        # A name that nobody can know, made for its owner alone: what lies there is never followed.
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from None


def check_writable(path: Path) -> None:
    """See that a state could be written there; *Raises* SettingsError `setting-invalid`."""
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None
    if path.is_dir():
        raise SettingsError(f"{cut_foreign(str(path), 120)} is a directory.", code="setting-invalid")


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{cut_foreign(str(path), 120)} cannot be written: {error.strerror}.", code="setting-invalid"
    )
