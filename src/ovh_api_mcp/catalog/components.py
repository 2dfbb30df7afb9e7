"""Which models of all services become which components of the merged document.

Two models of one name are one component only if they are the same all the way down: the same body,
and every reference in it leads to the same component. Else each service keeps its own. One of them
has the plain name; the others carry a service that uses them: dedicated.server.Task-v1.vps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from ovh_api_mcp.catalog.schemas import Component, ServiceSchemas, component_name
from ovh_api_mcp.json_value import JsonObject

REFERENCE_PREFIX: Final = "#/components/schemas/"

_Place: TypeAlias = tuple[int, str]  # index of the service, its own name of the model


@dataclass(slots=True)
class _Group:
    """Models that are the same all the way down."""

    name: str
    component: Component
    services: list[str] = field(default_factory=list)


def merge_components(services: Sequence[ServiceSchemas]) -> dict[str, JsonObject]:
    """Return the components of all services by name, sorted, and set every reference to its component.

    The result depends on the services and their order alone.
    """
    places = {
        (index, model): component
        for index, service in enumerate(services)
        for model, component in service.components.items()
    }
    classes = _classes(places)
    groups: dict[int, _Group] = {}
    for place, component in places.items():
        group = groups.setdefault(classes[place], _Group(component_name(place[1]), component))
        group.services.append(services[place[0]].service)
    names = _names(groups)
    for index, service in enumerate(services):
        _bind(index, service, classes, names)
    return {
        names[number]: groups[number].component.schema for number in sorted(groups, key=names.__getitem__)
    }


def _classes(places: dict[_Place, Component]) -> dict[_Place, int]:
    """Number the models so that equal numbers mean equal all the way down, recursive ones included.

    Partition refinement: begin with equal bodies, split by the classes of what they refer to,
    until nothing splits any more.
    """
    classes = _numbered(
        {
            place: (component_name(place[1]), msgspec.json.encode(each.schema))
            for place, each in places.items()
        }
    )
    count = len(set(classes.values()))
    while True:
        classes = _numbered(
            {
                place: (classes[place], *[classes[place[0], each.model] for each in component.references])
                for place, component in places.items()
            }
        )
        before, count = count, len(set(classes.values()))
        if count == before:
            return classes


def _numbered(keys: dict[_Place, tuple[object, ...]]) -> dict[_Place, int]:
    numbers: dict[tuple[object, ...], int] = {}
    return {place: numbers.setdefault(key, len(numbers)) for place, key in keys.items()}


def _names(groups: dict[int, _Group]) -> dict[int, str]:
    rivals: defaultdict[str, list[int]] = defaultdict(list)
    for number, group in groups.items():
        rivals[group.name].append(number)
    names: dict[int, str] = {}
    taken = set(rivals)
    for plain, numbers in rivals.items():
        owner, *others = sorted(numbers, key=lambda number: _claim(plain, groups[number]))
        names[owner] = plain
        for number in others:
            wanted = f"{plain}-{groups[number].services[0].replace('/', '.')}"
            names[number] = _untaken(wanted, taken)
            taken.add(names[number])
    return names


def _claim(name: str, group: _Group) -> tuple[int, int, str]:
    """Order rivals for a plain name: the service it is named after, the most services, the first."""
    roots = map(_dotted, group.services)
    lengths = (len(root) for root in roots if name.startswith(f"{root}."))
    return -max(lengths, default=0), -len(group.services), group.services[0]


def _dotted(service: str) -> str:
    return service.partition("/")[2].replace("/", ".")


def _untaken(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _bind(index: int, service: ServiceSchemas, classes: dict[_Place, int], names: dict[int, str]) -> None:
    for references in (service.references, *(each.references for each in service.components.values())):
        for each in references:
            each.node["$ref"] = REFERENCE_PREFIX + names[classes[index, each.model]]
