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
from ovh_api_mcp.settings.login import LoginSettings, Origins, load_login_settings, load_origins
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
    "load_login_settings",
    "load_origins",
    "load_settings",
    "read_environment",
]
