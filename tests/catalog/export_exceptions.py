"""Where OVH's exports and the catalogue may differ, and why; every line is a set of regular expressions.

The exports were made in September 2025, the schemas are of 2026: what is said to be newer stands in
the schemas as it stands in the catalogue, which test_full_catalog.py proves of every operation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.catalog.export_comparison import NO_OPERATION, Difference


@dataclass(frozen=True)
class ExpectedDifference:
    """Differences of one kind and reason; `values` is matched against "export → catalogue"."""

    operations: str
    kind: str
    place: str
    values: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        return all(
            re.fullmatch(pattern, text) is not None
            for pattern, text in (
                (self.operations, difference.operation),
                (self.kind, difference.kind),
                (self.place, difference.place),
                (self.values, f"{difference.export} → {difference.catalogue}"),
            )
        )


_ANY: Final = r"[A-Z]+ /.*"
_ADDED: Final = "False → True"
_TAGS: Final = "The tag of an operation is its service; the exporter's are the subsections of a service"
_EXAMPLES: Final = "Examples are written for the exporter; the schemas have none"
_FORMAT: Final = "JSON Schema has no such format, so a pattern says it"
_IPV6: Final = "The exporter calls every `ip` ipv4, though OVH's own `ip` is of either version"
_LONG_ENUM: Final = (
    "Values stay as the schemas give them, here numbers as text, with x-ovh-type long beside them"
)
_VARIANT: Final = "Services define this model differently: each sees its own, under a name that tells which"
_NO_FIELD_REQUIRED: Final = "No field of the body is required, and OVH's own SDKs may then send none at all"
_ERROR_MODEL: Final = "An error of the API has more than the exporter names, and needs no texts"
_NEWER: Final = "The schema is newer than the export: it has this, and the export has not yet"
_GONE: Final = "The schema is newer than the export: this is gone from it"
_REWORDED: Final = "The schema is newer than the export: OVH has written another text"
_DEPRECATED: Final = "The schema is newer than the export: the operation has been deprecated since"
_STABLE: Final = "The schema is newer than the export: the operation has become stable since"
_REQUIRED: Final = "The schema is newer than the export: the property has become required since"

EXPECTED: Final = [
    # --- on purpose
    ExpectedDifference(_ANY, "tags", "", r".* → 'v[12]/\w+'", _TAGS),
    ExpectedDifference(r"[A-Z]+ /v2/.*", "examples", r"body|answer 200", "True → False", _EXAMPLES),
    ExpectedDifference(_ANY, "format", ".*", r"ip-block → pattern \^.*\..*:.*\$", _FORMAT),
    ExpectedDifference(_ANY, "format", ".*", r"ipv4-block → pattern \^[^:A-F]*\$", _FORMAT),
    ExpectedDifference(_ANY, "format", ".*", r"time → pattern \^.*:.*\$", _FORMAT),
    ExpectedDifference(_ANY, "format", ".*", "ipv4 → ipv4 or ipv6", _IPV6),
    *(
        ExpectedDifference(operations, kind, model, values, _LONG_ENUM)
        for operations, model in (
            (r"(GET|PUT) /v1/ip(/\{ip\})?", r"ip\.IpVersionEnum"),
            (r"[A-Z]+ .*/mitigationProfiles.*", r"ip\.MitigationProfileAutoMitigationTimeOutEnum"),
            (r"POST .*/firewall/\{ipOnFirewall\}/rule", r"ip\.FirewallSequenceRangeEnum"),
            (r"(GET|PUT) /v1/sms/\{serviceName\}", r"sms\.PackQuantityAutomaticRecreditEnum"),
            (r"GET /v1/sms/\{serviceName\}/seeOffers", r"sms\.PackQuantityEnum"),
        )
        for kind, values in (("type", "integer → string"), ("enum", r"(\d+(, )?)+ → ('\d+'(, )?)+"))
    ),
    *(
        ExpectedDifference(operations, "name", place, rf"({model}) → \1-v[12]\.[\w.]+", _VARIANT)
        for operations, place, model in (
            (r"(GET|PUT) /v1/(ip|sms)/.*/serviceInfos", "answer 200|body", r"services\.Service"),
            (r"(GET|PUT) /v1/vps/.*/serviceInfos", r".*\.renewalType", r"service\.RenewalTypeEnum"),
            (r"[A-Z]+ /v1/vps/.*/backupftp/.*", "answer 200", r"dedicated\.server\.Task"),
            (r"GET /v1/vps/.*/backupftp", r"vps\.BackupFtp\..*", r"complexType\.UnitAndValue_long"),
            (r"GET /v1/vps/.*/use", "answer 200", r"complexType\.UnitAndValue_double"),
            (r"GET /v1/vps/.*/secondaryDns.*", "answer 200", r"secondaryDns\.SecondaryDNSNameServer"),
            (r"GET /v1/sms/rates/.*", r"sms\..*[pP]rice", r"order\.Price"),
            (r"GET /v1/sms/rates/.*", r"order\.Price\.currencyCode", r"order\.CurrencyCodeEnum"),
            (r"GET /v2/iam/log/subscription/.*", "answer 200", r"dbaas\.logs\.LogSubscription"),
        )
    ),
    ExpectedDifference(
        r"POST /v1/ip/service/\{serviceName\}/changeContact|POST /v1/sms/\{serviceName\}/hlr",
        "required",
        "body",
        "True → False",
        _NO_FIELD_REQUIRED,
    ),
    ExpectedDifference(
        r"[A-Z]+ /v2/vrackServices/.*",
        "property",
        r"answer 4\d\d\.(errorCode|httpCode)",
        _ADDED,
        _ERROR_MODEL,
    ),
    ExpectedDifference(
        r"[A-Z]+ /v2/vrackServices/.*",
        "text",
        r"answer 4\d\d(\.class|\.message)?",
        "(Common error model|Class of the error|Error message) → ",
        _ERROR_MODEL,
    ),
    # --- because the schemas are newer
    ExpectedDifference(r"[A-Z]+ /v1/vps/\{serviceName\}/migration2020", "operation", "", _ADDED, _NEWER),
    ExpectedDifference(r"GET /v1/vps/\{serviceName\}/version", "operation", "", "True → False", _GONE),
    ExpectedDifference(NO_OPERATION, "model", r"sms\.Contact", "True → False", _GONE),
    ExpectedDifference(
        "(GET|PUT) /v1/sms/.*", "property", r"sms\.Templates\.time2chat.*", "True → False", _GONE
    ),
    ExpectedDifference("GET /v1/ip", "list", "", "IpIp → IpIpWithIAM", _NEWER),
    ExpectedDifference(
        r"(GET|POST) /v1/ip/\{ip\}/move", "actions", "", r" → \('vmwareCloudDirector:.*', False\)", _NEWER
    ),
    *(
        ExpectedDifference(operations, "enum", place, values, _NEWER)
        for operations, place, values in (
            (r"[A-Z]+ /v1/ip/.*/game/.*", r"ip\.GameMitigationRuleProtocolEnum", " → 'arkSurvivalAscended'"),
            (r"GET /v1/ip/campus", r"dedicated\.DatacenterEnum", " → 'itbsi01', 'itmil01', 'itzvf01'"),
            (r"GET /v1/ip/campus", r"ip\.CampusEnum", " → 'MIL'"),
            (r"[A-Z]+ /v1/sms/.*", r"sms\.TypeSenderEnum", " → 'time2chat'"),
            (r"[A-Z]+ /v1/vps/.*", r"vps\.VpsVersionEnum", " → '2025v1'"),
            (r"[A-Z]+ /v1/vps/.*/ip.*", r"vps\.ip\.GeolocationEnum", " → 'at', 'ch'"),
            (r"GET /v1/vps/.*/migration201[68]", r"vps\.migration\.StatusEnum", " → 'done'"),
            (
                "GET /v1/vps/order/rule/datacenter",
                r"vps\.order\.rule\.DatacenterStatusEnum",
                " → 'out-of-stock-preorder-allowed'",
            ),
            (r"[A-Z]+ /v2/vrackServices/.*", r"common\.(Current)?TaskStatusEnum", " → 'WAITING_USER_INPUT'"),
        )
    ),
    *(
        ExpectedDifference(operations, "property", place, _ADDED, _NEWER)
        for operations, place in (
            (rf"{_ANY}|{NO_OPERATION}", r"iam\.ResourceMetadata\.state"),
            (r"[A-Z]+ /v1/ip/.*/rule(/\{sequence\})?", r"ip\.FirewallNetworkRule\.l3PacketLength"),
            (
                r"POST /v1/ip/.*/firewall/.*/rule",
                r"body\.(destinationPortRange|sourcePortRange|l3PacketLength)",
            ),
            (r"GET /v1/ip/\{ip\}/move", r"ip\.Destinations\.vmwareCloudDirector"),
            (r"GET /v1/sms/rates/.*", r"sms\.(DestinationRates|PackDetails)\.vatRate"),
            (
                "GET /v1/vps/order/rule/datacenter",
                r"vps\.order\.rule\.Datacenter\.(code|daysBeforeDelivery|(linux|windows)Status)",
            ),
            (r"(GET|PUT) /v1/vps/\{serviceName\}", r"vps\.VPS(WithIAM)?\.lockStatus"),
            (
                r"GET /v1/vps/.*/automatedBackup",
                r"vps\.AutomatedBackup\.(rotation|serviceResourceName)",
            ),
            (
                r"POST /v1/vps/.*/confirmTermination",
                r"services\.confirmTermination\.commentary(FutureUse|Reason)",
            ),
            (r"[A-Z]+ /v2/vrackServices/.*", r"common\.CurrentTask\.errors"),
        )
    ),
    ExpectedDifference(
        r"[A-Z]+ /v2/iam/policy.*", "required", r"iam\.policy\.Condition\.operator", _ADDED, _REQUIRED
    ),
    *(
        ExpectedDifference(operations, "status", place, values, _DEPRECATED)
        for operations in (
            r"PUT /v1/ip/\{ip\}/mitigation/\{ipOnMitigation\}",
            r"PUT /v1/vps/\{serviceName\}/secondaryDnsDomains/\{domain\}",
        )
        for place, values in (
            ("", "Stable production version → Deprecated, will be removed"),
            ("deprecated", _ADDED),
            ("deprecatedDate", r" → 2025-\d\d-\d\dT00:00:00Z"),
            ("deletionDate", r" → 2025-\d\d-\d\dT00:00:00Z"),
        )
    ),
    ExpectedDifference(
        "POST /v2/iam/authorization/check",
        "status",
        "",
        "Internal use only → Stable production version",
        _STABLE,
    ),
    ExpectedDifference(
        r"[A-Z]+ /v1/vps(/.*)?|POST /v1/ip/\{ip\}/mitigation", "summary", "", ".+ → .+", _REWORDED
    ),
    ExpectedDifference(r"PUT /v1/.*", "text", "body", " → New object properties", _REWORDED),
    ExpectedDifference(
        r"[A-Z]+ /v1/ip/\{ip\}/mitigation.*",
        "text",
        r"ip\.MitigationIp\.permanent",
        ".+ → DEPRECATED: .+",
        _REWORDED,
    ),
    ExpectedDifference(
        r"[A-Z]+ /v1/ip/.*/game/.*",
        "text",
        r"complexType\.Range_long\.(from|to)",
        " → .+ point of the range",
        _REWORDED,
    ),
]
