"""What a compromised child could send: the run fails cleanly, and within its bounds."""

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.conversation import Conversation
from ovh_api_mcp.sandbox.cores import Cores
from ovh_api_mcp.sandbox.frames import FrameType
from ovh_api_mcp.sandbox.outcome import AnswerCall, CallAnswer, Outcome, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.outstanding_calls import Turns
from ovh_api_mcp.sandbox.script import parse_script
from ovh_api_mcp.sandbox.zygote_process import Child, Exit
from tests.sandbox.conftest import echo

pytestmark = pytest.mark.anyio


async def talk_with(data: bytes, *, close: bool = True, answer: AnswerCall = echo) -> Outcome:
    """Run a conversation with a child that sends `data`, whatever it is told, and reads nothing.

    Nothing of it is left afterwards: no task, no core and no turn that is not given back.
    """
    others = asyncio.all_tasks()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
    exited.set_result(Exit(9, 0))
    child = Child(1, ours, exited, None)  # type: ignore[arg-type]
    script = parse_script("() => 1", limit_bytes=100)

    async def send() -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(
                theirs, frames.encode_json(FrameType.STARTED, {}) + data
            )
        except OSError:
            return
        if close:
            theirs.close()

    sending = asyncio.create_task(send())
    turns, core = Turns.of_one_server(), Cores(1).share("")
    await core.begin()
    try:
        outcome = await Conversation(
            child,
            script,
            answer,
            ScriptLimits(0.2),
            client="",
            core=core,
            turns=turns,
            end_child=ours.close,
            take_over=lambda write: None,
        ).run()
    finally:
        sending.cancel()
        ours.close()
        theirs.close()
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - others:
            await asyncio.sleep(0.001)
    assert not core.is_held
    assert not turns.calls.held_by("")
    assert not turns.lookups.held_by("")
    return outcome


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_end_in_a_failure(data: bytes) -> None:
    outcome = asyncio.run(talk_with(data))
    assert outcome.failure is not None


_json_frame = st.tuples(
    st.sampled_from(sorted(frames.FROM_CHILD)).map(FrameType),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"{}",
                b"{}\n",
                b'{"notes":[]}\n1',
                b'{"notes":[]}\nnot json',
                b'{"notes":1}\n1',
                b'{"id":1}\n{}',
                b'{"id":1}\n{"method":"POST","body":[1,2]}',
                b'{"id":1}\n{"method":"POST","body":[1,}',
                b'{"id":1}\n{"body":"\xff"}',
                b'{"id":' + b"9" * 30 + b"}\n{}",
                b'{"replies":0}',
                b'{"replies":1}',
                b'{"replies":-1}',
                b'{"replies":"none"}',
                b'{"id":"x"}\n{}',
                b'{"id":1}\n[]',
                b'{"id":1,"kind":"request"}\n{}',
                b'{"id":1,"kind":"find"}\n{"words":[]}',
                b'{"id":1,"kind":"describe"}\n7',
                b'{"lines":[["log","x"]],"dropped":0}',
                b'{"lines":[["shout","x"]],"dropped":0}',
                b'{"lines":[["log",1]],"dropped":-1}',
                b'{"kind":"threw","name":"E","message":"m","line":1,"column":1,"fields":null,"notes":[]}',
                b'{"kind":"promoted","line":1,"column":1}',
                b'{"kind":"threw","line":1e99,"column":1}',
            ]
        ),
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_json_frame, max_size=6))
def test_any_sequence_of_frames_ends_in_a_result_or_a_failure(sent: list[tuple[FrameType, bytes]]) -> None:
    data = b"".join(frames.encode(frame_type, payload) for frame_type, payload in sent)
    outcome = asyncio.run(talk_with(data))
    assert (outcome.failure is None) == (outcome.result is not None)


async def test_a_child_that_says_nothing_meets_the_deadline() -> None:
    outcome = await talk_with(b"", close=False)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"


async def test_a_child_that_calls_without_end_is_cut_off() -> None:
    call = frames.encode_json(FrameType.CALL, {"id": 1, "kind": "request"}, b'{"path":"/v1/me"}')
    outcome = await talk_with(call * (limits.CALLS_IN_FLIGHT_PER_SCRIPT + 2))
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"


async def test_a_child_that_reads_no_replies_meets_the_deadline() -> None:
    async def answer(call: ScriptCall) -> CallAnswer:
        return CallAnswer(is_ok=True, json=b'"' + b"x" * limits.MIB + b'"')

    call = frames.encode_json(FrameType.CALL, {"id": 1, "kind": "request"}, b'{"path":"/v1/me"}')
    outcome = await talk_with(call * limits.CALLS_IN_FLIGHT_PER_SCRIPT, close=False, answer=answer)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"


async def test_a_child_that_lies_about_waiting_meets_the_deadline() -> None:
    waiting = frames.encode_json(FrameType.WAITING, {"replies": 0})
    outcome = await talk_with(waiting, close=False)
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"


@pytest.mark.parametrize(
    "frame",
    [
        frames.encode_json(FrameType.WAITING, {"replies": 0}),
        frames.encode_json(FrameType.LOGS, {"lines": [["log", ""]], "dropped": 0}),
        frames.encode_json(FrameType.LOGS, {"lines": [], "dropped": 0}),
    ],
    ids=["waiting", "empty lines", "no lines"],
)
async def test_a_child_that_never_stops_sending_keeps_nobody_from_their_turn(frame: bytes) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(others())
    try:
        outcome = await talk_with(frame * 200_000, close=False)
    finally:
        working.cancel()
    assert outcome.failure is not None
    assert outcome.failure.kind in {"timeout", "crashed"}
    assert turns > 10


async def test_answers_that_a_child_does_not_read_do_not_pile_up() -> None:
    answered = 0

    async def answer(call: ScriptCall) -> CallAnswer:
        nonlocal answered
        answered += 1
        return CallAnswer(is_ok=True, json=b'"' + b"x" * limits.MIB + b'"')

    call = frames.encode_json(FrameType.CALL, {"id": 1, "kind": "request"}, b'{"path":"/v1/me"}')
    outcome = await talk_with(call * 100, close=False, answer=answer)
    assert outcome.failure is not None
    assert answered <= limits.CALLS_IN_FLIGHT_PER_SCRIPT + 1


async def test_a_child_that_looks_up_without_end_is_cut_off() -> None:
    lookup = frames.encode_json(FrameType.CALL, {"id": 1, "kind": "find"}, b'{"words":"a"}')
    outcome = await talk_with(lookup * (limits.LOOKUPS_IN_FLIGHT_PER_SCRIPT + 2))
    assert outcome.failure is not None
    assert "more lookups than a script may make" in outcome.failure.message


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ({"id": 1}, b'{"words":"a"}', "no known kind"),
        ({"id": 1, "kind": "resolve"}, b'{"words":"a"}', "no known kind"),
        ({"id": 1, "kind": ["find"]}, b'{"words":"a"}', "no known kind"),
        ({"id": 1, "kind": None}, b'{"words":"a"}', "no known kind"),
        ({"id": "1", "kind": "find"}, b'{"words":"a"}', "without an id"),
        ({"id": 1, "kind": "find"}, b'["a"]', "no JSON object"),
        ({"id": 1, "kind": "find"}, b'{"words":NaN}', "no JSON object"),
        ({"id": 1, "kind": "find"}, b'{"words":"\\ud800"}', "no JSON object"),
        ({"id": 1, "kind": "find"}, b'{"words":"\xff"}', "no JSON object"),
        (
            {"id": 1, "kind": "describe"},
            b'{"operations":' + b"[" * 5000 + b"]" * 5000 + b"}",
            "no JSON object",
        ),
        ({"id": 1, "kind": "find"}, b'{"words":"' + b"x" * limits.LOOKUP_BYTES * 2 + b'"}', "larger than"),
    ],
)
async def test_a_lookup_of_no_known_form_ends_the_conversation(
    head: dict[str, object], body: bytes, words: str
) -> None:
    outcome = await talk_with(frames.encode_json(FrameType.CALL, head, body))
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"
    assert words in outcome.failure.message


async def test_a_child_that_prints_without_end_is_cut_off() -> None:
    lines = frames.encode(FrameType.LOGS, b'{"lines":[["log","%s"]],"dropped":0}' % (b"x" * 60_000))
    outcome = await talk_with(lines * 6)
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"
    assert sum(len(line.text) for line in outcome.logs) <= limits.LOGS_BYTES
