"""Every setting is an option, before and after a command's name."""

from __future__ import annotations

import re
from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from ovh_api_mcp.cli.main import program
from ovh_api_mcp.cli.options import Topic, flags_of, options
from ovh_api_mcp.settings import Flags

_ALL: tuple[Topic, ...] = ("transport", "api", "log")


def parse(*arguments: str) -> Flags:
    """Return the flags of a command line whose only command is `serve`."""
    found: list[Flags] = []

    @click.group(params=options(*_ALL), invoke_without_command=True)
    @click.pass_context
    def fake(context: click.Context, /, **_: object) -> None:
        if context.invoked_subcommand is None:
            found.append(flags_of(context))

    @fake.command(params=options(*_ALL))
    @click.pass_context
    def serve(context: click.Context, /, **_: object) -> None:
        found.append(flags_of(context))

    fake.main(list(arguments), standalone_mode=False)
    return found[0]


@pytest.mark.promise("settings.table")
def test_every_flag_of_the_settings_is_an_option_and_no_more() -> None:
    names = {option.name for option in options(*_ALL)}
    assert names == {field.name for field in fields(Flags)}


_EVERYTHING = [
    *("--transport", "stdio", "--port", "1", "--host", "h", "--endpoint", "ca", "--app-key", "k"),
    *("--app-secret", "s", "--consumer-key", "c", "--client-id", "i", "--client-secret", "t"),
    *("--services", "me", "--cache-dir", "d", "--cache-ttl", "2", "--no-cache", "--max-code-size", "3"),
    *("--max-result-tokens", "4", "--auth-token", "a", "--allow-anonymous", "--allowed-host", "x"),
    *("--allowed-host", "y", "--schemas", "z", "--log-level", "debug"),
]


@pytest.mark.parametrize("command_line", [_EVERYTHING, ["serve", *_EVERYTHING], [*_EVERYTHING, "serve"]])
def test_options_are_understood_without_before_and_after_the_command(command_line: list[str]) -> None:
    assert parse(*command_line) == Flags(
        transport="stdio",
        port="1",
        host="h",
        endpoint="ca",
        app_key="k",
        app_secret="s",
        consumer_key="c",
        client_id="i",
        client_secret="t",
        services="me",
        cache_dir="d",
        cache_ttl="2",
        no_cache=True,
        max_code_size="3",
        max_result_tokens="4",
        auth_token="a",
        allow_anonymous=True,
        allowed_host=("x", "y"),
        schemas="z",
        log_level="debug",
    )


def test_what_stands_after_the_command_wins() -> None:
    assert parse("--port", "1", "--host", "h", "serve", "--port", "2") == Flags(port="2", host="h")


def test_nothing_typed_is_nothing_given() -> None:
    assert parse() == parse("serve") == Flags()


def help_of(*command: str) -> str:
    """Return what a command says to --help, on one line."""
    result = CliRunner().invoke(program, [*command, "--help"])
    assert result.exit_code == 0
    return " ".join(result.output.split())


@pytest.mark.parametrize(
    ("flag", "variable", "default"),
    [
        ("--transport", "OVH_TRANSPORT", "http"),
        ("--port", "PORT", "3104"),
        ("--host", "", "127.0.0.1"),
        ("--endpoint", "OVH_ENDPOINT", "eu"),
        ("--app-key", "OVH_APPLICATION_KEY", ""),
        ("--app-secret", "OVH_APPLICATION_SECRET", ""),
        ("--consumer-key", "OVH_CONSUMER_KEY", ""),
        ("--client-id", "OVH_CLIENT_ID", ""),
        ("--client-secret", "OVH_CLIENT_SECRET", ""),
        ("--services", "OVH_SERVICES", r"\*"),
        ("--cache-dir", "OVH_CACHE_DIR", "the platform's cache directory"),
        ("--cache-ttl", "OVH_CACHE_TTL", "86400"),
        ("--no-cache", "", ""),
        ("--max-code-size", "OVH_MAX_CODE_SIZE", "1048576"),
        ("--max-result-tokens", "OVH_MAX_RESULT_TOKENS", "8000"),
        ("--auth-token", "OVH_MCP_TOKEN", ""),
        ("--allow-anonymous", "OVH_MCP_ALLOW_ANONYMOUS", "off"),
        ("--allowed-host", "OVH_MCP_ALLOWED_HOSTS", "its own addresses"),
        ("--schemas", "", "its own small set"),
        ("--log-level", "OVH_LOG_LEVEL", "info"),
    ],
)
@pytest.mark.parametrize("command", [(), ("serve",)])
def test_help_tells_variable_and_default_of_every_option(
    command: tuple[str, ...], flag: str, variable: str, default: str
) -> None:
    known = "; ".join(
        part for part in (f"env: {variable}" * bool(variable), f"default: {default}" * bool(default)) if part
    )
    ending = rf" \[{known}\]" if known else r"\."
    assert re.search(rf"{flag} [^\[\]]*{ending}", help_of(*command))


@pytest.mark.parametrize("flag", ["--app-secret", "--consumer-key", "--client-secret", "--auth-token"])
def test_help_advises_against_secrets_on_the_command_line(flag: str) -> None:
    assert re.search(rf"{flag} [^\[\]]*prefer the variable", help_of())


def test_help_lists_the_commands_but_not_those_for_the_program_itself() -> None:
    text = help_of()
    assert "serve Serve MCP clients" in text
    assert "build-catalog" not in text
