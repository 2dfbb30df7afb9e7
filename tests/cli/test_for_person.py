"""What is worded for a model is reworded for the person who runs a command."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ovh_api_mcp.ovh
from ovh_api_mcp.cli.for_person import for_person
from ovh_api_mcp.ovh.key_names import for_account

_PACKAGE = Path(ovh_api_mcp.ovh.__path__[0])


def texts() -> Iterator[str]:
    """Yield what the modules of hints say, with X in the place of each value."""
    for module in sorted(_PACKAGE.glob("*.py")):
        tree = ast.parse(module.read_text())
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            match node:
                case ast.JoinedStr(values=parts):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts
                    )
                case ast.Constant(value=str() as text) if id(node) not in documents:
                    yield text


@pytest.mark.promise("doctor.person")
def test_no_hint_sends_the_person_who_reads_it_to_the_user() -> None:
    hints = [text for text in texts() if "user" in text.lower() and " " in text]
    assert len(hints) > 5
    for hint in hints:
        shown = for_person(hint)
        assert "the user" not in shown.lower()
        assert shown[0] == hint[0] or hint.lower().startswith(("ask ", "tell ", "the user"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is so. Ask the user to check it.", "It is so. Check it."),
        (
            "It is so: ask the user to copy A.b again, and to validate.",
            "It is so: copy A.b again, and validate.",
        ),
        (
            "Ask the user to validate it at its link, or for another one.",
            "Validate it at its link, or get another one.",
        ),
        ("It has expired (x). Ask the user for a new one.", "It has expired (x). Get a new one."),
        ("Run it again; if it stays, tell the user.", "Run it again; if it stays, report it."),
        ("It is wrong: ask the user.", "It is wrong: check them."),
        ("It has to be paid: tell the user what is said.", "It has to be paid: note what is said."),
        ("Ask the user to check it, then to start again.", "Check it, then start again."),
        ("It has expired: the user has to renew it first.", "It has expired: renew it first."),
        ("Nothing to do, or to say.", "Nothing to do, or to say."),
        ("", ""),
    ],
)
def test_only_who_is_spoken_to_changes(text: str, shown: str) -> None:
    assert for_person(text) == shown


def test_with_an_account_its_section_is_named_and_no_variable() -> None:
    text = "Check OVH_CLIENT_ID and OVH_CLIENT_SECRET, and that they belong to x (OVH_ENDPOINT)."
    assert for_account(text, "/x/.ovh.conf [account shop]") == (
        "Check client_id and client_secret, and that they belong to x (endpoint). "
        "They are in /x/.ovh.conf [account shop]."
    )
    assert for_account(text, "") == text
    assert for_account("All is well.", "/x/.ovh.conf [account shop]") == "All is well."
