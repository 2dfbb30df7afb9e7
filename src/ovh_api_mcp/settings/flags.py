"""The options of the command line as they were typed, and what some of them may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

TransportName = Literal["http", "stdio"]
ValidationName = Literal["strict", "warn"]
LogLevelName = Literal["debug", "info", "warning", "error"]

PORT_DEFAULT: Final = 3104
HOST_DEFAULT: Final = "127.0.0.1"
ALL_SERVICES: Final = ("*",)
DEFAULT_ACCOUNT: Final = "default"


@dataclass(frozen=True, slots=True)
class Flags:
    """The options of the command line as they were typed; None, False and () where absent."""

    account: tuple[str, ...] = ()
    transport: str | None = None
    port: str | None = None
    host: str | None = None
    endpoint: str | None = None
    app_key: str | None = field(default=None, repr=False)
    app_secret: str | None = field(default=None, repr=False)
    consumer_key: str | None = field(default=None, repr=False)
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    services: str | None = None
    cache_dir: str | None = None
    cache_ttl: str | None = None
    no_cache: bool = False
    max_code_size: str | None = None
    max_result_tokens: str | None = None
    auth_token: str | None = field(default=None, repr=False)
    allow_anonymous: bool = False
    allowed_host: tuple[str, ...] = ()
    validation: str | None = None
    access: str | None = None
    ask: str | None = None
    allow_secrets: bool = False
    policy: str | None = None
    risk_rules: str | None = None
    question_timeout: str | None = None
    state_dir: str | None = None
    no_journal: bool = False
    journal_days: str | None = None
    journal_size: str | None = None
    journal_state: bool = False
    schemas: str | None = None
    log_level: str | None = None
