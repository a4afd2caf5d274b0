"""Documents: saving and loading of latents and projects as files, text and pictures. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.assets.latent import StoredLatent
from explorer.assets.picture import StoredPicture
from explorer.edits.registry import is_of_styles
from explorer.errors import LatentError, ProjectError
from explorer.latents.descriptions import describe_latent
from explorer.latents.files import convert_to, fit_to, load_latents, save_latent
from explorer.latents.recipes import portable, recipe_of_styles
from explorer.latents.seeds import z_of_seed
from explorer.project.document import load_project, project_from_text, state_to_text, write_png, write_project
from explorer.project.latent_text import latent_from_text, latent_to_text
from explorer.project.model_places import places_of
from explorer.project.model_search import find_models, with_model_renamed
from explorer.render.results import Frame, ModelInfo, RenderFailed, Tier
from explorer.render.styles import StyleStage
from explorer.session.autosave import Autosave
from explorer.session.recovery import Recovery
from explorer.state import ExplorerState, Latent, Truncation, ViewState
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from explorer.assets.latent import Space
    from explorer.assets.table import AssetTable
    from explorer.project.document import Project
    from explorer.project.model_search import FoundModels
    from explorer.session.core import SessionCore
    from explorer.session.file_writer import FileWorker

__all__ = ["Documents"]


class Documents(QObject):
    """Saves, opens, copies and pastes parts of a session.

    Errors of user actions are raised as `LatentError` or `ProjectError`; background work (snapshots, autosave)
    reports by the session's `status` and by `saved_file`.
    """

    saved_file = Signal(object)  # path of a picture that was written
    opening = Signal()  # another project is about to replace this one
    opened = Signal()  # it has replaced it
    project_changed = Signal(object)  # path of the open project; empty for a new one

    def __init__(self, session: SessionCore, files: FileWorker, recovery: Recovery | None) -> None:
        super().__init__(session)
        self._session, self._files = session, files
        self._project_path = ""
        self.opened_from = ""  # the picture, film or project whose state was opened; empty for a new project
        self._recovery = recovery
        self.autosaver = Autosave(session, recovery)
        self._snapshots: dict[int, str] = {}
        files.written.connect(self.saved_file)
        session.frame.connect(self._snapshot_frame)
        session.failure.connect(self._snapshot_failed)

    # -- latents -------------------------------------------------------------------------------------------

    def copy_latent_text(self) -> str:
        """Return the active view's latent as text, as a recipe if it has one. Raises LatentError."""
        latent, table = self._session.look_of().latent, self._session.table
        is_of_picture = table.find(StoredPicture, latent.stored) is not None
        recipe = portable(latent, table) if latent.blend is not None or is_of_picture else latent
        if recipe is None:  # stored numbers or the style of a picture, which other models cannot reproduce
            recipe = replace(Latent(), stored=self.store_latent())
        return latent_to_text(recipe, table)

    def paste_latent_text(self, text: str, *, convert: bool = False) -> None:
        """Go to a latent given as text; `convert` adapts a misfit. Raises LatentMisfit, LatentError."""
        latent, stored = latent_from_text(text)
        if stored is not None:
            info = self._session.info(self._session.active)
            model_info = self._session.model_info(self._session.active)
            if info is not None and model_info is not None:
                stored = (convert_to if convert else fit_to)(stored, info, model_info.sha256)
            latent = replace(latent, stored=self._session.table.add(stored))
        self._session.edit("Paste latent", latent=latent, drift=0.0)

    def load_latent(
        self, path: str | Path, *, space: Space | None = None, convert: bool = False
    ) -> tuple[str, ...]:
        """Load a latent file into the active view; return the ids of its latents, of which the first is shown.

        Args:
            path: .npy, .npz, .pt or .safetensors.
            space: Its space, if the shape is ambiguous.
            convert: Adapt a latent that does not fit.

        Raises:
            LatentMisfit: Its space is ambiguous (`choices`), or it does not fit this model (`offer`).
            LatentError: The file cannot be read.
        """
        model_info = self._model_for_latents()
        return self.take_latents(load_latents(path, model_info.info, space), Path(path).name, convert=convert)

    def _model_for_latents(self) -> ModelInfo:
        """Return metadata of the active model. Raises LatentError if there is none."""
        model_info = self._session.model_info(self._session.active)
        if model_info is None:
            raise LatentError("No model is loaded that could use the latent.", "Open a model first.")
        return model_info

    def take_latents(self, latents: Sequence[StoredLatent], name: str, *, convert: bool = False) -> tuple[str, ...]:
        """Show latents that were read from the file `name`, like `load_latent`. Raises LatentMisfit."""
        model_info = self._model_for_latents()
        fitted = []
        for latent in latents:
            fit = convert_to if convert else fit_to
            fitted.append(fit(latent, model_info.info, model_info.sha256))
        keys = tuple(self._session.table.add(latent) for latent in fitted)
        self._show_stored(fitted[0], keys[0])
        first = fitted[0]
        many = f", the first of {len(keys)}" if len(keys) > 1 else ""
        shape = " x ".join(map(str, first.array.shape))
        self._session.status.emit(f"Loaded {visible(name)} as a {first.space} latent ({shape} values){many}.")
        return keys

    def _show_stored(self, latent: StoredLatent, key: str) -> None:
        point = replace(self._session.look_of().latent, stored=key, blend=None, x=0.0, y=0.0)
        aspects: dict[str, Any] = {"latent": point, "drift": 0.0}
        if latent.psi != 1.0:
            aspects["truncation"] = Truncation()  # the stored values are truncated already
        if latent.space == "ws":
            # A ws is the result of the style stage: mixing and editing it again would change the picture.
            aspects["truncation"] = Truncation()
            aspects["mixing"] = replace(self._session.look_of().mixing, rows=())
            aspects["edits"] = tuple(e for e in self._session.look_of().edits if not is_of_styles(e))
        self._session.edit("Load latent", **aspects)

    def current_latent(self, space: Space) -> StoredLatent:
        """Return the active view's latent as numbers: `z` (of a single seed), the base `w`, or the final `ws`.

        Raises:
            LatentError: A latent between seeds has no z, or the base is a ws.
        """
        view = self._session.active
        model_info = self._session.model_info(view)
        if model_info is None:
            raise LatentError("No model is loaded.", "Open a model first.")
        look = self._session.look_of(view)
        stored = look.latent.stored
        asset = self._session.table.get(stored)
        name = (asset.name if asset is not None else "") or describe_latent(look.latent)
        if space == "z":
            return self._current_z(model_info.info.z_dim, name)
        request = self._session.resolve_view(view)
        # On the host's copy of the network: of the requested latent, not of the frame that happens to be shown.
        styles = StyleStage(self._session.service.models.get(model_info.key).generator).make(request)
        if space == "ws":
            return StoredLatent("ws", styles.ws, model_info.sha256, look.truncation.psi, name)
        if styles.base.ndim != 1:
            raise LatentError("The latent is a ws: it has no single w.", "Save it as ws.")
        return StoredLatent("w", styles.base, model_info.sha256, 1.0, name)

    def _current_z(self, z_dim: int, name: str) -> StoredLatent:
        latent = self._session.look_of().latent
        if (latent.x, latent.y) == (0.0, 0.0) and latent.blend is None:
            if not latent.stored:
                return StoredLatent("z", z_of_seed(latent.seed, z_dim), name=name)
            stored = self._session.table.find(StoredLatent, latent.stored)
            if stored is not None and stored.space == "z":
                return stored
        raise LatentError("A latent between seeds has no z.", "Save it as w or ws, or snap to a seed first.")

    def save_latent(self, path: str | Path, space: Space) -> None:
        """Write the active view's latent, and its recipe if it has one. Raises LatentError."""
        look, table = self._session.look_of(), self._session.table
        recipe = recipe_of_styles(look, table) if space == "ws" else portable(look.latent, table)
        save_latent(path, replace(self.current_latent(space), recipe=recipe))
        self._session.status.emit(f"Saved {visible(Path(path).name)}")

    def store_latent(self, space: Space = "w") -> str:
        """Store the active view's latent as numbers, which only its model can use; return the id in the table.

        Raises:
            LatentError: As `current_latent`.
        """
        return self._session.table.add(self.current_latent(space))

    # -- projects ------------------------------------------------------------------------------------------

    @property
    def project_path(self) -> str:
        """The file of the open project; empty for a new one."""
        return self._project_path

    def new_project(self) -> None:
        """Start a new project with the models that are open."""
        views = tuple(ViewState(model=v.model) for v in self._session.store.document.views)
        self._open(ExplorerState(views=views), "")

    def open_project(self, path: str | Path) -> None:
        """Open a project from .json, or from a picture or film that contains it. Raises ProjectError."""
        project = load_project(path)
        self.take_project(path, replace(project, state=find_models(project).state))

    def take_project(self, path: str | Path, project: Project) -> None:
        """Show a project that was read from `path`."""
        self._take_latents(project.table)
        self._open(project.state, str(path))

    def save_project(self, path: str | Path | None = None) -> None:
        """Write the project, to its own file by default. Raises ProjectError."""
        target = str(path or self._project_path)
        if not target:
            raise ProjectError("The project has no file yet.", "Choose one.")
        if target.lower().endswith(".png"):
            raise ProjectError("A project is saved as .json.", "Snapshots are saved with Save picture.")
        write_project(target, self._session.store.document, self._session.table, self._session.digests())
        self._project_path = target
        self._session.store.mark_saved()
        self._session.notify_saved()
        self.project_changed.emit(target)
        self.autosaver.saved()

    def state_text(self) -> str:
        """Return the whole state as a compact text."""
        state = self._session.state
        return state_to_text(state, self._session.table, places_of(state, None, self._session.digests()))

    def paste_state_text(self, text: str) -> FoundModels:
        """Set the state from a text, as one undo step; return which models were found. Raises ProjectError."""
        project = project_from_text(text)
        found = find_models(project, reads=False)
        self._take_latents(project.table)
        self._session.store.come_back()  # leave the tour: the pasted state belongs to the user
        self._session.store.update(self._without_tour(found.state), "Paste state")
        return found

    def locate_models(self, files: Mapping[str, str]) -> None:
        """Replace missing models by other files, in all views that use them, as one undo step."""
        state = self._session.state
        for name, file in files.items():
            state = with_model_renamed(state, name, file)
        self._session.store.update(state, "Locate model")

    def _open(self, state: ExplorerState, path: str) -> None:
        self.opening.emit()
        state = self._without_tour(state)
        # A project from a picture or film is saved to a new file.
        is_project = path.lower().endswith(".json") and not path.lower().endswith(".job.json")
        self._project_path = path if is_project else ""
        self.opened_from = path
        self.autosaver.opened(state)
        self._session.store.reset_to(state)
        self._session.notify_saved()
        self.project_changed.emit(self._project_path)
        self.opened.emit()

    def _without_tour(self, state: ExplorerState) -> ExplorerState:
        """Return the state outside the guided tour, which must be started from its menu to be ended."""
        return replace(state, lab=replace(state.lab, tour=0))

    def _take_latents(self, table: AssetTable) -> None:
        self._session.table.add_all(table.values())

    # -- pictures ------------------------------------------------------------------------------------------

    def snapshot(self, view: int, path: str | Path) -> None:
        """Save a view's picture as PNG with the project inside, once it is rendered at full quality.

        Raises:
            ProjectError: The view is empty, or the suffix is not .png.
        """
        if Path(path).suffix.lower() != ".png":
            raise ProjectError(f"{visible(Path(path).name)} is not a PNG.", "Pictures are saved as .png.")
        if self._session.model_info(view) is None:
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
        digests = self._session.digests()
        self._files.write(path, lambda: write_png(path, frame.pixels, state, table, digests))

    @Slot(object)
    def _snapshot_failed(self, failed: RenderFailed) -> None:
        path = self._snapshots.pop(failed.view, None)
        if path is not None:
            self._session.status.emit(f"{visible(Path(path).name)} was not saved, because the picture failed.")

    # -- recovery ------------------------------------------------------------------------------------------

    def recovery(self) -> Path | None:
        """Return the newest project left by a crashed program, or None."""
        return self._recovery.find() if self._recovery is not None else None

    def crashed(self) -> tuple[tuple[Path, float], ...]:
        """Return projects left by crashed programs, newest first, each with the time of its last change."""
        recovery = self._recovery
        return tuple((path, recovery.saved_at(path)) for path in recovery.crashed()) if recovery is not None else ()

    @staticmethod
    def recovery_reader(path: Path) -> Callable[[], Project]:
        """Return a function that reads a recovered project in any thread; it raises ProjectError."""
        return partial(Recovery.read, path)

    def recover(self) -> None:
        """Open the newest project left by a crashed program, as unsaved. Raises ProjectError."""
        path = self.recovery()
        if path is None or self._recovery is None:
            raise ProjectError("There is nothing to recover.")
        project = self._recovery.read(path)
        self.take_recovered(path, replace(project, state=find_models(project).state))

    def take_recovered(self, path: Path, project: Project) -> None:
        """Open a recovered project; the file `path` is removed once this program has saved it."""
        self._take_latents(project.table)
        self._open(ExplorerState(), "")
        self._session.store.update(self._without_tour(project.state), "Recover")
        self.autosaver.restored(path)

    def discard_recovery(self, path: Path | None = None) -> None:
        """Remove a project left by a crashed program, by default the newest."""
        path = path or self.recovery()
        if self._recovery is not None and path is not None:
            self._recovery.discard(path)

    @Slot()
    def autosave(self) -> None:
        """Write the recovery file if it lacks unsaved changes."""
        self.autosaver.save()

    def close(self, *, keep: bool = False) -> None:
        """Wait for pending writes and remove the recovery file, unless `keep` leaves it for the next start."""
        self._files.close()
        self.autosaver.close(keep=keep)
