"""Formats of texts in requests: which are asserted, how strictly, and what to say of one that is not met.

OVHcloud reads dates and durations more leniently than RFC 3339, so these two are our own: an offset
may be missing, as in the scripts that people have, and a duration may have a fraction. Telephone
numbers and passwords are any text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_DURATION: Final = re.compile(
    r"P(?!$)([0-9]+W|([0-9]+Y)?([0-9]+M)?([0-9]+D)?"
    r"(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?)"
)
_TEXT_CHARS: Final = 64  # no date, duration or address is longer


def _is_date_time(text: str) -> bool:
    if len(text) > _TEXT_CHARS or not _DATE_TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:  # the 30th of February
        return False
    return True


def _is_duration(text: str) -> bool:
    return len(text) <= _TEXT_CHARS and _DURATION.fullmatch(text) is not None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text[:_TEXT_CHARS])
    except ValueError:
        return False
    return "%" not in text  # a zone means something on one machine only


OWN_FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "date-time": _is_date_time,
    "duration": _is_duration,
    "ip": _is_ip,
}
ASSERTED: Final = frozenset({*OWN_FORMATS, "date", "email", "ipv4", "ipv6", "uuid"})

_WANTED: Final[Mapping[str, str]] = {
    "date": "a date such as 2026-01-31",
    "date-time": "a date and time such as 2026-01-31T12:00:00Z",
    "duration": "an ISO 8601 duration such as P1D or PT30M",
    "email": "an email address",
    "ip": "an IPv4 or IPv6 address, without a prefix length",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "uuid": "a UUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
}
_EXAMPLES: Final = ("203.0.113.0/24", "2001:db8::/64", "02:00:5e:10:00:01", "12:30:00", "12")


def wanted_format(name: str) -> str:
    """Return what a text of the format is, in words."""
    return _WANTED.get(name, name)


def wanted_pattern(pattern: str) -> str:
    """Return what a text that matches a pattern of our own conversion is, by example."""
    fitting = [example for example in _EXAMPLES if re.search(pattern, example)]
    return f"a text such as {' or '.join(fitting)}" if fitting else f"a text that matches {pattern}"
