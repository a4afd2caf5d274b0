"""Migrations: convert a project of an older version, as JSON values, to the current version.

Projects travel inside pictures, films, copied texts, latent files and journals, so every version that was ever
written must open. A change of the state's fields adds one function to `MIGRATIONS` and one to `VERSION`, and never
touches the functions before it.

A migration gets the whole project, with its performance written in full (see `explorer.project.document`). It may
be malformed: values of an unexpected shape are left unchanged, for `decode` to refuse with their location.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.errors import ProjectError
from explorer.state.view_migration import views_of_version_1

__all__ = [
    "MIGRATIONS",
    "VERSION",
    "is_known_version",
    "migrate",
    "migrate_latent",
    "migrate_performance",
    "rewritten",
]

MAX_DEPTH = 128
"""Deepest nesting that is processed; `decode` accepts less."""

VERSION = 2
"""The version of projects that are written."""


Change = Callable[[dict[str, Any]], dict[str, Any]]


def rewritten(value: Any, change: Change) -> Any:
    """Return JSON values with `change` applied to every object, innermost first; shared objects stay shared."""
    return _rewritten(value, change, {}, 0)


def _rewritten(value: Any, change: Change, known: dict[int, Any], depth: int) -> Any:
    if not isinstance(value, dict | list) or depth > MAX_DEPTH:
        return value
    if id(value) not in known:
        if isinstance(value, list):
            made: Any = [_rewritten(item, change, known, depth + 1) for item in value]
        else:
            made = change({name: _rewritten(item, change, known, depth + 1) for name, item in value.items()})
        known[id(value)] = made
    return known[id(value)]


ASPECTS_OF_1 = ("latent", "drift", "classes", "truncation", "mixing", "nudges", "offsets", "noise", "transform")


def _from_1(project: dict[str, Any]) -> dict[str, Any]:
    """Migrate version 1: nudges and offsets become edits, in this order; views name their unlinked aspects."""
    made: dict[str, Any] = views_of_version_1(rewritten(project, _of_1))
    state = made.get("state")
    if isinstance(state, dict) and "timeline" in state:
        timeline = _with_tracks(state["timeline"], _views_with_shared_nudges(project["state"]))
        made = made | {"state": state | {"timeline": timeline}}
    return made


def _views_with_shared_nudges(state: dict[str, Any]) -> list[int]:
    """Return the views that shared the nudges but not the offsets."""
    views = state.get("views", [])
    linked = [v.get("linked") for v in views] if _are_objects(views) else []
    return [i for i, n in enumerate(linked) if isinstance(n, list) and "nudges" in n and "offsets" not in n]


def _of_1(item: dict[str, Any]) -> dict[str, Any]:
    """Rewrite an object of version 1 whose nested objects were rewritten already."""
    if "nudges" in item or "offsets" in item:
        item = _with_edits(item)
    if isinstance(item.get("views"), list):
        shared = item.get("shared", {})
        item = item | {"views": [_with_unlinked(view, shared) for view in item["views"]]}
    name = item.get("parameter")
    if isinstance(name, str) and name.startswith("nudges."):
        item = item | {"parameter": "edits." + name.removeprefix("nudges.")}
    return item


def _with_edits(item: dict[str, Any]) -> dict[str, Any]:
    nudges, offsets = item.get("nudges", []), item.get("offsets", [])
    if not _are_objects(nudges) or not _are_objects(offsets):
        return item
    edits: list[dict[str, Any]] = []
    for nudge in nudges:
        value = {"kind": "nudge", **{name: part for name, part in nudge.items() if name != "strength"}}
        edits.append({"value": value, "strength": nudge.get("strength")})  # None is refused: there was no default
    edits += [{"value": {"kind": "offset", **offset}} for offset in offsets]
    rest = {name: part for name, part in item.items() if name not in ("nudges", "offsets")}
    return rest | {"edits": edits}


def _with_unlinked(view: Any, shared: Any) -> Any:
    """Return a view with its `unlinked` aspects. One that shared only nudges or only offsets now owns both."""
    linked = view.get("linked", list(ASPECTS_OF_1)) if isinstance(view, dict) else None
    if not isinstance(linked, list) or not all(isinstance(name, str) for name in linked):
        return view
    unlinked = set(ASPECTS_OF_1).difference(linked)
    made = {name: part for name, part in view.items() if name != "linked"}
    parts = unlinked & {"nudges", "offsets"}
    if len(parts) == 1:
        sources = [view.get("own", {}) if name in parts else shared for name in ("nudges", "offsets")]
        if all(isinstance(source, dict) for source in sources):
            edits = [e for s, kind in zip(sources, ("nudge", "offset"), strict=True) for e in _edits_of(s, kind)]
            made["own"] = {**view.get("own", {}), "edits": edits}
    unlinked = unlinked - {"nudges", "offsets"} | ({"edits"} if parts else set())
    return made | ({"unlinked": sorted(unlinked)} if unlinked else {})


def _edits_of(look: dict[str, Any], kind: str) -> list[Any]:
    edits = look.get("edits", [])
    return [edit for edit in edits if _kind_of(edit) == kind] if _are_objects(edits) else []


def _kind_of(edit: dict[str, Any]) -> Any:
    value = edit.get("value")
    return value.get("kind") if isinstance(value, dict) else None


def _with_tracks(timeline: Any, views: list[int]) -> Any:
    """Return a timeline whose tracks of shared edits also move the views that own these edits now."""
    if not views or not isinstance(timeline, dict):
        return timeline
    tracks = timeline.get("tracks", [])
    if _are_objects(tracks):
        shared = [t for t in tracks if str(t.get("parameter")).startswith("edits.") and t.get("view", -1) == -1]
        added = [{**track, "view": view} for track in shared for view in views]
        timeline = timeline | ({"tracks": [*tracks, *added]} if added else {})
    return timeline | {"aside": _with_tracks(timeline["aside"], views)} if "aside" in timeline else timeline


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


MIGRATIONS: dict[int, Change] = {1: _from_1}
"""By version: converts a project of that version to the next one. None of them modifies its argument."""


def is_known_version(version: object) -> bool:
    """Return whether projects of that version can be read."""
    return type(version) is int and 1 <= version <= VERSION


def migrate(project: dict[str, Any], version: object) -> dict[str, Any]:
    """Return a project of an older version in the current format.

    Raises:
        ProjectError: The version is newer than the program, or not a version.
    """
    if not is_known_version(version):
        message = f"The project has version {str(version)[:20]}; this program knows 1 to {VERSION}."
        raise ProjectError(message, "Update Latentwalk.")
    assert isinstance(version, int)
    for number in range(version, VERSION):
        project = MIGRATIONS[number](project)
    return project


def migrate_latent(latent: Any, version: object) -> Any:
    """Return a `Latent` that was written separately, as current JSON values. Raises ProjectError."""
    return migrate({"state": {"shared": {"latent": latent}}}, version)["state"]["shared"]["latent"]


def migrate_performance(samples: list[Any], version: object) -> list[Any]:
    """Return recorded states that were written separately, as current JSON values. Raises ProjectError."""
    migrated = migrate({"state": {"timeline": {"performance": samples}}}, version)
    performance: list[Any] = migrated["state"]["timeline"]["performance"]
    return performance
