"""Calls made from OVH's native schemas: the right ones pass, those with one thing wrong are named.

A sample of all operations; `python -m benchmarks validation` makes the calls of every one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest

from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import InvalidRequestError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.ovh.messages import ApiRequest
from ovh_api_mcp.simulator.answers import No
from ovh_api_mcp.simulator.bodies import parse_body, parse_query
from ovh_api_mcp.simulator.library import Library
from ovh_api_mcp.simulator.recording import RecordedRequest
from tests.catalog.native_examples import Examples
from tests.catalog.native_oracle import NativeCatalog, NativeOperation, type_of
from tests.gate.mutations import KINDS, Mutation, NativeCall, NativeCalls
from tests.gate.operations import Recorder

_SAMPLE = 1_200
_OF_100 = 98


@pytest.fixture
def gate(full_catalog: CatalogFile) -> Gatekeeper:
    return Gatekeeper(full_catalog, Recorder().send)


@pytest.fixture(scope="session")
def sample(native_catalog: NativeCatalog) -> list[NativeOperation]:
    """Operations that have something to get wrong, the same ones each time."""
    all_of_them = [each for each in native_catalog.operations() if each.parameters() or each.body()]
    return Random(0).sample(all_of_them, _SAMPLE)


def calls_of(operation: NativeOperation) -> NativeCalls:
    return NativeCalls(operation, Random(str(operation)))


def send(gate: Gatekeeper, call: NativeCall, *, validate: str = "strict") -> ApiRequest:
    return gate.check({**call.arguments, "validate": validate}, call.body)


def fault_of(gate: Gatekeeper, mutation: Mutation) -> str:
    """Return what a wrong call is told; "" where it passes."""
    try:
        send(gate, mutation.call)
    except InvalidRequestError as error:
        return error.message
    return ""


@pytest.mark.promise("calls.validated")
def test_a_call_made_from_the_native_schema_passes(gate: Gatekeeper, sample: list[NativeOperation]) -> None:
    for each in sample:
        send(gate, calls_of(each).right())


@pytest.mark.promise("calls.validated")
def test_a_call_with_one_thing_wrong_is_refused_with_the_right_name(
    gate: Gatekeeper, sample: list[NativeOperation]
) -> None:
    made: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for each in sample:
        for wrong in calls_of(each).wrong():
            text = fault_of(gate, wrong)
            made[wrong.kind] += 1
            named[wrong.kind] += wrong.name in text and any(word in text for word in wrong.right)
    assert made.keys() == set(KINDS)
    assert min(made.values()) > 100
    assert {kind for kind in KINDS if named[kind] * 100 < made[kind] * _OF_100} == set()


class Judge:
    """The simulator's own opinion of a request's query and body."""

    def __init__(self, schemas: Path) -> None:
        self._library = Library(schemas)

    async def fault(self, request: ApiRequest) -> str:
        path, _, _ = request.target.partition("?")
        found = await self._library.find(path[1:3], tuple(map(unquote, path[4:].split("/"))))
        assert found is not None
        service, route = found
        operation = route.operations[request.method]
        headers = {"content-type": "application/json"}
        received = RecordedRequest(request.method, request.target, headers, request.body or b"")
        try:
            parse_query(received, operation, service.types)
            parse_body(received, operation, service.types)
        except No as no:
            return str(no) or "no"
        return ""


@pytest.mark.anyio
@pytest.mark.promise("calls.validated")
async def test_what_passes_the_gate_the_simulator_takes_too(
    gate: Gatekeeper, sample: list[NativeOperation], shared_dir: Path
) -> None:
    judge = Judge(shared_dir / "ovh-schemas")
    disagreed = []
    refused_by_both = 0
    for each in sample:
        calls = calls_of(each)
        if fault := await judge.fault(send(gate, calls.right())):
            disagreed.append(f"{each}: {fault}")
        for wrong in calls.wrong():
            fault = await judge.fault(send(gate, wrong.call, validate="warn"))
            refused_by_both += bool(fault)
            if fault and not fault_of(gate, wrong):
                disagreed.append(f"{each} with a {wrong.kind}: {fault}")
    assert disagreed == []
    assert refused_by_both > 200


def _written_back(native_catalog: NativeCatalog) -> Iterator[tuple[NativeOperation, str, bool]]:
    """Yield each PUT that takes a whole model, what a GET of its path answers, and whether that is the same."""
    operations = list(native_catalog.operations())
    answers = {each.path: each.native["responseType"] for each in operations if each.method == "GET"}
    for each in operations:
        body = each.body()
        answer = answers.get(each.path, "void")
        if each.method == "PUT" and body and "name" not in body[0] and answer != "void":
            yield each, answer, type_of(body[0]) == answer


@pytest.mark.promise("calls.read-only")
def test_what_a_get_answers_can_be_written_back(gate: Gatekeeper, native_catalog: NativeCatalog) -> None:
    ends: Counter[tuple[bool, bool]] = Counter()  # is it the same model, and does it pass?
    for each, model, is_same in _written_back(native_catalog):
        random = Random(str(each))
        call = NativeCalls(each, random).right()
        body = Examples(each.models, random).right(model)
        try:
            send(gate, NativeCall.of(call.arguments, body))
        except InvalidRequestError:
            ends[is_same, False] += 1
        else:
            ends[is_same, True] += 1
    assert ends[True, False] == 0
    assert ends[True, True] >= 288
    # What only the answer has is read-only, but for some that are another object altogether.
    assert ends[False, True] > 100 > 30 > ends[False, False]
