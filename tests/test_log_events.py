"""Every line of the log is an event with values, so that it can be searched and counted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ovh_api_mcp

_PACKAGE = Path(ovh_api_mcp.__file__).parent
_MODULES = [path for path in sorted(_PACKAGE.rglob("*.py")) if "_log = " in path.read_text()]
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_EVENT = re.compile(r"event=[a-z-]+(?: [a-z_]+=(?:%[rsdg]|[a-z-]+))*")


def logged(module: Path) -> Iterator[ast.Call]:
    """Yield the calls that write a line to the log of a module."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level)) if level in _LEVELS:
                yield node


@pytest.mark.parametrize("module", _MODULES, ids=lambda path: str(path.relative_to(_PACKAGE)))
def test_every_line_of_the_log_is_an_event_with_values(module: Path) -> None:
    calls = list(logged(module))
    assert calls
    for call in calls:
        match call.args:
            case [ast.Constant(value=str() as form), *_]:
                assert _EVENT.fullmatch(form), f"line {call.lineno}: {form}"
            case _:
                pytest.fail(f"line {call.lineno}: its event is no literal")
