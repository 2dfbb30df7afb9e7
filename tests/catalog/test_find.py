"""Finding operations: what never happens whatever the words, and what people find."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ovh_api_mcp.catalog import terms
from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.find import Found, find_operations
from ovh_api_mcp.catalog.model import Lifecycle, Method
from ovh_api_mcp.catalog.question import read_question
from ovh_api_mcp.catalog.spelling import nearest_word
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.terms import Intent
from ovh_api_mcp.catalog.words import split_words, stem, stems_of
from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.limits import FIND_FOUND
from tests.catalog.schema_site import SchemaSite, operation, parameter, service

_SYNTAX = st.sampled_from(
    [
        '"',
        "*",
        "^",
        "NEAR(",
        ")",
        "{tail path} :",
        "tail:",
        "AND",
        "OR",
        "NOT",
        "+",
        "-",
        "--",
        ";",
        "%",
        "\x00",
    ]
)
_WORDS = st.sampled_from(
    ["pot", "water", "pots", "shed", "list", "delete", "/v1/pot", "GET", "arroser", "é", "ß"]
)
_TEXTS = st.lists(_SYNTAX | _WORDS | st.text(max_size=12), max_size=30).map(" ".join)


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogFile]:
    """A small API: pots in two branches, one of them deprecated, one with children."""
    open_door = operation("POST", description="Open the door")
    by_id = [parameter("potId", "path", "long")]
    services = {
        "v1/pot": service(
            {
                "/pot": [operation(response="long[]", description="List the pots")],
                "/pot/{potId}": [
                    operation(response="garden.Pot", parameters=by_id, description="Get a pot"),
                    operation("DELETE", parameters=by_id, description="Throw a pot away"),
                ],
                "/pot/{potId}/water": [operation("POST", parameters=by_id, description="Water a pot")],
                "/pot/{potId}/seed": [
                    operation(response="long[]", parameters=by_id, description="Seeds of a pot")
                ],
                "/pot/_-_/~": [operation(description="")],
                "/pot/{potId}/seed/{seedId}/root": [
                    operation(response="string", parameters=by_id, description="Root of a seed of a pot")
                ],
            },
            {"garden.Pot": {"properties": {"glazeColour": {"type": "string"}}}},
        ),
        "v1/shed/door": service(
            {
                "/shed/door/open": [open_door | {"apiStatus": {"value": "DEPRECATED"}}],
                "/shed/door/unlatch": [open_door],
            }
        ),
        "v2/greenhouse": service(
            {"/greenhouse/pot": [operation(response="string[]", description="List the pots")]}
        ),
    }
    path = tmp_path_factory.mktemp("garden") / "garden.catalog"
    site = SchemaSite.of(services)
    asyncio.run(build_catalog(site.fetch, endpoint_root=site.root, services=["*"], out=path))
    with closing(CatalogFile.open(path)) as file:
        yield file


@pytest.fixture(scope="module")
def full(full_path: Path) -> Iterator[CatalogFile]:
    with closing(CatalogFile.open(full_path)) as file:
        yield file


def _names(found: list[Found]) -> list[str]:
    return [f"{each.method} {each.path}" for each in found]


def _first(file: CatalogFile, words: str) -> str:
    return _names(find_operations(file, words, limit=1))[0]


# --- whatever the words -------------------------------------------------------------------------


@given(_TEXTS, st.integers(-5, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_words_give_a_bounded_list_that_is_the_same_each_time(
    garden: CatalogFile, words: str, limit: int
) -> None:
    found = find_operations(garden, words, limit=limit)
    assert len(found) <= max(0, min(limit, FIND_FOUND))
    assert found == find_operations(garden, words, limit=limit)
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert len(set(_names(found))) == len(found)


@given(
    _TEXTS,
    st.sampled_from(list(Method)),
    st.sampled_from(["pot", "v1/pot", "shed", "v2/greenhouse", "/pot/"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_found_passes_every_filter(
    garden: CatalogFile, words: str, method: Method, root: str
) -> None:
    found = find_operations(garden, words, service=root, method=method.value, status="production", limit=50)
    for each in found:
        assert each.method is method
        assert each.status is Lifecycle.PRODUCTION
        assert root.strip("/").removeprefix("v1/") in each.service


@pytest.mark.parametrize(
    "words",
    [
        '"',
        'pot"',
        "pot*",
        "NEAR(pot water)",
        "tail:pot",
        "pot AND NOT water",
        "{path} : pot",
        "^pot",
        "pot\x00pot",
    ],
)
def test_syntax_of_the_full_text_search_is_only_words(garden: CatalogFile, words: str) -> None:
    plain = " ".join(split_words(words))
    assert find_operations(garden, words) == find_operations(garden, plain)


@pytest.mark.parametrize(
    "words", ["", "   ", "the", "?!", "\ud800", "日本語", "🪴", "x" * 100_000, "qzxv" * 5]
)
def test_words_that_say_nothing_find_nothing(garden: CatalogFile, words: str) -> None:
    assert find_operations(garden, words) == []


def test_a_filter_alone_lists_what_it_admits(garden: CatalogFile) -> None:
    assert _names(find_operations(garden, "", service="shed", status="production")) == [
        "POST /v1/shed/door/unlatch"
    ]


def test_a_filter_finds_what_would_not_be_among_the_first(full: CatalogFile) -> None:
    assert "v1/horizonView" not in {
        each.service for each in find_operations(full, "user password", limit=FIND_FOUND)
    }
    found = find_operations(full, "user password", service="horizonView", limit=3)
    assert {each.service for each in found} == {"v1/horizonView"}


@pytest.mark.parametrize(
    ("argument", "right"),
    [
        ({"service": "v1/pots"}, "v1/pot"),
        ({"service": "sched/door"}, "shed/door"),
        ({"service": ""}, "v1/pot"),
        ({"service": "zzz" * 500}, "v1/pot"),
        ({"method": "PATCH"}, "GET, POST, PUT, DELETE"),
        ({"status": "stable"}, "PRODUCTION, BETA, ALPHA, DEPRECATED"),
    ],
)
def test_a_filter_that_does_not_exist_is_refused_with_those_that_do(
    garden: CatalogFile, argument: dict[str, str], right: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        find_operations(garden, "pot", **argument)  # type: ignore[arg-type]
    assert caught.value.code == "invalid-call"
    assert right in caught.value.message
    assert right in caught.value.hint


# --- order --------------------------------------------------------------------------------------


def test_a_stable_operation_comes_before_a_deprecated_one_that_says_the_same(garden: CatalogFile) -> None:
    found = find_operations(garden, "open the door")
    assert [each.status for each in found[:2]] == [Lifecycle.PRODUCTION, Lifecycle.DEPRECATED]


def test_a_deprecated_operation_is_found_when_that_is_asked_for(garden: CatalogFile) -> None:
    assert _names(find_operations(garden, "door", status="Deprecated")) == ["POST /v1/shed/door/open"]


def test_a_collection_comes_before_its_items_and_what_lies_below_them(garden: CatalogFile) -> None:
    names = _names(find_operations(garden, "pot", service="v1/pot"))
    assert names[0] == "GET /v1/pot"
    assert names.index("GET /v1/pot/{potId}/seed") < names.index("GET /v1/pot/{potId}/seed/{seedId}/root")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("list pots", "GET /v1/pot"),
        ("water a pot", "POST /v1/pot/{potId}/water"),
        ("remove a pot", "DELETE /v1/pot/{potId}"),
        ("supprimer pot", "DELETE /v1/pot/{potId}"),
        ("glaze colour", "GET /v1/pot/{potId}"),
        ("greenhuose", "GET /v2/greenhouse/pot"),
        ("open door", "POST /v1/shed/door/unlatch"),
        ("show the details of one pot", "GET /v1/pot/{potId}"),
        ("list all pots with details", "GET /v1/pot"),
        ("how do I remove a pot", "DELETE /v1/pot/{potId}"),
    ],
)
def test_verbs_fields_and_slips_lead_to_the_operation(garden: CatalogFile, words: str, expected: str) -> None:
    assert _first(garden, words) == expected


def test_every_path_and_operation_id_finds_itself_first(full: CatalogFile) -> None:
    routes = full.routes()
    for method, path in routes[:: len(routes) // 150]:
        found = find_operations(full, f"{method} {path}", limit=1)
        assert _names(found) == [f"{method} {path}"]
        assert find_operations(full, path.removeprefix("/v1").removeprefix("/v2"), limit=9)[0].path.endswith(
            path[3:]
        )
        known = full.operation(method, path)
        assert known is not None
        assert f"{method} {path}" in _names(find_operations(full, known.operation_id, limit=3))


@pytest.mark.parametrize(
    "words",
    [
        "kubernetes cluster",
        "vps reboot",
        "load balancer",
        "kube audit logs",
        "dedicated server network interface",
        "email redirection",
        "dns zone",
        "order a vps",
    ],
)
def test_of_operations_that_differ_in_their_status_alone_the_stable_one_comes_first(
    full: CatalogFile, words: str
) -> None:
    found = find_operations(full, words, limit=FIND_FOUND)
    places = {(each.method, each.path): place for place, each in enumerate(found)}
    for each in found:
        if each.status is not Lifecycle.DEPRECATED:
            continue
        for other in found:
            is_twin = (
                other.method is each.method and other.path.rpartition("/")[2] == each.path.rpartition("/")[2]
            )
            if is_twin and other.service == each.service and other.status is Lifecycle.PRODUCTION:
                assert places[other.method, other.path] < places[each.method, each.path]


# --- what people find -----------------------------------------------------------------------------

# What must stay found: plain requests, each with the operations one of which comes among the first five.
_ASKED = {
    "list my domains": {"GET /v1/domain", "GET /v2/domain/name"},
    "add an MX record": {"POST /v1/domain/zone/{zoneName}/record"},
    "redémarrer mon vps": {"POST /v1/vps/{serviceName}/reboot"},
    "virtual machines of a project": {"GET /v1/cloud/project/{serviceName}/instance"},
    "create a bucket": {
        "POST /v1/cloud/project/{serviceName}/region/{regionName}/storage",
        "POST /v1/cloud/project/{serviceName}/storage",
    },
    "k8s clusters": {"GET /v1/cloud/project/{serviceName}/kube"},
    "mes factures": {"GET /v1/me/bill"},
    "invoices": {"GET /v1/me/bill"},
    "move a failover ip": {"POST /v1/ip/{ip}/move"},
    "open a support ticket": {"POST /v1/support/tickets/create"},
    "reinstall a dedicated server": {"POST /v1/dedicated/server/{serviceName}/reinstall"},
    "envoyer un sms": {"POST /v1/sms/{serviceName}/jobs", "POST /v1/sms/{serviceName}/batches"},
    "create an iam policy": {"POST /v2/iam/policy"},
    "servurs dédiés": {"GET /v1/dedicated/server"},
    "kubeconfg": {"POST /v1/cloud/project/{serviceName}/kube/{kubeId}/kubeconfig"},
}


def test_most_of_what_people_ask_for_is_first_and_all_of_it_among_the_first_five(full: CatalogFile) -> None:
    found = {words: _names(find_operations(full, words, limit=5)) for words in _ASKED}
    missed = [words for words, names in found.items() if not _ASKED[words].intersection(names)]
    first = [words for words, names in found.items() if names[0] in _ASKED[words]]
    assert missed == []
    assert len(first) >= 0.8 * len(_ASKED)


def test_the_public_requests_are_found_as_well_as_promised(full: CatalogFile, shared_dir: Path) -> None:
    requests = json.loads((shared_dir / "corpora" / "find.public.json").read_bytes())
    found = [(_names(find_operations(full, each["query"], limit=5)), each["expect"]) for each in requests]
    assert sum(bool({*names} & {*expected}) for names, expected in found) >= 0.8 * len(requests)
    assert sum(names[:1] != [] and names[0] in expected for names, expected in found) >= 0.5 * len(requests)


# What people found badly once: requests, each with the operations one of which comes first.
_FIRST = {
    "annuler une commande": {"POST /v1/me/order/{orderId}/retraction"},
    "cancel my order": {"POST /v1/me/order/{orderId}/retraction"},
    "annuler un service": {"POST /v1/services/{serviceId}/terminate"},
    "redeem a voucher": {"POST /v1/me/credit/code"},
    "mes commandes": {"GET /v1/me/order"},
    "delete a snapshot of an instance": {"DELETE /v1/cloud/project/{serviceName}/snapshot/{imageId}"},
    "please can you show me how I would delete a dns record": {
        "DELETE /v1/domain/zone/{zoneName}/record/{id}"
    },
    "show the details of one domain": {"GET /v1/domain/{serviceName}"},
    "details of an instance": {"GET /v1/cloud/project/{serviceName}/instance/{instanceId}"},
    "list instances": {"GET /v1/cloud/project/{serviceName}/instance"},
    "supprimez un bucket": {
        "DELETE /v1/cloud/project/{serviceName}/storage/{containerId}",
        "DELETE /v1/cloud/project/{serviceName}/region/{regionName}/storage/{name}",
    },
    "put a vps in the cart": {"POST /v1/order/cart/{cartId}/vps"},
    "clés ssh du projet cloud": {"GET /v1/cloud/project/{serviceName}/sshkey"},
    "désactiver dnssec sur ma zone": {"DELETE /v1/domain/zone/{zoneName}/dnssec"},
    "unplug a volume from a vm": {"POST /v1/cloud/project/{serviceName}/volume/{volumeId}/detach"},
    "take a snapshot of a volume": {"POST /v1/cloud/project/{serviceName}/volume/{volumeId}/snapshot"},
    "windows licences i pay for": {"GET /v1/license/windows"},
}


@pytest.mark.parametrize(("words", "expected"), _FIRST.items())
def test_what_was_found_badly_comes_first(full: CatalogFile, words: str, expected: set[str]) -> None:
    assert _first(full, words) in expected


def test_a_voucher_alone_finds_where_to_check_and_where_to_use_it(full: CatalogFile) -> None:
    names = _names(find_operations(full, "voucher", limit=5))
    assert {"POST /v1/me/credit/code", "POST /v1/me/voucher/checkValidity"} <= {*names}


@pytest.mark.parametrize("words", ["domain", "delete a snapshot", "details of a server", "show my profile"])
def test_the_best_are_the_same_however_many_are_asked_for(full: CatalogFile, words: str) -> None:
    most = _names(find_operations(full, words, limit=FIND_FOUND))
    for limit in (1, 3, 10):
        assert _names(find_operations(full, words, limit=limit)) == most[:limit]


# --- questions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "intent", "stems"),
    [
        ("list my domains", "read", ["domain"]),
        ("roll the zone back", "act", ["restor", "zone"]),
        ("my orders", None, ["order"]),
        ("order a vps", "create", ["cart", "vps"]),
        ("backup of a database", None, ["backup", "databas"]),
        ("snapshot an instance", "create", ["snapshot", "instanc"]),
        ("images for rebuild", None, ["imag", "rebuild"]),
        ("progress of the installation", None, ["progress", "install"]),
        ("supprimer une zone dns", "delete", ["zone", "dns"]),
        ("node pool", None, ["nodepool"]),
        ("lock 12345", "act", ["lock"]),
        ("how do I create a zone", "create", ["zone"]),
        ("please show me how I would restart it", "act", ["restart"]),
        ("montrez-moi comment supprimer une zone", "delete", ["zone"]),
        ("how many messages did I send", "read", ["messag"]),
        ("restore the zone to how it was", "act", ["restor", "zone"]),
        ("cancel my order", "act", ["retract", "order"]),
        ("ajoutez une clé", "create", ["key"]),
        ("une sauvegarde", None, ["backup"]),
        ("put a zone into the cart", "create", ["zone", "cart"]),
        ("licences i pay for", None, ["licenc", "pay"]),
        ("i want to pay", "act", ["pay"]),
        ("disable dnssec", "undo", ["disabl", "dnssec"]),
    ],
)
def test_a_verb_tells_the_intent_and_a_noun_does_not(
    words: str, intent: str | None, stems: list[str]
) -> None:
    question = read_question(words, lambda each: dict.fromkeys(each, 1), lambda word: "")
    assert question.intent == intent
    found = {each for group in question.groups for each in group.stems}
    assert found.issuperset(stems)
    assert "12345" not in found


@pytest.mark.parametrize(
    ("words", "is_of_item"),
    [
        ("show one pot", True),
        ("détails d'un pot", True),
        ("one pot", True),
        ("list pots", False),
        ("list one by one", False),
        ("tous les pots en détail", False),
        ("my pot", False),
    ],
)
def test_a_question_tells_one_from_many(words: str, *, is_of_item: bool) -> None:
    question = read_question(words, lambda each: dict.fromkeys(each, 1), lambda word: "")
    assert question.is_of_item == is_of_item


def test_what_stands_behind_a_preposition_counts_less_than_the_thing_itself() -> None:
    question = read_question("users of a project", lambda each: dict.fromkeys(each, 1), lambda word: "")
    thing, place = question.groups
    assert "user" in thing.stems
    assert "project" in place.stems
    assert thing.weight > place.weight


def test_a_false_friend_does_not_stand_for_itself() -> None:
    question = read_question("commande", lambda each: dict.fromkeys(each, 1), lambda word: "")
    assert [list(group.stems) for group in question.groups] == [["order"]]


# --- words, spelling, tables ------------------------------------------------------------------


@given(st.text(max_size=300))
@example("s3 ٣٤ ªb ﬁ œ")
def test_words_are_lower_case_letters_or_digits(text: str) -> None:
    for word in split_words(text):
        assert word.isascii()
        assert word.isalnum()
        assert word == word.lower()
        assert stem(word)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("domains", "domain"),
        ("policies", "policy"),
        ("creating", "create"),
        ("termination", "terminate"),
        ("IPs", "ip"),
        ("hébergement", "hebergement"),
        ("s3Credentials", "s3 credential"),
        ("stopped", "stop"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stems_of(one) == stems_of(other)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("domian", "domain"), ("instnace", "instance"), ("certifcate", "certificate"), ("kuberntes", "kubernetes"),
     ("wipe", ""), ("zzzzzz", ""), ("factrue", "facture")],
)  # fmt: skip
def test_slips_are_corrected_and_other_words_left_alone(written: str, meant: str) -> None:
    known = ["domain", "instance", "certificate", "kubernetes", "facture", "ripe", "size"]
    assert nearest_word(written, known) == meant


def test_each_phrase_of_the_tables_means_one_thing() -> None:
    sections = terms.load_sections()
    for name in ("synonyms", "actions"):
        phrases: dict[tuple[str, ...], str] = {}
        for line in sections[name]:
            written, _, meaning = line.partition(" = ")
            assert meaning.strip(), line
            for phrase in written.split(", "):
                assert phrases.setdefault(tuple(stems_of(phrase)), line) == line
    for line in sections["verbs"]:
        assert line.partition(": ")[0] in get_args(Intent)


def test_the_tables_name_segments_and_services_that_exist(full: CatalogFile) -> None:
    operations = full.select(tuple[str, str], "SELECT service, path FROM operations")
    segments: dict[str, set[str]] = {}
    for service_, path in operations:
        for root in (service_.partition("/")[2], "*"):
            segments.setdefault(root, set()).update(path.split("/"))
    sections = terms.load_sections()
    root = ""
    for line in sections["plain names"]:
        if line.startswith("("):
            root = line.strip("()")
        else:
            assert line.partition(" = ")[0] in segments[root]
    services = {service_ for service_, _ in operations}
    for line in sections["priors"]:
        name, _, segment = line.partition(" = ")[0].partition(" ")
        assert any(each == name or each.startswith(f"{name}/") for each in services)
        assert not segment or segment in segments[name.partition("/")[2]]


def test_a_product_whose_name_is_a_little_word_elsewhere_is_found(full_catalog: CatalogFile) -> None:
    found = find_operations(full_catalog, "ai jobs")
    assert any("/ai/job" in each.path for each in found[:3])


def test_each_verb_of_an_action_leads_to_a_word_of_the_api(full: CatalogFile) -> None:
    tables = terms.load_terms()
    stems = {each for (each,) in full.select(tuple[str], "SELECT stem FROM stems")}
    for line in terms.load_sections()["verbs"]:
        for written in line.removeprefix("act: ").split(", ") if line.startswith("act: ") else ():
            phrase = tuple(stems_of(written))
            assert tables.actions.get(phrase) or stems.intersection(phrase), written
    for phrase, groups in tables.actions.items():
        for alternatives in groups:
            assert stems.intersection(alternatives), (phrase, alternatives)
