"""The folded document holds what the document holds."""

import json
from typing import Any

import pytest

from ovh_api_mcp.catalog.folding import FOLD
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.sandbox.outcome import CallAnswer, ScriptCall, ScriptLimits
from ovh_api_mcp.sandbox.sandbox import Sandbox
from ovh_api_mcp.sandbox.script import parse_script


def unfold(value: JsonValue, details: list[str]) -> JsonValue:
    if isinstance(value, list):
        return [unfold(each, details) for each in value]
    if not isinstance(value, dict):
        return value
    whole = {name: unfold(each, details) for name, each in value.items() if name != FOLD}
    mark = value.get(FOLD)
    if isinstance(mark, list):
        index, *names = mark
        assert isinstance(index, int)
        folded = json.loads(details[index])
        assert list(folded) == names
        whole |= folded
    return whole


def unfold_paths(columns: dict[str, Any], details: list[str]) -> JsonValue:
    paths: JsonObject = {}
    operations, at = columns["operations"], 0
    for path, methods in columns["items"].items():
        item: JsonObject = {}
        for method in columns["methods"][methods]:
            tags, kind = operations["tags"][at], columns["kinds"][operations["kind"][at]]
            operation = {"operationId": operations["operationId"][at], "summary": operations["summary"][at]}
            operation["tags"] = columns["tags"][tags] if tags >= 0 else None
            whole = {name: value for name, value in operation.items() if value is not None} | kind["same"]
            if operations["details"][at] >= 0:
                folded = json.loads(details[operations["details"][at]])
                assert list(folded) == kind["folded"]
                whole |= folded
            item[method], at = whole, at + 1
        paths[path] = item
    return paths


def test_unfolding_gives_the_whole_document_back(full_catalog: CatalogFile) -> None:
    given = json.loads(b"".join(full_catalog.folded_pieces()))
    whole = unfold(given["document"], given["details"])
    assert isinstance(whole, dict)
    assert whole["paths"] is None
    paths = unfold_paths(given["paths"], given["details"])
    whole["paths"] = paths
    expected = json.loads(full_catalog.document())
    assert whole == expected
    assert list(whole) == list(expected)


def test_what_filters_read_is_not_folded(full_catalog: CatalogFile) -> None:
    columns = json.loads(b"".join(full_catalog.folded_pieces()))["paths"]
    assert {name for kind in columns["kinds"] for name in kind["same"]} <= {"deprecated"}
    assert None not in columns["operations"]["operationId"]
    assert len([text for text in columns["operations"]["summary"] if text]) > 6_000
    assert ["v1/domain"] in columns["tags"]
    assert all("responses" in kind["folded"] for kind in columns["kinds"])


def test_what_only_a_few_scripts_read_is_folded(full_catalog: CatalogFile) -> None:
    components = json.loads(b"".join(full_catalog.folded_pieces()))["document"]["components"]
    for kind in ("schemas", "responses"):
        assert {*map(tuple, components[kind].values())} == {(FOLD,)}


@pytest.mark.anyio
async def test_a_script_sees_the_whole_document_as_it_is(full_catalog: CatalogFile) -> None:
    async def no_api(call: ScriptCall) -> CallAnswer:
        raise AssertionError(call)

    sandbox = Sandbox(load_document=full_catalog.folded_pieces)
    try:
        script = parse_script("(spec) => spec", limit_bytes=100)
        outcome = await sandbox.run(script, no_api, ScriptLimits(60.0, may_call=False))
    finally:
        await sandbox.aclose()
    assert outcome.failure is None
    assert outcome.result is not None
    seen, expected = json.loads(outcome.result), json.loads(full_catalog.document())
    assert seen == expected
    assert json.dumps(seen) == json.dumps(expected)  # in the same order, too
