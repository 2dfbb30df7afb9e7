"""The keys that login needs: from settings, or asked for without echo where somebody can answer.

Contract: what is typed is shown nowhere, not even when it is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import click

from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.access_rules import AccessRule, filled_in_page
from ovh_api_mcp.ovh.login import parse_key
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import LoginSettings

_APPLICATION: Final = ("application_key", "application_secret")


@dataclass(frozen=True, slots=True)
class Keys:
    """The application, and a consumer key where the user has one already.

    `consumer_key_source` is the option that it was given by, "" for one that was typed when asked for.
    """

    application_key: str
    application_secret: Secret[str]
    consumer_key: Secret[str] | None
    consumer_key_source: str = ""


def ask_keys(settings: LoginSettings, rules: Sequence[AccessRule]) -> Keys:
    """Return the keys that are given, and ask for what is missing.

    Raises SettingsError `login-incomplete` where there is no terminal to ask on.
    """
    given = settings.given
    is_asked = any(name not in given for name in _APPLICATION)
    if is_asked and not can_ask():
        raise _incomplete(settings)
    if is_asked:
        _show_pages(settings, rules)
    application_key = given["application_key"].value if "application_key" in given else ask(_APPLICATION[0])
    secret = given["application_secret"].value if "application_secret" in given else ask(_APPLICATION[1])
    if settings.has_own_key:
        consumer = given["consumer_key"]
        return Keys(application_key.reveal(), secret, consumer.value, consumer.source)
    return Keys(application_key.reveal(), secret, _ask_consumer_key() if is_asked else None)


def can_ask() -> bool:
    """Tell whether somebody can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _show_pages(settings: LoginSettings, rules: Sequence[AccessRule]) -> None:
    err = Terminal(sys.stderr)
    endpoint = settings.endpoint
    err.line("No application is known here yet. Create one; its name is yours to choose:")
    err.line(f"  {endpoint.root}/createApp/")
    err.line("Or make all three keys at once, with the rights filled in:")
    err.line(f"  {filled_in_page(endpoint.create_token_url, rules)}")
    err.line("What you type or paste now is not shown.")


def ask(name: str) -> Secret[str]:
    """Return the key or secret called `name` that a person types, without showing it."""
    words = _words(name)

    def parse(text: str) -> Secret[str]:
        try:
            return parse_key(text, words)
        except SettingsError as error:
            raise click.UsageError(error.message) from error

    asked: Secret[str] = click.prompt(words.capitalize(), hide_input=True, err=True, value_proc=parse)
    return asked


def _ask_consumer_key() -> Secret[str] | None:
    def parse(text: str) -> Secret[str] | None:
        try:
            return parse_key(text, "consumer key") if text.strip() else None
        except SettingsError as error:
            raise click.UsageError(error.message) from error

    asked: Secret[str] | None = click.prompt(
        "Consumer key (Enter to get one now)",
        default="",
        show_default=False,
        hide_input=True,
        err=True,
        value_proc=parse,
    )
    return asked


def _incomplete(settings: LoginSettings) -> SettingsError:
    missing = [name for name in _APPLICATION if name not in settings.given]
    variables = " and ".join(f"OVH_{name.upper()}" for name in missing)
    if len(missing) == len(_APPLICATION):
        fact = "Login needs an application key and its secret"
        hint = f"Create an application at {settings.endpoint.root}/createApp/ and set {variables}."
    else:
        [(there, source)] = [
            (_words(name), value.source) for name, value in settings.given.items() if name in _APPLICATION
        ]
        fact = f"The {_words(missing[0])} is missing; the {there} is given ({source})"
        hint = f"Set {variables}; it was shown together with the other."
    return SettingsError(
        f"{fact}. There is no terminal to ask on. Nothing was stored. {hint}",
        code="login-incomplete",
        hint=hint,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
