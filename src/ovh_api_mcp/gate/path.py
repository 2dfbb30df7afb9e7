"""Paths of calls: what is refused, and the one spelling that goes over the wire.

Invariant: no text that comes out of here, percent-decoded any number of times, holds a `.` or `..`
segment, an empty segment, a backslash or a control character.

A `?` or `#` is refused in a path, in every spelling, because it would end the path; in a value
given through `params` it is content and goes out as %3F or %23. A slash inside a segment (%2F, or
/ in a value of `params`) is content too, but since a server may decode it early, the parts
between such slashes obey the rules of segments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from ovh_api_mcp.errors import RefusedError, cut_foreign
from ovh_api_mcp.gate.refusal import listed, nearest_names, quoted, refusal
from ovh_api_mcp.gate.scalar import kind_of, scalar_text
from ovh_api_mcp.json_value import JsonValue
from ovh_api_mcp.limits import PATH_CHARS, PATH_DECODINGS

# Source: RFC 3986 section 3.3 (pchar). Without ";": some servers cut a segment at it.
_PATH_CHARACTERS: Final = "-._~!$&'()*+,=:@"
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]|[/\\]{2}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BAD_CHARACTER: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_METHOD_IN_FRONT: Final = re.compile(r"(?i)(GET|POST|PUT|DELETE)\s+(/.*)")


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two slashes: its text, its spelling on the wire, its name in `params` or ""."""

    value: str
    wire: str
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class CallPath:
    """A path that is safe to send, as far as its spelling goes; `is_template` where `params` were given."""

    segments: tuple[Segment, ...]
    is_template: bool

    @property
    def wire(self) -> str:
        """The path as it would go over the wire."""
        return "".join(f"/{segment.wire}" for segment in self.segments)


def normalise_path(path: str, params: Mapping[str, JsonValue] | None) -> CallPath:
    """Return the safe reading of a literal path, or of a template whose `params` are filled in.

    *Raises* RefusedError: unsafe-path for a spelling, invalid-call for `params` that do not fit.
    """
    _refuse_beginning(path)
    _refuse_characters(path)
    raw_segments = path[1:].split("/")
    if params is not None:
        _refuse_names(raw_segments, params)
    segments = tuple(_segment(path, raw, params) for raw in raw_segments)
    normal = CallPath(segments, is_template=params is not None)
    if len(normal.wire) > PATH_CHARS:
        raise _unsafe(path, f"it has {len(normal.wire)} characters on the wire, more than {PATH_CHARS}")
    return normal


def _refuse_beginning(path: str) -> None:
    if len(path) > PATH_CHARS:
        raise _unsafe(path, f"it has {len(path)} characters, more than {PATH_CHARS}")
    if _URL.match(path):
        raise _unsafe(path, "it is a full URL", "Give the path alone, from /v1 or /v2 on.")
    if match := _METHOD_IN_FRONT.fullmatch(path):
        raise _unsafe(
            path,
            "it begins with a method",
            f'Give method: "{match[1].upper()}", path: "{cut_foreign(match[2], 100)}".',
        )
    if not path.startswith("/"):
        better = f"/{path.strip()}" if re.match(r"\s*v[12]/", path) else "/v1/…"
        raise _unsafe(
            path, "it does not begin with /v1/ or /v2/", f"Give {cut_foreign(better, 100)}, without a host."
        )


def _refuse_characters(path: str) -> None:
    if fault := _bad_character(path):
        raise _unsafe(path, fault)
    if "${" in path:
        raise _placeholder(path)
    if "?" in path:
        bare, _, query = path.partition("?")
        name = cut_foreign(query.partition("=")[0], 40) or "name"
        example = f'Give path: "{cut_foreign(bare, 100)}", query: {{ "{name}": … }}.'
        raise _unsafe(path, "it holds a ?: the query is an option of its own", example)
    for sign, name in (("#", "a #"), ("\\", "a backslash")):
        if sign in path:
            raise _unsafe(path, f"it holds {name}")
    if "//" in path:
        raise _unsafe(path, "it holds // (an empty segment)", "Is a value in it empty?")
    if path.endswith("/"):
        raise _unsafe(path, "it ends with a slash", f'Give "{cut_foreign(path[:-1], 100) or "/v1/…"}".')


def _refuse_names(raw_segments: list[str], params: Mapping[str, JsonValue]) -> None:
    """Refuse `params` whose names are not those of the template."""
    names = dict.fromkeys(match[1] for raw in raw_segments if (match := _PARAMETER.fullmatch(raw)))
    missing = [name for name in names if name not in params]
    unknown = [name for name in params if name not in names]
    if unknown:
        near = nearest_names(unknown[0], missing or names, 1)
        meant = f" Did you mean {quoted(near[0])}?" if near else ""
        has = f"has {listed((f'{{{n}}}' for n in names), 120)}" if names else "has no {name} in it"
        raise refusal(
            "invalid-call",
            f"params has {quoted(unknown[0])}, but the path {has}.{meant} Each name in params stands in "
            'braces in the path, as in path: "/v1/ip/{ip}", params: { ip: "203.0.113.0/24" }.',
        )
    if missing:
        raise refusal(
            "invalid-call",
            f"The path has {{{cut_foreign(missing[0], 60)}}}, but params gives no value for it. "
            f"Add it: params: {{ {cut_foreign(missing[0], 60)}: … }}.",
        )


def _segment(path: str, raw: str, params: Mapping[str, JsonValue] | None) -> Segment:
    if params is None:
        return _literal(path, raw)
    if match := _PARAMETER.fullmatch(raw):
        return _filled(match[1], params[match[1]])
    if "{" in raw or "}" in raw:
        raise _unsafe(path, f"in {quoted(raw)} the braces are not a whole segment")
    return _literal(path, raw)


def _literal(path: str, raw: str) -> Segment:
    """Return a segment that was written out in the path."""
    if _BAD_ESCAPE.search(raw):
        raise _unsafe(
            path, f"in {quoted(raw)} a % is not followed by two hexadecimal digits", "Write % as %25."
        )
    try:
        value = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise _unsafe(path, f"{quoted(raw)} is not percent-encoded UTF-8") from None
    if "${" in value:
        raise _placeholder(path)
    if fault := _fault(value, forbidden="?#"):
        raise _unsafe(path, fault)
    return Segment(value, quote(raw, safe=_PATH_CHARACTERS + "%"))


def _filled(name: str, given: JsonValue) -> Segment:
    """Return the segment for one value of `params`."""
    value = scalar_text(given)
    if value is None:
        raise refusal(
            "invalid-call",
            f"params.{cut_foreign(name, 60)} is {kind_of(given)}; it must be a string, a number or a boolean "
            "that can be written out.",
        )
    place = f"params.{name}"
    if not value:
        raise _unsafe(place, "it is empty", "Give the real value.")
    if len(value) > PATH_CHARS:
        raise _unsafe(place, f"it has {len(value)} characters, more than {PATH_CHARS}")
    if fault := _fault(value):
        raise _unsafe(place, fault)
    return Segment(value, quote(value, safe=_PATH_CHARACTERS), parameter=name)


# Contract: owner gate/path.py. Every reading that a server may give to a segment, by decoding once
# or again, by splitting at a decoded slash, by cutting at ";", by trimming, by folding full-width
# forms, is checked here. Too many layers of encoding are refused: failure means refusal.
def _fault(value: str, forbidden: str = "") -> str:
    """Return what makes the text of a segment unsafe, or "" for nothing."""
    for decodings, reading in enumerate(_readings(value)):
        if decodings == PATH_DECODINGS:
            return f"{quoted(value)} is percent-encoded more than {PATH_DECODINGS} times over"
        if fault := _bad_character(reading):
            return fault
        for sign in "\\" + forbidden:
            if sign in reading:
                return f"{quoted(value)} holds an encoded {sign}" if sign != "\\" else "it holds a backslash"
        folded = unicodedata.normalize("NFKC", reading)
        parts = [part.partition(";")[0].strip() for part in folded.split("/")]
        if "." in parts or ".." in parts:
            return f"{quoted(value)} is, or decodes to, a . or .. segment"
        if "" in parts:
            return f"{quoted(value)} is, or decodes to, an empty segment (//)"
    return ""


def _readings(value: str) -> Iterator[str]:
    """Yield the text and what it becomes with each further percent-decoding, until it stays the same."""
    yield value
    while (decoded := unquote(value)) != value:
        value = decoded
        yield value


def _bad_character(text: str) -> str:
    if match := _BAD_CHARACTER.search(text):
        code = ord(match[0])
        kind = "half surrogate" if 0xD800 <= code <= 0xDFFF else "control character"
        return f"it holds the {kind} U+{code:04X} at position {match.start()}"
    return ""


def _placeholder(path: str) -> RefusedError:
    return _unsafe(
        path,
        "${…} was not filled in",
        "Put the path in backticks (a template literal), or give {name} and params: { name: value }.",
    )


def _unsafe(place: str, fault: str, hint: str = "") -> RefusedError:
    return refusal("unsafe-path", f"The path {quoted(place)} is refused: {fault}. {hint}".rstrip(), hint=hint)
