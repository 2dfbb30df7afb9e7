"""The practice account: its keys are fixed and say what they are, so that a person can put them in a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """Keys of an account that exists in the simulator only; they open nothing else."""

    application_key: str = "simulated-app-key"
    application_secret: str = "simulated-app-secret"  # noqa: S105 - a practice value, valid nowhere else
    consumer_key: str = "simulated-consumer-key"
    client_id: str = "EU.simulated-client-id"
    client_secret: str = "simulated-client-secret"  # noqa: S105 - as above
    nichandle: str = "xx1111-ovh"


def client_urn(account: SimulatedAccount, client_id: str) -> str:
    """Return what policies call an OAuth2 client of the account."""
    return f"urn:v1:eu:identity:credential:{account.nichandle}/oauth2-{client_id}"
