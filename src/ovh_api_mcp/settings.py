"""Every setting in one frozen object: flags win over the environment, that over ovh.conf and defaults.

Invariants: `read_environment` alone touches the environment; what Settings holds has been checked; no
error and no log of this module shows a value that may be a secret.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args
from urllib.parse import unquote, urlsplit

import platformdirs

from ovh_api_mcp import limits
from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.gate.policy import ACCESS_MODES, ASKED_FOR, MAY_BE_ASKED_FOR, Access, Policy
from ovh_api_mcp.ovh.conf_file import ConfFile, conf_paths, find_endpoint, find_value, load_conf_files
from ovh_api_mcp.ovh.credentials import (
    CREDENTIAL_OPTIONS,
    CredentialName,
    Credentials,
    GivenValue,
    parse_credentials,
    secrets_of,
)
from ovh_api_mcp.ovh.endpoints import Endpoint, is_loopback, parse_endpoint
from ovh_api_mcp.ovh.keyring_store import secret_of
from ovh_api_mcp.ovh.named_accounts import NamedAccount, find_account, find_block
from ovh_api_mcp.ovh.network import NetworkOptions
from ovh_api_mcp.secret import Secret

_log = logging.getLogger(__name__)

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
        return (*of_accounts, *token, *_proxy_secrets(self.network))


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
    given = _Given({name: value.strip() for name, value in environment.items() if value.strip()})
    home = given.variable("HOME") or given.variable("USERPROFILE")
    files = load_conf_files(conf_paths(home) if config_paths is None else config_paths)
    cache_ttl_s = given.integer(
        flags.cache_ttl,
        _CACHE_TTL,
        limits.CATALOG_TTL_S_DEFAULT,
        low=0,
        high=limits.CATALOG_TTL_S_MAX,
    )
    has_cache = cache_ttl_s > 0 and not flags.no_cache
    return Settings(
        transport=given.choice(flags.transport, _TRANSPORT, get_args(TransportName), "http"),
        host=_host(flags.host),
        port=given.integer(flags.port, _PORT, PORT_DEFAULT, low=0, high=65535),
        accounts=_accounts(flags, given, files, with_credentials=with_credentials),
        services=_services(given.text(flags.services, _SERVICES)),
        cache_dir=_cache_dir(given.text(flags.cache_dir, _CACHE_DIR), given) if has_cache else None,
        cache_ttl_s=cache_ttl_s,
        max_code_bytes=given.integer(
            flags.max_code_size,
            _MAX_CODE_SIZE,
            limits.CODE_BYTES_DEFAULT,
            low=1,
            high=limits.CODE_BYTES_MAX,
        ),
        max_result_tokens=given.integer(
            flags.max_result_tokens,
            _MAX_RESULT_TOKENS,
            limits.RESULT_TOKENS_DEFAULT,
            low=limits.RESULT_TOKENS_MIN,
            high=limits.RESULT_TOKENS_MAX,
        ),
        auth_token=_auth_token(given.text(flags.auth_token, _AUTH_TOKEN)),
        allow_anonymous=flags.allow_anonymous or given.switch(_ALLOW_ANONYMOUS),
        allowed_hosts=_allowed_hosts(flags.allowed_host, given.variable(_ALLOWED_HOST.variable)),
        validation=given.choice(flags.validation, _VALIDATION, get_args(ValidationName), "strict"),
        access=_access(flags, given),
        risk_rules=_risk_rules(given.text(flags.risk_rules, _RISK_RULES)),
        question_timeout_s=given.integer(
            flags.question_timeout,
            _QUESTION_TIMEOUT,
            limits.QUESTION_TIMEOUT_S_DEFAULT,
            low=1,
            high=limits.QUESTION_TIMEOUT_S_MAX,
        ),
        state_dir=_state_dir(flags, given),
        journal_days=given.integer(
            flags.journal_days,
            _JOURNAL_DAYS,
            limits.JOURNAL_DAYS_DEFAULT,
            low=1,
            high=limits.JOURNAL_DAYS_MAX,
        ),
        journal_mib=given.integer(
            flags.journal_size,
            _JOURNAL_SIZE,
            limits.JOURNAL_MIB_DEFAULT,
            low=1,
            high=limits.JOURNAL_MIB_MAX,
        ),
        journal_state=flags.journal_state or given.switch(_JOURNAL_STATE),
        schemas_dir=_schemas_dir(flags.schemas),
        log_level=given.choice(flags.log_level, _LOG_LEVEL, get_args(LogLevelName), default_log_level),
        network=_network(given),
        child_environment=_child_environment(given.environment),
    )


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """What login and logout start with: values of credentials may be missing, or of several kinds.

    `config_path` is the file that keys are kept in, None for a user without a home.
    """

    endpoint: Endpoint
    given: Mapping[CredentialName, GivenValue]
    config_path: Path | None
    log_level: LogLevelName
    network: NetworkOptions
    has_display: bool

    def secrets(self) -> tuple[Secret[str], ...]:
        """Return everything in here that must never be shown."""
        values = (value.value for name, value in self.given.items() if name != "client_id")
        return (*values, *_proxy_secrets(self.network))


def load_login_settings(
    flags: Flags, environment: Mapping[str, str], *, config_path: Path | None = None
) -> LoginSettings:
    """Return what is given for login; `config_path` replaces OVHcloud's own files. Raises SettingsError."""
    given = _Given({name: value.strip() for name, value in environment.items() if value.strip()})
    home = given.variable("HOME") or given.variable("USERPROFILE")
    # Contract: what lies in the current directory is never read here unless it was named.
    paths = conf_paths(home)[1:] if config_path is None else (config_path,)
    files = load_conf_files(paths)
    endpoint, endpoint_text = _endpoint(flags, given, files)
    own = Path(home) / ".ovh.conf" if home and Path(home).is_absolute() else None
    return LoginSettings(
        endpoint=endpoint,
        given=_given_values(flags, given, files, endpoint, endpoint_text, is_login=True),
        config_path=config_path or own,
        log_level=given.choice(flags.log_level, _LOG_LEVEL, get_args(LogLevelName), "warning"),
        network=_network(given),
        has_display=_has_display(given),
    )


@dataclass(frozen=True, slots=True)
class Origins:
    """Where endpoint and credentials come from, in words, and what may be shown of each.

    `files` are the files of OVHcloud that were read, the strongest first.
    """

    endpoint: str
    endpoint_text: str
    credentials: Mapping[str, str]
    shown: Mapping[str, str]
    files: tuple[Path, ...]


def load_origins(flags: Flags, environment: Mapping[str, str]) -> Origins:
    """Return where a server that is started like this takes what from; *Raises* SettingsError."""
    given = _Given({name: value.strip() for name, value in environment.items() if value.strip()})
    home = given.variable("HOME") or given.variable("USERPROFILE")
    files = load_conf_files(conf_paths(home))
    if names := _account_names(flags, given):
        found_account = find_block(names[0], files)
        return Origins(
            found_account.place,
            found_account.endpoint_text,
            {name: value.source for name, value in found_account.given.items()},
            {name: value.value.ending() for name, value in found_account.given.items()},
            tuple(file.path for file in files),
        )
    endpoint, endpoint_text = _endpoint(flags, given, files)
    found = find_endpoint(files)
    if (flags.endpoint or "").strip():
        source = _ENDPOINT.flag
    elif given.variable(_ENDPOINT.variable):
        source = _ENDPOINT.variable
    else:
        source = found.source if found else "default"
    values = {} if endpoint.is_simulator else _given_values(flags, given, files, endpoint, endpoint_text)
    return Origins(
        source,
        endpoint_text,
        {name: value.source for name, value in values.items()},
        {name: value.value.ending() for name, value in values.items()},
        tuple(file.path for file in files),
    )


def _has_display(given: _Given) -> bool:
    """Tell whether a browser that is opened would be seen: not over SSH, nor on a Linux without a desktop."""
    if given.variable("SSH_CONNECTION", "SSH_TTY"):
        return False
    return sys.platform in ("darwin", "win32") or bool(given.variable("DISPLAY", "WAYLAND_DISPLAY"))


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


# --- how a value is looked up ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Option:
    """The names of one setting; "" where it has none of the kind."""

    flag: str
    variable: str = ""

    def __str__(self) -> str:
        return " or ".join(name for name in (self.flag, self.variable) if name)


_ACCOUNT: Final = _Option("--account", "OVH_ACCOUNT")
_TRANSPORT: Final = _Option("--transport", "OVH_TRANSPORT")
_PORT: Final = _Option("--port", "PORT")
_HOST: Final = _Option("--host")
_ENDPOINT: Final = _Option("--endpoint", "OVH_ENDPOINT")
_SERVICES: Final = _Option("--services", "OVH_SERVICES")
_CACHE_DIR: Final = _Option("--cache-dir", "OVH_CACHE_DIR")
_CACHE_TTL: Final = _Option("--cache-ttl", "OVH_CACHE_TTL")
_MAX_CODE_SIZE: Final = _Option("--max-code-size", "OVH_MAX_CODE_SIZE")
_MAX_RESULT_TOKENS: Final = _Option("--max-result-tokens", "OVH_MAX_RESULT_TOKENS")
_AUTH_TOKEN: Final = _Option("--auth-token", "OVH_MCP_TOKEN")
_ALLOW_ANONYMOUS: Final = _Option("--allow-anonymous", "OVH_MCP_ALLOW_ANONYMOUS")
_ALLOWED_HOST: Final = _Option("--allowed-host", "OVH_MCP_ALLOWED_HOSTS")
_VALIDATION: Final = _Option("--validation", "OVH_VALIDATION")
_ACCESS: Final = _Option("--access", "OVH_ACCESS")
_ASK: Final = _Option("--ask", "OVH_ASK")
_ALLOW_SECRETS: Final = _Option("--allow-secrets", "OVH_ALLOW_SECRETS")
_POLICY: Final = _Option("--policy", "OVH_POLICY")
_RISK_RULES: Final = _Option("--risk-rules", "OVH_RISK_RULES")
_QUESTION_TIMEOUT: Final = _Option("--question-timeout", "OVH_QUESTION_TIMEOUT")
_STATE_DIR: Final = _Option("--state-dir", "OVH_STATE_DIR")
_NO_JOURNAL: Final = _Option("--no-journal", "OVH_NO_JOURNAL")
_JOURNAL_STATE: Final = _Option("--journal-state", "OVH_JOURNAL_STATE")
_JOURNAL_DAYS: Final = _Option("--journal-days", "OVH_JOURNAL_DAYS")
_JOURNAL_SIZE: Final = _Option("--journal-size", "OVH_JOURNAL_SIZE")
_SCHEMAS: Final = _Option("--schemas")
_LOG_LEVEL: Final = _Option("--log-level", "OVH_LOG_LEVEL")

_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_ChoiceT = TypeVar("_ChoiceT", bound=str)


@dataclass(frozen=True, slots=True)
class _Given:
    """The environment without its empty values, and the rule that a flag wins over it."""

    environment: Mapping[str, str] = field(repr=False)

    def variable(self, *names: str) -> str:
        """Return the first of the variables that is set, else ""."""
        return next((self.environment[name] for name in names if name in self.environment), "")

    def text(self, flag: str | None, option: _Option) -> str:
        """Return what was given for `option`, "" for nothing."""
        return (flag or "").strip() or self.variable(option.variable)

    def integer(self, flag: str | None, option: _Option, default: int, *, low: int, high: int) -> int:
        text = self.text(flag, option)
        if not text:
            return default
        value = int(text) if re.fullmatch("[0-9]{1,18}", text) else -1
        if not low <= value <= high:
            raise _invalid(option, text, f"takes a whole number from {low:,} to {high:,}")
        return value

    def choice(
        self, flag: str | None, option: _Option, values: tuple[_ChoiceT, ...], default: _ChoiceT
    ) -> _ChoiceT:
        text = self.text(flag, option)
        if not text:
            return default
        for value in values:
            if value == text.lower():
                return value
        raise _invalid(option, text, f"takes one of {', '.join(values)}")

    def switch(self, option: _Option) -> bool:
        text = self.variable(option.variable)
        if text and text.lower() not in _SWITCH:
            raise _invalid(option, text, f"takes one of {', '.join(_SWITCH)}")
        return bool(text) and _SWITCH[text.lower()]


def _invalid(option: _Option, value: str, rule: str) -> SettingsError:
    return SettingsError(f"{option} is {cut_foreign(value, 60)!r}. It {rule}.", code="setting-invalid")


# --- endpoint and credentials ---------------------------------------------------------------------


def _account_names(flags: Flags, given: _Given) -> list[str]:
    parts = flags.account or given.variable(_ACCOUNT.variable).split(",")
    return list(dict.fromkeys(name for part in parts if (name := part.strip())))


def _accounts(
    flags: Flags, given: _Given, files: Sequence[ConfFile], *, with_credentials: bool
) -> tuple[NamedAccount, ...]:
    """Return the accounts that were chosen by name, else the one that all other settings make."""
    names = _account_names(flags, given)
    if not names:
        endpoint, text = _endpoint(flags, given, files)
        credentials = _credentials(flags, given, files, endpoint, text) if with_credentials else None
        return (NamedAccount(DEFAULT_ACCOUNT, endpoint, credentials),)
    typed = (flags.endpoint, flags.app_key, flags.app_secret, flags.consumer_key)
    if any((*typed, flags.client_id, flags.client_secret)):
        raise SettingsError(
            f"{_ACCOUNT} takes endpoint and keys from ovh.conf, and another option gives some, too. "
            "Leave one of them out.",
            code="setting-invalid",
        )
    if len(names) > limits.ACCOUNTS:
        raise _invalid(_ACCOUNT, ",".join(names), f"takes {limits.ACCOUNTS} accounts at most")
    return tuple(find_account(name, files, with_credentials=with_credentials) for name in names)


def _endpoint(flags: Flags, given: _Given, files: Sequence[ConfFile]) -> tuple[Endpoint, str]:
    """Return the endpoint and how it was written."""
    text = given.text(flags.endpoint, _ENDPOINT)
    if text:
        return parse_endpoint(text), text
    found = find_endpoint(files)
    if found is None:
        return parse_endpoint("eu"), "eu"
    # Contract: whoever can write into a directory could otherwise lead the calls, and the signatures
    # on them, of everybody who starts the server there to a host of their choice.
    if "://" in found.text and found.file.is_of_current_directory:
        raise SettingsError(
            f"{found.source} is a URL, and a file in the current directory may only name an endpoint. "
            "Give a URL by --endpoint or OVH_ENDPOINT.",
            code="endpoint-unknown",
        )
    return parse_endpoint(found.text), found.text


def _credentials(
    flags: Flags, given: _Given, files: Sequence[ConfFile], endpoint: Endpoint, endpoint_text: str
) -> Credentials:
    if endpoint.is_simulator:
        return None  # it brings its own account, and keys for OVHcloud are none of its business
    values = _given_values(flags, given, files, endpoint, endpoint_text)
    _warn_of_current_directory(values)
    return parse_credentials(values, endpoint)


def _given_values(
    flags: Flags,
    given: _Given,
    files: Sequence[ConfFile],
    endpoint: Endpoint,
    endpoint_text: str,
    *,
    is_login: bool = False,
) -> dict[CredentialName, GivenValue]:
    """Return every value of credentials that is given, the strongest of each, with its place.

    What the keyring does not give is missing for login, which can ask for it, and an error elsewhere.
    """
    sections = (endpoint.name, f"{endpoint.name}/", endpoint.name.removeprefix("ovh-"), endpoint_text)
    typed: dict[CredentialName, str | None] = {
        "application_key": flags.app_key,
        "application_secret": flags.app_secret,
        "consumer_key": flags.consumer_key,
        "client_id": flags.client_id,
        "client_secret": flags.client_secret,
    }
    values: dict[CredentialName, GivenValue] = {}
    for name, (flag, variable) in CREDENTIAL_OPTIONS.items():
        found = find_value(files, sections, name)
        if text := (typed.get(name) or "").strip():
            values[name] = GivenValue(Secret(text), flag)
        elif text := given.variable(variable):
            values[name] = GivenValue(Secret(text), variable)
        elif found is not None:
            if found.file.is_of_current_directory and "://" in endpoint.name:
                raise SettingsError(
                    f"{found.source} would send credentials to a URL, which a file in the current directory "
                    f"may not. Move the section to ~/.ovh.conf, or set {variable}.",
                    code="setting-invalid",
                )
            is_here = found.file.is_of_current_directory
            try:
                secret, source = secret_of(found)
            except SettingsError:
                if not is_login:
                    raise
                continue
            values[name] = GivenValue(secret, source, is_of_current_directory=is_here)
    return values


def _warn_of_current_directory(values: Mapping[CredentialName, GivenValue]) -> None:
    of_current_directory = [name for name, value in values.items() if value.is_of_current_directory]
    if of_current_directory:
        _log.warning(
            "event=credentials-of-current-directory file=%s sets=%s next=%r",
            *("./ovh.conf", ",".join(of_current_directory)),
            "if you did not write that file, stop and remove it: calls would go to another account",
        )


# --- single settings --------------------------------------------------------------------------------

_SERVICE: Final = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_BIND_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]{1,253}")
_HOST_HEADER: Final = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_BEARER: Final = re.compile(rf"[!-~]{{1,{limits.CREDENTIAL_CHARS}}}")


def _host(flag: str | None) -> str:
    host = (flag or "").strip().removeprefix("[").removesuffix("]") or HOST_DEFAULT
    if not _BIND_HOST.fullmatch(host):
        raise _invalid(_HOST, host, "takes an address or a name to bind, without scheme and port")
    return host


def _services(text: str) -> tuple[str, ...]:
    roots = [root for part in text.split(",") if (root := part.strip().strip("/"))]
    if "*" in roots or not text:
        return ALL_SERVICES
    wrong = next((root for root in roots if not _SERVICE.fullmatch(root)), None)
    if wrong is not None or not roots:
        rule = "takes * or roots of services with commas between, such as domain,me,dedicated/server"
        raise _invalid(_SERVICES, wrong or text, rule)
    return tuple(dict.fromkeys(roots))


def _cache_dir(text: str, given: _Given) -> Path | None:
    if text:
        home = given.variable("HOME") or "~"
        return Path(home) / text[2:] if text.startswith("~/") else Path(text).absolute()
    base = given.variable("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "ovh-api-mcp"
    path = platformdirs.user_cache_path("ovh-api-mcp", appauthor=False)
    if not path.is_absolute():  # a user without a home, as in some containers
        _log.warning("event=no-cache-directory next=%r", f"set {_CACHE_DIR}")
        return None
    return path


def _state_dir(flags: Flags, given: _Given) -> Path | None:
    """Return where the journal is kept, None for no journal."""
    if flags.no_journal or given.switch(_NO_JOURNAL):
        return None
    home = given.variable("HOME")
    if text := given.text(flags.state_dir, _STATE_DIR):
        return Path(home or "~") / text[2:] if text.startswith("~/") else Path(text).absolute()
    base = given.variable("XDG_STATE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "ovh-api-mcp"
    if sys.platform == "linux" and Path(home).is_absolute():
        return Path(home) / ".local" / "state" / "ovh-api-mcp"
    return platformdirs.user_state_path("ovh-api-mcp", appauthor=False)


def _auth_token(text: str) -> Secret[str] | None:
    if not text:
        return None
    if not _BEARER.fullmatch(text):
        raise SettingsError(
            f"{_AUTH_TOKEN} holds a space, a line break or another character that no header can carry. "
            f"Take printable ASCII, at most {limits.CREDENTIAL_CHARS:,} characters.",
            code="setting-invalid",
        )
    return Secret(text)


def _allowed_hosts(typed: Sequence[str], variable: str) -> tuple[str, ...]:
    parts = typed or variable.split(",")
    hosts = [host for part in parts if (host := part.strip().lower())]
    for host in hosts:
        if not _HOST_HEADER.fullmatch(host):
            rule = "takes names as in a Host header, such as mcp.example.com or mcp.example.com:8443"
            raise _invalid(_ALLOWED_HOST, host, rule)
    return tuple(dict.fromkeys(hosts))


def _access(flags: Flags, given: _Given) -> Access:
    return Access(
        mode=given.choice(flags.access, _ACCESS, ACCESS_MODES, "full"),
        allows_secrets=flags.allow_secrets or given.switch(_ALLOW_SECRETS),
        asks_for=_asked_for(given.text(flags.ask, _ASK)),
        policy=_policy(given.text(flags.policy, _POLICY)),
    )


def _asked_for(text: str) -> frozenset[str]:
    names = [name for part in text.split(",") if (name := part.strip().lower())]
    for name in names:
        if name not in MAY_BE_ASKED_FOR:
            rule = f"takes labels with commas between: {', '.join(MAY_BE_ASKED_FOR)}"
            raise _invalid(_ASK, name, rule)
    return frozenset(names) or ASKED_FOR


def _policy(text: str) -> Policy | None:
    if not text:
        return None
    from ovh_api_mcp.gate.policy_file import load_policy  # late: most have none

    policy, _ = load_policy(Path(text).expanduser().absolute())
    return policy


def _risk_rules(text: str) -> str:
    if not text:
        return ""
    from ovh_api_mcp.catalog.risk import load_own_rules  # late: most have none

    return load_own_rules(Path(text).expanduser().absolute())


def _schemas_dir(text: str | None) -> Path | None:
    if not text:
        return None
    path = Path(text).absolute()
    if not path.is_dir():
        raise _invalid(_SCHEMAS, text, "takes a directory of schemas, which must exist")
    return path


# --- network ------------------------------------------------------------------------------------------

_PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NO_PROXY_VARIABLES: Final = ("no_proxy", "NO_PROXY")
_CHILD_VARIABLES: Final = frozenset(
    {
        *(*_PROXY_VARIABLES, *_NO_PROXY_VARIABLES, "http_proxy", "HTTP_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME"),
        *("PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "TZ"),
        *("SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
        *("LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    }
)


def _network(given: _Given) -> NetworkOptions:
    proxy = given.variable(*_PROXY_VARIABLES)
    no_proxy = [entry.strip() for entry in given.variable(*_NO_PROXY_VARIABLES).split(",")]
    return NetworkOptions(
        https_proxy=_proxy(proxy) if proxy else None,
        no_proxy=tuple(entry for entry in no_proxy if entry),
        ssl_cert_file=given.variable("SSL_CERT_FILE"),
        ssl_cert_dir=given.variable("SSL_CERT_DIR"),
    )


def _proxy(text: str) -> Secret[str]:
    url = text if "://" in text else f"http://{text}"
    if not _is_proxy_url(url):
        raise SettingsError(
            "HTTPS_PROXY (or ALL_PROXY) is not the URL of a proxy that can be used. "
            "It takes http://host:port or https://host:port.",
            code="setting-invalid",
        )
    return Secret(url)


def _is_proxy_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0  # ValueError where it is no number
    except ValueError:
        return False
    is_plain = re.fullmatch("[!-~]+", url) is not None
    return is_plain and has_port and parts.scheme in ("http", "https") and bool(parts.hostname)


def _proxy_secrets(network: NetworkOptions) -> Iterator[Secret[str]]:
    if network.https_proxy is not None:
        password = urlsplit(network.https_proxy.reveal()).password
        if password:
            yield Secret(password)
            yield Secret(unquote(password))


def _child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name in _CHILD_VARIABLES or name.startswith("LC_")
    }
