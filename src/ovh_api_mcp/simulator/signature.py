"""The signature of a request, from the API's side.

Source: OVH's documentation of signed requests: "$1$" and the SHA-1 of secret, consumer key, method,
full URL with query, body and timestamp, joined by "+".
"""

from __future__ import annotations

import hashlib
import hmac

CLOCK_TOLERANCE_S = 30.0


def compute_signature(
    *, secret: str, consumer_key: str, method: str, url: str, body: bytes, timestamp: str
) -> str:
    """Return what X-Ovh-Signature must be; URL and body are those of the wire."""
    head = "+".join((secret, consumer_key, method.upper(), url, ""))
    signed = head.encode("utf-8", "surrogateescape") + body + b"+" + timestamp.encode()
    return "$1$" + hashlib.sha1(signed, usedforsecurity=False).hexdigest()


def is_same(first: str, second: str) -> bool:
    """Compare without telling by the time it takes where the difference is."""
    return hmac.compare_digest(first.encode(), second.encode())


def is_current(timestamp: str, now_s: float) -> bool:
    """Tell whether a timestamp in Unix seconds is near enough to the API's clock."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    return abs(int(timestamp) - now_s) <= CLOCK_TOLERANCE_S
