"""Single values of an ovh.conf are changed, and nothing else: as configparser reads it, byte for byte."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.ovh.conf_edit import with_values, without_keys
from ovh_api_mcp.ovh.conf_store import ConfStore

_KEYS = ("endpoint", "application_key", "Consumer_Key", "other key")
_SECTIONS = ("default", "ovh-eu", "https://x.example/")
_NEW = {"application_key": "new-a", "consumer_key": "new%c"}


@st.composite
def files(draw: st.DrawFn) -> str:
    """Draw a file that configparser takes, with all that people put into one."""
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    asides = st.lists(st.sampled_from(["", "  ", "; remark", "# [no] section", "  # deep"]), max_size=2)
    lines: list[str] = draw(asides)
    for section in draw(st.permutations(_SECTIONS))[: draw(st.integers(0, 3))]:
        lines.append(f"[{section}]" + draw(st.sampled_from(["", "  ", " ; said"])))
        for key in draw(st.permutations(_KEYS))[: draw(st.integers(0, 4))]:
            lines += draw(asides)
            lines.append(
                key
                + draw(st.sampled_from(["=", " = ", ":", " :\t"]))
                + draw(st.sampled_from(["", "a", "b=c ", "é [x]"]))
            )
            if draw(st.booleans()):
                lines += ["  more = of it", *draw(asides), "\tand [more]"][: draw(st.integers(1, 4))]
        lines += draw(asides)
    text = ending.join(lines)
    return draw(st.sampled_from(["", "\ufeff"])) + text + draw(st.sampled_from(["", ending]))


def read(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read_string(text.removeprefix("\ufeff"))
    return {section: dict(parser.items(section)) for section in parser.sections()}


@given(files(), st.sampled_from(["ovh-eu", "https://x.example/", "new"]))
def test_only_the_values_that_are_put_change(text: str, section: str) -> None:
    after = with_values(text, section, _NEW)
    before = read(text)
    assert read(after) == {**before, section: {**before.get(section, {}), **_NEW}}
    assert with_values(after, section, _NEW) == after
    if section not in before:
        assert after.startswith(text)


@given(files(), st.sampled_from(_SECTIONS))
def test_only_the_values_that_are_taken_out_go(text: str, section: str) -> None:
    after = without_keys(text, section, ("application_key", "consumer_key"))
    expected = read(text)
    for key in ("application_key", "consumer_key"):
        expected.get(section, {}).pop(key, None)
    assert {s: {k: v.split() for k, v in values.items()} for s, values in read(after).items()} == {
        s: {k: v.split() for k, v in values.items()} for s, values in expected.items()
    }
    lines = iter(text.split("\n"))
    assert all(line in lines for line in after.removesuffix("\n").split("\n"))


@given(files(), st.sampled_from(["ovh-eu", "https://x.example/"]))
def test_what_is_put_and_taken_out_again_leaves_no_other_trace_than_a_section(
    text: str, section: str
) -> None:
    fresh = {"fresh_one": "1", "fresh_two": "2"}
    after = without_keys(with_values(text, section, fresh), section, fresh)
    if section in read(text):
        assert after.removesuffix("\n").removesuffix("\r") == text.removesuffix("\n").removesuffix("\r")
    else:
        assert after.startswith(text)


@pytest.mark.parametrize(
    "content", [b"\xff[x]\n", b"no section\n", b"[a]\nx=1\nx=2\n", b"[" + b"a" * 1_100_000]
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ovh.conf"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        ConfStore(file).put("ovh-eu", {"consumer_key": "x"})
    assert caught.value.code == "config-file-invalid"
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_in_a_directory_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(SettingsError) as caught:
        ConfStore(tmp_path / "ovh.conf").put("ovh-eu", {"consumer_key": "x"})
    assert caught.value.code == "config-file-unsafe"


def test_a_link_to_nowhere_is_followed_to_where_the_file_will_be(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    ConfStore(link).put("ovh-eu", {"consumer_key": "x"})
    assert (tmp_path / "real").read_text() == "[ovh-eu]\nconsumer_key=x\n"
    assert link.is_symlink()


def test_a_device_is_no_file_to_keep_keys_in() -> None:
    with pytest.raises(SettingsError) as caught:
        ConfStore(Path("/dev/null")).put("ovh-eu", {"consumer_key": "x"})
    assert caught.value.code == "config-file-unsafe"
