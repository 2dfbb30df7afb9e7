"""What accounts can be called, and which sections of ovh.conf stand for one; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, get_args

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.ovh.conf_file import ConfFile
from ovh_api_mcp.ovh.credentials import CredentialName
from ovh_api_mcp.ovh.endpoints import ENDPOINT_NAMES

ACCOUNT_KEYS: Final = get_args(CredentialName)

_PREFIX: Final = "account "
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MEANT: Final = re.compile(r"\s*account(?:\W(?P<name>.*))?", re.IGNORECASE | re.DOTALL)
_RULE: Final = (
    "letters, digits, dots, hyphens and underscores, 64 at most, and begins with a letter or a digit."
)
HOW_TO_NAME: Final = f"write [account NAME] in lower case with one blank; NAME takes {_RULE}"
_SHOWN_NAMES: Final = 8
_NAME_CHARS: Final = 60


def is_account_name(name: str) -> bool:
    """Tell whether an account can have this name."""
    return _NAME.fullmatch(name) is not None


def section_of(name: str) -> str:
    """Return the section of an account that is not called like an endpoint."""
    return f"{_PREFIX}{name}"


def account_of(section: str) -> str:
    """Return the account that a section is called after; "" for the section of an endpoint."""
    return section.removeprefix(_PREFIX) if section.startswith(_PREFIX) else ""


def account_option(name: str) -> str:
    """Return what chooses an account on the command line, behind a blank; "" where none is to be chosen."""
    return f" --account {name}" if name else ""


def section_to_keep(name: str, files: Sequence[ConfFile]) -> str:
    """Return the section that keys of an account go to, whether it is there or not.

    *Raises* SettingsError `account-unknown` for what can be no name.
    """
    if not is_account_name(name):
        raise SettingsError(
            f"{cut_foreign(name, _NAME_CHARS)!r} is no name of an account: it takes {_RULE}",
            code="account-unknown",
        )
    section = section_of(name)
    is_endpoint = name in ENDPOINT_NAMES and not any(section in file.sections for file in files)
    return name if is_endpoint else section


def misnamed_sections(files: Sequence[ConfFile]) -> list[str]:
    """Return the places of sections that are meant as accounts, and can be none for their names."""
    return [_place(file, section) for file in files for section in file.sections if _is_misnamed(section)]


def how_to_name(places: Sequence[str]) -> str:
    """Return what is wrong with the sections at `places`, and how they should be named."""
    shown = ", ".join(places[:_SHOWN_NAMES])
    verb = "are no accounts" if len(places) > 1 else "is no account"
    return f"{shown} {verb}: {HOW_TO_NAME}"


def unknown_account(name: str, files: Sequence[ConfFile]) -> SettingsError:
    """Return the error for a name that nothing has, with the names there are."""
    for file in files:
        for section in file.sections:
            if _is_misnamed(section) and _bare(_MEANT.fullmatch(section)) == name.strip("\"' ").casefold():
                return SettingsError(how_to_name([_place(file, section)]), code="account-unknown")
    names = list(dict.fromkeys(_names(files)))
    more = ", …" if len(names) > _SHOWN_NAMES else ""
    known = f"There are {', '.join(names[:_SHOWN_NAMES])}{more}." if names else "No ovh.conf has any."
    return SettingsError(
        f"There is no account {cut_foreign(name, _NAME_CHARS)!r}. {known} An account is a section "
        "[account NAME] of ovh.conf with endpoint and keys, or a section with the name of an endpoint.",
        code="account-unknown",
    )


def _names(files: Sequence[ConfFile]) -> Iterator[str]:
    """Yield the names that could be chosen."""
    for file in files:
        for section, values in file.sections.items():
            if _is_account(section):
                yield section.removeprefix(_PREFIX)
            elif section in ENDPOINT_NAMES and any(key in values for key in ACCOUNT_KEYS):
                yield section


def _is_account(section: str) -> bool:
    return section.startswith(_PREFIX) and is_account_name(section.removeprefix(_PREFIX))


def _is_misnamed(section: str) -> bool:
    return _MEANT.fullmatch(section) is not None and not _is_account(section)


def _bare(meant: re.Match[str] | None) -> str:
    """Return the name that a section was meant to have, without quotes and in one case."""
    return (meant["name"] or "").strip("\"' ").casefold() if meant else ""


def _place(file: ConfFile, section: str) -> str:
    # Blanks stay as they are, for they may be what is wrong.
    shown = "".join(c if c.isprintable() else "?" for c in section[:_NAME_CHARS])
    return f"{file.path} [{shown}{'…' if len(section) > _NAME_CHARS else ''}]"
