"""The ovh.conf that login and logout work on: which one, which section, and what it means for the server."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.errors import OvhMcpError, SettingsError, cut_foreign
from ovh_api_mcp.ovh.account_names import account_option
from ovh_api_mcp.ovh.conf_store import ConfStore
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.ovh.keyring_store import MARK, check_keyring, forget_secret, keep_secret
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import Flags, LoginSettings, load_login_settings, load_settings, read_environment

SIGNED: Final = ("application_key", "application_secret", "consumer_key")
_SECRETS: Final = ("application_secret", "consumer_key", "client_secret")
SERVICE_ACCOUNT: Final = ("client_id", "client_secret")


@dataclass(frozen=True, slots=True)
class KeysFile:
    """The section of one endpoint or account in one file; `held` is the end of the consumer key found there.

    With `in_keyring`, secrets that are put here go to the system's keyring, and a mark into the file.
    """

    store: ConfStore
    section: str
    held: str
    in_keyring: bool = False
    account: str = ""

    @property
    def choice(self) -> str:
        """How a command is told which account it is about, behind its name."""
        return account_option(self.account)

    @property
    def place(self) -> str:
        aside = ", its secrets in the keyring" if self.in_keyring else ""
        return f"{self.store.path} [{self.section}]{aside}"

    def values(self) -> dict[str, str]:
        """Return what stands in the section."""
        return dict(self.store.read().get(self.section, {}))

    def marked(self) -> list[str]:
        """Return the names whose values are in the keyring."""
        return [name for name, value in self.values().items() if value == MARK]


def config_option() -> click.Option:
    return click.Option(
        ["--config"],
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The ovh.conf to keep the keys in; ~/.ovh.conf by default.",
    )


def open_settings(
    flags: Flags, config: Path | None, *, in_keyring: bool = False
) -> tuple[LoginSettings, KeysFile]:
    """Return what is given, and the file, which has been checked; *Raises* SettingsError."""
    path = config.absolute() if config is not None else None
    settings = load_login_settings(flags, read_environment(), config_path=path)
    if settings.endpoint.is_simulator:
        raise SettingsError(
            "The built-in simulator brings its own account, so there is nothing to log in to. To practise, "
            "run ovh-api-mcp simulate and log in with --endpoint and its URL.",
            code="setting-invalid",
        )
    if settings.config_path is None:
        raise SettingsError(
            "There is no home directory to keep ~/.ovh.conf in. Name a file with --config.",
            code="config-file-unwritable",
        )
    store = ConfStore(settings.config_path)
    sections = store.read()
    if in_keyring:
        check_keyring()
    names = (settings.endpoint.name, settings.endpoint.name.removeprefix("ovh-"))
    section = settings.section or next((name for name in names if sections.get(name)), names[0])
    key = settings.given.get("consumer_key")
    is_here = key is not None and key.source.startswith(str(store.path))
    held = key.value.ending() if key and is_here else ""
    return settings, KeysFile(store, section, held, in_keyring, settings.account)


def tell_replaced(out: Terminal, ending: str) -> None:
    """Say what becomes of a key that was replaced; others may use it, so it is not revoked unasked."""
    if ending:
        out.line(
            f"The consumer key {ending} that stood there before is still valid: revoke it in the customer "
            "panel (API keys) if nothing else uses it."
        )


def keep_keys(
    file: KeysFile, endpoint: Endpoint, values: dict[str, str], *, instead_of: Collection[str] = ()
) -> None:
    """Write `values`, and the endpoint where none is named yet; *Raises* SettingsError."""
    if file.account and file.section != file.account:
        values = {"endpoint": endpoint.name, **values}
    elif not file.store.read().get("default", {}).get("endpoint"):
        file.store.put("default", {"endpoint": endpoint.name})
    stale = set(file.marked()) & {*values, *instead_of}
    secrets = [name for name in values if name in _SECRETS and file.in_keyring]
    for name in secrets:
        keep_secret(file.section, name, Secret(values[name]))
    file.store.put(file.section, {**values, **dict.fromkeys(secrets, MARK)})
    if instead_of:
        file.store.remove(file.section, instead_of)
    for name in stale.difference(secrets):
        with suppress(SettingsError):  # it is of no use to anybody without its mark
            forget_secret(file.section, name)


def obstacles(file: KeysFile, endpoint: Endpoint, kept: Collection[Secret[str]]) -> str:
    """Return why a server that is started now would not use what was `kept`; "" where it would."""
    flags = Flags(account=(file.account,)) if file.account else Flags()
    try:
        settings = load_settings(flags, read_environment())
    except OvhMcpError as error:
        return f"A server started now{file.choice and f' with{file.choice}'} would refuse: {error.message}"
    is_other = settings.endpoint.name != endpoint.name
    if file.account and (is_other or not set(kept) <= set(settings.secrets())):
        return (
            f"A server started now with{file.choice} would not use these keys: it takes the account from the "
            "first file that has its section, of ./ovh.conf, ~/.ovh.conf and /etc/ovh.conf. Take away what "
            "comes before."
        )
    if is_other:
        return (
            f"A server started now would use the endpoint {cut_foreign(settings.endpoint.name, 60)}: "
            f"start it with --endpoint {endpoint.name}."
        )
    if not set(kept) <= set(settings.secrets()):
        return (
            "A server started now would not use these keys: it looks at variables (OVH_CONSUMER_KEY and the "
            "like), ./ovh.conf, ~/.ovh.conf and /etc/ovh.conf, in this order. Take away what comes before."
        )
    return ""
