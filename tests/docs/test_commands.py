"""Commands, options, variables and configurations in the documents are those of the program."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from ovh_api_mcp.cli.main import program
from ovh_api_mcp.cli.options import options
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.ovh.credentials import CREDENTIAL_OPTIONS
from tests.docs.documents import DOCUMENTS, README, ROOT, Block, blocks, prose, spans, table

_PROGRAM = "ovh-api-mcp"
_OWN_OPTIONS = {"--help", "--version"}
_ASIDE = re.compile(r"\[(?:env: (?P<variable>\w+))?(?:; )?(?:default: (?P<default>.+))?\]$")


def option_rows() -> Iterator[tuple[str, str, str]]:
    """Yield flag, variable and default of every option, as the program's own help says."""
    for option in options("transport", "api", "log"):
        assert isinstance(option, click.Option)
        aside = _ASIDE.search(option.help or "")
        known = (aside["variable"] or "", aside["default"] or "") if aside else ("", "")
        yield (option.opts[0], *known)


def command_options(command: click.Command) -> Iterator[str]:
    """Yield the options of a command and of all below it."""
    yield from (name for param in command.params for name in param.opts)
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                yield from command_options(below)


def commands_of(document: Path) -> Iterator[list[str]]:
    """Yield what follows the program's name in each command of a document."""
    scripts = [block.text.replace("\\\n", " ") for block in blocks(document, "sh")]
    lines = [line for script in scripts for line in script.splitlines()]
    lines += [span for span in spans(document) if span.startswith(f"{_PROGRAM} ")]
    for line in lines:
        yield from _after_the_name(shlex.split(line, comments=True))


def _after_the_name(words: Sequence[str]) -> Iterator[list[str]]:
    for number, word in enumerate(words):
        if word == _PROGRAM and words[number - 1 : number] not in (["-t"], ["install"]):
            rest = list(words[number + 1 :])
            yield rest[: rest.index("|")] if "|" in rest else rest


def check_command(words: Sequence[str]) -> None:
    """Fail where a command or an option does not exist."""
    with click.Context(program) as context:
        names = program.list_commands(context)
        place = next((number for number, word in enumerate(words) if word in names), len(words))
        assert not words or words[0].startswith("-") or place == 0, f"no command {words[0]}"
        check_options(program, words[:place])
        if place < len(words):
            command = program.get_command(context, words[place])
            assert command is not None
            rest = words[place + 1 :]
            if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
                assert rest[0] in command.commands, f"no command {words[place]} {rest[0]}"
                command = command.commands[rest[0]]
            check_options(command, rest)


def check_options(command: click.Command, words: Sequence[str]) -> None:
    """Fail where an option among `words` is not one of the command's."""
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    known = {name for param in command.params for name in param.opts}
    assert sorted(used - known - _OWN_OPTIONS) == []


def parse_configuration(block: Block) -> JsonValue:
    """Return what a block of JSON or TOML holds."""
    parsed: JsonValue = json.loads(block.text) if block.language == "json" else tomllib.loads(block.text)
    return parsed


def servers_of(configuration: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yield the entries of MCP servers in a client's configuration."""
    if isinstance(configuration, dict):
        for key in ("mcpServers", "servers", "mcp_servers"):
            group = configuration.get(key)
            if isinstance(group, dict):
                yield from (entry for entry in group.values() if isinstance(entry, dict))


@pytest.mark.promise("settings.table")
def test_the_table_of_options_is_that_of_the_program() -> None:
    documented = [tuple(row[:3]) for row in table(README, "option", "environment", "default")]
    without_flag = [("", variable, "") for flag, variable in CREDENTIAL_OPTIONS.values() if not flag]
    assert sorted(documented) == sorted([*option_rows(), *without_flag])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_document_exists_with_its_options(document: Path) -> None:
    for words in commands_of(document):
        check_command(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_named_in_a_document_exists(document: Path) -> None:
    named = {span.split()[0] for span in spans(document) if re.match(r"--[a-z]", span)}
    assert sorted(named - set(command_options(program)) - _OWN_OPTIONS) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_named_in_a_document_exists(document: Path) -> None:
    known = {variable for _, variable, _ in option_rows()} | {v for _, v in CREDENTIAL_OPTIONS.values()}
    named = set(re.findall(r"\bOVH_[A-Z_]+\b", document.read_text(encoding="utf-8")))
    assert sorted(named - known) == []


@pytest.mark.parametrize(
    "block",
    [block for path in DOCUMENTS for block in blocks(path, "json", "toml")],
    ids=lambda block: block.place,
)
def test_every_block_of_json_or_toml_parses_and_starts_the_server_rightly(block: Block) -> None:
    for server in servers_of(parse_configuration(block)):
        if "command" in server:
            arguments = server["args"]
            assert isinstance(arguments, list)
            words = [str(argument) for argument in arguments]
            assert words[words.index(_PROGRAM) :] == [_PROGRAM, "--transport", "stdio"]
            check_command(words[words.index(_PROGRAM) + 1 :])
        else:
            assert str(server["url"]).endswith(":3104/mcp")


def test_every_client_has_its_configuration() -> None:
    headings = re.findall(r"^### (.+)$", prose(README), re.MULTILINE)
    assert headings[:5] == ["Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex"]
    found = [
        server
        for block in blocks(README, "json", "toml")
        for server in servers_of(parse_configuration(block))
    ]
    assert len(found) == 6  # one for each client, and one over HTTP


@pytest.mark.parametrize("wrong", ["--no-such-option", "no-such-command", "simulate --services me"])
def test_the_check_of_commands_would_find_a_mistake(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check_command(wrong.split())
