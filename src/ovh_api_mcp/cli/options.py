"""The options of the command line: one table, from which every command takes what concerns it.

Values stay the texts that were typed; settings parses them, so that flags and environment are
held to the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Literal

import click

from ovh_api_mcp import limits
from ovh_api_mcp.settings import HOST_DEFAULT, PORT_DEFAULT, Flags

# "api" is all that concerns calls; "access", what scripts may do, is part of it; "catalog" is part of both.
Topic = Literal["transport", "catalog", "access", "api", "log"]
_PARTS: Final[Mapping[Topic, tuple[Topic, ...]]] = {"access": ("catalog",), "api": ("catalog", "access")}

_VISIBLE: Final = "Other users of this machine can see flags: prefer the variable."


_REPEATED: Final = ("--allowed-host", "--account")


@dataclass(frozen=True, slots=True)
class _Row:
    """One option; without a metavar it is a switch."""

    topic: Topic
    flag: str
    metavar: str
    text: str
    variable: str = ""
    default: str = ""

    def option(self) -> click.Option:
        """Return it as click wants it."""
        known = [
            f"env: {self.variable}" if self.variable else "",
            f"default: {self.default}" if self.default else "",
        ]
        aside = "; ".join(part for part in known if part)
        text = f"{self.text} [{aside}]" if aside else self.text
        if not self.metavar:
            return click.Option([self.flag], is_flag=True, help=text)
        return click.Option([self.flag], metavar=self.metavar, multiple=self.flag in _REPEATED, help=text)


_ROWS: Final = (
    _Row(
        "transport",
        "--transport",
        "http|stdio",
        "How clients connect: stdio for a desktop client that starts the server itself, http for all others.",
        "OVH_TRANSPORT",
        "http",
    ),
    _Row("transport", "--port", "PORT", "Port to listen on over HTTP.", "PORT", str(PORT_DEFAULT)),
    _Row(
        "transport",
        "--host",
        "ADDRESS",
        "Address to listen on over HTTP. Any but a loopback address needs --auth-token.",
        default=HOST_DEFAULT,
    ),
    _Row(
        "catalog",
        "--endpoint",
        "NAME|URL",
        "Which API: eu, ca, us, OVH's own names such as kimsufi-eu, `simulator` for a built-in practice"
        " API without an account, or the root URL of an API.",
        "OVH_ENDPOINT",
        "eu",
    ),
    _Row(
        "api",
        "--app-key",
        "KEY",
        "Application key; goes with application secret and consumer key.",
        "OVH_APPLICATION_KEY",
    ),
    _Row("api", "--app-secret", "SECRET", f"Application secret. {_VISIBLE}", "OVH_APPLICATION_SECRET"),
    _Row("api", "--consumer-key", "KEY", f"Consumer key. {_VISIBLE}", "OVH_CONSUMER_KEY"),
    _Row(
        "api",
        "--client-id",
        "ID",
        "OAuth2 service account, instead of the three keys; goes with its secret.",
        "OVH_CLIENT_ID",
    ),
    _Row(
        "api",
        "--client-secret",
        "SECRET",
        f"Secret of the OAuth2 service account. {_VISIBLE}",
        "OVH_CLIENT_SECRET",
    ),
    _Row(
        "catalog",
        "--services",
        "LIST",
        "Services to load: * or roots separated by commas, such as domain,me,cloud,dedicated/server.",
        "OVH_SERVICES",
        "*",
    ),
    _Row(
        "catalog",
        "--cache-dir",
        "DIR",
        "Where the catalogue of operations is kept.",
        "OVH_CACHE_DIR",
        "the platform's cache directory",
    ),
    _Row(
        "catalog",
        "--cache-ttl",
        "SECONDS",
        "How long a catalogue counts as fresh; 0 for no cache.",
        "OVH_CACHE_TTL",
        str(limits.CATALOG_TTL_S_DEFAULT),
    ),
    _Row("catalog", "--no-cache", "", "Keep no catalogue: build it anew at each start."),
    _Row(
        "api",
        "--max-code-size",
        "BYTES",
        "Longest script that is accepted.",
        "OVH_MAX_CODE_SIZE",
        str(limits.CODE_BYTES_DEFAULT),
    ),
    _Row(
        "api",
        "--max-result-tokens",
        "TOKENS",
        "Longest result, at 4 characters a token; longer ones are cut and say so.",
        "OVH_MAX_RESULT_TOKENS",
        str(limits.RESULT_TOKENS_DEFAULT),
    ),
    _Row(
        "transport",
        "--auth-token",
        "TOKEN",
        f"Bearer token that HTTP clients must send. {_VISIBLE}",
        "OVH_MCP_TOKEN",
    ),
    _Row(
        "transport",
        "--allow-anonymous",
        "",
        "Serve without a token on an address that others can reach: they act with your credentials.",
        "OVH_MCP_ALLOW_ANONYMOUS",
        "off",
    ),
    _Row(
        "transport",
        "--allowed-host",
        "NAME",
        "Host name by which clients reach the server, behind a proxy for example; may be repeated.",
        "OVH_MCP_ALLOWED_HOSTS",
        "its own addresses",
    ),
    _Row(
        "catalog",
        "--account",
        "NAME",
        "Account of ovh.conf to act for, the first by default; may be repeated.",
        "OVH_ACCOUNT",
        "the one that the other settings make",
    ),
    _Row(
        "api",
        "--validation",
        "strict|warn",
        "What becomes of a request that does not fit OVHcloud's schema: refused, or sent with a note.",
        "OVH_VALIDATION",
        "strict",
    ),
    _Row(
        "access",
        "--access",
        "full|confirm|read-only",
        "What scripts may do: all; all, but a person is asked before what is risky; or only GETs.",
        "OVH_ACCESS",
        "full",
    ),
    _Row(
        "access",
        "--ask",
        "LABELS",
        "What the mode confirm asks for: write, destroys, spends, secrets, access.",
        "OVH_ASK",
        "destroys,spends,secrets,access",
    ),
    _Row(
        "access",
        "--allow-secrets",
        "",
        "Let the mode read-only also read what reveals secrets, such as a kubeconfig.",
        "OVH_ALLOW_SECRETS",
        "off",
    ),
    _Row(
        "access",
        "--policy",
        "FILE",
        "Rules in TOML of what is allowed, asked for and denied; try them with: ovh-api-mcp policy.",
        "OVH_POLICY",
    ),
    _Row(
        "catalog",
        "--risk-rules",
        "FILE",
        "Your own rules for what operations do (destroys, spends, …); they speak before the built-in ones.",
        "OVH_RISK_RULES",
    ),
    _Row(
        "api",
        "--question-timeout",
        "SECONDS",
        "How long a question to a person waits, where the client's request stays open meanwhile.",
        "OVH_QUESTION_TIMEOUT",
        str(limits.QUESTION_TIMEOUT_S_DEFAULT),
    ),
    _Row(
        "api",
        "--state-dir",
        "DIR",
        "Where the journal of writes is kept.",
        "OVH_STATE_DIR",
        "the platform's state directory",
    ),
    _Row("api", "--no-journal", "", "Record no writes.", "OVH_NO_JOURNAL", "off"),
    _Row(
        "api",
        "--journal-state",
        "",
        "Look at what is there before each change and deletion, for the journal: one more request each.",
        "OVH_JOURNAL_STATE",
        "off",
    ),
    _Row(
        "api",
        "--journal-days",
        "DAYS",
        "How long writes are kept in the journal.",
        "OVH_JOURNAL_DAYS",
        str(limits.JOURNAL_DAYS_DEFAULT),
    ),
    _Row(
        "api",
        "--journal-size",
        "MIB",
        "How large the journal may grow; the oldest writes go.",
        "OVH_JOURNAL_SIZE",
        str(limits.JOURNAL_MIB_DEFAULT),
    ),
    _Row("catalog", "--schemas", "DIR", "Schemas that the simulator serves.", default="its own small set"),
    _Row(
        "log",
        "--log-level",
        "LEVEL",
        "debug, info, warning or error; logs go to standard error.",
        "OVH_LOG_LEVEL",
        "info",
    ),
)


def options(*topics: Topic) -> list[click.Parameter]:
    """Return the options of `topics`, in the order of the table."""
    wanted = {part for topic in topics for part in (topic, *_PARTS.get(topic, ()))}
    return [row.option() for row in _ROWS if row.topic in wanted]


@dataclass(frozen=True, slots=True)
class OptionNames:
    """How one option is given, and what it is without; "" where it has none of the kind."""

    flag: str
    variable: str
    default: str

    @property
    def field(self) -> str:
        """Its name in settings.Flags."""
        return self.flag.removeprefix("--").replace("-", "_")


def option_names() -> list[OptionNames]:
    """Return how every option of the table is given."""
    return [OptionNames(row.flag, row.variable, row.default) for row in _ROWS]


def options_named(*flags: str) -> list[click.Parameter]:
    """Return single options, in the order of the table."""
    return [row.option() for row in _ROWS if row.flag in flags]


def flags_of(context: click.Context) -> Flags:
    """Return what was typed before and after the names of commands; what stands last wins."""
    names = {field.name for field in fields(Flags)}
    contexts = [context]
    while (parent := contexts[0].parent) is not None:
        contexts.insert(0, parent)
    given = {
        name: value
        for params in (each.params for each in contexts)
        for name, value in params.items()
        if name in names and value
    }
    return Flags(**given)
