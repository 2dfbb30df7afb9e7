"""Writes credentials into an ovh.conf and takes them out again.

Contract: a file is replaced whole or not at all, by one that its owner alone can read; a file or
directory that others can write, or that is somebody else's, is refused before anything is read from
it. What is written is read back first: only what was meant to change may have changed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeAlias

from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import CONFIG_FILE_BYTES
from ovh_api_mcp.ovh.conf_edit import with_values, without_keys
from ovh_api_mcp.ovh.conf_file import parse_conf_text

Sections: TypeAlias = Mapping[str, Mapping[str, str]]


class ConfStore:
    """One ovh.conf that belongs to the user; a symbolic link stays one, and its target is written.

    Raises SettingsError, everywhere: `config-file-unsafe`, `config-file-unwritable`,
    `config-file-invalid`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sections:
        """Return the sections; none where there is no file. Checks that it could be written, too."""
        return self._sections(self._text(self._target()))

    def put(self, section: str, values: Mapping[str, str]) -> None:
        """Put `values` into `section`; values are printable ASCII without spaces."""
        self._rewrite(
            lambda text: with_values(text, section, values),
            lambda sections: {**sections, section: {**sections.get(section, {}), **values}},
        )

    def remove(self, section: str, keys: Collection[str]) -> None:
        """Take `keys` out of `section`."""
        if section in self.read():
            self._rewrite(
                lambda text: without_keys(text, section, keys),
                lambda sections: {**sections, section: _without(sections[section], keys)},
            )

    def _rewrite(self, change: Callable[[str], str], meant: Callable[[Sections], Sections]) -> None:
        target = self._target()
        before = self._text(target)
        after = change(before)
        if self._sections(after) != meant(self._sections(before)):
            raise SettingsError(
                f"{self.path} is laid out in a way that cannot be changed safely. Nothing was written. "
                "Name another file with --config, or write the keys into it yourself.",
                code="config-file-unwritable",
            )
        if after != before:
            self._replace(target, after.encode())

    def _sections(self, text: str) -> Sections:
        return parse_conf_text(self.path, text.removeprefix("\ufeff")).sections

    def _target(self) -> Path:
        """Return the file behind `path`, checked; it need not exist."""
        try:
            target = Path(os.path.realpath(self.path, strict=False))
            found = target.lstat() if target.exists() else None
            directory = target.parent.stat()
        except OSError as error:
            raise self._unwritable(error) from error
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise self._unsafe("is no file", "Name another one with --config.")
        if found is not None and found.st_mode & 0o022:
            raise self._unsafe("can be written by others", f"Run chmod 600 {target}, and look what is in it.")
        if found is not None and _is_foreign(found):
            raise self._unsafe("belongs to another user", "Name one of yours with --config.")
        if directory.st_mode & 0o002 and not directory.st_mode & stat.S_ISVTX:
            raise self._unsafe("lies in a directory that others can write", "Name another with --config.")
        return target

    def _text(self, target: Path) -> str:
        try:
            with target.open("rb") as file:
                content = file.read(CONFIG_FILE_BYTES + 1)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = ""
        if len(content) > CONFIG_FILE_BYTES or (content and not text):
            raise SettingsError(
                f"{self.path} is longer than {CONFIG_FILE_BYTES:,} bytes, or no UTF-8. Correct it or take it "
                "away.",
                code="config-file-invalid",
            )
        return text

    def _replace(self, target: Path, content: bytes) -> None:
        try:
            # mkstemp: a name nobody can guess or hold already, and mode 0600 from the beginning.
            descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".tmp", dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _unsafe(self, fact: str, next_step: str) -> SettingsError:
        return SettingsError(
            f"{self.path} {fact}, so no keys are kept there. {next_step}",
            code="config-file-unsafe",
            hint=next_step,
        )

    def _unwritable(self, error: OSError) -> SettingsError:
        reason = cut_foreign(error.strerror or type(error).__name__)
        return SettingsError(
            f"{self.path} cannot be read and written: {reason}. Name another file with --config.",
            code="config-file-unwritable",
        )


def _without(values: Mapping[str, str], keys: Collection[str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in keys}


def _is_foreign(found: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and found.st_uid != os.geteuid()
