"""Checks JSON against native schemas; knows nothing of the simulator's own reading of them."""

import ipaddress
import json
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

STRINGS = {"string", "text", "password", "time", "duration", "macAddress"}
STRINGS |= {"phoneNumber", "internationalPhoneNumber"}
Json = dict[str, Any]

PARSED: dict[str, Callable[[Any], object]] = {
    "uuid": uuid.UUID,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "ip": ipaddress.ip_address,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "ipInterface": ipaddress.ip_interface,
    "ipBlock": ipaddress.ip_network,
    "ipv4Block": ipaddress.IPv4Network,
    "ipv6Block": ipaddress.IPv6Network,
}


class Checker:
    """Collects what is wrong with values of one service."""

    def __init__(self, schema: Json) -> None:
        self._models = schema.get("models", {})

    def faults(self, type_text: str, value: object, where: str = "$") -> list[str]:
        base = type_text.rsplit(":", 1)[-1] if ":" in type_text else type_text
        if found := re.fullmatch(r"map\[(.+?)\](.+)", base):
            if not isinstance(value, dict):
                return [f"{where}: {value!r} is no map"]
            return [f for k, v in value.items() for f in self.faults(found[2], v, f"{where}.{k}")]
        if base.endswith("[]") or base.startswith("[]"):
            if not isinstance(value, list):
                return [f"{where}: {value!r} is no array"]
            item = base[:-2] if base.endswith("[]") else base[2:]
            return [f for i, v in enumerate(value) for f in self.faults(item, v, f"{where}[{i}]")]
        return self._scalar_or_model(base, value, where)

    def _scalar_or_model(self, base: str, value: object, where: str) -> list[str]:
        wrong = [f"{where}: {value!r} is no {base}"]
        if base == "void":
            return [] if value is None else wrong
        if base in STRINGS:
            return [] if isinstance(value, str) else wrong
        if base == "boolean":
            return [] if isinstance(value, bool) else wrong
        if base in ("long", "double"):
            kinds = int if base == "long" else (int, float)
            return [] if isinstance(value, kinds) and not isinstance(value, bool) else wrong
        if base in PARSED:
            try:
                PARSED[base](value)
            except (TypeError, ValueError):
                return wrong
            return []
        model = self._models.get(base)
        if model is None:
            return []
        return self._model(model, base, value, where, wrong)

    def _model(self, model: Json, base: str, value: object, where: str, wrong: list[str]) -> list[str]:
        if "enum" in model:
            values = [int(v) if model["enumType"] == "long" else v for v in model["enum"]]
            return [] if value in values else wrong
        if not isinstance(value, dict):
            return wrong
        argument = re.fullmatch(r"[^<]+<(.+)>", base)
        found = [f"{where}: {name} is unknown" for name in value.keys() - model["properties"].keys()]
        for name, p in model["properties"].items():
            type_text = p.get("fullType") or p["type"]
            if argument:
                type_text = re.sub(r"\bT\b", argument[1], type_text)
            if name not in value:
                found += [f"{where}.{name}: missing"] if p["required"] or not p["canBeNull"] else []
            elif value[name] is None:
                found += [] if p["canBeNull"] else [f"{where}.{name}: null"]
            else:
                found += self.faults(type_text, value[name], f"{where}.{name}")
        return found


def load_services(directory: Path) -> dict[str, Json]:
    """Return the schemas of a directory by branch and root: v1/domain."""
    services: dict[str, Json] = {}
    for branch in ("v1", "v2"):
        for entry in json.loads((directory / branch / "index.json").read_text())["apis"]:
            root = entry["path"]
            services[branch + root] = json.loads((directory / branch / f"{root.strip('/')}.json").read_text())
    return services


def operations(schema: Json) -> list[tuple[str, Json]]:
    """Return path and operation of a service."""
    return [(api["path"], op) for api in schema.get("apis", []) for op in api["operations"]]
