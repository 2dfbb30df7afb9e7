"""Listens to all that the program says during the whole suite, and finds the credentials in it.

A plugin of pytest. It changes nothing that it hears: results of tools, lines of the log, output of
processes and of tests, and at the end every file that the program left. What it found is asserted by
tests/test_zz_secrets.py, which comes last.
"""

from __future__ import annotations

import base64
import functools
import logging
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import mcp_types
import pytest
from mcp import Client

from ovh_api_mcp.simulator.account import SimulatedAccount

_LAST = "test_zz_secrets.py"
_FILE_BYTES = 64 << 20
# Files in which the tests themselves give credentials to the program, and its own sources.
_GIVEN = frozenset({"ovh.conf", ".ovh.conf"})
_SOURCES = frozenset({".py", ".pyc"})


def spellings(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret could be shown: plain, URL-encoded, and within base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    for before in range(3):  # where it stands within a longer text decides how it looks
        padded = b"\0" * before + secret.encode()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded[: len(padded) - len(padded) % 3]).decode()[4 if before else 0 :]


class Witness:
    """What was heard, by kind, and where a secret was heard."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.found: list[str] = []
        self.where = "collection"
        self.is_listening = True
        self._needles: dict[bytes, str] = {}

    def know(self, name: str, secret: str) -> None:
        """Look for a secret from now on."""
        self._needles.update({form.encode(): name for form in spellings(secret)})

    def hear(self, kind: str, said: str | bytes | None) -> None:
        """Look for every secret in what was said."""
        if not said or not self.is_listening:
            return
        self.heard[kind] += 1
        content = said.encode(errors="surrogatepass") if isinstance(said, str) else said
        for needle, name in self._needles.items():
            if needle in content:
                self.found.append(f"{name} in {kind} of {self.where}")

    def hear_files(self, directory: Path) -> None:
        """Look into every file below a directory, but for those that gave the credentials."""
        for path in sorted(directory.rglob("*")):
            is_given = path.name in _GIVEN or path.suffix in _SOURCES
            if path.is_file() and not path.is_symlink() and not is_given:
                self.where = str(path.relative_to(directory))
                with path.open("rb") as file:
                    self.hear("files", file.read(_FILE_BYTES))


WITNESS = Witness()
for _name in ("application_secret", "consumer_key", "client_secret"):
    WITNESS.know(_name, getattr(SimulatedAccount(), _name))


class _LogListener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        WITNESS.hear("log", self.format(record))


def _listening_to_results(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    async def call_tool(*args: Any, **options: Any) -> mcp_types.CallToolResult:
        try:
            result: mcp_types.CallToolResult = await call(*args, **options)
        except Exception as error:
            WITNESS.hear("results", repr(error))
            raise
        WITNESS.hear("results", result.model_dump_json())
        return result

    return call_tool


def _listening_to_output(communicate: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(communicate)
    def listening(*args: Any, **options: Any) -> Any:
        output = communicate(*args, **options)
        for said in output:
            WITNESS.hear("processes", said)
        return output

    return listening


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    config.addinivalue_line(
        "markers", "shows_practice_keys(why): the program prints the simulator's own keys here, on purpose"
    )
    logger = logging.getLogger("ovh_api_mcp")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_LogListener())
    Client.call_tool = _listening_to_results(Client.call_tool)  # type: ignore[method-assign]
    subprocess.Popen.communicate = _listening_to_output(subprocess.Popen.communicate)  # type: ignore[method-assign]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the test that asks the witness behind all others."""
    items.sort(key=lambda item: item.path.name == _LAST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Remember which test it is that is heard."""
    WITNESS.where = item.nodeid
    WITNESS.is_listening = item.get_closest_marker("shows_practice_keys") is None
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Hear what a test and the processes it started wrote to its outputs."""
    for title, said in report.sections:
        WITNESS.hear("output", f"{title}\n{said}")
