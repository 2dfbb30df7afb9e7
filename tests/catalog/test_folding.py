"""The folded document holds what the document holds."""

import json

from ovh_api_mcp.catalog.folding import FOLD
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.json_value import JsonValue


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


def test_unfolding_gives_the_whole_document_back(full_catalog: CatalogFile) -> None:
    given = json.loads(b"".join(full_catalog.folded_pieces()))
    assert unfold(given["document"], given["details"]) == json.loads(full_catalog.document())


def test_what_filters_read_is_not_folded(full_catalog: CatalogFile) -> None:
    document = json.loads(b"".join(full_catalog.folded_pieces()))["document"]
    operation = document["paths"]["/v1/domain/zone"]["get"]
    assert operation["summary"]
    assert operation["tags"] == ["v1/domain"]
    assert "parameters" in operation[FOLD]
