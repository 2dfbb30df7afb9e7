"""What a person set at the start: the access mode, and the rules of a policy, if any. Data alone.

Light on purpose: the command line's `--help` imports it. Methods are those of catalog/model.py,
labels those of catalog/risk.py, as texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias, get_args

AccessMode = Literal["full", "confirm", "read-only"]
ACCESS_MODES: Final[tuple[AccessMode, ...]] = get_args(AccessMode)
ASKED_FOR: Final = frozenset({"destroys", "spends", "secrets", "access"})
MAY_BE_ASKED_FOR: Final = ("write", *sorted(ASKED_FOR))

TextPattern: TypeAlias = str
"""A text in which `*` stands for any characters."""

PathPattern: TypeAlias = tuple[str, ...]
"""Segments, in which `*` is any one, `**` any number of them, `{name}` a parameter of that name."""


class Verdict(StrEnum):
    """What becomes of a call; the later in this order the stricter."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy; what it does not name may be anything. `line` is where it stands in its file.

    `services` are roots, with or without their branch; `where` maps path parameters to what one of
    their values must fit.
    """

    verdict: Verdict
    line: int
    methods: frozenset[str] = frozenset()
    paths: tuple[PathPattern, ...] = ()
    labels: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    where: tuple[tuple[str, tuple[TextPattern, ...]], ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one file, the verdict on what none of them speaks of, and the file's name."""

    rules: tuple[Rule, ...] = ()
    default: Verdict = Verdict.DENY
    name: str = "the policy"


@dataclass(frozen=True, slots=True)
class Access:
    """What scripts may do; `asks_for` are the labels that the mode confirm asks for."""

    mode: AccessMode = "full"
    allows_secrets: bool = False
    asks_for: frozenset[str] = ASKED_FOR
    policy: Policy | None = None

    @property
    def may_ask(self) -> bool:
        """Whether a person may have to be asked."""
        policy = self.policy
        is_asked = policy is not None and Verdict.ASK in (
            policy.default,
            *(rule.verdict for rule in policy.rules),
        )
        return self.mode == "confirm" or is_asked

    @property
    def lets_everything_through(self) -> bool:
        """Whether there is nothing to judge."""
        return self.mode == "full" and self.policy is None
