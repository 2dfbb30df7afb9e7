"""How well and how fast operations are found, beside plain full-text search, and described.

Three sets of requests. The public ones beside the checkout are split in halves by a hash of the request:
the tables and weights may be made by looking at the "seen" half only. Our first ones (find_requests.json,
with `kind`: "plain" as one would type them, "indirect" in other words than the API's) were written
before most of the tables, by the same hand: they show a regression. The fresh ones (find_fresh.json)
were written in rounds, each before any of it was searched for, and are shown by how hard they are and by
language as well. What was unseen of a round was read once (docs/performance.md has the figures) and
then opened: it tells nothing any more of requests that nobody has seen. Whoever wants to know how well
those are found writes a new round, reads it once, and only then looks. Recall@k is the share of
requests with an expected operation among the first k.

A file of requests is an array, an entry a line: `query` as somebody would type it; `expect`, one to six
operations, any of which answers it; `area`; `lang`, "en" or "fr"; and `kind` or, in the fresh ones,
`round` and `level`: "easy" where the words are the API's, "medium" where one is not, "hard" where
hardly any is.
"""

import gc
import hashlib
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from benchmarks.figures import ROOT, SCHEMAS, ms, print_table
from ovh_api_mcp.catalog.build import build_catalog
from ovh_api_mcp.catalog.describe import describe_operation
from ovh_api_mcp.catalog.find import find_operations
from ovh_api_mcp.catalog.store import CatalogFile
from ovh_api_mcp.catalog.validators import Fetched, Validators
from ovh_api_mcp.catalog.words import split_words
from ovh_api_mcp.limits import CHARS_PER_TOKEN

_PUBLIC = SCHEMAS.parent / "corpora" / "find.public.json"
_OWN = ROOT / "benchmarks" / "find_requests.json"
_FRESH = ROOT / "benchmarks" / "find_fresh.json"
_SHOWN = 10
_RANKS = (1, 5, 10)
_TIMES = 3

Search = Callable[[str], list[str]]


class _Entry(TypedDict):
    """What a file of requests says of one, as far as it is measured."""

    query: str
    expect: list[str]
    kind: NotRequired[str]
    round: NotRequired[int]
    level: NotRequired[str]
    lang: str


@dataclass(frozen=True, slots=True)
class Request:
    words: str
    expected: frozenset[str]


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "full.catalog"
        begun = time.process_time()
        await build_full(path)
        build_s = time.process_time() - begun
        with closing(CatalogFile.open(path)) as file, closing(_plain_index(file)) as plain:
            _print_quality(file, plain)
            _print_cost(file, build_s)


def is_seen(words: str) -> bool:
    """Tell whether a public request belongs to the half that may be looked at."""
    return hashlib.sha256(words.encode()).digest()[0] % 2 == 0


def request_sets() -> dict[str, list[Request]]:
    """Return the requests by the name of their set."""
    sets: dict[str, list[Request]] = {}
    for each in json.loads(_PUBLIC.read_bytes()):
        _put(sets, each, f"public, {_half(each['query'])}")
    for each in json.loads(_OWN.read_bytes()):
        _put(sets, each, f"own, {each['kind']}")
    for each in json.loads(_FRESH.read_bytes()):
        is_first = each["round"] == 1 and is_seen(each["query"])
        name = "fresh 1, seen half" if is_first else f"fresh {each['round']}, opened"
        _put(sets, each, name, f"fresh, {each['level']}", f"fresh, {each['lang']}")
    return dict(sorted(sets.items()))


def _half(words: str) -> str:
    return "seen half" if is_seen(words) else "unseen half"


def _put(sets: dict[str, list[Request]], entry: _Entry, *names: str) -> None:
    request = Request(entry["query"], frozenset(entry["expect"]))
    for name in names:
        sets.setdefault(name, []).append(request)


def quality(requests: Sequence[Request], search: Search) -> tuple[float, ...]:
    """Return recall at 1, 5 and 10, and the mean reciprocal rank among the first 10."""
    ranks = []
    for request in requests:
        found = search(request.words)[:_SHOWN]
        ranks.append(next((rank for rank, each in enumerate(found, 1) if each in request.expected), 0))
    recalls = [sum(0 < rank <= k for rank in ranks) / len(ranks) for k in _RANKS]
    return (*recalls, sum(1 / rank for rank in ranks if rank) / len(ranks))


_ROOT = "https://api.example"


async def build_full(path: Path) -> None:
    """Build the catalogue of the whole API from the schemas beside the checkout."""
    await build_catalog(_read_schema, endpoint_root=_ROOT, services=["*"], out=path)


async def _read_schema(url: str, *, limit_bytes: int, known: Validators) -> Fetched:
    path = url.removeprefix(f"{_ROOT}/")
    return Fetched((SCHEMAS / (f"{path}index.json" if path.endswith("/") else path)).read_bytes())


def _print_quality(file: CatalogFile, plain: sqlite3.Connection) -> None:
    def find(words: str) -> list[str]:
        return [f"{each.method} {each.path}" for each in find_operations(file, words, limit=_SHOWN)]

    rows = []
    for name, requests in request_sets().items():
        for how, search in (("find", find), ("plain bm25", lambda words: _plain_search(plain, words))):
            figures = quality(requests, search)
            rows.append((name, str(len(requests)), how, *(f"{each:.2f}" for each in figures)))
    columns = ("requests", "how many", "searched by", *(f"recall@{k}" for k in _RANKS), "MRR")
    print_table("Finding operations in the complete catalogue", columns, rows)


# --- the baseline -------------------------------------------------------------------------------


def _plain_index(file: CatalogFile) -> sqlite3.Connection:
    """Index method, words of the path, summary and names of parameters; no weights, no tables."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE plain USING fts5 (operation UNINDEXED, text, tokenize='porter')")
    connection.executemany("INSERT INTO plain VALUES (?, ?)", _plain_rows(file))
    return connection


def _plain_rows(file: CatalogFile) -> Iterator[tuple[str, str]]:
    for method, path in file.routes():
        operation = file.operation(method, path)
        assert operation is not None
        names = " ".join(each.name for each in operation.parameters)
        yield f"{method} {path}", " ".join(split_words(f"{method} {path} {operation.summary} {names}"))


def _plain_search(connection: sqlite3.Connection, words: str) -> list[str]:
    match = " OR ".join(f'"{each}"' for each in split_words(words))
    rows = connection.execute(
        "SELECT operation FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT ?", (match, _SHOWN)
    )
    return [operation for (operation,) in rows]


# --- what it costs ------------------------------------------------------------------------------


def _print_cost(file: CatalogFile, build_s: float) -> None:
    rows = []
    find_operations(file, "domain")  # the tables are parsed once
    gc.collect()
    gc.freeze()  # what the build left in this process would be looked through again and again
    for name, texts in _texts().items():
        walls, cpus = [], []
        for _ in range(_TIMES):
            for text in texts:
                wall, cpu = time.perf_counter(), time.thread_time()
                find_operations(file, text)
                walls.append((time.perf_counter() - wall) * 1000)
                cpus.append((time.thread_time() - cpu) * 1000)
        rows.append((name, str(len(texts)), *_spread(walls), *_spread(cpus)))
    columns = ("texts", "how many", "p50", "p95", "max", "CPU p50", "CPU p95", "CPU max")
    print_table("One search", columns, rows)
    _print_descriptions(file)
    size_mb = file.path.stat().st_size / 1e6
    print_table("The catalogue", ("build, CPU", "file"), [(f"{build_s:.2f} s", f"{size_mb:.1f} MB")])


def _print_descriptions(file: CatalogFile) -> None:
    tokens, cpus = [], []
    for method, path in file.routes():
        cpu = time.thread_time()
        text = describe_operation(file, f"{method} {path}")
        cpus.append((time.thread_time() - cpu) * 1000)
        tokens.append(len(text) / CHARS_PER_TOKEN)
    tokens.sort()
    shown = (tokens[len(tokens) // 2], tokens[round(len(tokens) * 0.9) - 1], tokens[-1])
    columns = ("operations", "tokens p50", "p90", "max", "CPU p50", "CPU p95", "CPU max")
    row = (f"{len(tokens):,}", *(f"{each:.0f}" for each in shown), *_spread(cpus))
    print_table("Describing every operation", columns, [row])


def _spread(values: list[float]) -> tuple[str, str, str]:
    values.sort()
    return ms(statistics.median(values)), ms(values[round(len(values) * 0.95) - 1]), ms(values[-1])


def _texts() -> dict[str, list[str]]:
    chance = random.Random(1)
    asked = sorted({request.words for requests in request_sets().values() for request in requests})
    letters = 'abcdefghijklmnopqrstuvwxyz    "*():^-+{}é'
    hostile = ["".join(chance.choices(letters, k=2_000)) for _ in range(50)]
    hostile += [
        "a" * 10_000,
        "service " * 500,
        '"' * 100,
        "NEAR(vps server) OR tail:vps*",
        "\x00",
        "rea " * 200,
    ]
    return {
        "requests": asked,
        "the same with a slip in every word": [_slipped(words, chance) for words in asked],
        "eight requests in one": [" ".join(chance.sample(asked, 8)) for _ in range(100)],
        "hostile": hostile,
    }


def _slipped(words: str, chance: random.Random) -> str:
    return " ".join(_slip(word, chance) if len(word) > 4 else word for word in words.split())


def _slip(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    return chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
            word[:at] + chance.choice("aeiou") + word[at + 1 :],
        ]
    )
