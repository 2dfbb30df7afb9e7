"""What gives the right that a call lacked: a consumer key's rules, or an IAM policy.

Contract: a remedy allows the call that failed and no more. A value of the script never widens it: a *
in one is no wildcard, and an odd one is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.json_value import JsonObject, JsonValue
from ovh_api_mcp.limits import RULE_CHARS

UNKNOWN_IDENTITY: Final = "put here who asks: GET /v1/auth/details lists the URNs in identities"

_OWNER: Final = re.compile(r"urn:v1:[a-z]+:identity:[a-z]+:([A-Za-z0-9._-]+)(?:/.*)?")
_RESOURCE_NAME: Final = re.compile(r"[A-Za-z0-9._@+:/-]{1,200}")
_POLICY_NAME_CHARS: Final = 100
_ACCOUNT: Final = "account"  # the type of what belongs to the account itself


@dataclass(frozen=True, slots=True)
class Rights:
    """Where rights come from at the endpoint in use.

    `create_token_url` is the page that makes consumer keys, "" where calls are signed with none;
    `region` is that of URNs, such as "eu".
    """

    create_token_url: str = ""
    region: str = "eu"


def access_rule(asked: Asked) -> str:
    """Return the path of the rule that a call needs, as consumer keys have it.

    Values are kept, so that the rule is for this service alone; the last of several stands for any:
    an item comes and goes. Rules of v1 leave the branch out.
    """
    parts, values = asked.parts, asked.values
    segments = [segment.replace("*", "%2A") for segment in asked.segments]
    if len(values) > 1 and values[-1] == len(parts) - 1:
        segments[-1] = "*"
    first = 1 if segments[0] == "v1" else 0
    path = "".join(f"/{segment}" for segment in segments[first:])
    if len(path) <= RULE_CHARS:
        return path
    return "".join(f"/{'*' if place in values else parts[place]}" for place in range(first, len(parts)))


def create_token_link(page_url: str, method: str, path: str) -> str:
    """Return the page that makes a consumer key, with one rule filled in."""
    return f"{page_url}?{method}={quote(path, safe='/*')}"


def iam_policy(asked: Asked, actions: Iterable[str], identity: str, region: str) -> JsonObject:
    """Return a body for POST /v2/iam/policy that allows `actions` to `identity`, "" where not known.

    Source: iam.policy.Creation of OVH's schemas; the URNs are those of OVHcloud's guide to policies.
    """
    names = list(actions)
    allow: list[JsonValue] = [{"action": name} for name in names]
    urns = dict.fromkeys(_resource(asked, name, identity, region) for name in names)
    resources: list[JsonValue] = [{"urn": urn} for urn in urns]
    label = re.sub(r"[^A-Za-z0-9]+", "-", f"ovh-api-mcp {names[0].replace(':apiovh:', ' ')}")
    return {
        "name": label[:_POLICY_NAME_CHARS].rstrip("-"),
        "description": f"{asked.route.method} {asked.route.template}",
        "identities": [identity or UNKNOWN_IDENTITY],
        "resources": resources,
        "permissions": {"allow": allow},
    }


def _resource(asked: Asked, action: str, identity: str, region: str) -> str:
    """Return the URN of what an action is about: the first value of the path, or any of its type."""
    kind = action.partition(":")[0]
    own = asked.operation.iam_actions
    name = "*"
    if kind == _ACCOUNT:
        owner = _OWNER.fullmatch(identity)
        name = owner[1] if owner else "*"
    elif asked.values and (not own or kind == own[0].partition(":")[0]):
        value = unquote(asked.segments[asked.values[0]])
        name = value if _RESOURCE_NAME.fullmatch(value) else "*"
    return f"urn:v1:{region}:resource:{kind}:{name}"
