"""Typical wrong calls, over the whole catalogue: each refusal holds the word that helps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ovh_api_mcp.errors import RefusedError
from ovh_api_mcp.gate.gatekeeper import Gatekeeper
from tests.gate.operations import check

KINDS = {
    "missing-version-prefix",
    "wrong-version",
    "placeholder-in-path",
    "wrong-method",
    "query-in-path",
    "wrong-option-name",
    "unencoded-slash",
    "other-region",
    "wrong-query-name",
    "unauthenticated",
    "v2-pagination",
}
_CALL = re.compile(r"ovh\.request\((\{.*?\})\)", re.DOTALL)
_KEY = re.compile(r"([{,]\s*)(\w+):")


def _calls(corpus: Path) -> list[tuple[str, dict[str, Any], str]]:
    """Return name, arguments and hint of the scripts whose one call is an object literal."""
    found = []
    for case in json.loads(corpus.read_bytes()):
        match = _CALL.search(case["code"])
        if case["kind"] in KINDS and match:
            arguments = json.loads(_KEY.sub(r'\1"\2":', match[1].replace("'", '"')))
            found.append((case["name"], arguments, case["hint"]))
    return found


def test_a_typical_mistake_is_refused_with_the_right_hint(whole_gate: Gatekeeper, shared_dir: Path) -> None:
    calls = _calls(shared_dir / "corpora" / "mistakes.public.json")
    assert len(calls) >= 12
    for name, arguments, hint in calls:
        try:
            check(whole_gate, arguments)
        except RefusedError as error:
            assert re.search(hint, error.message, re.IGNORECASE), (name, error.message)
        else:
            assert name == "lower-case-get"


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("GET", "/domain/zone/example.com/record", "/v1/domain/zone/example.com/record"),
        ("GET", "/iam/policy", "/v2/iam/policy"),
        ("GET", "/v1/iam/policy", "/v2/iam/policy"),
        ("GET", "/1.0/vps", "/v1/vps"),
        ("GET", "/v3/vps", "/v1/vps"),
        ("GET", "/v1/cloud/projects/abc/instance", "GET /v1/cloud/project/{serviceName}/instance"),
        ("POST", "/v1/cloud/project/abc/instances", "POST /v1/cloud/project/{serviceName}/instance"),
        ("GET", "/v1/dedicated/servers", "GET /v1/dedicated/server"),
        (
            "POST",
            "/v1/dedicated/servers/ns1.example/reboot",
            "POST /v1/dedicated/server/{serviceName}/reboot",
        ),
        ("GET", "/v1/email/pro/x/acount", "GET /v1/email/pro/{service}/account"),
        ("GET", "/v1/kubernetes/cluster/nodes", "/kube/"),
        ("GET", "/v1/ip/2001:db8::/64/reverse", "%2F"),
        ("GET", "/v1/vps/vps-1/reboot", "POST"),
        ("DELETE", "/v1/me", "GET and PUT"),
        (
            "DELETE",
            "/v1/domain/zone/a/record",
            "GET and POST. There is DELETE /v1/domain/zone/{zoneName}/record/{id}.",
        ),
        ("GET", "/v1/vps/<serviceName>/ips", "GET) lists"),
        ("GET", "/v1/cloud/project/PROJECT_ID/kube", "/v1/cloud/project (GET)"),
    ],
)
def test_other_calls_of_the_same_kinds_are_helped_too(
    whole_gate: Gatekeeper, method: str, path: str, word: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        whole_gate.check({"method": method, "path": path})
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("path", "word", "noise"),
    [
        ("/v1/dns", "GET /v1/me/task/dns", "allDom|dedicatedCloud|freefax|horizonView|cdn"),
        ("/v1/me/bills", "Nearest: GET /v1/me/bill", "metrics"),
        ("/v1/domain/zone/example.com/recrod", "GET /v1/domain/zone/{zoneName}/record", "order"),
        ("/v1/iam/policies", "GET /v2/iam/policy", "permissionsGroup"),
        ("/v1/dedicated/server/ns1/ip", "Nearest: GET /v1/dedicated/server/{serviceName}/ips", "CanBeMoved"),
        ("/v1/servers", "GET /v1/dedicated/server", "allDom"),
        ("/v1/foo", 'Look operations up with ovh.find("words")', "Nearest"),
    ],
)
def test_what_has_nothing_to_do_with_the_path_is_not_suggested(
    whole_gate: Gatekeeper, path: str, word: str, noise: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        whole_gate.check({"method": "GET", "path": path})
    assert word in caught.value.message
    assert not re.search(noise, caught.value.message)
