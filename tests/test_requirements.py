"""Every promise has a test, and every test's promise exists."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.requirements import PROMISES

_TESTS = Path(__file__).parent


def named_promises() -> Iterator[str]:
    """Yield the ids in `pytest.mark.promise(…)` of all test modules."""
    for path in _TESTS.rglob("test_*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "promise"
            ):
                yield from (
                    arg.value
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )


def test_every_promise_has_a_test() -> None:
    assert sorted(PROMISES.keys() - set(named_promises())) == []


def test_every_named_promise_exists() -> None:
    assert sorted(set(named_promises()) - PROMISES.keys()) == []
