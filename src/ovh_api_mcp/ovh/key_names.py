"""What keys are called where they stand: variables, or the keys of a section of ovh.conf; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ovh_api_mcp.errors import cut_to_end
from ovh_api_mcp.limits import MESSAGE_CHARS
from ovh_api_mcp.ovh.credentials import CREDENTIAL_OPTIONS

KEY_OPTIONS: Final[Mapping[str, tuple[str, str]]] = dict(
    [*CREDENTIAL_OPTIONS.items(), ("endpoint", ("--endpoint", "OVH_ENDPOINT"))]
)
"""Option and variable of each key that a section of an account can have."""
# "--app-key or OVH_APPLICATION_KEY" before its parts.
_KEYS_BY_NAME: Final[Mapping[str, str]] = {
    **{f"{flag} or {variable}": key for key, (flag, variable) in KEY_OPTIONS.items() if flag},
    **{variable: key for key, (_, variable) in KEY_OPTIONS.items()},
}
_PLACE_CHARS: Final = 40  # of a place at least, its end


def for_account(text: str, place: str) -> str:
    """Return `text` with the keys of a section of ovh.conf, at `place`, in the place of variables.

    With an account that was chosen by name, variables and options do not count. "" for no such place.
    """
    if not place or not any(name in text for name in _KEYS_BY_NAME):
        return text
    for name, key in _KEYS_BY_NAME.items():
        text = text.replace(name, key)
    text = text.rstrip()
    room_chars = max(MESSAGE_CHARS - len(f"{text} They are in ."), _PLACE_CHARS)
    return f"{text} They are in {cut_to_end(place, room_chars)}."
