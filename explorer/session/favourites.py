"""Favourites: starred pictures with names, by model, each a file in the program's data. GUI thread only.

They are not part of the project: a favourite is to be found from every project, and a project is handed on without
the favourites of its author. Each is a file of its own, so that two windows never overwrite each other's, and a
damaged file loses one picture. They lie beside the settings, whose one file has a limit that latents would break.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.errors import LatentwalkError
from explorer.latents.descriptions import describe_latent
from explorer.project.favourite_files import (
    NAME_LIMIT,
    Favourite,
    read_folder,
    remove_favourite,
    without_motion,
    write_favourite,
)

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.render.results import ModelInfo
    from explorer.session.core import SessionCore
    from explorer.state import Look

__all__ = ["LIMIT", "Favourites"]

LIMIT = 500
"""Most favourites of one model."""

_SHOWN = ("latent", "classes", "truncation", "mixing", "edits", "noise")
"""The aspects that showing a favourite sets."""


class Favourites(QObject):
    """The favourites of the models that are open. `changed()` after every change.

    Args:
        session: Has the looks, and takes the assets that favourites name.
        folder: Folder of their files; None keeps them until the session ends.
    """

    changed = Signal()

    def __init__(self, session: SessionCore, folder: Path | None) -> None:
        super().__init__(session)
        self._session, self._folder = session, folder
        self._found: dict[str, tuple[Favourite, ...]] = {}  # by the model's hash, newest first
        self._removed: list[tuple[str, Favourite]] = []

    def all(self) -> tuple[Favourite, ...]:
        """Return the favourites of the active view's model, newest first."""
        model_info = self._session.model_info(self._session.active)
        return () if model_info is None else self._of(model_info.sha256)

    def search(self, text: str) -> tuple[Favourite, ...]:
        """Return the favourites whose names have every word of a text, whatever their case."""
        words = text.casefold().split()
        return tuple(item for item in self.all() if all(word in item.name.casefold() for word in words))

    def star(self, name: str = "", look: Look | None = None) -> Favourite:
        """Add a picture, by default the active view's, under a name or a description of its latent.

        Raises:
            LatentwalkError: No model is loaded, there are `LIMIT` already, or the file cannot be written.
        """
        model_info, look = self._model(), without_motion(look or self._session.look_of())
        if len(self._of(model_info.sha256)) >= LIMIT:
            raise LatentwalkError(f"There are {LIMIT} favourites of this model already.", "Remove some first.")
        chosen = " ".join(name.split())[:NAME_LIMIT] or describe_latent(look.latent)
        model = self._session.state.views[self._session.active].model
        made = Favourite(secrets.token_hex(8), chosen, look, time.time(), model)
        self._put(model_info.sha256, made)
        return made

    def set_name(self, favourite: Favourite, name: str) -> None:
        """Give a favourite another name; an empty one changes nothing. Raises LatentwalkError."""
        chosen = " ".join(name.split())[:NAME_LIMIT]
        if chosen and chosen != favourite.name:
            self._put(self._model().sha256, replace(favourite, name=chosen))

    def remove(self, favourite: Favourite) -> None:
        """Remove a favourite; `restore` brings it back. Raises LatentwalkError."""
        sha = self._model().sha256
        if self._folder is not None:
            remove_favourite(self._path(sha), favourite.key)
        self._found[sha] = tuple(item for item in self._of(sha) if item.key != favourite.key)
        self._removed.append((sha, favourite))
        self.changed.emit()

    @property
    def removed(self) -> Favourite | None:
        """The favourite of the active view's model that was removed last; None if there is none to restore."""
        model_info = self._session.model_info(self._session.active)
        sha = model_info.sha256 if model_info is not None else ""
        return next((favourite for owner, favourite in reversed(self._removed) if owner == sha), None)

    def restore(self) -> None:
        """Bring back the favourite that was removed last. Raises LatentwalkError."""
        favourite, sha = self.removed, self._model().sha256
        if favourite is not None:
            self._put(sha, favourite)
            self._removed.remove((sha, favourite))
            self.changed.emit()

    def show(self, favourite: Favourite) -> None:
        """Show a favourite in the active view; it rests, and its transform stays."""
        aspects = {name: getattr(favourite.look, name) for name in _SHOWN}
        self._session.edit("Show favourite", **aspects, drift=0.0)

    # -- files ---------------------------------------------------------------------------------------------

    def _model(self) -> ModelInfo:
        model_info = self._session.model_info(self._session.active)
        if model_info is None:
            raise LatentwalkError("There is no picture yet.", "Open a model first.")
        return model_info

    def _of(self, sha: str) -> tuple[Favourite, ...]:
        if sha not in self._found:
            found: tuple[Favourite, ...] = ()
            if self._folder is not None:
                found, table = read_folder(self._path(sha), LIMIT)
                self._session.table.add_all(table.values())
            self._found[sha] = found
        return self._found[sha]

    def _path(self, sha: str) -> Path:
        assert self._folder is not None
        return self._folder / sha[:32]

    def _put(self, sha: str, favourite: Favourite) -> None:
        """Write a favourite, and list it, in place of one with its key."""
        if self._folder is not None:
            write_favourite(self._path(sha), favourite, self._session.table)
        others = (item for item in self._of(sha) if item.key != favourite.key)
        self._found[sha] = tuple(sorted((favourite, *others), key=lambda item: (-item.starred_at, item.key)))
        self.changed.emit()
