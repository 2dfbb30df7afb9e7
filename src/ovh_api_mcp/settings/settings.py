"""Every setting in one frozen object: flags win over the environment, that over ovh.conf and defaults.

Invariants: `read_environment` alone touches the environment; what Settings holds has been checked; no
error and no log of this module shows a value that may be a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.gate.policy import Access
from ovh_api_mcp.ovh.conf_file import conf_paths, load_conf_files
from ovh_api_mcp.ovh.credentials import Credentials, secrets_of
from ovh_api_mcp.ovh.endpoints import Endpoint, is_loopback
from ovh_api_mcp.ovh.named_accounts import NamedAccount
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import given as options
from ovh_api_mcp.settings.accounts import accounts_of
from ovh_api_mcp.settings.flags import Flags, LogLevelName, TransportName, ValidationName
from ovh_api_mcp.settings.given import given_of
from ovh_api_mcp.settings.network import child_environment, network_of, proxy_secrets
from ovh_api_mcp.settings.values import (
    access_of,
    allowed_hosts,
    auth_token,
    bind_host,
    cache_directory,
    own_risk_rules,
    schemas_directory,
    service_roots,
    state_directory,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the program runs with.

    `accounts` has at least one, and the first is that of whoever names none; `services` is ALL_SERVICES
    or root paths without slashes around them; `cache_dir` is None for no cache, `state_dir` for no
    journal; `port` 0 is any free one; `child_environment` is all that the process which builds the
    catalogue may see.
    """

    transport: TransportName
    host: str
    port: int
    accounts: tuple[NamedAccount, ...]
    services: tuple[str, ...]
    cache_dir: Path | None
    cache_ttl_s: int
    max_code_bytes: int
    max_result_tokens: int
    auth_token: Secret[str] | None
    allow_anonymous: bool
    allowed_hosts: tuple[str, ...]
    validation: ValidationName
    access: Access
    risk_rules: str
    question_timeout_s: int
    state_dir: Path | None
    journal_days: int
    journal_mib: int
    journal_state: bool
    schemas_dir: Path | None
    log_level: LogLevelName
    network: NetworkOptions
    child_environment: Mapping[str, str] = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """The API of the first account."""
        return self.accounts[0].endpoint

    @property
    def credentials(self) -> Credentials:
        """The credentials of the first account."""
        return self.accounts[0].credentials

    def secrets(self) -> tuple[Secret[str], ...]:
        """Return everything in here that must never be shown."""
        of_accounts = (secret for account in self.accounts for secret in secrets_of(account.credentials))
        token = (self.auth_token,) if self.auth_token else ()
        return (*of_accounts, *token, *proxy_secrets(self.network))


def read_environment() -> dict[str, str]:
    """Return a copy of the environment."""
    return dict(os.environ)


def load_settings(
    flags: Flags,
    environment: Mapping[str, str],
    *,
    config_paths: Sequence[Path] | None = None,
    default_log_level: LogLevelName = "info",
    with_credentials: bool = True,
) -> Settings:
    """Return the settings that flags, environment and OVHcloud's files make.

    `config_paths` replaces the files, the strongest first; a relative path counts as being in the
    current directory. `default_log_level` is for commands that people run, who want less to read;
    without `with_credentials` nobody signs in, whatever is given.
    Raises SettingsError, whose message names flag and variable.
    """
    given = given_of(environment)
    home = given.variable("HOME") or given.variable("USERPROFILE")
    files = load_conf_files(conf_paths(home) if config_paths is None else config_paths)
    cache_ttl_s = given.integer(flags.cache_ttl, options.CACHE_TTL)
    has_cache = cache_ttl_s > 0 and not flags.no_cache
    return Settings(
        transport=given.choice(flags.transport, options.TRANSPORT, get_args(TransportName), "http"),
        host=bind_host(flags.host),
        port=given.integer(flags.port, options.PORT),
        accounts=accounts_of(flags, given, files, with_credentials=with_credentials),
        services=service_roots(given.text(flags.services, options.SERVICES)),
        cache_dir=cache_directory(given.text(flags.cache_dir, options.CACHE_DIR), given)
        if has_cache
        else None,
        cache_ttl_s=cache_ttl_s,
        max_code_bytes=given.integer(flags.max_code_size, options.MAX_CODE_SIZE),
        max_result_tokens=given.integer(flags.max_result_tokens, options.MAX_RESULT_TOKENS),
        auth_token=auth_token(given.text(flags.auth_token, options.AUTH_TOKEN)),
        allow_anonymous=flags.allow_anonymous or given.switch(options.ALLOW_ANONYMOUS),
        allowed_hosts=allowed_hosts(flags.allowed_host, given.variable(options.ALLOWED_HOST.variable)),
        validation=given.choice(flags.validation, options.VALIDATION, get_args(ValidationName), "strict"),
        access=access_of(flags, given),
        risk_rules=own_risk_rules(given.text(flags.risk_rules, options.RISK_RULES)),
        question_timeout_s=given.integer(flags.question_timeout, options.QUESTION_TIMEOUT),
        state_dir=state_directory(flags, given),
        journal_days=given.integer(flags.journal_days, options.JOURNAL_DAYS),
        journal_mib=given.integer(flags.journal_size, options.JOURNAL_SIZE),
        journal_state=flags.journal_state or given.switch(options.JOURNAL_STATE),
        schemas_dir=schemas_directory(flags.schemas),
        log_level=given.choice(flags.log_level, options.LOG_LEVEL, get_args(LogLevelName), default_log_level),
        network=network_of(given),
        child_environment=child_environment(given.environment),
    )


def check_exposure(settings: Settings) -> None:
    """Refuse to serve over HTTP to more than this machine without a token.

    Raises SettingsError `token-required`.
    """
    is_guarded = settings.auth_token is not None or settings.allow_anonymous
    if settings.transport == "http" and not is_loopback(settings.host) and not is_guarded:
        raise SettingsError(
            f"--host {cut_foreign(settings.host, 80)} lets other machines in, and the server has no token: "
            "whoever reaches it would act with your credentials. Set --auth-token or OVH_MCP_TOKEN to a long "
            "random text, bind 127.0.0.1, or accept the risk with --allow-anonymous.",
            code="token-required",
        )
