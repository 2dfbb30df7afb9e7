"""What advice may know of the document that scripts read: its paths and schemas, and what is near them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, Protocol

from ovh_api_mcp.catalog.model import Method
from ovh_api_mcp.gate.refusal import resemblance

_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")
_BRANCHES: Final = ("/v1", "/v2")
_OTHER_BRANCH: Final = re.compile(r"\A/?(?:apiv6/|api/)?(?:v?\d(?:\.\d)?)(?=/)")
_COMPARED: Final = 400  # names that are compared letter by letter, 10 us each
_NEAR: Final = 3
_RESEMBLES: Final = 0.6


class DocumentSource(Protocol):
    """What is needed of a catalogue."""

    def routes(self) -> Iterable[tuple[Method, str]]:
        """Return method and path of every operation."""
        ...

    def schema_names(self) -> Sequence[str]:
        """Return the names of the schemas."""
        ...


class PathSource(Protocol):
    """What is needed of a gate."""

    def nearest(self, path: str) -> Sequence[str]:
        """Return the path templates that a text was probably meant for."""
        ...


class DocumentKeys:
    """The keys of one document; read when they are first asked for, in some 50 ms, and kept."""

    def __init__(self, document: DocumentSource, gate: PathSource) -> None:
        self._document = document
        self._gate = gate

    def methods(self, path: str) -> Sequence[str] | None:
        """Return the methods of a path, in lower case, or None where there is no such key."""
        return self._methods.get(path)

    def paths_near(self, path: str) -> Sequence[str]:
        """Return the keys of `paths` that may be meant, the likeliest first."""
        bare = _OTHER_BRANCH.sub("", path.rstrip("/"))
        bare = bare if bare.startswith("/") else f"/{bare}"
        alike = [self._by_shape.get(_shape(branch + bare)) for branch in _BRANCHES]
        return [each for each in alike if each] or self._gate.nearest(path)[:_NEAR]

    def has_schema(self, name: str) -> bool:
        """Tell whether there is a schema of that name."""
        return name in self._schemas

    def schemas_near(self, name: str) -> Sequence[str]:
        """Return the names of schemas that may be meant, the likeliest first."""
        words = _words(name)
        sharing = (each for each in self._schemas if words & _words(each))
        ranked = sorted(
            islice(sorted(sharing, key=lambda each: -len(words & _words(each))), _COMPARED),
            key=lambda each: (-len(words & _words(each)), -resemblance(name, each), each),
        )
        likely = [each for each in ranked if resemblance(name, each) >= _RESEMBLES]
        return (likely or ranked)[:_NEAR]

    @cached_property
    def _methods(self) -> dict[str, list[str]]:
        methods: dict[str, list[str]] = {}
        for method, path in self._document.routes():
            methods.setdefault(path, []).append(method.value.lower())
        return methods

    @cached_property
    def _by_shape(self) -> dict[str, str]:
        return {_shape(path): path for path in self._methods}

    @cached_property
    def _schemas(self) -> dict[str, None]:
        return dict.fromkeys(self._document.schema_names())


class NoDocument:
    """Stands for a document of which nothing is known: nothing in it is missing."""

    def methods(self, path: str) -> Sequence[str] | None:
        """Return every method."""
        return ("get", "post", "put", "delete")

    def paths_near(self, path: str) -> Sequence[str]:
        """Return none."""
        return ()

    def has_schema(self, name: str) -> bool:
        """Tell that there is."""
        return True

    def schemas_near(self, name: str) -> Sequence[str]:
        """Return none."""
        return ()


def _shape(path: str) -> str:
    return _PARAMETER.sub("{}", path).lower()


def _words(name: str) -> set[str]:
    """Return the words of a dotted name, in lower case and without the plural's s."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name[:200])
    return {part.lower().removesuffix("s") for part in parts}
