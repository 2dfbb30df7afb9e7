"""What a person lets through: every mode, label and rule; and policies that are wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp import limits
from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.errors import DeniedError, SettingsError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.gate.policy import ACCESS_MODES, Access, AccessMode, Policy, Rule, Verdict
from ovh_api_mcp.gate.policy_file import load_policy
from ovh_api_mcp.gate.question import Question
from ovh_api_mcp.gate.verdict import Subject, decide, matches, unknown_parameters
from ovh_api_mcp.json_value import JsonObject
from tests.gate.operations import Operations, Recorder, operation

pytestmark = pytest.mark.anyio

_ALLOW, _ASK, _DENY = Verdict
_RISKY = (Label.DESTROYS, Label.SPENDS, Label.SECRETS, Label.ACCESS)
_LABELS = [
    frozenset(labels)
    for labels in (
        [],
        [Label.READ],
        [Label.READ, Label.SECRETS],
        [Label.WRITE],
        *([Label.WRITE, risky] for risky in _RISKY),
        [Label.DESTROYS, Label.SPENDS],
    )
]


def subject(
    call: str = "GET /v1/domain/zone/{zoneName}/record",
    *,
    service: str = "v1/domain",
    labels: frozenset[Label] = frozenset({Label.READ}),
    account: str = "default",
    **values: str,
) -> Subject:
    """Return a call to a template, in the places of whose parameters `values` stand."""
    method, _, path = call.partition(" ")
    parts = tuple(path[1:].split("/"))
    return Subject(
        Method(method),
        parts,
        tuple(values.get(part.strip("{}"), part) for part in parts),
        service,
        labels,
        account,
    )


def policy_of(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    policy, _ = load_policy(file)
    return policy


# --- the table -------------------------------------------------------------------------------------------


def expected(
    mode: AccessMode,
    method: Method,
    labels: frozenset[Label],
    rule: Verdict | None,
    default: Verdict | None,
    secrets: bool,
) -> Verdict:
    """Say the verdict in the words of the manual; `default` None is no policy at all."""
    if mode == "read-only" and (method is not Method.GET or Label.READ not in labels):
        return _DENY
    if mode == "read-only" and Label.SECRETS in labels and not secrets:
        return _DENY
    if _DENY in (rule, None if rule else default):
        return _DENY
    if _ASK in (rule, None if rule else default):
        return _ASK
    is_answered = rule is _ALLOW
    asks = mode == "confirm" and (not labels or any(label in labels for label in _RISKY))
    return _ASK if asks and not is_answered else _ALLOW


@pytest.mark.promise("access.modes", "access.policy")
@pytest.mark.parametrize("secrets", [False, True])
@pytest.mark.parametrize("mode", ACCESS_MODES)
def test_every_label_mode_and_rule_gives_its_verdict(mode: AccessMode, secrets: bool) -> None:
    for method, labels, rule, default in product(Method, _LABELS, [None, *Verdict], [None, *Verdict]):
        if default is None and rule is not None:
            continue  # a rule stands in a policy
        rules = () if rule is None else (Rule(rule, line=1),)
        policy = None if default is None else Policy(rules, default)
        decision = decide(
            Access(mode, allows_secrets=secrets, policy=policy), subject(f"{method} /v1/x", labels=labels)
        )
        assert decision.verdict is expected(mode, method, labels, rule, default, secrets), (labels, rule)
        assert decision.why


@pytest.mark.promise("access.policy")
@given(
    st.permutations([Rule(verdict, line) for line, verdict in enumerate([*Verdict, *Verdict], 1)]), st.data()
)
def test_any_deny_beats_any_ask_beats_any_allow_in_every_order(
    rules: list[Rule], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(rules), min_size=1))
    decision = decide(Access(policy=Policy(tuple(chosen), Verdict.ALLOW)), subject())
    assert decision.verdict is max((rule.verdict for rule in chosen), key=list(Verdict).index)


@pytest.mark.parametrize("label", _RISKY)
def test_what_confirm_asks_for_can_be_chosen(label: Label) -> None:
    call = subject("POST /v1/order/cart", labels=frozenset({Label.WRITE, label}))
    others = frozenset(_RISKY) - {label}
    assert decide(Access("confirm", asks_for=frozenset({label})), call).verdict is _ASK
    assert decide(Access("confirm", asks_for=others), call).verdict is _ALLOW


# --- what a rule speaks of -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/v1/domain/zone/{zoneName}/record", True),
        ("/v1/domain/zone/*/record", True),
        ("/v1/domain/zone/example.com/record", True),
        ("/v1/domain/zone/*.com/record", True),
        ("/v1/domain/zone/exam*com/rec*", True),
        ("/v1/domain/**", True),
        ("/v1/**/record", True),
        ("/**", True),
        ("/*/domain/**/record/**", True),
        ("/v1/domain/zone/*/record/**", True),
        ("/v1/domain/zone/*", False),
        ("/v1/domain", False),
        ("/v1/domain/zone/*/record/*", False),
        ("/v1/domain/zone/{name}/record", False),
        ("/v1/domain/zone/{zoneName}", False),
        ("/v1/domain/zone/example.org/record", False),
        ("/v2/domain/**", False),
        ("/v1/domainx/**", False),
        ("/v1/**/zone", False),
    ],
)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_path_fits_by_template_or_value(path: str, fits: bool, verdict: Verdict) -> None:
    rule = Rule(verdict, 1, paths=(tuple(path[1:].split("/")),))
    assert matches(rule, subject(zoneName="example.com")) is fits


@pytest.mark.parametrize("value", ["EXAMPLE.com", "example.com.", "ｅxample.com", " example.com"])
def test_spellings_that_may_mean_the_same_are_denied_and_not_allowed(value: str) -> None:
    where = (("zoneName", ("example.com",)),)
    paths = (("v1", "domain", "zone", "example.com", "**"),)
    for verdict, fits in ((_DENY, True), (_ASK, True), (_ALLOW, False)):
        assert matches(Rule(verdict, 1, where=where), subject(zoneName=value)) is fits
        assert matches(Rule(verdict, 1, paths=paths), subject(zoneName=value)) is fits


def test_a_rule_that_allows_names_all_labels_and_one_that_denies_any() -> None:
    both = subject(labels=frozenset({Label.READ, Label.SECRETS}))
    for verdict, fits in ((_ALLOW, False), (_ASK, True), (_DENY, True)):
        assert matches(Rule(verdict, 1, labels=frozenset({"read"})), both) is fits
        assert matches(Rule(verdict, 1, labels=frozenset({"read", "secrets"})), both)
        assert not matches(Rule(verdict, 1, labels=frozenset({"spends"})), both)


@pytest.mark.parametrize(
    ("root", "fits"),
    [("domain", True), ("v1/domain", True), ("v2/domain", False), ("dom", False), ("domain/zone", False)],
)
def test_a_service_is_named_with_or_without_its_branch(root: str, fits: bool) -> None:
    assert matches(Rule(_ALLOW, 1, services=frozenset({root})), subject()) is fits


def test_a_root_selects_the_services_below_it() -> None:
    rule = Rule(_DENY, 1, services=frozenset({"dedicated"}))
    assert matches(rule, subject("GET /v1/dedicated/server", service="v1/dedicated/server"))


def test_all_that_a_rule_names_must_hold() -> None:
    full = Rule(
        _ALLOW,
        1,
        methods=frozenset({"GET"}),
        paths=(("v1", "**"),),
        labels=frozenset({"read"}),
        services=frozenset({"domain"}),
        accounts=frozenset({"default"}),
        where=(("zoneName", ("*.com",)),),
    )
    call = subject(zoneName="example.com")
    assert matches(full, call)
    for other in (
        replace(call, method=Method.PUT),
        replace(call, labels=frozenset({Label.WRITE})),
        replace(call, service="v1/vps"),
        replace(call, account="other"),
        subject(zoneName="example.org"),
        subject("GET /v1/domain/zone"),
    ):
        assert not matches(full, other)


def test_a_pattern_full_of_stars_takes_no_longer_than_its_length() -> None:
    rule = Rule(_DENY, 1, where=(("zoneName", ("*a" * 140 + "b",)),))
    assert not matches(rule, subject(zoneName="a" * 2_000))
    many = Rule(_DENY, 1, paths=(("**",) * 140 + ("x",),))
    assert not matches(many, subject())


def test_conditions_on_parameters_that_no_operation_has_are_found() -> None:
    rules = (Rule(_DENY, 3, where=(("zonename", ("x",)), ("zoneName", ("x",)))),)
    assert unknown_parameters(Policy(rules), ["/v1/domain/zone/{zoneName}"]) == [(3, "zonename")]


# --- files -----------------------------------------------------------------------------------------------

_WHOLE = """
# what the model may do
default = "ask"

[[allow]]
method = ["get", "POST"]
path = "/v1/domain/**"
labels = ["read", "write"]
service = "domain"
account = ["default", "other-1"]
where = { zoneName = ["example.com", "*.example.org"] }
why = "mine"

[[deny]]
labels = ["secrets"]
[[deny]]
path = ["/v1/vps/**", "/**/user"]

[[example]]
call = "GET /v1/domain/zone/example.com"
verdict = "allow"
access = "read-only"
"""


def test_a_file_with_everything_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(_WHOLE)
    policy, examples = load_policy(file)
    assert (policy.default, policy.name) == (Verdict.ASK, "mine.toml")
    allow, secrets, paths = policy.rules
    assert allow == Rule(
        Verdict.ALLOW,
        line=5,
        methods=frozenset({"GET", "POST"}),
        paths=(("v1", "domain", "**"),),
        labels=frozenset({"read", "write"}),
        services=frozenset({"domain"}),
        accounts=frozenset({"default", "other-1"}),
        where=(("zoneName", ("example.com", "*.example.org")),),
        why="mine",
    )
    assert (secrets.verdict, secrets.line, secrets.labels) == (_DENY, 14, frozenset({"secrets"}))
    assert (paths.line, paths.paths[1]) == (16, ("**", "user"))
    assert [(each.line, each.call, each.access) for each in examples] == [
        (19, "GET /v1/domain/zone/example.com", "read-only")
    ]


def test_an_empty_policy_denies_everything(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, "")
    assert decide(Access(policy=policy), subject()).verdict is _DENY


def test_lines_are_right_behind_text_that_only_looks_like_a_rule(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, '[[deny]]\nwhy = """\n[[deny]]\n"""\n\n[[deny]]\nmethod = "GET"\n')
    assert [rule.line for rule in policy.rules] == [1, 6]


@pytest.mark.promise("access.policy")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("default = allow", ["line 1", "no TOML"]),
        ('[[allow]]\nmethod = "GET"\n[[allow', ["line 3", "no TOML"]),
        ('default = "maybe"', ["line 1", "allow, ask, deny"]),
        ("default = 3", ["line 1", "text in quotes"]),
        ('\n[[alow]]\nmethod = "GET"', ["line 2", "did you mean allow?"]),
        ('[[allow]]\n\nmethode = "GET"', ["line 3", "did you mean method?"]),
        ('[[allow]]\nmethod = "PATCH"', ["line 2", '"PATCH"', "GET, POST, PUT, DELETE"]),
        ('[[allow]]\nmethod = "GET"\n[[ask]]\nlabels = ["destroy"]', ["line 4", "destroys"]),
        ("[[allow]]\nlabels = []", ["line 2", "labels is empty"]),
        ('[[allow]]\npath = "v1/vps"', ["line 2", "/v1"]),
        ('[[allow]]\npath = "/v3/vps"', ["line 2"]),
        ('[[allow]]\npath = "/v1//vps"', ["line 2"]),
        ('[[allow]]\npath = "/v1/vps**"', ["line 2", "stands alone"]),
        ('[[allow]]\npath = "/v1/vps?x=1"', ["line 2", "without query"]),
        ('[[deny]]\nwhere = { "zone name" = "x" }', ["line 2", "zone name"]),
        ('[[deny]]\nwhere = "example.com"', ["line 2", "zoneName"]),
        ("[[deny]]\nwhere = { zoneName = [] }", ["line 2", "empty"]),
        ("[[deny]]\nwhere = { zoneName = 3 }", ["line 2", "text in quotes"]),
        ('[[deny]]\nservice = "do*"', ["line 2", "no name"]),
        ('[deny]\nmethod = "GET"', ["line 1", "[[deny]]"]),
        ('deny = "GET"', ["line 1", "[[deny]]"]),
        ('[[example]]\nverdict = "deny"', ["line 1", "call"]),
        ('[[example]]\ncall = "GET /v1"\nverdict = "no"', ["line 3", "allow, ask, deny"]),
        ('[[example]]\ncall = "GET /v1"\nverdict = "deny"\naccess = "none"', ["line 4", "read-only"]),
        (f'[[deny]]\nwhy = "{"x" * 301}"', ["line 2", "300"]),
        ("\n" * limits.POLICY_BYTES + " ", ["262,144"]),
        ('[[deny]]\nmethod = "GET"\n' * (limits.POLICY_RULES + 1), ["501 rules"]),
        ("x = " + "[" * 20_000, ["policy.toml"]),
    ],
)
def test_a_policy_that_is_not_understood_is_none(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        policy_of(tmp_path, text)
    assert caught.value.code == "policy-invalid"
    assert all(word in caught.value.message for word in words), caught.value.message
    assert len(caught.value.message) < limits.MESSAGE_CHARS


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_policy_that_cannot_be_read_is_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"UTF-8|cannot be read"):
        load_policy(file)


# --- at the gate -----------------------------------------------------------------------------------------

_INSTANCE = "/v1/cloud/instance/{id}"


def gate_of(access: Access, recorder: Recorder) -> Gatekeeper:
    kill = replace(operation(f"DELETE {_INSTANCE}/port/{{port}}"), labels=frozenset({Label.DESTROYS}))
    end = replace(operation(f"DELETE {_INSTANCE}"), labels=frozenset({Label.WRITE}))
    read = replace(operation("GET /v1/me"), labels=frozenset({Label.READ}))
    change = replace(operation("PUT /v1/me", has_body=True), labels=frozenset({Label.WRITE}))
    return Gatekeeper(Operations([kill, end, read, change]), recorder.send, access=access)


@pytest.mark.promise("access.modes", "access.policy")
@pytest.mark.parametrize("person", ["nobody", "yes", "no"])
@pytest.mark.parametrize("mode", ACCESS_MODES)
async def test_every_label_mode_rule_and_client_is_sent_asked_for_or_denied(
    mode: AccessMode, person: str
) -> None:
    for method, labels, rule, default in product(Method, _LABELS, [None, *Verdict], [None, *Verdict]):
        if default is None and rule is not None:
            continue
        rules = () if rule is None else (Rule(rule, line=1),)
        access = Access(mode, policy=None if default is None else Policy(rules, default))
        recorder = Recorder()
        questions: list[Question] = []

        async def ask(question: Question, questions: list[Question] = questions) -> None:
            questions.append(question)
            if person == "no":
                raise DeniedError("no", labels=question.labels, by="person")

        gate = Gatekeeper(
            Operations([replace(operation(f"{method} /v1/x"), labels=labels)]), recorder.send, access=access
        )
        call: JsonObject = {"method": method.value, "path": "/v1/x"}
        verdict = expected(mode, method, labels, rule, default, secrets=False)
        is_asked = verdict is _ASK and person != "nobody"
        try:
            await gate.request(call, None, ask=None if person == "nobody" else ask)
            is_denied = False
        except DeniedError:
            is_denied = True
        case = (method, labels, rule, default)
        assert len(questions) == is_asked, case
        assert is_denied is not (verdict is _ALLOW or (is_asked and person == "yes")), case
        assert len(recorder.sent) == (not is_denied), case


@pytest.mark.promise("access.denied")
async def test_what_is_denied_is_not_sent_and_says_why_and_who_can_change_it(recorder: Recorder) -> None:
    gate = gate_of(Access("read-only"), recorder)
    with pytest.raises(DeniedError) as caught:
        await gate.request({"method": "PUT", "path": "/v1/me"}, b"{}")
    assert recorder.sent == []
    error = caught.value
    assert (error.code, error.by, error.labels) == ("denied", "mode", ("write",))
    assert "it is no GET and the access is read-only" in error.message
    assert "--access" in error.hint
    await gate.request({"method": "GET", "path": "/v1/me"}, None)
    assert len(recorder.sent) == 1


async def test_a_denial_comes_before_the_faults_of_a_request(recorder: Recorder) -> None:
    with pytest.raises(DeniedError):
        await gate_of(Access("read-only"), recorder).request({"method": "PUT", "path": "/v1/me"}, None)


async def test_what_nobody_can_be_asked_for_is_not_sent(recorder: Recorder) -> None:
    rule = Rule(Verdict.ASK, 4, methods=frozenset({"GET"}))
    gate = gate_of(Access(policy=Policy((rule,), Verdict.ALLOW, "mine.toml")), recorder)
    with pytest.raises(DeniedError, match=r"line 4 of mine.toml says ask; nobody could be asked") as caught:
        await gate.request({"method": "GET", "path": "/v1/me"}, None)
    assert caught.value.by == "nobody"
    assert "[[allow]]" in caught.value.hint
    assert recorder.sent == []


@pytest.mark.parametrize(
    "call",
    [
        {"path": "/v1/cloud/instance/x%2Fport%2Fy"},
        {"path": _INSTANCE, "params": {"id": "x/port/y"}},
        {"path": _INSTANCE, "params": {"id": "x%2Fport%2Fy"}},
        {"path": _INSTANCE, "params": {"id": "x%252Fport/y"}},
    ],
)
async def test_a_slash_in_a_value_leads_past_no_rule(recorder: Recorder, call: dict[str, object]) -> None:
    policy = Policy((Rule(Verdict.DENY, 9, labels=frozenset({"destroys"})),), Verdict.ALLOW)
    gate = gate_of(Access(policy=policy), recorder)
    with pytest.raises(DeniedError, match=r"may be read as DELETE /v1/cloud/instance/\{id\}/port/\{port\}"):
        await gate.request({"method": "DELETE", **call}, None)  # type: ignore[dict-item]  # JSON all the same
    assert recorder.sent == []
    await gate.request({"method": "DELETE", "path": _INSTANCE, "params": {"id": "x/y"}}, None)
    await gate_of(Access(), recorder).request({"method": "DELETE", **call}, None)  # type: ignore[dict-item]  # as above
    assert len(recorder.sent) == 2


async def test_a_path_with_too_many_readings_is_not_sent(recorder: Recorder) -> None:
    kill = replace(operation("DELETE /v1/a/{b}/{c}/{d}/{e}/{f}/{g}"), labels=frozenset({Label.READ}))
    gate = Gatekeeper(Operations([kill]), recorder.send, access=Access("read-only"))
    path = "/v1/a/" + "/".join(["x%2Fy"] * 6)
    with pytest.raises(DeniedError, match="too many ways"):
        await gate.request({"method": "DELETE", "path": path}, None)
