"""The walls around a script, by name: the one list that server, zygote, trial and documents share.

What each of them stops, what it rests on and how it is proved stands in docs/security.md.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Literal, NamedTuple


class Wall(StrEnum):
    """One wall; the value is its name in logs, tables and documents."""

    # before there is a script: what the process is given
    ENVIRONMENT = "environment"
    DESCRIPTORS = "descriptors"
    # in the engine
    ENGINE_MEMORY = "engine-memory"
    ENGINE_STACK = "engine-stack"
    ENGINE_TIME = "engine-time"
    # in the kernel: limits
    ADDRESS_SPACE = "address-space"
    STACK = "stack"
    CPU_TIME = "cpu-time"
    OPEN_FILES = "open-files"
    PROCESSES = "processes"
    FILE_SIZE = "file-size"
    CORE_DUMPS = "core-dumps"
    KERNEL_MEMORY = "kernel-memory"
    # in the kernel: rights
    NO_NEW_PRIVILEGES = "no-new-privileges"
    CAPABILITIES = "capabilities"
    HIDDEN_MEMORY = "hidden-memory"
    SYSCALL_FILTER = "syscall-filter"
    # from outside
    DIES_WITH_PARENT = "dies-with-parent"
    DEADLINE = "deadline"


class WallFault(NamedTuple):
    """A wall that does not do all it should on this system, and why.

    `stands` tells one that is up but binds less than it does elsewhere from one that is missing.
    """

    wall: Wall
    reason: str
    stands: bool = False


Verdict = Literal["stands", "weak", "missing", "broken", "untried"]


class Finding(NamedTuple):
    """How an attempt to get through a wall went; `why` explains any verdict but "stands".

    "weak": the wall is up, and does not bind this user; "missing": this system has no such wall;
    "broken": it is up and does not stop what it should; "untried": the attempt fails without it.
    """

    wall: Wall
    tried: str
    stopped_by: str
    verdict: Verdict
    why: str = ""


# Elsewhere these do not exist, or do not bind: they are not put up there, and named as missing.
ONLY_LINUX: Final = (
    Wall.ADDRESS_SPACE,
    Wall.STACK,
    Wall.KERNEL_MEMORY,
    Wall.NO_NEW_PRIVILEGES,
    Wall.CAPABILITIES,
    Wall.HIDDEN_MEMORY,
    Wall.SYSCALL_FILTER,
    Wall.DIES_WITH_PARENT,
)

_REASON_CHARS: Final = 200


def encode_faults(faults: Sequence[WallFault]) -> list[dict[str, str | bool]]:
    """Return `faults` as JSON."""
    return [
        {"wall": fault.wall.value, "reason": fault.reason[:_REASON_CHARS], "stands": fault.stands}
        for fault in faults
    ]


def parse_faults(value: object) -> tuple[WallFault, ...]:
    """Return what `encode_faults` made; an entry of another form is an error.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, list):
        raise ValueError("the faults of walls are no list")  # noqa: TRY004 - one exception for all that is wrong
    return tuple(_parse_fault(entry) for entry in value)


def _parse_fault(entry: object) -> WallFault:
    match entry:
        case {"wall": str() as wall, "reason": str() as reason, "stands": bool() as stands}:
            return WallFault(Wall(wall), reason[:_REASON_CHARS], stands)
    raise ValueError("a fault of a wall has an unknown form")


def missing(faults: Sequence[WallFault]) -> Mapping[Wall, str]:
    """Return the walls that do not stand, with the reasons."""
    return {fault.wall: fault.reason for fault in faults if not fault.stands}
