"""Fixtures of the interop tests: npm's packages, and one server for all that speak HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.interop import npm
from tests.interop.served import serve_http

TOKEN = "a-token-of-the-interop-tests"


@pytest.fixture(scope="session")
def node_modules(request: pytest.FixtureRequest) -> None:
    """Install npm's packages once; a machine that cannot reach the registry skips, under CI it fails."""
    if npm.is_installed():
        return
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line("\ninstalling npm's clients into tests/interop/node_modules (once, 60 MB) …")
    try:
        npm.install()
    except npm.RegistryUnreachableError as unreachable:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{unreachable}, and under CI it must be")
        pytest.skip(str(unreachable))


@pytest.fixture(scope="session")
def open_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve without a token, as on a developer's own machine."""
    with serve_http(tmp_path_factory.mktemp("open")) as url:
        yield url


@pytest.fixture(scope="session")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve those who know TOKEN."""
    with serve_http(tmp_path_factory.mktemp("guarded"), token=TOKEN) as url:
        yield url


@pytest.fixture(scope="session")
def token() -> str:
    """Return the token that `guarded_url` asks for."""
    return TOKEN
