"""DirectionIntents: the directions of the models that are open, and steps along them. GUI thread only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from explorer.directions.boundary import Boundary, conditioned
from explorer.directions.direction_set import DirectionSet
from explorer.directions.jobs import library_spec, sigmas_spec, teach_spec
from explorer.errors import LatentwalkError
from explorer.state import Direction, Edit
from explorer.util.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.assets.direction import StoredDirection
    from explorer.generators.base import GeneratorInfo
    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.state import Look

__all__ = ["DirectionIntents", "Found", "groups_of"]

_FIND, _TEACH, _SIGMAS = "directions", "teach", "direction-sigmas"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One direction of a model.

    Attributes:
        stored: The direction as an asset, with its name.
        method: What found it.
        entries: The entries of `ws` that it was found for; empty: all.
        share: The fraction 0..1 of the variance of w that a principal component explains; 0 if unknown.
    """

    stored: StoredDirection
    method: str
    entries: tuple[int, ...] = ()
    share: float = 0.0


class DirectionIntents(QObject):
    """Finds the directions of each model once, holds those the user adds, and edits the look along them.

    Signals: `changed(view)` when a view's model has other directions, `progress(view, fraction)` while they are
    searched for (1 at the end), `taught(Boundary)` after `teach`, `failed(error)`.
    """

    changed = Signal(int)
    progress = Signal(int, float)
    taught = Signal(object)
    failed = Signal(object)

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._found: dict[str, tuple[Found, ...]] = {}  # by the model's hash
        self._added: dict[str, tuple[Found, ...]] = {}
        self._searches: dict[str, Report[Any]] = {}  # the last report of each search that is running
        self._ended: set[str] = set()  # searches that the user ended
        self._unmeasured: dict[str, DirectionSet] = {}  # by the job that measures them
        self._number = 0  # of such jobs
        session.service.job_event.connect(self._on_job_event)

    # -- what there is -------------------------------------------------------------------------------------

    def of(self, view: int) -> tuple[Found, ...]:
        """Return the directions of a view's model: those that the user added first."""
        sha = self._sha(view)
        return (*self._added.get(sha, ()), *self._found.get(sha, ()))

    def components(self, view: int) -> tuple[Found, ...]:
        """Return the principal components of w of a view's model, the largest first; empty while not found."""
        return tuple(found for found in self._found.get(self._sha(view), ()) if found.method == "ganspace")

    def search(self, view: int) -> Report[Any] | None:
        """Return how far the search for the directions of a view's model is; None while there is none."""
        sha = self._sha(view)
        return (
            self._searches.get(sha, Report(None, 0, 1)) if self._session.service.has_job(f"{_FIND}/{sha}") else None
        )

    def cancel(self, view: int) -> None:
        """End the search for the directions of a view's model; what was found stays, and `find` begins again."""
        sha = self._sha(view)
        if self._session.service.end_job(f"{_FIND}/{sha}"):
            self._ended.add(sha)
            self._tell(sha, 1.0, is_new=True)

    def find(self, view: int) -> None:
        """Search for the directions of a view's model in the background, unless that was done."""
        sha = self._sha(view)
        is_known = sha in self._found and sha not in self._ended
        if not sha or is_known or self._session.service.has_job(f"{_FIND}/{sha}"):
            return
        try:
            spec = library_spec(self._session.resolve_view(view))
        except LatentwalkError:  # the view shows the error already; it is tried again with its next model
            return
        self._ended.discard(sha)
        self._searches.pop(sha, None)
        self._session.service.run_job(f"{_FIND}/{sha}", view, spec)

    def add(self, view: int, found: DirectionSet) -> None:
        """Add directions of the user to those of a view's model, once standard deviations they lack are measured.

        Raises:
            LatentwalkError: The view's look cannot be rendered.
        """
        sha = self._sha(view)
        if not np.isnan(found.sigmas).any():
            self._add(sha, found)
            return
        self._number += 1
        key = f"{_SIGMAS}/{sha}/{self._number}"
        self._session.service.run_job(key, view, sigmas_spec(self._session.resolve_view(view), found))
        self._unmeasured[key] = found

    def teach(
        self,
        view: int,
        liked: Sequence[NDArray[np.float32]],
        unliked: Sequence[NDArray[np.float32]],
        *,
        name: str = "",
    ) -> None:
        """Learn a direction from latents w `[w_dim]` with a property to those without it; see `taught`.

        Args:
            view: The view whose model the latents are of.
            liked: Those that the direction goes towards.
            unliked: Those that it goes away from.
            name: Its name; empty for a number.

        Raises:
            LatentwalkError: Nothing is loaded in the view, or a group is empty.
        """
        if not liked or not unliked:
            raise LatentwalkError("A direction needs examples of both groups.", "Add a picture to each of them.")
        name = name or f"Taught {1 + sum(found.method == 'svm' for found in self._added.get(self._sha(view), ()))}"
        spec = teach_spec(self._session.resolve_view(view), np.stack(liked), np.stack(unliked), name)
        self._session.service.run_job(f"{_TEACH}/{self._sha(view)}", view, spec)

    def _add(self, sha: str, found: DirectionSet) -> None:
        self._added[sha] = (*_each([found]), *self._added.get(sha, ()))
        self._changed(sha)

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        kind, _, sha = event.key.partition("/")
        if kind not in (_FIND, _TEACH, _SIGMAS):
            return
        if event.error is not None and isinstance(event.error, LatentwalkError):
            self.failed.emit(event.error)
        report = event.report
        if kind == _SIGMAS:
            if report is not None:
                measured = self._unmeasured[event.key]
                self._add(sha.partition("/")[0], replace(measured, sigmas=report.value))
            if event.is_done:
                self._unmeasured.pop(event.key, None)
        elif kind == _TEACH and report is not None:
            found, boundary = report.value
            assert isinstance(boundary, Boundary)
            self._add(sha, found)
            self.taught.emit(boundary)
        elif kind == _FIND:
            if report is not None:
                self._searches[sha] = report
                found, before = _each(report.value), self._found.get(sha, ())
                is_new = len(found) != len(before)
                self._found[sha] = found if is_new else before
                self._tell(sha, report.done / max(1, report.total), is_new)
            if event.is_done:
                self._tell(sha, 1.0, event.error is None)

    def _tell(self, sha: str, fraction: float, is_new: bool) -> None:
        for view in self._views(sha):
            self.progress.emit(view, fraction)
        if is_new:
            self._changed(sha)

    def _changed(self, sha: str) -> None:
        for view in self._views(sha):
            self.changed.emit(view)

    def _views(self, sha: str) -> list[int]:
        return [view for view in range(len(self._session.state.views)) if self._sha(view) == sha]

    def _sha(self, view: int) -> str:
        model_info = self._session.model_info(view)
        return model_info.sha256 if model_info is not None else ""

    # -- steps ---------------------------------------------------------------------------------------------

    def strength(self, key: str, look: Look | None = None) -> float:
        """Return how far a look steps along a direction, in standard deviations; 0 if it does not."""
        look = look or self._session.look_of()
        index = _index_of(look, key)
        return 0.0 if index is None else look.edits[index].strength

    def look_with(self, look: Look, found: Found, strength: float, entries: Sequence[int]) -> Look:
        """Return a look that steps along a direction, which becomes an asset of the session."""
        key = self._session.table.add(found.stored)
        edits, index = list(look.edits), _index_of(look, key)
        edit = Edit(Direction(key, tuple(entries), found.stored.name), strength)
        if index is None:
            edits.append(edit)
        else:
            edits[index] = replace(edits[index], value=edit.value, strength=strength)
        return replace(look, edits=tuple(edits))

    def step(self, found: Found, strength: float, entries: Sequence[int]) -> None:
        """Set how far the active view's look steps along a direction."""
        look = self.look_with(self._session.look_of(), found, strength, entries)
        self._session.edit(found.stored.name or "Direction", edits=look.edits)

    def as_set(self, found: Sequence[Found]) -> DirectionSet:
        """Return directions of w as one set, for a file. Raises LatentwalkError if there are none."""
        of_w = [item.stored for item in found if item.stored.space == "w"]
        if not of_w:
            raise LatentwalkError("There are no directions of w to save.", "Choose others in the list.")
        sigmas = np.array([item.sigma for item in of_w])
        return DirectionSet(
            "mixed", "w", np.stack([item.array for item in of_w]), sigmas**2, sigmas,
            tuple(item.name for item in of_w), (), of_w[0].model_sha,
        )  # fmt: skip

    def without(self, found: Found, others: Sequence[Found]) -> Found:
        """Return a direction without its parts along others, which then stay as they are; only those of w count.

        Raises:
            LatentwalkError: Nothing of it is left.
        """
        vectors = [other.stored.array for other in others if other.stored.space == "w"]
        if found.stored.space != "w" or not vectors:
            return found
        array = conditioned(found.stored.array, vectors)
        return replace(found, stored=replace(found.stored, array=array))


def _each(sets: Sequence[DirectionSet]) -> tuple[Found, ...]:
    """Return every direction of some sets."""
    return tuple(
        Found(found.stored(i), found.method, found.entries, found.share(i))
        for found in sets
        for i in range(len(found))
    )


def _index_of(look: Look, key: str) -> int | None:
    """Return the number of the edit that steps along the direction with an id."""
    for i, edit in enumerate(look.edits):
        if isinstance(edit.value, Direction) and edit.value.direction == key:
            return i
    return None


def groups_of(info: GeneratorInfo) -> dict[str, tuple[int, ...]]:
    """Return the entries of `ws` of each group of layers; "All" has none, which stands for all."""
    from explorer.latents.groups import GROUPS, group_of

    groups: dict[str, tuple[int, ...]] = {"all": ()}
    for group in GROUPS:
        groups[group] = tuple(i for i in range(info.num_ws) if group_of(info, i) == group)
    return {name: entries for name, entries in groups.items() if entries or name == "all"}
