"""Fits what a script returned, its console output and the notes about it to the budget of a result.

Invariants: the three texts together never exceed the budget; a result that fits is given as it is,
byte for byte; one that does not is still JSON and says where something was left out, in elements
`{"…": "cut: 480 of 500 items not shown"}` and strings that end in "… (12,345 more characters)".

A result may be 16 MiB of any JSON, so it is never parsed into objects. One pass over its tokens
keeps the places of the first entries of each container, down to a depth, and the counts of the
rest; memory is bounded by the budget, time by `limits.RESULT_SIGNS` (about a second, of which the
regular expression takes half: call it in a thread when the result is large). Then the room is
divided from the top down, so that the shape of the whole survives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.sandbox.outcome import LogLine

# Below it the marks would not leave room for a result.
SMALLEST_BUDGET_CHARS: Final = limits.RESULT_TOKENS_MIN * limits.CHARS_PER_TOKEN

_LOGS_SHARE: Final = 4  # logs take a quarter at most, unless the result leaves more
_NOTES_SHARE: Final = 8
_SMALLEST: Final = 48  # characters in which any value can be shown
_MARK: Final = 64  # characters for saying how much of a container is missing
_MARK_IN_TEXT: Final = len("… (16,777,216 more characters)")
_PIECE_BYTES: Final = 65_536
_LONGEST_CHARACTER: Final = len("\\ud83d\\ude00")  # bytes of one character in a JSON string
_LIST_SHARE: Final = 8  # a list shows at least this many items before it shows them in full
_WIDE: Final = 40  # an object with more keys is taken for a list

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.?+[^"\\]*+)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_COLON: Final = re.compile(rb"\s*:\s*")
_SPACE: Final = b" \t\r\n"
_SPACES: Final = re.compile(rb"[ \t\r\n]*+")
_HALF_PAIR: Final = re.compile("[\ud800-\udbff]\\Z")
# Terminals act on control characters, and half a surrogate pair cannot be encoded.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_QUOTE, _COMMA, _OBJECT = b'",{'
_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"
_OPEN_SIZE: Final = 1 << 40  # of a value whose end is not known


@dataclass(frozen=True, slots=True)
class FittedText:
    """What the model gets: the result (JSON) or the error, console output, notes; "" for none."""

    result: str
    logs: str
    notes: str
    is_cut: bool


def fit_result(
    result_json: bytes,
    *,
    budget_chars: int,
    reserved_chars: int = 0,
    logs: Sequence[LogLine] = (),
    logs_dropped: int = 0,
    notes: Sequence[str] = (),
) -> FittedText:
    """Return a result with its logs and notes within `budget_chars` (at least SMALLEST_BUDGET_CHARS).

    `reserved_chars` of it, at most half, are left to the caller.
    """
    budget = max(budget_chars, SMALLEST_BUDGET_CHARS) - reserved_chars
    text = _decode_if_short(result_json, budget)
    return _fit(text, result_json, budget, _Surroundings(logs, logs_dropped, notes))


def fit_error(
    text: str,
    *,
    budget_chars: int,
    reserved_chars: int = 0,
    logs: Sequence[LogLine] = (),
    logs_dropped: int = 0,
    notes: Sequence[str] = (),
) -> FittedText:
    """Return the text of an error with logs and notes likewise, the end of it cut first."""
    budget = max(budget_chars, SMALLEST_BUDGET_CHARS) - reserved_chars
    return _fit(_printable(text), None, budget, _Surroundings(logs, logs_dropped, notes))


@dataclass(frozen=True, slots=True)
class _Surroundings:
    logs: Sequence[LogLine]
    logs_dropped: int
    notes: Sequence[str]


def _fit(text: str | None, result_json: bytes | None, budget: int, around: _Surroundings) -> FittedText:
    notes = _fit_notes(around.notes, budget // _NOTES_SHARE)
    left_over = budget - len(notes) - (budget if text is None else len(text))
    logs = _fit_logs(around.logs, around.logs_dropped, max(budget // _LOGS_SHARE, left_over))
    room = budget - len(notes) - len(logs)
    if text is not None and len(text) <= room:
        return FittedText(text, logs, notes, is_cut=False)
    if result_json is None:
        return FittedText(_cut_text(text or "", room), logs, notes, is_cut=True)
    advice = (
        f"The result was cut: its {len(result_json):,} bytes are more than the {room:,} characters there is "
        "room for. What is left out is marked with …; return fewer fields, filter, or slice the list."
    )
    notes = f"{advice}\n{notes}" if notes else advice
    return FittedText(_shrink(result_json, room - len(advice) - 1), logs, notes, is_cut=True)


def _decode_if_short(result_json: bytes, budget: int) -> str | None:
    """Return the text, or None where it is longer than `budget` characters."""
    if len(result_json) > 4 * budget:
        return None
    text = result_json.decode(errors="replace")
    return text if len(text) <= budget else None


# --- where the entries of a JSON text are ----------------------------------------------------------


@dataclass(slots=True)
class _Value:
    """One value at data[start:end]; as a member of an object it begins with its key at `entry_start`.

    `entries` are the first of a container's `count` entries, None where they were not looked at.
    `is_open` where the end was not found: such a value is longer than any room.
    """

    entry_start: int
    start: int
    end: int
    entries: list[_Value] | None = None
    count: int = 0
    is_open: bool = False


@dataclass(slots=True)
class _Open:
    """A container while it is read: what is known of its present entry, how many entries it may keep."""

    value: _Value
    entries: list[_Value]
    quota: int
    is_object: bool
    entry_start: int
    key_end: int = 0
    child: _Value | None = None


class _Scanner:
    """Finds the first entries of each container in one pass."""

    def __init__(self, data: bytes, room: int) -> None:
        places = max(min(room, limits.RESULT_PLACES) // 2, 1)
        self._data = data
        # Entries that may still be kept, by depth.
        self._left = [4 * places] + [places] * (limits.RESULT_DEPTH - 1)
        self._stack: list[_Open] = []
        self._skipped = 0  # containers open inside one that is not looked at
        start = self._skip_space(0)
        self._root = _Value(start, start, len(data.rstrip(_SPACE)))

    def scan(self) -> _Value:
        """Return the whole text as a value; never raises, whatever the bytes."""
        for match in islice(_TOKEN.finditer(self._data), limits.RESULT_SIGNS):
            self._read(self._data[match.start()], match)
            if not self._stack and self._root.entries is not None:
                return self._root
        while self._stack:
            self._leave_open()
        return self._root

    def _read(self, sign: int, match: re.Match[bytes]) -> None:
        if sign in _OPENING:
            if self._skipped or not self._open(match.start(), is_object=sign == _OBJECT):
                self._skipped += 1
        elif self._skipped:
            self._skipped -= sign in _CLOSING
        elif self._stack:
            top = self._stack[-1]
            if sign == _COMMA:
                self._end_entry(top, match.start())
            elif sign in _CLOSING:
                self._close(top, match.end())
            elif top.is_object and not top.key_end:
                top.key_end = match.end()

    def _open(self, start: int, *, is_object: bool) -> bool:
        """Begin a container; False where its entries are not to be looked at."""
        depth = len(self._stack)
        if depth == limits.RESULT_DEPTH or (
            self._stack and len(self._stack[-1].entries) >= self._stack[-1].quota
        ):
            return False
        entries: list[_Value] = []
        value = _Value(start, start, len(self._data), entries, is_open=True)
        if self._stack:
            self._stack[-1].child = value
        else:
            self._root = value
        # A quarter of what is left, so that the first containers leave places to the later ones.
        quota = -(-self._left[depth] // 4)
        self._stack.append(_Open(value, entries, quota, is_object, start + 1))
        return True

    def _end_entry(self, top: _Open, end: int) -> None:
        top.value.count += 1
        if len(top.entries) < top.quota:
            top.entries.append(self._entry(top, end))
            self._left[len(self._stack) - 1] -= 1
        top.entry_start, top.key_end, top.child = end + 1, 0, None

    def _entry(self, top: _Open, end: int) -> _Value:
        start = value_start = self._skip_space(top.entry_start)
        if top.key_end:
            colon = _COLON.match(self._data, top.key_end)
            value_start = colon.end() if colon else top.key_end
        if top.child:
            top.child.entry_start = start
            return top.child
        return _Value(start, value_start, value_start + len(self._data[value_start:end].rstrip(_SPACE)))

    def _close(self, top: _Open, end: int) -> None:
        if top.value.count or self._skip_space(top.entry_start) < end - 1:
            self._end_entry(top, end - 1)
        top.value.end, top.value.is_open = end, False
        self._stack.pop()

    def _leave_open(self) -> None:
        """End the innermost container where the reading stopped; an unfinished scalar does not count."""
        top = self._stack.pop()
        if self._stack:
            parent = self._stack[-1]
            parent.value.count += 1
            parent.entries.append(top.value)
            top.value.entry_start = self._skip_space(parent.entry_start)

    def _skip_space(self, position: int) -> int:
        spaces = _SPACES.match(self._data, position)
        return spaces.end() if spaces else position


# --- dividing the room -------------------------------------------------------------------------------


def _shrink(data: bytes, room: int) -> str:
    """Return JSON of at most `room` characters that shows as much as possible of the JSON in `data`."""
    text = _Cutter(data).cut(_Scanner(data, room).scan(), room)
    if _is_json(text):
        return text
    beginning = data[: room // 8].decode(errors="replace")  # at most six characters each once escaped
    return json.dumps({"…": "cut: not readable as JSON", "beginning": beginning}, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str)
    except RecursionError:
        return True  # deeper than Python reads, but taken over as it was
    except ValueError:
        return False
    return True


class _Cutter:
    """Writes values of one JSON text into a given room."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def cut(self, value: _Value, room: int) -> str:
        """Return the value in at most `room` characters, which are at least `_SMALLEST` or all it needs."""
        if not value.is_open and value.end - value.start <= room:
            return self._text(value.start, value.end)
        sign = self._data[value.start]
        if sign == _QUOTE:
            return self._cut_string(value, room)
        if sign in _OPENING:
            return self._cut_container(value, room, is_object=sign == _OBJECT)
        shown = self._text(value.start, value.start + room - _MARK_IN_TEXT - 2)
        return f'"{shown}… ({value.end - value.start - len(shown):,} more digits)"'

    def _cut_string(self, value: _Value, room: int) -> str:
        end = value.end - 1
        _, stop = _decode_string(self._data, value.start + 1, value.start + room - _MARK_IN_TEXT - 1)
        missing = sum(map(len, _decode_pieces(self._data, stop, end)))
        return f'{self._text(value.start, stop)}… ({missing:,} more characters)"'

    def _cut_container(self, value: _Value, room: int, *, is_object: bool) -> str:
        opening, closing = "{}" if is_object else "[]"
        inside = room - 2 - _MARK
        shown = self._cut_entries(value.entries or [], inside, is_list=not is_object or value.count > _WIDE)
        missing = value.count - len(shown)
        if missing or value.is_open or not shown:
            mark = self._mark(value, missing, "key" if is_object else "item")
            shown.append(f'"…":"{mark}"' if is_object else f'{{"…":"{mark}"}}')
        return f"{opening}{','.join(shown)}{closing}"

    def _mark(self, value: _Value, missing: int, noun: str) -> str:
        if value.entries is None:
            return f"cut: {value.end - value.start:,} bytes"
        if not missing:
            return "cut: the rest is not shown"
        plural = noun if value.count == 1 else f"{noun}s"
        least = "at least " if value.is_open else ""
        if missing == value.count:
            return f"cut: {least}{missing:,} {plural}"
        return f"cut: {least}{missing:,} of {value.count:,} {plural} not shown"

    def _cut_entries(self, entries: list[_Value], room: int, *, is_list: bool) -> list[str]:
        """Return the first entries, as many as there is room for, each with a fair share of it.

        The entries of a list come whole where they are small; an object shows all of its keys
        first. What an entry leaves of its share goes to the next.
        """
        least = max(room // _LIST_SHARE, _SMALLEST) if is_list else _SMALLEST
        entries = [entry for entry in entries if _key_size(entry) <= room // 4]
        needs = [_key_size(entry) + min(_size(entry), least) for entry in entries]
        count = sum(1 for used in accumulate(needs) if used <= room)
        share = _fair_share(
            [_size(entry) for entry in entries[:count]], room - sum(map(_key_size, entries[:count]))
        )
        spare = room - sum(_key_size(entry) + min(_size(entry), share) for entry in entries[:count])
        shown: list[str] = []
        for number, entry in enumerate(entries):
            reserved = min(_size(entry), share) if number < count else -_key_size(entry)
            if number >= count and needs[number] > spare:
                break
            text = self.cut(entry, reserved + spare)
            spare += reserved - len(text)
            shown.append(self._text(entry.entry_start, entry.start) + text)
        return shown

    def _text(self, start: int, end: int) -> str:
        return self._data[start:end].decode(errors="replace")


def _size(value: _Value) -> int:
    return _OPEN_SIZE if value.is_open else value.end - value.start


def _key_size(value: _Value) -> int:
    """Return the room that an entry takes beside its value: its key, and the comma."""
    return value.start - value.entry_start + 1


def _fair_share(sizes: list[int], room: int) -> int:
    """Return the largest bound for each size under which all of them fit into the room."""
    for waiting, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size * waiting > room:
            return room // waiting
        room -= size
    return max(sizes, default=0)


def _decode_string(data: bytes, start: int, stop: int) -> tuple[str, int]:
    """Return the text of part of a JSON string, and where it really stops: not inside a character."""
    found = data[start:stop].decode(errors="replace"), stop
    for end in range(stop, max(start, stop - _LONGEST_CHARACTER), -1):
        try:
            text: str = json.loads(f'"{data[start:end].decode()}"', strict=False)
        except ValueError:
            continue
        found = text, end
        if not _HALF_PAIR.search(text):
            break
    return found


def _decode_pieces(data: bytes, start: int, stop: int) -> Iterator[str]:
    """Yield the text of a JSON string of any length piece by piece, so that memory stays flat."""
    while start < stop:
        text, start = _decode_string(data, start, min(start + _PIECE_BYTES, stop))
        yield text


# --- console output, notes, errors -------------------------------------------------------------------


def _fit_logs(logs: Sequence[LogLine], dropped: int, room: int) -> str:
    """Return the first and the last console lines that fit, and how many are left out between them."""
    # Further lines of one call are set in, so that none looks like another call's.
    lines = ["[{}] {}".format(line.level, _printable(line.text).replace("\n", "\n  ")) for line in logs]
    if dropped:
        lines.append(f"… ({dropped:,} more console calls were not kept)")
    if _length(lines) > room:
        lines = [_cut_text(line, max(room // 4, _SMALLEST)) for line in lines]
    if _length(lines) <= room:
        return "\n".join(lines)
    first = _count_fitting(lines, room // 2)
    last = _count_fitting(reversed(lines[first:]), room - room // 2 - _MARK)
    left_out = f"… ({len(lines) - first - last:,} lines left out) …"
    return "\n".join([*lines[:first], left_out, *lines[len(lines) - last :]])


def _fit_notes(notes: Sequence[str], room: int) -> str:
    lines = [_printable(note) for note in notes]
    if _length(lines) <= room:
        return "\n".join(lines)
    count = _count_fitting(lines, room - _SMALLEST)
    return "\n".join([*lines[:count], f"… ({len(lines) - count:,} more notes)"])


def _length(lines: Sequence[str]) -> int:
    """Return the characters of the lines once joined."""
    return sum(len(line) + 1 for line in lines) - 1


def _count_fitting(lines: Iterable[str], room: int) -> int:
    return sum(1 for used in accumulate(len(line) + 1 for line in lines) if used <= room)


def _cut_text(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    kept = room - _MARK_IN_TEXT
    return f"{text[:kept]}… ({len(text) - kept:,} more characters)"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)
