"""`ovh-api-mcp policy …`: what the access mode and a policy say of calls, before anybody relies on them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ovh_api_mcp.cli.options import flags_of, options
from ovh_api_mcp.cli.terminal import Colour, ProgressBar, Terminal
from ovh_api_mcp.errors import CodeError, InternalError
from ovh_api_mcp.gate.policy import Access, Verdict
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.secret import Redactor
from ovh_api_mcp.server.log_lines import configure_logging
from ovh_api_mcp.settings import Settings, load_settings, read_environment

if TYPE_CHECKING:
    from ovh_api_mcp.catalog.store import CatalogFile
    from ovh_api_mcp.gate.gatekeeper import Gatekeeper
    from ovh_api_mcp.gate.verdict import Decision
    from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse

_STATUS: Final = {Verdict.ALLOW: 0, Verdict.DENY: 1, Verdict.ASK: 3}
_COLOURS: Final[dict[Verdict, Colour]] = {
    Verdict.ALLOW: "green",
    Verdict.ASK: "yellow",
    Verdict.DENY: "red",
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """A call and what becomes of it."""

    call: str
    labels: tuple[str, ...]
    decision: Decision


def _params(*more: click.Parameter) -> list[click.Parameter]:
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of a table.")
    account = click.Option(["--for-account"], metavar="NAME", default="default", help="Whose call it is.")
    return [*more, account, as_json, *options("access", "log")]


@click.group("policy")
def policy() -> None:
    """Try what --access and --policy say of calls; nothing is sent."""


@policy.command("check", short_help="Tell the verdict on calls.", params=_params())
@click.argument("calls", nargs=-1, required=True, metavar="CALL…")
@click.pass_context
def check(
    context: click.Context, /, *, calls: tuple[str, ...], for_account: str, as_json: bool, **_: object
) -> None:
    """Tell the verdict on calls, and the rule or the mode that gives it.

    ovh-api-mcp policy check --policy policy.toml "DELETE /v1/vps/vps-1.example"

    Exit status 0 where all are allowed, 1 where one is denied, else 3 where a person is asked for one.
    """
    settings = _settings(context)
    with _opened(settings) as file:
        judged = _judge(file, settings.access, for_account, calls)
    if as_json:
        _print_json([_as_json(each) for each in judged])
    else:
        _show(judged)
    verdicts = {each.decision.verdict for each in judged}
    strictest = next(each for each in (Verdict.DENY, Verdict.ASK, Verdict.ALLOW) if each in verdicts)
    context.exit(_STATUS[strictest])


@policy.command("test", short_help="Run the examples in a policy.", params=_params())
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def try_examples(context: click.Context, /, *, file: Path, as_json: bool, **_: object) -> None:
    """Run the [[example]] tables of a policy: each names a call and the verdict it is to get.

    Exit status 1 where one gets another verdict, or a rule can never match.
    """
    from ovh_api_mcp.gate.policy_file import load_policy
    from ovh_api_mcp.gate.verdict import unknown_parameters

    rules, examples = load_policy(file)
    with _opened(_settings(context)) as catalog:
        unknown = unknown_parameters(rules, [template for _, template in catalog.routes()])
        judged = [
            told
            for each in examples
            for told in _judge(catalog, Access(mode=each.access, policy=rules), each.account, [each.call])
        ]
    wrong = [
        (example, told)
        for example, told in zip(examples, judged, strict=True)
        if told.decision.verdict is not example.verdict
    ]
    if as_json:
        _print_json(
            {
                "examples": len(examples),
                "wrong": [
                    {"line": each.line, "wanted": each.verdict.value, **_as_json(told)}
                    for each, told in wrong
                ],
                "unknownParameters": [{"line": line, "name": name} for line, name in unknown],
            }
        )
    else:
        out = Terminal(sys.stdout)
        for example, told in wrong:
            out.line(
                f"line {example.line}: {out.plain(example.call)} is to get {example.verdict}, and gets "
                f"{_coloured(out, told.decision.verdict)}, because {out.plain(told.decision.why)}."
            )
        for line, name in unknown:
            out.line(f"line {line}: no operation has a path parameter {out.plain(name)}; it never matches.")
        out.line(f"{len(examples) - len(wrong)} of {len(examples)} examples get the verdict they name.")
    context.exit(1 if wrong or unknown else 0)


def _settings(context: click.Context) -> Settings:
    settings = load_settings(flags_of(context), read_environment(), default_log_level="warning")
    configure_logging(settings.log_level, Redactor(settings.secrets()))
    return settings


@contextmanager
def _opened(settings: Settings) -> Iterator[CatalogFile]:
    """Yield the catalogue: the one in the cache, else one that is built now."""
    from ovh_api_mcp.cli.kept_catalog import KeptCatalog

    progress = ProgressBar(sys.stderr)

    async def opened() -> CatalogFile:
        async with KeptCatalog(settings) as kept:
            return await kept.opened(progress)

    try:
        file = asyncio.run(opened())
    finally:
        progress.clear()
    with closing(file):
        yield file


def _judge(file: CatalogFile, access: Access, account: str, calls: Sequence[str]) -> list[_Judged]:
    from ovh_api_mcp.gate.gatekeeper import Gatekeeper

    gate = Gatekeeper(file, _send_nothing, absences=file.absences, access=access, account=account)
    return [_judge_one(gate, call) for call in calls]


def _judge_one(gate: Gatekeeper, call: str) -> _Judged:
    method, _, path = call.strip().partition(" ")
    if not path:
        raise CodeError(
            f"{call[:80]!r} is no call: give method and path in quotes.",
            code="arguments",
            hint='Give for example: ovh-api-mcp policy check "DELETE /v1/vps/vps-1.example"',
        )
    asked, decision = gate.judge({"method": method, "path": path.strip()})
    return _Judged(f"{asked.route.method} {asked.route.wire}", asked.operation.sorted_labels, decision)


async def _send_nothing(request: ApiRequest) -> ApiResponse:
    raise InternalError("A policy that is only tried sends nothing.")


def _show(judged: Sequence[_Judged]) -> None:
    out = Terminal(sys.stdout)
    for each in judged:
        out.line(f"{_coloured(out, each.decision.verdict)}  {out.strong(out.plain(each.call))}")
        out.line(f"       labels {', '.join(each.labels) or 'none'}; because {out.plain(each.decision.why)}")


def _coloured(out: Terminal, verdict: Verdict) -> str:
    return out.coloured(f"{verdict:5}", _COLOURS[verdict])


def _as_json(judged: _Judged) -> JsonObject:
    rule = judged.decision.rule
    return {
        "call": judged.call,
        "verdict": judged.decision.verdict.value,
        "labels": list(judged.labels),
        "by": judged.decision.by,
        "because": judged.decision.why,
        "line": rule.line if rule else None,
    }


def _print_json(value: JsonValue) -> None:
    import msgspec

    out = Terminal(sys.stdout)
    out.line(out.json(msgspec.json.encode(value).decode()))
