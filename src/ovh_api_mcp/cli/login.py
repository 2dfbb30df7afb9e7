"""`ovh-api-mcp login`: a consumer key for the user's account, kept in OVHcloud's own ovh.conf.

Contract: a key is read without echo, or from settings; of it nothing is shown but its last
characters. Nothing is stored before the key works; where storing fails, the key is revoked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from ovh_api_mcp.cli.browser import open_page
from ovh_api_mcp.cli.for_person import for_person
from ovh_api_mcp.cli.keys_file import (
    KeysFile,
    config_option,
    keep_keys,
    obstacles,
    open_settings,
    tell_replaced,
)
from ovh_api_mcp.cli.login_questions import Keys, ask_keys
from ovh_api_mcp.cli.options import flags_of, options_named
from ovh_api_mcp.cli.service_account import AccountWish, log_in_service_account
from ovh_api_mcp.cli.terminal import ProgressBar, Terminal
from ovh_api_mcp.cli.traces import INTERRUPTED, Traces, tell_interrupted
from ovh_api_mcp.errors import ApiError, NetworkError, SettingsError
from ovh_api_mcp.limits import LOGIN_REVOKE_S, LOGIN_WAIT_S
from ovh_api_mcp.ovh.access_rules import (
    FULL_ACCESS,
    READ_ONLY,
    AccessRule,
    parse_rules,
    with_own_rules,
)
from ovh_api_mcp.ovh.key_names import KEY_OPTIONS
from ovh_api_mcp.ovh.login import Login, PendingKey
from ovh_api_mcp.ovh.service_account import parse_actions
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import LoginSettings

_OTHER_KINDS: Final = ("client_id", "client_secret", "access_token")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for on the command line."""

    asked: tuple[AccessRule, ...]
    opens_browser: bool
    timeout_s: float

    @property
    def rules(self) -> tuple[AccessRule, ...]:
        """All rules of the key."""
        return with_own_rules(self.asked)


@click.command(
    "login",
    params=[
        click.Option(["--read-only"], is_flag=True, help="Ask for a key that can only read."),
        click.Option(
            ["--rules"],
            multiple=True,
            metavar="RULE",
            help='What the key may do, such as "GET /domain/*"; may be repeated. Everything by default.',
        ),
        click.Option(["--no-browser"], is_flag=True, help="Print the link, and open no browser."),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(1, 3_600),
            default=LOGIN_WAIT_S,
            metavar="SECONDS",
            help=f"How long to wait for you to validate. [default: {LOGIN_WAIT_S:g}]",
        ),
        click.Option(
            ["--service-account"],
            is_flag=True,
            help="Keep an OAuth2 service account instead of keys, or be guided to one.",
        ),
        click.Option(
            ["--action"],
            multiple=True,
            metavar="ACTION",
            help="What a new service account may do, such as dnsZone:apiovh:*; may be repeated. Everything"
            " by default.",
        ),
        click.Option(["--yes"], is_flag=True, help="Create the service account without asking first."),
        click.Option(
            ["--keyring"],
            is_flag=True,
            help="Keep secrets in the system's keyring, and in the file a mark that says so; OVHcloud's own"
            " tools cannot follow it. Needs ovh-api-mcp[keyring].",
        ),
        config_option(),
        # Not the option of the server: its variable does not count here.
        click.Option(
            ["--consumer-key"],
            metavar="KEY",
            help="A consumer key that you have already, to check and keep as it is. One in OVH_CONSUMER_KEY"
            " or a file does not count: login replaces it. Other users of this machine can see flags.",
        ),
        *options_named("--endpoint", "--account", "--app-key", "--app-secret"),
        *options_named("--client-id", "--client-secret", "--log-level"),
    ],
)
@click.pass_context
def login(context: click.Context, /, **typed: Unpack[_Typed]) -> None:
    """Get a key for your OVHcloud account, and keep it in ~/.ovh.conf, where the server finds it.

    Asks for an application key and its secret (or takes them from options, variables or ovh.conf),
    requests a consumer key with the rights you name, and waits until you have validated it.

    ovh-api-mcp login --read-only

    With --account the keys go to the section [account NAME], beside those of other accounts.
    """
    _check_together(context, typed)
    rules, actions = parse_rules(typed["rules"]), parse_actions(typed["action"])
    settings, file = open_settings(flags_of(context), typed["config"], in_keyring=typed["keyring"])
    redactor = Redactor(settings.secrets())
    configure_logging(settings.log_level, redactor)
    before, traces = file.values(), Traces()
    try:
        if typed["service_account"]:
            wish = AccountWish(actions, typed["yes"])
            log_in_service_account(settings, file, wish, redactor, traces)
        else:
            asked = rules or (READ_ONLY if typed["read_only"] else FULL_ACCESS)
            opens_browser = settings.has_display and not typed["no_browser"]
            wanted = _Wish(asked, opens_browser, typed["timeout"])
            _log_in_with_keys(settings, file, wanted, redactor, traces)
    except (ApiError, NetworkError) as error:
        Terminal(sys.stderr, redactor).complain(error)
        context.exit(1)
    except (KeyboardInterrupt, click.Abort):
        tell_interrupted(Terminal(sys.stderr, redactor), file, before, traces)
        context.exit(INTERRUPTED)


class _Typed(TypedDict):
    """The options of this command alone; the others are read by flags_of."""

    read_only: bool
    rules: tuple[str, ...]
    no_browser: bool
    timeout: float
    service_account: bool
    action: tuple[str, ...]
    yes: bool
    keyring: bool
    config: Path | None


def _check_together(context: click.Context, typed: _Typed) -> None:
    if typed["read_only"] and typed["rules"]:
        raise click.UsageError("--read-only and --rules exclude each other.", context)
    if typed["service_account"] and (typed["read_only"] or typed["rules"]):
        raise click.UsageError(
            "The rights of a service account are IAM actions: name them with --action.", context
        )
    if not typed["service_account"] and (typed["action"] or typed["yes"]):
        raise click.UsageError("--action and --yes go with --service-account.", context)


def _log_in_with_keys(
    settings: LoginSettings, file: KeysFile, wish: _Wish, redactor: Redactor, traces: Traces
) -> None:
    _check_kinds(settings)
    out = Terminal(sys.stdout, redactor)
    _announce(out, settings, file, wish.asked)
    keys = ask_keys(settings, wish.rules)
    for key in (Secret(keys.application_key), keys.application_secret, keys.consumer_key):
        redactor.add(key or Secret(""))
    asyncio.run(_log_in(out, settings, file, wish, keys, redactor, traces))


def _check_kinds(settings: LoginSettings) -> None:
    """Refuse to put keys beside credentials of another kind: no tool would start with both."""
    sources = [
        value.source
        for name, value in settings.given.items()
        if name in _OTHER_KINDS and not (settings.account and value.source == KEY_OPTIONS[name][1])
    ]
    if sources:
        raise SettingsError(
            f"Credentials of another kind are set: {', '.join(sources)}. With application keys beside them "
            "no tool of OVHcloud starts. Run ovh-api-mcp logout first, or unset them.",
            code="credentials-both",
        )


def _announce(out: Terminal, settings: LoginSettings, file: KeysFile, asked: Sequence[AccessRule]) -> None:
    endpoint = settings.endpoint
    aside = f" ({endpoint.root})" if endpoint.root != endpoint.name else ""
    out.line(f"{out.strong('API')}     {endpoint.name}{aside}")
    if settings.has_own_key:
        out.line(f"{out.strong('Rights')}  those of the consumer key that is given")
    else:
        _announce_rules(out, asked)
    out.line(f"{out.strong('Keys')}    kept in {file.place}")
    out.line()


def _announce_rules(out: Terminal, asked: Sequence[AccessRule]) -> None:
    out.line(f"{out.strong('Rights')}  {_shown_rules(asked)}")
    if own := [rule for rule in with_own_rules(asked) if rule not in asked]:
        out.line(f"        and for the key itself, to show and revoke it: {', '.join(map(str, own))}")


def _shown_rules(asked: Sequence[AccessRule]) -> str:
    if tuple(asked) == FULL_ACCESS:
        return "everything; ask for less with --read-only or --rules"
    return ", ".join(map(str, asked))


async def _log_in(
    out: Terminal,
    settings: LoginSettings,
    file: KeysFile,
    wish: _Wish,
    keys: Keys,
    redactor: Redactor,
    traces: Traces,
) -> None:
    """Get the key, see that it works, keep it, and show whose it is."""
    async with aclosing(Transport(network=settings.network)) as transport:
        login = _login(transport, settings, keys, redactor)
        if keys.consumer_key is None:
            consumer_key = await _get_key(out, login, wish, traces)
        else:
            consumer_key = keys.consumer_key
            await login.check(consumer_key)
        await _keep(login, settings, file, keys, consumer_key)
        await _show(out, login, consumer_key, file)
        out.line(f"Kept in {file.place}.")
        tell_replaced(out, file.held if file.held != consumer_key.ending() else "")
        if trouble := obstacles(file, settings.endpoint, (keys.application_secret, consumer_key)):
            out.line(out.coloured(trouble, "yellow"))
        else:
            chosen = f" with{file.choice}" if file.choice else ""
            out.line(
                f"Now connect a client{chosen}, or see that all is well: ovh-api-mcp doctor{file.choice}"
            )


def _login(transport: Transport, settings: LoginSettings, keys: Keys, redactor: Redactor) -> Login:
    sources = {name: value.source for name, value in settings.given.items()}
    sources["consumer_key"] = keys.consumer_key_source
    return Login(
        transport,
        settings.endpoint,
        keys.application_key,
        keys.application_secret,
        redactor,
        sources,
        settings.account,
    )


async def _get_key(out: Terminal, login: Login, wish: _Wish, traces: Traces) -> Secret[str]:
    """Request a key, lead the user to the page that validates it, and wait until that is done."""
    traces.key = "requested"
    pending = await login.request(wish.rules)
    out.line("Open this link, sign in, choose how long the key may live, and validate:")
    out.line(f"  {pending.validation_url}")
    try:
        await _lead_to_validation(out, login, pending, wish)
    except asyncio.CancelledError:
        # Somebody may have validated it in the very last moment, and nobody would know of it.
        with suppress(ApiError, NetworkError, TimeoutError):
            async with asyncio.timeout(LOGIN_REVOKE_S):
                await login.revoke(pending.consumer_key)
                traces.key = "revoked"
        raise
    return pending.consumer_key


async def _lead_to_validation(out: Terminal, login: Login, pending: PendingKey, wish: _Wish) -> None:
    if wish.opens_browser and await asyncio.to_thread(open_page, pending.validation_url):
        out.line("Your browser opens it, too.")
    if not pending.is_seen_pending:
        out.line(
            "If nothing happens soon after, the application secret may be wrong: stop, and copy it again."
        )
    out.line()
    await _wait(login, pending, wish.timeout_s)


async def _wait(login: Login, pending: PendingKey, timeout_s: float) -> None:
    progress = ProgressBar(sys.stderr)

    def report(waited_s: float) -> None:
        left_s = max(0, round(timeout_s - waited_s))
        progress.draw(
            waited_s, timeout_s, f"waiting for you to validate, {left_s // 60}:{left_s % 60:02} left"
        )

    try:
        await login.wait_validation(pending, timeout_s=timeout_s, report=report)
    finally:
        progress.clear()


async def _keep(
    login: Login, settings: LoginSettings, file: KeysFile, keys: Keys, consumer_key: Secret[str]
) -> None:
    values = {
        "application_key": keys.application_key,
        "application_secret": keys.application_secret.reveal(),
        "consumer_key": consumer_key.reveal(),
    }
    try:
        keep_keys(file, settings.endpoint, values)
    except SettingsError:
        if keys.consumer_key is None:  # nobody will ever know the key that was just made
            with suppress(ApiError, NetworkError):
                await login.revoke(consumer_key)
        raise


async def _show(out: Terminal, login: Login, consumer_key: Secret[str], file: KeysFile) -> None:
    try:
        holder = await login.holder(consumer_key)
    except (ApiError, NetworkError) as error:
        out.line(f"The key works, but could not be shown: {out.plain(for_person(error.message))}")
        return
    account = holder.account or "not told to this key"
    until = holder.record.until or f"you revoke it with ovh-api-mcp logout{file.choice}"
    out.line(f"Logged in. Account: {out.strong(account)}. Valid until {out.plain(until)}.")
