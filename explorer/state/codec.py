"""Encodes frozen dataclasses as plain JSON values, and decodes them with every type checked."""

from __future__ import annotations

import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar, Union

from explorer.errors import ProjectError
from explorer.util.plain_text import shortened, visible
from explorer.util.tagged import Tagged

__all__ = ["decode", "encode"]

T = TypeVar("T")

Known = dict[tuple[Any, int], Any]

MAX_ITEMS = 1 << 20
"""Longest list accepted; states made in the window are far below."""

MAX_WHOLE = (1 << 63) - 1
"""Largest integer accepted, of either sign."""

MAX_DEPTH = 64
"""Deepest nesting accepted; blends of blends are the deepest in practice, about ten levels."""


def encode(value: Any) -> Any:
    """Encode the value as JSON: dataclasses become objects without the fields that have their default.

    An instance that occurs again in `value` becomes one object of the result, shared.
    """
    return _encode(value, {})


def _encode(value: Any, known: dict[int, Any]) -> Any:
    if hasattr(value, "to_json"):  # values beyond plain JSON, such as an array
        if id(value) not in known:
            known[id(value)] = value.to_json()
        return known[id(value)]
    if is_dataclass(value) and not isinstance(value, type):
        if id(value) not in known:
            known[id(value)] = _encode_dataclass(value, known)
        return known[id(value)]
    if isinstance(value, tuple):
        return [_encode(item, known) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def _encode_dataclass(value: Any, known: dict[int, Any]) -> dict[str, Any]:
    tag = {}
    if isinstance(value, Tagged):
        verbatim = value.verbatim()
        if verbatim is not None:
            return verbatim
        tag = {"kind": value.kind}
    pairs = ((f, getattr(value, f.name)) for f in fields(value))
    return tag | {f.name: _encode(item, known) for f, item in pairs if item != f.default}


def decode(cls: type[T], data: Any, where: str = "state") -> T:
    """Decode an instance of the dataclass `cls` from the output of `encode`; missing fields have their default.

    An object or a list that occurs again in `data` is decoded once and shared.

    Raises:
        ProjectError: A value has another type, a number is not finite or of more than 63 bits, a field is unknown,
            or objects are nested too deeply; names the place.
    """
    return typing.cast("T", _decode(cls, data, where, {}))


def _decode(kind: Any, data: Any, where: str, known: Known) -> Any:
    if not isinstance(data, dict | list):
        return _decode_new(kind, data, where, known)
    key = (kind, id(data))
    if where.count(".") + where.count("[") > MAX_DEPTH:
        raise ProjectError(f"{shortened(where, 60)} is nested too deeply.", "The file is damaged.")
    if key not in known:
        known[key] = _decode_new(kind, data, where, known)
    return known[key]


def _decode_new(kind: Any, data: Any, where: str, known: Known) -> Any:
    origin = typing.get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, Tagged):
        return _decode_tagged(kind, data, where, known)
    if hasattr(kind, "from_json"):
        return kind.from_json(data, where)
    if is_dataclass(kind):
        return _decode_dataclass(kind, data, where, known)
    if origin in (Union, types.UnionType):
        return _decode_union(typing.get_args(kind), data, where, known)
    if origin is Literal:
        choices = typing.get_args(kind)
        if not isinstance(data, str) or data not in choices:
            raise _wrong(where, f"one of {', '.join(map(repr, choices))}", data)
        return data
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), data, where, known)
    if origin is frozenset:
        return frozenset(_decode_tuple((*typing.get_args(kind), ...), data, where, known))
    return _decode_scalar(kind, data, where)


def _decode_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is float and type(data) in (int, float):
        if abs(data) <= sys.float_info.max:  # false for NaN; an integer may be too long for a float
            return float(data)
    elif kind is int and type(data) is int:
        if -MAX_WHOLE <= data <= MAX_WHOLE:
            return data
    elif kind in (bool, str) and type(data) is kind:
        return data
    names = {float: "a finite number", int: "a whole number of at most 63 bits", bool: "true or false"}
    raise _wrong(where, names.get(kind, "text"), data)


def _decode_union(kinds: tuple[Any, ...], data: Any, where: str, known: Known) -> Any:
    if data is None and type(None) in kinds:
        return None
    (kind,) = (k for k in kinds if k is not type(None))  # only `X | None` occurs
    return _decode(kind, data, where, known)


def _decode_tagged(base: type[Tagged], data: Any, where: str, known: Known) -> Any:
    """Decode a member of a tagged union; one of an unknown kind is preserved, if the union allows it."""
    if not isinstance(data, dict):
        raise _wrong(where, "an object", data)
    name = data.get("kind")
    if not isinstance(name, str):
        raise ProjectError(f"{where} lacks the field 'kind'.", "The file is damaged.")
    member = base.members().get(name)
    if member is not None:
        return _decode_dataclass(member, {f: v for f, v in data.items() if f != "kind"}, where, known)
    _check_depth(data, where)
    try:
        unknown = base.unknown(data)
    except ValueError as error:
        raise ProjectError(f"{where} holds a number that is not finite.", "The file is damaged.") from error
    if unknown is None:
        raise _wrong(f"{where}.kind", f"one of {', '.join(map(repr, base.members()))}", name)
    return unknown


def _check_depth(data: Any, where: str) -> None:
    level, depth = [data], where.count(".") + where.count("[")
    while level:
        if depth > MAX_DEPTH:
            raise ProjectError(f"{shortened(where, 60)} is nested too deeply.", "The file is damaged.")
        depth += 1
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value)
            if isinstance(item, dict | list)
        ]


def _decode_tuple(kinds: tuple[Any, ...], data: Any, where: str, known: Known) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple) or len(data) > MAX_ITEMS:
        raise _wrong(where, "a list", data)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item, f"{where}[{i}]", known) for i, item in enumerate(data))
    if len(data) != len(kinds):
        raise _wrong(where, f"a list of {len(kinds)}", data)
    pairs = enumerate(zip(kinds, data, strict=True))
    return tuple(_decode(k, item, f"{where}[{i}]", known) for i, (k, item) in pairs)


def _decode_dataclass(cls: Any, data: Any, where: str, known: Known) -> Any:
    if not isinstance(data, dict):
        raise _wrong(where, "an object", data)
    hints = _hints(cls)
    unknown = [name for name in data if name not in hints]
    if unknown:
        raise ProjectError(
            f"{shortened(where, 80)} has the unknown field {visible(str(unknown[0]), 40)!r}.",
            "The file is damaged, or was made by a newer version.",
        )
    missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in data]
    if missing:
        raise ProjectError(f"{where} lacks the field {missing[0]!r}.", "The file is damaged.")
    return cls(**{name: _decode(hints[name], value, f"{where}.{name}", known) for name, value in data.items()})


@lru_cache(maxsize=64)
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _wrong(where: str, wanted: str, data: Any) -> ProjectError:
    return ProjectError(f"{where} should be {wanted}, but is {_shown(data)}.", "The file is damaged.")


def _shown(data: Any) -> str:
    if type(data) is int and abs(data) > MAX_WHOLE:  # Python refuses to format integers of thousands of digits
        return "far beyond that"
    if isinstance(data, dict | list):
        return "an object" if isinstance(data, dict) else "a list"
    return visible(repr(data) if not isinstance(data, str) else repr(data[:60]), 60)
