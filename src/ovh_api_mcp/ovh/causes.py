"""Why the API may refuse who asks, and what to do about it, in the words of a hint; no I/O.

Contract: of the keys nothing is shown but the last characters of the application key, which is no
secret. What the API said is cut.
"""

from __future__ import annotations

from typing import Final

from ovh_api_mcp.errors import ApiError, cut_foreign
from ovh_api_mcp.ovh.credentials import ApplicationCredentials
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.key_record import parse_key_record

KEY_RECORD_PATH: Final = "/v1/auth/currentCredential"

_SHOWN_OF_KEY: Final = 4
_LONG_KEY: Final = 12  # characters of a key of which the last may be shown
_LENGTHS_EXCHANGED: Final = (32, 16)
_VALIDATE: Final = "Ask the user to validate it at its link, or for another one."

NOT_RENEWABLE: Final = (
    "The access token (OVH_ACCESS_TOKEN) has expired, was revoked, or is another endpoint's. "
    "It cannot be renewed here: ask the user for another one, or for a service account."
)
REFUSED_FOR_ONCE: Final = (
    "The API took tokens of this service account before, and refuses this call: the account was deleted or "
    "its tokens revoked a moment ago, or this operation takes no service accounts. Run the script again; if "
    "it stays, tell the user."
)
NOT_SAID: Final = ""


def never_taken(age_s: float) -> str:
    """Return what it means that the API took no token of a service account yet, the last got `age_s` ago."""
    return (
        f"The API takes no token of this service account, not even the one got {age_s:.0f} s ago: the "
        "account was deleted, or is another endpoint's. Ask the user to check OVH_CLIENT_ID and OVH_ENDPOINT."
    )


def misplaced_keys(credentials: ApplicationCredentials) -> str:
    """Return what the values themselves tell: half of them stands where the other half should be.

    Source: application keys of OVHcloud have 16 characters, secrets and consumer keys 32.
    """
    key = credentials.application_key
    secret, consumer = credentials.application_secret.reveal(), credentials.consumer_key.reveal()
    if secret == consumer:
        fault = "Application secret and consumer key are one and the same value"
    elif key in (secret, consumer):
        fault = "The application key also stands where the secret or the consumer key should"
    elif (len(key), len(secret)) == _LENGTHS_EXCHANGED:
        fault = "By their lengths, application key and application secret are exchanged"
    elif (len(key), len(consumer)) == _LENGTHS_EXCHANGED:
        fault = "By their lengths, application key and consumer key are exchanged"
    else:
        return NOT_SAID
    return (
        f"{fault}. Ask the user to copy OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and "
        "OVH_CONSUMER_KEY again, each into its place, and to start the server anew."
    )


def clock_off(off_s: int) -> str:
    """Return what it means that signatures are `off_s` seconds away from the API's time."""
    return (
        f"The clock of this machine jumps: the time that is signed is {off_s:,} s off the API's own "
        "(GET /v1/auth/time). Run the script again; if it stays, ask the user to have the clock set "
        "(NTP) and to start the server anew."
    )


def told_by_record(body: bytes) -> str:
    """Return what the record of a consumer key tells, which the API gave to a signed request."""
    record = parse_key_record(body)
    until = f" until {record.until}" if record.until else ""
    if record.status not in ("", "validated"):
        return f"The API calls the consumer key {cut_foreign(record.status, 40)}{until}. {_VALIDATE}"
    return (
        f"The credentials are in order{until}: GET {KEY_RECORD_PATH} is answered with them. So this "
        "operation refuses them for a reason of its own, or the request was changed on its way, as by a "
        "proxy that rewrites paths or bodies. Run the script again; if it stays, tell the user."
    )


def told_by_refusal(error: ApiError, credentials: ApplicationCredentials, endpoint: Endpoint) -> str:
    """Return what it tells that the API refuses a key its own record with `error`."""
    said = f'GET {KEY_RECORD_PATH} answers "{cut_foreign(error.said or str(error.status), 80)}"'
    words = error.said.lower()
    match error.error_code:
        case "INVALID_KEY":
            return foreign_key(credentials, endpoint)
        case "NOT_GRANTED_CALL":  # the signature was good, only the rules lack this route
            return told_by_record(b"{}")
        case "NOT_CREDENTIAL" | "INVALID_CREDENTIAL" if "not exist" in words:
            return (
                f"The consumer key is unknown ({said}): it was revoked, made with another application or at "
                f"another endpoint than {_shown(endpoint)}, or it and the application secret are exchanged. "
                "Ask the user to compare, or for a new one."
            )
        case "NOT_CREDENTIAL" | "INVALID_CREDENTIAL" if "expired" in words:
            return f"The consumer key has expired ({said}). Ask the user for another one."
        case "NOT_CREDENTIAL" | "INVALID_CREDENTIAL" if "pending" in words or "validat" in words:
            return f"Nobody has validated the consumer key yet ({said}). {_VALIDATE}"
        case "NOT_CREDENTIAL" | "INVALID_CREDENTIAL":
            return (
                f"The consumer key is not valid ({said}): nobody has validated it yet, it has expired or "
                f"was refused, or it may not be used from this address. {_VALIDATE}"
            )
        case _:
            return NOT_SAID


def foreign_key(credentials: ApplicationCredentials, endpoint: Endpoint) -> str:
    """Return what it means that the endpoint does not know the application key."""
    return (
        f"The application key{_shown_key(credentials)} is not known at {_shown(endpoint)}: it was made at "
        "another endpoint, or deleted. Ask the user to set OVH_ENDPOINT to where it was made, or to "
        f"create keys at {cut_foreign(endpoint.create_token_url, 100)}."
    )


def wrong_secret(credentials: ApplicationCredentials, endpoint: Endpoint) -> str:
    """Return what remains where the clock is right and the application key is known."""
    return (
        f"The clock is right, and the application key{_shown_key(credentials)} is known at "
        f"{_shown(endpoint)}. What remains: the application secret is another application's, or nobody "
        "has validated the consumer key. Ask the user to copy OVH_APPLICATION_SECRET again, and to "
        "validate the key."
    )


def _shown_key(credentials: ApplicationCredentials) -> str:
    key = credentials.application_key
    return f" …{key[-_SHOWN_OF_KEY:]}" if len(key) >= _LONG_KEY else ""


def _shown(endpoint: Endpoint) -> str:
    return cut_foreign(endpoint.name, 60)
