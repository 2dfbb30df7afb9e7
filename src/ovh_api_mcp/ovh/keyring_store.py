"""Secrets in the system's keyring, for who wants none in a file; the library is an optional extra.

Invariants: every access ends within KEYRING_WAIT_S, though a backend may wait for a person to unlock it;
what a backend raises is translated here and never quoted, for it may hold anything.
"""

from __future__ import annotations

import importlib
import queue
import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, cast

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.limits import KEYRING_WAIT_S
from ovh_api_mcp.ovh.account_names import account_of, account_option
from ovh_api_mcp.ovh.conf_file import FoundValue
from ovh_api_mcp.secret import Secret

MARK: Final = "keyring"
"""What stands in ovh.conf in the place of a secret that the keyring holds."""

_SERVICE: Final = "ovh-api-mcp"
_INSTALL: Final = "Install it with: pipx install 'ovh-api-mcp[keyring]', or keep the keys in the file."
_UNLOCK: Final = "Unlock or install the system's keyring, or log in without --keyring."


class _Keyring(Protocol):
    """Source: the documentation of keyring 25."""

    def get_password(self, service_name: str, username: str) -> str | None: ...
    def set_password(self, service_name: str, username: str, password: str) -> None: ...
    def delete_password(self, service_name: str, username: str) -> None: ...


_Answer: TypeAlias = tuple[str | None, str]


def secret_of(found: FoundValue) -> tuple[Secret[str], str]:
    """Return a value of a file and its place: the keyring where the file has the mark.

    Raises SettingsError `keyring-unavailable`.
    """
    if found.text != MARK:
        return Secret(found.text), found.source
    return read_secret(found.section, found.key), f"{found.source} (keyring)"


def read_secret(section: str, name: str) -> Secret[str]:
    """Return what the keyring holds for a key of a section; *Raises* SettingsError `keyring-unavailable`."""
    held = _ask(lambda keyring: keyring.get_password(_SERVICE, _user(section, name)))
    if not held:
        raise SettingsError(
            f"The keyring holds no {name} for [{section}], though ovh.conf says so. Log in again with "
            f"ovh-api-mcp login{account_option(account_of(section))}.",
            code="keyring-unavailable",
        )
    return Secret(held)


def keep_secret(section: str, name: str, secret: Secret[str]) -> None:
    """Put a secret into the keyring; *Raises* SettingsError `keyring-unavailable`."""
    _ask(lambda keyring: keyring.set_password(_SERVICE, _user(section, name), secret.reveal()))


def forget_secret(section: str, name: str) -> None:
    """Take a secret out of the keyring; *Raises* SettingsError `keyring-unavailable`."""
    _ask(lambda keyring: keyring.delete_password(_SERVICE, _user(section, name)))


def check_keyring() -> None:
    """Try whether there is a keyring that answers; *Raises* SettingsError `keyring-unavailable`."""
    _ask(lambda keyring: keyring.get_password(_SERVICE, "check"))


def _user(section: str, name: str) -> str:
    return f"{section} {name}"


def _ask(work: Callable[[_Keyring], str | None]) -> str | None:
    """Do `work` in a thread, which is left behind where the backend never answers."""
    try:
        keyring = cast("_Keyring", importlib.import_module("keyring"))
    except ImportError as error:
        raise SettingsError(
            f"The keyring is asked for, and the library that speaks to it is not installed. {_INSTALL}",
            code="keyring-unavailable",
            hint=_INSTALL,
        ) from error
    answers: queue.Queue[_Answer] = queue.Queue()

    def run() -> None:
        try:
            answers.put((work(keyring), ""))
        except Exception as error:  # noqa: BLE001 - a backend is anybody's plug-in and raises anything
            answers.put((None, type(error).__name__))

    threading.Thread(target=run, daemon=True, name="keyring").start()
    try:
        value, fault = answers.get(timeout=KEYRING_WAIT_S)
    except queue.Empty:
        value, fault = None, f"no answer within {KEYRING_WAIT_S:g} s"
    if fault:
        raise SettingsError(
            f"The system's keyring cannot be used ({fault}). {_UNLOCK}",
            code="keyring-unavailable",
            hint=_UNLOCK,
        )
    return value
