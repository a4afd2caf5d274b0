"""Long rows of JSON values that differ little from one to the next: each written as what has changed.

An object becomes the object of its changed fields, null where a field has gone; a list of objects as long as before
becomes their changes; anything else is written whole. Undoing it shares what has not changed.
"""

from __future__ import annotations

from typing import Any

from explorer.errors import ProjectError

__all__ = ["delta_decode", "delta_encode"]

MAX_COPIES = 1 << 23
"""Fields copied at most, for an object is copied for each of its changes; 200,000 moments by hand take half."""

MAX_DEPTH = 16

_SAME = object()


def delta_encode(row: list[Any]) -> list[Any]:
    """Return the row with each item but the first as its difference to the one before."""
    made, before = [], None
    for i, item in enumerate(row):
        difference = item if i == 0 else _difference(before, item)
        made.append({} if difference is _SAME else difference)
        before = item
    return made


def delta_decode(row: list[Any]) -> list[Any]:
    """Return the row that `delta_encode` was given. Raises ProjectError."""
    made: list[Any] = []
    copied = _Copied()
    for i, item in enumerate(row):
        made.append(item if i == 0 else _applied(made[-1], item, copied, 0))
    return made


def _difference(old: Any, new: Any) -> Any:
    if old is new:
        return _SAME
    if isinstance(old, dict) and isinstance(new, dict):
        found = {name: _difference(old[name], item) if name in old else item for name, item in new.items()}
        found = {name: item for name, item in found.items() if item is not _SAME}
        return found | dict.fromkeys(old.keys() - new.keys()) or _SAME
    if _are_objects(old) and _are_objects(new) and len(old) == len(new):
        pairs = [_difference(a, b) for a, b in zip(old, new, strict=True)]
        return _SAME if all(item is _SAME for item in pairs) else [{} if item is _SAME else item for item in pairs]
    return _SAME if old == new else new


class _Copied:
    """Counts what changes copy: packed, a small file can ask for any amount."""

    def __init__(self) -> None:
        self.fields = 0

    def add(self, fields: int, depth: int) -> None:
        self.fields += fields
        if self.fields > MAX_COPIES or depth > MAX_DEPTH:
            raise ProjectError("The performance is larger than a hand makes one.", "The file is damaged.")


def _applied(old: Any, change: Any, copied: _Copied, depth: int) -> Any:
    if isinstance(old, dict) and isinstance(change, dict):
        if not change:
            return old
        copied.add(len(old), depth)
        made = {
            name: _applied(old[name], item, copied, depth + 1) if name in old else item
            for name, item in change.items()
        }
        return {name: item for name, item in (old | made).items() if item is not None}
    if _are_objects(old) and _are_objects(change) and len(old) == len(change):
        copied.add(len(old), depth)
        return [_applied(a, b, copied, depth + 1) for a, b in zip(old, change, strict=True)]
    return change


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
