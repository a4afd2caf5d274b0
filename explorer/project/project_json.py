"""A project as JSON values: the state without its defaults, its assets, the places of its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.assets.table import AssetTable
from explorer.errors import ProjectError
from explorer.project import limits
from explorer.project.asset_json import asset_from_json, asset_to_json
from explorer.project.contents import looks_of
from explorer.project.model_places import ModelPlace, places_from_json, places_to_json
from explorer.project.performance_json import thinned, whole
from explorer.state import ExplorerState
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate
from explorer.state.timeline_edits import check_timeline
from explorer.state.view_layout import MAX_VIEWS
from explorer.util.asset_ids import assets_of

__all__ = ["FORMAT", "Project", "from_json", "project_from_json", "to_json"]


FORMAT = "latentwalk-project"


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """The content of a project's file. `folder`: its folder, where models are searched; None for a text."""

    state: ExplorerState
    table: AssetTable
    places: tuple[ModelPlace, ...] = ()
    folder: Path | None = None


def to_json(
    state: ExplorerState, table: AssetTable | None = None, places: Sequence[ModelPlace] = ()
) -> dict[str, Any]:
    """Return the project as JSON: the state without its defaults, the assets that it names, its models' places."""
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "state": thinned(encode(state))}
    named = sorted(assets_of(state)) if table is not None else ()
    assets = {key: asset_to_json(asset) for key in named if table and (asset := table.get(key)) is not None}
    if assets:
        data["assets"] = assets
    if places:
        data["models"] = places_to_json(places)
    return data


def from_json(data: Any) -> tuple[ExplorerState, AssetTable]:
    """Return the state and its assets; errors as `project_from_json`."""
    project = project_from_json(data)
    return project.state, project.table


def project_from_json(data: Any, folder: Path | None = None) -> Project:
    """Return the project; `folder` is that of its file.

    Raises:
        ProjectError: Not a project, of a newer version, or damaged; names the place.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ProjectError("This is not a Latentwalk project.", "Open a .json or .png that Latentwalk saved.")
    version = data.get("version")
    migrate({}, version)  # refuses other versions before their performance is unpacked
    data = migrate({**data, "state": whole(data.get("state", {}))}, version)
    state = decode(ExplorerState, data["state"])
    if len(state.views) > MAX_VIEWS:
        message = f"The project's views are not valid: it has {len(state.views)}, and {MAX_VIEWS} are the most."
        raise ProjectError(message, "Update Latentwalk.")
    if not state.views or not 0 <= state.active < len(state.views):
        raise ProjectError("The project's views are not valid.", "The file is damaged.")
    if any(len(look.transform.matrix) != 6 for look in looks_of(state)):
        raise ProjectError("A transform's matrix in the project does not have six numbers.", "The file is damaged.")
    for timeline in (state.timeline, state.timeline.aside):
        if timeline is not None:
            check_timeline(timeline)
    return Project(state, _assets(data, version), places_from_json(data.get("models", [])), folder)


def _assets(data: dict[str, Any], version: object) -> AssetTable:
    """Return the assets of a project of that version. Raises ProjectError."""
    table, nbytes = AssetTable(), 0
    for name in ("latents", "assets"):  # until 2026-12 there were latents only
        stored = data.get(name, {})
        if not isinstance(stored, dict):
            raise ProjectError(f"The project's {name} are not an object.", "The file is damaged.")
        for key, item in stored.items():
            asset = asset_from_json(key, item, version)
            if table.add(asset) != key:
                raise ProjectError(f"The stored asset {key!r} does not match its id.", "The file is damaged.")
            nbytes += asset.array.nbytes
            if nbytes > limits.MAX_ASSET_BYTES:
                most = limits.MAX_ASSET_BYTES >> 20
                raise ProjectError("The project's assets are too large.", f"At most {most} MB are taken.")
    return table
