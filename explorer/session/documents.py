"""Documents: latents and projects in and out, as files, texts and pictures; autosave. GUI thread only."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from explorer.errors import LatentError, LatentwalkError, ProjectError
from explorer.latents.files import convert_to, fit_to, load_latents, save_latent
from explorer.latents.seeds import z_of_seed
from explorer.latents.table import StoredLatent
from explorer.latents.text import latent_from_text, latent_to_text
from explorer.project import read_project, state_from_text, state_to_text, write_png, write_project
from explorer.render.request import Frame, RenderFailed, Tier
from explorer.render.styles import StyleStage
from explorer.state import ExplorerState, Latent, Truncation, ViewState

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.latents.table import LatentTable, Space
    from explorer.session.core import SessionCore
    from explorer.session.files import FileWorker
    from explorer.session.recovery import Recovery

__all__ = ["Documents"]

log = logging.getLogger("explorer.session")

AUTOSAVE_MS = 20_000


class Documents(QObject):
    """What can be saved, opened, copied and pasted of a session.

    Errors of what the user asked for are raised as `LatentError` or `ProjectError`; what happens in the background
    (snapshots, autosave) reports by the session's `status` and by `saved_file`.
    """

    saved_file = Signal(str)  # path of a snapshot that is on disk now
    opening = Signal()  # another project is about to take the place of this one
    project_changed = Signal(str)  # path of the open project; empty for a new one

    def __init__(self, session: SessionCore, files: FileWorker, recovery: Recovery | None) -> None:
        super().__init__(session)
        self._session, self._files = session, files
        self._project_path = ""
        self._recovery = recovery
        self._autosaved: ExplorerState = session.store.state
        self._snapshots: dict[int, str] = {}
        self._keeps_recovery = False
        files.written.connect(self.saved_file)
        session.frame.connect(self._snapshot_frame)
        session.failure.connect(self._snapshot_failed)
        self._autosave_timer = QTimer(self)
        self._autosave_timer.setInterval(AUTOSAVE_MS)
        self._autosave_timer.timeout.connect(self.autosave)
        if recovery is not None:
            self._autosave_timer.start()

    # -- latents -------------------------------------------------------------------------------------------

    def copy_latent_text(self) -> str:
        """The active view's latent as text. A blend is written as its numbers. Raises LatentError."""
        if self._session.look().latent.blend is not None:
            return latent_to_text(replace(Latent(), stored=self.store_latent()), self._session.table)
        return latent_to_text(self._session.look().latent, self._session.table)

    def paste_latent_text(self, text: str) -> None:
        """Goes to the latent of a text. Raises LatentError."""
        latent, stored = latent_from_text(text)
        if stored is not None:
            info = self._session.info(self._session.active)
            facts = self._session.facts(self._session.active)
            if info is not None and facts is not None:
                stored = fit_to(stored, info, facts.sha256)
            latent = replace(latent, stored=self._session.table.add(stored))
        self._session.edit("Paste latent", latent=latent, drift=0.0)

    def load_latent(
        self, path: str | Path, *, space: Space | None = None, convert: bool = False
    ) -> tuple[str, ...]:
        """Loads a latent file into the active view; returns the ids of all latents in it, the first is shown.

        Args:
            path: .npy, .npz, .pt or .safetensors.
            space: What it is, if its shape does not tell.
            convert: Make it fit if it does not.

        Raises:
            LatentMisfit: Its space cannot be told (`choices`), or it does not fit this model (`offer`).
            LatentError: It cannot be read.
        """
        facts = self._session.facts(self._session.active)
        if facts is None:
            raise LatentError("There is no model to load a latent for.", "Open a model first.")
        fitted = []
        for latent in load_latents(path, facts.info, space):
            fit = convert_to if convert else fit_to
            fitted.append(fit(latent, facts.info, facts.sha256))
        keys = tuple(self._session.table.add(latent) for latent in fitted)
        self._show_stored(fitted[0], keys[0])
        first = fitted[0]
        many = f", the first of {len(keys)}" if len(keys) > 1 else ""
        shape = " x ".join(map(str, first.array.shape))
        self._session.status.emit(f"{first.name} is a latent in {first.space} ({shape}){many}.")
        return keys

    def _show_stored(self, latent: StoredLatent, key: str) -> None:
        point = replace(self._session.look().latent, stored=key, blend=None, x=0.0, y=0.0)
        aspects: dict[str, Any] = {"latent": point, "drift": 0.0}
        if latent.psi != 1.0:
            aspects["truncation"] = Truncation()  # its numbers are truncated already
        if latent.space == "ws":
            # A ws is the end of the style stage: mixing and editing it again would show something else.
            aspects["truncation"] = Truncation()
            aspects["mixing"] = replace(self._session.look().mixing, rows=())
            aspects["nudges"], aspects["offsets"] = (), ()
        self._session.edit("Load latent", **aspects)

    def current_latent(self, space: Space) -> StoredLatent:
        """The active view's latent as numbers: `z` (of a single seed), the base `w`, or the final `ws`.

        Raises:
            LatentError: There is no z between seeds, or the base is a ws.
        """
        view = self._session.active
        facts = self._session.facts(view)
        if facts is None:
            raise LatentError("There is no model, so there is no latent.", "Open a model first.")
        look = self._session.look(view)
        stored = look.latent.stored
        words = f"seed {look.latent.seed}" if look.latent.blend is None else "blend"
        name = (self._session.table[stored].name if stored else "") or words
        if space == "z":
            return self._current_z(facts.info.z_dim, name)
        request = self._session.resolve_view(view)
        # On the host's copy of the network: numbers of the wish, not of whatever frame happens to be shown.
        styles = StyleStage(self._session.service.models.get(facts.key).generator).make(request)
        if space == "ws":
            return StoredLatent("ws", styles.ws, facts.sha256, look.truncation.psi, name)
        if styles.base.ndim != 1:
            raise LatentError("The latent is a ws: it has no single w.", "Save it as ws.")
        return StoredLatent("w", styles.base, facts.sha256, 1.0, name)

    def _current_z(self, z_dim: int, name: str) -> StoredLatent:
        latent = self._session.look().latent
        if (latent.x, latent.y) == (0.0, 0.0) and latent.blend is None:
            if not latent.stored:
                return StoredLatent("z", z_of_seed(latent.seed, z_dim), name=name)
            stored = self._session.table[latent.stored]
            if stored.space == "z":
                return stored
        raise LatentError("A latent between seeds has no z.", "Save it as w or ws, or snap to a seed first.")

    def save_latent(self, path: str | Path, space: Space) -> None:
        """Writes the active view's latent to a file. Raises LatentError."""
        save_latent(path, self.current_latent(space))

    def store_latent(self, space: Space = "w") -> str:
        """Keeps the active view's latent in the table, for mixing it in; returns its id. Raises LatentError."""
        return self._session.table.add(self.current_latent(space))

    # -- projects ------------------------------------------------------------------------------------------

    @property
    def project_path(self) -> str:
        """The file of the open project; empty for a new one."""
        return self._project_path

    def new_project(self) -> None:
        """Begins anew with the models that are open."""
        views = tuple(ViewState(model=v.model) for v in self._session.state.views)
        self._open(ExplorerState(views=views), "")

    def open_project(self, path: str | Path) -> None:
        """Opens a project from .json, or from a picture or film that carries it. Raises ProjectError."""
        state, table = read_project(path)
        self._take_latents(table)
        self._open(state, str(path))

    def save_project(self, path: str | Path | None = None) -> None:
        """Writes the project, to its own file by default. Raises ProjectError."""
        target = str(path or self._project_path)
        if not target:
            raise ProjectError("The project has no file yet.", "Choose one.")
        if target.lower().endswith(".png"):
            raise ProjectError("A project is saved as .json.", "Snapshots are saved with Save picture.")
        write_project(target, self._session.state, self._session.table)
        self._project_path = target
        self._session.store.mark_saved()
        self._session.tell_saved()
        self.project_changed.emit(target)
        if self._recovery is not None:
            self._files.run(self._recovery.discard)

    def state_text(self) -> str:
        """The whole state as one short text."""
        return state_to_text(self._session.state, self._session.table)

    def paste_state_text(self, text: str) -> None:
        """Takes a state over from a text, as one undo step. Raises ProjectError."""
        state, table = state_from_text(text)
        self._take_latents(table)
        self._session.store.update(self._with_two_views(state), "Paste state")

    def _open(self, state: ExplorerState, path: str) -> None:
        self.opening.emit()
        state = self._with_two_views(state)
        # A picture or film is opened as what it shows, but saved under a name of its own.
        is_project = path.lower().endswith(".json") and not path.lower().endswith(".job.json")
        self._project_path = path if is_project else ""
        self._autosaved = state
        self._session.store.reset_to(state)
        self._session.tell_saved()
        self.project_changed.emit(self._project_path)

    def _with_two_views(self, state: ExplorerState) -> ExplorerState:
        """What the window can show of a project that was made elsewhere."""
        if len(state.views) > 2:
            words = f"The project has {len(state.views)} views; the first two are shown."
            self._session.status.emit(words)
        views = (*state.views[:2], *(ViewState() for _ in range(2 - len(state.views))))
        return replace(state, views=views, active=min(state.active, 1))

    def _take_latents(self, table: LatentTable) -> None:
        for key in table:
            self._session.table.add(table[key])

    # -- pictures ------------------------------------------------------------------------------------------

    def snapshot(self, view: int, path: str | Path) -> None:
        """Saves a view's picture as PNG with the project inside, as soon as its full quality is there.

        Raises:
            ProjectError: The view is empty, or the suffix is not .png.
        """
        if Path(path).suffix.lower() != ".png":
            raise ProjectError(f"{Path(path).name} is no PNG.", "Pictures are saved as .png.")
        if self._session.facts(view) is None:
            raise ProjectError("There is no picture to save.", "Open a model first.")
        self._snapshots[view] = str(path)
        frame = self._session.last_frame(view)
        if frame is not None and not self._session.is_refining(view):
            self._snapshot_frame(frame)

    @Slot(object)
    def _snapshot_frame(self, frame: Frame) -> None:
        if not self._snapshots or frame.view not in self._snapshots:
            return
        if frame.tier is not Tier.FULL or frame.generation != self._session.record(frame.view).posted:
            return
        path, state, table = self._snapshots.pop(frame.view), self._session.state, self._session.table
        self._files.write(path, lambda: write_png(path, frame.pixels, state, table))

    @Slot(object)
    def _snapshot_failed(self, failed: RenderFailed) -> None:
        path = self._snapshots.pop(failed.view, None)
        if path is not None:
            self._session.status.emit(f"{Path(path).name} was not saved, because the picture failed.")

    # -- recovery ------------------------------------------------------------------------------------------

    def recovery(self) -> Path | None:
        """The project that a crashed program left, or None."""
        return self._recovery.find() if self._recovery is not None else None

    def recover(self) -> None:
        """Opens what a crashed program left, as an unsaved project. Raises ProjectError."""
        path = self.recovery()
        if path is None:
            raise ProjectError("There is nothing to recover.")
        state, table = read_project(path)
        self._take_latents(table)
        self._open(ExplorerState(), "")
        self._session.store.update(state, "Recover")
        self.discard_recovery()

    def discard_recovery(self) -> None:
        """Removes what a crashed program left."""
        path = self.recovery()
        if self._recovery is not None and path is not None:
            self._recovery.discard(path)

    @Slot()
    def autosave(self) -> None:
        """Writes the recovery file, if there is something unsaved that is not in it."""
        state, is_saved = self._session.state, self._session.store.is_saved()
        if self._recovery is None or self._session.is_closed or is_saved or state == self._autosaved:
            return
        self._autosaved = state
        self._files.run(partial(_autosave, self._recovery, state, self._session.table, self._files.failed.emit))

    def keep_recovery(self) -> None:
        """Writes what is unsaved into the recovery file, and leaves that where it is when the session closes."""
        self.autosave()
        self._keeps_recovery = not self._session.store.is_saved()

    def close(self) -> None:
        """Waits for what is being written and removes the recovery file."""
        self._autosave_timer.stop()
        self._files.close()
        if self._recovery is not None and not self._keeps_recovery:
            self._recovery.close()


def _autosave(
    recovery: Recovery, state: ExplorerState, table: LatentTable, tell: Callable[[str], None]
) -> None:
    try:
        recovery.save(state, table)
    except (LatentwalkError, OSError) as error:
        log.warning("autosave failed: %s", error)
        tell(f"Autosave failed: {error}")
