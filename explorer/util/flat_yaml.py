"""Lists of flat objects in text: JSON, or the part of YAML that such lists need.

That part is a list of objects whose values are numbers, texts or lists of them, with comments, and with any keys
above the list. Whoever needs more of YAML has to write JSON, which is part of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["parse_items"]

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_PAIR = re.compile(r"(?P<key>[\w-]+)\s*:(?:\s+(?P<value>.*))?")


def parse_items(text: str) -> list[dict[str, Any]]:
    """Return the objects of a list, which may be the only list of an object.

    Raises:
        ValueError: The text is something else; it names the line if it can.
    """
    if text.lstrip()[:1] not in ("[", "{"):
        return _of_lines(text)
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("the lists are nested too deeply") from error
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        data = lists[0] if len(lists) == 1 else [data]
    items: list[dict[str, Any]] = data
    if not all(isinstance(item, dict) for item in items):
        raise ValueError("the list should hold objects")
    return items


def _of_lines(text: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    key = ""  # of the list whose members follow line by line
    for number, line in enumerate(text.splitlines(), 1):
        body = _COMMENT.sub("", line).strip()
        if body in ("", "---", "..."):
            continue
        dash, rest = (body[0] == "-" and body[1:2] in ("", " ")), body[1:].strip()
        pair = _PAIR.fullmatch(rest if dash else body)
        if dash and (pair is not None or not rest):
            items.append({})
        elif dash and key:
            items[-1][key].append(_scalar(rest))
            continue
        if pair is not None and items:
            value = (pair["value"] or "").strip()
            key = "" if value else pair["key"]
            items[-1][pair["key"]] = _value(value) if value else []
        elif not (dash and not rest) and pair is None:
            raise ValueError(f"line {number} is neither an item of a list nor a key with its value")
    return items


def _value(text: str) -> Any:
    if text[0] == "[" and text[-1] == "]":
        return [_scalar(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    return _scalar(text)


def _scalar(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
