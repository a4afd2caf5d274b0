"""Reading of files that the user opens, before anything is shown or asked; runs in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import CancelledError, LatentError, LatentwalkError, UnreadableFileError
from explorer.project.file_kinds import Kind, kind_of
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.assets.latent import Space, StoredLatent
    from explorer.directions.direction_set import DirectionSet
    from explorer.directions.files import Sign
    from explorer.dragging.benchmark_files import SeededDrag
    from explorer.generators.base import GeneratorInfo
    from explorer.project.document import Project
    from explorer.project.model_search import FoundModels
    from explorer.util.control import Control

__all__ = ["ReadFile", "locate", "read_files", "read_latents", "read_points", "read_project"]


@dataclass(frozen=True, slots=True, eq=False)
class ReadFile:
    """A file with its contents or the error. Models are not read here, but when they are loaded."""

    path: str
    kind: Kind
    project: Project | None = None
    found: FoundModels | None = None
    latents: tuple[StoredLatent, ...] = ()
    directions: DirectionSet | None = None
    sign: Sign = ""  # by what they are known
    drags: tuple[SeededDrag, ...] = ()
    error: LatentwalkError | None = None


def read_files(
    paths: Sequence[str], info: GeneratorInfo | None, recent: Sequence[str], control: Control
) -> list[ReadFile]:
    """Read files of any kind; return the contents or the error of each.

    Args:
        paths: Paths of the files.
        info: The network that latents are read for; None if no model is loaded.
        recent: Recent files, searched for a project's models.
        control: Cancels it between and during files.
    """
    found = []
    for path in paths:
        control.check()
        found.append(_read(path, info, recent, control))
    return found


def _read(path: str, info: GeneratorInfo | None, recent: Sequence[str], control: Control) -> ReadFile:
    kind = kind_of(path)
    try:
        if kind == "project":
            return read_project(path, recent, control)
        if kind in ("latent", "directions"):
            return _read_array(path, info)
        if kind == "points":
            return read_points(path)
        if kind == "model":
            return ReadFile(path, kind)
    except CancelledError:
        raise
    except LatentwalkError as error:
        return ReadFile(path, kind, error=error.with_traceback(None))
    if kind == "picture":
        return ReadFile(path, kind)
    message = f"Can't open {visible(Path(path).name)}: this file type isn't supported."
    hint = "Models are .safetensors or .pkl, projects .json, .png or films, latents and directions .npy, .npz or "
    hint += ".pt, points to drag .jsonl."
    return ReadFile(path, kind, error=UnreadableFileError(message, hint))


def _read_array(path: str, info: GeneratorInfo | None) -> ReadFile:
    """Read the directions or the latents of a file for a network. Raises LatentError."""
    from explorer.directions.files import directions_in, load_directions

    sign = directions_in(path, info)
    if not sign:
        return read_latents(path, info, None)
    if info is None:
        raise LatentError("No model is loaded that could use the directions.", "Open a model first.")
    found = replace(load_directions(path, info), model_sha="")  # the user opens it for this model
    return ReadFile(path, "directions", directions=found, sign=sign)


def read_project(path: str, recent: Sequence[str], control: Control) -> ReadFile:
    """Read a project and find its models. Raises ProjectError."""
    from explorer.project.document import load_project
    from explorer.project.model_search import find_models

    project = load_project(path)
    return ReadFile(path, "project", project, find_models(project, recent, control))


def read_latents(path: str, info: GeneratorInfo | None, space: Space | None) -> ReadFile:
    """Read the latents of a file for a network. Raises LatentError."""
    from explorer.latents.files import load_latents

    if info is None:
        raise LatentError("No model is loaded that could use the latent.", "Open a model first.")
    return ReadFile(path, "latent", latents=load_latents(path, info, space))


def read_points(path: str) -> ReadFile:
    """Read a file of points to drag. Raises UsageError."""
    from explorer.dragging.benchmark_files import read_drags

    return ReadFile(path, "points", drags=read_drags(path))


def locate(path: str, sha256: str, others: Sequence[tuple[str, str]]) -> tuple[bool, dict[str, str]]:
    """Check the file that the user chose for a missing model, and search its folder for other missing ones.

    Args:
        path: The file.
        sha256: Digest of the file that the project was created with; may be empty.
        others: Names and digests of the other missing models.

    Returns:
        Whether the content differs, and the files found for the others, by their names.
    """
    from explorer.project.model_places import ModelPlace
    from explorer.project.model_search import find_beside

    found = {name: find_beside(ModelPlace(name, "", sha), Path(path).parent) for name, sha in others}
    is_other = bool(sha256) and find_beside(ModelPlace(path, "", sha256), Path(path).parent) is None
    return is_other, {name: str(file) for name, file in found.items() if file is not None}
