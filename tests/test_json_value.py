import pytest

from ovh_api_mcp.json_value import is_json


@pytest.mark.parametrize(
    "text",
    [
        b"0",
        b"null",
        b'""',
        b" [1, 2] ",
        b'{"a": {}}',
        b"123456789012345678901234567890",
        "é".join('""').encode(),
    ],
)
def test_one_json_value_is_json(text: bytes) -> None:
    assert is_json(text)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"1 2", b"<html>", b"{'a': 1}", b'"\xff"', b"NaN", b"\xef\xbb\xbf1"]
)
def test_anything_else_is_not_json(text: bytes) -> None:
    assert not is_json(text)


def test_a_value_too_deep_to_read_is_not_json() -> None:
    assert not is_json(b"[" * 100_000 + b"]" * 100_000)
