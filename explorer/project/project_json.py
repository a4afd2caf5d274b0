"""A project as JSON values: the state without its defaults, its stored latents, the places of its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import ProjectError
from explorer.latents.table import LatentTable
from explorer.project.contents import latents_of, looks_of
from explorer.project.latent_json import latent_from_json, latent_to_json
from explorer.project.model_places import ModelPlace, places_from_json, places_to_json
from explorer.project.performance_json import thinned, whole
from explorer.state import ExplorerState
from explorer.state.codec import decode, encode
from explorer.state.migrations import VERSION, migrate
from explorer.state.timeline_edits import check_timeline
from explorer.state.view_layout import MAX_VIEWS

__all__ = ["FORMAT", "Project", "from_json", "project_from_json", "to_json"]


FORMAT = "latentwalk-project"


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """What a project's file holds. `folder`: where it lies, from which models are looked for; None of a text."""

    state: ExplorerState
    table: LatentTable
    places: tuple[ModelPlace, ...] = ()
    folder: Path | None = None


def to_json(
    state: ExplorerState, table: LatentTable | None = None, places: Sequence[ModelPlace] = ()
) -> dict[str, Any]:
    """Return the project as JSON values: the state without its defaults, its latents, and its models' places."""
    latents = {}
    for key in sorted(latents_of(state)):
        latent = table.get(key) if table is not None else None
        if latent is not None:
            latents[key] = latent_to_json(latent)
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "state": thinned(encode(state))}
    if latents:
        data["latents"] = latents
    if places:
        data["models"] = places_to_json(places)
    return data


def from_json(data: Any) -> tuple[ExplorerState, LatentTable]:
    """Return the state and its latents; errors as `project_from_json`."""
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
        words = f"The project's views are not valid: it has {len(state.views)}, and {MAX_VIEWS} are the most."
        raise ProjectError(words, "Update Latentwalk.")
    if not state.views or not 0 <= state.active < len(state.views):
        raise ProjectError("The project's views are not valid.", "The file is damaged.")
    if any(len(look.transform.matrix) != 6 for look in looks_of(state)):
        raise ProjectError("A transform's matrix in the project does not have six numbers.", "The file is damaged.")
    for timeline in (state.timeline, state.timeline.aside):
        if timeline is not None:
            check_timeline(timeline)
    table = LatentTable()
    stored = data.get("latents", {})
    if not isinstance(stored, dict):
        raise ProjectError("The project's latents are not an object.", "The file is damaged.")
    for key, item in stored.items():
        if table.add(latent_from_json(key, item, version)) != key:
            raise ProjectError(f"The stored latent {key!r} does not match its id.", "The file is damaged.")
    return Project(state, table, places_from_json(data.get("models", [])), folder)
