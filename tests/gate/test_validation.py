"""What the gate says of requests that do not fit their schema, and what it lets through with a note."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from ovh_api_mcp.catalog.model import Lifecycle, Method, Operation, Parameter
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.errors import InvalidRequestError
from ovh_api_mcp.gate.formats import OWN_FORMATS
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.remarks import Remarks
from ovh_api_mcp.gate.validation import Validation
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import (
    ALL_FAULTS_BYTES,
    CALL_BYTES,
    CHECKED_AT_ONCE_BYTES,
    FAULTS_FOUND,
    MESSAGE_CHARS,
    READ_KEPT_BYTES,
    READS_KEPT,
    REMARKS_TOLD,
    SIGNATURE_CHARS,
    THIN_ELEMENTS,
    VALIDATORS_KEPT,
)
from ovh_api_mcp.ovh.messages import ApiRequest, ApiResponse
from tests.gate.operations import Recorder

RECORDS = "/v1/domain/zone/{zoneName}/record"
RECORD: JsonObject = {"fieldType": "A", "subDomain": "www", "target": "203.0.113.10"}


@pytest.fixture
def real_gate(full_catalog: CatalogFile) -> Gatekeeper:
    return Gatekeeper(full_catalog, Recorder().send)


def checked(
    gate: Gatekeeper, method: str, path: str, body: JsonValue = None, **options: JsonValue
) -> tuple[ApiRequest, tuple[str, ...]]:
    """Return the request of a call and the notes on it."""
    remarks = Remarks()
    text = None if body is None else json.dumps(body).encode()
    return gate.check({"method": method, "path": path, **options}, text, remarks), remarks.notes


def refused(
    gate: Gatekeeper, method: str, path: str, body: JsonValue = None, **options: JsonValue
) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        checked(gate, method, path, body, **options)
    error = caught.value
    assert error.code == "invalid-request"
    assert 0 < len(error.faults) <= FAULTS_FOUND + 1
    assert len(error.signature) <= SIGNATURE_CHARS
    return error


def record(gate: Gatekeeper, body: JsonValue) -> InvalidRequestError:
    return refused(gate, "POST", "/v1/domain/zone/example.com/record", body)


# --- what is told -----------------------------------------------------------------------------------


@pytest.mark.promise("calls.validated")
def test_all_faults_are_told_at_once_with_the_signature(real_gate: Gatekeeper) -> None:
    error = record(real_gate, {"type": "A", "subDomain": 7, "target": "x", "ttl": "1 hour"})
    assert error.message == snapshot(
        'POST /v1/domain/zone/{zoneName}/record was not sent. body.fieldType: missing; wanted "A" | "AAAA" | "CAA" | "CNAME" | "DKIM" | "DMARC" | "DNAME" | "HTTPS" | "LOC" | "MX" | "NAPTR" | "NS" | … 8 more. body.subDomain: 7 (a number); wanted string | null. body.ttl: "1 hour" (a string); wanted integer. And 1 more, in faults.'
    )
    assert error.faults == snapshot(
        (
            {
                "where": "body.fieldType",
                "got": "missing",
                "wanted": '"A" | "AAAA" | "CAA" | "CNAME" | "DKIM" | "DMARC" | "DNAME" | "HTTPS" | "LOC" | "MX" | "NAPTR" | "NS" | … 8 more',
            },
            {"where": "body.subDomain", "got": "7 (a number)", "wanted": "string | null"},
            {"where": "body.ttl", "got": '"1 hour" (a string)', "wanted": "integer"},
            {
                "where": "body.type",
                "got": "unknown field",
                "wanted": "one of fieldType, subDomain, target, ttl",
                "nearest": ["fieldType"],
            },
        )
    )
    assert error.signature == snapshot(
        'POST /v1/domain/zone/{zoneName}/record path: { zoneName: string } body: { fieldType: "A" | "AAAA" | "CAA" | "CNAME" | "DKIM" | "DMARC" | … 14 more, target: string, subDomain?: string | null, ttl?: integer }'
    )
    assert error.hint == snapshot(
        'Correct it and call again. Only if the schema is known to be wrong: validate: "warn".'
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**RECORD, "tll": 60}, ["body.tll: unknown field", "did you mean ttl?"]),
        ({**RECORD, "fieldType": "CNAM"}, ["body.fieldType", 'did you mean "CNAME"']),
        ({**RECORD, "target": None}, ["body.target: null; wanted string."]),
        ({**RECORD, "ttl": None}, ["body.ttl: null; wanted integer, or leave it out."]),
        ({"fieldType": "A"}, ["body.target: missing; wanted string"]),
        ({"": RECORD}, ["empty name", "without a wrapper"]),
        ({"record": RECORD}, ["body.record: unknown field", "without a wrapper"]),
        ([RECORD], ["body: an array; wanted an object with fieldType, target, subDomain?, ttl?"]),
        ("x", ["body", "a string", "an object"]),
    ],
)
def test_a_fault_names_the_place_and_what_is_right(
    real_gate: Gatekeeper, body: JsonValue, words: list[str]
) -> None:
    message = record(real_gate, body).message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("method", "path", "options", "words"),
    [
        ("GET", RECORDS, {"query": {"fieldType": "AAA"}}, ["query.fieldType", '"AAAA"']),
        ("GET", "/v1/order/catalog/public/vps", {}, ["query.ovhSubsidiary: missing", '"FR"']),
        ("GET", "/v1/vps/x/ips/1.2.3", {}, ["path.ipAddress", "IPv4 or IPv6 address"]),
        ("GET", "/v1/vps/x/tasks/last", {}, ["path.id", "integer"]),
        ("GET", "/v1/ip", {"query": {"ip": "192.0.2.0/33"}}, ["query.ip", "203.0.113.0/24"]),
        ("GET", "/v1/me/bill", {"query": {"date.from": "01/02/2024"}}, ["query.date.from", "2026-01-31T"]),
        ("GET", "/v2/iam/resource", {"query": {"tags": "a"}}, ["query.tags"]),
        (
            *("GET", "/v1/domain/zone"),
            {"query": {"iamTags": {"a": [{"operator": "EQUALS", "value": "b"}]}}},
            ["query.iamTags.a[0].operator", 'did you mean "EQ"?'],
        ),
    ],
)
def test_parameters_are_checked_like_bodies(
    real_gate: Gatekeeper, method: str, path: str, options: JsonObject, words: list[str]
) -> None:
    if "{" in path:
        options = {**options, "params": {"zoneName": "example.com"}}
    message = refused(real_gate, method, path, **options).message
    assert all(word in message for word in words), message


def test_a_place_deep_in_a_body_is_told_exactly(real_gate: Gatekeeper) -> None:
    body: JsonObject = {
        "region": "GRA7",
        "nodepools": [{"flavorName": "b3-8"}, {"flavorName": "b3-8", "desiredNodes": "three"}],
    }
    error = refused(real_gate, "POST", "/v1/cloud/project/abc/kube", body)
    assert [each["where"] for each in error.faults] == ["body.nodepools[1].desiredNodes"]


@pytest.mark.parametrize(
    ("key", "where"), [("12", '["12"]'), ("012", '["012"]'), ("", '[""]'), ("a b", '["a b"]')]
)
def test_keys_of_a_map_are_told_as_they_are(key: str, where: str) -> None:
    schema: JsonObject = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    }
    gate = Gatekeeper(One(schema, {}), Recorder().send)
    [fault] = refused(gate, "PUT", "/v1/thing", {"b": [], key: ["x", 7]}).faults
    assert fault == {"where": f"body{where}[1]", "got": "7 (a number)", "wanted": "string"}


def test_a_missing_body_is_told_with_its_fields(real_gate: Gatekeeper) -> None:
    error = refused(real_gate, "POST", "/v1/domain/zone/example.com/record")
    assert error.faults[0]["got"] == "missing"
    assert "fieldType" in str(error.faults[0]["wanted"])


def test_a_password_is_not_shown(real_gate: Gatekeeper) -> None:
    values: list[JsonValue] = [["hunter2-canary"], 730_221_553, {"a": "hunter2-canary"}]
    for value in values:
        body: JsonObject = {"login": "x", "password": value, "description": "", "email": "a@example.com"}
        error = refused(real_gate, "POST", "/v1/me/identity/user", {**body, "passwrd": "hunter2-canary"})
        told = f"{error.message} {error.faults} {error.signature} {error.hint}"
        assert "body.password" in told
        assert "hunter2" not in told
        assert "730221553" not in told
    _, notes = checked(
        real_gate,
        *("POST", "/v1/me/identity/user"),
        {"login": "x", "password": 730_221_553, "email": "a@example.com"},
        validate="warn",
    )
    assert "730221553" not in "".join(notes)


def test_what_is_told_of_many_faults_is_bounded(real_gate: Gatekeeper) -> None:
    error = record(real_gate, {f"field{number}" * 20: number for number in range(500)})
    assert len(error.message) <= MESSAGE_CHARS
    assert len(json.dumps(error.faults)) < 12_000


# --- what passes ------------------------------------------------------------------------------------


def test_a_recursive_model_is_followed_to_any_depth() -> None:
    node: JsonObject = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "next": {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "null"}]},
        },
    }
    gate = Gatekeeper(One({"$ref": "#/components/schemas/Node"}, {"Node": node}), Recorder().send)
    body: JsonValue = None
    for number in range(60):
        body = {"id": number, "next": body}
    checked(gate, "PUT", "/v1/thing", body)
    deep = json.loads(json.dumps(body).replace('"id": 0', '"id": "0"'))
    where = refused(gate, "PUT", "/v1/thing", deep).faults[0]["where"]
    assert str(where).startswith("body.next.next.next")


@pytest.mark.promise("calls.big-integers")
def test_large_integers_pass_with_all_their_digits(real_gate: Gatekeeper) -> None:
    large = 2**63 + 1
    request, notes = checked(
        real_gate, "POST", "/v1/domain/zone/example.com/record", {**RECORD, "ttl": large}
    )
    assert f'"ttl": {large}'.encode() in (request.body or b"")
    request, _ = checked(real_gate, "GET", f"/v1/domain/zone/example.com/record/{large}")
    assert request.target.endswith(str(large))
    assert notes == ()


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "date-time",
            ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00", "2026-01-31T12:00:00.123456789Z"],
            [
                "2026-01-31",
                "2026-02-30T12:00:00Z",
                "2026-01-31 12:00:00",
                "20260131T120000Z",
                "now",
                "9" * 99,
            ],
        ),
        ("date-time", ["2026-01-31T12:00:00", "2026-01-31T12:00"], ["2026-01-31T", "2026-01-31T25:00:00Z"]),
        ("duration", ["P1Y", "P1M", "P3W", "PT5M", "P1DT12H", "PT0.5S"], ["P", "PT", "1M", "1 month", "P1"]),
        ("ip", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"], ["192.0.2.0/24", "fe80::1%eth0", "x", ""]),
    ],
)
def test_a_format_is_as_strict_as_the_api(name: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not OWN_FORMATS[name](text)] == []
    assert [text for text in wrong if OWN_FORMATS[name](text)] == []


def test_numbers_pass_for_an_enum_that_writes_them_as_text(real_gate: Gatekeeper) -> None:
    rule: JsonObject = {"action": "permit", "protocol": "tcp", "sequence": 1}
    path = "/v1/ip/203.0.113.10/firewall/203.0.113.10/rule"
    checked(real_gate, "POST", path, rule)
    checked(real_gate, "POST", path, {**rule, "sequence": "1"})
    assert "body.sequence" in refused(real_gate, "POST", path, {**rule, "sequence": 99}).message


# --- coercions --------------------------------------------------------------------------------------


@pytest.mark.promise("calls.validated")
@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"params": {"zoneName": "a", "id": 12}}, ""),
        ({"params": {"zoneName": "a", "id": "12"}}, "path.id was a string, taken as an integer"),
        ({"params": {"zoneName": 12, "id": 12}}, "path.zoneName was an integer, taken as a string"),
    ],
)
def test_a_path_value_of_another_type_is_taken_and_noted(
    real_gate: Gatekeeper, options: JsonObject, note: str
) -> None:
    _, notes = checked(real_gate, "GET", f"{RECORDS}/{{id}}", **options)
    assert [note in each for each in notes] == [True] * bool(note)


def test_a_literal_path_is_text_and_nothing_is_noted_of_it(real_gate: Gatekeeper) -> None:
    assert checked(real_gate, "GET", "/v1/domain/zone/example.com/record/12")[1] == ()


@pytest.mark.parametrize(
    ("value", "wire", "note"),
    [
        (True, "flag=true", ""),
        ("true", "flag=true", "query.flag was a string, taken as a boolean"),
        ("yes", "", ""),
        (1, "", ""),
    ],
)
def test_true_and_false_may_be_text_in_a_query_and_nothing_else(
    value: JsonValue, wire: str, note: str
) -> None:
    gate = Gatekeeper(One({}, {}, query={"flag": {"type": "boolean"}}), Recorder().send)
    if not wire:
        refused(gate, "GET", "/v1/thing", query={"flag": value})
        return
    request, notes = checked(gate, "GET", "/v1/thing", query={"flag": value})
    assert request.target.endswith(wire)
    assert [note in each for each in notes] == [True] * bool(note)


@pytest.mark.parametrize(
    ("schema", "value", "is_noted"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], False),
        ({"type": "array", "items": {"type": "integer"}}, ["1", 2], True),
        ({"type": "array", "items": {"type": "string"}}, "a", True),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, False),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '{"a":1}', True),
        ({"type": "number"}, "1.5", True),
        ({"type": "integer"}, None, False),
        ({}, {"any": ["thing"]}, False),
    ],
)
def test_a_query_value_that_means_the_same_passes(
    schema: JsonObject, value: JsonValue, is_noted: bool
) -> None:
    gate = Gatekeeper(One({}, {}, query={"a": schema}), Recorder().send)
    _, notes = checked(gate, "GET", "/v1/thing", query={"a": value})
    assert bool(notes) == is_noted


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "1.5"),
        ({"type": "integer"}, 1.5),
        ({"type": "integer"}, [1]),
        ({"type": "integer"}, True),
        ({"type": "array", "items": {"type": "integer"}}, ["x"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '{"a":"x"}'),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "{"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, 7),
        ({"type": "string"}, {"a": 1}),
    ],
)
def test_a_query_value_that_would_lose_something_is_refused(schema: JsonObject, value: JsonValue) -> None:
    gate = Gatekeeper(One({}, {}, query={"a": schema}), Recorder().send)
    assert refused(gate, "GET", "/v1/thing", query={"a": value}).faults[0]["where"] in (
        "query.a",
        "query.a[0]",
        "query.a.a",
    )


def test_nothing_is_coerced_in_a_body(real_gate: Gatekeeper) -> None:
    assert "body.ttl" in record(real_gate, {**RECORD, "ttl": "60"}).message


# --- warn -------------------------------------------------------------------------------------------


@pytest.mark.promise("calls.validated")
def test_a_call_may_be_sent_in_spite_of_its_faults_which_are_noted(full_catalog: CatalogFile) -> None:
    path = "/v1/domain/zone/example.com/record"
    body: JsonObject = {"type": "A"}
    strict = Gatekeeper(full_catalog, Recorder().send)
    lenient = Gatekeeper(full_catalog, Recorder().send, mode="warn")
    for request, notes in (
        checked(strict, "POST", path, body, validate="warn"),
        checked(lenient, "POST", path, body),
    ):
        assert json.loads(request.body or b"") == body
        assert len(notes) == 1
        assert "was sent though it does not fit its schema" in notes[0]
        assert "body.fieldType: missing" in notes[0]
    refused(lenient, "POST", path, body, validate="strict")


def test_an_unknown_query_parameter_is_sent_where_the_caller_knows_better(real_gate: Gatekeeper) -> None:
    request, notes = checked(real_gate, "GET", "/v1/vps", query={"new": 1}, validate="warn")
    assert request.target == "/v1/vps?new=1"
    assert "query.new" in notes[0]


def test_a_body_that_is_not_declared_is_sent_on_a_post_alone(real_gate: Gatekeeper) -> None:
    request, notes = checked(real_gate, "POST", "/v1/vps/x/reboot", {"a": 1}, validate="warn")
    assert request.body == b'{"a": 1}'
    assert "declares none" in notes[0]


# --- read-only fields -------------------------------------------------------------------------------


class Answering:
    """Answers every GET with one body."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def send(self, request: ApiRequest) -> ApiResponse:
        return ApiResponse(200, {}, self.body if request.method is Method.GET else b"null", "")


VPS: JsonObject = {"displayName": "web", "state": "running", "name": "vps-1", "slaMonitoring": True}


async def notes_of_put(catalog: CatalogFile, read: JsonObject | None, written: JsonObject) -> tuple[str, ...]:
    """Return the notes of a run that reads a VPS, where `read` is given, and writes one back."""
    remarks = Remarks()
    gate = Gatekeeper(catalog, Answering(json.dumps(read).encode()).send)
    if read is not None:
        await gate.request({"method": "GET", "path": "/v1/vps/vps-1"}, None, remarks=remarks)
    body = json.dumps(written).encode()
    await gate.request({"method": "PUT", "path": "/v1/vps/vps-1"}, body, remarks=remarks)
    return remarks.notes


@pytest.mark.anyio
@pytest.mark.promise("calls.read-only")
async def test_what_was_read_and_is_written_back_is_not_remarked_on(full_catalog: CatalogFile) -> None:
    assert await notes_of_put(full_catalog, VPS, {**VPS, "displayName": "mail"}) == ()


@pytest.mark.anyio
@pytest.mark.promise("calls.read-only")
async def test_a_read_only_field_that_was_changed_is_noted(full_catalog: CatalogFile) -> None:
    assert await notes_of_put(full_catalog, VPS, {**VPS, "state": "stopped"}) == snapshot(
        (
            "PUT /v1/vps/{serviceName} ignores what is read-only, which you changed since you read it: body.state.",
        )
    )


@pytest.mark.anyio
async def test_read_only_fields_of_what_was_not_read_are_noted(full_catalog: CatalogFile) -> None:
    assert await notes_of_put(full_catalog, None, VPS) == snapshot(
        ("PUT /v1/vps/{serviceName} ignores what is read-only: body.state, body.name.",)
    )


def test_a_read_only_field_that_only_the_answer_has_passes_with_a_note(real_gate: Gatekeeper) -> None:
    """Of PUT /v1/vps/{serviceName} the model lacks `iam`, which a GET of the same path answers."""
    body: JsonObject = {"displayName": "web", "iam": {"id": "x"}}
    _, notes = checked(real_gate, "PUT", "/v1/vps/vps-1", body)
    assert notes == ("PUT /v1/vps/{serviceName} ignores what is read-only: body.iam.",)
    assert "body.iamm" in refused(real_gate, "PUT", "/v1/vps/vps-1", {"iamm": 1}).message


def test_a_read_only_field_may_hold_anything(real_gate: Gatekeeper) -> None:
    checked(real_gate, "PUT", "/v1/vps/vps-1", {"displayName": "web", "state": ["no", "state"]})
    assert "body.displayName" in refused(real_gate, "PUT", "/v1/vps/vps-1", {"displayName": 7}).message


def test_a_run_remembers_few_and_small_answers() -> None:
    remarks = Remarks()
    for number in range(READS_KEPT + 1):
        remarks.keep_read(f"/v1/{number}", b"{}")
    remarks.keep_read("/v1/large", b"x" * (READ_KEPT_BYTES + 1))
    assert remarks.read("/v1/0") is None
    assert remarks.read("/v1/1") == b"{}"
    assert remarks.read("/v1/large") is None


def test_a_note_is_told_once_and_the_rest_is_counted() -> None:
    remarks = Remarks()
    for number in [*range(REMARKS_TOLD + 3), 0, 0]:
        remarks.add(f"note {number}")
    assert remarks.notes == (*(f"note {number}" for number in range(REMARKS_TOLD)), "3 more notes on calls.")


# --- bounds -----------------------------------------------------------------------------------------


class One:
    """A catalogue of GET and PUT /v1/thing, which notes the thread that asks for an operation."""

    def __init__(
        self,
        body: JsonObject,
        components: dict[str, JsonObject],
        *,
        query: dict[str, JsonObject] | None = None,
    ) -> None:
        self.threads: set[int] = set()
        self._body = body
        self._components = components
        self._parameters = tuple(
            Parameter(name, "query", False, each) for name, each in (query or {}).items()
        )

    def routes(self) -> Iterable[tuple[Method, str]]:
        return [(Method.GET, "/v1/thing"), (Method.PUT, "/v1/thing")]

    def operation(self, method: Method, path: str) -> Operation:
        self.threads.add(threading.get_ident())
        has_body = method is Method.PUT
        rest = (self._parameters, has_body, has_body, self._body)
        return Operation(method, path, "", "v1/thing", "", Lifecycle.PRODUCTION, True, *rest)

    def schema(self, name: str) -> JsonObject:
        return self._components.get(name, {})


@pytest.mark.anyio
@pytest.mark.parametrize("size", [CHECKED_AT_ONCE_BYTES - 100, CHECKED_AT_ONCE_BYTES + 100, CALL_BYTES - 100])
async def test_a_large_body_is_checked_outside_the_event_loop(size: int) -> None:
    catalog = One({"type": "array", "items": {"type": "string"}}, {})
    body = json.dumps(["x" * 8] * (size // 12)).encode()
    await Gatekeeper(catalog, Recorder().send).request({"method": "PUT", "path": "/v1/thing"}, body)
    assert (threading.get_ident() in catalog.threads) == (size < CHECKED_AT_ONCE_BYTES)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ([7] * ALL_FAULTS_BYTES, [f"body[{number}]" for number in range(THIN_ELEMENTS)]),
        (["x"] * ALL_FAULTS_BYTES + [7], [f"body[{ALL_FAULTS_BYTES}]"]),
        ({"a": "x" * ALL_FAULTS_BYTES}, ["body"]),
        ({str(number): 0 for number in range(ALL_FAULTS_BYTES)}, ["body"]),
    ],
)
def test_of_a_large_body_the_faults_at_the_beginning_are_told_or_the_first_one(
    body: JsonValue, places: list[str]
) -> None:
    gate = Gatekeeper(One({"type": "array", "items": {"type": "string"}}, {}), Recorder().send)
    error = refused(gate, "PUT", "/v1/thing", body)
    assert [each["where"] for each in error.faults] == places
    assert "there may be more" in error.message


def test_validators_are_compiled_once_and_the_oldest_given_up() -> None:
    compiled: list[str] = []

    def components(name: str) -> JsonObject:
        compiled.append(name)
        return {"type": "string"}

    validation = Validation(components, lambda path: {})

    def check(number: int) -> None:
        body: JsonObject = {"$ref": f"#/components/schemas/{number}"}
        rest = ((), True, True, body)
        path = f"/v1/{number}"
        operation = Operation(Method.PUT, path, "", "v1/x", "", Lifecycle.PRODUCTION, True, *rest)
        assert validation.faults(operation, {"path": {}, "query": {}, "header": {}, "body": "x"}) == ()

    for number in [*range(VALIDATORS_KEPT), 0, VALIDATORS_KEPT, 0, 1]:
        check(number)
    assert compiled == [*map(str, range(VALIDATORS_KEPT)), str(VALIDATORS_KEPT), "1"]


def test_a_field_that_is_required_twice_is_required(caplog: pytest.LogCaptureFixture) -> None:
    """OVHcloud's schemas may declare a field of a body twice."""
    schema: JsonObject = {"type": "object", "properties": {"a": {}}, "required": ["a", "a"]}
    gate = Gatekeeper(One(schema, {}), Recorder().send)
    assert [each["where"] for each in refused(gate, "PUT", "/v1/thing", {}).faults] == ["body.a"]
    assert caplog.text == ""


def test_an_operation_whose_schema_is_none_can_still_be_called(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gatekeeper(One({"type": "nonsense"}, {}), Recorder().send)
    checked(gate, "PUT", "/v1/thing", {"a": 1})
    checked(gate, "PUT", "/v1/thing", {"a": 1})
    assert caplog.text.count("event=schema-unusable operation='PUT /v1/thing'") == 1


@pytest.mark.parametrize("body", [b"1e999", b"[" * 5_000 + b"]" * 5_000])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    gate = Gatekeeper(One({}, {}), Recorder().send)
    with pytest.raises(InvalidRequestError) as caught:
        gate.check({"method": "PUT", "path": "/v1/thing"}, body)
    assert caught.value.faults[0]["where"] == "body"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["fieldType", "subDomain", "target", "ttl", "", "x"])


@settings(deadline=None, max_examples=150)
@given(body=JSON | st.dictionaries(FIELDS, JSON, max_size=5))
def test_whatever_stands_in_a_body_it_passes_or_is_told(body: JsonValue) -> None:
    kind: JsonObject = {"type": "string", "enum": ["A", "AAAA"]}
    record: JsonObject = {
        "type": "object",
        "properties": {
            "fieldType": {"$ref": "#/components/schemas/Kind"},
            "subDomain": {"type": ["string", "null"]},
            "target": {"type": "string"},
            "ttl": {"type": "integer"},
        },
        "required": ["fieldType", "target"],
    }
    catalog = One({"$ref": "#/components/schemas/Record"}, {"Record": record, "Kind": kind})
    gate = Gatekeeper(catalog, Recorder().send)
    text = json.dumps(body).encode()
    try:
        gate.check({"method": "PUT", "path": "/v1/thing"}, text)
    except InvalidRequestError as error:
        assert len(error.message) <= MESSAGE_CHARS
        json.dumps(error.faults).encode()
        error.message.encode()
    else:
        assert isinstance(body, dict)
        assert body.keys() <= record["properties"].keys()  # type: ignore[union-attr]
        assert body["fieldType"] in ("A", "AAAA")
