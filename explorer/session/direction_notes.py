"""DirectionNotes: what the user says of directions: names, stars, locks and layers, in the settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.session.settings import Settings

__all__ = ["DirectionNotes", "Note"]

_KEY = "directions"
_LIMIT = 1000
"""Directions with notes that are remembered; the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the user says of one direction.

    Attributes:
        name: Its name; empty: as it was found.
        is_starred: Whether it is among the favourites.
        is_locked: Whether steps along other directions leave it alone.
        entries: The entries of `ws` that it changes; None: as it was found.
    """

    name: str = ""
    is_starred: bool = False
    is_locked: bool = False
    entries: tuple[int, ...] | None = None


class DirectionNotes:
    """The notes by the id of the direction. Written to the settings at each change."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._notes: dict[str, Note] = {}
        try:
            found = parse_json(settings.text(_KEY, "{}"))
        except ValueError:
            found = {}
        for key, data in found.items() if isinstance(found, dict) else ():
            self._notes[key] = _note_of(data)

    def of(self, key: str) -> Note:
        """Return the note of a direction; an empty one if there is none."""
        return self._notes.get(key, Note())

    def change(self, key: str, **fields: Any) -> Note:
        """Change fields of the note of a direction, and return it."""
        note = replace(self._notes.pop(key, Note()), **fields)
        if note != Note():
            self._notes[key] = note
        while len(self._notes) > _LIMIT:
            del self._notes[next(iter(self._notes))]
        self._settings.set(_KEY, json.dumps({key: asdict(item) for key, item in self._notes.items()}))
        return note


def _note_of(data: Any) -> Note:
    """Return a stored note; what is not as expected has its default."""
    if not isinstance(data, dict):
        return Note()
    name, entries = data.get("name"), data.get("entries")
    is_list = isinstance(entries, list) and all(type(i) is int and i >= 0 for i in entries)
    return Note(
        name[:200] if isinstance(name, str) else "",
        data.get("is_starred") is True,
        data.get("is_locked") is True,
        tuple(entries) if is_list and isinstance(entries, list) else None,
    )
