"""The signature of a request, as OVHcloud checks it; no I/O."""

from __future__ import annotations

import hashlib

from ovh_api_mcp.ovh.credentials import ApplicationCredentials


def sign(
    credentials: ApplicationCredentials, *, method: str, url: str, body: bytes | None, timestamp: int
) -> str:
    """Return the value of X-Ovh-Signature for a request, byte for byte as it goes over the wire.

    `timestamp` is the server's time in Unix seconds.
    Source: "First steps with the OVHcloud API" (Sign your requests), and python-ovh's client.
    """
    signed = b"+".join(
        (
            credentials.application_secret.reveal().encode(),
            credentials.consumer_key.reveal().encode(),
            method.upper().encode(),
            url.encode(),
            body or b"",
            str(timestamp).encode(),
        )
    )
    # SHA-1 is the protocol's choice; the flag keeps it usable where policy bans it for security.
    return "$1$" + hashlib.sha1(signed, usedforsecurity=False).hexdigest()


def signed_headers(
    credentials: ApplicationCredentials, *, method: str, url: str, body: bytes | None, timestamp: int
) -> tuple[tuple[str, str], ...]:
    """Return the headers that authenticate a request."""
    return (
        ("X-Ovh-Application", credentials.application_key),
        ("X-Ovh-Consumer", credentials.consumer_key.reveal()),
        ("X-Ovh-Timestamp", str(timestamp)),
        ("X-Ovh-Signature", sign(credentials, method=method, url=url, body=body, timestamp=timestamp)),
    )
