"""Why a text is no JavaScript: which language it is, or which bracket is missing."""

# ruff: noqa: E501  # a pattern or a sentence of a table stands on one line

from __future__ import annotations

import re
from typing import Final

from ovh_api_mcp.sandbox.advice.source import Source

_PLAIN: Final = "Send plain JavaScript, one function: async () => { … }."
_CALL: Final = 'async () => await ovh.request({ method: "GET", path: "/v1/me" })'
NO_MODULES: Final = (
    "There are no modules and nothing to import: `ovh`, `spec`, `console` and `crypto` are there already. "
    "Drop the import and send the function alone."
)
JSON_ALONE: Final = (
    "That is JSON alone, not code: pass the object to ovh.request in a function, such as "
    'async () => await ovh.request({ method: "GET", path: "/v1/me" }).'
)
HTTP_REQUEST: Final = f"That is an HTTP request, not code. Make the call in JavaScript: {_CALL}."
_PYTHON: Final = "That is Python ({}). Write it in JavaScript: async () => {{ const x = …; return x; }}."
_MISPLACED: Final = (
    "What stands at this place does not fit what is before it: is a comma, an operator, a quote or a bracket missing? "
    f"{_PLAIN}"
)
_DOES_NOT_FIT: Final = re.compile(r"expecting|unexpected|missing", re.IGNORECASE)
_TYPESCRIPT: Final = "{} at {} is TypeScript ({}). Send plain JavaScript: leave types out."
SEVERAL_FUNCTIONS: Final = (
    "There is more than one function: send one function, with the others inside it, "
    "as in async () => { const helper = (x) => …; return helper(1); }."
)
_PROSE: Final = (
    "Send the code alone, as plain JavaScript: no prose, no markdown, at most one ``` fence around it."
)

# Texts that begin like this are no JavaScript at all; looked at as given.
_OTHER_TEXTS: Final = (
    (re.compile(r"\s*(?:\$ ?)?(?:curl|wget|httpie?|https) +[-'\"\w]"), f"That is a shell command, not code. Make the call in JavaScript: {_CALL}."),
    (re.compile(r"\s*(?:#!|[$>%] ?\w|(?:ovhcloud|ovh|npm|npx|node|pip|python3?|bash|sudo) +[-\w./]+(?: |\n|\Z))"), f"That is a shell command; there is no shell. {_PLAIN}"),
    (re.compile(r"\s*(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)\s+(?:https?:/)?/"), HTTP_REQUEST),
    (re.compile(r"\s*(?i:select|insert|update|with)\s+[\w*]+[\s\S]{0,200}\b(?i:from|into|set|as)\b"), f"That is SQL; there is no database. {_PLAIN}"),
    (re.compile(r"\s*<(?:\?php|!DOCTYPE|html|\?xml)", re.IGNORECASE), f"That is another language. {_PLAIN}"),
    (re.compile(r"\s*(?:[\[{]\s*)+\"[\w.-]*\"\s*[:,}\]]"), JSON_ALONE),
)  # fmt: skip

# Looked for in the code, strings and comments blank; the name says what was seen.
_PYTHON_SIGNS: Final = (
    (re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(", re.MULTILINE), "def"),
    (re.compile(r"^[ \t]*from[ \t]+[\w.]+[ \t]+import\b", re.MULTILINE), "from … import"),
    (re.compile(r"^[ \t]*import[ \t]+[\w.]+(?:[ \t]+as[ \t]+\w+)?[ \t]*$", re.MULTILINE), "import"),
    (re.compile(r"\belif\b"), "elif: in JavaScript else if"),
    (re.compile(r"^[ \t]*(?:try|else|finally)[ \t]*:[ \t]*$", re.MULTILINE), "try:"),
    (re.compile(r"^[ \t]*except\b", re.MULTILINE), "except: in JavaScript catch"),
    (re.compile(r"^[ \t]*(?:if|for|while|with|class|async[ \t]+(?:for|with))\b[^\n{]*:[ \t]*$", re.MULTILINE), "a block that begins with a colon"),
    (re.compile(r"^[ \t]*(?:for|if|while)[ \t]+\w[^\n{(;]*:", re.MULTILINE), "a block that begins with a colon"),
    (re.compile(r"\blambda\b[^\n:]{0,100}:"), "lambda: in JavaScript x => …"),
    (re.compile(r"\bfor[ \t]+\w+(?:[ \t]*,[ \t]*\w+)?[ \t]+in\b[^\n)\]}{]{0,200}[\])}]"), "a comprehension: in JavaScript list.map(x => …)"),
    (re.compile(r"(?<![\w.$])[fFrRbB](?=[\"'])"), "f\"…\": in JavaScript `… ${x}`"),
    (re.compile(r"(?<=[\w)\]\"']) +(?:and|or) +(?=[\w(\"'!])|(?<=[\w)\]]) +(?:is not|not in|is) +\w"), "and, or: in JavaScript && and ||"),
    (re.compile(r"(?:\bif\b[ (]*|[(=,] *|\breturn +|&& *|\|\| *)not +\w"), "not: in JavaScript !"),
    (re.compile(r"(?<![\w.$])(?:None|True|False)(?![\w$:])"), "None, True, False: in JavaScript null, true, false"),
    (re.compile(r"^[ \t]*(?:pass|raise\b[^\n]*|print\(.*\))[ \t]*$", re.MULTILINE), "pass, raise, print"),
)  # fmt: skip

_TYPE: Final = r"(?:string|number|boolean|any|unknown|void|never|object|bigint|symbol)"
_TYPESCRIPT_SIGNS: Final = (
    (re.compile(r"^[ \t]*import[ \t]+type\b", re.MULTILINE), "import type"),
    (re.compile(r"(?:^|(?<=[;{}]))[ \t]*(?:export[ \t]+)?interface[ \t]+\w+", re.MULTILINE), "an interface"),
    (re.compile(r"(?:^|(?<=[;{}]))[ \t]*(?:export[ \t]+)?type[ \t]+\w+[^\n=(]{0,80}=", re.MULTILINE), "a type"),
    (re.compile(r"\b(?:const[ \t]+)?enum[ \t]+\w+[ \t]*\{"), "an enum: in JavaScript a plain object"),
    (re.compile(r"^[ \t]*(?:declare|namespace|abstract)[ \t]+\w+", re.MULTILINE), "a declaration"),
    (re.compile(r"[(,][ \t\n]*(?:private|public|protected|readonly)[ \t]+(?:readonly[ \t]+)?\w+"), "a parameter property"),
    (re.compile(r"^[ \t]*(?:private|public|protected|readonly)[ \t]+[\w#]+", re.MULTILINE), "a modifier"),
    (re.compile(r"\bsatisfies[ \t]+\w"), "satisfies"),
    (re.compile(r"(?<=[\w)\]}\"'`])[ \t]+as[ \t]+(?:const\b|unknown\b|[A-Z{\[(]|" + _TYPE + r"\b|typeof\b|keyof\b)"), "a cast with `as`"),
    (re.compile(r"\b(?:const|let|var)[ \t]+\w+[ \t]*!?:"), "a type annotation"),
    (re.compile(r"\bcatch[ \t]*\([ \t]*\w+[ \t]*:"), "a type annotation"),
    (re.compile(r"[(,][ \t\n]*(?:\.\.\.)?\w+\??[ \t]*:[ \t]*" + _TYPE + r"\b"), "a type annotation"),
    (re.compile(r"[(,][ \t]*\w+\?[ \t]*[:,)]"), "an optional parameter"),
    (re.compile(r"\)[ \t]*:[ \t]*(?:[A-Z]\w*[ \t]*<|" + _TYPE + r"\b)"), "a return type"),
    (re.compile(r"\b(?:new[ \t]+)?\w+<(?:" + _TYPE + r"|[A-Z]\w*|\w+\[\])(?:[^\n()<>;]|<[^\n()<>;]*>){0,80}>[ \t]*\("), "a type argument"),
    (re.compile(r"\bfunction[ \t]+\w+[ \t]*<|=[ \t]*(?:async[ \t]*)?<[A-Z]\w*(?:[ \t]+extends\b[^\n>]*)?,?>[ \t]*\("), "a type parameter"),
    (re.compile(r"<(?:" + _TYPE + r"|[A-Z]\w*\[\]|" + _TYPE + r"\[\])>[ \t]*[\w(\[{]"), "a type assertion"),
    (re.compile(r"(?<=[\w)\]])!(?:[.;,)\[\]]|[ \t]*(?:\}|$))", re.MULTILINE), "a non-null `!`"),
    (re.compile(r"\bclass[ \t]+\w+[^\n{]{0,100}\bimplements\b"), "implements"),
)  # fmt: skip

_JSX: Final = re.compile(r"(?:\breturn|=>|[(=?:,])[ \t\n]*<(?:[A-Za-z][\w.]*(?:[ \t/>]|$)|>)")
_MODULE: Final = re.compile(r"^[ \t]*(?:import\b[ \t]*[\w{*\"']|export[ \t]+(?!default\b)\w)", re.MULTILINE)
FUNCTION: Final = re.compile(
    r"^(?:async[ \t]*)?(?:\([^()\n]{0,200}\)|\w+)[ \t]*=>|^(?:async[ \t]+)?function\b", re.MULTILINE
)
_TYPOGRAPHIC: Final = re.compile(r"[\u2018\u2019\u201c\u201d\u00ab\u00bb]")
_HASH: Final = re.compile(r"^[ \t]*#(?!!)", re.MULTILINE)
_THIN_ARROW: Final = re.compile(r"(?:\)|\b\w+)[ \t]*->")
_PHP_ARROW: Final = re.compile(r"\$\w+[ \t]*(?:->|=)|->")
_ARROW_RETURN: Final = re.compile(r"=>[ \t]*return\b")
_ANNOTATED: Final = re.compile(
    r"(?:\b(?:const|let|var)\s+[\w$]+|\b(?:const|let|var)\s*[\[{][^=;]{0,120}[\]}]|[(,]\s*(?:\.\.\.)?[\w$]+\??|\)"
    r"|[(,]\s*[{\[][^=;()]{0,120}[\]}])\s*!?\s*\Z"
)
_OBJECT_BODY: Final = re.compile(
    r"=>\s*\{\s*(?:[\w$]+|[\"'][^\n]*[\"'])\s*:[^;{}]*(?:,|\Z)[^;{}]*\Z|=>\s*\{\s*\.\.\."
)
_SPREAD_BODY: Final = re.compile(r"=>\s*\{\s*(?:\.\.\.|[\"'\[])")
_TYPE_TEXT: Final = re.compile(r"\??(?::[ \t]*[\w$.<>\[\]|&]*)?")
_WORD_BEFORE: Final = re.compile(r"([A-Za-z_]\w*)\s*\Z")


def syntax_hint(source: Source, message: str) -> str:
    """Return what the text seems to be and what is wanted instead; never ""."""
    return (
        _other_text(source)
        or _at_the_place(source, message)
        or _language(source)
        or _form(source, message)
        or (_MISPLACED if _DOES_NOT_FIT.match(message) else _PLAIN)
    )


def _other_text(source: Source) -> str:
    for pattern, hint in _OTHER_TEXTS:
        if pattern.match(source.text):
            return hint
    return _PROSE if "```" in source.text else ""


def _at_the_place(source: Source, message: str) -> str:
    """Return what the signs right where the parser stopped tell."""
    code, at = source.code, source.offset
    before = code[max(0, at - 300) : at]
    word = _WORD_BEFORE.search(before)
    if word and word[1] == "await":
        return (
            "`await` stands in a function that is not async: write async before it, as in async () => { … }."
        )
    if "end of string" in message:
        return (
            "The string that begins here is not closed. A string in quotes ends on its line; "
            "one in backticks may have several lines."
        )
    if source.has_open_quote():
        return (
            "A quote on this line opens a string that is not closed: a quote inside a string is written \\' or the "
            "string in other quotes, and one in backticks may have several lines."
        )
    if "redefinition" in message:
        return "The name is declared twice here: give the second one another name, or assign without const or let."
    if code[at : at + 1] in (":", "?"):
        is_in_class = re.search(r"\bclass\b", before) is not None
        opener = source.opener_at(at)
        if (
            (opener != "{" and _ANNOTATED.search(before))
            or is_in_class
            or re.search(r"\b(?:const|let|var)\b[^=;]*\Z", before)
        ):
            end = at + len(_TYPE_TEXT.match(code, at)[0])  # type: ignore[index]  # it matches anything
            return _TYPESCRIPT.format(source.shown(at, end), source.place(at), "a type annotation")
    if _OBJECT_BODY.search(before) or _SPREAD_BODY.search(before + code[at : at + 4]):
        return "An arrow function that returns an object needs parentheses around it: () => ({ … })."
    return ""


def _language(source: Source) -> str:
    for pattern, what in _TYPESCRIPT_SIGNS:
        if found := source.search(pattern):
            start = found.start() + len(found[0]) - len(found[0].lstrip(" \t\n,("))
            return _TYPESCRIPT.format(source.shown(start, found.end()), source.place(start), what)
    for pattern, what in _PYTHON_SIGNS:
        if source.search(pattern):
            return _PYTHON.format(what)
    if source.search(_JSX):
        return f"JSX and HTML are not JavaScript: return plain data. {_PLAIN}"
    return ""


def _form(source: Source, message: str) -> str:
    if source.search(_MODULE):
        return NO_MODULES
    if source.search(_TYPOGRAPHIC):
        return "Typographic quotes are no JavaScript: use \", ' or `."
    if source.search(_HASH):
        return "# begins no comment in JavaScript: write // instead."
    if source.search(_ARROW_RETURN):
        return "`return` right behind => needs braces: () => { return x; }, or leave it out: () => x."
    if source.search(_PHP_ARROW) and source.search(_THIN_ARROW):
        return f"-> is no JavaScript: functions have =>, members a dot. {_PLAIN}"
    fault = source.bracket_fault()
    if not fault and len(FUNCTION.findall(source.code)) > 1:
        return SEVERAL_FUNCTIONS
    return fault
