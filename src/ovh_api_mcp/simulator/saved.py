"""What an account has, as a file: what is written when it is saved, and what one may be seeded from.

    {
      "collections": { "/v1/domain": { "example.com": { "state": "ok" }, "example.net": {} } },
      "objects": { "/v1/me": { "firstname": "Ada" } },
      "created": ["/v1/domain/zone/example.com/record/7"]
    }

A collection holds its members, each with the fields that are set; the rest is made up. `created` are
members that were made by a request: what is inside them starts empty. Segments are percent-encoded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import SIMULATOR_KEPT, SIMULATOR_STATE_BYTES

# As msgspec parses it: any JSON value.
_Json = object
_FORM: Final = 'It is an object of "collections", "objects" and "created"; see docs/simulator.md.'


class SavedState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of such a file."""

    collections: dict[str, dict[str, _Json]] = {}
    objects: dict[str, _Json] = {}
    created: list[str] = []


def parse_state(content: bytes) -> SavedState:
    """Return the state in JSON text; *Raises* ValueError that says what is wrong."""
    if len(content) > SIMULATOR_STATE_BYTES:
        raise ValueError(f"it has more than {SIMULATOR_STATE_BYTES:,} bytes")
    try:
        state = msgspec.json.decode(content, type=SavedState)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(cut_foreign(str(error), 200)) from None
    for path in (*state.collections, *state.objects, *state.created):
        if not path.startswith(("/v1/", "/v2/")) or "//" in path or path.endswith("/"):
            raise ValueError(f"{cut_foreign(path, 80)!r} is no path below /v1 or /v2")
    for path, members in state.collections.items():
        if len(members) > SIMULATOR_KEPT:
            raise ValueError(f"{cut_foreign(path, 80)} has more than {SIMULATOR_KEPT:,} members")
        wrong = next((key for key, fields in members.items() if not isinstance(fields, dict)), None)
        if wrong is not None:
            raise ValueError(f"the member {cut_foreign(wrong, 60)!r} of {cut_foreign(path, 80)} is no object")
    return state


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
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{cut_foreign(str(path), 120)} cannot be written: {error.strerror}.", code="setting-invalid"
        ) from None
