"""Values that are not what the script takes them for: promises, envelopes, ids, undefined."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import islice
from typing import Final

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.sandbox.advice.seen import AnswersSeen
from ovh_api_mcp.sandbox.advice.source import Source

_MOST: Final = 50  # matches of one pattern that are followed
_CALL: Final = r"(?<![\w$])(?:(?<!\.)|(?<=\.\.\.))ovh\s*\.\s*(?:request|get|post|put|delete)\s*\("
_ASKED: Final = (  # with what is looked up in the catalogue
    r"(?<![\w$])(?:(?<!\.)|(?<=\.\.\.))ovh\s*\.\s*(?:request|get|post|put|delete|find|describe)\s*\("
)
_ASSIGNED: Final = re.compile(r"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?=[\w$(\[])")
_DESTRUCTURED_CALL: Final = re.compile(r"\b(?:const|let|var)\s*([\[{])[^\]}=;]{0,200}[\]}]\s*=\s*" + _ASKED)
_LOOPED_CALL: Final = re.compile(
    r"(?:\bof\s+|\.\.\.\s*|Array\.from\(\s*|Object\.(?:keys|values|entries)\(\s*)" + _ASKED
)
_CALL_START: Final = re.compile(_CALL)
_ASKED_START: Final = re.compile(_ASKED)
_ASYNC_NAME: Final = re.compile(
    r"\basync\s+function\s+([A-Za-z_$][\w$]*)|\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*async\b"
)
_PROMISE_METHODS: Final = frozenset({"then", "catch", "finally", "constructor"})
_ASYNC_CALLBACK: Final = re.compile(
    r"\.\s*(filter|find|some|every|findIndex|sort|reduce|flatMap)\(\s*async\b"
)
_ASYNC_MAP: Final = re.compile(r"\.\s*map\(\s*async\b")

_ENVELOPE: Final = frozenset({
    "data", "body", "json", "text", "status", "statusCode", "statusText", "headers", "ok", "response",
    "result", "results", "items", "payload", "content", "rows", "value", "records", "list", "error",
    "errors", "success", "meta", "pagination", "total", "totalCount", "count", "nextPage", "cursor", "code",
})  # fmt: skip
_SURE_ENVELOPE: Final = frozenset({"data", "body", "json", "statusCode", "headers", "ok", "status", "text"})
_AWAITED: Final = re.compile(r"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*await\s+" + _CALL)
_AWAITED_FIELDS: Final = re.compile(r"\{([^{}=]{0,200})\}\s*=\s*await\s+" + _CALL)
_AWAITED_MEMBER: Final = re.compile(r"\(\s*await\s+" + _CALL)
_THEN_PARAMETER: Final = re.compile(
    r"\.\s*then\(\s*(?:async\s*)?(?:\(\s*)?(?:\{([^{}]{0,100})\}|([A-Za-z_$][\w$]*))"
)
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*")

_ITEM: Final = re.compile(
    r"\.\s*(?:map|filter|find|findLast|findIndex|some|every|forEach|flatMap)\(\s*(?:async\s*)?(?:\(\s*)?(?:\{([^{}]{0,100})\}|([A-Za-z_$][\w$]*))"
    r"|\bfor\s*(?:await\s*)?\(\s*(?:const|let|var)\s+(?:\{([^{}]{0,100})\}|([A-Za-z_$][\w$]*))\s+of\b"
    r"|\.\s*(?:sort|reduce|toSorted)\(\s*\(?\s*[A-Za-z_$][\w$]*\s*,\s*(?:\{([^{}]{0,100})\}|([A-Za-z_$][\w$]*))"
)
_ELEMENT: Final = re.compile(r"(?:\[\s*(?:\d+|[a-z])\s*\]|\.at\(\s*-?\d+\s*\))\s*\??\.\s*([A-Za-z_$][\w$]*)")
_OF_TEXT: Final = frozenset({
    "length", "toString", "toUpperCase", "toLowerCase", "includes", "startsWith", "endsWith", "indexOf",
    "slice", "split", "trim", "replace", "replaceAll", "match", "matchAll", "padStart", "padEnd", "at",
    "charAt", "substring", "localeCompare", "toFixed", "concat", "repeat", "search", "test", "valueOf",
    "lastIndexOf", "substr", "then", "catch", "finally", "normalize", "codePointAt", "charCodeAt", "toJSON",
    "toLocaleString",
})  # fmt: skip

_OF_LIST: Final = frozenset({
    "map", "filter", "find", "findIndex", "findLast", "forEach", "some", "every", "reduce", "flatMap", "flat",
    "join", "sort", "toSorted", "reverse", "push", "pop", "shift", "unshift", "splice", "keys", "values",
    "entries", "hasOwnProperty", "fill", "toReversed", "with",
})  # fmt: skip
_CLOSE: Final = 0.7
_FIELDS: Final = 8  # that are named where none is near

_READ_PROPERTY: Final = re.compile(
    r"cannot read property '(?P<name>[^\n]{0,200})' of (?P<what>undefined|null)\Z"
)


def has_call(source: Source) -> bool:
    """Tell whether the script calls the API."""
    return source.search(_CALL_START) is not None


def promise_hint(source: Source) -> str:
    """Return where a promise is used as if it were its value, or ""."""
    code = source.code
    if found := source.search(_LOOPED_CALL):
        return _await_it(source, found.end() - 1, "is a promise where its answer is meant")
    if found := source.search(_DESTRUCTURED_CALL):
        return _await_it(source, found.end() - 1, "is a promise where its answer is meant")
    for found in islice(_ASKED_START.finditer(code), _MOST):
        before = code[max(0, found.start() - 8) : found.start()].rstrip()
        if before.endswith("await"):
            after = _behind_call(source, found.end())
            if after and after[0] not in _PROMISE_METHODS:
                return (
                    f"`await` reaches further than meant: it waits for `.{cut_foreign(after[0], 40)}` of "
                    "a promise. "
                    f"Put parentheses around it: (await ovh.…(…)).{cut_foreign(after[0], 40)}"
                )
        elif (after := _behind_call(source, found.end())) and after[0] not in _PROMISE_METHODS:
            return _await_it(
                source, found.end() - 1, f"gives a promise, which has no `{cut_foreign(after[0], 40)}`"
            )
    asyncs = {next(filter(None, each.groups())) for each in _ASYNC_NAME.finditer(code)}
    for found in islice(_ASSIGNED.finditer(code), _MOST):
        name, called = found[1], _ASKED_START.match(code, found.end())
        helper = _NAME.match(code, found.end())
        is_helper = (
            helper is not None and helper[0] in asyncs and code[helper.end() : helper.end() + 1] == "("
        )
        is_mapped = _is_async_map(code, found.end())
        if (called or is_helper or is_mapped) and (use := _value_use(code, name, found.end())):
            return (
                f"`{name}` is {'an array of promises' if is_mapped else 'a promise'} where "
                f"`{cut_foreign(use, 60)}` takes it for "
                f"its value: write {name} = await {'Promise.all(…)' if is_mapped else '…'} at "
                f"{source.place(found.start())}."
            )
    if found := source.search(_ASYNC_CALLBACK):
        return (
            f"{found[1]} does not wait for an async callback: it gets a promise, which counts as true. "
            "Fetch first, "
            "with await Promise.all(list.map(async …)), then filter what came."
        )
    return ""


def envelope_hint(source: Source, seen: AnswersSeen, *, is_sure: bool = False) -> str:
    """Return that a call gives the answer itself, where the script looks for it in an envelope; else "".

    `is_sure` leaves out the names that a field of an answer may have as well.
    """
    for name in _envelope_names(source):
        if name in seen.keys or name not in (_SURE_ENVELOPE if is_sure else _ENVELOPE):
            continue
        if name in _SURE_ENVELOPE or (seen.count and seen.is_complete):
            return (
                "A call gives the parsed answer itself, no response object around it: there is no "
                f"`.{name}`. "
                "Use the value directly: const list = await ovh.get(path); return list.length. Failures "
                "throw an OvhError."
            )
    return ""


def field_hint(source: Source, seen: AnswersSeen) -> str:
    """Return the field that may be meant by one that no answer has, or ""."""
    if not seen.is_complete or not seen.keys:
        return ""
    for name in _envelope_names(source):
        if name in seen.keys or name in _OF_TEXT or name in _OF_LIST or not _NAME.fullmatch(name):
            continue
        near = get_close_matches(name, seen.keys, n=1, cutoff=_CLOSE)
        fields = near or sorted(seen.keys)[:_FIELDS]
        shown = ", ".join(f"`{cut_foreign(each, 30)}`" for each in fields)
        what = f"Did you mean {shown}?" if near else f"There are {shown}."
        return f"No answer has a field `{cut_foreign(name, 40)}`. {what}"
    return ""


def ids_hint(source: Source, seen: AnswersSeen) -> str:
    """Return that a list holds plain ids, where the script takes them for objects; else ""."""
    if not seen.lists or seen.objects or not seen.is_complete:
        return ""
    name = _item_field(source)
    if not name:
        return ""
    return (
        f"{seen.lists[0]} (names or ids), not objects: there is no `.{cut_foreign(name, 40)}` on them. "
        'Get each item at its own path: await Promise.all(list.map(id => ovh.get(path + "/{id}", { '
        "params: { id } })))."
    )


def undefined_hint(source: Source, message: str) -> str:
    """Return which expression is undefined or null, or ""."""
    found = _READ_PROPERTY.match(message)
    if found is None:
        return ""
    if found["name"] == "Symbol.iterator":
        return f"What is taken apart or walked through here is {found['what']}."
    span = receiver_of(source, found["name"])
    if span is None:
        return (
            f"Something is {found['what']} where `.{cut_foreign(found['name'], 60)}` is read; `?.` reads "
            "it only where it exists."
        )
    return (
        f"{source.shown(*span)} is {found['what']} here, so it has no `{cut_foreign(found['name'], 60)}`: "
        "look at what it is first. Where only some have it, read with `?.`."
    )


def receiver_of(source: Source, name: str) -> tuple[int, int] | None:
    """Return where the expression stands whose property `name` is read at the place of the error."""
    escaped = re.escape(name)
    pattern = re.compile(rf"\s*\.\s*{escaped}(?![\w$])|\s*\[\s*(?:[\"'`]{escaped}[\"'`]|[\w$.]+)\s*\]")
    for start, text in ((source.offset, source.code), (source.offset, source.text)):
        access = pattern.search(text, start, start + 400)
        if access is not None:
            first = source.receiver_start(access.start())
            return (first, access.start()) if first < access.start() else None
    return None


def callee_of(source: Source) -> tuple[int, int] | None:
    """Return where the expression stands that is called at the place of the error."""
    code, at = source.code, source.offset
    line_start = code.rfind("\n", 0, at) + 1
    best: tuple[int, int] | None = None
    for found in re.finditer(r"(?:[\w$\])])(?=\s?\()", code[line_start : at + 200]):
        end = line_start + found.end()
        start = source.receiver_start(end)
        if (
            start == at
            or start + code[start:end].rfind(".") == at
            or start + code[start:end].rfind(".") + 1 == at
        ):
            return start, end
        if end <= at:
            best = (start, end)
    return best


def _await_it(source: Source, at: int, what: str) -> str:
    start = source.receiver_start(at)
    return (
        f"{source.shown(start, at)} {what}: write await in front, as in (await ovh.get(path)).map(…), at "
        f"{source.place(start)}."
    )


def _behind_call(source: Source, inside: int) -> tuple[str] | None:
    """Return the member that is read of the call whose arguments begin at `inside`; "[]" for an index."""
    code, depth = source.code, 1
    for found in re.finditer(r"[()\[\]{}]", code[inside : inside + 2000]):
        depth += 1 if found[0] in "([{" else -1
        if depth == 0:
            member = re.compile(r"\s*\??\.\s*([A-Za-z_$][\w$]*)|\s*(\[)").match(code, inside + found.end())
            return None if member is None else (member[1] or "[]",)
    return None


def _value_use(code: str, name: str, start: int) -> str:
    """Return how `name` is used as a value although it is a promise, or "" where it is awaited somewhere."""
    escaped = re.escape(name)
    if re.search(
        rf"\bawait\s+{escaped}\b|Promise\s*\.\s*\w+\([^;]{{0,200}}\b{escaped}\b|(?<![\w$.]){escaped}\s*=(?!=)",
        code[start:],
    ):
        return ""
    used = re.compile(
        rf"(?<![\w$.]){escaped}\s*(?:\?\.|\.)\s*(?!then\b|catch\b|finally\b)[A-Za-z_$][\w$]*|\bof\s+{escaped}\b"
        rf"|\.\.\.\s*{escaped}\b|(?<![\w$.]){escaped}\s*\[|\bin\s+{escaped}\b"
        rf"|Object\.\w+\(\s*{escaped}\b|JSON\.stringify\(\s*{escaped}\b|(?<![\w$.]){escaped}\s*(?:[<>=!]==?|[<>])"
    ).search(code, start)
    return "" if used is None else " ".join(used[0].split())


def _is_async_map(code: str, start: int) -> bool:
    found = _ASYNC_MAP.search(code, start, start + 120)
    return found is not None and not re.search(r"[;{]|\bawait\b|Promise", code[start : found.start()])


def _envelope_names(source: Source) -> list[str]:
    """Return the names that the script reads of answers as such."""
    code, names = source.code, list[str]()
    for found in islice(_AWAITED_FIELDS.finditer(code), _MOST):
        names += [each.split(":")[0].strip() for each in found[1].split(",")]
    for found in islice(_AWAITED_MEMBER.finditer(code), _MOST):
        # The parentheses of (await …) are closed behind those of the call.
        if member := _behind_call(source, found.start() + 1):
            names.append(member[0])
    variables = [found[1] for found in _AWAITED.finditer(code)]
    for found in islice(_THEN_PARAMETER.finditer(code), _MOST):
        if found[1] is not None:
            names += [each.split(":")[0].strip() for each in found[1].split(",")]
        else:
            variables.append(found[2])
    for variable in dict.fromkeys(variables[:20]):
        names += re.findall(rf"(?<![\w$.]){re.escape(variable)}\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)", code)
        for fields in re.findall(rf"\{{([^{{}}=]{{0,200}})\}}\s*=\s*{re.escape(variable)}\b", code):
            names += [each.split(":")[0].strip() for each in fields.split(",")]
    return names


def _item_field(source: Source) -> str:
    """Return the field that is read of an item of an answer, or ""."""
    code = source.code
    answers = {found[1] for found in islice(_AWAITED.finditer(code), _MOST)}
    answers |= {found[2] for found in islice(_THEN_PARAMETER.finditer(code), _MOST) if found[2]}
    changed = {
        name for name in answers if len(re.findall(rf"(?<![\w$.]){re.escape(name)}\s*=(?![=>])", code)) > 1
    }
    for found in islice(_ITEM.finditer(code), _MOST):
        if not _walks_answer(source, found, answers - changed):
            continue
        fields = found[1] or found[3] or found[5]
        if fields:
            return fields.split(",")[0].split(":")[0].strip()
        name = found[2] or found[4] or found[6]
        read = re.compile(rf"(?<![\w$.]){re.escape(name)}\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)")
        for access in read.finditer(code, found.end(), found.end() + 2000):
            if access[1] not in _OF_TEXT:
                return access[1]
    for element in islice(_ELEMENT.finditer(code), _MOST):
        start = source.receiver_start(element.start())
        if element[1] not in _OF_TEXT and _is_answer(code[start : element.start()], answers - changed):
            return element[1]
    return ""


def _walks_answer(source: Source, found: re.Match[str], answers: set[str]) -> bool:
    if found[3] or found[4]:
        walked = source.code[found.end() : found.end() + 100].lstrip()
    else:
        walked = source.code[source.receiver_start(found.start()) : found.start()]
    return _is_answer(walked, answers)


def _is_answer(expression: str, answers: set[str]) -> bool:
    """Tell whether an expression is an answer of the API, or a part of one that holds the same items."""
    if re.search(r"\.\s*(?:map|flatMap|entries|all|allSettled)\s*\(|\.\.\.", expression):
        return False
    first = _NAME.search(expression)
    return "await" in expression or (first is not None and first[0] in answers)
