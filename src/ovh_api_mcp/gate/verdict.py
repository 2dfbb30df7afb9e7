"""The verdict on a call by access mode and policy; no I/O.

Contract: any deny beats any ask, any ask beats any allow, whatever the order of the rules. Nothing
lifts what the access mode refuses. A rule that denies or asks is read widely, one that allows
narrowly: what is in doubt is not let through.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.catalog.risk import Label
from ovh_api_mcp.gate.policy import Access, PathPattern, Policy, Rule, TextPattern, Verdict
from ovh_api_mcp.gate.routes import is_parameter

_STRICTNESS: Final = {verdict: number for number, verdict in enumerate(Verdict)}
_OF_READS: Final = frozenset({Label.READ, Label.SECRETS})


@dataclass(frozen=True, slots=True)
class Subject:
    """The call that is judged: `parts` of its template and, in the same places, `values` as text."""

    method: Method
    parts: tuple[str, ...]
    values: tuple[str, ...]
    service: str
    labels: frozenset[Label]
    account: str

    def value(self, name: str) -> str | None:
        """Return the value of a path parameter, None where the template has none of that name."""
        for part, value in zip(self.parts, self.values, strict=True):
            if part == f"{{{name}}}":
                return value
        return None


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, its reason in words that follow "because", and who gave it: "mode" or "policy"."""

    verdict: Verdict
    why: str
    by: str
    rule: Rule | None = None


def decide(access: Access, subject: Subject) -> Decision:
    """Return the verdict on a call."""
    by_mode = _by_mode(access, subject)
    if by_mode.verdict is Verdict.DENY or access.policy is None:
        return by_mode
    by_policy = _by_policy(access.policy, subject)
    is_answer = by_policy.rule is not None  # a default answers no question
    return by_mode if by_policy.verdict is Verdict.ALLOW and not is_answer else by_policy


def strictest(decisions: Iterable[Decision]) -> Decision:
    """Return the strictest of some decisions, at least one; the first of equals."""
    return max(decisions, key=lambda each: _STRICTNESS[each.verdict])


def matches(rule: Rule, subject: Subject) -> bool:
    """Tell whether a rule speaks of a call."""
    return (
        (not rule.methods or subject.method in rule.methods)
        and (not rule.accounts or subject.account in rule.accounts)
        and _fits_labels(rule, subject.labels)
        and (not rule.services or any(_is_below(root, subject.service) for root in rule.services))
        and (not rule.paths or any(_fits_path(path, subject, rule.verdict) for path in rule.paths))
        and all(_holds(subject.value(name), texts, rule.verdict) for name, texts in rule.where)
    )


def unknown_parameters(policy: Policy, templates: Iterable[str]) -> list[tuple[int, str]]:
    """Return line and name of each condition on a path parameter that no operation has."""
    known = {part[1:-1] for template in templates for part in template.split("/") if is_parameter(part)}
    return [(rule.line, name) for rule in policy.rules for name, _ in rule.where if name not in known]


def _by_mode(access: Access, subject: Subject) -> Decision:
    labels = subject.labels
    match access.mode:
        case "read-only":
            if subject.method is not Method.GET:  # the labels of a POST are a judgement, and may be wrong
                return Decision(Verdict.DENY, "it is no GET and the access is read-only", "mode")
            if Label.READ not in labels or not labels <= _OF_READS:
                why = f"it is labelled {_listed(labels)} and the access is read-only"
                return Decision(Verdict.DENY, why, "mode")
            if Label.SECRETS in labels and not access.allows_secrets:
                why = "its answer reveals secrets and the access is read-only without --allow-secrets"
                return Decision(Verdict.DENY, why, "mode")
        case "confirm":
            asked = labels & access.asks_for
            if asked or not labels:
                why = f"it is labelled {_listed(asked)}, for which the access mode confirm asks"
                return Decision(Verdict.ASK, why, "mode")
        case "full":
            pass
    return Decision(Verdict.ALLOW, f"the access mode is {access.mode}", "mode")


def _by_policy(policy: Policy, subject: Subject) -> Decision:
    matching = [rule for rule in policy.rules if matches(rule, subject)]
    if not matching:
        why = f"no rule of {policy.name} speaks of it and the default is {policy.default}"
        return Decision(policy.default, why, "policy")
    rule = max(matching, key=lambda each: _STRICTNESS[each.verdict])
    reason = f" ({rule.why})" if rule.why else ""
    why = f"line {rule.line} of {policy.name} says {rule.verdict}{reason}"
    return Decision(rule.verdict, why, "policy", rule)


def _fits_labels(rule: Rule, labels: frozenset[Label]) -> bool:
    """A rule that allows must name all that a call is; of the others, one label will do."""
    if not rule.labels:
        return True
    return labels <= rule.labels if rule.verdict is Verdict.ALLOW else bool(labels & rule.labels)


def _is_below(root: str, service: str) -> bool:
    """Tell whether a service ("v1/dedicated/server") lies at or below a root, with or without its branch."""
    bare = service if root.startswith(("v1/", "v2/")) else service.partition("/")[2]
    return bare == root or bare.startswith(f"{root}/")


def _holds(value: str | None, texts: Iterable[TextPattern], verdict: Verdict) -> bool:
    return value is not None and any(_fits_text(text, value, verdict) for text in texts)


def _fits_path(pattern: PathPattern, subject: Subject, verdict: Verdict) -> bool:
    """Tell whether a path fits, by its template or by its values, in one walk along it."""
    reached = _past_any(pattern, {0})  # after so many segments of the pattern
    for part, value in zip(subject.parts, subject.values, strict=True):
        following: set[int] = set()
        for place in reached:
            if place < len(pattern) and pattern[place] == "**":
                following.add(place)
            elif place < len(pattern) and _fits_segment(pattern[place], part, value, verdict):
                following.add(place + 1)
        reached = _past_any(pattern, following)
    return len(pattern) in reached


def _past_any(pattern: PathPattern, reached: set[int]) -> set[int]:
    """Add the places that `**` leads to with no segment at all."""
    for place in sorted(reached):
        following = place
        while following < len(pattern) and pattern[following] == "**":
            following += 1
            reached.add(following)
    return reached


def _fits_segment(pattern: str, part: str, value: str, verdict: Verdict) -> bool:
    if pattern == "*":
        return True
    if is_parameter(pattern):
        return pattern == part
    return _fits_text(pattern, value, verdict)


def _fits_text(pattern: TextPattern, value: str, verdict: Verdict) -> bool:
    """Tell whether a value fits; but for a rule that allows, so does another spelling of the same."""
    if verdict is Verdict.ALLOW:
        return _fits_stars(pattern, value)
    return _fits_stars(_folded(pattern), _folded(value))


def _fits_stars(pattern: str, text: str) -> bool:
    """Tell whether a text fits, in time that grows with the lengths of both and no faster."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in rest:  # the first place where a piece stands leaves most for those behind it
        place = text.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True


def _folded(text: str) -> str:
    """Return a text as a back end might read it that cares for neither case nor a name's final dot."""
    return unicodedata.normalize("NFKC", text).casefold().strip().rstrip(".")


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(sorted(labels)) or "nothing"
