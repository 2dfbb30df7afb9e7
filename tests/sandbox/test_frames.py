"""Framing: any cut of the stream gives the same frames, and no byte string does harm."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.sandbox import frames
from ovh_api_mcp.sandbox.frames import FrameError, FrameReader, FrameType

_FROM_CHILD = sorted(frames.FROM_CHILD)
_frame = st.tuples(st.sampled_from(_FROM_CHILD).map(FrameType), st.binary(max_size=16))


@given(st.lists(_frame, max_size=8), st.lists(st.integers(1, 20), max_size=40))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[tuple[FrameType, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(frames.encode(frame_type, payload) for frame_type, payload in sent)
    reader = FrameReader(frames.FROM_CHILD)
    received: list[tuple[FrameType, bytes]] = []
    for cut in cuts:
        received += reader.feed(stream[:cut])
        stream = stream[cut:]
    received += reader.feed(stream)
    assert received == sent


@given(st.binary(max_size=200))
def test_random_bytes_are_frames_or_a_frame_error(data: bytes) -> None:
    reader = FrameReader(frames.FROM_CHILD)
    try:
        for frame_type, payload in reader.feed(data):
            assert len(payload) <= frames.FROM_CHILD[frame_type]
    except FrameError:
        pass


@pytest.mark.parametrize("frame_type", [FrameType.RUN, FrameType.SPAWN, FrameType.LOADED])
def test_a_child_cannot_speak_for_others(frame_type: FrameType) -> None:
    with pytest.raises(FrameError):
        list(FrameReader(frames.FROM_CHILD).feed(frames.encode(frame_type)))


@pytest.mark.parametrize("frame_type", _FROM_CHILD)
def test_a_frame_that_is_too_long_is_refused_before_it_is_buffered(frame_type: int) -> None:
    head = bytes([frame_type]) + (frames.FROM_CHILD[frame_type] + 1).to_bytes(4, "big")
    with pytest.raises(FrameError):
        list(FrameReader(frames.FROM_CHILD).feed(head))


@given(st.binary(max_size=100))
def test_a_payload_is_an_object_or_a_frame_error(payload: bytes) -> None:
    for parse in (frames.decode_json, frames.split_json):
        with contextlib.suppress(FrameError):
            parse(payload)


def test_a_payload_nested_without_end_is_a_frame_error() -> None:
    with pytest.raises(FrameError):
        frames.decode_json(b'{"a":' + b"[" * 100_000)
