"""What a model gets to read: the script's own JSON where it fits, JSON that says what is missing elsewhere."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovh_api_mcp.limits import RESULT_BYTES
from ovh_api_mcp.sandbox.outcome import LogLine
from ovh_api_mcp.server.output import SMALLEST_BUDGET_CHARS, FittedText, fit_error, fit_result

MIB = 1024 * 1024
BUDGET = 32_000


def total(fitted: FittedText) -> int:
    return len(fitted.result) + len(fitted.logs) + len(fitted.notes)


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def cut(value: Any, budget_chars: int = BUDGET) -> Any:
    """Return what is left of a value that does not fit, parsed; the text is within the budget."""
    fitted = fit_result(dumped(value), budget_chars=budget_chars)
    assert fitted.is_cut
    assert total(fitted) <= budget_chars
    return json.loads(fitted.result)


# --- what fits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["null", "0", '""', "[]", "{}", ' {"a" : [1e5, 12345678901234567890, 1.0]}\n', '"é\\u00e9\\ud800"'],
)
def test_a_result_that_fits_is_given_as_it_is(text: str) -> None:
    assert fit_result(text.encode(), budget_chars=BUDGET) == FittedText(text, "", "", is_cut=False)


def test_the_budget_counts_characters_and_not_bytes() -> None:
    text = f'"{"日" * (BUDGET - 2)}"'
    assert fit_result(text.encode(), budget_chars=BUDGET).result == text
    assert fit_result(f'{text[:-1]}日"'.encode(), budget_chars=BUDGET).is_cut


# --- what is cut ------------------------------------------------------------------------------------


def test_a_long_list_keeps_its_first_items_whole_and_counts_the_others() -> None:
    items = [{"id": number, "target": "203.0.113.1", "text": "x" * 200} for number in range(500)]
    *shown, mark = cut(items)
    assert shown == items[: len(shown)]
    assert len(shown) > 100
    assert mark == {"…": f"cut: {500 - len(shown)} of 500 items not shown"}


def test_a_list_of_large_items_shows_several_of_them() -> None:
    *shown, _ = cut([{"id": number, "text": "x" * 50_000} for number in range(20)])
    assert [item["id"] for item in shown] == list(range(len(shown)))
    assert len(shown) >= 7
    assert all(re.search(r"x… \(\d\d,\d{3} more characters\)$", item["text"]) for item in shown)


def test_an_object_keeps_all_its_keys_and_small_values() -> None:
    left = cut(
        {"a": list(range(100_000)), "b": "x" * 100_000, "c": {"d": [[0] * 50_000] * 3}, "e": 1, "f": None}
    )
    assert list(left) == ["a", "b", "c", "e", "f"]
    assert (left["e"], left["f"]) == (1, None)
    assert left["a"][:100] == list(range(100))
    assert left["b"].startswith("xxx")
    assert len(left["c"]["d"]) == 3


def test_the_room_is_used() -> None:
    for value in (["x" * 100] * 10_000, {"a": ["y"] * 50_000, "b": ["z" * 999] * 50_000}, "s" * 10**6):
        fitted = fit_result(dumped(value), budget_chars=BUDGET)
        assert total(fitted) > BUDGET * 0.9


@pytest.mark.parametrize("character", ["a", "é", "日", "😀", '"', "\\", "\n", "\x01"])
def test_a_long_string_says_how_many_characters_are_missing(character: str) -> None:
    match = re.fullmatch(r"(.*)… \(([\d,]+) more characters\)", cut(character * 200_000), re.DOTALL)
    assert match is not None
    shown, count = match.groups()
    assert set(shown) == {character}
    assert len(shown) + int(count.replace(",", "")) == 200_000


def test_an_escaped_pair_of_surrogates_is_not_torn() -> None:
    for offset in range(12):
        text = b'"' + b"a" * offset + b"\\ud83d\\ude00" * 20_000 + b'"'
        shown = json.loads(fit_result(text, budget_chars=BUDGET).result)
        shown.encode()
        assert int(shown.split("(")[1].split()[0].replace(",", "")) + shown.count("😀") == 20_000


def test_big_integers_keep_their_digits() -> None:
    fitted = fit_result(b"[" + b"123456789012345678901234567890," * 5_000 + b"1]", budget_chars=BUDGET)
    assert fitted.result.startswith("[123456789012345678901234567890,")
    left = json.loads(fit_result(b'{"n":' + b"9" * 100_000 + b',"m":1}', budget_chars=BUDGET).result)
    assert re.fullmatch(r"9+… \([\d,]+ more digits\)", left["n"])
    assert left["m"] == 1


def test_an_object_with_very_many_keys_counts_them() -> None:
    left = cut({f"key{number}": number for number in range(20_000)})
    assert left.pop("…") == f"cut: {20_000 - len(left):,} of 20,000 keys not shown"
    assert left == {f"key{number}": number for number in range(len(left))}


def test_a_giant_key_does_not_hide_the_others() -> None:
    assert cut({"x" * 100_000: 1, "a": 2, "b": ["y" * 100_000]})["a"] == 2


def test_the_note_says_that_it_was_cut_and_what_to_do() -> None:
    fitted = fit_result(dumped("x" * 99_998), budget_chars=BUDGET, notes=["one note"])
    assert "was cut: its 100,000 bytes" in fitted.notes
    assert "return fewer fields, filter, or slice" in fitted.notes
    assert fitted.notes.endswith("\none note")


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "nested arrays": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "nested objects": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "zeros": lambda size: b"[" + b"0," * (size // 2 - 1) + b"0]",
    "empty lists": lambda size: b"[" + b"[]," * (size // 3 - 1) + b"0]",
    "small strings": lambda size: b"[" + b'"a",' * (size // 4 - 1) + b"0]",
    "small keys": lambda size: b"{" + b'"a":1,' * (size // 6 - 2) + b'"b":2}',
    "one string": lambda size: b'"' + b"a" * (size - 2) + b'"',
    "escapes": lambda size: b'"' + b"\\n" * (size // 2 - 1) + b'"',
    "half pairs": lambda size: b'"' + b"\\ud83d" * (size // 6 - 1) + b'"',
    "one number": lambda size: b"9" * size,
    "white space": lambda size: b"[" + b" " * (size - 3) + b"1]",
    "a string after white space": lambda size: b" " * (size // 2) + b'"' + b"a" * (size // 2 - 2) + b'"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_cutting_a_large_result_costs_little_memory(name: str) -> None:
    text = HOSTILE[name](MIB // 2)
    tracemalloc.start()
    try:
        fitted = fit_result(text, budget_chars=BUDGET)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fitted.is_cut
    assert total(fitted) <= BUDGET
    assert peak < 10 * MIB  # for the places of what may be shown
    json.loads(fitted.result)
    fitted.result.encode()


@pytest.mark.parametrize("name", ["nested arrays", "zeros", "one string", "escapes"])
def test_the_largest_result_is_cut_like_any_other(name: str) -> None:
    fitted = fit_result(HOSTILE[name](RESULT_BYTES), budget_chars=BUDGET)
    assert fitted.is_cut
    assert total(fitted) <= BUDGET
    json.loads(fitted.result)


def test_counting_ends_somewhere_and_says_so() -> None:
    *_, mark = json.loads(fit_result(HOSTILE["zeros"](RESULT_BYTES), budget_chars=BUDGET).result)
    assert re.fullmatch(r"cut: at least [\d,]+ of [\d,]+ items not shown", mark["…"])


NO_JSON = [b"", b'"' + b'\\"' * MIB, b"[1 2" * 50_000, b"]" * 200_000, b"\xff" * 200_000, b'{"a":' * 50_000]
NO_JSON += [b'["' + b"\xed\xa0\x80" * 50_000 + b'"]', b"[" + b"\x00" * 200_000 + b"]", b"{,,,,}" * 40_000]
NO_JSON += [b"\\" * 200_000, b'["a' * 50_000, b"{" + b'"a" "b",' * 50_000 + b"}", b"[" + b"1]" * 100_000]


@pytest.mark.parametrize("text", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_json_at_all_still_gives_a_bounded_answer(text: bytes) -> None:
    fitted = fit_result(text, budget_chars=BUDGET)
    assert total(fitted) <= BUDGET
    fitted.result.encode()
    if fitted.is_cut:
        json.loads(fitted.result)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
LONG = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).map(lambda text: text * 300)
SMALL = st.recursive(
    SCALARS | LONG,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=10,
)
VALUES = (
    SMALL
    | st.tuples(SMALL, st.integers(1, 200)).map(lambda pair: [pair[0]] * pair[1])
    | st.tuples(SMALL, st.integers(1, 90)).map(lambda pair: {f"k{i}": pair[0] for i in range(pair[1])})
    | st.tuples(SMALL, st.integers(1, 20)).map(lambda pair: {"a": [{"b": pair[0]}] * pair[1], "c": pair[0]})
)
LOGS = st.lists(
    st.builds(LogLine, st.sampled_from(["log", "warn", "error"]), st.text(max_size=200)), max_size=30
)
BUDGETS = st.integers(SMALLEST_BUDGET_CHARS, 4 * SMALLEST_BUDGET_CHARS)


@pytest.mark.promise("limits.result")
@settings(deadline=None)
@given(VALUES, BUDGETS, st.booleans(), st.booleans())
def test_any_json_within_any_budget_is_json_within_the_budget(
    value: Any, budget: int, ascii_only: bool, spaced: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None)
    fitted = fit_result(text.encode(errors="replace"), budget_chars=budget)
    assert total(fitted) <= budget
    assert fitted.is_cut == (len(text) > budget)
    if fitted.is_cut:
        left = json.loads(fitted.result)
        assert "…" in fitted.result or left == value  # white space alone may have been too much
        assert type(left) is type(value) or isinstance(value, int | float)
        assert "not readable" not in fitted.result
    else:
        assert fitted.result == text.encode(errors="replace").decode()


@pytest.mark.promise("limits.result")
@settings(deadline=None)
@given(VALUES, BUDGETS, LOGS, st.integers(0, 5), st.lists(st.text(max_size=300), max_size=8))
def test_result_logs_and_notes_share_the_budget(
    value: Any, budget: int, logs: list[LogLine], dropped: int, notes: list[str]
) -> None:
    text = json.dumps(value)
    fitted = fit_result(text.encode(), budget_chars=budget, logs=logs, logs_dropped=dropped, notes=notes)
    assert total(fitted) <= budget
    json.loads(fitted.result)
    for shown in (fitted.result, fitted.logs, fitted.notes):
        shown.encode()
    failed = fit_error(text, budget_chars=budget, logs=logs, logs_dropped=dropped, notes=notes)
    assert total(failed) <= budget


# --- console output, notes, errors ------------------------------------------------------------------


def test_console_lines_come_back_with_their_level() -> None:
    logs = [LogLine("log", "one"), LogLine("warn", "two\nlines")]
    fitted = fit_result(b"1", budget_chars=BUDGET, logs=logs, logs_dropped=3, notes=["NaN became null"])
    assert fitted.result == "1"
    assert fitted.logs == "[log] one\n[warn] two\n  lines\n… (3 more console calls were not kept)"
    assert fitted.notes == "NaN became null"


def test_logs_may_use_what_a_small_result_leaves() -> None:
    logs = [LogLine("log", "x" * 100)] * 200
    fitted = fit_result(b"1", budget_chars=BUDGET, logs=logs)
    assert fitted.logs.count("\n") == 199


def test_logs_beside_a_large_result_keep_their_first_and_last_lines() -> None:
    logs = [LogLine("log", f"line {number}") for number in range(2_000)]
    fitted = fit_result(dumped("x" * 100_000), budget_chars=BUDGET, logs=logs)
    assert len(fitted.logs) <= BUDGET // 4
    lines = fitted.logs.splitlines()
    assert (lines[0], lines[-1]) == ("[log] line 0", "[log] line 1999")
    marks = [line for line in lines if "left out" in line]
    assert marks == [f"… ({2_001 - len(lines):,} lines left out) …"]


def test_a_giant_console_line_is_cut_and_the_others_stay() -> None:
    logs = [LogLine("log", "first"), LogLine("log", "x" * 200_000), LogLine("error", "last")]
    lines = fit_result(b"1", budget_chars=BUDGET, logs=logs).logs.splitlines()
    assert (lines[0], lines[-1]) == ("[log] first", "[error] last")
    assert re.search(r"x… \([\d,]+ more characters\)$", lines[1])


def test_console_output_cannot_drive_a_terminal_and_can_be_encoded() -> None:
    fitted = fit_result(b"1", budget_chars=BUDGET, logs=[LogLine("log", "\x1b[2J\x9b\ud800\tok")])
    assert fitted.logs == "[log] \ufffd[2J\ufffd\ufffd\tok"


def test_many_notes_are_cut_and_counted() -> None:
    fitted = fit_result(b"1", budget_chars=SMALLEST_BUDGET_CHARS, notes=["n" * 30] * 50)
    assert re.search(r"… \(\d+ more notes\)$", fitted.notes)


def test_a_long_error_keeps_its_beginning() -> None:
    fitted = fit_error("TypeError: " + "x" * 100_000, budget_chars=BUDGET, logs=[LogLine("log", "before")])
    assert fitted.result.startswith("TypeError: xxx")
    assert fitted.result.endswith(" more characters)")
    assert fitted.logs == "[log] before"
    assert fitted.is_cut


def test_a_budget_too_small_to_say_anything_is_raised() -> None:
    assert 0 < total(fit_result(dumped("x" * 5_000), budget_chars=1)) <= SMALLEST_BUDGET_CHARS
