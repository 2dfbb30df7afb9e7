"""Every setting in one frozen object; `load_settings` makes it."""

from ovh_api_mcp.settings.flags import (
    ALL_SERVICES,
    DEFAULT_ACCOUNT,
    HOST_DEFAULT,
    PORT_DEFAULT,
    Flags,
    LogLevelName,
    TransportName,
    ValidationName,
)
from ovh_api_mcp.settings.login import LoginSettings, load_login_settings
from ovh_api_mcp.settings.origins import (
    Origins,
    chosen_accounts,
    load_origins,
    load_shared_settings,
)
from ovh_api_mcp.settings.settings import Settings, check_exposure, load_settings, read_environment

__all__ = [
    "ALL_SERVICES",
    "DEFAULT_ACCOUNT",
    "HOST_DEFAULT",
    "PORT_DEFAULT",
    "Flags",
    "LogLevelName",
    "LoginSettings",
    "Origins",
    "Settings",
    "TransportName",
    "ValidationName",
    "check_exposure",
    "chosen_accounts",
    "load_login_settings",
    "load_origins",
    "load_settings",
    "load_shared_settings",
    "read_environment",
]
