"""An error of the API in the words of the operation that was called; no I/O.

The tables of ovh/failures.py know codes and statuses, ovh/diagnosis.py the credentials. This module
knows what was asked, and the catalogue: which rule or action is missing, which list the object
should be in, which field is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.errors import ApiError, NetworkError, OvhMcpError, Remedy
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.fields import field_hint
from ovh_api_mcp.gate.match import Router
from ovh_api_mcp.gate.missing import missing_hint
from ovh_api_mcp.gate.refusal import listed
from ovh_api_mcp.gate.remedy import Rights, access_rule, create_token_link, iam_policy
from ovh_api_mcp.limits import MESSAGE_CHARS
from ovh_api_mcp.ovh.denial import Denial, is_about_credentials, parse_denial
from ovh_api_mcp.ovh.failures import is_signature_refused
from ovh_api_mcp.ovh.retry import LOOK_FIRST, may_have_been_processed

_ACTIONS_CHARS: Final = 120
_RULE_CHARS: Final = 90
_NEW_KEY: Final = "remedy.createToken makes a key for this call."


class Explainer:
    """Explains the errors of calls that were routed by `router`."""

    def __init__(self, router: Router, rights: Rights) -> None:
        self._router = router
        self._rights = rights

    def explain(self, error: OvhMcpError, asked: Asked) -> None:
        """Put the best hint there is into `error`, and what gives the right that was missing."""
        if isinstance(error, NetworkError) and error.code == "credentials-missing":
            error.remedy = self._key_remedy(asked)
        if asked.route.method is not Method.GET and may_have_been_processed(error):
            error.explain(self._look_first(error, asked))
            return
        if not isinstance(error, ApiError):
            return
        denial = parse_denial(error)
        if denial is not None:
            self._explain_denial(error, denial, asked)
        elif is_about_credentials(error):
            self._explain_credentials(error, asked)
        else:
            error.explain(self._hint(error, asked))

    def _look_first(self, error: OvhMcpError, asked: Asked) -> str:
        """Return how to find out whether a write happened: by the GET of the same path, or above it."""
        segments, parts = asked.segments, asked.parts
        for length in range(len(parts), 1, -1):
            template = "/" + "/".join(parts[:length])
            if self._router.has(Method.GET, template):
                path = _cut("/" + "/".join(segments[:length]), _RULE_CHARS)
                return f"{LOOK_FIRST} GET {path} shows it."
        return f"{LOOK_FIRST} {error.hint}".rstrip()

    def _hint(self, error: ApiError, asked: Asked) -> str:
        match error.status:
            case 400:
                return field_hint(asked, error)
            case 403 if error.said:
                return (
                    "The API refuses this for the reason in its message, such as a state, a quota or a "
                    "contract; no right of the credentials is named. Tell the user."
                )
            case 404:
                return missing_hint(asked, error, self._router)
            case status if status >= 500 and asked.route.method is Method.GET:
                return (
                    "A fault at OVHcloud, not of the script: try again later. Nothing was changed. "
                    "If it stays, OVHcloud's support finds the request by its queryId."
                )
            case _:
                return ""

    def _explain_credentials(self, error: ApiError, asked: Asked) -> None:
        if is_signature_refused(error):
            return  # another key would have the same fault
        error.remedy = self._key_remedy(asked)
        more = f"{error.hint} {_NEW_KEY}"
        if error.remedy is not None and len(more) <= MESSAGE_CHARS:
            error.explain(more)

    def _explain_denial(self, error: ApiError, denial: Denial, asked: Asked) -> None:
        """Name the rule, the actions or both; where OVHcloud does not say which, either may be missing."""
        link = self._key_link(asked) if denial.by_key or not denial.by_iam else ""
        actions = denial.by_iam or asked.operation.iam_actions
        is_policy = bool(denial.by_iam) or not (link and denial.is_certain)
        policy = None
        if actions and is_policy:
            policy = iam_policy(asked, actions, error.identity, self._rights.region)
        if link or policy is not None:
            error.remedy = Remedy(link, policy)
            joint = "and" if denial.is_certain else "or"
            error.explain(_denial_words(_lacking(asked), _forbidden(actions), error.remedy, joint))

    def _key_remedy(self, asked: Asked) -> Remedy | None:
        link = self._key_link(asked)
        return Remedy(link) if link else None

    def _key_link(self, asked: Asked) -> str:
        page = self._rights.create_token_url
        if not page or not asked.operation.is_authenticated:
            return ""
        return create_token_link(page, asked.route.method, access_rule(asked))


def _denial_words(rule: str, action: str, remedy: Remedy, joint: str) -> str:
    if remedy.create_token and remedy.iam_policy is not None:
        words = f"{rule} (remedy.createToken) {joint} {action} (remedy.iamPolicy)"
    elif remedy.create_token:
        words = f"{rule}: remedy.createToken makes a key with that; rules are fixed, so add those it has"
    else:
        words = f"{action}: remedy.iamPolicy is the body of POST /v2/iam/policy that does"
    return f"{words[0].upper()}{words[1:]}. Ask the user."


def _lacking(asked: Asked) -> str:
    return f"the consumer key's rules lack {asked.route.method} {_cut(access_rule(asked), _RULE_CHARS)}"


def _forbidden(actions: Iterable[str]) -> str:
    shown = (_cut(name, _ACTIONS_CHARS) for name in actions)
    return f"no IAM policy allows {listed(shown, _ACTIONS_CHARS)}"


def _cut(text: str, limit_chars: int) -> str:
    return text if len(text) <= limit_chars else f"{text[: limit_chars - 1]}…"
