"""Places in the document that a script looks up and that are not there: the nearest that are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, Protocol

from ovh_api_mcp.errors import cut_foreign
from ovh_api_mcp.sandbox.advice.source import Source

_DOCUMENT: Final = re.compile(r"(?<![\w$.])spec\b|\bpaths\b")
_KEYS: Final = 8  # of one script that are looked up
_KEY_CHARS: Final = 200
_NEAR: Final = 3
_SHAPE: Final = (
    'spec is { openapi, info, paths, components }: spec.paths["/v1/…"].get, spec.components.schemas["…"].'
)
_ELSEWHERE: Final = {
    "path": "paths", "endpoints": "paths", "operations": "paths", "routes": "paths", "apis": "paths",
    "api": "paths", "definitions": "components.schemas", "schemas": "components.schemas",
    "models": "components.schemas", "schema": "components.schemas", "types": "components.schemas",
}  # fmt: skip
_TOP: Final = frozenset(
    {"openapi", "info", "servers", "paths", "components", "tags", "security", "externalDocs"}
)
_TOP_MEMBER: Final = re.compile(r"(?<![\w$.])spec\s*(?:\?\.|\.)\s*([A-Za-z_$][\w$]*)")
_AS_LIST: Final = re.compile(
    r"(?<![\w$.])spec\s*\??\.\s*(paths|components\s*\??\.\s*schemas)\s*(?:\?\.|\.)\s*"
    r"(map|filter|find|findIndex|forEach|some|every|reduce|flatMap|slice|sort|includes|length|entries|keys|values|join|indexOf|size|has|get)\b(?!\s*:)"
)
_LOOPED: Final = re.compile(r"(?:\bof|\.\.\.)\s*spec\s*\??\.\s*(paths|components\s*\??\.\s*schemas)\s*[\])]")
_LITERAL_KEY: Final = re.compile(
    r"\b(?P<where>paths|schemas)\s*(?:\?\.)?\s*\[\s*(?P<quote>[\"'`])(?P<key>[^\"'`\n]{1,200})(?P=quote)\s*\](?:\s*\??\.\s*(?P<member>\w+))?"
)
_SCHEMA_MEMBER: Final = re.compile(r"\bschemas\s*\??\.\s*(?P<key>[A-Za-z][\w$]*)(?!\s*[\w$(])")
_NAMED_KEY: Final = re.compile(
    r"\b(?P<where>paths|schemas)\s*(?:\?\.)?\s*\[\s*(?P<name>[A-Za-z_$][\w$]*)\s*\]"
)
_UNPREFIXED: Final = re.compile(
    r"(?:startsWith\(\s*|[!=]==?\s*)[\"'`](?P<path>/(?!v[12]\b)[a-zA-Z][^\"'`\n]{0,100})[\"'`]"
)
_METHODS: Final = frozenset({"get", "post", "put", "delete"})
_FIELDS: Final = (
    "summary|description|tags|parameters|operationId|method|responses|deprecated|requestBody|path"
)
# A callback over the paths themselves, with no more than a filter before it, and its second parameter.
_ENTRY: Final = re.compile(
    r"Object\.(?:entries|values)\(\s*spec\s*\??\.\s*paths\s*\)"
    r"(?:\s*\.\s*(?:filter|slice)\((?:[^()]|\([^()]{0,80}\)){0,150}\))?"
    r"\s*\.\s*(?:map|filter|find|flatMap|forEach|some|every)\(\s*(?:\(\s*)?"
    r"(?:\[\s*[\w$]*\s*,\s*(?P<pair>[A-Za-z_$][\w$]*)\s*\]|(?P<value>[A-Za-z_$][\w$]*))\s*\)?\s*=>"
    r"|\bfor\s*\(\s*(?:const|let|var)\s+(?:\[\s*[\w$]*\s*,\s*(?P<looped>[A-Za-z_$][\w$]*)\s*\])"
    r"\s+of\s+Object\.entries\(\s*spec\s*\??\.\s*paths"
    r"|\bfor\s*\(\s*(?:const|let|var)\s+(?P<each>[A-Za-z_$][\w$]*)\s+of\s+Object\.values\(\s*spec\s*\??\.\s*paths"
)
_OPERATION_FIELD: Final = re.compile(
    rf"\bspec\s*\??\.\s*paths\s*\[[^\]\n]{{1,200}}\]\s*\??\.\s*(?P<field>{_FIELDS})\b"
)


_BODY_PARAMETER: Final = re.compile(r"\.in\s*===?\s*[\"']body[\"']")
_BODY_PLACE: Final = (
    'parameters is a list of { name, in, required, schema } with in "path", "query" or "header"; '
    'the body is at requestBody.content["application/json"].schema.'
)
# Words of other forms of such documents, OVHcloud's own among them, and what they are here.
_OTHER_FORMS: Final = (
    (re.compile(r"\bresponses\s*\??\.?\s*\[[^\]\n]{1,40}\]\s*\??\.\s*schema\b|\bresponses\s*\??\.\s*schema\b"),
     'The schema of an answer is at responses["200"].content["application/json"].schema, often a "$ref".'),
    (re.compile(r"\bparameters\s*\??\.\s*(?:body|path|query)\b|\.\s*paramType\b"),
     _BODY_PLACE),
    (re.compile(r"\brequestBody\s*\??\.\s*(?:schema|properties)\b"),
     'The schema of a body is at requestBody.content["application/json"].schema, often a "$ref".'),
    (re.compile(r"\.\s*(?:dataType|fullType|httpMethod|responseType|noAuthentication|apiStatus|operations)\b"),
     "The document is OpenAPI 3.1: spec.paths[path][method] has parameters, requestBody and responses "
     'with schemas; its status is in "x-ovh-status".'),
    (re.compile(r"\.\s*schema\s*\??\.\s*(?:properties|items|required|enum)\b"),
     'The schema may be { "$ref": "#/components/schemas/Name" }: '
     "look that name up in spec.components.schemas first."),
)  # fmt: skip


class Document(Protocol):
    """What is known of the document that a script reads."""

    def methods(self, path: str) -> Sequence[str] | None:
        """Return the methods of a path, in lower case, or None where there is no such key."""
        ...

    def paths_near(self, path: str) -> Sequence[str]:
        """Return the keys of `paths` that may be meant, the likeliest first."""
        ...

    def has_schema(self, name: str) -> bool:
        """Tell whether there is a schema of that name."""
        ...

    def schemas_near(self, name: str) -> Sequence[str]:
        """Return the names of schemas that may be meant, the likeliest first."""
        ...


def shape_hint(source: Source) -> str:
    """Return how the document is built, where the script takes it for something else; else ""."""
    if (found := source.search(_AS_LIST)) or (found := source.search(_LOOPED)):
        where = re.sub(r"\s|\?", "", found[1])
        return (
            f"spec.{where} is an object, not a list: Object.entries(spec.{where}) gives [name, value] pairs, "
            f"Object.keys(spec.{where}) the names."
        )
    for found in islice(_TOP_MEMBER.finditer(source.code), 50):
        name = found[1]
        if name in _TOP or name.startswith("x"):
            continue
        if name in _ELSEWHERE:
            return f"There is no spec.{name}: that is spec.{_ELSEWHERE[name]}. {_SHAPE}"
        return f"There is no spec.{cut_foreign(name, 40)}. {_SHAPE}"
    for found in islice(_ENTRY.finditer(source.code), 10):
        name = found["pair"] or found["value"] or found["looped"] or found["each"]
        escaped = re.escape(name)
        again = re.compile(rf"\b{escaped}\s*\]?\s*\)?\s*(?:=>|of\b)").search(source.code, found.end())
        used = re.compile(rf"(?<![\w$.]){escaped}\s*\??\.\s*(?P<field>{_FIELDS})\b").search(
            source.code, found.end(), min(again.start() if again else len(source.code), found.end() + 2000)
        )
        if used:
            return _one_level_deeper(name, used["field"])
    if found := source.search(_OPERATION_FIELD):
        return _one_level_deeper("spec.paths[path]", found["field"])
    return ""


def form_hint(source: Source) -> str:
    """Return where something stands in this document, where the script looks as in another form; else ""."""
    if not source.search(_DOCUMENT):
        return ""
    if _BODY_PARAMETER.search(source.text):
        return _BODY_PLACE
    return next((hint for pattern, hint in _OTHER_FORMS if source.search(pattern)), "")


def key_hint(source: Source, document: Document) -> str:
    """Return the nearest keys for one that the document lacks, or ""."""
    for where, key, member in islice(_keys(source), _KEYS):
        if where == "schemas":
            if not document.has_schema(key):
                return _no_key(f'spec.components.schemas has no "{key}"', document.schemas_near(key))
            continue
        methods = document.methods(key)
        if methods is None:
            return _no_key(f'spec.paths has no "{key}"', document.paths_near(key))
        if member and member.lower() in {*_METHODS, "patch", "head"} and member not in methods:
            return (
                f'spec.paths["{cut_foreign(key, 120)}"] has no {member}, only {", ".join(methods)}: '
                "methods are in lower case."
            )
    return ""


def prefix_hint(source: Source, document: Document) -> str:
    """Return the prefix that is missing where paths are compared with one that begins otherwise, or ""."""
    found = _UNPREFIXED.search(source.text)
    if found is None or not re.search(r"\bpaths\b", source.code):
        return ""
    path = cut_foreign(found["path"], 100)
    near = document.paths_near(found["path"])
    right = cut_foreign(near[0], 120) if near else f"/v1{path}"
    return (
        f'Every path begins with /v1 or /v2: "{path}" begins none. Compare with "{right}", or use includes.'
    )


def _keys(source: Source) -> list[tuple[str, str, str]]:
    """Return container, key and method of each look-up by a key that stands in the script."""
    text, keys = source.text, list[tuple[str, str, str]]()
    for found in islice(_LITERAL_KEY.finditer(text), _KEYS):
        if "${" not in found["key"]:
            keys.append((found["where"], found["key"], found["member"] or ""))
    for found in islice(_SCHEMA_MEMBER.finditer(source.code), _KEYS):
        if found["key"] not in ("map", "filter", "length", "hasOwnProperty"):
            keys.append(("schemas", found["key"], ""))
    for found in islice(_NAMED_KEY.finditer(source.code), _KEYS):
        given = re.search(rf"\b{re.escape(found['name'])}\s*=\s*([\"'`])([^\"'`\n]{{1,200}})\1", text)
        if given and "${" not in given[2]:
            keys.append((found["where"], given[2], ""))
    return keys


def _no_key(fact: str, near: Sequence[str]) -> str:
    shown = ", ".join(f'"{cut_foreign(each, 90)}"' for each in near[:_NEAR])
    head = cut_foreign(fact, 140)
    return (
        f"{head}. Nearest: {shown}."
        if shown
        else f'{head}. Look among the keys first: Object.keys(…).filter(k => k.includes("word")).'
    )


def _one_level_deeper(name: str, field: str) -> str:
    return (
        f"`{cut_foreign(name, 40)}.{field}` is not there: under a path stand its methods, and the fields "
        "below these: "
        f"spec.paths[path].get.{field}. Walk them with Object.entries(spec.paths[path])."
    )
