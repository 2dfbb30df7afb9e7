"""The rules of a consumer key as people write them: "GET /domain/*"; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import SettingsError, cut_foreign
from ovh_api_mcp.limits import LOGIN_RULES, RULE_CHARS

_RULE: Final = re.compile(r"(?P<method>[A-Za-z]+|\*)\s+(?P<path>/[!-~]*)")
_FORBIDDEN: Final = re.compile(r"[?#\\]|//|/\.\.?(?:/|$)")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A method and a path in which * stands for anything; "/me" and "/me/*" are two rules."""

    method: Method
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


FULL_ACCESS: Final = tuple(AccessRule(method, "/*") for method in Method)
READ_ONLY: Final = (AccessRule(Method.GET, "/*"),)
# What a key may do about itself, so that login can show it and logout can revoke it.
ABOUT_ITSELF: Final = (
    AccessRule(Method.GET, "/auth/currentCredential"),
    AccessRule(Method.GET, "/auth/details"),
    AccessRule(Method.POST, "/auth/logout"),
)


def parse_rules(texts: Iterable[str]) -> tuple[AccessRule, ...]:
    """Return the rules of texts such as "GET /domain/*", or "* /me" for all methods.

    Raises SettingsError `setting-invalid`.
    """
    rules = dict.fromkeys(rule for text in texts for rule in _parse_rule(text))
    if len(rules) > LOGIN_RULES:
        raise SettingsError(
            f"--rules gives {len(rules)} rules, and a key takes {LOGIN_RULES}. Use * in paths.",
            code="setting-invalid",
        )
    return tuple(rules)


def with_own_rules(rules: Sequence[AccessRule]) -> tuple[AccessRule, ...]:
    """Return `rules` with those a key needs to tell about itself, where they are not in them."""
    wide = {rule.method for rule in rules if rule.path == "/*"}
    own = [rule for rule in ABOUT_ITSELF if rule.method not in wide]
    return tuple(dict.fromkeys((*rules, *own)))


def filled_in_page(page_url: str, rules: Iterable[AccessRule]) -> str:
    """Return the address of a createToken page with `rules` filled in."""
    return f"{page_url}?{urlencode([(rule.method, rule.path) for rule in rules], quote_via=quote, safe='/*')}"


def _parse_rule(text: str) -> tuple[AccessRule, ...]:
    found = _RULE.fullmatch(text.strip())
    names = [method.value for method in Method]
    if found is None or _FORBIDDEN.search(found["path"]) or len(found["path"]) > RULE_CHARS:
        raise _invalid(text)
    # Rules of v1 leave the branch out, though scripts write it.
    path = re.sub(r"^/v1(?=/)", "", found["path"])
    if found["method"] == "*":
        return tuple(AccessRule(method, path) for method in Method)
    if found["method"].upper() not in names:
        raise _invalid(text)
    return (AccessRule(Method(found["method"].upper()), path),)


def _invalid(text: str) -> SettingsError:
    return SettingsError(
        f"--rules is {cut_foreign(text, 60)!r}. It takes a method (GET, POST, PUT, DELETE, or * for all) "
        'and a path with * for anything, such as "GET /domain/*".',
        code="setting-invalid",
    )
