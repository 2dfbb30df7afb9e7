"""Requests compared with their schemas: what is caught over all operations, and what it costs.

Calls and their mutations are made from OVH's native schemas (tests/gate/mutations.py), so that they
share nothing with the program. The costs stand beside those of the plain `jsonschema` package, which
is given the same schemas and the same values in the same run.
"""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from benchmarks.figures import SCHEMAS, print_table
from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.validators import Fetched, Validators
from ovh_api_mcp.errors import InvalidRequestError
from ovh_api_mcp.gate.call import parse_call
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.given import given_parameters
from ovh_api_mcp.gate.path import normalise_path
from ovh_api_mcp.gate.request_schema import request_schema
from ovh_api_mcp.gate.validation import compile_schema, load_validator
from ovh_api_mcp.json_value import JsonObject
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from tests.catalog.native_oracle import NativeCatalog, NativeOperation
from tests.gate.mutations import KINDS, NativeCall, NativeCalls

_T = TypeVar("_T")
_ROOT = "https://api.example"
_ROUNDS = 3  # sets of mutations of each operation
_JSONSCHEMA_OPERATIONS = 600  # that the slower package is given


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "full.catalog"
        await build_catalog(_fetch, endpoint_root=_ROOT, services=["*"], out=path, clock=lambda: 0.0)
        with closing(CatalogFile.open(path)) as file:
            operations = [
                each for each in NativeCatalog.load(SCHEMAS).operations() if each.parameters() or each.body()
            ]
            _print_caught(Gatekeeper(file, _send_nothing), operations)
            _print_costs(file, operations)


async def _fetch(url: str, *, limit_bytes: int, known: Validators) -> Fetched:
    path = url.removeprefix(f"{_ROOT}/")
    return Fetched((SCHEMAS / (f"{path}index.json" if path.endswith("/") else path)).read_bytes())


async def _send_nothing(request: ApiRequest) -> ApiResponse:
    raise AssertionError(request)


# --- what is caught ---------------------------------------------------------------------------------


def _print_caught(gate: Gatekeeper, operations: Sequence[NativeOperation]) -> None:
    made: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for each in operations:
        calls = NativeCalls(each, Random(str(each)))
        made["right"] += 1
        caught["right"] += _told(gate, calls.right()) is not None
        for wrong in calls.wrong(_ROUNDS):
            told = _told(gate, wrong.call)
            made[wrong.kind] += 1
            caught[wrong.kind] += told is not None
            named[wrong.kind] += (
                told is not None and wrong.name in told and any(word in told for word in wrong.right)
            )
    rows = [
        (kind, f"{made[kind]:,}", _percent(caught[kind], made[kind]), _percent(named[kind], made[kind]))
        for kind in KINDS
    ]
    print_table(
        f"Calls of {len(operations):,} operations made from the native schemas",
        ("what is wrong", "calls", "refused", "with the right name in the message"),
        [("nothing", f"{made['right']:,}", _percent(caught["right"], made["right"]), ""), *rows],
    )


def _told(gate: Gatekeeper, call: NativeCall) -> str | None:
    try:
        gate.check(call.arguments, call.body)
    except InvalidRequestError as error:
        return error.message
    return None


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %"


# --- what it costs ----------------------------------------------------------------------------------


def _print_costs(file: CatalogFile, operations: Sequence[NativeOperation]) -> None:
    load_validator()
    sample = Random(0).sample(list(operations), _JSONSCHEMA_OPERATIONS)
    formats = FormatChecker(Draft202012Validator.FORMAT_CHECKER.checkers.keys())
    closures, ours, theirs, our_checks, their_checks = [], [], [], [], []
    for each in sample:
        operation = file.operation(Method(each.method), each.path)
        assert operation is not None
        value = _value(file, operation, NativeCalls(each, Random(str(each))).right())
        wanted, seconds = _timed(partial(request_schema, operation, file.schema))
        closures.append(seconds)
        compiled, seconds = _timed(partial(compile_schema, wanted.schema))
        ours.append(seconds)
        plain, seconds = _timed(partial(Draft202012Validator, wanted.schema, format_checker=formats))
        theirs.append(seconds)
        assert compiled.is_valid(value)
        our_checks.append(_timed(partial(compiled.is_valid, value))[1])
        plain.is_valid(value)
        their_checks.append(_timed(partial(plain.is_valid, value))[1])
    print_table(
        f"One request of {len(sample)} operations",
        ("what", "median", "p99", "beside"),
        [
            ("schema put together from the catalogue", *_spread(closures), ""),
            ("compiled", *_spread(ours), ""),
            ("made ready by jsonschema", *_spread(theirs), ""),
            ("a right request compared", *_spread(our_checks), "1x"),
            (
                "by jsonschema",
                *_spread(their_checks),
                f"{statistics.median(their_checks) / statistics.median(our_checks):.0f}x",
            ),
        ],
    )


def _value(file: CatalogFile, operation: Operation, made: NativeCall) -> JsonObject:
    """Return the request as it is compared with its schema."""
    call = parse_call(made.arguments, made.body)
    path = normalise_path(call.path, call.params)
    values = given_parameters(operation, call, path, file.schema).values
    if made.body is not None:
        values["body"] = msgspec.json.decode(made.body)
    return values


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


def _spread(seconds: Sequence[float]) -> tuple[str, str]:
    ordered = sorted(seconds)
    return (
        f"{statistics.median(ordered) * 1e6:,.0f} µs",
        f"{ordered[int(len(ordered) * 0.99)] * 1e6:,.0f} µs",
    )
