"""Files of favourites: each is a small project with one view, and a name, so that every version can be opened."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer.assets.table import AssetTable
from explorer.errors import LatentwalkError, ProjectError
from explorer.project import limits
from explorer.project.project_files import write_whole
from explorer.project.project_json import project_from_json, to_json
from explorer.project.project_text import dumped
from explorer.state import ExplorerState, Look, ViewState, look_of
from explorer.util.regular_file import read_regular
from explorer.util.strict_json import parse_json

__all__ = [
    "NAME_LIMIT",
    "Favourite",
    "read_favourite",
    "read_folder",
    "remove_favourite",
    "without_motion",
    "write_favourite",
]

log = logging.getLogger("explorer.project")

NAME_LIMIT = 200
"""Longest name, in characters."""

_PATTERN = f"{'[0-9a-f]' * 16}.json"
_FIELD = "favourite"


@dataclass(frozen=True, slots=True)
class Favourite:
    """A picture that the user starred.

    Attributes:
        key: 16 hexadecimal digits, the name of its file.
        name: The user's name for it.
        look: What makes the picture, on the model that it was starred with.
        starred_at: Seconds since 1970.
        model: The name of that model in states.
    """

    key: str
    name: str
    look: Look
    starred_at: float = 0.0
    model: str = ""


def write_favourite(folder: Path, favourite: Favourite, table: AssetTable) -> None:
    """Write a favourite into a folder, with the assets that it names. Raises ProjectError."""
    state = ExplorerState(favourite.look, (ViewState(model=favourite.model),), layout="single")
    about = {"name": favourite.name, "starred_at": favourite.starred_at}
    write_whole(folder / f"{favourite.key}.json", dumped(to_json(state, table) | {_FIELD: about}, None))


def read_favourite(path: Path) -> tuple[Favourite, AssetTable]:
    """Read a favourite and its assets.

    Raises:
        ProjectError: It is damaged, or of a newer version.
        OSError: It cannot be read.
    """
    try:
        data: Any = parse_json(read_regular(path, limits.MAX_BYTES))
    except ValueError as error:
        raise ProjectError(f"{path.name} is not a favourite.", "It is damaged; remove it.") from error
    about = data.get(_FIELD) if isinstance(data, dict) else None
    if not isinstance(about, dict):
        raise ProjectError(f"{path.name} is not a favourite.", "It is damaged; remove it.")
    project = project_from_json(data)
    name, at = about.get("name"), about.get("starred_at")
    starred_at = float(at) if isinstance(at, int | float) and math.isfinite(at) else 0.0
    favourite = Favourite(
        path.stem, name[:NAME_LIMIT] if isinstance(name, str) else "", look_of(project.state, 0),
        starred_at, project.state.views[0].model,
    )  # fmt: skip
    return favourite, project.table


def read_folder(folder: Path, limit: int) -> tuple[tuple[Favourite, ...], AssetTable]:
    """Return the favourites of a folder, the newest first, and their assets; damaged files are left out."""
    table, found = AssetTable(), []
    try:
        paths = sorted(folder.glob(_PATTERN))[:limit]
    except OSError:  # as without any
        paths = []
    for path in paths:
        try:
            favourite, assets = read_favourite(path)
        except (LatentwalkError, OSError) as error:
            log.warning("the favourite %s is left out: %s", path, error)
            continue
        table.add_all(assets.values())
        found.append(favourite)
    return tuple(sorted(found, key=lambda item: (-item.starred_at, item.key))), table


def remove_favourite(folder: Path, key: str) -> None:
    """Remove the file of a favourite. Raises ProjectError."""
    path = folder / f"{key}.json"
    if not path.match(_PATTERN):
        raise ProjectError(f"{key!r} is not a favourite.", "Choose another one.")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path.name} cannot be removed: {error.strerror or error}."
        raise ProjectError(message, f"Check the permissions of {folder}.") from error


def without_motion(look: Look) -> Look:
    """Return a look as favourites have it: without drift and transform, which are not of the picture's content."""
    plain = Look()
    return replace(look, drift=plain.drift, transform=plain.transform)
