"""What tells one version of a schema from another: the validators of HTTP, as a server sent them.

They come from outside and go back as headers, so only what is well formed and short is kept.
Source: RFC 9110, sections 8.8 (ETag, Last-Modified) and 13.1 (If-None-Match, If-Modified-Since).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.limits import ETAG_CHARS

_ETAG: Final = re.compile(rf'(?:W/)?"[!#-~]{{0,{ETAG_CHARS}}}"')
# The one form of a date that may be sent: Sun, 06 Nov 1994 08:49:37 GMT.
_DATE: Final = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")


@dataclass(frozen=True, slots=True)
class Validators:
    """The ETag and the Last-Modified of an answer, "" where it had none that can be sent back."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Validators:
        """Return those among the headers of an answer, whose names are in lower case."""
        etag, date = headers.get("etag", ""), headers.get("last-modified", "")
        return cls(etag if _ETAG.fullmatch(etag) else "", date if _DATE.fullmatch(date) else "")

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)

    def conditions(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that ask for what is newer; a server heeds the first one it understands."""
        headers = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return tuple((name, value) for name, value in headers if value)


NO_VALIDATORS: Final = Validators()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came for a URL: `body`, or None where the version that was asked about is still the newest."""

    body: bytes | None
    validators: Validators = NO_VALIDATORS
