"""The ovh.conf that login and logout work on: which one, which section, and what it means for the server."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from ovh_api_mcp.cli.terminal import Terminal
from ovh_api_mcp.errors import OvhMcpError, SettingsError, cut_foreign
from ovh_api_mcp.ovh.conf_store import ConfStore
from ovh_api_mcp.ovh.endpoints import Endpoint
from ovh_api_mcp.secret import Secret
from ovh_api_mcp.settings import Flags, LoginSettings, load_login_settings, load_settings, read_environment

SIGNED: Final = ("application_key", "application_secret", "consumer_key")
SERVICE_ACCOUNT: Final = ("client_id", "client_secret")


@dataclass(frozen=True, slots=True)
class KeysFile:
    """The section of one endpoint in one file; `held` is the end of the consumer key found there."""

    store: ConfStore
    section: str
    held: str

    @property
    def place(self) -> str:
        return f"{self.store.path} [{self.section}]"


def config_option() -> click.Option:
    return click.Option(
        ["--config"],
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The ovh.conf to keep the keys in; ~/.ovh.conf by default.",
    )


def open_settings(flags: Flags, config: Path | None) -> tuple[LoginSettings, KeysFile]:
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
    names = (settings.endpoint.name, settings.endpoint.name.removeprefix("ovh-"))
    section = next((name for name in names if sections.get(name)), names[0])
    key = sections.get(section, {}).get("consumer_key", "")
    return settings, KeysFile(store, section, Secret(key).ending() if key else "")


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
    if not file.store.read().get("default", {}).get("endpoint"):
        file.store.put("default", {"endpoint": endpoint.name})
    file.store.put(file.section, values)
    if instead_of:
        file.store.remove(file.section, instead_of)


def obstacles(endpoint: Endpoint, kept: Collection[Secret[str]]) -> str:
    """Return why a server that is started now would not use what was `kept`; "" where it would."""
    try:
        settings = load_settings(Flags(), read_environment())
    except OvhMcpError as error:
        return f"A server started now would refuse: {error.message}"
    if settings.endpoint.name != endpoint.name:
        return (
            f"A server started now would use the endpoint {cut_foreign(settings.endpoint.name, 60)}: "
            f"start it with --endpoint {endpoint.name}."
        )
    if not set(kept) <= set(settings.secrets()):
        return (
            "A server started now would use other keys: variables (OVH_CONSUMER_KEY and the like) and "
            "./ovh.conf win over this file. Unset them, or start it elsewhere."
        )
    return ""
