"""The verdict on a call that was routed, and the words of a no.

A value with a slash in it is a part of one segment to us. Who decodes it early takes the call for
another operation, so that one has to be let through, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

from ovh_api_mcp.catalog.model import Method, Operation
from ovh_api_mcp.errors import DeniedError
from ovh_api_mcp.gate.asked import Asked
from ovh_api_mcp.gate.match import Route, Router
from ovh_api_mcp.gate.path import CallPath
from ovh_api_mcp.gate.policy import Access, Verdict
from ovh_api_mcp.gate.verdict import Decision, Subject, decide, strictest


class Judge:
    """Judges the calls of one account by what a person set at the start."""

    def __init__(
        self, access: Access, router: Router, operation: Callable[[Route], Operation], *, account: str
    ) -> None:
        self._access = access
        self._router = router
        self._operation = operation
        self._account = account

    def decide(self, asked: Asked, path: CallPath) -> Decision:
        """Return the strictest verdict on what a call may be read as."""
        if self._access.lets_everything_through:
            return Decision(Verdict.ALLOW, "the access mode is full", "mode")
        others = self._router.readings(asked.route.method, path)
        if others is None:
            return Decision(Verdict.DENY, "the slashes in its values can be read in too many ways", "mode")
        return strictest(self._decisions(asked.route, asked.operation, others))

    def _decisions(self, route: Route, operation: Operation, others: list[Route]) -> Iterator[Decision]:
        yield decide(self._access, self._subject(route, operation))
        for other in others:
            decision = decide(self._access, self._subject(other, self._operation(other)))
            why = (
                f"with its slash it may be read as {other.method} {other.template}, and there {decision.why}"
            )
            yield Decision(decision.verdict, why, decision.by, decision.rule)

    def _subject(self, route: Route, operation: Operation) -> Subject:
        return Subject(
            method=route.method,
            parts=tuple(route.template[1:].split("/")),
            values=tuple(unquote(each) for each in route.wire[1:].split("/")),
            service=operation.service,
            labels=operation.labels,
            account=self._account,
        )


def denied(decision: Decision, method: Method, template: str, operation: Operation) -> DeniedError:
    """Return the error for a call that was denied, or that needs a yes which nobody can give."""
    labels = operation.sorted_labels
    call = f"{method} {template}"
    if decision.verdict is Verdict.ASK:
        return DeniedError(
            f"{call} needs a person's yes, because {decision.why}; nobody could be asked. Nothing was sent.",
            labels=labels,
            by="nobody",
            hint="Tell the user. Whoever runs the server can allow it with a rule [[allow]] in "
            "--policy FILE, or with --access full.",
        )
    return DeniedError(
        f"{call} is denied, because {decision.why}. Nothing was sent.",
        labels=labels,
        by=decision.by,
        hint=f"Do without it, or tell the user. {_who_can_change(decision)}",
    )


def _who_can_change(decision: Decision) -> str:
    if decision.by == "policy":
        return "Whoever runs the server can change its policy."
    if "--allow-secrets" in decision.why:
        return "Whoever runs the server can start it with --allow-secrets."
    return "Whoever runs the server can start it with --access confirm or full."
