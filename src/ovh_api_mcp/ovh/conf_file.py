"""OVHcloud's own configuration files, ovh.conf: where they are and how they merge.

Contract: nothing of a file but paths, section names and key names gets into a message or a log.
"""

from __future__ import annotations

import configparser
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.limits import CONFIG_FILE_BYTES

_log = logging.getLogger(__name__)

_DEFAULT_SECTION: Final = "default"


@dataclass(frozen=True, slots=True)
class ConfFile:
    """One file that was read; `sections` maps a section to its keys, empty values left out."""

    path: Path
    sections: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def is_of_current_directory(self) -> bool:
        """Whether the file was found by a relative path, so that whoever made the directory wrote it."""
        return not self.path.is_absolute()


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value of a file and its place."""

    text: str = field(repr=False)
    file: ConfFile
    section: str
    key: str

    @property
    def source(self) -> str:
        """The place in words for a message, such as `/etc/ovh.conf [ovh-eu] client_id`."""
        return f"{self.file.path} [{self.section}] {self.key}"


def conf_paths(home: str) -> tuple[Path, ...]:
    """Return where OVHcloud's tools look for their files, the strongest first.

    Source: the READMEs of python-ovh and go-ovh.
    """
    in_home = (Path(home) / ".ovh.conf",) if home and Path(home).is_absolute() else ()
    return (Path("ovh.conf"), *in_home, Path("/etc/ovh.conf"))


def load_conf_files(paths: Iterable[Path]) -> tuple[ConfFile, ...]:
    """Read the files that exist and may be read, in the order given; the others are left out.

    Raises SettingsError `config-file-invalid` for a file that is no INI file.
    """
    texts = ((path, _read(path)) for path in paths)
    return tuple(parse_conf_text(path, text) for path, text in texts if text is not None)


def find_endpoint(files: Sequence[ConfFile]) -> FoundValue | None:
    """Return the endpoint that the strongest file with one names."""
    return find_value(files, (_DEFAULT_SECTION,), "endpoint")


def find_value(files: Sequence[ConfFile], sections: Sequence[str], key: str) -> FoundValue | None:
    """Return `key` of the strongest file that has it; within a file the first of `sections` wins."""
    for file in files:
        for section in sections:
            text = file.sections.get(section, {}).get(key, "")
            if text:
                return FoundValue(text, file, section, key)
    return None


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(CONFIG_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("event=config-file-skipped path=%s reason=%r", path, error.strerror)
        return None
    if len(content) > CONFIG_FILE_BYTES:
        raise _invalid(path, 0, f"more than {CONFIG_FILE_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(path, content.count(b"\n", 0, error.start) + 1, "text that is not UTF-8") from None


def parse_conf_text(path: Path, text: str) -> ConfFile:
    """Return what `text` holds; *Raises* SettingsError `config-file-invalid`, which names `path`."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    # Contract: these errors quote the line, which may hold a key; they are raised without a cause.
    except configparser.DuplicateSectionError as error:
        raise _invalid(path, error.lineno or 0, "a section that stands there twice") from None
    except configparser.DuplicateOptionError as error:
        raise _invalid(path, error.lineno or 0, "a key that stands twice in its section") from None
    except configparser.MissingSectionHeaderError as error:
        raise _invalid(path, error.lineno, "a value before the first [section]") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 0
        raise _invalid(path, line, "a line that is neither [section] nor key=value") from None
    sections = {
        section: {key: value.strip() for key, value in parser.items(section) if value.strip()}
        for section in parser.sections()
    }
    return ConfFile(path, sections)


def _invalid(path: Path, line: int, fault: str) -> SettingsError:
    where = f"Line {line} of {path}" if line else str(path)
    return SettingsError(
        f"{where} holds {fault}. ovh.conf is an INI file of [section] and key=value lines. "
        "Correct it or take it away.",
        code="config-file-invalid",
    )
