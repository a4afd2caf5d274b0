"""Parses typed numbers, independently of the system's language, without silently changing their magnitude.

A point is a decimal point, as in displayed numbers. A comma is a decimal comma unless it may be a thousands
separator. Ambiguous numbers are refused with an explanation.
"""

from __future__ import annotations

import math
import re
import unicodedata

from explorer.util.plain_text import visible

__all__ = ["NumberTextError", "begins_number", "may_go_on", "parse_number", "parse_whole"]

LONGEST = 100

_DEGREES = 180.0 / math.pi
_UNITS: dict[str, dict[str, float]] = {
    "s": {
        "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3,
        "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    },
    "ms": {"ms": 1.0, "s": 1e3},
    "px": {"px": 1.0, "pixel": 1.0, "pixels": 1.0},
    "%": {"%": 1.0, "percent": 1.0},
    "\u00b0": {"\u00b0": 1.0, "\u00ba": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": _DEGREES},
    "fps": {"fps": 1.0, "frames/s": 1.0, "hz": 1.0},
    "bpm": {"bpm": 1.0},
    "\u00d7": {"\u00d7": 1.0, "x": 1.0, "times": 1.0},
    "/s": {"/s": 1.0, "per s": 1.0, "per second": 1.0},
}  # fmt: skip
"""The units that may follow a number and their factors, for each unit of a field."""

_SIGNS = "+-\u2212\u2010\u2011\u2012\u2013\ufe63\uff0b\uff0d"
_AS_ASCII = {
    **dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"), "-"),
    ord("\uff0b"): "+",
    **dict.fromkeys(map(ord, "\u066b\uff0e"), "."),
    **dict.fromkeys(map(ord, "\uff0c"), ","),
    **dict.fromkeys(map(ord, "\u066c\u2019"), "'"),
    ord("\u066a"): "%",
    **dict.fromkeys(map(ord, "\u200e\u200f\u061c"), None),  # directional marks beside Arabic signs
}
_PARTS = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<digits>[0-9.,'\s]*?)(?:e(?P<power>[+-]?[0-9]+))?\s*(?P<unit>[^0-9.,'\s+-][^0-9]*)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?P<sign>[+-]?)\s*(?:(?P<h>[0-9]+):)?(?P<m>[0-9]+):(?P<s>[0-9]{1,2}(?:[.,][0-9]*)?)\s*")
_BLANK_GROUPS = re.compile(r"[0-9]{1,3}(?:([' ])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]*)?")
_BEGUN = re.compile(r"[+-]?\s*[0-9.,:']*[0-9.,](?P<power>e[+-]?[0-9]*)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_QUOTED_LENGTH = 40


class NumberTextError(ValueError):
    """A text is not a number, or ambiguous; the message says which, and what to type."""


def parse_number(text: str, unit: str = "") -> float:
    """Parse a number.

    Args:
        text: A number with optional sign, decimal point or comma, spaces, power of ten, and unit.
        unit: The displayed unit of the field; "s" also accepts ms, min and minutes:seconds.

    Raises:
        NumberTextError: The text is not a number, is not finite, has another unit, or is ambiguous.
    """
    number, factor = _read(text, unit)
    value = float(number) * factor
    if not math.isfinite(value):
        raise NumberTextError(f"{_quoted(text)} is too large.")
    return value


def parse_whole(text: str, unit: str = "") -> int:
    """Parse a whole number, with all its digits; arguments and errors as in `parse_number`."""
    number, factor = _read(text, unit)
    if factor == 1.0 and number.lstrip("+-").isdecimal():
        return int(number)
    value = parse_number(text, unit)
    if not value.is_integer():
        raise NumberTextError(f"{_quoted(text)} is not a whole number.")
    return int(value)


def begins_number(text: str) -> bool:
    """Return whether a typed character may be the start of a number."""
    return len(text) == 1 and (text.isdecimal() or text in ".," or text in _SIGNS)


def may_go_on(text: str, unit: str = "") -> bool:
    """Return whether partly typed text may become a number with a unit, so that letters are not shortcuts."""
    plain = _plain(text)
    found = _BEGUN.match(plain)
    if found is None:
        return False
    rest = found["rest"].strip().lower()
    if rest == ":":
        return unit == "s"
    return any(name.startswith(rest) for name in _names(unit)) if rest else bool(found["power"] or unit)


def _read(text: str, unit: str) -> tuple[str, float]:
    """Return a text for `float`, and the factor of the unit after it."""
    if len(text) > LONGEST:
        raise NumberTextError(f"{_quoted(text)} is too long for a number.")
    plain = _plain(text)
    if not plain:
        raise NumberTextError("Type a number, such as 12.5.")
    clock = _CLOCK.fullmatch(plain)
    if clock is not None and unit == "s":
        return _seconds(clock, text), 1.0
    parts = _PARTS.fullmatch(plain)
    if parts is None or not any(c.isdecimal() for c in parts["digits"]):
        raise NumberTextError(f"{_quoted(text)} is not a number.")
    factor = _factor(parts["unit"] or "", unit, text)
    power = f"e{parts['power']}" if parts["power"] else ""
    return f"{parts['sign']}{_digits(parts['digits'].strip(), text)}{power}", factor


def _plain(text: str) -> str:
    """Return a text with ASCII digits, signs, separators and spaces."""
    text = text.translate(_AS_ASCII)
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return re.sub(r"\s", " ", text).strip()


def _digits(text: str, whole: str) -> str:
    """Return digits with at most a decimal point."""
    if " " in text or "'" in text:
        if not _BLANK_GROUPS.fullmatch(text):
            raise NumberTextError(f"{_quoted(whole)} is more than one number.")
        return re.sub("[' ]", "", text).replace(",", ".")
    points, commas = text.count("."), text.count(",")
    if points and commas:
        decimal = max(".,", key=text.rfind)
        group = "," if decimal == "." else "."
        front, _, fraction = text.partition(decimal)
        if text.count(decimal) > 1 or not _is_grouped(front, group):
            raise NumberTextError(f"{_quoted(whole)} is not a number: its separators do not fit.")
        return f"{front.replace(group, '')}.{fraction}"
    if points + commas > 1:
        group = "." if points else ","
        if not _is_grouped(text, group):
            raise NumberTextError(f"{_quoted(whole)} is not a number: it has more than one decimal point.")
        return text.replace(group, "")
    if re.fullmatch(r"[1-9][0-9]{0,2},[0-9]{3}", text):
        raise NumberTextError(
            f"{_quoted(whole)} could mean {text.replace(',', '.')} or {text.replace(',', '')}: type one of these."
        )
    return text.replace(",", ".")


def _is_grouped(text: str, group: str) -> bool:
    first, *others = text.split(group)
    return 1 <= len(first) <= 3 and all(len(part) == 3 for part in others)


def _names(unit: str) -> dict[str, float]:
    return _UNITS.get(unit, {unit.lower(): 1.0} if unit else {})


def _factor(typed: str, unit: str, text: str) -> float:
    name = " ".join(typed.lower().split())
    if not name:
        return 1.0
    names = _names(unit)
    if name not in names:
        own = f"its unit is {unit}" if unit else "type the number alone"
        raise NumberTextError(f"{_quoted(text)} does not fit this field: {own}.")
    return names[name]


def _seconds(clock: re.Match[str], text: str) -> str:
    hours, minutes = int(clock["h"] or 0), int(clock["m"])
    seconds = float(clock["s"].replace(",", "."))
    if seconds >= 60 or (clock["h"] and minutes >= 60):
        raise NumberTextError(f"{_quoted(text)} is not a time: there are 60 seconds in a minute.")
    return f"{clock['sign']}{(hours * 60 + minutes) * 60 + seconds!r}"


def _quoted(text: str) -> str:
    return f"\u201c{visible(text.strip(), _QUOTED_LENGTH)}\u201d"
