"""What doctor looks at beside the sandbox: files, API, clock, credentials, catalogue, port.

None of the checks changes anything: no catalogue is built, no key is made.
"""

from __future__ import annotations

import stat
import sys
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from ovh_api_mcp.cli.check import Check
from ovh_api_mcp.cli.terminal import ProgressBar
from ovh_api_mcp.errors import ApiError, NetworkError, SettingsError, cut_foreign
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.limits import CLOCK_TOLERANCE_S, DOCTOR_PORT_S, EXPIRES_SOON_S, KIB
from ovh_api_mcp.listener import bind_socket
from ovh_api_mcp.ovh.account_names import HOW_TO_NAME, account_option
from ovh_api_mcp.settings import Origins, Settings, check_exposure

if TYPE_CHECKING:
    from ovh_api_mcp.ovh.holder import Holder
    from ovh_api_mcp.ovh.reach import Reach
    from ovh_api_mcp.secret import Redactor

_RULES_SHOWN: Final = 6
_FAILED_SHOWN: Final = 5
_BUILT_IN: Final = "the simulator is built in"


def log_in(account: str = "") -> str:
    """Return how keys are got, as a next step; for an account where one was chosen by name."""
    return f"Get keys with ovh-api-mcp login{account_option(account)}."


async def check_files(origins: Origins | None) -> Check:
    """Look whether others can read or write the files that were read, and whether all of them counts."""
    files, misnamed = (origins.files, origins.misnamed) if origins else ((), ())
    open_files: list[str] = []
    shown: list[str] = []
    for path in files:
        mode = stat.S_IMODE(path.stat().st_mode)
        shown.append(f"{path} (mode {mode:o})")
        if mode & 0o077 and not path.is_relative_to("/etc"):
            open_files.append(str(path))
    if open_files:
        facts = f"Others can read or write {', '.join(open_files)}."
        return Check("files", "note", facts, f"Run chmod 600 {' '.join(open_files)}", {"files": [*shown]})
    if misnamed:
        facts, next_step = (
            f"Ignored: {', '.join(misnamed)}",
            f"Rename what is meant as an account: {HOW_TO_NAME}",
        )
        return Check("files", "note", facts, next_step, {"files": [*shown], "ignored": [*misnamed]})
    return Check("files", "ok", ", ".join(shown) or "no ovh.conf was found, and none is needed")


async def check_api(settings: Settings) -> Check:
    """Look whether the API answers."""
    if settings.endpoint.is_simulator:
        return Check("api", "skipped", _BUILT_IN)
    reach = await _measure(settings)
    root, took_ms = settings.endpoint.root, round(reach.took_s * 1000)
    return Check("api", "ok", f"{root} answers in {took_ms} ms", details={"root": root, "tookMs": took_ms})


async def check_clock(settings: Settings) -> Check:
    """Look how far this machine's clock is from the API's."""
    if settings.endpoint.is_simulator:
        return Check("clock", "skipped", _BUILT_IN)
    try:
        reach = await _measure(settings)
    except NetworkError:
        return Check("clock", "skipped", "the API did not tell its time")
    return _judge_clock(reach.ahead_s)


async def _measure(settings: Settings) -> Reach:
    from ovh_api_mcp.ovh.reach import measure_reach
    from ovh_api_mcp.ovh.transport import Transport

    async with aclosing(Transport(network=settings.network)) as transport:
        return await measure_reach(transport, settings.endpoint)


def _judge_clock(ahead_s: int) -> Check:
    details: JsonObject = {"aheadS": ahead_s}
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return Check("clock", "ok", f"{abs(ahead_s)} s from the API's", details=details)
    way = "behind" if ahead_s > 0 else "ahead of"
    facts = (
        f"This machine is {abs(ahead_s):,} s {way} the API. Signatures are made for its time all the same."
    )
    return Check("clock", "note", facts, "Set the clock (NTP).", details)


async def check_credentials(
    settings: Settings, redactor: Redactor, origins: Origins | None, account: str = ""
) -> Check:
    """Sign in, and tell as whom; `account` is the name that was chosen, "" where none was."""
    if settings.endpoint.is_simulator:
        return Check("credentials", "ok", "those of the built-in practice account")
    if settings.credentials is None:
        facts = "None are set: search works, and what needs no authentication."
        return Check("credentials", "note", facts, log_in(account), {"kind": None})
    from ovh_api_mcp.ovh.holder import ask_holder
    from ovh_api_mcp.ovh.holder_fault import find_fault
    from ovh_api_mcp.ovh.transport import Transport

    sources = origins.credentials if origins else {}
    async with aclosing(Transport(network=settings.network)) as transport:
        asked = (transport, settings.endpoint, settings.credentials)
        try:
            holder = await ask_holder(*asked, redactor)
        except (ApiError, NetworkError) as error:
            if fault := await find_fault(*asked, error, sources=sources, account=account):
                return Check("credentials", "failed", fault.fact, fault.advice, {"code": error.code})
            raise
    return _judge_holder(holder, account)


def _judge_holder(holder: Holder, account: str) -> Check:
    record, rules = holder.record, holder.record.shown_rules()
    details: JsonObject = {
        "kind": holder.kind,
        "ending": holder.shown,
        "account": holder.account or None,
        "rules": [*rules],
        "expiration": record.until or None,
    }
    facts = [f"{holder.kind} {holder.shown}", f"account {holder.account or 'not told'}"]
    if rules:
        more = f" and {len(rules) - _RULES_SHOWN} more" if len(rules) > _RULES_SHOWN else ""
        facts.append(f"may {', '.join(rules[:_RULES_SHOWN])}{more}")
    if record.until:
        facts.append(f"until {record.until}")
    if record.until and _left_s(record.until) < EXPIRES_SOON_S:
        next_step = f"Log in again: ovh-api-mcp login{account_option(account)}"
        return Check("credentials", "note", "; ".join(facts), next_step, details)
    return Check("credentials", "ok", "; ".join(facts), details=details)


def _left_s(until: str) -> float:
    try:
        end = datetime.fromisoformat(until)
    except ValueError:
        return EXPIRES_SOON_S
    return (end.replace(tzinfo=end.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


async def check_catalog(settings: Settings, account: str = "") -> Check:
    """Look what the cache holds."""
    refresh = f"ovh-api-mcp catalog refresh{account_option(account)}"
    build = f"The server builds it when it starts; to do it now: {refresh}"
    if settings.endpoint.is_simulator or settings.cache_dir is None:
        return Check("catalogue", "skipped", "none is kept: it is built at each start")
    if not settings.cache_dir.exists():
        return Check("catalogue", "note", "None has been built yet.", build)
    from ovh_api_mcp.cli.kept_catalog import KeptCatalog  # late: it imports SQLite

    async with KeptCatalog(settings) as kept:
        status = await kept.status(ProgressBar(sys.stderr))
    facts = ", ".join(f"{name} {value}" for name, value in status.rows() if name not in ("endpoint", "file"))
    if status.info is None:
        return Check("catalogue", "note", cut_foreign(status.why_not), build, {"kept": status.as_json()})
    if status.failed:
        names = ", ".join(list(status.failed)[:_FAILED_SHOWN])
        facts = f"{facts}; without {names}"
        return Check("catalogue", "note", facts, f"Try again: {refresh}", {"kept": status.as_json()})
    return Check("catalogue", "ok", f"{facts} ({status.state})", details={"kept": status.as_json()})


async def check_port(settings: Settings) -> Check:
    """Look whether a server that is started like this could listen."""
    if settings.transport == "stdio":
        return Check("port", "skipped", "over stdio there is none")
    check_exposure(settings)
    host, port = settings.host, settings.port
    try:
        bind_socket(host, port, port_setting="--port or PORT").close()
    except SettingsError as error:
        if error.code != "port-in-use":
            raise
        version = await _version_at(host, port)
        if version:
            facts = f"{port} on {host} is in use by ovh-api-mcp {version}, which answers"
            return Check("port", "ok", facts, details={"port": port, "holder": "ovh-api-mcp"})
        raise
    return Check("port", "ok", f"{port} on {host} is free", details={"port": port, "holder": None})


class _Health(msgspec.Struct, frozen=True):
    """What /healthz of a server of ours says."""

    status: str
    version: str
    catalogue: dict[str, object]


async def _version_at(host: str, port: int) -> str:
    """Return the version of the server of ours that listens there; "" where it is another program."""
    from ovh_api_mcp.ovh.transport import HttpRequest, Transport

    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound
    shown = f"[{address}]" if ":" in address else address
    try:
        async with aclosing(Transport(total_timeout_s=DOCTOR_PORT_S)) as transport:
            request = HttpRequest("GET", f"http://{shown}:{port}/healthz")
            response = await transport.send(request, limit_bytes=64 * KIB)
        health = msgspec.json.decode(response.body, type=_Health)
    except (NetworkError, msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return cut_foreign(health.version, 20) if health.status == "ok" else ""
