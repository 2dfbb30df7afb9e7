"""`ovh-api-mcp login --service-account`: an OAuth2 client with an IAM policy, kept in ovh.conf.

Contract: nothing is created before a yes. What was created and cannot be kept is deleted again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import click

from ovh_api_mcp.cli.keys_file import SERVICE_ACCOUNT, SIGNED, KeysFile, keep_keys, obstacles, tell_replaced
from ovh_api_mcp.cli.login_questions import ask, can_ask
from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.cli.traces import Traces
from ovh_api_mcp.errors import ApiError, NetworkError, SettingsError
from ovh_api_mcp.ovh.service_account import (
    CLIENT_PATH,
    EVERYTHING,
    POLICY_PATH,
    NewAccount,
    ServiceAccounts,
    client_body,
    policy_body,
)
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.settings import LoginSettings


@dataclass(frozen=True, slots=True)
class AccountWish:
    """What the service account may do, and whether it was said beforehand that it may be created."""

    actions: tuple[str, ...]
    says_yes: bool


def log_in_service_account(
    settings: LoginSettings, file: KeysFile, wish: AccountWish, redactor: Redactor, traces: Traces
) -> None:
    """Keep a service account that is given, or guide to one; *Raises* OvhMcpError."""
    if not settings.endpoint.discovery_url:
        raise SettingsError(
            f"{settings.endpoint.name} has no OAuth2, so there are no service accounts. Log in with keys: "
            "ovh-api-mcp login.",
            code="setting-invalid",
        )
    if "client_id" in file.store.read().get(file.section, {}):
        raise SettingsError(
            f"{file.place} holds a service account already. Run ovh-api-mcp logout{file.choice} first.",
            code="setting-invalid",
        )
    out = Terminal(sys.stdout, redactor)
    given = _given_account(settings)
    if given is None:
        _explain(out, settings, wish.actions)
    creates = given is None and _may_create(settings, wish)
    if given is None and not creates:
        given = _ask_account(settings)
    traces.may_have_made_client = creates
    asyncio.run(_keep(out, settings, file, wish, redactor, given))


def _given_account(settings: LoginSettings) -> NewAccount | None:
    """Return the client that was typed or set for this run."""
    client_id, secret = (settings.given.get(name) for name in SERVICE_ACCOUNT)
    if client_id is None or secret is None:
        return None
    return NewAccount(client_id.value.reveal(), secret.value, "")


def _explain(out: Terminal, settings: LoginSettings, actions: Sequence[str]) -> None:
    region = settings.endpoint.region
    out.line("A service account is an OAuth2 client whose rights are IAM policies. Two calls make one:")
    for path, body in ((CLIENT_PATH, client_body()), (POLICY_PATH, policy_body(actions, "", region))):
        out.line(f"  {out.strong(f'POST {path}')}")
        out.line(f"  {json.dumps(body)}")
    if actions == (EVERYTHING,):
        out.line("This policy allows everything; allow less with --action, such as dnsZone:apiovh:*.")
    out.line()


def _may_create(settings: LoginSettings, wish: AccountWish) -> bool:
    """Tell whether there are keys to make the two calls with, and the user wants it."""
    if not all(name in settings.given for name in SIGNED):
        return False
    if wish.says_yes:
        return True
    question = "Make both calls now with the keys that are set, and keep the service account instead of them?"
    return can_ask() and click.confirm(question, err=True)


def _ask_account(settings: LoginSettings) -> NewAccount:
    if not can_ask():
        hint = (
            f"Make the two calls at {settings.endpoint.root}/console/ and set OVH_CLIENT_ID and "
            "OVH_CLIENT_SECRET, or log in with keys first and say --yes."
        )
        raise SettingsError(
            f"There is no service account to keep, and no terminal to ask on. Nothing was stored. {hint}",
            code="login-incomplete",
            hint=hint,
        )
    err = Terminal(sys.stderr)
    err.line(f"Make them at {settings.endpoint.root}/console/ and give here what the first one answers.")
    return NewAccount(ask("client id").reveal(), ask("client secret"), "")


async def _keep(
    out: Terminal,
    settings: LoginSettings,
    file: KeysFile,
    wish: AccountWish,
    redactor: Redactor,
    given: NewAccount | None,
) -> None:
    async with aclosing(Transport(network=settings.network)) as transport:
        accounts = ServiceAccounts(transport, settings.endpoint, redactor)
        account = given or await _create(out, accounts, settings, file, wish)
        redactor.add(account.client_secret)
        if given is None:
            await _show_new(out, accounts, account)
        else:
            await _show(out, accounts, account)
            _write(settings, file, account)
        out.line(f"Kept in {file.place}. It has no end; ovh-api-mcp logout{file.choice} forgets it.")
        tell_replaced(out, file.held)
        if trouble := obstacles(file, settings.endpoint, (account.client_secret,)):
            out.line(out.coloured(trouble, "yellow"))


async def _show(out: Terminal, accounts: ServiceAccounts, account: NewAccount) -> None:
    holder = await accounts.holder(account.client_id, account.client_secret)
    name = holder.account or "not told, as long as no policy lets it ask"
    out.line(f"Logged in as {Secret(account.client_id).ending()}. Account: {out.strong(name)}.")


async def _show_new(out: Terminal, accounts: ServiceAccounts, account: NewAccount) -> None:
    """Do the same for an account that is kept already, and may not be known everywhere yet."""
    try:
        await _show(out, accounts, account)
    except (ApiError, NetworkError) as error:
        out.line(f"It could not be tried: {out.plain(error.message)}")
        out.line("A new one may take a minute. See whether it works: ovh-api-mcp doctor")


async def _create(
    out: Terminal,
    accounts: ServiceAccounts,
    settings: LoginSettings,
    file: KeysFile,
    wish: AccountWish,
) -> NewAccount:
    """Make both calls; the client is kept at once, for its secret is told only now."""
    credentials = settings.signing_credentials()
    account = await accounts.create(credentials)
    try:
        _write(settings, file, account)
    except SettingsError:
        with suppress(ApiError, NetworkError):
            await accounts.delete(credentials, account.client_id)
        raise
    out.line("The client is created.")
    try:
        await accounts.allow(credentials, wish.actions, account.identity)
        out.line("Its policy is created.")
    except (ApiError, NetworkError) as error:
        out.line(out.coloured("Its policy is not: ", "red") + out.plain(error.message))
        body = policy_body(wish.actions, account.identity, settings.endpoint.region)
        out.line(f"It has no rights until somebody sends POST {POLICY_PATH} with")
        out.line(f"  {json.dumps(body)}")
    return account


def _write(settings: LoginSettings, file: KeysFile, account: NewAccount) -> None:
    """Put the account in the place of application keys: no tool starts with both."""
    values = {"client_id": account.client_id, "client_secret": account.client_secret.reveal()}
    keep_keys(file, settings.endpoint, values, instead_of=SIGNED)
