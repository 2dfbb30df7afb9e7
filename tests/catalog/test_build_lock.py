"""The lock saves work; nothing depends on it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ovh_api_mcp.catalog.build_lock import build_lock

pytestmark = pytest.mark.anyio


async def test_a_lock_that_is_free_is_held_at_once_and_free_again_afterwards(tmp_path: Path) -> None:
    waits: list[str] = []
    for _ in range(2):
        async with build_lock(tmp_path / "lock", timeout_s=30.0, on_wait=lambda: waits.append("once")):
            assert not waits


async def test_a_lock_that_stays_held_is_told_once_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[str] = []
    async with (
        build_lock(tmp_path / "lock", timeout_s=30.0, on_wait=lambda: waits.append("holder")),
        build_lock(tmp_path / "lock", timeout_s=0.05, on_wait=lambda: waits.append("other")),
    ):
        assert waits == ["other"]
    [warning] = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warning.startswith("event=build-lock-held waited_s=0")


async def test_a_lock_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        async with build_lock(tmp_path / "absent" / "lock", timeout_s=1.0, on_wait=lambda: None):
            pytest.fail("it was entered")
