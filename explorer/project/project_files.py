"""Projects in files: JSON, pictures and films that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ProjectError
from explorer.project import limits
from explorer.project.embedded import FILM_SUFFIXES, KEY, PNG_MAGIC, text_of_film, text_of_png
from explorer.project.model_places import places_of
from explorer.project.project_json import Project, project_from_json, to_json
from explorer.project.project_text import dumped, project_from_text, state_to_text
from explorer.util.atomic_write import atomic_write
from explorer.util.plain_text import visible
from explorer.util.regular_file import check_regular, open_regular, read_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.assets.table import AssetTable
    from explorer.state import ExplorerState

__all__ = ["load_project", "read_project", "write_png", "write_project", "write_whole"]


def write_project(
    path: str | Path,
    state: ExplorerState,
    table: AssetTable | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write a project as JSON; the file appears whole or not at all.

    Args:
        path: Path of the file.
        state: State of the project.
        table: Holds its stored latents.
        digests: SHA-256 of the models that are loaded, by the names that the state gives them.

    Raises:
        ProjectError: The file cannot be written.
    """
    kept = (state.timeline, state.timeline.aside)
    indent = None if any(timeline is not None and timeline.performance for timeline in kept) else 1
    places = places_of(state, Path(path).parent, digests)
    write_whole(path, dumped(to_json(state, table, places), indent))


def write_png(
    path: str | Path,
    pixels: NDArray[np.uint8],
    state: ExplorerState,
    table: AssetTable | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Write a picture that carries the project inside.

    Args:
        path: Ends in .png.
        pixels: uint8 `[H, W, 4]` blue-green-red-any, as frames have them.
        state: State of the project.
        table: Holds its stored latents.
        digests: SHA-256 of the models that are loaded, by the names that the state gives them.

    Raises:
        ProjectError: The file cannot be written.
    """
    import io

    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(KEY.decode(), state_to_text(state, table, places_of(state, Path(path).parent, digests)))
    info.add_text("Software", "Latentwalk")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[:, :, 2::-1])).save(buffer, "PNG", pnginfo=info)
    write_whole(path, buffer.getvalue())


def write_whole(path: str | Path, data: bytes) -> None:
    """Replace a file as a whole, so that a crash or a full disk leaves the old one. Raises ProjectError."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        what = error.strerror or str(error)
        message = f"{visible(path.name)} cannot be written: {what}."
        raise ProjectError(message, "Choose another folder.") from error


def read_project(path: str | Path) -> tuple[ExplorerState, AssetTable]:
    """Return the state and assets of a project; models stay where it names them. Errors as `load_project`."""
    project = load_project(path)
    return project.state, project.table


def load_project(path: str | Path) -> Project:
    """Read a project from JSON, or from the picture or film that carries it.

    Raises:
        ProjectError: It cannot be read, is none, or is damaged.
    """
    path = Path(path)
    name = visible(path.name)
    try:
        return _load(path)
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except ProjectError as error:
        message = error.message if error.message.startswith(name) else f"{name}: {error.message}"
        raise ProjectError(message, error.hint) from error
    except ValueError as error:  # JSON and Unicode errors are ValueErrors
        raise ProjectError(f"{name} is not a project.", "Open a file that Latentwalk saved.") from error


def _load(path: Path) -> Project:
    folder = path.resolve().parent  # of a link's target, beside which its models lie
    check_regular(path)
    if path.suffix.lower() in FILM_SUFFIXES:
        return project_from_text(text_of_film(path), folder)
    with open_regular(path) as file:
        is_png = file.read(len(PNG_MAGIC)) == PNG_MAGIC
    if is_png:
        return project_from_text(text_of_png(path), folder)
    if path.stat().st_size > limits.MAX_BYTES:
        raise ProjectError("It is too large for a project.", "Open a file that Latentwalk saved.")
    data = parse_json(read_regular(path, limits.MAX_BYTES))
    if isinstance(data, dict) and data.get("format") == "latentwalk-film":
        data = data.get("project")  # the job of an unfinished film
    return project_from_json(data, folder)
