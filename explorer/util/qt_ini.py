"""Reads INI files of QSettings without Qt: texts, lists of texts and bytes, but nothing that needs unpickling.

Qt converts `@Variant(...)` to any registered type, including PySide's wrapper of Python objects, which is unpickled
and can run code. So only text is supported here, and everything else is skipped.

Source of the format: the documentation of QSettings ("Format of the INI files") and files that it wrote.
"""

from __future__ import annotations

import re

__all__ = ["IniValue", "read_ini"]

IniValue = str | list[str] | bytes

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_KEY_ESCAPE = re.compile(r"%U([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})")
_HEX = re.compile(r"x([0-9A-Fa-f]+)")
_OCTAL = re.compile(r"[0-7]+")


def read_ini(text: str) -> dict[str, IniValue]:
    """Return the values by key, "section/key" outside General; unsupported values are skipped."""
    values: dict[str, IniValue] = {}
    section = ""
    for line in text.split("\n"):  # values may contain other Unicode line breaks
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            name = _key(line[1:-1])
            section = "" if name.lower() == "general" else f"{name}/"
        elif "=" in line and not line.startswith((";", "#")):
            key, _, value = line.partition("=")
            understood = _value(_items(value.strip()))
            if understood is not None:
                values[section + _key(key.strip())] = understood
    return values


def _key(text: str) -> str:
    return _KEY_ESCAPE.sub(lambda m: _character(int(m[1] or m[2], 16)), text).replace("\\", "/")


def _value(items: list[str]) -> IniValue | None:
    """Return the value of a line's items; None for other types."""
    if len(items) == 1 and items[0].startswith("@ByteArray(") and items[0].endswith(")"):
        try:
            return items[0][len("@ByteArray(") : -1].encode("latin-1")
        except UnicodeEncodeError:
            return None
    if any(item.startswith("@") and not item.startswith("@@") for item in items):
        return None
    texts = [item[1:] if item.startswith("@@") else item for item in items]
    return texts[0] if len(texts) == 1 else texts


def _items(text: str) -> list[str]:
    """Split a value at its commas and resolve its quotes and escapes."""
    items, item, quoted, position = [], "", False, 0
    while position < len(text):
        c = text[position]
        position += 1
        if c == "\\":
            taken, position = _escape(text, position)
            item += taken
        elif c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            items.append(item.strip())
            item = ""
        else:
            item += c
    return [*items, item if quoted or not items else item.strip()]


def _escape(text: str, position: int) -> tuple[str, int]:
    """Return the character of an escape at `position`, after its backslash, and the position after the escape."""
    if found := _HEX.match(text, position):
        return _character(int(found[1][-6:], 16)), found.end()
    if found := _OCTAL.match(text, position):
        return _character(int(found[0][-7:], 8)), found.end()
    following = text[position : position + 1]
    return _ESCAPES.get(following, following), position + 1


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 else "\ufffd"
