"""Values of OVH's native types: some that are right, and some that are wrong in one place.

Like the oracle it reads the native models itself. The same random source gives the same values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from tests.catalog.native_oracle import Native, NativeType, find_model, type_of, with_variables

_FULL_DEPTH = 2  # above it every property is there
_DEPTH = 5  # below it nothing is there but what must be
_WORDS = ("", "a", "example.com", "Zoë 1/2", "2024-01-01", "12", "true", "a" * 60)
_RIGHT: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(("string", "text", "password", "phoneNumber", "internationalPhoneNumber"), _WORDS),
    "long": (0, -1, 42, 2**53 + 1, 2**62),
    "double": (0, 1.5, -0.25, 3, 1e300),
    "boolean": (True, False),
    "uuid": ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "00000000-0000-0000-0000-000000000000"),
    "date": ("2024-02-29", "1999-12-31"),
    "datetime": ("2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00Z", "2024-05-01T10:00:00.123Z"),
    "time": ("00:00:00", "23:59:59", "12:30"),
    "duration": ("P1Y", "P1M", "PT5M", "P1DT12H", "P3W"),
    "ip": ("192.0.2.1", "2001:db8::1"),
    "ipv4": ("192.0.2.1", "255.255.255.255"),
    "ipv6": ("2001:db8::1", "::", "::ffff:192.0.2.1"),
    "ipBlock": ("192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0", "2001:db8::1/128"),
    "ipv4Block": ("192.0.2.0/24", "255.255.255.255/32", "10.0.0.0/8"),
    "ipv6Block": ("2001:db8::/32", "::/0", "2001:db8:1:2:3:4:5:6/128"),
    "ipInterface": ("192.0.2.1/24", "2001:db8::1/64", "192.0.2.1"),
    "macAddress": ("02:00:5e:10:00:01", "02-00-5E-10-00-FF"),
    "any": ("x", 1, None, [], {"a": [1]}),
}
_NO_TEXT: tuple[object, ...] = (7, 1.5, True, None, [], {})
_NO_NUMBER: tuple[object, ...] = ("", "x", "12", True, None, [], {})
_NO_IPV4 = ("192.0.2", "192.0.2.256", "2001:db8::1", "x", "")
_NO_IPV6 = ("2001:db8", "192.0.2.1", "g::1", "")
_WRONG: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(("string", "text", "password", "phoneNumber", "internationalPhoneNumber"), _NO_TEXT),
    "long": (*_NO_NUMBER, 1.5),
    "double": _NO_NUMBER,
    "boolean": ("true", 0, None, [], {}),
    "uuid": (*_NO_TEXT, "x", "", "f81d4fae7dec11d0a76500a0c91e6bf", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    "date": (*_NO_TEXT, "2024-02-30", "01/02/2024", "2024-05-01T10:00:00Z", ""),
    "datetime": (*_NO_TEXT, "2024-05-01", "2024-13-01T10:00:00Z", "yesterday", ""),
    "time": (*_NO_TEXT, "noon", "1:00", "12:30:00Z", ""),
    "duration": (*_NO_TEXT, "1 month", "P", "1M", ""),
    "ip": (*_NO_TEXT, "192.0.2.256", "192.0.2.0/24", "g::1", "x", ""),
    "ipv4": (*_NO_TEXT, *_NO_IPV4),
    "ipv6": (*_NO_TEXT, *_NO_IPV6),
    "ipBlock": (*_NO_TEXT, "192.0.2.0/33", "192.0.2.256/24", "2001:db8::/129", "192.0.2.0/", "x", ""),
    "ipv4Block": (*_NO_TEXT, "192.0.2.0/33", "2001:db8::/32", "300.0.0.0/8", "x", ""),
    "ipv6Block": (*_NO_TEXT, "2001:db8::/129", "192.0.2.0/24", "x/64", ""),
    "ipInterface": (*_NO_TEXT, "192.0.2.1/33", "eth0", ""),
    "macAddress": (*_NO_TEXT, "02:00:5e:10:00", "02:00:5e:10:00:0g", ""),
}


class Examples:
    """Makes values for the types of one service."""

    def __init__(self, models: dict[str, Any], random: Random) -> None:
        self._models = models
        self._random = random

    def right(self, text: str, depth: int = 0) -> object:
        """Return a value of the type."""
        native = NativeType.of(text)
        if native.kind == "name":
            return self._one(native.name, depth)
        count = self._random.randint(1, 2) if depth < _DEPTH else 0
        if native.kind == "list":
            return [self.right(native.item, depth + 1) for _ in range(count)]
        return {str(self.right(native.key, depth)): self.right(native.item, depth + 1) for _ in range(count)}

    def body(self, fields: list[Native]) -> object:
        """Return a body: that of the field without a name, or an object of the fields that it needs, and others."""
        if "name" not in fields[0]:
            return self.right(type_of(fields[0]))
        given = [each for each in fields if each["required"] or self._random.random() < 0.8]
        return {each["name"]: self.right(type_of(each)) for each in given}

    def wrong(self, text: str, value: object) -> tuple[str, object] | None:
        """Return where and a copy of `value`, of the type, that is wrong there; None where nothing can be."""
        native = NativeType.of(text)
        if native.kind != "name":
            return self._wrong_container(native, value)
        if native.name in _RIGHT:
            wrong = _WRONG.get(native.name)
            return (native.name, self._random.choice(wrong)) if wrong else None
        model, variables = find_model(self._models, native.name)
        if "enum" in model:
            return "enum", self._random.choice([f"{model['enum'][0]} not", None, [], {}])
        assert isinstance(value, dict)
        given = {key: with_variables(type_of(each), variables) for key, each in model["properties"].items()}
        required = [key for key, each in model["properties"].items() if each["required"]]
        nullable = {key for key, each in model["properties"].items() if each["canBeNull"]}
        return self._wrong_object(value, given, required, nullable)

    def wrong_body(self, fields: list[Native], value: object) -> tuple[str, object] | None:
        if "name" not in fields[0]:
            return self.wrong(type_of(fields[0]), value)
        assert isinstance(value, dict)
        given = {each["name"]: type_of(each) for each in fields}
        return self._wrong_object(value, given, [each["name"] for each in fields if each["required"]], set())

    def each_wrong(self, model: str, value: object) -> Iterator[tuple[str, object]]:
        """Yield values that are not of the model: each is wrong in another property, or another way.

        `value` is of the model; only what must be there is taken from it.
        """
        found, variables = find_model(self._models, model)
        if "enum" in found or not isinstance(value, dict):
            yield from ((f"{wrong!r}", wrong) for wrong in self._wrong_values(model))
            return
        needed = {key: value[key] for key, each in found["properties"].items() if each["required"]}
        for key, each in found["properties"].items():
            text = with_variables(type_of(each), variables)
            if each["required"]:
                yield f"without {key}", {name: one for name, one in needed.items() if name != key}
            for wrong in self._wrong_values(text):
                if wrong is not None or not each["canBeNull"]:
                    yield f"{key}: {wrong!r}", {**needed, key: wrong}

    def _wrong_values(self, text: str) -> Iterable[object]:
        """Return values that a type does not have: all that we know of one with a name, else one."""
        native = NativeType.of(text)
        if native.name in _RIGHT:
            return _WRONG.get(native.name, ())
        if native.kind == "name":
            model, _ = find_model(self._models, native.name)
            if "enum" in model:
                return f"{model['enum'][0]} not", None, [], {}
        wrong = self.wrong(text, self.right(text, _FULL_DEPTH))
        return (wrong[1], None) if wrong else ()

    def _one(self, name: str, depth: int) -> object:
        if name in _RIGHT:
            return self._random.choice(_RIGHT[name])
        model, variables = find_model(self._models, name)
        if "enum" in model:
            return self._random.choice(model["enum"])
        value: dict[str, object] = {}
        for key, each in model["properties"].items():
            if each["canBeNull"] and (depth >= _DEPTH or self._random.random() < 0.1):
                value[key] = None
            elif each["required"] or depth < _FULL_DEPTH or (depth < _DEPTH and self._random.random() < 0.5):
                value[key] = self.right(with_variables(type_of(each), variables), depth + 1)
        return value

    def _wrong_container(self, native: NativeType, value: object) -> tuple[str, object] | None:
        if native.kind == "list":
            assert isinstance(value, list)
            inner = self._wrong_inside(native.item, value[0]) if value else None
            return (f"[0] {inner[0]}", [inner[1], *value[1:]]) if inner else self._other_than("list", value)
        assert isinstance(value, dict)
        if native.key != "string" and self._random.random() < 0.5:
            return "key", {**value, "no such key": next(iter(value.values()), None)}
        key = next(iter(value), None)
        inner = self._wrong_inside(native.item, value[key]) if key is not None else None
        return (f".{key} {inner[0]}", {**value, key: inner[1]}) if inner else self._other_than("map", value)

    def _wrong_object(
        self, value: dict[str, object], given: dict[str, str], required: list[str], nullable: set[str]
    ) -> tuple[str, object]:
        if required and self._random.random() < 0.2:
            missing = self._random.choice(required)
            return f"without {missing}", {key: each for key, each in value.items() if key != missing}
        filled = [key for key in value if key in given and value[key] is not None]
        self._random.shuffle(filled)
        for key in filled:
            inner = self._wrong_inside(given[key], value[key])
            if inner is not None and not (inner[1] is None and key in nullable):
                return f".{key} {inner[0]}", {**value, key: inner[1]}
        return self._other_than("object", value)

    def _wrong_inside(self, text: str, value: object) -> tuple[str, object] | None:
        return self.wrong(text, value) if self._random.random() < 0.9 else self._wrong_whole(text, value)

    def _wrong_whole(self, text: str, value: object) -> tuple[str, object] | None:
        is_container = isinstance(value, list | dict) and NativeType.of(text).name != "any"
        return self._other_than("container", value) if is_container else self.wrong(text, value)

    def _other_than(self, what: str, value: object) -> tuple[str, object]:
        other: list[object] = [{} if isinstance(value, list) else [], "x", 7, True, None]
        return f"no {what}", self._random.choice(other)
