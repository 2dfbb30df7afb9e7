"""All the scripts, by class."""

from collections.abc import Mapping
from typing import Final

from tests.hostile import (
    endless,
    engine,
    forging,
    leftovers,
    lookups,
    memory,
    misuse,
    stack,
    thrown,
    truth,
    wrapper,
)
from tests.hostile.script_entry import Fails, Gives, HostileScript

CORPUS: Final[Mapping[str, tuple[HostileScript, ...]]] = {
    "memory": memory.SCRIPTS,
    "endless": endless.SCRIPTS,
    "stack": stack.SCRIPTS,
    "truth": truth.SCRIPTS,
    "thrown": thrown.SCRIPTS,
    "wrapper": wrapper.SCRIPTS,
    "forging": forging.SCRIPTS,
    "misuse": misuse.SCRIPTS,
    "lookups": lookups.SCRIPTS,
    "leftovers": leftovers.SCRIPTS,
    "engine": engine.SCRIPTS,
}


def table() -> str:
    """Return the table of README.md: a row for each class, with what its scripts must come to."""
    rows = ["| class | scripts | must give a value | must fail |", "| --- | --- | --- | --- |"]
    rows += [_row(f"[{name}]({name}.py)", scripts) for name, scripts in CORPUS.items()]
    everything = tuple(script for scripts in CORPUS.values() for script in scripts)
    rows.append(_row("all", everything))
    return "\n".join(rows)


def _row(title: str, scripts: tuple[HostileScript, ...]) -> str:
    values = sum(isinstance(script.out, Gives) for script in scripts)
    failures: dict[str, int] = {}
    for script in scripts:
        if isinstance(script.out, Gives):
            continue
        kind = " or ".join(sorted(script.out.kinds)) if isinstance(script.out, Fails) else "refused"
        failures[kind] = failures.get(kind, 0) + 1
    words = ", ".join(
        f"{count} {kind}" for kind, count in sorted(failures.items(), key=lambda item: -item[1])
    )
    return f"| {title} | {len(scripts)} | {values} | {words} |"
