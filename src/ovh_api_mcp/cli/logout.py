"""`ovh-api-mcp logout`: the consumer key is revoked at OVHcloud and taken out of the file.

Contract: a key that may still be valid is not taken out, or nobody could revoke it any more; only
--force does, which says what to do by hand.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

import click

from ovh_api_mcp.cli.keys_file import (
    SERVICE_ACCOUNT,
    SIGNED,
    KeysFile,
    config_option,
    open_settings,
)
from ovh_api_mcp.cli.options import flags_of, options_named
from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.errors import ApiError, NetworkError, SettingsError, cut_foreign
from ovh_api_mcp.ovh.keyring_store import MARK, forget_secret, read_secret
from ovh_api_mcp.ovh.login import Login
from ovh_api_mcp.ovh.transport import Transport
from ovh_api_mcp.secret import Redactor, Secret
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import LoginSettings

_ENDED: Final = frozenset({"INVALID_CREDENTIAL", "NOT_CREDENTIAL"})


@click.command(
    "logout",
    params=[
        click.Option(
            ["--all", "forgets_all"], is_flag=True, help="Forget the application key and secret, too."
        ),
        click.Option(
            ["--force"],
            is_flag=True,
            help="Take the key out of the file even where OVHcloud could not be made to revoke it.",
        ),
        config_option(),
        *options_named("--endpoint", "--account", "--log-level"),
    ],
)
@click.pass_context
def logout(
    context: click.Context, /, *, forgets_all: bool, force: bool, config: Path | None, **_: object
) -> None:
    """Revoke the consumer key in ~/.ovh.conf at OVHcloud, and take it out of the file.

    The rest of the file stays as it is. Where OVHcloud does not revoke the key, nothing is taken out,
    and 1 is the exit status: try again later, or use --force.
    """
    settings, file = open_settings(flags_of(context), config)
    redactor = Redactor(settings.secrets())
    configure_logging(settings.log_level, redactor)
    values = file.store.read().get(file.section, {})
    out = Terminal(sys.stdout, redactor)
    keys = [*(SIGNED if forgets_all else SIGNED[2:]), *SERVICE_ACCOUNT]
    if not any(key in values for key in keys):
        out.line(
            f"Nobody is logged in: {file.place} has no {' and no '.join((SIGNED[2], SERVICE_ACCOUNT[0]))}."
        )
        return
    marked = file.marked()
    values, locked = _unlocked(file, values, marked)
    for key in ("application_secret", "consumer_key", "client_secret"):
        if key in values and values[key] != MARK:
            redactor.add(Secret(values[key]))
    trouble = locked if "consumer_key" in values else ""
    if "consumer_key" in values and not locked:
        trouble = asyncio.run(_revoke(settings, values, redactor))
    if trouble:
        err = Terminal(sys.stderr, redactor)
        _tell_trouble(err, file, trouble, force=force)
        if not force:
            context.exit(1)
    for name in set(marked).intersection(keys):
        with suppress(SettingsError):  # it is of no use to anybody without its mark
            forget_secret(file.section, name)
    file.store.remove(file.section, keys)
    _tell(out, file, values, is_revoked=not trouble, forgets_all=forgets_all)


def _unlocked(file: KeysFile, values: Mapping[str, str], marked: Iterable[str]) -> tuple[dict[str, str], str]:
    """Return the values with those of the keyring in their places, and why that failed."""
    try:
        return {**values, **{name: read_secret(file.section, name).reveal() for name in marked}}, ""
    except SettingsError as error:
        return dict(values), error.message


async def _revoke(settings: LoginSettings, values: Mapping[str, str], redactor: Redactor) -> str:
    """Revoke the consumer key; return why that failed, "" where the key is of no use any more."""
    given = settings.given
    if not {"application_key", "application_secret"} <= {*given, *values}:
        return "The application key or its secret is not known here, and revoking takes both."
    key = values.get("application_key") or given["application_key"].value.reveal()
    secret = values.get("application_secret") or given["application_secret"].value.reveal()
    try:
        async with aclosing(Transport(network=settings.network)) as transport:
            login = Login(transport, settings.endpoint, key, Secret(secret), redactor)
            await login.revoke(Secret(values["consumer_key"]))
    except ApiError as error:
        return "" if error.error_code in _ENDED else error.message
    except NetworkError as error:
        return error.message
    return ""


def _tell_trouble(err: Terminal, file: KeysFile, trouble: str, *, force: bool) -> None:
    err.line(err.coloured("OVHcloud did not revoke the key: ", "red") + err.plain(trouble))
    if not force:
        err.line(
            f"Nothing was taken out of {file.place}, and the key may still be valid. Try again later with "
            f"ovh-api-mcp logout{file.choice}, or take it out all the same with --force."
        )
    err.line(
        f"{'It may still be valid. ' if force else ''}By hand it is revoked in the customer panel under API "
        "keys, or with GET /v1/me/api/credential and DELETE /v1/me/api/credential/{credentialId}."
    )


def _tell(
    out: Terminal, file: KeysFile, values: Mapping[str, str], *, is_revoked: bool, forgets_all: bool
) -> None:
    if "consumer_key" in values and is_revoked:
        out.line(f"The consumer key {Secret(values['consumer_key']).ending()} is revoked.")
    out.line(f"Taken out of {file.place}; the rest of the file is as it was.")
    if "client_id" in values:
        out.line(
            "The service account still exists. Delete it with DELETE /v1/me/api/oauth2/client/"
            f"{cut_foreign(out.plain(values['client_id']), 60)}, or in the customer panel."
        )
    elif not forgets_all:
        out.line(
            "The application key and secret are still there: log in again with ovh-api-mcp "
            f"login{file.choice}, or run ovh-api-mcp logout --all{file.choice}, since no server starts with "
            "half of the credentials."
        )
