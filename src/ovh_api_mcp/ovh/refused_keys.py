"""Why OVHcloud refuses keys, in words for the person who gave them; no I/O.

Contract: of the keys nothing is shown but the last characters of the application key, which is no
secret. What the API said has been cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ovh_api_mcp.errors import cut_foreign, cut_to_end
from ovh_api_mcp.ovh.account_names import account_option
from ovh_api_mcp.ovh.credentials import ApplicationCredentials, CredentialName
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.key_watch import SeenKey

_APPLICATION_KEY_CHARS: Final = 16
_SECRET_CHARS: Final = 32
_SHOWN_OF_KEY: Final = 4
_LONG_KEY: Final = 12  # characters of a key of which the last may be shown
_SOURCE_CHARS: Final = 80
_ENDPOINT_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what to do about it."""

    fact: str
    advice: str


@dataclass(frozen=True, slots=True)
class UsedKeys:
    """Keys that were used at `endpoint`.

    `sources` says where those were taken from that nobody typed; `account` is the name that they were
    chosen by, "" for none.
    """

    credentials: ApplicationCredentials
    endpoint: Endpoint
    sources: Mapping[CredentialName, str] = field(default_factory=dict)
    account: str = ""

    def fault(self, seen: SeenKey) -> Fault | None:
        """Return what a look at the consumer key says is wrong; None where it is good, or nothing is said."""
        said = f' (OVHcloud says "{seen.said}")' if seen.said else ""
        consumer_key = self._named("consumer_key")
        match seen.state:
            case "foreign":
                return self.application_unknown()
            case "unsigned":
                return self.secret_refused()
            case "pending":
                fact = f"Nobody has validated the {consumer_key} yet{said}."
                return Fault(fact, f"Validate it at its link, or request a new one: {self._without()}.")
            case "ended":
                return Fault(f"The {consumer_key} has ended{said}.", f"Get a new one: {self._without()}.")
            case "unknown":
                fact = (
                    f"OVHcloud does not know the {consumer_key}{said}: it was revoked, or made with another "
                    f"application or at another endpoint than {self._place}.{self._exchanged()}"
                )
                return Fault(fact, f"Copy it again, or get a new one: {self._without()}.")
            case "refused":
                fact = (
                    f"OVHcloud refuses the {consumer_key}{said}: it is unknown, has expired or was revoked, "
                    f"or nobody has validated it yet.{self._exchanged()}"
                )
                return Fault(
                    fact,
                    "Its link is told once, when it is requested: validate it there if you still have it. "
                    f"Otherwise get a new one: {self._without()}.",
                )
            case _:
                return None

    def secret_refused(self) -> Fault:
        """Return what remains where the signature is refused, the clock right and the application known."""
        fact = (
            f"OVHcloud refuses the signature: the {self._named('application_secret')} is another "
            f"application's than the application key{self._ending}.{self._exchanged()}"
        )
        return Fault(fact, f"Copy the application secret again, as it was shown with the key{self._ending}.")

    def application_unknown(self) -> Fault:
        """Return what it means that the endpoint does not know the application key."""
        key, secret = self.credentials.application_key, self.credentials.application_secret.reveal()
        fact = f"The {self._named('application_key')}{self._ending} is not known at {self._place}"
        if len(key) == _SECRET_CHARS and len(secret) == _APPLICATION_KEY_CHARS:
            return Fault(
                f"{fact}: by their lengths, application key and application secret are swapped.",
                "Give each in its place: the key has 16 characters, the secret 32.",
            )
        page = cut_foreign(f"{self.endpoint.root}/createApp/", 100)
        return Fault(
            f"{fact}: it was made at another endpoint, was deleted, or is no application key.",
            f"Name the endpoint where it was made {self._where()}, or create an application at {page}.",
        )

    @property
    def _place(self) -> str:
        return cut_foreign(self.endpoint.name, _ENDPOINT_CHARS)

    @property
    def _ending(self) -> str:
        key = self.credentials.application_key
        return f" …{key[-_SHOWN_OF_KEY:]}" if len(key) >= _LONG_KEY else ""

    def _where(self) -> str:
        source = self.sources.get("application_key", "")
        return f"beside it in {source.rpartition(' ')[0]}" if self.account and source else "with --endpoint"

    def _without(self) -> str:
        aside = " without --consumer-key" if self.sources.get("consumer_key") == "--consumer-key" else ""
        return f"ovh-api-mcp login{account_option(self.account)}{aside}"

    def _named(self, name: CredentialName) -> str:
        source = self.sources.get(name, "")
        shown = cut_to_end(source, _SOURCE_CHARS)
        return f"{name.replace('_', ' ')} ({shown})" if shown else name.replace("_", " ")

    def _exchanged(self) -> str:
        """Return the doubt that half of the keys stand in the places of others."""
        key = self.credentials.application_key
        secret, consumer = (
            self.credentials.application_secret.reveal(),
            self.credentials.consumer_key.reveal(),
        )
        if secret == consumer:
            return " Application secret and consumer key are one and the same value."
        if key in (secret, consumer):
            return " The application key also stands where another key should."
        if len(secret) == len(consumer) == _SECRET_CHARS:
            return " Or application secret and consumer key are swapped: both have 32 characters."
        return ""
