"""The job file beside an unfinished film: everything needed to resume it, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.animation import parts
from explorer.animation.film import MAX_FRAMES, Film, shown_in
from explorer.animation.player import Player, with_snapshot
from explorer.assets.table import AssetTable
from explorer.checkpoints import bundled
from explorer.checkpoints.parts import split_part, with_part
from explorer.errors import FilmError, LatentwalkError, ProjectError
from explorer.project.document import project_from_json, to_json, write_whole
from explorer.project.limits import MAX_BYTES
from explorer.project.model_places import places_of, places_to_json
from explorer.project.model_search import find_models
from explorer.state.codec import decode, encode
from explorer.state.request import RenderSettings
from explorer.util import file_errors
from explorer.util.plain_text import visible
from explorer.util.regular_file import read_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.state import ExplorerState

__all__ = [
    "FilmJob",
    "Origin",
    "discard",
    "has_parts",
    "is_unfinished",
    "job_from_json",
    "job_path",
    "job_to_json",
    "origin_of",
    "part_number",
    "read_job",
    "target_of",
    "with_absolute_models",
    "write_job",
]

FORMAT = "latentwalk-film"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class FilmJob:
    """A film to render: its path, description, project, and render settings. Immutable."""

    path: Path
    film: Film
    state: ExplorerState
    table: AssetTable = field(default_factory=AssetTable)
    settings: RenderSettings = field(default_factory=RenderSettings)

    def same_as(self, other: FilmJob) -> bool:
        """Return whether both jobs give the same pixels, so that one can resume the other's film.

        The position of the playhead when a job was created does not matter: the keys determine the pictures.
        """
        return job_to_json(_at_start(self)) == job_to_json(_at_start(other))


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of the frames on disk: the networks that made them, and their size. Immutable.

    `models`: sha256 of every view's file. `size`: (width, height) in pixels.
    """

    models: tuple[str, ...]
    size: tuple[int, int]


def job_path(path: Path) -> Path:
    """Return the path of a film's job file."""
    return path.with_name(f"{path.name}.job.json")


def target_of(path: Path, film: Film) -> Path:
    """Return the path of the finished film: a file, or the folder of PNG pictures."""
    return parts.folder_of(path) if film.format == "png" else path


def is_unfinished(path: Path) -> bool:
    """Return whether there is an unfinished film of that name that can be resumed."""
    return job_path(path).exists()


def has_parts(path: Path) -> bool:
    """Return whether there are frames that belong to the job file of that name."""
    return is_unfinished(path) and parts.has_parts(path, part_number(path))


def part_number(path: Path) -> int:
    """Return the number in the names of an unfinished film's frames (see `parts`); 0 if there is none.

    Raises:
        FilmError: The file with the job file's name is not a job file.
    """
    return _number_in(_data(path)) if is_unfinished(path) else 0


def write_job(job: FilmJob, origin: Origin | None = None, digests: Mapping[str, str] | None = None) -> None:
    """Write the job file atomically; a new job chooses names for its frames that no other files have.

    Args:
        job: The film.
        origin: Origin of the frames beside it.
        digests: SHA-256 of its models by absolute path.

    Raises:
        FilmError: The file cannot be written, or another file has its name.
    """
    number = part_number(job.path) if is_unfinished(job.path) else parts.free_number(job.path)
    data = {"format": FORMAT, "version": VERSION, "parts": number, **job_to_json(job)}
    if places := places_of(with_absolute_models(job.state), job.path.parent, digests):
        data["project"]["models"] = places_to_json(places)
    if origin is not None:
        data["origin"] = encode(origin)
    try:
        write_whole(job_path(job.path), json.dumps(data, indent=1, allow_nan=False).encode())
    except ProjectError as error:
        raise FilmError(error.message, error.hint) from error


def read_job(path: Path) -> FilmJob:
    """Return the job of an unfinished film, given the path of the film or of its job file. Raises FilmError."""
    name = path.name.removesuffix(".job.json")
    film_path = path.with_name(name)
    data = _data(film_path)
    if data.get("version") != VERSION:
        raise FilmError(f"The job of {visible(name)} was written by another version.", "Render the film again.")
    return job_from_json(film_path, data)


def job_to_json(job: FilmJob) -> dict[str, Any]:
    """Return a job as JSON values, without its path and with absolute paths of its models."""
    project = to_json(with_absolute_models(job.state), job.table)
    return {"film": encode(job.film), "settings": encode(job.settings), "project": project}


def job_from_json(path: Path, data: Mapping[str, Any]) -> FilmJob:
    """Return the job encoded by `job_to_json`. Raises FilmError."""
    try:
        project = project_from_json(data.get("project"), path.resolve().parent)
        film = decode(Film, data.get("film", {}), "film")
        film.check()
        settings = decode(RenderSettings, data.get("settings", {}), "settings")
    except LatentwalkError as error:
        hint = error.hint or "Render the film again."
        raise FilmError(f"The job of {visible(path.name)} cannot be read: {error.message}", hint) from error
    return FilmJob(path, film, find_models(project).state, project.table, settings)


def _data(path: Path) -> dict[str, Any]:
    """Return the content of a film's job file, of any version. Raises FilmError."""
    file = job_path(path)
    try:
        data = parse_json(read_regular(file, MAX_BYTES))
    except FileNotFoundError:
        raise FilmError(f"There is no unfinished film {visible(path.name)}.", "Check the name.") from None
    except OSError as error:
        message = f"{visible(file.name)} cannot be read: {file_errors.reason(error)}."
        raise FilmError(message, "Move it away, or choose another name.") from error
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        message = f"{visible(file.name)} is damaged, or not the job of an unfinished film."
        raise FilmError(message, "Move it away, or choose another name.")
    return data


def _number_in(data: dict[str, Any]) -> int:
    number = data.get("parts", 0)  # older jobs had only one pair of names
    return number if type(number) is int and 0 <= number < parts.MOST else 0


def origin_of(path: Path) -> Origin | None:
    """Return the origin of an unfinished film's frames; None if it is unknown or there is no job file."""
    try:
        return decode(Origin, _data(path)["origin"], "origin")
    except (ValueError, KeyError, TypeError, FilmError, ProjectError):
        return None


def with_absolute_models(state: ExplorerState) -> ExplorerState:
    """Return the state with absolute paths of its models, so that it opens in any folder."""
    return replace(state, views=tuple(replace(view, model=_absolute(view.model)) for view in state.views))


def _at_start(job: FilmJob) -> FilmJob:
    layout, views = shown_in(job.film, job.state)
    first, last = views[0], views[-1]
    is_all = len(views) == len(job.state.views)
    state = replace(job.state, active=0, layout="grid" if is_all else "flicker", pair=(first, last))
    job = replace(job, film=replace(job.film, layout=layout))
    if state.timeline.keys or state.timeline.performance:
        state = with_snapshot(state, Player(state).base_snapshot(0.0))
    return replace(job, state=state)


def _absolute(model: str) -> str:
    file, part = split_part(model)
    is_file = file and bundled.find(model) is None and Path(file).exists()
    return with_part(Path(file).resolve(), part) if is_file else model


def discard(path: Path) -> None:
    """Remove an unfinished film: the frames named by its job file, then the job file.

    Raises:
        FilmError: The job file is invalid, so its frames are unknown, or a file cannot be removed.
    """
    if not is_unfinished(path):
        return
    data = _data(path)
    try:
        frames = decode(Film, data.get("film", {}), "film").frames
    except (ProjectError, ArithmeticError, ValueError):
        frames = MAX_FRAMES
    try:
        parts.remove_parts(path, _number_in(data), frames, is_legacy="parts" not in data)
        job_path(path).unlink(missing_ok=True)
    except OSError as error:
        message = f"The unfinished film {path.name} cannot be removed: {file_errors.reason(error)}."
        raise FilmError(message, "Check the folder's permissions.") from error
