"""Run every benchmark, or those named: `python -m benchmarks [start_up] [search] [execute] …`."""

import asyncio
import os
import platform
import sys

from benchmarks import (
    catalog,
    deadlines,
    execute,
    find,
    journal,
    lists,
    memory,
    mistakes,
    neighbours,
    risk,
    search,
    soak,
    start_up,
    validation,
)
from benchmarks.figures import PRACTICE_KEYS, compile_bytecode
from ovh_api_mcp.simulator.account import SimulatedAccount

_ALL = {
    "start_up": start_up.main,
    "search": search.main,
    "execute": execute.main,
    "lists": lists.main,
    "journal": journal.main,
    "neighbours": neighbours.main,
    "memory": memory.main,
    "deadlines": deadlines.main,
    "catalog": catalog.main,
    "find": find.main,
    "mistakes": mistakes.main,
    "validation": validation.main,
    "risk": risk.main,
    "soak": soak.main,
}


def main() -> None:
    compile_bytecode()
    account = SimulatedAccount()
    PRACTICE_KEYS.update(
        OVH_APPLICATION_KEY=account.application_key,
        OVH_APPLICATION_SECRET=account.application_secret,
        OVH_CONSUMER_KEY=account.consumer_key,
    )
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores")
    for name in sys.argv[1:] or _ALL:
        asyncio.run(_ALL[name]())


if __name__ == "__main__":
    main()
