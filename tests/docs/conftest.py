"""Fixtures of the documents' tests: one server for all scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.served import serve_http


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a simulated account."""
    with serve_http(tmp_path_factory.mktemp("documents")) as url:
        yield url
