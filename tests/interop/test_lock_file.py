"""What npm installs is pinned by hash, and where it comes from is left to the machine."""

from __future__ import annotations

import json
import re

from tests.interop.npm import HERE

_EXACT = re.compile(r"(npm:@[a-z/]+@)?\d+\.\d+\.\d+(-[a-z]+\.\d+)?")


def test_every_package_has_its_hash_and_none_an_address() -> None:
    text = (HERE / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "://" not in text, "renew it with `npm run lock`"
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


def test_the_clients_are_asked_for_in_exact_versions_and_the_lock_agrees() -> None:
    asked = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert [version for version in asked.values() if _EXACT.fullmatch(version) is None] == []
    assert locked[""]["dependencies"] == asked
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version.rpartition("@")[2]
