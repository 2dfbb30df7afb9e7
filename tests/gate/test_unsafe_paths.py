"""Paths that are refused, in every spelling, and those that look odd but are content."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import MESSAGE_CHARS, PATH_CHARS
from tests.gate.operations import Recorder, few_operations

DOTS = [".", "..", "%2e", "%2E", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", "%25252e.", "%c0%ae%c0%ae"]
DOTS += [
    "%u002e%u002e",
    "..;",
    "..;a=b",
    "..%3Ba",
    "%2e%2e%3b",
    "..%20",
    "%20..",
    "．．",
    "%EF%BC%8E.",
    "‥",
    "%20",
    ";a",
]
DOTS += [
    "..%2Fme",
    "a%2F..",
    "a%2F..%2Fb",
    "a%2f.%2fb",
    "%2e%2e%2f",
    "a%252F..%252Fb",
    "a%2F%2e%2e%2Fb",
    "..／a",
]
SIGNS = [
    "a?b",
    "a%3Fb",
    "a%3fb",
    "a%253Fb",
    "a#b",
    "a%23b",
    "a\\b",
    "a%5Cb",
    "a%5cb",
    "a%255Cb",
    "..\\",
    "..%5C",
]
CONTROLS = ["a\x00b", "a%00b", "a%2500b", "a\nb", "a%0ab", "a%0D%0Ab", "a\x7fb", "a%7F", "a\x85b", "a%C2%85b"]
CONTROLS += ["a\u2028b", "a\tb", "a\ud800b", "\udfff"]
SLASHES = ["", "a//b", "a/", "a%2F%2Fb", "%2Fa", "a%2F", "%2F", "a%252F%252Fb"]
ESCAPES = ["%", "a%", "a%2", "%zz", "%2g", "100%", "%ff", "%E9", "%" + "25" * 40 + "2e"]
OTHERS = ["${zone}", "%24%7Bzone}", "a" * PATH_CHARS, "é" * (PATH_CHARS // 4)]

VALUES = [".", "..", "%2e%2e", "%252e", "../me", "a/../b", "a/./b", "..\\", "a\\b", "a%5Cb", "a\x00", "a%00"]
VALUES += ["\r\n", "", "/", "/a", "a/", "a//b", "a%2F%2Fb", "..;x", "．．", "a\ud800", "a" * (PATH_CHARS + 1)]
VALUES += [" ", ";", "%" + "25" * 40 + "41"]

HUGE = pytest.param(10**5000, id="huge")

WHOLE_PATHS = [
    "",
    "/",
    "me",
    "v1/me",
    " /v1/me",
    "/v1/me ?",
    "/v1/me/",
    "/v1/",
    "//v1/me",
    "/v1//me",
    "\\v1\\me",
    "https://eu.api.ovh.com/v1/me",
    "HTTP://eu.api.ovh.com/v1/me",
    "http:/v1/me",
    "https:\\\\eu.api.ovh.com",
    "//eu.api.ovh.com/v1/me",
    "eu.api.ovh.com/v1/me",
    "file:///etc/passwd",
    "GET /v1/me",
    "/v1/../v1/me",
    "/v1/%2e%2e/v1/me",
    "/../v1/me",
    "/v1/me/..",
    "/v1/me/.",
    "/./v1/me",
]


@pytest.mark.promise("calls.unsafe-path")
@pytest.mark.anyio
@pytest.mark.parametrize("segment", DOTS + SIGNS + CONTROLS + SLASHES + ESCAPES + OTHERS)
async def test_an_unsafe_segment_is_refused_and_nothing_is_sent(
    gate: Gatekeeper, recorder: Recorder, segment: str
) -> None:
    for path in (f"/v1/domain/zone/{segment}/record", f"/v1/domain/{segment}", f"/v1/ip/{segment}"):
        with pytest.raises(RefusedError) as caught:
            await gate.request({"method": "GET", "path": path}, None)
        assert caught.value.code == "unsafe-path"
        assert len(caught.value.message) <= MESSAGE_CHARS
        caught.value.message.encode()
    assert recorder.sent == []


@pytest.mark.promise("calls.unsafe-path")
@pytest.mark.anyio
@pytest.mark.parametrize("path", WHOLE_PATHS)
async def test_an_unsafe_path_is_refused_and_nothing_is_sent(
    gate: Gatekeeper, recorder: Recorder, path: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await gate.request({"method": "GET", "path": path}, None)
    assert caught.value.code == "unsafe-path"
    assert recorder.sent == []


@pytest.mark.anyio
@pytest.mark.parametrize("value", VALUES)
async def test_an_unsafe_value_of_params_is_refused_and_nothing_is_sent(
    gate: Gatekeeper, recorder: Recorder, value: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await gate.request({"method": "GET", "path": "/v1/ip/{ip}", "params": {"ip": value}}, None)
    assert caught.value.code == "unsafe-path"
    assert recorder.sent == []


@pytest.mark.parametrize("value", [None, [], ["a"], {}, {"a": 1}, float("nan"), float("inf"), HUGE])
def test_a_value_of_params_that_is_no_scalar_is_refused(gate: Gatekeeper, value: JsonValue) -> None:
    with pytest.raises(RefusedError) as caught:
        gate.check({"method": "GET", "path": "/v1/ip/{ip}", "params": {"ip": value}})
    assert caught.value.code == "invalid-call"


@pytest.mark.promise("calls.encoded-slash")
@pytest.mark.parametrize(
    ("segment", "wire"),
    [
        ("203.0.113.0%2F24", "203.0.113.0%2F24"),
        ("203.0.113.0%2f24", "203.0.113.0%2f24"),
        ("2001:db8::1", "2001:db8::1"),
        ("urn:v1:eu:resource:vps:a", "urn:v1:eu:resource:vps:a"),
        ("a b", "a%20b"),
        ("a%20b", "a%20b"),
        ("a%41b", "a%41b"),
        ("caf\u00e9", "caf%C3%A9"),
        ("caf%c3%a9", "caf%c3%a9"),
        ('a"<>^`|b', "a%22%3C%3E%5E%60%7Cb"),
        ("a;b", "a%3Bb"),
        ("100%25", "100%25"),
        ("a%2Fb%2Fc", "a%2Fb%2Fc"),
        ("+33.123@x,y=z", "+33.123@x,y=z"),
        ("a..b", "a..b"),
        (".well-known", ".well-known"),
    ],
)
def test_content_of_a_segment_goes_over_the_wire_as_it_was_given(
    gate: Gatekeeper, segment: str, wire: str
) -> None:
    assert gate.check({"method": "GET", "path": f"/v1/ip/{segment}"}).target == f"/v1/ip/{wire}"


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("203.0.113.0/24", "203.0.113.0%2F24"),
        ("2001:db8::/64", "2001:db8::%2F64"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("\u65e5", "%E6%97%A5"),
        (12, "12"),
        (9007199254740993123, "9007199254740993123"),
        (True, "true"),
        (1.5, "1.5"),
    ],
)
def test_a_value_of_params_is_content_of_one_segment(gate: Gatekeeper, value: JsonValue, wire: str) -> None:
    request = gate.check({"method": "GET", "path": "/v1/ip/{ip}/firewall", "params": {"ip": value}})
    assert request.target == f"/v1/ip/{wire}/firewall"


ODD = [".", "..", "/", "%2F", "%2f", "%252F", "%2e", "%252e", "%25", "%", "\\", "%5c", ";", "?", "#", "%00"]
ODD += ["\x00", "．", "／", "é", "\ud800", " ", "%20", "+", "~", "@", "{ip}", "${"]
PLAIN = ["a", "zone", "record", "v1", "domain", "ip"]
FRAGMENTS = st.sampled_from(ODD + PLAIN)
TEXTS = st.lists(FRAGMENTS, max_size=8).map("".join) | st.text(max_size=12)


def fully_decoded(text: str) -> list[str]:
    readings = [text]
    while (further := unquote(readings[-1])) != readings[-1]:
        readings.append(further)
    return readings


@pytest.mark.promise("calls.unsafe-path")
@settings(deadline=None)
@given(value=TEXTS, place=st.sampled_from(["/v1/ip/{}", "/v1/ip/{}/firewall", "/v1/domain/zone/{}/record/1"]))
@example(value="..%2f", place="/v1/ip/{}")
@example(value="%252e%252e%252f", place="/v1/ip/{}")
def test_whatever_is_sent_has_no_way_out_of_its_template_however_often_it_is_decoded(
    value: str, place: str
) -> None:
    gate = Gatekeeper(few_operations(), Recorder().send)
    calls: list[JsonObject] = [
        {"path": place.format(value)},
        {"path": place.format("{x}"), "params": {"x": value}},
        {"path": value},
    ]
    for call in calls:
        try:
            request = gate.check({"method": "GET", **call})
        except RefusedError:
            continue
        target = request.target
        assert target.isascii()
        assert target.isprintable()
        assert not set("?#\\ ") & set(target)
        for reading in fully_decoded(target):
            parts = reading.split("/")[1:]
            assert not {"", ".", ".."} & {part.partition(";")[0].strip() for part in parts}
            assert "\\" not in reading
            assert not any(ord(c) < 32 or ord(c) == 127 for c in reading)
        if call["path"] != value:
            before, _, after = place.partition("{}")
            assert target.startswith(before)
            assert target.endswith(after)
            assert target.count("/") == place.count("/")


@settings(deadline=None)
@given(value=TEXTS)
def test_a_path_on_the_wire_is_its_own_normal_form(value: str) -> None:
    gate = Gatekeeper(few_operations(), Recorder().send)
    try:
        target = gate.check({"method": "GET", "path": f"/v1/ip/{value}"}).target
    except RefusedError:
        return
    assert gate.check({"method": "GET", "path": target}).target == target
