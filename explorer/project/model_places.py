"""The places of a project's models: paths relative to its file, and SHA-256 of contents, as projects store them."""

from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.checkpoints import bundled
from explorer.checkpoints.parts import split_part
from explorer.errors import ProjectError

if TYPE_CHECKING:
    from explorer.state import ExplorerState

__all__ = ["ModelPlace", "places_from_json", "places_of", "places_to_json"]

MAX_PLACES = 64
_MAX_TEXT = 1 << 16


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model that a project names.

    `name` is what the state calls it: a path, perhaps with a part of the file (`FILE#PART`). `relative` is the
    file's path from the folder of the project's file, with forward slashes; `sha256` the digest of the file, or of
    its part (`part_digest`). Either is empty where it was not known.
    """

    name: str
    relative: str = ""
    sha256: str = ""


def places_of(
    state: ExplorerState, folder: Path | None = None, digests: Mapping[str, str] | None = None
) -> tuple[ModelPlace, ...]:
    """Return the places of a state's models, except bundled ones, which every installation has.

    Args:
        state: State of the project.
        folder: Folder of the project's file; None for a text, which has none.
        digests: SHA-256 by the state's names of models; others are known if they were computed before.
    """
    from explorer.checkpoints.digest import known_digest

    places = []
    for name in dict.fromkeys(view.model for view in state.views):
        if not name or bundled.find(name) is not None:
            continue
        file, part = split_part(name)
        sha = (digests or {}).get(name) or known_digest(Path(file), part)
        relative = "" if folder is None else _relative(Path(file), folder)
        if sha or relative:
            places.append(ModelPlace(name, relative, sha))
    return tuple(places)


def _relative(model: Path, folder: Path) -> str:
    try:
        if not model.is_file():
            return ""
        return Path(os.path.relpath(model.resolve(), folder.resolve())).as_posix()
    except (OSError, ValueError):  # on another drive of Windows
        return ""


def places_to_json(places: Sequence[ModelPlace]) -> list[dict[str, str]]:
    """Return places as JSON values."""
    fields = ("name", "relative", "sha256")
    return [{f: getattr(place, f) for f in fields if getattr(place, f)} for place in places]


def places_from_json(data: Any) -> tuple[ModelPlace, ...]:
    """Return places from JSON values; fields that a newer version added are ignored. Raises ProjectError."""
    damaged = ProjectError("The project's list of models cannot be read.", "The file is damaged.")
    if not isinstance(data, list) or len(data) > MAX_PLACES:
        raise damaged
    places = []
    for item in data:
        if not isinstance(item, dict):
            raise damaged
        texts: list[Any] = [item.get(key, "") for key in ("name", "relative", "sha256")]
        if not all(isinstance(text, str) and len(text) <= _MAX_TEXT and "\0" not in text for text in texts):
            raise damaged
        place = ModelPlace(*texts)
        # A path that is not relative says nothing that the name does not.
        is_relative = not posixpath.isabs(place.relative) and not ntpath.splitdrive(place.relative)[0]
        places.append(replace(place, relative=place.relative if is_relative else ""))
    return tuple(places)
