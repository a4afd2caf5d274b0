"""Reads a flat configuration into a family's frozen dataclass, checking the type and bounds of every setting."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, Union

from explorer.errors import MismatchError
from explorer.ops.bias_act import ACTIVATIONS
from explorer.util.plain_text import visible

__all__ = [
    "CLAMP",
    "CLASSES",
    "RATE",
    "SETTINGS_HINT",
    "SHARE",
    "WIDTH",
    "ActivationName",
    "ClassNames",
    "Items",
    "Within",
    "check_filter",
    "check_settings",
    "config_from_mapping",
]

T = TypeVar("T")

SETTINGS_HINT = "Correct it in the file's settings, or download the file again."


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds of a number, both included; for `Annotated[int, Within(1, 64)]`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Items:
    """Bounds on the length of a tuple, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """The allowed values of a text setting."""

    names: tuple[str, ...]


# Far above every published model, far below what would exhaust a computer.
WIDTH = Within(1, 16384)
CLASSES = Within(0, 100_000)
CLAMP = Within(1e-3, 1 << 22)
RATE = Within(1e-6, 1e6)
SHARE = Within(0, 1)
ClassNames = Annotated[tuple[str, ...], Items(0, 100_000)]
ActivationName = Annotated[str, OneOf(tuple(ACTIVATIONS))]


def config_from_mapping(cls: type[T], values: Mapping[str, Any], family: str) -> T:
    """Return `cls(**values)`, which checks the values by `check_settings`.

    Args:
        cls: A frozen dataclass whose fields are the accepted names.
        values: Flat configuration, names as in `cls`.
        family: Name for error messages.

    Raises:
        MismatchError: For names that `cls` does not have, or required ones that are missing.
    """
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]  # typeshed wants a dataclass instance
    unknown = sorted(str(name) for name in values if name not in names)
    if unknown:
        shown = visible(", ".join(name[:80] for name in unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        raise MismatchError(
            f"The {family} configuration has unknown settings: {shown}.",
            "The file may come from a modified version of the training code.",
        )
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}  # type: ignore[arg-type]
    missing = sorted(required - set(values))
    if missing:
        raise MismatchError(f"The {family} configuration lacks {', '.join(missing)}.")
    return cls(**values)


def check_settings(config: Any) -> None:
    """Check every field of a configuration against its annotation and convert it; for `__post_init__`.

    Numbers need bounds (`Within`). A whole number may be written as 1024.0, and a tuple as a list; there are no
    other conversions, so that a file cannot pass unexpected values to a kernel.

    Args:
        config: An instance of a frozen dataclass.

    Raises:
        MismatchError: A setting has another type or is out of bounds; names the setting.
    """
    cls: type = type(config)
    for name, hint in _hints(cls).items():
        value = getattr(config, name)
        try:
            read = _read(hint, value)
        except _Wrong as wrong:
            raise MismatchError(f"{name} is {_shown(value)}; expected {wrong}.", SETTINGS_HINT) from None
        object.__setattr__(config, name, read)


def check_filter(name: str, taps: tuple[float, ...]) -> None:
    """Raise MismatchError if the taps of setting `name` sum to zero and so cannot be normalised."""
    if abs(math.fsum(taps)) <= 1e-4 * math.fsum(abs(tap) for tap in taps):
        raise MismatchError(f"The taps of {name} sum to zero, so they cannot be normalised.", SETTINGS_HINT)


@lru_cache(maxsize=32)
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


class _Wrong(Exception):
    """A value is not as expected; the message says what is expected."""


def _read(hint: Any, value: object) -> object:
    bounds: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        bounds = tuple(rest)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):  # only `X | None` occurs
        (inner,) = (kind for kind in args if kind is not type(None))
        try:
            return None if value is None else _read(typing.Annotated[(inner, *bounds)] if bounds else inner, value)
        except _Wrong as wrong:
            raise _Wrong(f"{wrong}, or none") from None
    names = args if origin is Literal else next((b.names for b in bounds if isinstance(b, OneOf)), None)
    if names is not None:
        if isinstance(value, str) and value in names:
            return value
        raise _Wrong(f"one of {', '.join(names)}")
    if origin is tuple:
        return _read_items(args[0], bounds, value)
    if hint in (int, float):
        return _read_number(hint, next(b for b in bounds if isinstance(b, Within)), value)
    if type(value) is not hint or (isinstance(value, str) and len(value) > 1000):
        raise _Wrong("true or false" if hint is bool else "a short text")
    return value


def _read_items(item: Any, bounds: tuple[Any, ...], value: object) -> tuple[object, ...]:
    size = next(b for b in bounds if isinstance(b, Items))
    if not isinstance(value, (list, tuple)) or not size.low <= len(value) <= size.high:
        raise _Wrong(f"a list of {size.low:,} to {size.high:,}")
    try:
        return tuple(_read(item, each) for each in value)
    except _Wrong as wrong:
        raise _Wrong(f"a list, each item {wrong}") from None


def _read_number(kind: type, bounds: Within, value: object) -> object:
    # Compared without conversion: an integer may be too large for a float, and NaN is never within bounds.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and bounds.low <= value <= bounds.high:
        if kind is float:
            return float(value)
        if value == math.floor(value):
            return int(value)
    raise _Wrong(f"a {'whole ' if kind is int else ''}number from {_number(bounds.low)} to {_number(bounds.high)}")


def _number(value: float) -> str:
    return f"{int(value):,}" if value == math.floor(value) else f"{value:g}"


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 60:
        return "an extremely large number"
    if value is None or isinstance(value, (bool, int, float)):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {visible(value, 40)!r}"
    return f"a {type(value).__name__}"
