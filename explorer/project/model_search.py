"""Find a project's models again: by their path from its file, at the old place, or by their content."""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.checkpoints import bundled
from explorer.checkpoints.parts import part_digest, split_part, with_part
from explorer.errors import CheckpointError
from explorer.project.contents import unknown_kinds
from explorer.project.model_places import ModelPlace
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.project.document import Project
    from explorer.state import ExplorerState
    from explorer.util.control import Control

__all__ = ["FoundModels", "find_beside", "find_models", "with_model_renamed"]

_SUFFIXES = {".pkl", ".pt", ".pth", ".ckpt", ".safetensors"}
MAX_KINDS_NAMED = 5  # of edits that are not known here
_MOST_PARTS = 8  # of a path's end that are looked for below the project
_MOST_NAMES_BELOW = 4096  # in the project's folder among which its folders are looked for
_MOST_BESIDE, _MOST_BYTES_BESIDE = 32, 4 << 30  # of files with other names whose contents are compared


@dataclass(frozen=True, slots=True)
class FoundModels:
    """A state whose models are named by where they were found.

    `missing`: places at which nothing was found; the state names them as before. `notes`: sentences of what the
    user should know: a file that is there has another content than the project was made with.
    """

    state: ExplorerState
    missing: tuple[ModelPlace, ...] = ()
    notes: tuple[str, ...] = ()


def find_models(
    project: Project,
    recent: Sequence[str] = (),
    control: Control | None = None,
    *,
    reads: bool = True,
) -> FoundModels:
    """Find a project's models: by the path from its file, where they were, then among known ones of that content.

    Args:
        project: As it was read.
        recent: Files that were opened before, among which to look.
        control: Cancels it while contents are compared.
        reads: Whether to read files whose digests are not known from before, as long as their drives take. Without,
            a file at its place is taken for the right one.

    Raises:
        CancelledError: `control` cancelled it.
    """
    known = {place.name: place for place in project.places}
    state, missing, notes = project.state, [], _notes_on_edits(project.state)
    for name in dict.fromkeys(view.model for view in state.views):
        if not name or bundled.find(name) is not None:
            continue
        place = known.get(name, ModelPlace(name))
        search = _Search(place, project.folder, recent, control, reads=reads)
        found = search.find()
        if found is None:
            missing.append(place)
        else:
            state = with_model_renamed(state, name, found)
            notes += [search.note] if search.note else []
    return FoundModels(state, tuple(missing), tuple(notes))


def _notes_on_edits(state: ExplorerState) -> list[str]:
    kinds = unknown_kinds(state)
    if not kinds:
        return []
    names = ", ".join(visible(kind, 40) for kind in kinds[:MAX_KINDS_NAMED])
    return [
        f"The project has edits that need a plug-in which is not installed ({names}). They have no effect here, "
        "and are kept when the project is saved."
    ]


def find_beside(place: ModelPlace, folder: Path) -> Path | None:
    """Return the file of a model's name in a folder, if its contents match what is known of it."""
    file, part = split_part(place.name)
    path = folder / Path(file).name
    if not place.name or not _is_file(path):
        return None
    search = _Search(place, folder, (), None, reads=True)
    return Path(with_part(path, part)) if not place.sha256 or search.digest(path) == place.sha256 else None


def with_model_renamed(state: ExplorerState, old: str, new: str) -> ExplorerState:
    """Return the state with another name for a model, in all views that show it."""
    if old == new:
        return state
    return replace(state, views=tuple(replace(v, model=new) if v.model == old else v for v in state.views))


class _Search:
    """The search for one model. `note` says afterwards what is wrong with what was found."""

    def __init__(
        self,
        place: ModelPlace,
        folder: Path | None,
        recent: Sequence[str],
        control: Control | None,
        *,
        reads: bool,
    ) -> None:
        file, self._part = split_part(place.name)
        self._place = replace(place, name=file)
        self._folder, self._recent, self._control = folder, recent, control
        self._reads = reads
        self.note = ""

    def find(self) -> str | None:
        """Return the name under which it can be loaded, or None."""
        others = []
        for path in self._near():
            digest = self.digest(path) if self._place.sha256 else ""
            if digest == self._place.sha256 or (not digest and not self._reads):
                return self._named(path)
            others.append(path)
        for path in self._known() if self._place.sha256 else ():
            if self.digest(path) == self._place.sha256:
                return self._named(path)
        if not others:
            return None
        self.note = (
            f"{visible(others[0].name)} is not the network that the project was made with: the content of "
            f"{visible(str(others[0]))} is another one. Pictures may differ."
        )
        return self._named(others[0])

    def _named(self, path: Path) -> str:
        item = next((b for b in bundled.bundled() if b.path == path), None)
        if item is not None:
            return item.name
        # What is found where the project says keeps its name, so that the state is the one that was saved.
        file = self._place.name if _is_same_file(path, self._place.name) else str(path)
        return with_part(file, self._part)

    def _near(self) -> Iterator[Path]:
        """Yield files at the relative path, at the old place, and of that name beside or below the project."""
        name, folder = self._place.name, self._folder
        is_windows = bool(ntpath.splitdrive(name)[0])
        parts = [part for part in (name.replace("\\", "/") if is_windows else name).split("/") if part]
        candidates = [Path(name)]
        if folder is not None:
            if not (is_windows or Path(name).is_absolute()):
                candidates.insert(0, folder / name)
            if self._place.relative:
                candidates.insert(0, Path(os.path.normpath(folder / self._place.relative)))
            if parts and ".." not in parts:
                # Of /me/walk/models/a.pt: a.pt, models/a.pt, walk/models/a.pt, for a folder may have been copied.
                candidates += [folder.joinpath(*parts[-n:]) for n in range(1, min(len(parts), _MOST_PARTS) + 1)]
                candidates += [below / parts[-1] for below in _folders_in(folder)]
        yield from (path for path in dict.fromkeys(candidates) if _is_file(path))

    def _known(self) -> Iterator[Path]:
        """Yield files elsewhere that may have the content."""
        from explorer.checkpoints.digest import paths_of_digest

        yield from (item.path for item in bundled.bundled())
        yield from paths_of_digest(self._place.sha256)
        name = Path(self._place.name).name
        yield from (Path(path) for path in self._recent if Path(path).name == name and _is_file(Path(path)))
        yield from self._beside()

    def _beside(self) -> Iterator[Path]:
        """Yield networks of other names beside the project and beside the old place: one was renamed, or moved."""
        if self._folder is None or not self._reads:
            return
        folders = [self._folder]
        if self._place.relative:
            folders.append(Path(os.path.normpath(self._folder / self._place.relative)).parent)
        left, bytes_left = _MOST_BESIDE, _MOST_BYTES_BESIDE
        for folder in dict.fromkeys(folders):
            for path in _networks_in(folder):
                left, bytes_left = left - 1, bytes_left - path.stat().st_size
                if left < 0 or bytes_left < 0:
                    return
                yield path

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file, or of the part that is searched for; empty if it cannot be read."""
        from explorer.checkpoints.digest import file_digest, known_digest
        from explorer.checkpoints.monitor import Monitor
        from explorer.checkpoints.source import FileSource

        if not self._reads:
            return known_digest(path, self._part)
        try:
            with FileSource(path) as source:
                return part_digest(file_digest(source, Monitor(control=self._control)), self._part)
        except CheckpointError:
            return ""


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in islice(folder.iterdir(), _MOST_NAMES_BELOW) if path.is_dir())
    except OSError:
        return []


def _networks_in(folder: Path) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    except OSError:
        return []
    return [path for path in paths if _is_file(path)]


def _is_same_file(path: Path, other: str) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
