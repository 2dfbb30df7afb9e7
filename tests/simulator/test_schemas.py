"""The simulator's own schemas, and what is answered for them and for others."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from ovh_api_mcp.errors import SettingsError
from ovh_api_mcp.simulator import Simulator
from ovh_api_mcp.simulator.library import OWN_SCHEMAS
from tests.simulator.checker import PARSED, STRINGS, Checker, Json, load_services, operations
from tests.simulator.conftest import Caller

pytestmark = pytest.mark.anyio

OWN = load_services(OWN_SCHEMAS)
SAMPLES = {"datetime": "2026-01-01T00:00:00Z", "date": "2026-01-01", "long": "1", "boolean": "true"}
SAMPLES |= {"ipv4": "203.0.113.1", "ip": "203.0.113.1", "ipBlock": "203.0.113.0/24"}
SAMPLES |= {"uuid": "00000001-0000-4000-8000-000000000001", "double": "1.5"}


async def _fill(caller: Caller, branch: str, schema: Json, path: str) -> str | None:
    """Put a key that exists into every parameter of a path; None where its list is empty."""
    filled = f"/{branch}"
    template = ""
    lists = {p: op for p, op in operations(schema) if op["httpMethod"] == "GET"}
    for segment in path.strip("/").split("/"):
        if segment.startswith("{") and template in lists:
            members = await caller.get(filled)
            assert isinstance(members, list)
            if not members:
                return None
            first = members[-1]
            key = first if not isinstance(first, dict) else _key(first, segment[1:-1])
            filled += "/" + quote(str(key), safe="")
        else:
            filled += "/" + (quote("practice", safe="") if segment.startswith("{") else segment)
        template += "/" + segment
    return filled


def _key(item: Json, name: str) -> object:
    endings = sorted((p for p in item if name.lower().endswith(p.lower())), key=len)
    return item[endings[-1]] if endings else item["id"]


def _query(operation: Json, schema: Json) -> str:
    """Give every required query parameter a value."""
    parts = []
    for p in operation["parameters"]:
        if p["paramType"] == "query" and p["required"]:
            enum = schema["models"].get(p["dataType"], {}).get("enum")
            parts.append(f"{p['name']}={enum[0] if enum else SAMPLES.get(p['dataType'], 'x')}")
    return "?" + "&".join(parts) if parts else ""


def test_the_own_set_has_many_operations_with_the_features_of_the_real_format() -> None:
    every = [op for schema in OWN.values() for _, op in operations(schema)]
    text = " ".join(p.read_text() for p in OWN_SCHEMAS.rglob("*.json"))

    assert len(every) >= 60
    for feature in (
        "complexType.UnitAndValue<long>",
        "map[string][]iam.resource.TagFilter",
        "coreTypes.AccountId:string",
        '"replacement"',
        '"value":"DEPRECATED"',
        '"noAuthentication":true',
        '"enumType":"long"',
        "X-Pagination-Cursor",
        '"dataType":"map[string]string","paramType":"body"',
        '"iamActions"',
    ):
        assert feature in text, feature


def test_every_type_that_the_own_set_names_exists() -> None:
    scalars = {"void", "any", "long", "double", "boolean"} | STRINGS | PARSED.keys()
    for name, schema in OWN.items():
        texts = [op["responseType"] for _, op in operations(schema)]
        texts += [p["fullType"] for _, op in operations(schema) for p in op["parameters"]]
        texts += [
            p.get("fullType") or p["type"]
            for model in schema["models"].values()
            for p in model.get("properties", {}).values()
        ]
        for text in texts:
            base = re.sub(r"\[\]|map\[[^\]]*\]", "", text).rsplit(":", 1)[-1]
            assert base in scalars | schema["models"].keys() | {"T"}, (name, text)


def _shape(operation: Json) -> set[tuple[object, ...]]:
    return {(p.get("name"), p["paramType"], p["dataType"], p["required"]) for p in operation["parameters"]}


def test_the_operations_of_the_own_set_are_those_of_the_real_api(shared_dir: Path) -> None:
    real = load_services(shared_dir / "ovh-schemas")
    for name, schema in OWN.items():
        theirs = {(path, op["httpMethod"]): op for path, op in operations(real[name])}
        for path, op in operations(schema):
            other = theirs[path, op["httpMethod"]]
            for fact in ("responseType", "noAuthentication"):
                assert op[fact] == other[fact], (name, path, op["httpMethod"])
            assert _shape(op) <= _shape(other), (name, path, op["httpMethod"])


def test_the_models_of_the_own_set_are_part_of_those_of_the_real_api(shared_dir: Path) -> None:
    real = load_services(shared_dir / "ovh-schemas")
    for name, schema in OWN.items():
        for key, model in schema["models"].items():
            other = real[name]["models"][key]
            assert set(model.get("enum", [])) <= set(other.get("enum", [])), (name, key)
            for p, value in model.get("properties", {}).items():
                for fact in ("type", "canBeNull", "readOnly", "required"):
                    assert value[fact] == other["properties"][p][fact], (name, key, p)


@pytest.mark.parametrize("name", sorted(OWN))
async def test_every_get_of_the_own_set_answers_a_value_of_its_type(caller: Caller, name: str) -> None:
    branch, schema = name[:2], OWN[name]
    checker = Checker(schema)
    for path, op in operations(schema):
        if op["httpMethod"] != "GET":
            continue
        filled = await _fill(caller, branch, schema, path)
        assert filled is not None, path
        answer = await caller.get(filled + _query(op, schema))
        assert checker.faults(op["responseType"], answer) == [], path


async def test_values_are_the_same_in_every_simulator(caller: Caller) -> None:
    path = "/v1/domain/zone/example.com/redirection"
    first = await caller.get(path)
    other = await Simulator.start()
    try:
        assert await Caller(other).get(path) == first
    finally:
        await other.aclose()


async def test_the_index_and_the_schemas_are_served_without_authentication(caller: Caller) -> None:
    for branch, spelling in (("v1", "v1"), ("v1", "1.0"), ("v2", "v2")):
        index = await caller.send("GET", f"/{spelling}/", signed=False)
        assert index.content == (OWN_SCHEMAS / branch / "index.json").read_bytes()
        for entry in index.json()["apis"]:
            schema = await caller.send("GET", f"/{spelling}{entry['path']}.json", signed=False)
            assert schema.json()["resourcePath"] == entry["path"]
    assert (await caller.send("GET", "/v1/nothing.json", signed=False)).status_code == 404
    assert (await caller.send("GET", "/v1/../v2/iam.json", signed=False)).status_code == 404


async def test_who_has_the_newest_version_of_a_schema_is_told_so(caller: Caller) -> None:
    async def ask(**conditions: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in conditions.items()}
        return (await caller.send("GET", "/v1/me.json", signed=False, headers=headers)).status_code

    known = (await caller.send("GET", "/v1/me.json", signed=False)).headers
    assert await ask(If_None_Match=known["ETag"]) == 304
    assert await ask(If_None_Match=f'"other", W/{known["ETag"]}') == 304
    assert await ask(If_Modified_Since=known["Last-Modified"]) == 304
    assert await ask(If_None_Match='"other"') == 200
    assert await ask(If_None_Match='"other"', If_Modified_Since=known["Last-Modified"]) == 200
    assert await ask(If_Modified_Since="Sun, 06 Nov 1994 08:49:37 GMT") == 200
    assert await ask(If_Modified_Since="yesterday") == 200


async def test_a_directory_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        await Simulator.start(schemas=tmp_path)

    assert raised.value.code == "setting-invalid"


async def test_a_schema_that_is_no_schema_is_an_error_of_its_own_routes_only(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "index.json").write_text('{"apis":[{"path":"/broken"},{"path":"/gone"}]}')
    (tmp_path / "v1" / "broken.json").write_text('{"apis": 7}')
    simulator = await Simulator.start(schemas=tmp_path)
    try:
        caller = Caller(simulator)
        broken = await caller.send("GET", "/v1/broken/x")
        assert (broken.status_code, broken.json()["class"]) == (500, "Server::InternalServerError")
        assert (await caller.send("GET", "/v1/gone/x")).status_code == 404
        assert (await caller.send("GET", "/v1/auth/time", signed=False)).status_code == 200
    finally:
        await simulator.aclose()


async def test_the_real_catalogue_is_served_and_answers_values_of_its_types(shared_dir: Path) -> None:
    directory = shared_dir / "ovh-schemas"
    real = load_services(directory)
    simulator = await Simulator.start(schemas=directory)
    try:
        caller = Caller(simulator)
        for name, schema in real.items():
            served = await caller.send("GET", f"/{name}.json", signed=False)
            assert served.content == (directory / f"{name}.json").read_bytes()
            checker = Checker(schema)
            gets = [(path, op) for path, op in operations(schema) if op["httpMethod"] == "GET"]
            for path, op in gets[:: max(1, len(gets) // 8)]:
                filled = await _fill(caller, name[:2], schema, path)
                if filled is not None:
                    answer = await caller.get(filled + _query(op, schema))
                    assert checker.faults(op["responseType"], answer) == [], (name, path)
        vps = await caller.get("/v1/vps")
        assert isinstance(vps, list)
        server = await caller.get(f"/v1/vps/{vps[0]}")
        assert isinstance(server, dict)
        assert server["name"] == "vps-1a2b3c01.vps.example.net"
    finally:
        await simulator.aclose()
