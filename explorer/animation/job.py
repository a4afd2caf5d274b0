"""The job file beside an unfinished film: everything that going on needs, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import bundled
from explorer.animation.encoder import part_paths
from explorer.animation.film import Film
from explorer.animation.folder import folder_of, unfinished_folder
from explorer.animation.player import Player, with_pose
from explorer.codec import decode, encode
from explorer.errors import FilmError, LatentwalkError, ProjectError
from explorer.latents.table import LatentTable
from explorer.project import from_json, to_json, write_whole
from explorer.render.request import RenderSettings
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from explorer.state import ExplorerState

__all__ = [
    "Job",
    "Origin",
    "discard",
    "has_parts",
    "is_unfinished",
    "job_path",
    "origin_of",
    "read_job",
    "target_of",
    "with_absolute_models",
    "write_job",
]

FORMAT = "latentwalk-film"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One film to make: where, what, of which project, and on what it is computed. Immutable."""

    path: Path
    film: Film
    state: ExplorerState
    table: LatentTable = field(default_factory=LatentTable)
    settings: RenderSettings = field(default_factory=RenderSettings)

    def same_as(self, other: Job) -> bool:
        """True if both give the same pixels, so that one may go on where the other stopped.

        Where the playhead stood when a job was made does not matter: keys say what is seen.
        """
        return _contents(_at_start(self)) == _contents(_at_start(other))


@dataclass(frozen=True, slots=True)
class Origin:
    """What a job does not say of the frames on disk: which networks made them, and their size. Immutable.

    `models`: sha256 of every view's file. `size`: (width, height) in pixels.
    """

    models: tuple[str, ...]
    size: tuple[int, int]


def job_path(path: Path) -> Path:
    """The job file of a film."""
    return path.with_name(f"{path.name}.job.json")


def target_of(path: Path, film: Film) -> Path:
    """What is there in the end: the file, or the folder of a film of PNG pictures."""
    return folder_of(path) if film.format == "png" else path


def is_unfinished(path: Path) -> bool:
    """True if a film of that name was begun and can be gone on with."""
    return job_path(path).exists()


def has_parts(path: Path) -> bool:
    """True if there are frames of an unfinished film of that name, or what might be some."""
    is_folder = path.suffix.lower() == ".png" and unfinished_folder(path).is_dir()
    return is_folder or any(part.exists() for part in part_paths(path))


def write_job(job: Job, origin: Origin | None = None) -> None:
    """Writes the job file, whole or not at all; `origin` is that of the frames beside it. Raises FilmError."""
    data = {"format": FORMAT, "version": VERSION, **_contents(job)}
    if origin is not None:
        data["origin"] = encode(origin)
    try:
        write_whole(job_path(job.path), json.dumps(data, indent=1, allow_nan=False).encode())
    except ProjectError as error:
        raise FilmError(error.message, error.hint) from error


def read_job(path: Path) -> Job:
    """The job of an unfinished film, by the film's name or the job file's. Raises FilmError."""
    name = path.name.removesuffix(".job.json")
    film_path = path.with_name(name)
    try:
        data = parse_json(job_path(film_path).read_bytes())
    except FileNotFoundError:
        raise FilmError(f"There is no unfinished film {name}.", "Check the name.") from None
    except (OSError, ValueError) as error:
        raise FilmError(f"The job of {name} cannot be read: {error}.", "Render the film anew.") from error
    if not isinstance(data, dict) or (data.get("format"), data.get("version")) != (FORMAT, VERSION):
        raise FilmError(f"The job of {name} is of another version.", "Render the film anew.")
    try:
        state, table = from_json(data.get("project"))
        film = decode(Film, data.get("film", {}), "film")
        film.check()
        settings = decode(RenderSettings, data.get("settings", {}), "settings")
    except LatentwalkError as error:
        hint = error.hint or "Render the film anew."
        raise FilmError(f"The job of {name} cannot be read: {error.message}", hint) from error
    return Job(film_path, film, state, table, settings)


def origin_of(path: Path) -> Origin | None:
    """Of what the frames of an unfinished film were made; None if its job file does not say, or is not there."""
    try:
        data = parse_json(job_path(path).read_bytes())
        return decode(Origin, data["origin"], "origin")
    except (OSError, ValueError, KeyError, TypeError, ProjectError):
        return None


def with_absolute_models(state: ExplorerState) -> ExplorerState:
    """The state with its models' files by their whole paths, so that it opens in any folder."""
    return replace(state, views=tuple(replace(view, model=_absolute(view.model)) for view in state.views))


def _contents(job: Job) -> dict[str, Any]:
    project = to_json(with_absolute_models(job.state), job.table)
    return {"film": encode(job.film), "settings": encode(job.settings), "project": project}


def _at_start(job: Job) -> Job:
    state = replace(job.state, active=0, layout=job.state.layout if not job.film.layout else "a")
    if state.timeline.keys or state.timeline.performance:
        state = with_pose(state, Player(state).base_pose(0.0))
    return replace(job, state=state)


def _absolute(model: str) -> str:
    is_file = model and bundled.find(model) is None and Path(model).exists()
    return str(Path(model).resolve()) if is_file else model


def discard(path: Path) -> None:
    """Removes what is left of an unfinished film."""
    for part in (*part_paths(path), path.with_name(f"{path.name}.finishing"), job_path(path)):
        part.unlink(missing_ok=True)
    folder = unfinished_folder(path)
    if path.suffix.lower() == ".png" and folder.is_dir():
        for picture in folder.iterdir():
            if picture.suffix in (".png", ".tmp"):
                picture.unlink()
        folder.rmdir()
