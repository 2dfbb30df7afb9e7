"""Adds to a script's end what helps its writer: a hint to an error, notes to a result.

The rules are tables and patterns over the script's text, in the modules beside this one. They read;
nothing is sent, run or changed because of them. Each text has at most limits.MESSAGE_CHARS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from ovh_api_mcp import limits
from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.sandbox.advice.document import Document, form_hint, key_hint, prefix_hint, shape_hint
from ovh_api_mcp.sandbox.advice.names import method_hint, missing_name_hint, ovh_misuse_hint
from ovh_api_mcp.sandbox.advice.seen import AnswersSeen
from ovh_api_mcp.sandbox.advice.source import Source
from ovh_api_mcp.sandbox.advice.syntax import FUNCTION, JSON_ALONE, SEVERAL_FUNCTIONS, syntax_hint
from ovh_api_mcp.sandbox.advice.values import (
    callee_of,
    envelope_hint,
    field_hint,
    has_call,
    ids_hint,
    promise_hint,
    undefined_hint,
)
from ovh_api_mcp.sandbox.outcome import Outcome, ScriptFailure
from ovh_api_mcp.sandbox.script import Script

_HOLLOW_BYTES: Final = 64 * limits.KIB  # a longer result is full of something
_HOLLOW: Final = re.compile(
    rb"\A(?:null|0|false|\"\"|\[\]|\{\})\Z|\bnull\b|\{\}|\[\]|\"(?:NaN|undefined)|undefined\"|\[object "
)
_USES_DOCUMENT: Final = re.compile(r"(?<![\w$.])spec\b")
_NOTHING: Final = "did you forget `return`?"  # how the note on a result that is undefined ends
_NO_CALLS: Final = "search only reads the document: API calls are made with the `execute` tool."
_NEW_PROMISE: Final = re.compile(r"\bnew\s+Promise\b")
_JSON_CALL: Final = re.compile(
    r"\s*[\[{][\s{]*[\"']?(?:method|path|url|endpoint|body|query|code|tool)[\"']?\s*:"
)
_DECLARED_FUNCTION: Final = re.compile(
    r"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\b|function\b|\([^()\n]{0,200}\)\s*=>|[\w$]+\s*=>)|\bfunction\s+([A-Za-z_$][\w$]*)"
)
_UNFILLED: Final = re.compile(
    r"(?:^|[/=])(undefined|null|NaN|(?:%5B|\[)object(?:%20| )\w+(?:%5D|\])?|function\b)", re.IGNORECASE
)
_RETURN: Final = re.compile(r"\breturn\b")
_EXPRESSION_BODY: Final = re.compile(r"\s*(?:async\s*)?(?:\([^()]{0,200}\)|[\w$]+)\s*=>\s*(?![\s{])")
_IS_NOTHING: Final = re.compile(rb"(?:null|\{\}|\[\]|\[(?:null,?)+\])\Z")
_DECLARATION: Final = re.compile(r"(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=")
_NO_VALUE: Final = re.compile(
    r"(?:const|let|var|if|for|while|do|try|switch|function|class|console|throw|break|else)\b|[}\])]"
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the script and its end: the answers it saw, and the document it reads."""

    may_call: bool
    seen: AnswersSeen
    document: Document


def is_advice_needed(outcome: Outcome) -> bool:
    """Tell whether there may be something to say; costs nothing, unlike saying it."""
    return outcome.result is None or len(outcome.result) <= _HOLLOW_BYTES or not outcome.calls


def is_advice_quick(outcome: Outcome, script: Script) -> bool:
    """Tell whether seeking it takes less than some 2 ms: a short script whose result is full of something."""
    is_hollow = outcome.result is None or _HOLLOW.search(outcome.result) is not None
    return not is_hollow and len(script.code) <= limits.ADVISED_AT_ONCE_CHARS


def advised(outcome: Outcome, script: Script, known: Circumstances) -> Outcome:
    """Return the outcome with the hint or the notes that fit it."""
    if outcome.failure is not None:
        hint = failure_hint(script, outcome.failure, known)
        return replace(outcome, failure=replace(outcome.failure, hint=hint))
    notes = tuple(filter(None, result_notes(script, outcome, known)))
    told = tuple(
        note + _forgotten_return(script) if note.endswith(_NOTHING) else note for note in outcome.notes
    )
    return replace(outcome, notes=(*notes, *told))


def failure_hint(script: Script, failure: ScriptFailure, known: Circumstances) -> str:
    """Return the hint for an error, which is its own where no rule fits better."""
    source = Source(script.code, failure.line, failure.column)
    match failure.kind:
        case "syntax":
            hint = syntax_hint(source, failure.message)
        case "not-a-function":
            hint = _not_a_function_hint(source)
        case "never-settles":
            hint = _never_settles_hint(source)
        case "threw":
            hint = _threw_hint(source, failure, known)
        case "cpu-time":
            hint = (
                "Look for a loop that does not end, or loops within loops over all paths: "
                "filter the keys first, and look things up in a Map or Set."
            )
        case _:
            hint = ""
    return _cut(hint) or failure.hint


def result_notes(script: Script, outcome: Outcome, known: Circumstances) -> list[str]:
    """Return what the result of a script that succeeded leaves unsaid."""
    source = Source(script.code)
    result = outcome.result or b""
    notes = [] if known.may_call else [shape_hint(source)]
    if len(result) <= _HOLLOW_BYTES and _HOLLOW.search(result):
        notes += _hollow_notes(source, result, known)
    elif known.may_call:
        notes.append(
            (
                promise_hint(source)
                if not known.seen.count
                else envelope_hint(source, known.seen, is_sure=True)
            )
            or ids_hint(source, known.seen)
        )
    notes.append(_uncalled_functions(source))
    if not known.may_call and has_call(source):
        notes.append(_NO_CALLS)
    is_idle = not outcome.calls and not outcome.lookups
    if known.may_call and is_idle and source.search(_USES_DOCUMENT):
        notes.append(
            "This script only reads the document: that is what the `search` tool is for, which takes "
            "(spec) => …."
        )
    return list(dict.fromkeys(_cut(note) for note in notes))


def _uncalled_functions(source: Source) -> str:
    """Return that only the last of several functions has run, or ""."""
    starts = [found.start() for found in islice(FUNCTION.finditer(source.code), 8)]
    if sum(not source.opener_at(start) and _is_expression(source.code, start) for start in starts) < 2:
        return ""
    return f"Only the last function was run. {SEVERAL_FUNCTIONS}"


def _is_expression(code: str, start: int) -> bool:
    return not code.startswith(("function", "async function"), start)


def _hollow_notes(source: Source, result: bytes, known: Circumstances) -> list[str]:
    """Return why a result may hold nothing, or less than was meant."""
    notes = []
    if known.may_call:
        notes.append(
            ovh_misuse_hint(source)
            or promise_hint(source)
            or envelope_hint(source, known.seen)
            or ids_hint(source, known.seen)
            or (field_hint(source, known.seen) if _IS_NOTHING.match(result) else "")
        )
    elif not has_call(source):
        notes.append(ovh_misuse_hint(source) or promise_hint(source))
    notes.append(
        shape_hint(source)
        or key_hint(source, known.document)
        or prefix_hint(source, known.document)
        or form_hint(source)
    )
    return notes


def _threw_hint(source: Source, failure: ScriptFailure, known: Circumstances) -> str:
    if failure.fields is not None:
        return _call_hint(source, failure)
    message = failure.message
    if failure.name == "ReferenceError":
        return missing_name_hint(source, message)
    if failure.name == "SyntaxError" and "JSON.parse" in source.code:
        return "JSON.parse was given no JSON. An answer of the API is parsed already: use it as it is."
    if failure.name == "AggregateError":
        return "Every one of the promises failed; Promise.allSettled tells how each of them ended."
    if failure.name != "TypeError":
        return ""
    if message.endswith("is read-only"):
        return (
            f"{message.removesuffix(' is read-only')} is declared with const: declare it with let to "
            "assign it again."
        )
    return _type_error_hint(source, message, known)


def _type_error_hint(source: Source, message: str, known: Circumstances) -> str:
    if not known.may_call and has_call(source):
        return _NO_CALLS
    hint = ovh_misuse_hint(source)
    hint = hint or promise_hint(source) or shape_hint(source) or key_hint(source, known.document)
    hint = hint or envelope_hint(source, known.seen) or ids_hint(source, known.seen)
    where = undefined_hint(source, message)
    hint = hint or form_hint(source)
    if hint or where:
        return hint or f"{where} {field_hint(source, known.seen)}".rstrip()
    if message == "not a function":
        return method_hint(source, callee_of(source))
    if "not iterable" in message:
        return (
            "for…of, spread and [a, b] = … need an array. An object is walked with Object.entries(…); "
            "the answer of a call needs await first."
        )
    if "undefined or null to object" in message:
        return (
            "Object.keys, Object.entries or { a } = … was given undefined or null: look at the value "
            "first, or give it a default, ?? {}."
        )
    if "BigInt" in message or "bigint" in message:
        return (
            "BigInt and number do not mix, and JSON.stringify takes no BigInt: use Number(x), String(x), "
            "or 1n. What a script returns may hold BigInt."
        )
    if "circular" in message:
        return "The value holds itself: return the fields you need, without JSON.stringify."
    return ""


def _call_hint(source: Source, failure: ScriptFailure) -> str:
    """Return the hint for a call that failed where the script, not the call, is what went wrong."""
    fields = failure.fields or {}
    path = fields.get("path")
    if isinstance(path, str) and (found := _UNFILLED.search(path)):
        reason = (
            promise_hint(source)
            or envelope_hint(source, AnswersSeen())
            or ("A value that the path is made of is not there, or is an object: look at it before the call.")
        )
        return f'The path holds "{cut_foreign(found[1], 40)}". {reason}'
    if "ovh.request takes one object" in failure.message:
        return ""
    if (
        isinstance(path, str)
        and failure.message.startswith("Unknown option")
        and re.search(r"\bovh\s*\.\s*(?:get|post|put|delete)\s*\(", source.code)
    ):
        return (
            "ovh.get, post, put and delete take the path and then { params, query, body }: what is sent "
            "goes under body, "
            "filters under query: ovh.post(path, { body: { … } }), ovh.get(path, { query: { … } })."
        )
    return ""


def _not_a_function_hint(source: Source) -> str:
    if _JSON_CALL.match(source.text):
        return JSON_ALONE
    names = [found[1] or found[2] for found in _DECLARED_FUNCTION.finditer(source.code)]
    if names:
        name = cut_foreign(names[-1], 40)
        return (
            f"The script declares {'functions' if len(names) > 1 else 'a function'} but runs none: end "
            "it with "
            f"return await {name}(), or send one function: async () => {{ … }}."
        )
    return ""


def _never_settles_hint(source: Source) -> str:
    found = source.search(_NEW_PROMISE)
    return f"Look at the `new Promise` at {source.place(found.start())}." if found else ""


def _forgotten_return(script: Script) -> str:
    """Return what `return` is missing before, to stand behind that it is; "" where that is not known."""
    source = Source(script.code)
    if source.search(_RETURN):
        return ""
    if _EXPRESSION_BODY.match(source.code):
        return " The function has no braces, so it did return: what it gives is undefined."
    start, end = source.last_statement()
    statement = source.code[start:end]
    if declared := _DECLARATION.match(statement):
        value = declared[1]
    elif statement and not _NO_VALUE.match(statement):
        value = cut_foreign(source.text[start:end], 60)
    else:
        value = ""
    what = f"`return {value}`" if value else "return before the value, at the end"
    return f" A body in braces gives only what it returns: write {what}."


def _cut(text: str) -> str:
    return text if len(text) <= limits.MESSAGE_CHARS else text[: limits.MESSAGE_CHARS - 1] + "…"
